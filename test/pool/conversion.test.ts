import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { type PoolEdit, planPool, poolDocuments } from "../../src/pool/plan.ts";
import type { PoolRequest } from "../../src/pool/request.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { api, csharp, expectFailure, ids, to, written } from "./planning.ts";
import { breaker, inventoryOf, live, type Parts, policy, resourceId, single } from "./service.ts";

const identity = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
const east = single("https://east.openai.azure.com/openai", { ...identity, title: "East" });
const alone: Parts = {
  backends: { east, west: single("https://west.openai.azure.com/openai", identity) },
  policies: { [api]: to("east") },
};
const west = { backends: [{ backend_id: "west", priority: 2 }] };

const convert = (request: Omit<PoolRequest, "api_id">, parts: Parts = alone): PoolEdit => {
  const inventory = inventoryOf(parts);
  const asked = { api_id: "chat", ...request };
  const wanted = poolDocuments(inventory, csharp, asked);
  return planPool(inventory, csharp, live(inventory.backends.filter(({ id }) => wanted.includes(id))), asked);
};

/** Where the API goes once the documents are written. */
function goesTo(edit: PoolEdit, parts: Parts): readonly string[] {
  const documents = edit.documents.map(({ id, after }) => [id, after ?? {}] as const);
  const backends = Object.fromEntries(documents.flatMap(([id, after]) => (id.startsWith("backends/") ? [[id.slice(9), after]] : [])));
  const policies = Object.fromEntries(documents.flatMap(([id, after]) => (id.endsWith("/policy") ? [[id, String(after.value)]] : [])));
  const inventory = inventoryOf({ ...parts, backends: { ...parts.backends, ...backends }, policies: { ...parts.policies, ...policies } });
  return resolveRoutes(inventory, csharp, "chat").routes.map(
    ({ certainty, kind, backendId, url, members }) =>
      `${certainty} ${kind} ${backendId ?? url} ${members.map((member) => `${member.backendId} ${member.share}`).join()}`,
  );
}

const poolOf = (...members: (readonly [id: string, priority: number])[]): JsonObject => ({
  type: "Pool",
  pool: { services: members.map(([id, priority]) => ({ id: `${resourceId}/backends/${id}`, priority })) },
});

describe("a backend becomes a pool", () => {
  test("of it and the members that are named: the pool first, the policy last", () => {
    const edit = convert(west);
    expect(ids(edit)).toEqual(["backends/east-pool", api]);
    expect(edit.documents.map(({ before }) => before === null)).toEqual([true, false]);
    expect(written(edit, "backends/east-pool")).toEqual(poolOf(["east", 1], ["west", 2]));
    expect(String(written(edit, api).value)).toBe(to("east-pool"));
    expect(edit.action).toBe("east-pool: + east priority 1; + west priority 2; API chat goes to it");
    expect(edit.summary).toContain(
      "Shares stay: east 100 %, west 0 %.".replace(
        "Shares stay: east 100 %, west 0 %.",
        "Shares now: east 100 %; then: east 100 %, west 0 %.",
      ),
    );
    expect(edit.summary).toContain("no breaker opens");
    expect(edit.warnings).toEqual([expect.stringContaining("No circuit breaker on 'east' (priority 1)")]);
    expect(goesTo(edit, alone)).toEqual(["certain pool east-pool east 100,west 0"]);
  });

  test("with new members, breakers on all, affinity, a status and a retry, in one change", () => {
    const edit = convert({
      pool_id: "regions",
      backends: [{ backend_id: "north", url: "https://north.openai.azure.com/openai", region: "North Europe", priority: 2 }],
      policies: { circuit_breaker: { failure_count: 5 }, session_affinity: { cookie: "s" }, failure_status: 429, retry: { count: 1 } },
    });
    expect(ids(edit)).toEqual(["backends/north", "backends/east", "backends/regions", api]);
    expect(written(edit, "backends/north")).toMatchObject({ ...identity, azureRegion: "northeurope", circuitBreaker: { rules: [{}] } });
    expect(written(edit, "backends/east")).toMatchObject({ ...east, circuitBreaker: { rules: [{}] } });
    expect(written(edit, "backends/regions")).toMatchObject({
      pool: { sessionAffinity: { sessionId: { name: "s" } }, failureResponse: { statusCode: 429 } },
    });
    const text = String(written(edit, api).value);
    expect(text).toContain('backend-id="regions"');
    expect(text).toContain("<retry ");
    expect(edit.manualSteps).toEqual([expect.stringMatching(/^az role assignment create/)]);
    expect(edit.summary).toContain(
      "up to 5 errors a gateway instance before its breaker opens, 2 with one retry, plus every call already in flight, then north takes 100 %.",
    );
    expect(edit.summary).toContain("unknown");
  });

  test.each<[string, Parts]>([
    ["a named value says so", { ...alone, policies: { [api]: to("{{primary}}") }, namedValues: { primary: "east" } }],
    [
      "a fragment says so",
      {
        ...alone,
        policies: { [api]: policy('<include-fragment fragment-id="r" />') },
        fragments: { r: '<fragment><set-backend-service backend-id="east" /></fragment>' },
      },
    ],
    ["the global policy says so", { ...alone, policies: { "policies/policy": to("east") } }],
    [
      "the API's policy has no inbound",
      { ...alone, policies: { "policies/policy": to("east"), [api]: "<policies><outbound /></policies>" } },
    ],
  ])("where %s; no document of others changes", (_, parts) => {
    const edit = convert(west, parts);
    expect(ids(edit)).toEqual(["backends/east-pool", api]);
    expect(goesTo(edit, parts)).toEqual(["certain pool east-pool east 100,west 0"]);
  });

  test("the id of a pool that there is gets a number; one that is given is taken", () => {
    const parts = { ...alone, backends: { ...alone.backends, "east-pool": single("https://x.openai.azure.com") } };
    expect(ids(convert(west, parts))).toEqual(["backends/east-pool-2", api]);
    expect(ids(convert({ ...west, pool_id: "mine" }))).toEqual(["backends/mine", api]);
    expect(() => convert({ ...west, pool_id: "a/b" })).toThrow("cannot be the id");
  });

  test("of several, the one that pool_id says", () => {
    const choose =
      '<choose><when condition="@(x)"><set-backend-service backend-id="east" /></when><otherwise><set-backend-service backend-id="west" /></otherwise></choose>';
    const parts: Parts = { ...alone, policies: { [api]: policy(choose) } };
    const edit = convert({ pool_id: "east", backends: [{ backend_id: "west", priority: 2 }] }, parts);
    expect(ids(edit)).toEqual(["backends/east-pool", api]);
    expect(goesTo(edit, parts)).toEqual(["conditional pool east-pool east 100,west 0", "conditional backend west west 100"]);
  });

  test("operations that go there by themselves stay, and are named", () => {
    const parts = { ...alone, policies: { ...alone.policies, "apis/chat/operations/create/policies/policy": to("east") } };
    expect(convert(west, parts).warnings).toContain("Operation 'create' says by itself where it goes, and stays at 'east'.");
  });
});

describe("a URL becomes a pool", () => {
  const service: Parts = { ...alone, apis: { chat: "https://aoai-central.openai.azure.com/openai" }, policies: {} };

  test("the API's own: with a backend for it", () => {
    const edit = convert(
      { backends: [{ backend_id: "west", priority: 2, circuit_breaker: {} }], policies: { circuit_breaker: {} } },
      service,
    );
    expect(ids(edit)).toEqual(["backends/aoai-central", "backends/west", "backends/aoai-central-pool", api]);
    expect(written(edit, "backends/aoai-central")).toMatchObject({
      url: "https://aoai-central.openai.azure.com/openai",
      protocol: "http",
      circuitBreaker: {},
    });
    expect(edit.documents.map(({ before }) => before === null)).toEqual([true, false, true, true]);
    expect(goesTo(edit, service)).toEqual(["certain pool aoai-central-pool aoai-central 100,west 0"]);
  });

  test("with the backend that is at it, which signs its calls in then", () => {
    const parts = { ...alone, policies: { [api]: policy('<set-backend-service base-url="https://east.openai.azure.com/openai/" />') } };
    const edit = convert({ ...west, policies: { circuit_breaker: {} } }, parts);
    expect(ids(edit)).toEqual(["backends/east", "backends/west", "backends/east-pool", api]);
    expect(String(written(edit, api).value)).toContain('<set-backend-service backend-id="east-pool" />');
    expect(edit.warnings).toContain(
      "Calls of the API come to be signed in by backend 'east': the gateway's token for https://cognitiveservices.azure.com.",
    );
    expect(goesTo(edit, parts)).toEqual(["certain pool east-pool east 100,west 0"]);
  });

  test("not one that holds a key", () => {
    const parts = { ...alone, policies: { [api]: policy('<set-backend-service base-url="https://far.example/?code=abc" />') } };
    expect(() => convert(west, parts)).toThrow("holds credentials");
  });
});

describe("what cannot be turned into a pool", () => {
  test.each<[string, Parts, string]>([
    [
      "what an expression decides",
      { ...alone, policies: { [api]: to('@(context.Request.Headers.GetValueOrDefault("b"))') } },
      "unsupported",
    ],
    ["no place at all", { ...alone, apis: { chat: null }, policies: {} }, "unsupported"],
    [
      "what the backend section decides in a fragment",
      {
        ...alone,
        policies: { [api]: policy("", '<include-fragment fragment-id="f" />') },
        fragments: { f: '<fragment><set-backend-service backend-id="east" /><forward-request /></fragment>' },
      },
      "unsupported",
    ],
    ["a policy without a root", { ...alone, apis: { chat: "https://o.openai.azure.com" }, policies: { [api]: "<x />" } }, "unsupported"],
  ])("%s", (_, parts, code) => {
    const inventory = inventoryOf(parts);
    expectFailure(() => planPool(inventory, csharp, live(inventory.backends), { api_id: "chat", ...west }), code);
  });
});

describe("regions and identities of backends", () => {
  test("a region is set on an existing member, once", () => {
    const parts: Parts = { ...alone, backends: { ...alone.backends, east: { ...east, azureRegion: "eastus", ...breaker() } } };
    const named = (region: string) => convert({ backends: [{ backend_id: "east", region }] }, parts);
    expect(named("East US").documents).toEqual([]);
    const edit = named("westus3");
    expect(written(edit, "backends/east").azureRegion).toBe("westus3");
    expect(edit.action).toBe("east: region westus3");
  });

  test.each<[boolean | undefined, JsonObject, JsonObject]>([
    [undefined, identity, identity],
    [false, identity, {}],
    [true, {}, identity],
    [undefined, {}, {}],
  ])("managed_identity %s beside members with %j", (managed_identity, of, expected) => {
    const parts: Parts = { ...alone, backends: { east: single("https://east.openai.azure.com/", of) } };
    const edit = convert(
      {
        backends: [
          { backend_id: "n", url: "https://n.openai.azure.com/", ...(managed_identity === undefined ? {} : { managed_identity }) },
        ],
      },
      parts,
    );
    expect(written(edit, "backends/n")).toEqual({ url: "https://n.openai.azure.com/", protocol: "http", ...expected });
  });
});
