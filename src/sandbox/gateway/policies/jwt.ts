import {
  type CryptoKey,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  type JWTPayload,
  type KeyObject,
} from "jose";
import { notExecutableError } from "../answers.ts";
import { JwtValue } from "../expressions/views.ts";
import { type Call, PolicyError, type PolicyHandlers, type PolicyNode } from "../policy.ts";
import { metadataOf, type OpenIdMetadata } from "./openid.ts";

/**
 * Tokens of callers. Reasons: https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies#predefined-errors-for-policies;
 * of the messages only "JWT not present." is documented, the others are assumed.
 */
export const jwtPolicies: PolicyHandlers = {
  async "validate-jwt"(node, call) {
    return await validate(node, call, await jwtRules(node, call));
  },
  async "validate-azure-ad-token"(node, call) {
    return await validate(node, call, await entraRules(node, call));
  },
};

/** What a token must be. */
interface Rules {
  /** Null: every issuer. */
  readonly issuers: readonly string[] | null;
  readonly audiences: readonly string[] | null;
  readonly applications: readonly string[] | null;
  readonly claims: readonly RequiredClaim[];
  readonly keys: readonly SigningKey[];
  readonly requiresExpiration: boolean;
  readonly requiresSignature: boolean;
  readonly clockSkewMs: number;
}

interface RequiredClaim {
  readonly name: string;
  readonly matchesAll: boolean;
  readonly separator: string | null;
  readonly values: readonly string[];
}

interface SigningKey {
  /** Null where the key is tried for every token. */
  readonly id: string | null;
  readonly jwk: JWK | null;
  readonly secret: Uint8Array | null;
}

type Reason =
  | "TokenNotPresent"
  | "TokenSignatureInvalid"
  | "TokenAudienceNotAllowed"
  | "TokenIssuerNotAllowed"
  | "TokenExpired"
  | "TokenSignatureKeyNotFound"
  | "TokenClaimNotFound"
  | "TokenClaimValueNotAllowed"
  | "JwtInvalid";

interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

async function validate(node: PolicyNode, call: Call, rules: Rules): Promise<"next"> {
  const token = await tokenIn(node, call);
  const refusal = token === null ? notPresent : await refusalOf(token, rules, call.clock.now());
  if (refusal !== null || token === null) throw await refused(node, call, refusal ?? notPresent);
  const variable = await call.text(node, "output-token-variable-name");
  if (variable !== "") call.variables.set(variable, new JwtValue({ header: decodeProtectedHeader(token), payload: decodeJwt(token) }));
  return "next";
}

const notPresent: Refusal = { reason: "TokenNotPresent", message: "JWT not present." };

async function refused(node: PolicyNode, call: Call, { reason, message }: Refusal): Promise<PolicyError> {
  const status = await call.number(node, "failed-validation-httpcode", 401);
  const shown = await call.text(node, "failed-validation-error-message", message);
  return new PolicyError({ source: node.name, reason, message }, { status, body: JSON.stringify({ statusCode: status, message: shown }) });
}

/** Null where there is none, or not by the scheme that is required. */
async function tokenIn(node: PolicyNode, call: Call): Promise<string | null> {
  if (node.attributes.has("token-value")) return (await call.text(node, "token-value")).trim() || null;
  if (node.attributes.has("query-parameter-name")) return call.request.url.searchParams.get(await call.text(node, "query-parameter-name"));
  const header = await call.text(node, "header-name", "Authorization");
  const value = call.request.headers.get(header)?.trim() ?? "";
  const [, scheme = "", token = ""] = /^(?:(\S+)\s+)?(\S*)$/.exec(value) ?? [];
  // A scheme is looked for in the standard header only.
  const required = header.toLowerCase() === "authorization" ? await call.text(node, "require-scheme") : "";
  if (required !== "" && scheme.toLowerCase() !== required.toLowerCase()) return null;
  return token === "" ? null : token;
}

async function jwtRules(node: PolicyNode, call: Call): Promise<Rules> {
  if (childrenOf(node, "decryption-keys").length > 0) throw notExecutableError(`decryption-keys in ${node.name}`);
  const documents: OpenIdMetadata[] = [];
  for (const child of node.children) {
    if (child.name === "openid-config") documents.push(await metadata(node, call, await call.text(child, "url")));
  }
  const issuers = await texts(call, childrenOf(node, "issuers"));
  const known = [...issuers, ...documents.map(({ issuer }) => issuer)];
  const audiences = await texts(call, childrenOf(node, "audiences"));
  return {
    issuers: known.length === 0 ? null : known,
    audiences: audiences.length === 0 ? null : audiences,
    applications: null,
    claims: await requiredClaims(node, call),
    keys: [...(await inlineKeys(node, call)), ...documents.flatMap(keysOf)],
    requiresExpiration: await call.boolean(node, "require-expiration-time", true),
    requiresSignature: await call.boolean(node, "require-signed-tokens", true),
    clockSkewMs: (await call.number(node, "clock-skew", 0)) * 1000,
  };
}

/** Assumed: tokens of both versions of the tenant's endpoint are taken. */
async function entraRules(node: PolicyNode, call: Call): Promise<Rules> {
  if (childrenOf(node, "decryption-keys").length > 0) throw notExecutableError(`decryption-keys in ${node.name}`);
  const tenant = (await call.text(node, "tenant-id")).replace(/^https?:\/\/[^/]+\//, "").replace(/\/$/, "");
  const endpoint = (await call.text(node, "authentication-endpoint", "https://login.microsoftonline.com")).replace(
    /^(?!https?:)/,
    "https://",
  );
  const document = await metadata(node, call, `${endpoint.replace(/\/$/, "")}/${tenant}/v2.0/.well-known/openid-configuration`);
  const anyTenant = ["common", "organizations"].includes(tenant.toLowerCase());
  const audiences = await texts(call, childrenOf(node, "audiences"));
  const applications = await texts(call, childrenOf(node, "client-application-ids"));
  return {
    issuers: anyTenant ? null : [document.issuer, `https://sts.windows.net/${tenant}/`],
    audiences: audiences.length === 0 ? null : audiences,
    applications: applications.length === 0 ? null : applications,
    claims: await requiredClaims(node, call),
    keys: keysOf(document),
    requiresExpiration: true,
    requiresSignature: true,
    clockSkewMs: 0,
  };
}

/** Assumed: without its metadata an issuer's tokens are refused. */
async function metadata(node: PolicyNode, call: Call, url: string): Promise<OpenIdMetadata> {
  const found = await metadataOf(call, url);
  if (found !== null) return found;
  throw await refused(node, call, { reason: "JwtInvalid", message: `Unable to obtain configuration from: '${url}'. Access denied.` });
}

const keysOf = ({ keys }: OpenIdMetadata): readonly SigningKey[] => keys.map((jwk) => ({ id: jwk.kid ?? null, jwk, secret: null }));

const childrenOf = (node: PolicyNode, name: string): readonly PolicyNode[] =>
  node.children.filter((child) => child.name === name).flatMap(({ children }) => children);

async function texts(call: Call, nodes: readonly PolicyNode[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const node of nodes) found.push((await call.content(node)).trim());
  return found;
}

async function inlineKeys(node: PolicyNode, call: Call): Promise<readonly SigningKey[]> {
  const keys: SigningKey[] = [];
  for (const key of childrenOf(node, "issuer-signing-keys")) {
    if (key.attributes.has("certificate-id")) throw notExecutableError(`certificate-id in ${node.name}`);
    const id = (await call.text(key, "id")) || null;
    const [n, e] = [await call.text(key, "n"), await call.text(key, "e")];
    const asymmetric = n !== "" && e !== "";
    keys.push({
      id,
      jwk: asymmetric ? { kty: "RSA", n, e } : null,
      secret: asymmetric ? null : Buffer.from(await call.content(key), "base64"),
    });
  }
  return keys;
}

async function requiredClaims(node: PolicyNode, call: Call): Promise<readonly RequiredClaim[]> {
  const claims: RequiredClaim[] = [];
  for (const claim of childrenOf(node, "required-claims")) {
    claims.push({
      name: await call.text(claim, "name"),
      matchesAll: (await call.text(claim, "match", "all")) !== "any",
      separator: (await call.text(claim, "separator")) || null,
      values: await texts(call, claim.children),
    });
  }
  return claims;
}

async function refusalOf(token: string, rules: Rules, now: Date): Promise<Refusal | null> {
  const payload = payloadOf(token);
  if (payload === null) return { reason: "JwtInvalid", message: "JWT is not well formed." };
  return (await signatureRefusal(token, rules)) ?? claimRefusal(payload, rules, now);
}

function payloadOf(token: string): JWTPayload | null {
  try {
    decodeProtectedHeader(token);
    return decodeJwt(token);
  } catch {
    return null;
  }
}

/** Symmetric and asymmetric algorithms of the page's usage notes, and those of the same families. */
const algorithms = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

async function signatureRefusal(token: string, { keys, requiresSignature }: Rules): Promise<Refusal | null> {
  const { alg, kid } = decodeProtectedHeader(token);
  if (alg === undefined || alg === "none") {
    return requiresSignature ? { reason: "TokenSignatureInvalid", message: "JWT is not signed. Access denied." } : null;
  }
  const named = keys.filter(({ id }) => id === null || kid === undefined || id === kid);
  // Keys that stand in the policy are all tried where none has the token's id.
  const tried = named.length > 0 ? named : keys.filter(({ secret }) => secret !== null);
  if (tried.length === 0)
    return { reason: "TokenSignatureKeyNotFound", message: "The key of the JWT's signature was not found. Access denied." };
  for (const key of tried) if (await isSignedBy(token, alg, key)) return null;
  return { reason: "TokenSignatureInvalid", message: "The signature of the JWT is not valid. Access denied." };
}

async function isSignedBy(token: string, alg: string, key: SigningKey): Promise<boolean> {
  // A public key must never serve as a secret, nor the other way round.
  if (alg.startsWith("HS") !== (key.secret !== null)) return false;
  try {
    await compactVerify(token, await imported(key, alg), { algorithms });
    return true;
  } catch {
    return false;
  }
}

async function imported({ jwk, secret }: SigningKey, alg: string): Promise<CryptoKey | KeyObject | Uint8Array> {
  return secret ?? (await importJWK(jwk ?? {}, alg));
}

function claimRefusal(payload: JWTPayload, rules: Rules, now: Date): Refusal | null {
  const seconds = now.getTime() / 1000;
  const skew = rules.clockSkewMs / 1000;
  if (payload.exp === undefined && rules.requiresExpiration)
    return { reason: "JwtInvalid", message: "JWT has no expiration time. Access denied." };
  if (payload.exp !== undefined && seconds > payload.exp + skew)
    return { reason: "TokenExpired", message: "JWT is expired. Access denied." };
  if (payload.nbf !== undefined && seconds < payload.nbf - skew)
    return { reason: "JwtInvalid", message: "JWT is not valid yet. Access denied." };
  const audiences = valuesOf(payload.aud, null);
  if (rules.audiences !== null && !rules.audiences.some((allowed) => audiences.includes(allowed))) {
    return { reason: "TokenAudienceNotAllowed", message: "The audience of the JWT is not allowed. Access denied." };
  }
  if (rules.issuers !== null && !rules.issuers.includes(payload.iss ?? "")) {
    return { reason: "TokenIssuerNotAllowed", message: "The issuer of the JWT is not allowed. Access denied." };
  }
  const application = String(payload.appid ?? payload.azp ?? "");
  if (rules.applications !== null && !rules.applications.includes(application)) {
    return { reason: "TokenClaimValueNotAllowed", message: `Claim appid value of ${application} is not allowed. Access denied.` };
  }
  return requiredClaimRefusal(payload, rules.claims);
}

function requiredClaimRefusal(payload: JWTPayload, claims: readonly RequiredClaim[]): Refusal | null {
  const missing = claims.filter(({ name }) => payload[name] === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    return { reason: "TokenClaimNotFound", message: `JWT token is missing the following claims: ${missing.join(", ")}. Access denied.` };
  }
  for (const { name, values, matchesAll, separator } of claims) {
    const given = valuesOf(payload[name], separator);
    const matches = matchesAll ? values.every((value) => given.includes(value)) : values.some((value) => given.includes(value));
    if (values.length > 0 && !matches) {
      return { reason: "TokenClaimValueNotAllowed", message: `Claim ${name} value of ${given.join(", ")} is not allowed. Access denied.` };
    }
  }
  return null;
}

/** A claim holds one value, several in a list, or several in a text between separators. */
function valuesOf(claim: unknown, separator: string | null): readonly string[] {
  if (claim === undefined || claim === null) return [];
  const values = (Array.isArray(claim) ? claim : [claim]).map(String);
  return separator === null ? values : values.flatMap((value) => value.split(separator));
}
