import { by, type CallFilter } from "./calls.ts";
import { datetimeLiteral, spanLiteral, textList, textLiteral } from "./literals.ts";
import { type Columns, groupColumns, type LogsQuery } from "./query.ts";

/**
 * Dimensions that `llm-emit-token-metric` fills by itself where a policy names them
 * (https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy#default-dimension-names-that-may-be-used-without-value).
 */
const dimensions = { subscription: "Subscription ID", product: "Product ID", operation: "Operation ID", region: "Location" } as const;

/** What the token metrics of Application Insights may be grouped by. */
export type TokenGrouping = keyof typeof dimensions | "time";

export const isTokenGrouping = (grouping: string): grouping is TokenGrouping => grouping === "time" || Object.hasOwn(dimensions, grouping);

/** More groups than rows are ever shown for. */
const mostGroups = 2000;

const property = (name: string): string => `tostring(Properties[${textLiteral(name)}])`;

function groupExpression(grouping: TokenGrouping, interval: string): string {
  if (grouping === "time") return `since + bin(TimeGenerated - since, ${spanLiteral(interval)})`;
  const value = property(dimensions[grouping]);
  return `iff(isempty(${value}), "none", ${value})`;
}

interface Asked<M extends Columns> {
  readonly groupBy: readonly TokenGrouping[];
  readonly measures: M;
  readonly steps: (groups: readonly string[]) => string;
}

/**
 * A query over the rows that `llm-emit-token-metric` has left in a workspace. They carry the id of their Application Insights, not of the service.
 * Assumed: token metrics in the service's workspace are its own.
 */
function metricQuery<const M extends Columns>(filter: CallFilter, { groupBy, measures, steps }: Asked<M>): LogsQuery<M> {
  const { window, apiId, subscriptions = [], interval } = filter;
  const groups = groupBy.map((grouping) => groupColumns[grouping]);
  const parts = [
    `let since = ${datetimeLiteral(window.since)};`,
    `let until = ${datetimeLiteral(window.until)};`,
    "AppMetrics",
    '| where TimeGenerated >= since and TimeGenerated < until and Name in ("Total Tokens", "Prompt Tokens", "Completion Tokens")',
    ...(apiId === undefined ? [] : [`| where ${property("API ID")} =~ ${textLiteral(apiId)}`]),
    ...(subscriptions.length === 0 ? [] : [`| where ${property(dimensions.subscription)} in~ ${textList(subscriptions)}`]),
    ...groupBy.map((grouping) => `| extend ${groupColumns[grouping]} = ${groupExpression(grouping, interval)}`),
    steps(groups),
  ];
  return { kql: parts.join("\n"), groupBy, measures, period: window };
}

const sumOf = (column: string, name: string): string => `sumif(${column}, Name == "${name} Tokens")`;

/** Tokens in groups, the newest or those with most tokens first. `Metered`: calls that they are of. */
export const tokenMetricsQuery = (filter: CallFilter, groupBy: readonly TokenGrouping[]) =>
  metricQuery(filter, {
    groupBy,
    measures: { Prompt: "real", Completion: "real", Tokens: "real", Metered: "long", Newest: "datetime" },
    steps: (
      groups,
    ) => `| summarize Prompt = ${sumOf("Sum", "Prompt")}, Completion = ${sumOf("Sum", "Completion")}, Tokens = ${sumOf("Sum", "Total")}, Metered = ${sumOf("ItemCount", "Total")}, Newest = max(TimeGenerated)${by(groups)}
| order by ${[...(groupBy.includes("time") ? ["Time desc"] : []), "Tokens desc"].join(", ")}
| take ${mostGroups}`,
  });

/** Tokens per minute as `tpmQuery` answers them. Without the dimension `Location` there is one region, whose name is empty. */
export const metricTpmQuery = (filter: CallFilter, groupBy: readonly TokenGrouping[]) =>
  metricQuery(filter, {
    groupBy,
    measures: { Place: "string", Peak: "long", P95: "long", Average: "real" },
    steps: (groups) => `| where Name == "Total Tokens"
| extend Where = ${property(dimensions.region)}
| extend Places = pack_array("", iff(isempty(Where), "unknown", Where))
| mv-expand Place = Places to typeof(string)
| make-series Tpm = sum(Sum) default = 0.0 on TimeGenerated from since to until step 1m${by([...groups, "Place"])}
| mv-expand Tpm to typeof(real)
| summarize Peak = tolong(max(Tpm)), P95 = tolong(percentile(Tpm, 95)), Average = avg(Tpm)${by([...groups, "Place"])}
| order by Peak desc
| take ${mostGroups}`,
  });
