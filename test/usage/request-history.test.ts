import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { LogsReader, MetricsReader } from "../../src/gateway/ports.ts";
import { workspaceTables } from "../../src/sandbox/monitor/kql/tables.ts";
import { columnsOf } from "../../src/usage/queries/query.ts";
import { minuteTokensQuery, requestsQuery } from "../../src/usage/queries/request-history.ts";
import { readRequestHistory } from "../../src/usage/request-history.ts";
import { openKusto } from "./kusto.ts";
import { type LoggedCall, logsOf, resourceId } from "./rows.ts";
import { serviceOnly } from "./service.ts";

const now = new Date("2026-11-20T11:00:20Z");
const from = Date.parse("2026-11-20T10:00:00Z");
const at = (minute: number): string => new Date(from + minute * 60_000).toISOString();

const noMetrics: MetricsReader = { platform: async () => ({ series: [], problems: [] }), report: async () => [] };

const read = (logs: LogsReader, { most, metrics = noMetrics }: { readonly most?: number; readonly metrics?: MetricsReader } = {}) =>
  readRequestHistory(
    { gateway: serviceOnly, metrics, logs },
    { subscriptionId: "growth", window: "PT1H", ...(most === undefined ? {} : { most }) },
    now,
  );

const forbidden = async (): Promise<never> => {
  throw new GatewayError("forbidden", "May not read logs.", { hint: "Ask for Log Analytics Reader." });
};

const settings: Awaited<ReturnType<LogsReader["settings"]>> = {
  diagnosticSettings: [
    {
      name: "logs",
      properties: { workspaceId: "/w", logAnalyticsDestinationType: "Dedicated", logs: [{ categoryGroup: "allLogs", enabled: true }] },
    },
  ],
  diagnostic: { largeLanguageModel: { logs: "enabled" } },
  apiDiagnostic: null,
};

describe("the queries", () => {
  const judge = openKusto(workspaceTables);
  const window = { since: new Date(from), until: now };
  test.each([
    ["requests", requestsQuery({ window, resourceId, subscriptionId: "growth" }, 200_000)],
    ["tokens by the minute", minuteTokensQuery({ window, resourceId, subscriptionId: "growth" })],
    ["requests of a hostile name", requestsQuery({ window, resourceId, subscriptionId: '" or true //' }, 10)],
    ["tokens of a hostile name", minuteTokensQuery({ window, resourceId, subscriptionId: '") | union AppMetrics //\\' })],
  ])("%s: is bound to the tables, and answers the columns that its rows are read by", (_, query) => {
    const { problems, columns, code } = judge(query.kql);
    expect(problems).toEqual([]);
    expect(columns).toEqual(columnsOf(query));
    expect(code).not.toContain("union");
    expect(code).not.toContain("or");
  });
});

describe("a team's history", () => {
  const calls: readonly LoggedCall[] = [
    { time: at(5), tokens: [600, 20], entries: 3, ms: [2500, 2400] },
    { time: at(6), region: "West Europe", tokens: [900, 0], api: "other" },
    { time: at(7), code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
    { time: at(8), code: 403, backendCode: null, reason: "OpenAITokenQuotaExceeded" },
    { time: at(9), code: 429, backendCode: null, reason: "RateLimitExceeded" },
    { time: at(10), code: 429, backendCode: 429 },
    { time: at(11), backendCode: null, cache: "hit" },
    { time: at(12), subscription: "labs", tokens: [7, 7] },
    { time: at(70), tokens: [7, 7] },
  ];

  test("is its own requests of the window, each once, with their ends, tokens and what refused them", async () => {
    const history = await read(logsOf(calls));
    expect(history).toMatchObject({
      since: new Date(from),
      until: new Date(at(60)),
      metered: true,
      incomplete: false,
      gap: null,
      notes: [],
    });
    const shown = history.requests?.map(({ start, end, tokens, served, refusedBy }) => [
      (start - from) / 60_000,
      end - start,
      tokens?.total ?? null,
      served,
      refusedBy,
    ]);
    expect(shown).toEqual([
      [5, 2500, 620, true, null],
      [6, 100, 900, true, null],
      [7, 100, null, false, "tpm"],
      [8, 100, null, false, "token_quota"],
      [9, 100, null, false, "rpm"],
      [10, 100, null, false, null],
      [11, 100, null, false, null],
    ]);
    expect(history.requests?.slice(0, 2)).toMatchObject([
      { apiId: "openai", region: "East US", deployment: "gpt-4o", tokens: { prompt: 600 } },
      { apiId: "other", region: "West Europe" },
    ]);
  });

  test("is the newest requests where there are too many, and says so", async () => {
    const history = await read(logsOf(calls), { most: 3 });
    expect(history.requests?.map(({ start }) => (start - from) / 60_000)).toEqual([9, 10, 11]);
    expect(history).toMatchObject({ since: new Date(at(9)), until: new Date(at(60)), notes: ["Only the newest 3 requests are read."] });
  });

  test("is empty for a team that has sent nothing, not unknown", async () => {
    expect(await read(logsOf([{ time: at(5), subscription: "labs", tokens: [1, 1] }]))).toMatchObject({ requests: [], gap: null });
  });

  test("says that served requests without tokens are missing", async () => {
    const history = await read(logsOf([{ time: at(5), tokens: [1, 1] }, { time: at(6) }]));
    expect(history).toMatchObject({ metered: true, incomplete: true, notes: ["1 of 2 served requests have no tokens in the logs."] });
  });

  test("of a sample is incomplete", async () => {
    const sampled = { ...settings, diagnostic: { ...settings.diagnostic, sampling: { samplingType: "fixed", percentage: 50 } } };
    const history = await read({ ...logsOf(calls), settings: async () => sampled });
    expect(history).toMatchObject({ incomplete: true, notes: ["Logs of the service hold a sample of 50 % of the calls."] });
  });

  test("has tokens by the minute and the missing setting where no tokens are logged", async () => {
    const spent = [
      { time: at(5), tokens: [100, 50] as const },
      { time: at(5.5), tokens: [10, 0] as const },
      { time: at(9), tokens: [1, 1] as const, dimensions: { "Subscription ID": "labs" } },
    ];
    const off = { ...settings, diagnostic: {} };
    const history = await read({ ...logsOf([{ time: at(5) }, { time: at(6) }], { spent }), settings: async () => off });
    expect(history).toMatchObject({
      metered: false,
      gap: { why: expect.stringMatching(/does not log tokens/), fix: expect.stringMatching(/az rest --method patch/) },
    });
    expect(history.requests).toHaveLength(2);
    expect(history.minuteTokens).toHaveLength(60);
    expect(history.minuteTokens?.flatMap((tokens, minute) => (tokens === 0 ? [] : [[minute, tokens]]))).toEqual([[5, 160]]);
    const without = await read({ ...logsOf([{ time: at(5) }]), settings: async () => settings });
    expect(without).toMatchObject({ metered: false, minuteTokens: null, gap: { why: "No request has an entry with tokens in the logs." } });
  });

  test.each<[string, Partial<LogsReader>, object]>([
    [
      "logs that may not be read",
      { query: forbidden, queryWorkspace: forbidden },
      { why: expect.stringMatching(/forbidden.*Log Analytics Reader/) },
    ],
    [
      "no diagnostic setting",
      {},
      { why: expect.stringMatching(/No diagnostic setting/), fix: expect.stringMatching(/az monitor diagnostic-settings create/) },
    ],
    ["a service that was idle", { settings: async () => settings }, { why: expect.stringMatching(/no calls of the last day/) }],
  ])("is unknown, with the reason: %s", async (_, logs, gap) => {
    const metrics: MetricsReader = {
      ...noMetrics,
      platform: async () => ({
        series: [
          {
            metric: "Requests",
            dimensions: {},
            points: [
              { time: at(3), values: { total: 12 } },
              { time: at(4), values: {} },
            ],
          },
        ],
        problems: [],
      }),
    };
    const history = await read({ ...logsOf([]), ...logs }, { metrics });
    expect(history).toMatchObject({ requests: null, metered: false, gap, minuteTokens: null });
    expect(history.minuteCalls?.slice(0, 6)).toEqual([0, 0, 0, 0, 12, 0]);
    expect(await read({ ...logsOf([]), ...logs }, { metrics: { ...noMetrics, platform: forbidden } })).toMatchObject({
      minuteCalls: null,
      gap,
    });
  });

  test("passes on what is no missing right", async () => {
    const logs = logsOf([{ time: at(5) }]);
    const broken: LogsReader["query"] = (kql, period) => {
      if (kql.includes("LlmLog")) throw new GatewayError("internal", "A bug.");
      return logs.query(kql, period);
    };
    await expect(read({ ...logs, query: broken })).rejects.toThrow("A bug.");
  });

  test.each(["P32D", "7 days", "PT0M"])("refuses the window %s", async (window) => {
    const asked = readRequestHistory(
      { gateway: serviceOnly, metrics: noMetrics, logs: logsOf([]) },
      { subscriptionId: "growth", window },
      now,
    );
    await expect(asked).rejects.toMatchObject({ code: "invalid_input" });
  });
});
