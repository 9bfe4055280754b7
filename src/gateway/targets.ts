import { GatewayError, unknownName } from "../errors.ts";
import type { PolicyScope } from "./documents.ts";
import { findApi, findById, findProduct } from "./inventory.ts";
import { type Api, type Operation, sameName } from "./model.ts";
import type { EntityReader, GatewayReader } from "./ports.ts";

/**
 * A target as a caller names it. The name of what is in a workspace is its path below the service: `workspaces/{id}/apis/{id}`,
 * `workspaces/{id}/products/{id}`, and `workspaces/{id}` in place of an API for all of them.
 */
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
  if (product_id !== undefined) {
    const { workspace, name } = parsed(product_id, "products");
    const workspaceId = await workspaceIdOf(gateway, workspace);
    return { kind: "product", workspaceId, productId: findProduct(await levelOf(gateway, workspaceId).products(), name).id };
  }
  return api_id === undefined ? { kind: "global" } : apiTarget(gateway, api_id, operation_id);
}

/**
 * The scope whose policy is to be changed: as `policyTarget`, but none in a workspace. Throws `unsupported` there: a change is held against
 * what the service itself has, and a workspace's policies see none of that.
 */
export async function changeTarget(gateway: GatewayReader, names: TargetNames): Promise<PolicyScope> {
  const scope = await policyTarget(gateway, names);
  if (scope.kind === "global" || scope.workspaceId === undefined) return scope;
  throw new GatewayError("unsupported", `Policies in workspace '${scope.workspaceId}' cannot be changed here.`, {
    hint: "get_policy shows them; change them in the Azure portal.",
  });
}

async function apiTarget(gateway: GatewayReader, apiName: string, operationName: string | undefined): Promise<PolicyScope> {
  const workspace = /^workspaces\/([^/]+)$/i.exec(apiName)?.[1];
  if (workspace !== undefined && operationName === undefined) {
    return { kind: "workspace", workspaceId: findWorkspace(await gateway.workspaces(), workspace) };
  }
  const named = parsed(apiName, "apis");
  const workspaceId = await workspaceIdOf(gateway, named.workspace);
  const level = levelOf(gateway, workspaceId);
  const apis = await level.apis();
  if (workspaceId === undefined) await checkNotElsewhere(gateway, apis, named.name);
  const apiId = findApi(apis, named.name).id;
  if (operationName === undefined) return { kind: "api", workspaceId, apiId };
  return { kind: "operation", workspaceId, apiId, operationId: (await findOperation(level, apiId, operationName)).id };
}

/** Calls whose policies are asked for; with all of it null, those that every call meets. */
export interface CallTarget {
  /** The workspace that the calls are to. */
  readonly workspaceId?: string | undefined;
  readonly apiId: string | null;
  readonly operationId: string | null;
  readonly productId: string | null;
  /** Ids of the products that the API is in, where none was named: calls with their subscriptions meet their policies too. */
  readonly products: readonly string[];
}

/**
 * The calls that the names mean: of an API or operation, with a subscription of the product where one is named besides; of a product,
 * to whichever API; to a workspace; or all. A product that is named with an API of a workspace is one of that workspace. Throws as
 * `policyTarget` does, and `invalid_input` where the product does not have the API.
 */
export async function callTarget(gateway: GatewayReader, { product_id, ...names }: TargetNames): Promise<CallTarget> {
  const scope = await policyTarget(gateway, names.api_id === undefined ? { ...names, product_id } : names);
  const every = { apiId: null, operationId: null, productId: null, products: [] };
  if (scope.kind === "global") return every;
  const { workspaceId } = scope;
  if (scope.kind === "product") return { ...every, workspaceId, productId: scope.productId };
  const all = await levelOf(gateway, workspaceId).products();
  const product = product_id === undefined ? null : findProduct(all, nameBeside(workspaceId, product_id));
  if (scope.kind === "workspace") return { ...every, workspaceId, productId: product?.id ?? null };
  const target = { workspaceId, apiId: scope.apiId, operationId: scope.kind === "operation" ? scope.operationId : null };
  const products = all.filter(({ apiIds }) => apiIds.some((apiId) => sameName(apiId, scope.apiId))).map(({ id }) => id);
  if (product === null) return { ...target, productId: null, products };
  if (products.includes(product.id)) return { ...target, productId: product.id, products: [] };
  throw new GatewayError("invalid_input", `Product '${product.id}' does not have the API '${scope.apiId}'.`, {
    hint: products.length === 0 ? "It is in no product: leave product_id out." : `It is in ${products.join(", ")}.`,
  });
}

function checkOperationHasApi({ api_id, operation_id }: TargetNames): void {
  if (operation_id === undefined || api_id !== undefined) return;
  throw new GatewayError("invalid_input", "operation_id needs the api_id that it belongs to.", { hint: "Add api_id." });
}

/** A name taken apart. */
interface Named {
  /** As the caller spells it; undefined for the service itself. */
  readonly workspace: string | undefined;
  /** Of the API or product. */
  readonly name: string;
}

function parsed(given: string, collection: "apis" | "products"): Named {
  if (!/^workspaces\//i.test(given)) return { workspace: undefined, name: given };
  const [, workspace, kind, name] = /^workspaces\/([^/]+)\/([^/]+)\/([^/]+)$/i.exec(given) ?? [];
  if (workspace !== undefined && name !== undefined && kind?.toLowerCase() === collection) return { workspace, name };
  throw new GatewayError("invalid_input", `'${given}' is no name of ${collection === "apis" ? "an API" : "a product"}.`, {
    hint: `In a workspace it reads workspaces/<workspace>/${collection}/<name>.`,
  });
}

/** The name of a product that is given beside an API: both are in the same place. */
function nameBeside(workspaceId: string | undefined, productName: string): string {
  const { workspace, name } = parsed(productName, "products");
  if (workspace === undefined || (workspaceId !== undefined && sameName(workspace, workspaceId))) return name;
  throw new GatewayError("invalid_input", `The API is not in workspace '${workspace}', so no product there has it.`, {
    hint: "Name the product as it is called beside the API, without a workspace.",
  });
}

const levelOf = (gateway: GatewayReader, workspaceId: string | undefined): EntityReader =>
  workspaceId === undefined ? gateway : gateway.workspace(workspaceId);

async function workspaceIdOf(gateway: GatewayReader, workspace: string | undefined): Promise<string | undefined> {
  return workspace === undefined ? undefined : findWorkspace(await gateway.workspaces(), workspace);
}

function findWorkspace(workspaces: readonly string[], name: string): string {
  const workspace = workspaces.find((id) => sameName(id, name));
  if (workspace === undefined) throw unknownName("workspace", name, workspaces);
  return workspace;
}

/** Each costs a read when a name is unknown. */
const mostWorkspacesSearched = 20;

/** Throws `not_found` with the whole name where an API that the service itself does not have is in a workspace. */
async function checkNotElsewhere(gateway: GatewayReader, apis: readonly Api[], name: string): Promise<void> {
  if (apis.some(({ id }) => sameName(id, name))) return;
  const found = await workspaceApis(gateway, name);
  if (found.length === 0) return;
  throw new GatewayError("not_found", `The service itself has no API '${name}'.`, { hint: `Did you mean ${found.join(" or ")}?` });
}

/** The whole names of APIs of this name in workspaces; none where the tier has no workspaces or the credential may not see them. */
async function workspaceApis(gateway: GatewayReader, name: string): Promise<readonly string[]> {
  const workspaces = await gateway.workspaces().catch(() => []);
  const found = await Promise.all(
    workspaces.slice(0, mostWorkspacesSearched).map(async (workspaceId) => {
      const apis = await gateway
        .workspace(workspaceId)
        .apis()
        .catch(() => []);
      return apis.filter(({ id }) => sameName(id, name)).map(({ id }) => `workspaces/${workspaceId}/apis/${id}`);
    }),
  );
  return found.flat();
}

async function findOperation(level: EntityReader, apiId: string, operationId: string): Promise<Operation> {
  return findById(`operation of API '${apiId}'`, await level.operations(apiId), operationId);
}
