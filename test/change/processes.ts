import { openGateway } from "../../src/azure/gateway.ts";
import type { Changes, ChangesOptions } from "../../src/change/changes.ts";
import { fingerprintKey } from "../../src/change/fingerprint-key.ts";
import type { JournalStore } from "../../src/change/journal-store.ts";
import { memoryStore } from "../../src/change/memory-store.ts";
import type { AppliedChange, Plan } from "../../src/change/types.ts";
import type { Gateway } from "../../src/gateway/ports.ts";
import type { Proposal } from "../../src/gateway/proposal.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { never, openService, type Service } from "./service.ts";

/** When a process is killed: at its n-th moment from now on (a request, or a record in the journal), before or after it has its effect. */
export interface Kill {
  readonly moment: number;
  readonly effect: "before" | "after";
}

/** Stands for a process: it works on the service over its own connection, and a killed one does nothing any more. */
export interface Process {
  readonly pid: number;
  readonly gateway: Gateway;
  readonly changes: Changes;
  plan(proposal: Proposal): Promise<Plan>;
  planUndo(changeId: string): Promise<Plan>;
  apply(plan: { readonly planId?: string; readonly confirm?: string }): Promise<AppliedChange>;
  kill(): void;
  /** Lets the work run; "killed" where the process does not live to its end. */
  killedIn<T>(kill: Kill, work: () => Promise<T>): Promise<T | "killed">;
}

/** One service, one journal, and the processes that share them on one host. */
export interface Machine {
  readonly service: Service;
  readonly store: JournalStore;
  start(host?: string, more?: Partial<ChangesOptions>): Process;
}

export function openMachine(store: JournalStore = memoryStore()): Machine {
  const sandbox = createSandbox({ seed: "empty" });
  const service = openService({ sandbox });
  const alive = new Set<number>();
  let lastPid = 0;
  return {
    service,
    store,
    start(host = "here", more = {}) {
      lastPid += 1;
      alive.add(lastPid);
      return startProcess({ sandbox, service, store, alive, pid: lastPid, host, more });
    },
  };
}

interface Place {
  readonly sandbox: Sandbox;
  readonly service: Service;
  readonly store: JournalStore;
  readonly alive: Set<number>;
  readonly pid: number;
  readonly host: string;
  readonly more: Partial<ChangesOptions>;
}

function startProcess({ sandbox, service, store, alive, pid, host, more }: Place): Process {
  const { moment, killedIn, kill } = mortal(() => alive.delete(pid));
  const gateway = openGateway(
    {
      resourceId: sandboxService.resourceId,
      cloud: "public",
      accessToken: sandbox.token,
      fingerprintKey: fingerprintKey(store),
      fetch(request) {
        return moment(() => {
          service.before(request.method, new URL(request.url).pathname.replace(/^.*?\/service\/sandbox\//i, ""));
          return sandbox.fetch(request);
        });
      },
    },
    { retryDelayMs: 0, requestTimeoutMs: 600_000, wait: async () => {} },
  );
  const changes = service.open({
    ...more,
    gateway,
    store: {
      ...store,
      read: (key) => store.read(key),
      create: (key, document) => moment(() => store.create(key, document)),
      remove: (key) => moment(() => store.remove(key)),
    },
    processes: {
      own: { host, pid, started: null },
      look: (other) => (other.host !== host ? "unknown" : alive.has(other.pid) ? "running" : "ended"),
    },
  });
  return {
    pid,
    gateway,
    changes,
    plan: (proposal) => changes.planner(gateway.reader(never)).plan(proposal),
    planUndo: (changeId) => changes.planner(gateway.reader(never)).planUndo(changeId, []),
    apply: ({ planId = "", confirm = "" }) => changes.applier(never).apply(planId, confirm),
    kill,
    killedIn,
  };
}

/** Moments of a life that can end at any of them. */
function mortal(buried: () => void) {
  const forever = new Promise<never>(() => {});
  let due: Kill | null = null;
  let dead = false;
  let died = () => {};
  const kill = () => {
    dead = true;
    buried();
    died();
  };
  return {
    kill,
    async moment<T>(effect: () => Promise<T>): Promise<T> {
      if (dead) return forever;
      const last = due !== null && due.moment === 1 ? due.effect : null;
      if (due !== null) due = { ...due, moment: due.moment - 1 };
      if (last === "before") kill();
      if (last === "before") return forever;
      const answer = await effect();
      if (last === "after") kill();
      return dead ? forever : answer;
    },
    async killedIn<T>(when: Kill, work: () => Promise<T>): Promise<T | "killed"> {
      const death = new Promise<"killed">((resolve) => {
        died = () => resolve("killed");
      });
      due = when;
      const outcome = await Promise.race([work(), death]);
      due = null;
      return outcome;
    },
  };
}
