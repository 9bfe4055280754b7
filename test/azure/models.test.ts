import { describe, expect, test } from "vitest";
import { openGateway } from "../../src/azure/gateway.ts";
import type { Json } from "../../src/gateway/documents.ts";
import { type ModelAccount, readServedModels } from "../../src/gateway/model-accounts.ts";
import type { MetricsQuery } from "../../src/gateway/ports.ts";
import { movableClock } from "../../src/sandbox/clock.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { type Answer, failureOf, gatewayOver, neverAborted, quickTiming, token, wire } from "./wire.ts";

const accountId = (name: string): string =>
  `/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/rg-models/providers/Microsoft.CognitiveServices/accounts/${name}`;

const row = (name: string, more: object = {}) => ({
  id: accountId(name),
  name,
  location: "eastus",
  endpoint: `https://${name}.openai.azure.com/`,
  endpoints: null,
  customSubDomainName: null,
  ...more,
});

const page = (rows: readonly object[], skipToken?: string): Answer => ({
  body: JSON.parse(JSON.stringify({ count: rows.length, data: rows, ...(skipToken === undefined ? {} : { $skipToken: skipToken }) })),
});

const modelsOver = (answer: Parameters<typeof wire>[0], options: Parameters<typeof gatewayOver>[1] = {}, signal = neverAborted) => {
  const { fetch, sent } = wire(answer);
  return { models: gatewayOver(fetch, options).models(signal), sent };
};

const account: ModelAccount = { resourceId: accountId("a"), name: "a", location: "eastus", hosts: ["a.openai.azure.com"] };

describe("accounts", () => {
  test("are asked of all Azure subscriptions at once, and once for a call", async () => {
    const { models, sent } = modelsOver(() => page([row("a")]));
    const [first, second] = await Promise.all([models.accounts(), models.accounts()]);
    expect(first).toEqual([account]);
    expect(second).toBe(first);
    expect(sent).toHaveLength(1);
    const [{ method, url, headers, body } = { method: "", url: new URL("about:blank"), headers: new Headers(), body: null }] = sent;
    expect([method, url.pathname, url.search]).toEqual(["POST", "/providers/Microsoft.ResourceGraph/resources", "?api-version=2024-04-01"]);
    expect([headers.get("content-type"), headers.get("authorization")]).toEqual(["application/json", `Bearer ${token}`]);
    expect([headers.get("if-match"), headers.get("if-none-match")]).toEqual([null, null]);
    expect(body).toEqual({
      query: expect.stringMatching(/^resources\n\| where type =~ 'microsoft\.cognitiveservices\/accounts'\n\| project id, /),
      options: { resultFormat: "objectArray", $top: 1000 },
    });
  });

  test("are not asked for before somebody wants them", async () => {
    const { sent } = modelsOver(() => page([]));
    expect(sent).toEqual([]);
  });

  test("follow their pages", async () => {
    const { models, sent } = modelsOver((_, index) => page([row(`a${index}`)], index < 3 ? `token-${index}` : undefined));
    expect((await models.accounts()).map(({ name }) => name)).toEqual(["a0", "a1", "a2", "a3"]);
    expect(sent.map(({ body }) => JSON.parse(JSON.stringify(body)).options.$skipToken)).toEqual([
      undefined,
      "token-0",
      "token-1",
      "token-2",
    ]);
  });

  test("that never end are no accounts", async () => {
    const { models, sent } = modelsOver(() => page([row("a")], "again"));
    expect(await failureOf(models.accounts())).toMatchObject({ code: "internal", message: expect.stringContaining("has no end") });
    expect(sent).toHaveLength(20);
  });

  const at = "services.ai.azure.com";
  test.for<readonly [string, object, readonly string[]]>([
    ["an endpoint", { endpoint: "https://A.OpenAI.azure.com:443/" }, ["a.openai.azure.com"]],
    [
      "several",
      { endpoints: { "AI Foundry API": `https://a.${at}/api/projects`, "Speech to Text": `https://a.${at}/` } },
      ["a.openai.azure.com", `a.${at}`],
    ],
    ["what is no address", { endpoint: "a", endpoints: { x: null, y: 5, z: "mailto:a" } }, []],
    ["endpoints in another form", { endpoint: null, endpoints: ["https://b.openai.azure.com"] }, []],
    [
      "a custom subdomain",
      { endpoint: null, customSubDomainName: "A" },
      ["a.openai.azure.com", "a.cognitiveservices.azure.com", `a.${at}`],
    ],
    ["one that is empty", { endpoint: null, customSubDomainName: "" }, []],
    ["what all of a region share", { endpoint: "https://eastus.api.cognitive.microsoft.com/" }, []],
  ])("answer at %s", async ([, more, hosts]) => {
    const { models } = modelsOver(() => page([row("a", more)]));
    expect((await models.accounts()).map((one) => one.hosts)).toEqual([hosts]);
  });

  test.for([
    ["usgovernment", "azure.us", "management.usgovcloudapi.net"],
    ["china", "azure.cn", "management.chinacloudapi.cn"],
  ] as const)("of the cloud %s answer below %s", async ([cloud, domain, host]) => {
    const { models, sent } = modelsOver(() => page([row("a", { endpoint: null, customSubDomainName: "a" })]), { cloud });
    expect((await models.accounts()).flatMap(({ hosts }) => hosts)).toEqual([
      `a.openai.${domain}`,
      `a.cognitiveservices.${domain}`,
      `a.services.ai.${domain}`,
    ]);
    expect(sent[0]?.url.host).toBe(host);
  });

  test.for<readonly [string, Json]>([
    ["no id", { ...row("a"), id: null }],
    ["the id of something else", { ...row("a"), id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v" }],
    ["an id that leads elsewhere", { ...row("a"), id: `${accountId("a")}/../../x` }],
    ["an id with a query", { ...row("a"), id: `${accountId("a")}?x` }],
    ["no row", "a"],
  ])("without %s is none", async ([, odd]) => {
    const { models } = modelsOver(() => ({ body: { data: [odd, JSON.parse(JSON.stringify(row("b")))] } }));
    expect((await models.accounts()).map(({ name }) => name)).toEqual(["b"]);
  });
});

describe("deployments", () => {
  const deployment = (properties: object, more: object = {}) => ({
    name: "chat",
    sku: { name: "GlobalStandard", capacity: 50 },
    properties: { model: { format: "OpenAI", name: "gpt-4o", version: "2024-11-20" }, ...properties },
    ...more,
  });
  const listed = (...items: readonly object[]): Answer => ({ body: JSON.parse(JSON.stringify({ value: items })) });
  const limits = (...rateLimits: readonly object[]) => deployment({ rateLimits });

  test("are read below the account, once for a call, with its pages", async () => {
    const next = `https://management.azure.com${accountId("a")}/deployments?api-version=2025-09-01&$skipToken=x`;
    const { models, sent } = modelsOver((_, index) =>
      index === 0
        ? { body: { ...JSON.parse(JSON.stringify(listed(limits()).body)), nextLink: next } }
        : listed(deployment({}, { name: "two", sku: null })),
    );
    expect(await models.deployments(account)).toEqual([
      {
        name: "chat",
        model: "gpt-4o",
        version: "2024-11-20",
        sku: "GlobalStandard",
        capacity: 50,
        tokensPerMinute: null,
        requestsPerMinute: null,
      },
      { name: "two", model: "gpt-4o", version: "2024-11-20", sku: null, capacity: null, tokensPerMinute: null, requestsPerMinute: null },
    ]);
    expect(await models.deployments({ ...account })).toHaveLength(2);
    expect(sent.map(({ method, url }) => `${method} ${url.href}`)).toEqual([
      `GET https://management.azure.com${accountId("a")}/deployments?api-version=2025-09-01`,
      `GET ${next}`,
    ]);
  });

  test("are read in the newest version that there is", async () => {
    const message =
      "No registered resource provider found for location 'x' and API version 'y' for type 'accounts/deployments'. The supported api-versions are '2024-10-01, 2025-06-01'.";
    const { models, sent } = modelsOver((_, index) =>
      index === 0 ? { status: 400, body: { error: { code: "NoRegisteredProviderFound", message } } } : listed(deployment({})),
    );
    expect(await models.deployments(account)).toHaveLength(1);
    expect(sent.map(({ url }) => url.searchParams.get("api-version"))).toEqual(["2025-09-01", "2025-06-01"]);
  });

  test.for<readonly [string, readonly object[], number | null, number | null]>([
    ["none", [], null, null],
    [
      "within their periods",
      [
        { key: "request", count: 50, renewalPeriod: 10 },
        { key: "token", count: 50_000, renewalPeriod: 60 },
      ],
      50_000,
      300,
    ],
    [
      "of one key: the strictest",
      [
        { key: "token", count: 90, renewalPeriod: 60 },
        { key: "token", count: 1, renewalPeriod: 1 },
      ],
      60,
      null,
    ],
    ["of nothing", [{ key: "token", count: 0, renewalPeriod: 60 }], 0, null],
    [
      "without a period",
      [
        { key: "token", count: 90, renewalPeriod: 0 },
        { key: "request", count: 3 },
      ],
      null,
      null,
    ],
    [
      "of other forms",
      [
        { key: "token", count: "90", renewalPeriod: 60 },
        { key: "image", count: 1, renewalPeriod: 60 },
      ],
      null,
      null,
    ],
  ])("have the limits that Azure states a minute: %s", async ([, rateLimits, tokensPerMinute, requestsPerMinute]) => {
    const { models } = modelsOver(() => listed(limits(...rateLimits)));
    expect(await models.deployments(account)).toMatchObject([{ tokensPerMinute, requestsPerMinute }]);
  });

  test("without a name or a model cannot be called", async () => {
    const { models } = modelsOver(() => listed(deployment({ model: null }), { name: 5 }, deployment({}, { name: "" })));
    expect(await models.deployments(account)).toEqual([]);
  });
});

const query: MetricsQuery = {
  metrics: ["AzureOpenAIRequests"],
  since: new Date("2026-11-20T09:50:00Z"),
  until: new Date("2026-11-20T10:00:00Z"),
  interval: "PT1M",
  aggregations: ["total"],
  dimensions: { ModelDeploymentName: "*", StatusCode: "429" },
};

test("metrics are Azure Monitor's of the account", async () => {
  const { models, sent } = modelsOver(() => ({ body: { value: [] } }));
  expect(await models.metrics(account, query)).toEqual({ series: [], problems: [] });
  expect(sent[0]?.url.pathname).toBe(`${accountId("a")}/providers/Microsoft.Insights/metrics`);
  expect(sent[0]?.url.searchParams.get("$filter")).toBe("ModelDeploymentName eq '*' and StatusCode eq '429'");
});

describe("failures", () => {
  const reads = [
    ["accounts", (models: ReturnType<typeof modelsOver>["models"]) => models.accounts()],
    ["deployments", (models: ReturnType<typeof modelsOver>["models"]) => models.deployments(account)],
    ["metrics", (models: ReturnType<typeof modelsOver>["models"]) => models.metrics(account, query)],
  ] as const;
  const outcomes: readonly (readonly [string, Answer | Error, string, number])[] = [
    ["a refusal", { status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } }, "forbidden", 1],
    ["what is gone", { status: 404, body: { error: { code: "ResourceNotFound", message: "no" } } }, "not_found", 1],
    [
      "a short wait",
      { status: 429, headers: { "retry-after-ms": "1" }, body: { error: { code: "RateLimiting", message: "x" } } },
      "throttled",
      4,
    ],
    ["a long wait", { status: 429, headers: { "retry-after": "400" } }, "throttled", 1],
    ["500", { status: 500, body: { error: { code: "X", message: "x" } } }, "unavailable", 4],
    ["a lost connection", new Error("socket hang up"), "unavailable", 4],
    ["another form", { body: { data: {}, value: "none" } }, "internal", 1],
  ];
  test.for(reads.flatMap(([what, read]) => outcomes.map((outcome) => [what, ...outcome, read] as const)))(
    "%s: %s",
    async ([, , answer, code, attempts, read]) => {
      const { models, sent } = modelsOver(() => answer);
      expect(await failureOf(read(models))).toMatchObject({ code });
      expect(sent).toHaveLength(attempts);
    },
  );

  test.for(reads)("%s are cancelled with their call", async ([, read]) => {
    const { models, sent } = modelsOver(() => page([]), {}, AbortSignal.abort());
    expect(await failureOf(read(models))).toMatchObject({ code: "cancelled" });
    expect(sent).toEqual([]);
  });

  test("of a query keep Resource Graph's reason", async () => {
    const details = [
      { code: "InvalidQuery", message: "Query is invalid." },
      { code: "ParserFailure", message: "ParserFailure", token: "x" },
    ];
    const { models } = modelsOver(() => ({ status: 400, body: { error: { code: "BadRequest", message: "timestamp = x", details } } }));
    expect(await failureOf(models.accounts())).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("Query is invalid."),
    });
  });
});

describe("the sandbox", () => {
  const eastUs = "aoai-eastus.openai.azure.com";

  function open() {
    const sandbox = createSandbox({ clock: movableClock(new Date("2026-11-20T10:00:00Z")) });
    const target = { resourceId: sandboxService.resourceId, cloud: "public", accessToken: sandbox.token, fetch: sandbox.fetch } as const;
    const models = () => openGateway(target, quickTiming()).models(neverAborted);
    return { sandbox, models };
  }

  test("tells what serves at its hosts, in pages of any size", async () => {
    const { sandbox, models } = open();
    sandbox.world.settings.pageSize = 1;
    const found = await readServedModels(models(), [eastUs, "AOAI-WestEurope.openai.azure.com", "example.com", eastUs]);
    expect([...found].map(([host, { kind }]) => [host, kind])).toEqual([
      [eastUs, "read"],
      ["aoai-westeurope.openai.azure.com", "read"],
      ["example.com", "unseen"],
    ]);
    expect(found.get(eastUs)).toMatchObject({
      account: { name: "aoai-eastus", location: "eastus" },
      deployments: [
        { name: "gpt-4o", model: "gpt-4o", version: "2024-11-20", sku: "GlobalStandard", tokensPerMinute: 3e7, requestsPerMinute: 1.8e5 },
        { name: "text-embedding-3-small" },
      ],
    });
  });

  test("an account without rights is unseen, and says which role it lacks where it is asked all the same", async () => {
    const { sandbox, models } = open();
    const seen = (await models().accounts()).find(({ name }) => name === "aoai-eastus");
    if (seen === undefined) throw new Error("no account");
    (await sandbox.controls()).scriptBackend("aoai-eastus", { readable: false });
    expect((await readServedModels(models(), [eastUs])).get(eastUs)).toEqual({ kind: "unseen" });
    expect(await failureOf(models().deployments(seen))).toMatchObject({
      code: "forbidden",
      hint: expect.stringContaining(`--role "Reader" --scope "${seen.resourceId}"`),
    });
    expect(await failureOf(models().metrics(seen, query))).toMatchObject({
      code: "forbidden",
      hint: expect.stringContaining(`--role "Monitoring Reader" --scope "${seen.resourceId}"`),
    });
  });

  test("a scripted refusal stands in its host's place", async () => {
    const { sandbox, models } = open();
    const answer = { kind: "answer", status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } } as const;
    sandbox.world.faults.add({ path: /accounts\/aoai-eastus\/deployments$/i, outcome: answer });
    const found = await readServedModels(models(), [eastUs, "aoai-westeurope.openai.azure.com"]);
    expect([...found.values()].map(({ kind }) => kind)).toEqual(["refused", "read"]);
    sandbox.world.faults.add({ path: /ResourceGraph/i, outcome: answer });
    expect([...(await readServedModels(models(), [eastUs])).values()]).toMatchObject([
      { kind: "refused", account: null, error: { code: "forbidden" } },
    ]);
  });

  test("metrics of the time before are there", async () => {
    const { models } = open();
    const [first] = await models().accounts();
    if (first === undefined) throw new Error("no account");
    const { series, problems } = await models().metrics(first, { ...query, dimensions: { ModelDeploymentName: "gpt-4o" } });
    expect(problems).toEqual([]);
    expect(series).toMatchObject([{ metric: "AzureOpenAIRequests", dimensions: { modeldeploymentname: "gpt-4o" } }]);
    expect(series.flatMap(({ points }) => points).reduce((sum, { values }) => sum + (values.total ?? 0), 0)).toBeGreaterThan(10);
  });
});
