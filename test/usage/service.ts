import type { GatewayReader } from "../../src/gateway/ports.ts";
import { resourceId } from "./rows.ts";

const unused = (): never => {
  throw new Error("not asked for here");
};

/** The service alone, without backends: all that a report reads of it. */
export const serviceOnly: GatewayReader = {
  service: async () => ({
    name: "apim-prod",
    resourceId,
    location: "East US",
    sku: "StandardV2",
    tier: "v2",
    gatewayUrl: null,
    tenantId: null,
    regions: ["East US"],
    selfHostedGateways: 0,
  }),
  backends: async () => [],
  products: unused,
  apis: unused,
  operations: unused,
  fragments: unused,
  namedValues: unused,
  subscriptions: unused,
  policyScopes: unused,
  workspaces: unused,
  workspace: unused,
  document: unused,
};
