import { afterEach, describe, expect, it } from "vitest";
import { openGateway } from "../../src/azure/gateway.ts";
import { policyText, withPolicyText } from "../../src/gateway/documents.ts";
import { readInventory } from "../../src/gateway/inventory.ts";
import type { Gateway } from "../../src/gateway/ports.ts";
import { movableClock } from "../../src/sandbox/clock.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../../src/sandbox/serve.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { failureOf, neverAborted, quickTiming } from "./wire.ts";

const start = Date.parse("2026-11-20T10:00:00Z");

interface Opened {
  readonly sandbox: Sandbox;
  readonly gateway: Gateway;
}

const served: ServedSandbox[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((server) => server.close()));
});

/** The sandbox's clock moves only where a long-running write waits. */
async function open(transport: "in the process" | "over a port"): Promise<Opened> {
  const clock = movableClock(new Date(start));
  const sandbox = createSandbox({ clock });
  const timing = { ...quickTiming(), wait: (milliseconds: number) => clock.advance(milliseconds) };
  const target = { resourceId: sandboxService.resourceId, cloud: "public", accessToken: sandbox.token } as const;
  if (transport === "in the process") return { sandbox, gateway: openGateway({ ...target, fetch: sandbox.fetch }, timing) };
  const server = await serveSandbox(sandbox, {});
  served.push(server);
  return { sandbox, gateway: openGateway({ ...target, armEndpoint: server.ready.arm }, timing) };
}

const read = ({ gateway }: Opened) => gateway.reader(neverAborted);

async function documentOf(opened: Opened, id: string) {
  const document = await read(opened).document(id);
  if (document === null) throw new Error(`no ${id}`);
  return document;
}

const methods = ({ sandbox }: Opened, from: number) => sandbox.world.requests.slice(from).map(({ method }) => method);

const productPolicy = "products/aoai/policies/policy";

describe.each(["in the process", "over a port"] as const)("the sandbox, %s", (transport) => {
  it("is read whole, with pages of any size", async () => {
    const opened = await open(transport);
    const whole = await readInventory(read(opened));
    opened.sandbox.world.settings.pageSize = 1;
    expect(await readInventory(read(opened))).toEqual(whole);
    const scope = { kind: "product", productId: "aoai" };
    expect(whole.subscriptions.filter(({ id }) => id === "growth" || id === "prod-critical")).toMatchObject([{ scope }, { scope }]);
    expect(whole.products.find(({ id }) => id === "aoai")).toMatchObject({ displayName: "Azure OpenAI", apiIds: ["azure-openai"] });
    expect(whole.policies.get(productPolicy)?.properties).toMatchObject({ format: "rawxml" });
    expect(whole.backends.map(({ id }) => id)).toEqual(expect.arrayContaining(["backends/aoai-eastus", "backends/aoai-westeurope"]));
    expect(whole.namedValues.every(({ properties }) => properties.secret !== true || !("value" in properties))).toBe(true);
    expect(await read(opened).operations("azure-openai")).not.toEqual([]);
  });

  it("reads a workspace apart from the service", async () => {
    const opened = await open(transport);
    const before = await readInventory(read(opened));
    const { world } = opened.sandbox;
    const within = "workspaces/growth";
    world.put(within, { displayName: "Growth" });
    world.put(`${within}/apis/chat`, { path: "chat" });
    world.put(`${within}/products/gold`, { displayName: "Gold" });
    world.put(`${within}/products/gold/apiLinks/one`, { apiId: `${sandboxService.resourceId}/${within}/apis/chat` });
    world.put(`${within}/subscriptions/own`, { displayName: "own", scope: `${sandboxService.resourceId}/${within}/products/gold` });
    world.put(`${within}/policyFragments/f`, { format: "rawxml", value: '<fragment><a b="@(1 < 2 && true)" /></fragment>' });
    world.put(`${within}/namedValues/key`, { displayName: "key", secret: true, value: "canary" });
    world.put(`${within}/policies/policy`, { format: "rawxml", value: "<policies />" });
    const reader = read(opened);
    expect(await reader.workspaces()).toEqual(["growth"]);
    const workspace = reader.workspace("growth");
    expect((await workspace.apis()).map(({ id }) => id)).toEqual(["chat"]);
    expect(await workspace.products()).toMatchObject([{ id: "gold", apiIds: ["chat"] }]);
    expect((await workspace.fragments()).map(policyText)).toEqual([expect.stringContaining("1 < 2 && true")]);
    expect(await workspace.namedValues()).toMatchObject([{ id: `${within}/namedValues/key`, properties: { displayName: "key" } }]);
    expect(JSON.stringify(await workspace.namedValues())).not.toContain("canary");
    expect(await documentOf(opened, `${within}/policies/policy`)).toMatchObject({ properties: { value: "<policies />" } });
    const after = await readInventory(read(opened));
    expect(after.workspaces).toEqual([
      {
        id: "growth",
        products: [{ id: "gold", displayName: "Gold", apiIds: ["chat"] }],
        apis: [expect.objectContaining({ id: "chat" })],
        subscriptions: [expect.objectContaining({ id: "own", workspaceId: "growth", scope: { kind: "product", productId: "gold" } })],
      },
    ]);
    // What the service has by itself is as before.
    expect({
      ...after,
      workspaces: [],
      policies: new Map([...after.policies].filter(([id]) => !id.startsWith(within))),
      fragments: after.fragments.filter(({ id }) => !id.startsWith(within)),
      namedValues: after.namedValues.filter(({ id }) => !id.startsWith(within)),
    }).toEqual(before);
    expect(after.policies.size - before.policies.size).toBe(1);
    expect(after.fragments.length - before.fragments.length).toBe(1);
    expect(after.namedValues.length - before.namedValues.length).toBe(1);
  });

  it("takes a policy with the ETag that was read, and no other", async () => {
    const opened = await open(transport);
    const { writer } = opened.gateway;
    const before = await documentOf(opened, productPolicy);
    const changed = withPolicyText(before.properties, policyText(before).replace("<inbound>", "<inbound>\r\n\t\t<!-- changed -->"));
    await writer.put(productPolicy, changed, { ifMatch: before.etag });
    const after = await documentOf(opened, productPolicy);
    expect(after.etag).not.toBe(before.etag);
    expect(policyText(after)).toContain("<!-- changed -->");
    expect(await failureOf(writer.put(productPolicy, before.properties, { ifMatch: before.etag }))).toMatchObject({ code: "conflict" });
    await writer.put(productPolicy, before.properties, { ifMatch: after.etag });
    expect(policyText(await documentOf(opened, productPolicy))).toBe(policyText(before));
  });

  it("creates only what is not there, and deletes", async () => {
    const opened = await open(transport);
    const { writer } = opened.gateway;
    const id = "backends/aoai-new";
    const properties = { url: "https://new.example.net", protocol: "http", azureRegion: "westeurope", unknown: { kept: [1, 2] } };
    expect(await read(opened).document(id)).toBeNull();
    await writer.put(id, properties, { ifNoneMatch: "*" });
    const created = await documentOf(opened, id);
    expect(created.properties).toMatchObject(properties);
    expect(await failureOf(writer.put(id, properties, { ifNoneMatch: "*" }))).toMatchObject({ code: "conflict" });
    expect(await failureOf(writer.delete(id, { ifMatch: '"AAAAAAAAAAA="' }))).toMatchObject({ code: "conflict" });
    await writer.delete(id, { ifMatch: created.etag });
    expect(await read(opened).document(id)).toBeNull();
  });

  it("never shows a backend's credentials, and keeps them through a change", async () => {
    const opened = await open(transport);
    const { world } = opened.sandbox;
    world.put("backends/keyed", {
      url: "https://a",
      protocol: "http",
      credentials: { header: { "api-key": ["canary"] }, query: { sig: ["canary"] } },
    });
    const before = await documentOf(opened, "backends/keyed");
    expect(JSON.stringify([before, await read(opened).backends()])).not.toContain("canary");
    await opened.gateway.writer.put("backends/keyed", { ...before.properties, url: "https://b" }, { ifMatch: before.etag });
    expect(world.get("backends/keyed")?.properties).toMatchObject({
      url: "https://b",
      credentials: { header: { "api-key": ["canary"] }, query: { sig: ["canary"] } },
    });
  });

  it("sends a write once, whatever becomes of it", async () => {
    const opened = await open(transport);
    const { world } = opened.sandbox;
    const { properties, etag } = await documentOf(opened, productPolicy);
    const changed = withPolicyText(properties, policyText({ id: productPolicy, properties }).replace("<inbound>", "<inbound><!-- x -->"));
    for (const [outcome, code, applied] of [
      [{ kind: "reset_before_apply" }, "unavailable", false],
      [{ kind: "answer", status: 503, headers: { "retry-after": "0" } }, "unavailable", false],
      [{ kind: "answer", status: 429, headers: { "retry-after": "0" } }, "throttled", false],
      [{ kind: "answer", status: 409, body: { error: { code: "PessimisticConcurrencyConflict", message: "busy" } } }, "conflict", false],
      [{ kind: "reset_after_apply" }, "unavailable", true],
    ] as const) {
      world.faults.add({ method: "PUT", path: productPolicy, outcome });
      const from = world.requests.length;
      expect(await failureOf(opened.gateway.writer.put(productPolicy, changed, { ifMatch: etag }))).toMatchObject({ code });
      expect(methods(opened, from).filter((method) => method !== "GET")).toEqual(["PUT"]);
      expect(policyText(await documentOf(opened, productPolicy)).includes("<!-- x -->")).toBe(applied);
    }
  });

  it("reads through faults that pass", async () => {
    const opened = await open(transport);
    const { world } = opened.sandbox;
    world.faults.add({ method: "GET", path: "backends", times: 2, outcome: { kind: "answer", status: 503 } });
    world.faults.add({ method: "GET", path: "apis", times: 1, outcome: { kind: "reset_before_apply" } });
    expect(await read(opened).backends()).not.toEqual([]);
    expect(await read(opened).apis()).not.toEqual([]);
  });

  it("works with the versions that the cloud has", async () => {
    const opened = await open(transport);
    opened.sandbox.world.settings.apiVersions = ["2022-08-01", "2024-05-01"];
    expect(await read(opened).backends()).not.toEqual([]);
    const { etag, properties } = await documentOf(opened, "backends/aoai-eastus");
    await opened.gateway.writer.put("backends/aoai-eastus", { ...properties, title: "new" }, { ifMatch: etag });
    expect(await documentOf(opened, "backends/aoai-eastus")).toMatchObject({ properties: { title: "new" } });
  });

  it.each(["accepted", "async_operation", "created", "created_or_400"] as const)("awaits a long-running write: %s", async (shape) => {
    const opened = await open(transport);
    const { settings } = opened.sandbox.world;
    Object.assign(settings, { operationShapes: { policyFragments: shape, namedValues: shape }, operationSeconds: 5 });
    const { writer } = opened.gateway;
    const id = "policyFragments/shared";
    await writer.put(
      id,
      { format: "rawxml", value: '<fragment><set-variable name="a" value="@(1 < 2 && true)" /></fragment>' },
      { ifNoneMatch: "*" },
    );
    const stored = await documentOf(opened, id);
    expect(policyText(stored)).toContain("1 < 2 && true");
    expect((await read(opened).fragments()).find((fragment) => fragment.id === id)?.properties).toEqual(stored.properties);
    const broken = { format: "rawxml", value: '<fragment><set-backend-service backend-id="missing" /></fragment>' };
    expect(await failureOf(writer.put(id, broken, { ifMatch: stored.etag }))).toMatchObject({
      code: "policy_invalid",
      details: [expect.stringContaining("missing")],
    });
    expect(await documentOf(opened, id)).toEqual(stored);
  });

  it("says what is wrong with a policy, and where", async () => {
    const opened = await open(transport);
    const { etag, properties } = await documentOf(opened, productPolicy);
    const broken = withPolicyText(
      properties,
      '<policies><inbound><base /><set-backend-service backend-id="missing" /></inbound></policies>',
    );
    const error = await failureOf(opened.gateway.writer.put(productPolicy, broken, { ifMatch: etag }));
    expect(error).toMatchObject({ code: "policy_invalid", details: [expect.stringMatching(/on line 1, column \d+: .*missing/)] });
  });

  it("answers metrics by dimension", async () => {
    const opened = await open(transport);
    const { series, problems } = await opened.gateway.metrics(neverAborted).platform({
      metrics: ["Requests"],
      since: new Date(start - 3_600_000),
      until: new Date(start),
      interval: "PT5M",
      aggregations: ["total"],
      dimensions: { ApiId: "azure-openai", GatewayResponseCode: "*" },
    });
    expect(problems).toEqual([]);
    expect(series.length).toBeGreaterThan(1);
    expect(series.every(({ dimensions }) => dimensions.apiid === "azure-openai" && dimensions.gatewayresponsecode !== undefined)).toBe(
      true,
    );
    expect(series[0]?.points).toHaveLength(12);
  });
});

describe("a service that is not there or not ours", () => {
  it("is named with the settings to check", async () => {
    const sandbox = createSandbox();
    const resourceId = sandboxService.resourceId.replace(/[^/]+$/, "another");
    const gateway = openGateway({ resourceId, cloud: "public", accessToken: sandbox.token, fetch: sandbox.fetch }, quickTiming());
    const reader = gateway.reader(neverAborted);
    for (const question of [reader.service(), reader.apis(), reader.backends(), reader.document(productPolicy)]) {
      expect(await failureOf(question)).toMatchObject({ code: "not_found", hint: expect.stringContaining("AIGW_SERVICE") });
    }
  });

  it("refuses a token that is not its own", async () => {
    const sandbox = createSandbox();
    const target = { resourceId: sandboxService.resourceId, cloud: "public", accessToken: "canary", fetch: sandbox.fetch } as const;
    const error = await failureOf(openGateway(target, quickTiming()).reader(neverAborted).service());
    expect(error).toMatchObject({ code: "unauthenticated", hint: expect.stringContaining("az login") });
    expect(String(error)).not.toContain("canary");
  });
});
