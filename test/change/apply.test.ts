import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Changes } from "../../src/change/changes.ts";
import { directoryStore } from "../../src/change/directory-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import { inDependencyOrder } from "../../src/change/write.ts";
import {
  apiPolicy,
  east,
  halved,
  never,
  openService,
  pool,
  poolProperties,
  productPolicy,
  proposalOf,
  type Service,
  secondRegion,
  west,
} from "./service.ts";

const gone = { code: "not_found" };

describe("apply", () => {
  test("writes what was planned, with its ETag, and answers what it did", async () => {
    const service = openService();
    const others = service.state();
    const plan = await service.plan({ documents: [await halved(service)], after: `list_subscriptions {"product_id":"aoai"}` });
    const { etag } = await service.read(productPolicy);
    expect(await service.apply(plan)).toEqual({
      status: "applied",
      changeId: plan.planId,
      service: "sandbox",
      summary: "growth gets 100000 tokens per minute.",
      documents: [{ id: productPolicy, action: "update" }],
      accepted: "2026-11-20T12:00:00.000Z",
      effective: "unknown",
      next: `To see the effect: list_subscriptions {"product_id":"aoai"}. To take it back: undo_change {"change_id":"${plan.planId}"}`,
    });
    expect(String(service.state().get(productPolicy)?.value)).toContain(`tokens-per-minute="100000"`);
    for (const [path, properties] of others) if (path !== productPolicy) expect(service.state().get(path)).toEqual(properties);
    expect(service.world.requests.filter(({ method }) => method === "PUT").map(({ headers }) => headers["if-match"])).toEqual([etag]);
  });

  test("writes in the order of dependencies, whatever the order of the plan, and creates only what is not there", async () => {
    const service = openService();
    await service.apply(await service.plan({ documents: await secondRegion(service) }));
    expect(service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`, `PUT ${apiPolicy}`]);
    const [create, update] = service.world.requests.filter(({ method }) => method === "PUT");
    expect(create?.headers["if-none-match"]).toBe("*");
    expect(update?.headers["if-match"]).toMatch(/^"/);
  });

  test("the order is that of what refers to what: written from below, deleted from above, and deleted last", () => {
    const properties = (id: string) => (id === pool ? poolProperties("west") : {});
    const step = (id: string, deleted: boolean) => ({
      id,
      before: { id, etag: "", properties: properties(id) },
      after: deleted ? null : properties(id),
    });
    const ids = [apiPolicy, "policyFragments/f", pool, east, "namedValues/v"];
    const order = (deleted: readonly string[]) => inDependencyOrder(ids.map((id) => step(id, deleted.includes(id)))).map(({ id }) => id);
    expect(order([])).toEqual(ids.toReversed());
    expect(order(ids)).toEqual(ids);
    expect(order([pool, "namedValues/v"])).toEqual([east, "policyFragments/f", apiPolicy, pool, "namedValues/v"]);
    expect(
      inDependencyOrder([
        step(apiPolicy, false),
        { id: pool, before: null, after: poolProperties("west") },
        { id: west, before: null, after: {} },
      ]),
    ).toEqual([{ id: west, before: null, after: {} }, { id: pool, before: null, after: poolProperties("west") }, step(apiPolicy, false)]);
  });

  test("what is left for others to do stands in the plan and in the answer, where there is something", async () => {
    const service = openService();
    const steps = ["Let the gateway's identity call the model: az role assignment create ..."];
    const plan = await service.plan({ documents: [await halved(service)], manualSteps: steps });
    expect(plan).toMatchObject({ manualSteps: steps });
    const answer = await service.apply(plan);
    expect(answer).toMatchObject({ manualSteps: steps, next: `To take it back: undo_change {"change_id":"${plan.planId}"}` });
    const without = await service.plan({ documents: [await halved(service, 90_000)], manualSteps: [] });
    expect(without).not.toHaveProperty("manualSteps");
    expect(await service.apply(without)).not.toHaveProperty("manualSteps");
  });

  test("deletes what nothing refers to any more", async () => {
    const service = openService();
    await service.apply(await service.plan({ documents: await secondRegion(service) }));
    const documents = [
      { id: west, before: await service.read(west), after: null },
      { id: pool, before: await service.read(pool), after: poolProperties("east") },
    ];
    await service.apply(await service.plan({ documents }));
    expect(service.writes().slice(3)).toEqual([`PUT ${pool}`, `DELETE ${west}`]);
    expect(service.state().has(west)).toBe(false);
  });

  test("deletes what refers to a document before that document", async () => {
    const service = openService();
    service.world.put(west, { url: "https://west.example", protocol: "http" });
    service.world.put("backends/second", poolProperties("west"));
    const documents = [west, "backends/second"].map(async (id) => ({ id, before: await service.read(id), after: null }));
    const changes = service.open({ allowOverride: ["no_backend_left"] });
    const plan = await changes.planner(service.gateway.reader(never)).plan({
      ...(await halvedProposal(service)),
      documents: await Promise.all(documents),
      override: ["no_backend_left"],
    });
    await changes.applier(never).apply(plan.planId ?? "", plan.confirm ?? "");
    expect(service.writes()).toEqual(["DELETE backends/second", `DELETE ${west}`]);
  });

  test("keeps the secrets of a document that it rewrites, and journals none", async () => {
    const service = openService();
    const store = memoryStore();
    const changes = service.open({ store });
    const before = await service.read(east);
    const after = { ...before.properties, description: "primary" };
    const plan = await changes.planner(service.gateway.reader(never)).plan({
      ...(await halvedProposal(service)),
      documents: [{ id: east, before, after }],
    });
    await changes.applier(never).apply(plan.planId ?? "", plan.confirm ?? "");
    expect(service.state().get(east)).toMatchObject({ description: "primary", credentials: { header: { "api-key": ["canary-secret"] } } });
    const records = await Promise.all((await store.list()).map((key) => store.read(key)));
    expect(records).toHaveLength(5);
    expect(records.find((record) => record?.confirm === plan.confirm)).toMatchObject({
      documents: [{ id: east, before: { etag: before.etag, properties: before.properties }, after }],
    });
    expect(JSON.stringify(records)).not.toContain("canary-secret");
  });

  test("an ETag that moved under equal content is no conflict: the live one guards the write", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    const stored = service.state().get(productPolicy) ?? {};
    service.world.put(productPolicy, { value: "<policies />" });
    service.world.put(productPolicy, stored);
    const { etag } = await service.read(productPolicy);
    await service.apply(plan);
    expect(service.world.requests.find(({ method }) => method === "PUT")?.headers["if-match"]).toBe(etag);
  });
});

describe("apply refuses, and the plan can still be applied", () => {
  test("a wrong confirm, with the right line", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    await expect(service.apply({ ...plan, confirm: "yes" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/is not the line of plan chg-\w+\. Nothing was written/),
      hint: expect.stringContaining(JSON.stringify(plan.confirm)),
    });
    expect(service.writes()).toEqual([]);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("a call that was cancelled", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    await expect(service.apply(plan, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    expect(service.writes()).toEqual([]);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("a call that is cancelled while it reads", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    const call = new AbortController();
    service.before = () => call.abort();
    await expect(service.apply(plan, call.signal)).rejects.toMatchObject({ code: "cancelled" });
    expect(service.writes()).toEqual([]);
  });

  test("a call that is cancelled when everything has been read", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    const call = new AbortController();
    const reader = (signal: AbortSignal) => {
      const real = service.gateway.reader(signal);
      const document = async (id: string) => {
        const found = await real.document(id);
        call.abort();
        return found;
      };
      return { ...real, document };
    };
    const changes = service.open({ gateway: { ...service.gateway, reader } });
    await expect(changes.applier(call.signal).apply(plan.planId ?? "", plan.confirm ?? "")).rejects.toMatchObject({ code: "cancelled" });
    expect(service.writes()).toEqual([]);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("a call that is cancelled while it claims the plan", async () => {
    const store = memoryStore();
    const { create } = store;
    const service = openService({ changes: { store } });
    const plan = await service.plan({ documents: [await halved(service)] });
    const call = new AbortController();
    store.create = async (key, document) => {
      call.abort();
      return create(key, document);
    };
    await expect(service.apply(plan, call.signal)).rejects.toMatchObject({
      code: "cancelled",
      message: "Cancelled before the first write; nothing was written.",
      hint: expect.stringContaining("again"),
      retryable: true,
    });
    expect(service.writes()).toEqual([]);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("a foreign edit, with a diff; once that is gone the plan holds again", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const stored = service.state().get(apiPolicy) ?? {};
    service.world.put(apiPolicy, { value: "<policies><inbound><base /></inbound></policies>" });
    await expect(service.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      message: "Changed since it was planned: API 'openai' policy. Nothing was written.",
      hint: "Plan the change again (update_quota).",
      details: [expect.stringMatching(/^--- apis\/openai\/policies\/policy when planned\n\+\+\+ .* now\n[\s\S]*^-.*set-backend-service/m)],
    });
    expect(service.writes()).toEqual([]);
    service.world.put(apiPolicy, stored);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test.each<[string, (service: ReturnType<typeof openService>) => void]>([
    ["was created meanwhile", ({ world }) => void world.put(west, { url: "https://other.example", protocol: "http" })],
    ["was deleted meanwhile", ({ world }) => world.delete(pool)],
  ])("a document that %s", async (_, edit) => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    edit(service);
    const edited = service.state();
    await expect(service.apply(plan)).rejects.toMatchObject({ code: "conflict" });
    expect(service.state()).toEqual(edited);
  });

  test("a plan that has expired", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    service.pass(30 * 60 * 1000);
    await expect(service.apply(plan)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("expired"),
      hint: expect.stringContaining("update_quota"),
    });
    expect(service.writes()).toEqual([]);
  });

  test("a plan that expires while its documents are read", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    service.before = () => {
      service.before = () => {};
      service.pass(30 * 60 * 1000);
    };
    await expect(service.apply(plan)).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining("expired") });
    expect(service.writes()).toEqual([]);
    expect((await service.changes.log.list(1)).changes).toMatchObject([{ state: "expired" }]);
  });

  test("an unknown plan, another caller's and another service's, all in the same words", async () => {
    const service = openService();
    const store = memoryStore();
    const plan = await service
      .open({ store })
      .planner(service.gateway.reader(never))
      .plan(await halvedProposal(service));
    const planId = plan.planId ?? "";
    const foreign = [
      service.open({ store, caller: "local:eve" }),
      service.open({ store, gateway: { ...service.gateway, resourceId: `${service.gateway.resourceId}-other` } }),
      service.open({ store: memoryStore() }),
    ];
    for (const changes of foreign) {
      const refused = changes.applier(never).apply(planId, plan.confirm ?? "");
      await expect(refused).rejects.toMatchObject({ ...gone, message: `There is no plan or change '${planId}'.` });
      const reader = service.gateway.reader(never);
      await expect(changes.planner(reader).planUndo(planId, [])).rejects.toMatchObject({
        ...gone,
        message: `There is no plan or change '${planId}'.`,
      });
      expect(await changes.log.list(10)).toEqual({ changes: [], leftOut: 0 });
    }
    await expect(service.apply({ planId: "../../etc/passwd", confirm: "" })).rejects.toMatchObject(gone);
    expect(service.writes()).toEqual([]);
  });
});

describe("a plan is applied once", () => {
  test("a second call answers the same and writes nothing, even after the plan's time", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    const first = await service.apply(plan);
    service.pass(24 * 60 * 60 * 1000);
    expect(await service.apply(plan)).toEqual(first);
    await expect(service.apply({ ...plan, confirm: "yes" })).rejects.toMatchObject({ code: "invalid_input" });
    expect(service.writes()).toEqual([`PUT ${productPolicy}`]);
  });

  test("of ten calls at once one writes", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const meanwhile: Promise<unknown>[] = [];
    service.before = (method) => {
      if (method === "PUT") meanwhile.push(service.apply(plan).catch((error: unknown) => error));
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => service.apply(plan)));
    for (const answer of await Promise.all(meanwhile))
      expect(answer).toMatchObject({ message: expect.stringContaining("is being applied") });
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "conflict" });
    }
    expect(service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`, `PUT ${apiPolicy}`]);
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });

  test("of two processes on one state directory one writes, and both know the outcome", async () => {
    const service = openService();
    const path = await mkdtemp(join(tmpdir(), "state-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    const processes = [service.open({ store: directoryStore(path) }), service.open({ store: directoryStore(path) })] as const;
    const reader = service.gateway.reader(never);
    const plan = await processes[0].planner(reader).plan(proposalOf({ documents: await secondRegion(service) }));
    const apply = (changes: Changes) => changes.applier(never).apply(plan.planId ?? "", plan.confirm ?? "");
    await Promise.allSettled(processes.map(apply));
    expect(service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`, `PUT ${apiPolicy}`]);
    expect(await apply(processes[0])).toEqual(await apply(processes[1]));
    expect(await processes[1].log.list(10)).toEqual(await processes[0].log.list(10));
    const undo = await processes[1].planner(service.gateway.reader(never)).planUndo(plan.planId ?? "", []);
    await processes[0].applier(never).apply(undo.planId ?? "", undo.confirm ?? "");
    expect(service.state().has(west)).toBe(false);
  });

  test("a call that goes away after the first write does not stop it", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const call = new AbortController();
    service.before = (method) => {
      if (method === "PUT") call.abort();
    };
    await expect(service.apply(plan, call.signal)).resolves.toMatchObject({ status: "applied" });
    expect(service.writes()).toHaveLength(3);
  });

  test("a second call at the moment of the claim is told so, and so is a third", async () => {
    const store = memoryStore();
    const { create } = store;
    const service = openService({ changes: { store } });
    const plan = await service.plan({ documents: [await halved(service)] });
    const others: Promise<unknown>[] = [];
    const call = () => void others.push(service.apply(plan).catch((error: unknown) => error));
    store.create = async (key, document) => {
      if (key.endsWith("/claimed") && others.length === 0) {
        // The second call has found the plan unclaimed once it reads the documents.
        await new Promise<void>((reads) => {
          service.before = (method) => (method === "PUT" ? call() : reads());
          call();
        });
      }
      if (key.endsWith("/applying")) await others[0];
      return create(key, document);
    };
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
    const answers = await Promise.all(others);
    expect(answers).toHaveLength(2);
    for (const answer of answers) expect(answer).toMatchObject({ message: expect.stringContaining("is being applied") });
  });

  test("while it is being applied, another call is told so", async () => {
    const service = openService();
    const plan = await service.plan({ documents: [await halved(service)] });
    let second: Promise<unknown> | undefined;
    service.before = (method) => {
      if (method === "PUT") second ??= service.apply(plan);
    };
    const first = service.apply(plan);
    await expect(first).resolves.toMatchObject({ status: "applied" });
    await expect(second).rejects.toMatchObject({
      code: "conflict",
      retryable: true,
      message: expect.stringContaining("is being applied"),
      hint: "Call apply_change again for its outcome; nothing is written twice.",
    });
  });
});

const halvedProposal = async (service: Service) => proposalOf({ documents: [await halved(service)] });
