import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { MetricsQuery } from "../../src/gateway/ports.ts";
import { type Answer, failureOf, gatewayOver, neverAborted, serviceId, token, wire } from "./wire.ts";

const query: MetricsQuery = {
  metrics: ["Requests", "Duration"],
  since: new Date("2026-11-20T10:00:00Z"),
  until: new Date("2026-11-20T11:00:00Z"),
  interval: "PT5M",
  aggregations: ["total", "average"],
  dimensions: {},
};

const metricsOver = (answer: Answer | Error, signal = neverAborted) => {
  const { fetch, sent } = wire(() => answer);
  return { metrics: gatewayOver(fetch).metrics(signal), sent };
};

const nothing: Answer = { body: { value: [] } };

describe("the request", () => {
  it("asks for what was asked, and for no other grain", async () => {
    const { metrics, sent } = metricsOver(nothing);
    await metrics.platform(query);
    const [request] = sent;
    expect(request?.url.pathname).toBe(`${serviceId}/providers/Microsoft.Insights/metrics`);
    expect(Object.fromEntries(request?.url.searchParams ?? [])).toEqual({
      "api-version": "2024-02-01",
      timespan: "2026-11-20T10:00:00.000Z/2026-11-20T11:00:00.000Z",
      interval: "PT5M",
      metricnames: "Requests,Duration",
      aggregation: "total,average",
      AutoAdjustTimegrain: "false",
    });
    expect(request?.headers.get("authorization")).toBe(`Bearer ${token}`);
    expect(request?.headers.get("user-agent")).toMatch(/^azure-ai-gateway-mcp\//);
  });

  it("filters by dimensions, quotes doubled, and raises the limit of ten series", async () => {
    const { metrics, sent } = metricsOver(nothing);
    await metrics.platform({ ...query, dimensions: { ApiId: "o'brien", GatewayResponseCode: "*" } });
    expect(sent[0]?.url.searchParams.get("$filter")).toBe("ApiId eq 'o''brien' and GatewayResponseCode eq '*'");
    expect(sent[0]?.url.searchParams.get("top")).toBe("1000");
  });
});

describe("the answer", () => {
  const series = (code: string, data: object[]) => ({ metadatavalues: [{ name: { value: "GatewayResponseCode" }, value: code }], data });

  it("is series with lower-case dimensions; empty points have no values", async () => {
    const { metrics } = metricsOver({
      body: JSON.parse(
        JSON.stringify({
          value: [
            {
              name: { value: "Requests" },
              errorCode: "Success",
              timeseries: [
                series("200", [{ timeStamp: "2026-11-20T10:00:00Z", total: 7, count: 7 }, { timeStamp: "2026-11-20T10:05:00Z" }]),
                series("429", [{ timeStamp: "2026-11-20T10:00:00Z", total: 0, average: 0 }]),
              ],
            },
          ],
        }),
      ),
    });
    expect(await metrics.platform(query)).toEqual({
      series: [
        {
          metric: "Requests",
          dimensions: { gatewayresponsecode: "200" },
          points: [
            { time: "2026-11-20T10:00:00.000Z", values: { total: 7 } },
            { time: "2026-11-20T10:05:00.000Z", values: {} },
          ],
        },
        {
          metric: "Requests",
          dimensions: { gatewayresponsecode: "429" },
          points: [{ time: "2026-11-20T10:00:00.000Z", values: { total: 0, average: 0 } }],
        },
      ],
      problems: [],
    });
  });

  it("says where series may be missing", async () => {
    const timeseries = Array.from({ length: 1000 }, (_, index) => series(String(index), []));
    const { metrics } = metricsOver({ body: JSON.parse(JSON.stringify({ value: [{ name: { value: "Requests" }, timeseries }] })) });
    expect((await metrics.platform(query)).problems).toEqual(["Requests: only the first 1000 series are here"]);
  });

  const fixture = new URL("../../../shared/fixtures/monitor/metrics-list-error.spec.json", import.meta.url);
  const present = existsSync(fixture);

  it.skipIf(!present)(`names a metric that failed inside a 200${present ? "" : " (skipped: ../shared/fixtures is absent)"}`, async () => {
    const { metrics } = metricsOver({ body: JSON.parse(readFileSync(fixture, "utf8")).body });
    const { series: found, problems } = await metrics.platform(query);
    expect(problems).toEqual([expect.stringMatching(/^MongoRequestsCount: InvalidSamplingType, Sampling type is not found/)]);
    expect(found.map(({ metric }) => metric)).toEqual(["MongoRequests"]);
  });
});

describe("failures", () => {
  it.each<[string, Answer | Error, string, number]>([
    ["ARM's envelope", { status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } }, "forbidden", 1],
    ["Azure Monitor's envelope", { status: 400, body: { code: "BadRequest", message: "Metric: X does not exist." } }, "invalid_input", 1],
    ["a long Retry-After", { status: 429, headers: { "retry-after": "400" } }, "throttled", 1],
    ["a short Retry-After", { status: 429, headers: { "retry-after-ms": "1" }, body: { code: "TooMany", message: "x" } }, "throttled", 4],
    ["500", { status: 500, body: { error: { code: "X", message: "x" } } }, "unavailable", 4],
    ["a page that is no JSON", { status: 502, text: "<html>" }, "unavailable", 4],
    ["a lost connection", new Error("socket hang up"), "unavailable", 4],
    ["an answer of another shape", { body: { value: [{ name: { value: "Requests" } }] } }, "internal", 1],
  ])("%s", async (_, answer, code, attempts) => {
    const { metrics, sent } = metricsOver(answer);
    expect(await failureOf(metrics.platform(query))).toMatchObject({ code });
    expect(sent).toHaveLength(attempts);
  });

  it("keep Azure's reason", async () => {
    const { metrics } = metricsOver({ status: 400, body: { code: "BadRequest", message: "Metric: X does not exist." } });
    expect(await failureOf(metrics.platform(query))).toMatchObject({ message: expect.stringContaining("Metric: X does not exist.") });
  });

  it("is cancelled with its call", async () => {
    const { metrics, sent } = metricsOver(nothing, AbortSignal.abort());
    expect(await failureOf(metrics.platform(query))).toMatchObject({ code: "cancelled" });
    expect(sent).toEqual([]);
  });
});
