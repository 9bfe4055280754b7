import { randomBytes } from "node:crypto";
import type { Gateway, GatewayReader } from "../gateway/ports.ts";
import { apply } from "./apply.ts";
import { openJournal } from "./journal.ts";
import type { JournalStore } from "./journal-store.ts";
import { plan } from "./plan.ts";
import type { Applier, ChangeLog, Planner } from "./types.ts";
import { undoOf } from "./undo.ts";

export interface ChangesOptions {
  readonly gateway: Gateway;
  readonly store: JournalStore;
  /** Who calls; plans and changes belong to their caller and service, and are unknown to every other. */
  readonly caller: string;
  readonly now: () => Date;
  /** Default: random, 80 bits. */
  readonly newId?: () => string;
  /** How long a plan can be applied, in milliseconds; default 30 minutes. */
  readonly planTtlMs?: number;
  /** Names of the guards that the operator allows to be overridden. */
  readonly allowOverride: readonly string[];
}

/** The changes of one caller on one service: planned, applied and listed. */
export interface Changes {
  /** For one call; `reader` is that call's. */
  planner(reader: GatewayReader): Planner;
  readonly log: ChangeLog;
  /** For one call; `signal` stops it up to its first write. */
  applier(signal: AbortSignal): Applier;
}

const defaultTtlMs = 30 * 60 * 1000;

export function openChanges(options: ChangesOptions): Changes {
  const { gateway, caller, now, allowOverride, newId = randomId, planTtlMs = defaultTtlMs } = options;
  const journal = openJournal(options.store, { caller, resourceId: gateway.resourceId }, now);
  const planning = { gateway, journal, caller, now, newId, planTtlMs, allowOverride };
  return {
    planner: (reader) => ({
      plan: (proposal) => plan(planning, proposal),
      planUndo: async (changeId, override) => plan(planning, await undoOf(journal, reader, changeId, override)),
    }),
    log: {
      async list(limit) {
        const changes = await journal.list();
        return { changes: changes.slice(0, limit), leftOut: Math.max(0, changes.length - limit) };
      },
    },
    applier: (signal) => ({ apply: (planId, confirm) => apply({ gateway, journal, signal }, planId, confirm) }),
  };
}

const randomId = (): string =>
  `chg-${BigInt(`0x${randomBytes(10).toString("hex")}`)
    .toString(32)
    .padStart(16, "0")}`;
