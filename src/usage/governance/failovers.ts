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

/** Minutes so far apart belong to one failover: between them nobody has called, or a few calls tried the usual backend again. */
const gapMs = 5 * minuteMs;

/** Minutes of the logs as failovers, oldest first. */
export function failoversIn(rows: readonly MinuteRow[], nameOf: (host: string) => string): readonly Failover[] {
  return [...groupsBy(rows, ({ values }) => values.Api)]
    .flatMap(([apiId, group]) => runsOf(group).map((run) => failoverOf(apiId, run, nameOf)))
    .toSorted((a, b) => a.from.localeCompare(b.from) || a.apiId.localeCompare(b.apiId));
}

const timeOf = ({ keys }: MinuteRow): number => Date.parse(keys.time ?? "");

function runsOf(rows: readonly MinuteRow[]): readonly (readonly MinuteRow[])[] {
  const runs: MinuteRow[][] = [];
  for (const row of rows.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && timeOf(row) - timeOf(last) <= gapMs) run.push(row);
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
    requests: run.reduce((sum, { values }) => sum + (values.Requests ?? 0), 0),
  };
}
