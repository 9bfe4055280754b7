import { describe, expect, test } from "vitest";
import { type ErrorCode, GatewayError } from "../../src/errors.ts";
import type { LoggingSettings, LogsReader, MetricsReader } from "../../src/gateway/ports.ts";
import { differenceOf } from "../../src/usage/difference.ts";
import { readGround, readUsage, type UsageAsked } from "../../src/usage/report.ts";
import type { UsageSummary } from "../../src/usage/totals.ts";
import { type LoggedCall, logsOf } from "./rows.ts";
import { serviceOnly as gateway } from "./service.ts";

const now = new Date("2026-11-20T11:20:30Z");
const window = { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const at = (minute: number): string => new Date(window.since.getTime() + minute * 60_000).toISOString();

const metricsOf = (requests: number): MetricsReader => ({
  platform: async ({ metrics: [metric] }) => ({
    series:
      metric === "Requests"
        ? [
            {
              metric,
              dimensions: { gatewayresponsecode: "200", backendresponsecode: "200", lasterrorreason: "None" },
              points: [{ time: at(1), values: { total: requests } }],
            },
          ]
        : [],
    problems: [],
  }),
  report: async () => failing("invalid_input"),
});

const failing = (code: ErrorCode, hint?: string): never => {
  throw new GatewayError(code, `refused with ${code}`, { hint });
};

const settings: LoggingSettings = {
  diagnosticSettings: [
    {
      name: "logs",
      properties: { workspaceId: "/w", logAnalyticsDestinationType: "Dedicated", logs: [{ categoryGroup: "allLogs", enabled: true }] },
    },
  ],
  diagnostic: { largeLanguageModel: { logs: "enabled" } },
  apiDiagnostic: null,
};

interface Given {
  readonly logs?: Partial<LogsReader>;
  readonly calls?: readonly LoggedCall[];
  readonly metrics?: MetricsReader;
  readonly asked?: Partial<UsageAsked>;
}

async function reportOf({ logs = {}, calls = [], metrics = metricsOf(calls.length), asked = {} }: Given) {
  const readers = { gateway, metrics, logs: { ...logsOf(calls), settings: async () => settings, ...logs } };
  const ground = await readGround(readers, undefined, now);
  return readUsage(readers, ground, { window, groupBy: [], subscriptions: [], include: [], limit: 8, ...asked }, now);
}

const two: readonly LoggedCall[] = [
  { time: at(1), tokens: [1, 2] },
  { time: at(2), tokens: [3, 4] },
];
const sourceOf = ({ sources }: { readonly sources: readonly { readonly name: string }[] }): string =>
  sources.map(({ name }) => name).join();

describe("logs answer", () => {
  test("where they have calls, with their lag measured", async () => {
    const report = await reportOf({ calls: two });
    expect(report.totals).toMatchObject({ requests: 2, tokens: 10 });
    expect(report.sources).toEqual([
      { name: "gateway logs", resolution: "each call", lag: "0 s (99 % of the last day's rows)", newest: at(2) },
    ]);
    expect([report.notes, report.missing]).toEqual([[], []]);
  });

  test("with nothing, where platform metrics have nothing either", async () => {
    const { totals, ...report } = await reportOf({ calls: [{ time: at(-30) }], metrics: metricsOf(0) });
    expect(sourceOf(report)).toBe("gateway logs");
    expect(totals.requests).toBe(0);
  });

  test("although platform metrics cannot be read", async () => {
    const { totals } = await reportOf({
      calls: two,
      metrics: { platform: async () => failing("forbidden"), report: async () => failing("forbidden") },
    });
    expect(totals.requests).toBe(2);
  });

  test("in part, and say so", async () => {
    const whole = logsOf(two);
    const { notes } = await reportOf({
      calls: two,
      logs: { query: async (kql, period) => ({ ...(await whole.query(kql, period)), partial: "PartialError: a shard is missing" }) },
    });
    expect(notes).toEqual(["The logs have answered in part: PartialError: a shard is missing"]);
  });

  test("with a note where they have fewer calls than platform metrics count, but not where one team was asked for", async () => {
    expect((await reportOf({ calls: two, metrics: metricsOf(50) })).notes.join()).toContain("count 50 requests");
    expect((await reportOf({ calls: two, metrics: metricsOf(50), asked: { subscriptions: ["growth"] } })).notes).toEqual([]);
  });

  test("as a sample that is not scaled, with the command that ends it", async () => {
    const sampled = { ...settings, diagnostic: { ...settings.diagnostic, sampling: { percentage: 50 } } };
    const { notes, missing, totals } = await reportOf({ calls: two, metrics: metricsOf(4), logs: { settings: async () => sampled } });
    expect(totals.requests).toBe(2);
    expect(notes).toEqual([expect.stringMatching(/sample of 50 %.*not scaled/)]);
    expect(missing).toMatchObject([{ name: "sampling" }]);
  });

  test("by cause with the command that turns traces on, where the verbosity leaves out those of shadow limits", async () => {
    const quiet = { ...settings, diagnostic: { ...settings.diagnostic, verbosity: "error" } };
    const logs = { settings: async () => quiet };
    expect((await reportOf({ calls: two, logs, asked: { groupBy: ["cause"] } })).missing).toMatchObject([
      { name: "verbosity", fix: expect.stringContaining("information") },
    ]);
    expect((await reportOf({ calls: two, logs })).missing).toEqual([]);
  });

  test("without tokens where none are logged, with the command that turns them on", async () => {
    const { totals, missing } = await reportOf({
      calls: [{ time: at(1) }],
      logs: { settings: async () => ({ ...settings, diagnostic: null }) },
    });
    expect(totals.tokens).toBe("unknown");
    expect(missing).toMatchObject([{ name: "llm_logging_off", fix: expect.stringContaining("largeLanguageModel") }]);
  });

  test("also where the settings may not be read", async () => {
    expect(sourceOf(await reportOf({ calls: two, logs: { settings: async () => failing("forbidden") } }))).toBe("gateway logs");
  });
});

describe("platform metrics answer", () => {
  test.each(["forbidden", "unauthenticated", "not_configured", "not_found", "invalid_input", "throttled", "unavailable"] as const)(
    "where logs are refused with %s",
    async (code) => {
      const report = await reportOf({ calls: two, logs: { query: async () => failing(code, "what to do") } });
      expect(sourceOf(report)).toBe("platform metrics (Azure Monitor)");
      expect(report.totals).toMatchObject({ requests: 2, tokens: "unknown" });
      expect(report.notes.join()).toMatch(new RegExp(`Logs cannot be read \\(${code}\\).*what to do`));
    },
  );

  test("where logs are refused after they could be asked how far they reach", async () => {
    const whole = logsOf(two);
    const query: LogsReader["query"] = async (kql, period) =>
      kql.includes("ingestion_time") ? whole.query(kql, period) : failing("throttled");
    expect(sourceOf(await reportOf({ calls: two, logs: { query } }))).toBe("platform metrics (Azure Monitor)");
  });

  test.each<[string, Partial<LogsReader>]>([
    ["an empty workspace", { query: async () => ({ table: null, partial: null, scope: "workspace" }) }],
    ["logs without a call of the window", {}],
  ])("for %s, and nothing is shown as zero", async (_, logs) => {
    const report = await reportOf({ calls: [], metrics: metricsOf(7), logs });
    expect(sourceOf(report)).toBe("platform metrics (Azure Monitor)");
    expect(report.totals).toMatchObject({ requests: 7, tokens: "unknown" });
    expect(report.notes.join()).toContain("logs hold no calls");
  });

  test("for all teams where some were asked for, and say so", async () => {
    const { notes } = await reportOf({ metrics: metricsOf(7), asked: { subscriptions: ["growth"] } });
    expect(notes.join()).toContain("these numbers are of all of them");
  });

  test("until the last minute that is there", async () => {
    const readers = { gateway, metrics: metricsOf(0), logs: { ...logsOf([]), query: async () => failing("forbidden") } };
    expect((await readGround(readers, undefined, now)).complete).toEqual(new Date("2026-11-20T11:19:00Z"));
  });
});

describe("nothing answers", () => {
  test("where neither can be read", async () => {
    const refused = reportOf({
      metrics: { platform: async () => failing("forbidden"), report: async () => failing("forbidden") },
      logs: { query: async () => failing("forbidden") },
    });
    await expect(refused).rejects.toMatchObject({ code: "forbidden" });
  });

  test.each(["cancelled", "internal"] as const)("where logs fail with %s: that is not about logs", async (code) => {
    await expect(reportOf({ calls: two, logs: { query: async () => failing(code) } })).rejects.toMatchObject({ code });
  });
});

describe("differenceOf", () => {
  const counted = (requests: number | "unknown", source = "gateway logs"): UsageSummary => ({
    window: { since: at(0), until: at(1), interval: "PT1M" },
    totals: { requests, throttled: { total: 5, by_origin: [] }, errors: { total: 0, by_cause: [] }, tokens: "unknown" },
    rows: [],
    left_out: 0,
    sources: [{ name: source, resolution: "", lag: "" }],
    notes: [],
  });

  test.each([
    ["more", counted(2), counted(7), 5],
    ["fewer", counted(7), counted(2), -5],
    ["unknown before", counted("unknown"), counted(2), "unknown"],
    ["of two sources", counted(7, "platform metrics"), counted(2), "unknown"],
  ])("%s", (_, before, after, requests) => {
    expect(differenceOf(before, after)).toMatchObject({ requests, tokens: "unknown" });
  });
});

test("a window that ends behind what is complete names its tail", async () => {
  const logs = logsOf(two, { lagSeconds: 600 });
  const { notes } = await reportOf({ calls: two, logs: { query: logs.query }, asked: { window: { since: window.since, until: now } } });
  expect(notes).toEqual(["Calls after 2026-11-20T11:10:00.000Z may not all be in the logs yet."]);
});
