import { CompactEncrypt, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import { JwtValue } from "../../../src/sandbox/gateway/expressions/views.ts";
import { type Kit, message, openKit, start } from "./kit.ts";

const now = start.getTime() / 1000;
const secret = new TextEncoder().encode("a secret of thirty-two characters");
const inline = `<issuer-signing-keys><key>${Buffer.from(secret).toString("base64")}</key></issuer-signing-keys>`;

const claims = { iss: "https://issuer.example", aud: "api://team", exp: now + 60, roles: ["reader", "writer"], scp: "a b" };
const signed = (payload: JWTPayload = claims, key = secret): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(key);

const policy = (children = inline, attributes = 'header-name="Authorization"'): string =>
  `<validate-jwt ${attributes}>${children}</validate-jwt>`;

async function check(inbound: string, token: string | undefined, kit: Kit = openKit({ inbound })): Promise<string> {
  const answer = await kit.send(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const reason = kit.finished.at(-1)?.call.lastError?.reason;
  return answer.status === 200 ? "let in" : `${answer.status} ${reason}`;
}

const audience = (name: string): string => `<audiences><audience>other</audience><audience>${name}</audience></audiences>`;
const issuer = (name: string): string => `<issuers><issuer>${name}</issuer></issuers>`;
const claim = (attributes: string, ...values: string[]): string =>
  `<required-claims><claim ${attributes}>${values.map((value) => `<value>${value}</value>`).join("")}</claim></required-claims>`;

describe("validate-jwt", () => {
  test.each<readonly [name: string, children: string, payload: JWTPayload, outcome: string]>([
    ["a token that is signed by a key of the policy", inline, claims, "let in"],
    ["an expired one", inline, { ...claims, exp: now - 1 }, "401 TokenExpired"],
    ["one without expiration", inline, { iss: claims.iss }, "401 JwtInvalid"],
    ["one that is not valid yet", inline, { ...claims, nbf: now + 10 }, "401 JwtInvalid"],
    ["its audience", inline + audience("api://team"), claims, "let in"],
    ["one of its audiences", inline + audience("api://team"), { ...claims, aud: ["x", "api://team"] }, "let in"],
    ["another audience", inline + audience("api://more"), claims, "401 TokenAudienceNotAllowed"],
    ["its issuer", inline + issuer("https://issuer.example"), claims, "let in"],
    ["another issuer", inline + issuer("https://evil.example"), claims, "401 TokenIssuerNotAllowed"],
    ["all values of a claim", inline + claim('name="roles"', "writer", "reader"), claims, "let in"],
    ["not all values of a claim", inline + claim('name="roles"', "reader", "owner"), claims, "401 TokenClaimValueNotAllowed"],
    ["any value of a claim", inline + claim('name="roles" match="any"', "reader", "owner"), claims, "let in"],
    ["values between separators", inline + claim('name="scp" separator=" "', "b"), claims, "let in"],
    ["no separator, no values between", inline + claim('name="scp"', "b"), claims, "401 TokenClaimValueNotAllowed"],
    ["a claim that has to be there", inline + claim('name="oid"'), claims, "401 TokenClaimNotFound"],
    ["no key at all", "", claims, "401 TokenSignatureKeyNotFound"],
  ])("%s (documented reason)", async (_, children, payload, outcome) => {
    expect(await check(policy(children), await signed(payload))).toBe(outcome);
  });

  test.each<readonly [name: string, token: () => Promise<string | undefined>, outcome: string]>([
    ["no token", async () => undefined, "401 TokenNotPresent"],
    ["another key", () => signed(claims, new TextEncoder().encode("another secret of thirty-two chars")), "401 TokenSignatureInvalid"],
    [
      "a changed payload",
      async () => (await signed()).replace(/\.[^.]+\./, `.${btoa(JSON.stringify({ ...claims, aud: "x" }))}.`),
      "401 TokenSignatureInvalid",
    ],
    ["no signature", async () => new UnsecuredJWT(claims).encode(), "401 TokenSignatureInvalid"],
    ["no token of this form", async () => "abc", "401 JwtInvalid"],
    [
      "an encrypted token",
      () => new CompactEncrypt(secret).setProtectedHeader({ alg: "dir", enc: "A128CBC-HS256" }).encrypt(secret.slice(0, 32)),
      "401 JwtInvalid",
    ],
  ])("%s (documented reason)", async (_, token, outcome) => {
    expect(await check(policy(), await token())).toBe(outcome);
  });

  test("its attributes: where the token is, scheme, skew, expiration, unsigned tokens (documented)", async () => {
    const token = await signed();
    const expired = await signed({ ...claims, exp: now - 5 });
    expect(await check(policy(inline, `token-value="${token}"`), undefined)).toBe("let in");
    expect(await check(policy(inline, 'header-name="Authorization" require-scheme="Bearer"'), token)).toBe("let in");
    expect(await check(policy(inline, 'header-name="Authorization" require-scheme="Basic"'), token)).toBe("401 TokenNotPresent");
    expect(await check(policy(inline, 'header-name="Authorization" clock-skew="10"'), expired)).toBe("let in");
    const timeless = await signed({ iss: "x" });
    expect(await check(policy(inline, 'header-name="Authorization" require-expiration-time="false"'), timeless)).toBe("let in");
    const unsigned = new UnsecuredJWT(claims).encode();
    expect(await check(policy(inline, 'header-name="Authorization" require-signed-tokens="false"'), unsigned)).toBe("let in");
    const kit = openKit({ inbound: policy(inline, 'query-parameter-name="t"') });
    expect((await kit.send({ path: `/echo/x?t=${token}` })).status).toBe(200);
  });

  test("the answer is 401 with the reason's message, or what the policy says (documented)", async () => {
    const plain = await openKit({ inbound: policy() }).send();
    expect(message(plain)).toEqual({ statusCode: 401, message: "JWT not present." });
    const attributes = 'header-name="Authorization" failed-validation-httpcode="403" failed-validation-error-message="Go away"';
    const own = await openKit({ inbound: policy(inline, attributes) }).send();
    expect([own.status, message(own)]).toEqual([403, { statusCode: 403, message: "Go away" }]);
  });

  test("a valid token becomes a variable (documented)", async () => {
    const kit = openKit({ inbound: policy(inline, 'header-name="Authorization" output-token-variable-name="jwt"') });
    expect(await check("", await signed(), kit)).toBe("let in");
    const jwt = kit.finished[0]?.call.variables.get("jwt");
    expect(jwt instanceof JwtValue && jwt.view).toMatchObject({ header: { alg: "HS256" }, payload: claims });
  });

  test.each([
    ["<decryption-keys><key>AA==</key></decryption-keys>", "decryption-keys in validate-jwt"],
    ['<issuer-signing-keys><key certificate-id="c" /></issuer-signing-keys>', "certificate-id in validate-jwt"],
  ])("%s is refused", async (children, what) => {
    const answer = await openKit({ inbound: policy(children) }).send();
    expect(message(answer)).toMatchObject({ statusCode: 500, message: `not executable in the sandbox: ${what}` });
  });
});

const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
const jwk = await exportJWK(publicKey);
const rsa = (payload: JWTPayload, kid = "k1"): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid }).sign(privateKey);

/** An issuer in the process, with its metadata and keys; answers how often it was asked. */
function issuerOf(kit: Kit, host: string, tokenIssuer: string): { readonly asked: () => number } {
  let asked = 0;
  kit.world.upstreams.push({
    matches: ({ hostname }) => hostname === host,
    async fetch(request) {
      asked++;
      const isKeys = new URL(request.url).pathname.endsWith("/keys");
      return Response.json(isKeys ? { keys: [{ ...jwk, kid: "k1" }] } : { issuer: tokenIssuer, jwks_uri: `https://${host}/keys` });
    },
  });
  return { asked: () => asked };
}

describe("keys of an issuer", () => {
  const inbound = policy('<openid-config url="https://issuer.example/.well-known/openid-configuration" />');

  test("they are fetched with the metadata, and kept for an hour (documented)", async () => {
    const kit = openKit({ inbound });
    const { asked } = issuerOf(kit, "issuer.example", claims.iss);
    const token = await rsa({ ...claims, exp: now + 10_000 });
    expect(await check("", token, kit)).toBe("let in");
    expect(await check("", token, kit)).toBe("let in");
    expect(asked()).toBe(2);
    await kit.clock.advance(3_600_000);
    expect(await check("", token, kit)).toBe("let in");
    expect(asked()).toBe(4);
  });

  test.each([
    ["another issuer", { ...claims, iss: "https://evil.example" }, "k1", "401 TokenIssuerNotAllowed"],
    ["a key that it does not have", claims, "k2", "401 TokenSignatureKeyNotFound"],
  ])("%s", async (_, payload, kid, outcome) => {
    const kit = openKit({ inbound });
    issuerOf(kit, "issuer.example", claims.iss);
    expect(await check("", await rsa(payload, kid), kit)).toBe(outcome);
  });

  test("a public key is no secret to sign with", async () => {
    const kit = openKit({ inbound });
    issuerOf(kit, "issuer.example", claims.iss);
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(Buffer.from(jwk.n ?? "", "base64url"));
    expect(await check("", forged, kit)).toBe("401 TokenSignatureInvalid");
  });

  test("without the metadata nobody is let in", async () => {
    expect(await check(inbound, await rsa(claims))).toBe("401 JwtInvalid");
  });

  test("modulus and exponent in the policy (documented)", async () => {
    const key = `<issuer-signing-keys><key id="k1" n="${jwk.n}" e="${jwk.e}" /></issuer-signing-keys>`;
    expect(await check(policy(key), await rsa(claims))).toBe("let in");
  });
});

describe("validate-azure-ad-token", () => {
  const entra = (children: string): string => `<validate-azure-ad-token tenant-id="tenant">${children}</validate-azure-ad-token>`;
  const applications = "<client-application-ids><application-id>app-1</application-id></client-application-ids>";
  const tokenIssuer = "https://login.microsoftonline.com/tenant/v2.0";

  test.each<readonly [name: string, children: string, payload: JWTPayload, outcome: string]>([
    ["an application of the list, version 2", applications, { iss: tokenIssuer, azp: "app-1" }, "let in"],
    ["an application of the list, version 1", applications, { iss: "https://sts.windows.net/tenant/", appid: "app-1" }, "let in"],
    ["another application", applications, { iss: tokenIssuer, azp: "app-2" }, "401 TokenClaimValueNotAllowed"],
    ["another tenant", applications, { iss: "https://sts.windows.net/other/", azp: "app-1" }, "401 TokenIssuerNotAllowed"],
    ["its audience", audience("api://team"), { iss: tokenIssuer, aud: "api://team" }, "let in"],
    ["another audience", audience("api://team"), { iss: tokenIssuer, aud: "api://x" }, "401 TokenAudienceNotAllowed"],
    ["a claim that is missing", applications + claim('name="roles"'), { iss: tokenIssuer, azp: "app-1" }, "401 TokenClaimNotFound"],
  ])("%s (documented)", async (_, children, payload, outcome) => {
    const kit = openKit({ inbound: entra(children) });
    issuerOf(kit, "login.microsoftonline.com", tokenIssuer);
    expect(await check("", await rsa({ exp: now + 60, ...payload }), kit)).toBe(outcome);
  });
});
