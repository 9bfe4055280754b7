import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "vitest";
import type { Plan } from "../../src/change/types.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { ProposedDocument } from "../../src/gateway/proposal.ts";
import { type Machine, openMachine, type Process } from "./processes.ts";
import {
  apiPolicy,
  backendProperties,
  limitPolicy,
  pool,
  poolProperties,
  productPolicy,
  rewritten,
  signingBackend,
  west,
} from "./service.ts";

/** A write that took effect: of a plan, or of someone else (`by` is null). Content as bytes; null where there is no document. */
export interface Write {
  readonly by: string | null;
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A plan, and its documents as they were stored when it was made. */
export interface Shown {
  readonly id: string;
  readonly plan: Plan;
  readonly undoes: string | null;
  readonly before: ReadonlyMap<string, string | null>;
}

/** One service, two processes with one journal, and all that has been written. */
export interface Real {
  readonly machine: Machine;
  readonly processes: [Process, Process];
  readonly plans: Shown[];
  readonly log: readonly Write[];
  /** The process of this side, anew: the old one has been killed. */
  restart(side: Side): void;
  /** Lets writes count as those of a plan; null: of someone else. */
  as<T>(author: string | null, work: () => T): T;
  bytes(path: string): string | null;
  /** Never the same twice, so that no two contents of a document are, but for what is put back. */
  number(): number;
}

export type Side = 0 | 1;
export type Kind = "limit" | "region" | "both";

export function openReal(hosts: readonly [string, string]): Real {
  const machine = openMachine();
  const { world } = machine.service;
  const author = new AsyncLocalStorage<string | null>();
  const log: Write[] = [];
  const bytes = (path: string) => {
    const found = world.get(path);
    return found === undefined ? null : JSON.stringify(found.properties);
  };
  const logged = <T>(path: string, change: () => T): T => {
    const before = bytes(path);
    const result = change();
    const after = bytes(path);
    if (before !== after) log.push({ by: author.getStore() ?? null, path, before, after });
    return result;
  };
  const { put, delete: remove } = world;
  world.put = (path, properties) => logged(path, () => put(path, properties));
  world.delete = (path) => logged(path, () => remove(path));
  const processes: [Process, Process] = [machine.start(hosts[0]), machine.start(hosts[1])];
  let last = 0;
  return {
    machine,
    processes,
    plans: [],
    log,
    restart(side) {
      processes[side] = machine.start(hosts[side]);
    },
    as: (by, work) => author.run(by, work),
    bytes,
    number: () => ++last,
  };
}

export const contents = ({ service }: Machine): ReadonlyMap<string, string> =>
  new Map([...service.state()].map(([path, properties]) => [path, JSON.stringify(properties)]));

/** What is proposed: a team's limit, a region that joins or leaves the pool (a backend, the pool, the API's route), or both. */
export async function proposed({ machine: { service } }: Real, kind: Kind, number: number): Promise<readonly ProposedDocument[]> {
  const documents: ProposedDocument[] = [];
  if (kind !== "region") documents.push(rewritten(await service.read(productPolicy), () => limitPolicy(200_000 + number)));
  if (kind !== "limit") {
    const [there, route, members] = [service.world.get(west) !== undefined, await service.read(apiPolicy), await service.read(pool)];
    documents.push(
      rewritten(route, () => apiText(there ? "east" : "pool", number)),
      { id: pool, before: members, after: poolOf(there ? ["east"] : ["east", "west"], number) },
      there
        ? { id: west, before: await service.read(west), after: null }
        : { id: west, before: null, after: signingBackend(`https://west-${number}.example`) },
    );
  }
  return documents;
}

const apiText = (backend: string, number: number): string =>
  `<policies><inbound><base /><set-backend-service backend-id="${backend}" /><set-variable name="n" value="${number}" /></inbound><backend><base /></backend></policies>`;

const poolOf = (members: readonly string[], number: number): JsonObject => ({ ...poolProperties(...members), description: `${number}` });

/** Someone else writes a document, or creates or deletes the second region: that only where no pool needs it, as Azure refuses the rest. */
export function edit(real: Real, path: string): void {
  const { world } = real.machine.service;
  const number = real.number();
  const isNeeded = JSON.stringify(world.get(pool)?.properties).includes("west");
  real.as(null, () => {
    if (path === productPolicy) world.put(path, { format: "rawxml", value: limitPolicy(300_000 + number) });
    else if (path === apiPolicy) world.put(path, { format: "rawxml", value: apiText("east", number) });
    else if (path === west && world.get(west) !== undefined && !isNeeded) world.delete(west);
    else
      world.put(path, { ...(world.get(path)?.properties ?? backendProperties("https://theirs.example")), description: `theirs ${number}` });
  });
}

export async function stateOf(process: Process, id: string): Promise<string | undefined> {
  return (await process.changes.log.list(100)).changes.find(({ changeId }) => changeId === id)?.state;
}

/** The writes of a plan that it has not put back, by document. */
function standing({ log, plans }: Real, id: string): ReadonlyMap<string, Write & { readonly at: number }> {
  const shown = plans.find((plan) => plan.id === id)?.before;
  const stands = new Map<string, Write & { readonly at: number }>();
  for (const [at, write] of log.entries()) {
    if (write.by !== id) continue;
    if (write.before === shown?.get(write.path)) stands.set(write.path, { ...write, at });
    else stands.delete(write.path);
  }
  return stands;
}

/** Only what a plan has shown or has written itself is ever replaced by it; and it writes each document once. */
export function expectNothingLost({ log, plans }: Real): void {
  const written = new Map<string, string | null>();
  for (const { by, path, before, after } of log) {
    if (by === null) continue;
    const key = `${by} on ${path}`;
    const shown = plans.find(({ id }) => id === by)?.before.get(path);
    if (before === shown) {
      expect(written.has(key), `${key}: written once`).toBe(false);
      written.set(key, after);
    } else {
      expect(before, `${key}: replaces what it has not shown`).toBe(written.get(key));
      expect(after, `${key}: puts back what was there`).toBe(shown);
    }
  }
}

/** Applies a plan. Whatever it answers, the journal and the documents must agree with it. */
export async function apply(real: Real, process: Process, { id, plan }: Shown): Promise<void> {
  const answer = await real.as(id, () => process.apply(plan).catch((error: unknown) => error));
  const state = await stateOf(process, id);
  const writes = standing(real, id);
  if (!(answer instanceof Error)) {
    expect(state).toBe("applied");
    // What it has not written itself, someone else has at the same moment: the same undo, the same deletion.
    const missing = plan.documents.filter((document) => !writes.has(document.id));
    for (const { id: what } of missing)
      expect(real.log).toContainEqual(expect.objectContaining({ path: what, by: expect.not.stringMatching(id) }));
  } else if (state === "rolled_back" || /Nothing was written|Nothing of this change stands/.test(answer.message)) {
    // What someone else has replaced since is theirs, though it may be the same again: a document that is gone, say.
    const replaced = (path: string, at: number) => real.log.some((write, later) => later > at && write.path === path);
    expect([...writes.values()].filter(({ path, at }) => !replaced(path, at))).toEqual([]);
  }
  if (state === "planned" || state === "expired") expect(real.log.some(({ by }) => by === id)).toBe(false);
  expectNothingLost(real);
}

/** Brings every change to its end: whatever was interrupted is resolved by a process that begins after all of them. */
async function settle(real: Real): Promise<Process> {
  real.machine.service.pass(60 * 60_000);
  const process = real.machine.start("here");
  for (const shown of real.plans) {
    await apply(real, process, shown);
    expect(["expired", "applied", "failed", "rolled_back", "undone"]).toContain(await stateOf(process, shown.id));
  }
  return process;
}

/** When a plan began to write what it has not put back: whatever has replaced that since came later. */
const began = (real: Real, id: string): number => Math.min(...[...standing(real, id).values()].map(({ at }) => at));

const isApplied = (state: string | undefined): boolean => state === "applied" || state === "undone";

/** The changes whose effect is there: without those that were undone, and their undos. */
function effective(real: Real, applied: readonly Shown[]): readonly Shown[] {
  const there = new Map<string, Shown>();
  const undos = new Set<string>();
  for (const shown of applied.toSorted((a, b) => began(real, a.id) - began(real, b.id))) {
    const { id, undoes } = shown;
    if (undoes === null || undos.delete(undoes)) there.set(id, shown);
    else if (there.delete(undoes)) undos.add(id);
  }
  return [...there.values()];
}

/** A deletion by another hand of just what a plan was to delete: the plan finds its work done. */
const doneByOthers = (real: Real, { id, before }: Shown): readonly Write[] =>
  real.log.filter(
    ({ by, path, before: was, after }) => by !== id && after === null && was === before.get(path) && !standing(real, id).has(path),
  );

/**
 * Takes everything back, last first: a change that is there by its undo; by hand what someone else has done, what a failure has
 * left, and what was undone with its undo, of which others may have done a part.
 */
export async function undoEverything(real: Real): Promise<number> {
  const process = await settle(real);
  const { world } = real.machine.service;
  const putBack = ({ path, before }: Pick<Write, "path" | "before">) => {
    if (before === null) world.delete(path);
    else world.put(path, JSON.parse(before));
  };
  const states = new Map(await Promise.all(real.plans.map(async ({ id }) => [id, await stateOf(process, id)] as const)));
  const written = real.plans.filter(({ id }) => standing(real, id).size > 0);
  const applied = written.filter(({ id }) => isApplied(states.get(id)));
  const there = effective(real, applied);
  const shared = there.flatMap((shown) => doneByOthers(real, shown));
  const undo = async (shown: Shown) => {
    const plan = await process.planUndo(shown.id);
    expect(plan.status).toBe("planned");
    await process.apply(plan);
    // What another plan had deleted, and taken back for itself, is not for this one to bring back.
    for (const { by, path } of doneByOthers(real, shown)) if (by !== null) putBack({ path, before: null });
  };
  const byHand = [
    ...[...real.log.entries()].flatMap(([at, write]) => (write.by === null && !shared.includes(write) ? [{ ...write, at }] : [])),
    ...written.filter((shown) => !there.includes(shown)).flatMap(({ id }) => [...standing(real, id).values()]),
  ];
  const steps = [
    ...byHand.map((write) => ({ at: write.at, run: async () => putBack(write) })),
    ...there.map((shown) => ({ at: began(real, shown.id), run: () => undo(shown) })),
  ];
  for (const { run } of steps.sort((a, b) => b.at - a.at)) await run();
  return applied.length;
}
