import { describe, expect, test } from "vitest";
import { openProber } from "../../../src/azure/prober.ts";
import type { ChangesOptions } from "../../../src/change/changes.ts";
import type { Plan } from "../../../src/change/types.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { triesHeader } from "../../../src/gateway/drill.ts";
import { readInventory } from "../../../src/gateway/inventory.ts";
import type { Prober } from "../../../src/gateway/ports.ts";
import type { Proposal } from "../../../src/gateway/proposal.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { planPool } from "../../../src/pool/plan.ts";
import { tested } from "../../../src/pool/test-path/tested.ts";
import { openDrillMachine } from "../drill/kit.ts";
import type { Kill, Machine, Process } from "../processes.ts";
import { never } from "../service.ts";

const effects: readonly Kill["effect"][] = ["before", "after"];

/** More than such a change has. */
const mostMoments = 80;

/** A gateway behind which the member answers with this status. */
const answering = (status: number, meanwhile: () => Promise<void> = async () => {}): Prober =>
  openProber({
    origin: async () => "https://gateway.example",
    key: "k",
    fetch: async () => {
      await meanwhile();
      return new Response(null, { status, headers: { [triesHeader]: `,${status} North` } });
    },
  });

const north = { api_id: "openai", backends: [{ backend_id: "north", url: "https://north.example/openai" }] };

async function proposalOf({ gateway }: Process): Promise<Proposal> {
  const reader = gateway.reader(never);
  const [inventory, csharp] = await Promise.all([readInventory(reader), loadGrammar()]);
  const pool = await reader.document("backends/pool");
  const live = new Map(pool === null ? [] : [[pool.id, pool]]);
  const edit = planPool(inventory, csharp, live, north);
  const asked = await tested(reader, { inventory, csharp }, north, edit, { probes: true, deployment: "gpt-4o" });
  return { tool: "update_backend_pool", ...asked, override: [] };
}

/** Time passes at once. */
const withProber = ({ service }: Machine, prober: Prober | null): Partial<ChangesOptions> => ({
  prober,
  wait: async (milliseconds) => service.pass(milliseconds),
});

async function planned(machine: Machine, prober: Prober | null): Promise<{ readonly first: Process; readonly plan: Plan }> {
  const first = machine.start("here", withProber(machine, prober));
  const plan = await first.plan(await proposalOf(first));
  expect(plan.status, JSON.stringify(plan.guards)).toBe("planned");
  return { first, plan };
}

type State = ReadonlyMap<string, JsonObject>;

/** What only a test path has. */
const pathsIn = (state: State): readonly string[] => [...state.keys()].filter((path) => /;rev=|backends\/test-/.test(path));

const poolOf = (state: State): string => JSON.stringify(state.get("backends/pool"));

describe.each([200, 401])("a member that answers %s", (status) => {
  test.each(effects)("killed %s each step: recover takes the path away, and nothing stands half", async (effect) => {
    let reachedEnd = false;
    let moment = 1;
    for (; !reachedEnd; moment += 1) {
      expect(moment).toBeLessThan(mostMoments);
      const machine = openDrillMachine();
      const before = machine.service.state();
      const { first, plan } = await planned(machine, answering(status));
      const applied = first.apply(plan).catch(() => null);
      reachedEnd = (await first.killedIn({ moment, effect }, () => applied)) !== "killed";
      first.kill();
      const stood = pathsIn(machine.service.state());
      // No pool has it before it has answered, and none while its path is there.
      if (stood.length > 0 || status !== 200) expect(poolOf(machine.service.state()), `moment ${moment}`).toBe(poolOf(before));
      const second = machine.start("here", withProber(machine, null));
      const { paths, drills } = await second.changes.drillStopper().recover();
      expect(drills).toEqual([]);
      expect(pathsIn(machine.service.state()), `moment ${moment}`).toEqual([]);
      const told = paths.flatMap(({ removed }) => removed);
      expect(
        stood.filter((id) => !told.some((one) => id === one || id.startsWith(`${one}/`))),
        `moment ${moment}`,
      ).toEqual([]);
      expect(paths.flatMap(({ leftBehind }) => leftBehind)).toEqual([]);
      expect((await second.changes.drillStopper().recover()).paths).toEqual([]);
      // The change itself is brought to an end by who applies it again.
      await second.apply(plan).catch(() => null);
      const after = machine.service.state();
      if (after.has("backends/north")) expect(poolOf(after), `moment ${moment}`).toContain("/backends/north");
      else expect(after, `moment ${moment}`).toEqual(before);
      if (reachedEnd) expect(after.has("backends/north")).toBe(status === 200);
    }
    expect(moment).toBeGreaterThan(12);
  });
});

test("the next server's start takes away what a process has left, unless that process still asks", async () => {
  const machine = openDrillMachine();
  const before = machine.service.state();
  const other: { pending: Promise<void> } = { pending: Promise.resolve() };
  const second = machine.start();
  const { first, plan } = await planned(
    machine,
    answering(500, async () => {
      // The very moment at which another server starts.
      other.pending = second.changes.resumeDrills();
      await other.pending;
      expect(pathsIn(machine.service.state()).length).toBeGreaterThan(0);
      expect((await second.changes.drillStopper().recover()).paths).toEqual([]);
      first.kill();
    }),
  );
  await first.killedIn({ moment: mostMoments, effect: "after" }, () => first.apply(plan));
  expect(pathsIn(machine.service.state()).length).toBeGreaterThan(0);
  await second.changes.resumeDrills();
  expect(machine.service.state()).toEqual(before);
});

test("a client that goes away once the path is there stops nothing", async () => {
  const machine = openDrillMachine();
  const client = new AbortController();
  const { first, plan } = await planned(
    machine,
    answering(200, async () => client.abort()),
  );
  const { planId = "", confirm = "" } = plan;
  expect((await first.changes.applier(client.signal).apply(planId, confirm)).status).toBe("applied");
  expect(machine.service.state().has("backends/north")).toBe(true);
  expect(pathsIn(machine.service.state())).toEqual([]);
});

test("an edit of someone else meanwhile is a conflict, and stays", async () => {
  const machine = openDrillMachine();
  const { world } = machine.service;
  const edited = { ...world.get("backends/pool")?.properties, description: "theirs" };
  const { first, plan } = await planned(
    machine,
    answering(200, async () => void world.put("backends/pool", edited)),
  );
  await expect(first.apply(plan)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("Changed since it was planned"),
  });
  expect(world.get("backends/pool")?.properties).toMatchObject({ description: "theirs" });
  expect(machine.service.state().has("backends/north")).toBe(false);
  expect(pathsIn(machine.service.state())).toEqual([]);
});

test("someone else's revision of the same number is left alone", async () => {
  const machine = openDrillMachine();
  const { first, plan } = await planned(machine, answering(200));
  machine.service.world.put("apis/openai;rev=2", { path: "openai" });
  await expect(first.apply(plan)).rejects.toMatchObject({ code: "conflict" });
  expect(pathsIn(machine.service.state())).toEqual(["apis/openai;rev=2"]);
});

test("where the path cannot be taken away, the change is made all the same and says what is left", async () => {
  const machine = openDrillMachine();
  const { first, plan } = await planned(machine, answering(200));
  machine.service.world.faults.add({
    method: "DELETE",
    times: 50,
    outcome: { kind: "answer", status: 429, body: { error: { code: "TooManyRequests", message: "later" } } },
  });
  const applied = await first.apply(plan);
  expect(applied.next).toContain("Left of the test calls, and without effect: apis/openai;rev=2, backends/test-north");
  expect(machine.service.state().has("backends/north")).toBe(true);
  machine.service.world.faults.clear();
  // Its process still lives, and asks no more.
  const { paths } = await machine.start().changes.drillStopper().recover();
  expect(paths.flatMap(({ removed }) => removed)).toEqual(["apis/openai;rev=2", "backends/test-north"]);
  expect(pathsIn(machine.service.state())).toEqual([]);
});

test("nor where the member does not answer: that is said, too", async () => {
  const machine = openDrillMachine();
  const { first, plan } = await planned(machine, answering(401));
  machine.service.world.faults.add({
    method: "DELETE",
    times: 50,
    outcome: { kind: "answer", status: 429, body: { error: { code: "TooManyRequests", message: "later" } } },
  });
  await expect(first.apply(plan)).rejects.toMatchObject({
    code: "forbidden",
    message: expect.stringMatching(/it answered 401.*Left of the test calls, and without effect: apis\/openai;rev=2, backends\/test-north/),
  });
  expect(machine.service.state().has("backends/north")).toBe(false);
});

test("where the service cannot be read while the path is taken away, the answer of the member still counts", async () => {
  const machine = openDrillMachine();
  const { faults } = machine.service.world;
  const { first, plan } = await planned(
    machine,
    answering(401, async () => {
      faults.add({
        path: /revision|;rev=/,
        times: 500,
        outcome: { kind: "answer", status: 503, body: { error: { code: "Busy", message: "later" } } },
      });
    }),
  );
  await expect(first.apply(plan)).rejects.toMatchObject({ code: "forbidden", message: expect.stringContaining("it answered 401") });
  faults.clear();
  await machine.start().changes.resumeDrills();
  expect(pathsIn(machine.service.state())).toEqual([]);
});

test("a process that protects what the path is made of does not apply it", async () => {
  const machine = openDrillMachine();
  const { plan } = await planned(machine, answering(200));
  const before = machine.service.state();
  const second = machine.start("here", { ...withProber(machine, answering(200)), protect: [{ kind: "backend", name: "test-north" }] });
  await expect(second.apply(plan)).rejects.toMatchObject({ code: "guarded" });
  expect(machine.service.state()).toEqual(before);
});

test("a process without the key does not apply it, and writes nothing", async () => {
  const machine = openDrillMachine();
  const { plan } = await planned(machine, answering(200));
  const before = machine.service.state();
  await expect(machine.start().apply(plan)).rejects.toMatchObject({ code: "not_configured" });
  expect(machine.service.state()).toEqual(before);
});

test("a path is no plan of its own", async () => {
  const machine = openDrillMachine();
  const { first, plan } = await planned(machine, answering(200));
  await first.apply(plan);
  const { changes } = await first.changes.log.list(10);
  const path = changes.find(({ changeId }) => changeId !== plan.planId);
  expect(path).toMatchObject({ state: "applied", summary: `Test calls to north before ${plan.planId} is written.` });
  await expect(first.changes.applier(never).apply(path?.changeId ?? "", plan.confirm ?? "")).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining(`holds the test calls of ${plan.planId}`),
  });
});
