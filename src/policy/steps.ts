import { GatewayError } from "../errors.ts";
import {
  type DocumentId,
  fragmentDocumentId,
  type ListedDocument,
  policyDocumentId,
  policyText,
  workspaceOf,
} from "../gateway/documents.ts";
import type { PolicyTexts } from "../gateway/inventory.ts";
import { containsPolicies, type Section } from "./catalogue.ts";
import { attribute, childElements, type Element, type PolicyDocument, type Position, parse, positionsIn } from "./document.ts";
import { type NamedValues, readableNamedValues, resolved, type Substituted, substitute } from "./named-values.ts";

/** Whose policies a call meets besides the global one. A product's apply only to calls with a subscription of that product. */
export interface CallPath {
  /** The workspace that both the API and the product are in; left out for those of the service itself. */
  readonly workspaceId?: string | undefined;
  readonly apiId: string | null;
  /** Of the API. */
  readonly operationId: string | null;
  readonly productId: string | null;
}

/**
 * The policy documents of a call's scopes, the narrowest first, whether they exist or not
 * (https://learn.microsoft.com/azure/api-management/api-management-howto-policies#scopes). The global policy runs for the APIs of
 * workspaces too (https://learn.microsoft.com/azure/api-management/workspaces-overview#global-policy-inheritance-in-workspace-gateways).
 */
export function policyChain({ workspaceId, apiId, operationId, productId }: CallPath): readonly DocumentId[] {
  return [
    ...(apiId === null || operationId === null ? [] : [policyDocumentId({ kind: "operation", workspaceId, apiId, operationId })]),
    ...(apiId === null ? [] : [policyDocumentId({ kind: "api", workspaceId, apiId })]),
    ...(productId === null ? [] : [policyDocumentId({ kind: "product", workspaceId, productId })]),
    ...(workspaceId === undefined ? [] : [policyDocumentId({ kind: "workspace", workspaceId })]),
    policyDocumentId({ kind: "global" }),
  ];
}

/** A place in a policy document or fragment. */
export interface Place {
  readonly document: DocumentId;
  /** From 1. */
  readonly line: number;
}

/** One policy as it runs: an element, and where it comes from. */
export interface Step {
  readonly element: Element;
  readonly place: Place;
  /** The tree of the document that the element stands in. */
  readonly policy: PolicyDocument;
  /** Index in the chain of the scope that put it there: a larger one is inherited by a smaller one. */
  readonly breadth: number;
  /** The `include-fragment` that put it there; null outside of fragments. */
  readonly includedAt: Place | null;
  /** The steps inside of it. */
  readonly children: () => readonly Step[];
}

/** The policies of a call as they run, section by section. */
export type Steps = Readonly<Record<Section, readonly Step[]>>;

/** Merges the policies of one inventory; reads each document once and merges each chain once. */
export interface StepReader {
  /** Those of the service itself. */
  readonly namedValues: NamedValues;
  /**
   * The steps of a chain of documents, the narrowest scope first, `<base />` and fragments put in. Where a fragment does not exist, its
   * `include-fragment` stays as a step. Throws `unsupported` where there are more steps than any real gateway has, also while they are walked.
   */
  steps(chain: readonly DocumentId[]): Steps;
  /** A text of this document with its named values put in; of one of the service itself where it is left out. */
  resolve(text: string, document?: DocumentId): Substituted;
}

export function stepReader({ policies, fragments, namedValues }: PolicyTexts): StepReader {
  const source = sourceReader([...fragments, ...policies.values()]);
  const valuesIn = namedValuesByLevel(namedValues);
  const merged = new Map<string, Steps>();
  return {
    namedValues: valuesIn(undefined),
    resolve: (text, document) => substitute(text, valuesIn(document === undefined ? undefined : workspaceOf(document))),
    steps(chain) {
      const key = chain.join("\n");
      const steps = merged.get(key) ?? mergedSections({ chain, source, valuesIn, made: { steps: 0 } });
      merged.set(key, steps);
      return steps;
    },
  };
}

type NamedValuesIn = (workspaceId: string | undefined) => NamedValues;

/**
 * The named values that documents of a workspace, or of the service itself, may refer to: their own. A workspace's policies see neither
 * named values nor anything else by name of the service or of another workspace
 * (https://learn.microsoft.com/azure/api-management/workspaces-overview#workspaces-and-other-api-management-features).
 */
function namedValuesByLevel(documents: readonly ListedDocument[]): NamedValuesIn {
  const levelOf = (workspaceId: string | undefined): string => workspaceId?.toLowerCase() ?? "";
  const known = new Map<string, NamedValues>();
  return (workspaceId) => {
    const level = levelOf(workspaceId);
    const values = known.get(level) ?? readableNamedValues(documents.filter(({ id }) => levelOf(workspaceOf(id)) === level));
    known.set(level, values);
    return values;
  };
}

/** A document, read. */
interface Source {
  readonly id: DocumentId;
  readonly policy: PolicyDocument;
  readonly position: (offset: number) => Position;
}

type SourceReader = (id: DocumentId) => Source | null;

function sourceReader(documents: readonly ListedDocument[]): SourceReader {
  // ARM's names are not case-sensitive, and a subscription's scope may spell its product another way than the product's own id.
  const known = new Map(documents.map((document) => [document.id.toLowerCase(), document]));
  const read = new Map<ListedDocument, Source>();
  return (id) => {
    const document = known.get(id.toLowerCase());
    if (document === undefined) return null;
    const source = read.get(document) ?? readSource(document);
    read.set(document, source);
    return source;
  };
}

function readSource(document: ListedDocument): Source {
  const policy = parse(policyText(document));
  return { id: document.id, policy, position: positionsIn(policy.source) };
}

interface Merge {
  readonly chain: readonly DocumentId[];
  readonly source: SourceReader;
  readonly valuesIn: NamedValuesIn;
  /** Counts over the whole chain: repeated `<base />` and fragments multiply one another. */
  readonly made: { steps: number };
}

/** Policies nested more deeply than any real document are not followed. */
const deepest = 250;
const mostSteps = 100_000;

function mergedSections(merge: Merge): Steps {
  const steps = (section: Section): readonly Step[] => sectionSteps(merge, section, 0, 0);
  return { inbound: steps("inbound"), backend: steps("backend"), outbound: steps("outbound"), "on-error": steps("on-error") };
}

/** Assumed: a scope without the section inherits it, as one without a document does; policies in production omit `<backend>` and still forward. */
function sectionSteps(merge: Merge, section: Section, breadth: number, depth: number): readonly Step[] {
  const id = merge.chain[breadth];
  if (id === undefined) return [];
  const source = merge.source(id);
  const root = source?.policy.root ?? null;
  const [element] = root === null ? [] : childElements(root, section);
  if (source === null || element === undefined) return sectionSteps(merge, section, breadth + 1, depth);
  return childSteps(merge, element, { source, section, breadth, depth, includedAt: null });
}

/** Where a merge stands. */
interface Standing {
  readonly source: Source;
  readonly section: Section;
  readonly breadth: number;
  readonly depth: number;
  readonly includedAt: Place | null;
}

function childSteps(merge: Merge, parent: Element, at: Standing): readonly Step[] {
  if (at.depth > deepest) return [];
  return childElements(parent).flatMap((element) => (holdsPolicies(parent) ? policySteps(merge, element, at) : [step(merge, element, at)]));
}

/** Whether what stands in an element are policies: a section, a fragment, or a policy that holds others. */
export function holdsPolicies({ name, parent }: Element): boolean {
  if (parent === null) return name === "fragment";
  return containsPolicies(name) || (parent.parent === null && parent.name !== "fragment");
}

/** What runs in the place of a policy. A fragment has no `<base />` and includes no other fragment. */
function policySteps(merge: Merge, element: Element, at: Standing): readonly Step[] {
  if (at.includedAt === null && element.name === "base") return sectionSteps(merge, at.section, at.breadth + 1, at.depth + 1);
  const fragment = at.includedAt === null && element.name === "include-fragment" ? fragmentOf(merge, at.source, element) : null;
  if (fragment?.policy.root == null) return [step(merge, element, at)];
  return childSteps(merge, fragment.policy.root, { ...at, source: fragment, depth: at.depth + 1, includedAt: placeIn(at.source, element) });
}

/** The fragment that a document includes: one of the same workspace, or of the service itself. */
function fragmentOf({ source, valuesIn }: Merge, { id }: Source, include: Element): Source | null {
  const workspaceId = workspaceOf(id);
  const name = resolved(attribute(include, "fragment-id") ?? "", valuesIn(workspaceId));
  return name === null ? null : source(fragmentDocumentId(name, workspaceId));
}

function step(merge: Merge, element: Element, at: Standing): Step {
  merge.made.steps++;
  if (merge.made.steps > mostSteps) throw tooMany(merge);
  let children: readonly Step[] | null = null;
  return {
    element,
    place: placeIn(at.source, element),
    policy: at.source.policy,
    breadth: at.breadth,
    includedAt: at.includedAt,
    children: () => {
      children ??= childSteps(merge, element, { ...at, depth: at.depth + 1 });
      return children;
    },
  };
}

const placeIn = ({ id, position }: Source, element: Element): Place => ({ document: id, line: position(element.span.start).line });

function tooMany({ chain }: Merge): GatewayError {
  return new GatewayError("unsupported", `The policies of ${chain.join(", ")} come to more than ${mostSteps} elements once merged.`, {
    hint: "Look for <base /> or <include-fragment> that stand there many times.",
  });
}

/** The steps and all that is inside of them, in the order of the policies. */
export function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    yield* allSteps(step.children());
  }
}
