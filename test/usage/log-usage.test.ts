import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backendNames } from "../../src/usage/backend-shares.ts";
import { causeName, outcomeOf } from "../../src/usage/cause.ts";
import { type LogUsageInput, readLogUsage } from "../../src/usage/log-usage.ts";
import { includes } from "../../src/usage/totals.ts";
import { type LoggedCall, logsOf, resourceId } from "./rows.ts";

const window = { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const at = (minute: number, second = 0): string => new Date(window.since.getTime() + (minute * 60 + second) * 1000).toISOString();

const usageOf = (
  calls: readonly LoggedCall[],
  more: Partial<LogUsageInput> & { readonly apiId?: string; readonly subscriptions?: readonly string[] } = {},
) => {
  const { apiId, subscriptions, ...input } = more;
  return readLogUsage(logsOf(calls), {
    filter: { window, resourceId, interval: "PT5M", apiId, subscriptions },
    groupBy: [],
    include: [],
    limit: 20,
    backendName: (place) => place,
    ...input,
  });
};

const refused = { code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" } as const;

describe("totals", () => {
  test("count by outcome, with tokens of each call once, however many entries it has", async () => {
    const { totals, notes } = await usageOf(
      [
        { time: at(0), tokens: [10, 5], entries: 3 },
        { time: at(1), tokens: [20, 7] },
        { time: at(2), ...refused, id: "refused-1" },
        { time: at(3), code: 500, id: "failed-1" },
        { time: at(4), code: 401, backendCode: null },
      ],
      { include: ["outcomes", "tokens", "examples"] },
    );
    expect(totals).toEqual({
      requests: 5,
      outcomes: { succeeded: 2, rejected: 1 },
      throttled: { total: 1, by_origin: [{ origin: "gateway:token-rate-limit", requests: 1, examples: ["refused-1"] }] },
      errors: { total: 1, by_cause: [{ cause: "backend", requests: 1, examples: ["failed-1"] }] },
      tokens: 42,
      token_split: { prompt: 30, completion: 12 },
    });
    expect(notes).toEqual([]);
  });

  test("hold the window's first moment and not its last", async () => {
    const { totals } = await usageOf([{ time: at(-1, 59) }, { time: at(0) }, { time: at(59, 59) }, { time: at(60) }]);
    expect(totals.requests).toBe(2);
  });

  test("are those of one API, and of some subscriptions", async () => {
    const calls = [
      { time: at(1) },
      { time: at(1), api: "other" },
      { time: at(1), subscription: "labs" },
      { time: at(1), subscription: null },
    ];
    expect((await usageOf(calls)).totals.requests).toBe(4);
    expect((await usageOf(calls, { apiId: "OpenAI" })).totals.requests).toBe(3);
    expect((await usageOf(calls, { subscriptions: ["Growth", "labs"] })).totals.requests).toBe(3);
  });

  test("do not know tokens where no call has any, and say of how many they are", async () => {
    const none = await usageOf([{ time: at(1) }]);
    expect(none.totals.tokens).toBe("unknown");
    expect(none.notes.join()).toContain("unknown");
    const some = await usageOf([{ time: at(1) }, { time: at(1), tokens: [1, 1] }]);
    expect(some.totals.tokens).toBe(2);
    expect(some.notes.join()).toContain("1 of 2 successful calls");
    expect((await usageOf([{ time: at(1), ...refused }])).totals.tokens).toBe(0);
  });
});

describe("rows", () => {
  const calls: readonly LoggedCall[] = [
    ...[1, 2, 3].map((minute) => ({ time: at(minute), tokens: [10, 10] as const })),
    { time: at(7), ...refused },
    {
      time: at(8),
      subscription: "labs",
      region: "West Europe",
      model: "gpt-4o-mini",
      tokens: [1, 1],
      backendUrl: "https://aoai-westeurope.openai.azure.com/openai",
    },
  ];

  test.each([
    [
      ["subscription"],
      [
        { subscription: "growth", requests: 4, throttled: 1, errors: 0, tokens: 60 },
        { subscription: "labs", requests: 1, throttled: 0, errors: 0, tokens: 2 },
      ],
    ],
    [
      ["region", "subscription"],
      [
        { region: "East US", subscription: "growth", requests: 4, throttled: 1, errors: 0, tokens: 60 },
        { region: "West Europe", subscription: "labs", requests: 1, throttled: 0, errors: 0, tokens: 2 },
      ],
    ],
    [
      ["model"],
      [
        { model: "gpt-4o", requests: 3, throttled: 0, errors: 0, tokens: 60 },
        { model: "gpt-4o-mini", requests: 1, throttled: 0, errors: 0, tokens: 2 },
        { model: "none", requests: 1, throttled: 1, errors: 0, tokens: 0 },
      ],
    ],
    [
      ["backend"],
      [
        { backend: "aoai-eastus.openai.azure.com/gpt-4o", requests: 3, throttled: 0, errors: 0, tokens: 60 },
        { backend: "aoai-westeurope.openai.azure.com", requests: 1, throttled: 0, errors: 0, tokens: 2 },
        { backend: "none", requests: 1, throttled: 1, errors: 0, tokens: 0 },
      ],
    ],
    [
      ["time"],
      [
        { time: at(0), requests: 3, throttled: 0, errors: 0, tokens: 60 },
        { time: at(5), requests: 2, throttled: 1, errors: 0, tokens: 2 },
      ],
    ],
    [
      ["cause"],
      [
        { cause: "succeeded", requests: 4, throttled: 0, errors: 0, tokens: 62 },
        { cause: "gateway:token-rate-limit", requests: 1, throttled: 1, errors: 0, tokens: 0, examples: ["call-3"] },
      ],
    ],
  ] as const)("by %s", async (groupBy, rows) => {
    expect((await usageOf(calls, { groupBy })).rows).toEqual(rows);
  });

  test("that are too many are counted by the query; by time the newest stay", async () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ time: at(index), subscription: `team-${index}` }));
    expect(await usageOf(many, { groupBy: ["subscription"], limit: 7 })).toMatchObject({ rows: { length: 7 }, leftOut: 23 });
    const newest = await usageOf(many, { groupBy: ["time"], limit: 2 });
    expect(newest).toMatchObject({ rows: [{ time: at(20) }, { time: at(25) }], leftOut: 4 });
  });
});

describe("what is included", () => {
  test("tokens per minute, over all minutes and for each region", async () => {
    const calls: readonly LoggedCall[] = [
      { time: at(3, 1), tokens: [300, 300] },
      { time: at(3, 59), region: "West Europe", tokens: [0, 300] },
      { time: at(10), subscription: "labs", tokens: [60, 0] },
    ];
    const { totals, rows } = await usageOf(calls, { include: ["tpm"], groupBy: ["subscription"] });
    expect(totals.tpm).toEqual({ average: 16, p95: 0, peak: 900 });
    expect(totals.tpm_by_region).toEqual({
      "East US": { average: 11, p95: 0, peak: 600 },
      "West Europe": { average: 5, p95: 0, peak: 300 },
    });
    expect(rows.map(({ subscription, tpm, tpm_by_region }) => [subscription, tpm?.peak, tpm_by_region?.["West Europe"]?.peak])).toEqual([
      ["growth", 900, 300],
      ["labs", 60, undefined],
    ]);
  });

  test("latency by percentile; the backend's of calls that reached one", async () => {
    const calls = Array.from({ length: 100 }, (_, index) => ({ time: at(1), ms: [index + 11, index + 1] as const }));
    const { totals } = await usageOf([...calls, { time: at(1), ...refused, ms: [1, 0] }], { include: ["latency"] });
    expect(totals.latency_ms?.backend).toEqual({ p50: 50, p95: 95, p99: 99 });
    expect(totals.latency_ms?.gateway).toEqual({ p50: 10, p95: 10, p99: 10 });
    expect(totals.latency_ms?.total?.p99).toBe(109);
  });

  test.each<[string, readonly LoggedCall[], object]>([
    ["nothing cached", [{ time: at(1), tokens: [1, 1] }], { tokens_saved: 0 }],
    [
      "hits without tokens: an estimate by the mean of calls like them",
      [
        { time: at(1), tokens: [10, 20] },
        { time: at(2), tokens: [30, 40] },
        { time: at(3), backendCode: null, cache: "hit", trace: "semantic-cache=hit" },
        { time: at(4), trace: "semantic-cache=miss", tokens: [25, 25] },
      ],
      {
        tokens_saved: 50,
        method: expect.stringContaining("estimate"),
        estimators: {
          "column Cache": { hits: 1, misses: 0, hit_rate: "unknown" },
          "no backend call": { hits: 1, misses: 3, hit_rate: 25 },
          "trace semantic-cache": { hits: 1, misses: 1, hit_rate: 50 },
        },
      },
    ],
    [
      "hits without tokens: other teams, other APIs and other hours have other calls",
      [
        ...[9000, 9400].map((prompt) => ({ time: at(1), subscription: "analytics", tokens: [prompt, 600] as const })),
        { time: at(1), api: "batch", tokens: [50_000, 1000] },
        { time: "2026-11-20T06:30:00Z", tokens: [7000, 700] },
        { time: at(1), tokens: [30, 5] },
        { time: at(2), backendCode: null },
        { time: at(3), backendCode: null },
      ],
      {
        tokens_saved: 70,
        method: expect.stringMatching(/^estimate: mean tokens of the same team's and API's calls to a backend in the same hour/),
      },
    ],
    [
      "hits that no call is like are not estimated",
      [
        { time: at(1), tokens: [30, 5] },
        { time: at(2), backendCode: null },
        { time: at(3), subscription: "labs", backendCode: null },
      ],
      { tokens_saved: 35, method: expect.stringMatching(/^estimate of 1 of 2 hits, the others unknown/) },
    ],
    ["no calls at all", [], { tokens_saved: 0, method: "no call succeeded" }],
    [
      "hits with tokens",
      [
        { time: at(1), backendCode: null, tokens: [5, 5] },
        { time: at(2), tokens: [100, 0] },
      ],
      { tokens_saved: 10, method: expect.stringContaining("logged") },
    ],
    ["nothing to estimate by", [{ time: at(1), backendCode: null }, { time: at(2) }], { tokens_saved: "unknown" }],
  ])("cache: %s", async (_, calls, cache) => {
    expect((await usageOf(calls, { include: ["cache"] })).totals.cache).toMatchObject(cache);
  });

  test("shares of the backends, at the points where they change", async () => {
    const east = "https://aoai-eastus.openai.azure.com/openai";
    const west = "https://aoai-westeurope.openai.azure.com/openai";
    const calls = [0, 5, 10, 15, 20].flatMap((minute) => [
      { time: at(minute), backendUrl: minute < 10 ? east : west, ...(minute === 5 ? { code: 503 } : {}) },
    ]);
    const named = backendNames([
      { id: "backends/east", properties: { url: east } },
      { id: "backends/west", properties: { url: west } },
    ]);
    const { totals } = await usageOf(calls, { include: ["backends"], backendName: named });
    expect(totals.backends).toEqual({
      of_window: { west: { requests: 3, failed: 0, percent: 60 }, east: { requests: 2, failed: 1, percent: 40 } },
      by_time: [
        { time: at(0), percent: { east: 100 } },
        { time: at(10), percent: { west: 100 } },
      ],
      left_out: 0,
    });
  });
});

test.each([
  ["one on the host", "aoai-eastus.openai.azure.com/gpt-4o", "plain"],
  ["by its deployment where several are", "shared.openai.azure.com/mini", "mini"],
  ["as it is where none of several fits", "shared.openai.azure.com/other", "shared.openai.azure.com/other"],
  ["as it is where none is known", "elsewhere.example.net", "elsewhere.example.net"],
])("a backend is named: %s", (_, place, name) => {
  const names = backendNames([
    { id: "backends/plain", properties: { url: "https://AOAI-eastus.openai.azure.com/openai" } },
    { id: "backends/mini", properties: { url: "https://shared.openai.azure.com/openai/deployments/mini" } },
    { id: "backends/large", properties: { url: "https://shared.openai.azure.com/openai/deployments/large" } },
    { id: "backends/pool", properties: { type: "Pool" } },
  ]);
  expect(names(place)).toBe(name);
});

test("for any calls, logs and platform metrics agree on how each ended, and sums are whole", async () => {
  const call = fc.record({
    code: fc.constantFrom(null, 0, 200, 304, 400, 401, 403, 404, 429, 500, 502, 503, 504),
    backendCode: fc.constantFrom(null, 0, 200, 403, 429, 500, 503),
    reason: fc.constantFrom(
      "",
      "OpenAITokenLimitExceeded",
      "OpenAITokenQuotaExceeded",
      "RateLimitExceeded",
      "QuotaExceeded",
      "Timeout",
      "BackendConnectionFailure",
      "ClientConnectionFailure",
      "JwtInvalid",
    ),
    minute: fc.nat(59),
    subscription: fc.constantFrom("growth", "labs", null),
    region: fc.constantFrom("East US", "West Europe"),
    tokens: fc.option(fc.tuple(fc.nat(5000), fc.nat(5000)), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (generated) => {
      const calls = generated.map(({ minute, tokens, ...rest }) => ({
        ...rest,
        time: at(minute),
        ...(tokens === undefined ? {} : { tokens }),
      }));
      const { totals, rows, leftOut } = await usageOf(calls, { groupBy: ["cause"], include: includes, limit: 200 });
      const known = (code: number | null): number | null => (code === 0 ? null : code);
      const causes = generated.map(({ code, backendCode, reason }) =>
        causeName(outcomeOf({ gatewayCode: known(code), backendCode: known(backendCode), reason: reason === "" ? null : reason })),
      );
      const expected = Object.fromEntries([...new Set(causes)].map((cause) => [cause, causes.filter((other) => other === cause).length]));
      expect(Object.fromEntries(rows.map(({ cause, requests }) => [cause, requests]))).toEqual(expected);
      expect(leftOut).toBe(0);
      expect(totals.requests).toBe(calls.length);
      const { succeeded = 0, rejected = 0 } = totals.outcomes ?? {};
      expect(Number(succeeded) + Number(rejected) + Number(totals.throttled.total) + Number(totals.errors.total)).toBe(calls.length);
      const tokens = generated.reduce((sum, { tokens: [prompt, completion] = [0, 0] }) => sum + prompt + completion, 0);
      if (totals.tokens !== "unknown") expect(totals.tokens).toBe(tokens);
      if (typeof totals.tpm?.average === "number") expect(totals.tpm.average).toBeCloseTo(tokens / 60, 0);
    }),
    { numRuns: 25 },
  );
}, 60_000);
