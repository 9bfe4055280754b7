import { describe, expect, it } from "vitest";
import type { GatewayOptions } from "../../src/azure/gateway.ts";
import type { Json } from "../../src/gateway/documents.ts";
import { type Answer, failureOf, gatewayOver, neverAborted, type Sent, serviceId, token, wire } from "./wire.ts";

const period = { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const kql = "ApiManagementGatewayLogs | count";
const guid = "aaaaaaaa-2222-3333-4444-555555555555";
const workspaceId =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law";

const tableOf = (columns: readonly (readonly [string, string])[], ...rows: readonly (readonly Json[])[]): Json => ({
  tables: [{ name: "PrimaryResult", columns: columns.map(([name, type]) => ({ name, type })), rows }],
});
const counted = tableOf([["Count", "long"]], [7]);

const onResource = ({ url }: Sent): boolean => url.pathname.startsWith("/v1/subscriptions/");
const onWorkspace = ({ url }: Sent): boolean => url.pathname.startsWith("/v1/workspaces/");

/** A service whose logs answer as given; ARM knows a diagnostic setting that leads to a workspace. */
function logsOver(
  { resource, workspace = resource }: { readonly resource: Answer | Error; readonly workspace?: Answer | Error },
  options: Partial<GatewayOptions> = {},
  signal = neverAborted,
) {
  const { fetch, sent } = wire((request) => {
    if (onResource(request)) return resource;
    if (onWorkspace(request)) return workspace;
    if (request.url.pathname.endsWith("/diagnosticSettings")) {
      return {
        body: {
          value: [
            { name: "storage", properties: { storageAccountId: "/subscriptions/x" } },
            { name: "old", properties: { workspaceId: "/subscriptions/y", logAnalyticsDestinationType: null } },
            { name: "logs", properties: { workspaceId, logAnalyticsDestinationType: "Dedicated" } },
          ],
        },
      };
    }
    if (request.url.pathname === workspaceId) return { body: { properties: { customerId: guid } } };
    return { status: 404, body: { error: { code: "ResourceNotFound", message: "none" } } };
  });
  return { logs: gatewayOver(fetch, options).logs(signal), sent, queries: () => sent.filter((one) => onResource(one) || onWorkspace(one)) };
}

describe("the request", () => {
  it("asks on the service's own id, for the period, with a deadline that the service keeps", async () => {
    const { logs, sent } = logsOver({ resource: { body: counted } });
    await logs.query(kql, period);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      method: "POST",
      url: expect.objectContaining({ href: `https://api.loganalytics.io/v1${serviceId}/query` }),
      body: { query: kql, timespan: "2026-11-20T10:00:00.000Z/2026-11-20T11:00:00.000Z" },
    });
    expect(sent[0]?.headers.get("authorization")).toBe(`Bearer ${token}`);
    expect(sent[0]?.headers.get("prefer")).toBe("wait=1");
    expect(sent[0]?.headers.get("user-agent")).toMatch(/^azure-ai-gateway-mcp\//);
  });

  it.each([
    ["usgovernment", "https://api.loganalytics.us"],
    ["china", "https://api.loganalytics.azure.cn"],
  ] as const)("goes to the endpoint of %s", async (cloud, origin) => {
    const { logs, sent } = logsOver({ resource: { body: counted } }, { cloud });
    await logs.query(kql, period);
    expect(sent[0]?.url.origin).toBe(origin);
  });

  it("goes to the endpoint that is configured, with or without its /v1", async () => {
    for (const logsEndpoint of ["https://logs.example.net", "https://logs.example.net/v1"]) {
      const { logs, sent } = logsOver({ resource: { body: counted } }, { logsEndpoint });
      await logs.query(kql, period);
      expect(sent[0]?.url.href).toBe(`https://logs.example.net/v1${serviceId}/query`);
    }
  });

  it("is not sent where another ARM is configured and no logs beside it: nobody said that the token may go there", async () => {
    const { logs, queries } = logsOver({ resource: { body: counted } }, { armEndpoint: "https://arm.example.net" });
    expect(await failureOf(logs.query(kql, period))).toMatchObject({
      code: "not_configured",
      hint: expect.stringContaining("AIGW_LOGS_ENDPOINT"),
    });
    expect(queries()).toEqual([]);
  });

  it.each(["http://logs.example.net", "https://logs.example.net/v2", "https://u:p@logs.example.net", "nothing"])(
    "is refused for the endpoint %s",
    (logsEndpoint) => {
      expect(() => logsOver({ resource: { body: counted } }, { logsEndpoint })).toThrow(
        expect.objectContaining({ code: "not_configured", hint: expect.stringContaining("AIGW_LOGS_ENDPOINT") }),
      );
    },
  );
});

describe("the answer", () => {
  it("has rows under their columns: times in UTC, null where there is none, dynamic values parsed", async () => {
    const columns = [
      ["Newest", "datetime"],
      ["None", "datetime"],
      ["Lag", "real"],
      ["Name", "string"],
      ["Ids", "dynamic"],
      ["Gone", "long"],
    ] as const;
    const { logs } = logsOver({ resource: { body: tableOf(columns, ["2026-11-20T10:59:00.25Z", null, 1.5, "x", '["a"]', null]) } });
    expect(await logs.query(kql, period)).toEqual({
      table: {
        columns: columns.map(([name, type]) => ({ name, type })),
        rows: [["2026-11-20T10:59:00.250Z", null, 1.5, "x", ["a"], null]],
      },
      partial: null,
      scope: "resource",
    });
  });

  it("keeps what a partial failure has answered, and its reason", async () => {
    const error = { code: "PartialError", message: "There were some errors when processing your query.", details: [] };
    const { logs } = logsOver({ resource: { body: { ...Object(counted), error } } });
    expect(await logs.query(kql, period)).toMatchObject({
      table: { rows: [[7]] },
      partial: expect.stringMatching(/^PartialError: There were some errors/),
    });
  });

  it.each<[string, Answer]>([
    ["204", { status: 204 }],
    ["200 without a body", { text: "" }],
  ])("is no data where a workspace without any answers %s", async (_, resource) => {
    const { logs, queries } = logsOver({ resource });
    expect(await logs.query(kql, period)).toEqual({ table: null, partial: null, scope: "workspace" });
    expect(queries()).toHaveLength(2);
  });
});

describe("the workspace", () => {
  const forbidden: Answer = {
    status: 403,
    body: { error: { code: "InsufficientAccessError", message: "The provided credentials have insufficient access" } },
  };
  const noTable: Answer = { status: 400, body: { error: { code: "BadArgumentError", message: "Failed to resolve table" } } };

  it.each<[string, Answer]>([
    ["the service may not be asked", forbidden],
    ["the service has no such table", noTable],
    ["the service has no data", { status: 204 }],
  ])("of the diagnostic settings is asked where %s, and first from then on", async (_, resource) => {
    const { logs, queries } = logsOver({ resource, workspace: { body: counted } });
    expect(await logs.query(kql, period)).toMatchObject({ table: { rows: [[7]] }, scope: "workspace" });
    await logs.query(kql, period);
    expect(queries().map(({ url }) => url.pathname)).toEqual([
      `/v1${serviceId}/query`,
      `/v1/workspaces/${guid}/query`,
      `/v1/workspaces/${guid}/query`,
    ]);
  });

  it("is the one that the operator has named", async () => {
    const named = "bbbbbbbb-2222-3333-4444-555555555555";
    const { logs, sent } = logsOver({ resource: forbidden, workspace: { body: counted } }, { workspace: named });
    await logs.query(kql, period);
    expect(sent.map(({ url }) => url.pathname)).toEqual([`/v1${serviceId}/query`, `/v1/workspaces/${named}/query`]);
  });

  it("that refuses too says which role is missing, and where", async () => {
    const { logs } = logsOver({ resource: forbidden });
    expect(await failureOf(logs.query(kql, period))).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("insufficient access"),
      hint: expect.stringMatching(new RegExp(`Log Analytics Reader.*${guid}`)),
    });
  });

  it("that is not to be found leaves the service's own refusal", async () => {
    const { fetch } = wire((request) => (onResource(request) ? forbidden : { body: { value: [] } }));
    expect(await failureOf(gatewayOver(fetch).logs(neverAborted).query(kql, period))).toMatchObject({
      code: "forbidden",
      hint: expect.stringContaining(`--role "Log Analytics Reader" --scope "${serviceId}"`),
    });
  });
});

describe("failures", () => {
  it.each<[string, Answer | Error, string, number]>([
    [
      "a token for another audience",
      { status: 403, body: { error: { code: "InvalidAuthenticationTokenAudience", message: "wrong audience" } } },
      "unauthenticated",
      1,
    ],
    ["no token", { status: 401, body: { error: { code: "AuthenticationFailed", message: "no" } } }, "unauthenticated", 1],
    ["a long Retry-After", { status: 429, headers: { "retry-after": "400" } }, "throttled", 1],
    [
      "a short Retry-After",
      { status: 429, headers: { "retry-after-ms": "1" }, body: { error: { code: "ThrottledError", message: "x" } } },
      "throttled",
      4,
    ],
    ["a query that takes too long", { status: 504, body: { error: { code: "GatewayTimeout", message: "x" } } }, "unavailable", 4],
    ["a page that is no JSON", { status: 502, text: "<html>" }, "unavailable", 4],
    ["a lost connection", new Error("socket hang up"), "unavailable", 4],
  ])("%s", async (_, resource, code, attempts) => {
    const { logs, queries } = logsOver({ resource });
    expect(await failureOf(logs.query(kql, period))).toMatchObject({ code });
    expect(queries()).toHaveLength(attempts);
  });

  it("names the query's mistake", async () => {
    const resource = { status: 400, body: { error: { code: "BadArgumentError", message: "SYN0002: a syntax error" } } };
    expect(await failureOf(logsOver({ resource }).logs.query(kql, period))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("SYN0002"),
    });
  });

  it("is cancelled with its call", async () => {
    const { logs, sent } = logsOver({ resource: { body: counted } }, {}, AbortSignal.abort());
    expect(await failureOf(logs.query(kql, period))).toMatchObject({ code: "cancelled" });
    expect(sent).toEqual([]);
  });
});

describe("the settings", () => {
  it("are read raw, with what the typed SDK does not know; what is not there is null", async () => {
    const diagnostic = { loggerId: "/loggers/azuremonitor", largeLanguageModel: { logs: "enabled" }, sampling: { percentage: 50 } };
    const { fetch, sent } = wire(({ url }) => {
      if (url.pathname.endsWith("/diagnosticSettings")) return { body: { value: [{ name: "logs", properties: { workspaceId } }] } };
      return url.pathname.endsWith("/service/apim-prod/diagnostics/azuremonitor")
        ? { body: { properties: diagnostic } }
        : { status: 404, body: { error: { code: "ResourceNotFound", message: "x" } } };
    });
    expect(await gatewayOver(fetch).logs(neverAborted).settings("openai")).toEqual({
      diagnosticSettings: [{ name: "logs", properties: { workspaceId } }],
      diagnostic,
      apiDiagnostic: null,
    });
    expect(sent.map(({ url }) => url.searchParams.get("api-version")).toSorted()).toEqual([
      "2021-05-01-preview",
      "2024-06-01-preview",
      "2024-06-01-preview",
    ]);
  });

  it("that may not be read are refused", async () => {
    const { fetch } = wire(() => ({ status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } }));
    expect(await failureOf(gatewayOver(fetch).logs(neverAborted).settings())).toMatchObject({ code: "forbidden" });
  });
});
