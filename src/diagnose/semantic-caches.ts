import type { Inventory } from "../gateway/inventory.ts";
import { type EffectiveElement, effective } from "../policy/effective.ts";
import { type Finding, knowing, ok } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { valuesOf } from "./reads.ts";

/** Both names of the policies: https://learn.microsoft.com/azure/api-management/azure-openai-semantic-cache-lookup-policy */
const lookupNames = ["llm-semantic-cache-lookup", "azure-openai-semantic-cache-lookup"];
const storeNames = ["llm-semantic-cache-store", "azure-openai-semantic-cache-store"];

/** A semantic cache as calls of an API meet it. */
export interface Cache {
  readonly apiId: string;
  readonly lookup: EffectiveElement | null;
  readonly hasStore: boolean;
  /** Whether the same call's answer is streamed through, whatever it asks for. */
  readonly streams: boolean;
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
      const hasStore = named(storeNames).length > 0;
      return lookup === null && !hasStore ? [] : [{ apiId, lookup, hasStore, streams: elements.some(alwaysStreams), inventory }];
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

export const edit = (apiId: string): string => `apply_policy {"api_id":"${apiId}","edits":[...]}`;

/** Whether calls look a semantic cache up, and store into it. */
export function looksUp(evidence: Evidence): boolean {
  const read = valuesOf(servingReads(evidence));
  return "values" in read && cachesOf(servingInventory(read.values), evidence).some(({ lookup, hasStore }) => lookup !== null && hasStore);
}

/** Answers without a call to a backend, and with one; null where nobody asked, or it cannot be read. */
export function hitsOf({ traffic: { cache } }: Evidence): { readonly hits: number; readonly misses: number } | null {
  return cache?.kind === "read" ? (cache.value.estimators["no backend call"] ?? null) : null;
}

/** So many answers without a single hit are no chance. Assumed. */
export const leastMisses = 20;
