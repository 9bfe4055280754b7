import { backendWithoutForward, retryBeyondPool, staleReasonTest, unbufferedRetry } from "./backend-calls.ts";
import { globalIdentity, missingBase, urlOverBackend } from "./inheritance.ts";
import { literalCounterKey, quotaTakenForRateLimit, sharedCounterKey } from "./limits.ts";
import { keyInClear } from "./secrets.ts";
import { lookupWithoutStore, looseThreshold, noLimitAfterLookup, storeWithoutLookup, withoutVaryBy } from "./semantic-cache.ts";
import { bodyWithStreaming, cacheWithStreaming } from "./streaming.ts";
import type { Lint } from "./subject.ts";

const page = (name: string): string => `https://learn.microsoft.com/azure/api-management/${name}`;

/** The lints by the code of what they find. */
export const lints = {
  "backend-without-forward": { source: page("forward-request-policy"), check: backendWithoutForward },
  "body-with-streaming": { source: page("how-to-server-sent-events"), check: bodyWithStreaming },
  "cache-lookup-without-store": { source: page("llm-semantic-cache-lookup-policy"), check: lookupWithoutStore },
  "cache-store-without-lookup": { source: page("llm-semantic-cache-store-policy"), check: storeWithoutLookup },
  "cache-with-streaming": { source: page("how-to-server-sent-events"), check: cacheWithStreaming },
  "cache-without-vary-by": { source: page("llm-semantic-cache-lookup-policy"), check: withoutVaryBy },
  "global-identity": { source: page("authentication-managed-identity-policy"), check: globalIdentity },
  "key-in-clear": { source: page("api-management-howto-properties"), check: keyInClear },
  "literal-counter-key": { source: page("llm-token-limit-policy"), check: literalCounterKey },
  "loose-cache-threshold": { source: page("llm-semantic-cache-lookup-policy"), check: looseThreshold },
  "missing-base": { source: page("set-edit-policies#use-base-element-to-set-policy-evaluation-order"), check: missingBase },
  "no-limit-after-cache-lookup": { source: page("llm-semantic-cache-lookup-policy"), check: noLimitAfterLookup },
  "quota-taken-for-rate-limit": { source: page("llm-token-limit-policy"), check: quotaTakenForRateLimit },
  "retry-beyond-pool": {
    source: "https://github.com/Azure-Samples/AI-Gateway/tree/main/labs/backend-pool-load-balancing",
    check: retryBeyondPool,
  },
  "retry-without-buffered-body": { source: page("retry-policy"), check: unbufferedRetry },
  "shared-counter-key": { source: page("llm-token-limit-policy"), check: sharedCounterKey },
  "stale-pool-reason": { source: "https://github.com/Azure-Samples/AI-Gateway/issues/262", check: staleReasonTest },
  "url-over-backend": { source: page("set-backend-service-policy"), check: urlOverBackend },
} as const satisfies Readonly<Record<string, Lint>>;

export type LintCode = keyof typeof lints;
