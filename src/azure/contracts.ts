import { isObject, type Json, type JsonObject, type ListedDocument, type PolicyScope } from "../gateway/documents.ts";
import {
  type Api,
  type Operation,
  type Product,
  type Service,
  type Subscription,
  type SubscriptionKeyNames,
  tierOf,
  usualSubscriptionKeyNames,
} from "../gateway/model.ts";
import { storedProperties } from "./documents.ts";
import { policyScopeOfArmId, type ServiceAddress, subscriptionScopeOfArmId } from "./resource-ids.ts";

/* ARM's contracts as the project's own types. What has no name in ARM cannot be addressed, and is left out. */

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const optional = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);
const propertiesOf = ({ properties }: JsonObject): JsonObject => (isObject(properties) ? properties : {});

export const nameOf = ({ name }: JsonObject): string => text(name);

/** The service, with the number of its self-hosted gateways. */
export function serviceOf(address: ServiceAddress, body: JsonObject, selfHostedGateways: Service["selfHostedGateways"]): Service {
  const properties = propertiesOf(body);
  const sku = skuOf(body);
  return {
    name: address.name,
    resourceId: address.resourceId,
    location: text(body.location),
    sku,
    tier: tierOf(sku),
    gatewayUrl: text(properties.gatewayUrl) || null,
    tenantId: text(isObject(body.identity) ? body.identity.tenantId : undefined) || null,
    regions: regionsOf(text(body.location), properties),
    selfHostedGateways,
  };
}

const skuOf = ({ sku }: JsonObject): string => (isObject(sku) ? text(sku.name) : "");

/** https://learn.microsoft.com/azure/api-management/self-hosted-gateway-overview. Assumed: of the retired Isolated too. */
export const hasSelfHostedGateways = (body: JsonObject): boolean => /^(?:Developer|Premium|Isolated)$/i.test(skuOf(body));

/** Those whose gateway serves: `disableGateway` takes one out (https://learn.microsoft.com/azure/api-management/api-management-howto-deploy-multi-region). */
function regionsOf(location: string, { disableGateway, additionalLocations }: JsonObject): readonly string[] {
  const further = Array.isArray(additionalLocations) ? additionalLocations.filter(isObject) : [];
  const serving = further.filter((place) => place.disableGateway !== true).map((place) => text(place.location));
  return disableGateway === true && serving.length > 0 ? serving : [location, ...serving];
}

export function productOf(item: JsonObject, apiIds: readonly string[]): Product {
  return { id: nameOf(item), displayName: optional(propertiesOf(item).displayName) ?? nameOf(item), apiIds };
}

/** A product of a workspace names its APIs by links, which hold whole ARM ids. */
export function linkedApiId(item: JsonObject): string {
  return lastSegment(text(propertiesOf(item).apiId));
}

const lastSegment = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

export function apiOf(item: JsonObject): Api {
  const { displayName, path, serviceUrl, subscriptionRequired, subscriptionKeyParameterNames } = propertiesOf(item);
  const keyNames = isObject(subscriptionKeyParameterNames) ? subscriptionKeyNamesOf(subscriptionKeyParameterNames) : null;
  return {
    id: nameOf(item),
    displayName: optional(displayName) ?? nameOf(item),
    path: text(path),
    serviceUrl: optional(serviceUrl),
    // Assumed: true where ARM's list leaves it out, as Azure does for an API created without it.
    subscriptionRequired: subscriptionRequired !== false,
    ...(keyNames === null ? {} : { subscriptionKeyNames: keyNames }),
  };
}

const subscriptionKeyNamesOf = ({ header, query }: JsonObject): SubscriptionKeyNames => ({
  header: text(header) || usualSubscriptionKeyNames.header,
  query: text(query) || usualSubscriptionKeyNames.query,
});

export const isCurrentRevision = (item: JsonObject): boolean => propertiesOf(item).isCurrent !== false;

export function operationOf(item: JsonObject): Operation {
  const { displayName, method, urlTemplate } = propertiesOf(item);
  return { id: nameOf(item), displayName: optional(displayName) ?? nameOf(item), method: text(method), urlTemplate: text(urlTemplate) };
}

/** Null for a subscription whose scope is not of its own level, the service or the workspace. */
export function subscriptionOf(item: JsonObject, workspaceId: string | null): Subscription | null {
  const { displayName, state, scope, ownerId } = propertiesOf(item);
  const opened = typeof scope === "string" ? subscriptionScopeOfArmId(scope, workspaceId) : null;
  if (opened === null) return null;
  const owner = lastSegment(text(ownerId));
  return {
    id: nameOf(item),
    displayName: optional(displayName) ?? nameOf(item),
    state: text(state),
    scope: opened,
    ...(owner === "" ? {} : { ownerId: owner }),
    ...(workspaceId === null ? {} : { workspaceId }),
  };
}

export const policyScopeOf = ({ properties }: JsonObject): PolicyScope | null =>
  isObject(properties) ? policyScopeOfArmId(text(properties.referencePolicyId)) : null;

/** Secrets in clear. `collection`: below the service, e.g. `backends` or `workspaces/growth/namedValues`. */
export function listedDocumentOf(collection: string, item: JsonObject): ListedDocument {
  const id = `${collection}/${nameOf(item)}`;
  return { id, properties: storedProperties(id, propertiesOf(item)) };
}
