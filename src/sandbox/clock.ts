import { setImmediate as nextTurn, setTimeout as realWait } from "node:timers/promises";

/** The one clock of a sandbox: nothing in it reads or waits for any other. */
export interface Clock {
  now(): Date;
  /** Resolves once the clock has come so far; rejects with the signal's reason where it is aborted before. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** A clock that stands still until it is moved. */
export interface MovableClock extends Clock {
  /** Moves on, waking who waits in the order of their times, each with the clock at its time. */
  advance(milliseconds: number): Promise<void>;
}

export const isMovable = (clock: Clock): clock is MovableClock => "advance" in clock;

export const realClock: Clock = {
  now: () => new Date(),
  wait: (milliseconds, signal) => realWait(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Turns of the event loop that one who was woken gets before the clock goes on: enough to answer a request in the process. */
const turns = 20;

export function movableClock(start: Date): MovableClock {
  let time = start.getTime();
  const sleepers = new Set<Sleeper>();
  const settle = async () => {
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  };
  const next = (until: number): Sleeper | undefined => [...sleepers].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
  return {
    now: () => new Date(time),
    wait(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const aborted = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper = {
          due: time + Math.max(0, milliseconds),
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener("abort", aborted);
            resolve();
          },
        };
        signal?.addEventListener("abort", aborted, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(milliseconds) {
      const end = time + milliseconds;
      await settle();
      for (let sleeper = next(end); sleeper !== undefined; sleeper = next(end)) {
        time = Math.max(time, sleeper.due);
        sleeper.wake();
        await settle();
      }
      time = end;
    },
  };
}
