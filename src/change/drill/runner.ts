import { type DrillPlan, type DrillWindow, everyMemberFails } from "../../gateway/drill.ts";
import type { Gateway, Prober } from "../../gateway/ports.ts";
import type { ProbeSeen } from "../../pool/drill/facts.ts";
import { tripIn } from "../../pool/drill/rehearsed.ts";
import type { Journal, Owner, PlannedChange } from "../journal.ts";
import { inTurn } from "../queue.ts";
import { type CleanUp, cleanUp } from "./clean-up.ts";
import type { DrillRecords } from "./records.ts";

/** Time, as the machine or a test has it. */
export interface DrillClock {
  now(): Date;
  /** Resolves once so many milliseconds have gone by. */
  wait(milliseconds: number): Promise<void>;
}

/** What looks after drills works with. */
export interface Running {
  /** Writes to it may be heard by the trail of a call. */
  readonly gateway: Gateway;
  /** By which writes to the service take their turns. */
  readonly queue: Gateway;
  readonly journal: Journal;
  readonly records: DrillRecords;
  /** Null where no test key is configured: then only the logs tell of the drill. */
  readonly prober: Prober | null;
  readonly clock: DrillClock;
  readonly own: Owner;
}

/** A drill or test path that has begun. */
export interface Timed extends PlannedChange {
  readonly window: DrillWindow;
}

/** A drill that has begun. */
export interface Begun extends Timed {
  readonly drill: DrillPlan;
}

export const isTimed = (change: PlannedChange): change is Timed => change.window !== undefined;
export const isBegun = (change: PlannedChange): change is Begun => change.drill !== undefined && change.window !== undefined;

/**
 * Looks after a drill to its end: makes test calls, and cleans up when its time is over. Nothing depends on it: the gateway ends an evacuation
 * by itself, and no production call meets a rehearsal. This process has become its runner, with this number. Resolves, at its end, with whether nothing of it is left; never rejects.
 */
export async function lookAfter(running: Running, change: Begun, runner: number, clean: () => Promise<CleanUp>): Promise<boolean> {
  const { clock } = running;
  try {
    await probeUntilEnd(running, change, runner);
    for (const delay of cleanUpDelays) {
      const done = await clean().catch(() => null);
      if (done !== null && (done.left.length === 0 || !done.retryable)) return done.left.length === 0;
      await clock.wait(delay);
    }
  } catch {
    // Whatever is left is told by get_drill, and taken away by the next process or by recover.
  }
  return false;
}

/** In milliseconds, between one try and the next: what keeps a write from being taken is mostly over soon. */
const cleanUpDelays = [2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];

/** Takes away what a drill has written, and records what has come of it. Before its time that ends it: once nothing of it is left. */
export const endAndClean = (running: Running, change: Timed): Promise<CleanUp> =>
  // Writes of changes never interleave.
  inTurn(running.queue, () => endInTurn(running, change));

/** As `endAndClean`, for who has the turn already. */
export async function endInTurn(
  { gateway, journal, records, clock }: Pick<Running, "gateway" | "journal" | "records" | "clock">,
  change: Timed,
): Promise<CleanUp> {
  // Calls are no longer the drill's from the first write on.
  const begun = clock.now();
  const early = begun.getTime() < Date.parse(change.window.until);
  const done = await cleanUp(gateway, change, await journal.progress(change));
  const isClean = done.left.length === 0;
  if (!early || isClean) await records.ended(change.changeId, early, begun);
  if (isClean && change.tests !== undefined && (await journal.standing(change)).state === "applied")
    await journal.enter(change.changeId, "undone");
  if (isClean) await records.cleaned(change.changeId);
  return done;
}

/** Rehearsals begin closely: a breaker counts failures within its interval. */
const closely = { calls: 30, longestMs: 2_000 } as const;
const usual = { shortestMs: 1_000, longestMs: 15_000 } as const;

/** Between one test call and the next, in milliseconds. */
function pause({ mode, durationMs }: DrillPlan, calls: number): number {
  const even = Math.min(usual.longestMs, Math.max(usual.shortestMs, Math.floor(durationMs / 60)));
  return mode === "rehearse" && calls < closely.calls ? Math.min(even, closely.longestMs) : even;
}

async function probeUntilEnd(running: Running, { changeId, drill, window }: Begun, runner: number): Promise<void> {
  const { records, prober, clock } = running;
  const until = Date.parse(window.until);
  const left = () => until - clock.now().getTime();
  const usual: ProbeSeen[] = [];
  let askedAll = false;
  for (let calls = 0, recorded = 0; left() > 0; calls += 1) {
    if (prober !== null && drill.probe !== null) {
      const seen = await ask(running, drill, "usual");
      // An answer that came after the end says nothing of the drill.
      if (seen !== null && left() > 0) {
        usual.push(seen);
        await records.saw(changeId, runner, recorded++, seen);
      }
      // Not before the breaker is open: it would count these failures, too.
      if (drill.mode === "rehearse" && !askedAll && tripIn(drill, usual, until) !== null) {
        askedAll = true;
        const all = await ask(running, drill, "all_failing");
        if (all !== null && left() > 0) await records.saw(changeId, runner, recorded++, all);
      }
    }
    if (left() > 0) await clock.wait(Math.min(left(), pause(drill, calls)));
    if (await records.isEnded(changeId)) return;
  }
}

async function ask({ prober, clock }: Running, { probe }: DrillPlan, kind: ProbeSeen["kind"]): Promise<ProbeSeen | null> {
  if (prober === null || probe === null) return null;
  const answer = await prober.probe(probe, kind === "all_failing" ? { [everyMemberFails]: "all" } : {});
  return { time: clock.now().toISOString(), kind, ...answer };
}
