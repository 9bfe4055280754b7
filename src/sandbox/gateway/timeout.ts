import type { Clock } from "../clock.ts";

/** Why a signal was aborted: the time that was given has passed. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/**
 * Runs something that must be done within a time by the sandbox's clock. Its signal is aborted with `TimedOut` then, and stays that of
 * the outer one afterwards: what it has begun (a body that still comes) ends with the client, not with the time.
 */
export async function within<T>(
  clock: Clock,
  milliseconds: number,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const done = new AbortController();
  const abort = (): void => inner.abort(outer.reason);
  outer.addEventListener("abort", abort, { once: true });
  if (outer.aborted) abort();
  clock.wait(milliseconds, done.signal).then(
    () => inner.abort(new TimedOut(`no answer within ${milliseconds} ms`)),
    // The wait is given up where the answer comes first.
    () => undefined,
  );
  try {
    return await run(inner.signal);
  } finally {
    done.abort();
  }
}
