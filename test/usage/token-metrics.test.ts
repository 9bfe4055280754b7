import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { LoggingSettings, LogsReader, MetricsReader } from "../../src/gateway/ports.ts";
import { readGround, readUsage, type UsageAsked } from "../../src/usage/report.ts";
import { readSubscriptionUsage } from "../../src/usage/subscription-usage.ts";
import { type LoggedCall, logsOf, type SpentTokens } from "./rows.ts";
import { serviceOnly as gateway } from "./service.ts";

const now = new Date("2026-11-20T11:00:30Z");
const window = { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const at = (minute: number): string => new Date(window.since.getTime() + minute * 60_000).toISOString();

const refused = async (): Promise<never> => {
  throw new GatewayError("forbidden", "no right");
};

const metrics: MetricsReader = {
  platform: async ({ metrics: [metric] }) => ({
    series:
      metric === "Requests"
        ? [{ metric, dimensions: { gatewayresponsecode: "200" }, points: [{ time: at(1), values: { total: 3 } }] }]
        : [],
    problems: [],
  }),
  report: refused,
};

const settings: LoggingSettings = {
  diagnosticSettings: [
    {
      name: "logs",
      properties: { workspaceId: "/w", logAnalyticsDestinationType: "Dedicated", logs: [{ category: "GatewayLogs", enabled: true }] },
    },
  ],
  diagnostic: null,
  apiDiagnostic: null,
};

const of = (subscription: string, others: Readonly<Record<string, string>> = {}) => ({
  "Subscription ID": subscription,
  "API ID": "openai",
  ...others,
});

const calls: readonly LoggedCall[] = [
  { time: at(1) },
  { time: at(2), subscription: "labs" },
  { time: at(3), subscription: "quiet", code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
  { time: at(4), subscription: "unmetered" },
];

const spent: readonly SpentTokens[] = [
  { time: at(1), tokens: [500, 100], dimensions: of("Growth") },
  { time: at(2), tokens: [20, 10], dimensions: of("labs") },
  { time: at(-1), tokens: [9, 9], dimensions: of("labs") },
  { time: at(60), tokens: [9, 9], dimensions: of("labs") },
];

interface Given {
  readonly calls?: readonly LoggedCall[];
  readonly spent?: readonly SpentTokens[];
  readonly logs?: Partial<LogsReader>;
  readonly asked?: Partial<UsageAsked>;
}

async function reportOf(given: Given) {
  const logs = { ...logsOf(given.calls ?? calls, { spent: given.spent ?? spent }), settings: async () => settings, ...given.logs };
  const readers = { gateway, metrics, logs };
  const ground = await readGround(readers, undefined, now);
  return readUsage(readers, ground, { window, groupBy: [], subscriptions: [], include: [], limit: 8, ...given.asked }, now);
}

const sourcesOf = ({ sources }: { readonly sources: readonly { readonly name: string }[] }) => sources.map(({ name }) => name);

describe("tokens that the logs do not have", () => {
  test("are those of the token metrics, which are named with what they leave open", async () => {
    const report = await reportOf({ asked: { include: ["tokens", "tpm"] } });
    expect(report.totals).toMatchObject({
      requests: 4,
      tokens: 630,
      token_split: { prompt: 520, completion: 110 },
      tpm: { average: 10.5, p95: 0, peak: 600 },
    });
    expect(sourcesOf(report)).toEqual(["gateway logs", "Application Insights token metrics"]);
    expect(report.sources[1]).toMatchObject({ newest: at(2) });
    expect(report.notes).toEqual([expect.stringMatching(/2 calls under llm-emit-token-metric.*estimated.*sampled/)]);
    expect(report.missing).toMatchObject([{ name: "llm_category_off" }, { name: "llm_logging_off" }]);
    expect(report.queries.join()).toContain("AppMetrics");
  });

  test("stand in the rows of the same name, whatever its case; a row without any stays unknown, unless nothing of it succeeded", async () => {
    const { rows } = await reportOf({ asked: { groupBy: ["subscription"], include: ["tpm"] } });
    expect(rows).toMatchObject([
      { subscription: "growth", requests: 1, tokens: 600, tpm: { average: 10, peak: 600 } },
      { subscription: "labs", requests: 1, tokens: 30, tpm: { average: 0.5, peak: 30 } },
      { subscription: "quiet", requests: 1, throttled: 1, tokens: 0 },
      { subscription: "unmetered", requests: 1, tokens: "unknown", tpm: { peak: "unknown" } },
    ]);
  });

  test("by time are in the points of the calls", async () => {
    const { rows } = await reportOf({ asked: { groupBy: ["time"], interval: "PT1M" } });
    expect(rows.map(({ time, tokens }) => [time, tokens])).toEqual([
      [at(1), 600],
      [at(2), 30],
      [at(3), 0],
      [at(4), "unknown"],
    ]);
  });

  test("by region, where limits count, are told apart", async () => {
    const regions = ["East US", "West Europe"].map((Location, index) => ({
      time: at(index),
      tokens: [60, 0] as const,
      dimensions: of("growth", { Location }),
    }));
    const { totals } = await reportOf({ spent: regions, asked: { include: ["tpm"] } });
    expect(totals).toMatchObject({ tpm: { average: 2 }, tpm_by_region: { "East US": { average: 1 }, "West Europe": { average: 1 } } });
  });

  test.each<[string, Partial<UsageAsked>, number | "unknown"]>([
    ["an API", { apiId: "OpenAI" }, 630],
    ["another API", { apiId: "other" }, "unknown"],
    ["some teams", { subscriptions: ["growth"] }, 600],
  ])("are of %s where that was asked for", async (_, asked, tokens) => {
    const own = calls.map((call) => ({ ...call, api: asked.apiId ?? "openai" }));
    expect((await reportOf({ calls: own, asked })).totals.tokens).toBe(tokens);
  });

  test("are of no product where the policy does not say which, and the answer says so", async () => {
    const { rows, notes, totals } = await reportOf({ asked: { groupBy: ["product"] } });
    expect(rows).toMatchObject([{ product: "aoai", tokens: "unknown" }]);
    expect(totals.tokens).toBe(630);
    expect(notes.join()).toContain("have no product");
  });

  test("are unknown in rows that token metrics cannot tell apart", async () => {
    const { rows } = await reportOf({ asked: { groupBy: ["subscription", "cause"] } });
    expect(rows.filter(({ cause }) => cause === "succeeded").map(({ tokens }) => tokens)).toEqual(["unknown", "unknown", "unknown"]);
  });

  test.each<[string, Given]>([
    ["there are none of the window", { spent: [{ time: at(-5), tokens: [1, 1] }] }],
    ["the workspace may not be read", { logs: { queryWorkspace: refused } }],
    ["no workspace is known", { logs: { queryWorkspace: async () => ({ table: null, partial: null, scope: "workspace" }) } }],
  ])("stay unknown where %s", async (_, given) => {
    const report = await reportOf(given);
    expect(report.totals).toMatchObject({ requests: 4, tokens: "unknown" });
    expect(sourcesOf(report)).toEqual(["gateway logs"]);
    expect(report.notes).toEqual(["No call has an entry with tokens: these are unknown."]);
  });
});

test("tokens of the gateway's own log are never mixed with those of the token metrics", async () => {
  const logged: readonly LoggedCall[] = [...calls, { time: at(5), tokens: [1, 2] }];
  const report = await reportOf({ calls: logged, asked: { groupBy: ["subscription"] } });
  expect(report.totals.tokens).toBe(3);
  expect(report.rows.find(({ subscription }) => subscription === "labs")?.tokens).toBe("unknown");
  expect(sourcesOf(report)).toEqual(["gateway logs"]);
});

describe("without logs", () => {
  test("platform metrics count the calls, and token metrics the tokens", async () => {
    const report = await reportOf({ logs: { query: refused }, asked: { include: ["tpm"] } });
    expect(report.totals).toMatchObject({ requests: 3, tokens: 630, tpm: { peak: 600 } });
    expect(sourcesOf(report)).toEqual(["platform metrics (Azure Monitor)", "Application Insights token metrics"]);
    expect(report.notes.join()).not.toContain("Platform metrics have no tokens");
  });

  test("there is no row for a product that the policy does not emit", async () => {
    const report = await reportOf({ logs: { query: refused }, asked: { groupBy: ["product"] } });
    expect(report.rows).toEqual([]);
    expect(report.notes.join()).toContain("have no product");
  });

  test("rows by team have tokens and nothing that is not known; those with most come first, and what is left out is counted", async () => {
    const report = await reportOf({ logs: { query: refused }, asked: { groupBy: ["subscription"], limit: 1 } });
    expect(report.rows).toEqual([{ subscription: "Growth", tokens: 600 }]);
    expect(report.left_out).toBe(1);
  });
});

test("the usage of subscriptions has them where the logs have none", async () => {
  const readers = { gateway, metrics, logs: logsOf(calls, { spent }) };
  const usage = await readSubscriptionUsage(readers, "PT1H", now);
  expect(usage.of("growth")).toMatchObject({ requests: 1, tokens: 600, tpm: { average: 10, peak: 600 } });
  expect(usage.of("unmetered")).toMatchObject({ requests: 1, tokens: "unknown", tpm: { peak: "unknown" } });
  expect(usage.notes.join()).toContain("Application Insights");
});
