import type { ListedDocument } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { isModelHost, urlOf } from "./azure-host.ts";
import { breakerOf, findBackend, type Member, poolsWith } from "./backend.ts";
import { hoursOf, successCodes } from "./breaker.ts";
import type { Conversion } from "./conversion.ts";
import { backendCredentials } from "./credentials.ts";
import type { BackendEdit } from "./describe.ts";
import type { BreakerInput, PoolRequest } from "./request.ts";
import type { Route } from "./routes.ts";

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

/** What a new pool does not take over, and what comes to apply with it. `routes`: as they are then. */
export function conversionWarnings(
  { backends }: Pick<Inventory, "backends">,
  { from }: Conversion,
  routes: readonly Route[],
): readonly string[] {
  const stay = routes.filter(
    ({ operationId, backendId }) => operationId !== null && from.backendId !== null && backendId === from.backendId,
  );
  const sameUrl = from.backendId === null && from.sameUrlAs !== null ? findBackend(backends, from.sameUrlAs) : undefined;
  const credentials = sameUrl === undefined ? [] : backendCredentials(sameUrl.properties);
  return [
    ...stay.map(({ operationId }) => `Operation '${operationId}' says by itself where it goes, and stays at '${from.backendId}'.`),
    ...(credentials.length === 0
      ? []
      : [`Calls of the API come to be signed in by backend '${from.sameUrlAs}': ${credentials.join(" and ")}.`]),
  ];
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

/** Breakers, new or changed, that count what is no failure: https://learn.microsoft.com/azure/api-management/backends#circuit-breaker */
export function successWarnings(edits: readonly BackendEdit[]): readonly string[] {
  return edits.flatMap(({ backendId, before, after }) => {
    const breaker = breakerOf(after);
    if (breaker === null || JSON.stringify(before?.circuitBreaker) === JSON.stringify(after.circuitBreaker)) return [];
    const codes = successCodes(breaker);
    const { failureCount, failurePercent, interval, tripDuration } = breaker;
    const many = failureCount === null ? `${failurePercent ?? "?"}% of all answers` : `${failureCount} of them`;
    return codes.length === 0
      ? []
      : [
          `The breaker of '${backendId}' opens on successful answers (${codes.join(", ")}): after ${many} in ${interval ?? "?"} it gets no traffic for ${tripDuration ?? "?"}.`,
        ];
  });
}

/** Breakers that stay open for an hour or more where no other priority takes over: calls fail as long as all of them are open. */
export function longTripWarnings(members: readonly Member[]): readonly string[] {
  if (new Set(members.map(({ priority }) => priority)).size > 1) return [];
  const place =
    members.length === 1
      ? "no other member takes over: calls fail with 503 while it is open"
      : "no other priority takes over: calls fail with 503 while the breakers of all members are open";
  return members.flatMap(({ backendId, circuitBreaker }) =>
    circuitBreaker === null || hoursOf(circuitBreaker.tripDuration) < 1
      ? []
      : [`The breaker of '${backendId}' stays open for ${circuitBreaker.tripDuration}, and ${place}.`],
  );
}

/**
 * Backends at a host that is none of Azure's for models that are new, new to the pool, or come to send credentials, and existing ones that move
 * to another host: whoever has the host gets the requests and what signs them in. `sent` is what the policies add to a backend's own credentials.
 */
export function recipientWarnings(
  edits: readonly BackendEdit[],
  joined: readonly string[],
  sent: () => readonly string[],
): readonly string[] {
  return edits.flatMap(({ backendId, before, after }) => {
    const to = urlOf(after.url);
    if (to === null) return [];
    const moved = before !== null && to.host !== urlOf(before.url)?.host;
    const foreign = !isModelHost(to);
    const gains = before !== null && backendCredentials(after).some((credential) => !backendCredentials(before).includes(credential));
    if (!moved && !(foreign && (before === null || gains || joined.includes(backendId)))) return [];
    const credentials = [...new Set([...backendCredentials(after), ...sent()])];
    const what = credentials.length === 0 ? "requests" : `requests, and ${credentials.join(" and ")},`;
    const where = moved ? `the new host ${to.host} from now on` : to.host;
    return [`Backend '${backendId}': ${what} go to ${where}${foreign ? ", which is not an Azure model host" : ""}.`];
  });
}
