import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/gateway/documents.ts";
import { gatewayOver, markerOf, neverAborted, wire } from "./wire.ts";

const examples = new URL("../../../shared/fixtures/arm-examples/", import.meta.url);
const present = existsSync(examples);

const body = (name: string): Json => JSON.parse(readFileSync(new URL(name, examples), "utf8")).responses["200"].body;

/** A reader over a service that answers each question with one official example. */
function readerOf(name: string) {
  const { fetch } = wire(({ path }) => ({
    headers: { etag: '"AAAAAADmlmY="' },
    body:
      path === "gateways"
        ? { value: [] }
        : /^products\/[^/]+\/apis$/.test(path)
          ? body("2024-05-01/ApiManagementListProductApis.json")
          : body(name),
  }));
  return gatewayOver(fetch).reader(neverAborted);
}

describe.skipIf(!present)(present ? "official examples" : "official examples (skipped: ../shared/fixtures is absent)", () => {
  it("are read as lists", async () => {
    const latest = "2024-05-01/ApiManagement";
    expect(await readerOf(`${latest}ListProducts.json`).products()).toContainEqual({
      id: "starter",
      displayName: "Starter",
      apiIds: ["57681820a40f7eb6c49f6aca"],
    });
    expect((await readerOf(`${latest}ListApis.json`).apis()).map(({ id }) => id)).toEqual([
      "a1",
      "5a73933b8f27f7cc82a2d533",
      "echo-api",
      "5a7390baa5816a110435aee0",
    ]);
    expect(await readerOf(`${latest}ListSubscriptions.json`).subscriptions()).toContainEqual({
      id: "56eaed3dbaf08b06e46d27fe",
      displayName: "Starter",
      state: "active",
      scope: { kind: "product", productId: "5600b59475ff190048060001" },
      ownerId: "56eaec62baf08b06e46d27fd",
    });
    expect(await readerOf(`${latest}AllPolicies.json`).policyScopes()).toEqual([{ kind: "api", apiId: "a1" }]);
    expect(await readerOf(`${latest}ServiceGetService.json`).service()).toMatchObject({ location: "East US", tier: "classic" });
    expect((await readerOf(`${latest}ListNamedValues.json`).namedValues()).every(({ id }) => id.startsWith("namedValues/"))).toBe(true);
  });

  it("show no credential of a backend", async () => {
    const backends = await readerOf("2024-05-01/ApiManagementListBackends.json").backends();
    expect(backends[0]?.properties).toMatchObject({
      credentials: {
        query: { sv: [0, 1, 2].map((index) => markerOf(`credentials.query.sv.${index}`)) },
        authorization: { scheme: "Basic", parameter: markerOf("credentials.authorization.parameter") },
      },
      proxy: { username: "Contoso\\admin", password: markerOf("proxy.password") },
    });
    for (const secret of ["opensesma", "val1", "val2", "<password>"]) expect(JSON.stringify(backends)).not.toContain(secret);
  });

  it.each([
    ["backends/sfbackend", "2024-05-01/ApiManagementGetBackend.json"],
    ["backends/pool", "2026-09-01-preview/ApiManagementCreateBackendWithSimpleLoadBalancer.json"],
    ["policyFragments/f", "2024-05-01/ApiManagementGetPolicyFragmentFormat.json"],
    ["policies/policy", "2024-05-01/ApiManagementGetPolicyFormat.json"],
  ])("%s goes out as %s came in, without nulls", async (id, name) => {
    const example = (body(name) as { properties: JsonObject }).properties;
    const document = await readerOf(name).document(id);
    expect(document?.properties).toEqual(Object.fromEntries(Object.entries(example).filter(([, value]) => value !== null)));
    const { fetch, sent } = wire(() => ({ status: 200, body: {} }));
    await gatewayOver(fetch).writer.put(id, document?.properties ?? {}, { ifMatch: document?.etag ?? "" });
    expect(sent[0]?.body).toEqual({ properties: document?.properties });
  });
});
