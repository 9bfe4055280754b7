import type { Call, PolicyNode } from "../policy.ts";

/** By how much a call counts. */
export interface Increment {
  /** Meaningless where `deferred` is there. */
  readonly amount: number;
  /** Asked when the call has been answered; null where the amount is known before. */
  readonly deferred: (() => Promise<number>) | null;
}

const looksAtResponse = (node: PolicyNode, attribute: string): boolean =>
  node.attributes.get(attribute)?.text.includes("context.Response") ?? false;

/**
 * `increment-condition` and `increment-count`: of the call, or, where one of them looks at the response, of its answer
 * (https://learn.microsoft.com/azure/api-management/rate-limit-by-key-policy#attributes).
 */
export async function deferredIncrement(node: PolicyNode, call: Call): Promise<Increment> {
  const amount = async () => ((await call.boolean(node, "increment-condition", true)) ? await call.number(node, "increment-count", 1) : 0);
  const later = looksAtResponse(node, "increment-condition") || looksAtResponse(node, "increment-count");
  return later ? { amount: 0, deferred: amount } : { amount: await amount(), deferred: null };
}

const amounts = new WeakMap<Call, Map<string, number>>();

/** What a call has counted under a key up to now; null where it has not counted under it at all. */
export const countedBy = (call: Call, key: string): number | null => amounts.get(call)?.get(key) ?? null;

/** Says that a call counts so much under a key. */
export function claim(call: Call, key: string, amount: number): void {
  const known = amounts.get(call) ?? new Map<string, number>();
  amounts.set(call, known.set(key, amount));
}

/** Counts a call under a key, however many policies name that key (https://learn.microsoft.com/azure/api-management/quota-by-key-policy). */
export function countOnce(call: Call, key: string, { amount, deferred }: Increment, count: (amount: number) => void): void {
  if (countedBy(call, key) !== null) return;
  claim(call, key, amount);
  if (deferred === null) count(amount);
  else call.onAnswered(async () => count(await deferred()));
}
