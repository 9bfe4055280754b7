import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";

/** Asks for one page; `url`: a whole one with its version, or null for the first page. */
type AskPage = (url: string | null) => Promise<JsonObject>;

interface Page {
  readonly items: readonly JsonObject[];
  /** Null on the last page. */
  readonly nextLink: string | null;
  /** Over all pages, where the service says it. */
  readonly count: number | null;
}

/**
 * All items of a list, in its order. No page size is asked for: the service gives 100 at a time
 * (https://github.com/Azure/api-management-developer-portal/issues/2100), and nobody documents that it would give more. Where the first page
 * says how many items there are and links to the second by `$skip`, the others are asked for side by side; where one of them is not what
 * the first promised, the links are followed one after the other from there. Throws what `notAList` makes where an answer is none.
 */
export async function readPages(ask: AskPage, notAList: () => Error): Promise<readonly JsonObject[]> {
  const read = async (url: string | null): Promise<Page> => pageOf(await ask(url), notAList);
  const first = await read(null);
  const ahead = await Promise.all(pagesAhead(first).map(read));
  const pages = [first];
  for (const page of ahead) {
    const before = pages.at(-1);
    if (before === undefined || !follows(before, first, pages.length)) break;
    pages.push(page);
  }
  for (let next = pages.at(-1)?.nextLink ?? null; next !== null; ) {
    const page = await read(next);
    pages.push(page);
    next = page.nextLink;
  }
  return pages.flatMap(({ items }) => items);
}

/** More than any list of a service has: https://learn.microsoft.com/azure/api-management/service-limits */
const mostPages = 2000;

/** The links to the pages behind the first, as far as they can be told from it. */
function pagesAhead({ items, nextLink, count }: Page): readonly string[] {
  const size = items.length;
  if (nextLink === null || count === null || size === 0 || skipOf(nextLink) !== size) return [];
  const pages = Math.ceil(count / size);
  if (pages > mostPages) return [];
  return Array.from({ length: Math.max(0, pages - 1) }, (_, index) => skippingTo(nextLink, size * (index + 1)));
}

/** Whether behind a page comes the one at this place: its link leads there. */
const follows = ({ nextLink }: Page, first: Page, place: number): boolean =>
  nextLink !== null && skipOf(nextLink) === place * first.items.length;

const skip = /([?&](?:\$|%24)skip=)(\d+)(?=&|$)/i;

const skipOf = (url: string): number | null => {
  const found = skip.exec(url)?.[2];
  return found === undefined ? null : Number(found);
};

const skippingTo = (url: string, items: number): string => url.replace(skip, (_, name: string) => `${name}${items}`);

function pageOf({ value, nextLink, count }: JsonObject, notAList: () => Error): Page {
  if (!isList(value)) throw notAList();
  return {
    items: value.filter(isObject),
    nextLink: typeof nextLink === "string" && nextLink !== "" ? nextLink : null,
    count: typeof count === "number" ? count : null,
  };
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
