import type { JsonObject } from "../../gateway/documents.ts";
import type { LogTable } from "../gateway/logs/rows.ts";
import { sandboxService } from "../service.ts";
import { minuteMs } from "./history.ts";
import { callsIn, pastHost as host, type PastCall } from "./past-calls.ts";

/** How far back the workspace goes: the platform metrics, which need none, know of more. */
const days = 3;

/**
 * What the gateway wrote down before the sandbox was opened: rows of the same calls that the platform metrics count, and of the same form as
 * those of `gateway/logs/rows.ts`. Each table is made when it is first asked for, of calls that are made but once.
 */
export function pastRows(end: Date): (table: LogTable) => readonly JsonObject[] {
  const made = new Map<LogTable, readonly JsonObject[]>();
  let calls: readonly PastCall[] | undefined;
  return (table) => {
    calls ??= callsUpTo(end);
    const rows = made.get(table) ?? calls.flatMap((call) => rowsIn[table](call));
    made.set(table, rows);
    return rows;
  };
}

function callsUpTo(end: Date): readonly PastCall[] {
  const last = Math.floor(end.getTime() / minuteMs);
  const minutes = Array.from({ length: days * 24 * 60 + 1 }, (_, index) => new Date((last - days * 24 * 60 + index) * minuteMs));
  return minutes.flatMap(callsIn).filter(({ startedAt }) => startedAt < end);
}

const resourceId = sandboxService.resourceId.toLowerCase();
const apiVersion = "2024-10-21";
const backendId = "aoai-eastus";

/** As long as the gateway's own. */
const idOf = ({ startedAt, number }: PastCall): string => {
  const hex = (startedAt.getTime() * 64 + number).toString(16).padStart(12, "0").slice(-12);
  return `5a11db0c-0000-4000-8000-${hex}`;
};

const path = ({ deployment, operationId }: PastCall): string =>
  `/openai/deployments/${deployment}/${operationId === "Embeddings_Create" ? "embeddings" : "chat/completions"}?api-version=${apiVersion}`;

const common = (call: PastCall): JsonObject => ({
  TimeGenerated: call.startedAt.toISOString(),
  CorrelationId: idOf(call),
  Region: call.location,
  _ResourceId: resourceId,
});

const rowsIn: Readonly<Record<LogTable, (call: PastCall) => readonly JsonObject[]>> = {
  ApiManagementGatewayLogs: (call) => [gatewayRow(call)],
  ApiManagementGatewayLlmLog: (call) => (call.tokens === null ? [] : [modelRow(call, call.tokens)]),
  AppMetrics: (call) => (call.tokens === null ? [] : metricRows(call, call.tokens)),
  AppDependencies: (call) => call.attempts.map((status, index) => dependencyRow(call, status, index)),
};

function gatewayRow(call: PastCall): JsonObject {
  const { subscription, attempts, gatewayResponseCode, backendResponseCode, lastErrorReason } = call;
  const called = attempts.length > 0;
  return {
    ...common(call),
    Category: "GatewayLogs",
    OperationName: "Microsoft.ApiManagement/GatewayLogs",
    IsRequestSuccess: gatewayResponseCode < 400,
    TotalTime: call.milliseconds,
    CallerIpAddress: "203.0.113.7",
    Method: "POST",
    Url: `https://${sandboxService.name}.azure-api.net${path(call)}`,
    ClientProtocol: "HTTP/1.1",
    ResponseCode: gatewayResponseCode,
    BackendMethod: called ? "POST" : null,
    BackendUrl: called ? `https://${host}${path(call)}` : null,
    BackendResponseCode: backendResponseCode,
    BackendProtocol: called ? "HTTP/1.1" : null,
    BackendId: called ? backendId : null,
    BackendTime: call.backendMs,
    ClientTime: 0,
    CacheTime: 0,
    Cache: "none",
    ApiId: call.apiId,
    ApiRevision: "1",
    OperationId: call.operationId,
    ProductId: subscription?.product ?? null,
    UserId: null,
    ApimSubscriptionId: subscription?.id ?? null,
    LastErrorElapsed: lastErrorReason === null ? null : call.milliseconds,
    LastErrorSource: call.errorSource,
    LastErrorScope: lastErrorReason === null ? null : "api",
    LastErrorSection: lastErrorReason === null ? null : called ? "backend" : "inbound",
    LastErrorReason: lastErrorReason,
    LastErrorMessage: call.errorMessage,
    TraceRecords: [],
    IsTraceRequested: false,
    IsTraceAllowed: false,
    IsTraceExpired: false,
    IsMasterTrace: false,
  };
}

type Tokens = NonNullable<PastCall["tokens"]>;

const modelRow = (call: PastCall, { prompt, completion }: Tokens): JsonObject => ({
  ...common(call),
  OperationName: "Microsoft.ApiManagement/GatewayLlmLogs",
  RequestId: idOf(call),
  SequenceNumber: 0,
  DeploymentName: call.deployment,
  ModelName: call.deployment,
  ApiVersion: apiVersion,
  IsStreamCompletion: false,
  PromptTokens: prompt,
  CompletionTokens: completion,
  TotalTokens: prompt + completion,
  RequestMessages: null,
  ResponseMessages: null,
});

/** What the API's `llm-emit-token-metric` writes. */
function metricRows(call: PastCall, { prompt, completion }: Tokens): readonly JsonObject[] {
  const time = new Date(call.startedAt.getTime() + call.milliseconds).toISOString();
  const counts = { "Total Tokens": prompt + completion, "Prompt Tokens": prompt, "Completion Tokens": completion };
  const { id = "", displayName = "none" } = call.subscription ?? {};
  return Object.entries(counts).map(([name, value]) => ({
    TimeGenerated: time,
    Name: name,
    Sum: value,
    Min: value,
    Max: value,
    ItemCount: 1,
    Properties: { "Subscription ID": id, "API ID": call.apiId, Team: displayName },
    OperationId: idOf(call),
    AppRoleName: sandboxService.name,
    _ResourceId: resourceId,
  }));
}

/** Assumed: that attempts take the same time each. */
function dependencyRow(call: PastCall, status: number | null, index: number): JsonObject {
  const milliseconds = Math.round(call.backendMs / call.attempts.length);
  return {
    TimeGenerated: new Date(call.startedAt.getTime() + index * milliseconds).toISOString(),
    Id: `${idOf(call)}.${index + 1}`,
    OperationId: idOf(call),
    Name: `POST ${path(call).split("?")[0]}`,
    Target: host,
    DependencyType: "HTTP",
    Data: `POST https://${host}${path(call)}`,
    Success: status === 200,
    ResultCode: status === null ? "" : String(status),
    DurationMs: milliseconds,
    Properties: { "Backend ID": backendId },
    ItemCount: 1,
    _ResourceId: resourceId,
  };
}
