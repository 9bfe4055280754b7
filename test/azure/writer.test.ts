import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { Precondition } from "../../src/gateway/ports.ts";
import { type Answer, arm, failureOf, gatewayOver, neverAborted, quickTiming, type Sent, serviceId, token, wire } from "./wire.ts";

const etag = '"AAAAAADmlmY="';
const policy = { format: "rawxml", value: "<policies />" };

function writerOver(answer: (sent: Sent, index: number) => Answer | Error) {
  const { fetch, sent } = wire(answer);
  const timing = quickTiming();
  return { sent, timing, writer: gatewayOver(fetch, {}, timing).writer };
}

const error = (status: number, code: string, message: string): Answer => ({ status, body: { error: { code, message, details: null } } });

describe("a write", () => {
  it.each<[string, JsonObject, Precondition, string | null, string | null]>([
    ["apis/a/policies/policy", policy, { ifMatch: etag }, etag, null],
    ["products/p/policies/policy", policy, { ifNoneMatch: "*" }, null, "*"],
    ["backends/b", { url: "https://x", future: [1, { deep: true }] }, { ifMatch: etag }, etag, null],
    ["policyFragments/f", { format: "rawxml", value: "<fragment />" }, { ifNoneMatch: "*" }, null, "*"],
    ["namedValues/n", { displayName: "n", value: "1" }, { ifMatch: etag }, etag, null],
  ])("of %s is one PUT of exactly these properties", async (id, properties, precondition, ifMatch, ifNoneMatch) => {
    const { writer, sent } = writerOver(() => ({ status: 201, headers: { etag: '"2"' }, body: { properties } }));
    await writer.put(id, properties, precondition);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method: "PUT", path: id, body: { properties } });
    expect(sent[0]?.headers.get("if-match")).toBe(ifMatch);
    expect(sent[0]?.headers.get("if-none-match")).toBe(ifNoneMatch);
    expect(sent[0]?.headers.get("content-type")).toBe("application/json");
  });

  it.each([200, 204])("that deletes is one DELETE with its ETag (%i)", async (status) => {
    const { writer, sent } = writerOver(() => ({ status }));
    await writer.delete("apis/a/policies/policy", { ifMatch: etag });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method: "DELETE", path: "apis/a/policies/policy", body: null });
    expect(sent[0]?.headers.get("if-match")).toBe(etag);
  });

  it.each([
    [{ url: "https://x" }, "2024-05-01"],
    [{ pool: { services: [], sessionAffinity: {} } }, "2024-10-01-preview"],
    [{ azureRegion: "eastus" }, "2025-03-01-preview"],
  ])("of %j goes with api-version %s", async (properties, version) => {
    const { writer, sent } = writerOver(() => ({ status: 200, body: {} }));
    await writer.put("backends/b", properties, { ifMatch: etag });
    expect(sent[0]?.url.search).toBe(`?api-version=${version}`);
  });

  it("is sent again only where ARM refused its api-version, with the same precondition", async () => {
    const message =
      "No registered resource provider found for location 'x'. The supported api-versions are '2024-06-01-preview, 2024-05-01'.";
    const { writer, sent } = writerOver((_, index) =>
      index === 0 ? error(400, "NoRegisteredProviderFound", message) : { status: 200, body: {} },
    );
    await writer.put("backends/b", { azureRegion: "eastus" }, { ifMatch: etag });
    expect(sent.map(({ url }) => url.search)).toEqual(["?api-version=2025-03-01-preview", "?api-version=2024-06-01-preview"]);
    expect(sent.map(({ headers }) => headers.get("if-match"))).toEqual([etag, etag]);
  });

  it("does not reach above its collection", async () => {
    const { writer, sent } = writerOver(() => ({ status: 200 }));
    expect(await failureOf(writer.delete("backends/..", { ifMatch: etag }))).toMatchObject({ code: "invalid_input" });
    expect(sent).toEqual([]);
  });
});

describe("a write that fails", () => {
  it.each<[string, Answer | Error, { code: string; retryable?: boolean }]>([
    ["400", error(400, "ValidationError", "Line 1, position 1."), { code: "policy_invalid" }],
    ["401", error(401, "InvalidAuthenticationToken", "x"), { code: "unauthenticated" }],
    ["403", error(403, "AuthorizationFailed", "x"), { code: "forbidden" }],
    ["404", error(404, "ResourceNotFound", "API not found."), { code: "not_found" }],
    ["409", error(409, "PessimisticConcurrencyConflict", "x"), { code: "conflict", retryable: true }],
    ["412", error(412, "PreconditionFailed", "x"), { code: "conflict", retryable: false }],
    ["422", error(422, "ManagementApiRequestFailed", "x"), { code: "conflict", retryable: true }],
    ["429 without Retry-After", error(429, "TooManyRequests", "x"), { code: "throttled" }],
    ["429 with a short Retry-After", { ...error(429, "TooManyRequests", "x"), headers: { "retry-after": "0" } }, { code: "throttled" }],
    ["429 with a long Retry-After", { ...error(429, "TooManyRequests", "x"), headers: { "retry-after": "400" } }, { code: "throttled" }],
    ["500", error(500, "InternalServerError", "x"), { code: "unavailable", retryable: false }],
    ["503 with Retry-After", { status: 503, headers: { "retry-after": "0" } }, { code: "unavailable", retryable: false }],
    ["307 to itself", { status: 307, headers: { location: `${arm}${serviceId}/backends/b` } }, { code: "internal" }],
    ["a lost connection", new Error("socket hang up"), { code: "unavailable", retryable: false }],
    ["an answer that breaks off", { status: 200, text: '{"properties":' }, { code: "unavailable", retryable: false }],
  ])("with %s is sent once", async (_, answer, expected) => {
    const { writer, sent } = writerOver(() => answer);
    expect(await failureOf(writer.put("apis/a/policies/policy", policy, { ifMatch: etag }))).toMatchObject(expected);
    expect(await failureOf(writer.delete("backends/b", { ifMatch: etag }))).toMatchObject(
      expected.code === "policy_invalid" ? { code: "invalid_input" } : expected,
    );
    expect(sent.map(({ method }) => method)).toEqual(["PUT", "DELETE"]);
  });

  it.each([new Error("reset"), { status: 500 }, { status: 504 }])("without an answer says that the outcome is unknown", async (answer) => {
    const { writer } = writerOver(() => answer);
    expect(await failureOf(writer.put("backends/b", {}, { ifMatch: etag }))).toMatchObject({
      message: expect.stringContaining("The outcome of the write of backend 'b' is unknown"),
    });
  });

  it("for want of time says so, too", async () => {
    const { fetch, sent } = wire(() => new Promise<never>(() => {}));
    const { writer } = gatewayOver(fetch, {}, { ...quickTiming(), requestTimeoutMs: 5 });
    expect(await failureOf(writer.put("backends/b", {}, { ifMatch: etag }))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("unknown"),
    });
    expect(sent).toHaveLength(1);
  });
});

describe("a long-running write", () => {
  const location = `${arm}${serviceId}/policyFragments/f?api-version=2024-05-01&azure-asyncId=1&format=rawxml`;
  const fragment = { format: "rawxml", value: "<fragment />" };

  it("is awaited, asking with GET", async () => {
    const { writer, sent, timing } = writerOver(({ method }, index) =>
      method === "PUT"
        ? { status: 202, headers: { location } }
        : index < 3
          ? { status: 202 }
          : { status: 201, body: { properties: fragment } },
    );
    await writer.put("policyFragments/f", fragment, { ifMatch: etag });
    expect(sent.map(({ method }) => method)).toEqual(["PUT", "GET", "GET", "GET"]);
    expect(sent[1]?.url.href).toBe(location);
    expect(timing.waits).toHaveLength(3);
  });

  it("fails where the poll says so in a 200", async () => {
    const details = [{ code: "ValidationError", message: "Backend with id 'frag' could not be found." }];
    const { writer } = writerOver(({ method }) =>
      method === "PUT"
        ? { status: 201, headers: { location } }
        : {
            status: 200,
            body: {
              status: "Failed",
              error: { code: "ValidationError", message: "One or more fields contain incorrect values:", details },
            },
          },
    );
    expect(await failureOf(writer.put("policyFragments/f", fragment, { ifMatch: etag }))).toMatchObject({
      code: "policy_invalid",
      details: ["Backend with id 'frag' could not be found."],
    });
  });

  it("is not followed to another origin; its outcome is unknown", async () => {
    const { writer, sent } = writerOver(() => ({ status: 202, headers: { location: "https://evil.example.net/x" } }));
    expect(await failureOf(writer.put("policyFragments/f", fragment, { ifMatch: etag }))).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/unknown.*https:\/\/evil\.example\.net/),
    });
    expect(sent).toHaveLength(1);
  });
});

describe("secrets", () => {
  const live = { url: "https://x", credentials: { header: { "api-key": ["canary"] } }, title: null };

  /** One backend that is what was last put. */
  function backend(first: JsonObject) {
    let state: JsonObject = first;
    let version = 1;
    const { fetch, sent } = wire(({ method, headers, body }) => {
      if (method === "PUT") {
        if (headers.get("if-match") !== `"${version}"`) return error(412, "PreconditionFailed", "x");
        state = (body as { properties: JsonObject }).properties;
        version += 1;
      }
      return { headers: { etag: `"${version}"` }, body: { id: "x", name: "b", properties: state } };
    });
    return { sent, gateway: gatewayOver(fetch), stored: () => state };
  }

  it("never leave, and are put back from the live document", async () => {
    const { gateway, sent, stored } = backend(live);
    const document = await gateway.reader(neverAborted).document("backends/b");
    expect(JSON.stringify(document)).not.toContain("canary");
    await gateway.writer.put("backends/b", { ...document?.properties, url: "https://y" }, { ifMatch: document?.etag ?? "" });
    expect(stored()).toEqual({ url: "https://y", credentials: { header: { "api-key": ["canary"] } } });
    expect(sent.map(({ method }) => method)).toEqual(["GET", "GET", "PUT"]);
  });

  it.each<Precondition>([{ ifMatch: '"0"' }, { ifMatch: "*" }, { ifNoneMatch: "*" }])(
    "of a document that is not the one that was read are not touched: %j",
    async (precondition) => {
      const { gateway, sent } = backend(live);
      const document = await gateway.reader(neverAborted).document("backends/b");
      expect(await failureOf(gateway.writer.put("backends/b", document?.properties ?? {}, precondition))).toMatchObject({
        code: "conflict",
      });
      expect(sent.map(({ method }) => method)).toEqual(["GET", "GET"]);
    },
  );

  it("that are gone are a conflict, and nothing is written", async () => {
    const { gateway, sent } = backend({ url: "https://x" });
    const properties = { credentials: { header: { "api-key": ["<secret:credentials.header.api-key.0>"] } } };
    expect(await failureOf(gateway.writer.put("backends/b", properties, { ifMatch: '"1"' }))).toMatchObject({ code: "conflict" });
    expect(sent.map(({ method }) => method)).toEqual(["GET"]);
  });

  it.each([error(400, "ValidationError", "Url is not supported."), { status: 500, text: "{" }, new Error("socket hang up")])(
    "are in no error of a write that failed, and neither is the token",
    async (answer) => {
      const { fetch } = wire(({ method }) => (method === "GET" ? { headers: { etag }, body: { properties: live } } : answer));
      const { writer } = gatewayOver(fetch);
      const properties = { credentials: { header: { "api-key": ["<secret:credentials.header.api-key.0>"] } } };
      const failure = await failureOf(writer.put("backends/b", properties, { ifMatch: etag }));
      expect(failure).toBeInstanceOf(GatewayError);
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(new RegExp(`canary|${token}`));
    },
  );

  it("and all that we do not know survive a read and a write", async () => {
    const names = fc.constantFrom("url", "type", "pool", "azureRegion", "circuitBreaker", "future", "tls");
    const properties = fc.record({
      credentials: fc.dictionary(
        fc.constantFrom("header", "query", "authorization", "managedIdentity", "unknown"),
        fc.jsonValue({ maxDepth: 2 }),
      ),
      known: fc.dictionary(names, fc.jsonValue({ maxDepth: 3 })),
      unknown: fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 })),
    });
    const noNullMembers = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (_, member) =>
        typeof member === "object" && member !== null && !Array.isArray(member)
          ? Object.fromEntries(Object.entries(member).filter(([, inner]) => inner !== null))
          : member,
      );
    await fc.assert(
      fc.asyncProperty(properties, async ({ credentials, known, unknown }) => {
        const first: JsonObject = JSON.parse(JSON.stringify({ ...unknown, ...known, credentials }));
        const { gateway, stored } = backend(first);
        const document = await gateway.reader(neverAborted).document("backends/b");
        await gateway.writer.put("backends/b", document?.properties ?? {}, { ifMatch: document?.etag ?? "" });
        const { provisioningState: _, ...expected } = noNullMembers(first) as Record<string, unknown>;
        expect(stored()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
