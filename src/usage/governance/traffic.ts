import type { Prices } from "../../gateway/prices.ts";
import { backendNames } from "../backend-shares.ts";
import type { ThrottleOrigin } from "../cause.ts";
import { groupsBy } from "../groups.ts";
import { askLogs, isDegradable } from "../log-answers.ts";
import { isOrigin } from "../log-usage.ts";
import { type Gap, missing } from "../preflight.ts";
import type { CallFilter } from "../queries/calls.ts";
import { rowsQuery } from "../queries/counts.ts";
import { failoversQuery } from "../queries/failovers.ts";
import type { Columns, LogsQuery, LogsRow } from "../queries/query.ts";
import { spendingQuery } from "../queries/spending.ts";
import { readUsage, type UsageGround, type UsageReaders, type UsageReport } from "../report.ts";
import { idleUsage, readUsageBySubscription, type SubscriptionUsage, type UsageBySubscription } from "../subscription-usage.ts";
import type { Window } from "../window.ts";
import { type Costs, costsOf } from "./costs.ts";
import { type Failover, failoversIn } from "./failovers.ts";

/** Throttled calls by origin, most first. */
export type Throttled = readonly (readonly [ThrottleOrigin, number])[];

/** What a governance report knows of the calls of one window and of the one of the same length before it. */
export interface GovernedTraffic {
  readonly window: Window;
  readonly before: Window;
  readonly now: UsageReport;
  readonly earlier: UsageReport;
  /** In this window, and in the one before. */
  usageOf(subscriptionId: string): { readonly now: SubscriptionUsage; readonly earlier: SubscriptionUsage };
  /** Null where the logs do not say. */
  throttledOf(subscriptionId: string): Throttled | null;
  /** Subscriptions as the logs name them, `none` for calls without one; of every call of the window. */
  readonly callers: readonly string[];
  /** Null where the logs do not say. */
  readonly failovers: readonly Failover[] | null;
  /** Null where no prices are given. */
  readonly costs: Costs | null;
  readonly notes: readonly string[];
}

/** More groups than a service has subscriptions, each with the few ways in which its calls end. */
const mostGroups = 50_000;

export async function readGovernedTraffic(
  readers: UsageReaders,
  ground: UsageGround,
  window: Window,
  prices: Prices | null,
  now: Date,
): Promise<GovernedTraffic> {
  const before = { since: new Date(2 * window.since.getTime() - window.until.getTime()), until: window.since };
  const read = (one: Window) =>
    readUsage(readers, ground, { window: one, groupBy: [], subscriptions: [], include: ["cache"], limit: 1 }, now);
  const [seen, seenEarlier, logUsage, usedEarlier] = await Promise.all([
    read(window),
    read(before),
    readUsageBySubscription(readers.logs, ground, window),
    readUsageBySubscription(readers.logs, ground, before),
  ]);
  const gap = seen.totals.requests === 0 ? unloggedBy(ground) : undefined;
  const [current, earlier] = gap === undefined ? [seen, seenEarlier] : [countedOnly(seen, gap), countedOnly(seenEarlier, gap)];
  const logged = isLogged(current);
  const used = isIdle(current) ? idleUsage(window) : logUsage;
  const filter: CallFilter = { window, resourceId: ground.service.resourceId, interval: "PT1M" };
  const rowsOf = async <M extends Columns>(query: LogsQuery<M>): Promise<readonly LogsRow<M>[] | null> =>
    logged ? unlessRefused(askLogs(readers.logs, query).then(({ rows }) => rows)) : null;
  const [endings, minutes, spent, backends] = await Promise.all([
    rowsOf(rowsQuery(filter, ["subscription", "cause"], mostGroups)),
    rowsOf(failoversQuery(filter)),
    prices === null ? null : rowsOf(spendingQuery(filter)),
    logged ? readers.gateway.backends() : [],
  ]);
  const bySubscription = groupsBy(endings ?? [], ({ keys }) => keys.subscription?.toLowerCase() ?? "");
  return {
    window,
    before,
    now: current,
    earlier,
    usageOf: (subscriptionId) => ({ now: used.of(subscriptionId), earlier: usedEarlier.of(subscriptionId) }),
    throttledOf: (subscriptionId) => (endings === null ? null : throttledIn(bySubscription.get(subscriptionId.toLowerCase()) ?? [])),
    callers: [...bySubscription.values()].map(([row]) => row?.keys.subscription ?? ""),
    failovers: minutes && failoversIn(minutes, backendNames(backends)),
    costs: freeWithoutTokens(costsOf(spent, prices), current),
    notes: notesOn(used, current, earlier),
  };
}

/** What keeps every call out of the logs. */
const unlogged: ReadonlySet<string> = new Set(["consumption", "no_diagnostic_setting", "not_dedicated", "gateway_logs_off"]);

const unloggedBy = ({ service, settings }: UsageGround): Gap | undefined =>
  settings === null ? undefined : missing(service, settings).find(({ name }) => unlogged.has(name));

/** Logs that nothing is sent to hold no calls, and say nothing by that: then it is platform metrics that count none. */
function countedOnly(report: UsageReport, gap: Gap): UsageReport {
  if (!isLogged(report) || report.totals.requests !== 0) return report;
  const source = { name: "platform metrics (Azure Monitor)", resolution: report.window.interval, lag: "about 1 minute" };
  return { ...report, sources: [source], missing: [gap] };
}

const isLogged = ({ sources }: UsageReport): boolean => sources[0]?.name.startsWith("gateway logs") === true;

/** Logs answer of no calls only where platform metrics have none either. */
const isIdle = (report: UsageReport): boolean => isLogged(report) && report.totals.requests === 0;

/** Without a token there is nothing to price. */
const freeWithoutTokens = (costs: Costs | null, { totals }: UsageReport): Costs | null =>
  costs === null || totals.tokens !== 0 ? costs : { ...costs, total: { amount: 0, atLeast: false } };

const unlessRefused = async <T>(reading: Promise<T>): Promise<T | null> => {
  try {
    return await reading;
  } catch (error) {
    if (isDegradable(error)) return null;
    throw error;
  }
};

const throttledIn = (
  rows: readonly { readonly keys: { readonly cause?: string }; readonly values: { readonly Requests: number | null } }[],
): Throttled =>
  rows
    .flatMap(({ keys: { cause = "" }, values }) => (isOrigin(cause) ? [[cause, values.Requests ?? 0] as const] : []))
    .toSorted(([a, left], [b, right]) => right - left || a.localeCompare(b));

function notesOn(used: UsageBySubscription, { sources, notes }: UsageReport, earlier: UsageReport): readonly string[] {
  const other = earlier.sources[0]?.name !== sources[0]?.name;
  return [
    ...new Set([
      ...notes,
      ...used.notes,
      ...(!other && earlier.totals.requests === 0
        ? [`${isLogged(earlier) ? "The logs hold" : "There were"} no calls of the time before: what has changed is not known.`]
        : []),
      ...(other ? [`The time before is not compared: it is of another source, ${earlier.sources[0]?.name ?? "none"}.`] : []),
    ]),
  ];
}
