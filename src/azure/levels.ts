import type { ApiContract, OperationContract, ProductContract } from "@azure/arm-apimanagement";
import type { EntityReader } from "../gateway/ports.ts";
import { apiOf, isCurrentRevision, linkedApiId, operationOf, productOf } from "./contracts.ts";
import type { Arm } from "./pipeline.ts";

/** Reads all pages of a list; `what` is its name in messages. */
export type Pages = <T>(what: string, open: () => AsyncIterable<T>) => Promise<readonly T[]>;

/** Where the service keeps entities: by itself, or in one of its workspaces. */
export interface Level extends Pick<EntityReader, "products" | "apis" | "operations"> {
  /** What precedes the ids of its documents: nothing, or `workspaces/{id}/`. */
  readonly prefix: string;
}

/** A level's lists as the SDK has them. */
interface Lists {
  readonly products: () => AsyncIterable<ProductContract>;
  readonly productApiIds: (productId: string, what: string) => Promise<readonly string[]>;
  readonly apis: () => AsyncIterable<ApiContract>;
  readonly operations: (apiId: string) => AsyncIterable<OperationContract>;
}

export function serviceLevel({ reading, address: { resourceGroup, name } }: Arm, pages: Pages, abortSignal: AbortSignal): Level {
  const options = { abortSignal };
  return level("", "", pages, {
    products: () => reading.product.listByService(resourceGroup, name, options),
    async productApiIds(productId, what) {
      const apis = await pages(what, () => reading.productApi.listByProduct(resourceGroup, name, productId, options));
      return apis.filter(isCurrentRevision).map((api) => api.name ?? "");
    },
    apis: () => reading.api.listByService(resourceGroup, name, options),
    operations: (apiId) => reading.apiOperation.listByApi(resourceGroup, name, apiId, options),
  });
}

export function workspaceLevel(
  { reading, address: { resourceGroup, name } }: Arm,
  workspaceId: string,
  pages: Pages,
  abortSignal: AbortSignal,
): Level {
  const options = { abortSignal };
  return level(`workspaces/${workspaceId}/`, ` of workspace '${workspaceId}'`, pages, {
    products: () => reading.workspaceProduct.listByService(resourceGroup, name, workspaceId, options),
    // There is no list of a workspace product's APIs, only of its links to them.
    productApiIds: async (productId, what) =>
      (await pages(what, () => reading.workspaceProductApiLink.listByProduct(resourceGroup, name, workspaceId, productId, options))).map(
        linkedApiId,
      ),
    apis: () => reading.workspaceApi.listByService(resourceGroup, name, workspaceId, options),
    operations: (apiId) => reading.workspaceApiOperation.listByApi(resourceGroup, name, workspaceId, apiId, options),
  });
}

function level(prefix: string, title: string, pages: Pages, lists: Lists): Level {
  return {
    prefix,
    async products() {
      const products = await pages(`products${title}`, lists.products);
      return Promise.all(
        products.map(async (product) => {
          const { name = "" } = product;
          return productOf(product, await lists.productApiIds(name, `APIs of product '${name}'${title}`));
        }),
      );
    },
    apis: async () => (await pages(`APIs${title}`, lists.apis)).filter(isCurrentRevision).map(apiOf),
    operations: async (apiId) => (await pages(`operations of API '${apiId}'${title}`, () => lists.operations(apiId))).map(operationOf),
  };
}
