import { GatewayError } from "../errors.ts";
import { backendDocumentId, type JsonObject, type ListedDocument } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { backendIdOf, backendWithUrl, findBackend, sameUrl } from "./backend.ts";
import { checkBackendId } from "./new-backend.ts";
import type { PoolRequest } from "./request.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import type { Subject } from "./subject.ts";

/** What an API went to alone, and what stands before it then. */
export interface Conversion {
  readonly from: Route;
  /** The operations whose calls it is for: null for all that have no route of their own. */
  readonly operations: readonly (string | null)[];
  /** The new pool, with what the API goes to now as its only member. */
  readonly pool: ListedDocument;
  /** The pool, and the backend for a URL that has none. */
  readonly created: readonly ListedDocument[];
}

/** Whether a request wants members beside what an API without a pool goes to. */
export function wantsPool({ kind, backendId }: Pick<Subject, "kind" | "backendId">, { backends = [] }: PoolRequest): boolean {
  return kind !== "pool" && backends.some(({ backend_id }) => backendId === null || !sameName(backend_id, backendId));
}

/**
 * The pool that stands in the place of the one backend or URL that an API goes to. Throws `unsupported` where it goes nowhere, or where not
 * the policy itself says where.
 */
export function conversionOf(
  { service, backends }: Inventory,
  subject: Subject,
  { apiId, routes }: ApiRoutes,
  request: PoolRequest,
): Conversion {
  const { backendId } = subject;
  const meant = routes.filter((route) => isMeant(route, subject));
  const literal = meant.filter(({ expression }) => expression === null);
  const usual = literal.filter(({ operationId }) => operationId === null);
  const [from] = usual.length > 0 ? usual : literal;
  if (from === undefined) throw noneToConvert(apiId, routes, meant);
  const primary = backendId ?? backendWithUrl(backends, from.url ?? "");
  const created =
    primary === null
      ? [{ id: backendDocumentId(newId(backends, originId(apiId, from.url ?? ""))), properties: origin(apiId, from.url ?? "") }]
      : [];
  const first = primary ?? created.map(({ id }) => backendIdOf(id)).join();
  // Of several places 'pool_id' says which one is meant.
  const { pool_id } = request;
  const isMeantBy =
    pool_id !== undefined && (findBackend(backends, pool_id) !== undefined || (subject.url !== null && sameUrl(subject.url, pool_id)));
  const given = isMeantBy ? undefined : pool_id;
  if (given !== undefined) checkBackendId(given);
  const properties: JsonObject = { type: "Pool", pool: { services: [{ id: `${service.resourceId}/backends/${first}`, priority: 1 }] } };
  const pool = { id: backendDocumentId(given ?? newId(backends, `${first.slice(0, 70)}-pool`)), properties };
  const operations = usual.length > 0 ? [null] : [...new Set(literal.map(({ operationId }) => operationId))];
  return { from, operations, pool, created: [...created, pool] };
}

const isMeant = (route: Route, { backendId, url }: Subject): boolean =>
  backendId === null ? route.url !== null && url !== null && sameUrl(route.url, url) : route.backendId === backendId;

function noneToConvert(apiId: string, routes: readonly Route[], meant: readonly Route[]): GatewayError {
  const [decided] = [...meant, ...routes].filter(({ expression }) => expression !== null);
  const why =
    decided === undefined
      ? `API '${apiId}' goes to no pool, and no single backend can be turned into one.`
      : `An expression says where API '${apiId}' goes (${placeText(decided)}): it cannot be made to say a pool instead.`;
  return new GatewayError("unsupported", why, {
    hint: 'Point the API at a backend with <set-backend-service backend-id="..." /> (apply_policy) first.',
  });
}

/** Where it stands that a route is taken. */
export const placeText = ({ source }: Pick<Route, "source">): string =>
  typeof source === "string" ? source : `${source.document}, line ${source.line}`;

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
