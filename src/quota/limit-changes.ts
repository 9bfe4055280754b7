import type { Inventory } from "../gateway/inventory.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import { type TeamLimits, teamLimits } from "./limits.ts";

/** How the numbers that bind each team differ between two states of the service, for a call that means all of them. */
export function limitChanges(before: Inventory, after: Inventory): readonly LimitChange[] {
  const later = new Map(teamLimits(after).map((team) => [team.subscription.id, team]));
  return teamLimits(before).flatMap((team) => {
    const changed = later.get(team.subscription.id);
    return changed === undefined ? [] : numberChanges(team, changed, true);
  });
}

/** One team's numbers where they differ; `unknown` counts as none. */
export function numberChanges(before: TeamLimits, after: TeamLimits, intended: boolean): readonly LimitChange[] {
  return (["tpm", "rpm"] as const).flatMap((kind): LimitChange[] => {
    const [was, is] = [numberOf(before[kind]), numberOf(after[kind])];
    return was === is ? [] : [{ subscriptionId: before.subscription.id, kind, before: was, after: is, intended }];
  });
}

const numberOf = (value: TeamLimits["tpm"]): number | null => (value === "unknown" ? null : value);
