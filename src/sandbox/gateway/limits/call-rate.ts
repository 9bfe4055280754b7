import type { Call, Flow, PolicyNode } from "../policy.ts";
import { publish, refuse, spelledWait } from "./answers.ts";
import type { Rate, RateCounter, Verdict } from "./counters.ts";
import { countedBy, countOnce, deferredIncrement, type Increment } from "./increments.ts";
import { limitState } from "./state.ts";
import { subscriptionCounter, subscriptionLimits } from "./subscription-limits.ts";

/** `rate-limit`: per subscription, also per API and operation (https://learn.microsoft.com/azure/api-management/rate-limit-policy). */
export async function rateLimit(node: PolicyNode, call: Call): Promise<Flow> {
  const subscription = subscriptionCounter(node, call);
  if (subscription === null) return "next";
  for (const { limit, key } of await subscriptionLimits(node, call, subscription)) {
    const renewal = await call.number(limit, "renewal-period", await call.number(node, "renewal-period", 0));
    const rate: Rate = { limit: await call.number(limit, "calls"), windowMs: renewal * 1000 };
    await pass({ node, call, key, rate, increment: { amount: 1, deferred: null } });
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
  await pass({ node, call, key, rate, increment });
  return "next";
}

interface Passing {
  readonly node: PolicyNode;
  readonly call: Call;
  readonly key: string;
  readonly rate: Rate;
  readonly increment: Increment;
}

const names = {
  remaining: { header: "remaining-calls-header-name", variable: "remaining-calls-variable-name" },
  total: { header: "total-calls-header-name", variable: "" },
};

async function pass({ node, call, key, rate, increment }: Passing): Promise<void> {
  const { allowed, left, retryAfterSeconds } = judgeAndCount({ node, call, key, rate, increment });
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

/** In one piece, so that of calls that come together none passes on the room of another. */
function judgeAndCount({ call, key, rate, increment }: Passing): Verdict & { readonly left: number } {
  const counter = (): RateCounter => limitState(call).rates.of(key, call.clock.now().getTime());
  const wanted = increment.deferred === null ? Math.max(1, increment.amount) : 1;
  const need = Math.max(0, wanted - (countedBy(call, key) ?? 0));
  const verdict = counter().check(rate, need, call.clock.now().getTime());
  const { allowed, remaining } = verdict;
  if (allowed) countOnce(call, key, increment, (amount) => counter().add(rate, amount, call.clock.now().getTime()));
  return { ...verdict, left: Math.max(0, remaining - (allowed ? need : 0)) };
}
