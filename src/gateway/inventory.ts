import { GatewayError, unknownName } from "../errors.ts";
import { type Document, type DocumentId, type ListedDocument, type PolicyScope, policyDocumentId, workspaceOf } from "./documents.ts";
import { type Api, type Product, type Service, type Subscription, sameName, scopeTitle } from "./model.ts";
import type { GatewayReader } from "./ports.ts";

/**
 * What the pure modules reason over: one state of the service, read once. `policies` holds a document for each policy
 * that was read, by id; `fragments`, `namedValues` and `backends` are whole lists. Nothing of it is a workspace's.
 */
export interface Inventory {
  readonly service: Service;
  readonly products: readonly Product[];
  readonly apis: readonly Api[];
  readonly subscriptions: readonly Subscription[];
  readonly policies: ReadonlyMap<DocumentId, Document>;
  readonly fragments: readonly ListedDocument[];
  readonly namedValues: readonly ListedDocument[];
  readonly backends: readonly ListedDocument[];
}

/** The texts from which the policies of calls are merged; those of a workspace among them where the calls are to one of its APIs. */
export type PolicyTexts = Pick<Inventory, "policies" | "fragments" | "namedValues">;

/** Reads the policies of these scopes, as far as there are any, and what they may refer to: in the service and in their workspaces. */
export async function readPolicyTexts(reader: GatewayReader, ids: readonly DocumentId[]): Promise<PolicyTexts> {
  const workspaces = new Set(ids.map(workspaceOf).filter((workspaceId) => workspaceId !== undefined));
  const levels = [reader, ...[...workspaces].map((workspaceId) => reader.workspace(workspaceId))];
  const [fragments, namedValues, policies] = await Promise.all([
    Promise.all(levels.map((level) => level.fragments())),
    Promise.all(levels.map((level) => level.namedValues())),
    readDocuments(reader, ids),
  ]);
  return { fragments: fragments.flat(), namedValues: namedValues.flat(), policies };
}

/** Reads the whole service: lists, and every policy document that is in `wanted` (default: all). */
export async function readInventory(reader: GatewayReader, wanted: (scope: PolicyScope) => boolean = () => true): Promise<Inventory> {
  const [service, products, apis, subscriptions, fragments, namedValues, backends, policies] = await Promise.all([
    reader.service(),
    reader.products(),
    reader.apis(),
    reader.subscriptions(),
    reader.fragments(),
    reader.namedValues(),
    reader.backends(),
    readPolicies(reader, wanted),
  ]);
  return { service, products, apis, subscriptions, fragments, namedValues, backends, policies };
}

async function readPolicies(reader: GatewayReader, wanted: (scope: PolicyScope) => boolean): Promise<ReadonlyMap<DocumentId, Document>> {
  return readDocuments(reader, (await reader.policyScopes()).filter(wanted).map(policyDocumentId));
}

async function readDocuments(reader: GatewayReader, ids: readonly DocumentId[]): Promise<ReadonlyMap<DocumentId, Document>> {
  const documents = await Promise.all(ids.map((id) => reader.document(id)));
  return new Map(documents.filter((document) => document !== null).map((document) => [document.id, document]));
}

/** The inventory as it would be with other policy documents, e.g. those of a proposed change. */
export function withPolicies(inventory: Inventory, changed: Iterable<Document>): Inventory {
  const policies = new Map(inventory.policies);
  for (const document of changed) policies.set(document.id, document);
  return { ...inventory, policies };
}

/** The one with this id; throws `not_found` with the names that come near it. `kind`: what people call it. */
export function findById<Entity extends { readonly id: string }>(kind: string, all: readonly Entity[], name: string): Entity {
  const found = all.find(({ id }) => sameName(id, name));
  if (found !== undefined) return found;
  throw unknownName(
    kind,
    name,
    all.map(({ id }) => id),
  );
}

export const findApi = (apis: readonly Api[], apiId: string): Api => findById("API", apis, apiId);

export const findProduct = (products: readonly Product[], productId: string): Product => findById("product", products, productId);

/**
 * By `sid`, by whole ARM id, or by a display name that only one subscription has (display names are not unique by contract). Throws
 * `invalid_input` for a display name that several have and for the ARM id of a subscription elsewhere, `not_found` for any other name.
 */
export function findSubscription({ service, subscriptions }: Pick<Inventory, "service" | "subscriptions">, name: string): Subscription {
  const sid = sidOf(service, name);
  const bySid = subscriptions.find(({ id }) => sameName(id, sid));
  if (bySid !== undefined) return bySid;
  const [found, ...others] = subscriptions.filter(({ displayName }) => sameName(displayName, sid));
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined) throw ambiguousName(name, [found, ...others]);
  throw unknownName(
    "subscription",
    sid,
    subscriptions.map(({ id }) => id),
    "list_subscriptions shows all of them.",
  );
}

/** The last segment of the ARM id of one of the service's subscriptions; any other name as it is. */
function sidOf({ name: serviceName, resourceId }: Service, name: string): string {
  if (!/^\/subscriptions\/.+\/providers\//i.test(name)) return name;
  const collection = `${resourceId}/subscriptions/`;
  const sid = name.slice(collection.length).replace(/\/$/, "");
  if (sameName(name.slice(0, collection.length), collection) && /^[^/]+$/.test(sid)) return sid;
  throw new GatewayError("invalid_input", `'${name}' is not the ARM id of a subscription of '${serviceName}'.`, {
    hint: `Those read ${collection}<sid>; the sid alone is enough.`,
  });
}

function ambiguousName(name: string, subscriptions: readonly Subscription[]): GatewayError {
  return new GatewayError("invalid_input", `The display name '${name}' is ambiguous: ${subscriptions.length} subscriptions have it.`, {
    hint: "Give the id of the one that is meant.",
    details: subscriptions.map(({ id, scope, state }) => `${id}: ${scopeTitle(scope)}, ${state}`),
  });
}
