import { describe, expect, test } from "vitest";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import type { Fault, FaultOutcome } from "../../src/sandbox/faults.ts";
import { apiPolicy, never, openService, pool, poolProperties, proposalOf, type Service, secondRegion, west } from "./service.ts";

const answer = (status: number, code: string, message: string, headers = {}): FaultOutcome => ({
  kind: "answer",
  status,
  headers,
  body: { error: { code, message, details: null } },
});
const refused = answer(400, "ValidationError", "One or more fields contain incorrect values:");
const busy = answer(409, "PessimisticConcurrencyConflict", "Operation on the API is in progress.");
const moved = answer(412, "PreconditionFailed", "Resource was modified since last retrieval.");
const unready = answer(422, "ManagementApiRequestFailed", "The management API is not ready.");
const throttled = answer(429, "SubscriptionRequestsThrottled", "Number of 'write' requests exceeded.", { "retry-after": "1" });
const broken = answer(500, "InternalServerError", "An error has occurred.");
const lostBefore: FaultOutcome = { kind: "reset_before_apply" };
const lostAfter: FaultOutcome = { kind: "reset_after_apply" };

const put = (path: string, outcome: FaultOutcome): Fault => ({ method: "PUT", path, outcome });

/** The three-document change, with these faults; what it answers, and what the service and the journal hold in the end. */
async function run(faults: readonly Fault[]) {
  const service = openService();
  const before = service.state();
  const plan = await service.plan({ documents: await secondRegion(service) });
  for (const fault of faults) service.world.faults.add(fault);
  const outcome = await service.apply(plan).catch((error: unknown) => error);
  const [record] = (await service.changes.log.list(1)).changes;
  return { service, before, plan, outcome, state: record?.state };
}

const asBefore = ({ service, before }: { service: Service; before: ReadonlyMap<string, object> }) =>
  expect(service.state()).toEqual(before);

describe("an answer that is lost after the write took effect", () => {
  test.each([west, pool, apiPolicy])("%s: read again, applied, and written once", async (path) => {
    const { service, outcome, state } = await run([put(path, lostAfter)]);
    expect(outcome).toMatchObject({ status: "applied" });
    expect(state).toBe("applied");
    expect(service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`, `PUT ${apiPolicy}`]);
  });
});

describe("a write that did not take effect", () => {
  const outcomes: readonly [string, FaultOutcome, string][] = [
    ["400", refused, "invalid_input"],
    ["409", busy, "conflict"],
    ["412", moved, "conflict"],
    ["422", unready, "conflict"],
    ["429", throttled, "throttled"],
    ["500", broken, "unavailable"],
    ["reset", lostBefore, "unavailable"],
  ];

  test.each(outcomes)("%s at the first document: nothing is written", async (_, outcome, code) => {
    const result = await run([put(west, outcome)]);
    expect(result.outcome).toMatchObject({
      code,
      message: expect.stringMatching(/backend 'west'.* A read shows that it was not written\. Nothing of this change stands\.$/),
      details: expect.arrayContaining([`${west}: not applied`, `${pool}: not written`, `${apiPolicy}: not written`]),
    });
    expect(result.state).toBe("failed");
    asBefore(result);
    expect(result.service.writes()).toEqual([`PUT ${west}`]);
  });

  test.each(outcomes)("%s at the second: the first is taken back", async (_, outcome) => {
    const result = await run([put(pool, outcome)]);
    expect(result.outcome).toMatchObject({
      message: expect.stringMatching(
        /A read shows that it was not written\. Put back as before: backend 'west'\. Nothing of this change stands\.$/,
      ),
      details: expect.arrayContaining([`${west}: put back`, `${pool}: not applied`, `${apiPolicy}: not written`]),
    });
    expect(result.state).toBe("rolled_back");
    asBefore(result);
    expect(result.service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`, `DELETE ${west}`]);
  });

  test.each(outcomes)("%s at the third: the others are taken back, last first", async (_, outcome) => {
    const result = await run([put(apiPolicy, outcome)]);
    expect(result.outcome).toMatchObject({ message: expect.stringContaining("Put back as before: backend 'west', backend 'pool'.") });
    expect(result.state).toBe("rolled_back");
    asBefore(result);
    expect(result.service.writes().slice(3)).toEqual([`PUT ${pool}`, `DELETE ${west}`]);
  });

  test("says what to do next; not to read again what has been read", async () => {
    const next = "This plan is used up: plan the change again once the cause is gone.";
    expect((await run([put(pool, lostBefore)])).outcome).toMatchObject({ hint: next });
    expect((await run([put(pool, throttled)])).outcome).toMatchObject({
      hint: "This plan is used up: plan the change again after the time that Azure asks to wait.",
      message: expect.stringContaining("wait 1 s"),
      retryable: false,
    });
  });

  test("keeps the code of the refusal, and answers it again to a second call", async () => {
    const { service, plan, outcome } = await run([put(apiPolicy, moved)]);
    expect(outcome).toMatchObject({ code: "conflict" });
    const again = await service.apply(plan).catch((error: unknown) => error);
    expect(again).toMatchObject(pick(outcome));
    expect(service.writes()).toHaveLength(5);
  });
});

describe("a document that someone else writes at the same moment", () => {
  test("is left as they wrote it; what was written before is taken back", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const before = service.state();
    const theirs = "<policies><inbound><base /></inbound></policies>";
    service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) service.world.put(apiPolicy, { value: theirs });
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("Someone else has edited API 'openai' policy"),
      details: expect.arrayContaining([
        expect.stringMatching(/modified|ETag|If-Match|precondition/i),
        `${apiPolicy}: conflict`,
        `${pool}: put back`,
        `${west}: put back`,
      ]),
    });
    const after = service.state();
    expect(after.get(pool)).toEqual(before.get(pool));
    expect(after.has(west)).toBe(false);
    expect(after.get(apiPolicy)).not.toEqual(before.get(apiPolicy));
    expect((await service.changes.log.list(1)).changes).toMatchObject([{ state: "rolled_back" }]);
  });

  test("who wrote the very same has not made it fail", async () => {
    const service = openService();
    const documents = await secondRegion(service);
    const plan = await service.plan({ documents });
    const value = documents.find(({ id }) => id === apiPolicy)?.after?.value ?? "";
    service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) service.world.put(apiPolicy, { value });
    };
    await expect(service.apply(plan)).resolves.toMatchObject({ status: "applied" });
  });
});

describe("what cannot be settled is said", () => {
  test("a write that Azure accepts and does not make", async () => {
    const { service, before, outcome, state } = await run([put(pool, { kind: "answer", status: 200, body: { properties: {} } })]);
    expect(outcome).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /^Azure accepted the write of backend 'pool', but still shows it as it was\. .* Nothing of this change stands\.$/,
      ),
      details: expect.arrayContaining([`${west}: put back`, `${pool}: not applied`]),
    });
    expect(state).toBe("rolled_back");
    asBefore({ service, before });
  });

  const unreadable: Fault = { method: "GET", path: pool, times: 100, outcome: broken };

  test("a write whose effect cannot be read: nothing is taken back under it", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    service.before = (method, path) => {
      if (method !== "PUT" || path !== pool) return;
      service.world.faults.add({ method: "PUT", path: pool, outcome: lostAfter });
      service.world.faults.add(unreadable);
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/Whether backend 'pool' was written is not known\. Still as this change wrote it: backend 'west'\.$/),
      hint: expect.stringContaining("read these documents"),
      details: expect.arrayContaining([`${west}: written`, `${pool}: unknown`, `${apiPolicy}: not written`]),
    });
    expect(service.writes()).toEqual([`PUT ${west}`, `PUT ${pool}`]);
    expect((await service.changes.log.list(1)).changes).toMatchObject([{ state: "failed" }]);
  });

  test("a first write whose effect cannot be read may stand", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    service.before = (method, path) => {
      if (method === "PUT" && path === west) service.world.faults.add({ ...unreadable, path: west });
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      message: expect.stringMatching(/Whether backend 'west' was written is not known\.$/),
      hint: expect.stringContaining("read these documents"),
      details: expect.arrayContaining([`${west}: unknown`, `${pool}: not written`]),
    });
    expect(service.writes()).toEqual([`PUT ${west}`]);
  });

  test("a document that cannot be taken back, and those that it may need", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    service.world.faults.add(put(apiPolicy, refused));
    service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) service.world.faults.add(put(pool, broken));
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      message: expect.stringMatching(
        /A read shows that it was not written\. Not put back: backend 'pool'\. .*\. Still as this change wrote it: backend 'west'\.$/,
      ),
      details: expect.arrayContaining([`${west}: written`, `${pool}: written`, `${apiPolicy}: not applied`]),
    });
    expect(service.state().has(west)).toBe(true);
    expect((await service.changes.log.list(1)).changes).toMatchObject([{ state: "failed" }]);
  });

  test("what stands of a change that failed is taken back by its undo", async () => {
    const service = openService();
    const before = service.state();
    const plan = await service.plan({ documents: await secondRegion(service) });
    service.world.faults.add(put(apiPolicy, refused));
    service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) service.world.faults.add(put(pool, broken));
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      hint: expect.stringContaining("undo_change with its id takes back what still stands"),
    });
    service.before = () => {};
    const undo = await service.planUndo(plan.planId ?? "");
    expect(undo.documents.map(({ id, action }) => [action, id]).sort()).toEqual([
      ["delete", west],
      ["update", pool],
    ]);
    await service.apply(undo);
    expect(service.state()).toEqual(before);
    await expect(service.planUndo(plan.planId ?? "")).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("a document that someone edits before it can be taken back: their edit stays", async () => {
    const service = openService();
    const plan = await service.plan({ documents: await secondRegion(service) });
    const theirs = poolProperties("west");
    service.world.faults.add(put(apiPolicy, refused));
    service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) service.world.put(pool, theirs);
    };
    await expect(service.apply(plan)).rejects.toMatchObject({
      message: expect.stringMatching(
        /Not put back: backend 'pool'\. Someone else has edited .* Still as this change wrote it: backend 'west'\.$/,
      ),
      details: expect.arrayContaining([`${west}: written`, `${pool}: conflict`, `${apiPolicy}: not applied`]),
    });
    expect(service.state().get(pool)).toEqual(theirs);
    expect((await service.changes.log.list(1)).changes).toMatchObject([{ state: "failed" }]);
  });
});

describe("a journal that fails", () => {
  const full = new Error("ENOSPC: no space left on device");

  /** A journal that takes no more records from this state on. */
  const storeUntil = (state: string): JournalStore => {
    const store = memoryStore();
    let isFull = false;
    return {
      ...store,
      async create(key, document) {
        isFull ||= key.endsWith(`/${state}`);
        if (isFull) throw full;
        return store.create(key, document);
      },
    };
  };

  /** A journal that keeps the record of this state, and yet says that it could not. */
  const storeThatDoubts = (state: string): JournalStore => {
    const store = memoryStore();
    return {
      ...store,
      async create(key, document) {
        const created = await store.create(key, document);
        if (key.endsWith(`/${state}`)) throw full;
        return created;
      },
    };
  };

  const applyThrough = async (service: Service, store: JournalStore) => {
    const changes = service.open({ store });
    const plan = await changes.planner(service.gateway.reader(never)).plan(proposalOf({ documents: await secondRegion(service) }));
    return { changes, applied: changes.applier(never).apply(plan.planId ?? "", plan.confirm ?? "") };
  };

  test.each([
    ["applying", []],
    ["written-1", [`PUT ${west}`, `PUT ${pool}`, `PUT ${pool}`, `DELETE ${west}`]],
    ["applied", [`PUT ${west}`, `PUT ${pool}`, `PUT ${apiPolicy}`, `PUT ${apiPolicy}`, `PUT ${pool}`, `DELETE ${west}`]],
  ])("at '%s': what it could not record does not stand", async (state, writes) => {
    const service = openService();
    const before = service.state();
    const { applied } = await applyThrough(service, storeUntil(state));
    const error = await applied.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining("ENOSPC") });
    // Whoever has written says that not even its end is on record.
    if (writes.length > 0) {
      expect(error).toMatchObject({
        code: "internal",
        message: expect.stringMatching(/^The change could not be recorded: .*no space left on device\. Put back as before: /),
        hint: expect.stringMatching(/^This plan is used up: /),
        details: expect.arrayContaining([full.message]),
      });
    }
    expect(service.state()).toEqual(before);
    expect(service.writes()).toEqual(writes);
  });

  test("a record of success that was taken back counts as what came of it", async () => {
    const service = openService();
    const before = service.state();
    const { changes, applied } = await applyThrough(service, storeThatDoubts("applied"));
    await expect(applied).rejects.toThrow("ENOSPC");
    expect(service.state()).toEqual(before);
    expect((await changes.log.list(1)).changes).toMatchObject([{ state: "rolled_back" }]);
  });
});

function pick(outcome: unknown): object {
  if (!(outcome instanceof Error) || !("code" in outcome && "hint" in outcome && "details" in outcome)) throw new Error("no GatewayError");
  const { code, message, hint, details } = outcome;
  return { code, message, hint, details };
}
