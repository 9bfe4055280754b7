import { describe, expect, test } from "vitest";
import { armId } from "../../src/sandbox/world.ts";
import { type Client, messagesOf, openSandbox } from "./client.ts";

const policy = (...elements: readonly string[]) => ({
  format: "rawxml",
  value: `<policies><inbound>${elements.join("")}</inbound></policies>`,
});
const backend = { url: "https://one.example/openai", protocol: "http" };

/** One resource of each kind, each after what it stands in. */
const resources: readonly (readonly [path: string, properties: Readonly<Record<string, unknown>>])[] = [
  ["apis/chat", { displayName: "Chat", path: "chat" }],
  ["apis/chat/operations/ask", { displayName: "Ask", method: "POST", urlTemplate: "/ask" }],
  ["apis/chat/policies/policy", policy("<base />")],
  ["apis/chat/operations/ask/policies/policy", policy("<base />")],
  ["products/gold", { displayName: "Gold" }],
  ["products/gold/policies/policy", policy("<base />")],
  ["subscriptions/growth", { displayName: "Growth", scope: "/products/gold", primaryKey: "canary", createdDate: "2026-01-01" }],
  ["backends/one", backend],
  ["policies/policy", policy()],
  ["policyFragments/limits", { format: "rawxml", value: "<fragment><rate-limit /></fragment>" }],
  ["namedValues/tpm", { displayName: "tpm", value: "100" }],
  ["namedValues/key", { displayName: "key", value: "canary", secret: true }],
  ["loggers/one", { loggerType: "azureMonitor" }],
];

const collectionOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

async function openWorkspace(): Promise<Client> {
  const client = openSandbox();
  expect((await client.put("workspaces/growth", { displayName: "Growth" })).status).toBe(201);
  return client;
}

/** An answer with the workspace taken out of its paths and types, and without what is never twice the same. */
const comparable = (text: string) =>
  text
    .replaceAll("/workspaces", "")
    .replaceAll("/growth/", "/")
    .replace(/azure-asyncId=[^&]*/g, "");

describe("a workspace", () => {
  test.each(resources.map(([path]) => path))("answers as the service itself does: %s", async (asked) => {
    const client = await openWorkspace();
    for (const [path, properties] of resources) {
      const own = await client.put(path, properties);
      const twin = await client.put(`workspaces/growth/${path}`, properties);
      expect([twin.status, comparable(twin.text)]).toEqual([own.status, comparable(own.text)]);
      if (path === asked) break;
    }
    for (const path of [asked, collectionOf(asked)]) {
      const own = await client.get(path);
      const twin = await client.get(`workspaces/growth/${path}`);
      expect(twin.status).toBe(200);
      expect(comparable(twin.text)).toBe(comparable(own.text));
      expect(twin.text).not.toContain("canary");
    }
    const { body } = await client.get(`workspaces/growth/${asked}`);
    expect(body.id).toBe(armId(`workspaces/growth/${asked}`));
    expect(body.type).toMatch(/^Microsoft\.ApiManagement\/service\/workspaces\/[a-zA-Z/]+$/);
  });

  test("has its own and not the service's, nor does the service list what it has", async () => {
    const client = await openWorkspace();
    for (const [path, properties] of resources) await client.put(`workspaces/growth/${path}`, properties);
    for (const [path] of resources) {
      expect((await client.get(path)).status, path).toBe(404);
      expect((await client.get(collectionOf(path))).body.value ?? [], path).toEqual([]);
    }
  });

  test("must be there", async () => {
    const client = openSandbox();
    for (const answer of [await client.get("workspaces/none/apis"), await client.put("workspaces/none/backends/one", backend)]) {
      expect(answer.status).toBe(404);
      expect(answer.body.error.message).toBe("Workspace not found.");
    }
  });

  test("has products with links to its APIs", async () => {
    const client = await openWorkspace();
    await client.put("apis/service-api", { path: "service" });
    await client.put("workspaces/growth/apis/chat", { path: "chat" });
    await client.put("workspaces/growth/products/gold", { displayName: "Gold" });
    const links = "workspaces/growth/products/gold/apiLinks";
    const apiId = armId("workspaces/growth/apis/chat");
    expect((await client.put(`${links}/one`, { apiId })).status).toBe(201);
    expect((await client.get(links)).body.value).toMatchObject([{ name: "one", properties: { apiId } }]);
    for (const other of [armId("apis/service-api"), armId("workspaces/growth/apis/none"), armId("apis/chat")]) {
      expect((await client.put(`${links}/two`, { apiId: other })).status).toBe(404);
    }
    expect((await client.send("DELETE", `${links}/one`)).status).toBe(200);
    expect((await client.get(links)).body.value).toEqual([]);
  });

  test("refuses as the service itself does", async () => {
    const client = await openWorkspace();
    for (const [path, properties] of resources) {
      for (const level of ["", "workspaces/growth/"]) await client.put(`${level}${path}`, properties);
    }
    await client.send("DELETE", "subscriptions/growth", undefined, { "if-match": "*" });
    await client.put("subscriptions/growth", { displayName: "Growth", scope: "/apis" });
    await client.put("workspaces/growth/subscriptions/growth", { displayName: "Growth", scope: "/workspaces/growth/products/gold" });
    const used = await client.send("DELETE", "workspaces/growth/products/gold", undefined, { "if-match": "*" });
    expect(messagesOf(used)).toEqual(["Product 'gold' cannot be deleted while it has subscriptions."]);
    expect((await client.send("DELETE", "products/gold", undefined, { "if-match": "*" })).status).toBe(200);
    for (const level of ["", "workspaces/growth/"]) {
      const answer = await client.put(`${level}apis/chat/operations/none/policies/policy`, policy());
      expect([answer.status, ...messagesOf(answer)]).toEqual([400, "Entity with specified identifier not found"]);
      const twice = await client.put(`${level}namedValues/again`, { displayName: "tpm", value: "1" });
      expect(messagesOf(await client.get(twice.headers.get("location") ?? ""))).toEqual(["Property with the same name already exist."]);
    }
  });

  test("goes with all that is in it", async () => {
    const client = await openWorkspace();
    for (const [path, properties] of resources) await client.put(`workspaces/growth/${path}`, properties);
    expect((await client.send("DELETE", "workspaces/growth", undefined, { "if-match": "*" })).status).toBe(200);
    expect(client.sandbox.world.all()).toEqual([]);
  });

  test("shows its policies in the list of all of them", async () => {
    const client = await openWorkspace();
    await client.put("workspaces/growth/policies/policy", policy("<base />"));
    expect((await client.get("allPolicies")).body.value.map(({ properties }) => properties.referencePolicyId)).toEqual([
      armId("workspaces/growth/policies/policy"),
    ]);
  });
});

describe("names lead only to what is in the same workspace", () => {
  const uses = [
    ["backends/one", backend, '<set-backend-service backend-id="one" />', "Backend with id 'one' could not be found."],
    [
      "policyFragments/one",
      { format: "rawxml", value: "<fragment />" },
      '<include-fragment fragment-id="one" />',
      "Policy fragment with id 'one' could not be found.",
    ],
    ["namedValues/one", { displayName: "one", value: "1" }, '<rate-limit calls="{{one}}" />', "Cannot find a property 'one'"],
  ] as const;
  const levels = ["", "workspaces/growth/", "workspaces/other/"];

  test.each(uses)("%s", async (path, properties, use, missing) => {
    for (const level of levels) {
      const client = await openWorkspace();
      await client.put("workspaces/other", { displayName: "Other" });
      await client.put(`${level}${path}`, properties);
      for (const other of levels.filter((candidate) => candidate !== level)) {
        const refused = await client.put(`${other}policies/policy`, policy(use));
        expect(refused.status).toBe(400);
        expect(messagesOf(refused)).toEqual([expect.stringContaining(missing)]);
      }
      expect((await client.put(`${level}policies/policy`, policy(use))).status).toBe(201);
      const removed = await client.send("DELETE", `${level}${path}`, undefined, { "if-match": "*" });
      expect(messagesOf(removed)).toEqual([expect.stringContaining(`/${level}policies/policy`)]);
    }
  });

  test("what another workspace uses by the same name may go", async () => {
    const client = await openWorkspace();
    for (const level of levels.slice(0, 2)) await client.put(`${level}backends/one`, backend);
    await client.put("workspaces/growth/policies/policy", policy('<set-backend-service backend-id="one" />'));
    expect((await client.send("DELETE", "backends/one", undefined, { "if-match": "*" })).status).toBe(200);
  });

  test("members of a pool", async () => {
    const client = await openWorkspace();
    const pool = { type: "Pool", pool: { services: [{ id: "/backends/one" }] } };
    await client.put("backends/one", backend);
    expect(messagesOf(await client.put("workspaces/growth/backends/pool", pool))).toEqual(["Backend with id 'one' could not be found."]);
    await client.put("workspaces/growth/backends/one", backend);
    expect((await client.put("workspaces/growth/backends/pool", pool)).status).toBe(201);
  });
});
