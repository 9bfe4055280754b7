import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { type MovableClock, movableClock } from "../../src/sandbox/clock.ts";
import type { DataPlane } from "../../src/sandbox/data-plane.ts";
import { deploymentOf } from "../../src/sandbox/models/deployments.ts";
import { callsIn } from "../../src/sandbox/monitor/past-calls.ts";
import type { SandboxOptions } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { type Answer, type Client, openSandbox, origin } from "./client.ts";

const start = new Date("2026-11-20T10:00:00Z");
const accounts = `${sandboxService.resourceId.split("/providers/")[0]}/providers/Microsoft.CognitiveServices/accounts`;
const eastUs = "aoai-eastus.openai.azure.com";

interface Opened extends Client {
  readonly clock: MovableClock;
  readonly plane: DataPlane;
}

async function open(options: SandboxOptions = {}): Promise<Opened> {
  const clock = movableClock(start);
  const client = openSandbox({ seed: "demo", clock, grammar: loadGrammar, ...options });
  return { ...client, clock, plane: await client.sandbox.dataPlane() };
}

const query = (text: string, options: object = {}, more: object = {}) => ({ query: text, options, ...more });
const all = "resources | where type =~ 'Microsoft.CognitiveServices/accounts' | project id, name, location";
const graph = ({ send }: Client, body: unknown, version = "2024-04-01"): Promise<Answer> =>
  send("POST", `${origin}/providers/Microsoft.ResourceGraph/resources?api-version=${version}`, body);
const below = ({ send }: Client, path: string, version = "2025-09-01"): Promise<Answer> =>
  send("GET", `${origin}${accounts}/${path}${path.includes("?") ? "&" : "?"}api-version=${version}`);

const dataIn = ({ text }: Answer): readonly Record<string, unknown>[] => JSON.parse(text).data;

describe("Azure Resource Graph", () => {
  test("finds an account for each host of a model, one for all names of it", async () => {
    const client = await open();
    for (const host of ["AOAI-eastus.services.ai.azure.com", "other.cognitiveservices.azure.com"]) {
      client.sandbox.world.put(`backends/${host.split(".")[0]}-2`, { url: `https://${host}/`, protocol: "http" });
    }
    client.sandbox.world.put("backends/elsewhere", { url: "https://llm.example.com/", protocol: "http" });
    const answer = await graph(client, query(`${all}, hosts = properties.endpoints, at = properties.endpoint | order by id asc`));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ totalRecords: 3, count: 3, resultTruncated: "false", facets: [] });
    expect(dataIn(answer).map(({ id, name, location, at, ...others }) => [id, name, location, at, Object.keys(others)])).toEqual([
      [`${accounts}/aoai-eastus`, "aoai-eastus", "eastus", `https://${eastUs}/`, ["hosts"]],
      [`${accounts}/aoai-westeurope`, "aoai-westeurope", "westeurope", "https://aoai-westeurope.openai.azure.com/", ["hosts"]],
      [`${accounts}/other`, "other", "eastus", "https://other.cognitiveservices.azure.com/", ["hosts"]],
    ]);
    expect(Object.values(Object(dataIn(answer)[0]?.hosts))).toEqual([`https://${eastUs}/`, "https://aoai-eastus.services.ai.azure.com/"]);
  });

  test("answers in pages, whose tokens lead on", async () => {
    const client = await open();
    client.sandbox.world.settings.pageSize = 1;
    const ordered = `${all} | order by name desc`;
    const first = await graph(client, query(ordered));
    const { $skipToken, resultTruncated } = JSON.parse(first.text);
    expect([dataIn(first)[0]?.name, resultTruncated]).toEqual(["aoai-westeurope", "true"]);
    const second = await graph(client, query(ordered, { $skipToken }));
    expect([dataIn(second)[0]?.name, JSON.parse(second.text).$skipToken]).toEqual(["aoai-eastus", undefined]);
    expect((await graph(client, query(ordered, { $skipToken: "mine" }))).body.error.code).toBe("InvalidSkipToken");
    client.sandbox.world.settings.pageSize = 100;
    expect(dataIn(await graph(client, query(ordered, { $top: 1 })))).toHaveLength(1);
  });

  test("shows nothing of another subscription, and no account without rights", async () => {
    const client = await open();
    const names = async (more: object): Promise<unknown> => dataIn(await graph(client, query(all, {}, more))).map(({ name }) => name);
    expect(await names({ subscriptions: ["11111111-2222-3333-4444-555555555555"] })).toEqual([]);
    expect(await names({ subscriptions: [sandboxService.azureSubscription] })).toEqual(["aoai-eastus", "aoai-westeurope"]);
    (await client.sandbox.controls()).scriptBackend("aoai-eastus", { readable: false });
    expect(await names({})).toEqual(["aoai-westeurope"]);
  });

  test("compares types as the language does: they are stored in lower case", async () => {
    const client = await open();
    const count = async (condition: string): Promise<number> =>
      dataIn(await graph(client, query(`Resources | where type ${condition} | project name`))).length;
    expect(await count("== 'microsoft.cognitiveservices/accounts'")).toBe(2);
    expect(await count("== 'Microsoft.CognitiveServices/accounts'")).toBe(0);
    expect(await count("=~ 'Microsoft.CognitiveServices/accounts'")).toBe(2);
  });

  test.each<readonly [string, unknown]>([
    ["another table", query("resourcecontainers | where type =~ 'x' | project id")],
    ["all types", query("resources | project id")],
    ["another type of resources", query("resources | where type =~ 'microsoft.apimanagement/service' | project id")],
    ["another condition", query("resources | where name =~ 'x' | project id")],
    ["two conditions", query("resources | where type =~ 'microsoft.cognitiveservices/accounts' and name == 'x' | project id")],
    ["another operator", query("resources | where type =~ 'microsoft.cognitiveservices/accounts' | summarize count()")],
    ["a function", query(`${all}, lower = tolower(name)`)],
    ["a column that is none", query(`${all}, owner`)],
    ["a member without a name", query(`${all}, properties.endpoint`)],
    ["another order", query(`${all} | order by tolower(id)`)],
    ["what comes after", query(`${all} | order by id asc | take 1`)],
    ["no query", {}],
    ["no JSON", "{"],
    ["another format", query(all, { resultFormat: "table" })],
    ["another option", query(all, { $skip: 1 })],
    ["too large a page", query(all, { $top: 1001 })],
    ["another member", query(all, {}, { managementGroups: ["x"] })],
  ])("refuses %s in its own form", async (_, body) => {
    const { status, body: answer } = await graph(await open(), body);
    expect([status, answer.error.code]).toEqual([400, "BadRequest"]);
    expect(answer.error.message).toMatch(/^Please provide below info when asking for support: timestamp = 2026-11-20T10:00:00/);
    expect(answer.error.details).toMatchObject([{ code: "InvalidQuery" }, { message: expect.stringContaining("The sandbox") }]);
  });

  test("needs the token, and a version that there is", async () => {
    const client = await open();
    expect((await graph(client, query(all), "2017-01-01")).body.error).toMatchObject({
      code: "NoRegisteredProviderFound",
      message: expect.stringContaining("2024-04-01"),
    });
    expect(
      (
        await client.send("POST", `${origin}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01`, query(all), {
          authorization: "",
        })
      ).status,
    ).toBe(401);
    expect((await client.send("GET", `${origin}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01`)).status).toBe(404);
  });
});

describe("deployments", () => {
  test("are the demo's, with their limits", async () => {
    const { status, body } = await below(await open(), "aoai-eastus/deployments");
    expect(status).toBe(200);
    expect(body.value.map(({ id, type }) => [id, type])).toEqual(
      ["gpt-4o", "text-embedding-3-small"].map((name) => [
        `${accounts}/aoai-eastus/deployments/${name}`,
        "Microsoft.CognitiveServices/accounts/deployments",
      ]),
    );
    expect(body.value[0]).toMatchObject({
      sku: { name: "GlobalStandard", capacity: 30_000 },
      properties: {
        model: { format: "OpenAI", name: "gpt-4o", version: "2024-11-20" },
        rateLimits: [
          { key: "request", count: 30_000, renewalPeriod: 10 },
          { key: "token", count: 30_000_000, renewalPeriod: 60 },
        ],
      },
    });
  });

  test("where a model answers to any name: the demo's, and those that have been called", async () => {
    const client = await open({ seed: "empty" });
    client.sandbox.world.put("backends/b", { url: `https://${eastUs}/openai`, protocol: "http" });
    const names = async (): Promise<unknown> => (await below(client, "aoai-eastus/deployments")).body.value.map(({ name }) => name);
    expect(await names()).toEqual(["gpt-4o", "text-embedding-3-small"]);
    await chat(client, "o3-mini");
    await chat(client, "o3-mini");
    await chat(client, "never", { authorization: "" });
    expect(await names()).toEqual(["gpt-4o", "text-embedding-3-small", "o3-mini"]);
  });

  test("that are set are the only ones, and their limits refuse", async () => {
    const client = await open();
    const controls = await client.sandbox.controls();
    controls.scriptBackend("aoai-eastus", {
      deployments: [
        { ...deploymentOf("chat"), model: "gpt-4.1", version: "2025-04-14", sku: "Standard", tokensPerMinute: 20, requestsPerMinute: 30 },
      ],
    });
    const { body } = await below(client, "AOAI-EASTUS/deployments");
    expect(body.value).toMatchObject([
      { name: "chat", sku: { name: "Standard", capacity: 1 }, properties: { model: { name: "gpt-4.1", version: "2025-04-14" } } },
    ]);
    expect(body.value[0]?.properties.rateLimits).toEqual([
      { key: "request", count: 5, renewalPeriod: 10 },
      { key: "token", count: 20, renewalPeriod: 60 },
    ]);
    expect([await chat(client, "gpt-4o"), await chat(client, "chat"), await chat(client, "chat")]).toEqual([404, 200, 429]);
    controls.clearBackends("aoai-eastus");
    expect([await chat(client, "chat"), await chat(client, "gpt-4o")]).toEqual([404, 200]);
  });

  test("requests that no sixth of is whole are stated a minute", async () => {
    const client = await open();
    const controls = await client.sandbox.controls();
    controls.scriptBackend(eastUs, { deployments: [{ ...deploymentOf("gpt-4o"), requestsPerMinute: 10 }] });
    expect((await below(client, "aoai-eastus/deployments")).body.value[0]?.properties.rateLimits).toMatchObject([
      { key: "request", count: 10, renewalPeriod: 60 },
      {},
    ]);
  });

  test("come in pages", async () => {
    const client = await open();
    client.sandbox.world.settings.pageSize = 1;
    const first = (await below(client, "aoai-eastus/deployments")).body;
    const second = (await client.send("GET", first.nextLink)).body;
    expect([first, second].map(({ value }) => value.map(({ name }) => name))).toEqual([["gpt-4o"], ["text-embedding-3-small"]]);
    expect(second.nextLink).toBeUndefined();
  });

  test.each([
    ["of an account that is none", "nobody/deployments", 404, "ResourceNotFound"],
    ["by another path", "aoai-eastus/models", 404, "SandboxRouteNotFound"],
    ["one by one", "aoai-eastus/deployments/gpt-4o", 404, "SandboxRouteNotFound"],
  ])("%s", async (_, path, status, code) => {
    const answer = await below(await open(), path);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  test("in a version that there is not, or without rights", async () => {
    const client = await open();
    expect((await below(client, "aoai-eastus/deployments", "2024-05-01")).body.error).toMatchObject({
      code: "NoRegisteredProviderFound",
      message: expect.stringMatching(/for type 'accounts\/deployments'.*2025-06-01, 2025-09-01/),
    });
    (await client.sandbox.controls()).scriptBackend(eastUs, { readable: false });
    const refused = await below(client, "aoai-eastus/deployments");
    expect([refused.status, refused.body.error.code]).toEqual([403, "AuthorizationFailed"]);
    expect(refused.body.error.message).toContain(
      `action 'Microsoft.CognitiveServices/accounts/deployments/read' over scope '${accounts}/aoai-eastus'`,
    );
  });
});

/** One call of a model by itself; answers its status. */
async function chat({ plane }: Opened, deployment: string, { authorization = "Bearer t", host = eastUs } = {}): Promise<number> {
  const response = await plane.models.of(host)?.fetch(
    new Request(`https://${host}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`, {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ messages: [{ role: "user", content: "Say hello to all of us" }], max_tokens: 10 }),
    }),
  );
  await response?.text();
  return response?.status ?? 0;
}

describe("metrics", () => {
  interface Metric {
    readonly timeseries: readonly {
      readonly metadatavalues: readonly { readonly name: { readonly value: string }; readonly value: string }[];
      readonly data: readonly { readonly timeStamp: string; readonly total?: number }[];
    }[];
  }

  const ask = (client: Client, account: string, given: Record<string, string>): Promise<Answer> => {
    const parameters = new URLSearchParams({ aggregation: "total", ...given });
    return below(client, `${account}/providers/Microsoft.Insights/metrics?${parameters}`, "2024-02-01");
  };

  /** Totals by the values of the dimensions, joined with a blank. */
  async function totals(
    client: Client,
    metric: string,
    dimensions: readonly string[],
    timespan: string,
    account = "aoai-eastus",
  ): Promise<unknown> {
    const filter = dimensions.map((name) => `${name} eq '*'`).join(" and ");
    const answer = await ask(client, account, { metricnames: metric, timespan, ...(filter === "" ? {} : { $filter: filter }) });
    expect(answer.status, answer.text).toBe(200);
    const [{ timeseries } = { timeseries: [] }]: readonly Metric[] = JSON.parse(answer.text).value;
    return Object.fromEntries(
      timeseries.map(({ metadatavalues, data }) => [
        metadatavalues.map(({ value }) => value).join(" "),
        data.reduce((sum, { total = 0 }) => sum + total, 0),
      ]),
    );
  }

  const minute = "2026-11-20T10:00:00Z/2026-11-20T10:01:00Z";

  test("count what a client has sent, by deployment and status, in the minute of the call", async () => {
    const client = await open({ seed: "empty" });
    client.sandbox.world.put("backends/b", { url: `https://${eastUs}/openai`, protocol: "http" });
    const controls = await client.sandbox.controls();
    controls.scriptBackend("b", {
      deployments: [
        { ...deploymentOf("small"), tokensPerMinute: 40 },
        { ...deploymentOf("large"), model: "gpt-4.1", version: "2025-04-14" },
      ],
      script: [{ deployment: "large", times: 1, behaviour: { kind: "status", status: 500 } }],
    });
    const sent = [];
    for (const deployment of ["small", "small", "small", "large", "large", "none"]) sent.push(await chat(client, deployment));
    await chat(client, "large", { authorization: "" });
    expect(sent).toEqual([200, 200, 429, 500, 200, 404]);
    await client.clock.advance(60_000);
    await chat(client, "small");
    expect(await totals(client, "AzureOpenAIRequests", ["ModelDeploymentName", "StatusCode"], minute)).toEqual({
      "small 200": 2,
      "small 429": 1,
      "large 200": 1,
      "large 401": 1,
      "large 500": 1,
    });
    expect(await totals(client, "AzureOpenAIRequests", ["ModelName", "ModelVersion", "Region"], minute)).toEqual({
      "gpt-4o 2024-11-20 East US": 3,
      "gpt-4.1 2025-04-14 East US": 3,
    });
    // The minute that is not over has no point yet.
    expect(await totals(client, "AzureOpenAIRequests", [], "2026-11-20T10:01:00Z/2026-11-20T10:02:00Z")).toEqual({});
    await client.clock.advance(60_000);
    expect(await totals(client, "AzureOpenAIRequests", [], "2026-11-20T10:01:00Z/2026-11-20T10:02:00Z")).toEqual({ "": 1 });
  });

  test("count each attempt of the gateway", async () => {
    const client = await open();
    const behaviour = { kind: "throttle", retryAfterSeconds: 1 } as const;
    (await client.sandbox.controls()).scriptBackend("aoai-eastus", { script: [{ times: 1, behaviour }] });
    const gateway = await client.sandbox.gateway();
    const request = new Request("https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
      method: "POST",
      headers: { "api-key": client.sandbox.keys().growth ?? "" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }] }),
    });
    const answer = await gateway.fetch(request);
    await answer.text();
    expect(answer.status).toBe(200);
    await client.clock.advance(60_000);
    expect(await totals(client, "AzureOpenAIRequests", ["StatusCode"], minute)).toEqual({ 200: 1, 429: 1 });
  });

  test("count the tokens that answers name, of chats, streams and embeddings", async () => {
    const client = await open({ seed: "empty" });
    client.sandbox.world.put("backends/b", { url: `https://${eastUs}/openai`, protocol: "http" });
    const model = client.plane.models.of(eastUs);
    const usage = { prompt: 0, completion: 0 };
    const bodies: readonly (readonly [string, object])[] = [
      ["deployments/chat/chat/completions", { messages: [{ role: "user", content: "Hello" }] }],
      [
        "deployments/chat/chat/completions",
        { messages: [{ role: "user", content: "Hi" }], stream: true, stream_options: { include_usage: true } },
      ],
      ["responses", { model: "chat", input: "Hello" }],
      ["deployments/an-embedding/embeddings", { input: ["one text", "another text of mine"] }],
    ];
    for (const [path, body] of bodies) {
      const request = new Request(`https://${eastUs}/openai/${path}`, {
        method: "POST",
        headers: { authorization: "Bearer t" },
        body: JSON.stringify(body),
      });
      const text = (await (await model?.fetch(request))?.text()) ?? "";
      usage.prompt += Number(/"(?:prompt|input)_tokens":(\d+)/.exec(text)?.[1]);
      usage.completion += Number(/"(?:completion|output)_tokens":(\d+)/.exec(text)?.[1] ?? 0);
    }
    await client.clock.advance(60_000);
    expect(usage.completion).toBeGreaterThan(50);
    expect(await totals(client, "ProcessedPromptTokens", [], minute)).toEqual({ "": usage.prompt });
    expect(await totals(client, "GeneratedTokens", [], minute)).toEqual({ "": usage.completion });
    expect(await totals(client, "TokenTransaction", [], minute)).toEqual({ "": usage.prompt + usage.completion });
    const byName = await totals(client, "TokenTransaction", ["ModelDeploymentName"], minute);
    expect(Object.keys(Object(byName))).toEqual(["chat", "an-embedding"]);
  });

  test("of the time before are those of the gateway's own history", async () => {
    const client = await open();
    const day = "2026-11-19T10:00:00Z/2026-11-20T10:00:00Z";
    const expected = { requests: 0, throttled: 0, tokens: 0 };
    for (let time = start.getTime() - 24 * 3_600_000; time < start.getTime(); time += 60_000) {
      for (const { attempts, tokens } of callsIn(new Date(time))) {
        expected.requests += attempts.filter((status) => status !== null).length;
        expected.throttled += attempts.filter((status) => status === 429).length;
        expected.tokens += (tokens?.prompt ?? 0) + (tokens?.completion ?? 0);
      }
    }
    expect(expected.throttled).toBeGreaterThan(5);
    expect(await totals(client, "AzureOpenAIRequests", [], day)).toEqual({ "": expected.requests });
    expect(await totals(client, "AzureOpenAIRequests", ["StatusCode"], day)).toMatchObject({ 429: expected.throttled });
    expect(await totals(client, "TokenTransaction", [], day)).toEqual({ "": expected.tokens });
    expect(await totals(client, "AzureOpenAIRequests", [], day, "aoai-westeurope")).toEqual({});
  });

  test.each([
    [
      "a metric of the gateway",
      { metricnames: "Requests" },
      "provider: Microsoft.CognitiveServices, resource Type: accounts, metric: Requests",
    ],
    [
      "a dimension that is none of the metric's",
      { metricnames: "TokenTransaction", $filter: "StatusCode eq '*'" },
      "dimension combination",
    ],
    ["an aggregation that it has not", { metricnames: "AzureOpenAIRequests", aggregation: "maximum" }, "requested aggregation"],
  ])("refuse %s", async (_, given, message) => {
    const answer = await ask(await open(), "aoai-eastus", given);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, { code: "BadRequest", message: expect.stringContaining(message) }]);
  });

  test("need an account, and the rights to read it", async () => {
    const client = await open();
    expect((await ask(client, "nobody", { metricnames: "AzureOpenAIRequests" })).status).toBe(404);
    (await client.sandbox.controls()).scriptBackend(eastUs, { readable: false });
    const refused = await ask(client, "aoai-eastus", { metricnames: "AzureOpenAIRequests" });
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      expect.stringContaining("action 'Microsoft.Insights/metrics/read'"),
    ]);
  });
});

test("scripted faults hit the accounts' paths as any other", async () => {
  const client = await open();
  const outcome = { kind: "answer", status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } } as const;
  client.sandbox.world.faults.add({ path: /accounts\/aoai-eastus\/deployments$/, outcome });
  client.sandbox.world.faults.add({ path: /ResourceGraph/i, outcome });
  expect((await below(client, "aoai-westeurope/deployments")).status).toBe(200);
  expect((await below(client, "aoai-eastus/deployments")).status).toBe(403);
  expect((await graph(client, query(all))).status).toBe(403);
});
