import { describe, expect, test } from "vitest";
import { drillAnswer } from "../../../src/change/drill/answer.ts";
import type { Plan } from "../../../src/change/types.ts";
import type { DrillMode } from "../../../src/gateway/drill.ts";
import type { Kill, Machine, Process } from "../processes.ts";
import { never } from "../service.ts";
import { drillOf, openDrillMachine, twoMinutes } from "./kit.ts";

const modes: readonly DrillMode[] = ["evacuate", "rehearse"];
const effects: readonly Kill["effect"][] = ["before", "after"];

/** More than a drill's start or end has. */
const mostMoments = 60;

/** A machine, its documents, and a drill that its first process has planned. */
interface Planned {
  readonly machine: Machine;
  readonly before: ReturnType<Machine["service"]["state"]>;
  readonly first: Process;
  readonly plan: Plan;
}

async function planned(mode: DrillMode): Promise<Planned> {
  const machine = openDrillMachine();
  const before = machine.service.state();
  const first = machine.start();
  const plan = await first.plan(await drillOf(first, mode));
  expect(plan.status, JSON.stringify(plan.guards)).toBe("planned");
  return { machine, before, first, plan };
}

/** Lives through a drill of its own for each moment at which it is killed, until it is not; `life` says whether it has lived to its end. */
async function killedAtEach(mode: DrillMode, life: (drill: Planned, moment: number) => Promise<boolean>): Promise<void> {
  let moment = 1;
  while (!(await life(await planned(mode), moment))) {
    moment += 1;
    expect(moment).toBeLessThan(mostMoments);
  }
  expect(moment, "it was killed at some").toBeGreaterThan(1);
}

/** What policies on the gateway say of the time until which they hold. */
const endsIn = (machine: Machine): readonly string[] =>
  [...machine.service.state().values()].flatMap(({ value }) =>
    [...(typeof value === "string" ? value : "").matchAll(/DateTime\.UtcNow < DateTime\.Parse\("([^"]*)"\)/g)].map(([, end]) => end ?? ""),
  );

/** What stands otherwise than before. */
const changedSince = (before: ReturnType<Machine["service"]["state"]>, machine: Machine): readonly string[] =>
  [...machine.service.state()].flatMap(([path, properties]) =>
    JSON.stringify(properties) === JSON.stringify(before.get(path)) ? [] : [path],
  );

describe.each(modes)("%s", (mode) => {
  test.each(effects)("killed %s each step of its start: it ends by itself, and recover leaves nothing", async (effect) => {
    await killedAtEach(mode, async ({ machine, before, first, plan }, moment) => {
      const reachedEnd = (await first.killedIn({ moment, effect }, () => first.apply(plan))) !== "killed";
      first.kill();
      // Whatever of it has come to stand has its end in it.
      expect(endsIn(machine).filter((end) => end !== "2026-11-20T12:02:00")).toEqual([]);
      machine.service.pass(twoMinutes);
      const second = machine.start();
      const stood = changedSince(before, machine);
      const { drills } = await second.changes.drillStopper().recover();
      // A policy of a revision goes with it.
      const told = drills.flatMap(({ removed = [] }) => removed);
      expect(
        stood.filter((id) => !told.some((one) => id === one || id.startsWith(`${one}/`))),
        `moment ${moment}`,
      ).toEqual([]);
      expect(
        drills.flatMap(({ leftBehind }) => leftBehind),
        `moment ${moment}`,
      ).toEqual([]);
      expect(machine.service.state(), `moment ${moment}`).toEqual(before);
      return reachedEnd;
    });
  });

  test.each(effects)("killed %s each step of its clean-up: the next one takes the rest away", async (effect) => {
    await killedAtEach(mode, async ({ machine, before, first, plan }, moment) => {
      await first.apply(plan);
      first.kill();
      machine.service.pass(twoMinutes);
      const second = machine.start();
      const reachedEnd = (await second.killedIn({ moment, effect }, () => second.changes.drillStopper().recover())) !== "killed";
      second.kill();
      const third = machine.start();
      await third.changes.resumeDrills();
      expect(machine.service.state(), `moment ${moment}`).toEqual(before);
      expect((await third.changes.drillStopper().recover()).drills).toEqual([]);
      expect((await third.changes.drills.show(plan.planId ?? "")).state).toBe("ended");
      return reachedEnd;
    });
  });

  test("stopped early by another process while the first still runs", async () => {
    const { machine, before, first, plan } = await planned(mode);
    await first.apply(plan);
    const second = machine.start();
    const found = await second.changes.drillStopper().recover();
    expect(found, "somebody looks after it").toMatchObject({
      drills: [],
      running: [{ drillId: plan.planId, until: "2026-11-20T12:02:00Z" }],
    });
    expect(found.running[0]?.documents.toSorted()).toEqual(plan.documents.map(({ id }) => id).toSorted());
    const stopped = await second.changes.drillStopper().stop(plan.planId ?? "");
    expect(stopped).toMatchObject({ state: "ended", leftBehind: [], ended: { stopped: true } });
    expect(machine.service.state()).toEqual(before);
  });
});

test("a plan that is not applied at once has its two minutes from the start on", async () => {
  const { machine, first, plan } = await planned("evacuate");
  machine.service.pass(10 * 60 * 1000);
  await first.apply(plan);
  expect(endsIn(machine)).toEqual(["2026-11-20T12:12:00"]);
  expect(await first.changes.drills.show(plan.planId ?? "")).toMatchObject({
    state: "running",
    window: { from: "2026-11-20T12:10:00Z", until: "2026-11-20T12:12:00Z" },
  });
});

test("a drill whose process has ended is told to have nobody", async () => {
  const { machine, first, plan } = await planned("evacuate");
  await first.apply(plan);
  const id = plan.planId ?? "";
  const second = machine.start();
  expect(await second.changes.drills.show(id)).toMatchObject({ state: "running", lookedAfter: true });
  first.kill();
  expect(await second.changes.drills.show(id)).toMatchObject({ state: "running", lookedAfter: false });
  const reading = { service: "s", gateway: second.gateway.reader(never), logs: second.gateway.logs(never), now: () => new Date() };
  const answer = await drillAnswer(reading, await second.changes.drills.show(id));
  expect([answer.looked_after, answer.next]).toEqual([false, expect.stringContaining("Nobody looks after it")]);
  expect(answer.next).toContain("The gateway ends it by itself");
});

test("a drill that could not begin has nothing to tell of its time", async () => {
  const { machine, first, plan } = await planned("rehearse");
  machine.service.world.faults.add({
    method: "PUT",
    outcome: { kind: "answer", status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } },
  });
  await expect(first.apply(plan)).rejects.toMatchObject({ code: "forbidden" });
  const reading = { service: "s", gateway: first.gateway.reader(never), logs: first.gateway.logs(never), now: () => new Date() };
  const answer = await drillAnswer(reading, await first.changes.drills.show(plan.planId ?? ""));
  expect(answer).toMatchObject({ state: "failed", timeline: [], left_behind: [] });
  expect(answer).not.toHaveProperty("from");
});
