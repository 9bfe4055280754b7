/** The tour's time: it stands still until the tour moves it, so that minutes take none. */
export interface DemoClock {
  readonly now: () => Date;
  /** For what waits in the background: resolves once the clock has been moved so far. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Moves on. Whoever waits is not asked. */
  skip(milliseconds: number): void;
  /**
   * Moves on to a time, and wakes who waits for an earlier one at its own; each must wait again before the clock goes on. Rejects where nobody
   * does for ten seconds: only for as long as something is known to run in the background.
   */
  passTo(time: Date): Promise<void>;
  /** Wakes who waits for what is over. */
  wakeDue(): void;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

const longestSilenceMs = 10_000;

export function demoClock(start: Date): DemoClock {
  let time = start.getTime();
  let sleepers: readonly Sleeper[] = [];
  let heard: () => void = () => undefined;
  const nextSleeper = async (): Promise<Sleeper> => {
    const [first] = sleepers.toSorted((a, b) => a.due - b.due);
    if (first !== undefined) return first;
    await new Promise<void>((resolve, reject) => {
      const silence = setTimeout(() => reject(new Error("Nothing waits in the background.")), longestSilenceMs);
      heard = () => {
        clearTimeout(silence);
        resolve();
      };
    });
    return nextSleeper();
  };
  const wake = (sleeper: Sleeper): void => {
    sleepers = sleepers.filter((other) => other !== sleeper);
    sleeper.wake();
  };
  return {
    now: () => new Date(time),
    wait: (milliseconds) =>
      new Promise((resolve) => {
        sleepers = [...sleepers, { due: time + milliseconds, wake: resolve }];
        heard();
      }),
    skip(milliseconds) {
      time += milliseconds;
    },
    async passTo(end) {
      for (;;) {
        const sleeper = await nextSleeper();
        if (sleeper.due >= end.getTime()) break;
        time = Math.max(time, sleeper.due);
        wake(sleeper);
      }
      time = Math.max(time, end.getTime());
    },
    wakeDue() {
      for (const sleeper of sleepers) if (sleeper.due <= time) wake(sleeper);
    },
  };
}
