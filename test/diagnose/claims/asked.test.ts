import { describe, expect, test } from "vitest";
import { armId } from "../../../src/sandbox/world.ts";
import { updateQuota } from "../../../tools/update-quota.ts";
import { withCache } from "../faults.ts";
import { apiPolicy as api, openService, timeout } from "../kit.ts";
import { failing, product, regions, textOf, withoutBreakers } from "./claims.ts";

const traffic = ["limits", "quotas", "deployments", "backend-errors", "breakers", "keys", "refusals", "requests", "latency"];

test("without calls nothing is fine that calls would show", { timeout }, async () => {
  const service = await openService();
  await service.clock.advance(600_000);
  const { ok, unknown, problems } = await service.diagnose();
  expect(problems).toEqual([]);
  expect(unknown).toMatchObject([{ why: "No calls in the window.", checks: expect.arrayContaining(traffic) }]);
  for (const check of traffic) expect(ok.split(", ")).not.toContain(check);
});

test("workspaces are named as what was not looked at", { timeout }, async () => {
  const service = await openService();
  service.world.put("workspaces/payments", { displayName: "Payments" });
  expect((await service.diagnose()).notes).toEqual([expect.stringMatching(/^What is in workspaces is not looked at.*payments/)]);
});

test("a window over midnight has dates", { timeout }, async () => {
  const service = await openService();
  await service.clock.advance(58 * 60_000);
  service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 400 } });
  await service.send("growth", 30, { secondsApart: 10 });
  await service.clock.advance(60_000);
  const { verdict } = await service.diagnose();
  expect(verdict).toMatch(/2026-11-20 23:04 to 11-21 00:04 UTC.*11-20 23:5\d to 11-21 00:0\d/);
});

test("an API's own diagnostic is looked at without its name", { timeout }, async () => {
  const service = await openService();
  const properties = { loggerId: armId("loggers/azuremonitor"), sampling: { samplingType: "fixed", percentage: 5 } };
  service.world.put("apis/azure-openai/diagnostics/azuremonitor", properties);
  const { problems } = await service.diagnose({ symptom: "logging" });
  expect(problems).toMatchObject([{ check: "logging", seen: expect.stringContaining("API 'azure-openai'") }]);
});

test("our own change of a limit is not what backends fail on, and what took it back is offered for no other", { timeout }, async () => {
  const service = await openService();
  const { ask, apply } = service.harness;
  const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 150_000 }));
  await service.clock.advance(60_000);
  for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).script.add({ behaviour: { kind: "status", status: 500 } });
  await service.send("growth", 8);
  await service.clock.advance(60_000);
  const { verdict, changed, problems } = await service.diagnose();
  expect(changed).toEqual([expect.stringContaining(changeId)]);
  expect(verdict).not.toContain("It began at");
  expect(problems.map(textOf).join("\n")).not.toContain("undo_change");
});

test("a change of limits is not what backends fail on", { timeout }, async () => {
  const service = await openService();
  const write = { caller: "someone@contoso.example", action: "write" as const, status: "Succeeded" as const };
  service.world.activity.push({
    ...write,
    time: service.clock.now(),
    path: product,
    correlationId: "5a11db0c-0000-4000-8000-00000000e5e5",
  });
  await service.clock.advance(60_000);
  for (const id of ["aoai-eastus", "aoai-westeurope"]) service.model(id).script.add({ behaviour: { kind: "status", status: 500 } });
  await service.send("growth", 8);
  await service.clock.advance(60_000);
  const { verdict, changed } = await service.diagnose();
  expect(changed).toHaveLength(1);
  expect(verdict).not.toContain("It began at");
});

test("our own change of a limit, after which a team is refused, can be taken back", { timeout }, async () => {
  const service = await openService();
  const { ask, apply } = service.harness;
  const changeId = await apply(await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 }));
  await service.clock.advance(60_000);
  await service.send("growth", 12, { secondsApart: 1, prompt: "word ".repeat(60_000) });
  await service.clock.advance(60_000);
  const { verdict, problems } = await service.diagnose();
  expect(verdict).toContain(`(${changeId})`);
  expect(problems).toMatchObject([
    {
      check: "limits",
      do: expect.stringMatching(new RegExp(`^Take back what it began after: undo_change \\{"change_id":"${changeId}"\\}\\. Meant so`)),
    },
  ]);
});

describe("the verdict is of what was asked", () => {
  test("a cache that never hits", { timeout }, async () => {
    const service = await openService();
    withCache(service, { everyCall: true });
    service.change("backends/embeddings", {
      url: "https://aoai-embeddings.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings",
    });
    service.model("embeddings").script.add({ behaviour: { kind: "refuse" } });
    for (let index = 0; index < 22; index++) await service.send("growth", 1, { prompt: `${index} `.repeat(30 + index) });
    await service.clock.advance(60_000);
    const { verdict } = await service.diagnose({ symptom: "cache" });
    expect(verdict).toMatch(/^Found about the cache: cache-embeddings\b.*Nothing failed: 22 calls/);
  });

  test.for(["latency", "logging"])("%s, on a gateway where two of many calls fail, one to each side", { timeout }, async (symptom) => {
    const service = await openService();
    await service.send("prod-critical", 100, { secondsApart: 1 });
    await service.send("growth", 1, { body: { nonsense: true } });
    withoutBreakers(service);
    service.rewrite(api, 'count="2"', 'count="1"');
    for (const id of regions) service.model(id).script.add({ behaviour: { kind: "status", status: 500 }, times: 2 });
    const statuses = await service.send("growth", 1);
    expect(statuses).toEqual([500]);
    for (const id of regions) service.model(id).script.clear();
    await service.clock.advance(60_000);
    const { verdict } = await service.diagnose({ symptom });
    expect(verdict).toMatch(/^(?:Nothing found about|About) (?:latency|logging).*\b2 failed of 102 calls, [^.]*\.$/);
  });

  test("two sides that failed alike", { timeout }, async () => {
    const service = await openService();
    withoutBreakers(service);
    await service.send("growth", 6, { body: { nonsense: true } });
    failing(service, 500);
    await service.send("growth", 6);
    await service.clock.advance(60_000);
    expect((await service.diagnose()).verdict).toMatch(/^As much the backend as the client: 12 failed of 12 calls/);
  });
});

test("some refused calls and a single error among hundreds are the ordinary course of things", { timeout }, async () => {
  const service = await openService();
  await service.send("prod-critical", 300, { secondsApart: 1 });
  await service.send("growth", 30, { secondsApart: 1 });
  await service.send("growth", 1, { body: { nonsense: true } });
  service.rewrite(product, 'tokens-per-minute="200000"', 'tokens-per-minute="20"');
  expect((await service.send("growth", 3, { secondsApart: 1 })).filter((status) => status === 429)).toHaveLength(2);
  await service.clock.advance(60_000);
  const { problems, verdict } = await service.diagnose();
  expect(problems).toEqual([]);
  expect(verdict).toMatch(/^Nothing stands out: 3 failed of 334 calls/);
});
