/** What decides how much traffic a member of a pool gets. */
export interface Placed {
  readonly priority: number;
  readonly weight: number;
}

/**
 * The percentage of requests that each of these members gets, in their order, one decimal: those of the first priority that has an
 * available member share by weight, all others get nothing (https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool).
 * Without `isAvailable` the breakers of all members are closed. Assumed: a weight of 0 gets nothing, unless all that are left have it.
 */
export function sharesOf<Member extends Placed>(
  members: readonly Member[],
  isAvailable: (member: Member) => boolean = () => true,
): readonly number[] {
  const available = members.filter(isAvailable);
  const first = Math.min(...available.map(({ priority }) => priority));
  const group = available.filter(({ priority }) => priority === first);
  const total = group.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  const share = ({ weight }: Placed): number => (total === 0 ? 1 / group.length : Math.max(0, weight) / total);
  return members.map((member) => (group.includes(member) ? Math.round(share(member) * 1000) / 10 : 0));
}
