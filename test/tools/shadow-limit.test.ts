import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { getMetrics } from "../../tools/get-metrics.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { openHarness } from "../harness.ts";

const url = "https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
const body = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] });
const cause = "shadow:token-rate-limit";
const proposed = 500;

/** The demo service on a clock of the test's own, with somebody who calls it. */
async function openTraffic(sku = "Standard") {
  const clock = movableClock(new Date("2026-03-01T12:00:00Z"));
  const harness = await openHarness({ clock, env: { AIGW_ALLOW_OVERRIDE: "limit_cut" } });
  const { world } = harness.sandbox;
  world.service = { ...world.service, sku: { name: sku, capacity: 1 } };
  const gateway = await harness.sandbox.gateway();
  /** A burst of calls within a minute, and a pause that is longer: how they ended, and how many came when more than the proposed number was used. */
  const burst = async (team: string, calls: number) => {
    const statuses: number[] = [];
    let [used, over] = [0, 0];
    for (let call = 0; call < calls; call++) {
      if (used > proposed) over++;
      const headers = { "api-key": harness.sandbox.keys()[team] ?? "", "content-type": "application/json" };
      const answering = gateway.fetch(new Request(url, { method: "POST", headers, body }));
      await clock.advance(2000);
      const answer = await answering;
      used += JSON.parse(await answer.text()).usage?.total_tokens ?? 0;
      statuses.push(answer.status);
    }
    await clock.advance(120_000);
    return { statuses, over, refused: statuses.filter((status) => status === 429).length };
  };
  return { ...harness, clock, burst };
}

const shadow = { subscription_id: "growth", tpm: proposed, mode: "shadow" };

it("a shadow limit changes nobody's limit, is not doubled, goes when it is enforced, and each is taken back to the byte", async () => {
  const { ask, apply, documents } = await openTraffic();
  const before = documents();
  const limits = async () =>
    (await ask(listSubscriptions, {})).subscriptions.map(({ subscription_id, tpm, rpm }) => [subscription_id, tpm, rpm]);
  const notes = async () =>
    (await ask(listSubscriptions, {})).subscriptions.flatMap(({ subscription_id, note = "" }) =>
      note.includes("shadow") ? [[subscription_id, note]] : [],
    );
  const limitsBefore = await limits();
  const plan = await ask(updateQuota, shadow);
  expect(plan).toMatchObject({ status: "planned", confirm: "sandbox: growth shadow tpm 500, enforced 200000 stays", affected: ["growth"] });
  expect(plan.guards.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
  expect(plan.warnings.join(" ")).toContain("Assumed");
  expect(documents()).toEqual(before);
  const shadowed = await apply(plan);
  expect(await limits()).toEqual(limitsBefore);
  expect(await notes()).toEqual([["growth", expect.stringContaining(`shadow tpm ${proposed}, not enforced`)]]);
  expect(await ask(updateQuota, shadow)).toMatchObject({ status: "unchanged", documents: [] });
  const enforced = await apply(await ask(updateQuota, { ...shadow, mode: "enforce", override: ["limit_cut"] }));
  expect([...documents().values()].join("\n")).not.toContain(cause);
  expect(await notes()).toEqual([]);
  for (const change_id of [enforced, shadowed]) await apply(await ask(undoChange, { change_id }));
  expect(documents()).toEqual(before);
});

it("a shadow limit refuses nobody, and metrics tell how often it would have: as often as callers went beyond it", async () => {
  const { ask, apply, burst, client } = await openTraffic();
  const change_id = await apply(await ask(updateQuota, shadow));
  const bursts = [await burst("growth", 7), await burst("growth", 2), await burst("growth", 9)];
  const others = [await burst("analytics", 7), await burst("prod-critical", 7)];
  const over = bursts.reduce((sum, one) => sum + one.over, 0);
  expect(over).toBeGreaterThan(3);
  expect(over).toBeLessThan(18 - 3);
  expect([...bursts, ...others].reduce((sum, { refused }) => sum + refused, 0)).toBe(0);

  const { text, structured } = await client.call("get_metrics", { change_id, group_by: ["cause"] });
  const { totals, rows } = getMetrics.output.parse(structured);
  expect(totals).toMatchObject({ requests: 32, throttled: { total: 0 }, errors: { total: 0 }, shadowed: over });
  expect(rows).toEqual([expect.objectContaining({ cause: "succeeded", requests: 32 }), { cause, shadowed: over }]);
  expect(text).toContain(`Shadowed: ${over}`);
  expect(text).toMatch(new RegExp(`\\| ${cause} \\| - \\|.*\\| ${over} \\|`));
  for (const answer of [text, JSON.stringify(structured)]) expect(countTokens(answer)).toBeLessThanOrEqual(500);
  const byTeam = await ask(getMetrics, { change_id, group_by: ["subscription"] });
  expect(byTeam.rows.map(({ subscription, shadowed }) => `${subscription} ${shadowed}`).toSorted()).toEqual([
    "analytics undefined",
    `growth ${over}`,
    "prod-critical undefined",
  ]);
});

it("once it is enforced it refuses", async () => {
  const { ask, apply, burst } = await openTraffic();
  await apply(await ask(updateQuota, shadow));
  await apply(await ask(updateQuota, { ...shadow, mode: "enforce", override: ["limit_cut"] }));
  const { over, refused } = await burst("growth", 7);
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBe(over);
});

it("the demo's v2 tier sees none of a steady load: its bucket fills up faster, and the plan says so", async () => {
  const { ask, apply, burst } = await openTraffic("StandardV2");
  const plan = await ask(updateQuota, shadow);
  expect(plan.warnings.join(" ")).toContain("a steady load between 500 and 200000 is not");
  const change_id = await apply(plan);
  expect((await burst("growth", 12)).over).toBeGreaterThan(0);
  expect((await ask(getMetrics, { change_id, group_by: ["cause"] })).totals).not.toHaveProperty("shadowed");
});

it("a team without a limit, and a number that is not below it, are refused with the reason", async () => {
  const { refuse } = await openTraffic();
  expect(await refuse("update_quota", { ...shadow, subscription_id: "master" })).toMatch(/needs an enforced TPM limit that 'master' alone/);
  expect(await refuse("update_quota", { ...shadow, tpm: 200_000 })).toMatch(/would record nothing: 200000 is enforced for 'growth'/);
});
