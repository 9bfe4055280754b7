import type { JWK } from "jose";
import { outgoing } from "../forward.ts";
import { largestBuffer, readAll } from "../messages.ts";
import type { Call } from "../policy.ts";
import { within } from "../timeout.ts";
import { memberOf } from "../untyped.ts";

/** An issuer, as its metadata endpoint describes it (https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata). */
export interface OpenIdMetadata {
  readonly issuer: string;
  readonly keys: readonly JWK[];
}

interface Kept {
  readonly metadata: OpenIdMetadata;
  readonly until: number;
}

const metadataKey = Symbol("openid metadata");
const hourMs = 3_600_000;

/**
 * The metadata behind a URL, kept for an hour in the gateway instance
 * (https://learn.microsoft.com/azure/api-management/validate-jwt-policy#elements); null where it cannot be had.
 *
 * Assumed: a failure is not remembered, and a missing key does not make the gateway ask again before the hour is over.
 */
export async function metadataOf(call: Call, url: string): Promise<OpenIdMetadata | null> {
  const kept = call.instance.state(metadataKey, () => new Map<string, Kept>());
  const now = call.clock.now().getTime();
  const known = kept.get(url);
  if (known !== undefined && now < known.until) return known.metadata;
  const metadata = await fetched(call, url);
  if (metadata !== null) kept.set(url, { metadata, until: now + hourMs });
  return metadata;
}

async function fetched(call: Call, url: string): Promise<OpenIdMetadata | null> {
  const document = await json(call, url);
  const issuer = memberOf(document, "issuer");
  const address = memberOf(document, "jwks_uri");
  if (typeof issuer !== "string" || typeof address !== "string") return null;
  const keys = memberOf(await json(call, address), "keys");
  return Array.isArray(keys) ? { issuer, keys: keys.filter(isKey) } : null;
}

const timeoutMs = 30_000;

async function json(call: Call, url: string): Promise<unknown> {
  if (!URL.canParse(url)) return null;
  try {
    const request = outgoing(new URL(url), { method: "GET", headers: new Headers({ accept: "application/json" }), body: null });
    return await within(call.clock, timeoutMs, call.signal, async (signal) => {
      const { status, body } = await call.send(request, signal);
      return status === 200 && body !== null ? JSON.parse(new TextDecoder().decode(await readAll(body, largestBuffer))) : null;
    });
  } catch (error) {
    if (call.signal.aborted) throw error;
    return null;
  }
}

const isKey = (value: unknown): value is JWK => typeof memberOf(value, "kty") === "string";
