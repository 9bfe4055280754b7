import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  ErrorCode as ProtocolCode,
  type ReadResourceResult,
} from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { type ErrorCode, GatewayError } from "../errors.ts";
import type { Resources, ResourceTemplate } from "../resource.ts";
import type { ReadContext } from "../tool.ts";
import { type ClientInfo, openTrail } from "./audit.ts";
import { failureOf, type Surface } from "./call.ts";
import { invalid, refusal } from "./prompts.ts";
import { type Outcome, success } from "./result.ts";
import { sanitize, visible } from "./sanitize.ts";

/** https://modelcontextprotocol.io/specification/2025-11-25/server/resources#error-handling */
const notFound = -32_002;

const codes: Readonly<Partial<Record<ErrorCode, number>>> = { not_found: notFound, invalid_input: ProtocolCode.InvalidParams };

const pageSize = 100;

const listed = z.looseObject({
  cursor: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
});

/**
 * What is the same for every service comes first, at once: clients list resources when they start, and none of them is to wait for Azure or to need
 * it. What the service has comes on the pages behind. Where that cannot be read there is nothing to list.
 */
export async function listResources(
  { references, templates }: Resources,
  params: unknown,
  read: () => Promise<ReadContext>,
): Promise<ListResourcesResult> {
  const request = listed.safeParse(params ?? {});
  if (!request.success) throw invalid("The cursor is none of ours: list again without it.");
  const { cursor } = request.data;
  if (cursor === undefined) {
    return { resources: references.map(({ text: _, ...shown }) => shown), ...(templates.length === 0 ? {} : { nextCursor: "0" }) };
  }
  const all = await unlessRefused(async () => {
    const context = await read();
    return (
      await Promise.all(templates.map(async (template) => (await template.known(context)).map((value) => entry(template, visible(value)))))
    ).flat();
  });
  const from = Number(cursor);
  return {
    resources: all.slice(from, from + pageSize),
    ...(all.length > from + pageSize ? { nextCursor: String(from + pageSize) } : {}),
  };
}

const unlessRefused = async <T>(reading: () => Promise<readonly T[]>): Promise<readonly T[]> => {
  try {
    return await reading();
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
};

const entry = (template: ResourceTemplate, value: string) => ({
  uri: `${prefixOf(template)}${encodeURIComponent(value).replaceAll("%3A", ":")}`,
  name: value,
  title: `${template.title}: ${value}`,
  mimeType: template.mimeType,
});

const prefixOf = ({ uriTemplate }: ResourceTemplate): string => uriTemplate.replace(/\{\w+\}$/, "");

export const listTemplates = ({ templates }: Resources): ListResourceTemplatesResult => ({
  resourceTemplates: templates.map(({ uriTemplate, name, title, description, mimeType }) => ({
    uriTemplate,
    name,
    title,
    description,
    mimeType,
  })),
});

const asked = z.looseObject({ uri: z.string() });

interface Reading {
  readonly signal: AbortSignal;
  readonly client: ClientInfo;
}

/** A resource's text. Throws "resource not found", and what else goes wrong in the words of a tool's error. */
export async function readResource(
  surface: Surface,
  { references, templates }: Resources,
  params: unknown,
  reading: Reading,
): Promise<ReadResourceResult> {
  const request = asked.safeParse(params);
  if (!request.success) throw invalid("A resource is read by its uri.");
  const { uri } = request.data;
  const reference = references.find((candidate) => candidate.uri === uri);
  if (reference !== undefined) return contents(uri, reference.mimeType, await reference.text());
  const template = templates.find((candidate) => uri.startsWith(prefixOf(candidate)));
  const value = template === undefined ? "" : decoded(uri.slice(prefixOf(template).length));
  if (template === undefined || value === "") throw refusal(notFound, `There is no resource '${visible(uri)}'.`);
  return contents(uri, template.mimeType, await readOfService(surface, template, value, uri, reading));
}

/** What the service has; the audit has its line of it, as of a tool's call. */
async function readOfService(
  surface: Surface,
  template: ResourceTemplate,
  value: string,
  uri: string,
  { signal, client }: Reading,
): Promise<string> {
  const trail = openTrail();
  const audit = (outcome: Outcome) =>
    surface.audit.write(trail.line({ client, caller: surface.caller, tool: `resources/read ${uri}` }, outcome));
  trail.effect("read");
  try {
    const { read } = await surface.contexts({ signal, trail });
    trail.service(read.service);
    const text = await template.text(read, value);
    await audit(success({}, () => ""));
    return text;
  } catch (error) {
    const outcome = failureOf(surface, "resources/read", error, signal);
    await audit(outcome);
    const code = outcome.ok ? undefined : codes[outcome.failure.code];
    throw refusal(code ?? ProtocolCode.InternalError, outcome.text);
  }
}

/** Nothing for what is no percent-encoded text. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

const contents = (uri: string, mimeType: string, text: string): ReadResourceResult => ({
  contents: [{ uri, mimeType, text: sanitize(text) }],
});
