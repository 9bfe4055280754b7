import type { Inventory } from "../gateway/inventory.ts";
import { subscriptionName } from "../gateway/model.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { Group, Limit, LimitAmount, TeamLimits } from "./limit.ts";
import { teamLimits } from "./limits.ts";

/** One state of the service, with the limits of every team in it. */
export interface State {
  readonly inventory: Inventory;
  readonly teams: readonly TeamLimits[];
}

export const stateOf = (inventory: Inventory, csharp: CSharp): State => ({ inventory, teams: teamLimits(inventory, csharp) });

/** The limits of one team in a state. */
export function teamIn({ teams }: State, name: string): TeamLimits {
  const team = teams.find(({ subscription }) => subscriptionName(subscription) === name);
  if (team === undefined) throw new Error(`no limits were read for ${name}`);
  return team;
}

/**
 * What limits come to, wherever they stand: how much, under which conditions, counted by which key and with whom. Equal texts, equal limits. Groups are
 * named by number, so that thousands of teams on one counter do not each carry all names: compare only what one call has made.
 */
interface Signatures {
  limit(limit: Limit): string;
  /** Of all of them, in any order. */
  team(team: TeamLimits): string;
}

export function openSignatures(): Signatures {
  const numbers = new Map<string, number>();
  const known = new WeakMap<Group, number>();
  const numberOf = (group: Group): number => {
    const text = known.has(group) ? "" : [...group].toSorted().join("\n");
    const number = known.get(group) ?? numbers.get(text) ?? numbers.size;
    if (!known.has(group)) numbers.set(text, number);
    known.set(group, number);
    return number;
  };
  const limit = (one: Limit): string =>
    JSON.stringify([
      one.kind,
      amountParts(one.amount),
      one.written ?? null,
      one.period ?? null,
      one.bandwidth ?? null,
      one.conditions.map(({ text, negated }) => [text, negated]).toSorted(),
      one.deployment ?? null,
      one.counterKey,
      one.perSubscription ?? false,
      numberOf(one.counterGroup),
      one.mayShare === undefined ? null : numberOf(one.mayShare),
      one.perCall ?? null,
      one.apiIds?.toSorted() ?? null,
      one.operations?.toSorted() ?? null,
      one.operationsOnly,
      one.accounting,
    ]);
  return { limit, team: ({ limits }) => limits.map(limit).toSorted().join("\n") };
}

/** Without the reasons, which say where something stands. */
const amountParts = (amount: LimitAmount): readonly unknown[] =>
  amount.status === "value" ? [amount.value] : [amount.status, ...(amount.status === "several" ? amount.values.toSorted() : [])];

/** The limits of `all` that have no equal among `others`, each of which stands for one. */
export function limitsWithout(all: readonly Limit[], others: readonly Limit[], signatures: Signatures): readonly Limit[] {
  const left = others.map(signatures.limit);
  return all.filter((limit) => {
    const index = left.indexOf(signatures.limit(limit));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

/** Names of the teams, but for one, whose limits are not the same in two states: also of those that are in one of them only. */
export function changedTeams(before: State, after: State, except: string): readonly string[] {
  const signatures = openSignatures();
  const later = new Map(after.teams.map((team) => [subscriptionName(team.subscription), signatures.team(team)]));
  return before.teams
    .filter(({ subscription }) => subscriptionName(subscription) !== except)
    .filter((team) => later.get(subscriptionName(team.subscription)) !== signatures.team(team))
    .map(({ subscription }) => subscriptionName(subscription));
}

/** Everybody in a group but one, in order. */
export const namesBut = (group: Group, name: string): readonly string[] => [...group].filter((one) => one !== name).toSorted();
