import type { PolicyHandlers } from "../policy.ts";
import { cacheLookup, cacheStore } from "./response-cache.ts";
import { semanticCacheLookup, semanticCacheStore } from "./semantic-cache.ts";
import { cacheLookupValue, cacheRemoveValue, cacheStoreValue } from "./value-cache.ts";

/** Caches of responses, of values, and of responses by what their prompts mean. */
export const cachePolicies: PolicyHandlers = {
  "azure-openai-semantic-cache-lookup": semanticCacheLookup,
  "azure-openai-semantic-cache-store": semanticCacheStore,
  "cache-lookup": cacheLookup,
  "cache-lookup-value": cacheLookupValue,
  "cache-remove-value": cacheRemoveValue,
  "cache-store": cacheStore,
  "cache-store-value": cacheStoreValue,
  "llm-semantic-cache-lookup": semanticCacheLookup,
  "llm-semantic-cache-store": semanticCacheStore,
};

/** The policies behind which a call goes on that a cache has answered. */
export const storingPolicies: ReadonlySet<string> = new Set([
  "azure-openai-semantic-cache-store",
  "cache-store",
  "llm-semantic-cache-store",
]);
