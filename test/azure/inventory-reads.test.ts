import { describe, expect, it, onTestFinished } from "vitest";
import { openGateway } from "../../src/azure/gateway.ts";
import { type Inventory, readInventory } from "../../src/gateway/inventory.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";
import { sandboxService, standardV2 } from "../../src/sandbox/service.ts";
import type { World } from "../../src/sandbox/world.ts";
import { fillService, largeService, placesIn, type Size } from "../bench/large-service.ts";
import { failureOf, neverAborted, quickTiming } from "./wire.ts";

/** What was read below the service, by collections: `products/policies`, `subscriptions`. */
type Reads = Readonly<Record<string, number>>;

async function open(fill: (world: World) => void) {
  const sandbox = createSandbox({ seed: "empty" });
  fill(sandbox.world);
  const server = await serveSandbox(sandbox, {});
  onTestFinished(() => server.close());
  const gateway = openGateway(
    { resourceId: sandboxService.resourceId, cloud: "public", accessToken: sandbox.token, armEndpoint: server.ready.arm },
    quickTiming(),
  );
  return {
    world: sandbox.world,
    read: () => readInventory(gateway.reader(neverAborted)),
    reads(): Reads {
      const counted: Record<string, number> = {};
      for (const { path } of sandbox.world.requests) {
        const below = decodeURIComponent(path.split("?")[0] ?? "").slice(sandboxService.resourceId.length + 1);
        const collections = below.split("/").filter((_, index) => index % 2 === 0);
        const kind = collections.join("/") || "service";
        counted[kind] = (counted[kind] ?? 0) + 1;
      }
      return counted;
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Of policies, fragments and named values by themselves, not of lists. */
const documentReads = (reads: Reads): number =>
  sum(Object.entries(reads).flatMap(([kind, number]) => (kind.endsWith("policies") ? [number] : [])));

const whole = async (size: Size): Promise<{ readonly inventory: Inventory; readonly reads: Reads }> => {
  const { read, reads } = await open((world) => fillService(world, size));
  return { inventory: await read(), reads: reads() };
};

describe("one inventory", () => {
  it("of 10,000 subscriptions in 500 products of 50 APIs", async () => {
    const { subscriptions, products, apis, operationPolicies } = largeService;
    const { inventory, reads } = await whole(largeService);
    expect(inventory.subscriptions).toHaveLength(subscriptions);
    expect(new Set(inventory.subscriptions.map(({ id }) => id)).size).toBe(subscriptions);
    expect(inventory.products).toHaveLength(products);
    expect(inventory.products.every(({ apiIds }) => apiIds.length === 3)).toBe(true);
    expect(inventory.apis).toHaveLength(apis);
    expect(inventory.policies.size).toBe(1 + products + apis * (1 + operationPolicies));
    expect(documentReads(reads)).toBeLessThanOrEqual(6 + products + apis + apis * operationPolicies);
    expect(reads).toEqual({
      service: 1,
      subscriptions: 100,
      products: 5,
      apis: 1,
      "apis/products": 50,
      allPolicies: 7,
      policies: 1,
      "products/policies": 500,
      "apis/policies": 50,
      "apis/operations": 50,
      "apis/operations/policies": 50,
      policyFragments: 1,
      namedValues: 1,
      backends: 1,
      workspaces: 1,
    });
  }, 60_000);

  it.each([
    ["of products alone", { subscriptions: 30, products: 12, apis: 0, operationPolicies: 0 }],
    ["of more APIs than products", { subscriptions: 30, products: 3, apis: 12, operationPolicies: 2 }],
    ["of one product", { subscriptions: 3, products: 1, apis: 1, operationPolicies: 0 }],
  ])("%s reads each policy once and each list from its cheaper side", async (_, size) => {
    const { inventory, reads } = await whole(size);
    expect(documentReads(reads)).toBe(1 + size.products + size.apis * (1 + size.operationPolicies));
    expect(inventory.products.map(({ apiIds }) => [...apiIds].sort())).toEqual(
      inventory.products.map((_product, index) =>
        placesIn(index, size.apis)
          .map((api) => `api-${api}`)
          .sort(),
      ),
    );
    expect((reads["apis/products"] ?? 0) + (reads["products/apis"] ?? 0)).toBe(Math.min(size.products, size.apis));
  });

  it("asks for the operations of the APIs of which policies tell some apart, and of no others", async () => {
    const text = (inbound: string) => ({ format: "rawxml", value: `<policies><inbound>${inbound}</inbound></policies>` });
    const { read, reads } = await open((world) => {
      for (const name of ["one", "two", "three", "four"]) {
        world.put(`apis/${name}`, { path: name, displayName: `API ${name}` });
        for (const id of ["a", "b"]) world.put(`apis/${name}/operations/${id}`, { displayName: id, method: "GET", urlTemplate: `/${id}` });
      }
      world.put("apis/one/operations/a/policies/policy", text(""));
      world.put(
        "policies/policy",
        text('<rate-limit calls="9"><api name="API two" calls="8"><operation id="a" calls="7" /></api></rate-limit>'),
      );
      world.put("apis/three/policies/policy", text('<rate-limit calls="9" />'));
    });
    const { apis } = await read();
    expect(Object.fromEntries(apis.map(({ id, operations }) => [id, operations?.map((one) => one.id)]))).toEqual({
      one: ["a", "b"],
      two: ["a", "b"],
      three: undefined,
      four: undefined,
    });
    expect(reads()["apis/operations"]).toBe(2);
  });

  it("asks for no policy where there is none", async () => {
    const { read, reads } = await open((world) => {
      for (const name of ["one", "two"]) {
        world.put(`apis/${name}`, { path: name });
        world.put(`products/${name}`, { displayName: name });
      }
      world.put("products/one/policies/policy", { format: "rawxml", value: "<policies><inbound /></policies>" });
    });
    expect([...(await read()).policies.keys()]).toEqual(["products/one/policies/policy"]);
    expect(documentReads(reads())).toBe(1);
  });
});

describe("workspaces", () => {
  const within = "workspaces/growth";
  const text = { format: "rawxml", value: "<policies><inbound /></policies>" };
  const fill = (world: World): void => {
    world.put(within, { displayName: "Growth" });
    world.put(`${within}/apis/chat`, { path: "chat" });
    world.put(`${within}/apis/chat/operations/ask`, { displayName: "Ask", method: "POST", urlTemplate: "/ask" });
    world.put(`${within}/products/gold`, { displayName: "Gold" });
    for (const place of ["", "products/gold/", "apis/chat/", "apis/chat/operations/ask/"])
      world.put(`${within}/${place}policies/policy`, text);
    world.put("policies/policy", text);
  };
  const ids = ["", "products/gold/", "apis/chat/", "apis/chat/operations/ask/"].map((place) => `${within}/${place}policies/policy`);

  it("have their policies in the inventory's", async () => {
    const { read } = await open(fill);
    const { policies, workspaces, notes } = await read();
    expect([...policies.keys()].sort()).toEqual(["policies/policy", ...ids].sort());
    expect(workspaces.map(({ id }) => id)).toEqual(["growth"]);
    expect(notes).toEqual([]);
  });

  it("are asked for each policy where the service's list shows none of theirs", async () => {
    const { read, world } = await open(fill);
    world.faults.add({
      path: "allPolicies",
      outcome: {
        kind: "answer",
        status: 200,
        body: { value: [{ name: "1", properties: { referencePolicyId: "/policies/policy" } }], nextLink: "" },
      },
    });
    expect([...(await read()).policies.keys()].sort()).toEqual(["policies/policy", ...ids.slice(0, 3)].sort());
  });

  it.each([
    ["403", 403, "AuthorizationFailed", 1],
    ["404", 404, "ResourceNotFound", 1],
    ["400", 400, "ValidationError", 1],
    ["another tier", 400, "MethodNotAllowedInPricingTier", 0],
  ])("that cannot be listed are not known, which is no failure: %s", async (_, status, code, notes) => {
    const { read, world } = await open(fill);
    world.faults.add({ path: "workspaces", outcome: { kind: "answer", status, body: { error: { code, message: "No." } } } });
    const inventory = await read();
    expect(inventory.workspaces).toEqual([]);
    expect([...inventory.policies.keys()]).toEqual(["policies/policy"]);
    expect(inventory.notes).toHaveLength(notes);
  });

  it("of which one cannot be read leave the others", async () => {
    const { read, world } = await open((empty) => {
      fill(empty);
      empty.put("workspaces/other", { displayName: "Other" });
    });
    world.faults.add({
      path: `${within}/namedValues`,
      outcome: { kind: "answer", status: 403, body: { error: { code: "AuthorizationFailed", message: "No." } } },
    });
    const { workspaces, policies, notes } = await read();
    expect(workspaces.map(({ id }) => id)).toEqual(["other"]);
    expect([...policies.keys()]).toEqual(["policies/policy"]);
    expect(notes).toEqual([expect.stringContaining("workspace 'growth'")]);
  });

  it("fail the inventory where their list fails for a time", async () => {
    const { read, world } = await open(fill);
    world.faults.add({ path: "workspaces", times: 4, outcome: { kind: "answer", status: 503 } });
    expect(await failureOf(read())).toMatchObject({ code: "unavailable" });
  });

  it("are not asked for in Consumption", async () => {
    const { read, reads, world } = await open(fill);
    world.service = { ...standardV2, sku: { name: "Consumption", capacity: 0 } };
    expect((await read()).workspaces).toEqual([]);
    expect(reads().workspaces).toBeUndefined();
  });
});

describe("gateways", () => {
  it("are counted: regions of the service, and self-hosted ones", async () => {
    const { read, world } = await open((empty) => {
      for (const name of ["plant-1", "plant-2"]) empty.put(`gateways/${name}`, { locationData: { name }, description: name });
    });
    const additionalLocations = [{ location: "West Europe", sku: standardV2.sku, disableGateway: false }];
    world.service = { ...standardV2, sku: { name: "Premium", capacity: 1 }, properties: { ...standardV2.properties, additionalLocations } };
    expect((await read()).service).toMatchObject({ regions: ["East US", "West Europe"], selfHostedGateways: 2 });
  });
});
