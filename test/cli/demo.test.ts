import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { demo } from "../../src/cli/demo.ts";
import { demoClock } from "../../src/cli/demo-clock.ts";
import { changedSince } from "../../src/cli/demo-documents.ts";

const timeout = 120_000;

/** What a newcomer reads, step by step: the text of each begins with its title. */
async function steps(start: Date): Promise<readonly string[]> {
  const written: string[] = [];
  await demo({ colour: false, write: (text) => written.push(text), start });
  return written
    .join("")
    .split(/\n(?=\d\. |Done\.)/)
    .slice(1);
}

/** The cells of the rows of a step's tables. */
const rowsOf = (step = ""): readonly (readonly string[])[] =>
  step
    .split("\n")
    .filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim().split(/ {3,}/));

describe("the tour", { timeout }, () => {
  // At noon, and over midnight: its teams call at other rates, and the minutes of the outage are those of two days.
  test.for(["2026-11-19T12:00:30.123Z", "2026-11-21T23:50:59.999Z"])("shows at %s what it promises", async (time) => {
    const all = await steps(new Date(time));
    expect(all.map((step) => step.slice(0, 2))).toEqual(["1.", "2.", "3.", "4.", "5.", "6.", "7.", "8.", "9.", "Do"]);
    const [, quota = "", , , drill = "", outage = "", , metrics = ""] = all;

    expect(quota).toMatch(/\n {2}Forecast from [\d,]+ requests of 7 days: \d[\d.]* % refused before, \d[\d.]* % after/);
    expect(quota).toContain("Proven over all policies as they will be: No other team's limit, counter or route changes.");

    expect(drill).toContain("confirm: sandbox: drill for 7 min: rehearse aoai-eastus failing in API azure-openai, test calls only");
    expect(rowsOf(drill)).toEqual(
      expect.arrayContaining([
        ["0:00", "a copy of aoai-eastus fails"],
        ["0:00", "2 test calls: error 503"],
        ["0:04", "3 test calls: aoai-westeurope"],
        ["0:08", "1 test call: with every member failing, a caller gets error 503"],
        ["7:00", "over by itself on the gateway"],
      ]),
    );
    // The breaker's five minutes after it opened, the copy is asked again.
    expect(rowsOf(drill)).toContainEqual([expect.stringMatching(/^5:0\d$/), "2 test calls: error 503"]);
    expect(drill).toContain("Verdict: failed_over. Callers saw 2 errors, then aoai-westeurope answered");
    expect(drill).toMatch(
      /28 calls of prod-critical, all answered by East US\. Its \d\d documents, read each minute and at the end: unchanged/,
    );

    expect(rowsOf(outage).slice(2, 10)).toEqual(
      [
        ["up", "EEEEEEEEEEEE", "100 %", "0 %", "0"],
        ["down", "xxWWWWWWWWWW", "0 %", "83 %", "2"],
        ["down", "WWWWWWWWWWWW", "0 %", "100 %", "0"],
        ["up again", "WWWWWWWWWWWW", "0 %", "100 %", "0"],
        ["up again", "WWWWWWWWWWWW", "0 %", "100 %", "0"],
        ["up again", "WWWWWWWWWWWW", "0 %", "100 %", "0"],
        ["up again", "WWEEEEEEEEEE", "83 %", "17 %", "0"],
        ["up again", "EEEEEEEEEEEE", "100 %", "0 %", "0"],
      ].map((cells) => [expect.stringMatching(/^\d\d:\d\d$/), ...cells]),
    );
    expect(metrics).toMatch(/\n\| prod-critical \| 127 \| 0 \| 2 \|.*\n\| master \| \d+ \| 0 \| 5 \|.*\n\| growth \| 6 \| 1 \| 0 \|/);
  });
});

describe("the tour's clock", () => {
  const start = new Date("2026-11-20T10:00:00Z");
  const at = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);

  test("stands still until it is moved, and wakes who waits at their own times", async () => {
    const clock = demoClock(start);
    const woken: Date[] = [];
    const works = async (): Promise<void> => {
      for (;;) {
        // Some turns of the event loop go by before it waits.
        await nextTurn();
        await clock.wait(20_000);
        woken.push(clock.now());
      }
    };
    void works();
    await clock.passTo(at(50));
    expect([woken, clock.now()]).toEqual([[at(20), at(40)], at(50)]);
    await clock.passTo(at(60));
    expect([woken.length, clock.now()]).toEqual([2, at(60)]);
    clock.wakeDue();
    await nextTurn();
    expect(woken).toEqual([at(20), at(40), at(60)]);
  });

  test("skipped time wakes nobody, until it is asked to", async () => {
    const clock = demoClock(start);
    let woken = false;
    void clock.wait(1_000).then(() => (woken = true));
    clock.wakeDue();
    clock.skip(5_000);
    await nextTurn();
    expect([woken, clock.now()]).toEqual([false, at(5)]);
    clock.wakeDue();
    await nextTurn();
    expect(woken).toBe(true);
  });
});

test("documents that were there before are changed where they differ or are gone; new ones are none of them", () => {
  const before = new Map([
    ["backends/a", "1"],
    ["backends/b", "1"],
    ["backends/c", "1"],
  ]);
  const now = new Map([
    ["backends/a", "1"],
    ["backends/b", "2"],
    ["backends/d", "1"],
  ]);
  expect(changedSince(before, now)).toEqual(["backends/b", "backends/c"]);
  expect(changedSince(before, before)).toEqual([]);
});
