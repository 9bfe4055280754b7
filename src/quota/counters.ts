import type { Input, Known } from "../policy/static/values.ts";
import type { Group } from "./limit.ts";
import type { WrittenLimit } from "./written-limits.ts";

/** The counters of calls: equal ids, one counter. */
export interface Counters {
  /** Those that its calls are surely counted on: others whose keys come to the same can bring along the same. */
  readonly certain: readonly string[];
  /** Those that they may be counted on, by what each call chooses to bring along, or as it is not known. */
  readonly possible: readonly string[];
}

/**
 * The counters that a caller's calls are counted on by one limit. `key`: evaluated for the caller; null where the service counts each subscription
 * by itself. A key that fails lets no call get any further, and counts none.
 */
export function counterIds({ counter, limitId }: WrittenLimit, key: Known | null, caller: string): Counters {
  if (key === null || counter === "subscription") return certainly([JSON.stringify([limitId, caller])]);
  switch (key.kind) {
    case "constant":
      return certainly([JSON.stringify([counter, String(key.value ?? "")])]);
    case "several": {
      const ids = key.values.map(({ value }) => JSON.stringify([counter, typeof value === "object" ? value : String(value)]));
      return key.inputs.every(({ what }) => onAnyCall.has(what)) ? certainly(ids) : perhaps(ids);
    }
    case "unknown": {
      if (key.parts.some(isOwnKey)) return certainly([JSON.stringify([counter, "", key.parts, caller])]);
      const ids = [JSON.stringify([counter, "", key.parts])];
      const isFollowed = key.parts.every((part) => typeof part === "string" || part.what !== "expression");
      return isFollowed && key.inputs.every(({ what }) => onAnyCall.has(what)) ? certainly(ids) : perhaps(ids);
    }
    default:
      return none;
  }
}

const certainly = (certain: readonly string[]): Counters => ({ certain, possible: [] });
const perhaps = (possible: readonly string[]): Counters => ({ certain: [], possible });
const none: Counters = { certain: [], possible: [] };

export function joinedCounters(all: readonly Counters[]): Counters {
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return only;
  return {
    certain: [...new Set(all.flatMap(({ certain }) => certain))],
    possible: [...new Set(all.flatMap(({ possible }) => possible))],
  };
}

/** What hinders nobody to be counted with others: their calls can ask for the same, and a value that is hidden is the same for all. */
const onAnyCall: ReadonlySet<Input["what"]> = new Set(["deployment", "api", "operation", "product", "named-value", "gateway"]);

/** The subscription's own key, as the service knows it. */
const isOwnKey = (part: string | Input): boolean =>
  typeof part === "object" && part.what === "subscription-key" && part.name.startsWith("context.");

const chosen: Partial<Readonly<Record<Input["what"], (name: string) => string>>> = {
  header: (name) => `header '${name}'`,
  query: (name) => `query parameter '${name}'`,
  path: () => "the path",
  body: (name) => (name === "" ? "the body" : `'${name}' of the body`),
  claim: (name) => (name === "" ? "the token" : `'${name}' of the token`),
  address: () => "the caller's address",
  certificate: () => "the client certificate",
  method: () => "the method",
  time: (name) => name,
};

/** What of a key each call chooses by itself, for people; null where that is nothing: its values are few, or the caller's own. */
export function chosenByCalls(key: Known | null): string | null {
  if (key?.kind !== "unknown") return null;
  const words = key.inputs.flatMap(({ what, name }) => chosen[what]?.(name) ?? []);
  return words.length === 0 ? null : words.join(" and ");
}

/** Who is in each group, and in any of several. */
export interface Groups {
  /** Everybody in any of these; always the same set for the same groups. `name` is in all of them. */
  of(ids: readonly string[], name: string): Group;
}

/** Puts everybody into the groups named with him. Takes time and memory as the names and ids do, however large a group is. */
export function groupsOf(members: Iterable<readonly [name: string, ids: Iterable<string>]>): Groups {
  // Most counters are one team's alone: a set for each would cost more than all else.
  const sets = new Map<string, string | Set<string>>();
  for (const [name, ids] of members) {
    for (const id of ids) {
      const known = sets.get(id);
      if (known === undefined) sets.set(id, name);
      else if (typeof known === "object") known.add(name);
      else if (known !== name) sets.set(id, new Set([known, name]));
    }
  }
  const sharedBy = (id: string): Group | undefined => {
    const set = sets.get(id);
    return typeof set === "object" ? set : undefined;
  };
  const unions = new Map<string, Group>();
  return {
    of(ids, name) {
      // Groups of one add nobody to the others: without them those who share the rest share one set.
      const shared = [...new Set(ids)].filter((id) => sharedBy(id) !== undefined).toSorted();
      const [first] = shared;
      if (first === undefined) return new Set([name]);
      if (shared.length === 1) return sharedBy(first) ?? new Set([name]);
      const key = JSON.stringify(shared);
      const union = unions.get(key) ?? new Set(shared.flatMap((id) => [...(sharedBy(id) ?? [])]));
      unions.set(key, union);
      return union;
    },
  };
}
