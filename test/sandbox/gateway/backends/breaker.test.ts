import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BreakerRule,
  type BreakerState,
  closedBreaker,
  failuresIn,
  isOpen,
  observe,
} from "../../../../src/sandbox/gateway/backends/breaker.ts";
import { breakerRule, durationMs } from "../../../../src/sandbox/gateway/backends/breaker-rule.ts";
import type { BackendOutcome } from "../../../../src/sandbox/gateway/policy.ts";

const minute = 60_000;

const rule = (changes: Partial<BreakerRule> = {}): BreakerRule => ({
  count: 3,
  percentage: null,
  intervalMs: minute,
  statusCodes: [{ min: 500, max: 599 }],
  errorReasons: [],
  tripMs: 5 * minute,
  acceptRetryAfter: false,
  ...changes,
});

const status = (code: number, retryAfterSeconds: number | null = null): BackendOutcome => ({
  status: code,
  reason: null,
  retryAfterSeconds,
});
const lost = (reason: string): BackendOutcome => ({ status: null, reason, retryAfterSeconds: null });

type Timed = readonly [seconds: number, outcome: BackendOutcome];

const observed = (by: BreakerRule, outcomes: readonly Timed[]): BreakerState =>
  outcomes.reduce((state, [seconds, outcome]) => observe(by, state, outcome, seconds * 1000), closedBreaker);

const times = (count: number, seconds: number, outcome: BackendOutcome): readonly Timed[] =>
  Array.from({ length: count }, () => [seconds, outcome]);

describe("what opens a breaker, and until when", () => {
  it.each<[string, BreakerRule, readonly Timed[], number | null]>([
    ["the third failure of three in a minute", rule(), times(3, 10, status(500)), 310],
    ["not the second", rule(), times(2, 10, status(500)), null],
    [
      "a success between failures clears nothing",
      rule(),
      [
        [1, status(500)],
        [2, status(200)],
        [3, status(500)],
        [4, status(200)],
        [5, status(500)],
      ],
      305,
    ],
    [
      "a failure that is an interval old no longer counts",
      rule(),
      [
        [0, status(500)],
        [1, status(500)],
        [60, status(500)],
      ],
      null,
    ],
    [
      "one that is almost an interval old does",
      rule(),
      [
        [0, status(500)],
        [1, status(500)],
        [59.999, status(500)],
      ],
      359.999,
    ],
    [
      "the window slides",
      rule(),
      [
        [0, status(500)],
        [50, status(500)],
        [70, status(500)],
        [100, status(500)],
      ],
      400,
    ],
    ["a status outside of the ranges is no failure", rule(), times(9, 1, status(429)), null],
    [
      "a status of the second range is one",
      rule({
        statusCodes: [
          { min: 429, max: 429 },
          { min: 500, max: 599 },
        ],
      }),
      [...times(2, 1, status(429)), [1, status(599)]],
      301,
    ],
    [
      "both ends of a range belong to it",
      rule({ statusCodes: [{ min: 500, max: 503 }] }),
      [
        [1, status(500)],
        [1, status(503)],
        [1, status(504)],
      ],
      null,
    ],
    [
      "no answer does not trip a rule without errorReasons",
      rule({ count: 1 }),
      [
        [1, lost("BackendConnectionFailure")],
        [1, lost("Timeout")],
      ],
      null,
    ],
    [
      "no answer trips a rule that names its reason",
      rule({ count: 1, errorReasons: ["backendconnectionfailure"] }),
      [[1, lost("BackendConnectionFailure")]],
      301,
    ],
    ["another reason does not", rule({ count: 1, errorReasons: ["Timeout"] }), [[1, lost("BackendConnectionFailure")]], null],
    [
      "a free text of the samples matches no reason",
      rule({ count: 1, errorReasons: ["Server errors"] }),
      [[1, lost("BackendConnectionFailure")]],
      null,
    ],
    [
      "half of the requests, for 50 %",
      rule({ count: null, percentage: 50 }),
      [
        [1, status(200)],
        [2, status(200)],
        [3, status(500)],
        [4, status(500)],
      ],
      304,
    ],
    [
      "less than half, for 50 %",
      rule({ count: null, percentage: 50 }),
      [
        [1, status(200)],
        [2, status(200)],
        [3, status(500)],
        [4, status(200)],
      ],
      null,
    ],
    [
      "old requests do not count for a percentage",
      rule({ count: null, percentage: 60 }),
      [
        [1, status(200)],
        [2, status(200)],
        [70, status(500)],
      ],
      370,
    ],
    [
      "the count, where the percentage is not reached",
      rule({ count: 2, percentage: 90 }),
      [...times(20, 1, status(200)), [2, status(500)], [2, status(500)]],
      302,
    ],
    ["Retry-After, where it is accepted", rule({ count: 1, acceptRetryAfter: true }), [[1, status(500, 20)]], 21],
    ["Retry-After of a day", rule({ count: 1, acceptRetryAfter: true }), [[1, status(500, 86_400)]], 86_401],
    ["the trip duration without a Retry-After", rule({ count: 1, acceptRetryAfter: true }), [[1, status(500)]], 301],
    ["the trip duration where Retry-After is not accepted", rule({ count: 1 }), [[1, status(500, 20)]], 301],
    [
      "Retry-After of the failure that opens it",
      rule({ count: 2, acceptRetryAfter: true }),
      [
        [1, status(500, 900)],
        [2, status(500, 30)],
      ],
      32,
    ],
    [
      "what comes back while it is open changes nothing",
      rule({ count: 1, acceptRetryAfter: true }),
      [
        [1, status(500, 20)],
        [2, status(500, 900)],
        [3, status(200)],
      ],
      21,
    ],
    ["after the trip the window is empty", rule(), [...times(3, 10, status(500)), [310, status(500)], [310, status(500)]], null],
    ["after the trip the count starts anew", rule(), [...times(3, 10, status(500)), ...times(3, 311, status(500))], 611],
  ])("%s", (_, by, outcomes, openUntil) => {
    expect(observed(by, outcomes).openUntil).toBe(openUntil === null ? null : openUntil * 1000);
  });

  it("is closed again, not half open, from the moment on which the trip ends", () => {
    const open = observed(rule(), times(3, 0, status(500)));
    expect([isOpen(open, 0), isOpen(open, 5 * minute - 1), isOpen(open, 5 * minute)]).toEqual([true, true, false]);
    const next = observe(rule(), open, status(500), 5 * minute);
    expect(isOpen(next, 5 * minute)).toBe(false);
    expect(failuresIn(rule(), next, 5 * minute)).toBe(1);
  });
});

const outcome: fc.Arbitrary<BackendOutcome> = fc.record({
  status: fc.option(fc.constantFrom(200, 404, 429, 500, 503)),
  reason: fc.constantFrom(null, "Timeout", "BackendConnectionFailure"),
  retryAfterSeconds: fc.option(fc.nat(100)),
});
const traffic = fc.array(fc.record({ pauseMs: fc.nat(20_000), outcome }), { maxLength: 200 });
const anyRule = fc.record({
  count: fc.option(fc.integer({ min: 1, max: 10 })),
  percentage: fc.option(fc.integer({ min: 1, max: 100 })),
  intervalMs: fc.integer({ min: 1000, max: 120_000 }),
  statusCodes: fc.constantFrom(
    [],
    [{ min: 500, max: 599 }],
    [
      { min: 429, max: 429 },
      { min: 500, max: 500 },
    ],
  ),
  errorReasons: fc.constantFrom<string[]>([], ["timeout"]),
  tripMs: fc.integer({ min: 1000, max: 120_000 }),
  acceptRetryAfter: fc.boolean(),
});

describe("for all traffic", () => {
  it("a breaker that counts opens exactly at its count of failures in the interval", () => {
    fc.assert(
      fc.property(anyRule, traffic, (by, requests) => {
        const counting = { ...by, count: by.count ?? 3, percentage: null };
        let state = closedBreaker;
        let now = 0;
        let failures: number[] = [];
        for (const request of requests) {
          now += request.pauseMs;
          const wasOpen = isOpen(state, now);
          state = observe(counting, state, request.outcome, now);
          if (wasOpen) continue;
          const { status: code, reason } = request.outcome;
          const failed =
            code === null
              ? reason === "Timeout" && by.errorReasons.length > 0
              : by.statusCodes.some(({ min, max }) => code >= min && code <= max);
          if (failed) failures.push(now);
          const inInterval = failures.filter((at) => now - at < by.intervalMs).length;
          const opened = failed && state.openUntil !== null;
          expect(failed && inInterval >= counting.count).toBe(opened);
          if (opened) failures = [];
        }
      }),
    );
  });

  it("a breaker remembers no more than its count, or sixty-one moments", () => {
    const dense = fc.array(fc.record({ pauseMs: fc.nat(300), outcome }), { minLength: 100, maxLength: 400 });
    fc.assert(
      fc.property(anyRule, dense, (given, requests) => {
        const by = { ...given, count: given.count ?? 4 };
        let state = closedBreaker;
        let now = 0;
        for (const request of requests) {
          now += request.pauseMs;
          state = observe(by, state, request.outcome, now);
          expect(state.window.length).toBeLessThanOrEqual(by.percentage === null ? by.count : 61);
        }
      }),
    );
  });

  it("so it does however dense the traffic", () => {
    const by = rule({ count: null, percentage: 100 });
    let state = closedBreaker;
    for (let request = 0; request < 10_000; request++) state = observe(by, state, status(request % 2 === 0 ? 200 : 500), request * 5);
    expect(state.window.length).toBeLessThanOrEqual(61);
    expect(failuresIn(by, state, 49_995)).toBe(5000);
  });
});

describe("reading a rule", () => {
  const document = (changes: object, condition: object = {}) => ({
    circuitBreaker: {
      rules: [
        {
          name: "r",
          failureCondition: {
            count: 5,
            interval: "PT1M",
            statusCodeRanges: [{ min: 500, max: 599 }],
            errorReasons: ["Timeout"],
            ...condition,
          },
          tripDuration: "PT5M",
          acceptRetryAfter: true,
          ...changes,
        },
      ],
    },
  });

  it("takes all of it", () => {
    expect(breakerRule(document({}))).toEqual({
      count: 5,
      percentage: null,
      intervalMs: minute,
      statusCodes: [{ min: 500, max: 599 }],
      errorReasons: ["Timeout"],
      tripMs: 5 * minute,
      acceptRetryAfter: true,
    });
  });

  it.each([
    ["no breaker", {}],
    ["no rule", { circuitBreaker: { rules: [] } }],
    ["no interval", document({}, { interval: null })],
    ["no trip duration", document({ tripDuration: "soon" })],
    ["neither count nor percentage", document({}, { count: null })],
  ])("%s: none", (_, properties) => {
    expect(breakerRule(properties)).toBeNull();
  });

  it.each([
    ["PT1M", 60_000],
    ["PT1M30S", 90_000],
    ["P1D", 86_400_000],
    ["P1DT2H", 93_600_000],
    ["P2W", 1_209_600_000],
    ["PT0.5S", 500],
    ["pt10s", 10_000],
    ["PT0S", null],
    ["P1M", null],
    ["PT", null],
    ["60", null],
    [undefined, null],
  ])("%s lasts %s ms", (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });
});
