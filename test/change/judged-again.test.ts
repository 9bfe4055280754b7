import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { movableClock } from "../../src/sandbox/clock.ts";
import type { PlanOutput } from "../../src/tool.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { listChanges } from "../../tools/list-changes.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Harness, openHarness } from "../harness.ts";
import { drillOf, openDrillMachine } from "./drill/kit.ts";
import { openMachine } from "./processes.ts";
import { halved, openService, proposalOf } from "./service.ts";

const limit = (tpm: number): string =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />`;
const jwt = `<validate-jwt header-name="Authorization"><openid-config url="https://login.example/openid" /></validate-jwt>`;
const xml = (inbound: string): JsonObject => ({ format: "rawxml", value: `<policies><inbound><base />${inbound}</inbound></policies>` });
const route = (backend: string): string => `<set-backend-service backend-id="${backend}" />`;

/** For the team alone. */
const own = (inbound: string): string => `<choose><when condition='@(context.Subscription.Id == "duo")'>${inbound}</when></choose>`;

const productPolicy = "products/pair/policies/policy";
const apiPolicy = "apis/pair/policies/policy";

interface Service extends Harness {
  /** Somebody else's write, past every guard: by ARM itself. */
  arm(method: "PUT" | "DELETE", id: string, properties?: JsonObject): Promise<void>;
  /** Applies a plan that must be refused with nothing written; the text. */
  refused(plan: PlanOutput): Promise<string>;
  tpmOf(team: string): Promise<unknown>;
}

/** The demo's service with an API `pair` of one product, and one team; the product's policy and the API's each limit it to 100 TPM. */
async function openPair(more: Readonly<Record<string, JsonObject>> = {}, env: Readonly<Record<string, string>> = {}): Promise<Service> {
  let address = { arm: "", token: "", service: "" };
  const harness = await openHarness({
    logs: false,
    env: (served) => {
      address = served;
      return env;
    },
  });
  const { world } = harness.sandbox;
  const resources: Readonly<Record<string, JsonObject>> = {
    "apis/pair": { displayName: "Pair", path: "pair", isCurrent: true, subscriptionRequired: true },
    "products/pair": { displayName: "Pair", state: "published" },
    "products/pair/apis/pair": {},
    [productPolicy]: xml(limit(100)),
    [apiPolicy]: xml(`${route("aoai-pool")}${own(limit(100))}`),
    "subscriptions/duo": { displayName: "Duo", scope: "/products/pair", state: "active" },
    ...more,
  };
  for (const [path, properties] of Object.entries(resources)) world.put(path, properties);
  return {
    ...harness,
    async arm(method, id, properties) {
      const answer = await fetch(`${address.arm}${address.service}/${id}?api-version=2024-05-01`, {
        method,
        headers: { authorization: `Bearer ${address.token}`, "content-type": "application/json", "if-match": "*" },
        ...(properties === undefined ? {} : { body: JSON.stringify({ properties }) }),
      });
      if (!answer.ok) throw new Error(`${method} ${id}: ${answer.status} ${await answer.text()}`);
    },
    async refused({ plan_id, confirm }) {
      const before = harness.documents();
      const text = await harness.refuse("apply_change", { plan_id, confirm });
      expect(harness.documents()).toEqual(before);
      const { changes } = await harness.ask(listChanges, {});
      expect(changes.find(({ change_id }) => change_id === plan_id)).toMatchObject({ state: "planned" });
      return text;
    },
    async tpmOf(team) {
      const { subscriptions } = await harness.ask(listSubscriptions, {});
      return subscriptions.find(({ subscription_id }) => subscription_id === team)?.tpm;
    },
  };
}

const inProduct = { product_id: "pair", edits: [{ select: "inbound/llm-token-limit", remove: true }] };
const inApi = { api_id: "pair", edits: [{ select: "inbound/choose", remove: true }] };

const toBackend = (name: string) => ({
  api_id: "pair",
  edits: [{ select: "inbound/set-backend-service", set: { "backend-id": name } }],
});

const pool = (...members: readonly string[]): JsonObject => ({
  type: "Pool",
  pool: { services: members.map((name) => ({ id: `/backends/${name}` })) },
});

const planned = (plan: PlanOutput): PlanOutput => {
  expect(plan.status, JSON.stringify(plan.guards)).toBe("planned");
  return plan;
};

const gone =
  /guarded.*limit_raise: duo: tpm 100 -> none: the limit goes, and none that can be told takes its place\. Nothing was written\./s;

describe("two plans that each leave a team a limit", () => {
  test.each([
    ["the product's first", inProduct, inApi],
    ["the API's first", inApi, inProduct],
  ])("take only one of them away: %s", async (_, one, other) => {
    const { ask, apply, refused, tpmOf } = await openPair();
    const [first, second] = [planned(await ask(applyPolicy, one)), planned(await ask(applyPolicy, other))];
    const changeId = await apply(first);
    const text = await refused(second);
    expect(text).toMatch(gone);
    expect(text).toContain("Plan the change again (apply_policy)");
    expect(await tpmOf("duo")).toBe(100);
    expect(await ask(applyPolicy, other)).toMatchObject({
      status: "blocked",
      guards: expect.arrayContaining([expect.objectContaining({ name: "limit_raise", verdict: "blocked" })]),
    });
    // With the other limit back it passes again: the refusal has not used it up.
    await apply(await ask(undoChange, { change_id: changeId }));
    await apply(second);
    expect(await tpmOf("duo")).toBe(100);
  });

  test("by update_quota take only one of them away", async () => {
    const { ask, apply, refused, tpmOf } = await openPair();
    const { subscriptions } = await ask(listSubscriptions, { detail: true, product_id: "pair" });
    const ids = subscriptions.flatMap(({ limits = [] }) => limits.map(({ limit_id }) => limit_id));
    const quota = (limit_id = "") => ask(updateQuota, { subscription_id: "duo", tpm: null, limit_id });
    const [first, second] = [planned(await quota(ids[0])), planned(await quota(ids[1]))];
    await apply(first);
    expect(await refused(second)).toMatch(gone);
    expect(await tpmOf("duo")).toBe(100);
  });

  test("of which the second raises what binds more than tenfold", async () => {
    const { ask, apply, refused } = await openPair({ [productPolicy]: xml(limit(500)) });
    const to5000 = (select: string) => ({ edits: [{ select, set: { "tokens-per-minute": 5000 } }] });
    const [first, second] = [
      planned(await ask(applyPolicy, { product_id: "pair", ...to5000("inbound/llm-token-limit") })),
      planned(await ask(applyPolicy, { api_id: "pair", ...to5000("inbound/choose/when/llm-token-limit") })),
    ];
    await apply(first);
    expect(await refused(second)).toMatch(/limit_raise: duo: tpm 100 -> 5000 raises the limit more than tenfold/);
  });
});

describe("an edit of another document by somebody else between the plan and its apply", () => {
  test("that takes the other limit away", async () => {
    const { ask, apply, arm, refused } = await openPair();
    const plan = planned(await ask(applyPolicy, inApi));
    await arm("PUT", productPolicy, xml(""));
    expect(await refused(plan)).toMatch(gone);
    await arm("PUT", productPolicy, xml(limit(90)));
    await apply(plan);
  });

  test("that puts a second team on the number of the first", async () => {
    const { ask, apply, arm, refused } = await openPair({ [apiPolicy]: xml(route("aoai-pool")) });
    const plan = planned(await ask(updateQuota, { subscription_id: "duo", tpm: 80 }));
    await arm("PUT", "subscriptions/trio", { displayName: "Trio", scope: "/products/pair", state: "active" });
    expect(await refused(plan)).toMatch(/shared_document: trio, which the call does not name, would go from tpm 100 to 80/);
    await arm("DELETE", "subscriptions/trio");
    await apply(plan);
  });

  test("that takes the check out of the fragment which a policy comes to include in the place of its own", async () => {
    const fragment = (content: string): JsonObject => ({ format: "rawxml", value: `<fragment>${content}</fragment>` });
    const { ask, apply, arm, refused } = await openPair({
      [apiPolicy]: xml(`${route("aoai-pool")}${jwt}`),
      "policyFragments/checks": fragment(jwt),
    });
    const replace = '<include-fragment fragment-id="checks" />';
    const plan = planned(await ask(applyPolicy, { api_id: "pair", edits: [{ select: "inbound/validate-jwt", replace }] }));
    await arm("PUT", "policyFragments/checks", fragment("<cors />"));
    expect(await refused(plan)).toMatch(/auth_removed: API 'pair' policy: <validate-jwt> would no longer apply to every call/);
    await arm("PUT", "policyFragments/checks", fragment(jwt));
    await apply(plan);
  });

  test.each<[string, (service: Service) => Promise<void>, RegExp]>([
    [
      "deletes",
      ({ arm }) => arm("DELETE", "backends/spare"),
      /no_backend_left: API 'pair' would go to backend 'spare', which does not exist/,
    ],
    [
      "takes the last member from",
      async ({ sandbox }) => void sandbox.world.put("backends/spare", pool()),
      /no_backend_left: API 'pair' would go to backend 'spare', which has no member/,
    ],
  ])("that %s the pool which an API is to go to", async (_, edit, says) => {
    const service = await openPair({ "backends/spare": pool("aoai-westeurope") });
    const plan = planned(await service.ask(applyPolicy, toBackend("spare")));
    await edit(service);
    expect(await service.refused(plan)).toMatch(says);
    await service.arm("PUT", "backends/spare", pool("aoai-westeurope"));
    await service.apply(plan);
  });

  test("that touches nothing of what was judged: the plan is applied as ever", async () => {
    const { ask, apply, arm, tpmOf } = await openPair();
    const plan = planned(await ask(applyPolicy, inApi));
    await arm("PUT", "products/aoai-trial/policies/policy", xml(limit(5)));
    await arm("PUT", productPolicy, xml(limit(40)));
    await apply(plan);
    expect(await tpmOf("duo")).toBe(40);
  });
});

describe("two plans for an API's backends", () => {
  test("of which the first, an undo, takes the backend away that the second goes to", async () => {
    const { ask, apply, refused } = await openPair();
    const partner = { backend_id: "partner", url: "https://partner.openai.azure.com/openai" };
    const added = await apply(planned(await ask(updateBackendPool, { api_id: "azure-openai", backends: [partner] })));
    const second = planned(await ask(applyPolicy, toBackend("partner")));
    await apply(planned(await ask(undoChange, { change_id: added })));
    expect(await refused(second)).toMatch(/no_backend_left: API 'pair' would go to backend 'partner', which does not exist/);
  });

  test("of which the first leaves the pool without credentials that the second goes to", async () => {
    const { ask, apply, refused } = await openPair({
      "backends/spare": {
        type: "Pool",
        pool: {
          services: [
            { id: "/backends/aoai-westeurope", priority: 1 },
            { id: "/backends/bare", priority: 2 },
          ],
        },
      },
      "backends/bare": { url: "https://bare.example", protocol: "http" },
      "apis/other": { displayName: "Other", path: "other", isCurrent: true, subscriptionRequired: true },
      "apis/other/policies/policy": xml(
        `<authentication-managed-identity resource="https://cognitiveservices.azure.com" /><choose><when condition='@(context.Request.Headers.ContainsKey("x-bare"))'>${route("bare")}</when><otherwise>${route("spare")}</otherwise></choose>`,
      ),
    });
    const first = planned(await ask(updateBackendPool, { api_id: "other", pool_id: "spare", remove: ["aoai-westeurope"] }));
    const second = planned(await ask(applyPolicy, toBackend("spare")));
    await apply(first);
    expect(await refused(second)).toMatch(/auth_removed: API 'pair' would go to backend 'spare', without the credentials/);
  });
});

test("a new member that has answered does not join where the service has changed while it was asked", async () => {
  const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
  let meanwhile = () => {};
  const harness = await openHarness({
    clock,
    env: ({ keys }) => ({ AIGW_PROBE_KEY: keys.master ?? "", AIGW_PROTECT: "api:other" }),
    wait: async (milliseconds) => {
      meanwhile();
      await clock.advance(milliseconds);
    },
  });
  const { world } = harness.sandbox;
  world.put("apis/other", { displayName: "Other", path: "other", isCurrent: true, subscriptionRequired: true });
  const { models } = await harness.sandbox.dataPlane();
  models.of("aoai-westeurope")?.script.add({ behaviour: { kind: "status", status: 401 }, times: 1 });
  const joins = { api_id: "azure-openai", probe: true, backends: [{ backend_id: "aoai-westeurope", priority: 2 }] };
  const { plan_id, confirm } = planned(await harness.ask(updateBackendPool, joins));
  const before = harness.documents();
  meanwhile = () => world.put("apis/other/policies/policy", xml(route("aoai-pool")));
  const text = await harness.refuse("apply_change", { plan_id, confirm });
  expect(text).toMatch(/guarded.*API 'other' is protected \(AIGW_PROTECT\), and backend 'aoai-pool' reaches it/s);
  const after = harness.documents();
  expect(after.get("apis/other/policies/policy")).toContain("aoai-pool");
  expect(new Map([...after].filter(([path]) => path !== "apis/other/policies/policy"))).toEqual(before);
  meanwhile = () => {};
  world.delete("apis/other/policies/policy");
  expect(await harness.ask(applyChange, { plan_id, confirm })).toMatchObject({ status: "applied" });
});

describe("a drill", () => {
  test("of the named teams does not begin once they are all that can call the API", async () => {
    const machine = openDrillMachine();
    const process = machine.start();
    const plan = await process.plan(await drillOf(process));
    const before = machine.service.state();
    machine.service.world.delete("subscriptions/another");
    await expect(process.apply(plan)).rejects.toMatchObject({
      code: "guarded",
      message: expect.stringMatching(/: all_traffic: The named subscriptions are all that can call API 'openai'.* Nothing was written\.$/),
    });
    machine.service.world.put("subscriptions/another", before.get("subscriptions/another") ?? {});
    expect(machine.service.state()).toEqual(before);
    await expect(process.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("does not begin once a policy attaches a credential to what goes to another's origin", async () => {
    const machine = openDrillMachine();
    const process = machine.start();
    const { drill, ...proposal } = await drillOf(process, "rehearse");
    if (drill?.faultOrigin == null) throw new Error("no rehearsal");
    const plan = await process.plan({ ...proposal, drill: { ...drill, faultOrigin: { ...drill.faultOrigin, own: false } } });
    machine.service.world.put("policies/policy", {
      format: "rawxml",
      value: `<policies><inbound><authentication-managed-identity resource="https://x.example" /></inbound></policies>`,
    });
    await expect(process.apply(plan)).rejects.toMatchObject({
      code: "guarded",
      message: expect.stringMatching(/credential_to_fault_origin: .*authentication-managed-identity \(policies\/policy, line \d+\)/),
    });
    expect(machine.service.writes()).toEqual([]);
  });
});

test.each(["before", "after"] as const)(
  "a process that is killed while it judges, %s a read, leaves the plan as it was",
  async (effect) => {
    for (const moment of [2, 5, 10]) {
      const machine = openMachine();
      const victim = machine.start();
      const plan = await victim.plan(proposalOf({ documents: [await halved(machine.service)], limits: [], teams: ["growth"] }));
      expect(await victim.killedIn({ moment, effect }, () => victim.apply(plan))).toBe("killed");
      const next = machine.start();
      expect((await next.changes.log.list(1)).changes).toMatchObject([{ changeId: plan.planId, state: "planned" }]);
      expect(machine.service.writes()).toEqual([]);
      await expect(next.apply(plan)).resolves.toMatchObject({ status: "applied" });
    }
  },
);

describe("what was overridden", () => {
  const env = { AIGW_ALLOW_OVERRIDE: "limit_raise" };
  const override = ["limit_raise"];

  test("stays so, whatever the guard would say now", async () => {
    const { ask, apply, arm, tpmOf } = await openPair(
      { [productPolicy]: xml(""), [apiPolicy]: xml(`${route("aoai-pool")}${own(limit(10))}`) },
      env,
    );
    const plan = planned(await ask(applyPolicy, { ...inApi, override }));
    expect(plan.confirm).toContain("[override: limit_raise]");
    // From 10 to 200, where it was from 10 to none.
    await arm("PUT", productPolicy, xml(limit(200)));
    await apply(plan);
    expect(await tpmOf("duo")).toBe(200);
  });

  test("counts only where it was needed: asked for a plan that passed, it does not count later", async () => {
    const { ask, apply, refused, tpmOf } = await openPair({}, env);
    const second = planned(await ask(applyPolicy, { ...inApi, override }));
    expect(second.confirm).not.toContain("override");
    await apply(planned(await ask(applyPolicy, inProduct)));
    expect(await refused(second)).toMatch(gone);
    await apply(planned(await ask(applyPolicy, { ...inApi, override })));
    expect(await tpmOf("duo")).toBe("none");
  });
});

test.each([
  ["with nothing protected", {}],
  ["with something else protected", { AIGW_PROTECT: "backend:none" }],
])("an undo is applied whatever other guards say of it now: %s", async (_, env) => {
  const { ask, apply, arm, tpmOf, sandbox } = await openPair(
    { [apiPolicy]: xml(route("spare")), "backends/spare": pool("aoai-westeurope") },
    env,
  );
  const edits = [
    { select: "inbound", append: own(limit(100)) },
    { select: "inbound/set-backend-service", set: { "backend-id": "aoai-pool" } },
  ];
  const added = await apply(planned(await ask(applyPolicy, { api_id: "pair", edits })));
  const undo = planned(await ask(undoChange, { change_id: added }));
  expect(undo.warnings.join()).not.toMatch(/limit goes|no member/);
  await arm("PUT", productPolicy, xml(""));
  sandbox.world.put("backends/spare", pool());
  await apply(undo);
  expect(await tpmOf("duo")).toBe("none");
  expect(sandbox.world.get(apiPolicy)?.properties.value).toContain("spare");
});

test("limits that their tool lets through, other than the finder, are let through as long as they are the same", async () => {
  const service = openService();
  service.world.put("products/aoai/apis/openai", {});
  service.world.put("subscriptions/growth", { displayName: "Growth", scope: "/products/aoai", state: "active" });
  const limitOfApi = (tpm: number) => service.world.put("apis/openai/policies/policy", xml(`${route("east")}${limit(tpm)}`));
  const plan = await service.plan({ documents: [await halved(service, 500)], limits: [] });
  expect(plan.status).toBe("planned");
  limitOfApi(150_000);
  await expect(service.apply(plan)).rejects.toMatchObject({
    code: "guarded",
    message: expect.stringContaining("limit_cut: growth: tpm 150000 -> 500 cuts the limit by more than half."),
    hint: expect.stringMatching(/^Plan the change again/),
  });
  limitOfApi(900_000);
  await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
});
