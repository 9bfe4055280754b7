import { expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { regionId, regionOf } from "../../src/pool/regions.ts";

test.each<[string, JsonObject, string | null]>([
  ["a", { azureRegion: "swedencentral", url: "https://aoai-eastus.openai.azure.com" }, "Sweden Central azureRegion"],
  ["a", { azureRegion: "atlantis" }, "atlantis azureRegion"],
  ["a", { url: "https://eastus2.api.cognitive.microsoft.com/" }, "East US 2 host"],
  ["a", { url: "https://my-model.westus3.models.ai.azure.com/v1" }, "West US 3 host"],
  ["a", { title: "Azure OpenAI East US 2" }, "East US 2 name"],
  ["aoai-uk-south", {}, "UK South name"],
  ["a", { url: "https://aoai-westeurope.openai.azure.com/openai" }, "West Europe name"],
  ["a", { url: "https://aoai.openai.azure.com/eastus" }, null],
  ["a", { url: "no URL" }, null],
])("%s %j: %s", (backendId, properties, expected) => {
  const region = regionOf(backendId, properties);
  expect(region === null ? null : `${region.name} ${region.by}`).toBe(expected);
});

test.each([
  ["West Europe", "westeurope"],
  ["EASTUS2", "eastus2"],
  ["Atlantis", null],
  ["", null],
])("%s as a document writes it: %s", (text, id) => expect(regionId(text)).toBe(id));
