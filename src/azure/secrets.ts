import { GatewayError } from "../errors.ts";
import {
  type DocumentId,
  type DocumentKind,
  documentKind,
  documentTitle,
  isObject,
  type Json,
  type JsonObject,
} from "../gateway/documents.ts";

/**
 * Secrets stay on this side: a document leaves with each one replaced by a marker that holds its path, e.g.
 * `<secret:credentials.header.api-key.0>`, and a write puts the live value back where a marker stands.
 * ARM answers backends' credentials in clear.
 */
type Path = readonly string[];

const marker = (path: Path): string => `<secret:${path.join(".")}>`;

/** Everything below `credentials` is secret but these: an unknown kind of credential is a secret until it is known. */
const openCredentials = [["certificate"], ["certificateIds"], ["managedIdentity"], ["authorization", "scheme"]];

const startsWith = (path: Path, start: Path): boolean => start.every((segment, index) => path[index] === segment);

function isSecret(kind: DocumentKind, path: Path, properties: JsonObject): boolean {
  switch (kind) {
    case "backend":
      return (
        startsWith(path, ["proxy", "password"]) ||
        (path[0] === "credentials" && path.length > 1 && !openCredentials.some((open) => startsWith(path.slice(1), open)))
      );
    case "named_value":
      return properties.secret === true && startsWith(path, ["value"]);
    case "policy":
    case "fragment":
      return false;
  }
}

/** The properties with each scalar at a secret place replaced. */
function replaceSecrets(id: DocumentId, properties: JsonObject, replace: (path: Path, value: Json) => Json): JsonObject {
  const kind = documentKind(id);
  const visit = (value: Json, path: Path): Json => {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, String(index)]));
    if (isObject(value)) return visitMembers(value, path);
    return isSecret(kind, path, properties) ? replace(path, value) : value;
  };
  const visitMembers = (object: JsonObject, path: Path): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, visit(value, [...path, name])]));
  return visitMembers(properties, []);
}

export const withoutSecrets = (id: DocumentId, properties: JsonObject): JsonObject => replaceSecrets(id, properties, marker);

/** Whether a marker stands at a place that can hold a secret; anywhere else it is plain text. */
export function hasMarkers(id: DocumentId, properties: JsonObject): boolean {
  let found = false;
  replaceSecrets(id, properties, (_, value) => {
    found ||= isMarker(value);
    return value;
  });
  return found;
}

const isMarker = (value: Json): value is string => typeof value === "string" && /^<secret:.*>$/.test(value);

/**
 * Puts the live secrets where their markers stand. Only at secret places: a marker moved into a description would
 * otherwise show the secret. Throws `conflict` for one that the live document no longer holds.
 */
export function withLiveSecrets(id: DocumentId, properties: JsonObject, live: JsonObject): JsonObject {
  const secrets = new Map<string, Json>();
  replaceSecrets(id, live, (path, value) => {
    secrets.set(marker(path), value);
    return value;
  });
  return replaceSecrets(id, properties, (_, value) => {
    if (!isMarker(value)) return value;
    const secret = secrets.get(value);
    if (secret === undefined) {
      throw new GatewayError("conflict", `The ${documentTitle(id)} no longer holds the secret ${value}.`, {
        hint: "Read it again and plan the change anew; a secret that is gone has to be set in Azure.",
      });
    }
    return secret;
  });
}
