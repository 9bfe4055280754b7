import { describe, expect, it } from "vitest";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listChanges } from "../../tools/list-changes.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Harness, openHarness } from "../harness.ts";

const limitsByTeam = async ({ ask }: Harness): Promise<Record<string, readonly [tpm: unknown, rpm: unknown]>> =>
  Object.fromEntries(
    (await ask(listSubscriptions, {})).subscriptions.map(({ subscription_id, tpm, rpm }) => [subscription_id, [tpm, rpm]]),
  );

const seededLimits = {
  analytics: [200_000, "none"],
  growth: [200_000, "none"],
  labs: [20_000, "none"],
  master: ["none", "none"],
  "prod-critical": [500_000, 3_000],
};

describe("the main job", () => {
  it("lists the teams with the limits that bind them and where these are written", async () => {
    const harness = await openHarness();
    expect(await limitsByTeam(harness)).toEqual(seededLimits);
    const { service, subscriptions, left_out } = await harness.ask(listSubscriptions, { product_id: "aoai", detail: true });
    expect(service).toBe("sandbox");
    expect(left_out).toBe(0);
    expect(subscriptions.map(({ subscription_id }) => subscription_id)).toEqual(["analytics", "growth", "prod-critical"]);
    expect(subscriptions[2]?.limits?.map(({ kind, value, document, line }) => `${kind} ${value} ${document}:${line}`)).toEqual([
      "rpm 3000 products/aoai/policies/policy:6",
      "tpm 500000 products/aoai/policies/policy:7",
    ]);
  });

  it("pages the list", async () => {
    const { ask } = await openHarness();
    const first = await ask(listSubscriptions, { limit: 2 });
    expect(first).toMatchObject({ left_out: 3, next_cursor: "labs" });
    const rest = await ask(listSubscriptions, { cursor: first.next_cursor });
    expect([...first.subscriptions, ...rest.subscriptions].map(({ subscription_id }) => subscription_id)).toEqual(
      Object.keys(seededLimits),
    );
  });

  it("lowers one team's limit, nobody else's, and takes it back to the byte", async () => {
    const harness = await openHarness();
    const { ask, apply, documents } = harness;
    const before = documents();

    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    expect(plan).toMatchObject({ status: "planned", confirm: "sandbox: growth tpm 200000 -> 100000", affected: ["growth"] });
    expect(plan.documents.map(({ id, action }) => `${action} ${id}`)).toEqual(["update products/aoai/policies/policy"]);
    expect(documents()).toEqual(before);

    const change = await apply(plan);
    expect(await limitsByTeam(harness)).toEqual({ ...seededLimits, growth: [100_000, "none"] });
    const untouched = new Map(documents());
    expect([...before].filter(([path, text]) => untouched.get(path) !== text).map(([path]) => path)).toEqual([
      "products/aoai/policies/policy",
    ]);

    const again = await ask(updateQuota, { subscription_id: "growth", tpm: 90_000 });
    await apply(again);
    expect(await limitsByTeam(harness)).toEqual({ ...seededLimits, growth: [90_000, "none"] });
    const [newest] = (await ask(listChanges, {})).changes;
    await apply(await ask(undoChange, { change_id: newest?.change_id }));
    await apply(await ask(undoChange, { change_id: change }));
    expect(documents()).toEqual(before);
  });

  it("has nothing to do where the limit already is as asked", async () => {
    const { ask } = await openHarness();
    expect(await ask(updateQuota, { subscription_id: "growth", tpm: 200_000 })).toMatchObject({ status: "unchanged", documents: [] });
  });

  it("blocks a cut by more than half, unless the operator allows the override", async () => {
    const strict = await openHarness();
    const cut = { subscription_id: "growth", tpm: 50_000 };
    expect(await strict.ask(updateQuota, cut)).toMatchObject({
      status: "blocked",
      guards: expect.arrayContaining([expect.objectContaining({ name: "limit_cut", verdict: "blocked" })]),
    });
    expect(await strict.ask(updateQuota, { ...cut, override: ["limit_cut"] })).toMatchObject({ status: "blocked" });

    const lenient = await openHarness({ env: { AIGW_ALLOW_OVERRIDE: "limit_cut" } });
    const plan = await lenient.ask(updateQuota, { ...cut, override: ["limit_cut"] });
    expect(plan).toMatchObject({ status: "planned", confirm: "sandbox: growth tpm 200000 -> 50000 [override: limit_cut]" });
  });

  it("adds a second region behind the first, with a breaker that makes it take over", async () => {
    const { ask, apply, documents } = await openHarness();
    const before = documents();
    const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
    const plan = await ask(updateBackendPool, {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-westeurope", priority: 2, circuit_breaker: breaker }],
      policies: { circuit_breaker: breaker },
    });
    expect(plan.documents.map(({ id, action }) => `${action} ${id}`).toSorted()).toEqual([
      "update backends/aoai-eastus",
      "update backends/aoai-pool",
      "update backends/aoai-westeurope",
    ]);
    const change = await apply(plan);

    const { routes } = await ask(getBackendPool, { api_id: "azure-openai" });
    expect(routes).toMatchObject([
      {
        backend_id: "aoai-pool",
        kind: "pool",
        certainty: "certain",
        members: [
          { backend_id: "aoai-eastus", priority: 1, circuit_breaker: { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" } },
          {
            backend_id: "aoai-westeurope",
            priority: 2,
            circuit_breaker: { failure_count: 5, interval: "PT1M", trip_duration: "PT5M", status_codes: ["429", "500-599"] },
          },
        ],
      },
    ]);
    await apply(await ask(undoChange, { change_id: change }));
    expect(documents()).toEqual(before);
  });

  it("creates a policy where there was none, and removes it on undo", async () => {
    const { ask, apply, documents } = await openHarness();
    const before = documents();
    const policy_xml = `<policies><inbound><base /><set-header name="x-team" exists-action="override"><value>@(context.Subscription?.Name ?? "none")</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`;
    const plan = await ask(applyPolicy, { api_id: "azure-openai", operation_id: "Embeddings_Create", policy_xml });
    expect(plan.documents).toMatchObject([{ id: "apis/azure-openai/operations/Embeddings_Create/policies/policy", action: "create" }]);
    const change = await apply(plan);
    expect(documents().get("apis/azure-openai/operations/Embeddings_Create/policies/policy")).toContain("x-team");
    await apply(await ask(undoChange, { change_id: change }));
    expect(documents()).toEqual(before);
  });

  it("tells what binds which calls where a single operation has a limit of its own", async () => {
    const harness = await openHarness();
    const limit = `<rate-limit-by-key calls="2000" renewal-period="60" counter-key="@(context.Subscription.Id)" />`;
    const sections = `<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error>`;
    const policy_xml = `<policies><inbound><base />${limit}</inbound>${sections}</policies>`;
    await harness.apply(await harness.ask(applyPolicy, { api_id: "azure-openai", operation_id: "Embeddings_Create", policy_xml }));
    const { subscriptions } = await harness.ask(listSubscriptions, { product_id: "aoai-trial", detail: true });
    expect(subscriptions).toMatchObject([{ subscription_id: "labs", tpm: 20_000, rpm: "several" }]);
    expect(subscriptions[0]?.note).toMatch(/rpm.*2000 on .*Embeddings_Create/);
    expect(subscriptions[0]?.limits).toContainEqual(
      expect.objectContaining({ kind: "rpm", value: 2000, scope: "operation 'azure-openai/Embeddings_Create'" }),
    );
  });

  it("counts requests, and calls unknown what platform metrics cannot know where there are no logs", async () => {
    const { ask } = await openHarness({ logs: false });
    const { totals, rows, notes } = await ask(getMetrics, { api_id: "azure-openai", group_by: ["cause"] });
    expect(totals.requests).toBeGreaterThan(0);
    expect(totals.tokens).toBe("unknown");
    expect(rows.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(totals.requests);
    expect(notes.join(" ")).toMatch(/tokens/);
    const bySubscription = await ask(getMetrics, { group_by: ["subscription"] });
    expect(bySubscription.rows).toEqual([]);
    expect(bySubscription.notes.join(" ")).toMatch(/subscription.*resource logs/);
  });
});
