import type {
  ApiContract,
  OperationContract,
  ProductApiLinkContract,
  ProductContract,
  SubscriptionContract,
} from "@azure/arm-apimanagement";
import { isObject, type JsonObject, type ListedDocument, type PolicyScope } from "../gateway/documents.ts";
import { type Api, type Operation, type Product, type Service, type Subscription, tierOf } from "../gateway/model.ts";
import { storedProperties } from "./documents.ts";
import { policyScopeOfArmId, type ServiceAddress, subscriptionScopeOfArmId } from "./resource-ids.ts";

/* ARM's contracts as the project's own types. What has no name in ARM cannot be addressed, and is left out. */

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export function serviceOf(address: ServiceAddress, body: JsonObject): Service {
  const sku = isObject(body.sku) ? text(body.sku.name) : "";
  const properties = isObject(body.properties) ? body.properties : {};
  return {
    name: address.name,
    resourceId: address.resourceId,
    location: text(body.location),
    sku,
    tier: tierOf(sku),
    gatewayUrl: text(properties.gatewayUrl) || null,
    tenantId: text(isObject(body.identity) ? body.identity.tenantId : undefined) || null,
  };
}

export const productOf = ({ name = "", displayName }: ProductContract, apiIds: readonly string[]): Product => ({
  id: name,
  displayName: displayName ?? name,
  apiIds,
});

/** A product of a workspace names its APIs by links, which hold whole ARM ids. */
export const linkedApiId = ({ apiId = "" }: ProductApiLinkContract): string => apiId.slice(apiId.lastIndexOf("/") + 1);

export function apiOf({ name = "", displayName, path, serviceUrl, subscriptionRequired }: ApiContract): Api {
  return {
    id: name,
    displayName: displayName ?? name,
    path: path ?? "",
    serviceUrl: serviceUrl ?? null,
    // Assumed: true where ARM's list leaves it out, as Azure does for an API created without it.
    subscriptionRequired: subscriptionRequired ?? true,
  };
}

export const isCurrentRevision = ({ isCurrent }: ApiContract): boolean => isCurrent !== false;

export const operationOf = ({ name = "", displayName, method, urlTemplate }: OperationContract): Operation => ({
  id: name,
  displayName: displayName ?? name,
  method: method ?? "",
  urlTemplate: urlTemplate ?? "",
});

/** Null for a subscription whose scope is not modelled. */
export function subscriptionOf({ name = "", displayName, state, scope }: SubscriptionContract): Subscription | null {
  const opened = scope === undefined ? null : subscriptionScopeOfArmId(scope);
  return opened === null ? null : { id: name, displayName: displayName ?? name, state: state ?? "", scope: opened };
}

export const policyScopeOf = ({ properties }: JsonObject): PolicyScope | null =>
  isObject(properties) ? policyScopeOfArmId(text(properties.referencePolicyId)) : null;

/** Secrets in clear. `collection`: below the service, e.g. `backends` or `workspaces/growth/namedValues`. */
export function listedDocumentOf(collection: string, item: JsonObject): ListedDocument {
  const id = `${collection}/${text(item.name)}`;
  const properties = isObject(item.properties) ? item.properties : {};
  return { id, properties: storedProperties(id, properties) };
}
