import type { Inventory } from "../gateway/inventory.ts";
import { subscriptionName } from "../gateway/model.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { valuesOf } from "./amounts.ts";
import { callsInWords } from "./calls-in-words.ts";
import { counterChange } from "./counter-keys.ts";
import type { Binding, BoundCalls, Calls, Limit, LimitKind, TeamLimits } from "./limit.ts";
import { openLimits } from "./limits.ts";

const kinds: readonly LimitKind[] = ["tpm", "token_quota", "rpm", "call_quota"];

/** How the numbers that bind each team, and the keys that they count by, differ between two states of the service, for a call that means all of them. */
export function limitChanges(before: Inventory, after: Inventory, csharp: CSharp): readonly LimitChange[] {
  const [was, is] = [openLimits(before, csharp), openLimits(after, csharp)];
  const later = new Map(is.subscriptions.map((subscription) => [subscriptionName(subscription), subscription]));
  return was.subscriptions.flatMap((subscription) => {
    const same = later.get(subscriptionName(subscription));
    if (same === undefined) return [];
    const [team, changed] = [was.of(subscription), is.of(same)];
    return kinds.flatMap((kind) => changesOf(team, changed, kind));
  });
}

function changesOf(before: TeamLimits, after: TeamLimits, kind: LimitKind): readonly LimitChange[] {
  const numbers = numbersOf(before, after, kind);
  const counter = counterChange(before.limits, after.limits, kind);
  if (counter === null) return numbers;
  const [first, ...others] = numbers;
  const [own] = changes(before, kind, wholeRange(before, kind), wholeRange(after, kind));
  return [{ ...(first ?? own), counter }, ...others];
}

/** What binds each team's calls, those side by side that change alike; and what each of them is counted by itself on. */
function numbersOf(before: TeamLimits, after: TeamLimits, kind: LimitKind): readonly LimitChange[] {
  const [was, is] = [before.binding[kind], after.binding[kind]];
  const all = bothOf(callsOf(was), callsOf(is));
  const found = new Map<string, { readonly was: Range; readonly is: Range; readonly calls: Calls[] }>();
  for (const calls of all) {
    const [here, there] = [partFor(was, calls), partFor(is, calls)];
    // Calls that cannot be made any more lose nothing, nor do those that are told apart further.
    if (here === null || there === null) continue;
    const change = { was: rangeOf(here), is: rangeOf(there), calls: [calls] };
    const key = JSON.stringify([change.was, change.is]);
    const same = found.get(key);
    if (same === undefined) found.set(key, change);
    else same.calls.push(calls);
  }
  const parts = [...found.values()].flatMap((one): readonly LimitChange[] => {
    const words = [callsInWords(one.calls, all), dependence(partFor(was, one.calls[0] ?? anyCalls), partFor(is, one.calls[0] ?? anyCalls))]
      .filter((part) => part !== null)
      .join(", ");
    const unlike = changes(before, kind, one.was, one.is).filter(differs);
    return unlike.map((change) => (words === "" ? change : { ...change, calls: words }));
  });
  return [...parts.map((change) => withEachValue(change, before)), ...eachValueChanges(before, after, kind, parts.length > 0)];
}

const callsOf = ({ parts }: Binding): readonly Calls[] => parts.flatMap(({ calls }) => calls);

function bothOf(one: readonly Calls[], other: readonly Calls[]): readonly Calls[] {
  const keyOf = ({ apiId, operationId, deployment }: Calls): string => JSON.stringify([apiId, operationId, deployment]);
  return [...new Map([...one, ...other].map((calls) => [keyOf(calls), calls])).values()];
}

const anyCalls: Calls = { apiId: null, operationId: null, deployment: null };

/** What else decides which number it is; null where nothing does. */
function dependence(...parts: readonly (BoundCalls | null)[]): string | null {
  const open = parts.flatMap((part) => (part !== null && part.values.length > 1 ? part.limits : []));
  const [condition] = open.flatMap(({ conditions }) => conditions);
  return condition === undefined ? null : `by ${condition.text}`;
}

/** What binds these calls, or those that they are then among: of any operation, any deployment. */
function partFor({ parts }: Binding, { apiId, operationId, deployment }: Calls): BoundCalls | null {
  const wider = [
    { operationId, deployment },
    { operationId, deployment: "*" },
    { operationId, deployment: null },
    { operationId: null, deployment },
    { operationId: null, deployment: "*" },
    { operationId: null, deployment: null },
  ];
  for (const asked of wider) {
    const found = parts.find(({ calls }) =>
      calls.some((one) => one.apiId === apiId && one.operationId === asked.operationId && one.deployment === asked.deployment),
    );
    if (found !== undefined) return found;
  }
  return null;
}

/** A number that comes to where each value of something had its own: how much the team had cannot be told. */
function withEachValue(change: LimitChange, { limits }: TeamLimits): LimitChange {
  const each = change.before === null ? limits.find(({ kind, perCall }) => kind === change.kind && perCall !== undefined) : undefined;
  return each?.perCall === undefined
    ? change
    : { ...change, eachValue: `${valuesOf(each.amount).join(" or ")} per value of ${each.perCall}` };
}

/** Numbers of limits that stand for each value of something. One that goes matters where nothing comes for it. */
function eachValueChanges(before: TeamLimits, after: TeamLimits, kind: LimitKind, replaced: boolean): readonly LimitChange[] {
  const [was, is] = [eachValueOf(before, kind), eachValueOf(after, kind)];
  return [...was].flatMap(([words, limits]) => {
    const left = is.get(words);
    if (left === undefined && replaced) return [];
    const found = changes(before, kind, rangeOfLimits(limits), left === undefined ? nothing : rangeOfLimits(left));
    return found.filter(differs).map((change) => ({ ...change, calls: words }));
  });
}

function eachValueOf({ limits }: TeamLimits, kind: LimitKind): ReadonlyMap<string, readonly Limit[]> {
  const found = new Map<string, Limit[]>();
  for (const limit of limits) {
    if (limit.kind !== kind || limit.perCall === undefined) continue;
    const words = `each value of ${limit.perCall}`;
    found.set(words, [...(found.get(words) ?? []), limit]);
  }
  return found;
}

const differs = ({ before, after, period }: LimitChange): boolean => before !== after || period !== undefined;

/** The smallest and the largest number that it may come to; null where there is none that can be told. */
interface Range {
  readonly least: number | null;
  readonly most: number | null;
  readonly period: string | null;
}

const nothing: Range = { least: null, most: null, period: null };

type Changes = readonly [LimitChange, ...LimitChange[]];

function changes({ subscription }: TeamLimits, kind: LimitKind, was: Range, is: Range): Changes {
  const change = (before: number | null, after: number | null): LimitChange => ({
    subscriptionId: subscriptionName(subscription),
    kind,
    before,
    after,
    ...(was.period === is.period || before === null || after === null ? {} : { period: { before: was.period, after: is.period } }),
    intended: true,
  });
  const [least, most] = [change(was.least, is.least), change(was.most, is.most)];
  return was.least === was.most && is.least === is.most ? [least] : [least, most];
}

/** Of all calls together. */
function wholeRange({ binding }: TeamLimits, kind: LimitKind): Range {
  const ranges = binding[kind].parts.map(rangeOf);
  const [least, most] = [ranges.map((range) => range.least), ranges.map((range) => range.most)];
  const known = least.filter((value) => value !== null);
  const largest = most.filter((value) => value !== null);
  if (known.length === 0) return nothing;
  return {
    least: Math.min(...known),
    most: largest.length < most.length ? null : Math.max(...largest),
    period: ranges.find(({ period }) => period !== null)?.period ?? null,
  };
}

function rangeOf(part: BoundCalls | null): Range {
  if (part === null) return nothing;
  const numbers = part.values.filter((value) => typeof value === "number");
  if (numbers.length === 0) return nothing;
  const { period } = rangeOfLimits(part.limits);
  return { least: Math.min(...numbers), most: numbers.length < part.values.length ? null : Math.max(...numbers), period };
}

function rangeOfLimits(limits: readonly Limit[]): Range {
  const values = limits.flatMap(({ amount }) => valuesOf(amount));
  const periods = new Set(limits.map(({ period }) => period ?? null));
  const [period = null] = periods;
  if (values.length === 0) return nothing;
  return { least: Math.min(...values), most: Math.max(...values), period: periods.size === 1 ? period : null };
}
