import type { Document, DocumentId, JsonObject, ListedDocument, PolicyScope } from "./documents.ts";
import type { Api, Operation, Product, Service, Subscription } from "./model.ts";

/** Reads of what the service itself has, or of what one of its workspaces has. */
export interface EntityReader {
  products(): Promise<readonly Product[]>;
  /** Current revisions only. */
  apis(): Promise<readonly Api[]>;
  operations(apiId: string): Promise<readonly Operation[]>;
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
  subscriptions(): Promise<readonly Subscription[]>;
  /** The scopes that have a policy document (one read, no XML). */
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

/** Platform metrics of the service (Azure Monitor); bound to one call like a `GatewayReader`. */
export interface MetricsReader {
  platform(query: MetricsQuery): Promise<MetricsAnswer>;
}

/** One service, opened with a credential. `reader` and `metrics` are made per call. */
export interface Gateway {
  /** The service's name as configured, for answers and confirmations. */
  readonly name: string;
  /** Whole ARM id; plans are bound to it. */
  readonly resourceId: string;
  reader(signal: AbortSignal): GatewayReader;
  metrics(signal: AbortSignal): MetricsReader;
  readonly writer: DocumentWriter;
}
