import { describe, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { found, openService, timeout } from "./kit.ts";

describe("a fault alone is found, and nothing else", () => {
  test.for(faults)("$name", { timeout }, async (fault) => {
    expect(await found([fault.plant])).toEqual([fault.check]);
  });
});

test("nothing is wrong with the service as it is, nor with the demo's past on it", { timeout }, async () => {
  const service = await openService({ past: true });
  const { problems, unknown, verdict, failed, notes } = await service.diagnose();
  expect({ problems, failed }).toEqual({ problems: [], failed: { backend: 1, gateway: 0, client: 0 } });
  expect({ unknown, notes }).toEqual({ unknown: [], notes: [] });
  expect(verdict).toMatch(/^Nothing stands out: 1 failed of 91 calls/);
});
