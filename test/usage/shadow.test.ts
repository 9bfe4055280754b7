import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LogUsageInput, readLogUsage } from "../../src/usage/log-usage.ts";
import { type LoggedCall, logsOf, resourceId } from "./rows.ts";

const window = { since: new Date("2026-11-20T10:00:00Z"), until: new Date("2026-11-20T11:00:00Z") };
const at = (minute: number): string => new Date(window.since.getTime() + minute * 60_000).toISOString();

const usageOf = (calls: readonly LoggedCall[], groupBy: LogUsageInput["groupBy"], limit = 20, include: LogUsageInput["include"] = []) =>
  readLogUsage(logsOf(calls), {
    filter: { window, resourceId, interval: "PT5M" },
    groupBy,
    include,
    limit,
    backendName: (place) => place,
  });

const cause = "shadow:token-rate-limit";
const refused = { code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" } as const;

const calls: readonly LoggedCall[] = [
  { time: at(1), tokens: [10, 10] },
  { time: at(2), id: "over-1", tokens: [10, 10], shadowed: true },
  { time: at(3), id: "over-2", code: 429, backendCode: 429, shadowed: true },
  { time: at(9), ...refused, id: "refused-1" },
  { time: at(9), subscription: "labs", tokens: [1, 1] },
];

describe("calls that a shadow limit has recorded", () => {
  test("are a row by cause that counts no requests: they stand in the rows of how they ended", async () => {
    const { totals, rows, notes } = await usageOf(calls, ["cause"]);
    expect(totals).toMatchObject({ requests: 5, throttled: { total: 2 }, shadowed: 2 });
    expect(rows).toEqual([
      { cause: "succeeded", requests: 3, throttled: 0, errors: 0, tokens: 42 },
      { cause, shadowed: 2 },
      { cause: "backend:429", requests: 1, throttled: 1, errors: 0, tokens: 0, examples: ["over-2"] },
      { cause: "gateway:token-rate-limit", requests: 1, throttled: 1, errors: 0, tokens: 0, examples: ["refused-1"] },
    ]);
    expect(notes.join(" ")).toContain("They went through; the other numbers count them by how they ended");
  });

  test("are counted in rows by something else", async () => {
    const { rows } = await usageOf(calls, ["subscription"]);
    expect(rows).toEqual([
      { subscription: "growth", requests: 4, throttled: 2, errors: 0, shadowed: 2, tokens: 40 },
      { subscription: "labs", requests: 1, throttled: 0, errors: 0, tokens: 2 },
    ]);
    const byTime = await usageOf(calls, ["cause", "time"], 20, ["examples"]);
    expect(byTime.rows.filter((row) => row.cause === cause)).toEqual([{ cause, time: at(0), shadowed: 2, examples: ["over-1", "over-2"] }]);
  });

  test("leave no trace in an answer where there are none", async () => {
    const { totals, rows, notes } = await usageOf(
      calls.map(({ shadowed: _, ...call }) => call),
      ["cause"],
    );
    expect(JSON.stringify({ totals, rows, notes })).not.toMatch(/shadow/);
  });

  test("by any grouping, leave requests what they are: rows add up to the whole", async () => {
    const anyCall = fc.record({
      minute: fc.nat(59),
      subscription: fc.constantFrom("growth", "labs"),
      shadowed: fc.boolean(),
      ending: fc.constantFrom({}, refused, { code: 500 }, { code: 429, backendCode: 429 }),
    });
    const anyGrouping = fc.constantFrom<LogUsageInput["groupBy"]>(
      ["cause"],
      ["cause", "subscription"],
      ["time", "cause"],
      ["subscription"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { maxLength: 30 }), anyGrouping, async (made, groupBy) => {
        const logged = made.map(({ minute, ending, ...call }) => ({ time: at(minute), ...call, ...ending }));
        const plain = logged.map((call) => ({ ...call, shadowed: false }));
        const [with_, without] = [await usageOf(logged, groupBy, 500), await usageOf(plain, groupBy, 500)];
        const over = logged.filter(({ shadowed }) => shadowed).length;
        const sum = (name: "requests" | "shadowed"): number => with_.rows.reduce((total, row) => total + (row[name] ?? 0), 0);
        expect([sum("requests"), sum("shadowed")]).toEqual([logged.length, over]);
        const { shadowed = 0, ...totals } = with_.totals;
        expect([shadowed, totals]).toEqual([over, without.totals]);
        expect(with_.rows.flatMap(({ shadowed: _, ...row }) => (row.cause === cause ? [] : [row]))).toEqual(without.rows);
      }),
      { numRuns: 40 },
    );
  });
});

test.each([
  ["the words in a text", `all about ${cause}`],
  ["the words in quotes, as a caller may have sent them", `"source":"${cause}"`],
  ["a backslash and the words", `\\"${cause}\\"`],
  ["other letters", cause.toUpperCase()],
])("what another policy traces is no shadow's record: %s", async (_, trace) => {
  expect((await usageOf([{ time: at(1), trace }], ["cause"])).totals).not.toHaveProperty("shadowed");
});
