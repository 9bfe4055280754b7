import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { serviceMetrics as metrics } from "../../src/sandbox/monitor/catalogue.ts";
import { type History, historyOf } from "../../src/sandbox/monitor/history.ts";
import { pastHistory } from "../../src/sandbox/monitor/past-calls.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { answerOf, openSandbox, origin } from "./client.ts";
import { fixture, fixtureNote, hasFixtures } from "./fixtures.ts";

interface Series {
  readonly metadatavalues: readonly { readonly name: { readonly value: string }; readonly value: string }[];
  readonly data: readonly Readonly<Record<string, string | number>>[];
}

interface MetricAnswer {
  readonly id: string;
  readonly name: { readonly value: string };
  readonly unit: string;
  readonly errorCode: string;
  readonly timeseries: readonly Series[];
}

interface Metrics {
  readonly timespan: string;
  readonly interval: string;
  readonly value: readonly MetricAnswer[];
  readonly code: string;
  readonly message: string;
}

const timing = (average: number) => ({ average, minimum: average / 2, maximum: average * 2 });
const ok = {
  apiId: "openai",
  location: "East US",
  gatewayResponseCode: 200,
  backendResponseCode: 200,
  lastErrorReason: null,
  duration: timing(100),
  backendDuration: timing(80),
};
const limited = {
  ...ok,
  gatewayResponseCode: 429,
  backendResponseCode: null,
  lastErrorReason: "OpenAITokenLimitExceeded",
  duration: timing(4),
  backendDuration: null,
};

const history = historyOf([
  { ...ok, minute: "2026-01-01T10:00:00Z", requests: 10 },
  { ...limited, minute: "2026-01-01T10:00:30Z", requests: 2 },
  { ...ok, minute: "2026-01-01T10:02:00Z", requests: 30, duration: timing(200) },
  { ...ok, minute: "2026-01-01T10:02:00Z", requests: 5, apiId: "other", location: "West Europe" },
  { ...ok, minute: "2026-01-01T10:30:00Z", requests: 1 },
]);

const since = "2026-01-01T10:00:00Z";

async function ask(query: Record<string, string>, world: { history?: History; now?: string } = {}): Promise<Metrics & { status: number }> {
  const { sandbox } = openSandbox({ seed: "empty", clock: movableClock(new Date(world.now ?? "2026-01-01T11:00:00Z")) });
  sandbox.world.history = world.history ?? history;
  const parameters = new URLSearchParams({
    "api-version": "2024-02-01",
    metricnames: "Requests",
    timespan: `${since}/2026-01-01T10:05:00Z`,
    ...query,
  });
  const url = `${origin}//${sandboxService.resourceId}/providers/Microsoft.Insights/metrics?${parameters}`;
  const answer = await answerOf(await sandbox.fetch(new Request(url, { headers: { authorization: `Bearer ${sandbox.token}` } })));
  return { status: answer.status, ...JSON.parse(answer.text) };
}

const named = ({ metadatavalues }: Series): Record<string, string> =>
  Object.fromEntries(metadatavalues.map(({ name, value }) => [name.value, value]));
const totals = ({ data }: Series): unknown[] => data.map(({ total }) => total);
const seriesOf = ({ value }: Metrics): readonly Series[] => value[0]?.timeseries ?? [];

describe("the answer", () => {
  test("one series without a filter; a point without data carries its time alone", async () => {
    const answer = await ask({ aggregation: "Total,Maximum" });
    expect(answer).toMatchObject({ status: 200, timespan: `${since}/2026-01-01T10:05:00Z`, interval: "PT1M" });
    expect(answer.value).toHaveLength(1);
    expect(answer.value[0]).toMatchObject({
      id: `${sandboxService.resourceId}/providers/Microsoft.Insights/metrics/Requests`,
      type: "Microsoft.Insights/metrics",
      name: { value: "Requests" },
      unit: "Count",
      errorCode: "Success",
    });
    expect(seriesOf(answer)).toEqual([
      {
        metadatavalues: [],
        data: [
          { timeStamp: "2026-01-01T10:00:00Z", total: 12, maximum: 10 },
          { timeStamp: "2026-01-01T10:01:00Z" },
          { timeStamp: "2026-01-01T10:02:00Z", total: 35, maximum: 30 },
          { timeStamp: "2026-01-01T10:03:00Z" },
          { timeStamp: "2026-01-01T10:04:00Z" },
        ],
      },
    ]);
  });

  test("a filter splits by '*' and keeps by value; names come back in lower case", async () => {
    const answer = await ask({ $filter: "ApiId eq 'OPENAI' and GatewayResponseCode eq '*' and LastErrorReason eq '*'" });
    expect(seriesOf(answer).map(named)).toEqual([
      { apiid: "openai", gatewayresponsecode: "200", lasterrorreason: "None" },
      { apiid: "openai", gatewayresponsecode: "429", lasterrorreason: "OpenAITokenLimitExceeded" },
    ]);
    expect(seriesOf(answer).map(totals)).toEqual([
      [10, undefined, 30, undefined, undefined],
      [2, undefined, undefined, undefined, undefined],
    ]);
  });

  test("longer intervals add up from the start of the timespan", async () => {
    const answer = await ask({ timespan: `2026-01-01T10:00:20Z/2026-01-01T10:31:00Z`, interval: "PT15M" });
    expect(seriesOf(answer)[0]?.data).toEqual([
      { timeStamp: "2026-01-01T10:00:00Z", total: 47 },
      { timeStamp: "2026-01-01T10:15:00Z" },
      { timeStamp: "2026-01-01T10:30:00Z", total: 1 },
    ]);
  });

  test("durations are weighted by requests; a refused request has no backend", async () => {
    const answer = await ask({
      metricnames: "Duration,BackendDuration",
      aggregation: "average,minimum,maximum",
      interval: "PT5M",
      $filter: "ApiId eq 'openai'",
    });
    const [duration, backendDuration] = answer.value.map(({ timeseries }) => timeseries[0]?.data[0]);
    expect(duration).toMatchObject({ average: (10 * 100 + 2 * 4 + 30 * 200) / 42, minimum: 2, maximum: 400 });
    expect(backendDuration).toMatchObject({ average: 80, minimum: 40, maximum: 160 });
  });

  test("each metric has its own first aggregation where none is asked for", async () => {
    const answer = await ask({ metricnames: "Requests,Duration", interval: "PT5M" });
    expect(answer.value.map(({ timeseries }) => Object.keys(timeseries[0]?.data[0] ?? {}))).toEqual([
      ["timeStamp", "total"],
      ["timeStamp", "average"],
    ]);
  });

  test("nothing of the running minute, nothing of the future", async () => {
    const answer = await ask({}, { now: "2026-01-01T10:02:59Z" });
    expect(seriesOf(answer).map(totals)).toEqual([[12, undefined, undefined, undefined, undefined]]);
  });

  test("no data beyond 93 days", async () => {
    const days = historyOf([
      { ...ok, minute: "2026-01-01T10:00:00Z", requests: 1 },
      { ...ok, minute: "2026-01-01T10:01:00Z", requests: 2 },
    ]);
    const answer = await ask({}, { history: days, now: "2026-04-04T10:01:59Z" });
    expect(seriesOf(answer).map(totals)).toEqual([[undefined, 2, undefined, undefined, undefined]]);
  });

  test("ten series where a filter is given, more where asked for, the largest first", async () => {
    const many = historyOf(
      Array.from({ length: 15 }, (_, index) => ({ ...ok, minute: since, apiId: `api-${index}`, requests: index + 1 })),
    );
    const ten = seriesOf(await ask({ $filter: "ApiId eq '*'" }, { history: many }));
    expect(ten.map((series) => named(series).apiid)).toEqual(Array.from({ length: 10 }, (_, index) => `api-${14 - index}`));
    expect(seriesOf(await ask({ $filter: "ApiId eq '*'", top: "1000" }, { history: many }))).toHaveLength(15);
    expect(seriesOf(await ask({ $filter: "ApiId eq '*'", top: "1" }, { history: many }))).toHaveLength(1);
  });

  test("the last hour where no timespan is given", async () => {
    const { sandbox } = openSandbox({ seed: "empty", clock: movableClock(new Date("2026-01-01T10:40:30Z")) });
    sandbox.world.history = history;
    const url = `${origin}${sandboxService.resourceId}/providers/Microsoft.Insights/metrics?api-version=2024-02-01&metricnames=requests`;
    const answer = await answerOf(await sandbox.fetch(new Request(url, { headers: { authorization: `Bearer ${sandbox.token}` } })));
    expect(answer.text).toContain('"timespan":"2026-01-01T09:40:00Z/2026-01-01T10:40:30Z"');
  });
});

describe("what is refused, in Azure Monitor's form", () => {
  const refused: readonly (readonly [name: string, query: Record<string, string>, message: string])[] = [
    [
      "an unknown metric",
      { metricnames: "Tokens" },
      "Failed to find metric configuration for provider: Microsoft.ApiManagement, resource Type: service, metric: Tokens, Valid metrics: Requests,Duration,",
    ],
    ["no metric", { metricnames: "" }, "At least one metric name"],
    ["more than twenty", { metricnames: Array.from({ length: 21 }, () => "Requests").join(",") }, "21 bigger than allowed max: 20"],
    [
      "an aggregation that the metric does not have",
      { aggregation: "Average" },
      "Metric: Requests does not support requested aggregation: average, supported ones are: total,maximum,minimum",
    ],
    [
      "one of two metrics without the aggregation",
      { metricnames: "Requests,Duration", aggregation: "Total" },
      "Metric: Duration does not support",
    ],
    ["an unknown aggregation", { aggregation: "P95" }, "Aggregation 'P95' is not supported"],
    [
      "a dimension that the metric does not have",
      { metricnames: "Duration", aggregation: "Average", $filter: "GatewayResponseCode eq '*'" },
      "Metric: Duration does not support requested dimension combination: gatewayresponsecode, supported ones are: Location,Hostname,ApiId",
    ],
    [
      "a dimension that there is not",
      { $filter: "Subscription eq 'growth'" },
      "does not support requested dimension combination: subscription",
    ],
    ["an interval that there is not", { interval: "PT3M" }, "can not support requested time grain: PT3M"],
    ["another operator", { $filter: "ApiId ne 'x'" }, "does not understand $filter"],
    ["an unfinished filter", { $filter: "ApiId eq 'x' and " }, "does not understand $filter"],
    ["or", { $filter: "ApiId eq 'x' or ApiId eq 'y'" }, "does not understand $filter"],
    ["a reversed timespan", { timespan: "2026-01-01T11:00:00Z/2026-01-01T10:00:00Z" }, "Start time cannot be after"],
    ["half a timespan", { timespan: since }, "is not 'start/end'"],
    ["no number of series", { top: "0", $filter: "ApiId eq '*'" }, "'top' must be"],
    ["an order", { orderby: "total desc" }, "does not know the parameter 'orderby'"],
  ];
  test("a timespan that ended 93 days ago", async () => {
    const timespan = `${since}/2026-01-01T15:05:00Z`;
    const ask93 = (now: string) => ask({ timespan }, { now });
    expect(await ask93("2026-04-04T15:06:00Z")).toMatchObject({
      status: 400,
      code: "BadRequest",
      message: "Query endTime: 1/1/2026 3:05:00 PM is out of the Max metrics retention period: 93.00:00:00",
    });
    expect((await ask93("2026-04-04T15:04:59Z")).status).toBe(200);
  });

  test.each(refused)("%s", async (_, query, message) => {
    const answer = await ask(query);
    expect(answer.status).toBe(400);
    expect(answer.code).toBe("BadRequest");
    expect(answer.message).toContain(message);
  });
});

describe("the demo's history", () => {
  const end = new Date("2036-01-01");
  const past = pastHistory(end);
  const minute = fc.date({ min: new Date("2020-01-01"), max: new Date("2035-01-01"), noInvalidDate: true });

  test("is the same for every reader, at any time", () => {
    fc.assert(
      fc.property(minute, (time) => {
        const traffic = past.traffic(time);
        expect(pastHistory(end).traffic(time)).toEqual(traffic);
        for (const { requests, duration, backendDuration } of traffic) {
          expect(requests).toBeGreaterThan(0);
          for (const { minimum, average, maximum } of [duration, ...(backendDuration === null ? [] : [backendDuration])]) {
            expect(minimum).toBeLessThanOrEqual(average);
            expect(average).toBeLessThanOrEqual(maximum);
          }
        }
        const load = past.load(time);
        expect(load?.cpuPercent).toBeGreaterThan(0);
        expect(load?.cpuPercent).toBeLessThan(100);
      }),
    );
  });

  test("ends where it is told to, within a minute too", () => {
    const time = new Date("2026-01-05T12:00:00Z");
    const total = (until: Date) =>
      pastHistory(until)
        .traffic(time)
        .reduce((sum, { requests }) => sum + requests, 0);
    const whole = total(end);
    expect(total(time)).toBe(0);
    expect(total(new Date("2026-01-05T12:00:30Z"))).toBeGreaterThan(0);
    expect(total(new Date("2026-01-05T12:00:30Z"))).toBeLessThan(whole);
    expect(total(new Date("2026-01-05T12:01:00Z"))).toBe(whole);
  });

  test("a day: busier at noon, some refused by the token limit, a few failures", () => {
    const count = (from: string, hours: number) => {
      const causes = new Map<string, number>();
      for (let index = 0; index < hours * 60; index++) {
        for (const { gatewayResponseCode, lastErrorReason, requests } of past.traffic(new Date(Date.parse(from) + index * 60_000))) {
          const cause = `${gatewayResponseCode} ${lastErrorReason ?? ""}`.trim();
          causes.set(cause, (causes.get(cause) ?? 0) + requests);
        }
      }
      return causes;
    };
    const week = count("2026-01-05T00:00:00Z", 24 * 7);
    const all = [...week.values()].reduce((sum, requests) => sum + requests, 0);
    const share = (cause: string): number => (week.get(cause) ?? 0) / all;
    expect(all / 7).toBeGreaterThan(4000);
    expect(share("429 OpenAITokenLimitExceeded")).toBeGreaterThan(0.003);
    expect(share("429 OpenAITokenLimitExceeded")).toBeLessThan(0.05);
    for (const failure of ["429", "500"]) {
      expect(share(failure)).toBeGreaterThan(0.001);
      expect(share(failure)).toBeLessThan(0.01);
    }
    expect(count("2026-01-05T12:00:00Z", 1).get("200") ?? 0).toBeGreaterThan(3 * (count("2026-01-05T22:00:00Z", 1).get("200") ?? 0));
  });

  test("gateway load, for the v2 tiers", async () => {
    const answer = await ask(
      { metricnames: "CpuPercent_Gateway,MemoryPercent_Gateway", aggregation: "average,maximum" },
      { history: past },
    );
    for (const { timeseries } of answer.value)
      expect(timeseries[0]?.data[0]).toMatchObject({ average: expect.any(Number), maximum: expect.any(Number) });
  });
});

describe.skipIf(!hasFixtures)(`against what Microsoft publishes${fixtureNote}`, () => {
  test("the catalogue of metrics", () => {
    const published = fixture<{ metrics: { name: string; unit: string; aggregations: string[]; dimensions: string[] }[] }>(
      "monitor/apim-platform-metrics.json",
    );
    const ours = metrics.map(({ name, unit, aggregations, dimensions }) => ({
      name,
      unit,
      aggregations: [...aggregations].sort(),
      dimensions,
    }));
    expect(ours).toEqual(
      published.metrics.map(({ name, unit, aggregations, dimensions }) => ({
        name,
        unit,
        aggregations: aggregations.map((aggregation) => aggregation.toLowerCase()).sort(),
        dimensions,
      })),
    );
  });

  test("the members of an answer", async () => {
    const { body } = fixture<{ body: Metrics }>("monitor/metrics-list.spec.json");
    const answer = await ask({ aggregation: "total", $filter: "ApiId eq '*'" });
    const members = (value: object): string[] => Object.keys(value).sort();
    const { status: _, ...top } = answer;
    expect(members(top)).toEqual(members(body));
    const [ours, theirs] = [answer.value[0], body.value[0]];
    if (ours === undefined || theirs === undefined) throw new Error("no metric");
    expect(members(ours)).toEqual(members(theirs));
    expect(members(ours.timeseries[0] ?? {})).toEqual(members(theirs.timeseries[0] ?? {}));
    expect(members(ours.timeseries[0]?.metadatavalues[0] ?? {})).toEqual(members(theirs.timeseries[0]?.metadatavalues[0] ?? {}));
  });
});
