import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { BackendInput, PoolPolicies } from "../../src/pool/request.ts";
import { east, parts, plan, poolOf, services, written } from "./planning.ts";
import { type Parts, pool } from "./service.ts";

describe("load balancing", () => {
  const three = poolOf(
    { id: "/backends/a", priority: 1, weight: 80 },
    { id: "/backends/b", priority: 2 },
    { id: "/backends/c", priority: 1, weight: 20 },
  );
  const balanced = (load_balancing: PoolPolicies["load_balancing"], backends: BackendInput[] = []) =>
    services(plan({ backends, policies: { load_balancing } }, three)).map(({ priority, weight }) => [priority, weight]);

  test.each<[string, PoolPolicies["load_balancing"], BackendInput[], unknown]>([
    [
      "round robin gives equal weights at one priority",
      "round_robin",
      [],
      [
        [1, 1],
        [1, undefined],
        [1, 1],
      ],
    ],
    [
      "round robin takes the weight that the call gives",
      "round_robin",
      [{ backend_id: "a", weight: 5 }],
      [
        [1, 5],
        [1, 5],
        [1, 5],
      ],
    ],
    [
      "weighted keeps the weights",
      "weighted",
      [],
      [
        [1, 80],
        [1, undefined],
        [1, 20],
      ],
    ],
    [
      "weighted takes weights that the call gives",
      "weighted",
      [{ backend_id: "b", weight: 50 }],
      [
        [1, 80],
        [1, 50],
        [1, 20],
      ],
    ],
    [
      "priority takes the priorities as they are",
      "priority",
      [{ backend_id: "c", priority: 3 }],
      [
        [1, 80],
        [2, undefined],
        [3, 20],
      ],
    ],
  ])("%s", (_, mode, backends, expected) => {
    expect(balanced(mode, backends)).toEqual(expected);
  });

  test("leaves a pool that is balanced so already", () => {
    expect(plan({ policies: { load_balancing: "round_robin" } }, poolOf({ id: "/backends/a" }, { id: "/backends/b" })).documents).toEqual(
      [],
    );
    expect(plan({ policies: { load_balancing: "priority" } }, three).documents).toEqual([]);
  });
});

describe("session affinity", () => {
  const kept = { sessionId: { source: "cookie", name: "Old", extra: 1 }, affinityType: "x" };
  const sticky = { backends: { ...parts.backends, aoai: pool([east], { sessionAffinity: kept, failureResponse: { statusCode: 503 } }) } };

  test.each<[string, Parts, PoolPolicies["session_affinity"], JsonObject, string]>([
    [
      "is set",
      {},
      { cookie: "SessionId" },
      { sessionAffinity: { sessionId: { source: "Cookie", name: "SessionId" } } },
      "session affinity by cookie SessionId",
    ],
    [
      "is renamed in place",
      sticky,
      { cookie: "New" },
      { sessionAffinity: { ...kept, sessionId: { ...kept.sessionId, name: "New" } }, failureResponse: { statusCode: 503 } },
      "session affinity by cookie New",
    ],
    ["is taken away by null", sticky, null, { failureResponse: { statusCode: 503 } }, "no session affinity"],
  ])("%s", (_, over, session_affinity, expected, words) => {
    const edit = plan({ policies: { session_affinity } }, over);
    expect(written(edit, "backends/aoai")).toEqual(pool([east], expected));
    expect(edit.action).toBe(`aoai: ${words}`);
  });
});
