import type { Document, DocumentId, Json, JsonObject, ListedDocument, PolicyScope } from "./documents.ts";
import type { ProbeRequest } from "./drill.ts";
import type { Api, Operation, Product, Service, Subscription } from "./model.ts";
import type { ModelsReader } from "./model-accounts.ts";

/** Reads of what the service itself has, or of what one of its workspaces has. */
export interface EntityReader {
  products(): Promise<readonly Product[]>;
  /** Current revisions only. */
  apis(): Promise<readonly Api[]>;
  operations(apiId: string): Promise<readonly Operation[]>;
  subscriptions(): Promise<readonly Subscription[]>;
  fragments(): Promise<readonly ListedDocument[]>;
  /** Secret ones come without `value`. */
  namedValues(): Promise<readonly ListedDocument[]>;
}

/**
 * Reads of one call: bound to its cancellation, side by side within ARM's read budget. A reader belongs to one call
 * and answers the same question once, so that a call sees one state of the service. Every failure is a `GatewayError`.
 * Lists are those of the service itself, without what its workspaces have.
 */
export interface GatewayReader extends EntityReader {
  service(): Promise<Service>;
  /** The scopes that have a policy document, those in workspaces among them (one list, no XML). */
  policyScopes(): Promise<readonly PolicyScope[]>;
  backends(): Promise<readonly ListedDocument[]>;
  /** Ids of the workspaces; rejects where the service's tier has none. */
  workspaces(): Promise<readonly string[]>;
  /** What a workspace has; ids of its documents begin with `workspaces/{id}/`, those of its APIs and products are bare names. */
  workspace(workspaceId: string): EntityReader;
  /** A whole document with its ETag, policies as `rawxml`; null where there is none. Null members are left out: ARM means "not set". */
  document(id: DocumentId): Promise<Document | null>;
}

/** What a write requires of the live document: this ETag, or that there is none yet. */
export type Precondition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" };

/** What ARM says of a write that it has taken. */
export interface WriteReceipt {
  /** Null: the document is stored. Else why the end of the accepted write was not seen: a read may still show what was before. */
  readonly unfinished: string | null;
  /** Azure's name for the write, in its own logs. */
  readonly correlationId: string | null;
}

/**
 * The only way to change the service; `change/` alone holds one. Never retries. Resolves when ARM says that the
 * document is stored (long-running operations awaited), or has accepted the write and its end cannot be learnt. Rejects
 * with what ARM says against it; with `unavailable` where no answer says whether it took effect (reset, timeout), once it
 * had the time for it.
 */
export interface DocumentWriter {
  put(id: DocumentId, properties: JsonObject, precondition: Precondition): Promise<WriteReceipt>;
  delete(id: DocumentId, precondition: { readonly ifMatch: string }): Promise<WriteReceipt>;
}

export type Aggregation = "total" | "average" | "maximum" | "minimum";

export interface MetricsQuery {
  /** Platform metric names, e.g. `Requests`; at most 20. */
  readonly metrics: readonly string[];
  readonly since: Date;
  readonly until: Date;
  /** ISO 8601 duration of one point, e.g. `PT1M`. */
  readonly interval: string;
  readonly aggregations: readonly Aggregation[];
  /** Equality on a dimension, or `*` to split by it. */
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface MetricPoint {
  /** Start of the point's interval, ISO 8601, UTC. */
  readonly time: string;
  readonly values: Partial<Readonly<Record<Aggregation, number>>>;
}

export interface MetricSeries {
  readonly metric: string;
  /** Dimension values under lower-case names, as Azure Monitor returns them. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly points: readonly MetricPoint[];
}

export interface MetricsAnswer {
  readonly series: readonly MetricSeries[];
  /** Metrics that Azure Monitor answered with an error inside a 200. */
  readonly problems: readonly string[];
}

export type ReportSubject = "subscription" | "product" | "operation";

export interface ReportQuery {
  readonly by: ReportSubject;
  readonly since: Date;
  readonly until: Date;
  /** Of this API alone; only where `by` is `operation`. */
  readonly apiId?: string | undefined;
}

/** Calls of one subscription, product or operation, as the service's reports count them. */
export interface ReportRecord {
  readonly id: string;
  readonly total: number;
  /** 401, 403 and 429. */
  readonly blocked: number;
  /** 400 and 5xx. */
  readonly failed: number;
}

/** Platform metrics of the service (Azure Monitor), and its own reports; bound to one call like a `GatewayReader`. */
export interface MetricsReader {
  platform(query: MetricsQuery): Promise<MetricsAnswer>;
  /** Classic tiers have reports. Rejects where the service has none. */
  report(query: ReportQuery): Promise<readonly ReportRecord[]>;
}

/** A log query's result: `rows` hold a value for each of `columns`. Times are ISO 8601 in UTC; what KQL calls null is null. */
export interface LogsTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Json[])[];
}

export interface LogsAnswer {
  /** Null where Azure Monitor has no data at all to ask (an empty workspace). */
  readonly table: LogsTable | null;
  /** Azure Monitor's reason where the table is only a part of the answer. */
  readonly partial: string | null;
  /** What the query was run on: the service's own logs, wherever they are kept, or one workspace. */
  readonly scope: "resource" | "workspace";
}

/** What ARM says of the logs that the service writes, as raw JSON. */
export interface LoggingSettings {
  /** The service's diagnostic settings: where its logs go, and which of them. */
  readonly diagnosticSettings: readonly { readonly name: string; readonly properties: JsonObject }[];
  /** Properties of the service's diagnostic for Azure Monitor: what the gateway writes; null where it has none. */
  readonly diagnostic: JsonObject | null;
  /** The same of the API that was asked for, whose own diagnostic goes before the service's; null where it has none. */
  readonly apiDiagnostic: JsonObject | null;
}

/** Resource logs of the service (Azure Monitor); bound to one call like a `GatewayReader`. */
export interface LogsReader {
  /**
   * Runs a query over rows from `since` to `until`. Rejects with `forbidden` where the identity may not read the logs, with `not_configured`
   * where no endpoint for them is known.
   */
  query(kql: string, period: { readonly since: Date; readonly until: Date }): Promise<LogsAnswer>;
  /**
   * The same on the workspace alone, which also has what is not the service's own, as Application Insights' tables are. `table` is null too where
   * no workspace is known.
   */
  queryWorkspace(kql: string, period: { readonly since: Date; readonly until: Date }): Promise<LogsAnswer>;
  settings(apiId?: string): Promise<LoggingSettings>;
}

/** A write to the service or to something in it, by whomever, as Azure's activity log has it. */
export interface Activity {
  /** When it was last heard of, ISO 8601, UTC. */
  readonly time: string;
  /** A user's name, or an application's id. */
  readonly caller: string;
  /** As Azure names it: `Microsoft.ApiManagement/service/apis/policies/write`. */
  readonly operation: string;
  /** Path of what was written below the service; empty for the service itself. */
  readonly target: string;
  readonly outcome: "succeeded" | "failed" | "unfinished";
}

/** Whose credential the token for ARM is; null for what the token does not say. */
export interface Identity {
  readonly tenantId: string | null;
  readonly objectId: string | null;
  /** A user's sign-in name, or the id of an application. */
  readonly name: string | null;
}

/** A certificate of the service, and when it is no longer valid. */
export interface Expiry {
  /** A host name, a certificate's id, or the subject of one that the service trusts. */
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly expires: string;
  /** Of those that policies and backends may show. */
  readonly thumbprint?: string;
  /** Why Key Vault has not given its newest version, where it has not. */
  readonly renewal?: string;
}

/** What the service says of its own age. */
export interface Lifecycle {
  /** Of its compute, as ARM names it: `stv2.1`; null where it does not say. */
  readonly platform: string | null;
  /** Calls of ARM with an older API version are refused; null where any is taken. */
  readonly oldestApiVersion: string | null;
  /** The API version that this program asks with. */
  readonly ownApiVersion: string;
}

/** A Redis that the service's gateways may use. */
export interface ExternalCache {
  readonly id: string;
  /** Where gateways use it: a region, or `default` for all that have none of their own. */
  readonly region: string;
}

/** What Azure tells of the service besides what it serves by; bound to one call like a `GatewayReader`. */
export interface AzureReader {
  /** Null where the token is not one that says so. */
  identity(): Promise<Identity | null>;
  /** Oldest first. */
  activity(period: { readonly since: Date; readonly until: Date }): Promise<readonly Activity[]>;
  caches(): Promise<readonly ExternalCache[]>;
  /** Those of host names, those that policies and backends may show, and those that the service trusts. */
  certificates(): Promise<readonly Expiry[]>;
  lifecycle(): Promise<Lifecycle>;
}

/** One service, opened with a credential. Readers are made per call. */
export interface Gateway {
  /** The service's name as configured, for answers and confirmations. */
  readonly name: string;
  /** Whole ARM id; plans are bound to it. */
  readonly resourceId: string;
  reader(signal: AbortSignal): GatewayReader;
  metrics(signal: AbortSignal): MetricsReader;
  logs(signal: AbortSignal): LogsReader;
  azure(signal: AbortSignal): AzureReader;
  models(signal: AbortSignal): ModelsReader;
  readonly writer: DocumentWriter;
}

/** How the gateway has answered a test call. */
export interface ProbeAnswer {
  /** Null where no answer came. */
  readonly status: number | null;
  /** `x-ms-region`: of the model that has answered; null where the answer does not say. */
  readonly region: string | null;
  /** Why no answer came. */
  readonly reason?: string;
  /** `triesHeader` of the answer, where it has one. */
  readonly tries?: string;
}

/** Makes test calls to the service's own gateway, and nowhere else, with the operator's test key. Never rejects. */
export interface Prober {
  probe(request: ProbeRequest, headers?: Readonly<Record<string, string>>, limits?: ProbeLimits): Promise<ProbeAnswer>;
}

/** How long a test call is waited for. */
interface ProbeLimits {
  readonly timeoutMs?: number;
  /** Its abort ends the wait at once, without an answer. */
  readonly signal?: AbortSignal;
}
