import { nameOf, type Resource, type World } from "../world.ts";
import { invalid } from "./errors.ts";
import { itemFilter } from "./filter.ts";
import { type Item, type ResourceType, shown } from "./resource-types.ts";

export interface Page {
  readonly items: readonly Item[];
  /** Over all pages. */
  readonly count: number;
  /** Empty on the last page, as in ARM's examples. */
  readonly nextLink: string;
}

const listParameters = ["$top", "$skip", "$filter"];

/** A page of a collection, filtered as the query asks; lists show policies as `xml`. */
export function listPage(world: World, type: ResourceType, collection: string, url: URL): Page {
  const unknown = [...url.searchParams.keys()].find((name) => name.startsWith("$") && !listParameters.includes(name));
  if (unknown !== undefined) throw invalid(`The sandbox does not know the list parameter ${unknown}.`);
  const filter = url.searchParams.get("$filter");
  const items = itemsOf(world, type, collection);
  const matching = filter === null ? items : items.filter(itemFilter(filter, type.filterable ?? [], ({ path }) => nameOf(path)));
  const skip = wholeNumber(url, "$skip", 0) ?? 0;
  const size = Math.min(wholeNumber(url, "$top", 1) ?? world.settings.pageSize, world.settings.pageSize);
  const end = skip + size;
  return { items: matching.slice(skip, end), count: matching.length, nextLink: end < matching.length ? nextLink(url, end) : "" };
}

/** What is not on the page is not worked out. */
function itemsOf(world: World, type: ResourceType, collection: string): readonly Item[] {
  const shownLater = (resource: Resource): Item => ({
    path: resource.path,
    get properties() {
      return shown(type, resource, "xml");
    },
  });
  return type.items?.(world, collection) ?? world.list(collection).map(shownLater);
}

function wholeNumber({ searchParams }: URL, name: string, least: number): number | null {
  const text = searchParams.get(name);
  if (text === null) return null;
  if (!/^\d+$/.test(text) || Number(text) < least) throw invalid(`'${name}' must be a whole number from ${least}.`);
  return Number(text);
}

function nextLink(url: URL, skip: number): string {
  const next = new URL(url);
  next.searchParams.set("$skip", String(skip));
  return next.href.replaceAll("%24", "$");
}
