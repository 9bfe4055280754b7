import type { Tier } from "../gateway/model.ts";
import type { Member } from "./backend.ts";
import { type BreakerInput, defaultErrorReasons, type PoolRequest } from "./request.ts";
import type { Retry } from "./retry.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import { opensOnServerErrors } from "./worst-case.ts";

export type FindingCode =
  | "one_member"
  | "one_priority"
  | "no_breaker_on_primary"
  | "breaker_ignores_server_errors"
  | "breaker_ignores_connection_failures"
  | "long_retry_after"
  | "retry_too_small"
  | "retry_without_body"
  | "too_many_members"
  | "tier_without_breakers";

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
export interface Examined {
  readonly apiId: string;
  readonly kind: "pool" | "backend";
  readonly backendId: string;
  readonly members: readonly Member[];
  /** Around the call. */
  readonly retry: Retry | null;
  readonly tier: Tier;
}

/** https://learn.microsoft.com/azure/api-management/backends#limitations */
const mostMembers = 30;

/** What is wrong with the pools that an API goes to, each named once; of a backend that stands alone only that it does. */
export function findingsOf(routes: ApiRoutes, tier: Tier): readonly Finding[] {
  const { apiId, retry } = routes;
  const destinations = new Map(routes.routes.flatMap((route) => (route.backendId === null ? [] : [[route.backendId, route] as const])));
  const isAlone = routes.routes.every(({ kind }) => kind !== "url") && reachedMembers(routes.routes).size === 1;
  return [...destinations].flatMap(([backendId, { kind, members }]) => {
    if (kind === "url" || (members.length < 2 && !isAlone)) return [];
    return findingsOn({ apiId, kind, backendId, members, retry, tier });
  });
}

const reachedMembers = (routes: readonly Route[]): ReadonlySet<string> =>
  new Set(routes.flatMap(({ members }) => members.map(({ backendId }) => backendId)));

/**
 * What is wrong with a pool. Assumed: names of `errorReasons` are those of `context.LastError.Reason`, as Microsoft lists none; and two
 * retries are enough for a pool of any size, as its samples advise.
 */
export function findingsOn(examined: Examined): readonly Finding[] {
  if (examined.members.length < 2) return examined.members.length === 1 ? [{ ...alone(examined), severity: "advice" }] : [];
  const breakers = examined.tier === "consumption" ? withoutBreakers(examined) : [...standby(examined), ...ofBreakers(examined)];
  return [...breakers, ...ofRetry(examined), ...tooMany(examined)].map((found) => ({ ...found, severity: "problem" }));
}

type Found = Omit<Finding, "severity">;

const call = (request: PoolRequest): string => `update_backend_pool ${JSON.stringify(request)}`;

const named = (members: readonly Member[]): string => members.map(({ backendId }) => backendId).join(", ");

/** The call that gives each of these members this breaker; what it does not say of an existing one stays. */
const breakerCall = ({ apiId }: Examined, members: readonly Member[], circuit_breaker: BreakerInput): string =>
  call({ api_id: apiId, backends: members.map(({ backendId }) => ({ backend_id: backendId, circuit_breaker })) });

function alone({ apiId, kind, backendId, members }: Examined): Found {
  const what = kind === "pool" ? `${backendId} has one member, ${named(members)}` : `All goes to ${backendId}, which is no pool`;
  return {
    code: "one_member",
    text: `${what}: nothing takes over when it fails.`,
    fix: `Add a backend in another region: update_backend_pool {"api_id":${JSON.stringify(apiId)},"backends":[{"backend_id":"...","priority":2}],"policies":{"circuit_breaker":{}}}`,
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
      text: `A refused connection or a timeout does not open the breaker of ${named(deaf)}: it counts status codes alone.`,
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

/** Retries after which another member has been asked: one fewer than there are members, and two at most. */
export const retriesNeeded = (members: number): number => Math.min(2, Math.max(0, members - 1));

function ofRetry({ apiId, members, retry }: Examined): readonly Found[] {
  const needed = retriesNeeded(members.length);
  const fix = call({ api_id: apiId, policies: { retry: { count: needed } } });
  const few = (text: string): readonly Found[] => [
    { code: "retry_too_small", text: `${text} before a breaker opens, ${needed} would hide it.`, fix },
  ];
  if (retry === null) return few("Nothing retries the call: each failure reaches the caller");
  const count = Number(retry.count);
  if (retry.onServerError === false) {
    return [
      {
        code: "retry_too_small",
        text: "The retry does not retry 5xx: each of them reaches the caller before a breaker opens.",
        fix: call({
          api_id: apiId,
          policies: { retry: { count: Math.max(needed, Number.isNaN(count) ? 0 : count), status_codes: ["429", "500-599"] } },
        }),
      },
    ];
  }
  return [
    ...(count < needed ? few(`The call is retried ${count} time${count === 1 ? "" : "s"}: failures reach the caller`) : []),
    ...(retry.buffersBody
      ? []
      : [
          {
            code: "retry_without_body" as const,
            text: "The retried call does not keep the request's body: the second try of a POST sends none.",
            fix: 'Write <forward-request buffer-request-body="true" /> inside the retry with apply_policy.',
          },
        ]),
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
