import { type DocumentId, documentTitle, fragmentDocumentId, type ListedDocument, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { containsPolicies } from "../policy/catalogue.ts";
import { attribute, childElements, type Element, type PolicyDocument, parse } from "../policy/document.ts";
import { type NamedValues, readableNamedValues, resolved } from "../policy/named-values.ts";
import { type CallFacts, decide } from "./condition.ts";
import { type WrittenLimit, writtenLimits } from "./limit-elements.ts";

/** A limit that a call meets, with what has to be true for that and cannot be decided beforehand. */
export interface MetLimit {
  readonly limit: WrittenLimit;
  readonly conditions: readonly string[];
  /** The scope of the policy, and the fragment where it stands in one. */
  readonly scope: string;
}

/** A document, read once. */
interface ReadDocument {
  readonly parsed: PolicyDocument;
  readonly limits: ReadonlyMap<Element, readonly WrittenLimit[]>;
}

/** The policy documents of one inventory, read when they are needed and only once. */
export interface PolicySources {
  readonly namedValues: NamedValues;
  readonly document: (id: DocumentId) => ReadDocument | null;
}

export function policySources(inventory: Inventory): PolicySources {
  const namedValues = readableNamedValues(inventory.namedValues);
  // ARM's names are not case-sensitive, and a subscription's scope may spell its product another way than the product's own id.
  const known = new Map<string, ListedDocument>(
    [...inventory.fragments, ...inventory.policies.values()].map((document) => [document.id.toLowerCase(), document]),
  );
  const read = new Map<string, ReadDocument | null>();
  const document = (id: DocumentId): ReadDocument | null => {
    const key = id.toLowerCase();
    const before = read.get(key);
    if (before !== undefined) return before;
    const found = known.get(key);
    const result = found === undefined ? null : readDocument(found, namedValues);
    read.set(key, result);
    return result;
  };
  return { namedValues, document };
}

function readDocument(document: ListedDocument, namedValues: NamedValues): ReadDocument {
  const parsed = parse(policyText(document));
  return { parsed, limits: writtenLimits(document.id, parsed, namedValues) };
}

/** One call's way through the policies; `chain` has the documents of its scopes, the narrowest first. */
interface Walk {
  readonly sources: PolicySources;
  readonly chain: readonly DocumentId[];
  readonly facts: CallFacts;
}

/** Where a walk stands: in which document of the chain, or in a fragment of it. */
interface Place {
  readonly index: number;
  readonly limits: ReadDocument["limits"];
  readonly scope: string;
  readonly inFragment: boolean;
  readonly depth: number;
}

/** Policies nested more deeply than any real document are not followed. */
const deepest = 100;

/**
 * The limits of the `inbound` sections that a call goes through: `<base />` leads to the broader scope, and a section without it leaves that
 * out (https://learn.microsoft.com/azure/api-management/set-edit-policies#configure-scope-of-policies).
 */
export function metLimits(sources: PolicySources, chain: readonly DocumentId[], facts: CallFacts): readonly MetLimit[] {
  return [...inScope({ sources, chain, facts }, 0, [], 0)];
}

function* inScope(walk: Walk, index: number, conditions: readonly string[], depth: number): Generator<MetLimit> {
  const id = walk.chain[index];
  if (id === undefined) return;
  const found = walk.sources.document(id);
  const inbound = found?.parsed.root === null || found === null ? undefined : childElements(found.parsed.root, "inbound")[0];
  // Assumed: a policy without the section inherits it, as one without a document does.
  if (found === null || inbound === undefined) yield* inScope(walk, index + 1, conditions, depth);
  else yield* inPolicies(walk, { index, limits: found.limits, scope: scopeOf(id), inFragment: false, depth }, inbound, conditions);
}

function* inPolicies(walk: Walk, place: Place, parent: Element, conditions: readonly string[]): Generator<MetLimit> {
  if (place.depth > deepest) return;
  const inner = { ...place, depth: place.depth + 1 };
  for (const element of childElements(parent)) {
    if (element.name === "base") {
      if (!place.inFragment) yield* inScope(walk, place.index + 1, conditions, inner.depth);
    } else if (element.name === "choose") yield* inChoose(walk, inner, element, conditions);
    else if (element.name === "include-fragment") yield* inFragment(walk, inner, element, conditions);
    else if (containsPolicies(element.name)) yield* inPolicies(walk, inner, element, conditions);
    else for (const limit of place.limits.get(element) ?? []) yield { limit, conditions: withCount(limit, conditions), scope: place.scope };
  }
}

function* inChoose(walk: Walk, place: Place, choose: Element, conditions: readonly string[]): Generator<MetLimit> {
  const passedOver: string[] = [];
  for (const branch of childElements(choose)) {
    const otherwise = passedOver.map((condition) => `not ${condition}`);
    if (branch.name === "otherwise") {
      yield* inPolicies(walk, place, branch, [...conditions, ...otherwise]);
      return;
    }
    if (branch.name !== "when") continue;
    const condition = attribute(branch, "condition") ?? "";
    const verdict = decide(resolved(condition, walk.sources.namedValues) ?? condition, walk.facts);
    if (verdict === "fails") return;
    if (verdict === false) continue;
    if (verdict === true) {
      yield* inPolicies(walk, place, branch, [...conditions, ...otherwise]);
      return;
    }
    yield* inPolicies(walk, place, branch, [...conditions, ...otherwise, condition]);
    passedOver.push(condition);
  }
}

function* inFragment(walk: Walk, place: Place, include: Element, conditions: readonly string[]): Generator<MetLimit> {
  const name = resolved(attribute(include, "fragment-id") ?? "", walk.sources.namedValues);
  const found = name === null || place.inFragment ? null : walk.sources.document(fragmentDocumentId(name));
  if (found === null || found.parsed.root === null) return;
  const scope = `fragment '${name}' in ${place.scope}`;
  yield* inPolicies(walk, { ...place, limits: found.limits, scope, inFragment: true }, found.parsed.root, conditions);
}

function withCount({ countCondition }: WrittenLimit, conditions: readonly string[]): readonly string[] {
  return countCondition === null ? conditions : [...conditions, `counts only where ${countCondition}`];
}

/** `product 'aoai'`, `API 'azure-openai'`, `global`. */
function scopeOf(id: DocumentId): string {
  return documentTitle(id).replace(/ policy$/, "");
}
