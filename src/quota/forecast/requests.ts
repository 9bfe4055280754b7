import { tierOf } from "../../gateway/model.ts";
import type { PastRequest, RequestHistory } from "../../gateway/past-requests.ts";
import type { Limit, LimitKind } from "../limit.ts";
import { periodStart } from "./counters.ts";
import { around, type Hour, hoursOf, type Interval, intervalOf, limitFactors, shareOf } from "./interval.ts";
import { type Algorithm, byRegion, evenlyOver, onOneGateway, type Placement, type ReplayLimit, replay } from "./replay.ts";
import { type Replayed, replayedLimits } from "./replayed-limits.ts";

/** What limits would have refused; shares are from 0 to 1. */
interface Refusals {
  readonly refused_share: number;
  readonly refused_requests?: number | undefined;
}

interface ExpectedRefusals extends Refusals {
  /** Of the refused requests, as far as they are known. */
  readonly tokens_turned_away?: number | undefined;
  /** The hour with most refused requests. */
  readonly worst_hour?: { readonly start: string; readonly share: number } | undefined;
  /** Where the share of another window like this one lies in 95 of 100 cases. */
  readonly interval?: Interval | undefined;
}

/** What a change of limits would have done to what a team has sent. */
export interface Forecast {
  readonly status: "known" | "unknown";
  /** Why it is unknown, and the command that would make it known where there is one. */
  readonly reason?: string | undefined;
  readonly fix?: string | undefined;
  readonly window?: { readonly since: string; readonly until: string } | undefined;
  /** Those that a limit of a kind that changes could have refused. */
  readonly requests?: number | undefined;
  readonly algorithm?: Algorithm | "both" | undefined;
  readonly before?: Refusals | undefined;
  readonly after?: ExpectedRefusals | undefined;
  readonly lower_bound?: true | undefined;
  readonly upper_bound?: true | undefined;
  readonly notes: readonly string[];
}

export interface Changed {
  readonly before: readonly Limit[];
  readonly after: readonly Limit[];
  readonly kinds: readonly LimitKind[];
  readonly sku: string;
}

/** One way in which the service may count; the first of several is the one that refuses most. */
interface Way {
  readonly algorithm: Algorithm;
  readonly placement: Placement;
}

/** A window of requests under the limits before and after. */
export function forecastOfRequests(history: RequestHistory, all: readonly PastRequest[], changed: Changed): Forecast {
  const [before, after] = [replayedLimits(changed.before, changed.kinds), replayedLimits(changed.after, changed.kinds)];
  const meets = ({ limits }: Replayed, request: PastRequest): boolean => limits.some(({ applies }) => applies(request));
  const own = all.filter((request) => meets(before, request) || meets(after, request));
  // Another limit's refusals stand: those requests get to none of these.
  const requests = own.filter(({ refusedBy }) => refusedBy === null || changed.kinds.includes(refusedBy));
  const window = { since: history.since.toISOString(), until: history.until.toISOString() };
  if (requests.length === 0) {
    return { status: "unknown", reason: "The team has sent no requests in this time that the limit is for.", window, notes: history.notes };
  }
  const algorithms = algorithmsOf(changed.sku);
  const gateways = gatewaysOf([...changed.before, ...changed.after], changed.kinds);
  const ways = algorithms.flatMap((algorithm) => placementsOf(requests, gateways).map((placement) => ({ algorithm, placement })));
  const until = history.until.getTime();
  const [was, outcome] = [judged(requests, before.limits, ways, until), judged(requests, after.limits, ways, until)];
  const interval = withUnknownGateways(intervalOver(requests, after.limits, ways, until), gateways);
  const worst = worstOf(outcome.hours);
  const censored = requests.filter(({ refusedBy }) => refusedBy !== null).length;
  const began = beginsWithin(after.limits, history.since);
  const atLeast = [
    ...after.atLeast,
    ...(censored === 0 ? [] : [`${censored} past requests were refused: what they would have spent is not known.`]),
    ...(began ? ["What of the quota was used before this time is not known."] : []),
  ];
  return {
    status: "known",
    window,
    requests: requests.length,
    algorithm: algorithms.length === 1 ? (algorithms[0] ?? "both") : "both",
    before: was.refusals,
    after: {
      ...outcome.refusals,
      tokens_turned_away: requests.reduce(
        (sum, { tokens }, index) => sum + (outcome.refused[index] === true ? (tokens?.total ?? 0) : 0),
        0,
      ),
      ...(worst === null ? {} : { worst_hour: worst }),
      ...(interval === null ? {} : { interval: [rounded(interval[0]), rounded(interval[1])] as const }),
    },
    ...(history.incomplete || atLeast.length > 0 ? { lower_bound: true } : {}),
    ...(after.atMost.length > 0 ? { upper_bound: true } : {}),
    notes: [
      ...history.notes,
      ...atLeast,
      ...after.atMost,
      ...(interval === null ? ["Under three hours of data: no interval."] : []),
      ...(ways.length > algorithms.length
        ? [`${gateways} gateways count each by itself: the interval goes from even traffic to all on one.`]
        : []),
      "Retries of refused clients are not modelled.",
    ],
  };
}

/** By the tier (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes); both where it is none that is known. */
function algorithmsOf(sku: string): readonly Algorithm[] {
  if (tierOf(sku) === "v2") return ["token bucket"];
  return /^(?:developer|basic|standard|premium|isolated)$/i.test(sku) ? ["sliding window"] : ["sliding window", "token bucket"];
}

function gatewaysOf(limits: readonly Limit[], kinds: readonly LimitKind[]): number | "unknown" {
  const counts = limits.flatMap(({ kind, gateways }) => (kinds.includes(kind) ? [gateways] : []));
  return counts.reduce<number | "unknown">((a, b) => (a === "unknown" || b === "unknown" ? "unknown" : Math.max(a, b)), 1);
}

/**
 * Where the requests went: by their regions, where the logs name as many as there are gateways; else from all on one gateway to evenly over all of them.
 * Of an unknown number one is replayed.
 */
function placementsOf(requests: readonly PastRequest[], gateways: number | "unknown"): readonly Placement[] {
  if (gateways === "unknown" || gateways === 1) return [onOneGateway];
  const regions = new Set(requests.map(byRegion));
  if (regions.size >= gateways && !regions.has("")) return [byRegion];
  return [onOneGateway, evenlyOver(gateways)];
}

const withUnknownGateways = (interval: Interval | null, gateways: number | "unknown"): Interval | null =>
  interval !== null && gateways === "unknown" ? [0, interval[1]] : interval;

/** Whether a quota's period has begun before the requests that are known. */
const beginsWithin = (limits: readonly ReplayLimit[], since: Date): boolean =>
  limits.some(({ period }) => period !== null && periodStart(period, since.getTime()) < since.getTime());

interface Judged {
  readonly refusals: { readonly refused_share: number; readonly refused_requests: number };
  readonly refused: readonly boolean[];
  readonly hours: readonly Hour[];
}

/** The way that refuses most. */
function judged(requests: readonly PastRequest[], limits: readonly ReplayLimit[], ways: readonly Way[], until: number): Judged {
  const [first, ...others] = ways.map((way) => {
    const refused = replay(requests, limits, way.algorithm, way.placement);
    return { refused, hours: hoursOf(requests, refused, until) };
  });
  if (first === undefined) throw new Error("a service counts in some way");
  const most = others.reduce((worst, one) => (shareOf(one.hours) > shareOf(worst.hours) ? one : worst), first);
  const refusals = { refused_share: rounded(shareOf(most.hours)), refused_requests: most.refused.filter(Boolean).length };
  return { ...most, refusals };
}

/** Over all ways. */
function intervalOver(
  requests: readonly PastRequest[],
  limits: readonly ReplayLimit[],
  ways: readonly Way[],
  until: number,
): Interval | null {
  const intervals = ways.flatMap(({ algorithm, placement }) => {
    const hoursAt = (factor: number): readonly Hour[] => {
      const scaled = limits.map((limit) => ({ ...limit, amount: limit.amount * factor }));
      return hoursOf(requests, replay(requests, scaled, algorithm, placement), until);
    };
    const hours = hoursAt(1);
    const interval = intervalOf(hours, limitFactors(hours.length).map(hoursAt));
    return interval === null ? [] : [interval];
  });
  return intervals.length === 0 ? null : around(intervals);
}

function worstOf(hours: readonly Hour[]): { readonly start: string; readonly share: number } | null {
  const worst = hours.reduce<Hour | null>((most, hour) => (hour.refused > (most?.refused ?? 0) ? hour : most), null);
  return worst === null
    ? null
    : { start: `${new Date(worst.start).toISOString().slice(0, 16)}Z`, share: rounded(worst.refused / worst.requests) };
}

const rounded = (share: number): number => Math.round(share * 1e4) / 1e4;
