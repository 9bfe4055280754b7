import type { BackendOutcome } from "../policy.ts";

/** The one rule of a backend's circuit breaker; times in milliseconds. */
export interface BreakerRule {
  /** Failures within the interval that open it; null where the rule counts by percentage alone. */
  readonly count: number | null;
  /** Of the interval's requests. */
  readonly percentage: number | null;
  readonly intervalMs: number;
  /** Both ends belong to a range. */
  readonly statusCodes: readonly { readonly min: number; readonly max: number }[];
  readonly errorReasons: readonly string[];
  readonly tripMs: number;
  readonly acceptRetryAfter: boolean;
}

/** Requests that came so close together that they count as one moment. */
interface Moment {
  readonly at: number;
  readonly requests: number;
  readonly failures: number;
}

/** What a breaker remembers. Bounded: at most `count` moments, or `moments` where a percentage is asked for. */
export interface BreakerState {
  readonly window: readonly Moment[];
  /** When traffic resumes, in milliseconds; null or past where the breaker is closed. */
  readonly openUntil: number | null;
}

export const closedBreaker: BreakerState = { window: [], openUntil: null };

/** Into how many moments an interval is divided where all requests count. */
const moments = 60;

export const isOpen = ({ openUntil }: BreakerState, now: number): boolean => openUntil !== null && now < openUntil;

/** Failures of the rule's interval. */
export const failuresIn = (rule: BreakerRule, state: BreakerState, now: number): number => sum(recent(rule, state, now), "failures");

/**
 * The breaker after one attempt's outcome (https://learn.microsoft.com/azure/api-management/backends#circuit-breaker). Failures are
 * counted over a sliding interval, whatever succeeds between them; there is no half-open state: once `openUntil` has come traffic
 * resumes with an empty window.
 *
 * Assumed: a percentage is one of all requests in the interval, however few; count and percentage in one rule each open it; what
 * comes back while the breaker is open (sent before) does not count; of several Retry-After the one of the failure that opens it decides.
 */
export function observe(rule: BreakerRule, state: BreakerState, outcome: BackendOutcome, now: number): BreakerState {
  if (isOpen(state, now)) return state;
  const failed = isFailure(rule, outcome);
  if (!failed && rule.percentage === null) return state;
  const window = withRequest(rule, recent(rule, state, now), failed, now);
  return failed && trips(rule, window) ? { window: [], openUntil: now + tripTime(rule, outcome) } : { window, openUntil: null };
}

/**
 * No answer is a failure only where its reason is listed: by Microsoft's samples a null response does not trip a rule without
 * `errorReasons`. Assumed: the reasons are those of `context.LastError.Reason`, in any case; a rule that lists nothing never trips.
 */
function isFailure({ statusCodes, errorReasons }: BreakerRule, { status, reason }: BackendOutcome): boolean {
  if (status !== null) return statusCodes.some(({ min, max }) => min <= status && status <= max);
  return reason !== null && errorReasons.some((listed) => listed.toLowerCase() === reason.toLowerCase());
}

function trips({ count, percentage }: BreakerRule, window: readonly Moment[]): boolean {
  const failures = sum(window, "failures");
  if (count !== null && failures >= count) return true;
  return percentage !== null && failures * 100 >= percentage * sum(window, "requests");
}

const tripTime = ({ acceptRetryAfter, tripMs }: BreakerRule, { retryAfterSeconds }: BackendOutcome): number =>
  acceptRetryAfter && retryAfterSeconds !== null ? retryAfterSeconds * 1000 : tripMs;

const recent = ({ intervalMs }: BreakerRule, { window }: BreakerState, now: number): readonly Moment[] =>
  window.filter(({ at }) => at > now - intervalMs);

function withRequest(rule: BreakerRule, window: readonly Moment[], failed: boolean, now: number): readonly Moment[] {
  const grain = rule.percentage === null ? 0 : rule.intervalMs / moments;
  const last = window.at(-1);
  const joins = last !== undefined && now - last.at <= grain;
  const { at, requests, failures } = joins ? last : { at: now, requests: 0, failures: 0 };
  return [...(joins ? window.slice(0, -1) : window), { at, requests: requests + 1, failures: failures + (failed ? 1 : 0) }];
}

const sum = (window: readonly Moment[], member: "requests" | "failures"): number =>
  window.reduce((total, moment) => total + moment[member], 0);
