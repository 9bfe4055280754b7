import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentPath, parseServiceId, policyScopeOfArmId, subscriptionScopeOfArmId } from "../../src/azure/resource-ids.ts";
import { serviceId } from "./wire.ts";

describe("parseServiceId", () => {
  it.each([serviceId, `${serviceId}/`, serviceId.replace("resourceGroups", "resourcegroups").replace("Microsoft.Api", "microsoft.api")])(
    "takes %s",
    (id) => {
      expect(parseServiceId(id)).toMatchObject({
        azureSubscription: "11111111-2222-3333-4444-555555555555",
        resourceGroup: "rg-ai",
        name: "apim-prod",
      });
      expect(parseServiceId(id).resourceId).toBe(id.replace(/\/$/, ""));
    },
  );

  it.each([
    "apim-prod",
    "/subscriptions/not-a-guid/resourceGroups/rg-ai/providers/Microsoft.ApiManagement/service/apim-prod",
    serviceId.replace("/service/apim-prod", ""),
    `${serviceId}/apis/openai`,
    `${serviceId}?x=1`,
    serviceId.replace("rg-ai", "rg/../ai"),
  ])("refuses %s", (id) => {
    expect(() => parseServiceId(id)).toThrow(expect.objectContaining({ code: "not_configured" }));
  });
});

describe("documentPath", () => {
  it.each([
    ["backends/aoai-eastus", "backends/aoai-eastus"],
    ["apis/openai;rev=2/policies/policy", "apis/openai%3Brev%3D2/policies/policy"],
    ["backends/a?b#c", "backends/a%3Fb%23c"],
    ["backends/%2e%2e", "backends/%252e%252e"],
  ])("%s is %s", (id, path) => {
    expect(documentPath(id)).toBe(path);
  });

  it.each(["backends/..", "backends/.", "backends/", "apis/../policies/policy", "/backends/x"])("refuses %s", (id) => {
    expect(() => documentPath(id)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });

  it("never leads out of its collection", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        let path: string;
        try {
          path = documentPath(`backends/${name.replaceAll("/", "")}`);
        } catch {
          return;
        }
        const url = new URL(`https://arm.invalid/service/${path}?api-version=1`);
        expect(url.pathname).toMatch(/^\/service\/backends\/[^/]+$/);
        expect(url.search).toBe("?api-version=1");
      }),
    );
  });
});

describe("policyScopeOfArmId", () => {
  it.each([
    [`${serviceId}/policies/policy`, { kind: "global" }],
    [`${serviceId}/products/aoai/policies/policy`, { kind: "product", productId: "aoai" }],
    [`${serviceId}/apis/openai/policies/policy`, { kind: "api", apiId: "openai" }],
    [`${serviceId.toUpperCase()}/APIs/openai/Policies/policy`, { kind: "api", apiId: "openai" }],
    [`${serviceId}/apis/openai/operations/chat/policies/policy`, { kind: "operation", apiId: "openai", operationId: "chat" }],
    ["/products/aoai/policies/policy", { kind: "product", productId: "aoai" }],
    [`${serviceId}/workspaces/w1/policies/policy`, { kind: "workspace", workspaceId: "w1" }],
    [`${serviceId}/Workspaces/w1/products/aoai/policies/policy`, { kind: "product", workspaceId: "w1", productId: "aoai" }],
    [`${serviceId}/workspaces/w1/apis/openai/policies/policy`, { kind: "api", workspaceId: "w1", apiId: "openai" }],
    [
      `${serviceId}/workspaces/w1/apis/openai/operations/chat/policies/policy`,
      { kind: "operation", workspaceId: "w1", apiId: "openai", operationId: "chat" },
    ],
    [`${serviceId}/workspaces/w1/backends/b`, null],
    [`${serviceId}/apis/graph/resolvers/r1/policies/policy`, null],
    [`${serviceId}/apis/openai;rev=2/policies/policy`, null],
  ])("%s", (id, scope) => {
    expect(policyScopeOfArmId(id)).toEqual(scope);
  });
});

describe("subscriptionScopeOfArmId", () => {
  it.each([
    [serviceId, { kind: "service" }],
    [`${serviceId}/`, { kind: "service" }],
    [`${serviceId}/apis`, { kind: "apis" }],
    ["/apis", { kind: "apis" }],
    [`${serviceId}/apis/openai`, { kind: "api", apiId: "openai" }],
    [`${serviceId}/products/aoai`, { kind: "product", productId: "aoai" }],
    ["/products/aoai", { kind: "product", productId: "aoai" }],
    [`${serviceId.toLowerCase()}/Products/aoai`, { kind: "product", productId: "aoai" }],
    [`${serviceId}/workspaces/w1/apis`, null],
    [`${serviceId}/workspaces/w1`, null],
  ])("%s", (id, scope) => {
    expect(subscriptionScopeOfArmId(id, null)).toEqual(scope);
  });

  it.each([
    [`${serviceId}/workspaces/w1/products/gold`, { kind: "product", productId: "gold" }],
    [`${serviceId}/Workspaces/W1/apis/chat`, { kind: "api", apiId: "chat" }],
    [`${serviceId}/workspaces/w1/apis`, { kind: "apis" }],
    [`${serviceId}/workspaces/w1`, { kind: "apis" }],
    ["/products/gold", { kind: "product", productId: "gold" }],
    ["/apis", { kind: "apis" }],
    [`${serviceId}/workspaces/w2/products/gold`, null],
    [`${serviceId}/backends/b`, null],
  ])("in workspace w1: %s", (id, scope) => {
    expect(subscriptionScopeOfArmId(id, "w1")).toEqual(scope);
  });
});
