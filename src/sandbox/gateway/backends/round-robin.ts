/** Whose turn it is, by member: the weight that each is owed. Empty before the first turn. */
export type Turns = ReadonlyMap<string, number>;

export interface Weighted {
  readonly id: string;
  /** Relative to the others'. */
  readonly weight: number;
}

/**
 * The next of the members in smooth weighted round robin: everyone is owed its weight, the one who is owed most comes and pays the sum;
 * of equals the first. 50/50 alternates, 3/1 gives a a b a. Those who cannot take part keep what they are owed.
 *
 * Assumed: the order within a round (Microsoft documents the shares alone); members whose weights are all 0 come in turn.
 */
export function nextInTurn<M extends Weighted>(members: readonly M[], turns: Turns): { readonly member: M; readonly turns: Turns } | null {
  const sum = members.reduce((total, { weight }) => total + weight, 0);
  const owed = members.map((member) => ({
    member,
    credit: (turns.get(member.id) ?? 0) + (sum === 0 ? 1 : member.weight),
    takesPart: sum === 0 || member.weight > 0,
  }));
  const next = owed.filter(({ takesPart }) => takesPart).reduce<(typeof owed)[number] | null>(richer, null);
  if (next === null) return null;
  const paid = sum === 0 ? members.length : sum;
  const after = owed.map(({ member, credit }): [string, number] => [member.id, member.id === next.member.id ? credit - paid : credit]);
  return { member: next.member, turns: new Map([...turns, ...after]) };
}

const richer = <C extends { readonly credit: number }>(best: C | null, candidate: C): C =>
  best === null || candidate.credit > best.credit ? candidate : best;
