import type { DocumentId, ListedDocument } from "../gateway/documents.ts";
import { fragmentDocumentId, policyDocumentId, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { attribute, childElements, type Element, namedValuesIn, type PolicyDocument, parse, positionAt } from "../policy/document.ts";

export type Section = "inbound" | "backend";

/** Whose policies a call meets besides those of its API and the global one. */
export interface CallContext {
  readonly operationId: string | null;
  readonly productId: string | null;
}

/** A place in a policy document or fragment. */
export interface Place {
  readonly document: DocumentId;
  readonly line: number;
}

/** One policy as it runs: an element, and where it comes from. */
export interface Step {
  readonly element: Element;
  readonly place: Place;
  /** How broad the scope is whose document put it there; the operation's is 0. */
  readonly breadth: number;
  /** Steps inside of it, `<base />` and fragments expanded. */
  readonly children: () => readonly Step[];
}

/** What runs for a call to an API, section by section. */
export interface Steps {
  readonly inbound: readonly Step[];
  readonly backend: readonly Step[];
}

/** Reads policies of one inventory; parses each document once. */
export interface StepReader {
  steps(apiId: string, context: CallContext): Steps;
  /** The value with named values put in; `missing` are those that do not exist or are secret. */
  resolve(text: string): { readonly text: string; readonly missing: readonly string[] };
}

export function stepReader(inventory: Inventory): StepReader {
  const parsed = new Map<DocumentId, PolicyDocument>();
  const parseOnce = (document: ListedDocument): PolicyDocument => {
    const known = parsed.get(document.id) ?? parse(policyText(document));
    parsed.set(document.id, known);
    return known;
  };
  const resolve = (text: string) => substitute(inventory.namedValues, text);
  return {
    resolve,
    steps(apiId, { operationId, productId }) {
      const scopes = [
        ...(operationId === null ? [] : [policyDocumentId({ kind: "operation", apiId, operationId })]),
        policyDocumentId({ kind: "api", apiId }),
        ...(productId === null ? [] : [policyDocumentId({ kind: "product", productId })]),
        policyDocumentId({ kind: "global" }),
      ].flatMap((id) => inventory.policies.get(id) ?? []);
      const expand = (parent: Element, source: ListedDocument, section: Section, breadth: number): readonly Step[] =>
        childElements(parent).flatMap((element) => {
          if (element.name === "base") return sectionOf(section, breadth + 1);
          if (element.name === "include-fragment")
            return fragmentOf(resolve(attribute(element, "fragment-id") ?? "").text, source, section, breadth);
          const { line } = positionAt(parseOnce(source).source, element.span.start);
          return [{ element, place: { document: source.id, line }, breadth, children: () => expand(element, source, section, breadth) }];
        });
      const fragmentOf = (fragmentId: string, includedBy: ListedDocument, section: Section, breadth: number): readonly Step[] => {
        const id = fragmentDocumentId(fragmentId);
        const fragment = inventory.fragments.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase());
        // Fragments cannot include fragments (https://learn.microsoft.com/azure/api-management/policy-fragments).
        if (fragment === undefined || inventory.fragments.includes(includedBy)) return [];
        const { root } = parseOnce(fragment);
        return root === null ? [] : expand(root, fragment, section, breadth);
      };
      // Assumed: a scope without the section inherits it, as policies in production that omit <backend> and still forward suggest.
      const sectionOf = (section: Section, breadth: number): readonly Step[] => {
        const source = scopes[breadth];
        if (source === undefined) return [];
        const { root } = parseOnce(source);
        const [element] = root === null ? [] : childElements(root, section);
        return element === undefined ? sectionOf(section, breadth + 1) : expand(element, source, section, breadth);
      };
      return { inbound: sectionOf("inbound", 0), backend: sectionOf("backend", 0) };
    },
  };
}

/** A policy refers to a named value by its display name (https://learn.microsoft.com/azure/api-management/api-management-howto-properties). */
function substitute(namedValues: readonly ListedDocument[], text: string): { readonly text: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  let resolved = text;
  for (const name of namedValuesIn(text)) {
    const value = namedValues.find(({ properties }) => properties.displayName === name)?.properties.value;
    if (typeof value === "string") resolved = resolved.replaceAll(`{{${name}}}`, () => value);
    else missing.push(name);
  }
  return { text: resolved, missing };
}

/** The steps and all that is inside of them, in the order of the policies. */
export function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    yield* allSteps(step.children());
  }
}
