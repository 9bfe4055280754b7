import { shadowCause } from "../../gateway/shadow.ts";
import type { Grouping } from "../platform-metrics.ts";
import type { Window } from "../window.ts";
import { datetimeLiteral, spanLiteral, textList, textLiteral } from "./literals.ts";
import { type Columns, groupColumns, type LogsQuery } from "./query.ts";

/** Which calls a query is about. */
export interface CallFilter {
  readonly window: Window;
  /** Whole ARM id of the service. */
  readonly resourceId: string;
  /** Without it: all APIs. */
  readonly apiId?: string | undefined;
  /** Ids; without it, or empty: all, and calls without one. */
  readonly subscriptions?: readonly string[] | undefined;
  /** Length of a point, where rows are grouped by time. */
  readonly interval: string;
}

/** How much later than its call an entry of the model's log may be dated. Assumed: a streamed answer takes less. */
const modelLogLagMs = 15 * 60_000;

/**
 * How a call ended, as `outcomeOf` and `causeName` say it of platform metrics.
 * `BackendResponseCode` is null or 0 without an answer of a backend: https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs leaves open which.
 */
const cause = `case(
    LastErrorReason == "ClientConnectionFailure", "error:client",
    Code == 429 or (Code == 403 and LastErrorReason in ("OpenAITokenQuotaExceeded", "QuotaExceeded")), case(
        LastErrorReason == "OpenAITokenLimitExceeded", "gateway:token-rate-limit",
        LastErrorReason == "OpenAITokenQuotaExceeded", "gateway:token-quota",
        LastErrorReason == "RateLimitExceeded", "gateway:rate-limit",
        LastErrorReason == "QuotaExceeded", "gateway:call-quota",
        BackendCode == 429, "backend:429",
        BackendCode > 0, "gateway:rewritten-backend-error",
        "gateway:other"),
    Code < 100 or Code >= 500, case(
        BackendCode >= 500 or BackendCode == 429, "error:backend",
        LastErrorReason == "BackendConnectionFailure", "error:unreachable",
        LastErrorReason == "Timeout", "error:timeout",
        Code == 503 and BackendCode == 0, "error:breaker-open (inferred)",
        isnotempty(LastErrorReason), "error:policy",
        "error:unclassified"),
    Code < 400, "succeeded",
    strcat("rejected:", Code))`;

/**
 * Whether a shadow limit would have refused the call: its trace has the cause as a whole text. That the column holds the records of traces is
 * documented (https://learn.microsoft.com/azure/api-management/gateway-log-schema-reference), under which names is not. What a caller has sent and
 * another policy has traced is not taken for it: quotes within a text are escaped.
 */
const shadowed = `tostring(TraceRecords) contains_cs ${textLiteral(`"${shadowCause}"`)}`;

const orNone = (column: string): string => `iff(isempty(${column}), "none", ${column})`;

/** What a row of `calls` is grouped by. */
function groupExpression(grouping: Grouping, interval: string): string {
  switch (grouping) {
    case "subscription":
      return orNone("ApimSubscriptionId");
    case "product":
      return orNone("ProductId");
    case "operation":
      return orNone("OperationId");
    case "region":
      return orNone("Region");
    case "model":
      return orNone("ModelOfCall");
    case "backend":
      return orNone("BackendPlace");
    case "cause":
      return "CauseOfCall";
    case "time":
      // Points begin with the window, as those of platform metrics do.
      return `since + bin(TimeGenerated - since, ${spanLiteral(interval)})`;
  }
}

/** What a query over calls asks of them. */
interface Asked<M extends Columns> {
  readonly groupBy: readonly Grouping[];
  readonly measures: M;
  /** Whether it needs tokens: then calls are joined with the model's log. */
  readonly tokens: boolean;
  /** The steps from the calls to the answer: `source` has the groupings' columns, `groups` are their names. */
  readonly steps: (source: string, groups: readonly string[]) => string;
}

/** A query over one row for each call, with how it ended, the backend that served it, and its tokens where they are needed. */
export function callQuery<const M extends Columns>(filter: CallFilter, { groupBy, measures, tokens, steps }: Asked<M>): LogsQuery<M> {
  const { window, interval } = filter;
  const groups = groupBy.map((grouping) => groupColumns[grouping]);
  const columns = groupBy.map((grouping) => `${groupColumns[grouping]} = ${groupExpression(grouping, interval)}`);
  const joined = tokens || groupBy.includes("model");
  const parts = [
    `let since = ${datetimeLiteral(window.since)};`,
    `let until = ${datetimeLiteral(window.until)};`,
    ...(joined ? [modelLog(filter)] : []),
    `${gatewayLog(filter)}${joined ? "\n| join kind=leftouter llm on CorrelationId" : ""}${columns.length === 0 ? "" : `\n| extend ${columns.join(", ")}`};`,
    steps("calls", groups),
  ];
  return { kql: parts.join("\n"), groupBy, measures, period: { since: window.since, until: modelLogUntil(window.until) } };
}

/** Until when entries of the model's log may be of calls that were made before `until`. */
export const modelLogUntil = (until: Date): Date => new Date(until.getTime() + modelLogLagMs);

const ownRows = ({ resourceId }: CallFilter): string => `_ResourceId =~ ${textLiteral(resourceId)}`;

/** A call has several entries where messages are logged too, each with the same counts. */
const modelLog = (filter: CallFilter): string => `let llm = ApiManagementGatewayLlmLog
| where TimeGenerated >= since and TimeGenerated < ${datetimeLiteral(modelLogUntil(filter.window.until))} and ${ownRows(filter)}
| summarize Prompt = max(PromptTokens), Completion = max(CompletionTokens), Tokens = max(TotalTokens), ModelName = take_anyif(ModelName, isnotempty(ModelName)), DeploymentName = take_anyif(DeploymentName, isnotempty(DeploymentName)) by CorrelationId
| project CorrelationId, Prompt, Completion, Tokens, ModelOfCall = iff(isempty(ModelName), DeploymentName, ModelName);`;

const gatewayLog = (filter: CallFilter): string =>
  [
    "let calls = ApiManagementGatewayLogs",
    `| where TimeGenerated >= since and TimeGenerated < until and ${ownRows(filter)}`,
    ...(filter.apiId === undefined ? [] : [`| where ApiId =~ ${textLiteral(filter.apiId)}`]),
    ...(filter.subscriptions === undefined || filter.subscriptions.length === 0
      ? []
      : [`| where ApimSubscriptionId in~ ${textList(filter.subscriptions)}`]),
    "| extend Code = coalesce(ResponseCode, 0), BackendCode = coalesce(BackendResponseCode, 0)",
    `| extend CauseOfCall = ${cause}`,
    `| extend ShadowOfCall = ${shadowed}`,
    '| extend Host = tostring(parse_url(BackendUrl).Host), Deployment = extract(@"/deployments/([^/?]+)", 1, BackendUrl)',
    '| extend BackendPlace = iff(isempty(Deployment), Host, strcat(Host, "/", Deployment))',
  ].join("\n");

/** ` by A, B`; nothing without groups. */
export const by = (groups: readonly string[]): string => (groups.length === 0 ? "" : ` by ${groups.join(", ")}`);
