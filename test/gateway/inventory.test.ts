import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { findSubscription } from "../../src/gateway/inventory.ts";
import type { Service, Subscription } from "../../src/gateway/model.ts";

const group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg";
const service: Service = {
  name: "apim",
  resourceId: `${group}/providers/Microsoft.ApiManagement/service/apim`,
  location: "East US",
  sku: "Developer",
  tier: "classic",
  gatewayUrl: null,
  tenantId: null,
  regions: ["East US"],
  selfHostedGateways: 0,
};

const subscription = (id: string, displayName: string, productId: string): Subscription => ({
  id,
  displayName,
  state: "active",
  scope: { kind: "product", productId },
});

const subscriptions = [
  subscription("growth", "Growth team", "aoai"),
  subscription("s1", "Batch", "aoai"),
  subscription("s2", "batch", "trial"),
  subscription("s3", "growth", "aoai"),
];

const found = (name: string): string => findSubscription({ service, subscriptions }, name).id;

function refusal(name: string): { readonly code: string; readonly text: string } {
  try {
    throw new Error(`found ${found(name)}`);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { code: error.code, text: [error.message, error.hint, ...error.details].join("\n") };
  }
}

describe("findSubscription", () => {
  it.each([
    ["the sid", "growth", "growth"],
    ["the sid in another case", "S1", "s1"],
    ["the sid before another's display name", "Growth", "growth"],
    ["a display name", "growth team", "growth"],
    ["the whole ARM id", `${service.resourceId}/subscriptions/growth`, "growth"],
    ["the whole ARM id in another case", `${service.resourceId}/subscriptions/S2`.toLowerCase().replace("apim/", "APIM/"), "s2"],
    ["the whole ARM id with a slash", `${service.resourceId}/subscriptions/s1/`, "s1"],
  ])("takes %s", (_, name, id) => expect(found(name)).toBe(id));

  it.each([
    ["an unknown name", "groth", "not_found", /Unknown subscription 'groth'.*'growth'.*list_subscriptions/s],
    ["an unknown sid in an ARM id", `${service.resourceId}/subscriptions/groth`, "not_found", /'groth'.*'growth'/s],
    ["another service's", `${service.resourceId}-2/subscriptions/growth`, "invalid_input", /not the ARM id of a subscription of 'apim'/],
    ["a workspace's", `${service.resourceId}/workspaces/w/subscriptions/growth`, "invalid_input", /service\/apim\/subscriptions\/<sid>/],
    ["a product's", `${service.resourceId}/products/growth`, "invalid_input", /not the ARM id of a subscription/],
    ["the collection", `${service.resourceId}/subscriptions/`, "invalid_input", /not the ARM id of a subscription/],
  ])("refuses %s", (_, name, code, text) => {
    expect(refusal(name).code).toBe(code);
    expect(refusal(name).text).toMatch(text);
  });

  it("names those that a display name may mean", () => {
    expect(refusal("BATCH")).toEqual({
      code: "invalid_input",
      text: "The display name 'BATCH' is ambiguous: 2 subscriptions have it.\nGive the id of the one that is meant.\ns1: product 'aoai', active\ns2: product 'trial', active",
    });
  });
});
