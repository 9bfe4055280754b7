/** What numbers by the minute tell of a limit per minute, where single requests are not known. */

/**
 * Whether a limit would have refused nothing, whenever within its minute each unit came: no span as long as its window, which may begin within a minute, has
 * more than it lets through.
 */
export function neverOver(minutes: readonly number[], most: number, windowMs: number): boolean {
  const span = Math.ceil(windowMs / 60_000) + 1;
  let sum = 0;
  return minutes.every((amount, index) => {
    sum += amount - (minutes[index - span] ?? 0);
    return sum <= most;
  });
}

/** Units beyond the limit, minute by minute, and all units. */
export function overflow(minutes: readonly number[], limit: number): { readonly over: number; readonly all: number } {
  return {
    over: minutes.reduce((sum, amount) => sum + Math.max(0, amount - limit), 0),
    all: minutes.reduce((sum, amount) => sum + amount, 0),
  };
}
