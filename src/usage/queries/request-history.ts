import type { Window } from "../window.ts";
import { modelLogUntil } from "./calls.ts";
import { datetimeLiteral, textLiteral } from "./literals.ts";
import type { LogsQuery } from "./query.ts";

/** One team of one service, in one window. */
export interface TeamFilter {
  readonly window: Window;
  /** Whole ARM id of the service. */
  readonly resourceId: string;
  readonly subscriptionId: string;
}

const requestColumns = {
  Start: "datetime",
  TotalMs: "long",
  Code: "int",
  BackendCode: "int",
  Reason: "string",
  Api: "string",
  Place: "string",
  Prompt: "int",
  Tokens: "int",
  Streamed: "int",
  Deployment: "string",
} as const;

/**
 * A team's own requests, a row for each, the newest `most` of them in the order of their starts. The model's log knows no subscription and has several entries
 * for a request with long messages, each with the same counts: they are joined by the correlation id
 * (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewayllmlog).
 */
export function requestsQuery({ window, resourceId, subscriptionId }: TeamFilter, most: number): LogsQuery<typeof requestColumns> {
  const modelled = modelLogUntil(window.until);
  const own = `_ResourceId =~ ${textLiteral(resourceId)}`;
  return {
    kql: `let since = ${datetimeLiteral(window.since)};
let until = ${datetimeLiteral(window.until)};
let calls = ApiManagementGatewayLogs
| where TimeGenerated >= since and TimeGenerated < until and ${own}
| where ApimSubscriptionId =~ ${textLiteral(subscriptionId)}
| top ${Math.trunc(most)} by TimeGenerated desc
| project CorrelationId, Start = TimeGenerated, TotalMs = TotalTime, Code = ResponseCode, BackendCode = BackendResponseCode, Reason = LastErrorReason, Api = ApiId, Place = Region, Asked = extract(@"/deployments/([^/?]+)", 1, Url);
let llm = ApiManagementGatewayLlmLog
| where TimeGenerated >= since and TimeGenerated < ${datetimeLiteral(modelled)} and ${own}
| summarize Prompt = max(PromptTokens), Tokens = max(TotalTokens), Streamed = max(toint(IsStreamCompletion)), Named = take_anyif(DeploymentName, isnotempty(DeploymentName)) by CorrelationId;
calls
| join kind=leftouter llm on CorrelationId
| extend Deployment = iff(isempty(Asked), Named, Asked)
| project Start, TotalMs, Code, BackendCode, Reason, Api, Place, Prompt, Tokens, Streamed, Deployment
| order by Start asc`,
    groupBy: [],
    measures: requestColumns,
    period: { since: window.since, until: modelled },
  };
}

const minuteColumns = { Minute: "datetime", Tokens: "real" } as const;

/**
 * Tokens of a team's requests by the minute, as `llm-emit-token-metric` has counted them, which needs the dimension `Subscription ID`
 * (https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy). Minutes without any are left out.
 */
export const minuteTokensQuery = ({ window, subscriptionId }: TeamFilter): LogsQuery<typeof minuteColumns> => ({
  kql: `let since = ${datetimeLiteral(window.since)};
AppMetrics
| where TimeGenerated >= since and TimeGenerated < ${datetimeLiteral(window.until)} and Name == "Total Tokens"
| where tostring(Properties["Subscription ID"]) =~ ${textLiteral(subscriptionId)}
| summarize Tokens = sum(Sum) by Minute = since + bin(TimeGenerated - since, 1m)
| order by Minute asc`,
  groupBy: [],
  measures: minuteColumns,
  period: window,
});
