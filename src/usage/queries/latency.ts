import type { Grouping } from "../platform-metrics.ts";
import { by, type CallFilter, callQuery } from "./calls.ts";

const mostGroups = 2000;

const percentiles = (name: string, column: string): string =>
  [50, 95, 99].map((percent) => `${name}${percent} = percentile(${column}, ${percent})`).join(", ");

/**
 * Latency in milliseconds: of the whole call, of the backend's part where one was called, and of what is left when the backend, the client and the
 * cache are taken off.
 */
export const latencyQuery = (filter: CallFilter, groupBy: readonly Grouping[]) =>
  callQuery(filter, {
    groupBy,
    measures: {
      Total50: "long",
      Total95: "long",
      Total99: "long",
      Backend50: "long",
      Backend95: "long",
      Backend99: "long",
      Gateway50: "long",
      Gateway95: "long",
      Gateway99: "long",
    },
    tokens: false,
    steps: (source, groups) => `${source}
| extend BackendMs = iff(isempty(BackendUrl), long(null), BackendTime), GatewayMs = max_of(0, TotalTime - coalesce(BackendTime, 0) - coalesce(ClientTime, 0) - coalesce(CacheTime, 0))
| summarize Requests = count(), ${percentiles("Total", "TotalTime")}, ${percentiles("Backend", "BackendMs")}, ${percentiles("Gateway", "GatewayMs")}${by(groups)}
| where Requests > 0
| order by Requests desc
| take ${mostGroups}
| project-away Requests`,
  });
