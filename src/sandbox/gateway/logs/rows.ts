import type { Json, JsonObject } from "../../../gateway/documents.ts";
import { sandboxService } from "../../service.ts";
import type { FinishedCall } from "../gateway.ts";
import type { BackendAttempt, TokenMetric, TokenUsage } from "../policy.ts";

/** A table of Azure Monitor, and a row of it by the names of its columns; times are ISO 8601 in UTC. Columns that are not there are null. */
export interface LogRow {
  readonly table: LogTable;
  readonly row: JsonObject;
}

export type LogTable = "ApiManagementGatewayLogs" | "ApiManagementGatewayLlmLog" | "AppMetrics" | "AppDependencies";

/**
 * What the gateway writes down of a call
 * (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs and .../apimanagementgatewayllmlog): one row of the
 * gateway's log, which knows the last attempt at a backend alone; one of the model's log where tokens were counted; three metrics for each policy that
 * emits tokens; and one dependency for each attempt.
 *
 * Assumed: `BackendResponseCode` is null without an answer of a backend; what a cache has answered has no row in the model's log.
 */
export function rowsOf(finished: FinishedCall): readonly LogRow[] {
  const { record } = finished.call;
  return [
    { table: "ApiManagementGatewayLogs", row: gatewayRow(finished) },
    ...modelRows(finished),
    ...record.tokenMetrics.flatMap((metric) => metricRows(finished, metric)),
    ...record.attempts.map((attempt): LogRow => ({ table: "AppDependencies", row: dependencyRow(finished, attempt) })),
  ];
}

const iso = (time: Date): string => time.toISOString();

/** What every row of a call has. */
const common = ({ call, startedAt }: FinishedCall): JsonObject => ({
  TimeGenerated: iso(startedAt),
  CorrelationId: call.id,
  Region: call.instance.region,
  _ResourceId: sandboxService.resourceId.toLowerCase(),
});

function gatewayRow(finished: FinishedCall): JsonObject {
  const { call, startedAt, endedAt, method, url, route, completed } = finished;
  const { api, operation, product, subscription, user, request } = call.context;
  const last = call.record.attempts.at(-1) ?? null;
  const error = call.lastError;
  return {
    ...common(finished),
    Category: "GatewayLogs",
    OperationName: "Microsoft.ApiManagement/GatewayLogs",
    IsRequestSuccess: completed.status < 400 && !completed.aborted,
    TotalTime: endedAt.getTime() - startedAt.getTime(),
    CallerIpAddress: request.ipAddress,
    Method: method,
    Url: url.href,
    ClientProtocol: "HTTP/1.1",
    ResponseCode: completed.status,
    BackendMethod: last?.method ?? null,
    BackendUrl: last?.url ?? null,
    BackendResponseCode: last?.status ?? null,
    BackendProtocol: last === null ? null : "HTTP/1.1",
    BackendId: last?.backendId ?? null,
    BackendTime: call.record.attempts.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    ClientTime: 0,
    CacheTime: 0,
    Cache: call.record.cache,
    ApiId: route === null ? null : api.id,
    ApiRevision: route === null ? null : api.revision,
    OperationId: operation?.id ?? null,
    ProductId: product?.id ?? null,
    UserId: user?.id ?? null,
    ApimSubscriptionId: subscription?.id ?? null,
    LastErrorElapsed: error === null ? null : endedAt.getTime() - startedAt.getTime(),
    LastErrorSource: error?.source ?? null,
    LastErrorScope: error?.scope ?? null,
    LastErrorSection: error?.section ?? null,
    LastErrorReason: completed.aborted && error === null ? "ClientConnectionFailure" : (error?.reason ?? null),
    LastErrorMessage: error?.message ?? null,
    TraceRecords: traceRecords(finished),
    IsTraceRequested: false,
    IsTraceAllowed: false,
    IsTraceExpired: false,
    IsMasterTrace: false,
  };
}

const traceRecords = ({ call }: FinishedCall): readonly Json[] =>
  call.record.traces.map(({ source, severity, message, metadata }) => ({
    source,
    severity,
    message,
    metadata: Object.fromEntries(metadata),
  }));

function modelRows(finished: FinishedCall): readonly LogRow[] {
  const { call, url, route, completed } = finished;
  const { usage } = completed;
  if (usage === null || call.record.cache === "hit") return [];
  const row = {
    ...common(finished),
    OperationName: "Microsoft.ApiManagement/GatewayLlmLogs",
    RequestId: call.id,
    SequenceNumber: 0,
    DeploymentName:
      route?.parameters.get("deployment-id") ?? deploymentIn(call.record.attempts.at(-1)?.url ?? url.href) ?? call.record.model,
    ModelName: call.record.model,
    ApiVersion: url.searchParams.get("api-version"),
    IsStreamCompletion: call.response?.headers.get("content-type")?.startsWith("text/event-stream") === true,
    PromptTokens: usage.prompt,
    CompletionTokens: usage.completion,
    TotalTokens: usage.total,
    RequestMessages: null,
    ResponseMessages: null,
  };
  return [{ table: "ApiManagementGatewayLlmLog", row }];
}

const deploymentIn = (url: string): string | null => /\/deployments\/([^/?]+)/.exec(url)?.[1] ?? null;

/** https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy */
const tokenMetrics: readonly (readonly [name: string, count: (usage: TokenUsage) => number])[] = [
  ["Total Tokens", ({ total }) => total],
  ["Prompt Tokens", ({ prompt }) => prompt],
  ["Completion Tokens", ({ completion }) => completion],
];

function metricRows({ call, endedAt }: FinishedCall, { usage, dimensions }: TokenMetric): readonly LogRow[] {
  return tokenMetrics.map(([name, count]) => ({
    table: "AppMetrics",
    row: {
      TimeGenerated: iso(endedAt),
      Name: name,
      Sum: count(usage),
      Min: count(usage),
      Max: count(usage),
      ItemCount: 1,
      Properties: Object.fromEntries(dimensions),
      OperationId: call.id,
      AppRoleName: sandboxService.name,
      _ResourceId: sandboxService.resourceId.toLowerCase(),
    },
  }));
}

function dependencyRow({ call }: FinishedCall, attempt: BackendAttempt): JsonObject {
  const { startedAt, url, method, status, milliseconds, backendId } = attempt;
  return {
    TimeGenerated: iso(startedAt),
    Id: `${call.id}.${call.record.attempts.indexOf(attempt) + 1}`,
    OperationId: call.id,
    Name: `${method} ${new URL(url).pathname}`,
    Target: new URL(url).host,
    DependencyType: "HTTP",
    Data: `${method} ${url}`,
    Success: status !== null && status < 400,
    ResultCode: status === null ? "" : String(status),
    DurationMs: milliseconds,
    Properties: backendId === null ? {} : { "Backend ID": backendId },
    ItemCount: 1,
    _ResourceId: sandboxService.resourceId.toLowerCase(),
  };
}
