import { inspect } from "node:util";
import { type PipelineRequest, RestError } from "@azure/core-rest-pipeline";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { clouds, endpointOf } from "../../src/azure/clouds.ts";
import { openArm } from "../../src/azure/pipeline.ts";
import type { send } from "../../src/azure/requests.ts";
import { parseServiceId } from "../../src/azure/resource-ids.ts";
import { createWriter } from "../../src/azure/writer.ts";
import { GatewayError } from "../../src/errors.ts";
import { isObject, type Json, type JsonObject } from "../../src/gateway/documents.ts";
import type { DocumentWriter, Precondition } from "../../src/gateway/ports.ts";
import { type Answer, arm, failureOf, gatewayOver, neverAborted, quickTiming, type Sent, serviceId, token, wire } from "./wire.ts";

const etag = '"AAAAAADmlmY="';
const policy = { format: "rawxml", value: "<policies />" };

function writerOver(answer: (sent: Sent, index: number) => Answer | Error) {
  const { fetch, sent } = wire(answer);
  const timing = quickTiming();
  return { sent, timing, writer: gatewayOver(fetch, {}, timing).writer };
}

const writes = (sent: readonly Sent[]): readonly string[] => sent.map(({ method }) => method).filter((method) => method !== "GET");

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

  it.each([
    [{ "x-ms-correlation-request-id": "11-22", "x-ms-request-id": "33" }, "11-22"],
    [{ "x-ms-request-id": "33" }, "33"],
    [{}, null],
  ])("answered with %j has the correlation id %s, refused or not", async (headers, correlationId) => {
    const accepted = writerOver(() => ({ status: 200, headers, body: {} })).writer;
    expect(await accepted.put("backends/b", {}, { ifMatch: etag })).toEqual({ unfinished: null, correlationId });
    const refusing = writerOver(() => ({ ...error(412, "PreconditionFailed", "x"), headers })).writer;
    expect(await failureOf(refusing.put("backends/b", {}, { ifMatch: etag }))).toMatchObject({ correlationId: correlationId ?? undefined });
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
    expect(writes(sent)).toEqual(["PUT", "DELETE"]);
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
    expect(writes(sent)).toEqual(["PUT"]);
  });

  it("before it was sent does not say so, and is not waited for", async () => {
    const refusedConnection = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
    const sent: string[] = [];
    const connection = {
      endpoint: endpointOf(clouds.public),
      credential: { getToken: async () => ({ token, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) },
      scope: clouds.public.scope,
      httpClient: {
        async sendRequest({ method }: PipelineRequest): Promise<never> {
          sent.push(method);
          throw new RestError(refusedConnection.message, { code: refusedConnection.code });
        },
      },
      timing: quickTiming(),
    };
    const writer = createWriter(openArm(connection, parseServiceId(serviceId)));
    expect(await failureOf(writer.put("backends/b", {}, { ifMatch: etag }))).toMatchObject({
      code: "unavailable",
      retryable: true,
      message: expect.stringMatching(/^Azure is unavailable for the write of backend 'b': the connection was refused/),
    });
    expect(sent).toEqual(["PUT"]);
  });
});

describe("a write whose answer is lost", () => {
  const lost = new Error("socket hang up");

  /** The answer of the PUT is lost; the document changes with the GET of this number. */
  function changingAt(get: number, document: (changed: boolean) => Answer | Error) {
    let gets = 0;
    return writerOver(({ method }) => {
      if (method !== "GET") return lost;
      gets += 1;
      return document(gets >= get);
    });
  }
  const missing = error(404, "ResourceNotFound", "x");
  const stored = (tag: string): Answer => ({ headers: { etag: tag }, body: { properties: policy } });

  it.each<[string, (changed: boolean) => Answer | Error, Precondition]>([
    ["an update", (changed) => stored(changed ? '"2"' : etag), { ifMatch: etag }],
    ["a create", (changed) => (changed ? stored('"1"') : missing), { ifNoneMatch: "*" }],
  ])("%s is given time to take effect, and no longer than it needs", async (_, document, precondition) => {
    for (const [get, waits] of [
      [1, []],
      [3, [1000, 2000]],
      [99, [1000, 2000, 4000, 8000]],
    ] as const) {
      const { writer, sent, timing } = changingAt(get, document);
      expect(await failureOf(writer.put("apis/a/policies/policy", policy, precondition))).toMatchObject({ code: "unavailable" });
      expect(timing.waits).toEqual(waits);
      expect(writes(sent)).toEqual(["PUT"]);
    }
  });

  it("a delete, too; and a long-running kind has a minute", async () => {
    const removed = changingAt(2, (changed) => (changed ? missing : stored(etag)));
    await failureOf(removed.writer.delete("backends/b", { ifMatch: etag }));
    expect(removed.timing.waits).toEqual([1000]);
    const fragment = changingAt(99, () => stored(etag));
    await failureOf(fragment.writer.put("policyFragments/f", policy, { ifMatch: etag }));
    expect(fragment.timing.waits.reduce((sum, wait) => sum + wait)).toBeGreaterThanOrEqual(60_000);
  });

  it("waits on where it cannot be read", async () => {
    const { writer, timing } = changingAt(3, (changed) => (changed ? stored('"2"') : { status: 404, text: "{" }));
    await failureOf(writer.put("apis/a/policies/policy", policy, { ifMatch: etag }));
    expect(timing.waits).toEqual([1000, 2000]);
  });

  it("is not waited for where ARM has refused it", async () => {
    const { writer, sent } = writerOver(() => error(412, "PreconditionFailed", "x"));
    await failureOf(writer.put("apis/a/policies/policy", policy, { ifMatch: etag }));
    expect(sent).toHaveLength(1);
  });
});

describe("a precondition", () => {
  it.each(["", "*"])("that any document meets is refused: '%s'", async (ifMatch) => {
    const { writer, sent } = writerOver(() => ({ status: 200 }));
    expect(await failureOf(writer.put("backends/b", {}, { ifMatch }))).toMatchObject({ code: "internal" });
    expect(await failureOf(writer.delete("backends/b", { ifMatch }))).toMatchObject({ code: "internal" });
    expect(sent).toEqual([]);
  });

  it("cannot be left out: neither of the writer's calls nor of a request compiles without it", async () => {
    type Put = Parameters<DocumentWriter["put"]>;
    type Remove = Parameters<DocumentWriter["delete"]>;
    expectTypeOf<[string, JsonObject]>().not.toExtend<Put>();
    expectTypeOf<[string, JsonObject, Record<string, never>]>().not.toExtend<Put>();
    expectTypeOf<[string]>().not.toExtend<Remove>();
    expectTypeOf<[string, { ifNoneMatch: "*" }]>().not.toExtend<Remove>();
    expectTypeOf<{ method: "PUT"; url: string; body: JsonObject }>().not.toExtend<Parameters<typeof send>[1]>();
    expectTypeOf<{ method: "DELETE"; url: string }>().not.toExtend<Parameters<typeof send>[1]>();
    // Nor is anything sent for a caller whom no compiler stops.
    const { writer, sent } = writerOver(() => ({ status: 200 }));
    await expect(Reflect.apply(writer.put, writer, ["backends/b", {}])).rejects.toThrow();
    await expect(Reflect.apply(writer.delete, writer, ["backends/b"])).rejects.toThrow();
    expect(sent).toEqual([]);
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

  it("is not followed to another origin; its end is not known", async () => {
    const { writer, sent } = writerOver(() => ({ status: 202, headers: { location: "https://evil.example.net/x" } }));
    expect(await writer.put("policyFragments/f", fragment, { ifMatch: etag })).toEqual({
      unfinished: expect.stringContaining("https://evil.example.net"),
      correlationId: null,
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

  it("that have another value now are a conflict, under the ETag too", async () => {
    const { gateway, sent, stored } = backend(live);
    const { properties = {} } = (await gateway.reader(neverAborted).document("backends/b")) ?? {};
    const rotated = { ...live, credentials: { header: { "api-key": ["another"] } } };
    await gateway.writer.put("backends/b", rotated, { ifMatch: '"1"' });
    expect(await failureOf(gateway.writer.put("backends/b", properties, { ifMatch: '"2"' }))).toMatchObject({ code: "conflict" });
    expect(stored()).toEqual(rotated);
    expect(writes(sent)).toEqual(["PUT"]);
  });

  it("that are gone are a conflict, and nothing is written", async () => {
    const { gateway, sent } = backend({ url: "https://x" });
    const properties = { credentials: { header: { "api-key": ["<secret:credentials.header.api-key.0>"] } } };
    expect(await failureOf(gateway.writer.put("backends/b", properties, { ifMatch: '"1"' }))).toMatchObject({ code: "conflict" });
    expect(sent.map(({ method }) => method)).toEqual(["GET"]);
  });

  it.each([
    error(400, "ValidationError", "Url is not supported."),
    error(400, "ValidationError", `'canary' of ${token} is refused.`),
    { status: 500, text: "{" },
    new Error("socket hang up"),
  ])("are in no error of a write that failed, and neither is the token", async (answer) => {
    const { fetch, sent } = wire(({ method }) => (method === "GET" ? { headers: { etag }, body: { properties: live } } : answer));
    const { writer, reader } = gatewayOver(fetch);
    const { properties = {} } = (await reader(neverAborted).document("backends/b")) ?? {};
    const failure = await failureOf(writer.put("backends/b", properties, { ifMatch: etag }));
    expect(failure).toBeInstanceOf(GatewayError);
    expect(JSON.stringify(sent.find(({ method }) => method === "PUT")?.body)).toContain("canary");
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(new RegExp(`canary|${token}`));
  });

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
    // ARM's own members mean "not set" by null; what another holds may mean anything.
    const own = ["credentials", "header", "query", "authorization", "managedIdentity", "pool", "circuitBreaker", "tls"];
    const set = (value: Json): Json => (Array.isArray(value) ? value.map(set) : isObject(value) ? members(value) : value);
    const members = (value: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== null)
          .map(([name, inner]) => [name, own.includes(name) ? set(inner) : inner]),
      );
    await fc.assert(
      fc.asyncProperty(properties, async ({ credentials, known, unknown }) => {
        const first: JsonObject = JSON.parse(JSON.stringify({ ...unknown, ...known, credentials }));
        const { gateway, stored } = backend(first);
        const document = await gateway.reader(neverAborted).document("backends/b");
        await gateway.writer.put("backends/b", document?.properties ?? {}, { ifMatch: document?.etag ?? "" });
        const { provisioningState: _, ...expected } = members(first);
        expect(stored()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
