import { describe, expect, test } from "vitest";
import { openMachine, type Process } from "../processes.ts";
import { apiPolicy, halved, proposalOf, secondRegion } from "../service.ts";
import { half, interrupted, stateOf } from "./kit.ts";

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
