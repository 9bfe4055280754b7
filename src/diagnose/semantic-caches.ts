import { type DocumentId, documentTitle, type PolicyScope, policyDocumentId, policyScopeOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { childElements } from "../policy/document.ts";
import { type EffectiveElement, effective } from "../policy/effective.ts";
import type { PolicyEdit } from "../policy/patch.ts";
import { pathOf } from "../policy/select.ts";
import { type Finding, knowing, ok } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { valuesOf } from "./reads.ts";
import type { Streams } from "./traffic.ts";

/** Both names of the policies: https://learn.microsoft.com/azure/api-management/azure-openai-semantic-cache-lookup-policy */
const lookupNames = ["llm-semantic-cache-lookup", "azure-openai-semantic-cache-lookup"];
const storeNames = ["llm-semantic-cache-store", "azure-openai-semantic-cache-store"];

/** A semantic cache as calls of an API meet it. */
export interface Cache {
  readonly apiId: string;
  readonly lookup: EffectiveElement | null;
  readonly store: EffectiveElement | null;
  /** What streams the same call's answer through, whatever it asks for. */
  readonly streaming: EffectiveElement | null;
  readonly inventory: Inventory;
}

/** Those of the APIs that were asked about, by way of each of their products. */
export function cachesOf(inventory: Inventory, evidence: Evidence): readonly Cache[] {
  return apisAsked(inventory, evidence).flatMap((apiId) => {
    const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
    return [null, ...products].flatMap((productId): readonly Cache[] => {
      const { elements } = effective(inventory, { apiId, operationId: null, productId });
      const named = (names: readonly string[]) => elements.filter(({ name }) => names.includes(name));
      const [lookup = null] = named(lookupNames);
      const [store = null] = named(storeNames);
      const streaming = elements.find(alwaysStreams) ?? null;
      return lookup === null && store === null ? [] : [{ apiId, lookup, store, streaming, inventory }];
    });
  });
}

const alwaysStreams = ({ name, attributes, conditions }: EffectiveElement): boolean =>
  name === "forward-request" && attributes["buffer-response"]?.trim().toLowerCase() === "false" && conditions.length === 0;

/** Looks at each cache until one has a problem. */
const ofCaches = (evidence: Evidence, check: (cache: Cache) => Finding | null): Finding =>
  knowing(servingReads(evidence), (read) => {
    for (const cache of cachesOf(servingInventory(read), evidence)) {
      const found = check(cache);
      if (found !== null) return found;
    }
    return ok();
  });

/** The same of what only a lookup has. */
export const ofLookups = (evidence: Evidence, check: (lookup: EffectiveElement, cache: Cache) => Finding | null): Finding =>
  ofCaches(evidence, (cache) => (cache.lookup === null ? null : check(cache.lookup, cache)));

export const at = ({ place }: EffectiveElement): string => `${place.document}, line ${place.line}`;

/** The call that makes these edits in a policy; of a fragment, which no call of ours writes, where it stands. */
export function editsIn(document: DocumentId, edits: readonly PolicyEdit[]): string {
  const scope = policyScopeOf(document);
  if (scope === null) return `the portal, ${documentTitle(document)}, ${edits.map(({ select }) => select).join(", ")}`;
  return `apply_policy ${JSON.stringify({ ...targetOf(scope), edits })}`;
}

function targetOf(scope: PolicyScope): Readonly<Record<string, string | true>> {
  switch (scope.kind) {
    case "api":
      return { api_id: scope.apiId };
    case "operation":
      return { api_id: scope.apiId, operation_id: scope.operationId };
    case "product":
      return { product_id: scope.productId };
    default:
      return { global: true };
  }
}

/** Attributes of a policy, set where it stands. */
export const setAt = ({ place, step }: EffectiveElement, set: NonNullable<PolicyEdit["set"]>): string =>
  editsIn(place.document, [{ select: pathOf(step.element), set }]);

/** The store of the same name as a lookup. */
export const storeFor = ({ name }: EffectiveElement): string => `<${name.replace(/-lookup$/, "-store")} duration="3600" />`;

/** A text at the end of a section of the policy that an element stands in. */
export function appendBeside({ place, step: { policy } }: EffectiveElement, section: string, xml: string): string {
  const has = policy.root !== null && childElements(policy.root).some(({ name }) => name === section);
  const append = has ? { select: section, append: xml } : { select: "policies", append: `<${section}><base />${xml}</${section}>` };
  return editsIn(place.document, [append]);
}

/** Whether calls look a semantic cache up, and store into it. */
export function looksUp(evidence: Evidence): boolean {
  const read = valuesOf(servingReads(evidence));
  return (
    "values" in read && cachesOf(servingInventory(read.values), evidence).some(({ lookup, store }) => lookup !== null && store !== null)
  );
}

/** What adds a lookup, and with `stores` the store, to an API: which embeddings backend it asks is the operator's to say. */
export function additionTo(apiId: string, { stores }: { readonly stores: boolean }): string {
  const lookup =
    '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="<embeddings backend>" embeddings-backend-auth="system-assigned"><vary-by>@(context.Subscription.Id)</vary-by></llm-semantic-cache-lookup>';
  return editsIn(policyDocumentId({ kind: "api", apiId }), [
    { select: "inbound", append: lookup },
    ...(stores ? [{ select: "outbound", append: '<llm-semantic-cache-store duration="3600" />' }] : []),
  ]);
}

/** Answers without a call to a backend, and with one; null where nobody asked, or it cannot be read. */
export function hitsOf({ traffic: { cache } }: Evidence): { readonly hits: number; readonly misses: number } | null {
  return cache?.kind === "read" ? (cache.value.estimators["no backend call"] ?? null) : null;
}

/** So many answers without a single hit are no chance. Assumed. */
export const leastMisses = 20;

/** Where nearly all answers were streamed, as callers asked for, and none came from the cache: how many; else null. */
export function streamedByCallers(evidence: Evidence): Streams | null {
  const { streams } = evidence.traffic;
  if (streams?.kind !== "read" || (hitsOf(evidence)?.hits ?? 0) > 0) return null;
  const { answers, streamed } = streams.value;
  return answers >= leastMisses && streamed >= 0.9 * answers ? streams.value : null;
}
