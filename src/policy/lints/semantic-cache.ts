import { childElements, type Element } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import type { Place } from "../rules/place.ts";
import { inSection, literal, policiesNamed, type Subject } from "./subject.ts";

const lookupName = "llm-semantic-cache-lookup";

/** Above it, answers to other questions come from the cache, says the page. */
const loosest = 0.2;
/**
 * From here on a distance makes no sense: whoever wrote it had a similarity in mind. Assumed: the distance is 1 - similarity; the page has
 * no formula.
 */
const similarity = 0.5;

export function looseThreshold({ places }: Subject): readonly Finding[] {
  return policiesNamed(places, lookupName).flatMap((place) => {
    const text = literal(place, "score-threshold");
    const threshold = Number(text);
    if (text === null || !(threshold > loosest && threshold <= 1)) return none;
    const rule = "The threshold is a distance, so a lower one is stricter";
    if (threshold < similarity) {
      const message = `score-threshold ${text} answers from the cache for prompts that are not alike. ${rule}; above ${loosest} mismatches are likely.`;
      return [warning(place.element, message, 'Start with score-threshold="0.05".')];
    }
    const distance = Number((1 - threshold).toFixed(4));
    const message = `score-threshold ${text} takes almost any prompt for a match. ${rule}: similarity ${text} is ${distance}.`;
    return [warning(place.element, message, `Write score-threshold="${distance > loosest || distance === 0 ? 0.05 : distance}".`)];
  });
}

export function withoutVaryBy({ places }: Subject): readonly Finding[] {
  return policiesNamed(places, lookupName)
    .filter(({ element }) => childElements(element, "vary-by").length === 0)
    .map(({ element }) =>
      warning(
        element,
        "Without <vary-by>, all callers share the cache: one may get the answer to another's prompt.",
        "Add <vary-by>@(context.Subscription.Id)</vary-by>, or what else tells callers apart.",
      ),
    );
}

/** The policies that read a cache, with those that fill it. */
const pairs = [
  { lookup: lookupName, store: "llm-semantic-cache-store" },
  { lookup: "cache-lookup", store: "cache-store" },
] as const;

export function lookupWithoutStore(subject: Subject): readonly Finding[] {
  return pairs.flatMap(({ lookup, store }) =>
    withoutCounterpart(subject, lookup, { name: store, section: "outbound" }, (element) =>
      warning(
        element,
        `No <${store}> in outbound: this document never puts anything into the cache.`,
        `Add <${store} duration="..." /> to outbound.`,
      ),
    ),
  );
}

export function storeWithoutLookup(subject: Subject): readonly Finding[] {
  return pairs.flatMap(({ lookup, store }) =>
    withoutCounterpart(subject, store, { name: lookup, section: "inbound" }, (element) =>
      warning(
        element,
        `No <${lookup}> in inbound: this document never reads what is stored.`,
        `Add <${lookup}> to inbound, or remove <${store}>.`,
      ),
    ),
  );
}

/** A fragment knows one half; so does a document whose other half is in a fragment that it includes. */
function withoutCounterpart(
  { form, places, others }: Subject,
  name: string,
  counterpart: { readonly name: string; readonly section: "inbound" | "outbound" },
  finding: (element: Element) => Finding,
): readonly Finding[] {
  if (form !== "policies") return none;
  const hasCounterpart = [places, ...others.map((other) => other.places)].some(
    (found) =>
      policiesNamed(found, counterpart.name).length > 0 ||
      policiesNamed(inSection(found, counterpart.section), "include-fragment").length > 0,
  );
  return hasCounterpart ? none : policiesNamed(places, name).map(({ element }) => finding(element));
}

const limits = ["rate-limit", "rate-limit-by-key", "llm-token-limit", "limit-concurrency"];

/** Where the cache is down, every call goes to the model. What `<base />` and fragments behind the lookup hold is not known. */
export function noLimitAfterLookup({ form, places }: Subject): readonly Finding[] {
  if (form !== "policies") return none;
  const inbound = inSection(places, "inbound");
  return policiesNamed(inbound, lookupName)
    .filter(({ element: { span } }) => !inbound.some((place) => place.element.span.start >= span.end && limitsOrMay(place)))
    .map(({ element }) =>
      warning(
        element,
        "No rate limit stands behind the lookup: while the cache is not available, every call goes to the model.",
        "Add <rate-limit-by-key> right behind the lookup.",
      ),
    );
}

function limitsOrMay(place: Place): boolean {
  return (
    place.element.name === "base" ||
    place.element.name === "include-fragment" ||
    (place.policy !== null && limits.includes(place.policy.name))
  );
}
