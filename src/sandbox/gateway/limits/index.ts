import type { PolicyHandlers } from "../policy.ts";
import { quota, quotaByKey } from "./call-quota.ts";
import { rateLimit, rateLimitByKey } from "./call-rate.ts";
import { limitConcurrency } from "./concurrency.ts";
import { emitMetric, emitTokenMetric } from "./metrics.ts";
import { tokenLimit } from "./token-limit.ts";

/** Limits of rate, volume and concurrency, and the metrics of what was used. */
export const limitPolicies: PolicyHandlers = {
  "azure-openai-emit-token-metric": emitTokenMetric,
  "azure-openai-token-limit": tokenLimit,
  "emit-metric": emitMetric,
  "limit-concurrency": limitConcurrency,
  "llm-emit-token-metric": emitTokenMetric,
  "llm-token-limit": tokenLimit,
  quota,
  "quota-by-key": quotaByKey,
  "rate-limit": rateLimit,
  "rate-limit-by-key": rateLimitByKey,
};
