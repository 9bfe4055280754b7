import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/gateway/documents.ts";
import { type MovableClock, movableClock } from "../../../../src/sandbox/clock.ts";
import {
  breakerStates,
  failureStatus,
  resetBackends,
  retryAfterSeconds,
  type SelectingCall,
  selectBackend,
} from "../../../../src/sandbox/gateway/backends/select.ts";
import { type BackendTarget, type GatewayInstance, PolicyError } from "../../../../src/sandbox/gateway/policy.ts";
import { historyOf } from "../../../../src/sandbox/monitor/history.ts";
import { createWorld, type World } from "../../../../src/sandbox/world.ts";

const start = new Date("2026-03-01T10:00:00Z");

interface Bench {
  readonly world: World;
  readonly clock: MovableClock;
  readonly call: (instance?: number, cookie?: string) => SelectingCall;
}

function openBench(backends: Readonly<Record<string, JsonObject>>, regions: readonly string[] = ["East US"]): Bench {
  const clock = movableClock(start);
  const world = createWorld({ clock, history: historyOf([]), regions });
  for (const [id, properties] of Object.entries(backends)) world.put(`backends/${id}`, properties);
  const call = (instance = 0, cookie?: string): SelectingCall => {
    const headers = new Headers(cookie === undefined ? {} : { cookie });
    return {
      world,
      instance: at(world.instances, instance),
      request: { method: "POST", url: new URL("https://gateway"), headers, body: null },
    };
  };
  return { world, clock, call };
}

function at(instances: readonly GatewayInstance[], index: number): GatewayInstance {
  const instance = instances[index];
  if (instance === undefined) throw new Error(`no instance ${index}`);
  return instance;
}

const breaker = (changes: object = {}): JsonObject => ({
  circuitBreaker: {
    rules: [
      {
        name: "r",
        failureCondition: { count: 5, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
        tripDuration: "PT5M",
        ...changes,
      },
    ],
  },
});
const single = (name: string, more: JsonObject = {}): JsonObject => ({
  type: "Single",
  url: `https://${name}.openai.azure.com/openai`,
  protocol: "http",
  ...more,
});
const pool = (services: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
  type: "Pool",
  pool: { services: [...services], ...more },
});
const item = (id: string, priority?: number, weight?: number): JsonObject => ({
  id: `/backends/${id}`,
  ...(priority === undefined ? {} : { priority }),
  ...(weight === undefined ? {} : { weight }),
});

const primaryAndSecondary = {
  p1: single("p1", breaker()),
  p2: single("p2", breaker()),
  aoai: pool([item("p1", 1), item("p2", 2)]),
};

const answered = (target: BackendTarget, status: number): void => target.report({ status, reason: null, retryAfterSeconds: null });

/** What a client gets that a `<retry>` of so many retries stands before: each attempt selects anew. */
async function request(
  call: SelectingCall,
  retries: number,
  statusOf: (backendId: string | null) => number,
): Promise<{ status: number; backend: string | null }> {
  let answer = { status: 503, backend: null as string | null };
  for (let attempt = 0; attempt <= retries; attempt++) {
    const target = await selectBackend(call, "aoai");
    if (target === null) return { status: failureStatus(call.world, "aoai"), backend: null };
    answer = { status: statusOf(target.backendId), backend: target.backendId };
    answered(target, answer.status);
    if (answer.status < 500) break;
  }
  return answer;
}

const primaryDown = (backend: string | null): number => (backend === "p1" ? 500 : 200);

const selects = async (call: SelectingCall, id: string): Promise<string | null> => (await selectBackend(call, id))?.backendId ?? null;

async function fail(call: SelectingCall, id: string, count: number): Promise<void> {
  for (let attempt = 0; attempt < count; attempt++) {
    const target = await selectBackend(call, id);
    if (target === null) throw new Error(`${id} is open`);
    answered(target, 500);
  }
}

describe("an outage of the primary behind a breaker of 5 in 1 minute", () => {
  it.each([
    [0, [5, 10, 15]],
    [1, [2, 4, 6]],
    [2, [1, 2, 3]],
    [5, [0, 0, 0]],
  ])("%i retries: %j client-visible errors with 1, 2 and 3 instances", async (retries, expected) => {
    for (const [index, errors] of expected.entries()) {
      const regions = Array.from({ length: index + 1 }, () => "East US");
      const { world, call } = openBench(primaryAndSecondary, regions);
      let seen = 0;
      for (let client = 0; client < 60; client++) {
        const { status } = await request(call(client % world.instances.length), retries, primaryDown);
        if (status >= 500) seen += 1;
      }
      expect(seen).toBe(errors);
      expect((await request(call(), retries, primaryDown)).backend).toBe("p2");
    }
  });

  it("a breaker of 1 and one retry: none", async () => {
    const condition = { failureCondition: { count: 1, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] } };
    const { call } = openBench({ ...primaryAndSecondary, p1: single("p1", breaker(condition)) });
    for (let client = 0; client < 20; client++) expect((await request(call(), 1, primaryDown)).status).toBe(200);
  });

  it("traffic goes back once the trip has passed, and away again after five more failures", async () => {
    const { call, clock } = openBench(primaryAndSecondary);
    await fail(call(), "aoai", 5);
    await clock.advance(299_999);
    expect(await selects(call(), "aoai")).toBe("p2");
    await clock.advance(1);
    for (let failure = 0; failure < 5; failure++) expect((await request(call(), 0, primaryDown)).backend).toBe("p1");
    expect(await selects(call(), "aoai")).toBe("p2");
    await clock.advance(300_000);
    for (let client = 0; client < 20; client++) expect((await request(call(), 0, () => 200)).backend).toBe("p1");
  });

  it("all open: nothing is selected, and the answer is 503", async () => {
    const { call } = openBench(primaryAndSecondary);
    await fail(call(), "aoai", 10);
    expect(await selectBackend(call(), "aoai")).toBeNull();
    expect(await request(call(), 2, primaryDown)).toEqual({ status: 503, backend: null });
  });
});

describe("over 10,000 requests", () => {
  const count = async (services: readonly JsonObject[]): Promise<Record<string, number>> => {
    const ids = ["a", "b", "c"];
    const { call } = openBench({ ...Object.fromEntries(ids.map((id) => [id, single(id)])), aoai: pool(services) });
    const counts: Record<string, number> = {};
    for (let turn = 0; turn < 10_000; turn++) {
      const id = (await selects(call(), "aoai")) ?? "none";
      counts[id] = (counts[id] ?? 0) + 1;
    }
    return counts;
  };

  it.each<[string, readonly JsonObject[], Record<string, number>]>([
    ["round robin", [item("a"), item("b")], { a: 5000, b: 5000 }],
    ["50/50", [item("a", 1, 50), item("b", 1, 50)], { a: 5000, b: 5000 }],
    ["80/20", [item("a", 1, 80), item("b", 1, 20)], { a: 8000, b: 2000 }],
    ["the highest priority alone", [item("a", 2, 100), item("b", 1, 1), item("c", 1, 3)], { b: 2500, c: 7500 }],
  ])("%s", async (_, services, expected) => {
    expect(await count(services)).toEqual(expected);
  });

  it("an open member's share goes to the rest of its group, not to the group beneath", async () => {
    const { call } = openBench({
      a: single("a", breaker()),
      b: single("b"),
      c: single("c"),
      d: single("d"),
      aoai: pool([item("a", 1, 50), item("b", 1, 30), item("c", 1, 10), item("d", 2)]),
    });
    await fail(call(), "a", 5);
    const counts: Record<string, number> = {};
    for (let turn = 0; turn < 400; turn++) {
      const id = (await selects(call(), "aoai")) ?? "none";
      counts[id] = (counts[id] ?? 0) + 1;
    }
    expect(counts).toEqual({ b: 300, c: 100 });
  });
});

describe("breakers", () => {
  it("are of the backend, whichever pool it was reached through", async () => {
    const { call } = openBench({ ...primaryAndSecondary, other: pool([item("p1"), item("p2", 2)]) });
    await fail(call(), "other", 3);
    await fail(call(), "aoai", 1);
    await fail(call(), "p1", 1);
    expect([await selects(call(), "aoai"), await selects(call(), "other"), await selects(call(), "p1")]).toEqual(["p2", "p2", null]);
  });

  it("are of one instance", async () => {
    const { call } = openBench(primaryAndSecondary, ["East US", "West Europe"]);
    await fail(call(0), "aoai", 5);
    expect([await selects(call(0), "aoai"), await selects(call(1), "aoai")]).toEqual(["p2", "p1"]);
  });

  it("obey Retry-After", async () => {
    const { call, clock } = openBench({ ...primaryAndSecondary, p1: single("p1", breaker({ acceptRetryAfter: true })) });
    await fail(call(), "aoai", 4);
    (await selectBackend(call(), "aoai"))?.report({ status: 503, reason: null, retryAfterSeconds: 7 });
    await clock.advance(6999);
    expect(await selects(call(), "aoai")).toBe("p2");
    await clock.advance(1);
    expect(await selects(call(), "aoai")).toBe("p1");
  });

  it("are not tripped by a connection that fails", async () => {
    const { call } = openBench(primaryAndSecondary);
    for (let attempt = 0; attempt < 50; attempt++) {
      (await selectBackend(call(), "aoai"))?.report({ status: null, reason: "BackendConnectionFailure", retryAfterSeconds: null });
    }
    expect(await selects(call(), "aoai")).toBe("p1");
  });

  it("do not work in the Consumption tier", async () => {
    const { call, world } = openBench(primaryAndSecondary);
    world.service = { ...world.service, sku: { name: "Consumption", capacity: 0 } };
    await fail(call(), "aoai", 20);
    expect(await selects(call(), "aoai")).toBe("p1");
    expect(breakerStates(world, at(world.instances, 0))).toEqual([]);
  });

  it("stay open when their backend is edited, and are gone with their rule", async () => {
    const { call, world } = openBench(primaryAndSecondary);
    await fail(call(), "p1", 5);
    world.put("backends/p1", single("p1-new", breaker({ tripDuration: "PT1S" })));
    expect(await selects(call(), "p1")).toBeNull();
    world.put("backends/p1", single("p1-new"));
    expect(await selects(call(), "p1")).toBe("p1");
  });

  it("are judged by the rule that stands when the answer comes", async () => {
    const { call, world } = openBench(primaryAndSecondary);
    const waiting = await Promise.all(Array.from({ length: 5 }, () => selectBackend(call(), "p1")));
    world.put("backends/p1", single("p1"));
    for (const target of waiting) target?.report({ status: 500, reason: null, retryAfterSeconds: null });
    world.put("backends/p1", single("p1", breaker()));
    expect(await selects(call(), "p1")).toBe("p1");
  });

  it("show what they have counted, and begin anew after a reset", async () => {
    const { call, world, clock } = openBench(primaryAndSecondary);
    const instance = at(world.instances, 0);
    await fail(call(), "p1", 5);
    await fail(call(), "p2", 2);
    expect(breakerStates(world, instance)).toEqual([
      { backendId: "p1", open: true, failures: 0, resumesAt: new Date(start.getTime() + 300_000) },
      { backendId: "p2", open: false, failures: 2, resumesAt: null },
    ]);
    await clock.advance(60_000);
    expect(breakerStates(world, instance)[1]?.failures).toBe(0);
    resetBackends(instance);
    expect(breakerStates(world, instance)[0]).toEqual({ backendId: "p1", open: false, failures: 0, resumesAt: null });
  });
});

describe("session affinity", () => {
  const sticky = { sessionAffinity: { sessionId: { source: "Cookie", name: "SessionId" } } };
  const backends = { a: single("a", breaker()), b: single("b", breaker()), aoai: pool([item("a"), item("b")], sticky) };
  const cookieOf = (target: BackendTarget | null): string => target?.setCookie?.split(";")[0] ?? "";

  it("the first answer sets the cookie; with it a client stays where it was", async () => {
    const { call } = openBench(backends);
    const first = await selectBackend(call(), "aoai");
    expect([first?.backendId, first?.setCookie]).toEqual(["a", expect.stringMatching(/^SessionId=[\w-]+; Path=\/; HttpOnly$/)]);
    for (let turn = 0; turn < 5; turn++) {
      const next = await selectBackend(call(0, `theme=dark; ${cookieOf(first)}`), "aoai");
      expect([next?.backendId, next?.setCookie]).toEqual(["a", undefined]);
    }
    expect(await selects(call(), "aoai")).toBe("b");
  });

  it("a session whose member is open goes to another and gets its cookie", async () => {
    const { call } = openBench(backends);
    const first = await selectBackend(call(), "aoai");
    await fail(call(), "a", 5);
    const next = await selectBackend(call(0, cookieOf(first)), "aoai");
    expect(next?.backendId).toBe("b");
    expect(cookieOf(next)).not.toBe(cookieOf(first));
    expect(cookieOf(next)).not.toBe("");
  });

  it.each(["SessionId=", "SessionId=x", "SessionId=%%%", "Other=YQ", "SessionIdYQ", ";;=;"])(
    "a cookie that names nobody is passed over: %s",
    async (cookie) => {
      const { call } = openBench(backends);
      expect(await selects(call(0, cookie), "aoai")).toBe("a");
    },
  );

  it("without affinity no cookie is set", async () => {
    const { call } = openBench({ ...backends, aoai: pool([item("a")]) });
    expect((await selectBackend(call(), "aoai"))?.setCookie).toBeUndefined();
  });
});

describe("the target", () => {
  const credentials = {
    header: { "x-key": ["one", "two"], "x-partner": ["{{partner}}"], "x-unknown": ["{{nobody}}"] },
    query: { code: ["{{partner}}", "b c"] },
    authorization: { scheme: "Basic", parameter: "c2VjcmV0" },
  };

  it("carries the backend's credentials", async () => {
    const { call, world } = openBench({ a: single("a", { credentials }) });
    world.put("namedValues/n1", { displayName: "partner", value: "pä+1", secret: true });
    world.put(
      "backends/a",
      single("a", { credentials: { ...credentials, header: { ...credentials.header, "x-partner": ["key {{partner}}"] } } }),
    );
    const target = await selectBackend(call(), "a");
    expect(target?.url).toBe("https://a.openai.azure.com/openai?code=p%C3%A4%2B1&code=b+c");
    expect([...(target?.headers ?? [])]).toEqual([
      ["authorization", "Basic c2VjcmV0"],
      ["x-key", "one, two"],
      ["x-partner", "key pä+1"],
      ["x-unknown", "{{nobody}}"],
    ]);
    expect([target?.backendId, target?.poolId]).toEqual(["a", null]);
  });

  it("carries a token of the managed identity, of a pool's member too", async () => {
    const identity = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
    const { call } = openBench({ a: single("a", identity), aoai: pool([item("A")]) });
    const target = await selectBackend(call(), "AOAI");
    expect(target?.headers.get("authorization")).toMatch(/^Bearer sandbox\.\S+$/);
    expect([target?.backendId, target?.poolId, target?.url]).toEqual(["a", "aoai", "https://a.openai.azure.com/openai"]);
  });

  it.each([["nobody"], ["empty"]])("%s: a policy's error", async (id) => {
    const { call } = openBench({ empty: { type: "Single" } });
    await expect(selectBackend(call(), id)).rejects.toBeInstanceOf(PolicyError);
  });

  it("a pool without anyone who is there selects nothing", async () => {
    const { call } = openBench({ aoai: pool([item("gone")]), mixed: pool([item("gone"), item("a", 2)]), a: single("a"), none: pool([]) });
    expect([await selects(call(), "aoai"), await selects(call(), "mixed"), await selects(call(), "none")]).toEqual([null, "a", null]);
  });

  it("pools in pools come to an end, also where one holds itself", async () => {
    const { call } = openBench({
      a: single("a", breaker()),
      b: single("b"),
      inner: pool([item("a"), item("outer")]),
      outer: pool([item("inner", 1), item("b", 2), item("outer", 1)]),
      loop: pool([item("loop")]),
    });
    expect([await selects(call(), "outer"), await selects(call(), "outer"), await selects(call(), "loop")]).toEqual(["a", "a", null]);
    await fail(call(), "a", 5);
    expect(await selects(call(), "outer")).toBe("b");
  });
});

describe("what stands for an answer where all breakers are open", () => {
  const failureResponse = { failureResponse: { statusCode: 429 } };
  it.each<[string, JsonObject, number]>([
    ["503", pool([item("a")]), 503],
    ["the pool's failureResponse", pool([item("a")], failureResponse), 429],
    ["the rule's, of a backend by itself", single("a", breaker(failureResponse)), 429],
    ["503 of a backend by itself", single("a", breaker()), 503],
  ])("%s", (_, properties, expected) => {
    expect(failureStatus(openBench({ x: properties }).world, "x")).toBe(expected);
  });
});

describe("Retry-After", () => {
  it.each([
    ["30", 30],
    [" 86400 ", 86_400],
    ["0", 0],
    ["Sun, 01 Mar 2026 10:00:20 GMT", 20],
    ["Sun, 01 Mar 2026 09:00:00 GMT", 0],
    ["soon", null],
    ["-5", null],
    ["1.5", null],
    ["", null],
  ])("%s: %s", (value, expected) => {
    expect(retryAfterSeconds(new Headers({ "retry-after": value }), start)).toBe(expected);
  });
});
