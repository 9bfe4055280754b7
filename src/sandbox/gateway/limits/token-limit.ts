import type { Call, Completed, Flow, PolicyNode } from "../policy.ts";
import { promptTokens, usageReader, wantsStream } from "../tokens.ts";
import { publish, refuse, spelledWait } from "./answers.ts";
import { type QuotaPeriod, quotaPeriod, type Rate, type Verdict } from "./counters.ts";
import { claim, countedBy } from "./increments.ts";
import { limitState } from "./state.ts";

const minute = 60_000;
const periods: readonly string[] = ["Hourly", "Daily", "Weekly", "Monthly", "Yearly"] satisfies readonly QuotaPeriod[];

/** A counter as one call meets it. */
interface Counted {
  readonly key: string;
  /** Whether no other policy has counted the call under this key before: it counts once. */
  readonly first: boolean;
  /** Tokens that are counted before the model has answered. */
  readonly held: number;
}

/** A token limit as one call meets it. */
interface TokenLimit {
  readonly node: PolicyNode;
  readonly call: Call;
  /** Tokens of the prompt as they are estimated; 0 where they are not. */
  readonly estimate: number;
  /** Null where the policy has no rate. */
  readonly rate: (Counted & { readonly rate: Rate }) | null;
  readonly quota: (Counted & { readonly limit: number; readonly period: QuotaPeriod }) | null;
}

/**
 * `llm-token-limit` and `azure-openai-token-limit` (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy): judges a call by what
 * has been counted under its key, and counts what the model's answer has cost when it is complete. Streamed prompts are always estimated.
 * Measured: what a cache answers costs nothing, and the headers say so.
 * Assumed: an estimate is counted at once and made right at the end; the rate is judged before the quota; both policies count together; a
 * call counts once under a key, and one key has a counter for each period that policies give it.
 */
export async function tokenLimit(node: PolicyNode, call: Call): Promise<Flow> {
  const limit = await readLimit(node, call);
  // In one piece, so that of calls that come together none passes on the room of another.
  const [rate, quota] = [rateVerdict(limit), quotaVerdict(limit)];
  if (rate?.allowed !== false && quota?.allowed !== false) hold(limit);
  await passRate(limit, rate);
  await passQuota(limit, quota);
  await publish(node, call, { ...consumedTokens, value: limit.estimate }, null);
  call.onResponse(async (response) => {
    const usage = await consumedBy(limit, response.headers.get("content-type"));
    await publishCounts(limit, usage, response.headers);
  });
  call.onAnswered(async () => {
    if (call.record.cache === "hit" && call.response !== null) await publishCounts(limit, 0, call.response.headers);
  });
  call.onCompleted(({ usage }: Completed) => settle(limit, usage?.total ?? 0));
  return "next";
}

async function readLimit(node: PolicyNode, call: Call): Promise<TokenLimit> {
  const tokensPerMinute = await call.number(node, "tokens-per-minute", 0);
  const quota = await call.number(node, "token-quota", 0);
  const period = await call.text(node, "token-quota-period");
  const key = await call.text(node, "counter-key");
  const body = await call.requestText();
  const estimates = wantsStream(body) || (await call.boolean(node, "estimate-prompt-tokens", false));
  const estimate = estimates ? promptTokens(body) : 0;
  const counted = (name: string): Counted => {
    const before = countedBy(call, name);
    return { key: name, first: before === null, held: before ?? estimate };
  };
  return {
    node,
    call,
    estimate,
    rate: tokensPerMinute > 0 ? { ...counted(`tokens ${key}`), rate: { limit: tokensPerMinute, windowMs: minute } } : null,
    quota: quota > 0 && isQuotaPeriod(period) ? { ...counted(`tokens ${period} ${key}`), limit: quota, period } : null,
  };
}

const isQuotaPeriod = (period: string): period is QuotaPeriod => periods.includes(period);

const nowOf = ({ clock }: Call): number => clock.now().getTime();

const rateCounter = (call: Call, { key }: Counted) => limitState(call).rates.of(key, nowOf(call));
const quotaCounter = (call: Call, { key }: Counted) => limitState(call).quotas.of(key, nowOf(call));

/** What of a call's tokens has been counted already, by another policy with the same key. */
const before = ({ first, held }: Counted): number => (first ? 0 : held);

/** Null where the policy has no rate; what is left is what is left behind the estimate. */
function rateVerdict({ call, rate, estimate }: TokenLimit): Verdict | null {
  if (rate === null) return null;
  const need = Math.max(0, Math.max(1, estimate) - before(rate));
  const verdict = rateCounter(call, rate).check(rate.rate, need, nowOf(call));
  return verdict.allowed ? { ...verdict, remaining: Math.max(0, verdict.remaining - estimate + before(rate)) } : verdict;
}

async function passRate({ node, call }: TokenLimit, verdict: Verdict | null): Promise<void> {
  if (verdict === null) return;
  const { allowed, remaining, retryAfterSeconds } = verdict;
  await publish(node, call, { ...remainingTokens, value: remaining }, null);
  if (allowed) return;
  await refuse(node, call, {
    status: 429,
    reason: "OpenAITokenLimitExceeded",
    message: `Token limit is exceeded. Try again in ${spelledWait(retryAfterSeconds)}.`,
    retryAfterSeconds,
  });
}

/** Null where the policy has no quota. Measured: one that is exactly used up does not refuse yet. */
function quotaVerdict({ call, quota, estimate }: TokenLimit): Verdict | null {
  if (quota === null) return null;
  const period = quotaPeriod(quota.period, call.clock.now());
  const used = quotaCounter(call, quota).used(period) + estimate - before(quota);
  return {
    allowed: used <= quota.limit,
    remaining: Math.max(0, quota.limit - used),
    retryAfterSeconds: Math.max(1, Math.ceil(((period.end ?? nowOf(call)) - nowOf(call)) / 1000)),
  };
}

async function passQuota({ node, call }: TokenLimit, verdict: Verdict | null): Promise<void> {
  if (verdict === null) return;
  const { allowed, remaining, retryAfterSeconds } = verdict;
  await publish(node, call, { ...remainingQuota, value: remaining }, null);
  if (allowed) return;
  await refuse(node, call, {
    status: 403,
    reason: "OpenAITokenQuotaExceeded",
    message: `Token quota is exceeded. Try again in ${spelledWait(retryAfterSeconds)}.`,
    retryAfterSeconds,
  });
}

/** Counts the estimate. */
function hold({ call, rate, quota }: TokenLimit): void {
  for (const counted of [rate, quota]) if (counted?.first === true) claim(call, counted.key, counted.held);
  count(call, rate, rate?.held ?? 0);
  count(call, quota, quota?.held ?? 0);
}

/** Counts what was used in place of the estimate. */
function settle({ call, rate, quota }: TokenLimit, used: number): void {
  count(call, rate, used - (rate?.held ?? 0));
  count(call, quota, used - (quota?.held ?? 0));
}

function count(call: Call, counted: TokenLimit["rate"] | TokenLimit["quota"], tokens: number): void {
  if (counted === null || !counted.first || tokens === 0) return;
  const now = nowOf(call);
  if ("rate" in counted) rateCounter(call, counted).add(counted.rate, tokens, now);
  else quotaCounter(call, counted).add(quotaPeriod(counted.period, new Date(now)), tokens);
}

/** What an answer has cost; of one that is still to be streamed the estimate. */
async function consumedBy({ call, estimate }: TokenLimit, contentType: string | null): Promise<number> {
  if (contentType?.startsWith("text/event-stream") === true) return estimate;
  const reader = usageReader(contentType, () => estimate);
  reader.push(new TextEncoder().encode(await call.responseText()));
  return reader.usage()?.total ?? 0;
}

const remainingTokens = { header: "remaining-tokens-header-name", variable: "remaining-tokens-variable-name" };
const remainingQuota = { header: "remaining-quota-tokens-header-name", variable: "remaining-quota-tokens-variable-name" };
const consumedTokens = { header: "tokens-consumed-header-name", variable: "tokens-consumed-variable-name" };

/** What is left once all that the answer has cost will have been counted. */
async function publishCounts({ node, call, rate, quota }: TokenLimit, consumed: number, headers: Headers): Promise<void> {
  await publish(node, call, { ...consumedTokens, value: consumed }, headers);
  if (rate !== null) {
    const { remaining } = rateCounter(call, rate).check(rate.rate, 1, nowOf(call));
    await publish(node, call, { ...remainingTokens, value: Math.max(0, remaining - (consumed - rate.held)) }, headers);
  }
  if (quota !== null) {
    const used = quotaCounter(call, quota).used(quotaPeriod(quota.period, call.clock.now()));
    await publish(node, call, { ...remainingQuota, value: Math.max(0, quota.limit - used - (consumed - quota.held)) }, headers);
  }
}
