import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { LogsReader } from "../../src/gateway/ports.ts";
import { readSubscriptionUsage, shareOfLimit } from "../../src/usage/subscription-usage.ts";
import { type LoggedCall, logsOf } from "./rows.ts";
import { serviceOnly } from "./service.ts";

const now = new Date("2026-11-20T11:00:20Z");
const at = (minute: number): string => new Date(Date.parse("2026-11-20T10:00:00Z") + minute * 60_000).toISOString();

const usageOf = (calls: readonly LoggedCall[], logs: LogsReader = logsOf(calls)) =>
  readSubscriptionUsage(
    { gateway: serviceOnly, metrics: { platform: async () => ({ series: [], problems: [] }), report: async () => [] }, logs },
    "PT1H",
    now,
  );

const calls: readonly LoggedCall[] = [
  { time: at(5), tokens: [600, 0] },
  { time: at(6), region: "West Europe", tokens: [900, 0] },
  { time: at(7), code: 429, backendCode: null, reason: "OpenAITokenLimitExceeded" },
  { time: at(8), subscription: "Labs" },
];

describe("the usage of a subscription", () => {
  test("is what it has used in the window, by region where there are several", async () => {
    const usage = await usageOf(calls);
    expect(usage.window).toEqual({ since: new Date(at(0)), until: new Date(at(60)) });
    expect(usage.of("growth")).toEqual({
      requests: 3,
      throttled: 1,
      tokens: 1500,
      tpm: { average: 25, p95: 0, peak: 900 },
      tpm_by_region: { "East US": { average: 10, p95: 0, peak: 600 }, "West Europe": { average: 15, p95: 0, peak: 900 } },
    });
  });

  test("is nothing where it has no calls, and unknown where its calls have no tokens", async () => {
    const usage = await usageOf(calls);
    expect(usage.of("quiet")).toEqual({ requests: 0, throttled: 0, tokens: 0, tpm: { average: 0, p95: 0, peak: 0 } });
    expect(usage.of("labs")).toMatchObject({ requests: 1, tokens: "unknown", tpm: { peak: "unknown" } });
  });

  test.each<[string, LogsReader]>([
    ["no calls are logged", logsOf([])],
    [
      "logs may not be read",
      {
        ...logsOf([]),
        query: async () => {
          throw new GatewayError("forbidden", "no right");
        },
      },
    ],
  ])("is unknown where %s", async (_, logs) => {
    const usage = await usageOf([], logs);
    expect(usage.of("growth")).toMatchObject({ requests: "unknown", tokens: "unknown", tpm: { average: "unknown" } });
    expect(usage.notes.join()).toContain("unknown");
  });
});

const numbers = (p95: number, peak: number) => ({ average: 0, p95, peak });

test.each([
  ["of one region", { tpm: numbers(50, 100) }, 200, { p95: 25, peak: 50 }],
  [
    "of the busiest region",
    { tpm: numbers(90, 150), tpm_by_region: { a: numbers(50, 120), b: numbers(60, 90) } },
    100,
    { p95: 60, peak: 120 },
  ],
  ["of a limit that is not known", { tpm: numbers(50, 100) }, "unknown", { p95: "unknown", peak: "unknown" }],
  ["of a limit of nothing", { tpm: numbers(50, 100) }, 0, { p95: "unknown", peak: "unknown" }],
] as const)("the share %s", (_, usage, limit, share) => {
  expect(shareOfLimit(usage, limit)).toEqual(share);
});
