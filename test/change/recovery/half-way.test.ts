import { describe, expect, test } from "vitest";
import { openMachine } from "../processes.ts";
import { apiPolicy, halved, pool, poolProperties, proposalOf, secondRegion, west } from "../service.ts";
import { edit, half, interrupted, reading, stateOf, theirs } from "./kit.ts";

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
    const { machine, plan, planId, next } = await interrupted({ moment: reading + 2 + 3 + 3, effect: "after" });
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
    const { machine, plan, next } = await interrupted({ moment: reading + 2 + 3 + 1, effect: "before" });
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
    const { machine, planId, next } = await interrupted({ moment: reading + 2 + 9 + 1, effect: "before" });
    edit(machine, apiPolicy, theirs);
    expect(await stateOf(next, planId)).toMatchObject({ state: "applied" });
    await expect(next.planUndo(planId)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("Edited since") });
  });

  test("a change whose last write is not on record is applied, and can be undone to the last byte", async () => {
    const { machine, before, planId, next } = await interrupted({ moment: reading + 2 + 9 - 2, effect: "after" });
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

test("a plan on top of what has been resolved says what was found", async () => {
  const { machine, planId, next } = await interrupted({ moment: reading + 2 + 9 + 1, effect: "before" });
  const plan = await next.plan(proposalOf({ documents: [await halved(machine.service)] }));
  expect(plan.warnings).toEqual([`The process that applied ${planId} ended before it was done. The documents show that it was applied.`]);
  expect((await next.plan(proposalOf({ documents: [await halved(machine.service)] }))).warnings).toEqual([]);
});
