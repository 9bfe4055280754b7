import { expect, test } from "vitest";
import { getMetrics } from "../../tools/get-metrics.ts";
import { openService, timeout } from "./kit.ts";

test("an outage, a wrong policy and clients that hang up in one hour are told apart, with the numbers that callers have seen", {
  timeout,
}, async () => {
  const service = await openService();
  const { clock, world, send, model } = service;
  const regions = ["aoai-eastus", "aoai-westeurope"];

  const quiet = await send("prod-critical", 20);
  expect(quiet.every((status) => status === 200)).toBe(true);

  // 23:01: the regions fail one after the other, and with them what breakers keep back.
  await clock.advance(60_000);
  for (const region of regions) model(region).script.add({ behaviour: { kind: "status", status: 500 } });
  const outage = (await send("prod-critical", 15)).filter((status) => status >= 500).length;
  for (const region of regions) model(region).script.clear();
  await clock.advance(600_000);

  // 23:12: somebody else writes a policy that throws.
  const { value = "" } = world.get("apis/azure-openai/policies/policy")?.properties ?? {};
  const throwing = '<base /><set-variable name="tier" value="@(context.Request.Headers.GetValueOrDefault("x-tier", "").Substring(50))" />';
  world.put("apis/azure-openai/policies/policy", { value: String(value).replace("<base />", throwing) });
  world.activity.push({
    time: clock.now(),
    caller: "someone@contoso.example",
    path: "apis/azure-openai/policies/policy",
    action: "write",
    status: "Succeeded",
    correlationId: "5a11db0c-0000-4000-8000-00000000e5e5",
  });
  await clock.advance(60_000);
  const broken = (await send("growth", 24)).filter((status) => status === 500).length;
  world.put("apis/azure-openai/policies/policy", { value });
  await clock.advance(600_000);

  // 23:23: a model that takes its time, and callers that do not.
  model("aoai-eastus").script.add({ latencyMs: 5000, behaviour: { kind: "answer" } });
  const hungUp = (await send("analytics", 9, { hangsUp: true, secondsApart: 10 })).filter((status) => status === 0).length;
  model("aoai-eastus").script.clear();
  await clock.advance(60_000);

  expect({ outage, broken, hungUp }).toEqual({ outage: 15, broken: 24, hungUp: 9 });
  const { verdict, failed, problems, changed } = await service.diagnose();
  expect(failed).toEqual({ backend: outage, gateway: broken, client: hungUp });
  expect(problems.map(({ check }) => check)).toEqual(["backend-errors", "policy-failures", "clients"]);
  expect(verdict).toMatch(
    new RegExp(
      `^Mostly the gateway: ${outage + broken + hungUp} failed of ${20 + outage + broken + hungUp} calls, 2026-11-20 22:26 to 23:26 UTC\\.`,
    ),
  );
  expect(verdict).toContain("Gateway 24: 24 failed in a policy (growth, 23:13).");
  // Callers cannot tell one from the other: a call that failed there may have been kept back the second time.
  const backend =
    /Backend 15: (\d+) not sent on, as breakers were open \(inferred\), (\d+) answered with an error \(aoai-westeurope, aoai-eastus, 23:01 to 23:02\)\./;
  const [, keptBack, failedThere] = backend.exec(verdict) ?? [];
  expect(Number(keptBack) + Number(failedThere)).toBe(outage);
  expect(verdict).toContain("Client 9: 9 hung up (analytics, 23:2");
  expect(verdict).toMatch(/It began at 23:13, after 23:12: someone@contoso\.example: write apis\/azure-openai\/policies\/policy\.$/);
  expect(changed).toHaveLength(1);

  // Any of its ids is one that the logs know under that cause.
  const ids = [...verdict.matchAll(/([0-9a-f-]{36}) \((backend|gateway|client)\)/g)].map(([, id, side]) => ({ id, side }));
  expect(ids.map(({ side }) => side)).toEqual(["backend", "gateway", "client"]);
  const controls = await service.harness.sandbox.controls();
  const { rows } = controls.logs("ApiManagementGatewayLogs");
  const reasons = ids.map(({ id }) => rows.find(({ CorrelationId }) => CorrelationId === id)?.LastErrorReason ?? null);
  expect(reasons.slice(1)).toEqual(["ExpressionValueEvaluationFailure", "ClientConnectionFailure"]);

  // And the metrics say the same.
  const { totals } = await service.harness.ask(getMetrics, {});
  expect(totals.errors.total).toBe(outage + broken + hungUp);
});

test("with the symptom, only what shows it counts", { timeout }, async () => {
  const service = await openService();
  service.rewrite("products/aoai-trial/policies/policy", 'tokens-per-minute="20000"', 'tokens-per-minute="20"');
  const refused = (await service.send("labs", 10)).filter((status) => status === 429).length;
  await service.send("growth", 6, { key: "b1c2-not-a-real-key" });
  await service.clock.advance(60_000);
  const throttled = await service.diagnose({ symptom: "429" });
  expect(throttled.failed).toEqual({ backend: 0, gateway: refused, client: 0 });
  expect(throttled.problems).toMatchObject([{ check: "limits", means: expect.stringContaining("labs: tpm 20, product 'aoai-trial'") }]);
  const rejected = await service.diagnose({ symptom: "403" });
  expect(rejected.failed).toEqual({ backend: 0, gateway: 0, client: 6 });
  expect(rejected.problems).toMatchObject([{ check: "keys" }]);
  // Of one team only what is its own; a key that opens nothing is nobody's.
  expect((await service.diagnose({ subscription_id: "labs" })).failed).toEqual({ backend: 0, gateway: refused, client: 0 });
  expect((await service.diagnose({ subscription_id: "prod-critical" })).problems).toEqual([]);
  // One is enough where it was asked about.
  await service.clock.advance(3_600_000);
  await service.send("growth", 1, { key: "b1c2-not-a-real-key" });
  await service.clock.advance(60_000);
  expect(await service.problems()).toEqual([]);
  expect(await service.problems({ symptom: "403" })).toEqual(["keys"]);
});
