import { expect, it } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type HarnessOptions, openHarness } from "../harness.ts";

const open = (env: HarnessOptions["env"] = {}) =>
  openHarness({ clock: movableClock(new Date("2026-03-02T12:00:00Z")), env: { AIGW_ALLOW_OVERRIDE: "limit_cut", ...env } });

it("a plan says what the new limit would have done to the team's last seven days", async () => {
  const { ask, client } = await open();
  const { status, forecast } = await ask(updateQuota, { subscription_id: "growth", tpm: 100_000 });
  expect(status).toBe("planned");
  expect(forecast).toMatchObject({ status: "known", algorithm: "token bucket", lower_bound: true });
  const { before, after, requests = 0 } = forecast ?? {};
  expect(requests).toBeGreaterThan(3000);
  expect(after?.refused_share).toBeGreaterThan(before?.refused_share ?? 1);
  expect(after?.interval?.[0]).toBeLessThanOrEqual(after?.refused_share ?? 0);
  expect(after?.interval?.[1]).toBeGreaterThanOrEqual(after?.refused_share ?? 1);
  const { text } = await client.call("update_quota", { subscription_id: "growth", tpm: 100_000 });
  expect(text).toMatch(
    /\nForecast from [\d,]+ requests of 7 days: [\d.]+ % refused before, [\d.]+ % after \([\d.]+-[\d.]+ %\), worst hour /,
  );
});

it("logs that cannot be read leave the plan as it is, and the forecast unknown with the reason", async () => {
  const { ask, sandbox } = await open();
  sandbox.world.diagnosticSettings = [];
  const { status, forecast } = await ask(updateQuota, { subscription_id: "growth", tpm: 150_000 });
  expect(status).toBe("planned");
  expect(forecast).toMatchObject({
    status: "unknown",
    reason: expect.stringMatching(/No diagnostic setting/),
    fix: expect.stringMatching(/^az /),
  });
});

it("nothing that changes has no forecast", async () => {
  const { ask } = await open();
  expect(await ask(updateQuota, { subscription_id: "growth", tpm: 200_000 })).not.toHaveProperty("forecast");
});
