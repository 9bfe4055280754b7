import { expect, test } from "vitest";
import { armId } from "../../src/sandbox/world.ts";
import { openSandbox } from "./client.ts";

const locationsOf = async (regions?: readonly string[]): Promise<unknown> => {
  const client = openSandbox({ seed: "empty", ...(regions === undefined ? {} : { regions }) });
  return (await client.get("")).body.properties.additionalLocations;
};

test("self-hosted gateways are resources like others", async () => {
  const client = openSandbox();
  expect((await client.get("gateways")).body).toMatchObject({ value: [], nextLink: "" });
  const created = await client.put("gateways/plant-1", { locationData: { name: "Plant 1" }, description: "first" });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ id: armId("gateways/plant-1"), type: "Microsoft.ApiManagement/service/gateways", name: "plant-1" });
  expect((await client.get("gateways")).body).toMatchObject({
    value: [{ name: "plant-1", properties: { description: "first" } }],
    count: 1,
  });
  expect((await client.send("DELETE", "gateways/plant-1", undefined, { "if-match": "*" })).status).toBe(200);
  expect((await client.get("gateways/plant-1")).body.error.message).toBe("Gateway not found.");
});

test.each([
  [undefined, undefined],
  [["East US", "East US"], undefined],
  [["East US", "West Europe"], ["West Europe"]],
  [
    ["eastus", "westeurope", "westeurope", "uksouth"],
    ["westeurope", "uksouth"],
  ],
])("a service with instances in %j has these additional locations: %j", async (regions, expected) => {
  const found = await locationsOf(regions);
  expect(found).toEqual(expected?.map((location) => ({ location, sku: { name: "StandardV2", capacity: 1 }, disableGateway: false })));
});
