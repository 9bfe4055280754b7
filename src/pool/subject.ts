import { GatewayError, unknownName } from "../errors.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { backendIdOf, findBackend, isPool } from "./backend.ts";
import type { PoolRequest } from "./request.ts";
import type { ApiRoutes } from "./routes.ts";

/** What a request changes: a pool, a backend that stands alone, or the policy of the API at most. */
export interface Subject {
  readonly kind: "pool" | "backend" | "url";
  readonly backendId: string | null;
}

/**
 * The pool or backend of the API that the request means. Throws `invalid_input` with the candidates where there are
 * several, or where `pool_id` is none of them, and `not_found` where it does not exist.
 */
export function subjectOf(inventory: Inventory, { apiId, routes }: ApiRoutes, request: PoolRequest): Subject {
  const { pool_id: poolId } = request;
  const ofKind = (kind: "pool" | "backend") => [
    ...new Set(routes.filter((route) => route.kind === kind).flatMap(({ backendId }) => backendId ?? [])),
  ];
  const pools = ofKind("pool");
  const candidates = pools.length > 0 ? pools : ofKind("backend");
  const isNew =
    poolId !== undefined && pools.length === 0 && findBackend(inventory.backends, poolId) === undefined && addsMembers(request, candidates);
  if (poolId !== undefined && !isNew) return named(inventory, { apiId, routes }, poolId, [...pools, ...ofKind("backend")]);
  const [only, ...more] = candidates;
  if (only === undefined || (more.length > 0 && asksForRetryAlone(request))) return { kind: "url", backendId: null };
  if (more.length > 0) {
    throw new GatewayError(
      "invalid_input",
      `API '${apiId}' goes to several ${pools.length > 0 ? "pools" : "backends"}: ${candidates.join(", ")}.`,
      {
        hint: "Name the one to change in 'pool_id'; get_backend_pool shows when each is used.",
      },
    );
  }
  return { kind: pools.length > 0 ? "pool" : "backend", backendId: only };
}

/** Whether a request names other backends than those that the API goes to: where that is no pool, `pool_id` is the name of a new one. */
const addsMembers = ({ backends = [] }: PoolRequest, candidates: readonly string[]): boolean =>
  backends.some(({ backend_id }) => !candidates.some((id) => sameName(id, backend_id)));

/** A retry belongs to the API, whichever pool it goes to. */
function asksForRetryAlone({ backends = [], remove = [], policies = {} }: PoolRequest): boolean {
  const { retry, ...others } = policies;
  return retry !== undefined && [...backends, ...remove, ...Object.values(others).filter((value) => value !== undefined)].length === 0;
}

function named(
  inventory: Inventory,
  { apiId, routes }: Pick<ApiRoutes, "apiId" | "routes">,
  poolId: string,
  reached: readonly string[],
): Subject {
  const backend = findBackend(inventory.backends, poolId);
  if (backend === undefined) {
    const pools = inventory.backends.filter(({ properties }) => isPool(properties)).map(({ id }) => backendIdOf(id));
    throw unknownName("pool", poolId, pools);
  }
  // Where an expression decides and names no candidate, any pool may be the API's.
  const undecided = routes.some(({ backendId, expression }) => backendId === null && expression !== null);
  if (!undecided && !reached.some((id) => sameName(id, poolId))) {
    throw new GatewayError("invalid_input", `API '${apiId}' does not go to '${poolId}'.`, {
      hint: reached.length === 0 ? "It goes to no backend or pool." : `It goes to ${reached.join(", ")}.`,
    });
  }
  return { kind: isPool(backend.properties) ? "pool" : "backend", backendId: backendIdOf(backend.id) };
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
