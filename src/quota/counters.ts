import type { Known } from "../policy/static/values.ts";
import type { Group } from "./limit.ts";
import type { WrittenLimit } from "./written-limits.ts";

/**
 * The counters that a caller's calls are counted on by one limit: equal ids, one counter. A key that each call chooses (a header, a claim, an
 * address) is one counter for everybody who meets it, as anyone may send what another sends. `key`: evaluated for the caller; null where the
 * service counts each subscription by itself.
 */
export function counterIds({ counter, limitId }: WrittenLimit, key: Known | null, caller: string): readonly string[] {
  if (key === null || counter === "subscription") return [JSON.stringify([limitId, caller])];
  switch (key.kind) {
    case "constant":
      return [JSON.stringify([counter, String(key.value ?? "")])];
    case "several":
      return key.values.map(({ value }) => JSON.stringify([counter, typeof value === "object" ? value : String(value)]));
    case "unknown": {
      const own = key.inputs.some(({ what }) => what === "subscription-key") ? caller : null;
      return [JSON.stringify([counter, "", key.parts, own])];
    }
    default:
      // What is no text, or fails, has no key that could be told.
      return [JSON.stringify([counter, "", key.kind])];
  }
}

/** Who is in each group, and in any of several. */
export interface Groups {
  /** Everybody in any of these; always the same set for the same groups. `name` is in all of them. */
  of(ids: readonly string[], name: string): Group;
}

/** Puts everybody into the groups named with him. Takes time and memory as the names and ids do, however large a group is. */
export function groupsOf(members: Iterable<readonly [name: string, ids: Iterable<string>]>): Groups {
  const sets = new Map<string, Set<string>>();
  for (const [name, ids] of members) {
    for (const id of ids) {
      const set = sets.get(id);
      if (set === undefined) sets.set(id, new Set([name]));
      else set.add(name);
    }
  }
  const unions = new Map<string, Group>();
  return {
    of(ids, name) {
      // Groups of one add nobody to the others: without them those who share the rest share one set.
      const shared = [...new Set(ids)].filter((id) => (sets.get(id)?.size ?? 0) > 1).toSorted();
      const [first] = shared;
      if (first === undefined) return sets.get(ids[0] ?? "") ?? new Set([name]);
      if (shared.length === 1) return sets.get(first) ?? new Set([name]);
      const key = JSON.stringify(shared);
      const union = unions.get(key) ?? new Set(shared.flatMap((id) => [...(sets.get(id) ?? [])]));
      unions.set(key, union);
      return union;
    },
  };
}
