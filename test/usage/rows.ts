import type { JsonObject } from "../../src/gateway/documents.ts";
import type { LogsReader } from "../../src/gateway/ports.ts";
import { loadKql } from "../../src/kql.ts";
import { type Compiled, compile, execute } from "../../src/sandbox/monitor/kql/engine.ts";
import { workspaceTables } from "../../src/sandbox/monitor/kql/tables.ts";

export const resourceId =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-ai/providers/Microsoft.ApiManagement/service/apim-prod";

/** A call as the gateway's log has it, as far as a test says. */
export interface LoggedCall {
  readonly id?: string;
  /** ISO 8601. */
  readonly time: string;
  readonly code?: number | null;
  readonly backendCode?: number | null;
  readonly reason?: string;
  readonly subscription?: string | null;
  readonly region?: string;
  readonly api?: string;
  readonly backendUrl?: string;
  readonly cache?: string;
  readonly trace?: string;
  /** Whether a shadow limit has recorded it. */
  readonly shadowed?: boolean;
  readonly ms?: readonly [total: number, backend: number];
  readonly model?: string;
  /** Prompt and completion; without them the model's log has no entry. */
  readonly tokens?: readonly [prompt: number, completion: number];
  /** Entries in the model's log. */
  readonly entries?: number;
}

export const tableRows = (
  calls: readonly LoggedCall[],
  serviceId: string = resourceId,
): Readonly<Record<"ApiManagementGatewayLogs" | "ApiManagementGatewayLlmLog", readonly JsonObject[]>> => ({
  ApiManagementGatewayLogs: calls.map((call, index) => ({
    TimeGenerated: call.time,
    CorrelationId: call.id ?? `call-${index}`,
    Region: call.region ?? "East US",
    ResponseCode: call.code === undefined ? 200 : call.code,
    BackendResponseCode: call.backendCode === undefined ? (call.code ?? 200) : call.backendCode,
    BackendUrl:
      call.backendUrl ?? (call.backendCode === null ? null : "https://aoai-eastus.openai.azure.com/openai/deployments/gpt-4o/chat"),
    LastErrorReason: call.reason ?? null,
    ApimSubscriptionId: call.subscription === undefined ? "growth" : call.subscription,
    ApiId: call.api ?? "openai",
    ProductId: "aoai",
    OperationId: "Chat",
    Cache: call.cache ?? "none",
    TraceRecords: [
      ...(call.trace === undefined ? [] : [{ source: "policy", message: call.trace }]),
      ...(call.shadowed === true ? [{ source: "shadow:token-rate-limit", message: "would have been refused" }] : []),
    ],
    TotalTime: call.ms?.[0] ?? 100,
    BackendTime: call.ms?.[1] ?? 80,
    ClientTime: 0,
    CacheTime: 0,
    _ResourceId: serviceId.toLowerCase(),
  })),
  ApiManagementGatewayLlmLog: calls.flatMap(({ tokens, time, id, region, model, entries = 1 }, index) =>
    tokens === undefined
      ? []
      : Array.from({ length: entries }, (_, entry) => ({
          TimeGenerated: time,
          CorrelationId: id ?? `call-${index}`,
          Region: region ?? "East US",
          SequenceNumber: entry,
          // Entries behind the first hold messages and no names.
          DeploymentName: entry === 0 ? "gpt-4o" : "",
          ModelName: entry === 0 ? (model ?? "gpt-4o") : "",
          PromptTokens: tokens[0],
          CompletionTokens: tokens[1],
          TotalTokens: tokens[0] + tokens[1],
          _ResourceId: serviceId.toLowerCase(),
        })),
  ),
});

/** A call as `llm-emit-token-metric` has counted it. */
export interface SpentTokens {
  readonly time: string;
  readonly tokens: readonly [prompt: number, completion: number];
  /** What the policy emits by name. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

const metricRows = ({
  time,
  tokens: [prompt, completion],
  dimensions = { "Subscription ID": "growth", "API ID": "openai" },
}: SpentTokens) =>
  Object.entries({ "Total Tokens": prompt + completion, "Prompt Tokens": prompt, "Completion Tokens": completion }).map(
    ([name, value]) => ({
      TimeGenerated: time,
      Name: name,
      Sum: value,
      ItemCount: 1,
      Properties: dimensions,
      _ResourceId: "/subscriptions/1/resourcegroups/rg/providers/microsoft.insights/components/insights",
    }),
  );

const compiledQueries = new Map<string, Compiled>();

/** Each text once: the parser takes its time. */
async function compiledOnce(kql: string): Promise<Compiled> {
  const compiled = compiledQueries.get(kql) ?? compile(await loadKql(), kql, workspaceTables);
  compiledQueries.set(kql, compiled);
  return compiled;
}

/** A workspace with these calls that runs each query as it is sent, and keeps what it was asked. */
export function logsOf(
  calls: readonly LoggedCall[],
  { lagSeconds = 0, spent = [] }: { readonly lagSeconds?: number; readonly spent?: readonly SpentTokens[] } = {},
): LogsReader & { readonly asked: readonly string[] } {
  const tables: Readonly<Record<string, readonly JsonObject[]>> = { ...tableRows(calls), AppMetrics: spent.flatMap(metricRows) };
  const asked: string[] = [];
  const run =
    (scope: "resource" | "workspace"): LogsReader["query"] =>
    async (kql, { since, until }) => {
      asked.push(kql);
      const compiled = await compiledOnce(kql);
      if ("errors" in compiled) throw new Error(compiled.errors.map(({ message }) => message).join("; "));
      const { columns, rows } = execute(compiled.plan, {
        now: until,
        rows: (name) =>
          (tables[name] ?? []).filter(
            ({ TimeGenerated: time }) => Date.parse(String(time)) >= since.getTime() && Date.parse(String(time)) <= until.getTime(),
          ),
        ingestedAt: (time) => time + lagSeconds * 1000,
      });
      return { table: { columns, rows }, partial: null, scope };
    };
  return {
    asked,
    query: run("resource"),
    queryWorkspace: run("workspace"),
    settings: async () => ({ diagnosticSettings: [], diagnostic: null, apiDiagnostic: null }),
  };
}
