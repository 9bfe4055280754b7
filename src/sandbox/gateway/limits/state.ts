import type { Call, GatewayInstance } from "../policy.ts";
import { type PeriodCounter, periodCounter, type RateCounter, slidingLog, tokenBucket } from "./counters.ts";

/** Counters of one kind by their keys. */
export interface Counters<T> {
  of(key: string, now: number): T;
}

/** So many keys are looked through for those that nobody uses any more. */
const manyKeys = 10_000;

function countersBy<T>(make: () => T, idle: (counter: T, now: number) => boolean): Counters<T> {
  const counters = new Map<string, T>();
  let sweepAt = manyKeys;
  return {
    of(key, now) {
      const known = counters.get(key);
      if (known !== undefined) return known;
      if (counters.size >= sweepAt) {
        for (const [other, counter] of counters) if (idle(counter, now)) counters.delete(other);
        sweepAt = Math.max(manyKeys, 2 * counters.size);
      }
      const counter = make();
      counters.set(key, counter);
      return counter;
    },
  };
}

/** What a gateway instance counts. */
interface LimitState {
  /** Calls and tokens by the rate, each kind under keys of its own. */
  readonly rates: Counters<RateCounter>;
  readonly quotas: Counters<PeriodCounter>;
  /** Calls on their way, by the key of `limit-concurrency`. */
  readonly running: Map<string, number>;
}

const stateKey = Symbol("limits");

/** Classic tiers slide a window, v2 tiers fill a bucket (https://learn.microsoft.com/azure/api-management/rate-limit-policy#usage-notes). */
export function limitState({ instance, world }: Call): LimitState {
  return instance.state(stateKey, () => newState(/v2$/i.test(world.service.sku.name)));
}

/** Counts anew. */
export const resetLimits = (instance: GatewayInstance): void => instance.reset(stateKey);

function newState(bucket: boolean): LimitState {
  return {
    rates: countersBy<RateCounter>(bucket ? tokenBucket : slidingLog, (counter, now) => counter.idle(now)),
    quotas: countersBy<PeriodCounter>(periodCounter, (counter, now) => counter.idle(now)),
    running: new Map(),
  };
}
