import { describe, expect, test } from "vitest";
import { armId } from "../../src/sandbox/world.ts";
import { growth, openDrillService, rehearsal } from "./drill-kit.ts";

const timeout = 120_000;

describe("whom a drill concerns", { timeout }, () => {
  const blocked = (guards: readonly { readonly name: string; readonly verdict: string }[]) =>
    guards.filter(({ verdict }) => verdict === "blocked").map(({ name }) => name);

  test("all that can call the API by name are everyone", async () => {
    const { plan } = await openDrillService();
    const all = ["growth", "prod-critical", "analytics", "labs"];
    const named = await plan({ ...growth, subscriptions: all });
    expect([named.status, blocked(named.guards)]).toEqual(["blocked", ["all_traffic"]]);
    expect((await plan({ ...growth, subscriptions: all.slice(1) })).status).toBe("planned");
  });

  test("a suspended one counts for nobody, and is warned of as one without access is", async () => {
    const { harness, plan } = await openDrillService();
    const { world } = harness.sandbox;
    world.put("subscriptions/labs", { ...world.get("subscriptions/labs")?.properties, state: "suspended" });
    world.put("subscriptions/elsewhere", {
      ...world.get("subscriptions/growth")?.properties,
      displayName: "Elsewhere",
      scope: armId("apis/echo"),
    });
    const named = await plan({ ...growth, subscriptions: ["growth", "labs", "elsewhere"] });
    expect(named.status).toBe("planned");
    expect(named.warnings.join()).toMatch(/'elsewhere'.* does not open API 'azure-openai'/);
    expect(named.warnings.join()).toContain("'labs' is suspended");
    expect(blocked((await plan({ ...growth, subscriptions: ["growth", "prod-critical", "analytics"] })).guards)).toEqual(["all_traffic"]);
  });

  const protects: readonly (readonly [backend: string, input: Record<string, unknown>, status: string])[] = [
    ["aoai-eastus", growth, "blocked"],
    ["aoai-westeurope", growth, "planned"],
    ["aoai-eastus", rehearsal, "planned"],
    ["aoai-westeurope", rehearsal, "planned"],
  ];
  test.each(protects)("protecting %s: %o is %s", async (backend, input, status) => {
    const { plan } = await openDrillService({ env: { AIGW_PROTECT: `backend:${backend}` } });
    const planned = await plan(input);
    expect([planned.status, blocked(planned.guards)]).toEqual([status, status === "blocked" ? ["protected"] : []]);
  });

  test("which of two pools with the member is meant can be said", async () => {
    const { harness, plan } = await openDrillService();
    const { world } = harness.sandbox;
    world.put("backends/second", { ...world.get("backends/aoai-pool")?.properties });
    const [operation = ""] = world.list("apis/azure-openai/operations").map(({ path }) => path);
    const text =
      '<policies><inbound><base /><set-backend-service backend-id="second" /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>';
    world.put(`${operation}/policies/policy`, { format: "rawxml", value: text });
    const input = { api_id: "azure-openai", backend_id: "aoai-eastus", ...growth };
    expect(await harness.refuse("run_failover_drill", input)).toMatch(/several pools.*pool_id/s);
    expect(await harness.refuse("run_failover_drill", { ...input, pool_id: "third" })).toContain("no pool 'third'");
    expect((await plan({ ...growth, pool_id: "second" })).documents[0]?.id).toBe("backends/drill-without-aoai-eastus-second");
  });
});
