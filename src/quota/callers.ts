import { type DocumentId, policyScopeOf, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import {
  type Api,
  type Operation,
  type Product,
  type Subscription,
  sameName,
  subscriptionName,
  usualSubscriptionKeyNames,
} from "../gateway/model.ts";
import { decodeEntities } from "../policy/lexer.ts";
import type { StaticCall } from "../policy/static/values.ts";
import { type CallPath, policyChain } from "../policy/steps.ts";

/**
 * One way that a caller's calls may take through the gateway. `operationId`: null for every operation that has no path of its own; an API of which
 * all have one has no such path.
 */
export interface Path extends CallPath {
  /** Whether all operations of the API are known: what is for a single one has a path of its own then. */
  readonly operationsKnown: boolean;
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
  const apart = toldApart(inventory);
  const levels = [inventory, ...inventory.workspaces.map(({ id, ...level }) => ({ workspaceId: id, ...level }))];
  const callers = levels.flatMap((level) => callersAt(level, apart));
  const open = levels.flatMap((level) => openPaths(level, apart));
  return open.length === 0 ? callers : [...callers, { subscription: null, name: callersWithout, paths: open }];
}

function callersAt(level: Level, apart: ToldApart): readonly Caller[] {
  const allApis = level.apis.map(({ id }) => id);
  const products = new Map(level.products.map((product) => [product.id.toLowerCase(), product]));
  const pathsFor = (scope: Subscription["scope"]): readonly Path[] => {
    if (scope.kind !== "product") return pathsOf(level, null, scope.kind === "api" ? [scope.apiId] : allApis, apart);
    const product = products.get(scope.productId.toLowerCase());
    return pathsOf(level, product?.id ?? scope.productId, product?.apiIds ?? [], apart);
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

function openPaths(level: Level, apart: ToldApart): readonly Path[] {
  const open = level.apis.filter(({ subscriptionRequired }) => !subscriptionRequired).map(({ id }) => id);
  return open.flatMap((apiId) => apiPaths(level, null, apiId, apart));
}

/** The operations that policies tell from others. */
interface ToldApart {
  /** Those with a policy of their own, by API. */
  readonly withPolicy: ReadonlyMap<string, readonly string[]>;
  /** Ids and names of those that a policy is for within its own text, in lower case. */
  readonly named: ReadonlySet<string>;
}

function toldApart({ policies, fragments }: Inventory): ToldApart {
  const withPolicy = new Map<string, string[]>();
  for (const id of policies.keys()) {
    const scope = policyScopeOf(id);
    if (scope?.kind !== "operation") continue;
    const key = apiKey(scope.workspaceId, scope.apiId);
    withPolicy.set(key, [...(withPolicy.get(key) ?? []), scope.operationId]);
  }
  const texts = [...policies.values(), ...fragments].map(policyText).filter((text) => text.includes("<operation"));
  return { withPolicy, named: new Set(texts.flatMap(namesOfOperations)) };
}

/** What `<operation>` in a `rate-limit` or `quota` names; one too many does no harm. */
function namesOfOperations(text: string): readonly string[] {
  return [...text.matchAll(/<operation\s[^>]*>/g)].flatMap(([tag]) =>
    [...tag.matchAll(/\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, double, single]) =>
      decodeEntities(double ?? single ?? "").toLowerCase(),
    ),
  );
}

const apiKey = (workspaceId: string | undefined, apiId: string): string => `${workspaceId ?? ""}/${apiId}`.toLowerCase();

function pathsOf(level: Level, productId: string | null, apiIds: readonly string[], apart: ToldApart): readonly Path[] {
  return apiIds.length === 0
    ? [path(level, productId, null, null, false)]
    : apiIds.flatMap((apiId) => apiPaths(level, productId, apiId, apart));
}

function apiPaths(level: Level, productId: string | null, apiId: string, { withPolicy, named }: ToldApart): readonly Path[] {
  const own = withPolicy.get(apiKey(level.workspaceId, apiId)) ?? [];
  const all = level.apis.find(({ id }) => sameName(id, apiId))?.operations;
  if (all === undefined) return [null, ...own].map((operationId) => path(level, productId, apiId, operationId, false));
  const isApart = ({ id, displayName }: Operation): boolean =>
    own.some((one) => sameName(one, id)) || named.has(id.toLowerCase()) || named.has(displayName.toLowerCase());
  const apart = all.filter(isApart).map(({ id }) => id);
  const others = apart.length < all.length || all.length === 0 ? [null] : [];
  return [...others, ...apart].map((operationId) => path(level, productId, apiId, operationId, true));
}

function path(
  { workspaceId }: Level,
  productId: string | null,
  apiId: string | null,
  operationId: string | null,
  operationsKnown: boolean,
): Path {
  const call = { ...(workspaceId === undefined ? {} : { workspaceId }), productId, apiId, operationId };
  return { ...call, chain: policyChain(call), operationsKnown };
}

/** A call on this way as policies see it, before it is made. */
export function staticCall(
  service: Pick<Inventory, "apis" | "products" | "workspaces">,
  { workspaceId, apiId, operationId, productId }: CallPath,
  subscription: StaticCall["subscription"],
): StaticCall {
  const level = workspaceId === undefined ? service : service.workspaces.find(({ id }) => sameName(id, workspaceId));
  const api = level?.apis.find(({ id }) => apiId !== null && sameName(id, apiId));
  const product = level?.products.find(({ id }) => productId !== null && sameName(id, productId));
  return {
    subscription,
    product: productId === null ? null : { id: product?.id ?? productId, name: product?.displayName ?? productId },
    api:
      apiId === null
        ? null
        : {
            id: api?.id ?? apiId,
            name: api?.displayName ?? apiId,
            path: api?.path ?? "",
            keyNames: api?.subscriptionKeyNames ?? usualSubscriptionKeyNames,
          },
    operation: operationId === null ? null : operationOf(api, operationId),
    workspaceId,
  };
}

function operationOf(api: Api | undefined, operationId: string): NonNullable<StaticCall["operation"]> {
  const found = api?.operations?.find(({ id }) => sameName(id, operationId));
  return found === undefined ? { id: operationId } : { id: found.id, name: found.displayName };
}
