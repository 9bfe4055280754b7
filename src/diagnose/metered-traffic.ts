import type { MetricSeries, MetricsReader } from "../gateway/ports.ts";
import { cacheUseOf } from "../usage/cache-use.ts";
import { causeName, outcomeOf } from "../usage/cause.ts";
import { groupsBy } from "../usage/groups.ts";
import { platformQueries, type RequestCount, requestCounts } from "../usage/platform-metrics.ts";
import { summarize } from "../usage/summary.ts";
import { chooseInterval, type Window } from "../usage/window.ts";
import type { Delays, Failure, Traffic } from "./traffic.ts";

/** What platform metrics tell of calls where no log does: no team, no backend, no message, and no call's own id. */
export type Metered = Required<{
  readonly [Part in "failures" | "cache" | "delays"]: Extract<NonNullable<Traffic[Part]>, { kind: "read" }>["value"];
}>;

interface MeteredAsked {
  readonly window: Window;
  /** Of the same length, before it. */
  readonly before: Window;
  readonly apiId: string | null;
  readonly now: Date;
}

export async function readMetered(metrics: MetricsReader, { window, before, apiId, now }: MeteredAsked): Promise<Metered> {
  const [here, earlier] = await Promise.all([window, before].map((one) => readWindow(metrics, one, apiId, now)));
  const counts = here?.counts ?? [];
  const succeeded = counts.filter((count) => outcomeOf(count).kind === "succeeded");
  const hits = sumOf(succeeded.filter(({ backendCode }) => backendCode === null));
  return {
    failures: failuresOf(counts),
    cache: { ...cacheUseOf({ hits, misses: sumOf(succeeded) - hits }), succeeded: sumOf(succeeded) },
    delays: { now: here?.delays ?? null, before: earlier?.delays ?? null },
  };
}

async function readWindow(
  metrics: MetricsReader,
  window: Window,
  apiId: string | null,
  now: Date,
): Promise<{ readonly counts: readonly RequestCount[]; readonly delays: Delays | null }> {
  const interval = chooseInterval(window);
  const answers = await Promise.all(
    platformQueries({ window, interval, apiId: apiId ?? undefined }).map((query) => metrics.platform(query)),
  );
  const series: readonly MetricSeries[] = answers.flatMap((answer) => answer.series);
  const { totals } = summarize({ window, interval, answers, groupBy: [], limit: 1, include: ["latency"], now });
  return { counts: requestCounts(series), delays: delaysOf(totals.latency_ms) };
}

function delaysOf(latency: ReturnType<typeof summarize>["totals"]["latency_ms"]): Delays | null {
  const [total, backend] = [latency?.total?.average, latency?.backend?.average];
  if (typeof total !== "number") return null;
  const there = typeof backend === "number" ? backend : 0;
  return { measure: "average", total, backend: there, gateway: Math.max(0, total - there) };
}

const sumOf = (counts: readonly RequestCount[]): number => counts.reduce((sum, { requests }) => sum + requests, 0);

/** Calls that ended alike, the most frequent first. */
function failuresOf(counts: readonly RequestCount[]): readonly Failure[] {
  const failed = counts.map((count) => ({ ...count, cause: causeName(outcomeOf(count)) })).filter(({ cause }) => cause !== "succeeded");
  const alike = groupsBy(failed, ({ cause, gatewayCode, backendCode, reason }) =>
    JSON.stringify([cause, gatewayCode, backendCode, reason]),
  );
  return [...alike.values()]
    .flatMap((group): readonly Failure[] => {
      const [one] = group;
      if (one === undefined) return [];
      const times = group.map(({ time }) => time).toSorted();
      return [
        {
          cause: one.cause,
          ...{ backend: null, deployment: null, subscription: null, api: null, path: "" },
          status: one.gatewayCode ?? 0,
          backendStatus: one.backendCode ?? 0,
          reason: one.reason ?? "",
          ...{ source: "", message: "", examples: [] },
          requests: sumOf(group),
          first: times[0] ?? "",
          last: times.at(-1) ?? "",
        },
      ];
    })
    .toSorted((a, b) => b.requests - a.requests);
}
