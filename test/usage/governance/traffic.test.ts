import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/errors.ts";
import { pricesOf } from "../../../src/gateway/prices.ts";
import { readGovernedTraffic } from "../../../src/usage/governance/traffic.ts";
import { readGround } from "../../../src/usage/report.ts";
import { type LoggedCall, logsOf } from "../rows.ts";
import { serviceOnly } from "../service.ts";

const now = new Date("2026-11-20T12:00:00Z");
const window = { since: new Date("2026-11-20T11:00:00Z"), until: now };

/** Minutes after the window begins; those before it are of the time before. */
const at = (minute: number, second = 0): string => new Date(window.since.getTime() + minute * 60_000 + second * 1000).toISOString();

async function trafficOf(calls: readonly LoggedCall[], { prices = "", readable = true }: { prices?: string; readable?: boolean } = {}) {
  const metrics = { platform: async () => ({ series: [], problems: [] }), report: async () => [] };
  const logs = logsOf(calls);
  const refuse = async () => {
    throw new GatewayError("forbidden", "No right to read logs.");
  };
  const readers = { gateway: serviceOnly, metrics, logs: readable ? logs : { ...logs, query: refuse, queryWorkspace: refuse } };
  return readGovernedTraffic(readers, await readGround(readers, undefined, now), window, pricesOf(prices), now);
}

const east = "https://aoai-eastus.openai.azure.com/openai/deployments/gpt-4o/chat";
const west = "https://aoai-westeurope.openai.azure.com/openai/deployments/gpt-4o/chat";

/** Four calls a minute. */
const minutes = (from: number, until: number, backendUrl: string, more: Partial<LoggedCall> = {}): LoggedCall[] =>
  Array.from({ length: (until - from) * 4 }, (_, index) => ({
    time: at(from + Math.floor(index / 4), (index % 4) * 15),
    id: `${from}-${backendUrl.length}-${more.api ?? ""}-${index}`,
    backendUrl,
    ...more,
  }));

describe("failovers", () => {
  const failoversOf = async (calls: readonly LoggedCall[]) => (await trafficOf(calls)).failovers;

  test("are the times in which another backend has answered all calls of an API", async () => {
    const calls = [
      ...minutes(0, 20, east),
      ...minutes(20, 23, west),
      ...minutes(23, 50, east),
      ...minutes(50, 52, west),
      ...minutes(52, 60, east),
    ];
    expect(await failoversOf(calls)).toEqual([
      {
        apiId: "openai",
        usual: "aoai-eastus.openai.azure.com",
        others: ["aoai-westeurope.openai.azure.com"],
        from: at(20),
        until: at(23),
        requests: 12,
      },
      expect.objectContaining({ from: at(50), until: at(52), requests: 8 }),
    ]);
  });

  test("go on where a few calls try the usual backend in between", async () => {
    const calls = [
      ...minutes(0, 20, east),
      ...minutes(20, 23, west),
      { time: at(23), backendUrl: east },
      ...minutes(24, 30, west),
      ...minutes(30, 60, east),
    ];
    expect(await failoversOf(calls)).toEqual([expect.objectContaining({ from: at(20), until: at(30) })]);
  });

  test("are of each API by itself: another mix of APIs is none", async () => {
    const calls = [...minutes(0, 30, east), ...minutes(30, 60, west, { api: "other" })];
    expect(await failoversOf(calls)).toEqual([]);
  });

  test("are none where backends share the calls and one has none for a while by chance", async () => {
    const shared = Array.from({ length: 180 }, (_, index) => ({
      time: at(Math.floor(index / 3), (index % 3) * 20),
      id: `shared-${index}`,
      backendUrl: index % 5 < 3 ? east : west,
    }));
    const pause = shared.map((call, index) => (index >= 60 && index < 72 ? { ...call, backendUrl: west } : call));
    expect(await failoversOf(pause)).toEqual([]);
    const longer = shared.map((call, index) => (index >= 60 && index < 84 ? { ...call, backendUrl: west } : call));
    expect(await failoversOf(longer)).toEqual([expect.objectContaining({ from: at(20), until: at(28) })]);
  });

  test("are unknown without logs", async () => {
    const { failovers, throttledOf, usageOf, costs } = await trafficOf(minutes(0, 9, east), { readable: false, prices: "gpt-4o=1/2" });
    expect([failovers, throttledOf("growth")]).toEqual([null, null]);
    expect(usageOf("growth").now.tokens).toBe("unknown");
    expect(costs?.total.amount).toBe("unknown");
  });
});

describe("teams", () => {
  const calls: readonly LoggedCall[] = [
    { time: at(1), tokens: [600_000, 400_000] },
    { time: at(2), code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
    { time: at(3), code: 429, backendCode: 429 },
    { time: at(4), code: 429, backendCode: 429 },
    { time: at(5), code: 500 },
    { time: at(6), subscription: "Labs", model: "gpt-9", tokens: [10, 20] },
    { time: at(7), subscription: "labs", tokens: [1_000_000, 0] },
    { time: at(8), subscription: null, code: 401, backendCode: null },
    { time: at(9), subscription: "cached", tokens: [500, 500], backendCode: null },
    { time: at(-30), tokens: [100, 0] },
  ];

  test("are told apart by what they use, and by what throttles them", async () => {
    const { usageOf, throttledOf, callers } = await trafficOf(calls);
    expect(usageOf("growth")).toMatchObject({ now: { requests: 5, tokens: 1_000_000, throttled: 3 }, earlier: { tokens: 100 } });
    expect(throttledOf("growth")).toEqual([
      ["backend:429", 2],
      ["gateway:token-rate-limit", 1],
    ]);
    expect(throttledOf("labs")).toEqual([]);
    expect(callers.map((name) => name.toLowerCase()).toSorted()).toEqual(["cached", "growth", "labs", "none"]);
  });

  test("cost what their models' prices say; what has none is not 0, and what a cache has answered is", async () => {
    const { costs } = await trafficOf(calls, { prices: "gpt-4o=2.5/10,currency=EUR" });
    expect(costs?.of("growth")).toEqual({ amount: 0.6 * 2.5 + 0.4 * 10, atLeast: false });
    expect(costs?.of("LABS")).toEqual({ amount: 2.5, atLeast: true });
    expect(costs?.of("cached")).toEqual({ amount: 0, atLeast: false });
    expect(costs).toMatchObject({ currency: "EUR", total: { amount: 8, atLeast: true }, unpriced: [{ model: "gpt-9", tokens: 30 }] });
    expect((await trafficOf(calls)).costs).toBeNull();
  });

  test("cost something unknown where no model of theirs has a price, or no tokens are logged", async () => {
    const unpriced = (await trafficOf(calls, { prices: "other=1/1" })).costs;
    expect(unpriced?.of("growth").amount).toBe("unknown");
    expect(unpriced?.total.amount).toBe("unknown");
    expect((await trafficOf([{ time: at(1) }], { prices: "gpt-4o=1/1" })).costs?.of("growth").amount).toBe("unknown");
  });
});

test("without calls before, what has changed is not known", async () => {
  const { usageOf, notes } = await trafficOf([{ time: at(1), tokens: [1, 1] }]);
  expect(usageOf("growth").earlier.tokens).toBe("unknown");
  expect(notes.join(" ")).toContain("no calls of the time before");
});
