/** How the gateway counts, as the tiers are documented and measured to do it. Times are milliseconds since 1970. */

/** What a limit has let through under one key. */
export interface Counter {
  /** Whether `need` more units may pass; times never go back. */
  fits(need: number, now: number): boolean;
  /** Counts units; a negative amount gives back what was counted too much. */
  charge(amount: number, now: number): void;
  /** What is left for now, below 0 where more was used than there was. */
  left(now: number): number;
}

/** The classic tiers': what was counted within the window before now (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes). */
export function slidingWindow(limit: number, windowMs: number): Counter {
  const times: number[] = [];
  const amounts: number[] = [];
  let oldest = 0;
  let used = 0;
  const forget = (now: number): void => {
    for (let time = times[oldest]; time !== undefined && time <= now - windowMs; time = times[oldest]) used -= amounts[oldest++] ?? 0;
  };
  const left = (now: number): number => {
    forget(now);
    return limit - used;
  };
  return {
    fits: (need, now) => left(now) >= need,
    charge(amount, now) {
      times.push(now);
      amounts.push(amount);
      used += amount;
    },
    left,
  };
}

/**
 * The v2 tiers': a bucket that holds the limit, fills evenly and may go below zero
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes). Assumed: that it holds exactly the limit, and is full at first; measured waits fit it.
 */
export function tokenBucket(limit: number, windowMs: number): Counter {
  let balance = limit;
  let counted = Number.NEGATIVE_INFINITY;
  const left = (now: number): number => (balance === limit ? limit : Math.min(limit, balance + ((now - counted) * limit) / windowMs));
  return {
    fits: (need, now) => left(now) >= need,
    charge(amount, now) {
      balance = Math.min(limit, left(now) - amount);
      counted = now;
    },
    left,
  };
}

export type QuotaPeriod = "Hourly" | "Daily" | "Weekly" | "Monthly" | "Yearly";

export const isQuotaPeriod = (text: string | undefined): text is QuotaPeriod =>
  text !== undefined && ["Hourly", "Daily", "Weekly", "Monthly", "Yearly"].includes(text);

/** A quota's: what was counted since its period began. A quota that is exactly used up does not refuse yet: measured. */
export function periodQuota(limit: number, period: QuotaPeriod): Counter {
  let start = Number.NEGATIVE_INFINITY;
  let used = 0;
  const left = (now: number): number => (periodStart(period, now) === start ? limit - used : limit);
  return {
    fits: (need, now) => left(now) >= need,
    charge(amount, now) {
      used = limit - left(now) + amount;
      start = periodStart(period, now);
    },
    left,
  };
}

/** Periods are cut off in UTC (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes). Assumed: a week begins on Monday. */
export function periodStart(period: QuotaPeriod, now: number): number {
  const time = new Date(now);
  const [year, month, day] = [time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()];
  switch (period) {
    case "Hourly":
      return Date.UTC(year, month, day, time.getUTCHours());
    case "Daily":
      return Date.UTC(year, month, day);
    case "Weekly":
      return Date.UTC(year, month, day - ((time.getUTCDay() + 6) % 7));
    case "Monthly":
      return Date.UTC(year, month);
    case "Yearly":
      return Date.UTC(year, 0);
  }
}
