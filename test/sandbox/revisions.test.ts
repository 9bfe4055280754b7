import { describe, expect, test } from "vitest";
import { sandboxService } from "../../src/sandbox/service.ts";
import { openSandbox } from "./client.ts";

const source = `${sandboxService.resourceId}/apis/azure-openai`;
const revision = "apis/azure-openai%3Brev=2";

describe("a revision made of an API", () => {
  test("has the API's properties, operations and policies, and is not the current one", async () => {
    const client = openSandbox({ seed: "demo" });
    const before = await client.get("apis/azure-openai/policies/policy?format=rawxml");
    const { status, body } = await client.put(revision, { path: "openai", sourceApiId: source, apiRevisionDescription: "try" });
    expect([status, body.name]).toEqual([201, "azure-openai;rev=2"]);
    expect(body.properties).toMatchObject({
      displayName: "Azure OpenAI",
      apiRevision: "2",
      isCurrent: false,
      apiRevisionDescription: "try",
    });
    expect(body.properties).not.toHaveProperty("sourceApiId");
    expect((await client.get(`${revision}/policies/policy?format=rawxml`)).body.properties).toEqual(before.body.properties);
    expect((await client.get(`${revision}/operations`)).body.value).toHaveLength(2);
    expect((await client.get("apis?$filter=isCurrent eq true")).body.value.map(({ name }) => name)).toEqual(["azure-openai"]);
  });

  test("takes a policy of its own, and its deletion takes everything of it and nothing of the API's", async () => {
    const client = openSandbox({ seed: "demo" });
    const before = new Map(client.sandbox.world.all().map(({ path, properties }) => [path, properties]));
    await client.put(revision, { path: "openai", sourceApiId: source });
    const policy = { format: "rawxml", value: "<policies><inbound><base /></inbound><backend><base /></backend></policies>" };
    expect((await client.put(`${revision}/policies/policy`, policy, { "if-none-match": "*" })).status).toBe(412);
    expect((await client.put(`${revision}/policies/policy`, policy)).status).toBe(200);
    expect((await client.send("DELETE", revision, undefined, { "if-match": "*" })).status).toBe(200);
    expect(new Map(client.sandbox.world.all().map(({ path, properties }) => [path, properties]))).toEqual(before);
  });

  test("is refused where it is made of nothing that there is", async () => {
    const client = openSandbox({ seed: "demo" });
    expect((await client.put(revision, { path: "openai" })).status).toBe(400);
    expect((await client.put("apis/none%3Brev=2", { path: "none", sourceApiId: source })).status).toBe(404);
    expect((await client.put(`${revision}/policies/policy`, { format: "rawxml", value: "<policies />" })).status).toBe(404);
  });
});
