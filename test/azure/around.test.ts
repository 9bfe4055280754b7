import { describe, expect, test } from "vitest";
import { failureOf, gatewayOver, neverAborted, serviceId, token, wire } from "./wire.ts";

const period = { since: new Date("2026-11-20T22:00:00Z"), until: new Date("2026-11-20T23:00:00Z") };

const event = (changed: Readonly<Record<string, string>> = {}) => {
  const {
    time = "2026-11-20T22:10:00.1234567Z",
    id = `${serviceId}/backends/b`,
    operation = "Microsoft.ApiManagement/service/backends/write",
  } = changed;
  const { status = "Succeeded", correlationId = "c1", caller = "ops@contoso.example" } = changed;
  const localized = (value: string) => ({ value, localizedValue: value });
  return { eventTimestamp: time, resourceId: id, operationName: localized(operation), status: localized(status), correlationId, caller };
};

const activityOver = async (...events: readonly ReturnType<typeof event>[]) => {
  const { fetch, sent } = wire(() => ({ body: { value: events } }));
  return { activity: await gatewayOver(fetch).azure(neverAborted).activity(period), sent };
};

describe("the activity log", () => {
  test("is asked of the resource group, by the filter that is documented", async () => {
    const { sent } = await activityOver();
    const [{ url } = { url: new URL("about:blank") }] = sent;
    expect(url.pathname).toBe(
      "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Insights/eventtypes/management/values",
    );
    expect(url.searchParams.get("api-version")).toBe("2015-04-01");
    expect(url.searchParams.get("$filter")).toBe(
      "eventTimestamp ge '2026-11-20T22:00:00.000Z' and eventTimestamp le '2026-11-20T23:00:00.000Z' and resourceGroupName eq 'rg-ai'",
    );
  });

  test("of one write the last event counts, in whichever order they come", async () => {
    const accepted = event({ status: "Accepted", time: "2026-11-20T22:09:59Z" });
    const started = event({ status: "Started" });
    const { activity } = await activityOver(event(), accepted, started);
    expect(activity).toEqual([
      {
        time: "2026-11-20T22:10:00.123Z",
        caller: "ops@contoso.example",
        operation: "Microsoft.ApiManagement/service/backends/write",
        target: "backends/b",
        outcome: "succeeded",
      },
    ]);
  });

  test.for([
    ["a write of the service itself", { id: serviceId, operation: "Microsoft.ApiManagement/service/write" }, [""]],
    ["another spelling", { id: serviceId.toUpperCase() }, [""]],
    ["another service with the same beginning", { id: `${serviceId}-2/backends/b` }, []],
    ["another resource", { id: "/subscriptions/x/resourceGroups/rg-ai/providers/Microsoft.KeyVault/vaults/v" }, []],
    ["a deletion", { operation: "Microsoft.ApiManagement/service/backends/delete" }, ["backends/b"]],
    [
      "an action that changes something",
      { operation: "Microsoft.ApiManagement/service/subscriptions/regeneratePrimaryKey/action" },
      ["backends/b"],
    ],
    ["an action that shows something", { operation: "Microsoft.ApiManagement/service/subscriptions/listSecrets/action" }, []],
  ] as const)("%s", async ([, changed, targets]) => {
    const { activity } = await activityOver(event(changed));
    expect(activity.map(({ target }) => target)).toEqual(targets);
  });

  test.for([
    ["Failed", "failed"],
    ["Started", "unfinished"],
    ["Accepted", "unfinished"],
  ])("status %s is %s", async ([status = "", outcome]) => {
    expect((await activityOver(event({ status }))).activity).toMatchObject([{ outcome }]);
  });

  test("follows its pages", async () => {
    const { fetch, sent } = wire((_, index) => ({
      body:
        index === 0
          ? { value: [event()], nextLink: "https://management.azure.com/next?$skiptoken=2" }
          : { value: [event({ correlationId: "c2", time: "2026-11-20T22:01:00Z" })] },
    }));
    const activity = await gatewayOver(fetch).azure(neverAborted).activity(period);
    expect([activity.map(({ time }) => time.slice(11, 16)), sent.length]).toEqual([["22:01", "22:10"], 2]);
  });

  test("a refusal is one", async () => {
    const { fetch } = wire(() => ({ status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } }));
    expect(await failureOf(gatewayOver(fetch).azure(neverAborted).activity(period))).toMatchObject({ code: "forbidden" });
  });
});

describe("who asks", () => {
  const tokenOf = (claims: object): string => ["e30", Buffer.from(JSON.stringify(claims)).toString("base64url"), "signature"].join(".");
  const identityOf = (accessToken: string) =>
    gatewayOver(wire(() => ({})).fetch, { accessToken })
      .azure(neverAborted)
      .identity();

  test("is what the token says, and nothing is sent", async () => {
    const { fetch, sent } = wire(() => ({}));
    const accessToken = tokenOf({ tid: "t", oid: "o", upn: "ops@contoso.example", appid: "a" });
    expect(await gatewayOver(fetch, { accessToken }).azure(neverAborted).identity()).toEqual({
      tenantId: "t",
      objectId: "o",
      name: "ops@contoso.example",
    });
    expect(sent).toEqual([]);
    expect(await identityOf(tokenOf({ appid: "a" }))).toEqual({ tenantId: null, objectId: null, name: "a" });
  });

  test.for([token, "a.b", "a.!.c", "e30.W10.x"])("is unknown from %j", async (accessToken) => {
    expect(await identityOf(accessToken)).toBeNull();
  });
});

test("caches come without what opens them, and certificates with their end", async () => {
  const { fetch } = wire(({ path }) => {
    if (path === "caches")
      return { body: { value: [{ name: "default", properties: { connectionString: "canary", useFromLocation: "westeurope" } }] } };
    if (path === "certificates")
      return {
        body: {
          value: [
            { name: "client", properties: { expirationDate: "2027-01-01T00:00:00+01:00" } },
            { name: "odd", properties: {} },
          ],
        },
      };
    const hostnameConfigurations = [
      { hostName: "ai.contoso.example", certificate: { expiry: "2026-12-01T00:00:00Z" } },
      { hostName: "managed" },
    ];
    return { body: { properties: { hostnameConfigurations } } };
  });
  const azure = gatewayOver(fetch).azure(neverAborted);
  expect(await azure.caches()).toEqual([{ id: "default", region: "westeurope" }]);
  expect(await azure.certificates()).toEqual([
    { name: "ai.contoso.example", expires: "2026-12-01T00:00:00.000Z" },
    { name: "client", expires: "2026-12-31T23:00:00.000Z" },
  ]);
});
