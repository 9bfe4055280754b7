import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { directoryStore } from "../../src/change/directory-store.ts";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import type { Plan } from "../../src/change/types.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Clock } from "../../src/sandbox/clock.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import type { OperationShape } from "../../src/sandbox/world.ts";
import {
  isDrip,
  lostAnswer,
  operationFaults,
  type ReadFault,
  readFaults,
  refusedAlthoughWritten,
  rejection,
  resets,
  shapes,
  theVerySame,
  unreadable,
  type WriteFault,
  writeFaults,
} from "./fault-table/faults.ts";
import { type Action, fragment, namedValue, type PlannedStep, type Scenario, scenarios, write } from "./fault-table/scenarios.ts";
import { never, openService, type Service, serveService } from "./service.ts";

/*
 * What a change of three documents comes to when step k meets a fault. The rules, which know nothing of how it is done:
 *
 *   R1  Written, and it can be read: the change goes on as if nothing had happened. All stand; `applied`.
 *   R2  Not written, and it can be read: nothing of the change stands. Steps before k are taken back, last first;
 *       `failed` where there were none, else `rolled_back`. What someone else has written in its stead stays.
 *   R3  It cannot be read, or the service has not ended the write: nobody knows, so nothing more is written.
 *       Steps before k stay written; `failed`.
 *   R4  Nothing could be read before the first write: nothing happens, and the plan can still be applied.
 *
 * and for step j of a rollback, once the last step has been refused:
 *
 *   R5  Put back: the rollback goes on. `rolled_back`.
 *   R6  Not put back, or not known to be: it and the steps before it stay as they are; `failed`.
 *   R7  Written, although the service had refused the write: someone else may have written the very same, and need it.
 *       As R6, and nothing is sent.
 *
 * In every cell: each document is named with its state; each write is sent once, with the ETag that it needs; whoever
 * applies the plan again is told the same, and nothing is written.
 */

type Fate = "before" | "intended" | "foreign";
type Journaled = "planned" | "applied" | "failed" | "rolled_back";

interface Expected {
  /** By step. */
  readonly fates: readonly Fate[];
  readonly journal: Journaled;
  /** Null: applied. */
  readonly code: string | null;
  /** What the error says of each document; by step. */
  readonly said: readonly string[];
  readonly writes: readonly string[];
}

const forward = { create: "PUT", update: "PUT", delete: "DELETE" } as const;
const inverse = { create: "DELETE", update: "PUT", delete: "PUT" } as const;
const writeOf = (step: PlannedStep, methods: Readonly<Record<Action, string>>): string => `${methods[step.action]} ${step.id}`;

/** What ARM rejects is a policy where the document holds one. */
const codeOf = ({ code }: WriteFault, { id }: PlannedStep): string =>
  code !== "rejected" ? code : /^policyFragments\/|\/policy$/.test(id) ? "policy_invalid" : "invalid_input";

const byStep = <T>({ steps }: Scenario, k: number, earlier: T, at: T, later: T): readonly T[] =>
  steps.map((_, index) => (index < k ? earlier : index === k ? at : later));

function applied({ steps }: Scenario): Expected {
  return {
    fates: steps.map(() => "intended"),
    journal: "applied",
    code: null,
    said: [],
    writes: steps.map((step) => writeOf(step, forward)),
  };
}

function refused(scenario: Scenario, k: number, code: string, foreign: boolean): Expected {
  const { steps } = scenario;
  return {
    fates: byStep<Fate>(scenario, k, "before", foreign ? "foreign" : "before", "before"),
    journal: k === 0 ? "failed" : "rolled_back",
    code,
    said: byStep(scenario, k, "put back", foreign ? "conflict" : "not applied", "not written"),
    writes: [
      ...steps.slice(0, k + 1).map((step) => writeOf(step, forward)),
      ...steps
        .slice(0, k)
        .toReversed()
        .map((step) => writeOf(step, inverse)),
    ],
  };
}

function unknown(scenario: Scenario, k: number, code: string, takesEffect: boolean): Expected {
  return {
    fates: byStep<Fate>(scenario, k, "intended", takesEffect ? "intended" : "before", "before"),
    journal: "failed",
    code,
    said: byStep(scenario, k, "written", "unknown", "not written"),
    writes: scenario.steps.slice(0, k + 1).map((step) => writeOf(step, forward)),
  };
}

const afterFault = (scenario: Scenario, k: 0 | 1 | 2, fault: WriteFault): Expected =>
  fault.takesEffect ? applied(scenario) : refused(scenario, k, codeOf(fault, scenario.steps[k]), fault.outcome === null);

type Stuck = "not put back" | "unknown" | "foreign";

/** The last step was refused; step j of the rollback is stuck, those before it are not tried. */
function stuck(scenario: Scenario, j: number, code: string, why: Stuck, takesEffect: boolean): Expected {
  const { steps } = scenario;
  const last = steps.length - 1;
  const fate: Fate = why === "foreign" ? "foreign" : takesEffect ? "before" : "intended";
  const words = { "not put back": "written", unknown: "unknown", foreign: "conflict" };
  const inner = byStep<Fate>(scenario, j, "intended", fate, "before");
  return {
    fates: inner,
    journal: "failed",
    code,
    said: byStep(scenario, j, "written", words[why], "put back").with(last, "not applied"),
    writes: [
      ...steps.map((step) => writeOf(step, forward)),
      ...steps
        .slice(j, last)
        .toReversed()
        .map((step) => writeOf(step, inverse)),
    ],
  };
}

async function openDirectory(): Promise<JournalStore> {
  const directory = await mkdtemp(join(tmpdir(), "fault-table-"));
  cleanUps.push(() => rm(directory, { recursive: true }));
  return directoryStore(directory);
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Cell {
  readonly store: () => Promise<JournalStore>;
  readonly scenario: Scenario;
  /** Whether an answer drips: then time passes with each of its bytes. */
  readonly drips?: boolean;
  /** What goes wrong, from the call of `apply_change` on. */
  readonly arrange: (service: Service) => void;
}

interface Ended {
  readonly service: Service;
  readonly plan: Plan;
  readonly outcome: unknown;
  readonly again: unknown;
  readonly state: ReadonlyMap<string, object>;
  /** What the first call has written, behind so many writes that were before it. */
  readonly from: number;
  readonly writes: readonly string[];
  readonly journal: string | undefined;
}

const timeoutMs = 10_000;

/** Applies the scenario's change over HTTP, with what goes wrong, twice. */
async function run({ store, scenario, drips = false, arrange }: Cell): Promise<Ended> {
  if (drips) vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  let time = Date.UTC(2026, 10, 20, 12);
  const clock: Clock = {
    now: () => new Date(time),
    async wait(milliseconds, signal) {
      signal?.throwIfAborted();
      await vi.advanceTimersByTimeAsync(milliseconds);
    },
  };
  const service = await serveService({
    sandbox: createSandbox({ seed: "empty", clock }),
    timing: {
      retryDelayMs: 0,
      requestTimeoutMs: timeoutMs,
      wait: async (milliseconds) => {
        time += milliseconds;
      },
    },
    changes: { store: await store() },
  });
  cleanUps.push(service.close);
  write(service, scenario.before);
  const plan = await scenario.plan(service);
  expect(plan.status).toBe("planned");
  const from = service.writes().length;
  arrange(service);
  const outcome = await settled(service.apply(plan));
  const state = service.state();
  const writes = service.writes().slice(from);
  const { planId = "", confirm = "" } = plan;
  const again = await settled(service.open({}).applier(never).apply(planId, confirm));
  const { changes } = await service.changes.log.list(100);
  return { service, plan, outcome, again, state, from, writes, journal: changes.find(({ changeId }) => changeId === planId)?.state };
}

const settled = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

/** The state of a service on which these documents stand, and nothing has ever been planned. */
function stateWith({ steps, ...contents }: Scenario, fates: readonly Fate[]): ReadonlyMap<string, object> {
  const service = openService();
  write(service, contents.before);
  for (const [index, { id }] of steps.entries()) write(service, { [id]: contents[fates[index] ?? "before"][id] ?? null });
  return service.state();
}

function check(ended: Ended, scenario: Scenario, expected: Expected): void {
  const { service, plan, outcome, again, state, from, writes, journal } = ended;
  expect(writes).toEqual(expected.writes);
  expect(state).toEqual(stateWith(scenario, expected.fates));
  expect(journal).toBe(expected.journal);
  if (expected.code === null) {
    expect(outcome).toMatchObject({ status: "applied", changeId: plan.planId });
    expect(again).toEqual(outcome);
  } else {
    expect(outcome).toBeInstanceOf(GatewayError);
    expect(outcome).toMatchObject({ code: expected.code, retryable: false });
    expect(statesIn(outcome, scenario)).toEqual(expected.said);
    expect(told(again)).toEqual(told(outcome));
  }
  // The second call has written nothing.
  expect(service.state()).toEqual(state);
  expect(service.writes().slice(from)).toEqual(writes);
  guarded(service);
}

/** What the details say of each document; each is named once. */
const statesIn = (outcome: unknown, { steps }: Scenario): readonly string[] =>
  steps.map(({ id }) => {
    const lines = outcome instanceof GatewayError ? outcome.details.filter((line) => line.startsWith(`${id}: `)) : [];
    expect(lines).toHaveLength(1);
    return (lines[0] ?? "").slice(id.length + 2);
  });

function told(outcome: unknown): object {
  if (!(outcome instanceof GatewayError)) throw new Error(`no error: ${JSON.stringify(outcome)}`);
  const { code, message, hint, details } = outcome;
  return { code, message, hint, details };
}

/** No write without the ETag of what it replaces, or the demand that there is nothing yet; and none twice. */
function guarded({ world }: Service): void {
  const sent = world.requests.filter(({ method }) => method !== "GET");
  for (const { method, headers } of sent) {
    const ifMatch = headers["if-match"];
    if (ifMatch === undefined) expect([method, headers["if-none-match"]]).toEqual(["PUT", "*"]);
    else expect([headers["if-none-match"], ifMatch]).toEqual([undefined, expect.stringMatching(/^"[A-Za-z0-9+/=]+"$/)]);
  }
  expect(sent).not.toEqual([]);
  const keys = sent.map(({ method, path, headers }) => `${method} ${path} ${headers["if-match"]}`);
  expect(new Set(keys).size).toBe(keys.length);
}

/** The next write of this step, or the one that takes it back, meets the fault. */
function meet(service: Service, scenario: Scenario, { id }: PlannedStep, method: string, fault: WriteFault): void {
  if (fault.outcome !== null) service.world.faults.add({ method, path: id, outcome: fault.outcome });
  else atWrite(service, id, method, () => write(service, { [id]: scenario.foreign[id] ?? null }));
}

/** Does something once, just before this write reaches the service. */
function atWrite(service: Service, id: string, method: string, act: () => void): void {
  const before = service.before;
  service.before = (sent, path) => {
    before(sent, path);
    if (sent !== method || path !== id) return;
    service.before = before;
    act();
  };
}

/** The last step is refused, and from then on something else goes wrong. */
function whenLastIsRefused(service: Service, { steps: [, , last] }: Scenario, act: () => void): void {
  service.world.faults.add({ method: forward[last.action], path: last.id, outcome: rejection.outcome });
  atWrite(service, last.id, forward[last.action], act);
}

const spoilReads = ({ world }: Service, id: string, { outcome }: ReadFault, times: number): void =>
  world.faults.add({ method: "GET", path: id, times, outcome });

const forever = 1000;

const isLongRunning = ({ id }: PlannedStep, method: string): boolean => method === "PUT" && (id === namedValue || id === fragment);

const inMemory = scenarios.map((scenario) => ({ title: scenario.name, store: async () => memoryStore(), scenario }));
// What is recorded is the same for every scenario: one shows that the directory keeps it.
const inDirectory = scenarios.slice(0, 1).map((scenario) => ({ title: `on disk: ${scenario.name}`, store: openDirectory, scenario }));

describe.each([...inMemory, ...inDirectory])("$title", ({ store, scenario }) => {
  const { steps } = scenario;
  const [first, second, last] = steps;
  const everyStep = ([0, 1, 2] as const).map((k) => ({ k, step: steps[k], id: steps[k].id, method: forward[steps[k].action] }));

  describe.each(everyStep)("$method $id", ({ step, k, method }) => {
    test.each(writeFaults)("$name", async (fault) => {
      const arrange = (service: Service) => meet(service, scenario, step, method, fault);
      check(await run({ store, scenario, drips: isDrip(fault), arrange }), scenario, afterFault(scenario, k, fault));
    });

    test.each(readFaults)("read back: $name, and it recovers", async (fault) => {
      const arrange = (service: Service) => atWrite(service, step.id, method, () => spoilReads(service, step.id, fault, fault.passing));
      check(await run({ store, scenario, drips: isDrip(fault), arrange }), scenario, applied(scenario));
    });

    test.each(readFaults)("read back: $name, and it never recovers", async (fault) => {
      const arrange = (service: Service) => atWrite(service, step.id, method, () => spoilReads(service, step.id, fault, forever));
      check(await run({ store, scenario, drips: isDrip(fault), arrange }), scenario, unknown(scenario, k, fault.code, true));
    });

    test.each(resets)("$name, and it can never be read", async (fault) => {
      const arrange = (service: Service) => {
        meet(service, scenario, step, method, fault);
        atWrite(service, step.id, method, () => spoilReads(service, step.id, unreadable, forever));
      };
      check(await run({ store, scenario, arrange }), scenario, unknown(scenario, k, "unavailable", fault.takesEffect));
    });

    test.each(resets)("$name, and it is read at last", async (fault) => {
      const arrange = (service: Service) => {
        meet(service, scenario, step, method, fault);
        atWrite(service, step.id, method, () => spoilReads(service, step.id, unreadable, unreadable.passing));
      };
      check(await run({ store, scenario, arrange }), scenario, afterFault(scenario, k, fault));
    });

    test.each(readFaults)("read before the first write: $name", async (fault) => {
      const arrange = (service: Service) => spoilReads(service, step.id, fault, fault.tries);
      const ended = await run({ store, scenario, drips: isDrip(fault), arrange });
      expect(ended.outcome).toMatchObject({ code: fault.code });
      expect(ended.writes).toEqual([]);
      expect(ended.state).toEqual(stateWith(scenario, ["before", "before", "before"]));
      expect(ended.again).toMatchObject({ status: "applied" });
      expect(ended.service.state()).toEqual(stateWith(scenario, ["intended", "intended", "intended"]));
      guarded(ended.service);
    });
  });

  describe.each(everyStep.filter(({ step, method }) => isLongRunning(step, method)))(
    "$method $id, finished later",
    ({ step, k, method }) => {
      test.each(operationFaults)("$name", async (fault) => {
        const arrange = (service: Service) => {
          setShape(service, fault.shape);
          meet(service, scenario, step, method, fault);
        };
        check(await run({ store, scenario, arrange }), scenario, afterFault(scenario, k, fault));
      });

      test.each(shapes)("%s: polls that fail, and a write that stands", async (shape) => {
        const arrange = (service: Service) => {
          setShape(service, shape);
          const polls = shape === "async_operation" ? /\/operationresults\//i : step.id;
          atWrite(service, step.id, method, () =>
            service.world.faults.add({ method: "GET", path: polls, times: 4, outcome: unreadable.outcome }),
          );
        };
        check(await run({ store, scenario, arrange }), scenario, applied(scenario));
      });

      test.each(shapes)("%s: the answer is lost, and the write takes effect seconds later", async (shape) => {
        const arrange = (service: Service) => {
          setShape(service, shape);
          service.world.settings.operationSeconds = 5;
          meet(service, scenario, step, method, lostAnswer);
        };
        check(await run({ store, scenario, arrange }), scenario, applied(scenario));
      });

      test.each(shapes)("%s: it does not come to an end", async (shape) => {
        const arrange = (service: Service) => {
          setShape(service, shape);
          atWrite(service, step.id, method, () => {
            service.world.settings.operationSeconds = Number.MAX_SAFE_INTEGER / 1e6;
          });
        };
        check(await run({ store, scenario, arrange }), scenario, unknown(scenario, k, "unavailable", false));
      });
    },
  );

  const backwards = [second, first].map((step, index) => ({ step, j: 1 - index, id: step.id, method: inverse[step.action] }));

  describe.each(backwards)(`rollback, once ${writeOf(last, forward)} is refused: $method $id`, ({ step, j, method }) => {
    const code = codeOf(rejection, last);

    test.each(writeFaults)("$name", async (fault) => {
      const arrange = (service: Service) => whenLastIsRefused(service, scenario, () => meet(service, scenario, step, method, fault));
      const expected = fault.takesEffect
        ? refused(scenario, steps.length - 1, code, false)
        : stuck(scenario, j, code, fault.outcome === null ? "foreign" : "not put back", false);
      check(await run({ store, scenario, drips: isDrip(fault), arrange }), scenario, expected);
    });

    test.each(isLongRunning(step, method) ? operationFaults : [])("$name", async (fault) => {
      const arrange = (service: Service) => {
        setShape(service, fault.shape);
        whenLastIsRefused(service, scenario, () => meet(service, scenario, step, method, fault));
      };
      check(await run({ store, scenario, arrange }), scenario, stuck(scenario, j, code, "not put back", false));
    });

    test.each(readFaults)("read back: $name, and it recovers", async (fault) => {
      const arrange = (service: Service) =>
        whenLastIsRefused(service, scenario, () =>
          atWrite(service, step.id, method, () => spoilReads(service, step.id, fault, fault.passing)),
        );
      check(await run({ store, scenario, drips: isDrip(fault), arrange }), scenario, refused(scenario, steps.length - 1, code, false));
    });

    test("its answer was lost, when it was written", async () => {
      const arrange = (service: Service) => {
        meet(service, scenario, step, forward[step.action], lostAnswer);
        whenLastIsRefused(service, scenario, () => {});
      };
      check(await run({ store, scenario, arrange }), scenario, refused(scenario, steps.length - 1, code, false));
    });

    test.each([refusedAlthoughWritten, theVerySame])("$name, when it was written", async (fault) => {
      const arrange = (service: Service) => {
        meet(service, { ...scenario, foreign: scenario.intended }, step, forward[step.action], fault);
        whenLastIsRefused(service, scenario, () => {});
      };
      const expected = stuck(scenario, j, code, "foreign", false);
      const fates = byStep<Fate>(scenario, j, "intended", "intended", "before");
      check(await run({ store, scenario, arrange }), scenario, { ...expected, fates, writes: expected.writes.slice(0, -1) });
    });

    test.each(resets)("$name, and it can never be read", async (fault) => {
      const arrange = (service: Service) =>
        whenLastIsRefused(service, scenario, () => {
          meet(service, scenario, step, method, fault);
          atWrite(service, step.id, method, () => spoilReads(service, step.id, unreadable, forever));
        });
      check(await run({ store, scenario, arrange }), scenario, stuck(scenario, j, code, "unknown", fault.takesEffect));
    });
  });
});

function setShape({ world: { settings } }: Service, shape: OperationShape): void {
  settings.operationShapes = { policyFragments: shape, namedValues: shape };
}
