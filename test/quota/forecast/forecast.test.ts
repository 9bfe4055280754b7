import { describe, expect, test } from "vitest";
import type { PastRequest } from "../../../src/gateway/past-requests.ts";
import { forecast, noForecast } from "../../../src/quota/forecast/index.ts";
import { forecastLine } from "../../../src/quota/forecast/line.ts";
import { changedKinds } from "../../../src/quota/forecast/replayed-limits.ts";
import { historyOf, limitOf, request } from "./given.ts";

/** Each hour two requests of 80 tokens ten seconds apart. */
const pairs = (hours: number): readonly PastRequest[] =>
  Array.from({ length: hours }, (_, hour) => [request(hour * 3600, 80), request(hour * 3600 + 10, 80)]).flat();

const change = (before: number, after: number, sku = "Premium") => ({
  before: [limitOf("tpm", before)],
  after: [limitOf("tpm", after)],
  sku,
});

describe("a forecast", () => {
  test("says what would have been refused before and after, and when most of it", () => {
    const busier = [...pairs(5), request(4 * 3600 + 20, 70), request(4 * 3600 + 30, 70)];
    const found = forecast(historyOf(busier, 6), change(1000, 80));
    expect(found).toMatchObject({
      status: "known",
      window: { since: "2026-11-20T00:00:00.000Z", until: "2026-11-20T06:00:00.000Z" },
      requests: 12,
      algorithm: "sliding window",
      before: { refused_share: 0, refused_requests: 0 },
      after: {
        refused_share: 0.5833,
        refused_requests: 7,
        tokens_turned_away: 540,
        worst_hour: { start: "2026-11-20T04:00Z", share: 0.75 },
      },
      notes: ["Retries of refused clients are not modelled."],
    });
    const [low, high] = found?.after?.interval ?? [1, 0];
    expect(low).toBeLessThan(0.5833);
    expect(high).toBeGreaterThan(0.5833);
    expect(found).not.toHaveProperty("lower_bound");
  });

  test("is none where no limit changes, and of the kinds alone that do", () => {
    const rpm = limitOf("rpm", 1, {}, '<rate-limit-by-key calls="1" renewal-period="60" />');
    expect(forecast(historyOf(pairs(4), 4), change(80, 80))).toBeNull();
    const both = { before: [rpm, limitOf("tpm", 1000)], after: [rpm, limitOf("tpm", 900)], sku: "Premium" };
    expect(forecast(historyOf(pairs(4), 4), both)?.after?.refused_requests).toBe(0);
    expect(changedKinds([rpm], [{ ...rpm, written: { calls: 1, renewalSeconds: 50 } }])).toEqual(["rpm"]);
  });

  test("has no worst hour where nothing is refused", () => {
    expect(forecast(historyOf(pairs(4), 4), change(1000, 900))?.after).toEqual({
      refused_share: 0,
      refused_requests: 0,
      tokens_turned_away: 0,
      interval: [0, 0],
    });
  });

  test("a limit that goes refuses nothing any more; one that comes may", () => {
    const limit = limitOf("tpm", 80);
    const gone = forecast(historyOf(pairs(4), 4), { before: [limit], after: [], sku: "Premium" });
    expect([gone?.before?.refused_requests, gone?.after?.refused_requests]).toEqual([4, 0]);
    const come = forecast(historyOf(pairs(4), 4), { before: [], after: [limit], sku: "Premium" });
    expect([come?.before?.refused_requests, come?.after?.refused_requests]).toEqual([0, 4]);
  });

  test.each([
    ["Premium", "sliding window", 4],
    ["Developer", "sliding window", 4],
    ["BasicV2", "token bucket", 0],
    ["Hyperscale", "both", 4],
  ] as const)("counts as the tier does: %s by %s", (sku, algorithm, refused) => {
    // Ten seconds fill up a sixth of the bucket.
    const found = forecast(historyOf(pairs(4), 4), change(1000, 80, sku));
    expect([found?.algorithm, found?.after?.refused_requests]).toEqual([algorithm, refused]);
    if (algorithm === "both") expect(found?.after?.interval?.[0]).toBe(0);
  });

  test("is wider where several gateways count: from even traffic to all on one; exact where the logs name them", () => {
    const shared = { before: [limitOf("tpm", 1000, { gateways: 2 })], after: [limitOf("tpm", 80, { gateways: 2 })], sku: "Premium" };
    const [one, two] = [forecast(historyOf(pairs(6), 6), change(1000, 80)), forecast(historyOf(pairs(6), 6), shared)];
    expect([one?.after?.refused_share, two?.after?.refused_share]).toEqual([0.5, 0.5]);
    expect(two?.after?.interval?.[0]).toBe(0);
    expect(one?.after?.interval?.[0]).toBeGreaterThan(0);
    const apart = pairs(6).map((one, index) => (index % 2 === 0 ? one : { ...one, region: "West Europe" }));
    expect(forecast(historyOf(apart, 6), shared)?.after).toMatchObject({ refused_share: 0, refused_requests: 0 });
    const unknown = { ...shared, after: [limitOf("tpm", 80, { gateways: "unknown" })] };
    expect(forecast(historyOf(pairs(6), 6), unknown)?.after?.interval?.[0]).toBe(0);
  });

  test("past refusals make it a lower bound; those of another kind of limit are left out", () => {
    const refused = (refusedBy: PastRequest["refusedBy"]) => [...pairs(4), request(3 * 3600 + 20, null, { refusedBy })];
    const found = forecast(historyOf(refused("tpm"), 4), change(160, 80));
    expect(found).toMatchObject({ requests: 9, lower_bound: true, before: { refused_requests: 1 }, after: { refused_requests: 5 } });
    expect(forecast(historyOf(refused("rpm"), 4), change(160, 80))).toMatchObject({ requests: 8 });
    expect(forecast(historyOf(refused("rpm"), 4), change(160, 80))).not.toHaveProperty("lower_bound");
  });

  test.each([
    ["a shared counter", historyOf(pairs(4), 4), limitOf("tpm", 80, { counterGroup: new Set(["team", "b"]) })],
    ["an incomplete history", historyOf(pairs(4), 4, { incomplete: true, notes: ["A sample of 50 %."] }), limitOf("tpm", 80)],
  ])("%s makes it a lower bound", (_, history, after) => {
    expect(forecast(history, { before: [limitOf("tpm", 1000)], after: [after], sku: "Premium" })).toMatchObject({ lower_bound: true });
  });

  test("a quota is replayed too; one that began before the history is a lower bound", () => {
    const quota = (amount: number, period: string) => ({
      before: [limitOf("token_quota", 1e9, { period })],
      after: [limitOf("token_quota", amount, { period })],
      sku: "Premium",
    });
    const hourly = forecast(historyOf(pairs(4), 4), quota(79, "Hourly"));
    expect(hourly?.after?.refused_requests).toBe(4);
    expect(hourly).not.toHaveProperty("lower_bound");
    expect(forecast(historyOf(pairs(4), 4), quota(79, "Weekly"))).toMatchObject({ lower_bound: true, after: { refused_requests: 7 } });
  });

  test("under three hours of data there is no interval", () => {
    const found = forecast(historyOf(pairs(2), 168), change(1000, 80));
    expect(found?.after).not.toHaveProperty("interval");
    expect(found?.notes).toContain("Under three hours of data: no interval.");
  });

  test("is unknown without requests that the limit is for", () => {
    expect(forecast(historyOf([], 168), change(1000, 80))).toMatchObject({
      status: "unknown",
      reason: expect.stringMatching(/no requests/),
    });
  });
});

describe("without the requests' tokens", () => {
  const gap = { why: "No diagnostic setting sends logs.", fix: "az monitor ..." };
  const minutes = (peaks: readonly number[]): readonly number[] => [...Array.from({ length: 60 }, () => 10), ...peaks];

  test("it is unknown with what is missing and the command", () => {
    const found = forecast(historyOf(null, 168, { gap }), change(1000, 80));
    expect(found).toMatchObject({ status: "unknown", reason: gap.why, fix: gap.fix });
    expect(found?.after).toBeUndefined();
  });

  test("tokens by the minute that never come up to the limit refuse nothing, wherever within their minutes they came", () => {
    const never = forecast(historyOf(null, 2, { gap, minuteTokens: minutes([40, 39]) }), change(1000, 80));
    expect(never).toMatchObject({ status: "known", after: { refused_share: 0, interval: [0, 0] } });
    // Within the span of two minutes they could be 80 tokens of one.
    const once = forecast(historyOf(null, 2, { gap, minuteTokens: minutes([40, 40]) }), change(1000, 80));
    expect(once?.after).not.toHaveProperty("interval");
  });

  test("else the overflow of the minutes is an estimate without an interval, which says how far off it may be", () => {
    const found = forecast(historyOf(null, 2, { gap, minuteTokens: minutes([200, 200]) }), change(150, 80));
    expect(found).toMatchObject({
      status: "known",
      before: { refused_share: 0.1 },
      after: { refused_share: 0.24, tokens_turned_away: 240 },
    });
    expect(found?.after).not.toHaveProperty("interval");
    expect(found?.notes[0]).toMatch(/2\.7 times/);
  });

  test("calls of everybody bound a team's rate of calls; if they do not, nothing does", () => {
    const rate = (calls: number) => limitOf("rpm", calls, {}, '<rate-limit-by-key calls="1" renewal-period="60" />');
    const asked = { before: [rate(1000)], after: [rate(20)], sku: "Premium" };
    expect(forecast(historyOf(null, 2, { gap, minuteCalls: minutes([10, 9]) }), asked)).toMatchObject({
      status: "known",
      after: { refused_share: 0 },
    });
    expect(forecast(historyOf(null, 2, { gap, minuteCalls: minutes([11, 10]) }), asked)).toMatchObject({ status: "unknown" });
  });

  test("a rate of calls needs no tokens", () => {
    const rate = (calls: number) => limitOf("rpm", calls, {}, '<rate-limit-by-key calls="1" renewal-period="60" />');
    const unmetered = pairs(4).map((one) => ({ ...one, tokens: null }));
    const history = historyOf(unmetered, 4, { metered: false, gap });
    expect(forecast(history, { before: [rate(10)], after: [rate(1)], sku: "Premium" })).toMatchObject({
      status: "known",
      after: { refused_requests: 4, tokens_turned_away: 0 },
    });
    expect(forecast(history, change(1000, 80))).toMatchObject({ status: "unknown", fix: gap.fix });
  });
});

describe("in words", () => {
  test("it is one line", () => {
    const found = forecast(historyOf([...pairs(5), request(60, null, { refusedBy: "tpm" })], 6), change(1000, 80));
    expect(found === null ? "" : forecastLine(found)).toMatch(
      /^Forecast from 11 requests of 6 hours: 0 % refused before, 54\.6 % after \([\d.]+-[\d.]+ %\), worst hour 2026-11-20T0\d:00Z 66\.7 %, 400 tokens turned away\. At least that\. /,
    );
  });

  test("what is unknown says why and how to get it", () => {
    expect(forecastLine({ ...noForecast("No logs."), fix: "az x" })).toBe("Forecast: unknown. No logs. To get it: `az x`");
  });
});
