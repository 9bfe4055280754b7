import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { ListedDocument } from "../../src/gateway/documents.ts";
import type { LogsReader } from "../../src/gateway/ports.ts";
import { observedPercents, readObservedShares, silentMembers } from "../../src/usage/observed-shares.ts";

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
  const read = { calls: new Map(Object.entries(calls)) };
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
  rows: readonly (readonly [time: string, place: string, requests: number, failed?: number])[],
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
            rows.map(([time, place, requests, failed = 0]) => [time, place, requests, failed]),
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
    ["2026-11-20T10:19:00Z", "b.example", 7, 2],
    ["2026-11-20T10:20:00Z", "b.example", 1000],
  ] as const;
  const read = await readObservedShares(logsOf(rows, 600, "too much"), service, "chat", backends, now);
  expect(read).toMatchObject({
    kind: "read",
    window,
    recent: { since: new Date("2026-11-20T10:15:00Z"), calls: new Map(Object.entries({ a: 4, b: 5 })), failed: 2 },
    all: { calls: new Map(Object.entries({ a: 7, b: 5 })), failed: 2 },
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

describe("members that have answered nothing at the end", () => {
  const minute = (time: string, backendId: string, answered: number, failed = 0) => ({
    ...{ time: new Date(`2026-11-20T${time}:00Z`), backendId, answered, failed },
  });
  const silent = (minutes: readonly ReturnType<typeof minute>[], shares: Readonly<Record<string, number>> = { a: 75, b: 25 }) => {
    const calls = new Map<string, number>();
    for (const { backendId, answered } of minutes) calls.set(backendId, (calls.get(backendId) ?? 0) + answered);
    const members = Object.entries(shares).map(([backendId, share]) => ({ backendId, url: at(backendId), share }));
    return silentMembers({ window, all: { calls, failed: 0 }, minutes }, members).map(
      ({ backendId, since, others }) => `${backendId} ${since.toISOString().slice(11, 16)} ${others}`,
    );
  };
  test.each<[string, Parameters<typeof silent>, string[]]>([
    ["one of two", [[minute("10:01", "a", 30), minute("10:02", "b", 3), minute("10:16", "b", 3)]], ["a 10:02 6"]],
    ["one that had none in the hour", [[minute("10:16", "b", 4)]], ["a 09:20 4"]],
    ["one that has answered since", [[minute("10:14", "b", 40), minute("10:16", "a", 1), minute("10:16", "b", 40)]], []],
    ["one whose trial calls fail", [[minute("10:01", "a", 30), minute("10:06", "a", 0, 1), minute("10:16", "b", 6)]], ["a 10:02 6"]],
    ["a pause of everyone since", [[minute("10:01", "a", 30), minute("10:02", "b", 30)]], ["a 10:02 30"]],
    ["too few calls to tell", [[minute("10:01", "a", 30), minute("10:16", "b", 3)]], []],
    ["a small share, which takes more calls", [[minute("10:16", "a", 15)]], []],
    ["a small share, and enough of them", [[minute("10:16", "a", 17)]], ["b 09:20 17"]],
    ["one that stands by", [[minute("10:16", "a", 99)], { a: 100, b: 0 }], []],
    ["one that has all the calls", [[minute("10:16", "b", 2)], { a: 100, b: 0 }], ["a 09:20 2"]],
    ["calls that went elsewhere", [[minute("10:16", "other", 99), minute("10:16", "b", 1)]], []],
  ])("%s", (_, given, expected) => {
    expect(silent(...given)).toEqual(expected);
  });
});
