import { anyOf, valuesOf } from "./amounts.ts";
import type { Binding, Limit, LimitKind } from "./limit.ts";

/**
 * What binds a team in one kind of limit. Limits of single operations do not count, nor does accounting. A limit under a
 * condition never binds silently: where there are none but such, what binds is not known. So it is where one that surely applies may be smaller
 * than all that are known.
 */
export function bindingOf(limits: readonly Limit[], kind: LimitKind): Binding {
  const all = limits.filter((limit) => limit.kind === kind && !limit.accounting && limit.amount.status !== "none");
  const wide = all.filter(({ operationsOnly }) => !operationsOnly);
  const sure = wide.filter(({ conditions }) => conditions.length === 0);
  if (sure.length === 0) return wide.length === 0 ? { status: "none", limits: [] } : undecided(wide);
  const unknown = sure.filter(({ amount }) => amount.status === "unknown");
  // The smallest number that no call can get past.
  const most = Math.min(...sure.filter((limit) => !unknown.includes(limit)).map(({ amount }) => Math.max(...valuesOf(amount))));
  const smallest = sure.filter(({ amount }) => valuesOf(amount).some((value) => value <= most));
  if (unknown.length > 0) return { status: "unknown", limits: [...unknown, ...smallest] };
  const values = [...new Set(smallest.flatMap(({ amount }) => valuesOf(amount).filter((value) => value <= most)))];
  return values.length > 1 ? { status: "several", limits: smallest } : { status: "value", value: most, limits: smallest };
}

/** Each applies to some calls; whether none does to others is not known. */
function undecided(limits: readonly Limit[]): Binding {
  const { status } = anyOf(
    limits.map(({ amount }) => amount),
    "",
  );
  return { status: status === "unknown" ? "unknown" : "several", limits };
}
