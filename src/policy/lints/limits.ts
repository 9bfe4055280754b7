import { attribute, attributeNode } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import type { Place } from "../rules/place.ts";
import { expressionsOf, inSection, literal, policiesNamed, type Subject } from "./subject.ts";

const keyed = ["llm-token-limit", "rate-limit-by-key", "quota-by-key"];

/** A name by which someone says that the limit is meant for all callers together. */
const saidToBeShared = /global|shared|total/i;

export function literalCounterKey({ places }: Subject): readonly Finding[] {
  return policiesNamed(places, ...keyed)
    .filter((place) => {
      const key = literal(place, "counter-key") ?? "";
      return key !== "" && !saidToBeShared.test(key);
    })
    .map(({ element }) =>
      warning(
        element,
        "counter-key is the same for every call, so that all callers use up one limit.",
        'Write counter-key="@(context.Subscription.Id)", or what else tells callers apart.',
      ),
    );
}

/** One key of one policy has one counter, however many scopes count with it. */
export function sharedCounterKey({ places, others }: Subject): readonly Finding[] {
  return policiesNamed(places, ...keyed).flatMap((place) => {
    const counter = counterOf(place);
    const other = others.find((candidate) => policiesNamed(candidate.places, ...keyed).some((limit) => counterOf(limit) === counter));
    if (counter === null || other === undefined) return none;
    const message = `The ${other.title} counts with the same counter-key: both limits share one counter, and each call may count twice.`;
    return [warning(place.element, message, `Give it a key of its own, e.g. @(context.Subscription.Id + "-" + context.Api.Id).`)];
  });
}

function counterOf({ element, policy }: Place): string | null {
  const key = attribute(element, "counter-key")?.replace(/\s+/g, "");
  return key === undefined || key === "" || key.includes("{{") ? null : `${policy?.name} ${key}`;
}

/** A spent token quota answers with 403, one above its tokens per minute with 429. */
export function quotaTakenForRateLimit({ places }: Subject): readonly Finding[] {
  const hasQuota = policiesNamed(places, "llm-token-limit").some(({ element }) => attributeNode(element, "token-quota") !== undefined);
  if (!hasQuota) return none;
  const onError = inSection(places, "on-error").map(({ element }) => ({ element, expressions: expressionsOf(element) }));
  if (onError.some(({ expressions }) => expressions.some((text) => /\b403\b|TokenQuota/.test(text)))) return none;
  return onError
    .filter(({ element, expressions }) => element.name === "when" && expressions.some((text) => /StatusCode\s*==\s*429\b/.test(text)))
    .map(({ element }) =>
      warning(
        element,
        "A spent token quota answers with 403, not with 429, and so does not come here.",
        "Test for 403, too: context.Response.StatusCode == 429 || context.Response.StatusCode == 403.",
      ),
    );
}
