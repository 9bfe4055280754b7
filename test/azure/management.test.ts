import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { arm, failureOf, gatewayOver, markerOf, neverAborted, quickTiming, serviceId, token, wire } from "./wire.ts";

const list = (items: readonly Record<string, unknown>[], nextLink?: string) => ({
  body: JSON.parse(JSON.stringify({ value: items, ...(nextLink && { nextLink }) })),
});

const reader = (answer: Parameters<typeof wire>[0], signal = neverAborted) => {
  const { fetch, sent } = wire(answer);
  return { sent, gateway: gatewayOver(fetch).reader(signal) };
};

describe("plain lists", () => {
  it("maps products with the current revisions of their APIs, over all pages", async () => {
    const { gateway, sent } = reader(({ path, url }) => {
      if (path === "apis") return list(["openai", "echo"].map((name) => ({ name, properties: {} })));
      if (path === "products/aoai/apis") {
        return list([
          { name: "openai", properties: { isCurrent: true, path: "openai" } },
          { name: "openai;rev=2", properties: { isCurrent: false, path: "openai" } },
        ]);
      }
      if (path === "products/free/apis") return list([]);
      return url.searchParams.has("$skip")
        ? list([{ name: "free", properties: {} }])
        : list([{ name: "aoai", properties: { displayName: "AOAI" } }], `${arm}${serviceId}/products?api-version=2024-05-01&$skip=1`);
    });
    expect(await gateway.products()).toEqual([
      { id: "aoai", displayName: "AOAI", apiIds: ["openai"] },
      { id: "free", displayName: "free", apiIds: [] },
    ]);
    expect(sent.map(({ url }) => url.searchParams.get("api-version"))).toEqual(Array(5).fill("2024-05-01"));
  });

  const products = ["one", "two", "three"].map((name) => ({ name, properties: { displayName: name } }));
  const apis = [
    { name: "chat", properties: { path: "chat" } },
    { name: "chat;rev=2", properties: { path: "chat", isCurrent: false } },
    { name: "images", properties: { path: "images" } },
  ];

  it("asks the APIs for their products where those are fewer", async () => {
    const { gateway, sent } = reader(({ path }) => {
      if (path === "apis/chat/products") return list([products[0] ?? {}, { name: "THREE", properties: {} }]);
      if (path === "apis/images/products") return list([products[0] ?? {}]);
      return list(path === "apis" ? apis : products);
    });
    expect((await gateway.products()).map(({ id, apiIds }) => [id, apiIds])).toEqual([
      ["one", ["chat", "images"]],
      ["two", []],
      ["three", ["chat"]],
    ]);
    await gateway.apis();
    expect(sent.map(({ path }) => path)).toEqual(["products", "apis", "apis/chat/products", "apis/images/products"]);
  });

  it("asks the products where the APIs may not be asked", async () => {
    const { gateway } = reader(({ path }) => {
      if (path.startsWith("apis/")) return { status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } };
      if (path === "products/two/apis") return list([apis[0] ?? {}]);
      if (path.endsWith("/apis")) return list([]);
      return list(path === "apis" ? apis : products);
    });
    expect((await gateway.products()).map(({ apiIds }) => apiIds)).toEqual([[], ["chat"], []]);
  });

  it("does not take a failure that may pass for an answer", async () => {
    const { gateway } = reader(({ path }) => (path.startsWith("apis/") ? { status: 500 } : list(path === "apis" ? apis : products)));
    expect(await failureOf(gateway.products())).toMatchObject({ code: "unavailable" });
  });

  it("maps APIs", async () => {
    const { gateway } = reader(() =>
      list([
        {
          name: "openai",
          properties: { displayName: "OpenAI", path: "openai", serviceUrl: "https://x", subscriptionRequired: false, isCurrent: true },
        },
        { name: "openai;rev=2", properties: { displayName: "OpenAI", path: "openai", isCurrent: false } },
        { name: "echo", properties: { path: "echo" } },
      ]),
    );
    expect(await gateway.apis()).toEqual([
      { id: "openai", displayName: "OpenAI", path: "openai", serviceUrl: "https://x", subscriptionRequired: false },
      { id: "echo", displayName: "echo", path: "echo", serviceUrl: null, subscriptionRequired: true },
    ]);
  });

  it("maps operations of an API whose name needs escaping", async () => {
    const { gateway, sent } = reader(() =>
      list([{ name: "chat", properties: { displayName: "Chat", method: "POST", urlTemplate: "/deployments/{d}/chat/completions" } }]),
    );
    expect(await gateway.operations("open ai")).toEqual([
      { id: "chat", displayName: "Chat", method: "POST", urlTemplate: "/deployments/{d}/chat/completions" },
    ]);
    expect(sent[0]?.url.pathname).toBe(`${serviceId}/apis/open%20ai/operations`);
  });

  it("maps subscriptions and leaves out those of workspaces", async () => {
    const { gateway } = reader(() =>
      list([
        { name: "growth", properties: { displayName: "Growth", state: "active", scope: `${serviceId}/products/aoai` } },
        { name: "nameless", properties: { displayName: null, state: "suspended", scope: `${serviceId}/apis` } },
        { name: "master", properties: { displayName: "Built-in all-access", state: "active", scope: `${serviceId}/` } },
        { name: "ws", properties: { displayName: "ws", state: "active", scope: `${serviceId}/workspaces/w/apis/a` } },
      ]),
    );
    expect(await gateway.subscriptions()).toEqual([
      { id: "growth", displayName: "Growth", state: "active", scope: { kind: "product", productId: "aoai" } },
      { id: "nameless", displayName: "nameless", state: "suspended", scope: { kind: "apis" } },
      { id: "master", displayName: "Built-in all-access", state: "active", scope: { kind: "service" } },
    ]);
  });

  it("reads the service", async () => {
    const { gateway } = reader(() => ({
      body: {
        location: "East US",
        sku: { name: "StandardV2" },
        identity: { type: "SystemAssigned", tenantId: "5a11db0c-0000-4000-8000-00000000c3c3" },
        properties: { gatewayUrl: "https://apim-prod.azure-api.net" },
      },
    }));
    expect(await gateway.service()).toEqual({
      name: "apim-prod",
      resourceId: serviceId,
      location: "East US",
      sku: "StandardV2",
      tier: "v2",
      gatewayUrl: "https://apim-prod.azure-api.net",
      tenantId: "5a11db0c-0000-4000-8000-00000000c3c3",
      regions: ["East US"],
      selfHostedGateways: 0,
    });
  });

  it.each([
    ["alone", {}, ["East US"]],
    [
      "with additional locations, those that are enabled",
      {
        additionalLocations: [
          { location: "West Europe" },
          { location: "UK South", disableGateway: true },
          { location: "Japan East", disableGateway: false },
        ],
      },
      ["East US", "West Europe", "Japan East"],
    ],
    [
      "without its own location where that is disabled",
      { disableGateway: true, additionalLocations: [{ location: "West Europe" }] },
      ["West Europe"],
    ],
  ])("has regions: %s", async (_, properties, regions) => {
    const { gateway } = reader(() => ({ body: { location: "East US", sku: { name: "PremiumV2" }, properties } }));
    expect(await gateway.service()).toMatchObject({ regions });
  });

  it.each([
    ["Premium", 200, 2],
    ["Developer", 200, 2],
    ["Premium", 403, "unknown"],
    ["Premium", 404, "unknown"],
    ["StandardV2", 200, 0],
    ["Consumption", 200, 0],
  ])("has self-hosted gateways: %s where the list answers %i", async (sku, status, expected) => {
    const { gateway, sent } = reader(({ path }) => {
      if (path !== "gateways") return { body: { location: "East US", sku: { name: sku }, properties: {} } };
      return status === 200 ? list([{ name: "one" }, { name: "two" }]) : { status, body: { error: { code: "X", message: "x" } } };
    });
    expect(await gateway.service()).toMatchObject({ selfHostedGateways: expected });
    expect(sent).toHaveLength(expected === 0 ? 1 : 2);
  });

  it("fails where the list of gateways fails for a time", async () => {
    const { gateway } = reader(({ path }) =>
      path === "gateways" ? { status: 500 } : { body: { location: "East US", sku: { name: "Premium" }, properties: {} } },
    );
    expect(await failureOf(gateway.service())).toMatchObject({ code: "unavailable" });
  });
});

describe("workspaces", () => {
  const workspaceId = `${serviceId}/workspaces/growth`;

  it("are listed by name", async () => {
    const { gateway, sent } = reader(() => list([{ name: "growth", properties: { displayName: "Growth" } }, { name: "platform" }]));
    expect(await gateway.workspaces()).toEqual(["growth", "platform"]);
    expect(sent.map(({ path }) => path)).toEqual(["workspaces"]);
  });

  it("have entities like the service, and links from products to APIs", async () => {
    const { gateway, sent } = reader(({ path }) => {
      if (path.endsWith("/apiLinks")) return list([{ name: "one", properties: { apiId: `${workspaceId}/apis/chat` } }]);
      if (path.endsWith("/products")) return list([{ name: "gold", properties: { displayName: "Gold" } }]);
      if (path.endsWith("/operations")) return list([{ name: "ask", properties: { method: "POST", urlTemplate: "/ask" } }]);
      return list([
        { name: "chat", properties: { path: "chat" } },
        { name: "chat;rev=2", properties: { path: "chat", isCurrent: false } },
      ]);
    });
    const workspace = gateway.workspace("growth");
    expect(await workspace.products()).toEqual([{ id: "gold", displayName: "Gold", apiIds: ["chat"] }]);
    expect((await workspace.apis()).map(({ id }) => id)).toEqual(["chat"]);
    expect((await workspace.operations("chat")).map(({ id }) => id)).toEqual(["ask"]);
    expect(sent.map(({ path }) => path)).toEqual([
      "workspaces/growth/products",
      "workspaces/growth/products/gold/apiLinks",
      "workspaces/growth/apis",
      "workspaces/growth/apis/chat/operations",
    ]);
  });

  it("have fragments and named values under ids of their own, without secrets", async () => {
    const { gateway, sent } = reader(({ path }) => {
      if (path === "workspaces/a%b/policyFragments/escaped") {
        return { headers: { etag: '"1"' }, body: { properties: { value: "<fragment>@(a && b)</fragment>" } } };
      }
      return path.endsWith("namedValues")
        ? list([{ name: "key", properties: { displayName: "key", secret: true, value: "canary" } }])
        : list([{ name: "escaped", properties: { format: "xml", value: "<fragment>@(a &amp;&amp; b)</fragment>" } }]);
    });
    const workspace = gateway.workspace("a%b");
    expect(await workspace.fragments()).toMatchObject([
      { id: "workspaces/a%b/policyFragments/escaped", properties: { value: "<fragment>@(a && b)</fragment>" } },
    ]);
    expect(await workspace.namedValues()).toMatchObject([{ id: "workspaces/a%b/namedValues/key", properties: { displayName: "key" } }]);
    expect(JSON.stringify(await workspace.namedValues())).not.toContain("canary");
    expect(sent.map(({ url }) => url.pathname.slice(serviceId.length))).toEqual([
      "/workspaces/a%25b/policyFragments",
      "/workspaces/a%25b/policyFragments/escaped",
      "/workspaces/a%25b/namedValues",
    ]);
  });

  it("have subscriptions, whose scopes are within", async () => {
    const scopes = [`${workspaceId}/products/gold`, "/apis", `${workspaceId}/apis/chat`, `${serviceId}/workspaces/other/apis/chat`];
    const { gateway, sent } = reader(() =>
      list(
        scopes.map((scope, index) => ({
          name: `s${index}`,
          properties: { displayName: `S${index}`, state: "active", scope, primaryKey: "canary" },
        })),
      ),
    );
    const common = { state: "active", workspaceId: "growth" };
    expect(await gateway.workspace("growth").subscriptions()).toEqual([
      { ...common, id: "s0", displayName: "S0", scope: { kind: "product", productId: "gold" } },
      { ...common, id: "s1", displayName: "S1", scope: { kind: "apis" } },
      { ...common, id: "s2", displayName: "S2", scope: { kind: "api", apiId: "chat" } },
    ]);
    expect(sent.map(({ path }) => path)).toEqual(["workspaces/growth/subscriptions"]);
  });

  it("are asked the same question once, each for itself", async () => {
    const { gateway, sent } = reader(() => list([]));
    for (const name of ["growth", "growth", "platform"]) await gateway.workspace(name).apis();
    await gateway.apis();
    expect(sent.map(({ path }) => path)).toEqual(["workspaces/growth/apis", "workspaces/platform/apis", "apis"]);
  });

  it("that the tier does not have are unsupported", async () => {
    const error = { code: "MethodNotAllowedInPricingTier", message: "Method not allowed in Consumption pricing tier" };
    const { gateway } = reader(() => ({ status: 400, body: { error } }));
    expect(await failureOf(gateway.workspaces())).toMatchObject({ code: "unsupported", message: expect.stringContaining("workspaces") });
  });
});

describe("raw lists", () => {
  it("keeps what the SDK would drop, leaves nulls out and hides credentials", async () => {
    const { gateway, sent } = reader(({ url }) =>
      url.searchParams.has("$skip")
        ? list([{ name: "pool", properties: { type: "Pool", url: null, pool: { services: [{ id: "/backends/a", weight: null }] } } }])
        : list(
            [
              {
                name: "a",
                properties: { azureRegion: "eastus", future: { deep: [1] }, credentials: { header: { "api-key": ["canary"] } } },
              },
            ],
            `${arm}${serviceId}/backends?api-version=2025-03-01-preview&$skip=1`,
          ),
    );
    expect(await gateway.backends()).toEqual([
      {
        id: "backends/a",
        properties: {
          azureRegion: "eastus",
          future: { deep: [1] },
          credentials: { header: { "api-key": [markerOf("credentials.header.api-key.0")] } },
        },
      },
      { id: "backends/pool", properties: { type: "Pool", pool: { services: [{ id: "/backends/a" }] } } },
    ]);
    expect(sent[0]?.url.searchParams.get("api-version")).toBe("2025-03-01-preview");
  });

  it("falls back to a version that the cloud has, once for a gateway", async () => {
    const { fetch, sent } = wire(({ url }) =>
      url.searchParams.get("api-version") === "2024-05-01"
        ? list([])
        : {
            status: 400,
            body: {
              error: {
                code: "NoRegisteredProviderFound",
                message:
                  "No registered resource provider found for location 'chinaeast2' and API version '2025-03-01-preview' for type 'service/backends'. The supported api-versions are '2021-08-01, 2024-05-01'. The supported locations are 'chinaeast2'.",
              },
            },
          },
    );
    const gateway = gatewayOver(fetch);
    expect(await gateway.reader(neverAborted).backends()).toEqual([]);
    expect(await gateway.reader(neverAborted).backends()).toEqual([]);
    expect(sent.map(({ url }) => url.searchParams.get("api-version"))).toEqual(["2025-03-01-preview", "2024-05-01", "2024-05-01"]);
  });

  it("gives fragments as rawxml, asking again only for those in which something is escaped", async () => {
    const raw = '<fragment><set-variable name="x" value="@(a && "b" == c)" /></fragment>';
    const { gateway, sent } = reader(({ path }) =>
      path === "policyFragments"
        ? list([
            { name: "plain", properties: { format: "xml", value: "<fragment />", description: "d" } },
            { name: "escaped", properties: { format: "xml", value: "<fragment>@(a &amp;&amp; b)</fragment>" } },
          ])
        : { headers: { etag: '"1"' }, body: { properties: { format: "rawxml", value: raw } } },
    );
    const fragments = await gateway.fragments();
    expect(fragments.map(({ id, properties }) => ({ id, properties }))).toEqual([
      { id: "policyFragments/plain", properties: { format: "rawxml", value: "<fragment />", description: "d" } },
      { id: "policyFragments/escaped", properties: { format: "rawxml", value: raw } },
    ]);
    await gateway.document("policyFragments/escaped");
    expect(sent.map(({ path, url }) => `${path}${url.search}`)).toEqual([
      "policyFragments?api-version=2024-05-01",
      "policyFragments/escaped?api-version=2024-05-01&format=rawxml",
    ]);
  });

  it("maps the scopes that have a policy", async () => {
    const { gateway } = reader(() =>
      list(
        ["policies/policy", "products/p/policies/policy", "apis/a/operations/o/policies/policy", "workspaces/w/policies/policy"].map(
          (path) => ({
            name: "x",
            properties: { referencePolicyId: `${serviceId}/${path}`, complianceState: "Compliant" },
          }),
        ),
      ),
    );
    expect(await gateway.policyScopes()).toEqual([
      { kind: "global" },
      { kind: "product", productId: "p" },
      { kind: "operation", apiId: "a", operationId: "o" },
      { kind: "workspace", workspaceId: "w" },
    ]);
  });

  it.each(["backends", "products"] as const)("does not follow a link of %s to another origin", async (collection) => {
    const { gateway, sent } = reader(() => list([], "https://evil.example.net/next?api-version=2024-05-01"));
    const error = await failureOf(gateway[collection]());
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("https://evil.example.net") });
    expect(sent).toHaveLength(1);
  });
});

describe("document", () => {
  it.each([
    ["policies/policy", "?api-version=2024-05-01&format=rawxml"],
    ["policyFragments/f", "?api-version=2024-05-01&format=rawxml"],
    ["namedValues/n", "?api-version=2024-05-01"],
    ["backends/b", "?api-version=2025-03-01-preview"],
  ])("%s is read with %s", async (id, search) => {
    const { gateway, sent } = reader(() => ({ headers: { etag: '"AAAAAADmlmY="' }, body: { properties: { value: "v" } } }));
    expect(await gateway.document(id)).toMatchObject({ id, etag: '"AAAAAADmlmY="' });
    expect(sent[0]?.url.search).toBe(search);
    expect(sent[0]?.path).toBe(id);
  });

  it("of a policy is its text, as rawxml", async () => {
    const { gateway } = reader(() => ({
      headers: { etag: '"1"' },
      body: { id: "x", name: "policy", properties: { format: "rawxml", value: "<policies />\r\n", provisioningState: "Succeeded" } },
    }));
    expect(await gateway.document("apis/a/policies/policy")).toEqual({
      id: "apis/a/policies/policy",
      etag: '"1"',
      properties: { format: "rawxml", value: "<policies />\r\n" },
    });
  });

  it("takes an ETag from the body, and refuses to go without", async () => {
    const body = { etag: "AAAA", properties: {} };
    expect(await reader(() => ({ body })).gateway.document("backends/b")).toMatchObject({ etag: "AAAA" });
    expect(await failureOf(reader(() => ({ body: { properties: {} } })).gateway.document("backends/b"))).toMatchObject({
      code: "internal",
    });
  });

  it("is null where there is none", async () => {
    const { gateway } = reader(() => ({ status: 404, body: { error: { code: "ResourceNotFound", message: "Policy not found." } } }));
    expect(await gateway.document("apis/a/policies/policy")).toBeNull();
  });

  it("fails where the service itself is missing", async () => {
    const message = "The Resource 'Microsoft.ApiManagement/service/apim-prod' under resource group 'rg-ai' was not found.";
    const { gateway } = reader(() => ({ status: 404, body: { error: { code: "ResourceNotFound", message } } }));
    expect(await failureOf(gateway.document("apis/a/policies/policy"))).toMatchObject({
      code: "not_found",
      hint: expect.stringContaining("AIGW_SERVICE"),
    });
  });

  it("does not reach above its collection", async () => {
    const { gateway, sent } = reader(() => ({ body: {} }));
    expect(await failureOf(gateway.document("backends/.."))).toMatchObject({ code: "invalid_input" });
    expect(sent).toEqual([]);
  });

  it("fails on an answer that is not whole", async () => {
    const { gateway } = reader(() => ({ text: '{"properties":{"credentials":"canary' }));
    const error = await failureOf(gateway.document("backends/b"));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(String(error)).not.toContain("canary");
  });
});

describe("a reader", () => {
  it("answers the same question once", async () => {
    const { gateway, sent } = reader(() => ({ headers: { etag: '"1"' }, body: { value: [], properties: {} } }));
    await Promise.all([
      gateway.apis(),
      gateway.apis(),
      gateway.document("backends/b"),
      gateway.document("backends/b"),
      gateway.document("backends/c"),
    ]);
    await gateway.apis();
    expect(sent).toHaveLength(3);
  });

  it("has at most 8 requests under way", async () => {
    let now = 0;
    let most = 0;
    const manyApis = Array.from({ length: 40 }, (_, index) => ({ name: `a${index}`, properties: {} }));
    const { gateway, sent } = reader(async ({ path }) => {
      now += 1;
      most = Math.max(most, now);
      await setImmediate();
      now -= 1;
      return path === "products"
        ? list(Array.from({ length: 40 }, (_, index) => ({ name: `p${index}`, properties: {} })))
        : { headers: { etag: '"1"' }, body: { value: path === "apis" ? manyApis : [], properties: {} } };
    });
    await Promise.all([gateway.products(), ...Array.from({ length: 20 }, (_, index) => gateway.document(`backends/b${index}`))]);
    expect(sent).toHaveLength(62);
    expect(most).toBe(8);
  });

  it.each(["apis", "backends"] as const)("is cancelled with its call: %s", async (question) => {
    const controller = new AbortController();
    const { gateway } = reader(async () => {
      controller.abort();
      return new Promise<never>(() => {});
    }, controller.signal);
    expect(await failureOf(gateway[question]())).toMatchObject({ code: "cancelled" });
  });

  it("sends nothing for a call that is cancelled already", async () => {
    const { gateway, sent } = reader(() => list([]), AbortSignal.abort());
    expect(await failureOf(gateway.apis())).toMatchObject({ code: "cancelled" });
    expect(await failureOf(gateway.document("backends/b"))).toMatchObject({ code: "cancelled" });
    expect(sent).toEqual([]);
  });

  it("says who it is, and shows its token to the service", async () => {
    const { gateway, sent } = reader(() => list([]));
    await Promise.all([gateway.apis(), gateway.backends()]);
    for (const { headers } of sent) {
      expect(headers.get("user-agent")).toMatch(/^azure-ai-gateway-mcp\/\d+\.\d+\.\d+ azsdk-js-arm-apimanagement\//);
      expect(headers.get("authorization")).toBe(`Bearer ${token}`);
    }
  });
});

describe("retries of a read", () => {
  const okAfter = (failures: number, failure: Awaited<ReturnType<Parameters<typeof wire>[0]>>) =>
    reader((_, index) => (index < failures ? failure : list([{ name: "a", properties: {} }])));

  it.each([
    ["500", { status: 500 }],
    ["503", { status: 503 }],
    ["429 with a short Retry-After", { status: 429, headers: { "retry-after-ms": "1" } }],
    ["a lost connection", new Error("socket hang up")],
  ])("%s: up to three", async (_, failure) => {
    for (const question of ["apis", "backends"] as const) {
      const happy = okAfter(3, failure);
      expect(await happy.gateway[question]()).toHaveLength(1);
      expect(happy.sent).toHaveLength(4);
      const unhappy = okAfter(4, failure);
      expect(await failureOf(unhappy.gateway[question]())).toMatchObject({
        code: failure instanceof Error || failure.status >= 500 ? "unavailable" : "throttled",
      });
      expect(unhappy.sent).toHaveLength(4);
    }
  });

  it.each([
    ["31", 31],
    ["400", 400],
  ])("a Retry-After of %s s is not waited for", async (value, seconds) => {
    for (const status of [429, 503]) {
      for (const question of ["apis", "backends"] as const) {
        const { gateway, sent } = okAfter(1, { status, headers: { "retry-after": value } });
        expect(await failureOf(gateway[question]())).toMatchObject({
          code: "throttled",
          retryable: true,
          message: expect.stringContaining(`${seconds} s`),
        });
        expect(sent).toHaveLength(1);
      }
    }
  });

  it.each([400, 401, 403, 404, 409, 412])("%i is not tried again", async (status) => {
    const { gateway, sent } = okAfter(1, { status, body: { error: { code: "X", message: "x" } } });
    await failureOf(gateway.backends());
    expect(sent).toHaveLength(1);
  });
});

describe("other clouds", () => {
  it.each([
    ["usgovernment", "https://management.usgovcloudapi.net"],
    ["china", "https://management.chinacloudapi.cn"],
  ] as const)("%s", async (cloud, endpoint) => {
    const { fetch, sent } = wire(() => list([]));
    const gateway = gatewayOver(fetch, { cloud }, quickTiming()).reader(neverAborted);
    await Promise.all([gateway.apis(), gateway.backends()]);
    expect(sent.map(({ url }) => url.origin)).toEqual([endpoint, endpoint]);
  });
});

describe("subscriptions", () => {
  it("leave without their keys, also where ARM shows them", async () => {
    const key = { primaryKey: "canary", secondaryKey: "canary" };
    const scope = `${serviceId}/products/aoai`;
    const { fetch } = wire(() => list([{ name: "growth", properties: { displayName: "Growth", state: "active", scope, ...key } }]));
    expect(await gatewayOver(fetch).reader(neverAborted).subscriptions()).toEqual([
      { id: "growth", displayName: "Growth", state: "active", scope: { kind: "product", productId: "aoai" } },
    ]);
  });
});
