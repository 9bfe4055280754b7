import { sameName } from "../gateway/model.ts";
import type { Condition } from "../policy/static/values.ts";
import { valuesOf } from "./amounts.ts";
import type { Binding, Bound, BoundCalls, Calls, Limit, LimitAmount, LimitKind } from "./limit.ts";

/** A limit, and on which calls it is met. */
export interface Placed {
  readonly kind: LimitKind;
  readonly amount: LimitAmount;
  /** Whether it binds nobody, or no team as a whole. */
  readonly counts: "all" | "each value" | "none";
  readonly on: readonly { readonly calls: Calls; readonly conditions: readonly Condition[] }[];
}

/** Calls with what binds them, limits told by their place in a list. */
export interface BoundPart {
  readonly calls: readonly Calls[];
  readonly values: readonly Bound[];
  readonly limits: readonly number[];
}

/** A limit at one place: by its index, with what else must hold. */
interface Met {
  readonly index: number;
  readonly amount: LimitAmount;
  readonly counts: Placed["counts"];
  readonly conditions: readonly Condition[];
}

/** What binds in one kind on each of these ways, given the limits that are met there. */
export function boundParts(limits: readonly Placed[], kind: LimitKind, all: readonly Calls[]): readonly BoundPart[] {
  const met = new Map<string, Met[]>(all.map((calls) => [callsKey(calls), []]));
  for (const [index, { on, amount, counts, ...limit }] of limits.entries()) {
    if (limit.kind !== kind || counts === "none" || amount.status === "none") continue;
    for (const { calls, conditions } of on) met.get(callsKey(calls))?.push({ index, amount, counts, conditions });
  }
  const parts = new Map<string, BoundPart & { readonly calls: Calls[] }>();
  const known = new Map<string, Outcome>();
  for (const calls of all) {
    const here = met.get(callsKey(calls)) ?? [];
    const given = JSON.stringify(here.map(({ index, conditions }) => [index, conditions.map(({ text }) => text)]));
    const outcome = known.get(given) ?? outcomeOf(here);
    known.set(given, outcome);
    const key = JSON.stringify([outcome.values, outcome.limits]);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { calls: [calls], ...outcome });
    else part.calls.push(calls);
  }
  return [...parts.values()];
}

const callsKey = ({ apiId, operationId, deployment }: Calls): string => JSON.stringify([apiId, operationId, deployment]);

type Outcome = Pick<BoundPart, "values" | "limits">;

/** What may bind calls that meet these, whatever of the conditions holds. */
function outcomeOf(here: readonly Met[]): Outcome {
  const team = here.filter(({ counts }) => counts === "all");
  const outcomes = assignments(team).map(smallest);
  const values = [...new Set(outcomes.flatMap((outcome) => outcome.values))];
  const each = here.filter(({ counts }) => counts === "each value");
  // No number limits these calls as a whole, but they are not free either.
  if (each.length > 0 && values.includes("none")) {
    const others = values.filter((value) => value !== "none" && value !== "unknown");
    return {
      values: [...others, "unknown"],
      limits: indexes([...outcomes.flatMap(({ limits }) => limits), ...each.map(({ index }) => index)]),
    };
  }
  return { values: values.toSorted(byNumber), limits: indexes(outcomes.flatMap(({ limits }) => limits)) };
}

const indexes = (all: readonly number[]): readonly number[] => [...new Set(all)].toSorted((a, b) => a - b);

const byNumber = (a: Bound, b: Bound): number => orderOf(a) - orderOf(b);
const orderOf = (value: Bound): number =>
  typeof value === "number" ? value : value === "none" ? Number.POSITIVE_INFINITY : Number.MAX_VALUE;

/** More conditions than these are not tried with one another. */
const mostConditions = 8;

/**
 * The limits that apply together, for each way in which the conditions may hold. Assumed: any of them may hold beside any other. A number that is not
 * known and stands under a condition counts where one of the conditional limits always applies (`when` and `otherwise`), or nothing else does.
 */
function assignments(met: readonly Met[]): readonly (readonly Met[])[] {
  const sure = met.filter(({ conditions }) => conditions.length === 0);
  const conditional = met.filter(({ conditions }) => conditions.length > 0);
  if (conditional.length === 0) return [sure];
  const texts = [...new Set(conditional.flatMap(({ conditions }) => conditions.map(positive)))];
  const holding =
    texts.length > mostConditions
      ? [[], ...conditional.map((one) => [one])]
      : Array.from({ length: 2 ** texts.length }, (_, bits) => {
          const holds = new Set(texts.filter((_text, at) => ((bits >> at) & 1) === 1));
          return conditional.filter(({ conditions }) => conditions.every((one) => holds.has(positive(one)) !== one.negated));
        });
  const exhaustive = holding.every((some) => some.length > 0);
  const kept = exhaustive || sure.length === 0 ? holding : holding.map((some) => some.filter(({ amount }) => amount.status !== "unknown"));
  return kept.map((some) => [...sure, ...some]);
}

/** The condition without its negation. */
const positive = ({ text, negated }: Condition): string => (negated ? text.replace(/^not \((.*)\)$/s, "$1") : text);

/** What binds calls to which all of these apply. */
function smallest(limits: readonly Met[]): { readonly values: readonly Bound[]; readonly limits: readonly number[] } {
  if (limits.length === 0) return { values: ["none"], limits: [] };
  const known = limits.filter(({ amount }) => amount.status !== "unknown");
  // The smallest number that no call can get past.
  const most = Math.min(...known.map(({ amount }) => Math.max(...valuesOf(amount))));
  const binding = known.filter(({ amount }) => valuesOf(amount).some((value) => value <= most));
  const unknown = limits.filter(({ amount }) => amount.status === "unknown");
  if (unknown.length > 0) return { values: ["unknown"], limits: [...unknown, ...binding].map(({ index }) => index) };
  const values = binding.flatMap(({ amount }) => valuesOf(amount).filter((value) => value <= most));
  return { values: [...new Set(values)], limits: binding.map(({ index }) => index) };
}

/** What binds a team, of whose limits the parts tell by index. */
export function bindingOf(parts: readonly BoundPart[], limits: readonly Limit[]): Binding {
  return bindingIn(parts.map(({ calls, values, limits: own }) => ({ calls, values, limits: own.flatMap((index) => limits[index] ?? []) })));
}

/** What binds a team's calls to one API; `none` where it has none to it. */
export function bindingOn({ parts }: Binding, apiId: string): Binding {
  const own = parts.map((part) => ({ ...part, calls: part.calls.filter((calls) => calls.apiId !== null && sameName(calls.apiId, apiId)) }));
  return bindingIn(own.filter(({ calls }) => calls.length > 0));
}

function bindingIn(parts: readonly BoundCalls[]): Binding {
  const values = [...new Set(parts.flatMap((part) => part.values))];
  const numbers = values.filter((value) => typeof value === "number");
  const [only, ...others] = values;
  const limits = [...new Set(parts.toSorted(byLeast).flatMap((part) => part.limits))];
  if (others.length === 0 && typeof only === "number") return { status: "value", value: only, limits, parts };
  if (numbers.length > 0) return { status: "several", limits, parts };
  return { status: values.includes("unknown") ? "unknown" : "none", limits, parts };
}

/** The tightest first. */
const byLeast = (a: BoundCalls, b: BoundCalls): number => Math.min(...a.values.map(orderOf)) - Math.min(...b.values.map(orderOf));
