import { describe, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { found, timeout } from "./kit.ts";

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
    expect(await found(pair.map(({ plant }) => plant))).toEqual(seen.map(({ check }) => check).toSorted());
  });
});
