import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Counter, isQuotaPeriod, periodQuota, periodStart, slidingWindow, tokenBucket } from "../../../src/quota/forecast/counters.ts";
import * as sandbox from "../../../src/sandbox/gateway/limits/counters.ts";

const second = 1000;
const minute = 60 * second;

/** Calls of so many tokens every 15 s: what is left of the limit after each, or that it was refused. */
const everyQuarter = (counter: Counter, tokens: readonly number[]): readonly (number | "refused")[] =>
  tokens.map((amount, index) => {
    const now = index * 15 * second;
    if (!counter.fits(1, now)) return "refused";
    counter.charge(amount, now);
    return Math.max(0, counter.left(now));
  });

describe("counters", () => {
  test("classic: what a live service answered at TPM 100 to calls of 59 and 55 tokens every 15 s", () => {
    expect(everyQuarter(slidingWindow(100, minute), [59, 55, 59, 59, 55])).toEqual([41, 0, "refused", "refused", 0]);
  });

  test("v2: what a live service answered at TPM 300: 38, 0, and 41 s to wait for a debt of 204", () => {
    const bucket = tokenBucket(300, minute);
    bucket.charge(262, 0);
    expect(bucket.left(0)).toBe(38);
    bucket.charge(252, second);
    expect(Math.max(0, bucket.left(second))).toBe(0);
    expect([bucket.fits(1, 42 * second), bucket.fits(1, 43 * second)]).toEqual([false, true]);
  });

  test("the two differ on the golden vector: the algorithm has to be the tier's", () => {
    expect(everyQuarter(tokenBucket(100, minute), [59, 55, 59])).toEqual([41, 11, 0]);
  });

  test("a quota that is exactly used up does not refuse, one that is exceeded does, and its period ends in UTC", () => {
    const quota = periodQuota(100, "Hourly");
    quota.charge(100, 10 * minute);
    expect(quota.fits(0, 20 * minute)).toBe(true);
    quota.charge(1, 20 * minute);
    expect([quota.fits(0, 59 * minute), quota.fits(0, 60 * minute), quota.left(60 * minute)]).toEqual([false, true, 100]);
  });

  test.each(["Hourly", "Daily", "Weekly", "Monthly", "Yearly"] as const)("%s: begins where the sandbox's period does", (period) => {
    expect(isQuotaPeriod(period)).toBe(true);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (now) => {
        expect(periodStart(period, now)).toBe(sandbox.quotaPeriod(period, new Date(now)).start);
      }),
    );
  });
});

/** Calls and give-backs, each so much later than the one before. */
const steps = fc.array(
  fc.record({ later: fc.nat(40_000), need: fc.integer({ min: 1, max: 80 }), amount: fc.integer({ min: -20, max: 150 }) }),
  { maxLength: 60 },
);

describe.each([
  ["sliding window", slidingWindow, sandbox.slidingLog],
  ["token bucket", tokenBucket, sandbox.tokenBucket],
] as const)("%s", (_, own, theirs) => {
  test("answers every call as the sandbox's own counter does", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 300 }), fc.constantFrom(second, 10 * second, minute), (calls, limit, windowMs) => {
        const [counter, other] = [own(limit, windowMs), theirs()];
        let now = 0;
        for (const { later, need, amount } of calls) {
          now += later;
          const fits = counter.fits(need, now);
          expect(fits).toBe(other.check({ limit, windowMs }, need, now).allowed);
          if (!fits) continue;
          counter.charge(amount, now);
          other.add({ limit, windowMs }, amount, now);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("a period's quota counts as the sandbox's does", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 2000 }), (calls, limit) => {
      const [quota, other] = [periodQuota(limit, "Hourly"), sandbox.periodCounter()];
      let now = 0;
      for (const { later, need, amount } of calls) {
        now += later * 20;
        const period = sandbox.quotaPeriod("Hourly", new Date(now));
        const fits = quota.fits(need, now);
        expect(fits).toBe(other.used(period) + need <= limit);
        if (!fits) continue;
        quota.charge(amount, now);
        other.add(period, amount);
      }
    }),
  );
});
