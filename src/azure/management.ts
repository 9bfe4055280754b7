import {
  type Document,
  type DocumentId,
  isObject,
  type JsonObject,
  type ListedDocument,
  type PolicyScope,
  policyText,
  withPolicyText,
} from "../gateway/documents.ts";
import type { EntityReader, GatewayReader } from "../gateway/ports.ts";
import { backendReadVersion, defaultApiVersion } from "./api-versions.ts";
import type { ArmResponse } from "./arm-response.ts";
import { remembered, slots } from "./call-limits.ts";
import { listedDocumentOf, policyScopeOf, serviceOf, subscriptionOf } from "./contracts.ts";
import { readLiveDocument, unexpected } from "./documents.ts";
import { type Attempt, armError, thrownError } from "./errors.ts";
import { type Level, serviceLevel, workspaceLevel } from "./levels.ts";
import type { Arm } from "./pipeline.ts";
import { send } from "./requests.ts";
import { documentPath } from "./resource-ids.ts";
import { hidingSecrets } from "./secrets.ts";

/** ARM gives a burst of 250 reads and 25 a second from then on, to all that share the identity. */
const requestsSideBySide = 8;

/** Reads of one call: see the port. Plain lists come through the SDK's pagers, whatever may be written or shown whole as raw JSON. */
export function createReader(arm: Arm, signal: AbortSignal): GatewayReader {
  const { reading, address } = arm;
  const slot = slots(requestsSideBySide);
  const hidden = hidingSecrets(arm.secrets);
  const reads = (what: string): Attempt => ({ what: `read of ${what}`, writes: false });

  const serviceUrl = `${arm.endpoint.sdk}${address.resourceId}`;

  async function get(urlIn: (version: string) => string, version: string, attempt: Attempt): Promise<JsonObject> {
    const ask = (apiVersion: string) => send(reading, { method: "GET", url: urlIn(apiVersion), signal }, attempt);
    return bodyOf(await slot(() => arm.versioned(version, ask)), attempt);
  }

  /** A list as raw JSON: the pagers drop the properties that they do not know. */
  async function rawList(collection: string, version = defaultApiVersion): Promise<readonly JsonObject[]> {
    const attempt = reads(collection);
    const items: JsonObject[] = [];
    let pageIn: ((version: string) => string) | null = (apiVersion) =>
      `${serviceUrl}/${documentPath(collection)}?api-version=${apiVersion}`;
    while (pageIn !== null) {
      const { value, nextLink } = await get(pageIn, version, attempt);
      if (!Array.isArray(value)) throw unexpected(attempt, "is not a list");
      items.push(...value.filter(isObject));
      pageIn = typeof nextLink === "string" && nextLink !== "" ? () => nextLink : null;
    }
    return items;
  }

  async function listed(collection: string, version?: string): Promise<readonly ListedDocument[]> {
    const items = await rawList(collection, version);
    return Promise.all(items.map((item) => hidden(listedDocumentOf(collection, item))));
  }

  /** A pager asks for one page after the other, so it takes one slot. */
  const pages = <T>(what: string, open: () => AsyncIterable<T>): Promise<readonly T[]> =>
    slot(async () => {
      const items: T[] = [];
      try {
        for await (const item of open()) items.push(item);
      } catch (error) {
        throw thrownError(error, reads(what), signal);
      }
      return items;
    });

  const { resourceGroup, name } = address;
  const options = { abortSignal: signal };

  async function readService() {
    const body = await get((version) => `${serviceUrl}?api-version=${version}`, defaultApiVersion, reads("the service"));
    return serviceOf(address, body);
  }

  async function readSubscriptions() {
    const subscriptions = await pages("subscriptions", () => reading.subscription.list(resourceGroup, name, options));
    return subscriptions.map(subscriptionOf).filter((subscription) => subscription !== null);
  }

  async function readPolicyScopes(): Promise<readonly PolicyScope[]> {
    return (await rawList("allPolicies")).map(policyScopeOf).filter((scope) => scope !== null);
  }

  async function readDocument(id: DocumentId): Promise<Document | null> {
    const document = await slot(() => readLiveDocument(arm, id, signal));
    return document && hidden(document);
  }

  const document = remembered(readDocument);

  /** ARM lists fragments as `xml` only; that differs from `rawxml` where something in it is escaped. */
  async function readFragments({ prefix }: Level): Promise<readonly ListedDocument[]> {
    const fragments = await Promise.all(
      (await listed(`${prefix}policyFragments`)).map(async ({ id, properties }) => {
        const text = policyText({ id, properties });
        if (text.includes("&")) return document(id);
        return { id, properties: withPolicyText(properties, text) };
      }),
    );
    return fragments.filter((fragment) => fragment !== null);
  }

  const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
    const ask = remembered(read);
    return () => ask(undefined);
  };

  const entities = (level: Level): EntityReader => ({
    products: once(level.products),
    apis: once(level.apis),
    operations: remembered(level.operations),
    fragments: once(() => readFragments(level)),
    namedValues: once(() => listed(`${level.prefix}namedValues`)),
  });

  async function readWorkspaces() {
    const workspaces = await pages("workspaces", () => reading.workspace.listByService(resourceGroup, name, options));
    return workspaces.map((workspace) => workspace.name ?? "");
  }

  const workspaceReaders = new Map<string, EntityReader>();

  return {
    ...entities(serviceLevel(arm, pages, signal)),
    service: once(readService),
    subscriptions: once(readSubscriptions),
    policyScopes: once(readPolicyScopes),
    backends: once(() => listed("backends", backendReadVersion)),
    workspaces: once(readWorkspaces),
    workspace(workspaceId) {
      const reader = workspaceReaders.get(workspaceId) ?? entities(workspaceLevel(arm, workspaceId, pages, signal));
      workspaceReaders.set(workspaceId, reader);
      return reader;
    },
    document,
  };
}

function bodyOf(response: ArmResponse, attempt: Attempt): JsonObject {
  if (response.status !== 200) throw armError(response, attempt);
  if (response.body === null) throw unexpected(attempt, "is not JSON");
  return response.body;
}
