import type { CounterChange } from "../gateway/proposal.ts";
import type { Limit } from "./limits.ts";

const text = String.raw`"(?:[^"\\]|\\.)*"`;
const subscriptionId = String.raw`context\s*\.\s*Subscription\s*\??\s*\.\s*Id`;
const deployment = String.raw`context\s*\.\s*Request\s*\.\s*MatchedParameters\s*\[\s*"deployment-id"\s*\]`;
const beside = String.raw`(?:${text}|${deployment}|context\s*\.\s*Api\s*\.\s*Id)`;
const perSubscription = new RegExp(String.raw`^\s*@\(\s*(?:${beside}\s*\+\s*)*${subscriptionId}(?:\s*\+\s*${beside})*\s*\)\s*$`);

/**
 * Whether a limit with this key surely counts each subscription by itself: by its id, alone or joined with constant text, the deployment or
 * the API. Null: the service counts so by itself. Assumed: a key that says it in any other way may be anybody's choice, e.g. a header's.
 */
export const countsPerSubscription = (key: string | null): boolean => key === null || perSubscription.test(key);

/**
 * How the keys differ by which one team's limits of a kind count; null where none does. A limit that is only added changes none; one that only
 * goes does where no other is left that counts the subscription by itself. Limits are told apart by key and number: else a number could
 * move to another key unseen.
 */
export function counterChange(before: readonly Limit[], after: readonly Limit[], kind: Limit["kind"]): CounterChange | null {
  const [was, is] = [counted(before, kind), counted(after, kind)];
  const gone = without(was, is);
  const added = without(is, was);
  const [left, taken] = [keysOf(gone), keysOf(added.length > 0 ? added : is)];
  if (left.length === 0 || taken.length === 0 || sameKeys(left, taken)) return null;
  if (added.length === 0 && (taken.some(countsPerSubscription) || !left.some(countsPerSubscription))) return null;
  return { before: inWords(left), after: inWords(taken), perSubscription: [...left, ...taken].every(countsPerSubscription) };
}

type Counted = Pick<Limit, "counterKey" | "value">;

const counted = (limits: readonly Limit[], kind: Limit["kind"]): readonly Counted[] => limits.filter((limit) => limit.kind === kind);

/** Those of `all` that have no equal among `others`, each of which stands for one. */
function without(all: readonly Counted[], others: readonly Counted[]): readonly Counted[] {
  const left = [...others];
  return all.filter(({ counterKey, value }) => {
    const index = left.findIndex((other) => other.counterKey === counterKey && other.value === value);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

const keysOf = (limits: readonly Counted[]): readonly (string | null)[] => [...new Set(limits.map(({ counterKey }) => counterKey))];

const sameKeys = (a: readonly (string | null)[], b: readonly (string | null)[]): boolean =>
  a.length === b.length && a.every((key) => b.includes(key));

const inWords = (keys: readonly (string | null)[]): string => keys.map((key) => key ?? "each subscription").join(" and ");
