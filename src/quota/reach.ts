import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, sameName } from "../gateway/model.ts";
import { type Caller, callersOf, type Path } from "./callers.ts";
import { metLimits, type PolicySources, policySources } from "./effective-limits.ts";
import type { WrittenLimit } from "./limit-elements.ts";

/** One limit as one team meets it, on all of the ways that its calls may take. */
export interface LimitReach {
  readonly limit: WrittenLimit;
  readonly scope: string;
  /** Null where the limit surely applies on at least one path. */
  readonly condition: string | null;
  /** The paths on which it surely applies, or without such the ones on which it may. */
  readonly paths: readonly Path[];
  readonly sharedWith: readonly string[];
  readonly documentSharedWith: readonly string[];
}

export interface TeamReach {
  readonly subscription: Subscription;
  readonly limits: readonly LimitReach[];
}

/** A limit that surely applies, with a known number. */
export type SureLimit = LimitReach & { readonly limit: { readonly value: number } };

export function isSure(reach: LimitReach): reach is SureLimit {
  return reach.condition === null && reach.limit.value !== "unknown";
}

/** Whether the limit applies to calls of more than single operations. */
export function isWide({ paths }: LimitReach): boolean {
  return paths.some(({ operationId }) => operationId === null);
}

/** The limits among which the binding one is: those of single operations only where there are no others. */
export function bindingCandidates<Reach extends LimitReach>(limits: readonly Reach[]): readonly Reach[] {
  const wide = limits.filter(isWide);
  return wide.length > 0 ? wide : limits;
}

/** The limit as far as it concerns one API; none where it does not. */
export function onApi<Reach extends LimitReach>(reach: Reach, apiId: string | null): readonly Reach[] {
  if (apiId === null) return [reach];
  const paths = reach.paths.filter((path) => path.apiId !== null && sameName(path.apiId, apiId));
  return paths.length === 0 ? [] : [{ ...reach, paths }];
}

/** A limit that a caller meets, before it is known who else does. */
interface Meeting {
  readonly limit: WrittenLimit;
  readonly scope: string;
  readonly condition: string | null;
  readonly paths: readonly Path[];
  readonly counters: ReadonlySet<string>;
}

interface Met {
  readonly caller: Caller;
  readonly meetings: readonly Meeting[];
}

/** Which team meets which limits, and with whom it shares their text and their counters. */
export function reachOf(inventory: Inventory): readonly TeamReach[] {
  const sources = policySources(inventory);
  const all = callersOf(inventory).map((caller) => ({ caller, meetings: meetingsOf(caller, sources) }));
  const byLimit = groupNames(all, ({ limit }) => [limit]);
  const byCounter = groupNames(all, ({ counters }) => [...counters]);
  return all.flatMap(({ caller: { subscription, name }, meetings }) => {
    if (subscription === null) return [];
    const others = (names: Iterable<string>): readonly string[] => [...new Set(names)].filter((other) => other !== name).toSorted();
    const limits = meetings.map(({ limit, scope, condition, paths, counters }) => ({
      limit,
      scope,
      condition,
      paths,
      sharedWith: others([...counters].flatMap((counter) => byCounter.get(counter) ?? [])),
      documentSharedWith: others(byLimit.get(limit) ?? []),
    }));
    return [{ subscription, limits }];
  });
}

function meetingsOf(caller: Caller, sources: PolicySources): readonly Meeting[] {
  const found = new Map<WrittenLimit, Meeting>();
  for (const path of caller.paths) {
    const facts = { subscriptionId: caller.subscription?.id ?? null, productId: path.productId };
    for (const { limit, conditions, scope } of metLimits(sources, path.chain, facts)) {
      const condition = conditions.length === 0 ? null : conditions.join(" and ");
      const meeting = { limit, scope, condition, paths: [path], counters: new Set([counterOf(limit, caller, path)]) };
      const before = found.get(limit);
      found.set(limit, before === undefined ? meeting : merged(before, meeting));
    }
  }
  return [...found.values()];
}

/** A limit that surely applies on one path is sure; which others it may apply on as well does not matter then. */
function merged(a: Meeting, b: Meeting): Meeting {
  const counters = new Set([...a.counters, ...b.counters]);
  if ((a.condition === null) === (b.condition === null)) return { ...a, counters, paths: [...a.paths, ...b.paths] };
  return { ...(a.condition === null ? a : b), counters };
}

/** What `counter-key` may name, with what tells two counters of one key apart. */
const keyParts: readonly { readonly pattern: RegExp; readonly value: (caller: Caller, path: Path) => string | null }[] = [
  { pattern: /\bcontext\s*\.\s*Subscription\s*\??\s*\.\s*(?:Id|Key|PrimaryKey|SecondaryKey)\b/, value: ({ name }) => name },
  { pattern: /\bcontext\s*\.\s*Subscription\s*\??\s*\.\s*Name\b/, value: ({ subscription }) => subscription?.displayName ?? null },
  { pattern: /\bcontext\s*\.\s*Product\b/, value: (_, { productId }) => productId },
  { pattern: /\bcontext\s*\.\s*Api\b/, value: (_, { apiId }) => apiId },
  { pattern: /\bcontext\s*\.\s*Operation\b/, value: (_, { operationId }) => operationId },
];

/**
 * The counter that a caller's calls are counted on. Assumed: a key that names the subscription's id or key is that team's own, and one that
 * names neither is shared, even where it names something else about a call.
 */
function counterOf({ counter, counterKey, limitId }: WrittenLimit, caller: Caller, path: Path): string {
  if (counter === "subscription" || counterKey === null) return JSON.stringify([counter, limitId, caller.name]);
  const parts = keyParts.map(({ pattern, value }) => (pattern.test(counterKey) ? value(caller, path) : null));
  return JSON.stringify([counter, counterKey, ...parts]);
}

function groupNames<Key>(all: readonly Met[], keysOf: (meeting: Meeting) => readonly Key[]): ReadonlyMap<Key, readonly string[]> {
  const groups = new Map<Key, string[]>();
  for (const { caller, meetings } of all) {
    for (const key of meetings.flatMap(keysOf)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [caller.name]);
      else if (group.at(-1) !== caller.name) group.push(caller.name);
    }
  }
  return groups;
}
