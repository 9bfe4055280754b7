import { workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { attribute } from "../policy/document.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { bindingOf } from "./binding.ts";
import { type Caller, callersOf } from "./callers.ts";
import { type Groups, groupsOf } from "./counters.ts";
import type { Group, Limit, TeamLimits } from "./limit.ts";
import { type Finder, type Meeting, openFinder } from "./meetings.ts";
import { ratesOf } from "./rates.ts";
import { holdsNarrowerLimits } from "./written-limits.ts";

export type { Limit, TeamLimits } from "./limit.ts";

/** A limit as one caller meets it, with the counters that his calls are counted on by it. */
export interface Counted {
  readonly meeting: Meeting;
  readonly counters: readonly string[];
}

/**
 * What limits each subscription, as the policies that its calls meet say it: those of workspaces too. Takes time and memory as the subscriptions and
 * their limits do, not as the pairs of subscriptions that share something.
 */
export function teamLimits(inventory: Inventory, csharp: CSharp): readonly TeamLimits[] {
  const finder = openFinder(inventory, csharp);
  const met = callersOf(inventory).map((caller) => ({ caller, counted: countedOf(finder, caller) }));
  const counters = groupsOf(met.map(({ caller, counted }) => [caller.name, counted.flatMap((one) => one.counters)]));
  const numbers = groupsOf(met.map(({ caller, counted }) => [caller.name, counted.map(({ meeting }) => meeting.number.id)]));
  const rates = ratesOf(inventory.service, finder, met);
  return met.flatMap(({ caller, counted }) => {
    const { subscription } = caller;
    if (subscription === null) return [];
    const limits = counted.map((one) => limitOf(inventory, caller, one, { counters, numbers }));
    const kinds = { tpm: bindingOf(limits, "tpm"), token_quota: bindingOf(limits, "token_quota") };
    const binding = { ...kinds, rpm: bindingOf(limits, "rpm"), call_quota: bindingOf(limits, "call_quota") };
    return [{ subscription, limits, binding, warnings: rates.warnings(caller, counted) }];
  });
}

const countedOf = (finder: Finder, caller: Caller): readonly Counted[] =>
  finder.meetings(caller).map((meeting) => ({ meeting, counters: finder.counters(meeting.limit, meeting.keys, caller) }));

interface Shares {
  readonly counters: Groups;
  readonly numbers: Groups;
}

function limitOf(inventory: Inventory, { name, subscription }: Caller, { meeting, counters }: Counted, shares: Shares): Limit {
  const { limit, limitId, amount, written, period, bandwidth, conditions, deployment, number, line, scope, apiIds, operationsOnly } =
    meeting;
  const counterGroup = shares.counters.of(counters, name);
  const { id: _, ...source } = number;
  const reason = reasonAgainstEdit(meeting, counterGroup, name);
  return {
    limitId,
    kind: limit.kind,
    amount,
    ...(written === undefined ? {} : { written }),
    ...(period === undefined ? {} : { period }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    conditions,
    ...(deployment === undefined ? {} : { deployment }),
    counterKey: limit.counter === "subscription" ? null : (attribute(limit.element, "counter-key") ?? null),
    ...(meeting.keys.every(({ tellsApart }) => tellsApart()) ? { perSubscription: true } : {}),
    counterGroup,
    numberGroup: shares.numbers.of([number.id], name),
    gateways: gatewaysOf(inventory, subscription?.workspaceId),
    document: limit.document,
    line,
    element: limit.element,
    number: source,
    scope,
    apiIds,
    operationsOnly,
    accounting: isAccounting(meeting),
    editable: reason === null,
    ...(reason === null ? {} : { reason }),
  };
}

/** Assumed: a workspace may have gateways of its own, of which nothing is read. */
function gatewaysOf({ service: { regions, selfHostedGateways } }: Inventory, workspaceId: string | undefined): Limit["gateways"] {
  return workspaceId !== undefined || selfHostedGateways === "unknown" ? "unknown" : regions.length + selfHostedGateways;
}

/**
 * Assumed: a constant key, which is one counter for every caller there is, with this many tokens a minute or more is there to count, as
 * no deployment has so many.
 */
const leastOfAccounting = 10_000_000;

function isAccounting({ limit, amount }: Meeting): boolean {
  const key = attribute(limit.element, "counter-key");
  const constant = key !== undefined && !/^\s*@[({]/.test(key);
  return limit.kind === "tpm" && constant && amount.status === "value" && amount.value >= leastOfAccounting;
}

/** Why the limit cannot be changed for one team alone; null where it can. */
function reasonAgainstEdit({ limit, amount, number, line }: Meeting, counterGroup: Group, name: string): string | null {
  const { element, document, policy, only } = limit;
  if (workspaceOf(document) !== undefined) return "it stands in a workspace";
  if (policy.problems.length > 0) return "its document is not well-formed";
  if (amount.status !== "value") return amount.why;
  if (number.origin === null || number.origin.text === "expression") {
    return `an expression decides it: ${attribute(element, limit.attribute) ?? ""} in ${document}, line ${line}`;
  }
  if (only !== null || holdsNarrowerLimits(element)) return "its policy has limits of its own for single APIs or operations";
  if (counterGroup.size > 1)
    return `its counter ${attribute(element, "counter-key") ?? ""} is shared with ${named(othersIn(counterGroup, name))}`;
  return null;
}

function othersIn(group: Group, name: string): readonly string[] {
  const others: string[] = [];
  for (const other of group) {
    if (other !== name) others.push(other);
    if (others.length > mostNames) break;
  }
  return others.length > mostNames ? [...others.slice(0, mostNames), `${group.size - 1 - mostNames} more`] : others;
}

const mostNames = 5;

/** The first few of many names. */
export function named(names: readonly string[]): string {
  const shown = names.slice(0, mostNames + 1).join(", ");
  return names.length > mostNames + 1 ? `${names.slice(0, mostNames).join(", ")} and ${names.length - mostNames} more` : shown;
}
