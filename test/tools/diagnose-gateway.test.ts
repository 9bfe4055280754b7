import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { applyPolicy } from "../../tools/apply-policy.ts";
import { diagnoseGateway } from "../../tools/diagnose-gateway.ts";
import { faults } from "../diagnose/faults.ts";
import { openService, timeout } from "../diagnose/kit.ts";
import { openHarness } from "../harness.ts";

/** What a model has to read. */
const mostTokens = 700;

describe("the answer is short", () => {
  test("on the demo service, at an hour in which a team runs into its limit", { timeout }, async () => {
    const { client } = await openHarness({ clock: movableClock(new Date("2026-11-20T10:30:00Z")) });
    const { text, structured } = await client.call("diagnose_gateway", {});
    await expect(text).toMatchFileSnapshot("./diagnose-gateway.md");
    expect(countTokens(text)).toBeLessThanOrEqual(mostTokens);
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(mostTokens);
  });

  test("however much is wrong: the first problems in full, the others by name", { timeout }, async () => {
    const service = await openService();
    for (const { plant } of faults.filter(({ check }) => check !== "latency")) await plant(service);
    await service.clock.advance(60_000);
    const { text, structured } = await service.harness.client.call("diagnose_gateway", {});
    const { problems, notes } = diagnoseGateway.output.parse(structured);
    expect(problems).toHaveLength(5);
    const others = faults.map(({ check }) => check).filter((check) => !problems.some((one) => one.check === check));
    for (const check of others.filter((name) => name !== "latency" && name !== "cache-hits")) expect(notes[0]).toContain(check);
    expect(notes[0]).toMatch(/^Also problem: .*\. Ask again with a symptom\.$/);
    expect(countTokens(text)).toBeLessThanOrEqual(1.5 * mostTokens);
  });
});

test("what is asked for must be there", { timeout }, async () => {
  const { refuse } = await openHarness({ seed: "demo", clock: movableClock(new Date("2026-11-20T23:00:00Z")) });
  expect(await refuse("diagnose_gateway", { api_id: "azure-openia" })).toContain("Did you mean 'azure-openai'?");
  expect(await refuse("diagnose_gateway", { subscription_id: "groth" })).toContain("Did you mean 'growth'?");
  expect(await refuse("diagnose_gateway", { since: "yesterday" })).toContain("is not a time");
  expect(await refuse("diagnose_gateway", { symptom: "slow" })).toContain("latency");
});

test("changes of the hour are named, ours once and with their id, those of others with who made them", { timeout }, async () => {
  const { harness, clock, world, diagnose } = await openService();
  const { ask, apply } = harness;
  const changeId = await apply(
    await ask(applyPolicy, {
      api_id: "azure-openai",
      edits: [{ select: "outbound", append: '<set-header name="x-served-by" exists-action="override"><value>ai</value></set-header>' }],
    }),
  );
  await clock.advance(60_000);
  const activity = { caller: "someone@contoso.example", action: "write" as const, correlationId: "5a11db0c-0000-4000-8000-00000000e5e5" };
  for (const status of ["Accepted", "Succeeded"] as const)
    world.activity.push({ ...activity, time: clock.now(), path: "backends/aoai-eastus", status });
  world.activity.push({ ...activity, time: clock.now(), path: "products/aoai", status: "Failed", correlationId: "other" });
  await clock.advance(60_000);
  const { changed, problems } = await diagnose();
  expect(problems).toEqual([]);
  expect(changed).toEqual([
    expect.stringMatching(new RegExp(`^2026-11-20T23:00Z .*\\(${changeId}\\)$`)),
    "2026-11-20T23:01Z someone@contoso.example: write backends/aoai-eastus",
    "2026-11-20T23:01Z someone@contoso.example: write products/aoai, failed",
  ]);
});

test("one member alone is a word beside the checks that are fine, and a problem to who asks about failover", { timeout }, async () => {
  const { world, diagnose, problems } = await openService();
  world.put("backends/aoai-pool", { type: "Pool", pool: { services: [{ id: "/backends/aoai-eastus" }] } });
  const { ok, problems: found } = await diagnose();
  expect(found).toEqual([]);
  expect(ok).toContain("failover (aoai-pool has one member, aoai-eastus: nothing takes over when it fails.)");
  expect(await problems({ symptom: "failover" })).toEqual(["failover-members"]);
});

test("without a cache there is none to find fault with, unless it was asked about", { timeout }, async () => {
  const { problems } = await openService();
  expect(await problems()).toEqual([]);
  expect(await problems({ symptom: "cache" })).toEqual(["cache-pair"]);
});

test("what is not written down is a problem, and what only logs tell of a team is unknown", { timeout }, async () => {
  const { world, send, clock, diagnose } = await openService();
  await send("prod-critical", 2);
  await clock.advance(180_000);
  world.diagnosticSettings = [];
  const { problems, unknown, verdict } = await diagnose();
  expect(problems).toMatchObject([{ check: "logging", do: expect.stringContaining("az monitor diagnostic-settings create") }]);
  expect(unknown).toEqual([]);
  expect((await diagnose({ subscription_id: "prod-critical" })).unknown).toMatchObject([
    { checks: expect.arrayContaining(["limits", "keys"]) },
  ]);
  expect(verdict).toMatch(/^Nothing failed: 2 calls, .*, by platform metrics \(Azure Monitor\)\.$/);
});
