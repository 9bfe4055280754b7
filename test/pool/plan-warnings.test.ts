import { describe, expect, test } from "vitest";
import type { PoolRequest } from "../../src/pool/request.ts";
import { api, parts, plan, to } from "./planning.ts";
import { type Parts, pool, single } from "./service.ts";

describe("warnings", () => {
  const bare = { backends: { ...parts.backends, east: single("https://east.example/openai") } };

  test("a breaker asked for on the standby alone names the corrected call, which has no such warning", () => {
    const circuit_breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
    const [warning = "", ...more] = plan({ backends: [{ backend_id: "west", priority: 2, circuit_breaker }] }, bare).warnings;
    expect(more).toEqual([]);
    expect(warning).toContain("'east' (priority 1)");
    const call: PoolRequest = JSON.parse(warning.slice(warning.indexOf("{")));
    expect(call).toEqual({
      api_id: "chat",
      backends: [
        { backend_id: "west", priority: 2, circuit_breaker },
        { backend_id: "east", circuit_breaker },
      ],
    });
    expect(plan(call, bare).warnings).toEqual([]);
  });

  test("all at one priority", () => {
    expect(plan({ backends: [{ backend_id: "west", priority: 1 }] }).warnings).toEqual([expect.stringContaining("none stands by")]);
  });

  test("a backend that other pools and APIs use", () => {
    const shared: Parts = {
      apis: { chat: null, batch: null, direct: null },
      backends: { ...parts.backends, other: pool([{ id: "/backends/east" }]) },
      policies: { [api]: to("aoai"), "apis/batch/policies/policy": to("aoai"), "apis/direct/policies/policy": to("east") },
    };
    const edit = plan({ backends: [{ backend_id: "east", circuit_breaker: { failure_count: 9 } }] }, shared);
    expect(edit.affected).toEqual(["API 'chat'", "API 'batch'", "API 'direct'"]);
    expect(edit.warnings).toEqual([
      "Backend 'east' is also used by pool 'other', API 'batch', API 'direct': the change applies there too.",
    ]);
    expect(plan({ backends: [{ backend_id: "west", priority: 2 }] }, shared).affected).toEqual(["API 'chat'", "API 'batch'"]);
  });
});
