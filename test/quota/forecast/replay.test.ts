import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PastRequest } from "../../../src/gateway/past-requests.ts";
import { type Algorithm, byRegion, evenlyOver, onOneGateway, type Placement, replay } from "../../../src/quota/forecast/replay.ts";
import { replayedLimits } from "../../../src/quota/forecast/replayed-limits.ts";
import type { Limit } from "../../../src/quota/limit.ts";
import * as sandbox from "../../../src/sandbox/gateway/limits/counters.ts";
import { limitOf, request } from "./given.ts";

const kinds = ["tpm", "rpm", "token_quota", "call_quota"] as const;

/** `r` for each request that is refused, `.` for one that passes. */
function told(
  requests: readonly PastRequest[],
  limits: readonly Limit[],
  algorithm: Algorithm = "sliding window",
  placement: Placement = onOneGateway,
): string {
  const refused = replay(requests, replayedLimits(limits, kinds).limits, algorithm, placement);
  return refused.map((one) => (one ? "r" : ".")).join("");
}

const lasting = (seconds: number, milliseconds: number, total: number, more: Parameters<typeof request>[2] = {}): PastRequest => {
  const one = request(seconds, total, more);
  return { ...one, end: one.start + milliseconds };
};

const estimating = '<llm-token-limit estimate-prompt-tokens="true" />';
const rates = '<rate-limit-by-key calls="2" renewal-period="10" />';

interface Case {
  readonly requests: readonly PastRequest[];
  readonly limits: readonly Limit[];
  readonly algorithm?: Algorithm;
  readonly placement?: Placement;
  readonly refused: string;
}

describe("a replay", () => {
  test.each<[string, Case]>([
    [
      "refuses what comes when nothing is left, not what passes the limit",
      { requests: [0, 15, 30, 45, 60].map((at) => request(at, 59)), limits: [limitOf("tpm", 100)], refused: "..rr." },
    ],
    [
      "a bucket fills up in between, and refuses while it is in debt",
      {
        requests: [0, 15, 30, 45, 60].map((at) => request(at, 59)),
        limits: [limitOf("tpm", 100)],
        algorithm: "token bucket",
        refused: "...r.",
      },
    ],
    [
      "tokens count when the answer is complete: what starts before that passes",
      { requests: [lasting(0, 20_000, 500), request(10, 1), request(21, 1)], limits: [limitOf("tpm", 100)], refused: "..r" },
    ],
    [
      "what ends at the very time of a start counts for it",
      { requests: [lasting(0, 20_000, 500), request(20, 1)], limits: [limitOf("tpm", 100)], refused: ".r" },
    ],
    [
      "an estimated prompt counts at once, and one that does not fit is refused",
      {
        requests: [lasting(0, 20_000, 90, { prompt: 60 }), request(10, 60, { prompt: 50 }), request(11, 45, { prompt: 40 })],
        limits: [limitOf("tpm", 100, {}, estimating)],
        refused: ".r.",
      },
    ],
    [
      "prompts of streams are always estimated",
      {
        requests: [lasting(0, 20_000, 90, { prompt: 60, streamed: true }), request(10, 60, { prompt: 50, streamed: true })],
        limits: [limitOf("tpm", 100)],
        refused: ".r",
      },
    ],
    [
      "what was refused spends nothing; what had no tokens neither",
      {
        requests: [request(0, 150), request(1, 900), request(2, null), request(59, 900), request(60, null), request(61, 10)],
        limits: [limitOf("tpm", 100)],
        refused: ".rrr..",
      },
    ],
    [
      "calls count when they come, in the limit's own renewal period",
      {
        requests: [0, 3, 6, 9, 10, 11, 13].map((at) => lasting(at, 30_000, 5)),
        limits: [limitOf("rpm", 12, { written: { calls: 2, renewalSeconds: 10 } }, rates)],
        refused: "..rr.r.",
      },
    ],
    [
      "a quota refuses until its period ends in UTC",
      {
        requests: [3000, 3100, 3200, 3300, 3600].map((at) => request(at, 60)),
        limits: [limitOf("token_quota", 120, { period: "Hourly" })],
        refused: "...r.",
      },
    ],
    [
      "a call that a rate of calls refuses spends no tokens, and one that a token limit refuses has been counted as a call",
      {
        requests: [request(0, 200), request(1, 10), request(2, 10), request(11, 10)],
        limits: [limitOf("rpm", 12, { written: { calls: 2, renewalSeconds: 10 } }, rates), limitOf("tpm", 100)],
        refused: ".rrr",
      },
    ],
    [
      "a limit of one deployment leaves others alone",
      {
        requests: [request(0, 200), request(1, 9, { deployment: "o3" }), request(2, 9)],
        limits: [limitOf("tpm", 100, { deployment: "GPT-4o" })],
        refused: "..r",
      },
    ],
    [
      "so does a condition on the deployment, also a negated one",
      {
        requests: [
          request(0, 200),
          request(1, 9, { deployment: "o3" }),
          request(2, 9),
          request(3, 200, { deployment: "o3" }),
          request(4, 9),
        ],
        limits: [limitOf("tpm", 100, { conditions: [{ text: "not o3", negated: true, inputs: [], deployment: "o3" }] })],
        refused: "..r.r",
      },
    ],
    [
      "a limit of one API leaves others alone",
      {
        requests: [request(0, 200), request(1, 9, { apiId: "other" }), request(2, 9)],
        limits: [limitOf("tpm", 100, { apiIds: ["LLM"] })],
        refused: "..r",
      },
    ],
    [
      "a key by deployment has a counter for each",
      {
        requests: [request(0, 200), request(1, 200, { deployment: "o3" }), request(2, 9), request(3, 9, { deployment: "o3" })],
        limits: [limitOf("tpm", 100, { counterKey: '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])' })],
        refused: "..rr",
      },
    ],
    [
      "gateways count each by itself",
      {
        requests: [request(0, 200), request(1, 200, { region: "West Europe" }), request(2, 9), request(3, 9, { region: "west europe" })],
        limits: [limitOf("tpm", 100)],
        placement: byRegion,
        refused: "..rr",
      },
    ],
    [
      "evenly over three gateways, each third request meets the counter of the first",
      {
        requests: [0, 1, 2, 3, 4, 5].map((at) => request(at, at === 0 ? 200 : 1)),
        limits: [limitOf("tpm", 100)],
        placement: evenlyOver(3),
        refused: "...r..",
      },
    ],
    ["without limits nothing is refused", { requests: [request(0, 1e9), request(1, 1e9)], limits: [], refused: ".." }],
  ])("%s", (_, { requests, limits, algorithm, placement, refused }) => {
    expect(told(requests, limits, algorithm, placement)).toBe(refused);
  });

  test("the estimate that a later limit refuses is given back", () => {
    const first = limitOf("tpm", 100, { limitId: "a" }, estimating);
    const second = limitOf("tpm", 50, { limitId: "b" }, estimating);
    const requests = [request(0, 60, { prompt: 60 }), request(1, 90, { prompt: 45 }), request(2, 5, { prompt: 5 })];
    expect(told(requests, [first, second])).toBe("r.r");
    expect(told(requests, [first])).toBe(".r.");
  });

  test("limits of one element are judged together, as the gateway does", () => {
    const rate = limitOf("tpm", 1000, {}, estimating);
    const quota = { ...limitOf("token_quota", 50, { period: "Hourly" }), element: rate.element };
    expect(told([request(0, 60, { prompt: 60 }), request(1, 40, { prompt: 40 })], [rate, quota])).toBe("r.");
  });
});

describe("what a replay cannot judge", () => {
  const unknown = { status: "unknown", why: "secret" } as const;
  test.each<[string, Limit, Partial<Record<"limits" | "atLeast" | "atMost", number>>]>([
    ["a number that is not known", limitOf("tpm", 0, { amount: unknown }), { limits: 0, atLeast: 1 }],
    ["a limit that limits nothing", limitOf("tpm", 0, { amount: { status: "none", why: "no value" } }), { limits: 0 }],
    ["one that only counts", limitOf("tpm", 5, { accounting: true }), { limits: 0 }],
    ["one of single operations", limitOf("tpm", 5, { operationsOnly: true }), { limits: 0, atLeast: 1 }],
    ["a quota of calls", limitOf("call_quota", 5, { period: "3600 s" }), { limits: 0, atLeast: 1 }],
    ["a quota without a period", limitOf("token_quota", 5), { limits: 0, atLeast: 1 }],
    ["what others spend", limitOf("tpm", 5, { counterGroup: new Set(["team", "other"]) }), { limits: 1, atLeast: 1 }],
    [
      "a condition on a header",
      limitOf("tpm", 5, { conditions: [{ text: "x", negated: false, inputs: [{ what: "header", name: "x-tier" }] }] }),
      { limits: 1, atMost: 1 },
    ],
    ["a key by address", limitOf("tpm", 5, { counterKey: "@(context.Request.IpAddress)" }), { limits: 1, atMost: 1 }],
  ])("%s is said", (_, limit, { limits = 0, atLeast = 0, atMost = 0 }) => {
    const replayed = replayedLimits([limit], kinds);
    expect([replayed.limits.length, replayed.atLeast.length, replayed.atMost.length]).toEqual([limits, atLeast, atMost]);
  });
});

/** Requests of one team in the order of their starts, some of them lasting. */
const streams = fc
  .array(fc.record({ later: fc.nat(30_000), lasts: fc.nat(60_000), prompt: fc.nat(60), completion: fc.nat(120), streamed: fc.boolean() }), {
    maxLength: 50,
  })
  .map((calls) => {
    let now = 0;
    return calls.map(({ later, lasts, prompt, completion, streamed }) => {
      now += later;
      const one = request(0, prompt + completion, { prompt, streamed });
      return { ...one, start: one.start + now, end: one.start + now + lasts };
    });
  });

/** The sandbox's own counter, driven through the same requests: what has ended is settled before each start, in the order of the ends. */
function drivenBySandbox(requests: readonly PastRequest[], counter: sandbox.RateCounter, limit: number, estimates: boolean): string {
  const rate = { limit, windowMs: 60_000 };
  let running: { readonly end: number; readonly more: number }[] = [];
  return requests
    .map(({ start, end, tokens, streamed }) => {
      const ended = running.filter((one) => one.end <= start).sort((a, b) => a.end - b.end);
      running = running.filter((one) => one.end > start);
      for (const one of ended) counter.add(rate, one.more, one.end);
      const held = estimates || streamed ? (tokens?.prompt ?? 0) : 0;
      if (!counter.check(rate, Math.max(1, held), start).allowed) return "r";
      counter.add(rate, held, start);
      running.push({ end, more: (tokens?.total ?? 0) - held });
      return ".";
    })
    .join("");
}

test.each([
  ["sliding window", sandbox.slidingLog],
  ["token bucket", sandbox.tokenBucket],
] as const)("%s: refuses the very requests that the sandbox's counter refuses", (algorithm, open) => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 1, max: 600 }), fc.boolean(), (requests, limit, estimates) => {
      const own = limitOf("tpm", limit, {}, `<llm-token-limit estimate-prompt-tokens="${estimates}" />`);
      expect(told(requests, [own], algorithm)).toBe(drivenBySandbox(requests, open(), limit, estimates));
    }),
    { numRuns: 500 },
  );
});
