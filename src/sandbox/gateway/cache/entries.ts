/** Things that are kept for a time, the oldest of them only while there is room. */
export interface Entries<T> {
  get(key: string, now: number): T | null;
  set(key: string, value: T, until: number): void;
  delete(key: string): void;
  /** All that are still good, the newest first. */
  current(now: number): Iterable<T>;
}

export function entries<T>(mostEntries: number): Entries<T> {
  const kept = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get(key, now) {
      const entry = kept.get(key);
      if (entry === undefined || entry.until > now) return entry?.value ?? null;
      kept.delete(key);
      return null;
    },
    set(key, value, until) {
      // Anew at the end: the map's first is the oldest.
      kept.delete(key);
      kept.set(key, { value, until });
      for (const oldest of kept.keys()) {
        if (kept.size <= mostEntries) break;
        kept.delete(oldest);
      }
    },
    delete: (key) => void kept.delete(key),
    *current(now) {
      for (const { value, until } of [...kept.values()].toReversed()) if (until > now) yield value;
    },
  };
}
