import { type DocumentId, policyScopeOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Api, type Product, type Subscription, sameName, subscriptionName } from "../gateway/model.ts";
import type { StaticCall } from "../policy/static/values.ts";
import { type CallPath, policyChain } from "../policy/steps.ts";

/** One way that a caller's calls may take through the gateway. */
export interface Path extends CallPath {
  /** The policy documents of its scopes, the narrowest first, whether they exist or not. */
  readonly chain: readonly DocumentId[];
}

/** Who calls: a subscription, or anyone where an API asks for none. */
export interface Caller {
  readonly subscription: Subscription | null;
  /** The subscription's `subscriptionName`; `callersWithout` where there is none. */
  readonly name: string;
  /** Callers with the same scope have the same list. */
  readonly paths: readonly Path[];
}

/** The name of whoever calls an API that asks for no subscription. */
export const callersWithout = "(callers without a subscription)";

/** The service itself, or one of its workspaces. */
interface Level {
  readonly workspaceId?: string;
  readonly products: readonly Product[];
  readonly apis: readonly Api[];
  readonly subscriptions: readonly Subscription[];
}

/**
 * Every caller with the paths that its scope opens. Only a product's subscription brings a product's policy along
 * (https://learn.microsoft.com/azure/api-management/api-management-subscriptions#scope-of-subscriptions). Assumed: nobody calls without a
 * subscription as a product's, though a product may allow it.
 */
export function callersOf(inventory: Inventory): readonly Caller[] {
  const operations = operationPolicies(inventory);
  const levels = [inventory, ...inventory.workspaces.map(({ id, ...level }) => ({ workspaceId: id, ...level }))];
  const callers = levels.flatMap((level) => callersAt(level, operations));
  const open = levels.flatMap((level) => openPaths(level, operations));
  return open.length === 0 ? callers : [...callers, { subscription: null, name: callersWithout, paths: open }];
}

type OperationPolicies = ReadonlyMap<string, readonly string[]>;

function callersAt(level: Level, operations: OperationPolicies): readonly Caller[] {
  const allApis = level.apis.map(({ id }) => id);
  const products = new Map(level.products.map((product) => [product.id.toLowerCase(), product]));
  const pathsFor = (scope: Subscription["scope"]): readonly Path[] => {
    if (scope.kind !== "product") return pathsOf(level, null, scope.kind === "api" ? [scope.apiId] : allApis, operations);
    const product = products.get(scope.productId.toLowerCase());
    return pathsOf(level, product?.id ?? scope.productId, product?.apiIds ?? [], operations);
  };
  // Subscriptions of one scope walk the same paths; there may be thousands of them.
  const known = new Map<string, readonly Path[]>();
  const pathsOfScope = (scope: Subscription["scope"]): readonly Path[] => {
    const key = scopeKey(scope);
    const paths = known.get(key) ?? pathsFor(scope);
    known.set(key, paths);
    return paths;
  };
  return level.subscriptions.map((subscription) => ({
    subscription,
    name: subscriptionName(subscription),
    paths: pathsOfScope(subscription.scope),
  }));
}

function scopeKey(scope: Subscription["scope"]): string {
  if (scope.kind === "product") return `product/${scope.productId.toLowerCase()}`;
  return scope.kind === "api" ? `api/${scope.apiId.toLowerCase()}` : "apis";
}

function openPaths(level: Level, operations: OperationPolicies): readonly Path[] {
  const open = level.apis.filter(({ subscriptionRequired }) => !subscriptionRequired).map(({ id }) => id);
  return open.flatMap((apiId) => apiPaths(level, null, apiId, operations));
}

/** Operations that have a policy of their own, by API. */
function operationPolicies({ policies }: Inventory): OperationPolicies {
  const found = new Map<string, string[]>();
  for (const id of policies.keys()) {
    const scope = policyScopeOf(id);
    if (scope?.kind !== "operation") continue;
    const key = apiKey(scope.workspaceId, scope.apiId);
    found.set(key, [...(found.get(key) ?? []), scope.operationId]);
  }
  return found;
}

const apiKey = (workspaceId: string | undefined, apiId: string): string => `${workspaceId ?? ""}/${apiId}`.toLowerCase();

function pathsOf(level: Level, productId: string | null, apiIds: readonly string[], operations: OperationPolicies): readonly Path[] {
  return apiIds.length === 0
    ? [path(level, productId, null, null)]
    : apiIds.flatMap((apiId) => apiPaths(level, productId, apiId, operations));
}

function apiPaths(level: Level, productId: string | null, apiId: string, operations: OperationPolicies): readonly Path[] {
  return [null, ...(operations.get(apiKey(level.workspaceId, apiId)) ?? [])].map((operationId) =>
    path(level, productId, apiId, operationId),
  );
}

function path({ workspaceId }: Level, productId: string | null, apiId: string | null, operationId: string | null): Path {
  const call = { ...(workspaceId === undefined ? {} : { workspaceId }), productId, apiId, operationId };
  return { ...call, chain: policyChain(call) };
}

/** A call on this way as policies see it, before it is made. */
export function staticCall(
  { workspaces, ...service }: Pick<Inventory, "apis" | "products" | "workspaces">,
  { workspaceId, apiId, operationId, productId }: CallPath,
  subscription: StaticCall["subscription"],
): StaticCall {
  const level = workspaceId === undefined ? service : workspaces.find(({ id }) => sameName(id, workspaceId));
  const api = level?.apis.find(({ id }) => apiId !== null && sameName(id, apiId));
  const product = level?.products.find(({ id }) => productId !== null && sameName(id, productId));
  return {
    subscription,
    product: productId === null ? null : { id: product?.id ?? productId, name: product?.displayName ?? productId },
    api: apiId === null ? null : { id: api?.id ?? apiId, name: api?.displayName ?? apiId, path: api?.path ?? "" },
    operation: operationId === null ? null : { id: operationId },
    workspaceId,
  };
}
