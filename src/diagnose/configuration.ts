import type { DocumentId } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Evidence } from "./evidence.ts";
import { type Values, valuesOf } from "./reads.ts";

/** The reads that say how an API's calls are served. */
export const servingReads = ({ service, apis, products, policies, fragments, namedValues, backends }: Evidence) => ({
  service,
  apis,
  products,
  policies,
  fragments,
  namedValues,
  backends,
});

/** What those reads have given, as the pure modules take it: of the service itself, without its workspaces. */
export const servingInventory = (
  read: Values<ReturnType<typeof servingReads>>,
  subscriptions: Inventory["subscriptions"] = [],
): Inventory => ({ ...read, subscriptions, workspaces: [], notes: [] });

/** All of the service; null where a part of it could not be read. */
export function inventoryOf(evidence: Evidence): Inventory | null {
  const read = valuesOf({ ...servingReads(evidence), subscriptions: evidence.subscriptions });
  return "values" in read ? servingInventory(read.values, read.values.subscriptions) : null;
}

/** The APIs that a diagnosis is about. */
export const apisAsked = ({ apis }: Pick<Inventory, "apis">, { apiId }: Evidence): readonly string[] =>
  apis.map(({ id }) => id).filter((id) => apiId === null || id === apiId);

/** Whether a document is of the API that was asked about, or of what its calls meet besides. */
export function concerns(id: DocumentId, { products }: Pick<Inventory, "products">, { apiId }: Evidence): boolean {
  if (apiId === null) return true;
  const [collection, name] = id.split("/");
  if (collection === "apis") return name === apiId;
  return collection !== "products" || products.some((product) => product.id === name && product.apiIds.includes(apiId));
}
