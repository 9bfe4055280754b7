import { describe, expect, it } from "vitest";
import { movableClock } from "../../../src/sandbox/clock.ts";
import { primaryKeys } from "../../../src/sandbox/gateway/keys.ts";
import { type ModelBackendsOptions, modelBackends } from "../../../src/sandbox/models/model-backends.ts";
import { regionIn } from "../../../src/sandbox/models/regions.ts";
import { historyOf } from "../../../src/sandbox/monitor/history.ts";
import { seedDemo } from "../../../src/sandbox/seed.ts";
import { createWorld, type World } from "../../../src/sandbox/world.ts";
import { chat, start } from "./client.ts";

function openWorld(options?: ModelBackendsOptions) {
  const world = createWorld({ clock: movableClock(start), history: historyOf([]) });
  seedDemo(world);
  return { world, models: modelBackends(world, options) };
}

const backend = (world: World, id: string, properties: Record<string, string>) =>
  world.put(`backends/${id}`, { type: "Single", protocol: "http", ...properties });

const request = (host: string, headers: Record<string, string> = { authorization: "Bearer token" }) =>
  new Request(`https://${host}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`, {
    method: "POST",
    headers,
    body: JSON.stringify(chat("Hello")),
  });

describe("the hosts of a world", () => {
  it("each of the seed's is one region", () => {
    const { models } = openWorld();
    expect(models.all.map(({ host, region }) => [host, region])).toEqual([
      ["aoai-eastus.openai.azure.com", "East US"],
      ["aoai-westeurope.openai.azure.com", "West Europe"],
    ]);
    expect([models.of("aoai-eastus")?.region, models.of("AOAI-WestEurope.openai.azure.com")?.region]).toEqual(["East US", "West Europe"]);
    expect([models.of("aoai-pool"), models.of("nobody"), models.of("example.com")]).toEqual([undefined, undefined, undefined]);
  });

  it("backends that come later have theirs, and two at one host share it", async () => {
    const { world, models } = openWorld();
    backend(world, "sweden", { url: "https://spoke-7.cognitiveservices.azure.com/openai", azureRegion: "swedencentral" });
    backend(world, "sweden-2", { url: "https://SPOKE-7.cognitiveservices.azure.com/openai" });
    expect(models.of("sweden")?.region).toBe("Sweden Central");
    expect(models.of("sweden-2")).toBe(models.of("sweden"));
    expect(models.all).toHaveLength(3);
    const response = await models.fetch(request("spoke-7.cognitiveservices.azure.com"));
    expect([response.status, response.headers.get("x-ms-region")]).toEqual([200, "Sweden Central"]);
  });

  it.each([
    ["https://x.openai.azure.com/openai", true],
    ["https://x.cognitiveservices.azure.com/", true],
    ["https://x.services.ai.azure.com/models", true],
    ["https://deepseek.eastus2.models.ai.azure.com/v1", true],
    ["https://X.OPENAI.AZURE.US/", true],
    ["https://openai.azure.com/", false],
    ["https://x.openai.azure.com.evil.example/", false],
    ["https://xopenai.azure.com/", false],
    ["http://127.0.0.1:8080/", false],
  ])("%s is one: %s", (url, expected) => {
    expect(openWorld().models.matches(new URL(url))).toBe(expected);
  });

  it("a host that no backend names gets its region from its own name, or is the service's neighbour", async () => {
    const { models } = openWorld();
    const region = async (host: string) => (await models.fetch(request(host))).headers.get("x-ms-region");
    expect([await region("team-uksouth.openai.azure.com"), await region("team.openai.azure.com")]).toEqual(["UK South", "East US"]);
  });

  it("there are no more than 200: the rest do not resolve", async () => {
    const { models } = openWorld();
    for (let host = 0; host < 200; host++) expect((await models.fetch(request(`host-${host}.openai.azure.com`))).status).toBe(200);
    await expect(models.fetch(request("host-200.openai.azure.com"))).rejects.toMatchObject({ cause: { code: "ENOTFOUND" } });
    expect((await models.fetch(request("host-7.openai.azure.com"))).status).toBe(200);
  });

  it("a reset ends all scripts", async () => {
    const { models } = openWorld();
    models.of("aoai-eastus")?.script.add({ behaviour: { kind: "status", status: 500 } });
    expect((await models.fetch(request("aoai-eastus.openai.azure.com"))).status).toBe(500);
    models.reset();
    expect((await models.fetch(request("aoai-eastus.openai.azure.com"))).status).toBe(200);
  });
});

describe("authentication that a policy loses", () => {
  it("is seen: the gateway's own keys are no keys of a model backend", async () => {
    const { world, models } = openWorld();
    const status = async (headers: Record<string, string>) => (await models.fetch(request("aoai-eastus.openai.azure.com", headers))).status;
    const key = primaryKeys(world).growth ?? "";
    expect([await status({ "api-key": key }), await status({ "api-key": "aoai-key" }), await status({})]).toEqual([401, 200, 401]);
    world.put("subscriptions/late", { displayName: "Late", scope: "/products/aoai", state: "active" });
    expect(await status({ "api-key": primaryKeys(world).late ?? "" })).toBe(401);
  });
});

describe("a region's name", () => {
  it.each([
    ["Azure OpenAI East US", "East US"],
    ["aoai-eastus2-prod", "East US 2"],
    ["eastus", "East US"],
    ["openai southcentralus", "South Central US"],
    ["west_europe", "West Europe"],
    ["SwedenCentral", "Sweden Central"],
    ["aoai-prod", undefined],
    ["", undefined],
  ])("in %s: %s", (text, expected) => {
    expect(regionIn(text)).toBe(expected);
  });
});
