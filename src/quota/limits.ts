import { workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Subscription } from "../gateway/model.ts";
import { attribute } from "../policy/document.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { bindingOf } from "./binding.ts";
import { type Caller, callersOf } from "./callers.ts";
import { type Counters, type Groups, groupsOf } from "./counters.ts";
import type { Group, Limit, TeamLimits } from "./limit.ts";
import { type Finder, type Meeting, openFinder } from "./meetings.ts";
import { ratesOf } from "./rates.ts";
import { holdsNarrowerLimits } from "./written-limits.ts";

export type { Limit, TeamLimits } from "./limit.ts";

/** A limit as one caller meets it, with the counters that his calls are counted on by it. */
export interface Counted {
  readonly meeting: Meeting;
  readonly counters: Counters;
}

/** What limits the subscriptions of one inventory. */
interface OpenLimits {
  /** The service's, and those of workspaces behind them. */
  readonly subscriptions: readonly Subscription[];
  /** Of one of these; worked out when it is asked for, as of thousands an answer shows a page. */
  of(subscription: Subscription): TeamLimits;
}

/**
 * What limits each subscription, as the policies that its calls meet say it: those of workspaces too. Takes time and memory as the subscriptions and
 * their limits do, not as the pairs of subscriptions that share something.
 */
export function openLimits(inventory: Inventory, csharp: CSharp): OpenLimits {
  const finder = openFinder(inventory, csharp);
  const met = callersOf(inventory).map((caller) => {
    const { met: meetings, bound } = finder.meetings(caller);
    return { caller, bound, counted: meetings.map((meeting) => ({ meeting, counters: countersOf(finder, meeting, caller) })) };
  });
  const shares = sharesOf(met);
  const rates = ratesOf(inventory.service, finder, met);
  const bySubscription = new Map(met.flatMap((one) => (one.caller.subscription === null ? [] : [[one.caller.subscription, one] as const])));
  return {
    subscriptions: [...bySubscription.keys()],
    of(subscription) {
      const own = bySubscription.get(subscription);
      if (own === undefined) throw new Error(`${subscription.id} is none of the inventory's subscriptions`);
      const { caller, bound, counted } = own;
      const limits = counted.map((one) => limitOf(inventory, caller, one, shares));
      const kinds = { tpm: bindingOf(bound("tpm"), limits), token_quota: bindingOf(bound("token_quota"), limits) };
      const binding = { ...kinds, rpm: bindingOf(bound("rpm"), limits), call_quota: bindingOf(bound("call_quota"), limits) };
      return { subscription, limits, binding, warnings: rates.warnings(caller, counted) };
    },
  };
}

/** What limits each of them: see `openLimits`. */
export function teamLimits(inventory: Inventory, csharp: CSharp): readonly TeamLimits[] {
  const { subscriptions, of } = openLimits(inventory, csharp);
  return subscriptions.map(of);
}

const countersOf = (finder: Finder, { limit, keys }: Meeting, caller: Caller): Counters => finder.counters(limit, keys, caller);

interface Shares {
  readonly counters: Groups;
  /** Of counters that anyone may be counted on. */
  readonly possible: Groups;
  readonly isPossible: (id: string) => boolean;
  readonly numbers: Groups;
}

function sharesOf(met: readonly { readonly caller: Caller; readonly counted: readonly Counted[] }[]): Shares {
  const groups = (idsOf: (one: Counted) => readonly string[]): Groups =>
    groupsOf(met.map(({ caller, counted }) => [caller.name, counted.flatMap(idsOf)]));
  const possible = new Set(met.flatMap(({ counted }) => counted.flatMap(({ counters }) => counters.possible)));
  const isPossible = (id: string): boolean => possible.has(id);
  return {
    counters: groups(({ counters: { certain } }) => certain),
    possible: groups(({ counters: { certain, possible: own } }) => (possible.size === 0 ? [] : [...certain.filter(isPossible), ...own])),
    isPossible,
    numbers: groups(({ meeting }) => [meeting.number.id]),
  };
}

/** Null where nobody else may be counted on the same counters. */
function mayShare({ possible, isPossible }: Shares, { certain, possible: own }: Counters, name: string): Group | null {
  const ids = [...certain.filter(isPossible), ...own];
  if (ids.length === 0) return null;
  const group = possible.of(ids, name);
  return group.size > 1 ? group : null;
}

function limitOf(inventory: Inventory, { name, subscription }: Caller, { meeting, counters }: Counted, shares: Shares): Limit {
  const { limit, limitId, amount, written, period, bandwidth, conditions, deployment, number, line, scope, apiIds } = meeting;
  const counterGroup = shares.counters.of(counters.certain, name);
  const possible = mayShare(shares, counters, name);
  const { id: _, ...source } = number;
  const reason = reasonAgainstEdit(meeting, counterGroup, possible, name);
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
    ...(meeting.perCall === null ? {} : { perCall: meeting.perCall }),
    counterGroup,
    ...(possible === null ? {} : { mayShare: possible }),
    numberGroup: shares.numbers.of([number.id], name),
    gateways: gatewaysOf(inventory, subscription?.workspaceId),
    document: limit.document,
    line,
    element: limit.element,
    number: source,
    scope,
    apiIds,
    operations: meeting.operations,
    operationsOnly: meeting.operationsOnly,
    accounting: meeting.accounting,
    editable: reason === null,
    ...(reason === null ? {} : { reason }),
  };
}

/** Assumed: a workspace may have gateways of its own, of which nothing is read. */
function gatewaysOf({ service: { regions, selfHostedGateways } }: Inventory, workspaceId: string | undefined): Limit["gateways"] {
  return workspaceId !== undefined || selfHostedGateways === "unknown" ? "unknown" : regions.length + selfHostedGateways;
}

/** Why the limit cannot be changed for one team alone; null where it can. */
function reasonAgainstEdit({ limit, amount }: Meeting, counterGroup: Group, possible: Group | null, name: string): string | null {
  const { element, document, policy, only } = limit;
  const key = attribute(element, "counter-key") ?? "";
  if (workspaceOf(document) !== undefined) return "it stands in a workspace";
  if (policy.problems.length > 0) return "its document is not well-formed";
  if (amount.status !== "value") return amount.why;
  if (only !== null || holdsNarrowerLimits(element)) return "its policy has limits of its own for single APIs or operations";
  if (counterGroup.size > 1) return `its counter ${key} is shared with ${named(othersIn(counterGroup, name))}`;
  if (possible !== null) return `its counter ${key} may be shared with ${named(othersIn(possible, name))}`;
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
