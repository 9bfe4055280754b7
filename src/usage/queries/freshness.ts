import { datetimeLiteral, textLiteral } from "./literals.ts";
import type { LogsQuery } from "./query.ts";

const hourMs = 3_600_000;

const measures = { Newest: "datetime", LagSeconds: "real" } as const;

/** How far the logs reach: the newest row of the last day, and within how long 99 % of that day's rows had come in. */
export function freshnessQuery(resourceId: string, now: Date): LogsQuery<typeof measures> {
  const since = new Date(now.getTime() - 24 * hourMs);
  const until = new Date(now.getTime() + hourMs);
  return {
    kql: `ApiManagementGatewayLogs
| where TimeGenerated >= ${datetimeLiteral(since)} and TimeGenerated < ${datetimeLiteral(until)} and _ResourceId =~ ${textLiteral(resourceId)}
| summarize Newest = max(TimeGenerated), LagSeconds = percentile((ingestion_time() - TimeGenerated) / 1s, 99)`,
    groupBy: [],
    measures,
    period: { since, until },
  };
}
