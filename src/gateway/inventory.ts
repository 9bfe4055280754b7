import { GatewayError, isRefusal, unknownName } from "../errors.ts";
import {
  type Document,
  type DocumentId,
  type ListedDocument,
  type PolicyScope,
  policyDocumentId,
  policyScopeOf,
  policyText,
  workspaceOf,
} from "./documents.ts";
import {
  type Api,
  type Product,
  type Service,
  type Subscription,
  sameName,
  subscriptionName,
  subscriptionTitle,
  type Workspace,
} from "./model.ts";
import type { EntityReader, GatewayReader } from "./ports.ts";

/**
 * What the pure modules reason over: one state of the service, read once. `products`, `apis`, `subscriptions` and `backends` are the service's
 * own; an API has its operations where policies are for single ones of them. `policies` holds a document for each policy that was read, by id; it, `fragments` and `namedValues` hold those of the workspaces too, whose
 * ids begin with `workspaces/{id}/`.
 */
export interface Inventory {
  readonly service: Service;
  readonly products: readonly Product[];
  readonly apis: readonly Api[];
  readonly subscriptions: readonly Subscription[];
  readonly workspaces: readonly Workspace[];
  readonly policies: ReadonlyMap<DocumentId, Document>;
  readonly fragments: readonly ListedDocument[];
  readonly namedValues: readonly ListedDocument[];
  readonly backends: readonly ListedDocument[];
  /** What could not be read, for people. */
  readonly notes: readonly string[];
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

/**
 * Reads the whole service with its workspaces: lists, and every policy document that is in `wanted` (default: all). A scope without a policy is
 * not asked for one. A workspace whose reads are refused is left out, and noted.
 */
export async function readInventory(reader: GatewayReader, wanted: (scope: PolicyScope) => boolean = () => true): Promise<Inventory> {
  const inWorkspaces = readWorkspaces(reader);
  const [service, products, apis, subscriptions, fragments, namedValues, backends, within, policies] = await Promise.all([
    reader.service(),
    reader.products(),
    reader.apis(),
    reader.subscriptions(),
    reader.fragments(),
    reader.namedValues(),
    reader.backends(),
    inWorkspaces,
    readPolicies(reader, inWorkspaces, wanted),
  ]);
  const allFragments = [...fragments, ...within.read.flatMap((read) => read.fragments)];
  const told = apisToldApart([...policies.values(), ...allFragments]);
  const [own, workspaces] = await Promise.all([
    withOperations(reader, apis, told, undefined),
    Promise.all(
      within.read.map(async ({ workspace }) => {
        const read = await withOperations(reader.workspace(workspace.id), workspace.apis, told, workspace.id);
        return { workspace: { ...workspace, apis: read.apis }, notes: read.notes };
      }),
    ),
  ]);
  return {
    service,
    products,
    apis: own.apis,
    subscriptions,
    workspaces: workspaces.map(({ workspace }) => workspace),
    policies,
    fragments: allFragments,
    namedValues: [...namedValues, ...within.read.flatMap((read) => read.namedValues)],
    backends,
    notes: [...within.notes, ...own.notes, ...workspaces.flatMap(({ notes }) => notes)],
  };
}

/** The APIs of which policies tell single operations apart. */
interface ToldApart {
  /** By workspace and id, in lower case. */
  readonly byPolicies: ReadonlySet<string>;
  /** Ids and names in an `<api>` that holds an `<operation>`, or may: in lower case. */
  readonly byName: ReadonlySet<string>;
}

const apiKey = (workspaceId: string | undefined, apiId: string): string => `${workspaceId ?? ""}/${apiId}`.toLowerCase();

function apisToldApart(documents: readonly ListedDocument[]): ToldApart {
  const scopes = documents.map(({ id }) => policyScopeOf(id)).filter((scope) => scope?.kind === "operation");
  const naming = documents.map(policyText).filter((text) => text.includes("<operation"));
  return {
    byPolicies: new Set(scopes.map(({ workspaceId, apiId }) => apiKey(workspaceId, apiId))),
    byName: new Set(naming.flatMap((text) => [...text.matchAll(/<api\s[^>]*>/g)].flatMap(([tag]) => namesIn(tag)))),
  };
}

/** What an `id` or `name` in an element's tag says, in lower case. */
const namesIn = (tag: string): readonly string[] =>
  [...tag.matchAll(/\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, double, single]) => (double ?? single ?? "").toLowerCase());

interface ReadApis {
  readonly apis: readonly Api[];
  readonly notes: readonly string[];
}

/** One list for each API of which operations are told apart, and none for others. */
async function withOperations(
  level: Pick<EntityReader, "operations">,
  apis: readonly Api[],
  { byPolicies, byName }: ToldApart,
  workspaceId: string | undefined,
): Promise<ReadApis> {
  const read = await Promise.all(
    apis.map(async (api): Promise<{ readonly api: Api; readonly note?: string }> => {
      const { id, displayName } = api;
      const apart = byPolicies.has(apiKey(workspaceId, id)) || byName.has(id.toLowerCase()) || byName.has(displayName.toLowerCase());
      if (!apart) return { api };
      const answer = await unlessRefused(level.operations(id));
      if ("value" in answer) return { api: { ...api, operations: answer.value } };
      return { api, note: `Which operations API '${id}' has is not known: ${answer.refusal.message}` };
    }),
  );
  return { apis: read.map(({ api }) => api), notes: read.flatMap(({ note }) => note ?? []) };
}

interface ReadWorkspace {
  readonly workspace: Workspace;
  readonly fragments: readonly ListedDocument[];
  readonly namedValues: readonly ListedDocument[];
}

interface ReadWorkspaces {
  readonly read: readonly ReadWorkspace[];
  readonly notes: readonly string[];
}

/** Every tier but Consumption may have some (https://learn.microsoft.com/azure/api-management/how-to-create-workspace). */
async function readWorkspaces(reader: GatewayReader): Promise<ReadWorkspaces> {
  const { tier } = await reader.service();
  if (tier === "consumption") return { read: [], notes: [] };
  const ids = await unlessRefused(reader.workspaces());
  if (!("value" in ids)) {
    return { read: [], notes: ids.refusal.code === "unsupported" ? [] : [`What workspaces hold is not known: ${ids.refusal.message}`] };
  }
  const all = await Promise.all(ids.value.map(async (id) => ({ id, answer: await unlessRefused(readWorkspace(reader, id)) })));
  return {
    read: all.flatMap(({ answer }) => ("value" in answer ? [answer.value] : [])),
    notes: all.flatMap(({ id, answer }) =>
      "value" in answer ? [] : [`What workspace '${id}' holds is not known: ${answer.refusal.message}`],
    ),
  };
}

async function readWorkspace(reader: GatewayReader, id: string): Promise<ReadWorkspace> {
  const level = reader.workspace(id);
  const [products, apis, subscriptions, fragments, namedValues] = await Promise.all([
    level.products(),
    level.apis(),
    level.subscriptions(),
    level.fragments(),
    level.namedValues(),
  ]);
  return { workspace: { id, products, apis, subscriptions }, fragments, namedValues };
}

async function unlessRefused<T>(read: Promise<T>): Promise<{ readonly value: T } | { readonly refusal: GatewayError }> {
  try {
    return { value: await read };
  } catch (error) {
    if (isRefusal(error)) return { refusal: error };
    throw error;
  }
}

async function readPolicies(
  reader: GatewayReader,
  inWorkspaces: Promise<ReadWorkspaces>,
  wanted: (scope: PolicyScope) => boolean,
): Promise<ReadonlyMap<DocumentId, Document>> {
  const scopes = await reader.policyScopes();
  const own = scopes.filter((scope) => workspaceIn(scope) === undefined);
  const [documents, { read }] = await Promise.all([readDocuments(reader, own.filter(wanted).map(policyDocumentId)), inWorkspaces]);
  const within = scopesWithin(
    read.map(({ workspace }) => workspace),
    scopes,
  );
  return new Map([...documents, ...(await readDocuments(reader, within.filter(wanted).map(policyDocumentId)))]);
}

const workspaceIn = (scope: PolicyScope): string | undefined => (scope.kind === "global" ? undefined : scope.workspaceId);

/**
 * The scopes in these workspaces that have a policy. Nobody documents whether the service's list of policies shows those of workspaces: where it
 * shows none at all, every scope that may have one is asked, apart from operations.
 */
function scopesWithin(workspaces: readonly Workspace[], listed: readonly PolicyScope[]): readonly PolicyScope[] {
  const ofWorkspaces = listed.filter((scope) => workspaceIn(scope) !== undefined);
  if (ofWorkspaces.length > 0) {
    const known = new Set(workspaces.map(({ id }) => id.toLowerCase()));
    return ofWorkspaces.filter((scope) => known.has(workspaceIn(scope)?.toLowerCase() ?? ""));
  }
  return workspaces.flatMap(({ id: workspaceId, products, apis }): PolicyScope[] => [
    { kind: "workspace", workspaceId },
    ...products.map(({ id }) => ({ kind: "product" as const, workspaceId, productId: id })),
    ...apis.map(({ id }) => ({ kind: "api" as const, workspaceId, apiId: id })),
  ]);
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
 * The subscriptions that a name means, those in workspaces among them: the one of the service with this `sid` or whole ARM id, the one with this
 * `subscriptionName`, or else all with this `sid` or display name. Throws as `findSubscription` does where there is none.
 */
export function namedSubscriptions(
  inventory: Pick<Inventory, "service" | "subscriptions" | "workspaces">,
  name: string,
): readonly Subscription[] {
  const workspaces = `${inventory.service.resourceId}/workspaces/`;
  const within = sameName(name.slice(0, workspaces.length), workspaces) ? name.slice(inventory.service.resourceId.length + 1) : null;
  const sid = within ?? sidOf(inventory.service, name);
  const all = [...inventory.subscriptions, ...inventory.workspaces.flatMap(({ subscriptions }) => subscriptions)];
  const exact = all.filter((subscription) => sameName(subscriptionName(subscription), sid));
  if (exact.length > 0) return exact;
  const alike = all.filter(({ id, displayName }) => sameName(id, sid) || sameName(displayName, sid));
  if (alike.length > 0) return alike;
  throw unknownSubscription(sid, all);
}

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
  throw unknownSubscription(sid, subscriptions);
}

const unknownSubscription = (name: string, known: readonly Subscription[]): GatewayError =>
  unknownName("subscription", name, known.map(subscriptionName), "list_subscriptions shows all of them.");

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

/** Of a name that does not tell which subscription is meant. */
export function ambiguousName(name: string, subscriptions: readonly Subscription[]): GatewayError {
  return new GatewayError("invalid_input", `The display name '${name}' is ambiguous: ${subscriptions.length} subscriptions have it.`, {
    hint: "Give the id of the one that is meant.",
    details: subscriptions.map((subscription) => `${subscription.id}: ${subscriptionTitle(subscription)}, ${subscription.state}`),
  });
}
