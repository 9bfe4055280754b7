import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";
import { sameName } from "../gateway/model.ts";
import { itemBackendId, itemPriority, itemWeight, objectOf, poolItems } from "./backend.ts";
import type { BackendInput, PoolPolicies, PoolRequest } from "./request.ts";

/** https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool */
const maxMembers = 30;

/** A pool's properties after an edit. */
interface EditedPool {
  readonly properties: JsonObject;
  /** What the call did not say and was chosen for it. */
  readonly warnings: readonly string[];
}

/**
 * The pool with members added, changed, removed and balanced as asked. Entries keep their order, the form of their ids and
 * what we do not know; members that the call does not name change only where `load_balancing` needs it.
 */
export function editPool(properties: JsonObject, request: PoolRequest): EditedPool {
  const { backends = [], remove = [], policies = {} } = request;
  const before = poolItems(properties);
  const left = before.filter((item) => !remove.some((name) => sameName(name, itemBackendId(item))));
  const changed = left.map((item) => {
    const input = backends.find(({ backend_id }) => sameName(backend_id, itemBackendId(item)));
    return input === undefined ? item : { ...item, ...place(input) };
  });
  const isMember = ({ backend_id }: BackendInput) => left.some((item) => sameName(itemBackendId(item), backend_id));
  const added = backends.filter((input) => !isMember(input)).map((input) => newItem(input, before, changed));
  const items = balance([...changed, ...added.map(({ item }) => item)], request);
  if (items.length > maxMembers) {
    throw new GatewayError("invalid_input", `The pool would have ${items.length} members.`, { hint: `A pool has at most ${maxMembers}.` });
  }
  const pool = withFailureStatus(
    withAffinity({ ...objectOf(properties.pool), services: items }, policies.session_affinity),
    policies.failure_status,
  );
  return { properties: { ...properties, pool }, warnings: added.flatMap(({ warnings }) => warnings) };
}

const place = ({ priority, weight }: BackendInput): JsonObject => ({
  ...(priority === undefined ? {} : { priority }),
  ...(weight === undefined ? {} : { weight }),
});

/**
 * An entry for a new member. Where the others carry a priority or weight and the call gives none: the last priority, and the
 * smallest weight in it, so that the newcomer takes no more than the others by accident.
 */
function newItem(
  input: BackendInput,
  before: readonly JsonObject[],
  others: readonly JsonObject[],
): { readonly item: JsonObject; readonly warnings: readonly string[] } {
  const priorities = others.map(itemPriority);
  const priority = input.priority ?? (others.some((item) => item.priority !== undefined) ? Math.max(...priorities) : undefined);
  const group = others.filter((item) => itemPriority(item) === (priority ?? 1));
  const weights = group.map(itemWeight);
  const weight = input.weight ?? (group.some((item) => item.weight !== undefined) ? Math.min(...weights) : undefined);
  const known = before.at(-1)?.id;
  const prefix = typeof known === "string" ? known.slice(0, known.lastIndexOf("/") + 1) : "/backends/";
  return {
    item: { id: `${prefix}${input.backend_id}`, ...place({ ...input, priority, weight }) },
    warnings: [
      ...(input.priority === undefined && new Set(priorities).size > 1
        ? [`'${input.backend_id}' gets the last priority, ${priority}: the call gives none.`]
        : []),
      ...(input.weight === undefined && new Set(weights).size > 1
        ? [`'${input.backend_id}' gets weight ${weight}, the smallest at its priority: the call gives none.`]
        : []),
    ],
  };
}

function balance(items: readonly JsonObject[], { policies, backends = [] }: PoolRequest): readonly JsonObject[] {
  const mode: PoolPolicies["load_balancing"] = policies?.load_balancing;
  if (mode === "priority" && items.length > 1 && new Set(items.map(itemPriority)).size === 1) {
    throw new GatewayError("invalid_input", "load_balancing 'priority' needs members at different priorities.", {
      hint: "Give backends[].priority: 1 for the primary, 2 for the one that takes over.",
    });
  }
  if (mode !== "round_robin" && mode !== "weighted") return items;
  const onePriority = unify(items, "priority", itemPriority, backends, mode);
  return mode === "weighted" ? onePriority : unify(onePriority, "weight", itemWeight, backends, mode);
}

/** The same value for all: as it is where all agree, else the one that the call gives, else 1. */
function unify(
  items: readonly JsonObject[],
  key: "priority" | "weight",
  read: (item: JsonObject) => number,
  backends: readonly BackendInput[],
  mode: string,
): readonly JsonObject[] {
  const given = [...new Set(backends.flatMap((input) => input[key] ?? []))];
  if (given.length > 1) {
    throw new GatewayError("invalid_input", `load_balancing '${mode}' needs one ${key}, and the call gives ${given.join(" and ")}.`, {
      hint: `Leave backends[].${key} out, or use another load_balancing.`,
    });
  }
  if (new Set(items.map(read)).size <= 1) return items;
  const value = given[0] ?? 1;
  return items.map((item) => (read(item) === value ? item : { ...item, [key]: value }));
}

function withAffinity(pool: JsonObject, affinity: PoolPolicies["session_affinity"]): JsonObject {
  if (affinity === undefined) return pool;
  const { sessionAffinity, ...rest } = pool;
  if (affinity === null) return rest;
  const known = objectOf(sessionAffinity);
  return { ...pool, sessionAffinity: { ...known, sessionId: { source: "Cookie", ...objectOf(known.sessionId), name: affinity.cookie } } };
}

function withFailureStatus(pool: JsonObject, status: PoolPolicies["failure_status"]): JsonObject {
  if (status === undefined) return pool;
  const { failureResponse, ...rest } = pool;
  return status === null ? rest : { ...pool, failureResponse: { ...objectOf(failureResponse), statusCode: status } };
}
