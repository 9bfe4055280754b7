import type { World } from "../../world.ts";
import type { Value } from "../expressions/values.ts";
import type { Call } from "../policy.ts";
import { type Entries, entries } from "./entries.ts";
import type { StoredResponse } from "./stored-response.ts";

/** A response that is found by what its prompt means. */
export interface SemanticEntry {
  readonly partition: string;
  readonly vector: readonly number[];
  readonly response: StoredResponse;
}

/** The caches of one region. */
export interface Caches {
  readonly responses: Entries<StoredResponse>;
  readonly values: Entries<Value>;
  readonly semantic: Entries<SemanticEntry>;
}

const mostEntries = 10_000;
const mostVectors = 2_000;

const byWorld = new WeakMap<World, Map<string, Caches>>();

/**
 * The cache of the call's region: all units there share it (https://learn.microsoft.com/azure/api-management/cache-lookup-policy). Assumed: an external
 * cache is one for each region, too, as is recommended.
 */
export function cachesOf({ world, instance }: Call): Caches {
  const regions = byWorld.get(world) ?? new Map<string, Caches>();
  byWorld.set(world, regions);
  const caches = regions.get(instance.region) ?? {
    responses: entries<StoredResponse>(mostEntries),
    values: entries<Value>(mostEntries),
    semantic: entries<SemanticEntry>(mostVectors),
  };
  regions.set(instance.region, caches);
  return caches;
}

/** Empties the caches of all regions. */
export const resetCaches = (world: World): void => void byWorld.delete(world);
