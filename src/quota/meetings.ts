import type { Inventory } from "../gateway/inventory.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { Caller, Path } from "./callers.ts";
import { counterIds } from "./counters.ts";
import { scopeOf } from "./encounters.ts";
import { callBy, type KeyedEncounter, type KeyUse, openSources, openWay, type Way } from "./ways.ts";
import type { WrittenLimit } from "./written-limits.ts";

/** One limit as a caller meets it on all the ways that its calls may take, before it is known who else does. */
export interface Meeting extends Omit<KeyedEncounter, "key"> {
  readonly limitId: string;
  readonly scope: string;
  /** Null where all the caller's calls meet it. */
  readonly apiIds: readonly string[] | null;
  readonly operationsOnly: boolean;
  readonly keys: readonly KeyUse[];
}

/** What every caller meets. */
export interface Finder {
  meetings(caller: Caller): readonly Meeting[];
  /** The counters that the caller is counted on by a limit with these keys; see `counterIds`. */
  counters(limit: WrittenLimit, keys: readonly KeyUse[], caller: Caller): readonly string[];
}

export function openFinder(inventory: Inventory, csharp: CSharp): Finder {
  const sources = openSources(inventory, csharp);
  const ways = new Map<string, Way>();
  const wayOf = (path: Path, { subscription }: Caller): Way => {
    // Without a subscription nothing is counted by it.
    const key = `${subscription === null}\n${path.chain.join("\n").toLowerCase()}`;
    const way = ways.get(key) ?? openWay(sources, path);
    ways.set(key, way);
    return way;
  };
  const shared = new WeakMap<readonly Path[], readonly Meeting[]>();
  const evaluated = new WeakMap<KeyUse, readonly string[]>();
  const countersOf = (limit: WrittenLimit, key: KeyUse, caller: Caller): readonly string[] => {
    const known = evaluated.get(key);
    if (known !== undefined) return known;
    const { text, call, variables, document } = key;
    const value = text === null ? null : sources.policies.evaluate(text, callBy(call, caller), variables, document);
    const ids = counterIds(limit, value, caller.name);
    if (!key.perCaller) evaluated.set(key, ids);
    return ids;
  };
  return {
    meetings(caller) {
      // What nothing on the ways tells apart is read for one of the callers that share them.
      const known = shared.get(caller.paths);
      if (known !== undefined) return known;
      const met = caller.paths.map((path) => ({ path, way: wayOf(path, caller) }));
      const meetings = meetingsOf(
        met.flatMap(({ path, way }) => way.encounters(caller).map((encounter) => ({ path, encounter }))),
        caller.paths,
      );
      if (met.every(({ way }) => !way.perCaller)) shared.set(caller.paths, meetings);
      return meetings;
    },
    counters: (limit, keys, caller) => [...new Set(keys.flatMap((key) => countersOf(limit, key, caller)))],
  };
}

/** A limit on one of the ways. */
interface OnPath {
  readonly path: Path;
  readonly encounter: KeyedEncounter;
}

function meetingsOf(found: readonly OnPath[], paths: readonly Path[]): readonly Meeting[] {
  const alike = new Map<string, OnPath[]>();
  for (const one of found) {
    const { limit, amount, period, number, deployment } = one.encounter;
    const key = JSON.stringify([limit.limitId, amount, period, number.id, deployment]);
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [one]);
    else others.push(one);
  }
  return namedApart([...alike.values()].map((group) => meetingOf(group, paths)));
}

/**
 * One limit over all the ways on which it comes to the same: as on those of whole APIs where there are such, else of single operations; of these as
 * on those on which it surely applies, where there are such. Which others it may apply on does not matter then.
 */
function meetingOf(group: readonly OnPath[], paths: readonly Path[]): Meeting {
  const best = Math.max(...group.map(rank));
  const counting = group.filter((one) => rank(one) === best);
  const [first = group[0]] = counting;
  if (first === undefined) throw new Error("a limit that nobody meets");
  const { encounter, path } = first;
  const { key: _, ...rest } = encounter;
  return {
    ...rest,
    limitId: encounter.limit.limitId,
    scope: scopeOf(encounter, path.chain),
    apiIds: apisOf(counting, paths),
    operationsOnly: !isWide(first),
    keys: different(group.map(({ encounter: { key } }) => key)),
    exactKeys: different(group.flatMap(({ encounter: { exactKeys } }) => exactKeys)),
  };
}

const rank = (one: OnPath): number => (isWide(one) ? 2 : 0) + (one.encounter.conditions.length === 0 ? 1 : 0);

const isWide = ({ path, encounter }: OnPath): boolean => path.operationId === null && encounter.limit.only?.operation !== true;

function apisOf(counting: readonly OnPath[], paths: readonly Path[]): readonly string[] | null {
  const idsOf = (all: readonly Path[]) => new Set(all.map(({ apiId }) => apiId).filter((apiId) => apiId !== null));
  const ids = idsOf(counting.map(({ path }) => path));
  return ids.size === idsOf(paths).size && counting.every(({ encounter }) => encounter.limit.only === null) ? null : [...ids];
}

/** Keys that nothing but the caller decides are the same on every way. */
function different(keys: readonly KeyUse[]): readonly KeyUse[] {
  const byText = new Map<string | null | KeyUse, KeyUse>();
  for (const key of keys) byText.set(key.callerOnly ? key.text : key, key);
  return [...byText.values()];
}

/** A limit that comes to several numbers, by deployment or API, is several limits: each gets a name of its own. */
function namedApart(meetings: readonly Meeting[]): readonly Meeting[] {
  const counts = new Map<string, number>();
  for (const { limitId } of meetings) counts.set(limitId, (counts.get(limitId) ?? 0) + 1);
  const taken = new Set<string>();
  return meetings.map((meeting) => {
    const { limitId, deployment, apiIds } = meeting;
    if (counts.get(limitId) === 1) return meeting;
    const name = `${limitId}@${deployment ?? apiIds?.join("+") ?? "others"}`;
    let unique = name;
    for (let number = 2; taken.has(unique); number++) unique = `${name}/${number}`;
    taken.add(unique);
    return { ...meeting, limitId: unique };
  });
}
