import { GatewayError, unknownName } from "../errors.ts";
import type { PolicyScope } from "./documents.ts";
import { findApi, findProduct } from "./inventory.ts";
import type { Operation } from "./model.ts";
import type { GatewayReader } from "./ports.ts";

/** A target as a caller names it. */
export interface TargetNames {
  readonly api_id?: string | undefined;
  /** With `api_id`. */
  readonly operation_id?: string | undefined;
  readonly product_id?: string | undefined;
  readonly global?: true | undefined;
}

/** The one scope that the names mean. Throws `invalid_input` where they mean none or several, `not_found` where it does not exist. */
export async function policyTarget(gateway: GatewayReader, names: TargetNames): Promise<PolicyScope> {
  const { api_id, operation_id, product_id, global } = names;
  if ([api_id, product_id, global].filter((given) => given !== undefined).length !== 1) {
    throw new GatewayError("invalid_input", "Exactly one target is needed.", {
      hint: "Give api_id (with operation_id for one operation), or product_id, or global: true.",
    });
  }
  checkOperationHasApi(names);
  if (product_id !== undefined) return { kind: "product", productId: findProduct(await gateway.products(), product_id).id };
  if (api_id === undefined) return { kind: "global" };
  const api = findApi(await gateway.apis(), api_id);
  if (operation_id === undefined) return { kind: "api", apiId: api.id };
  return { kind: "operation", apiId: api.id, operationId: (await findOperation(gateway, api.id, operation_id)).id };
}

/** Calls whose policies are asked for; with all of it null, those that every call meets. */
export interface CallTarget {
  readonly apiId: string | null;
  readonly operationId: string | null;
  readonly productId: string | null;
  /** Ids of the products that the API is in, where none was named: calls with their subscriptions meet their policies too. */
  readonly products: readonly string[];
}

/**
 * The calls that the names mean: of an API or operation, with a subscription of the product where one is named besides; of a product,
 * to whichever API; or all. Throws as `policyTarget` does, and `invalid_input` where the product does not have the API.
 */
export async function callTarget(gateway: GatewayReader, { product_id, ...names }: TargetNames): Promise<CallTarget> {
  const scope = await policyTarget(gateway, names.api_id === undefined ? { ...names, product_id } : names);
  const every = { apiId: null, operationId: null, productId: null, products: [] };
  if (scope.kind === "global") return every;
  if (scope.kind === "product") return { ...every, productId: scope.productId };
  const target = { apiId: scope.apiId, operationId: scope.kind === "operation" ? scope.operationId : null };
  const all = await gateway.products();
  const products = all.filter(({ apiIds }) => apiIds.includes(scope.apiId)).map(({ id }) => id);
  if (product_id === undefined) return { ...target, productId: null, products };
  const product = findProduct(all, product_id);
  if (products.includes(product.id)) return { ...target, productId: product.id, products: [] };
  throw new GatewayError("invalid_input", `Product '${product.id}' does not have the API '${scope.apiId}'.`, {
    hint: products.length === 0 ? "It is in no product: leave product_id out." : `It is in ${products.join(", ")}.`,
  });
}

function checkOperationHasApi({ api_id, operation_id }: TargetNames): void {
  if (operation_id === undefined || api_id !== undefined) return;
  throw new GatewayError("invalid_input", "operation_id needs the api_id that it belongs to.", { hint: "Add api_id." });
}

async function findOperation(gateway: GatewayReader, apiId: string, operationId: string): Promise<Operation> {
  const operations = await gateway.operations(apiId);
  const operation = operations.find(({ id }) => id.toLowerCase() === operationId.toLowerCase());
  if (operation !== undefined) return operation;
  throw unknownName(
    `operation of API '${apiId}'`,
    operationId,
    operations.map(({ id }) => id),
  );
}
