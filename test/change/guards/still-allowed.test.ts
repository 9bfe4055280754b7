import { describe, expect, test } from "vitest";
import { firmGuards, type OperatorRules } from "../../../src/change/guards/names.ts";
import { memoryStore } from "../../../src/change/memory-store.ts";
import {
  backendProperties,
  halved,
  never,
  openService,
  pool,
  poolProperties,
  productPolicy,
  proposalOf,
  secondRegion,
  west,
} from "../service.ts";
import { protecting } from "./judged.ts";

const cut = { subscriptionId: "growth", kind: "tpm", before: 200_000, after: 1, intended: true } as const;

/** Two processes of one user on one journal, each with the rules of its own operator. */
function twoProcesses(planning: Partial<OperatorRules>, applying: Partial<OperatorRules>) {
  const service = openService();
  const store = memoryStore();
  const first = service.open({ store, ...planning });
  const second = service.open({ store, ...applying });
  return {
    service,
    planner: first.planner(service.gateway.reader(never)),
    apply: second.applier(never).apply,
    list: () => second.log.list(10),
  };
}

describe("a plan is applied by the rules of who applies it", () => {
  test("an override that the applying process does not allow is refused, and the plan can still be applied", async () => {
    const { service, planner, apply, list } = twoProcesses({ allowOverride: ["limit_cut"] }, { allowOverride: ["auth_removed"] });
    const plan = await planner.plan(proposalOf({ documents: [await halved(service, 1)], limits: [cut], override: ["limit_cut"] }));
    expect(plan).toMatchObject({ status: "planned", confirm: expect.stringContaining("[override: limit_cut]") });
    await expect(apply(plan.planId ?? "", plan.confirm ?? "")).rejects.toMatchObject({
      code: "guarded",
      message: expect.stringMatching(/overrides limit_cut, which this server does not allow\. Nothing was written\.$/),
      hint: expect.stringContaining("AIGW_ALLOW_OVERRIDE"),
    });
    expect(service.writes()).toEqual([]);
    expect((await list()).changes).toMatchObject([{ state: "planned" }]);
  });

  test("one that it allows, and a plan without any, are applied", async () => {
    const { service, planner, apply } = twoProcesses({ allowOverride: ["limit_cut"] }, { allowOverride: ["limit_cut"] });
    const overridden = await planner.plan(proposalOf({ documents: [await halved(service, 1)], limits: [cut], override: ["limit_cut"] }));
    await apply(overridden.planId ?? "", overridden.confirm ?? "");
    const plain = twoProcesses({ allowOverride: ["limit_cut"] }, {});
    const unneeded = await plain.planner.plan(proposalOf({ documents: [await halved(plain.service)], override: ["limit_cut"] }));
    await plain.apply(unneeded.planId ?? "", unneeded.confirm ?? "");
    expect([...service.writes(), ...plain.service.writes()]).toEqual([`PUT ${productPolicy}`, `PUT ${productPolicy}`]);
  });

  test("what the applying process protects is not touched, whatever the planning one thought of it", async () => {
    const { service, planner, apply } = twoProcesses({}, { protect: protecting("api:openai") });
    const plan = await planner.plan(proposalOf({ documents: await secondRegion(service) }));
    await expect(apply(plan.planId ?? "", plan.confirm ?? "")).rejects.toMatchObject({
      code: "guarded",
      message: "API 'openai' is protected (AIGW_PROTECT), and the change is to API 'openai' policy. Nothing was written.",
      hint: "No override counts against AIGW_PROTECT; only the operator can take something off it.",
    });
    expect(service.writes()).toEqual([]);
  });

  test("what a document was before tells whether it touches what is protected", async () => {
    const { service, planner, apply } = twoProcesses({}, { protect: protecting("backend:east") });
    const before = await service.read(pool);
    const described = await planner.plan(
      proposalOf({ documents: [{ id: pool, before, after: { ...before.properties, description: "two regions" } }] }),
    );
    await apply(described.planId ?? "", described.confirm ?? "");
    const created = await planner.plan(
      proposalOf({ documents: [{ id: west, before: null, after: backendProperties("https://west.example") }] }),
    );
    await apply(created.planId ?? "", created.confirm ?? "");
    expect(service.writes()).toEqual([`PUT ${pool}`, `PUT ${west}`]);
    const widened = await planner.plan(
      proposalOf({ documents: [{ id: pool, before: await service.read(pool), after: poolProperties("east", "west") }] }),
    );
    await expect(apply(widened.planId ?? "", widened.confirm ?? "")).rejects.toMatchObject({
      code: "guarded",
      message: expect.stringContaining("backend 'pool' holds it, and its members or settings would change"),
    });
  });

  test("the service is judged as it is when the plan is applied", async () => {
    const { service, planner, apply } = twoProcesses({}, { protect: protecting("api:other") });
    const plan = await planner.plan(
      proposalOf({ documents: [{ id: pool, before: await service.read(pool), after: poolProperties("east", "north") }] }),
    );
    service.world.put("apis/other", { displayName: "Other", path: "other", isCurrent: true });
    service.world.put("apis/other/policies/policy", {
      format: "rawxml",
      value: `<policies><inbound><base /><set-backend-service backend-id="pool" /></inbound></policies>`,
    });
    await expect(apply(plan.planId ?? "", plan.confirm ?? "")).rejects.toMatchObject({
      code: "guarded",
      message: expect.stringContaining("backend 'pool' reaches it"),
    });
    expect(service.writes()).toEqual([]);
  });

  test("what is protected elsewhere does not hinder, and nothing is read for it where nothing is protected", async () => {
    const { service, planner, apply } = twoProcesses({}, { protect: protecting("backend:west", "api:none") });
    const plan = await planner.plan(proposalOf({ documents: [await halved(service)] }));
    await apply(plan.planId ?? "", plan.confirm ?? "");
    expect(service.writes()).toEqual([`PUT ${productPolicy}`]);
    const bare = openService();
    const planned = await bare.plan({ documents: [await halved(bare)] });
    const before = bare.world.requests.length;
    await bare.apply(planned);
    const reads = bare.world.requests.slice(before).filter(({ method }) => method === "GET");
    expect(new Set(reads.map(({ path }) => path.replace(/^.*\/service\/sandbox\/|\?.*$/g, "")))).toEqual(new Set([productPolicy]));
  });

  test("firm guards are in no record of overrides", async () => {
    const { service, planner } = twoProcesses({ allowOverride: [...firmGuards], protect: protecting("product:aoai") }, {});
    const plan = await planner.plan(proposalOf({ documents: [await halved(service)], override: [...firmGuards] }));
    expect(plan).toMatchObject({ status: "blocked", next: "Change the call so that the guards pass." });
    expect(plan).not.toHaveProperty("planId");
  });
});
