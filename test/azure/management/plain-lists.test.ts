import { describe, expect, it } from "vitest";
import { arm, failureOf, gatewayOver, neverAborted, serviceId, wire } from "../wire.ts";
import { list, reader } from "./kit.ts";

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
