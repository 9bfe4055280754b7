import { describe, expect, test } from "vitest";
import { openKit } from "../gateway/kit.ts";
import { backendOf, type Member, poolOf } from "./kit.ts";

const hosts = ["a", "b", "c", "d"] as const;
const requests = 10_000;

const breakerOfOne = {
  failureCondition: { count: 1, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
  tripDuration: "PT5M",
};

/** A pool of these members, each with a host that counts what it gets, and answers 500 while it is down. */
function balanced(members: readonly Member[], instances = 1) {
  const { world, gateway } = openKit({
    inbound: '<set-backend-service backend-id="pool" />',
    regions: Array.from({ length: instances }, () => "East US"),
    resources: [...hosts.map((id) => [`backends/${id}`, backendOf(id, breakerOfOne)] as const), ["backends/pool", poolOf(members)]],
  });
  const counts = new Map<string, number>();
  const down = new Set<string>();
  world.upstreams.push({
    matches: () => true,
    async fetch({ url }) {
      const host = new URL(url).hostname.replace(/\..*/, "");
      counts.set(host, (counts.get(host) ?? 0) + 1);
      return new Response(null, { status: down.has(host) ? 500 : 200 });
    },
  });
  return {
    down,
    shares: (): readonly number[] => hosts.map((host) => counts.get(host) ?? 0),
    async send(times: number): Promise<void> {
      for (let index = 0; index < times; index++) await gateway.fetch(new Request("https://gateway.example/echo/thing"));
    },
  };
}

describe("where 10,000 requests go", () => {
  const documented: readonly (readonly [what: string, members: readonly Member[], expected: readonly number[]])[] = [
    ["in turn where nothing is said", [{ id: "a" }, { id: "b" }], [5000, 5000, 0, 0]],
    ["in turn over three", [{ id: "a" }, { id: "b" }, { id: "c" }], [3334, 3333, 3333, 0]],
    [
      "50 and 50",
      [
        { id: "a", weight: 50 },
        { id: "b", weight: 50 },
      ],
      [5000, 5000, 0, 0],
    ],
    [
      "80 and 20",
      [
        { id: "a", weight: 80 },
        { id: "b", weight: 20 },
      ],
      [8000, 2000, 0, 0],
    ],
    [
      "1, 2 and 7",
      [
        { id: "a", weight: 1 },
        { id: "b", weight: 2 },
        { id: "c", weight: 7 },
      ],
      [1000, 2000, 7000, 0],
    ],
    [
      "to the first priority alone, by the weights within it",
      [
        { id: "a", priority: 1, weight: 75 },
        { id: "b", priority: 1, weight: 25 },
        { id: "c", priority: 2, weight: 90 },
        { id: "d", priority: 3 },
      ],
      [7500, 2500, 0, 0],
    ],
  ];
  test.each(documented)("%s", async (_, members, expected) => {
    const { send, shares } = balanced(members);
    await send(requests);
    for (const [index, share] of shares().entries()) expect(Math.abs(share - (expected[index] ?? 0))).toBeLessThanOrEqual(1);
    expect(shares().reduce((sum, share) => sum + share, 0)).toBe(requests);
  });

  test("80 and 20 on each of two instances", async () => {
    const { send, shares } = balanced(
      [
        { id: "a", weight: 80 },
        { id: "b", weight: 20 },
      ],
      2,
    );
    await send(requests);
    expect(shares()).toEqual([8000, 2000, 0, 0]);
  });

  test("the second priority only where all of the first are open, then by its own weights", async () => {
    const { send, shares, down } = balanced([
      { id: "a", priority: 1 },
      { id: "b", priority: 1 },
      { id: "c", priority: 2, weight: 70 },
      { id: "d", priority: 2, weight: 30 },
    ]);
    down.add("a");
    await send(1001);
    expect(shares()).toEqual([1, 1000, 0, 0]);
    down.add("b");
    await send(1001);
    expect(shares()).toEqual([1, 1001, 700, 300]);
  });
});
