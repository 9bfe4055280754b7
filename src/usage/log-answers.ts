import { GatewayError } from "../errors.ts";
import type { LogsReader } from "../gateway/ports.ts";
import { type Columns, type LogsQuery, type LogsRow, readRows } from "./queries/query.ts";

/** The rows of a query, and why they may not be all. */
export interface LogRows<M extends Columns> {
  readonly rows: readonly LogsRow<M>[];
  readonly partial: string | null;
  readonly scope: "resource" | "workspace";
}

/** Runs a query and reads its rows: none where Azure Monitor has no data at all. */
export async function askLogs<M extends Columns>(logs: Pick<LogsReader, "query">, query: LogsQuery<M>): Promise<LogRows<M>> {
  const { table, partial, scope } = await logs.query(query.kql, query.period);
  return { rows: table === null ? [] : readRows(query, table), partial, scope };
}

/** Whether an answer can go on without what failed: a right, a setting or the service is missing, not this program at fault. */
export const isDegradable = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && error.code !== "cancelled" && error.code !== "internal";
