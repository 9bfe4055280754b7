import type { ListedDocument } from "../gateway/documents.ts";
import { sameName } from "../gateway/model.ts";
import { breakerOf, type Member, poolsWith } from "./backend.ts";
import type { BackendEdit } from "./describe.ts";
import type { BreakerInput, PoolRequest } from "./request.ts";

/**
 * Lower priorities stand by in vain: they are used only while the breakers of all members above are open
 * (https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool). Names the call that would be right.
 */
export function standbyWarnings(members: readonly Member[], request: PoolRequest): readonly string[] {
  const priorities = members.map(({ priority }) => priority);
  const last = Math.max(...priorities);
  const first = Math.min(...priorities);
  const bare = members.filter(({ priority, circuitBreaker }) => priority < last && circuitBreaker === null);
  const placed = request.backends?.some(({ priority }) => priority !== undefined) === true;
  if (first === last && members.length > 1 && placed && request.policies?.load_balancing === undefined) {
    return [`All members are at priority ${first}: they share the traffic, none stands by.`];
  }
  if (bare.length === 0) return [];
  const names = bare.map(({ backendId, priority }) => `'${backendId}' (priority ${priority})`).join(", ");
  return [
    `No circuit breaker on ${names}: a lower priority is used only while every breaker above it is open, here never. Corrected call: update_backend_pool ${JSON.stringify(corrected(request, bare))}`,
  ];
}

/** The call with the breaker that it asks for on the members that need one. */
function corrected(request: PoolRequest, bare: readonly Member[]): PoolRequest {
  const asked: BreakerInput = request.backends?.find(({ circuit_breaker }) => circuit_breaker)?.circuit_breaker ?? {};
  const needs = (backendId: string) => bare.some((member) => sameName(member.backendId, backendId));
  const named = (request.backends ?? []).map((input) => (needs(input.backend_id) ? { ...input, circuit_breaker: asked } : input));
  const missing = bare.filter(({ backendId }) => !named.some(({ backend_id }) => sameName(backend_id, backendId)));
  return { ...request, backends: [...named, ...missing.map(({ backendId }) => ({ backend_id: backendId, circuit_breaker: asked }))] };
}

/** Changes of existing backends that others use too: a breaker belongs to the backend, not to the pool. */
export function sharedWarnings(
  backends: readonly ListedDocument[],
  edits: readonly BackendEdit[],
  poolId: string | null,
  otherApis: (backendId: string) => readonly string[],
): readonly string[] {
  return edits
    .filter(({ before }) => before !== null)
    .flatMap(({ backendId }) => {
      const pools = poolsWith(backends, backendId).filter((id) => id !== poolId);
      const users = [...pools.map((id) => `pool '${id}'`), ...otherApis(backendId).map((id) => `API '${id}'`)];
      return users.length === 0 ? [] : [`Backend '${backendId}' is also used by ${users.join(", ")}: the change applies there too.`];
    });
}

/** https://learn.microsoft.com/azure/api-management/backends#circuit-breaker */
export function retryAfterWarnings(edits: readonly BackendEdit[]): readonly string[] {
  return edits
    .filter(({ before, after }) => breakerOf(after)?.acceptRetryAfter === true && breakerOf(before ?? {})?.acceptRetryAfter !== true)
    .map(
      ({ backendId }) =>
        `'${backendId}': the backend's Retry-After decides how long the breaker stays open, not trip_duration; Azure OpenAI may send a day (86400).`,
    );
}
