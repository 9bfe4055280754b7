import type { Inventory } from "../gateway/inventory.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import { counterChange } from "./counter-keys.ts";
import { type TeamLimits, teamLimits } from "./limits.ts";

const kinds = ["tpm", "rpm"] as const;

/** How the numbers that bind each team, and the keys that they count by, differ between two states of the service, for a call that means all of them. */
export function limitChanges(before: Inventory, after: Inventory): readonly LimitChange[] {
  const later = new Map(teamLimits(after).map((team) => [team.subscription.id, team]));
  return teamLimits(before).flatMap((team) => {
    const changed = later.get(team.subscription.id);
    return changed === undefined ? [] : kinds.flatMap((kind) => changesOf(team, changed, kind));
  });
}

function changesOf(before: TeamLimits, after: TeamLimits, kind: LimitChange["kind"]): readonly LimitChange[] {
  const change = numbersOf(before, after, kind, true);
  const counter = counterChange(before.limits, after.limits, kind);
  if (counter !== null) return [{ ...change, counter }];
  return change.before === change.after ? [] : [change];
}

/** One team's numbers where they differ; `unknown` counts as none. */
export function numberChanges(before: TeamLimits, after: TeamLimits, intended: boolean): readonly LimitChange[] {
  return kinds.map((kind) => numbersOf(before, after, kind, intended)).filter((change) => change.before !== change.after);
}

const numbersOf = (before: TeamLimits, after: TeamLimits, kind: LimitChange["kind"], intended: boolean): LimitChange => ({
  subscriptionId: before.subscription.id,
  kind,
  before: numberOf(before[kind]),
  after: numberOf(after[kind]),
  intended,
});

const numberOf = (value: TeamLimits["tpm"]): number | null => (value === "unknown" ? null : value);
