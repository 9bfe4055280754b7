import type { Call, Flow, PolicyNode } from "../policy.ts";
import { publish, refuse, spelledWait } from "./answers.ts";
import type { Rate } from "./counters.ts";
import { countedBy, countedOnce, deferredIncrement, type Increment } from "./increments.ts";
import { limitState } from "./state.ts";
import { subscriptionCounter, subscriptionLimits } from "./subscription-limits.ts";

/** `rate-limit`: per subscription, also per API and operation (https://learn.microsoft.com/azure/api-management/rate-limit-policy). */
export async function rateLimit(node: PolicyNode, call: Call): Promise<Flow> {
  const subscription = subscriptionCounter(node, call);
  if (subscription === null) return "next";
  for (const { limit, key } of await subscriptionLimits(node, call, subscription)) {
    const renewal = await call.number(limit, "renewal-period", await call.number(node, "renewal-period", 0));
    const rate: Rate = { limit: await call.number(limit, "calls"), windowMs: renewal * 1000 };
    await judge({ node, call, key, rate, need: 1 });
    await count({ call, key, rate }, { amount: 1, deferred: null });
  }
  return "next";
}

/**
 * `rate-limit-by-key` (https://learn.microsoft.com/azure/api-management/rate-limit-by-key-policy): one counter for a key, at whatever scopes it is
 * used. A condition or count that looks at the response is asked once there is one. Assumed: a call counts once under a key, as is documented of
 * `quota-by-key`.
 */
export async function rateLimitByKey(node: PolicyNode, call: Call): Promise<Flow> {
  const key = `calls ${await call.text(node, "counter-key")}`;
  const rate: Rate = { limit: await call.number(node, "calls"), windowMs: (await call.number(node, "renewal-period")) * 1000 };
  const increment = await deferredIncrement(node, call);
  await judge({ node, call, key, rate, need: increment.deferred === null ? Math.max(1, increment.amount) : 1 });
  await count({ call, key, rate }, increment);
  return "next";
}

interface Counted {
  readonly call: Call;
  readonly key: string;
  readonly rate: Rate;
}

const names = {
  remaining: { header: "remaining-calls-header-name", variable: "remaining-calls-variable-name" },
  total: { header: "total-calls-header-name", variable: "" },
};

async function judge({ node, call, key, rate, need }: Counted & { readonly node: PolicyNode; readonly need: number }): Promise<void> {
  const now = call.clock.now().getTime();
  const more = Math.max(0, need - (countedBy(call, key) ?? 0));
  const { allowed, remaining, retryAfterSeconds } = limitState(call).rates.of(key, now).check(rate, more, now);
  const left = Math.max(0, remaining - (allowed ? more : 0));
  await publish(node, call, { ...names.remaining, value: left }, null);
  call.onResponse(async ({ headers }) => {
    await publish(node, call, { ...names.remaining, value: left }, headers);
    await publish(node, call, { ...names.total, value: rate.limit }, headers);
  });
  if (allowed) return;
  await refuse(node, call, {
    status: 429,
    reason: "RateLimitExceeded",
    message: `Rate limit is exceeded. Try again in ${spelledWait(retryAfterSeconds)}.`,
    retryAfterSeconds,
  });
}

async function count({ call, key, rate }: Counted, increment: Increment): Promise<void> {
  await countedOnce(call, key, increment, (amount) => {
    const now = call.clock.now().getTime();
    limitState(call).rates.of(key, now).add(rate, amount, now);
  });
}
