import { describe, expect, test } from "vitest";
import { planPool } from "../../src/pool/plan.ts";
import type { BackendInput, PoolRequest } from "../../src/pool/request.ts";
import { api, csharp, expectFailure, ids, parts, plan, to, written } from "./planning.ts";
import { inventoryOf, type Parts, policy, pool } from "./service.ts";

describe("an API without a pool", () => {
  const alone: Parts = { policies: { [api]: to("east") } };

  test("its backend's breaker and URL can be changed", () => {
    const edit = plan({ backends: [{ backend_id: "east", url: "https://new.example/", circuit_breaker: { failure_count: 9 } }] }, alone);
    expect(ids(edit)).toEqual(["backends/east"]);
    expect(edit.action).toBe("east: url -> https://new.example/; breaker 9 in PT1M open PT2M on 429 or as Retry-After says");
    expect(plan({ policies: { circuit_breaker: null } }, alone).action).toBe("east: no breaker");
    const unnamed = {
      ...alone,
      apis: { chat: null, other: null },
      policies: { ...alone.policies, "apis/other/policies/policy": to("east") },
    };
    expect(plan({ policies: { circuit_breaker: null } }, unnamed).warnings).toEqual([expect.stringContaining("API 'other'")]);
  });

  test.each<[string, Parts, Omit<PoolRequest, "api_id">, string]>([
    ["a priority of a backend", alone, { backends: [{ backend_id: "east", priority: 1 }] }, `${api}, line 3`],
    ["a removal from a backend", alone, { remove: ["east"] }, "single backend 'east'"],
    ["balancing of a backend", alone, { policies: { load_balancing: "round_robin" } }, "Name the other members"],
    ["affinity of a backend", alone, { policies: { session_affinity: { cookie: "c" } } }, "Name the other members"],
    ["a failure status of a backend", alone, { policies: { failure_status: 429 } }, "Name the other members"],
    ["a breaker of a URL", { policies: {} }, { policies: { circuit_breaker: {} } }, "to a URL"],
  ])("unsupported: %s", (_, over, request, hint) => {
    expectFailure(() => plan(request, over), "unsupported", hint);
  });
});

describe("which pool", () => {
  const choose =
    '<choose><when condition="@(a)"><set-backend-service backend-id="aoai" /></when><otherwise><set-backend-service backend-id="second" /></otherwise></choose>';
  const two: Parts = {
    backends: { ...parts.backends, second: pool([{ id: "/backends/west" }]), idle: pool([]) },
    policies: { [api]: policy(choose) },
  };

  test("several need pool_id", () => {
    expectFailure(() => plan({ remove: ["west"] }, two), "invalid_input", "pool_id", "aoai, second");
    expect(ids(plan({ pool_id: "Second", remove: ["west"] }, two))).toEqual(["backends/second"]);
    expectFailure(() => plan({ pool_id: "idle", backends: [{ backend_id: "west" }] }, two), "invalid_input", "aoai, second");
    expectFailure(() => plan({ pool_id: "secnd", remove: ["west"] }, two), "not_found", "second");
  });

  test("several single backends too", () => {
    const singles = { ...two, policies: { [api]: policy(choose.replace("aoai", "east").replace("second", "west")) } };
    expectFailure(() => plan({ policies: { circuit_breaker: {} } }, singles), "invalid_input", "pool_id", "east, west");
    expect(ids(plan({ pool_id: "west", policies: { circuit_breaker: {} } }, singles))).toEqual(["backends/west"]);
  });

  test("none for a retry, which is the API's", () => {
    const edit = plan({ policies: { retry: { count: 1 } } }, two);
    expect(ids(edit)).toEqual([api]);
    expect(edit.action).toBe("chat: retry 1 on 429,500-599 in API chat");
  });

  test("any, where an expression decides at run time", () => {
    const dynamic = { ...two, policies: { [api]: to('@(context.Request.Headers.GetValueOrDefault("x", ""))') } };
    expect(ids(plan({ pool_id: "idle", backends: [{ backend_id: "west" }] }, dynamic))).toEqual(["backends/idle"]);
  });
});

describe("refuses", () => {
  const one = (input: Omit<BackendInput, "backend_id">) => ({ backends: [{ backend_id: "east", ...input }] });
  const breakerOf = (circuit_breaker: BackendInput["circuit_breaker"]) => one({ circuit_breaker });

  test.each<[string, Omit<PoolRequest, "api_id">, string, string]>([
    ["an empty request", {}, "invalid_input", "policies"],
    ["empty lists", { backends: [], remove: [], policies: {} }, "invalid_input", "policies"],
    ["an unknown member", { backends: [{ backend_id: "wset" }] }, "not_found", "'west'"],
    ["an unknown removal", { remove: ["eats"] }, "not_found", "'east'"],
    ["a pool as a member", { backends: [{ backend_id: "aoai" }] }, "unsupported", "east"],
    ["a name twice", { backends: [{ backend_id: "east" }, { backend_id: "EAST" }] }, "invalid_input", "twice"],
    ["added and removed", { backends: [{ backend_id: "east" }], remove: ["east"] }, "invalid_input", "twice"],
    ["a priority over 100", one({ priority: 101 }), "invalid_input", "0 to 100"],
    ["a negative weight", one({ weight: -1 }), "invalid_input", "0 to 100"],
    ["a broken weight", one({ weight: 1.5 }), "invalid_input", "whole number"],
    ["http", one({ url: "http://west.example/" }), "invalid_input", "https"],
    ["no URL", one({ url: "west.example" }), "invalid_input", "https"],
    ["a key in the URL", one({ url: "https://west.example/?key=1" }), "invalid_input", "credentials"],
    ["a password in the URL", one({ url: "https://u:p@west.example/" }), "invalid_input", "credentials"],
    ["an id that ARM refuses", { backends: [{ backend_id: "a/b", url: "https://x.example/" }] }, "invalid_input", "letters"],
    ["count and percentage", breakerOf({ failure_count: 1, failure_percent: 1 }), "invalid_input", "not both"],
    ["a count of 0", breakerOf({ failure_count: 0 }), "invalid_input", "from 1"],
    ["101 percent", breakerOf({ failure_percent: 101 }), "invalid_input", "100"],
    ["an interval in words", breakerOf({ interval: "1 minute" }), "invalid_input", "ISO 8601"],
    ["a bare PT", breakerOf({ interval: "PT" }), "invalid_input", "ISO 8601"],
    ["a duration of nothing", breakerOf({ trip_duration: "PT0S" }), "invalid_input", "ISO 8601"],
    ["no status codes", breakerOf({ status_codes: [] }), "invalid_input", "1 to 10"],
    [
      "eleven status codes",
      breakerOf({ status_codes: Array.from({ length: 11 }, (_, index) => `${400 + index}`) }),
      "invalid_input",
      "1 to 10",
    ],
    ["a status code of 199", breakerOf({ status_codes: ["199"] }), "invalid_input", "200 to 599"],
    ["a reversed range", breakerOf({ status_codes: ["599-500"] }), "invalid_input", "200 to 599"],
    ["a status code class", breakerOf({ status_codes: ["5xx"] }), "invalid_input", "200 to 599"],
    ["a region that there is not", one({ region: "Atlantis" }), "invalid_input", "westeurope"],
    ["an empty error reason", breakerOf({ error_reasons: [""] }), "invalid_input", "BackendConnectionFailure"],
    ["a failure status of 99", { policies: { failure_status: 99 } }, "invalid_input", "100"],
    ["a retry without tries", { policies: { retry: { count: 0 } } }, "invalid_input", "1 to 50"],
    ["51 retries", { policies: { retry: { count: 51 } } }, "invalid_input", "1 to 50"],
    ["a retry on words", { policies: { retry: { status_codes: ["all"] } } }, "invalid_input", "200 to 599"],
    ["a cookie with a space", { policies: { session_affinity: { cookie: "a b" } } }, "invalid_input", "cookie"],
    [
      "priority at one priority",
      { backends: [{ backend_id: "west" }], policies: { load_balancing: "priority" } },
      "invalid_input",
      "priority",
    ],
    [
      "round robin with two priorities",
      {
        backends: [
          { backend_id: "west", priority: 2 },
          { backend_id: "east", priority: 1 },
        ],
        policies: { load_balancing: "round_robin" },
      },
      "invalid_input",
      "one priority",
    ],
    [
      "round robin with two weights",
      {
        backends: [
          { backend_id: "west", weight: 2 },
          { backend_id: "east", weight: 1 },
        ],
        policies: { load_balancing: "round_robin" },
      },
      "invalid_input",
      "one weight",
    ],
    [
      "a 31st member",
      { backends: Array.from({ length: 30 }, (_, index) => ({ backend_id: `b${index}`, url: "https://x.example/" })) },
      "invalid_input",
      "31 members",
    ],
  ])("%s", (_, request, code, text) => {
    expectFailure(() => plan(request), code, text);
  });

  test("an unknown API", () => {
    const inventory = inventoryOf(parts);
    expectFailure(() => planPool(inventory, csharp, new Map(), { api_id: "caht", remove: ["east"] }), "not_found", "chat");
  });

  test("a breaker on Consumption, but not its removal", () => {
    expectFailure(() => plan({ policies: { circuit_breaker: {} } }, { sku: "Consumption" }), "unsupported", "Consumption");
    expect(ids(plan({ policies: { circuit_breaker: null } }, { sku: "Consumption" }))).toEqual(["backends/east"]);
  });

  test("http outside of the machine, and nothing else of it", () => {
    const local = plan({ backends: [{ backend_id: "north", url: "http://127.0.0.1:8080/" }] });
    expect(written(local, "backends/north").url).toBe("http://127.0.0.1:8080/");
  });

  test("a backend that is gone since the service was read", () => {
    const inventory = inventoryOf(parts);
    expectFailure(() => planPool(inventory, csharp, new Map(), { api_id: "chat", remove: ["east"] }), "conflict", "again");
  });
});
