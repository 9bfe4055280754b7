import { randomBytes } from "node:crypto";
import type { Gateway, GatewayReader, Prober } from "../gateway/ports.ts";
import type { Proposal } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { apply } from "./apply.ts";
import { auditedGateway, auditedJournal, tellPlan, unheard } from "./audited.ts";
import { type Drills, openDrills } from "./drill/drills.ts";
import { drillRecords } from "./drill/records.ts";
import type { Protected } from "./guards/names.ts";
import { type Journal, openJournal } from "./journal.ts";
import type { JournalStore } from "./journal-store.ts";
import { changeLog } from "./log.ts";
import { plan } from "./plan.ts";
import { inTurn } from "./queue.ts";
import { interruptions, type Processes, resolve } from "./recovery.ts";
import type { Applier, AuditTrail, BackgroundTrail, ChangeLog, DrillLog, DrillStopper, LookedAfter, Planner } from "./types.ts";
import { undoOf } from "./undo.ts";
import { failureOf } from "./write.ts";

export interface ChangesOptions {
  readonly gateway: Gateway;
  readonly store: JournalStore;
  /** Who calls; plans and changes belong to their caller and service, and are unknown to every other. */
  readonly caller: string;
  readonly now: () => Date;
  /** The C# grammar that policy expressions are read by; asked for where a guard needs it. */
  readonly grammar: () => Promise<CSharp>;
  /** Default: random, 80 bits. */
  readonly newId?: () => string;
  /** How long a plan can be applied, in milliseconds; default 30 minutes. */
  readonly planTtlMs?: number;
  /** Names of the guards that the operator allows to be overridden. */
  readonly allowOverride: readonly string[];
  /** What no change may touch; default: nothing. */
  readonly protect?: readonly Protected[];
  /** Who else may be at the store's changes; default: processes that cannot be seen. */
  readonly processes?: Processes;
  /** Makes the test calls of drills; default: none are made. */
  readonly prober?: Prober | null;
  /** Hears what is written without a call: the clean-up of drills. Default: nobody does. */
  readonly background?: () => BackgroundTrail;
  /** Resolves once so many milliseconds have gone by: what looks after drills waits so. Default: for ever. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** The changes of one caller on one service: planned, applied and listed. */
export interface Changes {
  /** For one call; `reader` is that call's, and so is the `trail`, by default one that nobody reads. */
  planner(reader: GatewayReader, trail?: AuditTrail): Planner;
  readonly log: ChangeLog;
  /** For one call; `signal` stops it up to its first write. */
  applier(signal: AbortSignal, trail?: AuditTrail): Applier;
  readonly drills: DrillLog;
  /** The drills that this process has begun to look after. */
  readonly lookedAfter: readonly LookedAfter[];
  /** For one call. */
  drillStopper(trail?: AuditTrail): DrillStopper;
  /** To be called once, at a start that may write: looks after the drills of processes that have ended. */
  resumeDrills(): Promise<void>;
}

const defaultTtlMs = 30 * 60 * 1000;
const sweepEveryMs = 60 * 60 * 1000;
/** Of a journal that is not shared, or with processes that this one cannot see. */
const unseen: Processes = { own: { host: "", pid: 0, started: null }, look: () => "unknown" };

export function openChanges(options: ChangesOptions): Changes {
  const {
    gateway,
    caller,
    now,
    grammar,
    allowOverride,
    protect = [],
    newId = randomId,
    planTtlMs = defaultTtlMs,
    processes = unseen,
  } = options;
  const journal = openJournal(options.store, { caller, resourceId: gateway.resourceId }, now);
  const rules = { allowOverride, protect };
  const planning = { gateway, journal, caller, now, grammar, newId, planTtlMs, rules };
  const running = new Set<string>();
  const records = drillRecords(options.store, now);
  const clock = { now, wait: options.wait ?? (() => new Promise<void>(() => {})) };
  const prober = options.prober ?? null;
  const recovery = { gateway, journal, own: { ...processes.own, instance: randomId() }, processes, running, now };
  const drills: Drills = openDrills({
    recovery,
    records,
    prober,
    background: options.background ?? (() => ({ trail: unheard, done: async () => {} })),
    clock,
  });
  const sweep = sweeper(journal, now);
  const planned = async (reader: GatewayReader, trail: AuditTrail, proposal: Proposal) => {
    const warnings = await interruptions(recovery);
    const made = await plan({ ...planning, reader }, { ...proposal, warnings: [...proposal.warnings, ...warnings] });
    tellPlan(trail, proposal, made);
    await sweep();
    return made;
  };
  return {
    planner: (reader, trail = unheard) => ({
      plan: (proposal) => planned(reader, trail, proposal),
      async planUndo(changeId, override) {
        const { interruption } = await resolve(recovery, await journal.find(changeId));
        if (interruption !== null) throw interruption;
        return planned(reader, trail, await undoOf(journal, reader, changeId, override));
      },
    }),
    log: changeLog(recovery),
    applier(signal, trail = unheard) {
      const heard = { gateway: auditedGateway(gateway, trail), journal: auditedJournal(journal, trail) };
      const applied = async (planId: string, confirm: string) => {
        const change = await apply(
          { ...recovery, ...heard, rules, grammar, signal, testCalls: { records, prober, clock, newId } },
          planId,
          confirm,
        );
        if (change.drillId !== undefined) await drills.start(change.drillId);
        return change;
      };
      // A plan that is being applied is told so at once.
      return {
        apply: (planId, confirm) => (running.has(planId) ? applied(planId, confirm) : inTurn(gateway, () => applied(planId, confirm))),
      };
    },
    drills: drills.log,
    lookedAfter: drills.lookedAfter,
    drillStopper: (trail = unheard) =>
      drills.stopper({ ...recovery, gateway: auditedGateway(gateway, trail), journal: auditedJournal(journal, trail) }),
    resumeDrills: () => drills.resume(),
  };
}

/** Sweeps at the first planning and then hourly: every plan of years has a directory to look into. */
function sweeper(journal: Journal, now: () => Date): () => Promise<void> {
  let due = 0;
  return async () => {
    if (now().getTime() < due) return;
    due = now().getTime() + sweepEveryMs;
    // The plan is made; what is left over is for the next sweep.
    await failureOf(journal.sweep());
  };
}

const randomId = (): string =>
  `chg-${BigInt(`0x${randomBytes(10).toString("hex")}`)
    .toString(32)
    .padStart(16, "0")}`;
