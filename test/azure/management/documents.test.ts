import { describe, expect, it } from "vitest";
import { arm, failureOf, gatewayOver, markerOf, neverAborted, serviceId, wire } from "../wire.ts";
import { list, reader } from "./kit.ts";

describe("raw lists", () => {
  it("keeps what the SDK would drop, leaves nulls out and hides credentials", async () => {
    const { gateway, sent } = reader(({ url }) =>
      url.searchParams.has("$skip")
        ? list([{ name: "pool", properties: { type: "Pool", url: null, pool: { services: [{ id: "/backends/a", weight: null }] } } }])
        : list(
            [
              {
                name: "a",
                properties: { azureRegion: "eastus", future: { deep: [1] }, credentials: { header: { "api-key": ["canary"] } } },
              },
            ],
            `${arm}${serviceId}/backends?api-version=2025-03-01-preview&$skip=1`,
          ),
    );
    expect(await gateway.backends()).toEqual([
      {
        id: "backends/a",
        properties: {
          azureRegion: "eastus",
          future: { deep: [1] },
          credentials: { header: { "api-key": [markerOf("credentials.header.api-key.0")] } },
        },
      },
      { id: "backends/pool", properties: { type: "Pool", pool: { services: [{ id: "/backends/a" }] } } },
    ]);
    expect(sent[0]?.url.searchParams.get("api-version")).toBe("2025-03-01-preview");
  });

  it("falls back to a version that the cloud has, once for a gateway", async () => {
    const { fetch, sent } = wire(({ url }) =>
      url.searchParams.get("api-version") === "2024-05-01"
        ? list([])
        : {
            status: 400,
            body: {
              error: {
                code: "NoRegisteredProviderFound",
                message:
                  "No registered resource provider found for location 'chinaeast2' and API version '2025-03-01-preview' for type 'service/backends'. The supported api-versions are '2021-08-01, 2024-05-01'. The supported locations are 'chinaeast2'.",
              },
            },
          },
    );
    const gateway = gatewayOver(fetch);
    expect(await gateway.reader(neverAborted).backends()).toEqual([]);
    expect(await gateway.reader(neverAborted).backends()).toEqual([]);
    expect(sent.map(({ url }) => url.searchParams.get("api-version"))).toEqual(["2025-03-01-preview", "2024-05-01", "2024-05-01"]);
  });

  it("gives fragments as rawxml, asking again only for those in which something is escaped", async () => {
    const raw = '<fragment><set-variable name="x" value="@(a && "b" == c)" /></fragment>';
    const { gateway, sent } = reader(({ path }) =>
      path === "policyFragments"
        ? list([
            { name: "plain", properties: { format: "xml", value: "<fragment />", description: "d" } },
            { name: "escaped", properties: { format: "xml", value: "<fragment>@(a &amp;&amp; b)</fragment>" } },
          ])
        : { headers: { etag: '"1"' }, body: { properties: { format: "rawxml", value: raw } } },
    );
    const fragments = await gateway.fragments();
    expect(fragments.map(({ id, properties }) => ({ id, properties }))).toEqual([
      { id: "policyFragments/plain", properties: { format: "rawxml", value: "<fragment />", description: "d" } },
      { id: "policyFragments/escaped", properties: { format: "rawxml", value: raw } },
    ]);
    await gateway.document("policyFragments/escaped");
    expect(sent.map(({ path, url }) => `${path}${url.search}`)).toEqual([
      "policyFragments?api-version=2024-05-01",
      "policyFragments/escaped?api-version=2024-05-01&format=rawxml",
    ]);
  });

  it("maps the scopes that have a policy", async () => {
    const { gateway } = reader(() =>
      list(
        ["policies/policy", "products/p/policies/policy", "apis/a/operations/o/policies/policy", "workspaces/w/policies/policy"].map(
          (path) => ({
            name: "x",
            properties: { referencePolicyId: `${serviceId}/${path}`, complianceState: "Compliant" },
          }),
        ),
      ),
    );
    expect(await gateway.policyScopes()).toEqual([
      { kind: "global" },
      { kind: "product", productId: "p" },
      { kind: "operation", apiId: "a", operationId: "o" },
      { kind: "workspace", workspaceId: "w" },
    ]);
  });

  it.each(["backends", "products"] as const)("does not follow a link of %s to another origin", async (collection) => {
    const { gateway, sent } = reader(() => list([], "https://evil.example.net/next?api-version=2024-05-01"));
    const error = await failureOf(gateway[collection]());
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("https://evil.example.net") });
    expect(sent).toHaveLength(1);
  });
});

describe("document", () => {
  it.each([
    ["policies/policy", "?api-version=2024-05-01&format=rawxml"],
    ["policyFragments/f", "?api-version=2024-05-01&format=rawxml"],
    ["namedValues/n", "?api-version=2024-05-01"],
    ["backends/b", "?api-version=2025-03-01-preview"],
  ])("%s is read with %s", async (id, search) => {
    const { gateway, sent } = reader(() => ({ headers: { etag: '"AAAAAADmlmY="' }, body: { properties: { value: "v" } } }));
    expect(await gateway.document(id)).toMatchObject({ id, etag: '"AAAAAADmlmY="' });
    expect(sent[0]?.url.search).toBe(search);
    expect(sent[0]?.path).toBe(id);
  });

  it("of a policy is its text, as rawxml", async () => {
    const { gateway } = reader(() => ({
      headers: { etag: '"1"' },
      body: { id: "x", name: "policy", properties: { format: "rawxml", value: "<policies />\r\n", provisioningState: "Succeeded" } },
    }));
    expect(await gateway.document("apis/a/policies/policy")).toEqual({
      id: "apis/a/policies/policy",
      etag: '"1"',
      properties: { format: "rawxml", value: "<policies />\r\n" },
    });
  });

  it("takes an ETag from the body, and refuses to go without", async () => {
    const body = { etag: "AAAA", properties: {} };
    expect(await reader(() => ({ body })).gateway.document("backends/b")).toMatchObject({ etag: "AAAA" });
    expect(await failureOf(reader(() => ({ body: { properties: {} } })).gateway.document("backends/b"))).toMatchObject({
      code: "internal",
    });
  });

  it("is null where there is none", async () => {
    const { gateway } = reader(() => ({ status: 404, body: { error: { code: "ResourceNotFound", message: "Policy not found." } } }));
    expect(await gateway.document("apis/a/policies/policy")).toBeNull();
  });

  it("fails where the service itself is missing", async () => {
    const message = "The Resource 'Microsoft.ApiManagement/service/apim-prod' under resource group 'rg-ai' was not found.";
    const { gateway } = reader(() => ({ status: 404, body: { error: { code: "ResourceNotFound", message } } }));
    expect(await failureOf(gateway.document("apis/a/policies/policy"))).toMatchObject({
      code: "not_found",
      hint: expect.stringContaining("AIGW_SERVICE"),
    });
  });

  it("does not reach above its collection", async () => {
    const { gateway, sent } = reader(() => ({ body: {} }));
    expect(await failureOf(gateway.document("backends/.."))).toMatchObject({ code: "invalid_input" });
    expect(sent).toEqual([]);
  });

  it("fails on an answer that is not whole", async () => {
    const { gateway } = reader(() => ({ text: '{"properties":{"credentials":"canary' }));
    const error = await failureOf(gateway.document("backends/b"));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(String(error)).not.toContain("canary");
  });
});
