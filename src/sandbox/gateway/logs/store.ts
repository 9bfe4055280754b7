import type { JsonObject } from "../../../gateway/documents.ts";
import type { LogRow, LogTable } from "./rows.ts";

/** The newest rows of each table. */
export interface LogStore {
  add(rows: readonly LogRow[]): void;
  /** In the order in which they were written. */
  rows(table: LogTable): readonly JsonObject[];
  reset(): void;
}

const mostRows = 50_000;

/** Keeps so many rows of a table, and forgets the oldest. */
export function logStore(most = mostRows): LogStore {
  const tables = new Map<LogTable, JsonObject[]>();
  return {
    add(rows) {
      for (const { table, row } of rows) {
        const kept = tables.get(table) ?? [];
        kept.push(row);
        // In whole quarters: to drop one of many for each that comes would copy all of them each time.
        tables.set(table, kept.length > most * 1.25 ? kept.slice(-most) : kept);
      }
    },
    rows: (table) => (tables.get(table) ?? []).slice(-most),
    reset: () => tables.clear(),
  };
}
