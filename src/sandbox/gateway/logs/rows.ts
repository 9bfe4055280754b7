import type { Json, JsonObject } from "../../../gateway/documents.ts";
import { sandboxService } from "../../service.ts";
import type { FinishedCall } from "../gateway.ts";
import type { BackendAttempt, CustomMetric, TokenMetric, TokenUsage } from "../policy.ts";

/** A table of Azure Monitor, and a row of it by the names of its columns; times are ISO 8601 in UTC. Columns that are not there are null. */
export interface LogRow {
  readonly table: LogTable;
  readonly row: JsonObject;
}

export const logTables = ["ApiManagementGatewayLogs", "ApiManagementGatewayLlmLog", "AppMetrics", "AppDependencies"] as const;

export type LogTable = (typeof logTables)[number];

/**
 * What the gateway writes down of a call
 * (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs and .../apimanagementgatewayllmlog): one row of the
 * gateway's log, which knows the last attempt at a backend alone; one of the model's log where tokens were counted; three metrics for each policy that
 * emits tokens, and one for each that emits a value; and one dependency for each attempt.
 *
 * Assumed: `BackendResponseCode` is null without an answer of a backend; `BackendTime` ends with the head of the backend's answer, and
 * `LastErrorElapsed` with the call; what a cache has answered has no row in the model's log; keys in URLs are not written down; what the members of a
 * trace record are called; a diagnostic without a verbosity has them all.
 */
export function rowsOf(finished: FinishedCall): readonly LogRow[] {
  const { record } = finished.call;
  return [
    { table: "ApiManagementGatewayLogs", row: gatewayRow(finished) },
    ...modelRows(finished),
    ...record.tokenMetrics.flatMap((metric) => tokenMetricRows(finished, metric)),
    ...record.metrics.map((metric) => customMetricRow(finished, metric)),
    ...record.attempts.map((attempt, index): LogRow => ({ table: "AppDependencies", row: dependencyRow(finished, attempt, index + 1) })),
  ];
}

const resourceId = sandboxService.resourceId.toLowerCase();

const iso = (time: Date): string => time.toISOString();

/** What every row of a call has. */
const common = ({ call, startedAt }: FinishedCall): JsonObject => ({
  TimeGenerated: iso(startedAt),
  CorrelationId: call.id,
  Region: call.instance.region,
  _ResourceId: resourceId,
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
    Url: withoutKeys(url),
    ClientProtocol: "HTTP/1.1",
    ResponseCode: completed.status,
    BackendMethod: last?.method ?? null,
    BackendUrl: last === null ? null : withoutKeys(new URL(last.url)),
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

/** Keys of subscriptions and of backends stand in queries too. */
function withoutKeys(url: URL): string {
  const shown = new URL(url);
  for (const name of new Set(shown.searchParams.keys())) if (/key|code|sig|token|secret/i.test(name)) shown.searchParams.set(name, "***");
  return shown.href;
}

/** Lowest first (https://learn.microsoft.com/azure/api-management/trace-policy#attributes). */
const severities = ["verbose", "information", "error"];

/** Traces from the verbosity of the diagnostic on: that of the API, else that of the service. */
const traceRecords = ({ call, route }: FinishedCall): readonly Json[] => {
  const own = route === null ? undefined : call.world.get(`apis/${call.context.api.id}/diagnostics/azuremonitor`);
  const { verbosity = "verbose" } = (own ?? call.world.get("diagnostics/azuremonitor"))?.properties ?? {};
  const least = severities.indexOf(String(verbosity));
  return call.record.traces
    .filter(({ severity }) => severities.indexOf(severity) >= least)
    .map(({ source, severity, message, metadata }) => ({ source, severity, message, metadata: Object.fromEntries(metadata) }));
};

function modelRows(finished: FinishedCall): readonly LogRow[] {
  const { call, url, route, completed } = finished;
  const { usage } = completed;
  if (usage === null) return [];
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

const tokenMetricRows = (finished: FinishedCall, { usage, dimensions }: TokenMetric): readonly LogRow[] =>
  tokenMetrics.map(([name, count]) => metricRow(finished, name, count(usage), dimensions));

/** https://learn.microsoft.com/azure/api-management/emit-metric-policy */
const customMetricRow = (finished: FinishedCall, { name, value, dimensions }: CustomMetric): LogRow =>
  metricRow(finished, name, value, dimensions);

function metricRow({ call, endedAt }: FinishedCall, name: string, value: number, dimensions: ReadonlyMap<string, string>): LogRow {
  return {
    table: "AppMetrics",
    row: {
      TimeGenerated: iso(endedAt),
      Name: name,
      Sum: value,
      Min: value,
      Max: value,
      ItemCount: 1,
      Properties: Object.fromEntries(dimensions),
      OperationId: call.id,
      AppRoleName: sandboxService.name,
      _ResourceId: resourceId,
    },
  };
}

/** `number` counts the attempts of a call from 1. */
function dependencyRow({ call }: FinishedCall, attempt: BackendAttempt, number: number): JsonObject {
  const { startedAt, method, status, milliseconds, backendId } = attempt;
  const url = new URL(attempt.url);
  return {
    TimeGenerated: iso(startedAt),
    Id: `${call.id}.${number}`,
    OperationId: call.id,
    Name: `${method} ${url.pathname}`,
    Target: url.host,
    DependencyType: "HTTP",
    Data: `${method} ${withoutKeys(url)}`,
    Success: status !== null && status < 400,
    ResultCode: status === null ? "" : String(status),
    DurationMs: milliseconds,
    Properties: backendId === null ? {} : { "Backend ID": backendId },
    ItemCount: 1,
    _ResourceId: resourceId,
  };
}
