import { findApi, type Inventory } from "../gateway/inventory.ts";
import type { Api } from "../gateway/model.ts";
import { allOf } from "../policy/conditions.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { type StaticPolicies, staticPolicies } from "../policy/static/walk.ts";
import { type Place, policyChain } from "../policy/steps.ts";
import { affinityCookie, backendWithUrl, failureStatus, findBackend, isPool, type Member, membersOf } from "./backend.ts";
import { type Choice, mergeTargets } from "./choices.ts";
import { signedInByPolicy } from "./credentials.ts";
import { type Decides, type Retry, retryOf } from "./retry.ts";
import { callOf, leadsSomewhere, operationsApart, productsOf, wayOf } from "./ways.ts";

/** Where traffic of an API can go. */
export interface Route {
  /** Null for a URL, and where an expression decides and names no existing backend. */
  readonly backendId: string | null;
  readonly url: string | null;
  readonly kind: "pool" | "backend" | "url";
  /**
   * `certain`: every call that reaches a backend goes here. `conditional`: those that meet `condition`, where no earlier
   * `when` of the same `choose` takes them. `dynamic`: an expression decides; the route is one of its candidates.
   */
  readonly certainty: "certain" | "conditional" | "dynamic";
  readonly condition: string | null;
  readonly expression: string | null;
  /** Set where the route holds for one operation only; all others take the routes without one. */
  readonly operationId: string | null;
  readonly source: Place | "API serviceUrl";
  readonly members: readonly Member[];
  /** The cookie of the pool's session affinity. */
  readonly affinityCookie: string | null;
  /** What callers get while no member of the pool is available; null where it does not say. */
  readonly failureStatus: number | null;
  /** Of a route to a URL: the backend that has the same; its credentials and breaker do not apply to the route. */
  readonly sameUrlAs: string | null;
}

export interface ApiRoutes {
  readonly apiId: string;
  readonly routes: readonly Route[];
  /** The retry around the call to the backend. */
  readonly retry: Retry | null;
  /** Whether policies sign in every call that is sent: then no backend's own credentials are needed. */
  readonly signedIn: boolean;
  /** Other APIs that reach a backend or pool of these routes. */
  readonly sharedWith: readonly { readonly backendId: string; readonly apiIds: readonly string[] }[];
  /** What is wrong or cannot be told. */
  readonly notes: readonly string[];
  /** Whose calls nothing says where to go, though it is said for others; null where it is said for all. */
  readonly unrouted: string | null;
}

/**
 * Where an API's traffic goes, over the policies that apply to it: its own and its operations', its products' and the
 * global one, fragments and named values put in; its own service URL where no policy says otherwise. Backends that
 * policies use for other things (embeddings, content safety) are no routes. Throws `not_found` for an unknown API. Expressions are
 * evaluated as far as they can be for every caller; the others may come to anything.
 */
export function resolveRoutes(inventory: Inventory, csharp: CSharp, apiId: string): ApiRoutes {
  const api = findApi(inventory.apis, apiId);
  const policies = staticPolicies(inventory, csharp);
  const { reader } = policies;
  const routes = routesOf(inventory, policies, api);
  const reach = backendsReached(inventory, csharp);
  const others = inventory.apis.map(({ id }) => id).filter((id) => id !== api.id);
  return {
    apiId: api.id,
    routes,
    retry: retryOf(
      reader.steps(policyChain({ apiId: api.id, operationId: null, productId: null })).backend,
      reader,
      decidesIn(policies, api),
    ),
    signedIn: signedInByPolicy(inventory, api.id),
    sharedWith: reachedBy(routes)
      .map((backendId) => ({ backendId, apiIds: others.filter((id) => reach.get(id)?.includes(backendId)) }))
      .filter(({ apiIds }) => apiIds.length > 0),
    notes: notesOn(inventory, routes),
    unrouted: routes.length === 0 ? null : unroutedCalls(inventory, policies, api),
  };
}

/** For each API where its traffic can go. */
export function allRoutes(inventory: Inventory, csharp: CSharp): ReadonlyMap<string, readonly Route[]> {
  const policies = staticPolicies(inventory, csharp);
  return new Map(inventory.apis.map((api) => [api.id, routesOf(inventory, policies, api)]));
}

/** For each API the ids of the pools, members and backends that its traffic can reach. */
export function backendsReached(inventory: Inventory, csharp: CSharp): ReadonlyMap<string, readonly string[]> {
  return new Map([...allRoutes(inventory, csharp)].map(([apiId, routes]) => [apiId, reachedBy(routes)]));
}

function decidesIn(policies: StaticPolicies, api: Api): Decides {
  return (condition, { document }) => {
    const verdict = policies.decide(condition, callOf(api, null, undefined), new Map(), document);
    return typeof verdict === "boolean" ? verdict : null;
  };
}

/** Ids of the pools and backends that routes lead to, each once. */
export function reachedBy(routes: readonly Route[]): readonly string[] {
  const ids = routes.flatMap(({ backendId, members }) => [
    ...(backendId === null ? [] : [backendId]),
    ...members.map((member) => member.backendId),
  ]);
  return [...new Set(ids)];
}

function routesOf(inventory: Inventory, policies: StaticPolicies, api: Api): readonly Route[] {
  const usual = choicesAt(inventory, policies, api, null);
  return [
    ...asRoutes(inventory, usual, null),
    ...operationsApart(inventory, api.id).flatMap((operationId) => {
      const own = choicesAt(inventory, policies, api, operationId);
      return sameChoices(own, usual) ? [] : asRoutes(inventory, own, operationId);
    }),
  ];
}

/** The choices of an API or operation, over all products through which it can be called. */
function choicesAt(inventory: Inventory, policies: StaticPolicies, api: Api, operationId: string | null): readonly Choice[] {
  const without = wayOf(inventory, policies, api, operationId, null).choices;
  const others = productsOf(inventory, api.id, true)
    .map((product) => wayOf(inventory, policies, api, operationId, product))
    .filter(({ choices }) => !sameChoices(choices, without));
  const labelled = (choices: readonly Choice[], calls: string) =>
    choices.map((choice) => ({ ...choice, conditions: [calls, ...choice.conditions] }));
  const merged =
    others.length === 0
      ? without
      : [
          ...labelled(without, "calls without a product that says otherwise"),
          ...others.flatMap(({ choices, productId }) => labelled(choices, `product '${productId}'`)),
        ];
  const reached = mergeTargets(merged.filter(leadsSomewhere));
  // All calls that reach a backend reach this one.
  return reached.length === 1 ? reached.map((choice) => ({ ...choice, conditions: [] })) : reached;
}

const sameChoices = (a: readonly Choice[], b: readonly Choice[]): boolean =>
  JSON.stringify(a.map(visible)) === JSON.stringify(b.map(visible));

const visible = ({ target, source, conditions }: Choice) => ({ target, source, conditions });

function asRoutes({ backends }: Inventory, choices: readonly Choice[], operationId: string | null): readonly Route[] {
  return choices.map(({ target, source, conditions }) => {
    const { kind, backendId, url, expression } = target;
    const backend = backendId === null ? undefined : findBackend(backends, backendId);
    return {
      backendId,
      url,
      kind: kind === "backend" && backend !== undefined && isPool(backend.properties) ? "pool" : kind,
      // Beside another route none is certain, even where its own condition has come out empty: the other's may be one that never holds.
      certainty: expression !== null ? "dynamic" : conditions.length === 0 && choices.length === 1 ? "certain" : "conditional",
      condition: conditions.length === 0 ? null : allOf(conditions),
      expression,
      operationId,
      source,
      members: backend === undefined ? [] : membersOf(backends, backend),
      affinityCookie: backend === undefined ? null : affinityCookie(backend.properties),
      failureStatus: backend === undefined ? null : failureStatus(backend.properties),
      sameUrlAs: url === null ? null : backendWithUrl(backends, url),
    };
  });
}

/** What is said of a backend that is named and is not there. */
export const missingNote = (backendId: string): string => `Backend '${backendId}' does not exist.`;

function notesOn({ backends }: Inventory, routes: readonly Route[]): readonly string[] {
  const missing = reachedBy(routes).filter((backendId) => findBackend(backends, backendId) === undefined);
  const undecided = routes.filter(({ backendId, url, expression }) => expression !== null && backendId === null && url === null);
  return [
    ...(routes.length === 0
      ? ["No backend: no policy chooses one and the API has no service URL, or its policies end every call before."]
      : []),
    ...missing.map(missingNote),
    ...undecided.map(({ kind }) => `An expression or a secret named value decides the ${kind} at run time; the policy names no candidate.`),
  ];
}

function unroutedCalls(inventory: Inventory, policies: StaticPolicies, api: Api): string | null {
  if (api.serviceUrl !== null) return null;
  const ways = [null, ...productsOf(inventory, api.id, false)].map((product) => wayOf(inventory, policies, api, null, product));
  const lost = ways.filter(({ choices }) => choices.some((choice) => !leadsSomewhere(choice)));
  const products = lost.flatMap(({ productId }) => (productId === null ? [] : [`'${productId}'`]));
  const who = [
    ...(lost.length > products.length ? ["without a product"] : []),
    ...(products.length === 0 ? [] : [`through product ${products.join(", ")}`]),
  ];
  return who.length === 0
    ? null
    : `Calls ${who.join(" or ")} may reach no backend: no policy chooses one for them, and the API has no service URL.`;
}
