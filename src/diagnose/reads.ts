import { GatewayError } from "../errors.ts";
import type { DocumentId } from "../gateway/documents.ts";
import type { ModelsReader } from "../gateway/model-accounts.ts";
import type { AzureReader, GatewayReader, LogsReader, MetricsReader } from "../gateway/ports.ts";

/** A read that was refused. */
export interface Refusal {
  readonly read: ReadName;
  readonly error: GatewayError;
  /** What the right is needed on, where that is not the service. */
  readonly scope?: RefusedScope;
}

/** `id`: an ARM id, or a command in `$(...)` that prints one. */
export interface RefusedScope {
  readonly name: string;
  readonly id: string;
}

type ReadName =
  | "service"
  | "apis"
  | "products"
  | "subscriptions"
  | "policies"
  | "fragments"
  | "namedValues"
  | "backends"
  | "caches"
  | "certificates"
  | "activity"
  | "journal"
  | "settings"
  | "logs"
  | "traffic"
  | "accounts"
  | "deployments"
  | "accountMetrics"
  | "workspaces";

/** What a read came to. */
export type Read<T> = { readonly kind: "read"; readonly value: T } | ({ readonly kind: "refused" } & Refusal);

export type Values<R> = { readonly [Name in keyof R]: R[Name] extends Read<infer T> ? T : never };

/** The values of all reads, or the refusals where one of them has none. */
export function valuesOf<R extends Readonly<Record<string, Read<unknown>>>>(
  reads: R,
): { readonly values: Values<R> } | { readonly refusals: readonly Refusal[] } {
  const refusals = Object.values(reads).flatMap((read) => (read.kind === "refused" ? [refusalOf(read)] : []));
  if (refusals.length > 0) return { refusals };
  const values = Object.fromEntries(Object.entries(reads).map(([name, read]) => [name, read.kind === "read" ? read.value : undefined]));
  // Each of them has a value: none was refused.
  return { values: values as Values<R> };
}

const refusalOf = ({ read, error, scope }: Refusal): Refusal => ({ read, error, ...(scope === undefined ? {} : { scope }) });

/** A change that was made through this server. */
export interface OwnChange {
  readonly changeId: string;
  readonly state: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly summary: string;
  /** What planned it, where the journal says so. */
  readonly tool?: string;
  readonly documents: readonly DocumentId[];
  /** Where it was interrupted: what stands, and what finishes it. */
  readonly note?: string;
}

/** The journal of this server's changes, newest first. */
export interface Journal {
  list(limit: number, filter: { readonly since: Date }): Promise<{ readonly changes: readonly OwnChange[] }>;
}

/** What a diagnosis reads through; bound to one call. */
export interface Readers {
  readonly gateway: GatewayReader;
  readonly metrics: MetricsReader;
  readonly logs: LogsReader;
  readonly azure: AzureReader;
  readonly models: ModelsReader;
  readonly changes: Journal;
}

/** Anything that Azure refuses or does not answer is a reason; a call that was cancelled, or a fault of ours, is none. */
export async function attempt<T>(read: ReadName, reading: Promise<T>): Promise<Read<T>> {
  try {
    return { kind: "read", value: await reading };
  } catch (error) {
    if (error instanceof GatewayError && isRefusal(read, error)) return { kind: "refused", read, error };
    throw error;
  }
}

/** The journal's own errors are of the directory that it stands in: what is wrong with that keeps nothing else from being read. */
const isRefusal = (read: ReadName, { code }: GatewayError): boolean => code !== "cancelled" && (code !== "internal" || read === "journal");
