import { isRestError, type PipelinePolicy } from "@azure/core-rest-pipeline";
import type { LogsQueryClient, LogsQueryResult, LogsTable as SdkTable } from "@azure/monitor-query";
import { GatewayError } from "../errors.ts";
import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { LoggingSettings, LogsAnswer, LogsReader, LogsTable } from "../gateway/ports.ts";
import { remembered } from "./call-limits.ts";
import type { Cloud } from "./clouds.ts";
import { type Attempt, armError, thrownError } from "./errors.ts";
import { type Arm, type Connection, clientOptions } from "./pipeline.ts";
import { send } from "./requests.ts";
import { boundedRetryAfterPolicy } from "./throttling.ts";

interface LogsAccess {
  /** To the log query API; null where nobody has said where it is. */
  readonly connection: Connection | null;
  readonly arm: Arm;
  readonly cloud: Cloud;
  /** The workspace that the operator has named. */
  readonly workspace: string | null;
}

type Period = Parameters<LogsReader["query"]>[1];

/** Where a query is run: on the service, or on a workspace by its GUID. */
type Scope = { readonly kind: "resource" } | { readonly kind: "workspace"; readonly id: string };

const attempt: Attempt = { what: "query of the gateway's logs", writes: false };

/**
 * The gateway's logs by the log query API: on the service's own id first, which finds the workspace by itself
 * (https://learn.microsoft.com/azure/azure-monitor/logs/api/azure-resource-queries), and else on the workspace that the operator has named or
 * the diagnostic settings lead to. What served once is asked first from then on.
 */
export function logsReaders(access: LogsAccess): (signal: AbortSignal) => LogsReader {
  const { connection, arm } = access;
  let opened: Promise<LogsQueryClient> | undefined;
  let served: Scope | undefined;

  return (signal) => {
    const settings = remembered((apiId: string | undefined) => readSettings(arm, apiId, signal));
    const workspace = remembered(async (_: undefined) => access.workspace ?? (await workspaceOf(arm, signal)));

    const ask = async (scope: Scope, kql: string, period: Period): Promise<LogsAnswer> => {
      if (connection === null) throw noEndpoint();
      try {
        opened ??= openLogs(connection, access.cloud);
        const answer = await runOn(await opened, scope, arm, kql, period, {
          abortSignal: signal,
          // Shorter than our own deadline, so that the service gives up first and says why.
          serverTimeoutInSeconds: Math.max(1, Math.floor(connection.timing.requestTimeoutMs / 1000) - 5),
        });
        return answerOf(answer, scope);
      } catch (error) {
        if (hasNoData(error) && !signal.aborted) return { table: null, partial: null, scope: scope.kind };
        throw refused(thrownError(error, attempt, signal), arm, scope);
      }
    };

    const outcome = (scope: Scope, kql: string, period: Period): Promise<LogsAnswer | GatewayError> =>
      ask(scope, kql, period).catch((error: unknown) => {
        if (error instanceof GatewayError && mayBeElsewhere.has(error.code)) return error;
        throw error;
      });

    return {
      settings: (apiId) => settings(apiId),
      async queryWorkspace(kql, period) {
        if (connection === null) throw noEndpoint();
        const id = await workspace(undefined);
        return id === null ? { table: null, partial: null, scope: "workspace" } : ask({ kind: "workspace", id }, kql, period);
      },
      async query(kql, period) {
        if (served !== undefined) return ask(served, kql, period);
        const first = await outcome({ kind: "resource" }, kql, period);
        if (!(first instanceof GatewayError) && first.table !== null) {
          served = { kind: "resource" };
          return first;
        }
        const id = await workspace(undefined).catch(() => null);
        if (id === null) return orThrow(first);
        const second = await outcome({ kind: "workspace", id }, kql, period);
        if (second instanceof GatewayError) return orThrow(first instanceof GatewayError ? second : first);
        if (second.table !== null) served = { kind: "workspace", id };
        return second;
      },
    };
  };
}

/** Answers after which another place may still have the logs: no right to this one, or no such table in it. */
const mayBeElsewhere: ReadonlySet<string> = new Set(["forbidden", "not_found", "invalid_input"]);

function orThrow(answer: LogsAnswer | GatewayError): LogsAnswer {
  if (answer instanceof GatewayError) throw answer;
  return answer;
}

async function openLogs(connection: Connection, cloud: Cloud): Promise<LogsQueryClient> {
  const { LogsQueryClient } = await import("@azure/monitor-query");
  return new LogsQueryClient(connection.credential, {
    ...clientOptions(connection),
    audience: cloud.logs,
    additionalPolicies: [
      { policy: boundedRetryAfterPolicy, position: "perRetry" },
      { policy: emptyAnswerPolicy, position: "perRetry" },
    ],
  });
}

/** A query without data may answer 200 without a body, which the client cannot read: https://learn.microsoft.com/azure/azure-monitor/logs/api/errors */
const emptyAnswerPolicy: PipelinePolicy = {
  name: "emptyAnswerPolicy",
  async sendRequest(request, next) {
    const response = await next(request);
    return response.status === 200 && (response.bodyAsText ?? "") === "" ? { ...response, status: 204 } : response;
  },
};

interface RunOptions {
  readonly abortSignal: AbortSignal;
  readonly serverTimeoutInSeconds: number;
}

function runOn(client: LogsQueryClient, scope: Scope, { address }: Arm, kql: string, { since, until }: Period, options: RunOptions) {
  const timespan = { startTime: since, endTime: until };
  return scope.kind === "workspace"
    ? client.queryWorkspace(scope.id, kql, timespan, options)
    : // With its leading slash the id would give a path of `/v1//subscriptions/...`.
      client.queryResource(address.resourceId.slice(1), kql, timespan, options);
}

function answerOf(answer: LogsQueryResult, { kind }: Scope): LogsAnswer {
  if (answer.status === "Success") return { table: tableOf(answer.tables[0]), partial: null, scope: kind };
  const { code, message } = answer.partialError;
  return { table: tableOf(answer.partialTables[0]), partial: `${code}: ${message}`, scope: kind };
}

function tableOf(table: SdkTable | undefined): LogsTable | null {
  if (table === undefined) return null;
  const columns = table.columnDescriptors.map(({ name = "", type = "" }) => ({ name, type }));
  return { columns, rows: table.rows.map((row) => row.map(cellOf)) };
}

/** The client reads a time that is null as the beginning of 1970, where no gateway has written anything. */
function cellOf(value: unknown): Json {
  if (value instanceof Date) return value.getTime() === 0 || Number.isNaN(value.getTime()) ? null : value.toISOString();
  return JSON.parse(JSON.stringify(value ?? null));
}

/** An empty workspace answers 204, which the client takes for an error. */
const hasNoData = (error: unknown): boolean => isRestError(error) && error.statusCode === 204;

const noEndpoint = (): GatewayError =>
  new GatewayError("not_configured", "No log query endpoint is configured beside AIGW_ARM_ENDPOINT.", {
    hint: "Set AIGW_LOGS_ENDPOINT to the log query API that belongs to it.",
  });

/** What is missing where a query is refused. Role: https://learn.microsoft.com/azure/azure-monitor/logs/manage-access */
function refused(error: GatewayError, { address }: Arm, scope: Scope): GatewayError {
  if (/audience/i.test(error.message) || error.code === "unauthenticated") {
    return new GatewayError("unauthenticated", error.message, {
      ...error,
      hint: "A token for logs is another than ARM's: leave AIGW_ACCESS_TOKEN out and run 'az login', so that both can be fetched.",
    });
  }
  if (error.code !== "forbidden") return error;
  const target = scope.kind === "resource" ? address.resourceId : "<ARM id of the workspace>";
  return new GatewayError("forbidden", error.message, {
    ...error,
    hint: `Missing role: Log Analytics Reader on ${scope.kind === "resource" ? target : `workspace ${scope.id}`}. Grant it: az role assignment create --assignee <object id> --role "Log Analytics Reader" --scope "${target}". It takes some minutes to work.`,
  });
}

const settingsVersion = "2021-05-01-preview";
/** The first that has `largeLanguageModel` (Azure-Samples/AI-Gateway deploys it with this version); the typed SDK's does not. */
const diagnosticVersion = "2024-06-01-preview";
const workspaceVersion = "2023-09-01";

async function readSettings(arm: Arm, apiId: string | undefined, signal: AbortSignal): Promise<LoggingSettings> {
  const diagnostic = (path: string) =>
    propertiesAt(
      arm,
      `${arm.address.resourceId}${path}/diagnostics/azuremonitor`,
      diagnosticVersion,
      "diagnostic for Azure Monitor",
      signal,
    );
  const [diagnosticSettings, own, ofApi] = await Promise.all([
    readDiagnosticSettings(arm, signal),
    diagnostic(""),
    apiId === undefined ? null : diagnostic(`/apis/${encodeURIComponent(apiId)}`),
  ]);
  return { diagnosticSettings, diagnostic: own, apiDiagnostic: ofApi };
}

/** https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/list */
async function readDiagnosticSettings(arm: Arm, signal: AbortSignal): Promise<LoggingSettings["diagnosticSettings"]> {
  const path = `${arm.address.resourceId}/providers/Microsoft.Insights/diagnosticSettings`;
  const body = await bodyAt(arm, path, settingsVersion, "diagnostic settings", signal);
  return (Array.isArray(body?.value) ? body.value : [])
    .filter(isObject)
    .map(({ name, properties }) => ({ name: typeof name === "string" ? name : "", properties: isObject(properties) ? properties : {} }));
}

/** The GUID of the first workspace that the diagnostic settings lead to, resource-specific tables first; null where none does. */
async function workspaceOf(arm: Arm, signal: AbortSignal): Promise<string | null> {
  const settings = await readDiagnosticSettings(arm, signal);
  const [found] = settings
    .map(({ properties }) => properties)
    .filter(({ workspaceId }) => typeof workspaceId === "string" && workspaceId.startsWith("/"))
    .toSorted((a, b) => Number(b.logAnalyticsDestinationType === "Dedicated") - Number(a.logAnalyticsDestinationType === "Dedicated"));
  if (found === undefined) return null;
  const properties = await propertiesAt(arm, String(found.workspaceId), workspaceVersion, "workspace", signal);
  return typeof properties?.customerId === "string" ? properties.customerId : null;
}

async function propertiesAt(arm: Arm, path: string, version: string, what: string, signal: AbortSignal): Promise<JsonObject | null> {
  const body = await bodyAt(arm, path, version, what, signal);
  return isObject(body?.properties) ? body.properties : null;
}

/** Null for what is not there. */
async function bodyAt(arm: Arm, path: string, wanted: string, what: string, signal: AbortSignal): Promise<JsonObject | null> {
  const reading: Attempt = { what: `read of the ${what}`, writes: false };
  const response = await arm.versioned(wanted, (version) =>
    send(arm.reading, { method: "GET", url: `${arm.endpoint.sdk}${path}?api-version=${version}`, signal }, reading),
  );
  if (response.status === 404) return null;
  if (response.status !== 200) throw armError(response, reading);
  return response.body;
}
