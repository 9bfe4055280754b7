import type { DocumentId } from "../gateway/documents.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument } from "../policy/document.ts";
import type { LimitKind } from "./limit.ts";
import { limitIdOf } from "./limit-names.ts";

/**
 * Counters of one family with one key are one counter, in whatever document the key stands: "for each key value, a single counter is used for
 * all scopes at which the policy is configured" (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#attributes).
 * `subscription`: one for each subscription and element.
 */
type CounterFamily = "tokens" | "calls" | "call_quota" | "subscription";

/** One limit as it is written in a document, whoever meets it. */
export interface WrittenLimit {
  /** See `limitIdOf`. */
  readonly limitId: string;
  readonly kind: LimitKind;
  readonly document: DocumentId;
  readonly policy: PolicyDocument;
  readonly element: Element;
  /** The attribute that holds the number. */
  readonly attribute: "tokens-per-minute" | "token-quota" | "calls";
  readonly counter: CounterFamily;
  /** The API, and the operation, whose calls alone a `<api>` or `<operation>` in a `rate-limit` or `quota` limits. */
  readonly only: { readonly api: Element; readonly operation: boolean } | null;
}

const elements: Readonly<Record<string, { readonly counter: CounterFamily; readonly kinds: readonly LimitKind[] }>> = {
  "llm-token-limit": { counter: "tokens", kinds: ["tpm", "token_quota"] },
  "azure-openai-token-limit": { counter: "tokens", kinds: ["tpm", "token_quota"] },
  "rate-limit": { counter: "subscription", kinds: ["rpm"] },
  "rate-limit-by-key": { counter: "calls", kinds: ["rpm"] },
  quota: { counter: "subscription", kinds: ["call_quota"] },
  "quota-by-key": { counter: "call_quota", kinds: ["call_quota"] },
};

const attributes = { tpm: "tokens-per-minute", token_quota: "token-quota", rpm: "calls", call_quota: "calls" } as const;

/**
 * Every limit of a policy or fragment, by its element
 * (https://learn.microsoft.com/azure/api-management/api-management-policies#rate-limiting-and-quotas). A `<api>` or `<operation>` in a `rate-limit`
 * or `quota` is a limit of its own: they "are applied independently".
 */
export function writtenLimits(document: DocumentId, policy: PolicyDocument): ReadonlyMap<Element, readonly WrittenLimit[]> {
  const counts = new Map<LimitKind, number>();
  const owner = document.replace(/(?:^|\/)policies\/policy$/, "") || "global";
  const found = new Map<Element, readonly WrittenLimit[]>();
  for (const element of policy.root === null ? [] : descendants(policy.root)) {
    const limiting = limitingPolicy(element);
    const kinds = limiting?.kinds.filter((kind) => isSet(element, kind)) ?? [];
    if (limiting === null || kinds.length === 0) continue;
    const limits = kinds.map((written): WrittenLimit => {
      const kind = kindOf(element, written);
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      const limitId = limitIdOf(owner, kind, count, element);
      const { counter, only } = limiting;
      return { limitId, kind, document, policy, element, attribute: attributes[written], counter, only };
    });
    found.set(element, limits);
  }
  return found;
}

/** What counts tokens limits them, whatever its attribute is called. */
function kindOf(element: Element, written: LimitKind): LimitKind {
  if (written !== "rpm" && written !== "call_quota") return written;
  if (!countsTokens(element)) return written;
  return written === "rpm" ? "tpm" : "token_quota";
}

/** How many limits of one kind the document has in which an element stands. */
export function countInDocument(element: Element, kind: LimitKind): number {
  let root = element;
  while (root.parent !== null) root = root.parent;
  let count = 0;
  for (const one of descendants(root)) {
    for (const written of limitingPolicy(one)?.kinds ?? []) if (isSet(one, written) && kindOf(one, written) === kind) count++;
  }
  return count;
}

/** What an element limits by; null for one that limits nothing. */
function limitingPolicy(element: Element) {
  const own = Object.hasOwn(elements, element.name) ? elements[element.name] : undefined;
  if (own !== undefined) return { ...own, only: null };
  const { parent } = element;
  const isOperation = element.name === "operation" && parent?.name === "api";
  const api = isOperation ? parent : element;
  const policy = api.name === "api" ? api.parent?.name : undefined;
  if (policy !== "rate-limit" && policy !== "quota") return null;
  return { counter: "subscription" as const, kinds: elements[policy]?.kinds ?? [], only: { api, operation: isOperation } };
}

/** A quota may limit the bandwidth alone. */
const isSet = (element: Element, kind: LimitKind): boolean =>
  attribute(element, attributes[kind]) !== undefined || (kind === "call_quota" && attribute(element, "bandwidth") !== undefined);

/**
 * Whether a limit of calls counts tokens, as its `increment-count` says, e.g. those that the response reports. Assumed: an expression
 * that speaks of tokens counts them. Such a limit is one of tokens, per minute or period, though each call is charged only once it is over.
 */
export function countsTokens(element: Element): boolean {
  return /token/i.test(attribute(element, "increment-count") ?? "");
}

/** Which element a `rate-limit` or `quota` has limits of its own in, for single APIs and operations. */
export const holdsNarrowerLimits = (element: Element): boolean => childElements(element, "api").length > 0;
