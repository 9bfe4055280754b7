import { textAt } from "../json.ts";
import { nameOf, type Resource, type World } from "../world.ts";
import { type OperationTemplate, operationTemplate, segmentsOf } from "./templates.ts";

/** An API of the service, or one revision of it. */
export interface RoutedApi {
  /** Without its revision. */
  readonly id: string;
  readonly resource: Resource;
  readonly revision: string;
  readonly isCurrent: boolean;
  readonly version: string | null;
}

export interface RoutedOperation {
  readonly id: string;
  readonly resource: Resource;
  readonly template: OperationTemplate;
}

/** Where a request belongs. */
export interface Route {
  readonly api: RoutedApi;
  /** Null where the API has none for it. */
  readonly operation: RoutedOperation | null;
  /** What the operation's template names, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The path behind the API's own, with its leading slash. */
  readonly rest: string;
}

export interface RoutingTable {
  /** Null where no API has the URL. */
  route(method: string, url: URL, headers: Headers): Route | null;
}

type VersionScheme = { readonly kind: "path" } | { readonly kind: "header" | "query"; readonly name: string };

interface Candidate extends RoutedApi {
  readonly prefix: readonly string[];
  readonly scheme: VersionScheme;
  readonly operations: readonly RoutedOperation[];
}

/**
 * Routes by the service's APIs as they are now: the longest path wins, then what its versions say, then the operation whose template is
 * the most literal (https://learn.microsoft.com/azure/api-management/api-management-versions,
 * https://learn.microsoft.com/azure/api-management/api-management-revisions).
 *
 * Assumed: paths and templates are matched in any case; an API whose path is longer hides the operations of one whose path is shorter.
 */
export function routingTable(world: World): RoutingTable {
  const candidates = world
    .list("apis")
    .map((resource) => candidate(world, resource))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return {
    route(method, url, headers) {
      const { segments, revision } = requested(url.pathname);
      const matching = candidates.filter((api) => hasRevision(api, revision) && startsWith(segments, api.prefix));
      const longest = matching.filter(({ prefix }) => prefix.length === matching[0]?.prefix.length);
      const api = longest.find((one) => isVersion(one, url, headers));
      if (api === undefined) return null;
      const rest = segments.slice(api.prefix.length);
      return { api, rest: `/${rest.join("/")}`, ...operationFor(api, method, rest, url.searchParams) };
    },
  };
}

function candidate(world: World, resource: Resource): Candidate {
  const { properties, path } = resource;
  const id = nameOf(path).replace(/;rev=.*$/i, "");
  const version = textAt(properties, "apiVersion") || null;
  const scheme = schemeOf(world, properties);
  const prefix = segmentsOf(textAt(properties, "path") ?? "");
  return {
    id,
    resource,
    version,
    scheme,
    revision: textAt(properties, "apiRevision") ?? "1",
    isCurrent: properties.isCurrent !== false && !/;rev=/i.test(path),
    prefix: scheme.kind === "path" && version !== null ? [...prefix, version] : prefix,
    operations: world.list(`${path}/operations`).map((operation) => ({
      id: nameOf(operation.path),
      resource: operation,
      template: operationTemplate(textAt(operation.properties, "method") ?? "GET", textAt(operation.properties, "urlTemplate") ?? "/"),
    })),
  };
}

function schemeOf(world: World, properties: Resource["properties"]): VersionScheme {
  const set = world.get(`apiVersionSets/${nameOf(textAt(properties, "apiVersionSetId") ?? "")}`)?.properties ?? {};
  switch (textAt(set, "versioningScheme")?.toLowerCase()) {
    case "query":
      return { kind: "query", name: textAt(set, "versionQueryName") ?? "api-version" };
    case "header":
      return { kind: "header", name: textAt(set, "versionHeaderName") ?? "Api-Version" };
    default:
      return { kind: "path" };
  }
}

/** `;rev=n` stands behind the API's path (https://learn.microsoft.com/azure/api-management/api-management-get-started-revise-api). */
function requested(pathname: string): { readonly segments: readonly string[]; readonly revision: string | null } {
  let revision: string | null = null;
  const path = pathname.replace(/;rev=([^/;]+)/i, (_, number: string) => {
    revision = number;
    return "";
  });
  return { segments: segmentsOf(path), revision };
}

const hasRevision = (api: RoutedApi, revision: string | null): boolean => (revision === null ? api.isCurrent : api.revision === revision);

const startsWith = (segments: readonly string[], prefix: readonly string[]): boolean =>
  prefix.every((segment, index) => segments[index]?.toLowerCase() === segment.toLowerCase());

function isVersion({ scheme, version }: Candidate, url: URL, headers: Headers): boolean {
  if (scheme.kind === "path") return true;
  const asked = scheme.kind === "query" ? url.searchParams.get(scheme.name) : headers.get(scheme.name);
  return (asked ?? "") === (version ?? "");
}

function operationFor(
  { operations }: Candidate,
  method: string,
  rest: readonly string[],
  query: URLSearchParams,
): Pick<Route, "operation" | "parameters"> {
  const matches = operations.flatMap((operation) => {
    const match = operation.template.match(method, rest, query);
    return match === null ? [] : [{ operation, ...match }];
  });
  const [best] = matches.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return { operation: best?.operation ?? null, parameters: best?.parameters ?? new Map() };
}
