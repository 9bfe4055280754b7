import { GatewayError, unknownName } from "../errors.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { backendIdOf, findBackend, isPool, sameUrl } from "./backend.ts";
import type { PoolRequest } from "./request.ts";
import type { ApiRoutes, Route } from "./routes.ts";

/** What a request changes: a pool, a backend that stands alone, or the policy of the API at most. */
export interface Subject {
  readonly kind: "pool" | "backend" | "url";
  readonly backendId: string | null;
  /** Of a URL that is meant; null where the policy alone is. */
  readonly url: string | null;
}

const policyAlone: Subject = { kind: "url", backendId: null, url: null };

/**
 * The pool or backend of the API that the request means. Of several it is the pool, where the API has one; else the one that all calls without
 * an operation of their own go to. Throws `invalid_input` with the candidates where that is none, or where `pool_id` is none of them, and
 * `not_found` where it does not exist.
 */
export function subjectOf(inventory: Inventory, { apiId, routes }: ApiRoutes, request: PoolRequest): Subject {
  const { pool_id: poolId } = request;
  const all = destinationsOf(routes);
  const pools = all.filter(({ kind }) => kind === "pool");
  if (poolId !== undefined) {
    const url = all.find((one) => one.url !== null && sameUrl(one.url, poolId));
    if (url !== undefined) return url;
    const isNew = pools.length === 0 && findBackend(inventory.backends, poolId) === undefined && addsMembers(request, all);
    if (!isNew) return named(inventory, { apiId, routes }, poolId, all);
  }
  const usual = destinationsOf(routes.filter(({ operationId }) => operationId === null));
  const found = usualOf(routes, pools, usual) ?? onlyOneNamed(all, request);
  if (found !== null && found !== undefined) return found;
  if (all.length === 0 || asksForRetryAlone(request)) return policyAlone;
  const candidates = pools.length > 1 ? pools : all;
  const expression = routes.some(isUndecided) ? ", and where an expression says" : "";
  throw new GatewayError(
    "invalid_input",
    `API '${apiId}' goes to several ${pools.length > 1 ? "pools" : "places"}: ${candidates.map(nameOf).join(", ")}${expression}.`,
    { hint: "Name the one to change in 'pool_id'; get_backend_pool shows when each is used." },
  );
}

const nameOf = ({ backendId, url }: Subject): string => backendId ?? url ?? "";

/** Each once. */
function destinationsOf(routes: readonly Route[]): readonly Subject[] {
  const found = new Map<string, Subject>();
  for (const { kind, backendId, url } of routes)
    if (backendId !== null || url !== null) found.set(`${kind} ${backendId ?? url}`, { kind, backendId, url });
  return [...found.values()];
}

const isUndecided = ({ backendId, url, expression }: Route): boolean => backendId === null && url === null && expression !== null;

/** What the API as a whole goes to; null where that is not one thing. */
function usualOf(routes: readonly Route[], pools: readonly Subject[], usual: readonly Subject[]): Subject | null {
  const [pool, ...morePools] = pools;
  if (morePools.length > 0) return null;
  if (pool !== undefined && (usual.length === 0 || usual.some(({ backendId }) => backendId === pool.backendId))) return pool;
  const [only, ...more] = usual.length === 0 ? destinationsOf(routes) : usual;
  return only === undefined || more.length > 0 || pool !== undefined || routes.some(isUndecided) ? null : only;
}

/** The one destination that is all that a request names, and not to be placed beside others. */
function onlyOneNamed(all: readonly Subject[], { backends = [], remove = [] }: PoolRequest): Subject | undefined {
  const [input, ...others] = backends;
  if (input === undefined || others.length + remove.length > 0 || input.priority !== undefined || input.weight !== undefined)
    return undefined;
  return all.find(({ backendId }) => backendId !== null && sameName(backendId, input.backend_id));
}

/** Whether a request names other backends than those that the API goes to: where that is no pool, `pool_id` is the name of a new one. */
const addsMembers = ({ backends = [] }: PoolRequest, all: readonly Subject[]): boolean =>
  backends.some(({ backend_id }) => !all.some(({ backendId }) => backendId !== null && sameName(backendId, backend_id)));

/** A retry belongs to the API, whichever pool it goes to. */
function asksForRetryAlone({ backends = [], remove = [], policies = {} }: PoolRequest): boolean {
  const { retry, ...others } = policies;
  return retry !== undefined && [...backends, ...remove, ...Object.values(others).filter((value) => value !== undefined)].length === 0;
}

function named(
  inventory: Inventory,
  { apiId, routes }: Pick<ApiRoutes, "apiId" | "routes">,
  poolId: string,
  reached: readonly Subject[],
): Subject {
  const backend = findBackend(inventory.backends, poolId);
  if (backend === undefined) {
    const pools = inventory.backends.filter(({ properties }) => isPool(properties)).map(({ id }) => backendIdOf(id));
    throw unknownName("pool", poolId, pools);
  }
  // Where an expression decides and names no candidate, any pool may be the API's.
  if (!routes.some(isUndecided) && !reached.some(({ backendId }) => backendId !== null && sameName(backendId, poolId))) {
    throw new GatewayError("invalid_input", `API '${apiId}' does not go to '${poolId}'.`, {
      hint: reached.length === 0 ? "It goes to no backend or pool." : `It goes to ${reached.map(nameOf).join(", ")}.`,
    });
  }
  return { kind: isPool(backend.properties) ? "pool" : "backend", backendId: backendIdOf(backend.id), url: null };
}

/** Refuses what only a pool has, for an API that has none and would get none. */
export function checkFits({ kind, backendId }: Subject, { apiId, routes }: ApiRoutes, request: PoolRequest): void {
  if (kind === "pool") return;
  const { backends = [], remove = [], policies = {} } = request;
  const own = backends.every(
    (input) => backendId !== null && sameName(input.backend_id, backendId) && input.priority === undefined && input.weight === undefined,
  );
  const { load_balancing, session_affinity, failure_status } = policies;
  const whole = load_balancing !== undefined || session_affinity !== undefined || failure_status !== undefined;
  const breaker = policies.circuit_breaker !== undefined && backendId === null;
  if (own && remove.length === 0 && !whole && !breaker) return;
  const [route] = routes;
  const place =
    route === undefined || typeof route.source === "string"
      ? `the policy of API '${apiId}'`
      : `${route.source.document}, line ${route.source.line}`;
  const where = backendId === null ? "to a URL" : `to the single backend '${backendId}'`;
  throw new GatewayError("unsupported", `API '${apiId}' goes ${where} (${place}), not to a pool.`, {
    hint: "Name the other members in 'backends' too (each with its 'url' where there is no such backend yet): then a pool is made of them.",
  });
}
