import type { Service } from "../gateway/model.ts";
import type { MetricsReader, ReportRecord, ReportSubject } from "../gateway/ports.ts";
import { groupsBy } from "./groups.ts";
import type { Grouping } from "./platform-metrics.ts";
import type { UsageRow, UsageSource } from "./totals.ts";
import type { Window } from "./window.ts";

interface Asked {
  readonly window: Window;
  readonly apiId?: string | undefined;
  readonly groupBy: readonly Grouping[];
  readonly subscriptions: readonly string[];
  readonly limit: number;
}

/** Rows of the service's built-in reports. */
interface ReportedRows {
  readonly rows: readonly UsageRow[];
  readonly left_out: number;
  readonly source: UsageSource;
  readonly notes: readonly string[];
}

/** https://learn.microsoft.com/azure/api-management/breaking-changes/analytics-dashboard-retirement-march-2027 */
const retirement = "2027-03-15";

/** What rows can be told by the reports of a service: those of classic tiers alone, by one thing; of one API by operation only, of some teams by team only. */
export function reportSubject({ tier }: Pick<Service, "tier">, { groupBy, apiId, subscriptions }: Asked): ReportSubject | null {
  const [by, second] = groupBy;
  if (tier !== "classic" || second !== undefined) return null;
  if (by === "operation") return subscriptions.length === 0 ? by : null;
  if (by === "product") return subscriptions.length === 0 && apiId === undefined ? by : null;
  return by === "subscription" && apiId === undefined ? by : null;
}

/**
 * Requests by subscription, product or operation, without logs. `blocked` is what the reports call so: 401, 403 and 429 in one number, so never
 * `throttled`; `failed` has 400 beside 5xx, so is not `errors`.
 */
export async function readReports(metrics: MetricsReader, by: ReportSubject, asked: Asked): Promise<ReportedRows> {
  const { window, apiId, subscriptions, limit } = asked;
  const wanted = new Set(subscriptions.map((id) => id.toLowerCase()));
  const records = (await metrics.report({ by, since: window.since, until: window.until, apiId })).filter(
    ({ id }) => wanted.size === 0 || wanted.has(id.toLowerCase()),
  );
  // An operation's id is one of its API: two APIs may have the same.
  const rows = [...groupsBy(records, ({ id }) => id.toLowerCase()).values()]
    .map((group) => ({
      [by]: group[0]?.id ?? "",
      requests: sum(group, "total"),
      blocked: sum(group, "blocked"),
      failed: sum(group, "failed"),
    }))
    .toSorted((a, b) => b.requests - a.requests);
  return {
    rows: rows.slice(0, limit),
    left_out: Math.max(0, rows.length - limit),
    source: { name: "reports (API Management)", resolution: "the window", lag: "not measured" },
    notes: [
      `Rows are of the service's reports, which retire on ${retirement}: 'blocked' is 401, 403 and 429 together, 'failed' 400 and 5xx. Reports have no tokens.`,
    ],
  };
}

const sum = (records: readonly ReportRecord[], count: "total" | "blocked" | "failed"): number =>
  records.reduce((total, record) => total + record[count], 0);
