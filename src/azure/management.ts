import { isRefusal } from "../errors.ts";
import {
  type Document,
  type DocumentId,
  type JsonObject,
  type ListedDocument,
  type PolicyScope,
  policyText,
  withPolicyText,
} from "../gateway/documents.ts";
import type { EntityReader, GatewayReader } from "../gateway/ports.ts";
import { backendReadVersion, defaultApiVersion } from "./api-versions.ts";
import { remembered, slots } from "./call-limits.ts";
import { hasSelfHostedGateways, listedDocumentOf, nameOf, policyScopeOf, serviceOf } from "./contracts.ts";
import { readLiveDocument } from "./documents.ts";
import { levelOf, prefixOf } from "./levels.ts";
import type { Arm } from "./pipeline.ts";
import { armReads, reading } from "./reads.ts";
import { documentPath } from "./resource-ids.ts";
import { hidingSecrets } from "./secrets.ts";

/**
 * ARM gives a burst of 250 reads and 25 a second from then on, to all that share the identity
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling). Eight reads of a third of a second
 * each are 25 a second; more at a time would only be refused sooner.
 */
export const requestsSideBySide = 8;

/** Reads of one call: see the port. All as raw JSON: the SDK's pagers drop what they do not know, and take one page after the other. */
export function createReader(arm: Arm, signal: AbortSignal): GatewayReader {
  const { address } = arm;
  const slot = slots(requestsSideBySide);
  const hidden = hidingSecrets(arm.secrets);
  const { get, list: readList } = armReads(arm, signal, slot);
  const list = (collection: string, version = defaultApiVersion): Promise<readonly JsonObject[]> =>
    readList(`${address.resourceId}/${documentPath(collection)}`, version, reading(collection));

  async function listed(collection: string, version?: string): Promise<readonly ListedDocument[]> {
    const items = await list(collection, version);
    return Promise.all(items.map((item) => hidden(listedDocumentOf(collection, item))));
  }

  async function readService() {
    const body = await get(
      (version) => `${arm.endpoint.sdk}${address.resourceId}?api-version=${version}`,
      defaultApiVersion,
      reading("the service"),
    );
    return serviceOf(address, body, hasSelfHostedGateways(body) ? await countGateways() : 0);
  }

  async function countGateways(): Promise<number | "unknown"> {
    try {
      return (await list("gateways")).length;
    } catch (error) {
      if (isRefusal(error)) return "unknown";
      throw error;
    }
  }

  async function readPolicyScopes(): Promise<readonly PolicyScope[]> {
    return (await list("allPolicies")).map(policyScopeOf).filter((scope) => scope !== null);
  }

  async function readDocument(id: DocumentId): Promise<Document | null> {
    const document = await slot(() => readLiveDocument(arm, id, signal));
    return document && hidden(document);
  }

  const document = remembered(readDocument);

  /** ARM lists fragments as `xml` only; that differs from `rawxml` where something in it is escaped. */
  async function readFragments(prefix: string): Promise<readonly ListedDocument[]> {
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

  function entities(workspaceId: string | null): EntityReader {
    const prefix = prefixOf(workspaceId);
    const level = levelOf(workspaceId, list, () => apis());
    const apis = once(level.apis);
    return {
      apis,
      products: once(level.products),
      operations: remembered(level.operations),
      subscriptions: once(level.subscriptions),
      fragments: once(() => readFragments(prefix)),
      namedValues: once(() => listed(`${prefix}namedValues`)),
    };
  }

  const workspace = remembered((workspaceId: string) => entities(workspaceId));

  return {
    ...entities(null),
    service: once(readService),
    policyScopes: once(readPolicyScopes),
    backends: once(() => listed("backends", backendReadVersion)),
    workspaces: once(async () => (await list("workspaces")).map(nameOf)),
    workspace,
    document,
  };
}
