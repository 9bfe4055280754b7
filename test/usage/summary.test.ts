import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MetricSeries } from "../../src/gateway/ports.ts";
import { type Grouping, platformQueries } from "../../src/usage/platform-metrics.ts";
import { summarize } from "../../src/usage/summary.ts";

const now = new Date("2026-03-15T12:00:00Z");
const window = { since: new Date("2026-03-15T11:00:00Z"), until: now };
const minute = (index: number) => new Date(window.since.getTime() + index * 60_000).toISOString();

interface Ended {
  readonly code?: string;
  readonly backend?: string;
  readonly reason?: string;
  readonly region?: string;
}

const requests = (ended: Ended, ...totals: (number | undefined)[]): MetricSeries => ({
  metric: "Requests",
  dimensions: {
    gatewayresponsecode: ended.code ?? "200",
    backendresponsecode: ended.backend ?? ended.code ?? "200",
    lasterrorreason: ended.reason ?? "None",
    ...(ended.region === undefined ? {} : { location: ended.region }),
  },
  points: totals.map((total, index) => ({ time: minute(index), values: total === undefined ? {} : { total } })),
});

const average = (metric: "Duration" | "BackendDuration", ...averages: (number | undefined)[]): MetricSeries => ({
  metric,
  dimensions: {},
  points: averages.map((value, index) => ({ time: minute(index), values: value === undefined ? {} : { average: value } })),
});

const summary = (
  series: readonly MetricSeries[],
  more: { groupBy?: readonly Grouping[]; limit?: number; problems?: readonly string[] } = {},
) =>
  summarize({
    window,
    interval: "PT1M",
    answers: [{ series, problems: more.problems ?? [] }],
    include: ["outcomes", "latency"],
    now,
    ...more,
  });

describe("platformQueries", () => {
  test("asks for requests by ending and for durations apart, of one API", () => {
    expect(platformQueries({ window, interval: "PT1M", apiId: "openai" })).toEqual([
      {
        ...window,
        interval: "PT1M",
        metrics: ["Requests"],
        aggregations: ["total"],
        dimensions: { ApiId: "openai", GatewayResponseCode: "*", BackendResponseCode: "*", LastErrorReason: "*" },
      },
      { ...window, interval: "PT1M", metrics: ["Duration", "BackendDuration"], aggregations: ["average"], dimensions: { ApiId: "openai" } },
    ]);
  });

  test("of all APIs, by region where rows need it", () => {
    const dimensions = platformQueries({ window, interval: "PT1M", groupBy: ["region", "time"] }).map((query) => query.dimensions);
    expect(dimensions).toEqual([
      { Location: "*", GatewayResponseCode: "*", BackendResponseCode: "*", LastErrorReason: "*" },
      { Location: "*" },
    ]);
  });
});

describe("summarize", () => {
  const busy = [
    requests({}, 90, 10),
    requests({ code: "429", backend: "", reason: "OpenAITokenLimitExceeded" }, 5, undefined, 2),
    requests({ code: "403", backend: "0", reason: "QuotaExceeded" }, 3),
    requests({ code: "429", backend: "429" }, 4),
    requests({ code: "401", backend: "", reason: "SubscriptionKeyInvalid" }, 6),
    requests({ code: "503", backend: "503" }, 7),
    requests({ code: "503", backend: "" }, 1),
  ];

  test("counts by outcome", () => {
    expect(summary(busy).totals).toEqual({
      requests: 128,
      outcomes: { succeeded: 100, rejected: 6 },
      throttled: {
        total: 14,
        by_origin: [
          { origin: "gateway:token-rate-limit", requests: 7 },
          { origin: "backend:429", requests: 4 },
          { origin: "gateway:call-quota", requests: 3 },
        ],
      },
      errors: {
        total: 8,
        by_cause: [
          { cause: "backend", requests: 7 },
          { cause: "breaker-open (inferred)", requests: 1 },
        ],
      },
      tokens: "unknown",
      latency_ms: { total: { average: "unknown" }, backend: { average: "unknown" } },
    });
  });

  test("rows by cause, most requests first", () => {
    const { rows, left_out } = summary(busy, { groupBy: ["cause"], limit: 3 });
    expect(rows.map((row) => [row.cause, row.requests])).toEqual([
      ["succeeded", 100],
      ["error:backend", 7],
      ["gateway:token-rate-limit", 7],
    ]);
    expect(left_out).toBe(4);
  });

  test("rows by time keep the newest where there are too many", () => {
    const { rows, left_out } = summary(busy, { groupBy: ["time"], limit: 2 });
    expect(rows).toEqual([
      { time: minute(1), requests: 10, throttled: 0, errors: 0, outcomes: { succeeded: 10, rejected: 0 } },
      { time: minute(2), requests: 2, throttled: 2, errors: 0, outcomes: { succeeded: 0, rejected: 0 } },
    ]);
    expect(left_out).toBe(1);
  });

  test("rows by two groupings", () => {
    const series = [requests({ region: "West Europe" }, 2, 2), requests({ region: "East US", code: "500" }, 3)];
    expect(summary(series, { groupBy: ["region", "cause"] }).rows).toEqual([
      { region: "West Europe", cause: "succeeded", requests: 4, throttled: 0, errors: 0, outcomes: { succeeded: 4, rejected: 0 } },
      { region: "East US", cause: "error:backend", requests: 3, throttled: 0, errors: 3, outcomes: { succeeded: 0, rejected: 0 } },
    ]);
  });

  test.each(["subscription", "product", "operation", "backend", "model"] as const)(
    "has no rows by %s, and says where they are",
    (grouping) => {
      const { rows, left_out, notes } = summary(busy, { groupBy: ["time", grouping] });
      expect([rows, left_out]).toEqual([[], 0]);
      expect(notes.filter((note) => note.includes(`no ${grouping}`) && note.includes("resource logs"))).toHaveLength(1);
    },
  );

  test("a quiet window has no requests, and the answer says so", () => {
    const { totals, rows, notes } = summary([requests({}, undefined)], { groupBy: ["time"] });
    expect(totals.requests).toBe(0);
    expect(totals.latency_ms).toEqual({ total: { average: "unknown" }, backend: { average: "unknown" } });
    expect(rows).toEqual([]);
    expect(notes).toContain("Platform metrics show no requests in this window.");
  });

  test("a metric that failed leaves its numbers unknown", () => {
    const { totals, notes } = summary([], { problems: ["Requests: InternalServerError"] });
    expect(totals.requests).toBe("unknown");
    expect(totals.outcomes).toEqual({ succeeded: "unknown", rejected: "unknown" });
    expect([totals.throttled.total, totals.errors.total]).toEqual(["unknown", "unknown"]);
    expect(notes.join()).toContain("InternalServerError");
    expect(notes.join()).not.toContain("no requests");
  });

  test("a window that Azure no longer keeps is unknown, not empty", () => {
    const old = { since: new Date("2025-11-01T00:00:00Z"), until: new Date("2025-11-02T00:00:00Z") };
    const { totals, notes } = summarize({ window: old, interval: "PT15M", answers: [{ series: [], problems: [] }], now });
    expect(totals.requests).toBe("unknown");
    expect(notes.join()).toContain("93 days");
  });

  test("says that a window within minutes is counted by whole ones", () => {
    const cut = { since: new Date("2026-03-15T11:30:20Z"), until: now };
    const { notes, sources } = summarize({ window: cut, interval: "PT1H", answers: [], now });
    expect(notes.join()).toContain("whole minutes");
    expect(sources).toEqual([{ name: "platform metrics (Azure Monitor)", resolution: "PT1H", lag: "about 1 minute" }]);
  });

  test("weighs latency by requests, the backend's by those that reached it", () => {
    const series = [
      requests({}, 90, 10),
      requests({ code: "429", backend: "", reason: "OpenAITokenLimitExceeded" }, 0, 90),
      average("Duration", 1000, 100),
      average("BackendDuration", 900, 400),
    ];
    const { totals, notes } = summary(series);
    // 90 requests of 1000 ms and 100 of 100 ms; at the backend 90 of 900 ms and 10 of 400 ms.
    expect(totals.latency_ms).toEqual({ total: { average: 526 }, backend: { average: 850 } });
    expect(notes.join()).not.toContain("plain mean");
  });

  test("a latency that nothing weighs is a plain mean, and the answer says so", () => {
    const { totals, notes } = summary([average("Duration", 100, undefined, 300)]);
    expect(totals.latency_ms).toEqual({ total: { average: 200 }, backend: { average: "unknown" } });
    expect(notes.join()).toContain("plain mean");
  });
});

describe("for any series", () => {
  const ended = fc.record({
    code: fc.constantFrom("200", "201", "304", "400", "401", "403", "404", "429", "500", "502", "503", "504", "0", ""),
    backend: fc.constantFrom("", "0", "None", "200", "403", "429", "500", "503"),
    reason: fc.constantFrom(
      "",
      "None",
      "OpenAITokenLimitExceeded",
      "OpenAITokenQuotaExceeded",
      "QuotaExceeded",
      "Timeout",
      "ClientConnectionFailure",
      "New",
    ),
    region: fc.constantFrom("East US", "West Europe"),
  });
  const totals = fc.array(fc.option(fc.nat(1000), { nil: undefined }), { maxLength: 5 });
  const averages = fc.array(fc.option(fc.nat(100_000), { nil: undefined }), { maxLength: 5 });
  const anySeries = fc.tuple(fc.array(fc.tuple(ended, totals), { maxLength: 12 }), averages, averages).map(([counted, whole, backend]) => ({
    sent: counted.flatMap(([, values]) => values).reduce<number>((sum, value) => sum + (value ?? 0), 0),
    series: [
      ...counted.map(([how, values]) => requests(how, ...values)),
      average("Duration", ...whole),
      average("BackendDuration", ...backend),
    ],
    whole: whole.filter((value) => value !== undefined),
  }));
  const add = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0);

  test("every request is counted once, in the totals and in the rows", () => {
    fc.assert(
      fc.property(
        anySeries,
        fc.uniqueArray(fc.constantFrom("region", "cause", "time"), { minLength: 1, maxLength: 2 }),
        ({ sent, series }, groupBy) => {
          const { totals: total, rows } = summary(series, { groupBy, limit: 1000 });
          expect(total.requests).toBe(sent);
          expect(add([total.outcomes?.succeeded, total.outcomes?.rejected, total.throttled.total, total.errors.total].map(Number))).toBe(
            sent,
          );
          expect(add(total.throttled.by_origin.map((row) => row.requests))).toBe(total.throttled.total);
          expect(add(total.errors.by_cause.map((row) => row.requests))).toBe(total.errors.total);
          expect(add(rows.map((row) => row.requests ?? 0))).toBe(sent);
          for (const row of rows)
            expect(add([row.outcomes?.succeeded, row.throttled, row.outcomes?.rejected, row.errors].map(Number))).toBe(row.requests);
        },
      ),
    );
  });

  test("an average lies between the points that it is made of", () => {
    fc.assert(
      fc.property(anySeries, ({ series, whole }) => {
        const total = summary(series).totals.latency_ms?.total?.average;
        if (whole.length === 0) expect(total).toBe("unknown");
        else {
          expect(total).toBeGreaterThanOrEqual(Math.min(...whole));
          expect(total).toBeLessThanOrEqual(Math.max(...whole));
        }
      }),
    );
  });

  test("rows that are left out are counted", () => {
    fc.assert(
      fc.property(anySeries, fc.integer({ min: 1, max: 6 }), ({ series }, limit) => {
        const all = summary(series, { groupBy: ["time", "cause"], limit: 1000 }).rows;
        const { rows, left_out } = summary(series, { groupBy: ["time", "cause"], limit });
        expect(rows).toEqual(all.slice(-limit));
        expect(rows.length + left_out).toBe(all.length);
      }),
    );
  });
});
