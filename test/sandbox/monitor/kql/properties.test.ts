import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../../src/gateway/documents.ts";
import { cells } from "./kit.ts";

interface Call {
  readonly team: string;
  readonly region: string;
  readonly code: number | null;
  readonly ms: number | null;
  /** Seconds after ten o'clock. */
  readonly second: number;
}

const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    team: fc.constantFrom("a", "b", "", "A"),
    region: fc.constantFrom("East US", "West Europe"),
    code: fc.option(fc.constantFrom(200, 429, 500)),
    ms: fc.option(fc.integer({ min: 0, max: 50 })),
    second: fc.integer({ min: -30, max: 330 }),
  }),
  { maxLength: 60 },
);

const ten = Date.UTC(2026, 10, 20, 10);
const iso = (second: number): string => new Date(ten + second * 1000).toISOString();

const stored = (all: readonly Call[]) => ({
  ApiManagementGatewayLogs: all.map(({ team, region, code, ms, second }) => ({
    TimeGenerated: iso(second),
    ApimSubscriptionId: team,
    Region: region,
    ResponseCode: code,
    TotalTime: ms,
  })),
});

const sorted = (rows: readonly (readonly Json[])[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

/** Rows by a key, in the order of their first. */
function grouped<K extends string>(all: readonly Call[], key: (call: Call) => K): readonly (readonly Call[])[] {
  const groups = new Map<K, Call[]>();
  for (const call of all) groups.set(key(call), [...(groups.get(key(call)) ?? []), call]);
  return [...groups.values()];
}

const numbers = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** The least value that 9 of 10 values do not exceed, straight from its definition. */
function ninetieth(values: readonly number[]): number | null {
  const enough = values.filter((value) => values.filter((other) => other <= value).length >= 0.9 * values.length);
  return enough.length === 0 ? null : Math.min(...enough);
}

describe("on any rows", () => {
  test("summarize is what a plain count comes to", () => {
    fc.assert(
      fc.property(calls, (all) => {
        const found = cells(
          `ApiManagementGatewayLogs
           | summarize n = count(), bad = countif(ResponseCode >= 400), s = sum(TotalTime), hi = max(TotalTime), lo = min(TotalTime), p = percentile(TotalTime, 90), codes = dcount(ResponseCode)
             by ApimSubscriptionId, Region`,
          stored(all),
        );
        const expected = grouped(all, ({ team, region }) => JSON.stringify([team, region])).map((group) => {
          const ms = numbers(group.map((call) => call.ms));
          const codes = numbers(group.map((call) => call.code));
          const extreme = (pick: (...values: number[]) => number) => (ms.length === 0 ? null : pick(...ms));
          return [
            ...[group[0]?.team ?? "", group[0]?.region ?? "", group.length, codes.filter((code) => code >= 400).length],
            ...[ms.reduce((sum, value) => sum + value, 0), extreme(Math.max), extreme(Math.min), ninetieth(ms), new Set(codes).size],
          ];
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("what every condition keeps, drops and does not know, is all", () => {
    const conditions = [
      "ResponseCode == 200",
      "TotalTime > 20",
      "ResponseCode != 200 and TotalTime < 30",
      "TotalTime < 10 or ResponseCode == 500",
    ];
    fc.assert(
      fc.property(calls, fc.constantFrom(...conditions), (all, condition) => {
        const count = (kept: string) => Number(cells(`ApiManagementGatewayLogs | where ${kept} | count`, stored(all))[0]?.[0]);
        expect(count(condition) + count(`not(${condition})`) + count(`isnull(${condition})`)).toBe(all.length);
      }),
      { numRuns: 60 },
    );
  });

  test("truth values follow the three-valued tables", () => {
    const truth = fc.constantFrom(true, false, null);
    const text = (value: boolean | null): string => (value === null ? "bool(null)" : String(value));
    const and = (a: boolean | null, b: boolean | null) => (a === false || b === false ? false : a === null || b === null ? null : true);
    const not = (a: boolean | null) => (a === null ? null : !a);
    fc.assert(
      fc.property(truth, truth, (a, b) => {
        const [[conjunction, disjunction, negation, mirrored] = []] = cells(
          `print ${text(a)} and ${text(b)}, ${text(a)} or ${text(b)}, not(${text(a)}), not(not(${text(a)}) and not(${text(b)}))`,
        );
        expect([conjunction, disjunction, negation]).toEqual([and(a, b), not(and(not(a), not(b))), not(a)]);
        expect(mirrored).toBe(disjunction);
      }),
    );
  });

  test("make-series has a value for every minute of every team, zero where there was no call", () => {
    fc.assert(
      fc.property(calls, (all) => {
        const found = cells(
          `ApiManagementGatewayLogs
           | make-series n = count(), s = sum(TotalTime) on TimeGenerated from datetime(2026-11-20T10:00Z) to datetime(2026-11-20T10:05Z) step 1m by ApimSubscriptionId
           | project ApimSubscriptionId, n, s`,
          stored(all),
        );
        const inside = all.filter(({ second }) => second >= 0 && second < 300);
        const expected = grouped(inside, ({ team }) => team).map((group) => {
          const minutes = [0, 1, 2, 3, 4].map((minute) => group.filter(({ second }) => Math.floor(second / 60) === minute));
          const sums = minutes.map((minute) => numbers(minute.map(({ ms }) => ms)).reduce((sum, ms) => sum + ms, 0));
          return [group[0]?.team ?? "", JSON.stringify(minutes.map(({ length }) => length)), JSON.stringify(sums)];
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("every join is what comparing each row with each other comes to", () => {
    const side = fc.array(fc.record({ key: fc.option(fc.integer({ min: 1, max: 3 })), value: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 6,
      minLength: 1,
    });
    const table = (rows: readonly { key: number | null; value: number }[], name: string) =>
      `datatable(key:long, ${name}:long) [${rows.map(({ key, value }) => `${key === null ? "long(null)" : key}, ${value}`).join(", ")}]`;
    fc.assert(
      fc.property(side, side, (left, right) => {
        const run = (kind: string) =>
          sorted(cells(`let L = ${table(left, "l")}; let R = ${table(right, "r")}; L | join kind=${kind} R on key`));
        const matches = (a: { key: number | null }, b: { key: number | null }) => a.key !== null && a.key === b.key;
        const pairs = left.flatMap((a) => right.filter((b) => matches(a, b)).map((b) => [a.key, a.value, b.key, b.value]));
        const aloneLeft = left.filter((a) => !right.some((b) => matches(a, b)));
        const aloneRight = right.filter((b) => !left.some((a) => matches(a, b)));
        const leftRows = aloneLeft.map(({ key, value }) => [key, value, null, null]);
        const rightRows = aloneRight.map(({ key, value }) => [null, null, key, value]);
        expect(run("inner")).toEqual(sorted(pairs));
        expect(run("leftouter")).toEqual(sorted([...pairs, ...leftRows]));
        expect(run("rightouter")).toEqual(sorted([...pairs, ...rightRows]));
        expect(run("fullouter")).toEqual(sorted([...pairs, ...leftRows, ...rightRows]));
        expect(run("leftanti")).toEqual(sorted(aloneLeft.map(({ key, value }) => [key, value])));
        expect(run("rightanti")).toEqual(sorted(aloneRight.map(({ key, value }) => [key, value])));
        expect(run("leftsemi")).toEqual(sorted(left.filter((a) => !aloneLeft.includes(a)).map(({ key, value }) => [key, value])));
      }),
      { numRuns: 30 },
    );
  });

  test("bins hold their times, and sort sorts", () => {
    fc.assert(
      fc.property(calls, (all) => {
        const bins = cells(
          "ApiManagementGatewayLogs | extend Bin = bin(TimeGenerated, 7m) | project TimeGenerated - Bin < 7m, TimeGenerated >= Bin",
          stored(all),
        );
        expect(bins.flat().every((holds) => holds === true)).toBe(true);
        const order = cells(
          "ApiManagementGatewayLogs | sort by TotalTime asc nulls first, TimeGenerated desc | project TotalTime, TimeGenerated",
          stored(all),
        );
        const expected = all
          .toSorted((a, b) => (a.ms ?? -1) - (b.ms ?? -1) || b.second - a.second)
          .map(({ ms, second }) => [ms, iso(second).replace(".000Z", "Z")]);
        expect(order).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
