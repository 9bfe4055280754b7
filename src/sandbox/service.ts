import type { JsonObject } from "../gateway/documents.ts";

const azureSubscription = "5a11db0c-0000-4000-8000-00000000a1a1";
const resourceGroup = "sandbox";
const name = "sandbox";

/** How the sandbox's one API Management instance is addressed. */
export const sandboxService = {
  azureSubscription,
  resourceGroup,
  name,
  resourceId: `/subscriptions/${azureSubscription}/resourceGroups/${resourceGroup}/providers/Microsoft.ApiManagement/service/${name}`,
} as const;

/** The instance's own resource, without `id`, `name`, `type` and `etag`. */
export interface ServiceResource {
  readonly location: string;
  readonly sku: { readonly name: string; readonly capacity: number };
  readonly identity?: JsonObject;
  readonly tags?: JsonObject;
  readonly properties: JsonObject;
}

export const standardV2: ServiceResource = {
  location: "East US",
  sku: { name: "StandardV2", capacity: 1 },
  identity: {
    type: "SystemAssigned",
    principalId: "5a11db0c-0000-4000-8000-00000000b2b2",
    tenantId: "5a11db0c-0000-4000-8000-00000000c3c3",
  },
  tags: {},
  properties: {
    publisherName: "Sandbox",
    publisherEmail: "sandbox@example.com",
    provisioningState: "Succeeded",
    gatewayUrl: "https://sandbox.azure-api.net",
    platformVersion: "stv2.1",
    virtualNetworkType: "None",
    publicNetworkAccess: "Enabled",
  },
};

/** The instance with gateways in these regions: those beside its own location are additional ones, as with a Premium service. */
export function serviceIn(regions: readonly string[]): ServiceResource {
  const { location, sku, properties } = standardV2;
  const others = new Map(regions.map((region) => [regionName(region), region]));
  others.delete(regionName(location));
  if (others.size === 0) return standardV2;
  const additionalLocations = [...others.values()].map((region) => ({ location: region, sku, disableGateway: false }));
  return { ...standardV2, properties: { ...properties, additionalLocations } };
}

/** Azure's name of a region as ARM spells it in messages and paths: `East US` is `eastus`. */
export const regionName = (location: string): string => location.toLowerCase().replaceAll(" ", "");
