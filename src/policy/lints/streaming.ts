import { descendants, type Element } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import type { Place } from "../rules/place.ts";
import { expressionsOf, inSection, isConditional, literal, policiesNamed, type Subject } from "./subject.ts";

const caches = ["cache-store", "llm-semantic-cache-lookup", "llm-semantic-cache-store"];

export function cacheWithStreaming({ places }: Subject): readonly Finding[] {
  if (!alwaysStreams(places)) return none;
  return policiesNamed(places, ...caches)
    .filter(({ element }) => !isConditional(element))
    .map(({ element }) =>
      warning(
        element,
        `<${element.name}> does not go together with streaming, which <forward-request buffer-response="false"> turns on.`,
        "Leave the cache out, or put it into a <choose> for calls that do not stream.",
      ),
    );
}

/** Policies of outbound that work on the whole body of the response. */
const bodyPolicies = ["validate-content", "find-and-replace", "json-to-xml", "xml-to-json", "xsl-transform", "set-body"];

/** An expression that reads the body, and does not look at the status or the kind of the response first. */
const bodyRead = /\bcontext\s*\.\s*Response\s*\??\s*\.\s*Body\b/;
const looksFirst = /\bStatusCode\b|\bstream|event-stream/i;

/** A body that is read is held back until it is whole; only what runs for every call is certain to do so. */
export function bodyWithStreaming({ places }: Subject): readonly Finding[] {
  if (!alwaysStreams(places)) return none;
  const outbound = places.find(({ element, parent }) => parent?.parent === null && element.name === "outbound");
  const policies = policiesNamed(inSection(places, "outbound"), ...bodyPolicies).map(({ element }) => element);
  const readers = [...(outbound === undefined ? [] : descendants(outbound.element)), ...retriesOf(places)].filter(readsBody);
  return [...new Set([...policies, ...readers])]
    .filter((element) => !isConditional(element))
    .map((element) =>
      warning(
        element,
        `<${element.name}> works on the whole body of the response, and so holds back what <forward-request buffer-response="false"> would stream.`,
        "Remove it, or put it into a <choose> for calls that do not stream.",
      ),
    );
}

function retriesOf(places: readonly Place[]): readonly Element[] {
  return policiesNamed(places, "retry").map(({ element }) => element);
}

const readsBody = (element: Element): boolean => expressionsOf(element).some((text) => bodyRead.test(text) && !looksFirst.test(text));

/** Whether every call of the document streams: `buffer-response` is false where no condition is around it. */
function alwaysStreams(places: readonly Place[]): boolean {
  return policiesNamed(places, "forward-request").some(
    (place) => literal(place, "buffer-response") === "false" && !isConditional(place.element),
  );
}
