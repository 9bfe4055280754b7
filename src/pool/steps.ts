import { type DocumentId, fragmentDocumentId, type ListedDocument, policyDocumentId, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { attribute, childElements, type Element, type PolicyDocument, parse, positionAt } from "../policy/document.ts";
import { readableNamedValues, type Substituted, substitute } from "../policy/named-values.ts";

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
  /** The document that the element stands in, and its tree. */
  readonly document: DocumentId;
  readonly policy: PolicyDocument;
  /** How broad the scope is that put it there: a larger number is inherited by a smaller one. */
  readonly breadth: number;
  /** The steps inside of it. */
  readonly children: () => readonly Step[];
}

/** The policies of a call as they run, `<base />` and fragments put in. */
export interface Steps {
  readonly inbound: readonly Step[];
  readonly backend: readonly Step[];
}

/** Reads the policies of one inventory; parses each document once. */
export interface StepReader {
  steps(apiId: string, context: CallContext): Steps;
  resolve(text: string): Substituted;
}

export function stepReader({ policies, fragments, namedValues }: Inventory): StepReader {
  const trees = new Map<DocumentId, PolicyDocument>();
  const tree = (document: ListedDocument): PolicyDocument => {
    const known = trees.get(document.id) ?? parse(policyText(document));
    trees.set(document.id, known);
    return known;
  };
  const values = readableNamedValues(namedValues);
  const resolve = (text: string) => substitute(text, values);
  return {
    resolve,
    steps(apiId, { operationId, productId }) {
      const scopes = [
        ...(operationId === null ? [] : [policyDocumentId({ kind: "operation", apiId, operationId })]),
        policyDocumentId({ kind: "api", apiId }),
        ...(productId === null ? [] : [policyDocumentId({ kind: "product", productId })]),
        policyDocumentId({ kind: "global" }),
      ].flatMap((id) => policies.get(id) ?? []);
      const chain = { scopes, fragments, tree, resolve };
      return { inbound: sectionSteps(chain, "inbound", 0), backend: sectionSteps(chain, "backend", 0) };
    },
  };
}

/** The documents that apply to a call, the narrowest scope first, and what they refer to. */
interface Chain {
  readonly scopes: readonly ListedDocument[];
  readonly fragments: readonly ListedDocument[];
  readonly tree: (document: ListedDocument) => PolicyDocument;
  readonly resolve: (text: string) => Substituted;
}

type Section = keyof Steps;

/** Assumed: a scope without the section inherits it; policies in production omit `<backend>` and still forward. */
function sectionSteps(chain: Chain, section: Section, breadth: number): readonly Step[] {
  const source = chain.scopes[breadth];
  if (source === undefined) return [];
  const { root } = chain.tree(source);
  const [element] = root === null ? [] : childElements(root, section);
  return element === undefined ? sectionSteps(chain, section, breadth + 1) : childSteps(chain, element, { source, section, breadth });
}

interface Position {
  readonly source: ListedDocument;
  readonly section: Section;
  readonly breadth: number;
}

function childSteps(chain: Chain, parent: Element, at: Position): readonly Step[] {
  const policy = chain.tree(at.source);
  return childElements(parent).flatMap((element) => {
    if (element.name === "base") return sectionSteps(chain, at.section, at.breadth + 1);
    if (element.name === "include-fragment") return fragmentSteps(chain, element, at);
    return [{ element, document: at.source.id, policy, breadth: at.breadth, children: () => childSteps(chain, element, at) }];
  });
}

function fragmentSteps(chain: Chain, include: Element, at: Position): readonly Step[] {
  const id = fragmentDocumentId(chain.resolve(attribute(include, "fragment-id") ?? "").text);
  const fragment = chain.fragments.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase());
  // A fragment cannot include another one: https://learn.microsoft.com/azure/api-management/policy-fragments
  if (fragment === undefined || chain.fragments.includes(at.source)) return [];
  const { root } = chain.tree(fragment);
  return root === null ? [] : childSteps(chain, root, { ...at, source: fragment });
}

export const placeOf = ({ element, document, policy }: Step): Place => ({
  document,
  line: positionAt(policy.source, element.span.start).line,
});

/** The steps and all that is inside of them, in the order of the policies. */
export function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    yield* allSteps(step.children());
  }
}
