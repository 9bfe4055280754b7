import type { MetricsAnswer } from "../gateway/ports.ts";
import { causeName, type ErrorCause, type Outcome, outcomeOf, type ThrottleOrigin } from "./cause.ts";
import { type DurationPoint, durations, type Grouping, type RequestCount, requestCounts } from "./platform-metrics.ts";
import { cutsMinutes, forgotten, RETENTION_DAYS, type Window } from "./window.ts";

/** A number, or the plain statement that it is not known. Never null, and never 0 for want of data. */
export type Known = number | "unknown";

/** What `get_metrics` answers, in its own spelling. */
export interface UsageSummary {
  readonly window: { readonly since: string; readonly until: string; readonly interval: string };
  readonly totals: UsageTotals;
  readonly rows: readonly UsageRow[];
  /** Rows that `limit` left out. */
  readonly left_out: number;
  readonly sources: readonly UsageSource[];
  readonly notes: readonly string[];
}

/** `requests` is the sum of `succeeded`, `throttled`, `rejected` and `errors`. */
export interface UsageTotals {
  readonly requests: Known;
  readonly succeeded: Known;
  /** 429, and 403 where a quota is used up. */
  readonly throttled: {
    readonly total: Known;
    readonly by_origin: readonly { readonly origin: ThrottleOrigin; readonly requests: number }[];
  };
  /** Every other 4xx. */
  readonly rejected: Known;
  /** 5xx, and callers that hung up. */
  readonly errors: { readonly total: Known; readonly by_cause: readonly { readonly cause: ErrorCause; readonly requests: number }[] };
  readonly tokens: Known;
  /** Averages: of the whole request as the gateway saw it, and of the backend's part. */
  readonly latency_ms: { readonly average_total: Known; readonly average_backend: Known };
}

export interface UsageRow {
  /** Start of the interval. */
  readonly time?: string;
  readonly region?: string;
  /** `succeeded`, an origin of throttling, `rejected:<code>` or `error:<cause>`. */
  readonly cause?: string;
  readonly requests: number;
  readonly succeeded: number;
  readonly throttled: number;
  readonly rejected: number;
  readonly errors: number;
}

export interface UsageSource {
  readonly name: string;
  readonly resolution: string;
  readonly lag: string;
}

export interface UsageInput {
  readonly window: Window;
  /** Of one point, as `platformQueries` was given it. */
  readonly interval: string;
  /** The answers to `platformQueries`, in any order. */
  readonly answers: readonly MetricsAnswer[];
  readonly groupBy?: readonly Grouping[] | undefined;
  /** Most rows to answer; default 20. */
  readonly limit?: number | undefined;
  readonly now: Date;
}

/** Platform metrics as one answer: counts by outcome, average latencies, rows, and what the numbers cannot say. */
export function summarize({ window, interval, answers, groupBy = [], limit = 20, now }: UsageInput): UsageSummary {
  const series = answers.flatMap((answer) => answer.series);
  const problems = answers.flatMap((answer) => answer.problems);
  const counts = requestCounts(series).map((count) => ({ ...count, outcome: outcomeOf(count) }));
  const kept = forgotten(window, now);
  const known = counts.length > 0 || (problems.length === 0 && kept !== "all");
  const total = latency(durations(series, "Duration"), counts);
  const backend = latency(
    durations(series, "BackendDuration"),
    counts.filter(({ backendCode }) => backendCode !== null),
  );
  const missing = groupBy.filter((grouping) => !isPlatformGrouping(grouping));
  const rows = missing.length > 0 || groupBy.length === 0 ? [] : rowsOf(counts, groupBy.filter(isPlatformGrouping));
  // With `time` the newest rows stay, otherwise those with most requests.
  const shown = groupBy.includes("time") ? rows.slice(-limit) : rows.slice(0, limit);
  return {
    window: { since: window.since.toISOString(), until: window.until.toISOString(), interval },
    totals: { ...totalsOf(counts, known), latency_ms: { average_total: total.average, average_backend: backend.average } },
    rows: shown,
    left_out: rows.length - shown.length,
    sources: [{ name: "platform metrics (Azure Monitor)", resolution: interval, lag: "about 1 minute" }],
    notes: [
      ...problems.map((problem) => `Azure Monitor could not answer everything: ${problem}`),
      ...(kept === "none" ? [] : [`Azure Monitor keeps platform metrics for ${RETENTION_DAYS} days; what is older is not counted.`]),
      ...(known && counts.length === 0 ? ["Platform metrics show no requests in this window."] : []),
      ...(cutsMinutes(window) ? ["Azure Monitor counts whole minutes: the window's outer ones are counted whole or not at all."] : []),
      ...(total.weighted && backend.weighted ? [] : ["A latency is the plain mean of its points, not weighted by their requests."]),
      ...missing.map(
        (grouping) => `Platform metrics have no ${grouping}: rows by ${grouping} need resource logs in a Log Analytics workspace.`,
      ),
      "Platform metrics have no tokens: these need the gateway's LLM logs in a Log Analytics workspace.",
    ],
  };
}

type Count = RequestCount & { readonly outcome: Outcome };
type PlatformGrouping = "region" | "cause" | "time";

const isPlatformGrouping = (grouping: Grouping): grouping is PlatformGrouping => ["region", "cause", "time"].includes(grouping);

function totalsOf(counts: readonly Count[], known: boolean): Omit<UsageTotals, "latency_ms"> {
  const { requests, succeeded, throttled, rejected, errors } = tally(counts);
  const say = (value: number): Known => (known ? value : "unknown");
  const origins = sumBy(counts, ({ outcome }) => (outcome.kind === "throttled" ? outcome.origin : null));
  const causes = sumBy(counts, ({ outcome }) => (outcome.kind === "error" ? outcome.cause : null));
  return {
    requests: say(requests),
    succeeded: say(succeeded),
    throttled: { total: say(throttled), by_origin: origins.map(([origin, sum]) => ({ origin, requests: sum })) },
    rejected: say(rejected),
    errors: { total: say(errors), by_cause: causes.map(([cause, sum]) => ({ cause, requests: sum })) },
    tokens: "unknown",
  };
}

const sum = (counts: readonly RequestCount[]): number => counts.reduce((total, { requests }) => total + requests, 0);

function tally(counts: readonly Count[]): Pick<UsageRow, "requests" | "succeeded" | "throttled" | "rejected" | "errors"> {
  const ending = (kind: Outcome["kind"]) => sum(counts.filter(({ outcome }) => outcome.kind === kind));
  return {
    requests: sum(counts),
    succeeded: ending("succeeded"),
    throttled: ending("throttled"),
    rejected: ending("rejected"),
    errors: ending("error"),
  };
}

/** Requests by key, most first; a count whose key is null is left out. */
function sumBy<K extends string>(counts: readonly Count[], keyOf: (count: Count) => K | null): readonly (readonly [K, number])[] {
  const sums = new Map<K, number>();
  for (const count of counts) {
    const key = keyOf(count);
    if (key !== null) sums.set(key, (sums.get(key) ?? 0) + count.requests);
  }
  return [...sums].sort(([a, left], [b, right]) => right - left || a.localeCompare(b));
}

const groupKeys: Readonly<Record<PlatformGrouping, (count: Count) => string>> = {
  time: ({ time }) => time,
  region: ({ region }) => region,
  cause: ({ outcome }) => causeName(outcome),
};

/** A row for each combination of values; by time if that is asked for, then by requests. */
function rowsOf(counts: readonly Count[], groupBy: readonly PlatformGrouping[]): readonly UsageRow[] {
  const groups = new Map<string, { readonly keys: Pick<UsageRow, PlatformGrouping>; readonly members: Count[] }>();
  for (const count of counts) {
    const keys: Pick<UsageRow, PlatformGrouping> = Object.fromEntries(groupBy.map((grouping) => [grouping, groupKeys[grouping](count)]));
    const id = JSON.stringify(keys);
    const group = groups.get(id) ?? { keys, members: [] };
    groups.set(id, group);
    group.members.push(count);
  }
  return [...groups.values()]
    .map(({ keys, members }) => ({ ...keys, ...tally(members) }))
    .sort((a, b) => compare(a.time, b.time) || b.requests - a.requests || compare(a.region, b.region) || compare(a.cause, b.cause));
}

const compare = (a = "", b = ""): number => a.localeCompare(b);

/**
 * The mean of averages, each weighted by the requests of its interval and region. Where no interval of the metric has
 * requests to weigh it by, the plain mean, marked as such.
 */
function latency(
  points: readonly DurationPoint[],
  counts: readonly RequestCount[],
): { readonly average: Known; readonly weighted: boolean } {
  if (points.length === 0) return { average: "unknown", weighted: true };
  const at = ({ region, time }: { readonly region: string; readonly time: string }) => `${region} ${time}`;
  const requests = new Map<string, number>();
  for (const count of counts) requests.set(at(count), (requests.get(at(count)) ?? 0) + count.requests);
  const weights = points.map((point) => requests.get(at(point)) ?? 0);
  const weighted = weights.some((weight) => weight > 0);
  const used = weighted ? weights : points.map(() => 1);
  const whole = used.reduce((total, weight) => total + weight, 0);
  const average = points.reduce((total, point, index) => total + point.average * (used[index] ?? 0), 0) / whole;
  return { average: Math.round(average), weighted };
}
