import type { Call, Completed, Flow, PolicyNode } from "../policy.ts";
import { clockWait, refuse } from "./answers.ts";
import { type Period, renewalPeriod } from "./counters.ts";
import { countedBy, countOnce, deferredIncrement, type Increment } from "./increments.ts";
import { limitState } from "./state.ts";
import { subscriptionCounter, subscriptionLimits } from "./subscription-limits.ts";

/** `quota`: calls and bandwidth per subscription, also per API and operation (https://learn.microsoft.com/azure/api-management/quota-policy). */
export async function quota(node: PolicyNode, call: Call): Promise<Flow> {
  const subscription = subscriptionCounter(node, call);
  const started = call.context.subscription?.createdDate.getTime() ?? 0;
  if (subscription === null) return "next";
  for (const { limit, key } of await subscriptionLimits(node, call, subscription)) {
    const renewal = await call.number(limit, "renewal-period", await call.number(node, "renewal-period", 0));
    await judgeAndCount({ node, limit, call, key, seconds: renewal, started, increment: { amount: 1, deferred: null } });
  }
  return "next";
}

/**
 * `quota-by-key` (https://learn.microsoft.com/azure/api-management/quota-by-key-policy). Assumed: one key has a counter for each length of a period that
 * policies give it.
 */
export async function quotaByKey(node: PolicyNode, call: Call): Promise<Flow> {
  const first = Date.parse(await call.text(node, "first-period-start", "0001-01-01T00:00:00Z"));
  const seconds = await call.number(node, "renewal-period");
  await judgeAndCount({
    node,
    limit: node,
    call,
    key: `quota ${seconds} ${await call.text(node, "counter-key")}`,
    seconds,
    started: Number.isNaN(first) ? 0 : first,
    increment: await deferredIncrement(node, call),
  });
  return "next";
}

interface Quota {
  readonly node: PolicyNode;
  /** The element that holds the numbers: the policy itself, or a child of it. */
  readonly limit: PolicyNode;
  readonly call: Call;
  readonly key: string;
  readonly seconds: number;
  /** When the first period began, in milliseconds since 1970. */
  readonly started: number;
  readonly increment: Increment;
}

const kilobyte = 1024;

async function judgeAndCount({ node, limit, call, key, seconds, started, increment }: Quota): Promise<void> {
  const [mostCalls, mostKilobytes] = [await call.number(limit, "calls", 0), await call.number(limit, "bandwidth", 0)];
  const now = (): number => call.clock.now().getTime();
  const period = (): Period => renewalPeriod(seconds, started, now());
  const calls = limitState(call).quotas.of(key, now());
  const bandwidth = limitState(call).quotas.of(`${key} bytes`, now());
  if (mostCalls > 0 && calls.used(period()) - (countedBy(call, key) ?? 0) >= mostCalls)
    return exhausted(node, call, "call volume", period());
  if (mostKilobytes > 0 && bandwidth.used(period()) >= mostKilobytes * kilobyte) return exhausted(node, call, "bandwidth", period());
  countOnce(call, key, increment, (amount) => calls.add(period(), amount));
  if (mostKilobytes === 0) return;
  countOnce(call, `${key} bytes`, { amount: 0, deferred: null }, () =>
    call.onCompleted(({ bytes }: Completed) => bandwidth.add(period(), bytes)),
  );
}

function exhausted(node: PolicyNode, call: Call, what: string, { end }: Period): Promise<never> {
  const seconds = end === null ? null : Math.max(1, Math.ceil((end - call.clock.now().getTime()) / 1000));
  const when = seconds === null ? "" : ` Quota will be replenished in ${clockWait(seconds)}.`;
  return refuse(node, call, { status: 403, reason: "QuotaExceeded", message: `Out of ${what} quota.${when}`, retryAfterSeconds: seconds });
}
