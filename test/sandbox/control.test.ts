import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { type MovableClock, movableClock, realClock } from "../../src/sandbox/clock.ts";
import type { Controls, Resettable } from "../../src/sandbox/control/operations.ts";
import { demoDeployments, deploymentOf } from "../../src/sandbox/models/deployments.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { type SandboxAddress, serveSandbox } from "../../src/sandbox/serve.ts";
import { policyDocument, start } from "./gateway/kit.ts";

let clock: MovableClock;
let sandbox: Sandbox;
let ready: SandboxAddress;
let controls: Controls;

beforeEach(async () => {
  clock = movableClock(start);
  sandbox = createSandbox({ clock, grammar: loadGrammar });
  const served = await serveSandbox(sandbox, {});
  onTestFinished(served.close);
  ready = served.ready;
  controls = await sandbox.controls();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A body that is a text goes as it stands. */
async function send(method: string, path: string, body?: unknown, { control, token } = ready): Promise<Answer> {
  const response = await fetch(`${control}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const done = { status: 200, body: {} };
const refused = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message: expect.stringContaining(message) } },
});

async function ask(content = "Say hello"): Promise<number> {
  const answer = await fetch(`${ready.gateway}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`, {
    method: "POST",
    headers: { "api-key": ready.keys.growth ?? "" },
    body: JSON.stringify({ messages: [{ role: "user", content }] }),
  });
  await answer.text();
  return answer.status;
}

describe("who may", () => {
  test.each([
    ["GET", "/clock"],
    ["POST", "/reset"],
    ["GET", "/logs/AppMetrics"],
    ["POST", "/models/aoai-eastus.openai.azure.com/openai/responses"],
    ["GET", "/nothing"],
  ])("%s %s: only with the sandbox's token", async (method, path) => {
    for (const authorization of ["", "Bearer ", "Bearer other", ready.token]) {
      const answer = await fetch(`${ready.control}${path}`, { method, headers: authorization === "" ? {} : { authorization } });
      expect([answer.status, await answer.json()]).toMatchObject([401, { error: { code: "Unauthorized" } }]);
    }
  });
});

describe("what is wrong is said", () => {
  const script = (behaviour: unknown): unknown => ({ backend: "aoai-eastus", script: [{ behaviour }] });
  test.each<readonly [method: string, path: string, body: unknown, status: number, code: string, message: string]>([
    ["GET", "/nothing", undefined, 404, "RouteNotFound", "GET /logs/:table"],
    ["PUT", "/clock", {}, 404, "RouteNotFound", "There is no PUT /clock"],
    ["POST", "/clock", "{", 400, "InvalidInput", "The body is not JSON"],
    ["POST", "/clock", "[]", 400, "InvalidInput", "expected object"],
    ["POST", "/clock", {}, 400, "InvalidInput", "advance: "],
    ["POST", "/clock", { advance: 5 }, 400, "InvalidInput", "advance: "],
    ["POST", "/clock", { advance: "5m" }, 400, "InvalidInput", "advance: must be an ISO 8601 duration"],
    ["POST", "/clock", { advance: "PT5M", to: "now" }, 400, "InvalidInput", '"to"'],
    ["POST", "/fault", {}, 400, "InvalidInput", "outcome: "],
    ["POST", "/fault", { outcome: { kind: "explode" } }, 400, "InvalidInput", "outcome.kind: "],
    ["POST", "/fault", { outcome: { kind: "answer", status: 99 } }, 400, "InvalidInput", "outcome.status: "],
    ["POST", "/fault", { outcome: { kind: "reset_before_apply" }, times: 0 }, 400, "InvalidInput", "times: "],
    ["POST", "/fault", { outcome: { kind: "reset_before_apply" }, pattern: "(" }, 400, "InvalidInput", "pattern: "],
    ["POST", "/fault", { outcome: { kind: "reset_before_apply" }, path: "a", pattern: "a" }, 400, "InvalidInput", "pattern: "],
    ["POST", "/backend", { backend: "aoai-eastus" }, 400, "InvalidInput", "script, vectors, deployments or readable"],
    ["POST", "/backend", { backend: "aoai-eastus", deployments: [{ model: "gpt-4o" }] }, 400, "InvalidInput", "deployments.0.name: "],
    ["POST", "/backend", { backend: "aoai-eastus", deployments: [{ name: "a", limit: 1 }] }, 400, "InvalidInput", '"limit"'],
    ["POST", "/backend", { backend: "aoai-eastus", readable: "no" }, 400, "InvalidInput", "readable: "],
    ["POST", "/backend", { backend: "aoai-pool", script: [] }, 404, "BackendNotFound", "aoai-eastus, aoai-westeurope"],
    ["POST", "/backend", { backend: "example.com", script: [] }, 404, "BackendNotFound", "example.com"],
    ["POST", "/backend", script({ kind: "status" }), 400, "InvalidInput", "script.0.behaviour.status: "],
    ["POST", "/backend", script({ kind: "status", status: 200 }), 400, "InvalidInput", "script.0.behaviour.status: "],
    ["POST", "/backend", script({ kind: "hang", forever: true }), 400, "InvalidInput", '"forever"'],
    ["POST", "/backend", { backend: "aoai-eastus", vectors: { a: ["1"] } }, 400, "InvalidInput", "vectors.a.0: "],
    ["DELETE", "/backend", { backend: "nobody" }, 404, "BackendNotFound", "nobody"],
    ["POST", "/content-safety", { findings: [{ words: "x" }] }, 400, "InvalidInput", "findings.0"],
    ["POST", "/reset", { what: ["everything"] }, 400, "InvalidInput", '"limits"'],
    ["POST", "/reset", { what: [] }, 400, "InvalidInput", "what: "],
    ["GET", "/logs/Heartbeat", undefined, 404, "TableNotFound", "ApiManagementGatewayLlmLog"],
    ["GET", "/logs/AppMetrics?last=-1", undefined, 400, "InvalidInput", "last: "],
    ["GET", "/models/example.com/openai", undefined, 404, "BackendNotFound", "example.com"],
  ])("%s %s %j", async (method, path, body, status, code, message) => {
    expect(await send(method, path, body)).toEqual(refused(status, code, message));
    expect(controls.state()).toMatchObject({ clock: { now: start.toISOString() }, faults: 0 });
  });

  test("a body that is too large", async () => {
    expect(await send("POST", "/clock", " ".repeat(17 * 1024 * 1024))).toEqual(refused(413, "InputTooLarge", "larger than"));
  });
});

describe("the clock", () => {
  test("is moved by hand", async () => {
    expect(await send("GET", "/clock")).toEqual({ status: 200, body: { kind: "manual", now: "2026-11-20T10:00:00.000Z" } });
    expect((await send("POST", "/clock", { advance: "PT5M" })).body).toEqual({ kind: "manual", now: "2026-11-20T10:05:00.000Z" });
    expect(clock.now()).toEqual(new Date("2026-11-20T10:05:00Z"));
  });

  test("moves that come together are made one after the other", async () => {
    await Promise.all(["PT1M", "PT10M", "PT1S"].map((advance) => send("POST", "/clock", { advance })));
    expect((await send("GET", "/clock")).body).toMatchObject({ now: "2026-11-20T10:11:01.000Z" });
  });

  test("the machine's cannot be moved, and the answer says how to get one that can", async () => {
    const served = await serveSandbox(createSandbox({ clock: realClock }), {});
    onTestFinished(served.close);
    expect((await send("GET", "/clock", undefined, served.ready)).body).toMatchObject({ kind: "real" });
    expect(await send("POST", "/clock", { advance: "PT5M" }, served.ready)).toEqual(refused(409, "ClockIsReal", "sandbox --clock manual"));
  });
});

describe("faults of the management API", () => {
  const arm = (path: string): Promise<Response> =>
    fetch(`${ready.arm}${ready.service}/${path}?api-version=2024-05-01`, { headers: { authorization: `Bearer ${ready.token}` } });

  test("hit the document of a path, or what a pattern matches, so many times", async () => {
    const throttled = { kind: "answer", status: 429, headers: { "retry-after": "7" }, body: { error: { code: "TooManyRequests" } } };
    expect(await send("POST", "/fault", { method: "get", path: "backends/aoai-eastus", outcome: throttled })).toEqual(done);
    expect(await send("POST", "/fault", { pattern: "/PRODUCTS$", times: 2, outcome: { kind: "answer", status: 503 } })).toEqual(done);
    expect(controls.state().faults).toBe(2);
    const hit = await arm("backends/aoai-eastus");
    expect([hit.status, hit.headers.get("retry-after"), await hit.json()]).toEqual([429, "7", { error: { code: "TooManyRequests" } }]);
    const statuses: number[] = [];
    for (const path of ["backends/aoai-eastus", "products", "products", "products"]) statuses.push((await arm(path)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  test("are taken back", async () => {
    await send("POST", "/fault", { outcome: { kind: "reset_before_apply" } });
    await expect(arm("products")).rejects.toThrow();
    await send("POST", "/fault", { outcome: { kind: "reset_before_apply" } });
    expect(await send("DELETE", "/fault")).toEqual(done);
    expect((await arm("products")).status).toBe(200);
  });
});

describe("models", () => {
  test("behave as they are told, in the order of the script, until they are cleared", async () => {
    const script = [
      { times: 2, deployment: "gpt-4o", behaviour: { kind: "status", status: 500 } },
      { behaviour: { kind: "throttle", retryAfterSeconds: 9 } },
    ];
    expect(await send("POST", "/backend", { backend: "aoai-eastus.openai.azure.com", script })).toEqual(done);
    expect(controls.state().models[0]).toMatchObject({ host: "aoai-eastus.openai.azure.com", region: "East US", received: 0, script });
    // The policy tries twice.
    expect([await ask(), await ask()]).toEqual([500, 429]);
    expect(controls.state().models[0]).toMatchObject({ received: 4, script: [script[1]] });
    await send("POST", "/backend", { backend: "aoai-westeurope", script });
    expect(await send("DELETE", "/backend", { backend: "aoai-eastus" })).toEqual(done);
    expect([await ask(), controls.state().models.map((model) => model.script.length)]).toEqual([200, [0, 2]]);
    expect(await send("DELETE", "/backend")).toEqual(done);
    expect(controls.state().models.map((model) => model.script.length)).toEqual([0, 0]);
  });

  test("have the deployments that they are told, and are hidden", async () => {
    const deployments = [{ name: "gpt-4o", version: "2024-08-06", tokensPerMinute: 5 }, { name: "my-embedding" }];
    expect(await send("POST", "/backend", { backend: "aoai-eastus", deployments, readable: false })).toEqual(done);
    const model = (await sandbox.dataPlane()).models.of("aoai-eastus");
    expect(model).toMatchObject({ isReadable: false });
    expect(model?.deployments.all).toEqual([
      { ...deploymentOf("gpt-4o"), version: "2024-08-06", tokensPerMinute: 5 },
      { ...deploymentOf("my-embedding"), kind: "embeddings" },
    ]);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    expect(await send("POST", "/reset", { what: ["models"] })).toEqual(done);
    expect(model).toMatchObject({ isReadable: true });
    expect(model?.deployments.all).toEqual(demoDeployments);
  });

  test("answer without the gateway too, and embed texts as they are told", async () => {
    await send("POST", "/backend", { backend: "aoai-eastus", vectors: { hello: [1, 0, 0] } });
    const path = "/models/aoai-eastus.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21";
    expect(await send("POST", path, { input: "hello" })).toMatchObject({ status: 200, body: { data: [{ embedding: [1, 0, 0] }] } });
    expect(controls.logs("ApiManagementGatewayLogs").total).toBe(0);
  });

  test("content safety finds what it is told, in place of what it found before", async () => {
    const inbound =
      '<base /><llm-content-safety backend-id="aoai-eastus"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>';
    sandbox.world.put("apis/azure-openai/policies/policy", policyDocument({ inbound, backend: "<return-response />" }));
    expect(await ask("badword")).toBe(200);
    const findings = [{ words: "badword", category: "Hate", severity: 6 }];
    expect(await send("POST", "/content-safety", { findings })).toEqual(done);
    expect([await ask("badword"), await ask("fine")]).toEqual([403, 200]);
    await send("POST", "/content-safety", { findings: [] });
    expect(await ask("badword")).toBe(200);
  });
});

const breaker = {
  circuitBreaker: {
    rules: [
      {
        name: "b",
        failureCondition: { count: 2, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
        tripDuration: "PT5M",
        acceptRetryAfter: false,
      },
    ],
  },
};

function addBreaker(): void {
  sandbox.world.put("backends/aoai-eastus", { ...sandbox.world.get("backends/aoai-eastus")?.properties, ...breaker });
}

describe("the state", () => {
  test("shows the breakers of each instance, and until when they are open", async () => {
    addBreaker();
    controls.scriptBackend("aoai-eastus", { script: [{ times: 2, behaviour: { kind: "status", status: 500 } }] });
    expect(controls.state().instances).toEqual([
      { id: "gateway-1", region: "East US", breakers: [{ backendId: "aoai-eastus", open: false, failures: 0, resumesAt: null }] },
    ]);
    await ask();
    const { body } = await send("GET", "/state");
    expect(body).toEqual({
      clock: { kind: "manual", now: "2026-11-20T10:00:00.000Z" },
      instances: [
        {
          id: "gateway-1",
          region: "East US",
          breakers: [expect.objectContaining({ backendId: "aoai-eastus", open: true, resumesAt: "2026-11-20T10:05:00.000Z" })],
        },
      ],
      models: [
        { host: "aoai-eastus.openai.azure.com", region: "East US", received: 2, script: [] },
        { host: "aoai-westeurope.openai.azure.com", region: "West Europe", received: 0, script: [] },
      ],
      faults: 0,
      logs: { ApiManagementGatewayLogs: 1, ApiManagementGatewayLlmLog: 0, AppMetrics: 0, AppDependencies: 2 },
    });
    await send("POST", "/clock", { advance: "PT5M" });
    expect(controls.state().instances[0]?.breakers).toMatchObject([{ open: false, resumesAt: null }]);
  });
});

describe("logs", () => {
  test("are the newest rows, oldest first", async () => {
    for (const text of ["a", "b", "c"]) {
      await ask(text);
      await clock.advance(1000);
    }
    const { body } = await send("GET", "/logs/ApiManagementGatewayLogs?last=2");
    expect(body).toMatchObject({
      total: 3,
      rows: [{ TimeGenerated: "2026-11-20T10:00:01.000Z" }, { TimeGenerated: "2026-11-20T10:00:02.000Z" }],
    });
    expect((await send("GET", "/logs/AppDependencies")).body).toMatchObject({ total: 3, rows: [{}, {}, {}] });
    expect((await send("GET", "/logs/AppDependencies?last=0")).body).toEqual({ total: 3, rows: [] });
  });
});

describe("reset", () => {
  const limited = '<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" />';
  const cached = '<cache-store-value key="k" value="kept" duration="60" />';
  const lookup = '<cache-lookup-value key="k" variable-name="v" default-value="none" />';
  const answer = (expression: string): string =>
    `<return-response><set-status code="200" /><set-header name="x"><value>${expression}</value></set-header></return-response>`;

  async function header(): Promise<string | null> {
    const { gateway, keys } = ready;
    const path = "/openai/deployments/gpt-4o/chat/completions";
    const { headers, status } = await fetch(`${gateway}${path}`, { method: "POST", headers: { "api-key": keys.growth ?? "" }, body: "{}" });
    return status === 200 ? headers.get("x") : String(status);
  }

  const put = (inbound: string): void => void sandbox.world.put("apis/azure-openai/policies/policy", policyDocument({ inbound }));

  /** What there is to forget, and whether it is still there. */
  const cases: Readonly<Record<Resettable, { readonly fill: () => Promise<void>; readonly isKept: () => Promise<boolean> }>> = {
    limits: {
      async fill() {
        put(`${limited}${answer("ok")}`);
        await header();
      },
      isKept: async () => (await header()) === "429",
    },
    breakers: {
      async fill() {
        addBreaker();
        controls.scriptBackend("aoai-eastus", { script: [{ times: 2, behaviour: { kind: "status", status: 500 } }] });
        await ask();
      },
      isKept: async () => controls.state().instances[0]?.breakers[0]?.open === true,
    },
    caches: {
      async fill() {
        put(`${cached}${answer("stored")}`);
        await header();
        put(`${lookup}${answer('@((string)context.Variables["v"])')}`);
      },
      isKept: async () => (await header()) === "kept",
    },
    models: {
      async fill() {
        controls.scriptBackend("aoai-eastus", { script: [{ behaviour: { kind: "hang" } }] });
        controls.scriptContentSafety([{ words: "x", attack: true }]);
      },
      async isKept() {
        const { contentSafety } = await sandbox.dataPlane();
        const kept = [controls.state().models[0]?.script.length, contentSafety.findings.length];
        expect(new Set(kept).size).toBe(1);
        return kept[0] === 1;
      },
    },
    logs: { fill: async () => void (await ask()), isKept: async () => controls.logs("ApiManagementGatewayLogs").total > 0 },
    faults: {
      fill: async () => controls.addFault({ outcome: { kind: "reset_before_apply" } }),
      isKept: async () => controls.state().faults > 0,
    },
  };

  describe.each(Object.entries(cases))("%s", (what, { fill, isKept }) => {
    test("are forgotten by themselves", async () => {
      await fill();
      expect(await isKept()).toBe(true);
      expect(await send("POST", "/reset", { what: [what] })).toEqual(done);
      expect(await isKept()).toBe(false);
    });

    test("are forgotten with all", async () => {
      await fill();
      expect(await send("POST", "/reset")).toEqual(done);
      expect(await isKept()).toBe(false);
    });

    test("stay where others are forgotten", async () => {
      await fill();
      await send("POST", "/reset", { what: Object.keys(cases).filter((other) => other !== what) });
      expect(await isKept()).toBe(true);
    });
  });
});
