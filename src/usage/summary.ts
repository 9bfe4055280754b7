import type { MetricsAnswer } from "../gateway/ports.ts";
import { causeName, type Outcome, outcomeOf } from "./cause.ts";
import { type DurationPoint, durations, type Grouping, type RequestCount, requestCounts } from "./platform-metrics.ts";
import type { Include, Known, UsageRow, UsageSummary, UsageTotals } from "./totals.ts";
import { cutsMinutes, forgotten, RETENTION_DAYS, type Window } from "./window.ts";

interface UsageInput {
  readonly window: Window;
  /** Of one point, as `platformQueries` was given it. */
  readonly interval: string;
  /** The answers to `platformQueries`, in any order. */
  readonly answers: readonly MetricsAnswer[];
  readonly groupBy?: readonly Grouping[] | undefined;
  /** Most rows to answer; default 20. */
  readonly limit?: number | undefined;
  readonly include?: readonly Include[] | undefined;
  readonly now: Date;
}

/** Platform metrics as one answer: counts by outcome, average latencies, rows, and what the numbers cannot say. */
export function summarize({ window, interval, answers, groupBy = [], limit = 20, include = [], now }: UsageInput): UsageSummary {
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
  const outcomes = include.includes("outcomes");
  const timed = include.includes("latency");
  const missing = groupBy.filter((grouping) => !isPlatformGrouping(grouping));
  const rows = missing.length > 0 || groupBy.length === 0 ? [] : rowsOf(counts, groupBy.filter(isPlatformGrouping), outcomes);
  // With `time` the newest rows stay, otherwise those with most requests.
  const shown = groupBy.includes("time") ? rows.slice(-limit) : rows.slice(0, limit);
  return {
    window: { since: window.since.toISOString(), until: window.until.toISOString(), interval },
    totals: {
      ...totalsOf(counts, known, outcomes),
      ...(timed ? { latency_ms: { total: { average: total.average }, backend: { average: backend.average } } } : {}),
    },
    rows: shown,
    left_out: rows.length - shown.length,
    sources: [{ name: "platform metrics (Azure Monitor)", resolution: interval, lag: "about 1 minute" }],
    notes: [
      ...problems.map((problem) => `Azure Monitor could not answer everything: ${problem}`),
      ...(kept === "none" ? [] : [`Azure Monitor keeps platform metrics for ${RETENTION_DAYS} days; what is older is not counted.`]),
      ...(known && counts.length === 0 ? ["Platform metrics show no requests in this window."] : []),
      ...(cutsMinutes(window) ? ["Azure Monitor counts whole minutes: the window's outer ones are counted whole or not at all."] : []),
      ...(!timed || (total.weighted && backend.weighted)
        ? []
        : ["A latency is the plain mean of its points, not weighted by their requests."]),
      ...(missing.length === 0 ? [] : [rowless(missing)]),
      ...(logsAlone.some((part) => include.includes(part))
        ? [`Platform metrics have no ${logsAlone.filter((part) => include.includes(part)).join(", ")}: this needs resource logs.`]
        : []),
      tokenless,
    ],
  };
}

export const rowless = (groupBy: readonly Grouping[]): string =>
  `Platform metrics have no ${groupBy.filter((grouping) => !isPlatformGrouping(grouping)).join(" or ")}: such rows need resource logs.`;

export const tokenless = "Platform metrics have no tokens: these need the gateway's LLM logs.";

const logsAlone: readonly Include[] = ["tpm", "cache", "backends", "examples"];

type Count = RequestCount & { readonly outcome: Outcome };
type PlatformGrouping = "region" | "cause" | "time";

const isPlatformGrouping = (grouping: Grouping): grouping is PlatformGrouping => ["region", "cause", "time"].includes(grouping);

function totalsOf(counts: readonly Count[], known: boolean, outcomes: boolean): UsageTotals {
  const { requests, succeeded, throttled, rejected, errors } = tally(counts);
  const say = (value: number): Known => (known ? value : "unknown");
  const origins = sumBy(counts, ({ outcome }) => (outcome.kind === "throttled" ? outcome.origin : null));
  const causes = sumBy(counts, ({ outcome }) => (outcome.kind === "error" ? outcome.cause : null));
  return {
    requests: say(requests),
    ...(outcomes ? { outcomes: { succeeded: say(succeeded), rejected: say(rejected) } } : {}),
    throttled: { total: say(throttled), by_origin: origins.map(([origin, sum]) => ({ origin, requests: sum })) },
    errors: { total: say(errors), by_cause: causes.map(([cause, sum]) => ({ cause, requests: sum })) },
    tokens: "unknown",
  };
}

const sum = (counts: readonly RequestCount[]): number => counts.reduce((total, { requests }) => total + requests, 0);

function tally(counts: readonly Count[]) {
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
function rowsOf(counts: readonly Count[], groupBy: readonly PlatformGrouping[], outcomes: boolean): readonly UsageRow[] {
  const groups = new Map<string, { readonly keys: Pick<UsageRow, PlatformGrouping>; readonly members: Count[] }>();
  for (const count of counts) {
    const keys: Pick<UsageRow, PlatformGrouping> = Object.fromEntries(groupBy.map((grouping) => [grouping, groupKeys[grouping](count)]));
    const id = JSON.stringify(keys);
    const group = groups.get(id) ?? { keys, members: [] };
    groups.set(id, group);
    group.members.push(count);
  }
  return [...groups.values()]
    .map(({ keys, members }) => {
      const { requests, throttled, errors, succeeded, rejected } = tally(members);
      return { ...keys, requests, throttled, errors, ...(outcomes ? { outcomes: { succeeded, rejected } } : {}) };
    })
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
