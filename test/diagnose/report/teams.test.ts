import { expect, test } from "vitest";
import { reportedTeams } from "../../../src/diagnose/report/teams.ts";
import type { Subscription } from "../../../src/gateway/model.ts";
import type { TeamLimits } from "../../../src/quota/limits.ts";
import type { GovernedTraffic } from "../../../src/usage/governance/traffic.ts";
import type { SubscriptionUsage } from "../../../src/usage/subscription-usage.ts";

const none = { status: "none", limits: [], parts: [] } as const;

const limited = (subscription: Partial<Subscription>, tpm: number | null = 1000): TeamLimits => ({
  subscription: { id: "growth", displayName: "Growth", state: "active", scope: { kind: "apis" }, ...subscription },
  limits: [],
  binding: {
    tpm: tpm === null ? none : { status: "value", value: tpm, limits: [], parts: [] },
    token_quota: none,
    rpm: none,
    call_quota: none,
  },
  warnings: [],
});

const used = (tokens: number): SubscriptionUsage => ({ requests: 1, throttled: 0, tokens, tpm: { average: 1, p95: tokens, peak: tokens } });

/** Each caller has used as many tokens as its name has characters, and half of that before. */
function trafficOf(callers: readonly string[]): GovernedTraffic {
  const unused = (): never => {
    throw new Error("not asked for here");
  };
  const usageOf = (id: string) => {
    const called = callers.some((caller) => caller.toLowerCase() === id.toLowerCase());
    return { now: used(called ? id.length : 0), earlier: used(called ? id.length / 2 : 0) };
  };
  const time = new Date(0);
  return {
    ...{ window: { since: time, until: time }, before: { since: time, until: time }, failovers: null, costs: null, notes: [] },
    ...{ usageOf, throttledOf: () => [], callers },
    get now() {
      return unused();
    },
    get earlier() {
      return unused();
    },
  };
}

const shown = (callers: readonly string[], limits: readonly TeamLimits[] | null) =>
  reportedTeams(trafficOf(callers), limits, []).teams.map(({ name, tokens, share }) => [name, tokens, share]);

test("are called by their display names as long as these tell them apart", () => {
  const limits = [
    limited({ id: "a1", displayName: "Twins" }),
    limited({ id: "b22", displayName: "twins" }, null),
    limited({ id: "c333", displayName: " " }),
    limited({ id: "d4444", displayName: "Own", workspaceId: "w" }),
  ];
  expect(shown(["A1", "b22", "c333", "d4444"], limits)).toEqual([
    ["Own", 5, 1],
    ["c333", 4, 0],
    ["b22 (twins)", 3, "none"],
    ["a1 (Twins)", 2, 0],
  ]);
});

test("are those too that have gone, and whoever calls without a subscription", () => {
  expect(shown(["growth", "gone", "none"], [limited({})])).toEqual([
    ["Growth", 6, 1],
    ["(no subscription)", 4, "none"],
    ["gone (not there any more)", 4, "unknown"],
  ]);
});

test("are those of the logs where nobody may read the service's own", () => {
  expect(shown(["growth"], null)).toEqual([["growth", 6, "unknown"]]);
});

test("of one sid are not told apart by logs: theirs is unknown", () => {
  const limits = [limited({}), limited({ id: "Growth", displayName: "Other", workspaceId: "w" })];
  const { teams, notes } = reportedTeams(trafficOf(["growth"]), limits, []);
  expect(teams.map(({ name, requests, tokens, share, throttled }) => [name, requests, tokens, share, throttled])).toEqual([
    ["growth", ...Array(4).fill("unknown")],
    ["workspaces/w/subscriptions/Growth", ...Array(4).fill("unknown")],
  ]);
  expect(notes).toEqual([expect.stringContaining("which several have: growth")]);
});

test("a share beyond the limit is in doubt, one within it is not", () => {
  const doubts = [5, 6, 7].map((tpm) =>
    reportedTeams(trafficOf(["growth"]), [limited({}, tpm)], []).teams.map(({ share, doubt }) => [share, doubt]),
  );
  expect(doubts).toEqual([[[120, "beyond"]], [[100, null]], [[86, null]]]);
});
