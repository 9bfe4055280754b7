import { policyScopeOf, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Api, Product } from "../gateway/model.ts";
import type { StaticCall } from "../policy/static/values.ts";
import type { StaticPolicies } from "../policy/static/walk.ts";
import { policyChain } from "../policy/steps.ts";
import { type Choice, choicesOf } from "./choices.ts";
import { followed } from "./followed.ts";

/** Calls of an API that run through the same policies, and where they go. */
export interface Way {
  readonly apiId: string;
  /** Null for every operation without a policy of its own. */
  readonly operationId: string | null;
  /** Null for calls without a product. */
  readonly productId: string | null;
  /** None where the policies end every call before. */
  readonly choices: readonly Choice[];
}

/** Any call of an API or operation. `product`: null for calls without one, undefined for any. */
export const callOf = ({ id, displayName, path }: Api, operationId: string | null, product: Product | null | undefined): StaticCall => ({
  subscription: undefined,
  product: product === null || product === undefined ? product : { id: product.id, name: product.displayName },
  api: { id, name: displayName, path },
  operation: operationId === null ? null : { id: operationId },
});

/** The operations that have a policy of their own. */
export const operationsApart = ({ policies }: Inventory, apiId: string): readonly string[] =>
  [...policies.keys()].flatMap((id) => {
    const scope = policyScopeOf(id);
    return scope?.kind === "operation" && scope.workspaceId === undefined && scope.apiId === apiId ? [scope.operationId] : [];
  });

/** The products through which an API can be called; `apart` leaves out those whose calls meet nothing that others do not. */
export function productsOf({ products, policies, fragments, namedValues }: Inventory, apiId: string, apart: boolean): readonly Product[] {
  const own = products.filter(({ apiIds }) => apiIds.includes(apiId));
  if (!apart || own.length === 0) return own;
  const asksForProduct =
    [...policies.values(), ...fragments].some((document) => /\bProduct\b/.test(policyText(document))) ||
    namedValues.some(({ properties }) => /\bProduct\b/.test(String(properties.value)));
  return asksForProduct ? own : own.filter(({ id }) => policies.has(`products/${id}/policies/policy`));
}

/** The way of an API's or an operation's calls through a product, or without one. */
export function wayOf(inventory: Inventory, policies: StaticPolicies, api: Api, operationId: string | null, product: Product | null): Way {
  const start: Choice = {
    target: { kind: "url", backendId: null, url: api.serviceUrl, expression: null },
    source: "API serviceUrl",
    conditions: [],
    breadth: Number.POSITIVE_INFINITY,
  };
  const productId = product?.id ?? null;
  const choices = choicesOf(start, {
    steps: policies.reader.steps(policyChain({ apiId: api.id, operationId, productId })),
    reader: policies.reader,
    backends: inventory.backends,
    followed: followed(policies, callOf(api, operationId, product)),
  });
  return { apiId: api.id, operationId, productId, choices };
}

/** Every way of every API through the service; also apart those of operations that have a policy of their own in the other state, to be compared with. */
export const allWays = (inventory: Inventory, policies: StaticPolicies, other: Inventory): readonly Way[] =>
  inventory.apis.flatMap((api) =>
    [null, ...new Set([inventory, other].flatMap((one) => operationsApart(one, api.id)))].flatMap((operationId) =>
      [null, ...productsOf(inventory, api.id, false)].map((product) => wayOf(inventory, policies, api, operationId, product)),
    ),
  );

/** `API 'chat' through product 'gold'`. */
export function wayText({ apiId, operationId, productId }: Omit<Way, "choices">): string {
  const operation = operationId === null ? "" : `, operation '${operationId}',`;
  return `API '${apiId}'${operation} ${productId === null ? "without a product" : `through product '${productId}'`}`;
}

/** Whether a choice leads to something: its API may have no service URL. */
export const leadsSomewhere = ({ target }: Choice): boolean =>
  target.backendId !== null || target.url !== null || target.expression !== null;
