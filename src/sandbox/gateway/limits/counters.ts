/** Milliseconds since 1970. */
type Time = number;

/** Whether something may pass a limit now, and if not, when. */
export interface Verdict {
  readonly allowed: boolean;
  /** What is left of the limit, never below 0. */
  readonly remaining: number;
  /** Whole seconds, at least 1 where it is not allowed. */
  readonly retryAfterSeconds: number;
}

/** How fast something may go: so many units in so many milliseconds. */
export interface Rate {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * Counts what has passed under one key. Two policies may count under one key with different rates: each is judged by the rate that it
 * comes with.
 */
export interface RateCounter {
  /** Whether `need` more units may pass. */
  check(rate: Rate, need: number, now: Time): Verdict;
  /** Counts units; a negative amount gives back what was counted too much. */
  add(rate: Rate, amount: number, now: Time): void;
  /** Whether it no longer knows of anything that has passed. */
  idle(now: Time): boolean;
}

const secondsUntil = (due: Time, now: Time): number => Math.max(1, Math.ceil((due - now) / 1000));

/**
 * The classic tiers' window, which slides: what has passed within it counts
 * (https://learn.microsoft.com/azure/api-management/rate-limit-by-key-policy#usage-notes).
 */
export function slidingLog(): RateCounter {
  // Oldest first, without what no window reaches any more; what passed in one millisecond is one entry.
  let entries: { time: Time; amount: number }[] = [];
  let first = 0;
  let longest = 0;
  let sum = 0;
  const forget = (now: Time) => {
    for (let entry = entries[first]; entry !== undefined && entry.time <= now - longest; entry = entries[++first]) sum -= entry.amount;
    if (first <= entries.length / 2) return;
    entries = entries.slice(first);
    first = 0;
  };
  const startOf = (windowMs: number, now: Time): number => {
    if (windowMs >= longest) return first;
    const index = entries.findIndex(({ time }, position) => position >= first && time > now - windowMs);
    return index === -1 ? entries.length : index;
  };
  const sumFrom = (start: number): number =>
    start === first ? sum : entries.slice(start).reduce((total, { amount }) => total + amount, 0);
  return {
    check({ limit, windowMs }, need, now) {
      forget(now);
      const start = startOf(windowMs, now);
      let used = sumFrom(start);
      const remaining = Math.max(0, limit - used);
      if (used + need <= limit) return { allowed: true, remaining, retryAfterSeconds: 0 };
      for (let index = start; index < entries.length; index++) {
        const { time, amount } = entries[index] ?? { time: now, amount: 0 };
        used -= amount;
        if (used + need <= limit) return { allowed: false, remaining, retryAfterSeconds: secondsUntil(time + windowMs, now) };
      }
      return { allowed: false, remaining, retryAfterSeconds: secondsUntil(now + windowMs, now) };
    },
    add({ windowMs }, amount, now) {
      longest = Math.max(longest, windowMs);
      forget(now);
      const newest = entries.at(-1);
      if (newest?.time === now && first < entries.length) newest.amount += amount;
      else entries.push({ time: now, amount });
      sum += amount;
    },
    idle(now) {
      forget(now);
      return first === entries.length;
    },
  };
}

/**
 * The v2 tiers' bucket: holds the limit, fills evenly, and may go below zero when more was used than it held. Assumed: that it holds exactly
 * the limit; measured waits on a v2 service (180 s at 10 tokens a minute) fit a debt that is paid off at the limit's rate.
 */
export function tokenBucket(): RateCounter {
  let balance = Number.POSITIVE_INFINITY;
  let updated = 0;
  const filled = ({ limit, windowMs }: Rate, now: Time) => Math.min(limit, balance + ((now - updated) * limit) / windowMs);
  let last: Rate = { limit: 0, windowMs: 1 };
  return {
    check(rate, need, now) {
      const level = filled(rate, now);
      const remaining = Math.max(0, Math.floor(level));
      if (level >= need) return { allowed: true, remaining, retryAfterSeconds: 0 };
      const missing = Math.min(need, rate.limit) - level;
      return { allowed: false, remaining, retryAfterSeconds: secondsUntil(now + (missing * rate.windowMs) / rate.limit, now) };
    },
    add(rate, amount, now) {
      balance = Math.min(rate.limit, filled(rate, now) - amount);
      updated = now;
      last = rate;
    },
    idle: (now) => filled(last, now) >= last.limit,
  };
}

/** A fixed window; `end` is null where it never ends. */
export interface Period {
  readonly start: Time;
  readonly end: Time | null;
}

/** Counts what has passed in a fixed window; its count begins anew with each. */
export interface PeriodCounter {
  used(period: Period): number;
  add(period: Period, amount: number): void;
  /** Whether the window that it counts in is over. */
  idle(now: Time): boolean;
}

export function periodCounter(): PeriodCounter {
  let current: Period | null = null;
  let count = 0;
  return {
    used: ({ start }) => (start === current?.start ? count : 0),
    add(period, amount) {
      count = period.start === current?.start ? count + amount : amount;
      current = period;
    },
    idle: (now) => current !== null && current.end !== null && now >= current.end,
  };
}

export type QuotaPeriod = "Hourly" | "Daily" | "Weekly" | "Monthly" | "Yearly";

/**
 * The period that a time is in: cut off in UTC (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes).
 * Assumed: a week begins on Monday.
 */
export function quotaPeriod(period: QuotaPeriod, now: Date): Period {
  const [year, month, day, hour] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), now.getUTCHours()];
  switch (period) {
    case "Hourly":
      return { start: Date.UTC(year, month, day, hour), end: Date.UTC(year, month, day, hour + 1) };
    case "Daily":
      return { start: Date.UTC(year, month, day), end: Date.UTC(year, month, day + 1) };
    case "Weekly": {
      const monday = day - ((now.getUTCDay() + 6) % 7);
      return { start: Date.UTC(year, month, monday), end: Date.UTC(year, month, monday + 7) };
    }
    case "Monthly":
      return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
    case "Yearly":
      return { start: Date.UTC(year, 0), end: Date.UTC(year + 1, 0) };
  }
}

/** The period of so many seconds, counted from `first`; 0 seconds are for ever. */
export function renewalPeriod(seconds: number, first: Time, now: Time): Period {
  if (seconds === 0) return { start: first, end: null };
  const length = seconds * 1000;
  const start = first + Math.floor((now - first) / length) * length;
  return { start, end: start + length };
}
