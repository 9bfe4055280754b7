import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { armId } from "../../../src/sandbox/world.ts";
import { type Kit, message, openKit, subscription } from "./kit.ts";

type Resources = readonly (readonly [path: string, properties: JsonObject])[];

const api = (path: string, more: JsonObject = {}): JsonObject => ({
  displayName: path,
  path,
  serviceUrl: `https://backend.test/${String(more.apiVersion ?? "none")}-${String(more.apiRevision ?? "1")}-${path.replaceAll("/", "_")}`,
  subscriptionRequired: false,
  isCurrent: true,
  apiRevision: "1",
  ...more,
});

const operation = (urlTemplate: string, method = "GET"): JsonObject => ({ displayName: urlTemplate, method, urlTemplate });

const versioned = (scheme: string, more: JsonObject = {}): Resources => [
  ["apiVersionSets/set", { displayName: "Set", versioningScheme: scheme, versionQueryName: "v", versionHeaderName: "X-Version", ...more }],
  ...["", "v1", "v2"].flatMap(
    (apiVersion): Resources => [
      [`apis/p${apiVersion}`, api("p", { apiVersion, apiVersionSetId: armId("apiVersionSets/set") })],
      [`apis/p${apiVersion}/operations/get`, operation("/x")],
    ],
  ),
];

const revised: Resources = [
  ["apis/p", api("p", { apiRevision: "2" })],
  ["apis/p/operations/get", operation("/x")],
  ["apis/p;rev=1", api("p", { isCurrent: false })],
  ["apis/p;rev=1/operations/get", operation("/x")],
];

const templates: Resources = [
  ["apis/p", api("p")],
  ...["/a/b", "/a/{x}", "/a/{x}/c", "/{y}/b", "/get-{id}.json", "/{any}", "/q?kind={kind}", "/q", "/w/*", "/w/{*rest}?all=1", "/"].map(
    (template, index) => [`apis/p/operations/op${index}`, operation(template)] as const,
  ),
  ["apis/p/operations/post", operation("/a/b", "POST")],
];

const routes: readonly (readonly [name: string, resources: Resources, path: string, init: RequestInit, at: string])[] = [
  [
    "the longest API path wins",
    [
      ["apis/a", api("p")],
      ["apis/b", api("p/q")],
      ["apis/b/operations/x", operation("/x")],
      ["apis/a/operations/x", operation("/q/x")],
    ],
    "/p/q/x",
    {},
    "b x ",
  ],
  [
    "an empty API path takes the rest",
    [
      ["apis/a", api("")],
      ["apis/a/operations/x", operation("/x")],
    ],
    "/x",
    {},
    "a x ",
  ],
  [
    "paths are matched in any case (assumed)",
    [
      ["apis/a", api("Path")],
      ["apis/a/operations/x", operation("/Thing")],
    ],
    "/pATH/thing",
    {},
    "a x ",
  ],
  ["a version in the path (documented)", versioned("Segment"), "/p/v2/x", {}, "pv2 get "],
  ["no version is the original (documented)", versioned("Segment"), "/p/x", {}, "p get "],
  ["a version in the query (documented)", versioned("Query"), "/p/x?v=v1", {}, "pv1 get "],
  ["no version in the query is the original", versioned("Query"), "/p/x", {}, "p get "],
  ["a version in a header (documented)", versioned("Header"), "/p/x", { headers: { "x-version": "v2" } }, "pv2 get "],
  ["the current revision (documented)", revised, "/p/x", {}, "p get "],
  ["another revision by ;rev= (documented)", revised, "/p;rev=1/x", {}, "p get "],
  ["a literal before a parameter", templates, "/p/a/b", {}, "p op0 "],
  ["a parameter", templates, "/p/a/z", {}, "p op1 x=z"],
  ["a parameter in the middle", templates, "/p/a/z/c", {}, "p op2 x=z"],
  ["the literal further to the left", templates, "/p/z/b", {}, "p op3 y=z"],
  ["a parameter within a segment", templates, "/p/get-7.json", {}, "p op4 id=7"],
  ["a parameter that is the whole segment comes after it", templates, "/p/got-7.json", {}, "p op5 any=got-7.json"],
  ["parameters are decoded", templates, "/p/a/z%20%2F", {}, "p op1 x=z /"],
  ["a query parameter of the template", templates, "/p/q?kind=k", {}, "p op6 kind=k"],
  ["without it another operation", templates, "/p/q?other=k", {}, "p op7 "],
  ["a wildcard (documented)", templates, "/p/w/1/2/3", {}, "p op8 "],
  ["a named wildcard", templates, "/p/w/1/2?all=1", {}, "p op9 rest=1/2"],
  ["the root", templates, "/p", {}, "p op10 "],
  ["the method decides", templates, "/p/a/b", { method: "POST" }, "p post "],
];

describe("routing", () => {
  test.each(routes)("%s", async (_, resources, path, init, at) => {
    const kit = openKit({ resources });
    const answer = await kit.send({ path, ...init });
    const { route } = kit.finished[0] ?? {};
    const parameters = [...(route?.parameters ?? [])].map(([name, value]) => `${name}=${value}`).join(",");
    expect(`${route?.api.id} ${route?.operation?.id} ${parameters}`, answer.text).toBe(at);
  });

  test("the revision's own backend is asked", async () => {
    const kit = openKit({ resources: revised });
    await kit.send({ path: "/p/x" });
    await kit.send({ path: "/p;rev=1/x" });
    expect(kit.backend.received.map(({ url }) => url)).toEqual(["https://backend.test/none-2-p/x", "https://backend.test/none-1-p/x"]);
  });

  test.each([
    ["no API", "/nowhere", {}],
    ["no operation", "/p/a/b/c/d", {}],
    ["no operation with the method", "/p/a/b", { method: "DELETE" }],
    ["an unknown revision", "/p;rev=9/a/b", {}],
    ["a broken escape", "/p/%zz/%", {}],
  ])("404 as the service has it: %s (measured)", async (_, path, init) => {
    const answer = await openKit({ resources: templates }).send({ path, ...init });
    expect(answer.status).toBe(404);
    expect(message(answer)).toEqual({ statusCode: 404, message: "Resource not found" });
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  test("an unknown version is not found", async () => {
    expect((await openKit({ resources: versioned("Query") }).send({ path: "/p/x?v=v9" })).status).toBe(404);
  });

  test("on-error of the global policy sees OperationNotFound (documented)", async () => {
    const onError = `<on-error><set-header name="x-reason" exists-action="override"><value>@(context.LastError.Source + " " + context.LastError.Reason)</value></set-header></on-error>`;
    const kit = openKit({ resources: [["policies/policy", { value: `<policies><inbound />${onError}</policies>` }]] });
    const answer = await kit.send({ path: "/nowhere" });
    expect([answer.status, answer.headers.get("x-reason")]).toEqual([404, "configuration OperationNotFound"]);
  });

  test("a change is effective with the next call", async () => {
    const kit = openKit({ resources: templates });
    expect((await kit.send({ path: "/p/new/path/x" })).status).toBe(404);
    kit.world.put("apis/p/operations/new", operation("/new/path/x"));
    expect((await kit.send({ path: "/p/new/path/x" })).status).toBe(200);
    kit.world.delete("apis/p");
    expect((await kit.send({ path: "/p/new/path/x" })).status).toBe(404);
  });
});

const guarded: Resources = [
  ["apis/g", api("g", { subscriptionRequired: true })],
  ["apis/g/operations/get", operation("/x")],
  ["apis/n", api("n", { subscriptionRequired: true, subscriptionKeyParameterNames: { header: "api-key", query: "key" } })],
  ["apis/n/operations/get", operation("/x")],
  ["apis/free", api("free")],
  ["apis/free/operations/get", operation("/x")],
  ["products/team", { displayName: "Team", subscriptionRequired: true, state: "published" }],
  ["products/team/apis/g", {}],
  ["products/other", { displayName: "Other", subscriptionRequired: true, state: "published" }],
  ["products/other/apis/n", {}],
  ["subscriptions/master", subscription("")],
  ["subscriptions/all", subscription("apis")],
  ["subscriptions/one", subscription("apis/g")],
  ["subscriptions/team", subscription("products/team")],
  ["subscriptions/short", { ...subscription(""), scope: "/products/team" }],
  ["subscriptions/other", subscription("products/other")],
  ["subscriptions/gone", subscription("products/nowhere")],
  ["subscriptions/suspended", subscription("products/team", { state: "suspended" })],
  ["subscriptions/cancelled", subscription("products/team", { state: "cancelled" })],
  ["subscriptions/submitted", subscription("products/team", { state: "submitted" })],
];

/** Who has made the last call, and in whose product, as expressions see it. */
function who({ finished }: Kit): string {
  const { subscription: caller, product } = finished.at(-1)?.call.context ?? {};
  return `${caller?.id ?? "nobody"} ${product?.id ?? "none"}`;
}

const missing = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.";
const invalid = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.";

describe("subscription keys", () => {
  test.each([
    ["of a product that holds the API", "team", "/g/x", "team team"],
    ["of a product, its scope written short", "short", "/g/x", "short team"],
    ["of the API", "one", "/g/x", "one none"],
    ["of all APIs", "all", "/g/x", "all none"],
    ["of the whole service", "master", "/g/x", "master none"],
    ["where none is required: it still says who calls (measured)", "all", "/free/x", "all none"],
    ["of another product, where none is required: nobody (assumed)", "other", "/free/x", "nobody none"],
  ])("a key %s lets in (documented)", async (_, sid, path, expected) => {
    const kit = openKit({ resources: guarded });
    const answer = await kit.send({ path, headers: { "Ocp-Apim-Subscription-Key": kit.key(sid) } });
    expect([answer.status, who(kit)]).toEqual([200, expected]);
  });

  test.each([["suspended"], ["cancelled"], ["submitted"], ["other"], ["gone"]])(
    "401 for a key of the subscription '%s' (measured body)",
    async (sid) => {
      const kit = openKit({ resources: guarded });
      const answer = await kit.send({ path: "/g/x", headers: { "ocp-apim-subscription-key": kit.key(sid) } });
      expect(answer.status).toBe(401);
      expect(message(answer)).toEqual({ statusCode: 401, message: invalid });
      expect(kit.backend.received).toEqual([]);
    },
  );

  test("401 without a key, with the header that says where it belongs (measured)", async () => {
    const answer = await openKit({ resources: guarded }).send({ path: "/n/x" });
    expect(answer.status).toBe(401);
    expect(message(answer)).toEqual({ statusCode: 401, message: missing });
    expect(answer.headers.get("www-authenticate")).toBe(
      'AzureApiManagementKey realm="https://sandbox.azure-api.net/n",name="api-key",type="header"',
    );
  });

  test("the API's own names of header and query parameter; the header comes first", async () => {
    const kit = openKit({ resources: guarded });
    const status = async (path: string, headers: Record<string, string> = {}) => (await kit.send({ path, headers })).status;
    expect(await status(`/n/x?key=${kit.key("all")}`)).toBe(200);
    expect(await status("/n/x", { "api-key": kit.key("all") })).toBe(200);
    expect(await status("/n/x", { "ocp-apim-subscription-key": kit.key("all") })).toBe(401);
    expect(await status(`/n/x?key=${kit.key("all")}`, { "api-key": "wrong" })).toBe(401);
    expect(await status(`/g/x?subscription-key=${kit.key("all")}`)).toBe(200);
  });

  test("an open product lets everyone in without a key, in its context (documented)", async () => {
    const open: Resources = [
      ["products/open", { displayName: "Open", subscriptionRequired: false, state: "published" }],
      ["products/open/apis/g", {}],
    ];
    const kit = openKit({ resources: [...guarded, ...open] });
    expect((await kit.send({ path: "/g/x" })).status).toBe(200);
    expect(who(kit)).toBe("nobody open");
    expect((await kit.send({ path: "/g/x", headers: { "ocp-apim-subscription-key": "wrong" } })).status).toBe(401);
  });

  test("keys are 32 hexadecimal digits, another pair for each subscription and sandbox, and in no document", async () => {
    const kit = openKit({ resources: guarded });
    expect(kit.key("team")).toMatch(/^[\da-f]{32}$/);
    expect(kit.key("team")).not.toBe(kit.key("all"));
    expect(kit.key("team")).not.toBe(openKit({ resources: guarded }).key("team"));
    expect(JSON.stringify(kit.world.all())).not.toContain(kit.key("team"));
  });

  test("the check comes before inbound, and on-error sees its reason (documented)", async () => {
    const onError = `<set-header name="x-reason" exists-action="override"><value>@(context.LastError.Source + " " + context.LastError.Reason)</value></set-header>`;
    const value = `<policies><inbound><return-response /></inbound><on-error>${onError}</on-error></policies>`;
    const kit = openKit({ resources: [...guarded, ["policies/policy", { value }]] });
    expect((await kit.send({ path: "/g/x" })).headers.get("x-reason")).toBe("authorization SubscriptionKeyNotFound");
    const wrong = await kit.send({ path: "/g/x", headers: { "ocp-apim-subscription-key": "wrong" } });
    expect(wrong.headers.get("x-reason")).toBe("authorization SubscriptionKeyInvalid");
  });
});
