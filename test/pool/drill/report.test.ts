import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DrillPlan } from "../../../src/gateway/drill.ts";
import type { DrillFacts, DrillLogs, LoggedShare, ProbeSeen } from "../../../src/pool/drill/facts.ts";
import { drillReport } from "../../../src/pool/drill/report.ts";

const plan: DrillPlan = {
  mode: "evacuate",
  apiId: "chat",
  backendId: "east",
  poolId: "pool",
  durationMs: 120_000,
  subscriptions: null,
  members: [
    { backendId: "east", host: "east.example", words: ["East US", "east"] },
    { backendId: "west", host: "west.example", words: ["West Europe", "west"] },
  ],
  probe: { method: "GET", path: "/chat", body: null },
  everyone: true,
  breaker: { failures: 2, percent: null, intervalMs: 60_000, tripMs: 60_000 },
  share: 100,
  faultOrigin: null,
};
const window = { from: "2026-11-20T10:00:00Z", until: "2026-11-20T10:02:00Z" };
const at = (second: number): string => new Date(Date.parse(window.from) + second * 1000).toISOString();
const ended = { time: window.until, stopped: false };

const seen = (second: number, answer: "east" | "west" | "error" | "none", kind: ProbeSeen["kind"] = "usual"): ProbeSeen => ({
  time: at(second),
  kind,
  status: answer === "none" ? null : answer === "error" ? 503 : 200,
  region: answer === "east" ? "East US" : answer === "west" ? "West Europe" : null,
});
const row = (from: number, ...answers: readonly Parameters<typeof seen>[1][]): readonly ProbeSeen[] =>
  answers.map((answer, index) => seen(from + index * 2, answer));

const shares = (east: number, west: number): readonly LoggedShare[] =>
  [
    { backend: "east", requests: east, failed: 0 },
    { backend: "west", requests: west, failed: 0 },
  ].filter(({ requests }) => requests > 0);
const failing = (requests: number, failed: number, backend = "west"): LoggedShare => ({ backend, requests, failed });
const logs = (before: readonly [number, number], during: readonly [number, number], complete = true): DrillLogs => ({
  before: shares(...before),
  starting: [],
  during: shares(...during),
  ending: [],
  after: [],
  complete,
  completeAt: at(600),
});

const facts = (more: Partial<DrillFacts>): DrillFacts => ({ drill: plan, window, ended, probes: [], logs: null, ...more });

describe("an evacuation", () => {
  const team: DrillPlan = { ...plan, subscriptions: ["growth"] };
  const cases: readonly (readonly [what: string, more: Partial<DrillFacts>, verdict: string])[] = [
    ["logs with calls elsewhere alone", { logs: logs([9, 0], [0, 7]) }, "shifted"],
    ["logs with one call to the member", { logs: logs([9, 0], [1, 700]) }, "did_not_shift"],
    ["logs that are not all in", { logs: logs([9, 0], [0, 7], false) }, "inconclusive"],
    ["one call to the member in logs that are not all in", { logs: logs([9, 0], [1, 7], false) }, "did_not_shift"],
    ["nothing that had to shift", { logs: logs([0, 9], [0, 7]) }, "inconclusive"],
    ["no call at all", { logs: logs([9, 0], [0, 0]) }, "inconclusive"],
    ["test calls elsewhere", { probes: row(40, "west", "west", "west") }, "shifted"],
    ["too few test calls", { probes: row(40, "west", "west") }, "inconclusive"],
    ["test calls to the member", { probes: row(40, "west", "west", "east", "west") }, "did_not_shift"],
    ["test calls while gateways follow", { probes: [...row(1, "east", "east"), ...row(40, "west", "west", "west")] }, "shifted"],
    ["test calls after the end", { probes: row(121, "west", "west", "west") }, "inconclusive"],
    ["test calls of another than the team", { drill: team, probes: row(40, "west", "west", "west") }, "inconclusive"],
    ["errors alone", { probes: row(40, "error", "error", "error") }, "inconclusive"],
    ["nothing", {}, "inconclusive"],
    [
      "calls that fail elsewhere, most of them",
      { drill: team, logs: { ...logs([9, 0], [0, 0]), during: [failing(2, 2), failing(18, 18, "none")] } },
      "inconclusive",
    ],
    ["calls without any backend", { drill: team, logs: { ...logs([9, 0], [0, 0]), during: [failing(7, 0, "none")] } }, "inconclusive"],
    [
      "statuses that callers got before at that rate",
      {
        drill: team,
        logs: {
          ...logs([0, 0], [0, 0]),
          before: [{ ...failing(20, 0, "east"), refused: { 400: 15 } }],
          during: [{ ...failing(20, 0), refused: { 400: 15 } }],
        },
      },
      "shifted",
    ],
    [
      "another status than callers got before",
      {
        drill: team,
        logs: {
          ...logs([0, 0], [0, 0]),
          before: [{ ...failing(20, 0, "east"), refused: { 400: 15 } }],
          during: [{ ...failing(20, 0), refused: { 413: 15 } }],
        },
      },
      "inconclusive",
    ],
    ["a few that fail", { drill: team, logs: { ...logs([9, 0], [0, 0]), during: [failing(20, 2)] } }, "shifted"],
    ["the drill's own calls alone", { logs: logs([9, 0], [0, 2]), probes: row(40, "west", "west") }, "inconclusive"],
  ];
  test.each(cases)("%s: %o is %s", (_, more, verdict) => {
    expect(drillReport(facts(more)).verdict).toBe(verdict);
  });

  test("never says that anything failed over", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("east", "west", "error", "none")), fc.nat(200), (answers, from) => {
        const { verdict, notShown } = drillReport(facts({ probes: row(from, ...(answers as Parameters<typeof seen>[1][])) }));
        expect(["shifted", "did_not_shift", "inconclusive"]).toContain(verdict);
        expect(notShown.join()).toContain("nothing failed");
      }),
    );
  });
});

describe("a rehearsal", () => {
  const drill: DrillPlan = { ...plan, mode: "rehearse" };
  const of = (probes: readonly ProbeSeen[], more: Partial<DrillPlan> = {}) => drillReport(facts({ drill: { ...drill, ...more }, probes }));

  test("errors, then another member: failed over, with their number and the first that others answered", () => {
    const { verdict, means } = of(row(0, "error", "error", "west", "west", "west"));
    expect([verdict, means]).toEqual(["failed_over", `Callers saw 2 errors, then west answered (from ${at(4)} on).`]);
  });

  test("retries that hide every error", () => {
    expect(of(row(0, "west", "west", "west"))).toMatchObject({
      verdict: "failed_over",
      means: expect.stringContaining("Callers saw 0 errors"),
    });
  });

  test("members in turn are no shift before the errors end", () => {
    const { means } = of(row(0, "error", "west", "error", "west", "west", "west"));
    expect(means).toContain(`Callers saw 2 errors, then west answered (from ${at(6)} on)`);
  });

  const errors = (times: number): readonly ProbeSeen[] => row(0, ...Array.from({ length: times }, () => "error" as const));

  test("errors to the end of the time for which the breaker should have been open", () => {
    expect(of(errors(60))).toMatchObject({
      verdict: "did_not_fail_over",
      means: `The breaker should have opened at ${at(2)}, after 2 failures; 29 more tries met the failing copy while it should have been open.`,
    });
    expect(of(errors(4)).verdict).toBe("inconclusive");
    expect(of(errors(15)).verdict).toBe("inconclusive");
  });

  test("without a breaker nothing can fail over, whatever was seen", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("east", "west", "error", "none"), { maxLength: 80 }),
        fc.integer({ min: 1, max: 100 }),
        (answers, share) => {
          const probes = row(0, ...(answers as Parameters<typeof seen>[1][]));
          expect(of(probes, { breaker: null, share }).verdict).not.toBe("failed_over");
        },
      ),
    );
  });

  test("a member that shares its priority is not passed over by a few successes", () => {
    const two = row(0, "error", "error", "west", "west", "west");
    expect(of(two, { share: 50 }).verdict).toBe("inconclusive");
    expect(of([...two, ...row(10, "west", "west", "west", "west", "west")], { share: 50 }).verdict).toBe("failed_over");
    expect(of([...two, ...row(10, "west", "west", "west", "west", "west")], { share: 10 }).verdict).toBe("inconclusive");
  });

  test("tries that a retry has hidden count as the breaker's", () => {
    const hidden = (second: number): ProbeSeen => ({ ...seen(second, "west"), tries: ",503 ,200 West Europe" });
    const report = of([hidden(0), hidden(2), ...row(4, ...Array.from({ length: 10 }, () => "west" as const))], { share: 50 });
    expect(report).toMatchObject({
      verdict: "failed_over",
      means: expect.stringContaining("The failing copy was called 2 times until then"),
    });
  });

  test("it is tried again too soon for a breaker to have been open", () => {
    const answers = Array.from({ length: 60 }, (_, index) => (index % 5 === 0 ? ("error" as const) : ("west" as const)));
    expect(of(row(0, ...answers), { share: 20 }).verdict).toBe("did_not_fail_over");
  });

  const wests = (from: number, times: number): readonly ProbeSeen[] => row(from, ...Array.from({ length: times }, () => "west" as const));
  const west429 = (second: number): ProbeSeen => ({ ...seen(second, "west"), status: 429 });

  const noTrips: readonly (readonly [what: string, probes: readonly ProbeSeen[], share: number])[] = [
    ["a standby whose betters are back", [...row(0, "error", "error"), ...wests(4, 20)], 0],
    [
      "more refusals of the others than answers",
      [...row(0, "error", "error"), ...wests(4, 4), ...Array.from({ length: 8 }, (_, index) => west429(12 + index * 2))],
      100,
    ],
    [
      "failures until shortly before the breaker closes again",
      [...Array.from({ length: 12 }, (_, index) => row(index * 4, "error", "west")).flat(), ...wests(44, 8)],
      50,
    ],
    ["failures that no interval has together", [seen(0, "error"), ...wests(2, 34), seen(70, "error"), ...wests(72, 20)], 50],
  ];
  test.each(noTrips)("%s: no trip", (_, probes, share) => {
    expect(of(probes, { share }).verdict).not.toBe("failed_over");
  });

  test("stopped before its time: no evidence of what would have come", () => {
    const early = drillReport(facts({ drill, probes: errors(20), ended: { time: at(40), stopped: true } }));
    expect([early.verdict, early.means]).toEqual(["inconclusive", expect.stringContaining("stopped before its time")]);
  });

  test("test calls that the member itself has answered did not go through the copy", () => {
    expect(of(row(0, "east", "east", "east", "east")).verdict).toBe("inconclusive");
  });

  test("two members in one region cannot be told apart, and count as others", () => {
    const members = drill.members.map((member) => ({ ...member, words: ["West Europe"] }));
    expect(of(row(0, "error", "west", "west", "west"), { members }).means).toContain("then a backend in West Europe answered");
  });

  describe("others that refuse", () => {
    const refused = (second: number, tries: string, status = 401): ProbeSeen => ({
      time: at(second),
      kind: "usual",
      status,
      region: null,
      tries,
    });
    const rowOf = (from: number, times: number, tries: string) =>
      Array.from({ length: times }, (_, index) => refused(from + index * 2, tries));

    test("an answer without a region that a try has told", () => {
      const { verdict, means } = of([...row(0, "error", "error"), ...rowOf(4, 8, ",401 ")]);
      expect([verdict, means]).toEqual([
        "did_not_fail_over",
        expect.stringContaining("8 of 8 test calls met 401 of another member (west)"),
      ]);
    });
    test.each<[string, readonly ProbeSeen[]]>([
      ["where no try has told that a backend was asked", [...row(0, "error", "error"), ...rowOf(4, 8, "")]],
      ["an origin that does not fail as it should", rowOf(0, 12, ",401 ")],
      ["too few of them", [...row(0, "error", "error"), ...rowOf(4, 2, ",401 ")]],
      ["while the copy goes on being called", Array.from({ length: 12 }, (_, index) => refused(index * 4, ",503 ,401 "))],
    ])("%s: no evidence", (_, probes) => {
      expect(of(probes).means).not.toContain("refuse:");
      expect(of(probes).verdict).not.toBe("failed_over");
    });
  });

  test("too few", () => expect(of(row(0, "west", "west")).verdict).toBe("inconclusive"));

  test("the failback is what comes after the shift; what did not fit is not shown", () => {
    const shift = row(0, "error", "west", "west", "west");
    expect(of([...shift, ...row(60, "error", "west")]).means).toContain(`tried the failing copy again at ${at(60)}`);
    expect(of(shift).notShown.join()).toContain("stays open for 1 min");
    expect(of(shift, { breaker: { failures: 2, percent: null, intervalMs: null, tripMs: null } }).notShown).toContain("The failback.");
  });

  test("what callers get when every member fails", () => {
    const shift = row(0, "west", "west", "west");
    expect(of([...shift, seen(9, "error", "all_failing")]).means).toContain("With every member failing a caller gets error 503.");
    expect(of(shift).notShown).toContain("What callers see when every member fails.");
  });
});

test("the timeline has every test call once, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<Parameters<typeof seen>[1]>("east", "west", "error", "none"), { maxLength: 60 }), (answers) => {
      const { timeline } = drillReport(facts({ probes: row(0, ...answers) }));
      const counted = timeline.reduce((sum, { event }) => sum + Number(/^(\d+) test/.exec(event)?.[1] ?? 0), 0);
      expect(counted).toBe(answers.length);
      const times = timeline.map(({ time }) => Date.parse(time));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
  );
});
