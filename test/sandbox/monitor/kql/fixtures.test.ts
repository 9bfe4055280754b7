import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../../src/gateway/documents.ts";
import { workspaceTables } from "../../../../src/sandbox/monitor/kql/tables.ts";
import { fixture, fixtureNote, hasFixtures } from "../../fixtures.ts";
import { ask } from "./kit.ts";

const folder = new URL("../../../../../shared/fixtures/monitor/queries/", import.meta.url);
const east = "https://aoai-east.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
const west = east.replace("east", "west");

const at = (minute: number, second = 0): string => new Date(Date.UTC(2026, 10, 20, 10, minute, second)).toISOString();

const call = (id: string, minute: number, team: string, more: JsonObject = {}): JsonObject => ({
  TimeGenerated: at(minute),
  CorrelationId: id,
  ApiId: "openai",
  ApimSubscriptionId: team,
  ResponseCode: 200,
  BackendResponseCode: 200,
  BackendUrl: east,
  BackendId: "pool",
  TotalTime: 900,
  BackendTime: 850,
  ClientTime: 10,
  CacheTime: 0,
  Cache: "none",
  ...more,
});

const refused = { ResponseCode: 429, BackendResponseCode: null, BackendUrl: null, BackendId: null, BackendTime: 0, TotalTime: 10 };

const rows = {
  ApiManagementGatewayLogs: [
    call("1", 0, "a"),
    call("2", 0, "a", { TotalTime: 1000, BackendTime: 900 }),
    call("3", 5, "a", { BackendUrl: west }),
    call("4", 5, "b", { ...refused, LastErrorReason: "OpenAITokenLimitExceeded", LastErrorSource: "llm-token-limit" }),
    call("5", 5, "b", { ResponseCode: 429, BackendResponseCode: 429, BackendUrl: west }),
    call("6", 6, "b", { ResponseCode: 503, BackendResponseCode: null, BackendUrl: null, LastErrorSource: "forward-request" }),
    call("7", 7, "c", {
      BackendUrl: null,
      BackendResponseCode: null,
      BackendTime: 0,
      TotalTime: 90,
      Cache: "hit",
      TraceRecords: [{ message: "semantic-cache=hit" }],
    }),
    call("8", 8, "c", { ApiId: "other" }),
    { ...call("9", 0, "a"), TimeGenerated: "2026-11-20T11:00:00.001Z" },
  ],
  ApiManagementGatewayLlmLog: [
    ...[
      ["1", 100],
      ["1", 0],
      ["2", 300],
      ["3", 50],
      ["8", 1000],
    ].map(([id, tokens], index) => ({
      TimeGenerated: at([0, 0, 0, 5, 8][index] ?? 0),
      CorrelationId: id ?? "",
      TotalTokens: tokens ?? 0,
      PromptTokens: tokens ?? 0,
      CompletionTokens: 0,
    })),
  ],
  AppDependencies: ["429", "200"].map((code, index) => ({
    TimeGenerated: at(1, index),
    DependencyType: "Http",
    OperationId: "5",
    ResultCode: code,
    Data: `POST ${index === 0 ? west : east}`,
  })),
  AppMetrics: [10, 30].map((tokens, index) => ({
    TimeGenerated: at(1, index),
    Name: "Total Tokens",
    Sum: tokens,
    ItemCount: 1,
    Properties: { "Subscription ID": "a", "API ID": "openai" },
  })),
};

/** The answer of each query on the rows above, worked out by hand: rows by the names of their columns. */
const answers: Readonly<Record<string, readonly JsonObject[]>> = {
  "01_tpm_by_subscription.kql": [{ ApimSubscriptionId: "a", PeakTpm: 400, AvgTpm: 7.5, P95Tpm: 0, ActiveMinutes: 2, Tokens: 450 }],
  "02_throttle_split.kql": [
    {
      ...{ ApimSubscriptionId: "b", Origin: "gateway:token-rate-limit", LastErrorSource: "llm-token-limit" },
      ...{ LastErrorReason: "OpenAITokenLimitExceeded", Requests: 1, First: "2026-11-20T10:05:00Z", Last: "2026-11-20T10:05:00Z" },
    },
    {
      ...{ ApimSubscriptionId: "b", Origin: "backend:429", LastErrorSource: "", LastErrorReason: "", Requests: 1 },
      ...{ First: "2026-11-20T10:05:00Z", Last: "2026-11-20T10:05:00Z" },
    },
  ],
  "03_backend_share.kql": [
    {
      ...{ Host: "aoai-east.openai.azure.com", Deployment: "gpt-4o", Requests: 2, Ok: 2, B429: 0, B5xx: 0, P95BackendMs: 900 },
      ...{ BackendIds: '["pool"]', First: "2026-11-20T10:00:00Z", Last: "2026-11-20T10:00:00Z", SharePct: 50 },
    },
    {
      ...{ Host: "aoai-west.openai.azure.com", Deployment: "gpt-4o", Requests: 2, Ok: 1, B429: 1, B5xx: 0, P95BackendMs: 850 },
      ...{ BackendIds: '["pool"]', First: "2026-11-20T10:05:00Z", Last: "2026-11-20T10:05:00Z", SharePct: 50 },
    },
  ],
  "04_latency.kql": [
    {
      // Seven calls: totals 10, 90, 900 four times and 1000; backends 0, 0, 850 four times and 900; the gateway's own 0, 40 four times, 80, 90.
      ...{ Requests: 7, T50: 900, T95: 1000, T99: 1000, B50: 850, B95: 900, B99: 900, G50: 40, G95: 90, G99: 90, C95: 10 },
    },
  ],
  "05_error_cause.kql": [
    {
      ...{ Cause: "gateway:circuit-open-or-pool-empty(inferred)", ResponseCode: 503, BackendResponseCode: null },
      ...{ LastErrorSource: "forward-request", LastErrorSection: "", Requests: 1, Subs: 1, Message: "" },
      ...{ First: "2026-11-20T10:06:00Z", Last: "2026-11-20T10:06:00Z" },
    },
  ],
  "06_cache_hit_rate.kql": [
    {
      ...{ Ok: 4, ColHit: 1, ColMiss: 0, ColNone: 3, NoBackendOk: 1, TraceHit: 1, TraceMiss: 0, HitP50: 90, MissP50: 900 },
      ...{ ColumnRate: 100, StructuralRate: 25, TraceRate: 100 },
    },
  ],
  "07_tokens_saved_estimate.kql": [
    { Hits: 1, Misses: 3, LoggedOnHits: 0, AvgMissTokens: 150, EstimatedSaved: 150, Method: "hits x mean tokens per miss" },
  ],
  "08_deployment_demand.kql": [
    {
      ...{ Host: "aoai-west.openai.azure.com", Deployment: "gpt-4o", PeakTpm: 50, AvgTpm: 50, PeakRpm: 2, B429: 1, Minutes429: 1 },
      MaxTpmInA429Minute: 50,
    },
    {
      ...{ Host: "aoai-east.openai.azure.com", Deployment: "gpt-4o", PeakTpm: 1000, AvgTpm: 700, PeakRpm: 2, B429: 0, Minutes429: 0 },
      MaxTpmInA429Minute: null,
    },
  ],
  "09_retry_attempts.kql": [{ RetriedRequests: 1, Recovered: 1, MaxAttempts: 2 }],
  "10_appmetrics_tpm.kql": [{ Sub: "a", Api: "openai", PeakTpm: 40, AvgActiveTpm: 40, P95Tpm: 40, Tokens: 40, Requests: 2 }],
  "11_freshness.kql": [{ Rows: 7, Newest: "2026-11-20T11:00:00.001Z", LagP95s: 0 }],
  "12_circuit_trips_inferred.kql": [
    {
      ...{ TimeGenerated: "2026-11-20T10:05:00Z", Refused503: 0, BackendFailures: 1 },
      ...{ Hosts: '["aoai-west.openai.azure.com"]', Reasons: "[]" },
    },
    { TimeGenerated: "2026-11-20T10:06:00Z", Refused503: 1, BackendFailures: 0, Hosts: "[]", Reasons: '["forward-request/: "]' },
  ],
};

describe.skipIf(!hasFixtures)(`queries of gateways${fixtureNote}`, () => {
  test("all of them are here", () => {
    expect(Object.keys(answers)).toEqual(readdirSync(folder).sort());
  });

  test.each(Object.entries(answers))("%s", (name, expected) => {
    const { columns, rows: found } = ask(readFileSync(new URL(name, folder), "utf8"), rows);
    expect(found.map((row) => Object.fromEntries(columns.map((column, index) => [column.name, row[index]])))).toEqual(expected);
  });

  test("tables and columns are the published ones", () => {
    expect(workspaceTables).toEqual(fixture("monitor/kql-schemas.json"));
  });
});
