import { type DocumentId, type DocumentKind, documentKind, isObject, type Json, type JsonObject } from "./documents.ts";

/** Where a document holds secrets, and the markers that stand there outside of `azure/`. */

/** Names of members and positions in lists, from the document's properties on. */
export type SecretPath = readonly string[];

/** Everything below `credentials` is secret but these: an unknown kind of credential is a secret until it is known. */
const openCredentials = [["certificate"], ["certificateIds"], ["managedIdentity"], ["authorization", "scheme"]];

const startsWith = (path: SecretPath, start: SecretPath): boolean => start.every((segment, index) => path[index] === segment);

function isSecret(kind: DocumentKind, path: SecretPath, properties: JsonObject): boolean {
  switch (kind) {
    case "backend":
      return (
        startsWith(path, ["proxy", "password"]) ||
        (path[0] === "credentials" && path.length > 1 && !openCredentials.some((open) => startsWith(path.slice(1), open)))
      );
    case "named_value":
      return (properties.secret === true || properties.keyVault !== undefined) && startsWith(path, ["value"]);
    case "policy":
    case "fragment":
    case "api_revision":
      return false;
  }
}

/** The properties with each scalar at a secret place replaced. */
export function replaceSecrets(id: DocumentId, properties: JsonObject, replace: (path: SecretPath, value: Json) => Json): JsonObject {
  const kind = documentKind(id);
  const visit = (value: Json, path: SecretPath): Json => {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, String(index)]));
    if (isObject(value)) return visitMembers(value, path);
    return isSecret(kind, path, properties) ? replace(path, value) : value;
  };
  const visitMembers = (object: JsonObject, path: SecretPath): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, visit(value, [...path, name])]));
  return visitMembers(properties, []);
}

/** What stands at the secret places, by path (`credentials.header.api-key.0`). */
export function secretsOf(id: DocumentId, properties: JsonObject): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  replaceSecrets(id, properties, (path, value) => {
    found.set(path.join("."), value);
    return value;
  });
  return found;
}

/**
 * What stands in a secret's place: its path, and a fingerprint that another secret does not have, so that a document tells by
 * itself whether a secret in it has been changed: `<secret:credentials.header.api-key.0#5f0c1d>`.
 */
export const secretMarker = (path: SecretPath, fingerprint: string): string => `<secret:${path.join(".")}#${fingerprint}>`;

export const isSecretMarker = (value: Json | undefined): boolean => typeof value === "string" && /^<secret:.*>$/.test(value);
