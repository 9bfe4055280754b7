import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { objectOf } from "../../src/pool/backend.ts";
import { type PoolEdit, planPool, poolDocuments } from "../../src/pool/plan.ts";
import type { BackendInput } from "../../src/pool/request.ts";
import { csharp, east, ids, parts, plan, poolOf, services, written } from "./planning.ts";
import { breaker, inventoryOf, live, type Parts, pool, resourceId, single } from "./service.ts";

const rule = (edit: PoolEdit, backendId: string) => {
  const { rules } = objectOf(written(edit, `backends/${backendId}`).circuitBreaker);
  return Array.isArray(rules) ? rules[0] : undefined;
};

describe("members", () => {
  test("adds an existing backend in the form of ids that is in use, nothing else", () => {
    const edit = plan({ backends: [{ backend_id: "WEST", priority: 2, weight: 10 }] });
    expect(ids(edit)).toEqual(["backends/aoai"]);
    expect(edit.documents[0]?.before).toEqual({ id: "backends/aoai", properties: pool([east]), etag: '"backends/aoai"' });
    expect(written(edit, "backends/aoai")).toEqual(pool([east, { id: `${resourceId}/backends/west`, priority: 2, weight: 10 }]));
    expect(edit.action).toBe("aoai: + west priority 2, weight 10");
    expect(edit.affected).toEqual(["API 'chat'"]);
    expect(edit.warnings).toEqual([]);
    expect(edit.after).toBe('get_backend_pool {"api_id":"chat"}');
  });

  test("adds the second region that the demo adds", () => {
    const edit = plan({
      backends: [{ backend_id: "west", priority: 2, circuit_breaker: { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" } }],
    });
    expect(ids(edit)).toEqual(["backends/west", "backends/aoai"]);
    expect(edit.action).toBe("aoai: + west priority 2, breaker 5 in PT1M open PT5M");
    expect(rule(edit, "west")).toEqual({
      name: "breaker",
      failureCondition: {
        count: 5,
        interval: "PT1M",
        statusCodeRanges: [
          { min: 429, max: 429 },
          { min: 500, max: 599 },
        ],
        errorReasons: ["BackendConnectionFailure", "Timeout"],
      },
      tripDuration: "PT5M",
      acceptRetryAfter: false,
    });
  });

  test("keeps short ids short, and uses them in a pool that has no member", () => {
    const short = { backends: { ...parts.backends, aoai: pool([{ id: "/backends/east" }]) } };
    expect(services(plan({ backends: [{ backend_id: "west" }] }, short))).toEqual([{ id: "/backends/east" }, { id: "/backends/west" }]);
    const empty = { backends: { ...parts.backends, aoai: pool([]) } };
    expect(services(plan({ backends: [{ backend_id: "west" }] }, empty))).toEqual([{ id: "/backends/west" }]);
  });

  test("creates a backend for a URL, before the pool", () => {
    const edit = plan({ backends: [{ backend_id: "north", url: "https://north.example/openai", priority: 1 }] });
    expect(ids(edit)).toEqual(["backends/north", "backends/aoai"]);
    expect(edit.documents[0]).toEqual({
      id: "backends/north",
      before: null,
      after: { url: "https://north.example/openai", protocol: "http" },
    });
    expect(edit.action).toBe("aoai: + north at https://north.example/openai, priority 1");
  });

  test("changes priority and weight of a member", () => {
    const edit = plan({ backends: [{ backend_id: "east", priority: 3, weight: 7 }] });
    expect(services(edit)).toEqual([{ ...east, priority: 3, weight: 7 }]);
    expect(edit.action).toBe("aoai: east priority 1 -> 3, weight 1 -> 7");
  });

  test("moves an existing backend to another URL, and says for whom", () => {
    const edit = plan({ backends: [{ backend_id: "east", url: "https://other.example/openai" }] });
    expect(written(edit, "backends/east")).toEqual(single("https://other.example/openai", breaker()));
    expect(edit.warnings).toEqual([
      "Backend 'east': requests go to the new host other.example from now on, which is not an Azure model host.",
      "Backend 'east' moves from https://east.example/openai to https://other.example/openai, for all that use it.",
    ]);
    expect(edit.action).toBe("aoai: east url -> https://other.example/openai");
  });

  test("takes a URL that differs by its last slash for the same", () => {
    expect(plan({ backends: [{ backend_id: "east", url: "https://east.example/openai/" }] }).documents).toEqual([]);
  });

  test("removes members, also the last one: a guard judges that", () => {
    const edit = plan({ remove: ["EAST"] });
    expect(written(edit, "backends/aoai")).toEqual(pool([]));
    expect(edit.action).toBe("aoai: - east");
  });

  test("has nothing to do for a backend that is not in the pool", () => {
    const edit = plan({ remove: ["west"] });
    expect(edit).toEqual({
      action: "backend 'aoai': no change",
      summary: "backend 'aoai' is as asked already.",
      documents: [],
      affected: [],
      warnings: [],
    });
  });

  test.each<[string, Parts, BackendInput, JsonObject, string[]]>([
    ["no priority where none has one", poolOf({ id: "/backends/a" }), { backend_id: "new" }, { id: "/backends/new" }, []],
    ["the priority of all", poolOf({ id: "/backends/a", priority: 4 }), { backend_id: "new" }, { id: "/backends/new", priority: 4 }, []],
    [
      "the last priority",
      poolOf({ id: "/backends/a", priority: 1 }, { id: "/backends/b", priority: 5 }),
      { backend_id: "new" },
      { id: "/backends/new", priority: 5 },
      ["'new' gets the last priority, 5: the call gives none."],
    ],
    [
      "the weight of its priority",
      poolOf({ id: "/backends/a", priority: 1, weight: 80 }, { id: "/backends/b", priority: 2, weight: 9 }),
      { backend_id: "new", priority: 1 },
      { id: "/backends/new", priority: 1, weight: 80 },
      [],
    ],
    [
      "the smallest weight where they differ",
      poolOf({ id: "/backends/a", weight: 80 }, { id: "/backends/b", weight: 20 }),
      { backend_id: "new" },
      { id: "/backends/new", weight: 20 },
      ["'new' gets weight 20, the smallest at its priority: the call gives none."],
    ],
  ])("a newcomer gets %s", (_, over, input, expected, warnings) => {
    const edit = plan({ backends: [input] }, over);
    expect(services(edit).at(-1)).toEqual(expected);
    expect(edit.warnings.filter((warning) => warning.includes("the call gives none"))).toEqual(warnings);
  });
});

describe("credentials of a new backend", () => {
  const identity = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
  const keyed = { credentials: { header: { "api-key": ["{{key}}"] } } };
  const north = { backends: [{ backend_id: "north", url: "https://north.openai.azure.com/" }] };
  const two = (one: JsonObject, other: JsonObject): Parts => ({
    backends: {
      a: single("https://a.example/", one),
      b: single("https://b.example/", other),
      aoai: pool([{ id: "/backends/a" }, { id: "/backends/b" }]),
    },
  });

  test.each<[string, Parts, JsonObject, string[]]>([
    [
      "are the managed identity that all members use",
      two(identity, { credentials: { ...identity.credentials, header: {} } }),
      identity,
      ["managed identity"],
    ],
    ["are none where members differ", two(identity, {}), {}, ["no credentials", "sends no credential"]],
    ["are never keys", two(keyed, keyed), {}, ["no credentials", "sends no credential"]],
    ["are none where nobody has any", two({ credentials: { header: {}, query: {} } }, {}), {}, []],
  ])("%s", (_, over, expected, warnings) => {
    const edit = plan(north, over);
    expect(written(edit, "backends/north")).toEqual({ url: "https://north.openai.azure.com/", protocol: "http", ...expected });
    expect(edit.warnings).toEqual(warnings.map((warning) => expect.stringContaining(warning)));
    expect(JSON.stringify(edit)).not.toContain("{{key}}");
    expect(edit.manualSteps).toEqual(expected === identity ? [expect.stringMatching(/^az role assignment create /)] : []);
  });

  const asking = (managedIdentity: JsonObject, url = "https://north.openai.azure.com/") =>
    plan({ backends: [{ backend_id: "north", url }] }, two({ credentials: { managedIdentity } }, { credentials: { managedIdentity } }))
      .manualSteps;

  test("need a role on the account, which is the user's to give", () => {
    expect(asking({ resource: "https://cognitiveservices.azure.com/" })).toEqual([
      `az role assignment create --assignee-object-id "$(az resource show --ids '${resourceId}' --query identity.principalId -o tsv)" ` +
        `--assignee-principal-type ServicePrincipal --role "Cognitive Services OpenAI User" --scope '<resource id of the account behind https://north.openai.azure.com/>'`,
    ]);
    expect(asking({ resource: "https://cognitiveservices.azure.com", clientId: "1-2-3" })).toEqual([
      expect.stringContaining("create --assignee '1-2-3' --role"),
    ]);
    expect(asking({ resource: "https://vault.azure.net" })).toEqual([]);
    expect(asking({ resource: "https://cognitiveservices.azure.com" }, "https://north.example/")).toEqual([]);
  });

  test("a URL cannot leave its quotes in the command", () => {
    const steps = asking({ resource: "https://cognitiveservices.azure.com" }, "https://north.openai.azure.com/$(id)'x");
    expect(steps?.join()).toContain(`--scope '<resource id of the account behind https://north.openai.azure.com/$(id)'\\''x>'`);
  });
});

describe("circuit breakers", () => {
  const set = (circuit_breaker: BackendInput["circuit_breaker"], over: Parts = {}) =>
    plan({ backends: [{ backend_id: "east", circuit_breaker }] }, over);
  const own = { name: "own-name", tripDuration: "PT2M", acceptRetryAfter: true };
  const only429 = { interval: "PT1M", statusCodeRanges: [{ min: 429, max: 429 }] };

  test.each<[string, BackendInput["circuit_breaker"], JsonObject]>([
    ["the count", { failure_count: 9 }, { ...own, failureCondition: { count: 9, ...only429 } }],
    ["a percentage in place of the count", { failure_percent: 20 }, { ...own, failureCondition: { percentage: 20, ...only429 } }],
    ["the interval", { interval: "PT10S" }, { ...own, failureCondition: { count: 3, ...only429, interval: "PT10S" } }],
    ["the duration", { trip_duration: "PT5M" }, { ...own, failureCondition: { count: 3, ...only429 }, tripDuration: "PT5M" }],
    ["error reasons", { error_reasons: ["Timeout"] }, { ...own, failureCondition: { count: 3, ...only429, errorReasons: ["Timeout"] } }],
    ["Retry-After", { accept_retry_after: false }, { ...own, failureCondition: { count: 3, ...only429 }, acceptRetryAfter: false }],
    [
      "status codes",
      { status_codes: ["503", "500 - 502"] },
      {
        ...own,
        failureCondition: {
          count: 3,
          interval: "PT1M",
          statusCodeRanges: [
            { min: 503, max: 503 },
            { min: 500, max: 502 },
          ],
        },
      },
    ],
  ])("edits %s in place", (_, input, expected) => {
    const edit = set(input);
    expect(ids(edit)).toEqual(["backends/east"]);
    expect(rule(edit, "east")).toEqual(expected);
  });

  test("keeps what it does not know, and further rules", () => {
    const known = { ...breaker({ failureResponse: { statusCode: 503 } }), title: "East", azureRegion: "eastus" };
    const edit = set({ failure_count: 9 }, { backends: { ...parts.backends, east: single("https://east.example/openai", known) } });
    expect(rule(edit, "east")).toMatchObject({ failureResponse: { statusCode: 503 }, failureCondition: { count: 9 } });
    expect(written(edit, "backends/east")).toMatchObject({ title: "East", azureRegion: "eastus", url: "https://east.example/openai" });
  });

  test("name the error reasons that they come to count", () => {
    const edit = set({ error_reasons: ["Timeout"] });
    expect(edit.action).toBe("aoai: east breaker 3 in PT1M open PT2M on 429 or as Retry-After says and on Timeout");
    const other = plan({ backends: [{ backend_id: "west", priority: 2, circuit_breaker: { error_reasons: [] } }] });
    expect(other.action).toBe("aoai: + west priority 2, breaker 5 in PT1M open PT1M and on no error reason");
  });

  test("are unchanged by what is there already", () => {
    expect(set({ failure_count: 3, status_codes: ["429"], interval: "PT1M" }).documents).toEqual([]);
    expect(set({}).documents).toEqual([]);
  });

  test("are taken away by null", () => {
    const edit = set(null);
    expect(written(edit, "backends/east")).toEqual(single("https://east.example/openai"));
    expect(edit.action).toBe("aoai: east no breaker");
    expect(plan({ backends: [{ backend_id: "west", circuit_breaker: null }] }).documents.map(({ id }) => id)).toEqual(["backends/aoai"]);
  });

  test("of all members, where a member does not say otherwise", () => {
    const both = { backends: { ...parts.backends, aoai: pool([east, { id: "/backends/west" }]) } };
    const edit = plan(
      { backends: [{ backend_id: "west", circuit_breaker: { failure_count: 2 } }], policies: { circuit_breaker: { failure_count: 8 } } },
      both,
    );
    expect(rule(edit, "east")).toMatchObject({ name: "own-name", failureCondition: { count: 8 } });
    expect(rule(edit, "west")).toMatchObject({ name: "breaker", failureCondition: { count: 2 } });
    expect(edit.action).toBe("aoai: east breaker 8 in PT1M open PT2M on 429 or as Retry-After says; west breaker 2 in PT1M open PT1M");
  });

  test("of all members reach new ones, and no removed one", () => {
    const edit = plan({
      backends: [{ backend_id: "north", url: "https://north.example/" }],
      remove: ["east"],
      policies: { circuit_breaker: { failure_percent: 50 } },
    });
    expect(ids(edit)).toEqual(["backends/north", "backends/aoai"]);
    expect(edit.action).toBe("aoai: + north at https://north.example/, breaker 50% in PT1M open PT1M; - east");
  });

  test("warn where Retry-After decides", () => {
    const warned = plan({ backends: [{ backend_id: "west", circuit_breaker: { accept_retry_after: true } }] }).warnings;
    expect(warned).toEqual([expect.stringContaining("86400")]);
    expect(set({ failure_count: 9 }).warnings).toEqual([]);
  });
});

test("poolDocuments names the pool, its members and what the call names, each once", () => {
  const inventory = inventoryOf(parts);
  const request = {
    api_id: "chat",
    backends: [{ backend_id: "West" }, { backend_id: "east" }, { backend_id: "north", url: "https://n.example/" }],
  };
  expect(poolDocuments(inventory, csharp, request)).toEqual(["backends/aoai", "backends/east", "backends/west"]);
  expect(poolDocuments(inventoryOf({ ...parts, policies: {} }), csharp, { api_id: "chat", policies: { retry: {} } })).toEqual([]);
});

test("the live documents count, not the list", () => {
  const inventory = inventoryOf(parts);
  const newer = live([
    { id: "backends/aoai", properties: pool([east, { id: "/backends/west", priority: 9 }]) },
    ...inventory.backends.slice(0, 2),
  ]);
  expect(planPool(inventory, csharp, newer, { api_id: "chat", backends: [{ backend_id: "west", priority: 9 }] }).documents).toEqual([]);
});
