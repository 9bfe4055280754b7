import type { Gateway } from "../gateway/ports.ts";

/** The end of the last task of each service, whatever came of it. */
const ends = new WeakMap<Gateway, Promise<unknown>>();

/** Runs a task when those before it on the same service have ended, in the order of their calls: changes never interleave. */
export function inTurn<T>(gateway: Gateway, task: () => Promise<T>): Promise<T> {
  const turn = (ends.get(gateway) ?? Promise.resolve()).then(task);
  ends.set(
    gateway,
    turn.catch(() => {}),
  );
  return turn;
}
