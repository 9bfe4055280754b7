import { describe, expect, test } from "vitest";
import { sandboxService } from "../../src/sandbox/service.ts";
import { type Client, openSandbox } from "./client.ts";

const apiId = (name: string): string => `${sandboxService.resourceId}/apis/${name}`;
const links = "products/gold/apiLinks";

async function openProduct(): Promise<Client> {
  const client = openSandbox({ seed: "empty" });
  for (const api of ["a", "b"]) await client.put(`apis/${api}`, { displayName: api, path: api });
  await client.put("products/gold", { displayName: "Gold" });
  return client;
}

const namesIn = async (client: Client, collection: string): Promise<readonly string[]> =>
  (await client.get(collection)).body.value.map(({ name }) => name);

describe("the links of a product of the service", () => {
  test("are its APIs, under another name", async () => {
    const client = await openProduct();
    const made = await client.put(`${links}/one`, { apiId: apiId("a") });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: "one",
      type: "Microsoft.ApiManagement/service/products/apiLinks",
      properties: { apiId: apiId("a") },
    });
    expect((await client.put(`${links}/ONE`, { apiId: apiId("A") })).status).toBe(200);
    expect((await client.get(`${links}/one`)).body.properties).toEqual({ apiId: apiId("a") });
    expect(await namesIn(client, "products/gold/apis")).toEqual(["a"]);
    expect(await namesIn(client, "apis/a/products")).toEqual(["gold"]);
    expect((await client.send("DELETE", `${links}/one`)).status).toBe(200);
    expect((await client.send("DELETE", `${links}/one`)).status).toBe(204);
    expect(await namesIn(client, "products/gold/apis")).toEqual([]);
  });

  test("show an API that was added without one, and go with it", async () => {
    const client = await openProduct();
    await client.send("PUT", "products/gold/apis/b");
    expect((await client.get(links)).body.value).toMatchObject([{ name: "b", properties: { apiId: apiId("b") } }]);
    expect((await client.get(`${links}/b`)).status).toBe(200);
    await client.put(`${links}/one`, { apiId: apiId("a") });
    await client.send("PUT", "products/gold/apis/a");
    expect(await namesIn(client, links)).toEqual(["b", "one"]);
    await client.send("DELETE", "products/gold/apis/a");
    await client.send("DELETE", "apis/b", undefined, { "if-match": "*" });
    expect(await namesIn(client, links)).toEqual([]);
  });

  test("can be given another API", async () => {
    const client = await openProduct();
    await client.put(`${links}/one`, { apiId: apiId("a") });
    expect((await client.put(`${links}/one`, { apiId: apiId("b") })).status).toBe(200);
    expect(await namesIn(client, "products/gold/apis")).toEqual(["b"]);
  });

  test.each([
    ["no API", {}, 400],
    ["an API that there is not", { apiId: apiId("c") }, 404],
    ["no whole ARM id", { apiId: "/apis/b" }, 404],
    ["an API that has a link", { apiId: apiId("a") }, 400],
  ])("refuse %s", async (_, properties, status) => {
    const client = await openProduct();
    await client.put(`${links}/one`, { apiId: apiId("a") });
    expect((await client.put(`${links}/two`, properties)).status).toBe(status);
    expect(await namesIn(client, links)).toEqual(["one"]);
  });

  test("are none of a product that there is not", async () => {
    const client = await openProduct();
    const answers = [
      client.get("products/x/apiLinks"),
      client.get("products/x/apiLinks/one"),
      client.put("products/x/apiLinks/one", { apiId: apiId("a") }),
    ];
    for (const { status, body } of await Promise.all(answers)) expect([status, body.error.message]).toEqual([404, "Product not found."]);
  });
});
