import { describe, expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";

/** A call that must be refused: what is wrong with it, and words of the answer that say so and what to do. */
const refused: readonly (readonly [wrong: string, tool: string, input: Record<string, unknown>, words: readonly RegExp[]])[] = [
  ["unknown API", "get_backend_pool", { api_id: "azure-opnai" }, [/not_found/, /'azure-opnai'/, /'azure-openai'/]],
  ["unknown API for metrics", "get_metrics", { api_id: "nothing-alike" }, [/not_found/, /Known: 'azure-openai'/]],
  ["unknown product", "list_subscriptions", { product_id: "aaoi" }, [/not_found/, /'aoai'/]],
  ["unknown subscription", "update_quota", { subscription_id: "groth", tpm: 1000 }, [/not_found/, /'growth'/, /list_subscriptions/]],
  [
    "unknown operation",
    "apply_policy",
    { api_id: "azure-openai", operation_id: "Embedings", policy_xml: "<policies/>" },
    [/not_found/, /Embeddings_Create/],
  ],
  ["negative TPM", "update_quota", { subscription_id: "growth", tpm: -1 }, [/invalid_input/, /tpm/]],
  ["zero TPM", "update_quota", { subscription_id: "growth", tpm: 0 }, [/invalid_input/, /tpm/]],
  ["fractional TPM", "update_quota", { subscription_id: "growth", tpm: 1.5 }, [/invalid_input/, /tpm/]],
  ["TPM as text", "update_quota", { subscription_id: "growth", tpm: "100k" }, [/invalid_input/, /tpm/]],
  ["both limits missing", "update_quota", { subscription_id: "growth" }, [/invalid_input/, /tpm/, /rpm/]],
  ["misspelt input", "update_quota", { subscription_id: "growth", tmp: 1000 }, [/invalid_input/, /'?tmp'?/, /tpm/]],
  ["unknown guard", "update_quota", { subscription_id: "growth", tpm: 1000, override: ["limit_cutt"] }, [/invalid_input/, /limit_cut/]],
  ["reversed window", "get_metrics", { since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z" }, [/invalid_input/, /reversed/]],
  ["time without offset", "get_metrics", { since: "2026-01-02T00:00:00" }, [/invalid_input/, /offset/, /2026-01-02T00:00:00Z/]],
  ["until in the future", "get_metrics", { until: "2999-01-01T00:00:00Z" }, [/invalid_input/, /future/]],
  ["unsupported interval", "get_metrics", { interval: "PT2M" }, [/invalid_input/, /PT5M/]],
  ["unknown grouping", "get_metrics", { group_by: ["team"] }, [/invalid_input/, /group_by/, /subscription/]],
  [
    "pool member that does not exist",
    "update_backend_pool",
    { api_id: "azure-openai", backends: [{ backend_id: "aoai-westeurop" }] },
    [/not_found/, /aoai-westeurope/],
  ],
  [
    "priority out of range",
    "update_backend_pool",
    { api_id: "azure-openai", backends: [{ backend_id: "aoai-eastus", priority: 101 }] },
    [/invalid_input/, /0 to 100/],
  ],
  [
    "duration that is none",
    "update_backend_pool",
    { api_id: "azure-openai", policies: { circuit_breaker: { trip_duration: "5m" } } },
    [/invalid_input/, /PT1M/],
  ],
  ["nothing to change in a pool", "update_backend_pool", { api_id: "azure-openai" }, [/invalid_input/, /backends/]],
  [
    "pool that the API does not use",
    "update_backend_pool",
    { api_id: "azure-openai", pool_id: "aoai-pol", remove: ["x"] },
    [/not_found/, /aoai-pool/],
  ],
  ["no target for a policy", "apply_policy", { policy_xml: "<policies/>" }, [/invalid_input/, /api_id/, /product_id/, /global/]],
  [
    "two targets for a policy",
    "apply_policy",
    { api_id: "azure-openai", product_id: "aoai", policy_xml: "<policies/>" },
    [/invalid_input/, /one target/],
  ],
  ["operation without API", "apply_policy", { operation_id: "x", global: true, policy_xml: "<policies/>" }, [/invalid_input/, /api_id/]],
  ["plan that does not exist", "apply_change", { plan_id: "chg-0000000000000000", confirm: "x" }, [/not_found/, /list_changes/]],
  ["change that does not exist", "undo_change", { change_id: "../../etc/passwd" }, [/not_found/]],
  ["unknown cursor", "list_subscriptions", { cursor: "nobody" }, [/invalid_input/, /cursor/]],
  ["unknown tool", "update_qouta", {}, [/invalid_input/, /update_quota/]],
];

describe("a call that cannot be meant", () => {
  it.each(refused)("%s is refused with the reason and what to do", async (_, tool, input, words) => {
    const { refuse, documents } = await openHarness();
    const before = documents();
    const text = await refuse(tool, input);
    for (const word of words) expect(text).toMatch(word);
    expect(text).toMatch(/\nNext: /);
    expect(documents()).toEqual(before);
  });

  it("not a UUID: the configuration says which variable", async () => {
    const { refuse } = await openHarness({
      env: { AIGW_SERVICE: "apim-prod", AZURE_SUBSCRIPTION_ID: "my-subscription", AZURE_RESOURCE_GROUP: "rg" },
    });
    expect(await refuse("list_subscriptions", {})).toMatch(
      /not_configured[\s\S]*AZURE_SUBSCRIPTION_ID must be a UUID[\s\S]*az account show/,
    );
  });

  it("a wrong confirm writes nothing and does not use the plan up", async () => {
    const { ask, refuse, apply, documents } = await openHarness();
    const before = documents();
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    const text = await refuse("apply_change", { plan_id: plan.plan_id, confirm: "sandbox: growth tpm 200000 -> 1" });
    expect(text).toContain("sandbox: growth tpm 200000 -> 100000");
    expect(documents()).toEqual(before);
    await apply(plan);
    expect(documents()).not.toEqual(before);
  });

  it("an expired plan writes nothing", async () => {
    const clock = movableClock(new Date("2026-03-01T12:00:00Z"));
    const { ask, refuse, documents } = await openHarness({ clock });
    const before = documents();
    const plan = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
    expect(plan.expires_at).toBe("2026-03-01T12:30:00.000Z");
    await clock.advance(30 * 60_000 + 1000);
    expect(await refuse("apply_change", { plan_id: plan.plan_id, confirm: plan.confirm })).toMatch(/expired[\s\S]*update_quota/);
    expect(documents()).toEqual(before);
  });

  it("malformed XML blocks the plan, with the place of the mistake", async () => {
    const { ask, documents } = await openHarness();
    const before = documents();
    const policy_xml = '<policies>\n  <inbound>\n    <base />\n    <set-header name="a">\n  </inbound>\n</policies>';
    const plan = await ask(applyPolicy, { api_id: "azure-openai", policy_xml });
    expect(plan).toMatchObject({
      status: "blocked",
      guards: expect.arrayContaining([expect.objectContaining({ name: "policy_invalid", verdict: "blocked" })]),
    });
    expect(plan.plan_id).toBeUndefined();
    expect(plan.diagnostics[0]).toMatchObject({ severity: "error", line: 4 });
    expect(documents()).toEqual(before);
  });
});
