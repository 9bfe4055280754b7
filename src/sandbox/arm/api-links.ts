import { textAt } from "../json.ts";
import { armId, nameOf, type Resource, type World } from "../world.ts";
import { invalid, invalidFields, notFound } from "./errors.ts";
import { isSame, levelOf } from "./level.ts";
import type { Item } from "./resource-types.ts";

/**
 * A product's APIs are one relation that the service shows twice: `products/{id}/apis` by the API's name, `products/{id}/apiLinks` by the
 * link's (https://learn.microsoft.com/rest/api/apimanagement/product-api-link). It is kept under the former, with the link's name. Assumed:
 * an API that was added without a link has one of its own name.
 */
interface ApiLink extends Item {
  readonly keptAt: string;
}

/** The links of a collection `products/{id}/apiLinks`, as a list shows them. */
export const apiLinks = (world: World, collection: string): readonly ApiLink[] =>
  world.list(collection.replace(/apiLinks$/, "apis")).flatMap(({ path, properties }) => {
    const api = world.get(`apis/${nameOf(path)}`);
    if (api === undefined) return [];
    return [{ path: `${collection}/${textAt(properties, "link") ?? nameOf(path)}`, properties: { apiId: armId(api.path) }, keptAt: path }];
  });

export const findApiLink = (world: World, path: string): ApiLink | undefined =>
  apiLinks(world, collectionOf(path)).find((link) => isSame(link.path, path));

/** Makes the API a product's, in place of the one that the link had. Assumed: an API that has another link is refused, with these words. */
export function putApiLink(world: World, path: string, apiId: string): void {
  const api = linkedApi(world, path, apiId);
  const collection = collectionOf(path);
  const before = findApiLink(world, path);
  const keptAt = collection.replace(/apiLinks$/, `apis/${nameOf(api.path)}`);
  if (before !== undefined && isSame(before.keptAt, keptAt)) return;
  if (world.get(keptAt) !== undefined) throw invalid(`The API '${nameOf(api.path)}' is already linked to the product.`);
  if (before !== undefined) world.delete(before.keptAt);
  world.put(keptAt, { link: nameOf(path) });
}

/** The API that a link at a path may name: by its whole ARM id, in the same workspace or in the service itself as the product. */
export function linkedApi(world: World, path: string, apiId: string): Resource {
  if (apiId === "") throw invalidFields([{ target: "apiId", message: "'apiId' must not be empty." }]);
  const api = world.get(`${levelOf(path)}apis/${nameOf(apiId)}`);
  if (api === undefined || !isSame(armId(api.path), apiId)) throw notFound("Api");
  return api;
}

const collectionOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
