import { expect, test } from "vitest";
import type { Machine, Process } from "../processes.ts";
import { apiPolicy } from "../service.ts";
import { drillOf, openDrillMachine, twoMinutes } from "./kit.ts";

const poolCopy = "backends/drill-without-east-pool";

/** An evacuation that has been started, and whose time is over; nobody has looked after it. */
async function over(): Promise<{
  readonly machine: Machine;
  readonly process: Process;
  readonly id: string;
  readonly before: Machine["service"]["state"] extends () => infer S ? S : never;
}> {
  const machine = openDrillMachine();
  const before = machine.service.state();
  const process = machine.start();
  const { planId: id = "", ...plan } = await process.plan(await drillOf(process));
  await process.apply({ planId: id, ...plan });
  machine.service.pass(twoMinutes);
  return { machine, process, id, before };
}

const edit = ({ service: { world } }: Machine, path: string, change: (text: string) => string): void => {
  const { value } = world.get(path)?.properties ?? {};
  world.put(path, { format: "rawxml", value: change(String(value)) });
};

test("an edit of someone else stays, with what it needs, and is told", async () => {
  const { machine, process, id } = await over();
  edit(machine, apiPolicy, (text) => text.replace("<inbound>", "<inbound><!-- theirs -->"));
  const edited = machine.service.state();
  const stopped = await process.changes.drillStopper().stop(id);
  expect(machine.service.state()).toEqual(edited);
  expect(stopped.leftBehind.map(({ id: left, final }) => [left, final])).toEqual([
    [apiPolicy, true],
    [poolCopy, true],
  ]);
  expect((await process.changes.drills.show(id)).leftBehind.map(({ id: left }) => left)).toContain(apiPolicy);
});

test("once the edit has nothing of the drill in it, the rest goes, and the edit stays", async () => {
  const { machine, process, id, before } = await over();
  edit(machine, apiPolicy, (text) => text.replace(/<choose>[\s\S]*<\/choose>/, "<!-- theirs -->"));
  const edited = machine.service.world.get(apiPolicy)?.properties;
  const stopped = await process.changes.drillStopper().stop(id);
  expect(stopped).toMatchObject({ state: "ended", leftBehind: [] });
  expect(machine.service.state()).toEqual(new Map([...before, [apiPolicy, edited]]));
});

test("a copy that someone has edited is not deleted; the policy goes back all the same", async () => {
  const { machine, process, id, before } = await over();
  const copy = { ...machine.service.world.get(poolCopy)?.properties, description: "mine now" };
  machine.service.world.put(poolCopy, copy);
  const { leftBehind } = await process.changes.drillStopper().stop(id);
  expect(leftBehind).toMatchObject([{ id: poolCopy, final: true }]);
  expect(machine.service.state()).toEqual(new Map([...before, [poolCopy, copy]]));
});

test("what Azure refuses for now is told as not cleaned up, and goes the next time", async () => {
  const { machine, process, id, before } = await over();
  machine.service.world.faults.add({
    method: "PUT",
    times: 1,
    outcome: {
      kind: "answer",
      status: 429,
      headers: { "retry-after": "1" },
      body: { error: { code: "TooManyRequests", message: "later" } },
    },
  });
  const first = await process.changes.drillStopper().stop(id);
  expect(first.state).toBe("cleaning_up");
  expect(first.leftBehind.map(({ id: left }) => left)).toContain(apiPolicy);
  expect((await process.changes.drillStopper().recover()).drills).toMatchObject([
    { state: "ended", leftBehind: [], removed: [apiPolicy, poolCopy] },
  ]);
  expect(machine.service.state()).toEqual(before);
});

test("a drill that is still to act is not over where its clean-up was refused", async () => {
  const machine = openDrillMachine();
  const process = machine.start();
  const plan = await process.plan(await drillOf(process));
  await process.apply(plan);
  machine.service.world.faults.add({
    method: "PUT",
    outcome: { kind: "answer", status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } },
  });
  const stopped = await process.changes.drillStopper().stop(plan.planId ?? "");
  expect(stopped).toMatchObject({ state: "running", ended: null });
  expect(stopped.leftBehind.map(({ id }) => id)).toContain(apiPolicy);
});

test("an undo of its change is an end of the drill too", async () => {
  const machine = openDrillMachine();
  const before = machine.service.state();
  const process = machine.start();
  const plan = await process.plan(await drillOf(process));
  await process.apply(plan);
  await process.apply(await process.planUndo(plan.planId ?? ""));
  expect(machine.service.state()).toEqual(before);
  expect(await process.changes.drills.show(plan.planId ?? "")).toMatchObject({ state: "ended", ended: { stopped: true }, leftBehind: [] });
});

test("what is no drill, or has not begun, cannot be shown or stopped", async () => {
  const machine = openDrillMachine();
  const process = machine.start();
  const plan = await process.plan(await drillOf(process));
  await expect(process.changes.drillStopper().stop(plan.planId ?? "")).rejects.toMatchObject({ code: "not_found" });
  await expect(process.changes.drills.show("chg-0")).rejects.toMatchObject({ code: "not_found" });
});
