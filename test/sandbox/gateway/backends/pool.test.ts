import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { affinityCookie, chooseMember, groupInUse, membersIn, type PoolMember } from "../../../../src/sandbox/gateway/backends/pool.ts";
import { nextInTurn, type Turns, type Weighted } from "../../../../src/sandbox/gateway/backends/round-robin.ts";

const weighted = (...weights: readonly number[]): readonly Weighted[] =>
  weights.map((weight, index) => ({ id: "abcdefgh".charAt(index), weight }));

/** Who came, in order. */
function rounds(members: readonly Weighted[], count: number, from: Turns = new Map()): { readonly came: string; readonly turns: Turns } {
  let turns = from;
  let came = "";
  for (let turn = 0; turn < count; turn++) {
    const next = nextInTurn(members, turns);
    if (next === null) break;
    came += next.member.id;
    turns = next.turns;
  }
  return { came, turns };
}

const share = (came: string, id: string): number => came.split(id).length - 1;

describe("whose turn it is", () => {
  it.each<[string, readonly number[], string]>([
    ["requests alternate at 50/50", [50, 50], "abababababab"],
    ["one after the other where weights are equal", [1, 1, 1], "abcabcabcabc"],
    ["3 to 1 is spread, not in blocks", [3, 1], "aabaaabaaaba"],
    ["80/20", [80, 20], "aabaaaabaaaa"],
    ["weight 0 gets nothing", [1, 0, 1], "acacacacacac"],
    ["all at 0 come in turn", [0, 0], "abababababab"],
    ["one alone", [7], "aaaaaaaaaaaa"],
    ["none", [], ""],
  ])("%s", (_, weights, expected) => {
    expect(rounds(weighted(...weights), 12).came).toBe(expected);
  });

  it.each([
    [
      [50, 50],
      [5000, 5000],
    ],
    [
      [80, 20],
      [8000, 2000],
    ],
    [
      [1, 2, 7],
      [1000, 2000, 7000],
    ],
    [
      [100, 1, 1],
      [9804, 98, 98],
    ],
  ])("weights %j over 10,000 requests: %j", (weights, expected) => {
    const { came } = rounds(weighted(...weights), 10_000);
    expect(weights.map((_, index) => share(came, "abcdefgh".charAt(index)))).toEqual(expected);
  });

  it("after any number of requests every member is within one of its share per member", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 500 }),
        (weights, count) => {
          const members = weighted(...weights);
          const { came } = rounds(members, count);
          const sum = weights.reduce((total, weight) => total + weight, 0);
          for (const { id, weight } of members)
            expect(Math.abs(share(came, id) - (count * weight) / sum)).toBeLessThanOrEqual(members.length);
        },
      ),
    );
  });

  it("shares are kept after members have been away and come back", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 });
    const absences = fc.array(fc.record({ away: fc.nat(31), count: fc.integer({ min: 1, max: 40 }) }), { maxLength: 12 });
    fc.assert(
      fc.property(weights, absences, (given, periods) => {
        const members = weighted(...given);
        let turns: Turns = new Map();
        for (const { away, count } of periods)
          turns = rounds(
            members.filter((_, index) => ((away >> index) & 1) === 0),
            count,
            turns,
          ).turns;
        const sum = given.reduce((total, weight) => total + weight, 0);
        const { came } = rounds(members, sum * 20, turns);
        for (const { id, weight } of members) expect(Math.abs(share(came, id) - 20 * weight)).toBeLessThanOrEqual(2 * members.length);
      }),
    );
  });
});

const member = (id: string, priority: number, weight = 1): PoolMember => ({ id, priority, weight });

describe("which group", () => {
  const pool = [member("c", 2), member("a", 1), member("b", 1), member("d", 3)];
  it.each<[string, readonly string[], string]>([
    ["the highest priority", [], "ab"],
    ["what is left of it while one member is closed", ["a"], "b"],
    ["the next one when all of it is open", ["a", "b"], "c"],
    ["the one after that", ["a", "b", "c"], "d"],
    ["none", ["a", "b", "c", "d"], ""],
    ["a group beneath does not matter", ["c"], "ab"],
  ])("%s", (_, open, expected) => {
    expect(
      groupInUse(pool, (id) => !open.includes(id))
        .map(({ id }) => id)
        .join(""),
    ).toBe(expected);
  });

  it.each<[string, readonly string[], string | null, string | null]>([
    ["a session stays on its member", [], "b", "b"],
    ["a sticky member that is open is passed over", ["b"], "b", "a"],
    ["priorities come before sessions", [], "c", "a"],
    ["a session stays in the group beneath while that is in use", ["a", "b"], "c", "c"],
    ["a member that is none of the pool's is passed over", [], "x", "a"],
  ])("%s", (_, open, sticky, expected) => {
    expect(chooseMember(pool, (id) => !open.includes(id), new Map(), sticky)?.member.id ?? null).toBe(expected);
  });

  it("a session's requests do not take the others' turns", () => {
    const members = [member("a", 1), member("b", 1)];
    const first = chooseMember(members, () => true, new Map());
    const session = chooseMember(members, () => true, first?.turns ?? new Map(), "b");
    expect(chooseMember(members, () => true, session?.turns ?? new Map())?.member.id).toBe("b");
  });

  it("a lower group is never used while a higher one has a closed member", () => {
    const members = fc.uniqueArray(fc.record({ id: fc.constantFrom(..."abcdefghij"), priority: fc.nat(4), weight: fc.nat(100) }), {
      selector: ({ id }) => id,
      maxLength: 10,
    });
    const open = fc.subarray([..."abcdefghij"]);
    const sticky = fc.option(fc.constantFrom(..."abcdefghij"));
    fc.assert(
      fc.property(members, open, sticky, fc.nat(20), (pool, tripped, session, before) => {
        let turns: Turns = new Map();
        for (let turn = 0; turn < before; turn++) turns = chooseMember(pool, () => true, turns)?.turns ?? turns;
        const closed = pool.filter(({ id }) => !tripped.includes(id));
        const chosen = chooseMember(pool, (id) => !tripped.includes(id), turns, session);
        if (closed.length === 0) expect(chosen).toBeNull();
        else {
          expect(closed).toContain(chosen?.member);
          expect(chosen?.member.priority).toBe(Math.min(...closed.map(({ priority }) => priority)));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("reading a pool", () => {
  it.each([
    ["/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/n/backends/AOAI-East", "aoai-east"],
    ["/backends/aoai-east", "aoai-east"],
  ])("a member's id %s", (id, expected) => {
    expect(membersIn({ pool: { services: [{ id, priority: 2, weight: 30 }] } })).toEqual([{ id: expected, priority: 2, weight: 30 }]);
  });

  it("priority and weight are 1 where left out; who is named twice counts once; what is no member is passed over", () => {
    const services = [{ id: "/backends/a" }, { id: "/backends/A", weight: 9 }, { weight: 1 }, "b", { id: "/backends/c", weight: -1 }];
    expect(membersIn({ pool: { services } })).toEqual([member("a", 1), member("c", 1, 0)]);
    expect(membersIn({})).toEqual([]);
  });

  it.each([
    [{ sessionId: { source: "Cookie", name: "session" } }, "session"],
    [{ sessionId: { source: "cookie", name: "session" } }, "session"],
    [{ sessionId: { source: "Header", name: "session" } }, null],
    [{ enabled: true, affinityType: "Cookie", cookieName: "session" }, null],
    [{}, null],
  ])("session affinity %j: %s", (sessionAffinity, expected) => {
    expect(affinityCookie({ pool: { sessionAffinity } })).toBe(expected);
  });
});
