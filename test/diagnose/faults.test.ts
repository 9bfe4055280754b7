import { describe, expect, test } from "vitest";
import { type Fault, faults } from "./faults.ts";
import { openService } from "./kit.ts";

/** Nobody waits for calls of the clock's own time. */
const timeout = 120_000;

/** What is found of faults that were planted together. */
async function found(planted: readonly Fault[]): Promise<readonly string[]> {
  const service = await openService();
  for (const { plant } of planted) await plant(service);
  await service.clock.advance(60_000);
  const { problems, unknown, notes } = await service.diagnose();
  expect({ unknown, notes }).toEqual({ unknown: [], notes: [] });
  return problems.map(({ check }) => check).toSorted();
}

describe("a fault alone is found, and nothing else", () => {
  test.for(faults)("$name", { timeout }, async (fault) => {
    expect(await found([fault])).toEqual([fault.check]);
  });
});

/** Those next to one another in the list, and those that are half of it apart. What lets an hour go by comes first. */
const pairs = faults
  .flatMap((one, index) =>
    [1, faults.length / 2].flatMap((apart) => {
      const other = faults[(index + Math.floor(apart)) % faults.length];
      return other === undefined || (apart > 1 && index >= apart) ? [] : [[one, other] as const];
    }),
  )
  .map((pair) => pair.toSorted((a, b) => Number(b.check === "latency") - Number(a.check === "latency")))
  .map((pair) => ({ pair, names: pair.map(({ name }) => name).join(" and ") }));

describe("two faults are both found, and nothing else", () => {
  test.for(pairs)("$names", { timeout }, async ({ pair }) => {
    const seen = pair.filter(({ explainedBy }) => !pair.some(({ check }) => explainedBy?.test(check) === true && check !== "cache-hits"));
    expect(await found(pair)).toEqual(seen.map(({ check }) => check).toSorted());
  });
});

test("nothing is wrong with the service as it is, nor with the demo's past on it", { timeout }, async () => {
  const service = await openService({ past: true });
  const { problems, unknown, verdict, failed } = await service.diagnose();
  expect({ problems, unknown, failed }).toEqual({ problems: [], unknown: [], failed: { backend: 1, gateway: 0, client: 0 } });
  expect(verdict).toMatch(/^Nothing stands out: 1 failed of 91 calls/);
});
