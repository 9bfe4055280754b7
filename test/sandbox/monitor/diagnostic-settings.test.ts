import { describe, expect, test } from "vitest";
import { sandboxWorkspace } from "../../../src/sandbox/monitor/diagnostic-settings.ts";
import { openSandbox, origin } from "../client.ts";
import { fixture, fixtureNote, hasFixtures } from "../fixtures.ts";

const settings = "providers/Microsoft.Insights/diagnosticSettings";
const version = "api-version=2021-05-01-preview";
const demo = () => openSandbox({ seed: "demo" });

describe("diagnostic settings", () => {
  test("the demo sends the gateway's and the models' logs into tables of their own", async () => {
    const { status, body } = await demo().get(`${settings}?${version}`);
    expect(status).toBe(200);
    expect(body.value).toMatchObject([
      {
        name: "ai-gateway-logs",
        type: "Microsoft.Insights/diagnosticSettings",
        properties: {
          workspaceId: sandboxWorkspace.resourceId,
          logAnalyticsDestinationType: "Dedicated",
          logs: [
            { category: "GatewayLogs", enabled: true },
            { category: "GatewayLlmLogs", enabled: true },
          ],
        },
      },
    ]);
  });

  test("one by its name; another does not exist; the empty service has none", async () => {
    const { get } = demo();
    expect(await get(`${settings}/AI-gateway-logs?${version}`)).toMatchObject({ status: 200, body: { name: "ai-gateway-logs" } });
    expect(await get(`${settings}/other?${version}`)).toMatchObject({ status: 404, body: { error: { code: "ResourceNotFound" } } });
    expect((await openSandbox({ seed: "empty" }).get(`${settings}?${version}`)).body).toEqual({ value: [] });
  });

  test("api-versions are those of the type", async () => {
    expect(await demo().get(`${settings}?api-version=2024-05-01`)).toMatchObject({
      status: 400,
      body: { error: { code: "NoRegisteredProviderFound", message: expect.stringContaining("'2017-05-01-preview, 2021-05-01-preview'") } },
    });
  });
});

describe("the workspace", () => {
  test("says by which id it is queried", async () => {
    const { send } = demo();
    const url = `${origin}${sandboxWorkspace.resourceId}`;
    expect(await send("GET", `${url}?api-version=2023-09-01`)).toMatchObject({
      status: 200,
      body: { name: "sandbox-logs", properties: { customerId: sandboxWorkspace.customerId } },
    });
    expect(await send("GET", `${url}?api-version=2021-05-01-preview`)).toMatchObject({ status: 400 });
    expect(await send("GET", `${url}x?api-version=2023-09-01`)).toMatchObject({ status: 404 });
  });
});

describe.skipIf(!hasFixtures)(`against what Microsoft publishes${fixtureNote}`, () => {
  test("the members of a list", async () => {
    const published = fixture<{ body: { value: readonly [Readonly<Record<string, unknown>>] } }>("monitor/diagnostic-settings.spec.json");
    const { body } = await demo().get(`${settings}?${version}`);
    expect(Object.keys(body.value[0] ?? {}).sort()).toEqual(Object.keys(published.body.value[0]).sort());
  });
});
