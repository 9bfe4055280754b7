import { describe, expect, it } from "vitest";
import { failureOf, serviceId } from "../wire.ts";
import { list, reader } from "./kit.ts";

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
