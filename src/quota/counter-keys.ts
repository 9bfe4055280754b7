import type { CounterChange } from "../gateway/proposal.ts";
import { valuesOf } from "./amounts.ts";
import type { Limit } from "./limit.ts";

type Counted = Pick<Limit, "kind" | "counterKey" | "amount" | "perSubscription">;

/** What the limits of one kind are counted by. */
interface Key {
  /** Null: the service counts each subscription by itself. */
  readonly text: string | null;
  readonly perSubscription: boolean;
}

/**
 * How the keys differ by which one team's limits of a kind count; null where none does. A limit that is only added changes none; one that only
 * goes does where no other is left that counts the subscription by itself. Limits are told apart by key and number: else a number could
 * move to another key unseen.
 */
export function counterChange(before: readonly Counted[], after: readonly Counted[], kind: Limit["kind"]): CounterChange | null {
  const [was, is] = [counted(before, kind), counted(after, kind)];
  const gone = without(was, is);
  const added = without(is, was);
  const [left, taken] = [keysOf(gone), keysOf(added.length > 0 ? added : is)];
  if (left.length === 0 || taken.length === 0 || sameKeys(left, taken)) return null;
  if (added.length === 0 && (taken.some(isOwn) || !left.some(isOwn))) return null;
  return { before: inWords(left), after: inWords(taken), perSubscription: [...left, ...taken].every(isOwn) };
}

const counted = (limits: readonly Counted[], kind: Limit["kind"]): readonly Counted[] => limits.filter((limit) => limit.kind === kind);

const isOwn = ({ perSubscription }: Key): boolean => perSubscription;

const keyOf = ({ counterKey, perSubscription }: Counted): Key => ({ text: counterKey, perSubscription: perSubscription === true });

/** One text may come to another key, e.g. by a variable. */
const sameKey = (a: Key, b: Key): boolean => a.text === b.text && a.perSubscription === b.perSubscription;

const sameNumbers = (a: Counted, b: Counted): boolean =>
  a.amount.status === b.amount.status && valuesOf(a.amount).join() === valuesOf(b.amount).join();

/** Those of `all` that have no equal among `others`, each of which stands for one. */
function without(all: readonly Counted[], others: readonly Counted[]): readonly Counted[] {
  const left = [...others];
  return all.filter((limit) => {
    const index = left.findIndex((other) => sameKey(keyOf(other), keyOf(limit)) && sameNumbers(other, limit));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

const keysOf = (limits: readonly Counted[]): readonly Key[] =>
  limits.map(keyOf).filter((key, index, all) => all.findIndex((other) => sameKey(other, key)) === index);

const sameKeys = (a: readonly Key[], b: readonly Key[]): boolean =>
  a.length === b.length && a.every((key) => b.some((other) => sameKey(key, other)));

const inWords = (keys: readonly Key[]): string => keys.map(({ text }) => text ?? "each subscription").join(" and ");
