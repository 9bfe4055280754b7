import { describe, expect, test } from "vitest";
import { movableClock } from "../../src/sandbox/clock.ts";
import type { ModelBackend } from "../../src/sandbox/models/backend.ts";
import type { Behaviour } from "../../src/sandbox/models/script.ts";
import type { PlanOutput } from "../../src/tool.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { listChanges } from "../../tools/list-changes.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { type Harness, type HarnessOptions, openHarness } from "../harness.ts";

const apiPolicy = "apis/azure-openai/policies/policy";
const url = "https://aoai-norway.openai.azure.com/openai";
const norway = { api_id: "azure-openai", probe: true, backends: [{ backend_id: "aoai-norway", url, region: "norwayeast", priority: 2 }] };
const westEurope = { api_id: "azure-openai", probe: true, backends: [{ backend_id: "aoai-westeurope", priority: 2 }] };

interface Service extends Harness {
  /** Behind the new member's URL. */
  readonly model: ModelBackend;
  /** What the gateway's calls meet there. */
  meets(behaviour: Behaviour, times?: number): void;
  /** Passes time at once: whoever waits has waited. */
  advance(milliseconds: number): Promise<void>;
  /** Applies a plan that must fail; the text. */
  refused(plan: PlanOutput): Promise<string>;
}

async function openService(env: HarnessOptions["env"] = ({ keys }) => ({ AIGW_PROBE_KEY: keys.master ?? "" })): Promise<Service> {
  const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
  const harness = await openHarness({ env, clock, wait: (milliseconds) => clock.advance(milliseconds) });
  const { models } = await harness.sandbox.dataPlane();
  const modelNow = () => {
    const model = models.of("aoai-norway.openai.azure.com");
    if (model === undefined) throw new Error("no model behind the new member's URL");
    return model;
  };
  return {
    ...harness,
    // Its region is that of the first backend that leads to it.
    get model() {
      return modelNow();
    },
    meets: (behaviour, times) => modelNow().script.add({ behaviour, ...(times === undefined ? {} : { times }) }),
    advance: (milliseconds) => clock.advance(milliseconds),
    refused: ({ plan_id, confirm }) => harness.refuse("apply_change", { plan_id, confirm }),
  };
}

const added = (harness: Harness, before: ReadonlyMap<string, string>): readonly string[] =>
  [...harness.documents().keys()].filter((path) => !before.has(path));

describe("a new member that answers", () => {
  test("is asked by a path that the plan shows, joins the pool, and leaves nothing of the path", async () => {
    const service = await openService();
    const { ask, documents, audit } = service;
    const before = documents();
    const plan = await ask(updateBackendPool, norway);
    expect(plan.status).toBe("planned");
    expect(documents()).toEqual(before);
    expect(plan.documents.map(({ action, id }) => `${action} ${id}`)).toEqual([
      "create backends/test-aoai-norway",
      "create apis/azure-openai;rev=2",
      "create apis/azure-openai;rev=2/operations/ChatCompletions_Create/policies/policy",
      "create backends/aoai-norway",
      "update backends/aoai-pool",
    ]);
    expect(plan.confirm).toContain("once aoai-norway answers a test call");
    expect(plan.warnings.join()).toContain("they are deleted right after, and the gateway lets no call through them after 2 min");
    const { plan_id, confirm } = plan;
    const applied = await ask(applyChange, { plan_id, confirm });
    expect(applied.effective).toBe(
      "'aoai-norway' answered a test call with 200 (Norway East) at 2026-11-20T10:00:00.000Z. Whether the gateways use it in the pool yet: unknown",
    );
    expect(applied.documents.map(({ id }) => id)).toEqual(["backends/aoai-norway", "backends/aoai-pool"]);
    expect(added(service, before)).toEqual(["backends/aoai-norway"]);
    expect(service.model.received).toBe(1);
    // Nothing but what was shown was written; the path goes before anything else comes.
    const shown = new Set(plan.documents.map(({ id }) => id));
    const line = audit.findLast(({ tool }) => tool === "apply_change");
    const writes = line?.writes ?? [];
    expect(writes.filter(({ id }) => !shown.has(id))).toEqual([]);
    expect(writes.map(({ id, sent }) => `${sent === null ? "delete" : "put"} ${id}`)).toEqual([
      "put backends/test-aoai-norway",
      "put apis/azure-openai;rev=2",
      "put apis/azure-openai;rev=2/operations/ChatCompletions_Create/policies/policy",
      "delete apis/azure-openai;rev=2",
      "delete backends/test-aoai-norway",
      "put backends/aoai-norway",
      "put backends/aoai-pool",
    ]);
    expect([line?.change_id, line?.documents?.map(({ id }) => id)]).toEqual([plan_id, [...shown]]);
    // Asked for the outcome again, it says the same, and calls nobody.
    expect(await ask(applyChange, { plan_id, confirm })).toEqual(applied);
    expect(service.model.received).toBe(1);
    await service.apply(await ask(undoChange, { change_id: applied.change_id }));
    expect(documents()).toEqual(before);
    const { changes } = await ask(listChanges, {});
    expect(changes.map(({ summary }) => summary).join("\n")).toContain(`Test calls to aoai-norway before ${applied.change_id} is written.`);
  });

  test("is asked as it is where it has a backend already; without probe nobody is asked", async () => {
    const service = await openService();
    const { ask, documents } = service;
    const before = documents();
    const { models } = await service.sandbox.dataPlane();
    const plan = await ask(updateBackendPool, westEurope);
    expect(plan.documents.map(({ id }) => id)).toEqual([
      "apis/azure-openai;rev=2",
      "apis/azure-openai;rev=2/operations/ChatCompletions_Create/policies/policy",
      "backends/aoai-pool",
    ]);
    const { probe: _, ...unasked } = westEurope;
    expect((await ask(updateBackendPool, unasked)).documents.map(({ id }) => id)).toEqual(["backends/aoai-pool"]);
    await service.apply(plan);
    expect(added(service, before)).toEqual([]);
    expect(models.of("aoai-westeurope")?.received).toBe(1);
  });

  test("is asked whatever the operation's own policy selects, and a retry hides nothing", async () => {
    const service = await openService();
    service.sandbox.world.put("apis/azure-openai/operations/ChatCompletions_Create/policies/policy", {
      format: "rawxml",
      value: '<policies><inbound><base /><set-backend-service backend-id="aoai-eastus" /></inbound></policies>',
    });
    const { models } = await service.sandbox.dataPlane();
    await service.apply(await service.ask(updateBackendPool, { ...norway, pool_id: "aoai-pool" }));
    expect([service.model.received, models.of("aoai-eastus")?.received]).toEqual([1, 0]);
  });

  test("may need a little time: its role takes effect, the gateway follows", async () => {
    const service = await openService();
    service.meets({ kind: "status", status: 401 }, 3);
    await service.apply(await service.ask(updateBackendPool, norway));
    expect(service.model.received).toBe(4);
  });

  test("each of several is asked for itself, and one that fails keeps all of them out", async () => {
    const service = await openService();
    const { ask, documents } = service;
    const before = documents();
    const plan = await ask(updateBackendPool, { ...norway, backends: [...westEurope.backends, ...norway.backends] });
    service.meets({ kind: "status", status: 500 });
    expect(await service.refused(plan)).toContain("New member 'aoai-norway' did not prove to work: it answered 500");
    expect(documents()).toEqual(before);
    service.model.script.clear();
    const { plan_id, confirm } = plan;
    expect((await ask(applyChange, { plan_id, confirm })).effective).toMatch(/'aoai-westeurope' answered .*; 'aoai-norway' answered/);
  });
});

test("a path that cannot be taken away ends by the gateway's own clock, and lets nobody without its header through", async () => {
  const service = await openService();
  const { sandbox, ask } = service;
  const plan = await ask(updateBackendPool, norway);
  sandbox.world.faults.add({
    method: "DELETE",
    times: 50,
    outcome: { kind: "answer", status: 429, body: { error: { code: "TooManyRequests", message: "later" } } },
  });
  const { plan_id, confirm } = plan;
  expect((await ask(applyChange, { plan_id, confirm })).next).toContain("Left of the test calls, and without effect");
  const gateway = await sandbox.gateway();
  const called = async (header: Readonly<Record<string, string>>): Promise<number> => {
    const url = "https://gateway.example/openai;rev=2/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
    const headers = { ...header, "api-key": sandbox.keys().master ?? "", "content-type": "application/json" };
    const body = JSON.stringify({ messages: [{ role: "user", content: "ping" }], max_tokens: 1 });
    const answer = await gateway.fetch(new Request(url, { method: "POST", headers, body }));
    await answer.arrayBuffer();
    return answer.status;
  };
  const member = { "x-aigw-member": "aoai-norway" };
  expect([await called(member), await called({}), await called({ "x-aigw-member": "another" })]).toEqual([200, 410, 410]);
  await service.advance(2 * 60_000);
  expect(await called(member)).toBe(410);
});

describe("a new member that does not", () => {
  test.each<[string, Behaviour, string, number]>([
    ["401", { kind: "status", status: 401 }, `it answered 401.*Cognitive Services OpenAI User.*${url}`, 6],
    ["403", { kind: "status", status: 403 }, "it answered 403.*az role assignment create", 6],
    ["404", { kind: "status", status: 404 }, "it answered 404.*AIGW_PROBE_DEPLOYMENT", 1],
    ["429", { kind: "throttle", retryAfterSeconds: 1 }, "it answered 429.*no capacity", 6],
    ["500", { kind: "status", status: 500 }, "it answered 500", 6],
    ["nobody there", { kind: "refuse" }, "no connection to it", 6],
  ])("%s: says what it answered, and everything stays as it is", async (_, behaviour, said, calls) => {
    const service = await openService();
    const { ask, documents } = service;
    // What may hide a failure from callers counts as calls, too.
    service.sandbox.world.put(apiPolicy, {
      format: "rawxml",
      value: '<policies><inbound><base /><set-backend-service backend-id="aoai-pool" /></inbound></policies>',
    });
    const before = documents();
    const plan = await ask(updateBackendPool, norway);
    service.meets(behaviour);
    expect(await service.refused(plan)).toMatch(new RegExp(`'aoai-norway' did not prove to work: .*${said}`, "s"));
    expect(documents()).toEqual(before);
    expect(service.model.received).toBe(calls);
    // Once that is mended, the same plan can be applied.
    service.model.script.clear();
    await service.apply(plan);
    expect(added(service, before)).toEqual(["backends/aoai-norway"]);
  });

  test("no answer at all: the gateway gives up, and so does the change", async () => {
    const service = await openService();
    const before = service.documents();
    const plan = await service.ask(updateBackendPool, norway);
    service.meets({ kind: "hang" });
    const refused = service.refused(plan);
    while (service.model.received === 0) await new Promise((done) => setImmediate(done));
    await service.advance(10 * 60_000);
    expect(await refused).toContain("no connection to it, or no answer of it, came about");
    expect(service.documents()).toEqual(before);
  });
});

/** A policy that answers test calls. */
const answering = (status: number): string =>
  `<choose><when condition="@(context.Request.Headers.ContainsKey("x-aigw-member"))"><return-response><set-status code="${status}" reason="By itself" /></return-response></when></choose>`;

describe("what is no evidence", () => {
  test.each<[string, string, string]>([
    ["an answer of a policy", answering(200), "the gateway itself answered 200"],
    ["a limit", '<rate-limit calls="0" renewal-period="60" />', "the gateway itself answered 429"],
    ["a key that is not enough", answering(401), "the gateway itself answered 401 and did not ask it"],
  ])("%s", async (_, xml, said) => {
    const service = await openService();
    const { ask, documents } = service;
    service.sandbox.world.put(apiPolicy, {
      format: "rawxml",
      value: `<policies><inbound><base /><set-backend-service backend-id="aoai-pool" />${xml}</inbound></policies>`,
    });
    const before = documents();
    expect(await service.refused(await ask(updateBackendPool, norway))).toContain(said);
    expect(documents()).toEqual(before);
    expect(service.model.received).toBe(0);
  });

  test("a wrong test key", async () => {
    const service = await openService({ AIGW_PROBE_KEY: "0123456789abcdef0123456789abcdef" });
    const plan = await service.ask(updateBackendPool, norway);
    expect(await service.refused(plan)).toMatch(/gateway itself answered 401.*AIGW_PROBE_KEY/s);
    expect(service.model.received).toBe(0);
  });
});

describe("what cannot be asked", () => {
  test.each<[string, (service: Service) => Record<string, unknown>, string]>([
    ["no new member", () => ({ ...norway, backends: [{ backend_id: "aoai-eastus", circuit_breaker: {} }] }), "this change adds none"],
    [
      "a backend selected behind <inbound>",
      ({ sandbox: { world } }) => {
        const value = '<policies><backend><set-backend-service backend-id="aoai-pool" /><forward-request /></backend></policies>';
        world.put(apiPolicy, { format: "rawxml", value });
        return norway;
      },
      "a test call would not reach the new one",
    ],
    [
      "a copy of an earlier test",
      ({ sandbox: { world } }) => {
        world.put("backends/test-aoai-norway", { url, protocol: "http" });
        return norway;
      },
      "of another test is still there",
    ],
    [
      "a backend that moves with its keys",
      ({ sandbox: { world } }) => {
        world.put("backends/aoai-norway", { url: "https://old.example", protocol: "http", credentials: { header: { "x-key": ["k"] } } });
        return norway;
      },
      "its credentials (header x-key) are not copied",
    ],
  ])("%s", async (_, input, said) => {
    const service = await openService();
    const request = input(service);
    const before = service.documents();
    expect(await service.refuse("update_backend_pool", request)).toContain(said);
    expect(service.documents()).toEqual(before);
  });

  test("what the operator protects from every change", async () => {
    const service = await openService(({ keys }) => ({ AIGW_PROBE_KEY: keys.master ?? "", AIGW_PROTECT: "backend:test-aoai-norway" }));
    const plan = await service.ask(updateBackendPool, norway);
    expect(plan.status).toBe("blocked");
    expect(plan.guards.filter(({ verdict }) => verdict === "blocked")).toMatchObject([
      { name: "protected", message: expect.stringContaining("the change is to backend 'test-aoai-norway'") },
    ]);
  });

  test("without a test key", async () => {
    const service = await openService({});
    expect(await service.refuse("update_backend_pool", norway)).toMatch(/not_configured.*AIGW_PROBE_KEY/s);
  });

  test("where everything is as asked already, nobody is", async () => {
    const service = await openService();
    const { probe: _, ...unasked } = westEurope;
    await service.apply(await service.ask(updateBackendPool, unasked));
    expect(await service.ask(updateBackendPool, westEurope)).toMatchObject({ status: "unchanged", documents: [] });
  });
});
