import { LogsQueryClient, LogsQueryResultStatus, type LogsTable } from "@azure/monitor-query";
import { describe, expect, test } from "vitest";
import { httpClientFor } from "../../../src/azure/http-client.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { movableClock } from "../../../src/sandbox/clock.ts";
import { sandboxWorkspace } from "../../../src/sandbox/monitor/diagnostic-settings.ts";
import { createSandbox, type Sandbox } from "../../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../../src/sandbox/service.ts";
import { rememberedKql } from "../../remembered-kql.ts";

const start = new Date("2026-11-20T10:00:00Z");
const guid = sandboxWorkspace.customerId;
const endpoint = "https://api.loganalytics.io";

const openAt = (seed: "demo" | "empty" = "demo") => {
  const clock = movableClock(start);
  return { clock, sandbox: createSandbox({ clock, seed, grammar: loadGrammar, kql: rememberedKql }) };
};

/** Microsoft's client before the sandbox. */
function clientOf(sandbox: Sandbox, retries = 0): LogsQueryClient {
  const credential = { getToken: async () => ({ token: sandbox.token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  return new LogsQueryClient(credential, {
    endpoint: `${endpoint}/v1`,
    httpClient: httpClientFor({ sdk: endpoint, network: endpoint }, 60_000, sandbox.fetch),
    retryOptions: { maxRetries: retries, retryDelayInMs: 1, maxRetryDelayInMs: 1 },
  });
}

const longAgo = { startTime: new Date("2026-01-01"), endTime: new Date("2027-01-01") };

async function table(sandbox: Sandbox, query: string, timespan = longAgo): Promise<LogsTable> {
  const answer = await clientOf(sandbox).queryResource(sandboxService.resourceId, query, timespan);
  if (answer.status !== LogsQueryResultStatus.Success) throw new Error(JSON.stringify(answer));
  const [first] = answer.tables;
  if (first === undefined) throw new Error("no table");
  return first;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly body: {
    readonly tables: readonly { readonly columns: unknown; readonly rows: readonly (readonly unknown[])[] }[];
    readonly statistics?: { readonly query: { readonly executionTime: number } };
    readonly error: {
      readonly code: string;
      readonly innererror: { readonly code: string; readonly innererror: { readonly message: string } };
    };
  };
}

async function post(sandbox: Sandbox, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
  const given = { authorization: `Bearer ${sandbox.token}`, "content-type": "application/json", ...headers };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await sandbox.fetch(new Request(`${endpoint}${path}`, { method: "POST", headers: given, body: text }));
  const answered = await answer.text();
  return { status: answer.status, text: answered, body: JSON.parse(answered === "" ? "{}" : answered) };
}

const onWorkspace = `/v1/workspaces/${guid}/query`;
const count = "ApiManagementGatewayLogs | count";

describe("Microsoft's client", () => {
  test("asks on the service and on the workspace, and reads types", async () => {
    const { sandbox } = openAt();
    const query =
      "ApiManagementGatewayLogs | summarize n = count(), Newest = max(TimeGenerated), Ok = countif(IsRequestSuccess) > 0, avg(TotalTime)";
    const { columnDescriptors, rows } = await table(sandbox, query);
    expect(columnDescriptors.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "n:long",
      "Newest:datetime",
      "Ok:bool",
      "avg_TotalTime:real",
    ]);
    const [n, newest, ok, average] = rows[0] ?? [];
    expect([typeof n, ok, typeof average]).toEqual(["number", true, "number"]);
    expect(newest).toBeInstanceOf(Date);
    expect(Number(newest)).toBeLessThan(start.getTime());
    const onGuid = await clientOf(sandbox).queryWorkspace(guid, query, longAgo);
    expect(onGuid).toMatchObject({ status: "Success", tables: [{ rows }] });
  });

  test("gets statistics when it asks for them", async () => {
    const answer = await clientOf(openAt().sandbox).queryWorkspace(guid, count, longAgo, { includeQueryStatistics: true });
    expect(answer).toMatchObject({ status: "Success", statistics: { query: { executionTime: expect.any(Number) } } });
  });

  test("reads an error", async () => {
    const asked = clientOf(openAt().sandbox).queryWorkspace(guid, "ApiManagementGatewayLogs | where Nothing == 1", longAgo);
    await expect(asked).rejects.toMatchObject({ statusCode: 400, code: "BadArgumentError" });
  });

  test("waits and asks again where it is throttled", async () => {
    const { sandbox } = openAt();
    const body = { error: { code: "TooManyRequests", message: "Too many requests" } };
    sandbox.world.faults.add({
      path: /\/v1\/workspaces\//,
      times: 2,
      outcome: { kind: "answer", status: 429, headers: { "retry-after": "0" }, body },
    });
    expect(await clientOf(sandbox, 3).queryWorkspace(guid, count, longAgo)).toMatchObject({ status: "Success" });
    expect(sandbox.world.requests.map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  test("sees a partial answer that is scripted", async () => {
    const { sandbox } = openAt();
    const error = { code: "PartialError", message: "There were some errors when processing your query.", details: [] };
    const tables = [{ name: "PrimaryResult", columns: [{ name: "Count", type: "long" }], rows: [[1]] }];
    sandbox.world.faults.add({ path: /\/query$/, outcome: { kind: "answer", status: 200, body: { tables, error } } });
    const answer = await clientOf(sandbox).queryWorkspace(guid, count, longAgo);
    expect(answer).toMatchObject({ status: "PartialFailure", partialTables: [{ rows: [[1]] }] });
  });
});

describe("a request", () => {
  test("is answered in the service's form, with one or two slashes", async () => {
    const { sandbox } = openAt();
    for (const path of [
      `/v1${sandboxService.resourceId}/query`,
      `/v1/${sandboxService.resourceId}/query`,
      `/v1${sandboxService.resourceId.toUpperCase()}/query`,
    ]) {
      const { status, body } = await post(sandbox, path, { query: "print a = 1, b = 2m, c = dynamic([1]), d = true, e = real(nan)" });
      expect(status).toBe(200);
      expect(body).toEqual({
        tables: [
          {
            name: "PrimaryResult",
            columns: [
              { name: "a", type: "long" },
              { name: "b", type: "timespan" },
              { name: "c", type: "dynamic" },
              { name: "d", type: "bool" },
              { name: "e", type: "real" },
            ],
            rows: [[1, "00:02:00", "[1]", true, "NaN"]],
          },
        ],
      });
    }
  });

  test.each([
    ["without a token", onWorkspace, { authorization: "" }, 401, "AuthenticationFailed"],
    ["with another token", onWorkspace, { authorization: "Bearer x" }, 403, "InvalidAuthenticationToken"],
    ["to a workspace by its name", "/v1/workspaces/sandbox-logs/query", {}, 404, "PathNotFoundError"],
    ["to another workspace", "/v1/workspaces/00000000-0000-4000-8000-000000000000/query", {}, 403, "InsufficientAccessError"],
    ["to another resource", "/v1/subscriptions/x/resourceGroups/y/query", {}, 403, "InsufficientAccessError"],
    ["to a part of the service's name", `/v1${sandboxService.resourceId.slice(0, -2)}/query`, {}, 403, "InsufficientAccessError"],
    ["to another path", "/v1/workspaces", {}, 404, "PathNotFoundError"],
  ])("%s is refused", async (_, path, headers, status, code) => {
    const { sandbox } = openAt();
    const given: Record<string, string> = headers;
    const answer =
      given.authorization === ""
        ? await sandbox
            .fetch(new Request(`${endpoint}${path}`, { method: "POST", body: "{}" }))
            .then(async (one) => ({ status: one.status, body: await one.json() }))
        : await post(sandbox, path, { query: count }, given);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });

  test.each([
    ["that is no JSON", "{", "InvalidJsonBody"],
    ["without a query", "{}", "QueryNotProvided"],
    ["with a query that is none", { query: 5 }, "QueryNotProvided"],
    ["with a timespan that is none", { query: count, timespan: "yesterday" }, "InvalidTimespan"],
    ["with a timespan that is reversed", { query: count, timespan: "2026-11-20T10:00:00Z/2026-11-20T09:00:00Z" }, "InvalidTimespan"],
    ["with a syntax error", { query: "ApiManagementGatewayLogs | where" }, "SyntaxError"],
    ["with an unknown column", { query: "ApiManagementGatewayLogs | where Nothing == 1" }, "SemanticError"],
    ["with an operator that the sandbox does not know", { query: "ApiManagementGatewayLogs | sample 1" }, "SemanticError"],
    [
      "with a value that the sandbox cannot compute with",
      { query: "ApiManagementGatewayLogs | summarize sum(TotalTime * 9007199254740991)" },
      "SemanticError",
    ],
    ["with a control command", { query: ".drop table ApiManagementGatewayLogs" }, "SyntaxError"],
  ])("%s is refused", async (_, body, code) => {
    const { sandbox } = openAt();
    expect(await post(sandbox, onWorkspace, body)).toMatchObject({
      status: 400,
      body: { error: { code: "BadArgumentError", innererror: { code } } },
    });
    expect(await post(sandbox, onWorkspace, { query: count })).toMatchObject({ status: 200 });
  });

  test("without its content type is answered with nothing", async () => {
    expect(await post(openAt().sandbox, onWorkspace, { query: count }, { "content-type": "text/plain" })).toMatchObject({
      status: 200,
      text: "",
    });
  });

  test("to a workspace without data is answered 204", async () => {
    expect(await post(openAt("empty").sandbox, onWorkspace, { query: count })).toMatchObject({ status: 204, text: "" });
  });

  test("breaks where a fault says so", async () => {
    const { sandbox } = openAt();
    sandbox.world.faults.add({ path: /\/query$/, outcome: { kind: "reset_before_apply" } });
    await expect(post(sandbox, onWorkspace, { query: count })).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

describe("the timespan of a request", () => {
  const counted = async (timespan?: string) => {
    const { body } = await post(openAt().sandbox, onWorkspace, {
      query: "ApiManagementGatewayLogs | summarize min(TimeGenerated), max(TimeGenerated)",
      timespan,
    });
    return body.tables[0]?.rows[0] ?? [];
  };

  test.each([
    ["PT1H", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"],
    ["2026-11-19T08:00:00Z/2026-11-19T09:00:00Z", "2026-11-19T08:00:00Z", "2026-11-19T09:00:00Z"],
    ["2026-11-19T08:00:00Z/PT2H", "2026-11-19T08:00:00Z", "2026-11-19T10:00:00Z"],
    ["P1D/2026-11-19T08:00:00Z", "2026-11-18T08:00:00Z", "2026-11-19T08:00:00Z"],
    [undefined, "2026-11-17T10:00:00Z", "2026-11-20T10:00:00Z"],
  ])("%s", async (timespan, since, until) => {
    const [first, last] = (await counted(timespan)).map((time) => Date.parse(String(time)));
    const [from, to] = [Date.parse(since), Date.parse(until)];
    const quarter = 15 * 60_000;
    expect(first).toBeGreaterThanOrEqual(from);
    expect(first).toBeLessThan(from + quarter);
    expect(last).toBeLessThanOrEqual(to);
    expect(last).toBeGreaterThan(to - quarter);
  });
});

/** Requests by their dimensions, as the metrics endpoint counts them over all minutes before the sandbox's clock. */
async function metric(sandbox: Sandbox, since: Date, until: Date): Promise<Readonly<Record<string, number>>> {
  const query = new URLSearchParams({
    "api-version": "2024-02-01",
    metricnames: "Requests",
    aggregation: "total",
    timespan: `${since.toISOString()}/${until.toISOString()}`,
    $filter: "ApiId eq '*' and GatewayResponseCode eq '*' and BackendResponseCode eq '*' and LastErrorReason eq '*'",
    top: "1000",
  });
  const url = `https://management.azure.com${sandboxService.resourceId}/providers/Microsoft.Insights/metrics?${query}`;
  const answer = await sandbox.fetch(new Request(url, { headers: { authorization: `Bearer ${sandbox.token}` } }));
  const {
    value,
  }: { value: { timeseries: { metadatavalues: { name: { value: string }; value: string }[]; data: { total?: number }[] }[] }[] } =
    JSON.parse(await answer.text());
  return Object.fromEntries(
    (value[0]?.timeseries ?? []).map(({ metadatavalues, data }) => [
      ["apiid", "gatewayresponsecode", "backendresponsecode", "lasterrorreason"]
        .map((name) => metadatavalues.find((one) => one.name.value === name)?.value ?? "")
        .join("|"),
      data.reduce((sum, { total = 0 }) => sum + total, 0),
    ]),
  );
}

const byDimensions = `ApiManagementGatewayLogs
| summarize n = count() by Key = strcat(ApiId, "|", tostring(ResponseCode), "|", tostring(coalesce(BackendResponseCode, 0)), "|", iff(LastErrorReason == "", "None", LastErrorReason))`;

describe("the rows", () => {
  test("of the days before tell what the platform metrics tell", async () => {
    const { sandbox } = openAt();
    const since = new Date("2026-11-18T00:00:00Z");
    const { rows } = await table(sandbox, byDimensions, { startTime: since, endTime: start });
    const counted = Object.fromEntries(rows.map(([key, n]) => [String(key), Number(n)]));
    expect(counted).toEqual(await metric(sandbox, since, start));
    expect(Object.keys(counted)).toEqual(
      expect.arrayContaining(["azure-openai|200|200|None", "azure-openai|429|0|OpenAITokenLimitExceeded"]),
    );
  });

  test("of the days before are whole: tokens join their calls, all teams are there, growth alone passes its limit", async () => {
    const { sandbox } = openAt();
    const { rows } = await table(
      sandbox,
      `ApiManagementGatewayLogs
       | join kind=leftouter (ApiManagementGatewayLlmLog | project CorrelationId, TotalTokens) on CorrelationId
       | summarize Calls = count(), Ids = dcount(CorrelationId), Lost = countif(ResponseCode == 200 and isnull(TotalTokens)), Odd = countif(ResponseCode != 200 and isnotnull(TotalTokens)), Limited = countif(LastErrorReason == "OpenAITokenLimitExceeded") by ApimSubscriptionId
       | where ApimSubscriptionId != "" | order by ApimSubscriptionId asc`,
    );
    expect(rows.map(([team]) => team)).toEqual(["analytics", "growth", "labs", "prod-critical"]);
    for (const [team, calls, ids, lost, odd, limited] of rows) {
      expect([ids, lost, odd], String(team)).toEqual([calls, 0, 0]);
      expect(Number(limited) > 0, String(team)).toBe(team === "growth");
    }
    const [[attempts, retried] = []] = (
      await table(sandbox, "AppDependencies | summarize n = count() by OperationId | summarize sum(n), countif(n == 2)")
    ).rows;
    expect(Number(retried)).toBeGreaterThan(0);
    expect(Number(attempts)).toBeGreaterThan(Number(retried));
    const spent = (await table(sandbox, "AppMetrics | where Name == 'Total Tokens' | summarize sum(Sum)")).rows;
    expect(spent).toEqual((await table(sandbox, "ApiManagementGatewayLlmLog | summarize sum(TotalTokens)")).rows);
  });

  test("are the same in every sandbox that starts at a time", async () => {
    const query = "ApiManagementGatewayLogs | summarize dcount(CorrelationId), sum(TotalTime), max(TimeGenerated)";
    expect((await table(openAt().sandbox, query)).rows).toEqual((await table(openAt().sandbox, query)).rows);
  });

  test("of calls through the gateway stand in the logs and the metrics", async () => {
    const { sandbox, clock } = openAt();
    const gateway = await sandbox.gateway();
    const send = (key: string) =>
      gateway.fetch(
        new Request("https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
          method: "POST",
          headers: { "api-key": key, "content-type": "application/json" },
          body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }] }),
        }),
      );
    const { growth = "" } = sandbox.keys();
    for (const key of [growth, growth, growth, "wrong"]) await (await send(key)).text();
    await clock.advance(120_000);
    const end = new Date("2026-11-20T10:02:00Z");
    const { rows } = await table(sandbox, byDimensions, { startTime: start, endTime: end });
    const counted = Object.fromEntries(rows.map(([key, n]) => [String(key), Number(n)]));
    expect(counted).toEqual({ "azure-openai|200|200|None": 3, "azure-openai|401|0|SubscriptionKeyInvalid": 1 });
    expect(await metric(sandbox, start, end)).toEqual(counted);
  });

  test("can be queried only after the ingestion delay", async () => {
    const { sandbox, clock } = openAt();
    sandbox.world.settings.ingestionSeconds = 240;
    const newest = "ApiManagementGatewayLogs | summarize Newest = max(TimeGenerated), Lag = max(ingestion_time() - TimeGenerated)";
    const [[before, lag] = []] = (await table(sandbox, newest)).rows;
    expect(Number(before)).toBeLessThanOrEqual(start.getTime() - 240_000);
    expect(lag).toBe("00:04:00");
    await clock.advance(240_000);
    const [[after] = []] = (await table(sandbox, newest)).rows;
    expect(Number(after)).toBeGreaterThan(Number(before));
  });

  test("are those of the categories that a diagnostic setting sends into tables of their own", async () => {
    const { sandbox } = openAt();
    const [setting] = sandbox.world.diagnosticSettings;
    if (setting === undefined) throw new Error("no setting");
    const counts = async () =>
      (await table(sandbox, "print toscalar(ApiManagementGatewayLogs | count) > 0, toscalar(ApiManagementGatewayLlmLog | count) > 0")).rows;
    expect(await counts()).toEqual([[true, true]]);
    const logs = [
      { category: "GatewayLogs", enabled: true },
      { category: "GatewayLlmLogs", enabled: false },
    ];
    sandbox.world.diagnosticSettings = [{ ...setting, properties: { ...setting.properties, logs } }];
    expect(await counts()).toEqual([[true, false]]);
    sandbox.world.diagnosticSettings = [
      { ...setting, properties: { ...setting.properties, logs: [{ categoryGroup: "allLogs", enabled: true }] } },
    ];
    expect(await counts()).toEqual([[true, true]]);
    sandbox.world.diagnosticSettings = [{ ...setting, properties: { ...setting.properties, logAnalyticsDestinationType: null } }];
    expect(await counts()).toEqual([[false, false]]);
    sandbox.world.diagnosticSettings = [];
    expect(await counts()).toEqual([[false, false]]);
  });
});
