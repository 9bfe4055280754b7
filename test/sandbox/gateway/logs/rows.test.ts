import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../../src/gateway/documents.ts";
import { loadGrammar } from "../../../../src/grammar.ts";
import { movableClock } from "../../../../src/sandbox/clock.ts";
import { type LogTable, logTables, rowsOf } from "../../../../src/sandbox/gateway/logs/rows.ts";
import { createSandbox } from "../../../../src/sandbox/sandbox.ts";
import { type KitOptions, openKit, policyDocument, start, subscription } from "../kit.ts";

type Type = "string" | "datetime" | "bool" | "int" | "long" | "real" | "dynamic";

/**
 * The columns that the tables have (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs,
 * .../apimanagementgatewayllmlog, .../appmetrics, .../appdependencies).
 */
const columns: Readonly<Record<LogTable, Partial<Record<Type, string>>>> = {
  ApiManagementGatewayLogs: {
    string:
      "OperationName CorrelationId Region Category CallerIpAddress Method Url ClientProtocol BackendMethod BackendUrl BackendProtocol Cache ApiId OperationId ProductId UserId ApimSubscriptionId BackendId LastErrorSource LastErrorScope LastErrorSection LastErrorReason LastErrorMessage ApiRevision _ResourceId",
    datetime: "TimeGenerated",
    bool: "IsRequestSuccess IsTraceRequested IsTraceAllowed IsTraceExpired IsMasterTrace",
    int: "ResponseCode BackendResponseCode",
    long: "TotalTime CacheTime BackendTime ClientTime LastErrorElapsed",
    dynamic: "TraceRecords",
  },
  ApiManagementGatewayLlmLog: {
    string: "OperationName CorrelationId Region RequestId DeploymentName ModelName ApiVersion _ResourceId",
    datetime: "TimeGenerated",
    bool: "IsStreamCompletion",
    int: "SequenceNumber PromptTokens CompletionTokens TotalTokens",
    dynamic: "RequestMessages ResponseMessages",
  },
  AppMetrics: {
    string: "Name OperationId AppRoleName _ResourceId",
    datetime: "TimeGenerated",
    real: "Sum Min Max",
    int: "ItemCount",
    dynamic: "Properties",
  },
  AppDependencies: {
    string: "Id OperationId Name Target DependencyType Data ResultCode _ResourceId",
    datetime: "TimeGenerated",
    bool: "Success",
    real: "DurationMs",
    int: "ItemCount",
    dynamic: "Properties",
  },
};

const fits: Readonly<Record<Type, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  datetime: (value) => typeof value === "string" && new Date(value).toISOString() === value,
  bool: (value) => typeof value === "boolean",
  int: Number.isInteger,
  long: Number.isInteger,
  real: Number.isFinite,
  dynamic: (value) => typeof value === "object",
};

function expectColumns(table: LogTable, row: JsonObject): void {
  const types = new Map(Object.entries(columns[table]).flatMap(([type, names]) => names.split(" ").map((name) => [name, type] as const)));
  expect(Object.keys(row).sort(), table).toEqual([...types.keys()].sort());
  for (const [name, type] of types) {
    const value = row[name];
    if (value !== null) expect([name, value, fits[type as Type](value)]).toEqual([name, value, true]);
  }
}

type Rows = Readonly<Record<LogTable, readonly JsonObject[]>>;

const byTable = (rows: ReturnType<typeof rowsOf>): Rows => {
  for (const { table, row } of rows) expectColumns(table, row);
  const of = (wanted: LogTable): readonly JsonObject[] => rows.flatMap(({ table, row }) => (table === wanted ? [row] : []));
  return {
    ApiManagementGatewayLogs: of("ApiManagementGatewayLogs"),
    ApiManagementGatewayLlmLog: of("ApiManagementGatewayLlmLog"),
    AppMetrics: of("AppMetrics"),
    AppDependencies: of("AppDependencies"),
  };
};

/** The rows of one call to the kit's echo API. */
async function echoed(
  options: KitOptions,
  init: Parameters<ReturnType<typeof openKit>["send"]>[0] = {},
  prepare = (_: ReturnType<typeof openKit>) => {},
): Promise<Rows> {
  const kit = openKit(options);
  prepare(kit);
  await kit.send(init);
  expect(kit.finished).toHaveLength(1);
  return byTable(kit.finished.flatMap(rowsOf));
}

const chatPath = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";

/** The rows of calls to the demo service, one after the other, each of a team and with a body. */
async function chatted(bodies: readonly object[], policy?: JsonObject): Promise<readonly Rows[]> {
  const clock = movableClock(start);
  const sandbox = createSandbox({ clock, grammar: loadGrammar });
  sandbox.world.put("backends/embeddings", {
    url: "https://aoai-eastus.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
    protocol: "http",
  });
  if (policy !== undefined) sandbox.world.put("apis/azure-openai/policies/policy", policy);
  const { gateway, logs } = await sandbox.dataPlane();
  const found: Rows[] = [];
  for (const body of bodies) {
    logs.reset();
    const answer = await gateway.fetch(
      new Request(`https://sandbox.azure-api.net${chatPath}`, {
        method: "POST",
        headers: { "api-key": sandbox.keys().growth ?? "" },
        body: JSON.stringify(body),
      }),
    );
    await answer.text();
    found.push(byTable(logTables.flatMap((table) => logs.rows(table).map((row) => ({ table, row })))));
  }
  return found;
}

const question = { messages: [{ role: "user", content: "Say hello" }] };

describe("a call to a model", () => {
  test("has a row in each table, found by its correlation id", async () => {
    const [rows] = await chatted([question]);
    const [call] = rows?.ApiManagementGatewayLogs ?? [];
    const [model] = rows?.ApiManagementGatewayLlmLog ?? [];
    expect(call).toMatchObject({
      TimeGenerated: "2026-11-20T10:00:00.000Z",
      Region: "East US",
      Method: "POST",
      Url: `https://sandbox.azure-api.net${chatPath}`,
      ResponseCode: 200,
      IsRequestSuccess: true,
      BackendResponseCode: 200,
      BackendId: "aoai-eastus",
      BackendUrl: `https://aoai-eastus.openai.azure.com${chatPath}`,
      Cache: "none",
      ApiId: "azure-openai",
      ApiRevision: "1",
      OperationId: "ChatCompletions_Create",
      ProductId: "aoai",
      ApimSubscriptionId: "growth",
      LastErrorReason: null,
    });
    expect(model).toMatchObject({
      CorrelationId: call?.CorrelationId,
      DeploymentName: "gpt-4o",
      ModelName: "gpt-4o-2024-11-20",
      ApiVersion: "2024-10-21",
      IsStreamCompletion: false,
      PromptTokens: expect.any(Number),
    });
    expect(model?.TotalTokens).toBe(Number(model?.PromptTokens) + Number(model?.CompletionTokens));
    expect(rows?.AppMetrics.map(({ Name, Sum }) => [Name, Sum])).toEqual([
      ["Total Tokens", model?.TotalTokens],
      ["Prompt Tokens", model?.PromptTokens],
      ["Completion Tokens", model?.CompletionTokens],
    ]);
    expect(rows?.AppMetrics[0]).toMatchObject({
      OperationId: call?.CorrelationId,
      Properties: { "Subscription ID": "growth", "API ID": "azure-openai", Team: "Growth" },
    });
    expect(rows?.AppDependencies).toMatchObject([
      { OperationId: call?.CorrelationId, Target: "aoai-eastus.openai.azure.com", ResultCode: "200" },
    ]);
  });

  test("that streams names its model and counts its tokens too, estimated where the stream does not state them", async () => {
    const [stated, counted] = await chatted([
      { ...question, stream: true, stream_options: { include_usage: true } },
      { ...question, stream: true },
    ]);
    for (const rows of [stated, counted]) {
      expect(rows?.ApiManagementGatewayLlmLog).toMatchObject([
        { IsStreamCompletion: true, ModelName: "gpt-4o-2024-11-20", TotalTokens: expect.any(Number) },
      ]);
    }
  });

  test("that the gateway refuses has a row of the gateway's log alone", async () => {
    const inbound = '<base /><llm-token-limit counter-key="k" tokens-per-minute="10" estimate-prompt-tokens="true" />';
    const long = { messages: [{ role: "user", content: "word ".repeat(100) }] };
    const [rows] = await chatted([long], policyDocument({ inbound }));
    expect(rows).toMatchObject({
      ApiManagementGatewayLogs: [
        {
          ResponseCode: 429,
          IsRequestSuccess: false,
          BackendResponseCode: null,
          BackendUrl: null,
          LastErrorSource: "llm-token-limit",
          LastErrorReason: "OpenAITokenLimitExceeded",
          LastErrorSection: "inbound",
          LastErrorScope: "api",
        },
      ],
      ApiManagementGatewayLlmLog: [],
      AppMetrics: [],
      AppDependencies: [],
    });
  });

  test("that a cache answers is a hit, without a row of a model or a backend", async () => {
    const cached = policyDocument({
      inbound: `<include-fragment fragment-id="aoai-auth" /><set-backend-service backend-id="aoai-eastus" />
        <llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned" />`,
      outbound: '<llm-semantic-cache-store duration="60" />',
    });
    const [miss, hit] = await chatted([question, question], cached);
    expect(
      [miss, hit].map((rows) => [
        rows?.ApiManagementGatewayLogs[0]?.Cache,
        rows?.AppDependencies.length,
        rows?.ApiManagementGatewayLlmLog.length,
      ]),
    ).toEqual([
      ["miss", 1, 1],
      ["hit", 0, 0],
    ]);
  });
});

describe("attempts", () => {
  const retry = '<retry condition="@(context.Response.StatusCode >= 500)" count="2" interval="0"><forward-request /></retry>';

  test("each is a dependency; the gateway's log knows the last alone", async () => {
    const rows = await echoed({ backend: retry }, {}, ({ backend }) => {
      backend.answers = [() => new Response(null, { status: 500 }), () => new Response(null, { status: 503 })];
    });
    expect(rows.AppDependencies.map(({ Id, ResultCode, Success }) => [String(Id).split(".")[1], ResultCode, Success])).toEqual([
      ["1", "500", false],
      ["2", "503", false],
      ["3", "200", true],
    ]);
    expect(rows.ApiManagementGatewayLogs).toMatchObject([{ ResponseCode: 200, BackendResponseCode: 200 }]);
  });

  test("one without an answer has no status", async () => {
    const rows = await echoed({}, {}, ({ backend }) => {
      backend.answers = [() => Promise.reject(new TypeError("fetch failed"))];
    });
    expect(rows.AppDependencies).toMatchObject([{ ResultCode: "", Success: false }]);
    expect(rows.ApiManagementGatewayLogs).toMatchObject([
      { ResponseCode: 500, BackendResponseCode: null, LastErrorReason: "BackendConnectionFailure" },
    ]);
  });

  test("take the time until the backend's head is there", async () => {
    const kit = openKit();
    kit.backend.answers = [
      async () => {
        await kit.clock.wait(250);
        return new Response("slow");
      },
    ];
    const sent = kit.send();
    await kit.clock.advance(250);
    await sent;
    const rows = byTable(kit.finished.flatMap(rowsOf));
    expect(rows.AppDependencies).toMatchObject([{ DurationMs: 250 }]);
    expect(rows.ApiManagementGatewayLogs).toMatchObject([{ BackendTime: 250, TotalTime: 250 }]);
  });
});

test.each<readonly [name: string, path: string, expected: JsonObject]>([
  ["no API", "/nothing", { ResponseCode: 404, ApiId: null, OperationId: null, LastErrorReason: "OperationNotFound" }],
  [
    "an API without the operation",
    "/echo/thing",
    { ResponseCode: 404, ApiId: "echo", OperationId: null, LastErrorReason: "OperationNotFound" },
  ],
])("a request for %s", async (_, path, expected) => {
  expect((await echoed({}, { path, method: "DELETE" })).ApiManagementGatewayLogs).toMatchObject([expected]);
});

test("a client that has gone", async () => {
  const kit = openKit();
  const leaving = new AbortController();
  kit.backend.answers = [() => new Promise(() => leaving.abort())];
  await expect(kit.send({ signal: leaving.signal })).rejects.toThrow();
  const rows = byTable(kit.finished.flatMap(rowsOf));
  expect(rows.ApiManagementGatewayLogs).toMatchObject([
    { IsRequestSuccess: false, ResponseCode: 0, LastErrorReason: "ClientConnectionFailure" },
  ]);
  expect(rows.AppDependencies).toMatchObject([{ ResultCode: "" }]);
});

test("keys are not written down", async () => {
  const resources: KitOptions["resources"] = [
    ["subscriptions/team", subscription("apis/echo")],
    ["backends/b", { url: "https://backend.test/base", protocol: "http", credentials: { query: { code: ["backend-secret"] } } }],
  ];
  const kit = openKit({ inbound: '<set-backend-service backend-id="b" />', resources });
  await kit.send({ path: `/echo/thing?subscription-key=${kit.key("team")}&page=2` });
  expect(kit.backend.received[0]?.url).toContain("code=backend-secret");
  const rows = byTable(kit.finished.flatMap(rowsOf));
  expect(rows.ApiManagementGatewayLogs).toMatchObject([
    { ApimSubscriptionId: "team", Url: "https://gateway.example/echo/thing?subscription-key=***&page=2" },
  ]);
  expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${kit.key("team")}|backend-secret`));
});

test("metrics and traces of policies", async () => {
  const rows = await echoed({
    inbound: `<emit-metric name="calls" value="2.5" namespace="n"><dimension name="API ID" /></emit-metric>
      <trace source="here" severity="error"><message>text</message><metadata name="a" value="1" /></trace>`,
  });
  expect(rows.AppMetrics).toMatchObject([{ Name: "calls", Sum: 2.5, ItemCount: 1, Properties: { "API ID": "echo" } }]);
  expect(rows.ApiManagementGatewayLogs[0]?.TraceRecords).toEqual([
    { source: "here", severity: "error", message: "text", metadata: { a: "1" } },
  ]);
});

test.each<readonly [service: string | null, api: string | null, written: readonly string[]]>([
  [null, null, ["verbose", "information", "error"]],
  ["verbose", null, ["verbose", "information", "error"]],
  ["information", null, ["information", "error"]],
  ["error", null, ["error"]],
  ["error", "information", ["information", "error"]],
])("traces are there from the diagnostic's verbosity on: %s of the service, %s of the API", async (service, api, written) => {
  const diagnostic = (path: string, verbosity: string | null) =>
    verbosity === null ? [] : [[`${path}diagnostics/azuremonitor`, { loggerId: "l", verbosity }] as const];
  const rows = await echoed({
    inbound: ["verbose", "information", "error"]
      .map((severity) => `<trace source="${severity}" severity="${severity}"><message>text</message></trace>`)
      .join(""),
    resources: [...diagnostic("", service), ...diagnostic("apis/echo/", api)],
  });
  expect(rows.ApiManagementGatewayLogs[0]?.TraceRecords).toEqual(written.map((source) => expect.objectContaining({ source })));
});
