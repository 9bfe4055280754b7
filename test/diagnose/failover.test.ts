import { expect, test } from "vitest";
import { breaker, openService, timeout } from "./kit.ts";

test("a failover that worked is told, to who asks and who does not; without one there is no word of it", { timeout }, async () => {
  const service = await openService();
  await service.send("growth", 10);
  for (const input of [{ symptom: "failover" }, {}]) expect((await service.diagnose(input)).ok).not.toContain("in the place of");
  service.model("aoai-eastus").script.add({ behaviour: { kind: "status", status: 503 } });
  await service.send("growth", 25);
  for (const input of [{ symptom: "failover" }, {}]) {
    const { ok, problems } = await service.diagnose(input);
    expect(ok).toMatch(/failover in aoai-pool: aoai-westeurope answered \d+ of \d+ calls in the place of aoai-eastus/);
    expect(problems.map(({ check }) => check)).not.toContain("failover-members");
  }
});

test("a breaker that is wrong in two ways: both are told, each with its remedy", { timeout }, async () => {
  const service = await openService();
  const [rule] = Array.isArray(breaker.rules) ? breaker.rules : [];
  const failureCondition = { count: 5, interval: "PT1M", statusCodeRanges: [{ min: 429, max: 429 }] };
  service.change("backends/aoai-eastus", { circuitBreaker: { rules: [{ ...Object(rule), failureCondition }] } });
  const { problems } = await service.diagnose({ symptom: "failover" });
  const found = problems.find(({ check }) => check === "failover-breakers");
  expect(found?.seen).toMatch(/5xx does not open the breaker of aoai-eastus\. A refused connection/);
  const calls = (found?.do ?? "").split("; then ");
  expect(calls.map((call) => call.startsWith("update_backend_pool {"))).toEqual([true, true]);
  expect(found?.do).toContain('"status_codes"');
  expect(found?.do).toContain('"error_reasons"');
});
