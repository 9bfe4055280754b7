import { attribute, childElements, descendants, type Element } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import type { Place } from "../rules/place.ts";
import { expressionsOf, isConditional, isInside, literal, policiesNamed, type Subject } from "./subject.ts";

/** Words that the gateway once said of a pool without a healthy member. */
const staleReason = /StatusReason\s*\??\s*\.\s*\w+\(\s*"[^"]*(?:Backend pool|is temporarily unavailable)/;

export function staleReasonTest({ places }: Subject): readonly Finding[] {
  return places
    .filter(({ element }) => expressionsOf(element).some((text) => staleReason.test(text)))
    .map(({ element }) =>
      warning(
        element,
        "StatusReason no longer has these words when a pool is without a healthy member, so the test tells nothing.",
        "Test the code alone, e.g. context.Response.StatusCode == 503.",
      ),
    );
}

/** A body that was sent once is gone, unless it was kept. */
export function unbufferedRetry({ places }: Subject): readonly Finding[] {
  return policiesNamed(places, "forward-request")
    .filter(({ element }) => isInside(element, "retry"))
    .filter((place) => attribute(place.element, "buffer-request-body") === undefined || isFalse(literal(place, "buffer-request-body")))
    .map(({ element }) =>
      warning(
        element,
        "The body of a request is sent once: without buffer-request-body a retry of a POST goes out without it, or fails.",
        'Add buffer-request-body="true".',
      ),
    );
}

const isFalse = (text: string | null): boolean => text === "false" || text === "0";

/** Each attempt takes the next member of the pool; there is nothing new to try once all had their turn. */
export function retryBeyondPool(subject: Subject): readonly Finding[] {
  const pool = largestPool(subject);
  if (pool === null) return none;
  return policiesNamed(subject.places, "retry")
    .filter(({ element }) => forwards(element))
    .flatMap((place) => {
      const count = Number(literal(place, "count") ?? Number.NaN);
      if (!(count > pool.size - 1)) return none;
      const message = `${count} retries, but the pool '${pool.name}' has ${pool.size} ${pool.size === 1 ? "member" : "members"}: some of them meet a backend that has just failed.`;
      return [warning(place.element, message, pool.size === 1 ? "Add a member to the pool." : `Write count="${pool.size - 1}".`)];
    });
}

const forwards = (element: Element): boolean => [...descendants(element)].some(({ name }) => name === "forward-request");

/** The largest pool that the document sends calls to; null where one of its backends is no pool, or not known. */
function largestPool({ places, poolSizes }: Subject): { readonly name: string; readonly size: number } | null {
  const pools = policiesNamed(places, "set-backend-service").map((place) => {
    const name = attribute(place.element, "base-url") === undefined ? literal(place, "backend-id") : null;
    const size = name === null ? undefined : poolSizes.get(name.toLowerCase());
    return name === null || size === undefined ? null : { name, size };
  });
  const known = pools.filter((pool) => pool !== null);
  return known.length < pools.length ? null : (known.toSorted((a, b) => b.size - a.size)[0] ?? null);
}

/** What calls something in `<backend>`, or may put such a policy there. */
const calling: ReadonlySet<string> = new Set([
  "base",
  "forward-request",
  "include-fragment",
  "invoke-dapr-binding",
  "invoke-request",
  "publish-to-dapr",
  "send-one-way-request",
  "send-request",
  "send-service-bus-message",
]);

const answering: ReadonlySet<string> = new Set(["mock-response", "return-response"]);

/** Whether the policy writes the answer of each call, so that no backend need be asked. */
const answers = ({ element, policy, section }: Place): boolean =>
  policy !== null && !isConditional(element) && (answering.has(policy.name) || (policy.name === "set-body" && section === "outbound"));

/** A backend section of one's own forwards the call, unless the policy answers each call itself. */
export function backendWithoutForward({ places, form }: Subject): readonly Finding[] {
  if (form !== "policies" || places.some(answers)) return none;
  return places
    .filter(({ element, parent }) => parent?.parent === null && element.name === "backend")
    .filter(({ element }) => ![...descendants(element)].some(({ name }) => calling.has(name) || answering.has(name)))
    .map(({ element }) =>
      warning(
        element,
        "Nothing in this section forwards the call, so no backend is ever reached.",
        childElements(element).length === 0 ? "Write <base /> into it." : 'Add <forward-request buffer-request-body="true" />.',
      ),
    );
}
