import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { around, type Hour, hoursOf, intervalOf, limitFactors, shareOf } from "../../../src/quota/forecast/interval.ts";
import { midnight, request } from "./given.ts";

const hoursWith = (parts: readonly (readonly [requests: number, refused: number])[]): readonly Hour[] =>
  parts.map(([requests, refused], index) => ({ start: midnight + index * 3_600_000, requests, refused }));

const hours = fc
  .array(
    fc.nat(200).chain((requests) => fc.tuple(fc.constant(requests), fc.nat(requests))),
    { minLength: 1, maxLength: 40 },
  )
  .map(hoursWith);

const intervalAlone = (some: readonly Hour[]) => intervalOf(some, [some]);

describe("hours", () => {
  test("go from the first request's to the end of the window, empty ones among them", () => {
    const requests = [request(5000, 1), request(5001, 1), request(15_000, 1)];
    expect(hoursOf(requests, [false, true, true], midnight + 6 * 3_600_000)).toEqual([
      { start: midnight + 3_600_000, requests: 2, refused: 1 },
      { start: midnight + 7_200_000, requests: 0, refused: 0 },
      { start: midnight + 10_800_000, requests: 0, refused: 0 },
      { start: midnight + 14_400_000, requests: 1, refused: 1 },
      { start: midnight + 18_000_000, requests: 0, refused: 0 },
    ]);
    expect(hoursOf([], [], midnight)).toEqual([]);
  });
});

describe("an interval", () => {
  test("holds the share that was found, between 0 and 1, and is the same each time", () => {
    fc.assert(
      fc.property(hours, (some) => {
        const interval = intervalAlone(some);
        fc.pre(interval !== null);
        const [low, high] = interval;
        const share = shareOf(some);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(share);
        expect(high).toBeGreaterThanOrEqual(share);
        expect(high).toBeLessThanOrEqual(1);
        expect(intervalAlone(some)).toEqual(interval);
      }),
      { numRuns: 40 },
    );
  });

  test("is narrower the more hours of the same kind there are", () => {
    const day = [
      [10, 0],
      [20, 6],
      [15, 1],
      [30, 3],
    ] as const;
    const widths = [1, 3, 12, 48].map((times) => {
      const [low, high] = intervalAlone(hoursWith(Array.from({ length: times }, () => day).flat())) ?? [0, 0];
      return high - low;
    });
    expect(widths).toEqual(widths.toSorted((a, b) => b - a));
    expect(widths[3]).toBeLessThan((widths[0] ?? 0) / 4);
  });

  test("is none under three hours with requests, however long the window", () => {
    const empty = Array.from({ length: 20 }, () => [0, 0] as const);
    expect(intervalAlone(hoursWith([[9, 1], ...empty, [9, 1]]))).toBeNull();
    expect(intervalAlone(hoursWith([[9, 1], ...empty, [9, 1], [1, 0]]))).not.toBeNull();
  });

  test("goes up where a slightly tighter limit would refuse, though this one has refused nothing", () => {
    const calm = hoursWith(Array.from({ length: 24 }, () => [20, 0] as const));
    const tight = calm.map((hour, index) => ({ ...hour, refused: index % 6 === 0 ? 5 : 0 }));
    expect(intervalOf(calm, [calm])).toEqual([0, 0]);
    const [low, high] = intervalOf(calm, [calm, calm, calm, tight, tight]) ?? [1, 0];
    expect([low, high > 0]).toEqual([0, true]);
  });

  test("asks about limits around the one that is meant, closer to it the more hours there are", () => {
    const [few, many] = [limitFactors(4), limitFactors(168)];
    for (const factors of [few, many]) {
      expect(factors).toContain(1);
      expect(Math.min(...factors)).toBeLessThan(1);
      expect(Math.max(...factors)).toBeGreaterThan(1);
    }
    expect(Math.max(...many)).toBeLessThan(Math.max(...few));
  });

  test("around several is from the lowest to the highest end", () => {
    expect(
      around([
        [0.2, 0.3],
        [0.1, 0.25],
      ]),
    ).toEqual([0.1, 0.3]);
  });
});
