import { describe, expect, test } from "vitest";
import { type Kill, openMachine } from "../processes.ts";
import { apiPolicy, pool, proposalOf, secondRegion, west } from "../service.ts";
import { edit, reading, stateOf, whole } from "./kit.ts";

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
    const kill: Kill = { moment: reading + 2 + 3 + 3, effect: "after" };
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
