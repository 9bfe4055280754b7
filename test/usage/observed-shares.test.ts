import { expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { ListedDocument } from "../../src/gateway/documents.ts";
import type { LogsReader } from "../../src/gateway/ports.ts";
import { observedPercents, readObservedShares } from "../../src/usage/observed-shares.ts";

const now = new Date("2026-11-20T10:30:20Z");
const window = { since: new Date("2026-11-20T09:20:00Z"), until: new Date("2026-11-20T10:20:00Z") };
const at = (host: string, path = "") => `https://${host}.example/openai${path}`;

test.each<[string, Readonly<Record<string, number>>, [string, string | null][], (number | "unknown")[]]>([
  [
    "two members",
    { a: 3, b: 1 },
    [
      ["a", at("a")],
      ["b", at("b")],
    ],
    [75, 25],
  ],
  [
    "one that stands by",
    { a: 3 },
    [
      ["a", at("a")],
      ["b", at("b")],
    ],
    [100, 0],
  ],
  [
    "calls that went elsewhere",
    { a: 1, b: 1, other: 98 },
    [
      ["a", at("a")],
      ["b", at("b")],
    ],
    [50, 50],
  ],
  [
    "no calls",
    { other: 98 },
    [
      ["a", at("a")],
      ["b", at("b")],
    ],
    ["unknown", "unknown"],
  ],
  [
    "two at one host, which the logs do not tell apart",
    { "h.example/gpt-4o": 4, c: 6 },
    [
      ["a", at("h", "/1")],
      ["b", at("h", "/2")],
      ["c", at("c")],
    ],
    ["unknown", "unknown", 60],
  ],
  [
    "a pool inside of a pool",
    { a: 1 },
    [
      ["a", at("a")],
      ["inner", null],
    ],
    [100, "unknown"],
  ],
])("of %s", (_, calls, members, expected) => {
  const read = { kind: "read" as const, window, calls: new Map(Object.entries(calls)), partial: null };
  expect(
    observedPercents(
      read,
      members.map(([backendId, url]) => ({ backendId, url })),
    ),
  ).toEqual(expected);
});

const backends: readonly ListedDocument[] = ["a", "b"].map((id) => ({ id: `backends/${id}`, properties: { url: at(id) } }));
const service = { resourceId: "/subscriptions/s/x", tier: "v2" as const };

/** Logs that have these rows, of which 99 % come in within so many seconds. */
function logsOf(
  rows: readonly (readonly [string, string, number])[],
  lagSeconds: number | null,
  partial: string | null = null,
): LogsReader {
  const answer = (columns: readonly (readonly [string, string])[], of: readonly (readonly (string | number | null)[])[]) => ({
    table: { columns: columns.map(([name, type]) => ({ name, type })), rows: of },
    partial,
    scope: "resource" as const,
  });
  return {
    query: async (kql) =>
      kql.includes("ingestion_time()")
        ? answer(
            [
              ["Newest", "datetime"],
              ["LagSeconds", "real"],
            ],
            [[rows.length === 0 ? null : "2026-11-20T10:30:00Z", lagSeconds]],
          )
        : answer(
            [
              ["Time", "datetime"],
              ["Backend", "string"],
              ["Requests", "long"],
              ["Failed", "long"],
            ],
            rows.map(([time, place, requests]) => [time, place, requests, 0]),
          ),
    queryWorkspace: () => Promise.reject(new Error("not asked")),
    settings: () => Promise.reject(new Error("not asked")),
  };
}

test("counts the hour that is complete, and nothing before or after it", async () => {
  const rows = [
    ["2026-11-20T09:19:00Z", "a.example", 1000],
    ["2026-11-20T09:20:00Z", "a.example/gpt-4o", 3],
    ["2026-11-20T10:19:00Z", "a.example", 4],
    ["2026-11-20T10:19:00Z", "b.example", 5],
    ["2026-11-20T10:20:00Z", "b.example", 1000],
  ] as const;
  const read = await readObservedShares(logsOf(rows, 600, "too much"), service, "chat", backends, now);
  expect(read).toEqual({
    kind: "read",
    window,
    calls: new Map([
      ["a", 7],
      ["b", 5],
    ]),
    partial: "too much",
  });
});

test.each<[string, Parameters<typeof readObservedShares>[0], "v2" | "consumption", string]>([
  ["of logs without a row", logsOf([], null), "v2", "no call of the last day"],
  ["of a tier without logs", logsOf([["2026-11-20T10:00:00Z", "a.example", 1]], 1), "consumption", "Consumption"],
  [
    "of logs that are refused",
    { ...logsOf([], null), query: () => Promise.reject(new GatewayError("forbidden", "No.", { hint: "Ask." })) },
    "v2",
    "(forbidden): No. Ask.",
  ],
])("is unknown %s", async (_, logs, tier, reason) => {
  expect(await readObservedShares(logs, { ...service, tier }, "chat", backends, now)).toEqual({
    kind: "unknown",
    reason: expect.stringContaining(reason),
  });
});

test("rejects where the call was cancelled", async () => {
  const cancelled = new GatewayError("cancelled", "Stopped.");
  const logs = { ...logsOf([], null), query: () => Promise.reject(cancelled) };
  await expect(readObservedShares(logs, service, "chat", backends, now)).rejects.toBe(cancelled);
});
