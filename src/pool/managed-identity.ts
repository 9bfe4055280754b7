import { accountAt, modelUserCommand } from "../gateway/azure-cli.ts";
import type { JsonObject } from "../gateway/documents.ts";
import { isModelHost, urlOf } from "./azure-host.ts";
import { isEmpty, objectOf } from "./backend.ts";

/** https://learn.microsoft.com/azure/api-management/authenticate-authorize-ai-apis */
const modelsIdentity: JsonObject = { resource: "https://cognitiveservices.azure.com" };

/** The managed identity by which a backend signs its requests in; null where it does not. */
export function identityOf({ credentials }: JsonObject): JsonObject | null {
  const { managedIdentity } = objectOf(credentials);
  return managedIdentity === undefined || isEmpty(managedIdentity) ? null : objectOf(managedIdentity);
}

/** The one that all of these backends use; null where they do not, and where there are none. */
export function sharedIdentity(backends: readonly JsonObject[]): JsonObject | null {
  const [first = null, ...others] = backends.map(identityOf);
  return first !== null && others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : null;
}

/** The identity that a backend gets where one is asked for: that of the others, or the service's own for Azure's models. */
export const identityFor = (others: readonly JsonObject[]): JsonObject => sharedIdentity(others) ?? modelsIdentity;

/** A backend's properties with a managed identity, or without one; one that it has, and its other credentials, stay as they are. */
export function withIdentity(properties: JsonObject, asked: boolean | undefined, others: readonly JsonObject[]): JsonObject {
  if (asked === undefined || asked === (identityOf(properties) !== null)) return properties;
  const { credentials, ...rest } = properties;
  const { managedIdentity: _, ...own } = objectOf(credentials);
  if (asked) return { ...properties, credentials: { ...own, managedIdentity: identityFor(others) } };
  return Object.keys(own).length === 0 ? rest : { ...properties, credentials: own };
}

/**
 * What lets the service's identity call a model of the account behind the URL; nothing where its tokens are for something
 * else, and where the host is none of Azure's. https://learn.microsoft.com/azure/api-management/authenticate-authorize-ai-apis
 */
export function roleAssignments({ resource, clientId }: JsonObject, url: string, serviceId: string): readonly string[] {
  const to = urlOf(url);
  if (to === null || !isModelHost(to)) return [];
  if (typeof resource !== "string" || !/^https:\/\/(?:cognitiveservices|ai)\.azure\./i.test(resource)) return [];
  return [modelUserCommand(serviceId, accountAt(url), typeof clientId === "string" ? clientId : undefined)];
}
