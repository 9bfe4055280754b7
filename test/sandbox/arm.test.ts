import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { answerOf, openSandbox, origin } from "./client.ts";

const { resourceId } = sandboxService;

describe("what every request needs", () => {
  const refused = [
    { name: "no token", headers: {}, query: "?api-version=2024-05-01", status: 401, code: "AuthenticationFailed" },
    {
      name: "another token",
      headers: { authorization: "Bearer stolen" },
      query: "?api-version=2024-05-01",
      status: 401,
      code: "InvalidAuthenticationToken",
    },
    { name: "no api-version", headers: { authorization: "Bearer t" }, query: "", status: 400, code: "MissingApiVersionParameter" },
    {
      name: "an unknown api-version",
      headers: { authorization: "Bearer t" },
      query: "?api-version=2031-01-01",
      status: 400,
      code: "NoRegisteredProviderFound",
    },
  ];
  test.each(refused)("$name: $status $code", async ({ headers, query, status, code }) => {
    const { sandbox } = openSandbox({ seed: "demo", token: "t" });
    const answer = await answerOf(await sandbox.fetch(new Request(`${origin}${resourceId}/backends${query}`, { headers })));
    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toBe(code);
  });

  test("an unknown api-version is answered with the known ones, as ARM writes them", async () => {
    const client = openSandbox();
    client.sandbox.world.settings.apiVersions = ["2022-08-01", "2024-05-01"];
    const { body } = await client.get("backends?api-version=2025-09-01-preview");
    expect(body.error.message).toBe(
      "No registered resource provider found for location 'eastus' and API version '2025-09-01-preview' for type 'service'. " +
        "The supported api-versions are '2022-08-01, 2024-05-01'. The supported locations are 'eastus'.",
    );
  });

  test("tokens are random unless given", () => {
    expect(openSandbox().sandbox.token).not.toBe(openSandbox().sandbox.token);
    expect(openSandbox({ token: "mine" }).sandbox.token).toBe("mine");
  });
});

describe("addresses", () => {
  test("the service itself", async () => {
    const { status, body } = await openSandbox({ seed: "demo" }).get("");
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: resourceId, name: "sandbox", location: "East US", sku: { name: "StandardV2", capacity: 1 } });
    expect(body.properties.gatewayUrl).toBe("https://sandbox.azure-api.net");
  });

  test("repeated slashes and another case mean the same resource", async () => {
    const client = openSandbox({ seed: "demo" });
    const usual = await client.get("backends/aoai-eastus");
    for (const path of [`/${resourceId}/backends/aoai-eastus`, `${resourceId.toUpperCase()}/BACKENDS/AOAI-EastUS`]) {
      const other = await client.send("GET", `${origin}${path}`);
      expect(other.status).toBe(200);
      expect(other.body).toEqual(usual.body);
    }
  });

  const unknown = [
    ["GET", "workspaces/w/tags"],
    ["GET", "policyDescriptions"],
    ["POST", "subscriptions/growth/listSecrets"],
    ["POST", "namedValues/openai-resource/listValue"],
    ["PATCH", "policies/policy"],
    ["GET", "policies/other"],
    ["PUT", "allPolicies/x"],
    ["DELETE", ""],
    ["GET", "backends/a%2Fb"],
    ["GET", "backends/%E0%"],
    ["GET", "providers/Microsoft.Insights/metricDefinitions?api-version=2024-02-01"],
  ] as const;
  test.each(unknown)("%s %s is refused by name", async (method, path) => {
    const { status, body } = await openSandbox({ seed: "demo" }).send(method, path, method === "PUT" ? { properties: {} } : undefined);
    expect(status).toBe(404);
    expect(body.error.code).toBe("SandboxRouteNotFound");
    expect(body.error.message).toContain(`${method} ${resourceId}${path === "" ? "" : "/"}${path.replace(/\?.*/, "")}`);
  });

  test("another service is not found, in ARM's words", async () => {
    const { status, body } = await openSandbox().send("GET", `${origin}${resourceId.replace(/sandbox$/, "prod")}/backends`);
    expect(status).toBe(404);
    expect(body.error.code).toBe("ResourceNotFound");
    expect(body.error.message).toContain(
      "The Resource 'Microsoft.ApiManagement/service/prod' under resource group 'sandbox' was not found.",
    );
  });
});

describe("headers of every answer", () => {
  test("ids; the caller's correlation id comes back", async () => {
    const client = openSandbox();
    const plain = await client.get("nowhere/x");
    expect(plain.headers.get("x-ms-request-id")).toMatch(/^[\da-f-]{36}$/);
    expect(plain.headers.get("x-ms-correlation-request-id")).toBe(plain.headers.get("x-ms-request-id"));
    const correlated = await client.send("GET", "backends", undefined, { "x-ms-correlation-request-id": "mine" });
    expect(correlated.headers.get("x-ms-correlation-request-id")).toBe("mine");
  });

  test("remaining reads, writes and deletes count down and fill up with the clock", async () => {
    const clock = movableClock(new Date(Date.UTC(2026, 0, 1)));
    const client = openSandbox({ seed: "empty", clock });
    const remaining = async (method: string) => {
      const { headers } = await client.send(
        method,
        "loggers/x",
        method === "PUT" ? { properties: { loggerType: "azureMonitor" } } : undefined,
      );
      return [...headers].filter(([name]) => name.startsWith("x-ms-ratelimit-remaining-subscription-"));
    };
    expect(await remaining("GET")).toEqual([["x-ms-ratelimit-remaining-subscription-reads", "249"]]);
    expect(await remaining("HEAD")).toEqual([["x-ms-ratelimit-remaining-subscription-reads", "248"]]);
    expect(await remaining("PUT")).toEqual([["x-ms-ratelimit-remaining-subscription-writes", "199"]]);
    expect(await remaining("DELETE")).toEqual([["x-ms-ratelimit-remaining-subscription-deletes", "199"]]);
    await clock.advance(1000);
    expect(await remaining("GET")).toEqual([["x-ms-ratelimit-remaining-subscription-reads", "249"]]);
  });
});
