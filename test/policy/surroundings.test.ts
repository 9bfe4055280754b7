import { expect, it } from "vitest";
import type { PolicyScope } from "../../src/gateway/documents.ts";
import { appliedBeside, referencesOf } from "../../src/policy/surroundings.ts";
import { inbound, textsOf } from "./gateway-texts.ts";

const ids = [
  "policies/policy",
  "products/gold/policies/policy",
  "products/other/policies/policy",
  "apis/chat/policies/policy",
  "apis/chat/operations/ask/policies/policy",
  "apis/echo/policies/policy",
  "workspaces/team/policies/policy",
  "workspaces/team/apis/chat/policies/policy",
  "workspaces/team/apis/chat/operations/ask/policies/policy",
  "workspaces/rivals/policies/policy",
  "workspaces/rivals/apis/chat/policies/policy",
];

const inventory = {
  service: {
    name: "s",
    resourceId: "/s",
    location: "East US",
    sku: "PremiumV2",
    tier: "v2" as const,
    gatewayUrl: null,
    tenantId: null,
    regions: ["East US"],
    selfHostedGateways: 0,
  },
  products: [
    { id: "gold", displayName: "Gold", apiIds: ["chat"] },
    { id: "other", displayName: "Other", apiIds: [] },
  ],
  apis: [],
  subscriptions: [],
  backends: [],
  workspaces: [],
  notes: [],
  ...textsOf({ policies: Object.fromEntries(ids.map((id) => [id, inbound("<a />")])) }),
};

const workspaceId = "team";

it.each<[PolicyScope, readonly string[]]>([
  [{ kind: "api", apiId: "chat" }, ["global policy", "product 'gold' policy", "operation 'chat/ask' policy"]],
  [{ kind: "product", productId: "other" }, ["global policy"]],
  [
    { kind: "workspace", workspaceId },
    ["global policy", "workspace 'team' API 'chat' policy", "workspace 'team' operation 'chat/ask' policy"],
  ],
  [
    { kind: "operation", workspaceId, apiId: "chat", operationId: "ask" },
    ["global policy", "workspace 'team' policy", "workspace 'team' API 'chat' policy"],
  ],
])("calls of %j meet no other documents than these", (scope, titles) => {
  expect(appliedBeside(inventory, scope).map(({ title }) => title)).toEqual(titles);
});

it("what only a workspace has is nothing that the service's policies may refer to", () => {
  const document = (id: string) => ({ id, properties: { displayName: id.split("/").at(-1) ?? "", value: "1" } });
  const found = referencesOf({
    ...inventory,
    fragments: ["policyFragments/own", "workspaces/team/policyFragments/theirs"].map(document),
    namedValues: ["namedValues/mine", "workspaces/team/namedValues/other"].map(document),
  });
  expect(found.fragments).toEqual(["own"]);
  expect([...(found.namedValues?.keys() ?? [])]).toEqual(["mine"]);
});
