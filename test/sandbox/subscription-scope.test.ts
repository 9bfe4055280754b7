import { describe, expect, test } from "vitest";
import { sandboxService } from "../../src/sandbox/service.ts";
import { type Client, messagesOf, openSandbox } from "./client.ts";

const { resourceId } = sandboxService;
const form = "Subscription scope should be one of '/apis', '/apis/{apiId}', '/products/{productId}'";

async function openGrowth(): Promise<Client> {
  const client = openSandbox({ seed: "demo" });
  await client.put("workspaces/growth", { displayName: "Growth" });
  await client.put("workspaces/growth/products/gold", { displayName: "Gold" });
  return client;
}

const put = (client: Client, scope: string, level = "") => client.put(`${level}subscriptions/new`, { displayName: "New", scope });

describe("a subscription's scope", () => {
  test.each([
    ["/apis", `${resourceId}/apis`, ""],
    ["/apis/azure-openai", `${resourceId}/apis/azure-openai`, ""],
    ["/products/AOAI", `${resourceId}/products/AOAI`, ""],
    [`${resourceId}/products/aoai`, `${resourceId}/products/aoai`, ""],
    ["/products/gold", `${resourceId}/products/gold`, "workspaces/growth/"],
    ["/workspaces/growth/products/gold", `${resourceId}/workspaces/growth/products/gold`, "workspaces/growth/"],
  ])("may be %s", async (scope, whole, level) => {
    const { status, body } = await put(await openGrowth(), scope, level);
    expect([status, body.properties.scope]).toEqual([201, whole]);
  });

  test.each([
    ["/products/none", "Product with id 'none' could not be found.", ""],
    ["/apis/none", "API with id 'none' could not be found.", ""],
    [`${resourceId}/products/none`, "Product with id 'none' could not be found.", ""],
    ["/products/gold", "Product with id 'gold' could not be found.", ""],
    ["/products/none", "Product with id 'none' could not be found.", "workspaces/growth/"],
    ["/workspaces/growth/products/gold", form, ""],
    [`${resourceId}/`, form, ""],
    [resourceId, form, ""],
    [`${resourceId}-2/products/aoai`, form, ""],
    ["/products", form, ""],
    ["/backends/aoai-eastus", form, ""],
  ])("must not be %s: %s", async (scope, message, level) => {
    const client = await openGrowth();
    const answer = await put(client, scope, level);
    expect([answer.status, messagesOf(answer)]).toEqual([400, [message]]);
    expect(answer.body.error).toMatchObject({ code: "ValidationError", details: [{ target: "scope" }] });
    expect((await client.get(`${level}subscriptions/new`)).status).toBe(404);
  });

  test("stays on a PATCH of something else, even where it could not be written", async () => {
    const client = await openGrowth();
    const patched = await client.send("PATCH", "subscriptions/master", { properties: { state: "suspended" } }, { "if-match": "*" });
    expect([patched.status, patched.body.properties.state]).toEqual([200, "suspended"]);
  });
});
