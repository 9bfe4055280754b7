import type { Call, Completed, Flow, PolicyNode } from "../policy.ts";
import { promptTokens, usageReader, wantsStream } from "../tokens.ts";
import { publish, refuse, spelledWait } from "./answers.ts";
import { type QuotaPeriod, quotaPeriod, type Rate } from "./counters.ts";
import { limitState } from "./state.ts";

const minute = 60_000;
const periods: readonly string[] = ["Hourly", "Daily", "Weekly", "Monthly", "Yearly"] satisfies readonly QuotaPeriod[];

/** A token limit as one call meets it. */
interface TokenLimit {
  readonly node: PolicyNode;
  readonly call: Call;
  readonly key: string;
  /** Null where the policy has no rate. */
  readonly rate: Rate | null;
  readonly quota: { readonly limit: number; readonly period: QuotaPeriod } | null;
  /** Tokens that are counted before the model has answered. */
  readonly held: number;
}

/**
 * `llm-token-limit` and `azure-openai-token-limit` (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy): judges a call by what
 * has been counted under its key, and counts what the model's answer has cost when it is complete. Streamed prompts are always estimated.
 * Assumed: an estimate is counted at once and made right at the end; the rate is judged before the quota; both policies count together.
 */
export async function tokenLimit(node: PolicyNode, call: Call): Promise<Flow> {
  const limit = await readLimit(node, call);
  await judgeRate(limit);
  await judgeQuota(limit);
  count(limit, limit.held);
  call.onResponse(async (response) => {
    const usage = await consumedBy(limit, response.headers.get("content-type"));
    await publishCounts(limit, usage - limit.held, usage, response.headers);
  });
  call.onCompleted(({ usage }: Completed) => count(limit, (usage?.total ?? 0) - limit.held));
  return "next";
}

async function readLimit(node: PolicyNode, call: Call): Promise<TokenLimit> {
  const tokensPerMinute = await call.number(node, "tokens-per-minute", 0);
  const quota = await call.number(node, "token-quota", 0);
  const period = await call.text(node, "token-quota-period");
  const body = await call.requestText();
  const estimates = wantsStream(body) || (await call.boolean(node, "estimate-prompt-tokens", false));
  return {
    node,
    call,
    key: await call.text(node, "counter-key"),
    rate: tokensPerMinute > 0 ? { limit: tokensPerMinute, windowMs: minute } : null,
    quota: quota > 0 && isQuotaPeriod(period) ? { limit: quota, period } : null,
    held: estimates ? promptTokens(body) : 0,
  };
}

const isQuotaPeriod = (period: string): period is QuotaPeriod => periods.includes(period);

const nowOf = ({ clock }: Call): number => clock.now().getTime();

const rateCounter = ({ call, key }: TokenLimit) => limitState(call).rates.of(`tokens ${key}`, nowOf(call));
const quotaCounter = ({ call, key }: TokenLimit) => limitState(call).quotas.of(`tokens ${key}`, nowOf(call));

async function judgeRate(limit: TokenLimit): Promise<void> {
  const { node, call, rate, held } = limit;
  if (rate === null) return;
  const { allowed, remaining, retryAfterSeconds } = rateCounter(limit).check(rate, Math.max(1, held), nowOf(call));
  await publish(node, call, { ...remainingTokens, value: remaining }, null);
  if (allowed) return;
  await refuse(node, call, {
    status: 429,
    reason: "OpenAITokenLimitExceeded",
    message: `Token limit is exceeded. Try again in ${spelledWait(retryAfterSeconds)}.`,
    retryAfterSeconds,
  });
}

/** Measured: a quota that is exactly used up does not refuse yet. */
async function judgeQuota(limit: TokenLimit): Promise<void> {
  const { node, call, quota, held } = limit;
  if (quota === null) return;
  const period = quotaPeriod(quota.period, call.clock.now());
  const used = quotaCounter(limit).used(period);
  await publish(node, call, { ...remainingQuota, value: Math.max(0, quota.limit - used) }, null);
  if (used + held <= quota.limit) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(((period.end ?? nowOf(call)) - nowOf(call)) / 1000));
  await refuse(node, call, {
    status: 403,
    reason: "OpenAITokenQuotaExceeded",
    message: `Token quota is exceeded. Try again in ${spelledWait(retryAfterSeconds)}.`,
    retryAfterSeconds,
  });
}

function count(limit: TokenLimit, tokens: number): void {
  const now = nowOf(limit.call);
  if (tokens === 0) return;
  if (limit.rate !== null) rateCounter(limit).add(limit.rate, tokens, now);
  if (limit.quota !== null) quotaCounter(limit).add(quotaPeriod(limit.quota.period, new Date(now)), tokens);
}

/** What an answer has cost; of one that is still to be streamed the estimate. */
async function consumedBy({ call, held }: TokenLimit, contentType: string | null): Promise<number> {
  if (contentType?.startsWith("text/event-stream") === true) return held;
  const reader = usageReader(contentType, () => held);
  reader.push(new TextEncoder().encode(await call.responseText()));
  return reader.usage()?.total ?? 0;
}

const remainingTokens = { header: "remaining-tokens-header-name", variable: "remaining-tokens-variable-name" };
const remainingQuota = { header: "remaining-quota-tokens-header-name", variable: "remaining-quota-tokens-variable-name" };
const consumedTokens = { header: "tokens-consumed-header-name", variable: "tokens-consumed-variable-name" };

/** What is left once `uncounted` tokens will have been counted, too. */
async function publishCounts(limit: TokenLimit, uncounted: number, consumed: number, headers: Headers): Promise<void> {
  const { node, call, rate, quota } = limit;
  await publish(node, call, { ...consumedTokens, value: consumed }, headers);
  if (rate !== null) {
    const { remaining } = rateCounter(limit).check(rate, 1, nowOf(call));
    await publish(node, call, { ...remainingTokens, value: Math.max(0, remaining - uncounted) }, headers);
  }
  if (quota !== null) {
    const used = quotaCounter(limit).used(quotaPeriod(quota.period, call.clock.now()));
    await publish(node, call, { ...remainingQuota, value: Math.max(0, quota.limit - used - uncounted) }, headers);
  }
}
