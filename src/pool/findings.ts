import type { Tier } from "../gateway/model.ts";
import type { Member } from "./backend.ts";
import { bareMembers } from "./credentials.ts";
import { type BreakerInput, defaultErrorReasons, type PoolRequest, type RetryInput } from "./request.ts";
import type { Retry } from "./retry.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import { errorsBefore, opensOnServerErrors, worstCase } from "./worst-case.ts";

export type FindingCode =
  | "missing_backend"
  | "pool_in_pool"
  | "one_member"
  | "one_priority"
  | "no_breaker_on_primary"
  | "breaker_ignores_server_errors"
  | "breaker_ignores_connection_failures"
  | "long_retry_after"
  | "retry_too_small"
  | "retry_without_body"
  | "too_many_members"
  | "tier_without_breakers"
  | "different_models"
  | "missing_deployment"
  | "unequal_credentials";

/** Something about a pool that does not do what people expect of it, and what to do. */
export interface Finding {
  readonly code: FindingCode;
  /** `problem`: failover does not work as it stands, or callers are harmed. `advice`: a deliberate choice may look the same. */
  readonly severity: "problem" | "advice";
  readonly text: string;
  /** A call of ours, or what to do by hand. */
  readonly fix: string;
}

/** A pool, or a backend that stands alone, as an API uses it. */
interface Examined {
  readonly apiId: string;
  readonly kind: "pool" | "backend";
  readonly backendId: string;
  readonly members: readonly Member[];
  /** Around the call. */
  readonly retry: Retry | null;
  /** Whether policies sign in every call. */
  readonly signedIn: boolean;
  readonly tier: Tier;
}

/** https://learn.microsoft.com/azure/api-management/backends#limitations */
const mostMembers = 30;

/** What is wrong with the pools that an API goes to, each named once; of a backend that stands alone only that it does. */
export function findingsOf(routes: ApiRoutes, tier: Tier): readonly Finding[] {
  const { apiId, retry, signedIn } = routes;
  const missing = missingBackends(routes);
  const destinations = new Map(routes.routes.flatMap((route) => (route.backendId === null ? [] : [[route.backendId, route] as const])));
  const isAlone = routes.routes.every(({ kind }) => kind !== "url") && reachedMembers(routes.routes).size === 1;
  const found = [...destinations].flatMap(([backendId, { kind, members }]) => {
    if (kind === "url" || (members.length < 2 && !isAlone)) return [];
    return findingsOn({ apiId, kind, backendId, members, retry, signedIn, tier });
  });
  return [...missing, ...found];
}

/** Backends and members that are named and are not there. */
function missingBackends({ apiId, routes }: ApiRoutes): readonly Finding[] {
  const named = new Map(
    routes.flatMap(({ backendId, kind, members }) => [
      ...(backendId !== null && kind === "backend" && members.length === 0 ? [[backendId, `API '${apiId}' goes to it`] as const] : []),
      ...members
        .filter(({ isMissing }) => isMissing === true)
        .map((member) => [member.backendId, `pool '${backendId}' names it as a member`] as const),
    ]),
  );
  return [...named].map(([backendId, who]) => ({
    code: "missing_backend",
    severity: "problem",
    text: `Backend '${backendId}' does not exist, and ${who}: calls that are sent there fail.`,
    fix: "Create the backend, or name another: a member with update_backend_pool, a route with apply_policy.",
  }));
}

const reachedMembers = (routes: readonly Route[]): ReadonlySet<string> =>
  new Set(routes.flatMap(({ members }) => members.map(({ backendId }) => backendId)));

/**
 * What is wrong with a pool. Assumed: names of `errorReasons` are those of `context.LastError.Reason`, as Microsoft lists none; and two
 * retries are enough for a pool of any size, as its samples advise.
 */
function findingsOn(examined: Examined): readonly Finding[] {
  const inner = examined.members.filter(({ members }) => members !== undefined);
  if (inner.length > 0) return inner.map((member) => ({ ...nested(examined, member), severity: "problem" }));
  if (examined.members.length < 2) return examined.members.length === 1 ? [{ ...alone(examined), severity: "advice" }] : [];
  const breakers = examined.tier === "consumption" ? withoutBreakers(examined) : [...standby(examined), ...ofBreakers(examined)];
  return [...unequal(examined), ...breakers, ...ofRetry(examined), ...tooMany(examined)].map((found) => ({
    ...found,
    severity: "problem",
  }));
}

type Found = Omit<Finding, "severity">;

const call = (request: PoolRequest): string => `update_backend_pool ${JSON.stringify(request)}`;

const named = (members: readonly Member[]): string => members.map(({ backendId }) => backendId).join(", ");

/** The call that gives each of these members this breaker; what it does not say of an existing one stays. */
function breakerCall(
  { apiId, kind, backendId: poolId, members: all }: Examined,
  members: readonly Member[],
  circuit_breaker: BreakerInput,
): string {
  if (kind === "pool" && members.length === all.length) return call({ api_id: apiId, pool_id: poolId, policies: { circuit_breaker } });
  return call({ api_id: apiId, backends: members.map(({ backendId }) => ({ backend_id: backendId, circuit_breaker })) });
}

/** Assumed: nobody says when a pool that is a member is passed over, so that nothing is said of its breakers or of what stands behind it. */
function nested({ apiId, backendId }: Examined, { backendId: inner, members = [] }: Member): Found {
  return {
    code: "pool_in_pool",
    text: `${inner} is a pool inside of pool ${backendId}: it has no breaker of its own, and whether those of its members (${members.join(", ")}) take it out is not documented.`,
    fix: `Name its members instead: ${call({ api_id: apiId, pool_id: backendId, backends: members.map((backend_id) => ({ backend_id })), remove: [inner] })}`,
  };
}

function alone({ apiId, kind, backendId, members }: Examined): Found {
  const what = kind === "pool" ? `${backendId} has one member, ${named(members)}` : `All goes to ${backendId}, which is no pool`;
  return {
    code: "one_member",
    text: `${what}: nothing takes over when it fails.`,
    fix: `Add a backend in another region: update_backend_pool {"api_id":${JSON.stringify(apiId)},"backends":[{"backend_id":"<new name>","url":"https://<account in another region>.openai.azure.com/openai","priority":2}],"policies":{"circuit_breaker":{}}}`,
  };
}

function withoutBreakers({ members, retry }: Examined): readonly Found[] {
  const priorities = new Set(members.map(({ priority }) => priority));
  const text =
    priorities.size > 1
      ? "The Consumption tier has no circuit breakers: lower priorities are never used."
      : "The Consumption tier has no circuit breakers: a member that fails keeps its share of the calls.";
  const fix =
    priorities.size > 1 || retry === null
      ? "Put all members at one priority and retry, or use a tier that has breakers."
      : "Rely on the retry, or use a tier that has breakers.";
  return [{ code: "tier_without_breakers", text, fix }];
}

/** Lower priorities are used only while the breakers of all members above are open. */
function standby(examined: Examined): readonly Found[] {
  const { members } = examined;
  const last = Math.max(...members.map(({ priority }) => priority));
  const bare = members.filter(({ circuitBreaker }) => circuitBreaker === null);
  const barePrimaries = bare.filter(({ priority }) => priority < last);
  if (barePrimaries.length > 0) {
    return [
      {
        code: "no_breaker_on_primary",
        text: `No breaker on ${named(barePrimaries)}: priority ${last} is never used, whatever fails.`,
        fix: breakerCall(examined, barePrimaries, {}),
      },
    ];
  }
  if (members.some(({ priority }) => priority !== last) || bare.length === 0) return [];
  return [
    {
      code: "one_priority",
      text: `All members are at priority ${last} and none stands by; without a breaker ${named(bare)} keep${bare.length === 1 ? "s" : ""} getting calls while failing.`,
      fix: breakerCall(examined, bare, {}),
    },
  ];
}

function ofBreakers(examined: Examined): readonly Found[] {
  const withBreaker = examined.members.flatMap((member) =>
    member.circuitBreaker === null ? [] : [{ ...member, breaker: member.circuitBreaker }],
  );
  const blind = withBreaker.filter(({ breaker }) => !opensOnServerErrors(breaker, examined.tier));
  const deaf = withBreaker.filter(({ breaker }) => breaker.errorReasons.length === 0);
  const patient = withBreaker.filter(({ breaker }) => breaker.acceptRetryAfter);
  return [
    ...of(blind, {
      code: "breaker_ignores_server_errors",
      text: `An outage with 5xx does not open the breaker of ${named(blind)}.`,
      fix: breakerCall(examined, blind, { status_codes: ["429", "500-599"] }),
    }),
    ...of(deaf, {
      code: "breaker_ignores_connection_failures",
      text: `A refused connection or a timeout opens no breaker${deaf.length === examined.members.length ? "" : ` of ${named(deaf)}`}.`,
      fix: breakerCall(examined, deaf, { error_reasons: defaultErrorReasons }),
    }),
    ...of(patient, {
      code: "long_retry_after",
      text: `The breaker of ${named(patient)} stays open as long as Retry-After says: Azure OpenAI may send a day (86400).`,
      fix: breakerCall(examined, patient, { accept_retry_after: false }),
    }),
  ];
}

const of = (members: readonly Member[], finding: Found): readonly Found[] => (members.length === 0 ? [] : [finding]);

/**
 * One retry is the least that hides failures: more hide more of them, and a single priority alone behind its breaker hides none of all only with
 * as many as the breaker counts.
 */
function ofRetry(examined: Examined): readonly Found[] {
  const { apiId, members, retry, tier } = examined;
  const found = (text: string, codes: Pick<RetryInput, "status_codes">): readonly Found[] => {
    const count = Math.max(1, Number(retry?.count) || 0);
    const fix = call({ api_id: apiId, policies: { retry: { count, ...codes } } });
    return [{ code: "retry_too_small", text: `${text}${hiddenText(members, tier, count)}.`, fix }];
  };
  if (retry === null || Number(retry.count) < 1) return found("Nothing retries the call: each failure reaches the caller", {});
  if (retry.onServerError === false) {
    return found("The retry does not retry 5xx: each of them reaches the caller", { status_codes: ["429", "500-599"] });
  }
  if (retry.buffersBody) return [];
  return [
    {
      code: "retry_without_body",
      text: "The retried call does not keep the request's body: the second try of a POST sends none.",
      fix: 'Write <forward-request buffer-request-body="true" /> inside the retry with apply_policy.',
    },
  ];
}

/** How many of the errors before a breaker opens are left with retries, calls one after another; empty where none opens or none is counted. */
function hiddenText(members: readonly Member[], tier: Tier, retries: number): string {
  const count = worstCase(members, null, tier)?.errors?.withoutRetry;
  if (count === undefined) return "";
  const left = errorsBefore(count, retries);
  const all = left === 0 ? "" : `, ${count} none`;
  return `, up to ${count} before a breaker opens; ${retries} ${retries === 1 ? "retry leaves" : "retries leave"} ${left === 0 ? "none" : `at most ${left}`}${all}`;
}

/** Calls that get to a member without credentials come there as nobody's: what signs in at the others does not. */
function unequal({ apiId, backendId, members, signedIn }: Examined): readonly Found[] {
  const bare = bareMembers(members, signedIn);
  if (bare.length === 0) return [];
  const others = members.filter(({ credentials }) => credentials.length > 0);
  const backends = bare.map((member) => ({ backend_id: member.backendId, managed_identity: true }));
  const byIdentity = others.every(({ credentials }) => credentials.includes("managedIdentity"));
  return [
    {
      code: "unequal_credentials",
      text: `${named(bare)} of ${backendId} send${bare.length === 1 ? "s" : ""} no credential, ${named(others)} do${others.length === 1 ? "es" : ""}, and no policy signs in every call: what ${named(bare)} get${bare.length === 1 ? "s" : ""} is not authenticated, and answered 401 where a key or token is asked for.`,
      fix: byIdentity
        ? call({ api_id: apiId, pool_id: backendId, backends })
        : "Set the same credentials on the backend by hand: they are never copied.",
    },
  ];
}

function tooMany({ backendId, members }: Examined): readonly Found[] {
  if (members.length <= mostMembers) return [];
  return [
    {
      code: "too_many_members",
      text: `${backendId} has ${members.length} members: a pool takes ${mostMembers}.`,
      fix: "Take members out with update_backend_pool 'remove', or split the pool.",
    },
  ];
}
