import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasMarkers, keyedFingerprint, openSecrets, withLiveSecrets, withoutSecrets } from "../../src/azure/secrets.ts";
import type { Json, JsonObject } from "../../src/gateway/documents.ts";

const id = "backends/aoai-eastus";
const fingerprint = keyedFingerprint(new Uint8Array(32), "/subscriptions/s/service/apim");
/** What stands in the place of a secret, `path` joined with dots. */
const marker = (of: string, path: string, value: Json): string => `<secret:${path}#${fingerprint(of, path.split("."), value)}>`;
const live: JsonObject = {
  url: "https://eastus.openai.azure.com",
  credentials: {
    header: { "api-key": ["canary-1", "canary-2"] },
    query: { sig: ["canary-3"] },
    authorization: { scheme: "Bearer", parameter: "canary-4" },
    certificate: ["thumbprint"],
    managedIdentity: { resource: "https://cognitiveservices.azure.com" },
    signature: { key: "canary-5" },
  },
  proxy: { url: "http://proxy:8080", username: "user", password: "canary-6" },
};

describe("withoutSecrets", () => {
  it("replaces each secret of a backend by its path, and nothing else", () => {
    expect(withoutSecrets(id, live, fingerprint)).toEqual({
      url: "https://eastus.openai.azure.com",
      credentials: {
        header: {
          "api-key": [marker(id, "credentials.header.api-key.0", "canary-1"), marker(id, "credentials.header.api-key.1", "canary-2")],
        },
        query: { sig: [marker(id, "credentials.query.sig.0", "canary-3")] },
        authorization: { scheme: "Bearer", parameter: marker(id, "credentials.authorization.parameter", "canary-4") },
        certificate: ["thumbprint"],
        managedIdentity: { resource: "https://cognitiveservices.azure.com" },
        signature: { key: marker(id, "credentials.signature.key", "canary-5") },
      },
      proxy: { url: "http://proxy:8080", username: "user", password: marker(id, "proxy.password", "canary-6") },
    });
  });

  it("replaces the value of a secret named value only", () => {
    expect(withoutSecrets("namedValues/k", { displayName: "k", secret: true, value: "canary" }, fingerprint)).toEqual({
      displayName: "k",
      secret: true,
      value: marker("namedValues/k", "value", "canary"),
    });
    expect(withoutSecrets("namedValues/k", { secret: false, value: "100" }, fingerprint)).toEqual({ secret: false, value: "100" });
  });

  it("replaces the value of one that Key Vault keeps, whatever ARM says of it", () => {
    const keyVault = { secretIdentifier: "https://vault.vault.azure.net/secrets/k" };
    expect(withoutSecrets("namedValues/k", { keyVault, value: "canary" }, fingerprint)).toEqual({
      keyVault,
      value: marker("namedValues/k", "value", "canary"),
    });
  });

  it("leaves policies and fragments alone", () => {
    const policy = { format: "rawxml", value: "<policies />", secret: true, credentials: { header: { a: ["b"] } } };
    expect(withoutSecrets("policies/policy", policy, fingerprint)).toEqual(policy);
    expect(withoutSecrets("policyFragments/f", policy, fingerprint)).toEqual(policy);
  });
});

describe("withLiveSecrets", () => {
  it("puts live values where their markers stand, also moved ones, and keeps new ones", () => {
    const edited = {
      ...withoutSecrets(id, live, fingerprint),
      credentials: { header: { "x-key": [marker(id, "credentials.header.api-key.1", "canary-2")], other: ["new"] } },
    };
    expect(withLiveSecrets(id, edited, live, fingerprint)).toEqual({
      ...live,
      credentials: { header: { "x-key": ["canary-2"], other: ["new"] } },
    });
  });

  it("shows no secret through a marker that stands where none belongs", () => {
    const description = marker(id, "credentials.header.api-key.0", "canary-1");
    expect(withLiveSecrets(id, { description, url: description }, live, fingerprint)).toEqual({ description, url: description });
    expect(hasMarkers(id, { description })).toBe(false);
  });

  it("is a conflict where the secret has another value now", () => {
    const rotated = { ...live, proxy: { url: "http://proxy:8080", username: "user", password: "rotated" } };
    expect(() => withLiveSecrets(id, withoutSecrets(id, live, fingerprint), rotated, fingerprint)).toThrow(
      expect.objectContaining({ code: "conflict", message: expect.stringContaining("<secret:proxy.password#") }),
    );
  });

  it("takes every text of a marker's form for one, and never writes it as a secret", () => {
    const foreign = { proxy: { password: "<secret:proxy.password>" } };
    expect(() => withLiveSecrets(id, foreign, live, fingerprint)).toThrow(expect.objectContaining({ code: "conflict" }));
  });

  it("is a conflict where the live document no longer holds the secret", () => {
    expect(() => withLiveSecrets(id, withoutSecrets(id, live, fingerprint), { url: "https://x" }, fingerprint)).toThrow(
      expect.objectContaining({ code: "conflict" }),
    );
  });

  it("gives back any document that was masked", () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const credentials = fc.dictionary(
      fc.constantFrom("header", "query", "authorization", "certificate", "managedIdentity", "custom"),
      json,
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), credentials, (members, secrets) => {
        // JSON text, as on the wire: it knows no negative zero.
        const original: JsonObject = JSON.parse(JSON.stringify({ ...members, credentials: secrets }));
        expect(withLiveSecrets(id, withoutSecrets(id, original, fingerprint), original, fingerprint)).toEqual(original);
      }),
    );
  });
});

describe("a fingerprint", () => {
  const at = (key: number, resourceId: string, of = id, path: readonly string[] = ["proxy", "password"], value: Json = "canary") =>
    keyedFingerprint(new Uint8Array(32).fill(key), resourceId)(of, path, value);

  it("is the same for the same secret at the same place, whatever the case of its ids", () => {
    expect(at(1, "/S/apim", "backends/EastUS")).toBe(at(1, "/s/APIM", "backends/eastus"));
  });

  it("is another one for another value, place, document, service and key", () => {
    const all = [
      at(1, "/s/apim"),
      at(2, "/s/apim"),
      at(1, "/s/other"),
      at(1, "/s/apim", "backends/other"),
      at(1, "/s/apim", id, ["proxy", "username"]),
      at(1, "/s/apim", id, ["proxy", "password"], "canary2"),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const one of all) expect(one).toMatch(/^[0-9a-f]{6}$/);
  });
});

describe("secrets that have been met", () => {
  it("are hidden in what Azure answers, also where JSON escapes them; shorter texts are not", async () => {
    const secrets = openSecrets("/s/apim", { accessToken: "token-1" });
    const make = await secrets.fingerprint();
    for (const value of ['pass"word', "pass", "abc", 1234]) make(id, ["proxy", "password"], value);
    expect(secrets.hide(JSON.stringify({ message: 'pass"word, pass, abc, 1234, token-1' }))).toBe(
      '{"message":"[redacted], [redacted], abc, 1234, [redacted]"}',
    );
  });
});
