import { GatewayError } from "../errors.ts";
import type { DocumentId, PolicyScope } from "../gateway/documents.ts";
import { type SubscriptionScope, sameName } from "../gateway/model.ts";

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

/** Where an ARM id leads: below a workspace, or below the service itself. */
interface Place {
  readonly workspaceId: string | undefined;
  readonly path: string;
}

function placeOf(armId: string): Place {
  const below = belowService(armId);
  const [, workspaceId, path = ""] = /^\/workspaces\/([^/]+)(.*)$/i.exec(below) ?? [];
  return workspaceId === undefined ? { workspaceId: undefined, path: below } : { workspaceId, path };
}

/** The scope of a policy's ARM id; null for scopes that are not modelled (GraphQL resolvers, other revisions of an API). */
export function policyScopeOfArmId(armId: string): PolicyScope | null {
  const { workspaceId, path } = placeOf(armId);
  const own = workspaceId === undefined ? {} : { workspaceId };
  if (path.includes(";rev=")) return null;
  if (/^\/policies\/policy$/i.test(path)) return workspaceId === undefined ? { kind: "global" } : { kind: "workspace", workspaceId };
  const productId = /^\/products\/([^/]+)\/policies\/policy$/i.exec(path)?.[1];
  if (productId !== undefined) return { kind: "product", productId, ...own };
  const [, apiId, operationId] = /^\/apis\/([^/]+)(?:\/operations\/([^/]+))?\/policies\/policy$/i.exec(path) ?? [];
  if (apiId === undefined) return null;
  return operationId === undefined ? { kind: "api", apiId, ...own } : { kind: "operation", apiId, operationId, ...own };
}

/**
 * What an APIM subscription's `scope` opens of the service, or of its workspace; null for what is elsewhere. A workspace's may name the scope as
 * one of the workspace or by itself (`/products/gold`). Assumed: the workspace itself as a scope means all of its APIs.
 */
export function subscriptionScopeOfArmId(armId: string, workspaceId: string | null): SubscriptionScope | null {
  const place = placeOf(armId);
  if (place.workspaceId !== undefined && (workspaceId === null || !sameName(place.workspaceId, workspaceId))) return null;
  if (place.path === "") return workspaceId === null ? { kind: "service" } : { kind: "apis" };
  if (/^\/apis$/i.test(place.path)) return { kind: "apis" };
  const [, collection, name] = /^\/(products|apis)\/([^/]+)$/i.exec(place.path) ?? [];
  if (collection === undefined || name === undefined) return null;
  return collection.toLowerCase() === "products" ? { kind: "product", productId: name } : { kind: "api", apiId: name };
}
