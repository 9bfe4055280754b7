import type { Inventory } from "../gateway/inventory.ts";
import { subscriptionName } from "../gateway/model.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { valuesOf } from "./amounts.ts";
import { counterChange } from "./counter-keys.ts";
import type { Binding, Limit, LimitKind, TeamLimits } from "./limit.ts";
import { teamLimits } from "./limits.ts";

const kinds: readonly LimitKind[] = ["tpm", "token_quota", "rpm", "call_quota"];

/** How the numbers that bind each team, and the keys that they count by, differ between two states of the service, for a call that means all of them. */
export function limitChanges(before: Inventory, after: Inventory, csharp: CSharp): readonly LimitChange[] {
  const later = new Map(teamLimits(after, csharp).map((team) => [subscriptionName(team.subscription), team]));
  return teamLimits(before, csharp).flatMap((team) => {
    const changed = later.get(subscriptionName(team.subscription));
    return changed === undefined ? [] : kinds.flatMap((kind) => changesOf(team, changed, kind));
  });
}

function changesOf(before: TeamLimits, after: TeamLimits, kind: LimitKind): readonly LimitChange[] {
  const numbers = numbersOf(before, after, kind, true);
  const counter = counterChange(before.limits, after.limits, kind);
  if (counter === null) return numbers;
  const [first, ...others] = numbers;
  const [own] = bindingChange(before, after, kind, true);
  return [{ ...(first ?? own), counter }, ...others];
}

/** One team's numbers where they differ; one that cannot be told counts as none. */
export function numberChanges(before: TeamLimits, after: TeamLimits, intended: boolean): readonly LimitChange[] {
  return kinds.flatMap((kind) => numbersOf(before, after, kind, intended));
}

/** What binds all calls, and then what binds some of them, e.g. those to one deployment. */
function numbersOf(before: TeamLimits, after: TeamLimits, kind: LimitKind, intended: boolean): readonly LimitChange[] {
  const whole = bindingChange(before, after, kind, intended).filter(differs);
  const [was, is] = [numbersByCalls(before, kind), numbersByCalls(after, kind)];
  const parts = [...was].flatMap(([calls, number]): readonly LimitChange[] => {
    // Calls whose own limit goes are left with what binds all calls.
    const left = is.get(calls) ?? rangeOf(after.binding[kind]);
    return changes(before, kind, intended, number, left).map((change) => ({ ...change, calls }));
  });
  const told = new Set(whole.map(({ before, after }) => `${before} ${after}`));
  return [...whole, ...parts.filter((change) => differs(change) && !told.has(`${change.before} ${change.after}`))];
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

const bindingChange = (before: TeamLimits, after: TeamLimits, kind: LimitKind, intended: boolean): Changes =>
  changes(before, kind, intended, rangeOf(before.binding[kind]), rangeOf(after.binding[kind]));

function changes({ subscription }: TeamLimits, kind: LimitKind, intended: boolean, was: Range, is: Range): Changes {
  const change = (before: number | null, after: number | null): LimitChange => ({
    subscriptionId: subscriptionName(subscription),
    kind,
    before,
    after,
    ...(was.period === is.period || before === null || after === null ? {} : { period: { before: was.period, after: is.period } }),
    intended,
  });
  const [least, most] = [change(was.least, is.least), change(was.most, is.most)];
  return was.least === was.most && is.least === is.most ? [least] : [least, most];
}

/** Of what binds all calls; limits under a condition do not. */
function rangeOf({ status, limits }: Binding): Range {
  const known = status === "value" || status === "several";
  return known ? rangeOfLimits(limits.filter(({ conditions }) => conditions.length === 0)) : nothing;
}

function rangeOfLimits(limits: readonly Limit[]): Range {
  const values = limits.flatMap(({ amount }) => valuesOf(amount));
  const periods = new Set(limits.map(({ period }) => period ?? null));
  const [period = null] = periods;
  if (values.length === 0) return nothing;
  return { least: Math.min(...values), most: Math.max(...values), period: periods.size === 1 ? period : null };
}

/** Numbers of limits that bind some calls only, by what is said of these calls. */
function numbersByCalls({ limits }: TeamLimits, kind: LimitKind): ReadonlyMap<string, Range> {
  const found = new Map<string, Limit[]>();
  for (const limit of limits) {
    const calls = callsOf(limit);
    if (limit.kind !== kind || limit.accounting || calls === null) continue;
    found.set(calls, [...(found.get(calls) ?? []), limit]);
  }
  return new Map([...found].map(([calls, same]) => [calls, rangeOfLimits(same)]));
}

function callsOf({ deployment, conditions, apiIds, operationsOnly, document }: Limit): string | null {
  const parts = [
    ...(deployment === undefined ? conditions.map(({ text }) => text) : [`deployment ${deployment}`]),
    ...(apiIds === null ? [] : [`API ${apiIds.join(", ")}`]),
    ...(operationsOnly ? [`operations of ${document}`] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}
