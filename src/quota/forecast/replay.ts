import { sameName } from "../../gateway/model.ts";
import type { PastRequest } from "../../gateway/past-requests.ts";
import { type Counter, periodQuota, type QuotaPeriod, slidingWindow, tokenBucket } from "./counters.ts";

export type Algorithm = "sliding window" | "token bucket";

/** A limit as it meets requests of the past. */
export interface ReplayLimit {
  readonly kind: "tpm" | "rpm" | "token_quota";
  /** Tokens or calls in the window or period. */
  readonly amount: number;
  /** Of a rate, in milliseconds. */
  readonly windowMs: number;
  /** Of a quota. */
  readonly period: QuotaPeriod | null;
  /** Whether prompts are estimated and counted before the model has answered; of streamed requests they always are. */
  readonly estimates: boolean;
  /** Which requests it is for. */
  readonly applies: (request: PastRequest) => boolean;
  /** The part of its key that tells one team's requests apart: each value has a counter of its own. */
  readonly counterOf: (request: PastRequest) => string;
}

/** Which gateway takes a request, by its position: each counts by itself. */
export type Placement = (request: PastRequest, index: number) => string;

export const onOneGateway: Placement = () => "";

export const evenlyOver =
  (gateways: number): Placement =>
  (_, index) =>
    String(index % gateways);

export const byRegion: Placement = ({ region }) => region.toLowerCase();

/** A counter that a request has passed, and what was counted before the model answered. */
interface Passed {
  readonly limit: ReplayLimit;
  readonly counter: Counter;
  readonly held: number;
}

/**
 * Sends requests once more, against limits that count from nothing: whether each would have been refused. They come in the order of their starts. Tokens are
 * counted when a request has ended, those of a prompt that is estimated when it starts; calls when they come. A request that was refused in the
 * past has no tokens: where it passes now, it is counted as if it had spent none.
 *
 * Assumed: the estimate of a prompt is what the model has counted, and is made right when the answer is complete; limits are judged in the order in which they
 * are given, and one that refuses ends it; requests that end and start at one time end first. Clients that try again are not modelled.
 */
export function replay(
  requests: readonly PastRequest[],
  limits: readonly ReplayLimit[],
  algorithm: Algorithm,
  placement: Placement,
): readonly boolean[] {
  const counters = limits.map(() => new Map<string, Counter>());
  const passed: (readonly Passed[])[] = [];
  const ends = requests.map((_, index) => index).sort((a, b) => endOf(requests, a) - endOf(requests, b) || a - b);
  let ended = 0;
  const settleUntil = (now: number, index: number): void => {
    for (let next = ends[ended]; next !== undefined; next = ends[++ended]) {
      const request = requests[next];
      if (request === undefined || request.end > now || (request.end === now && next >= index)) return;
      for (const one of passed[next] ?? []) settle(one, request);
    }
  };
  const counterFor = (position: number, limit: ReplayLimit, request: PastRequest, gateway: string): Counter => {
    const known = counters[position];
    const key = `${gateway}\n${limit.counterOf(request)}`;
    const counter = known?.get(key) ?? newCounter(limit, algorithm);
    known?.set(key, counter);
    return counter;
  };
  return requests.map((request, index) => {
    settleUntil(request.start, index);
    const gateway = placement(request, index);
    const met: Passed[] = [];
    for (const [position, limit] of limits.entries()) {
      if (!limit.applies(request)) continue;
      const [counter, held] = [counterFor(position, limit, request, gateway), heldBy(limit, request)];
      if (!counter.fits(needOf(limit, held), request.start)) {
        giveBack(met, request.start);
        return true;
      }
      if (held > 0) counter.charge(held, request.start);
      met.push({ limit, counter, held });
    }
    passed[index] = met;
    return false;
  });
}

const endOf = (requests: readonly PastRequest[], index: number): number => requests[index]?.end ?? 0;

function newCounter({ period, amount, windowMs }: ReplayLimit, algorithm: Algorithm): Counter {
  if (period !== null) return periodQuota(amount, period);
  return algorithm === "sliding window" ? slidingWindow(amount, windowMs) : tokenBucket(amount, windowMs);
}

function heldBy({ kind, estimates }: ReplayLimit, { streamed, tokens }: PastRequest): number {
  if (kind === "rpm") return 1;
  return estimates || streamed ? (tokens?.prompt ?? 0) : 0;
}

/** A rate of tokens lets nothing pass where nothing is left; a quota that is just used up does. */
const needOf = ({ kind }: ReplayLimit, held: number): number => (kind === "token_quota" ? held : Math.max(1, held));

/** What a request that is refused in the end has held before: it spends nothing, but has been a call. */
function giveBack(passed: readonly Passed[], now: number): void {
  for (const { limit, counter, held } of passed) if (limit.kind !== "rpm" && held > 0) counter.charge(-held, now);
}

function settle({ limit, counter, held }: Passed, { tokens, end }: PastRequest): void {
  const more = (tokens?.total ?? 0) - held;
  if (limit.kind !== "rpm" && more !== 0) counter.charge(more, end);
}

/** One that names no deployment is of none. */
export const isDeployment = (request: PastRequest, deployment: string): boolean => sameName(request.deployment, deployment);
