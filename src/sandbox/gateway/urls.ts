/** The part of a URL behind its base, with its leading slash and its query. */
export function relativeUrl(url: URL, base: URL | null): { readonly path: string; readonly search: string } {
  const prefix = base === null ? "" : base.pathname.replace(/\/$/, "");
  const path = url.pathname.startsWith(`${prefix}/`) || url.pathname === prefix ? url.pathname.slice(prefix.length) : url.pathname;
  return { path: path === "" ? "/" : path, search: url.search };
}

/** A relative URL below a base; the base's own query comes first. */
export function destinationUrl(base: URL, { path, search }: { readonly path: string; readonly search: string }): URL {
  const url = new URL(base);
  url.pathname = joinedPath(base.pathname, path);
  url.search = joinedQuery(base.search, search);
  return url;
}

/** Assumed: an empty path behind a base adds no slash to it. */
const joinedPath = (base: string, path: string): string => (path === "/" ? base : `${base.replace(/\/$/, "")}${path}`);

const joinedQuery = (first: string, second: string): string =>
  [first, second]
    .map((query) => query.replace(/^\?/, ""))
    .filter((query) => query !== "")
    .join("&");

/** What to do with parameters that are there already. */
export type ExistsAction = "override" | "skip" | "append" | "delete";

/** A query string with one parameter changed; every other one stays as it was written. */
export function changedQuery(search: string, name: string, action: ExistsAction, values: readonly string[]): string {
  const pairs = pairsOf(search);
  const exists = pairs.some((pair) => pair.name === name);
  if (action === "skip" && exists) return search;
  const kept = action === "override" || action === "delete" ? pairs.filter((pair) => pair.name !== name) : pairs;
  const added = action === "delete" ? [] : values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return [...kept.map(({ text }) => text), ...added].join("&");
}

/** A query string without some of its parameters. */
export const queryWithout = (search: string, names: readonly string[]): string =>
  pairsOf(search)
    .filter(({ name }) => !names.includes(name))
    .map(({ text }) => text)
    .join("&");

export const queryNames = (search: string): readonly string[] => pairsOf(search).map(({ name }) => name);

const pairsOf = (search: string): readonly { readonly name: string; readonly text: string }[] =>
  search
    .replace(/^\?/, "")
    .split("&")
    .filter((text) => text !== "")
    .map((text) => ({ name: new URLSearchParams(text).keys().next().value ?? "", text }));
