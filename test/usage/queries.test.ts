import { describe, expect, test } from "vitest";
import { workspaceTables } from "../../src/sandbox/monitor/kql/tables.ts";
import type { Grouping } from "../../src/usage/platform-metrics.ts";
import { backendShareQuery } from "../../src/usage/queries/backends.ts";
import { cacheQuery } from "../../src/usage/queries/cache.ts";
import type { CallFilter } from "../../src/usage/queries/calls.ts";
import { endingsQuery, rowsQuery } from "../../src/usage/queries/counts.ts";
import { failoversQuery } from "../../src/usage/queries/failovers.ts";
import { failuresQuery } from "../../src/usage/queries/failures.ts";
import { freshnessQuery } from "../../src/usage/queries/freshness.ts";
import { latencyQuery } from "../../src/usage/queries/latency.ts";
import { maskedQuery } from "../../src/usage/queries/masked.ts";
import { type Columns, columnsOf, groupColumns, type LogsQuery } from "../../src/usage/queries/query.ts";
import { spendingQuery } from "../../src/usage/queries/spending.ts";
import { isTokenGrouping, metricTpmQuery, tokenMetricsQuery } from "../../src/usage/queries/token-metrics.ts";
import { tpmQuery } from "../../src/usage/queries/tokens.ts";
import { openKusto } from "./kusto.ts";

const judge = openKusto(workspaceTables);

const filter: CallFilter = {
  window: { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") },
  resourceId: "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-prod",
  interval: "PT5M",
};

const groupings = Object.keys(groupColumns) as Grouping[];
const combinations: readonly (readonly Grouping[])[] = groupings.flatMap((one, index) => [
  [one],
  ...groupings.slice(index + 1).map((other) => [one, other]),
]);

const named = (groupBy: readonly Grouping[]): string => groupBy.join(" and ") || "nothing";

const narrow: CallFilter = { ...filter, apiId: "openai", subscriptions: ["growth", "prod-critical"] };

const queries: readonly (readonly [string, LogsQuery<Columns>])[] = [
  ["freshness", freshnessQuery(filter.resourceId, filter.window.until)],
  ...[filter, { ...filter, apiId: "openai" }, narrow].flatMap((one, index): (readonly [string, LogsQuery<Columns>])[] => [
    [`endings, filter ${index}`, endingsQuery(one)],
    [`cache, filter ${index}`, cacheQuery(one)],
    [`failures, filter ${index}`, failuresQuery(one)],
    [`masked errors, filter ${index}`, maskedQuery(one)],
    [`backends, filter ${index}`, backendShareQuery(one)],
    [`rows, filter ${index}`, rowsQuery(one, ["subscription"], 10)],
    [`failovers, filter ${index}`, failoversQuery(one)],
    [`spending, filter ${index}`, spendingQuery(one)],
  ]),
  ...[[], ...combinations].flatMap((groupBy): (readonly [string, LogsQuery<Columns>])[] => [
    ...(groupBy.length === 0 ? [] : [[`rows by ${named(groupBy)}`, rowsQuery(narrow, groupBy, 20)] as const]),
    [`tpm by ${named(groupBy)}`, tpmQuery(narrow, groupBy)],
    [`latency by ${named(groupBy)}`, latencyQuery(narrow, groupBy)],
    ...(groupBy.every(isTokenGrouping)
      ? ([
          [`token metrics by ${named(groupBy)}`, tokenMetricsQuery(narrow, groupBy.filter(isTokenGrouping))],
          [`token metrics' rates by ${named(groupBy)}`, metricTpmQuery(filter, groupBy.filter(isTokenGrouping))],
        ] as const)
      : []),
  ]),
];

describe("every query that can be built", () => {
  test.each(queries)("%s: is bound to the tables, and answers the columns that its rows are read by", (_, query) => {
    const { problems, columns } = judge(query.kql);
    expect(problems).toEqual([]);
    expect(columns).toMatchObject(columnsOf(query));
  });
});
