/**
 * Resource documents: what may be written, addressed by their path below the service
 * (`products/aoai/policies/policy`). Everything that plans or writes speaks in these.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object at every depth without its nulls: in ARM's resources they mean "not set". */
export function withoutNulls(object: JsonObject): JsonObject {
  const clean = (value: Json): Json => (Array.isArray(value) ? value.map(clean) : isObject(value) ? withoutNulls(value) : value);
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, clean(value)]),
  );
}

/** Path of a document below the service's ARM id, e.g. `backends/aoai-eastus`. */
export type DocumentId = string;

/** A document as a list shows it: without an ETag. `properties` is ARM's raw JSON, unknown members included. */
export interface ListedDocument {
  readonly id: DocumentId;
  readonly properties: JsonObject;
}

/** A document that was read by itself; its ETag guards a write of it. */
export interface Document extends ListedDocument {
  readonly etag: string;
}

export type DocumentKind = "policy" | "fragment" | "named_value" | "backend" | "api_revision";

interface InWorkspace {
  /** The workspace that the API or product is in; left out for those of the service itself. */
  readonly workspaceId?: string | undefined;
}

/** Where a policy document stands. */
export type PolicyScope =
  | { readonly kind: "global" }
  | { readonly kind: "workspace"; readonly workspaceId: string }
  | ({ readonly kind: "product"; readonly productId: string } & InWorkspace)
  | ({ readonly kind: "api"; readonly apiId: string } & InWorkspace)
  | ({ readonly kind: "operation"; readonly apiId: string; readonly operationId: string } & InWorkspace);

export function policyDocumentId(scope: PolicyScope): DocumentId {
  switch (scope.kind) {
    case "global":
      return "policies/policy";
    case "workspace":
      return below(scope.workspaceId, "policies/policy");
    case "product":
      return below(scope.workspaceId, `products/${scope.productId}/policies/policy`);
    case "api":
      return below(scope.workspaceId, `apis/${scope.apiId}/policies/policy`);
    case "operation":
      return below(scope.workspaceId, `apis/${scope.apiId}/operations/${scope.operationId}/policies/policy`);
  }
}

/** A revision of an API that is not the current one, with the operations and policies of the API that it is made of. */
export const apiRevisionId = (apiId: string, revision: number): DocumentId => `apis/${apiId};rev=${revision}`;
export const backendDocumentId = (backendId: string): DocumentId => `backends/${backendId}`;
export const fragmentDocumentId = (fragmentId: string, workspaceId?: string): DocumentId =>
  below(workspaceId, `policyFragments/${fragmentId}`);

/** A workspace has the same paths below it as the service has (https://learn.microsoft.com/rest/api/apimanagement/workspace). */
const below = (workspaceId: string | undefined, path: string): DocumentId =>
  workspaceId === undefined ? path : `workspaces/${workspaceId}/${path}`;

interface Place {
  readonly workspaceId: string | undefined;
  /** Below the workspace, or else below the service. */
  readonly path: string;
}

function placeOf(id: DocumentId): Place {
  const [, workspaceId, path = id] = /^workspaces\/([^/]+)\/(.+)$/.exec(id) ?? [];
  return { workspaceId, path };
}

/** The workspace that a document is in; undefined for those of the service itself. */
export const workspaceOf = (id: DocumentId): string | undefined => placeOf(id).workspaceId;

const documentForms: readonly { pattern: RegExp; kind: DocumentKind }[] = [
  {
    pattern: /^(?:policies|products\/[^/]+\/policies|apis\/[^/]+\/policies|apis\/[^/]+\/operations\/[^/]+\/policies)\/policy$/,
    kind: "policy",
  },
  { pattern: /^policyFragments\/[^/]+$/, kind: "fragment" },
  { pattern: /^namedValues\/[^/]+$/, kind: "named_value" },
  { pattern: /^backends\/[^/]+$/, kind: "backend" },
  { pattern: /^apis\/[^/;]+;rev=\d+$/, kind: "api_revision" },
];

/** The kind of a document; throws on a path that is none of the documents that we read and write. */
export function documentKind(id: DocumentId): DocumentKind {
  const { path } = placeOf(id);
  const form = documentForms.find(({ pattern }) => pattern.test(path));
  if (form === undefined) throw new Error(`not a document id: ${id}`);
  return form.kind;
}

/** The scope of a policy document's id, or null where the id is not a policy's. */
export function policyScopeOf(id: DocumentId): PolicyScope | null {
  const { workspaceId, path } = placeOf(id);
  const own = workspaceId === undefined ? {} : { workspaceId };
  if (path === "policies/policy") return workspaceId === undefined ? { kind: "global" } : { kind: "workspace", workspaceId };
  const product = /^products\/([^/]+)\/policies\/policy$/.exec(path)?.[1];
  if (product !== undefined) return { kind: "product", productId: product, ...own };
  const api = /^apis\/([^/]+)\/policies\/policy$/.exec(path)?.[1];
  if (api !== undefined) return { kind: "api", apiId: api, ...own };
  const [, apiId, operationId] = /^apis\/([^/]+)\/operations\/([^/]+)\/policies\/policy$/.exec(path) ?? [];
  if (apiId !== undefined && operationId !== undefined) return { kind: "operation", apiId, operationId, ...own };
  return null;
}

/** How a document is called in answers: `product 'aoai' policy`, `backend 'aoai-eastus'`, `workspace 'growth' API 'chat' policy`. */
export function documentTitle(id: DocumentId): string {
  const { workspaceId, path } = placeOf(id);
  const scope = policyScopeOf(id);
  const title = scope === null ? entityTitle(path) : policyTitle(scope);
  return workspaceId === undefined ? title : `workspace '${workspaceId}' ${title}`;
}

function entityTitle(path: string): string {
  const [collection, name] = path.split("/");
  const nouns: Record<string, string> = { backends: "backend", policyFragments: "fragment", namedValues: "named value", apis: "API" };
  return `${nouns[collection ?? ""] ?? collection} '${name}'`;
}

/** Within its workspace. */
function policyTitle(scope: PolicyScope): string {
  switch (scope.kind) {
    case "global":
      return "global policy";
    case "workspace":
      return "policy";
    case "product":
      return `product '${scope.productId}' policy`;
    case "api":
      return `API '${scope.apiId}' policy`;
    case "operation":
      return `operation '${scope.apiId}/${scope.operationId}' policy`;
  }
}

/** The XML of a policy or fragment document. */
export function policyText(document: ListedDocument): string {
  const { value } = document.properties;
  return typeof value === "string" ? value : "";
}

/** Properties of a policy or fragment document with this XML; everything else as it was. */
export function withPolicyText(properties: JsonObject | null, value: string): JsonObject {
  return { ...(properties ?? {}), format: "rawxml", value };
}
