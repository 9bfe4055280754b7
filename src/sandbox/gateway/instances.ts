import type { GatewayInstance } from "./policy.ts";

/** One instance for each region, in their order; the same seed gives the same chances. */
export function gatewayInstances(regions: readonly string[], seed: number): readonly GatewayInstance[] {
  return regions.map((region, index) => gatewayInstance(`gateway-${index + 1}`, region, seed + index * 7919));
}

function gatewayInstance(id: string, region: string, seed: number): GatewayInstance {
  const states = new Map<symbol, unknown>();
  return {
    id,
    region,
    random: seededRandom(seed),
    state<T>(key: symbol, make: () => T): T {
      if (!states.has(key)) states.set(key, make());
      // A key belongs to one module, which always makes the same type under it.
      return states.get(key) as T;
    },
    reset: (key) => (key === undefined ? states.clear() : void states.delete(key)),
  };
}

/** A 32-bit generator (mulberry32): enough for load balancing and jitter, and the same in every run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
