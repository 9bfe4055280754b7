import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasMarkers, withLiveSecrets, withoutSecrets } from "../../src/azure/secrets.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";

const id = "backends/aoai-eastus";
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
    expect(withoutSecrets(id, live)).toEqual({
      url: "https://eastus.openai.azure.com",
      credentials: {
        header: { "api-key": ["<secret:credentials.header.api-key.0>", "<secret:credentials.header.api-key.1>"] },
        query: { sig: ["<secret:credentials.query.sig.0>"] },
        authorization: { scheme: "Bearer", parameter: "<secret:credentials.authorization.parameter>" },
        certificate: ["thumbprint"],
        managedIdentity: { resource: "https://cognitiveservices.azure.com" },
        signature: { key: "<secret:credentials.signature.key>" },
      },
      proxy: { url: "http://proxy:8080", username: "user", password: "<secret:proxy.password>" },
    });
  });

  it("replaces the value of a secret named value only", () => {
    expect(withoutSecrets("namedValues/k", { displayName: "k", secret: true, value: "canary" })).toEqual({
      displayName: "k",
      secret: true,
      value: "<secret:value>",
    });
    expect(withoutSecrets("namedValues/k", { secret: false, value: "100" })).toEqual({ secret: false, value: "100" });
  });

  it("leaves policies and fragments alone", () => {
    const policy = { format: "rawxml", value: "<policies />", secret: true, credentials: { header: { a: ["b"] } } };
    expect(withoutSecrets("policies/policy", policy)).toEqual(policy);
    expect(withoutSecrets("policyFragments/f", policy)).toEqual(policy);
  });
});

describe("withLiveSecrets", () => {
  it("puts live values where their markers stand, also moved ones, and keeps new ones", () => {
    const edited = {
      ...withoutSecrets(id, live),
      credentials: { header: { "x-key": ["<secret:credentials.header.api-key.1>"], other: ["new"] } },
    };
    expect(withLiveSecrets(id, edited, live)).toEqual({ ...live, credentials: { header: { "x-key": ["canary-2"], other: ["new"] } } });
  });

  it("shows no secret through a marker that stands where none belongs", () => {
    const description = "<secret:credentials.header.api-key.0>";
    expect(withLiveSecrets(id, { description, url: description }, live)).toEqual({ description, url: description });
    expect(hasMarkers(id, { description })).toBe(false);
  });

  it("is a conflict where the live document no longer holds the secret", () => {
    expect(() => withLiveSecrets(id, withoutSecrets(id, live), { url: "https://x" })).toThrow(
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
        expect(withLiveSecrets(id, withoutSecrets(id, original), original)).toEqual(original);
      }),
    );
  });
});
