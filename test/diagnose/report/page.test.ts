import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { pageOf } from "../../../src/diagnose/report/page.ts";
import type { GovernanceReport } from "../../../src/diagnose/report/report.ts";
import type { ReportedTeam } from "../../../src/diagnose/report/teams.ts";
import type { UsageReport } from "../../../src/usage/report.ts";

const window = { since: new Date("2026-11-13T10:00:00Z"), until: new Date("2026-11-20T10:00:00Z") };
const before = { since: new Date("2026-11-06T10:00:00Z"), until: window.since };

const usage = (more: Partial<UsageReport["totals"]> = {}): UsageReport => ({
  window: { since: "", until: "", interval: "PT1H" },
  totals: { requests: 100, throttled: { total: 0, by_origin: [] }, errors: { total: 0, by_cause: [] }, tokens: 5000, ...more },
  rows: [],
  left_out: 0,
  sources: [{ name: "gateway logs", resolution: "each call", lag: "60 s", newest: "2026-11-20T09:59:30Z" }],
  notes: [],
  missing: [],
  queries: [],
});

const team = (name: string, more: Partial<ReportedTeam> = {}): ReportedTeam => ({
  name,
  requests: 10,
  tokens: 1000,
  tokensBefore: 500,
  share: 80,
  doubt: null,
  throttled: [],
  cost: null,
  ...more,
});

type Changed = Partial<Omit<GovernanceReport, "traffic" | "teams">> & {
  readonly traffic?: Partial<GovernanceReport["traffic"]>;
  readonly teams?: readonly ReportedTeam[];
};

const reportOf = ({ traffic = {}, teams = [], ...more }: Changed = {}): GovernanceReport => ({
  traffic: {
    ...{ window, before, now: usage(), earlier: usage(), callers: [], failovers: [], costs: null, notes: [] },
    usageOf: () => {
      throw new Error("read before");
    },
    throttledOf: () => null,
    ...traffic,
  },
  teams: { teams, notes: [] },
  ...{ changes: [], drills: [], leftOut: 0, findings: { problems: [], unknown: [] }, missing: [], notes: [] },
  ...more,
});

const page = (changed?: Changed): string => pageOf("apim-prod", reportOf(changed));

describe("numbers", () => {
  test.for([
    [{ tokens: 0, tokensBefore: 0 }, "| 0 | 0 % | 80 | 0 |"],
    [{ tokens: 10, tokensBefore: 0 }, "| 10 | new | 80 | 0 |"],
    [{ tokens: 500, tokensBefore: 1000 }, "| 500 | -50 % | 80 | 0 |"],
    [{ tokensBefore: "unknown" }, "| 1,000 | unknown | 80 | 0 |"],
    [{ tokens: "unknown" }, "| unknown | unknown | 80 | 0 |"],
    [{ share: "none", throttled: "unknown" }, "| 1,000 | +100 % | none | unknown |"],
    [
      {
        share: "unknown",
        throttled: [
          ["gateway:token-rate-limit", 1200],
          ["backend:429", 3],
        ],
      },
      "| 1,000 | +100 % | unknown | 1,200 token-rate-limit, 3 backend:429 |",
    ],
  ] as const)("%j", ([changed, cells]) => expect(page({ teams: [team("Growth", changed)] })).toContain(`| Growth ${cells}`));

  test.for([
    [{ amount: 0, atLeast: false }, "0.00"],
    [{ amount: 0.001, atLeast: false }, "<0.01"],
    [{ amount: 1234.5, atLeast: true }, "at least 1,234.50"],
    [{ amount: 0.999, atLeast: false }, "1.00"],
    [{ amount: "unknown", atLeast: false }, "unknown"],
  ] as const)("a cost of %j", ([cost, cell]) => {
    const costs = { currency: "EUR", total: cost, of: () => cost, unpriced: [] };
    expect(page({ teams: [team("Growth", { cost })], traffic: { costs } })).toMatch(
      new RegExp(`\\| Growth \\|.*\\| ${cell.replace(/[<.]/g, "\\$&")} \\|$`, "m"),
    );
  });

  test("are not compared with those of another source, or with a time without calls", () => {
    const other = { ...usage({ requests: 50 }), sources: [{ name: "platform metrics", resolution: "", lag: "" }] };
    expect(page()).toContain("| Requests | 100 | 0 % |");
    expect(page({ traffic: { earlier: other } })).toContain("| Requests | 100 | unknown |");
    expect(page({ traffic: { earlier: usage({ requests: 0, tokens: 0 }) } })).toContain("| Tokens | 5,000 | unknown |");
  });

  test("of logs without all calls stand beside those of platform metrics, and are compared with nothing", () => {
    const teams = [team("Growth")];
    const partial = { ...usage({ requests: 17_359 }), counted: 40_175 };
    const text = page({ teams, traffic: { now: partial, earlier: usage({ requests: 20_000 }) } });
    expect(text).toContain("The logs hold 17,359 of the 40,175 calls that platform metrics count");
    expect(text).toContain("| Requests | 40,175 (17,359 in the logs) | +101 % |");
    expect(text).toContain("| Tokens | 5,000 | unknown |");
    expect(text).toContain("| Growth | 1,000 | unknown |");
    const before = page({ teams, traffic: { earlier: { ...usage({ requests: 40 }), counted: 50 } } });
    expect(before).toContain("| Requests | 100 | +100 % |");
    expect(before).toContain("| Tokens | 5,000 | unknown |");
    expect(before).not.toContain("The logs hold");
  });

  test("what is left of much is not nothing", () => {
    const text = page({ traffic: { earlier: usage({ requests: 41_000 }) } });
    expect(text).toContain("| Requests | 100 | -99.8 % |");
    expect(page({ traffic: { earlier: usage({ requests: 4_000_000 }) } })).toContain("| Requests | 100 | -99.9 % |");
    expect(page({ traffic: { now: usage({ requests: 0 }), earlier: usage({ requests: 41_000 }) } })).toContain("| Requests | 0 | -100 % |");
  });

  test("a share that may be of another limit is marked, and the mark explained", () => {
    const text = page({ teams: [team("Growth", { share: 42_021, doubt: "written" }), team("Labs", { share: 130, doubt: "beyond" })] });
    expect(text).toContain("| Growth | 1,000 | +100 % | 42,021 † | 0 |");
    expect(text).toContain("| Labs | 1,000 | +100 % | 130 ‡ | 0 |");
    expect(text).toMatch(/^† Of the limit as it is now: /m);
    expect(text).toMatch(/^‡ More than the limit lets through: /m);
    expect(page({ teams: [team("Growth")] })).not.toMatch(/[†‡]/);
  });

  test.for([
    [{ hits: 20, misses: 80, hit_rate: 20 }, { hits: 0, misses: 0, hit_rate: "unknown" }, "20 % (by no backend call)"],
    [{ hits: 20, misses: 80, hit_rate: 20 }, { hits: 1, misses: 7, hit_rate: 12.5 }, "12.5 % (by trace)"],
    [{ hits: 20, misses: 0, hit_rate: "unknown" }, { hits: 0, misses: 0, hit_rate: "unknown" }, "unknown"],
  ] as const)("the hit rate is by the surest sign: %j, %j", ([structural, trace, shown]) => {
    const cache = { estimators: { "no backend call": structural, "trace semantic-cache": trace }, tokens_saved: 1200, method: "estimate" };
    const text = page({ traffic: { now: usage({ cache }) } });
    expect(text).toContain(`| Cache hit rate | ${shown} |`);
    expect(text).toContain("| Tokens saved by the cache | 1,200 (estimate) |");
  });
});

test("what could not be read is unknown, and what was not there is none", () => {
  const unknown = page({ traffic: { failovers: null }, changes: "unknown", findings: null });
  for (const line of ["Failovers: unknown.", "Unknown: the journal cannot be read.", "Unknown: the checks could not be made."])
    expect(unknown).toContain(line);
  const none = page();
  for (const line of [
    "No failover is seen in the logs.",
    "No drill was run",
    "None by this user.",
    "Nothing was found.",
    "No team has made a call.",
  ])
    expect(none).toContain(line);
});

test("teams behind the fortieth have one row together, which knows no more than they do", () => {
  const teams = Array.from({ length: 43 }, (_, index) => team(`t${index}`, { tokens: 1000 - index, throttled: [["backend:429", 1]] }));
  expect(page({ teams })).toContain("| 3 others | 2,877 | +92 % |  | 3 |");
  expect(page({ teams: teams.with(42, team("t42", { tokens: "unknown" })) })).toContain("| 3 others | unknown | unknown |  | 2 |");
  expect(page({ teams: [...teams.slice(0, 40), ...Array.from({ length: 25 }, (_, index) => team(`q${index}`, { requests: 0 }))] })).toMatch(
    /No calls: q0, .*q19 and 5 more\./,
  );
});

test("a drill explains a failover of its time alone", () => {
  const failover = {
    apiId: "chat",
    usual: "east",
    others: ["west"],
    from: "2026-11-19T23:58:00.000Z",
    until: "2026-11-20T00:02:00.000Z",
    requests: 1234,
  };
  const drill = {
    drillId: "d",
    drill: "evacuate east",
    state: "ended",
    window: { from: "2026-11-20T00:00:00Z", until: "2026-11-20T00:02:00Z" },
    verdict: "shifted",
  };
  const line = "2026-11-19 23:58 to 2026-11-20 00:02: west answered API chat in the place of east (1,234 calls)";
  expect(page({ traffic: { failovers: [failover] }, drills: [drill] })).toContain(
    `- ${line}, during a drill\n- Drill 2026-11-20 00:00 to 00:02: evacuate east: shifted`,
  );
  expect(page({ traffic: { failovers: [failover] }, drills: [{ ...drill, window: null, verdict: null, state: "failed" }] })).toContain(
    `- ${line}\n- Drill: evacuate east: failed, verdict unknown`,
  );
  const earlier = { ...drill, window: { from: "2026-11-19T20:00:00Z", until: "2026-11-19T20:02:00Z" } };
  expect(page({ traffic: { failovers: [failover] }, drills: [earlier] })).toContain(`- ${line}\n`);
});

test("there is an end to everything, whatever the gateway says", () => {
  const long = "| [x](https://evil)\n# ".repeat(500);
  const many = Array.from({ length: 60 }, (_, index) => index);
  const text = page({
    teams: [...many.map((index) => team(`${index}${long}`)), ...many.map((index) => team(`${index}${long}`, { requests: 0 }))],
    traffic: {
      failovers: many.map(() => ({
        apiId: long,
        usual: long,
        others: [long],
        from: window.since.toISOString(),
        until: window.until.toISOString(),
        requests: 1,
      })),
    },
    changes: many.map((index) => ({
      changeId: `${index}`,
      state: "applied",
      time: window.since.toISOString(),
      summary: long,
      documents: [],
      tool: "update_quota",
    })),
    drills: many.map((index) => ({ drillId: `${index}`, drill: long, state: "ended", window: null, verdict: null })),
    findings: { problems: many.map(() => ({ check: "limits", status: "problem", seen: long, means: long, do: long })), unknown: [] },
    notes: many.map((index) => `${index}${long}`),
  });
  expect(text.match(/^#.*$/gm)?.map((line) => line.slice(0, 12))).toEqual([
    "# AI gateway",
    "## Teams",
    "## Failovers",
    "## Changes t",
    "## Findings",
    "## Notes",
  ]);
  expect(text).not.toContain("https://");
  expect(countTokens(text)).toBeLessThan(5500);
});
