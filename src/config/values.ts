import * as z from "zod";
import { firmGuards, overridableGuards, type Protected, protectableKinds } from "../change/guards/names.ts";
import { pricesOf } from "../gateway/prices.ts";

/* What the text of a setting may be. What is refused says so without the text: it may be a secret in the wrong place. */

export const guid = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
// Name rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
const serviceName = "[a-zA-Z](?:[a-zA-Z0-9-]{0,48}[a-zA-Z0-9])?";
export const groupName = "[\\p{L}\\p{N}_.()-]{0,89}[\\p{L}\\p{N}_()-]";
export const serviceNamePattern = new RegExp(`^${serviceName}$`);
export const resourceIdPattern = new RegExp(
  `^/subscriptions/${guid}/resourceGroups/${groupName}/providers/Microsoft\\.ApiManagement/service/${serviceName}$`,
  "iu",
);

/**
 * Where a token is sent: https to any host, http to a loopback address only, and an origin alone (or with the one path
 * that belongs to the API), so that nothing in the URL can lead the token elsewhere.
 */
export const endpoint = (path: "" | "/v1") =>
  z
    .string()
    .transform((text, context) => {
      const refused = endpointProblem(text, path);
      if (refused === null) return `${new URL(text).origin}${path}`;
      context.addIssue({ code: "custom", message: refused });
      return z.NEVER;
    })
    .optional();

function endpointProblem(text: string, path: string): string | null {
  if (!URL.canParse(text)) return "is not a URL";
  const { protocol, username, password, hostname } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") return "must be an https URL";
  if (username !== "" || password !== "") return "must not hold a user name or password";
  const [, given] = /^https?:\/\/[^/?#\\\s]+(.*)$/i.exec(text) ?? [];
  if (given !== "" && given !== "/" && given !== path) return "must be an origin such as https://host:port, without a path";
  if (protocol === "https:" || isLoopback(hostname)) return null;
  return "must be https: a token is sent there, and http is allowed on a loopback address only";
}

const isLoopback = (hostname: string): boolean => ["127.0.0.1", "[::1]", "localhost"].includes(hostname);

/** What stands between commas. */
export const list = z.string().transform((text) =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== ""),
);

export const guards = list.pipe(
  z.array(
    z.enum(overridableGuards, {
      error: `must be names of guards, separated by commas: ${overridableGuards.join(", ")} (never ${firmGuards.join(" or ")})`,
    }),
  ),
);

/** Ids have none of these characters: https://learn.microsoft.com/rest/api/apimanagement/apis/create-or-update#uri-parameters */
export const protectedThing = z.string().transform((text, context): Protected => {
  const [, given = "", name = ""] = /^([a-z]+):([^*#&+:<>?/\s]+)$/i.exec(text) ?? [];
  const kind = protectableKinds.find((known) => known === given.toLowerCase());
  if (kind !== undefined) return { kind, name };
  const kinds = protectableKinds.map((known) => `${known}:ID`).join(", ");
  context.addIssue({ code: "custom", message: `must be what is to be protected, separated by commas, each as one of ${kinds}` });
  return z.NEVER;
});

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A plan's time in milliseconds, from an ISO 8601 duration of days, hours, minutes and seconds. */
export const planTtl = z
  .string()
  .default("PT30M")
  .transform((text, context) => {
    const milliseconds = durationMs(text);
    if (milliseconds !== null && milliseconds >= minuteMs && milliseconds <= dayMs) return milliseconds;
    context.addIssue({ code: "custom", message: "must be an ISO 8601 duration from PT1M to P1D" });
    return z.NEVER;
  });

/** Null for what is no duration of days, hours, minutes and seconds; https://www.rfc-editor.org/rfc/rfc3339#appendix-A */
function durationMs(text: string): number | null {
  const [whole, ...amounts] = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = amounts.map((amount) => Number(amount ?? 0));
  return days * dayMs + (hours * 60 + minutes) * minuteMs + seconds * 1000;
}

export const prices = z
  .string()
  .transform((text, context) => {
    const given = pricesOf(text);
    if (given !== null) return given;
    context.addIssue({ code: "custom", message: 'must be MODEL=IN/OUT,... or JSON with {"MODEL": {"in": N, "out": N}}' });
    return z.NEVER;
  })
  .optional();

export const onOff = () => z.stringbool({ error: "must be true or false" }).default(false);

export const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, { error: `must be one of ${words.join(", ")}` }).optional();
