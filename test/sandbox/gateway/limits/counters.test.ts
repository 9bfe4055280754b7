import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clockWait, spelledWait } from "../../../../src/sandbox/gateway/limits/answers.ts";
import {
  periodCounter,
  type QuotaPeriod,
  quotaPeriod,
  type RateCounter,
  renewalPeriod,
  slidingLog,
  tokenBucket,
} from "../../../../src/sandbox/gateway/limits/counters.ts";

const second = 1000;
const perMinute = (limit: number) => ({ limit, windowMs: 60 * second });

/** What a token limit does with calls at these seconds, each counted when it is answered: what is left, or how long to wait. */
function replay(counter: RateCounter, limit: number, calls: readonly (readonly [at: number, tokens: number])[]) {
  const rate = perMinute(limit);
  return calls.map(([at, tokens]) => {
    const { allowed, retryAfterSeconds } = counter.check(rate, 1, at * second);
    if (!allowed) return `429 ${retryAfterSeconds}`;
    counter.add(rate, tokens, at * second);
    return counter.check(rate, 1, at * second).remaining;
  });
}

describe("the sliding window of classic tiers", () => {
  test("gives what was measured at TPM 100 with calls of 59 and 55 tokens every 15 s, within a second", () => {
    const measured = [41, 0, "429 29", "429 14", 0];
    const replayed = replay(slidingLog(), 100, [
      [0, 59],
      [15, 55],
      [30, 59],
      [45, 59],
      [60, 55],
    ]);
    expect(replayed.map((answer, index) => (typeof answer === "number" ? answer : [answer, measured[index]]))).toEqual([
      41,
      0,
      ["429 30", "429 29"],
      ["429 15", "429 14"],
      0,
    ]);
  });

  test("never lets more pass within any window than the limit and one call", () => {
    const call = fc.record({ gap: fc.nat(20_000), need: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 200 }), fc.integer({ min: 1, max: 100 }), (calls, limit) => {
        const counter = slidingLog();
        const rate = perMinute(limit);
        const passed: { time: number; amount: number }[] = [];
        let now = 0;
        for (const { gap, need } of calls) {
          now += gap;
          const used = passed.filter(({ time }) => time > now - rate.windowMs).reduce((sum, { amount }) => sum + amount, 0);
          const verdict = counter.check(rate, need, now);
          expect(verdict).toMatchObject({ allowed: used + need <= limit, remaining: Math.max(0, limit - used) });
          if (!verdict.allowed) continue;
          counter.add(rate, need, now);
          passed.push({ time: now, amount: need });
        }
      }),
    );
  });

  test("says when to come back: not a second earlier, and then it passes", () => {
    const amounts = fc.array(fc.record({ gap: fc.nat(9_000), amount: fc.integer({ min: 1, max: 60 }) }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 100 }), (charged, limit) => {
        const counter = slidingLog();
        const rate = perMinute(limit);
        let now = 0;
        for (const { gap, amount } of charged) {
          now += gap;
          counter.add(rate, amount, now);
        }
        const { allowed, retryAfterSeconds } = counter.check(rate, 1, now);
        fc.pre(!allowed);
        expect(counter.check(rate, 1, now + (retryAfterSeconds - 1) * second).allowed && retryAfterSeconds > 1).toBe(false);
        expect(counter.check(rate, 1, now + retryAfterSeconds * second).allowed).toBe(true);
      }),
    );
  });

  test("forgets what no window reaches", () => {
    const counter = slidingLog();
    for (let call = 0; call < 1000; call++) counter.add(perMinute(10), 1, call);
    expect(counter.idle(60_998)).toBe(false);
    expect(counter.idle(60_999)).toBe(true);
  });

  test("judges two rates under one key by their own windows", () => {
    const counter = slidingLog();
    const [short, long] = [
      { limit: 2, windowMs: second },
      { limit: 3, windowMs: 60 * second },
    ];
    for (const at of [0, 500, 2_000]) counter.add(long, 1, at);
    expect(counter.check(short, 1, 2_100).allowed).toBe(true);
    expect(counter.check(long, 1, 2_100)).toEqual({ allowed: false, remaining: 0, retryAfterSeconds: 58 });
  });
});

describe("the bucket of v2 tiers", () => {
  test("makes some 30 tokens of debt wait 180 s at TPM 10, as measured", () => {
    expect(
      replay(tokenBucket(), 10, [
        [0, 40],
        [0, 1],
      ]),
    ).toEqual([0, "429 186"]);
    expect(
      replay(tokenBucket(), 10, [
        [0, 39],
        [0, 1],
      ]),
    ).toEqual([0, "429 180"]);
  });

  test("fills by five a second at TPM 300, and makes a debt of 204 wait until there is a token again", () => {
    const calls = [
      [0, 262],
      [1, 252],
      [2, 1],
    ] as const;
    expect(replay(tokenBucket(), 300, calls)).toEqual([38, 0, "429 41"]);
  });

  test("never holds more than its limit, and pays a debt off at its rate", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 5000 }), fc.nat(600_000), (limit, tokens, later) => {
        const counter = tokenBucket();
        counter.add(perMinute(limit), tokens, 0);
        const expected = Math.min(limit, limit - tokens + (later * limit) / 60_000);
        const { remaining, allowed } = counter.check(perMinute(limit), 1, later);
        expect(remaining).toBe(Math.max(0, Math.floor(expected)));
        expect(allowed).toBe(expected >= 1);
      }),
    );
  });
});

describe("fixed windows", () => {
  test.for<[QuotaPeriod, string, string, string]>([
    ["Hourly", "2026-11-21T13:25:00Z", "2026-11-21T13:00:00Z", "2026-11-21T14:00:00Z"],
    ["Daily", "2026-12-31T23:59:59Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["Weekly", "2026-11-22T12:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["Weekly", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"],
    ["Monthly", "2028-02-29T00:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["Yearly", "2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ])("%s at %s", ([period, at, start, end]) => {
    expect(quotaPeriod(period, new Date(at))).toEqual({ start: Date.parse(start), end: Date.parse(end) });
  });

  test("a renewal period counts from its first start, before it too; 0 seconds never end", () => {
    expect(renewalPeriod(300, 100 * second, 1_000 * second)).toEqual({ start: 1_000 * second, end: 1_300 * second });
    expect(renewalPeriod(300, 100 * second, 999 * second)).toEqual({ start: 700 * second, end: 1_000 * second });
    expect(renewalPeriod(300, 1_000 * second, 999 * second)).toEqual({ start: 700 * second, end: 1_000 * second });
    expect(renewalPeriod(0, 5, 99)).toEqual({ start: 5, end: null });
  });

  test("count anew in each", () => {
    const counter = periodCounter();
    const [first, next] = [
      { start: 0, end: 10 },
      { start: 10, end: 20 },
    ];
    counter.add(first, 3);
    counter.add(first, 4);
    expect([counter.used(first), counter.used(next), counter.idle(9), counter.idle(10)]).toEqual([7, 0, false, true]);
    counter.add(next, 1);
    expect([counter.used(first), counter.used(next)]).toEqual([0, 1]);
  });
});

test.for<[number, string, string]>([
  [1, "1 second", "00:00:01"],
  [41, "41 seconds", "00:00:41"],
  [1293, "21 minutes and 33 seconds", "00:21:33"],
  [3600, "1 hour", "01:00:00"],
  [90_061, "1 day, 1 hour, 1 minute and 1 second", "1.01:01:01"],
])("%i s are spelled %s, or %s", ([seconds, spelled, clock]) => {
  expect([spelledWait(seconds), clockWait(seconds)]).toEqual([spelled, clock]);
});
