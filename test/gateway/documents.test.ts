import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  documentKind,
  documentTitle,
  fragmentDocumentId,
  type PolicyScope,
  policyDocumentId,
  policyScopeOf,
  workspaceOf,
} from "../../src/gateway/documents.ts";

describe("document ids", () => {
  it.each([
    ["policies/policy", "policy", "global policy"],
    ["products/aoai/policies/policy", "policy", "product 'aoai' policy"],
    ["apis/chat/policies/policy", "policy", "API 'chat' policy"],
    ["apis/chat/operations/ask/policies/policy", "policy", "operation 'chat/ask' policy"],
    ["policyFragments/limits", "fragment", "fragment 'limits'"],
    ["namedValues/tpm", "named_value", "named value 'tpm'"],
    ["backends/eastus", "backend", "backend 'eastus'"],
    ["workspaces/growth/policies/policy", "policy", "workspace 'growth' policy"],
    ["workspaces/growth/products/aoai/policies/policy", "policy", "workspace 'growth' product 'aoai' policy"],
    ["workspaces/growth/apis/chat/policies/policy", "policy", "workspace 'growth' API 'chat' policy"],
    ["workspaces/growth/apis/chat/operations/ask/policies/policy", "policy", "workspace 'growth' operation 'chat/ask' policy"],
    ["workspaces/growth/policyFragments/limits", "fragment", "workspace 'growth' fragment 'limits'"],
    ["workspaces/growth/namedValues/tpm", "named_value", "workspace 'growth' named value 'tpm'"],
    ["workspaces/growth/backends/eastus", "backend", "workspace 'growth' backend 'eastus'"],
  ])("%s", (id, kind, title) => {
    expect(documentKind(id)).toBe(kind);
    expect(documentTitle(id)).toBe(title);
    expect(workspaceOf(id)).toBe(id.startsWith("workspaces/") ? "growth" : undefined);
  });

  it.each([
    "workspaces/growth",
    "workspaces/growth/apis/chat",
    "workspaces/growth/workspaces/other/policies/policy",
    "workspaces//policies/policy",
    "policies/other",
    "subscriptions/growth",
  ])("%s is none of a document", (id) => {
    expect(() => documentKind(id)).toThrow(id);
    expect(policyScopeOf(id)).toBeNull();
  });

  it("lead back to their scope", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._;=-]{0,20}$/);
    const place = fc.option(name, { nil: undefined }).map((workspaceId) => (workspaceId === undefined ? {} : { workspaceId }));
    const scope: fc.Arbitrary<PolicyScope> = fc.oneof(
      fc.constant<PolicyScope>({ kind: "global" }),
      name.map((workspaceId): PolicyScope => ({ kind: "workspace", workspaceId })),
      fc.tuple(place, name).map(([at, productId]): PolicyScope => ({ kind: "product", productId, ...at })),
      fc.tuple(place, name).map(([at, apiId]): PolicyScope => ({ kind: "api", apiId, ...at })),
      fc.tuple(place, name, name).map(([at, apiId, operationId]): PolicyScope => ({ kind: "operation", apiId, operationId, ...at })),
    );
    fc.assert(
      fc.property(scope, (given) => {
        const id = policyDocumentId(given);
        expect(policyScopeOf(id)).toEqual(given);
        expect(documentKind(id)).toBe("policy");
        expect(workspaceOf(id)).toBe("workspaceId" in given ? given.workspaceId : undefined);
      }),
    );
  });

  it("of fragments are those of the service, or of a workspace", () => {
    expect(fragmentDocumentId("limits")).toBe("policyFragments/limits");
    expect(fragmentDocumentId("limits", "growth")).toBe("workspaces/growth/policyFragments/limits");
  });
});
