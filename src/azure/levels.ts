import { isRefusal } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";
import type { Api, Product } from "../gateway/model.ts";
import type { EntityReader } from "../gateway/ports.ts";
import { apiOf, isCurrentRevision, linkedApiId, nameOf, operationOf, productOf, subscriptionOf } from "./contracts.ts";

/** Reads all pages of a collection, by its path below the service. */
type ReadList = (collection: string) => Promise<readonly JsonObject[]>;

/** What one of the places has in which the service keeps entities: the service itself, or one of its workspaces. */
export type Level = Pick<EntityReader, "products" | "apis" | "operations" | "subscriptions">;

/** `workspaceId`: null for the service itself. `apis` gives what `apis` of the level gives, however often it is asked. */
export function levelOf(workspaceId: string | null, list: ReadList, apis: () => Promise<readonly Api[]>): Level {
  const prefix = prefixOf(workspaceId);
  return {
    apis: async () => (await list(`${prefix}apis`)).filter(isCurrentRevision).map(apiOf),
    operations: async (apiId) => (await list(`${prefix}apis/${apiId}/operations`)).map(operationOf),
    async subscriptions() {
      const items = await list(`${prefix}subscriptions`);
      return items.map((item) => subscriptionOf(item, workspaceId)).filter((subscription) => subscription !== null);
    },
    async products() {
      const products = await list(`${prefix}products`);
      const apiIds = workspaceId === null ? await serviceMembers(products, apis, list) : await workspaceMembers(products, prefix, list);
      return products.map((product) => productOf(product, apiIds.get(nameOf(product).toLowerCase()) ?? []));
    },
  };
}

/** What precedes the ids of a level's documents. */
export const prefixOf = (workspaceId: string | null): string => (workspaceId === null ? "" : `workspaces/${workspaceId}/`);

/** Ids of the APIs of each product, by the product's id in lower case. */
type Members = ReadonlyMap<string, Product["apiIds"]>;

/** The relation can be read from either side, with a list for each API or for each product: from that which has fewer. */
async function serviceMembers(products: readonly JsonObject[], apis: () => Promise<readonly Api[]>, list: ReadList): Promise<Members> {
  if (products.length <= 1) return membersByProduct(products, list);
  const all = await apis();
  if (all.length >= products.length) return membersByProduct(products, list);
  try {
    return await membersByApi(all, list);
  } catch (error) {
    // A role may allow one side alone: they are two actions, `apis/products/read` and `products/apis/read`.
    if (!isRefusal(error)) throw error;
    return membersByProduct(products, list);
  }
}

async function membersByProduct(products: readonly JsonObject[], list: ReadList): Promise<Members> {
  return membersOf(products, async (productId) => (await list(`products/${productId}/apis`)).filter(isCurrentRevision).map(nameOf));
}

async function membersByApi(apis: readonly Api[], list: ReadList): Promise<Members> {
  const found = await Promise.all(apis.map(async ({ id }) => ({ id, products: await list(`apis/${id}/products`) })));
  const members = new Map<string, string[]>();
  for (const { id, products } of found) {
    for (const product of products) {
      const key = nameOf(product).toLowerCase();
      const apiIds = members.get(key);
      if (apiIds === undefined) members.set(key, [id]);
      else apiIds.push(id);
    }
  }
  return members;
}

/** There is no list of a workspace product's APIs, only of its links to them. */
const workspaceMembers = (products: readonly JsonObject[], prefix: string, list: ReadList): Promise<Members> =>
  membersOf(products, async (productId) => (await list(`${prefix}products/${productId}/apiLinks`)).map(linkedApiId));

async function membersOf(products: readonly JsonObject[], read: (productId: string) => Promise<readonly string[]>): Promise<Members> {
  return new Map(
    await Promise.all(
      products.map(async (product): Promise<[string, readonly string[]]> => [nameOf(product).toLowerCase(), await read(nameOf(product))]),
    ),
  );
}
