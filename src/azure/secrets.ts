import { createHmac, randomBytes } from "node:crypto";
import { GatewayError } from "../errors.ts";
import { type DocumentId, documentTitle, type Json, type JsonObject, type ListedDocument } from "../gateway/documents.ts";
import { isSecretMarker, replaceSecrets, type SecretPath, secretMarker, secretsOf } from "../gateway/secrets.ts";

/**
 * Secrets stay on this side: a document leaves with each one replaced by a marker, and a write puts the live value back where
 * a marker stands. ARM answers backends' credentials in clear.
 */

/** What a secret looks like from outside: equal for the same value at the same place, and it tells nothing of the value. */
type Fingerprint = (id: DocumentId, path: SecretPath, value: Json) => string;

/** One in 16 million other values has the same; and whoever guesses at a short password with the key in hand is left with many that fit. */
const fingerprintLength = 6;

/**
 * Fingerprints are keyed (HMAC-SHA-256): a plain hash of a short password is found by trying. The place belongs to what is
 * hashed, so that nobody sees where the same secret is used twice.
 */
export const keyedFingerprint =
  (key: Uint8Array, resourceId: string): Fingerprint =>
  (id, path, value) =>
    createHmac("sha256", key)
      .update(JSON.stringify([resourceId.toLowerCase(), id.toLowerCase(), path, value]))
      .digest("hex")
      .slice(0, fingerprintLength);

/** The secrets of one service, as far as this process has met them. */
export interface Secrets {
  readonly fingerprint: () => Promise<Fingerprint>;
  /** A text of Azure's with a mark in the place of every secret that has been met. */
  readonly hide: (text: string) => string;
}

interface SecretsOptions {
  /** Default: random. */
  readonly fingerprintKey?: () => Promise<Uint8Array>;
  readonly accessToken?: string;
}

/** In place of shorter ones a text would lose what is no secret. */
const shortestHidden = 4;

export function openSecrets(resourceId: string, { fingerprintKey, accessToken }: SecretsOptions = {}): Secrets {
  const ownKey = randomBytes(32);
  const met = new Set<string>();
  const meet = (value: Json): void => {
    // A refusal repeats it within JSON.
    if (typeof value === "string" && value.length >= shortestHidden) met.add(value).add(JSON.stringify(value).slice(1, -1));
  };
  meet(accessToken ?? "");
  return {
    async fingerprint() {
      const fingerprint = keyedFingerprint((await fingerprintKey?.()) ?? ownKey, resourceId);
      return (id, path, value) => {
        meet(value);
        return fingerprint(id, path, value);
      };
    },
    hide: (text) => [...met].sort((a, b) => b.length - a.length).reduce((shown, secret) => shown.replaceAll(secret, "[redacted]"), text),
  };
}

export const withoutSecrets = (id: DocumentId, properties: JsonObject, fingerprint: Fingerprint): JsonObject =>
  replaceSecrets(id, properties, (path, value) => secretMarker(path, fingerprint(id, path, value)));

/** As `withoutSecrets`, for documents of a service; its key is asked for where there is a secret. */
export const hidingSecrets =
  ({ fingerprint }: Secrets) =>
  async <D extends ListedDocument>(document: D): Promise<D> => {
    const { id, properties } = document;
    if (secretsOf(id, properties).size === 0) return document;
    return { ...document, properties: withoutSecrets(id, properties, await fingerprint()) };
  };

/** Whether a marker stands at a place that can hold a secret; anywhere else it is plain text. */
export const hasMarkers = (id: DocumentId, properties: JsonObject): boolean => [...secretsOf(id, properties).values()].some(isSecretMarker);

/**
 * Puts the live secrets where their markers stand. Only at secret places: a marker moved into a description would
 * otherwise show the secret. Throws `conflict` for one that the live document no longer holds, or holds with another value.
 */
export function withLiveSecrets(id: DocumentId, properties: JsonObject, live: JsonObject, fingerprint: Fingerprint): JsonObject {
  const secrets = new Map<string, Json>();
  replaceSecrets(id, live, (path, value) => {
    secrets.set(secretMarker(path, fingerprint(id, path, value)), value);
    return value;
  });
  return replaceSecrets(id, properties, (_, value) => {
    if (typeof value !== "string" || !isSecretMarker(value)) return value;
    const secret = secrets.get(value);
    if (secret === undefined) {
      throw new GatewayError("conflict", `The ${documentTitle(id)} no longer holds the secret ${value}: it is gone, or has been changed.`, {
        hint: "Read it again and plan the change anew; a secret that is gone has to be set in Azure.",
      });
    }
    return secret;
  });
}
