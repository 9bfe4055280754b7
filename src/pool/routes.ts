import { policyScopeOf } from "../gateway/documents.ts";
import { findApi, type Inventory } from "../gateway/inventory.ts";
import type { Api, Product } from "../gateway/model.ts";
import { allOf } from "../policy/conditions.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { StaticCall } from "../policy/static/values.ts";
import { type StaticPolicies, staticPolicies } from "../policy/static/walk.ts";
import { type Place, policyChain } from "../policy/steps.ts";
import { affinityCookie, backendWithUrl, failureStatus, findBackend, isPool, type Member, membersOf } from "./backend.ts";
import { type Choice, choicesOf, mergeTargets } from "./choices.ts";
import { followed } from "./followed.ts";
import { type Decides, type Retry, retryOf } from "./retry.ts";

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
  /** Other APIs that reach a backend or pool of these routes. */
  readonly sharedWith: readonly { readonly backendId: string; readonly apiIds: readonly string[] }[];
  /** What is wrong or cannot be told. */
  readonly notes: readonly string[];
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
    sharedWith: reachedBy(routes)
      .map((backendId) => ({ backendId, apiIds: others.filter((id) => reach.get(id)?.includes(backendId)) }))
      .filter(({ apiIds }) => apiIds.length > 0),
    notes: notesOn(inventory, routes),
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

/** Any call of an API or operation, through a product or not. */
const callOf = ({ id, displayName, path }: Api, operationId: string | null, product: Product | null): StaticCall => ({
  subscription: undefined,
  product: product === null ? undefined : { id: product.id, name: product.displayName },
  api: { id, name: displayName, path },
  operation: operationId === null ? null : { id: operationId },
});

function decidesIn(policies: StaticPolicies, api: Api): Decides {
  return (condition, { document }) => {
    const verdict = policies.decide(condition, callOf(api, null, null), new Map(), document);
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
  const operations = [...inventory.policies.keys()].flatMap((id) => {
    const scope = policyScopeOf(id);
    return scope?.kind === "operation" && scope.workspaceId === undefined && scope.apiId === api.id ? [scope.operationId] : [];
  });
  return [
    ...asRoutes(inventory, usual, null),
    ...operations.flatMap((operationId) => {
      const own = choicesAt(inventory, policies, api, operationId);
      return sameChoices(own, usual) ? [] : asRoutes(inventory, own, operationId);
    }),
  ];
}

/** The choices of an API or operation, over all products through which it can be called. */
function choicesAt(inventory: Inventory, policies: StaticPolicies, api: Api, operationId: string | null): readonly Choice[] {
  const start: Choice = {
    target: { kind: "url", backendId: null, url: api.serviceUrl, expression: null },
    source: "API serviceUrl",
    conditions: [],
    breadth: Number.POSITIVE_INFINITY,
  };
  const products = inventory.products.filter(
    ({ id, apiIds }) => apiIds.includes(api.id) && inventory.policies.has(`products/${id}/policies/policy`),
  );
  const [first = [], ...others] = [null, ...products].map((product) => {
    const steps = policies.reader.steps(policyChain({ apiId: api.id, operationId, productId: product?.id ?? null }));
    const choices = choicesOf(start, {
      steps,
      reader: policies.reader,
      backends: inventory.backends,
      followed: followed(policies, callOf(api, operationId, product)),
    });
    const calls = product === null ? "calls without a product that says otherwise" : `product '${product.id}'`;
    return choices.map((choice) => ({ ...choice, calls }));
  });
  const merged = others.every((choices) => sameChoices(choices, first))
    ? first
    : [first, ...others].flat().map(({ calls, ...choice }) => ({ ...choice, conditions: [calls, ...choice.conditions] }));
  const reached = mergeTargets(
    merged.filter(({ target }) => target.backendId !== null || target.url !== null || target.expression !== null),
  );
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

function notesOn({ backends }: Inventory, routes: readonly Route[]): readonly string[] {
  const missing = reachedBy(routes).filter((backendId) => findBackend(backends, backendId) === undefined);
  const undecided = routes.filter(({ backendId, url, expression }) => expression !== null && backendId === null && url === null);
  return [
    ...(routes.length === 0
      ? ["No backend: no policy chooses one and the API has no service URL, or its policies end every call before."]
      : []),
    ...missing.map((backendId) => `Backend '${backendId}' does not exist.`),
    ...undecided.map(({ kind }) => `An expression or a secret named value decides the ${kind} at run time; the policy names no candidate.`),
  ];
}
