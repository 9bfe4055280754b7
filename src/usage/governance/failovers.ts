import { groupsBy } from "../groups.ts";
import type { failoversQuery } from "../queries/failovers.ts";
import type { LogsRow } from "../queries/query.ts";

type MinuteRow = LogsRow<ReturnType<typeof failoversQuery>["measures"]>;

/** A time in which others have answered an API's calls in the place of the backend that does so otherwise. */
export interface Failover {
  readonly apiId: string;
  readonly usual: string;
  readonly others: readonly string[];
  /** ISO 8601, UTC: from its first minute to behind its last one. */
  readonly from: string;
  readonly until: string;
  readonly requests: number;
}

const minuteMs = 60_000;

/** Below it a stretch of calls without the usual backend is no chance: a week has some thousands of stretches. */
const leastChance = 1e-6;

/** Stretches so far apart belong to one failover: between them a few calls tried the usual backend again. */
const gapMs = 5 * minuteMs;

/**
 * Minutes of the logs as failovers, oldest first. What may be chance, where backends share the calls, is none; nor is what nobody can tell: a time
 * with few calls, or without any in most of its minutes.
 */
export function failoversIn(rows: readonly MinuteRow[], nameOf: (host: string) => string): readonly Failover[] {
  return [...groupsBy(rows, ({ values }) => values.Api)]
    .flatMap(([apiId, group]) => {
      const stretches = runsOf(group, minuteMs).filter((stretch) => chanceOf(stretch) < leastChance);
      return runsOf(stretches.flat(), gapMs).map((run) => failoverOf(apiId, run, nameOf));
    })
    .toSorted((a, b) => a.from.localeCompare(b.from) || a.apiId.localeCompare(b.apiId));
}

const timeOf = ({ keys }: MinuteRow): number => Date.parse(keys.time ?? "");

/** Of none of the calls going to the usual backend, if each went there as often as in the mean of the window. */
const chanceOf = (stretch: readonly MinuteRow[]): number => (1 - (stretch[0]?.values.Share ?? 0)) ** callsIn(stretch);

const callsIn = (rows: readonly MinuteRow[]): number => rows.reduce((sum, { values }) => sum + (values.Requests ?? 0), 0);

/** Rows of minutes that lie at most so far apart, each run in order. */
function runsOf(rows: readonly MinuteRow[], apart: number): readonly (readonly MinuteRow[])[] {
  const runs: MinuteRow[][] = [];
  for (const row of rows.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && timeOf(row) - timeOf(last) <= apart) run.push(row);
    else runs.push([row]);
  }
  return runs;
}

function failoverOf(apiId: string, run: readonly MinuteRow[], nameOf: (host: string) => string): Failover {
  const times = run.map(timeOf);
  const hosts = run.flatMap(({ values: { Others } }) => (Array.isArray(Others) ? Others.filter((host) => typeof host === "string") : []));
  return {
    apiId,
    usual: nameOf(run[0]?.values.Usual ?? ""),
    others: [...new Set(hosts.map(nameOf))].toSorted(),
    from: new Date(Math.min(...times)).toISOString(),
    until: new Date(Math.max(...times) + minuteMs).toISOString(),
    requests: callsIn(run),
  };
}
