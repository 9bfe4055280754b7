import { documentKind, documentTitle, type JsonObject, policyScopeOf, policyText } from "../../gateway/documents.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { type Section, sections } from "../../policy/catalogue.ts";
import { childElements, descendants, type Element, parse } from "../../policy/document.ts";
import { type Guard, judgeEach } from "./guard.ts";

export const policyInvalid: Guard = {
  name: "policy_invalid",
  passed: "The policy is well-formed and its sections are right.",
  objections: ({ policyErrors }) => judgeEach(policyErrors && [policyErrors], countErrors),
};

/** The tool's answer has all of them; a guard names the first. */
const countErrors = ([first, ...others]: readonly string[]): readonly string[] =>
  first === undefined ? [] : [others.length === 0 ? first : `${others.length + 1} errors, the first: ${first}`];

/** https://learn.microsoft.com/azure/api-management/service-limits; Assumed: counted in bytes of UTF-8. */
const largestPolicy = 256 * 1024;

export const tooLarge: Guard = {
  name: "too_large",
  passed: `No policy is larger than ${largestPolicy / 1024} KiB.`,
  objections: ({ documents }) =>
    judgeEach(
      documents.filter(({ id, after }) => documentKind(id) === "policy" && after !== null),
      ({ id, after }) => {
        const size = new TextEncoder().encode(after === null ? "" : policyText({ id, properties: after })).length;
        return size > largestPolicy ? [`${documentTitle(id)} has ${size} bytes; API Management takes ${largestPolicy}.`] : [];
      },
    ),
};

/**
 * A section that inherits the policies of the scopes above goes on inheriting them. Assumed: a section that is not there inherits, as one with
 * `<base />` does; Microsoft does not say it, and policies in production omit `<backend>` and still forward. So leaving a section out loses
 * nothing of what is above, and a section that is there without `<base />` does.
 */
export const baseRemoved: Guard = {
  name: "base_removed",
  passed: "No <base /> is removed.",
  objections: ({ documents }) => judgeEach(documents.filter(inherits), removedBases),
  remarks: ({ documents }) => documents.flatMap(leftOutSections),
};

/** Whether a document stands below another scope and goes on existing: a deleted one inherits everything. */
function inherits({ id, after }: ProposedDocument): boolean {
  // A revision's are those of the API that it is made of, as they are.
  if (/^apis\/[^/]+;rev=\d+\//.test(id)) return false;
  const scope = policyScopeOf(id);
  return scope !== null && scope.kind !== "global" && after !== null;
}

function removedBases({ id, before, after }: ProposedDocument): readonly string[] {
  const had = sectionElements(before?.properties ?? null);
  const next = sectionElements(after);
  return sections
    .filter((name) => had[name].every(hasBase) && !next[name].every(keepsParent))
    .map((name) => `${documentTitle(id)}: without <base /> in <${name}> the policies of the scopes above no longer apply there.`);
}

/** Sections that have policies of their own and would not be there any more. */
function leftOutSections({ id, before, after }: ProposedDocument): readonly string[] {
  if (policyScopeOf(id) === null || after === null) return [];
  const had = sectionElements(before?.properties ?? null);
  const next = sectionElements(after);
  const inherited = policyScopeOf(id)?.kind === "global" ? "" : "; what the scopes above say there is assumed to go on applying";
  return sections
    .filter((name) => next[name].length === 0 && had[name].some(hasOwn))
    .map((name) => `${documentTitle(id)}: <${name}> goes, with the policies in it${inherited}.`);
}

/** The elements of each section: none where it is left out, and one in any document that the service takes. */
function sectionElements(properties: JsonObject | null): Readonly<Record<Section, readonly Element[]>> {
  const root = typeof properties?.value === "string" ? parse(properties.value).root : null;
  const named = (name: Section): readonly Element[] => (root === null ? [] : childElements(root, name));
  return { inbound: named("inbound"), backend: named("backend"), outbound: named("outbound"), "on-error": named("on-error") };
}

const hasOwn = (section: Element): boolean => childElements(section).some(({ name }) => name !== "base");

const holds = (section: Element, name: string): boolean => [...descendants(section)].some((element) => element.name === name);

/** At any depth: a `<base />` inside of `choose` counts. */
const hasBase = (section: Element): boolean => holds(section, "base");

/**
 * A `<backend>` that forwards by itself stands in for what is above: a retry can only be put around the call there
 * (https://learn.microsoft.com/azure/api-management/retry-policy).
 */
const keepsParent = (section: Element): boolean => hasBase(section) || (section.name === "backend" && holds(section, "forward-request"));
