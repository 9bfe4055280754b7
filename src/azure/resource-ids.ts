import { GatewayError } from "../errors.ts";
import type { DocumentId, PolicyScope } from "../gateway/documents.ts";
import type { SubscriptionScope } from "../gateway/model.ts";

/** An API Management service's ARM id, taken apart. */
export interface ServiceAddress {
  /** `/subscriptions/.../service/<name>`, without a trailing slash. */
  readonly resourceId: string;
  readonly azureSubscription: string;
  readonly resourceGroup: string;
  readonly name: string;
}

const guid = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
const serviceId = new RegExp(
  `^/subscriptions/(${guid})/resourceGroups/([^/?#]+)/providers/Microsoft\\.ApiManagement/service/([a-z][a-z0-9-]*)/?$`,
  "i",
);

/** Throws `not_configured` on what is not the whole ARM id of a service. */
export function parseServiceId(resourceId: string): ServiceAddress {
  const [, azureSubscription, resourceGroup, name] = serviceId.exec(resourceId) ?? [];
  if (azureSubscription === undefined || resourceGroup === undefined || name === undefined) {
    throw new GatewayError("not_configured", `'${resourceId}' is not the ARM id of an API Management service.`, {
      hint: "It reads /subscriptions/<GUID>/resourceGroups/<name>/providers/Microsoft.ApiManagement/service/<name>; find it with: az apim list --query [].id",
    });
  }
  return { resourceId: resourceId.replace(/\/$/, ""), azureSubscription, resourceGroup, name };
}

/**
 * A document's path below the service, ready for a URL. Throws `invalid_input` on a segment that would lead elsewhere:
 * a URL with `backends/..` names the service itself.
 */
export function documentPath(id: DocumentId): string {
  const segments = id.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new GatewayError("invalid_input", `'${id}' is not a path below the service.`, {
      hint: "Names of APIs, products, operations, backends and fragments are not empty and are not '.' or '..'.",
    });
  }
  return segments.map(encodeURIComponent).join("/");
}

/** What follows the service in an ARM id; ARM also writes ids that begin below it (`/products/aoai`). */
function belowService(armId: string): string {
  return armId.replace(/^.*\/providers\/Microsoft\.ApiManagement\/service\/[^/]+/i, "").replace(/\/$/, "");
}

/** The scope of a policy's ARM id; null for scopes that are not modelled (workspaces, GraphQL resolvers, other revisions of an API). */
export function policyScopeOfArmId(armId: string): PolicyScope | null {
  const path = belowService(armId);
  if (path.includes(";rev=")) return null;
  if (/^\/policies\/policy$/i.test(path)) return { kind: "global" };
  const productId = /^\/products\/([^/]+)\/policies\/policy$/i.exec(path)?.[1];
  if (productId !== undefined) return { kind: "product", productId };
  const [, apiId, operationId] = /^\/apis\/([^/]+)(?:\/operations\/([^/]+))?\/policies\/policy$/i.exec(path) ?? [];
  if (apiId === undefined) return null;
  return operationId === undefined ? { kind: "api", apiId } : { kind: "operation", apiId, operationId };
}

/** What an APIM subscription's `scope` opens; null for scopes that are not modelled (workspaces). */
export function subscriptionScopeOfArmId(armId: string): SubscriptionScope | null {
  const path = belowService(armId);
  if (path === "") return { kind: "service" };
  if (/^\/apis$/i.test(path)) return { kind: "apis" };
  const [, collection, name] = /^\/(products|apis)\/([^/]+)$/i.exec(path) ?? [];
  if (collection === undefined || name === undefined) return null;
  return collection.toLowerCase() === "products" ? { kind: "product", productId: name } : { kind: "api", apiId: name };
}
