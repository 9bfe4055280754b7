import { GatewayError } from "../errors.ts";
import { backendDocumentId, type JsonObject, type ListedDocument } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { backendIdOf, backendWithUrl, findBackend } from "./backend.ts";
import { checkBackendId } from "./new-backend.ts";
import type { PoolRequest } from "./request.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import type { Subject } from "./subject.ts";

/** What an API went to alone, and what stands before it then. */
export interface Conversion {
  readonly from: Route;
  /** The new pool, with what the API goes to now as its only member. */
  readonly pool: ListedDocument;
  /** The pool, and the backend for a URL that has none. */
  readonly created: readonly ListedDocument[];
}

/** Whether a request wants members beside what an API without a pool goes to. */
export function wantsPool({ kind, backendId }: Subject, { backends = [] }: PoolRequest): boolean {
  return kind !== "pool" && backends.some(({ backend_id }) => backendId === null || !sameName(backend_id, backendId));
}

/**
 * The pool that stands in the place of the one backend or URL that an API goes to. Throws `unsupported` where it goes nowhere, or where not
 * the policy itself says where.
 */
export function conversionOf(
  { service, backends }: Inventory,
  { backendId }: Subject,
  { apiId, routes }: ApiRoutes,
  request: PoolRequest,
): Conversion {
  const from = routes.find(
    (route) => route.operationId === null && (backendId === null ? route.kind === "url" : route.backendId === backendId),
  );
  if (from === undefined || from.expression !== null || (backendId === null && from.url === null)) {
    throw new GatewayError("unsupported", `API '${apiId}' goes to no pool, and no single backend can be turned into one.`, {
      hint: 'Point the API at a backend with <set-backend-service backend-id="..." /> (apply_policy) first.',
    });
  }
  if (backendId === null && routes.length > 1) {
    throw new GatewayError("unsupported", `API '${apiId}' goes to a URL among other places: a pool cannot take the place of one of them.`, {
      hint: "Say where it goes in its policy with apply_policy.",
    });
  }
  const primary = backendId ?? backendWithUrl(backends, from.url ?? "");
  const created =
    primary === null
      ? [{ id: backendDocumentId(newId(backends, originId(apiId, from.url ?? ""))), properties: origin(apiId, from.url ?? "") }]
      : [];
  const first = primary ?? created.map(({ id }) => backendIdOf(id)).join();
  // Of several single backends 'pool_id' says which one is meant.
  const given = request.pool_id === undefined || findBackend(backends, request.pool_id) !== undefined ? undefined : request.pool_id;
  if (given !== undefined) checkBackendId(given);
  const properties: JsonObject = { type: "Pool", pool: { services: [{ id: `${service.resourceId}/backends/${first}`, priority: 1 }] } };
  const pool = { id: backendDocumentId(given ?? newId(backends, `${first.slice(0, 70)}-pool`)), properties };
  return { from, pool, created: [...created, pool] };
}

function origin(apiId: string, url: string): JsonObject {
  const { username, password, search, hash } = new URL(url);
  if (username + password + search + hash === "") return { url, protocol: "http" };
  throw new GatewayError("unsupported", `The URL that API '${apiId}' goes to holds credentials, a query or a fragment.`, {
    hint: "Create a backend for it by hand, and point <set-backend-service> at it with apply_policy.",
  });
}

/** The name of the host where it is Azure's, else that of the API. */
function originId(apiId: string, url: string): string {
  const [label = ""] = new URL(url).hostname.split(".");
  return /^[a-z][a-z\d-]{1,60}[a-z\d]$/i.test(label) ? label : `${apiId.replaceAll(/[^\w.-]/g, "-").slice(0, 60)}-origin`;
}

/** The id, or with a number behind it where there is such a backend. */
function newId(backends: readonly ListedDocument[], wanted: string): string {
  for (let number = 1; ; number++) {
    const id = number === 1 ? wanted : `${wanted}-${number}`;
    if (findBackend(backends, id) === undefined) return id;
  }
}
