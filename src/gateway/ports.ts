import type { Document, DocumentId, JsonObject, ListedDocument, PolicyScope } from "./documents.ts";
import type { Api, Operation, Product, Service, Subscription } from "./model.ts";

/**
 * Reads of one call: bound to its cancellation, side by side within ARM's read budget. A reader belongs to one call
 * and answers the same question once, so that a call sees one state of the service. Every failure is a `GatewayError`.
 */
export interface GatewayReader {
  service(): Promise<Service>;
  products(): Promise<readonly Product[]>;
  subscriptions(): Promise<readonly Subscription[]>;
  /** Current revisions only. */
  apis(): Promise<readonly Api[]>;
  operations(apiId: string): Promise<readonly Operation[]>;
  /** The scopes that have a policy document (one read, no XML). */
  policyScopes(): Promise<readonly PolicyScope[]>;
  backends(): Promise<readonly ListedDocument[]>;
  fragments(): Promise<readonly ListedDocument[]>;
  /** Secret ones come without `value`. */
  namedValues(): Promise<readonly ListedDocument[]>;
  /** A whole document with its ETag, policies as `rawxml`; null where there is none. Null members are left out: ARM means "not set". */
  document(id: DocumentId): Promise<Document | null>;
}

/** What a write requires of the live document: this ETag, or that there is none yet. */
export type Precondition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" };

/**
 * The only way to change the service; `change/` alone holds one. Never retries. Resolves when ARM says that the
 * document is stored (long-running operations awaited); any doubt (reset, timeout) rejects with `unavailable`.
 */
export interface DocumentWriter {
  put(id: DocumentId, properties: JsonObject, precondition: Precondition): Promise<void>;
  delete(id: DocumentId, precondition: { readonly ifMatch: string }): Promise<void>;
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
