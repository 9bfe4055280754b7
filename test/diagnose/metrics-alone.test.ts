import { describe, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { openService, timeout } from "./kit.ts";

/** What shows in calls, and in platform metrics as well as in logs. */
const metered = new Set([
  "backend-errors",
  "backend-connection",
  "deployments",
  "backend-access",
  "policy-failures",
  "clients",
  "keys",
  "refusals",
  "limits",
  "quotas",
  "requests",
  "latency",
  "cache-hits",
]);

/** Whose doing it was is in neither: who ended a stream, or who has a deployment's name wrong. */
const undecided = new Set(["requests"]);

describe("where no log is written, platform metrics tell the same cause", () => {
  test.for(faults.filter(({ check }) => metered.has(check)))("$name", { timeout }, async ({ check, plant }) => {
    const service = await openService();
    service.world.diagnosticSettings = [];
    await plant(service);
    await service.clock.advance(180_000);
    const { problems, unknown, failed } = await service.diagnose();
    expect(problems.map((one) => one.check).toSorted()).toEqual([check, "logging"].toSorted());
    expect(unknown.flatMap(({ checks }) => checks).filter((one) => one !== "cache-embeddings")).toEqual([]);
    expect(Object(failed).unknown ?? 0).toBe(undecided.has(check) ? 6 : 0);
  });
});

test("a few refused calls may be all of one team's: that is unknown", { timeout }, async () => {
  const service = await openService();
  service.world.diagnosticSettings = [];
  service.rewrite("products/aoai-trial/policies/policy", 'tokens-per-minute="20000"', 'tokens-per-minute="20"');
  await service.send("prod-critical", 20);
  await service.send("labs", 5, { secondsApart: 1 });
  await service.clock.advance(180_000);
  const { problems, unknown } = await service.diagnose();
  expect(problems.map(({ check }) => check)).toEqual(["logging"]);
  expect(unknown.map(({ checks }) => checks)).toEqual([["limits"]]);
});

test("one team's calls are in no metric", { timeout }, async () => {
  const service = await openService();
  service.world.diagnosticSettings = [];
  await service.send("prod-critical", 8, { key: "b1c2-not-a-real-key" });
  await service.clock.advance(180_000);
  const { problems, failed, unknown } = await service.diagnose({ subscription_id: "growth" });
  expect({ problems: problems.map(({ check }) => check), failed }).toEqual({ problems: ["logging"], failed: undefined });
  expect(unknown.flatMap(({ checks }) => checks)).toEqual(expect.arrayContaining(["keys", "limits", "backend-errors"]));
});
