import type { GatewayError } from "../errors.ts";
import type { LogsReader } from "../gateway/ports.ts";
import { askLogs, isDegradable } from "./log-answers.ts";
import { freshnessQuery } from "./queries/freshness.ts";

/** How far the logs reach. */
export type Freshness =
  | {
      readonly kind: "readable";
      /** The newest row of the last day, ISO 8601; null where it has none. */
      readonly newest: string | null;
      /** Within which 99 % of the last day's rows came in; null where that could not be measured. */
      readonly lagSeconds: number | null;
      readonly scope: "resource" | "workspace";
    }
  /** The logs cannot be asked. */
  | { readonly kind: "refused"; readonly error: GatewayError };

/** What Microsoft says of the usual way of a row into the logs: https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time */
const usualLagSeconds = 600;

export async function readFreshness(logs: LogsReader, resourceId: string, now: Date): Promise<Freshness> {
  try {
    const { rows, scope } = await askLogs(logs, freshnessQuery(resourceId, now));
    const { Newest = null, LagSeconds = null } = rows[0]?.values ?? {};
    return { kind: "readable", newest: Newest, lagSeconds: LagSeconds, scope };
  } catch (error) {
    if (isDegradable(error)) return { kind: "refused", error };
    throw error;
  }
}

/** Within how many seconds rows are taken to be there. */
export const lagOf = (freshness: Freshness): number =>
  freshness.kind === "readable" ? (freshness.lagSeconds ?? usualLagSeconds) : usualLagSeconds;
