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

const north = {
  api_id: "openai",
  backends: [{ backend_id: "north", url: "https://north.example/openai", managed_identity: true }],
};

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

describe("a client that goes away", () => {
  /** A gateway that does not answer; at its first call the client goes. */
  const silent = (client: AbortController): Prober =>
    openProber({
      origin: async () => "https://gateway.example",
      key: "k",
      fetch: async () => {
        client.abort();
        return new Promise<never>(() => {});
      },
    });
  const probers: readonly (readonly [what: string, prober: (client: AbortController) => Prober])[] = [
    ["with the member's answer", (client) => answering(200, async () => client.abort())],
    ["while nobody answers", silent],
    ["between two calls", (client) => answering(500, async () => client.abort())],
  ];
  test.each(probers)("%s: no more is asked, the path goes, the plan stays", async (_, proberOf) => {
    const machine = openDrillMachine();
    const client = new AbortController();
    const before = machine.service.state();
    let calls = 0;
    const prober = proberOf(client);
    const counting: Prober = {
      probe(...call) {
        calls += 1;
        return prober.probe(...call);
      },
    };
    const waits = {
      prober: counting,
      wait: (milliseconds: number) => (milliseconds === 4_000 ? new Promise<never>(() => {}) : Promise.resolve()),
    };
    const first = machine.start("here", waits);
    const plan = await first.plan(await proposalOf(first));
    const { planId = "", confirm = "" } = plan;
    await expect(first.changes.applier(client.signal).apply(planId, confirm)).rejects.toMatchObject({
      code: "cancelled",
      message: "Cancelled while new members were asked; nothing of the change was written. Nothing of the test calls is left.",
      retryable: true,
    });
    expect(machine.service.state()).toEqual(before);
    expect(calls).toBe(1);
    const second = machine.start("here", withProber(machine, answering(200)));
    expect((await second.apply(plan)).status).toBe("applied");
  });

  test("before the path is there: nothing is written", async () => {
    const machine = openDrillMachine();
    const before = machine.service.state();
    const { first, plan } = await planned(machine, answering(200));
    const { planId = "", confirm = "" } = plan;
    await expect(first.changes.applier(AbortSignal.abort()).apply(planId, confirm)).rejects.toMatchObject({ code: "cancelled" });
    expect(machine.service.state()).toEqual(before);
  });
});

test("no test call is waited for longer than 10 s, nor all of them together for much longer than 25 s", async () => {
  const machine = openDrillMachine();
  const { service } = machine;
  const before = service.state();
  const limits: (number | undefined)[] = [];
  let taken = 0;
  const pass = async (milliseconds: number) => {
    taken += milliseconds;
    service.pass(milliseconds);
  };
  const slow: Prober = {
    async probe(_request, _headers, { timeoutMs } = {}) {
      limits.push(timeoutMs);
      await pass(timeoutMs ?? 60_000);
      return { status: 500, region: null, tries: ",500 North" };
    },
  };
  const first = machine.start("here", { prober: slow, wait: pass });
  const plan = await first.plan(await proposalOf(first));
  await expect(first.apply(plan)).rejects.toMatchObject({ message: expect.stringContaining("it answered 500") });
  expect(limits).toEqual([10_000, 10_000]);
  expect(taken).toBeLessThanOrEqual(30_000);
  expect(service.state()).toEqual(before);
});

describe("two that ask the same member at once, each with a journal of its own", () => {
  test.each(["backends/test-north", "apis/openai;rev=2"])(
    "who comes second to %s is told so, and touches nothing of the other's",
    async (at) => {
      const machine = openDrillMachine();
      const { service } = machine;
      const first = machine.start("here", withProber(machine, answering(200)));
      const plan = await first.plan(await proposalOf(first));
      const theirs = await proposalOf(first);
      const { documents = [] } = theirs.testPath ?? {};
      // A policy of theirs that names the copy would keep it there.
      const theirDocuments = at.startsWith("backends/") ? documents : documents.filter(({ id }) => id === at);
      let theirState: State | null = null;
      // At the moment of the write the other has just written the same.
      service.before = (method, path) => {
        if (theirState !== null || method !== "PUT" || decodeURIComponent(path) !== at) return;
        for (const { id, after } of theirDocuments) service.world.put(id, after ?? {});
        theirState = service.state();
      };
      const refused = await first.apply(plan).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "conflict",
        retryable: true,
        message: expect.stringMatching(
          /The test calls could not begin, and nothing of the change was written: .*Nothing of the test calls is left\.$/,
        ),
        hint: expect.stringContaining("The plan can still be applied"),
      });
      const after = service.state();
      const copy = at.startsWith("backends/") ? [] : ["backends/test-north"];
      expect([...after].filter(([id]) => !copy.includes(id))).toEqual([...(theirState ?? new Map())].filter(([id]) => !copy.includes(id)));
      expect(copy.filter((id) => after.has(id))).toEqual([]);
      await machine.start().changes.drillStopper().recover();
      expect(service.state()).toEqual(after);
      for (const { id } of theirDocuments.toReversed()) service.world.delete(id);
      expect((await first.apply(plan)).status).toBe("applied");
    },
  );
});

test("what another's policy names cannot go: it is told, and what is the other's stays", async () => {
  const machine = openDrillMachine();
  const { service } = machine;
  const first = machine.start("here", withProber(machine, answering(200)));
  const plan = await first.plan(await proposalOf(first));
  const { documents = [] } = (await proposalOf(first)).testPath ?? {};
  const theirs = documents.filter(({ id }) => id.startsWith("apis/"));
  let written = false;
  service.before = (method, path) => {
    if (written || method !== "PUT" || decodeURIComponent(path) !== "apis/openai;rev=2") return;
    written = true;
    for (const { id, after } of theirs) service.world.put(id, after ?? {});
  };
  await expect(first.apply(plan)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("Left of the test calls, and without effect: backends/test-north."),
  });
  await machine.start().changes.drillStopper().recover();
  expect(theirs.map(({ id }) => service.world.get(id) !== undefined)).toEqual(theirs.map(() => true));
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
  const pathOf = async () => (await first.changes.log.list(10)).changes.find(({ changeId }) => changeId !== plan.planId);
  expect(await pathOf()).toMatchObject({ state: "applied", note: expect.stringContaining("What the test calls need still stands") });
  machine.service.world.faults.clear();
  // Its process still lives, and asks no more.
  const { paths } = await machine.start().changes.drillStopper().recover();
  expect(paths.flatMap(({ removed }) => removed)).toEqual(["apis/openai;rev=2", "backends/test-north"]);
  expect(pathsIn(machine.service.state())).toEqual([]);
  expect(await pathOf()).toMatchObject({ state: "undone" });
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
  expect(path).toMatchObject({
    state: "undone",
    summary: `Test calls to north before ${plan.planId} is written.`,
    note: "What the test calls needed has been taken away.",
  });
  await expect(first.changes.applier(never).apply(path?.changeId ?? "", plan.confirm ?? "")).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining(`holds the test calls of ${plan.planId}`),
  });
});
