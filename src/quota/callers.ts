import { type DocumentId, policyScopeOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, sameName } from "../gateway/model.ts";
import { type CallPath, policyChain } from "../policy/steps.ts";

/** One way that a caller's calls may take through the gateway. */
export interface Path extends CallPath {
  /** The policy documents of its scopes, the narrowest first, whether they exist or not. */
  readonly chain: readonly DocumentId[];
}

/** Who calls: a subscription, or anyone where an API asks for none. */
export interface Caller {
  readonly subscription: Subscription | null;
  /** The subscription's id; for people where there is none. */
  readonly name: string;
  readonly paths: readonly Path[];
}

const withoutSubscription = "(callers without a subscription)";

/**
 * Every caller with the paths that its scope opens. Only a product's subscription brings a product's policy along
 * (https://learn.microsoft.com/azure/api-management/api-management-subscriptions#scope-of-subscriptions).
 */
export function callersOf(inventory: Inventory): readonly Caller[] {
  const operations = operationPolicies(inventory);
  const pathsOf = (productId: string | null, apiIds: readonly string[]): readonly Path[] =>
    apiIds.length === 0 ? [path(productId, null, null)] : apiIds.flatMap((apiId) => apiPaths(productId, apiId, operations));
  const allApis = inventory.apis.map(({ id }) => id);
  const pathsFor = (scope: Subscription["scope"]): readonly Path[] => {
    if (scope.kind !== "product") return pathsOf(null, scope.kind === "api" ? [scope.apiId] : allApis);
    const product = inventory.products.find(({ id }) => sameName(id, scope.productId));
    return pathsOf(product?.id ?? scope.productId, product?.apiIds ?? []);
  };
  // Subscriptions of one scope walk the same paths; there may be thousands of them.
  const known = new Map<string, readonly Path[]>();
  const pathsOfScope = (scope: Subscription["scope"]): readonly Path[] => {
    const key = JSON.stringify(scope).toLowerCase();
    const paths = known.get(key) ?? pathsFor(scope);
    known.set(key, paths);
    return paths;
  };
  const callers = inventory.subscriptions.map((subscription) => ({
    subscription,
    name: subscription.id,
    paths: pathsOfScope(subscription.scope),
  }));
  const open = inventory.apis.filter(({ subscriptionRequired }) => !subscriptionRequired).map(({ id }) => id);
  return open.length === 0 ? callers : [...callers, { subscription: null, name: withoutSubscription, paths: pathsOf(null, open) }];
}

/** Operations that have a policy of their own, by API. */
function operationPolicies({ policies }: Inventory): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const id of policies.keys()) {
    const scope = policyScopeOf(id);
    if (scope?.kind !== "operation") continue;
    const key = scope.apiId.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), scope.operationId]);
  }
  return found;
}

function apiPaths(productId: string | null, apiId: string, operations: ReadonlyMap<string, readonly string[]>): readonly Path[] {
  return [null, ...(operations.get(apiId.toLowerCase()) ?? [])].map((operationId) => path(productId, apiId, operationId));
}

function path(productId: string | null, apiId: string | null, operationId: string | null): Path {
  const call = { productId, apiId, operationId };
  return { ...call, chain: policyChain(call) };
}
