import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { type Kill, type Machine, openMachine, type Process } from "./processes.ts";
import { apiPolicy, halved, openService, pool, poolProperties, proposalOf, secondRegion, west } from "./service.ts";

type State = ReadonlyMap<string, JsonObject>;

/** The change of three documents, applied by a process that is killed. */
async function interrupted(kill: Kill) {
  const machine = openMachine();
  const before = machine.service.state();
  const victim = machine.start();
  const plan = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
  const outcome = await victim.killedIn(kill, () => victim.apply(plan));
  return { machine, before, plan, planId: plan.planId ?? "", outcome, next: machine.start() };
}

/** What the three documents are after the change. */
async function whole(): Promise<State> {
  const service = openService();
  await service.apply(await service.plan({ documents: await secondRegion(service) }));
  return service.state();
}

const stateOf = async (process: Process, changeId: string) =>
  (await process.changes.log.list(100)).changes.find((change) => change.changeId === changeId);

/** As the moment at which the second document has been written and not yet recorded. */
const half: Kill = { moment: 3 + 2 + 3 + 1, effect: "after" };
const theirs = { value: "<policies><inbound><base /></inbound></policies>" };
const edit = ({ service: { world } }: Machine, path: string, properties: JsonObject) => void world.put(path, properties);

/**
 * Every moment of applying three documents: the three reads, the claim, `applying`, then a write, its read back and its
 * record for each document, and `applied`.
 */
const lastMoment = 3 + 2 + 3 * 3 + 1;
const moments = Array.from({ length: lastMoment }, (_, index) => index + 1).flatMap((moment) =>
  (["before", "after"] as const).map((effect) => ({ moment, effect })),
);

describe("a process that is killed at moment $moment, $effect it has its effect", () => {
  test.for(moments)("$moment, $effect: the same call in another process ends it, with the documents as it says", async (kill) => {
    const { machine, before, plan, planId, outcome, next } = await interrupted(kill);
    expect(outcome).toBe("killed");
    const hadWritten = machine.service.writes().length > 0;
    const answer = await next.apply(plan).catch((error: unknown) => error);
    const state = (await stateOf(next, planId))?.state;
    const end = machine.service.state();
    if (state === "applied") {
      expect(answer).toMatchObject({ status: "applied", changeId: planId });
      expect(end).toEqual(await whole());
    } else {
      expect(state).toBe(hadWritten ? "rolled_back" : "failed");
      expect(answer).toMatchObject({
        code: "cancelled",
        message: expect.stringMatching(/Nothing was written\.$|Nothing of this change stands\.$/),
      });
      expect(end).toEqual(before);
    }
    // Once more, and in a third process: the same, and nothing is written again.
    const writes = machine.service.writes();
    const again = await machine
      .start()
      .apply(plan)
      .catch((error: unknown) => error);
    expect(again).toEqual(answer);
    expect(machine.service.writes()).toEqual(writes);
  });

  test("is killed at each of its moments: one more, and it lives", async () => {
    expect((await interrupted({ moment: lastMoment + 1, effect: "before" })).outcome).toMatchObject({ status: "applied" });
  });

  test.for(moments)("$moment, $effect: what only reads resolves what reading can, and writes nothing", async (kill) => {
    const { machine, before, planId, next } = await interrupted(kill);
    const end = machine.service.state();
    const writes = machine.service.writes();
    const listed = await stateOf(next, planId);
    expect(machine.service.writes()).toEqual(writes);
    const complete = await whole();
    switch (listed?.state) {
      case "planned":
        expect(writes).toEqual([]);
        break;
      case "applied":
        expect(end).toEqual(complete);
        break;
      case "failed":
      case "rolled_back":
        expect(end).toEqual(before);
        break;
      default:
        expect(listed).toMatchObject({ state: "applying", note: expect.stringContaining(`apply_change {"plan_id":"${planId}"`) });
        expect(end).not.toEqual(before);
        expect(end).not.toEqual(complete);
    }
  });
});

describe("what is found half-way", () => {
  test("is put back last first, each document with its own ETag, and the journal says who has done it", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    const written = machine.service.writes();
    const etags = [(await machine.service.read(pool)).etag, (await machine.service.read(west)).etag];
    await expect(next.apply(plan)).rejects.toMatchObject({
      code: "cancelled",
      message: `The process that applied ${planId} ended before it was done. Nothing of this change stands.`,
      hint: "This plan is used up: plan the change again (update_quota).",
    });
    expect(machine.service.state()).toEqual(before);
    expect(machine.service.writes().slice(written.length)).toEqual([`PUT ${pool}`, `DELETE ${west}`]);
    const puts = machine.service.world.requests.filter(({ method }) => method === "PUT" || method === "DELETE").slice(written.length);
    expect(puts.map(({ headers }) => headers["if-match"])).toEqual(etags);
    expect(await machine.store.read(`${planId}/rolled_back`)).toMatchObject({ resolvedBy: { pid: next.pid }, time: expect.any(String) });
  });

  test("names each document and the call that puts it back, wherever it is met", async () => {
    const { machine, plan, planId, next } = await interrupted(half);
    const said = expect.stringContaining(
      `The process that applied ${planId} ended before it was done. As this change wrote it: backend 'west', backend 'pool'. As before: API 'openai' policy.` +
        ` To put back what it has written: apply_change ${JSON.stringify({ plan_id: planId, confirm: plan.confirm })}.`,
    );
    expect(await stateOf(next, planId)).toMatchObject({ state: "applying", note: said });
    const other = await next.plan(proposalOf({ documents: [await halved(machine.service)] }));
    expect(other).toMatchObject({ status: "planned", warnings: [said] });
    await expect(next.planUndo(planId)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("As before: API 'openai'"),
    });
    expect(machine.service.writes()).toHaveLength(2);
  });

  test("an edit by someone else of what was written: nothing is put back, and what stands is named", async () => {
    const { machine, plan, planId, next } = await interrupted({ moment: 3 + 2 + 3 + 3, effect: "after" });
    edit(machine, pool, poolProperties("west"));
    const end = machine.service.state();
    await expect(next.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      message:
        `The process that applied ${planId} ended before it was done. Edited by someone else since, and so left as it is: backend 'pool'.` +
        " Still as this change wrote it: backend 'west'. As before: API 'openai' policy.",
      details: [`${west}: written`, `${pool}: edited`, `${apiPolicy}: as before`],
    });
    expect(machine.service.state()).toEqual(end);
    expect(await stateOf(next, planId)).toMatchObject({ state: "failed" });
  });

  test("an edit of the document that may have been written last keeps everything: it may rest on what was written", async () => {
    const { machine, plan, next } = await interrupted({ moment: 3 + 2 + 3 + 1, effect: "before" });
    edit(machine, pool, poolProperties("west"));
    const end = machine.service.state();
    const other = await machine.start().plan(proposalOf({ documents: [await halved(machine.service)] }));
    expect(other.warnings).toEqual([expect.stringContaining("Edited by someone else since, and so left as it is: backend 'pool'.")]);
    await expect(next.apply(plan)).rejects.toMatchObject({ details: [`${west}: written`, `${pool}: edited`, `${apiPolicy}: as before`] });
    expect(machine.service.state()).toEqual(end);
  });

  test("an edit of a document that was not written yet stays; the others are put back", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    edit(machine, apiPolicy, theirs);
    expect(await stateOf(next, planId)).toMatchObject({ note: expect.stringContaining("Edited by someone else: API 'openai' policy.") });
    await expect(next.apply(plan)).rejects.toMatchObject({ details: expect.arrayContaining([`${apiPolicy}: edited by someone else`]) });
    const end = machine.service.state();
    expect(end.get(apiPolicy)).toMatchObject({ value: expect.stringContaining("<base />") });
    expect(end.get(pool)).toEqual(before.get(pool));
    expect(end.has(west)).toBe(false);
    expect(await stateOf(next, planId)).toMatchObject({ state: "rolled_back" });
  });

  test("what someone else has done is not taken for a write of the change, even where it is the same", async () => {
    const machine = openMachine();
    const victim = machine.start();
    await victim.apply(await victim.plan(proposalOf({ documents: await secondRegion(machine.service) })));
    const undo = await victim.planUndo((await victim.changes.log.list(1)).changes[0]?.changeId ?? "");
    expect(await victim.killedIn({ moment: 3 + 2 + 1, effect: "before" }, () => victim.apply(undo))).toBe("killed");
    machine.service.world.delete(west);
    const end = machine.service.state();
    await expect(machine.start().apply(undo)).rejects.toMatchObject({
      message: expect.stringContaining("Nothing of this change stands."),
      details: expect.arrayContaining([`${west}: edited by someone else`]),
    });
    expect(machine.service.state()).toEqual(end);
  });

  test("an edit at the very moment of putting back stays", async () => {
    const { machine, plan, planId, next } = await interrupted(half);
    machine.service.before = (method, path) => {
      if (method === "PUT" && path === pool) edit(machine, pool, poolProperties("west"));
    };
    await expect(next.apply(plan)).rejects.toMatchObject({ details: [`${west}: written`, `${pool}: edited`, `${apiPolicy}: as before`] });
    expect(machine.service.state().get(pool)).toEqual(poolProperties("west"));
    expect(await stateOf(next, planId)).toMatchObject({ state: "failed" });
  });

  test("a change that was written whole is applied, whatever has been edited since; an undo finds that", async () => {
    const { machine, planId, next } = await interrupted({ moment: 3 + 2 + 9 + 1, effect: "before" });
    edit(machine, apiPolicy, theirs);
    expect(await stateOf(next, planId)).toMatchObject({ state: "applied" });
    await expect(next.planUndo(planId)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("Edited since") });
  });

  test("a change whose last write is not on record is applied, and can be undone to the last byte", async () => {
    const { machine, before, planId, next } = await interrupted({ moment: 3 + 2 + 9 - 2, effect: "after" });
    expect(await stateOf(next, planId)).toMatchObject({ state: "applied" });
    expect(await machine.store.read(`${planId}/written-0`)).toMatchObject({ id: apiPolicy });
    await next.apply(await next.planUndo(planId));
    expect(machine.service.state()).toEqual(before);
  });

  test("documents that cannot be read leave it as it is; once they can be, it is resolved", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    machine.service.world.faults.add({
      method: "GET",
      path: pool,
      times: 2,
      outcome: {
        kind: "answer",
        status: 403,
        body: { error: { code: "AuthorizationFailed", message: "no right to read", details: null } },
      },
    });
    const said = expect.stringContaining(`${planId} has come to no end, and what stands of it could not be found out:`);
    await expect(next.apply(plan)).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
      message: said,
      hint: expect.stringMatching(/^Once that is mended: apply_change \{/),
    });
    expect(await stateOf(next, planId)).toMatchObject({ state: "applying", note: said });
    await expect(next.apply(plan)).rejects.toMatchObject({ code: "cancelled" });
    expect(machine.service.state()).toEqual(before);
  });

  test("a write back that fails leaves it as it is, says so, and is made good by the next call", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    machine.service.world.faults.add({
      method: "DELETE",
      path: west,
      outcome: {
        kind: "answer",
        status: 500,
        body: { error: { code: "InternalServerError", message: "An error has occurred.", details: null } },
      },
    });
    await expect(next.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      retryable: true,
      message: expect.stringMatching(
        /As this change wrote it: backend 'west'\. As before: backend 'pool', API 'openai' policy\. Not put back: /,
      ),
    });
    expect(await stateOf(next, planId)).toMatchObject({ state: "applying" });
    await expect(next.apply(plan)).rejects.toMatchObject({ code: "cancelled" });
    expect(machine.service.state()).toEqual(before);
  });

  test("a write back that Azure refuses ends it: what stands is named", async () => {
    const { machine, plan, planId, next } = await interrupted(half);
    machine.service.world.faults.add({
      method: "DELETE",
      path: west,
      outcome: { kind: "answer", status: 400, body: { error: { code: "ValidationError", message: "It is in use.", details: null } } },
    });
    await expect(next.apply(plan)).rejects.toMatchObject({
      code: "conflict",
      retryable: false,
      message: expect.stringMatching(
        /Not put back: .*It is in use\..* Still as this change wrote it: backend 'west'\. As before: backend 'pool'/,
      ),
      hint: expect.stringContaining("read these documents"),
    });
    expect(await stateOf(next, planId)).toMatchObject({ state: "failed" });
  });

  test("a rollback that was interrupted is finished", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const victim = machine.start();
    const plan = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    const { create } = machine.store;
    machine.store.create = async (key, document) => {
      if (key.endsWith("/applied")) throw new Error("ENOSPC: no space left on device");
      return create(key, document);
    };
    machine.service.before = (method) => {
      const puts = machine.service.writes().filter((write) => write.startsWith("PUT")).length;
      if (method === "PUT" && puts === 4) victim.kill();
    };
    void victim.apply(plan);
    await expect.poll(() => machine.service.writes().length).toBe(5);
    machine.service.before = () => {};
    expect(machine.service.state()).not.toEqual(before);
    await expect(machine.start().apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("Nothing of this change stands.") });
    expect(machine.service.state()).toEqual(before);
    expect(await stateOf(machine.start(), plan.planId ?? "")).toMatchObject({ state: "rolled_back" });
  });

  test("what its owner has recorded at the last moment holds", async () => {
    const { machine, plan, planId, next } = await interrupted(half);
    const { read } = machine.store;
    const failure = { code: "conflict", message: "It was left as it is.", details: [] };
    machine.store.read = async (key) => {
      if (key.endsWith("/claimed")) await machine.store.create(`${planId}/failed`, { time: "2026-11-20T12:00:00Z", failure });
      return read(key);
    };
    const end = machine.service.state();
    await expect(next.apply(plan)).rejects.toMatchObject({ message: "It was left as it is." });
    expect(machine.service.state()).toEqual(end);
  });

  test("a change of which no claim is on record has no owner", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    await machine.store.remove(`${planId}/claimed`);
    await expect(next.apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("Nothing of this change stands.") });
    expect(machine.service.state()).toEqual(before);
  });

  test("of an undo: the undo is applied and the change undone, or both stand as before", async () => {
    for (const effect of ["before", "after"] as const) {
      const machine = openMachine();
      const victim = machine.start();
      const before = machine.service.state();
      const change = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
      await victim.apply(change);
      const changed = machine.service.state();
      const undo = await victim.planUndo(change.planId ?? "");
      expect(await victim.killedIn({ moment: 3 + 2 + 9 - 2, effect }, () => victim.apply(undo))).toBe("killed");
      const next = machine.start();
      await next.apply(undo).catch(() => null);
      const undone = effect === "after";
      expect(machine.service.state()).toEqual(undone ? before : changed);
      expect(await stateOf(next, change.planId ?? "")).toMatchObject({ state: undone ? "undone" : "applied" });
      if (undone) await expect(next.apply(change)).rejects.toMatchObject({ message: expect.stringContaining(`by ${undo.planId}.`) });
    }
  });

  test("of an undo that has deleted a document, and was written whole", async () => {
    const machine = openMachine();
    const victim = machine.start();
    const before = machine.service.state();
    const change = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    await victim.apply(change);
    const undo = await victim.planUndo(change.planId ?? "");
    expect(await victim.killedIn({ moment: 3 + 2 + 9 + 1, effect: "before" }, () => victim.apply(undo))).toBe("killed");
    const next = machine.start();
    expect(await stateOf(next, undo.planId ?? "")).toMatchObject({ state: "applied" });
    expect(await stateOf(next, change.planId ?? "")).toMatchObject({ state: "undone" });
    expect(machine.service.state()).toEqual(before);
  });

  test("a rollback that was done and only not recorded is one", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const victim = machine.start();
    const plan = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    machine.service.world.faults.add({ method: "PUT", path: apiPolicy, outcome: { kind: "reset_before_apply" } });
    const { create } = machine.store;
    machine.store.create = async (key, document) => {
      if (!key.endsWith("/rolled_back")) return create(key, document);
      machine.store.create = create;
      victim.kill();
      return true;
    };
    const ended = victim.killedIn({ moment: 1_000, effect: "before" }, () => victim.apply(plan));
    expect(await ended).toBe("killed");
    expect(machine.service.state()).toEqual(before);
    expect(await stateOf(machine.start(), plan.planId ?? "")).toMatchObject({ state: "rolled_back" });
  });
});

describe("what may be someone else's", () => {
  /** The undo of the second region, which ends with the deletion of its backend, applied by a process that is killed. */
  async function undoInterrupted(kill: Kill) {
    const machine = openMachine();
    const before = machine.service.state();
    const victim = machine.start();
    const change = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    await victim.apply(change);
    const undo = await victim.planUndo(change.planId ?? "");
    expect(await victim.killedIn(kill, () => victim.apply(undo))).toBe("killed");
    return { machine, before, changeId: change.planId ?? "", undo, undoId: undo.planId ?? "", next: machine.start() };
  }
  /** As the moment at which all but the deletion has been written and recorded. */
  const beforeDeletion: Kill = { moment: 3 + 2 + 3 + 3, effect: "after" };
  const notTaken = {
    kind: "answer_after_apply",
    status: 412,
    body: { error: { code: "PreconditionFailed", message: "It has been changed.", details: null } },
  } as const;

  test("a deletion that is not on record, with all else as intended: applied, and nothing is written", async () => {
    const { machine, before, changeId, undo, undoId, next } = await undoInterrupted(beforeDeletion);
    machine.service.world.delete(west);
    const writes = machine.service.writes();
    await expect(next.apply(undo)).resolves.toMatchObject({ status: "applied", changeId: undoId });
    expect(machine.service.writes()).toEqual(writes);
    expect(machine.service.state()).toEqual(before);
    expect(await stateOf(next, changeId)).toMatchObject({ state: "undone" });
  });

  test("a deletion that is not on record, with some as before: nothing is put back, the document that is gone least of all", async () => {
    const { machine, undo, undoId, next } = await undoInterrupted(beforeDeletion);
    edit(machine, apiPolicy, (await whole()).get(apiPolicy) ?? {});
    machine.service.world.delete(west);
    const [end, writes] = [machine.service.state(), machine.service.writes()];
    await expect(next.apply(undo)).rejects.toMatchObject({
      code: "conflict",
      message:
        `The process that applied ${undoId} ended before it was done. Gone, perhaps deleted by someone else, and so not brought back: backend 'west'.` +
        " Still as this change wrote it: backend 'pool'. As before: API 'openai' policy.",
      details: [`${pool}: written`, `${apiPolicy}: as before`, `${west}: gone, perhaps deleted by someone else`],
    });
    expect(machine.service.writes()).toEqual(writes);
    expect(machine.service.state()).toEqual(end);
    expect(await stateOf(next, undoId)).toMatchObject({ state: "failed" });
  });

  test("a deletion by someone else while the others are put back stays", async () => {
    const { machine, undo, undoId, next } = await undoInterrupted(beforeDeletion);
    machine.service.before = (method, path) => {
      if (method === "PUT" && path === apiPolicy) machine.service.world.delete(west);
    };
    await expect(next.apply(undo)).rejects.toMatchObject({
      message: expect.stringMatching(
        /Gone, perhaps deleted by someone else, and so not brought back: backend 'west'\. Not put back: .*west/,
      ),
      details: [`${pool}: written`, `${apiPolicy}: as before`, `${west}: gone, perhaps deleted by someone else`],
    });
    expect(machine.service.state().has(west)).toBe(false);
    expect(await stateOf(next, undoId)).toMatchObject({ state: "failed" });
  });

  test("a write that Azure says it has not taken: it stays with what was written before it; what was written since is put back", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const victim = machine.start();
    const plan = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    machine.service.world.faults.add({ method: "PUT", path: west, outcome: notTaken });
    const kill: Kill = { moment: 3 + 2 + 3 + 3, effect: "after" };
    expect(await victim.killedIn(kill, () => victim.apply(plan))).toBe("killed");
    const planId = plan.planId ?? "";
    expect(await machine.store.read(`${planId}/written-2`)).toMatchObject({ id: west, refusal: expect.stringContaining("changed") });
    const next = machine.start();
    await expect(next.apply(plan)).rejects.toMatchObject({
      message: expect.stringContaining("As planned, perhaps written by someone else, and so not put back: backend 'west'."),
      details: [`${west}: as planned, perhaps written by someone else`, `${pool}: as before`, `${apiPolicy}: as before`],
    });
    expect(machine.service.state().get(pool)).toEqual(before.get(pool));
    expect(machine.service.state().has(west)).toBe(true);
    expect(await stateOf(next, planId)).toMatchObject({ state: "failed" });
  });

  test("a deletion that Azure says it has not taken is not brought back", async () => {
    const { machine, undo, undoId, next } = await undoInterrupted(beforeDeletion);
    machine.service.world.delete(west);
    const time = "2026-11-20T12:00:00Z";
    const position = (await machine.store.read(`${undoId}/planned`))?.documents as readonly { readonly id: string }[];
    const key = `${undoId}/written-${position.findIndex(({ id }) => id === west)}`;
    await machine.store.create(key, { time, id: west, stored: null, refusal: "It has been changed." });
    edit(machine, apiPolicy, (await whole()).get(apiPolicy) ?? {});
    const writes = machine.service.writes();
    await expect(next.apply(undo)).rejects.toMatchObject({
      details: [`${pool}: written`, `${apiPolicy}: as before`, `${west}: gone, perhaps deleted by someone else`],
    });
    expect(machine.service.writes()).toEqual(writes);
  });

  test("what an undo has written stays once another undo of the same has been applied", async () => {
    const { machine, before, changeId, undo, undoId, next } = await undoInterrupted({ moment: 3 + 2 + 3, effect: "after" });
    const second = await next.planUndo(changeId);
    await next.apply(second);
    expect(machine.service.state()).toEqual(before);
    await expect(next.apply(undo)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`Not put back: ${changeId} has been undone by ${second.planId} meanwhile.`),
    });
    expect(machine.service.state()).toEqual(before);
    expect(await stateOf(next, undoId)).toMatchObject({ state: "failed" });
  });
});

describe("who has ended", () => {
  const seen = async (next: Process, planId: string) => (await stateOf(next, planId))?.state;

  test("a process that runs is left alone: its change is being applied", async () => {
    const machine = openMachine();
    const [busy, other] = [machine.start(), machine.start()];
    const plan = await busy.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    const asked: Promise<unknown>[] = [];
    const beside = proposalOf({ documents: [await halved(machine.service)] });
    let planned: ReturnType<Process["plan"]> | undefined;
    machine.service.before = (method) => {
      if (method !== "PUT") return;
      planned ??= other.plan(beside);
      asked.push(other.apply(plan).catch((error: unknown) => error));
      asked.push(busy.apply(plan).catch((error: unknown) => error));
    };
    await expect(busy.apply(plan)).resolves.toMatchObject({ status: "applied" });
    expect(asked).toHaveLength(6);
    for (const answer of await Promise.all(asked)) {
      expect(answer).toMatchObject({ code: "conflict", retryable: true, message: expect.stringMatching(/is being applied since 2026-/) });
    }
    expect(machine.service.writes()).toHaveLength(3);
    expect(await planned).toMatchObject({ status: "planned", warnings: [] });
  });

  test("a process on another host has when it has recorded nothing for a quarter of an hour", async () => {
    const { machine, plan, planId } = await interrupted(half);
    const far = machine.start("there");
    machine.service.pass(15 * 60 * 1000 - 1);
    expect(await stateOf(far, planId)).toEqual(expect.not.objectContaining({ note: expect.anything() }));
    await expect(far.apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("is being applied") });
    machine.service.pass(1);
    expect(await stateOf(far, planId)).toMatchObject({ note: expect.anything() });
    await expect(far.apply(plan)).rejects.toMatchObject({ code: "cancelled" });
    expect(await seen(far, planId)).toBe("rolled_back");
  });

  test("one that has not, after all, writes no more once another has taken the change over", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const [slow, far] = [machine.start("here"), machine.start("there")];
    const plan = await slow.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    let taken: Promise<unknown> | undefined;
    // It stands still between its second write and its third.
    const { create } = machine.store;
    machine.store.create = async (key, document) => {
      const created = await create(key, document);
      if (key.endsWith("/written-1") && taken === undefined) {
        machine.service.pass(15 * 60 * 1000);
        taken = far.apply(plan).catch((error: unknown) => error);
        await taken;
      }
      return created;
    };
    await expect(slow.apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("has taken") });
    expect(await taken).toMatchObject({ code: "cancelled" });
    expect(machine.service.state()).toEqual(before);
    expect(await seen(far, plan.planId ?? "")).toBe("rolled_back");
  });

  test("nor while the other has only just begun to put back", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const [slow, far] = [machine.start("here"), machine.start("there")];
    const plan = await slow.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    let taken: Promise<unknown> | undefined;
    const { create } = machine.store;
    machine.store.create = async (key, document) => {
      const created = await create(key, document);
      if (key.endsWith("/written-1") && taken === undefined) {
        machine.service.pass(15 * 60 * 1000);
        await new Promise<void>((begun) => {
          machine.service.before = (method) => {
            if (method === "PUT") begun();
          };
          taken = far.apply(plan).catch((error: unknown) => error);
        });
      }
      return created;
    };
    await expect(slow.apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("has taken") });
    expect(await taken).toMatchObject({ message: expect.stringContaining("Nothing of this change stands.") });
    expect(machine.service.writes()).not.toContain(`PUT ${apiPolicy}`);
    expect(machine.service.state()).toEqual(before);
  });

  test("two that find the same at once agree, and lose nothing", async () => {
    const { machine, before, plan, planId, next } = await interrupted(half);
    const other = machine.start();
    const answers = await Promise.all([next, other, next].map((process) => process.apply(plan).catch((error: unknown) => error)));
    for (const answer of answers) expect(answer).toMatchObject({ code: "cancelled" });
    expect(machine.service.state()).toEqual(before);
    expect(await seen(other, planId)).toBe("rolled_back");
    expect(machine.service.world.requests.filter(({ method, status }) => method === "DELETE" && status === 200)).toHaveLength(1);
  });

  test("a call that has failed to record its end has ended, though its process runs", async () => {
    const machine = openMachine();
    const before = machine.service.state();
    const process = machine.start();
    const plan = await process.plan(proposalOf({ documents: await secondRegion(machine.service) }));
    const { create } = machine.store;
    machine.store.create = async (key, document) => {
      if (!key.endsWith("/claimed")) throw new Error("ENOSPC: no space left on device");
      return create(key, document);
    };
    await expect(process.apply(plan)).rejects.toThrow("ENOSPC");
    machine.store.create = create;
    await expect(process.apply(plan)).rejects.toMatchObject({
      code: "cancelled",
      message: expect.stringContaining("Nothing was written."),
    });
    expect(machine.service.state()).toEqual(before);
  });
});

test("a plan on top of what has been resolved says what was found", async () => {
  const { machine, planId, next } = await interrupted({ moment: 3 + 2 + 9 + 1, effect: "before" });
  const plan = await next.plan(proposalOf({ documents: [await halved(machine.service)] }));
  expect(plan.warnings).toEqual([`The process that applied ${planId} ended before it was done. The documents show that it was applied.`]);
  expect((await next.plan(proposalOf({ documents: [await halved(machine.service)] }))).warnings).toEqual([]);
});
