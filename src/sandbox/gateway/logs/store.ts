import type { JsonObject } from "../../../gateway/documents.ts";
import type { LogRow, LogTable } from "./rows.ts";

/** The rows of the newest calls. */
export interface LogStore {
  /** The rows of one call, which are forgotten together: what is joined by a call's id stays whole. */
  add(rows: readonly LogRow[]): void;
  /** In the order in which they were written. */
  rows(table: LogTable): readonly JsonObject[];
  counts(): Readonly<Record<LogTable, number>>;
  reset(): void;
}

/** About 25,000 calls with one attempt and a token metric each. */
const mostRows = 150_000;

/** Keeps so many rows at most, and forgets the oldest calls. */
export function logStore(most = mostRows): LogStore {
  let calls: (readonly LogRow[])[] = [];
  let first = 0;
  let count = 0;
  const forget = (): void => {
    for (; count > most; first++) {
      count -= calls[first]?.length ?? 0;
      calls[first] = [];
    }
    if (first <= calls.length / 2) return;
    calls = calls.slice(first);
    first = 0;
  };
  const kept = (): readonly LogRow[] => calls.slice(first).flat();
  return {
    add(rows) {
      calls.push(rows);
      count += rows.length;
      forget();
    },
    rows: (wanted) => kept().flatMap(({ table, row }) => (table === wanted ? [row] : [])),
    counts() {
      const counts = { ApiManagementGatewayLogs: 0, ApiManagementGatewayLlmLog: 0, AppMetrics: 0, AppDependencies: 0 };
      for (const { table } of kept()) counts[table]++;
      return counts;
    },
    reset() {
      calls = [];
      first = 0;
      count = 0;
    },
  };
}
