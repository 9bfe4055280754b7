import type { Inventory } from "../gateway/inventory.ts";
import { attribute } from "../policy/document.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { Condition, Known } from "../policy/static/values.ts";
import { type BoundPart, boundParts, type Placed } from "./binding.ts";
import type { Caller, Path } from "./callers.ts";
import { type Counters, chosenByCalls, counterIds, joinedCounters } from "./counters.ts";
import { scopeOf } from "./encounters.ts";
import type { Calls, LimitKind } from "./limit.ts";
import { callBy, type KeyedEncounter, type KeyUse, openSources, openWay, type Way } from "./ways.ts";
import type { WrittenLimit } from "./written-limits.ts";

/** One limit as a caller meets it on all the ways that its calls may take, before it is known who else does. */
export interface Meeting extends Omit<KeyedEncounter, "key" | "runs" | "deployments" | "met" | "inputs"> {
  readonly limitId: string;
  readonly scope: string;
  /** Null where all the caller's calls meet it. */
  readonly apiIds: readonly string[] | null;
  readonly operations: readonly string[] | null;
  readonly operationsOnly: boolean;
  readonly accounting: boolean;
  readonly perCall: string | null;
  readonly on: Placed["on"];
  readonly keys: readonly KeyUse[];
}

/** What one caller meets. */
interface Meetings {
  readonly met: readonly Meeting[];
  /** What binds by them; worked out when it is asked for. */
  bound(kind: LimitKind): readonly BoundPart[];
}

/** What every caller meets. */
export interface Finder {
  meetings(caller: Caller): Meetings;
  /** The counters that the caller is counted on by a limit with these keys; see `counterIds`. */
  counters(limit: WrittenLimit, keys: readonly KeyUse[], caller: Caller): Counters;
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
  const shared = new WeakMap<readonly Path[], Meetings>();
  const evaluated = new WeakMap<KeyUse, Counters>();
  const keyOf = ({ text, call, variables, document }: KeyUse, caller: Caller): Known | null =>
    text === null ? null : sources.policies.evaluate(text, callBy(call, caller), variables, document);
  const countersOf = (limit: WrittenLimit, key: KeyUse, caller: Caller): Counters => {
    const known = evaluated.get(key);
    if (known !== undefined) return known;
    const ids = counterIds(limit, keyOf(key, caller), caller.name);
    if (!key.perCaller) evaluated.set(key, ids);
    return ids;
  };
  return {
    meetings(caller) {
      // What nothing on the ways tells apart is read for one of the callers that share them.
      const known = shared.get(caller.paths);
      if (known !== undefined) return known;
      const met = caller.paths.map((path) => {
        const way = wayOf(path, caller);
        return { path, way, encounters: way.encounters(caller) };
      });
      const found = meetingsOf(
        met.flatMap(({ path, encounters }) => encounters.map((encounter) => ({ path, encounter }))),
        caller.paths,
        (key) => chosenByCalls(keyOf(key, caller)),
      );
      const meetings = boundMeetings(
        found,
        met.flatMap(({ path, encounters }) => (encounters[0]?.deployments ?? [null]).map((deployment) => callsOn(path, deployment))),
      );
      if (met.every(({ way }) => !way.perCaller)) shared.set(caller.paths, meetings);
      return meetings;
    },
    counters: (limit, keys, caller) => joinedCounters(keys.map((key) => countersOf(limit, key, caller))),
  };
}

const callsOn = ({ apiId, operationId }: Path, deployment: string | null): Calls => ({ apiId, operationId, deployment });

function boundMeetings(met: readonly Meeting[], all: readonly Calls[]): Meetings {
  const known = new Map<LimitKind, readonly BoundPart[]>();
  const placed = () =>
    met.map(({ limit: { kind }, amount, on, accounting, perCall }): Placed => {
      return { kind, amount, on, counts: accounting ? "none" : perCall === null ? "all" : "each value" };
    });
  return {
    met,
    bound(kind) {
      const parts = known.get(kind) ?? boundParts(placed(), kind, all);
      known.set(kind, parts);
      return parts;
    },
  };
}

/** A limit on one of the ways. */
interface OnPath {
  readonly path: Path;
  readonly encounter: KeyedEncounter;
}

type ChosenIn = (key: KeyUse) => string | null;

function meetingsOf(found: readonly OnPath[], paths: readonly Path[], chosenIn: ChosenIn): readonly Meeting[] {
  const alike = new Map<string, OnPath[]>();
  for (const one of found) {
    const { limit, amount, period, number, deployment } = one.encounter;
    const key = JSON.stringify([limit.limitId, amount, period, number.id, deployment]);
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [one]);
    else others.push(one);
  }
  return namedApart([...alike.values()].map((group) => meetingOf(group, paths, chosenIn)));
}

/** One limit over all the ways on which it comes to the same; where it surely applies on some, as on those. */
function meetingOf(group: readonly OnPath[], paths: readonly Path[], chosenIn: ChosenIn): Meeting {
  const sure = group.filter(isSure);
  const counting = sure.length > 0 ? sure : group;
  const [first] = counting;
  if (first === undefined) throw new Error("a limit that nobody meets");
  const { encounter, path } = first;
  const { key: _, runs: __, deployments: ___, met: ____, inputs: _____, ...rest } = encounter;
  const keys = different(group.map(({ encounter: { key } }) => key));
  const [perCall = null] = keys.flatMap((key) => chosenIn(key) ?? []);
  return {
    ...rest,
    limitId: encounter.limit.limitId,
    scope: scopeOf(encounter, path.chain),
    apiIds: apisOf(counting, paths),
    ...operationsOf(counting, paths),
    accounting: isAccounting(encounter),
    perCall,
    on: group.flatMap((one) =>
      one.encounter.runs.map(({ deployment, conditions }) => ({
        calls: callsOn(one.path, deployment),
        conditions: [...conditions, ...asksForOperation(one)],
      })),
    ),
    keys,
    exactKeys: different(group.flatMap(({ encounter: { exactKeys } }) => exactKeys)),
  };
}

/** The operation that the text of a policy is for, where it is not known which calls ask for it. */
const operationInText = ({ path, encounter: { limit } }: OnPath): string | null =>
  limit.only?.operation === true && !path.operationsKnown
    ? (attribute(limit.element, "id") ?? attribute(limit.element, "name") ?? "")
    : null;

function asksForOperation(one: OnPath): readonly Condition[] {
  const name = operationInText(one);
  return name === null ? [] : [{ text: `the operation is ${name}`, negated: false, inputs: [{ what: "operation", name }] }];
}

const isSure = ({ encounter }: OnPath): boolean => encounter.conditions.length === 0;

/**
 * Assumed: a constant key, which is one counter for every caller there is, with this many tokens a minute or more is there to count, as
 * no deployment has so many.
 */
const leastOfAccounting = 10_000_000;

function isAccounting({ limit, amount }: KeyedEncounter): boolean {
  const key = attribute(limit.element, "counter-key");
  const constant = key !== undefined && !/^\s*@[({]/.test(key);
  return limit.kind === "tpm" && constant && amount.status === "value" && amount.value >= leastOfAccounting;
}

function apisOf(counting: readonly OnPath[], paths: readonly Path[]): readonly string[] | null {
  const ids = apiIdsOf(counting.map(({ path }) => path));
  return ids.size === apiIdsOf(paths).size && counting.every(({ encounter }) => encounter.limit.only === null) ? null : [...ids];
}

const apiIdsOf = (all: readonly Path[]) => new Set(all.map(({ apiId }) => apiId).filter((apiId) => apiId !== null));

/** The operations that a limit is for, where it is not for all of its APIs'. */
function operationsOf(counting: readonly OnPath[], paths: readonly Path[]): Pick<Meeting, "operations" | "operationsOnly"> {
  const met = new Set(counting.map(({ path }) => path));
  const inText = counting.flatMap((one) => {
    const name = operationInText(one);
    return name === null ? [] : [`${one.path.apiId ?? ""}/${name}`];
  });
  if (inText.length > 0) return { operations: [...new Set(inText)], operationsOnly: true };
  const ofApis = [...apiIdsOf([...met])].map((apiId) => {
    const own = paths.filter((path) => path.apiId === apiId);
    const [on, off] = [own.filter((path) => met.has(path)), own.filter((path) => !met.has(path))];
    return { apiId, on, off, single: off.length > 0 && on.every(({ operationId }) => operationId !== null) };
  });
  if (ofApis.every(({ off }) => off.length === 0)) return { operations: null, operationsOnly: false };
  const operations = ofApis.flatMap(({ apiId, on, off, single }) => {
    if (single) return on.map(({ operationId }) => `${apiId}/${operationId ?? ""}`);
    return [off.length === 0 ? apiId : `${apiId} but ${off.map(({ operationId }) => operationId ?? "others").join(", ")}`];
  });
  return { operations, operationsOnly: ofApis.every(({ single }) => single) };
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
