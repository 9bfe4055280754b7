import { GatewayError } from "../errors.ts";
import type { LogsReader } from "../gateway/ports.ts";
import { askLogs, isDegradable } from "./log-answers.ts";
import { tpmOf } from "./log-usage.ts";
import type { CallFilter } from "./queries/calls.ts";
import { rowsQuery } from "./queries/counts.ts";
import { tpmQuery } from "./queries/tokens.ts";
import { readGround, type UsageGround, type UsageReaders } from "./report.ts";
import { readTokenMetrics, type TokenMetrics } from "./token-metrics.ts";
import type { Known, TpmByRegion, TpmNumbers } from "./totals.ts";
import { timeAgo, type Window, wholeMinute } from "./window.ts";

/** What one subscription has used in a window. */
export interface SubscriptionUsage {
  readonly requests: Known;
  readonly throttled: Known;
  readonly tokens: Known;
  readonly tpm: TpmNumbers;
  readonly tpm_by_region?: TpmByRegion;
}

/** The usage of all subscriptions in one window. */
export interface UsageBySubscription {
  readonly window: Window;
  /** Of the subscription with this id; unknown in all parts where the logs cannot be read. */
  of(subscriptionId: string): SubscriptionUsage;
  readonly notes: readonly string[];
}

/** More subscriptions than a service has: https://learn.microsoft.com/azure/api-management/service-limits */
const mostSubscriptions = 10_000;
const mostDays = 31;
const dayMs = 86_400_000;

/** The window until a time that is as long as an ISO 8601 duration. Throws `invalid_input` for another text, by the name of its input, and for more than 31 days. */
export function windowBack(name: string, duration: string, until: Date): Window {
  const began = timeAgo(`-${duration.trim()}`, until);
  const since = began === null ? until : wholeMinute(began);
  const length = until.getTime() - since.getTime();
  if (length > 0 && length <= mostDays * dayMs) return { since, until };
  throw new GatewayError("invalid_input", `'${name}' is not a duration of at most ${mostDays} days: '${duration}'.`, {
    hint: "Write an ISO 8601 duration of weeks, days, hours and minutes: P7D, P1D, PT6H. Months have no one length.",
  });
}

export async function readSubscriptionUsage(readers: UsageReaders, duration: string, now: Date): Promise<UsageBySubscription> {
  // What cannot be read is refused before anything is asked.
  windowBack("usage", duration, now);
  const ground = await readGround(readers, undefined, now);
  return readUsageBySubscription(readers.logs, ground, windowBack("usage", duration, ground.complete));
}

/** The same of any window. */
export async function readUsageBySubscription(logs: LogsReader, ground: UsageGround, window: Window): Promise<UsageBySubscription> {
  if (ground.freshness.kind === "refused") return unknownUsage(window, ground.freshness.error.message);
  const filter = { window, resourceId: ground.service.resourceId, interval: "P1D" };
  try {
    const [counts, tpm] = await Promise.all([
      askLogs(logs, rowsQuery(filter, ["subscription"], mostSubscriptions)),
      askLogs(logs, tpmQuery(filter, ["subscription"])),
    ]);
    if (counts.rows.length === 0) return unknownUsage(window, "they hold no calls of this time");
    const known = counts.rows.some(({ values }) => (values.Metered ?? 0) > 0);
    const spent = known ? null : await tokenMetricsOf(logs, filter);
    const [countsOf, tpmRowsOf, spentOf] = [bySubscription(counts.rows), bySubscription(tpm.rows), bySubscription(spent?.rows ?? [])];
    return {
      window,
      of(subscriptionId) {
        const [row] = countsOf(subscriptionId);
        const [counted] = spentOf(subscriptionId);
        // Calls that did not succeed have no tokens, whether tokens are logged or not.
        const metered = (row?.values.Succeeded ?? 0) === 0 || (row?.values.Metered ?? 0) > 0;
        return {
          requests: row?.values.Requests ?? 0,
          throttled: row?.values.Throttled ?? 0,
          tokens: metered ? (row?.values.Tokens ?? 0) : "unknown",
          ...tpmOf(tpmRowsOf(subscriptionId), metered),
          ...counted?.numbers,
        };
      },
      notes: [
        ...[counts.partial, tpm.partial].filter((reason) => reason !== null).map((reason) => `The logs have answered in part: ${reason}`),
        ...(spent?.notes ?? []),
      ],
    };
  } catch (error) {
    if (isDegradable(error)) return unknownUsage(window, error.message);
    throw error;
  }
}

/** A subscription's rows; there may be thousands of both. */
function bySubscription<Row extends { readonly keys: { readonly subscription?: string } }>(
  rows: readonly Row[],
): (subscriptionId: string) => readonly Row[] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const name = row.keys.subscription?.toLowerCase() ?? "";
    const own = found.get(name);
    if (own === undefined) found.set(name, [row]);
    else own.push(row);
  }
  return (subscriptionId) => found.get(subscriptionId.toLowerCase()) ?? [];
}

/** Null too where they cannot be read. */
async function tokenMetricsOf(logs: LogsReader, filter: CallFilter): Promise<TokenMetrics | null> {
  try {
    return await readTokenMetrics(logs, { filter, groupBy: ["subscription"], include: ["tpm"] });
  } catch (error) {
    if (isDegradable(error)) return null;
    throw error;
  }
}

/** Of a window in which platform metrics and logs both have no call. */
export const idleUsage = (window: Window): UsageBySubscription => ({
  window,
  of: () => ({ requests: 0, throttled: 0, tokens: 0, tpm: { average: 0, p95: 0, peak: 0 } }),
  notes: [],
});

const unknownUsage = (window: Window, reason: string): UsageBySubscription => ({
  window,
  of: () => ({
    requests: "unknown",
    throttled: "unknown",
    tokens: "unknown",
    tpm: { average: "unknown", p95: "unknown", peak: "unknown" },
  }),
  notes: [`Usage is unknown, since it needs the gateway's logs: ${reason}. get_metrics says what is missing.`],
});

/** What binds a subscription in tokens per minute, as the finder of limits says it. */
interface TpmBinding {
  readonly status: "value" | "none" | "several" | "unknown";
  readonly value?: number;
}

/** As `shareOfLimit`, of the limit that binds; null where none does. */
export const shareOfBinding = (usage: Pick<SubscriptionUsage, "tpm" | "tpm_by_region">, { status, value }: TpmBinding) =>
  status === "none" ? null : shareOfLimit(usage, status === "value" ? (value ?? "unknown") : "unknown");

/** Percent of a limit that the busiest region's tokens per minute come to; counters of regions know nothing of each other. */
export function shareOfLimit(
  { tpm, tpm_by_region }: Pick<SubscriptionUsage, "tpm" | "tpm_by_region">,
  limit: number | "unknown",
): { readonly p95: Known; readonly peak: Known } {
  const regions = tpm_by_region === undefined ? [tpm] : Object.values(tpm_by_region);
  const share = (part: "p95" | "peak"): Known => {
    const busiest = regions
      .map((region) => region[part])
      .reduce<Known>((a, b) => (a === "unknown" || b === "unknown" ? "unknown" : Math.max(a, b)), 0);
    return busiest === "unknown" || limit === "unknown" || limit === 0 ? "unknown" : Math.round((100 * busiest) / limit);
  };
  return { p95: share("p95"), peak: share("peak") };
}
