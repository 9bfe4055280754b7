import { GatewayError } from "../../errors.ts";
import type { DocumentId } from "../../gateway/documents.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import { auditedGateway } from "../audited.ts";
import { isOpen, isTakenBack, type PlannedChange, type Standing } from "../journal.ts";
import { inTurn } from "../queue.ts";
import { type Recovery, recover as settle } from "../recovery.ts";
import type { BackgroundTrail, ClosedPath, DrillLog, DrillStopper, LeftBehind, LookedAfter, ShownDrill } from "../types.ts";
import { failureOf } from "../write.ts";
import { type CleanUp, leftBehind } from "./clean-up.ts";
import type { Course } from "./records.ts";
import { type Begun, endAndClean, isBegun, isTimed, lookAfter, type Running, type Timed } from "./runner.ts";

interface DrillsOptions extends Omit<Running, "gateway" | "queue" | "journal" | "own"> {
  readonly recovery: Recovery;
  /** For each clean-up that no call has asked for: what it writes belongs in the operator's audit, too. */
  readonly background: () => BackgroundTrail;
}

/** The drills of one caller on one service. */
export interface Drills {
  readonly log: DrillLog;
  /** Those that this process has begun to look after. */
  readonly lookedAfter: readonly LookedAfter[];
  /** Begins to look after a drill that has been applied, where nobody has yet. Resolves once that is on record. */
  start(drillId: string): Promise<void>;
  /** Looks after what a process that has ended was looking after: at a start. Resolves once what is over has been cleaned up. */
  resume(): Promise<void>;
  /** For one call; its writes go through this recovery's gateway, which its trail hears. */
  stopper(recovery: Recovery): DrillStopper;
}

export function openDrills({ recovery, background, ...options }: DrillsOptions): Drills {
  const { journal, own } = recovery;
  const { records, clock } = options;
  const lookedAfter: LookedAfter[] = [];
  const running = (of: Recovery): Running => ({ ...options, gateway: of.gateway, queue: recovery.gateway, journal, own });

  /** What no call has asked for. */
  const cleanInBackground = async (change: Timed): Promise<CleanUp> => {
    const { trail, done } = background();
    trail.applying({ changeId: change.changeId, documents: [], undoes: null });
    const cleaned = endAndClean(running({ ...recovery, gateway: auditedGateway(recovery.gateway, trail) }), change);
    await done(await failureOf(cleaned));
    return cleaned;
  };

  /** On record at once: who asks next is told that somebody looks after it. Nobody does where that cannot be recorded. */
  const look = async (change: Begun, runners: number): Promise<void> => {
    const mine = await records.takeOver(change.changeId, runners, own).catch(() => false);
    if (!mine) return;
    const over = lookAfter(running(recovery), change, runners, () => cleanInBackground(change));
    lookedAfter.push({ drillId: change.changeId, until: change.window.until, over });
  };

  const find = async (drillId: string, { journal: told }: Pick<Recovery, "journal"> = recovery): Promise<PlannedChange> => {
    const change = await told.find(drillId);
    if (change.drill !== undefined) return change;
    throw new GatewayError("not_found", `${drillId} is a change, and no drill.`, { hint: `list_changes shows it.` });
  };

  /** Whether a process that still runs looks after it. */
  const isLookedAfter = ({ runners }: Course): boolean => {
    const last = runners.at(-1)?.owner;
    if (last === undefined) return false;
    return last.instance === own.instance || recovery.processes.look(last) === "running";
  };

  const shown = async (of: Recovery, change: PlannedChange): Promise<ShownDrill> => {
    const [standing, course] = await Promise.all([journal.standing(change), records.course(change.changeId)]);
    if (standing.state === "planned") throw notBegun(change);
    const over = isOver(change, standing, course, clock.now());
    const left = over || standing.state === "failed" ? await leftNow(of.gateway.reader(new AbortController().signal), change) : [];
    return shownDrill(change, standing, course, { over, left, lookedAfter: isLookedAfter(course) });
  };

  /** Documents of a change that stand as it has written them, or as it was to. */
  const standingOf = async (of: Recovery, change: PlannedChange): Promise<readonly DocumentId[]> =>
    (await leftNow(of.gateway.reader(new AbortController().signal), change)).map(({ id }) => id);

  const leftNow = async (reader: GatewayReader, change: PlannedChange): Promise<readonly LeftBehind[]> =>
    leftBehind(reader, change, await journal.progress(change));

  /** Where a change stands that a process has left half-way, once that has been put back as far as it goes. */
  const settled = (of: Recovery, change: PlannedChange): Promise<Standing> =>
    inTurn(recovery.gateway, async () => (await settle(of, change)).standing);

  /** Drills and test paths that have begun, and of which something may be there; with what has been put back of those whose start was cut short. */
  const unfinished = async (of: Recovery): Promise<readonly Unfinished[]> => {
    const found: Unfinished[] = [];
    for (const { change, standing } of (await journal.list()).changes) {
      if (!isTimed(change)) continue;
      const course = await records.course(change.changeId);
      if (course.cleaned !== null) continue;
      const cut = isOpen(standing);
      const stood = cut ? await standingOf(of, change) : [];
      const now = cut ? await settled(of, change) : standing;
      if (!cut && isTakenBack(now)) continue;
      const { state } = now;
      const gone = cut && state !== "applied" ? new Set(await standingOf(of, change)) : new Set(stood);
      const putBack = stood.filter((id) => !gone.has(id));
      if (state === "applied" || state === "failed" || putBack.length > 0) {
        found.push({ change, course, applied: state === "applied", settled: state !== "applied" && state !== "failed", putBack });
      }
    }
    return found;
  };

  /** With what a clean-up could not take away, also while the drill still acts. */
  const ended = async (of: Recovery, change: Begun): Promise<ShownDrill> => {
    const { left, removed } = await endAndClean(running(of), change);
    return { ...(await shown(of, change)), leftBehind: left, removed };
  };

  const closed = async (of: Recovery, change: Timed, settled: boolean, putBack: readonly DocumentId[]): Promise<ClosedPath> => {
    const { left, removed } = settled ? { left: [], removed: [] } : await endAndClean(running(of), change);
    return { changeId: change.changeId, removed: [...putBack, ...removed], leftBehind: left };
  };

  return {
    lookedAfter,
    log: { show: async (drillId) => shown(recovery, await find(drillId)) },
    async start(drillId) {
      const change = await find(drillId);
      const { runners } = await records.course(drillId);
      if (isBegun(change) && runners.length === 0) await look(change, 0);
    },
    async resume() {
      for (const { change, course, applied, settled } of await unfinished(recovery)) {
        if (settled || (isLookedAfter(course) && (isBegun(change) || course.ended === null))) continue;
        if (isBegun(change) && applied && clock.now().getTime() < Date.parse(change.window.until) && course.ended === null) {
          await look(change, course.runners.length);
        } else await cleanInBackground(change);
      }
    },
    stopper: (of) => ({
      async stop(drillId) {
        const change = await find(drillId, of);
        const standing = await journal.standing(change);
        if (standing.state === "planned") throw notBegun(change);
        if (isOpen(standing) && isOpen(await settled(of, change))) throw stillBeginning(change);
        return isBegun(change) ? ended(of, change) : shown(of, change);
      },
      async recover() {
        const drills: ShownDrill[] = [];
        const paths: ClosedPath[] = [];
        const alone: { drillId: string; until: string; documents: readonly DocumentId[] }[] = [];
        for (const { change, course, settled, putBack } of await unfinished(of)) {
          const early = clock.now().getTime() < Date.parse(change.window.until);
          const isInUse = early && course.ended === null && isLookedAfter(course);
          if (!isBegun(change)) {
            // What still asks by it takes it away.
            if (settled || !isInUse) paths.push(await closed(of, change, settled, putBack));
          } else if (settled) drills.push({ ...(await shown(of, change)), removed: putBack });
          else if (isInUse) {
            alone.push({ drillId: change.changeId, until: change.window.until, documents: await standingOf(of, change) });
          } else {
            const done = await ended(of, change);
            drills.push({ ...done, removed: [...putBack, ...(done.removed ?? [])] });
          }
        }
        return { drills, running: alone, paths };
      },
    }),
  };
}

interface Unfinished {
  readonly change: Timed;
  readonly course: Course;
  readonly applied: boolean;
  /** Whether its start was cut short, and nothing of it is left now. */
  readonly settled: boolean;
  readonly putBack: readonly DocumentId[];
}

/** Whether the gateway no longer acts by it. */
function isOver({ window }: PlannedChange, { state }: Standing, { ended }: Course, now: Date): boolean {
  if (ended !== null || state === "undone") return true;
  return window !== undefined && now.getTime() >= Date.parse(window.until);
}

function shownDrill(
  change: PlannedChange,
  standing: Standing,
  course: Course,
  { over, left, lookedAfter }: { readonly over: boolean; readonly left: readonly LeftBehind[]; readonly lookedAfter: boolean },
): ShownDrill {
  const { changeId, drill, window } = change;
  if (drill === undefined) throw new Error(`no drill: ${changeId}`);
  const ended = course.ended ?? (standing.state === "undone" ? { time: standing.time, stopped: true } : null);
  return {
    drillId: changeId,
    drill,
    state: stateOf(standing, over, left),
    window: window ?? null,
    ended: ended ?? (over && window !== undefined ? { time: window.until, stopped: false } : null),
    probes: course.probes,
    leftBehind: left,
    lookedAfter,
    ...(standing.failure === undefined ? {} : { failure: standing.failure.message }),
  };
}

function stateOf({ state }: Standing, over: boolean, left: readonly LeftBehind[]): ShownDrill["state"] {
  switch (state) {
    case "planned":
    case "claimed":
    case "applying":
      return "starting";
    case "expired":
    case "failed":
    case "rolled_back":
      return "failed";
    case "applied":
    case "undone":
      if (!over) return "running";
      return left.every(({ final }) => final) ? "ended" : "cleaning_up";
  }
}

const notBegun = ({ changeId, confirm }: PlannedChange): GatewayError =>
  new GatewayError("not_found", `The drill ${changeId} is planned, and has not been started.`, {
    hint: `Once the user has agreed: apply_change ${JSON.stringify({ plan_id: changeId, confirm })}`,
  });

const stillBeginning = ({ changeId }: PlannedChange): GatewayError =>
  new GatewayError("conflict", `The drill ${changeId} is being started at this moment.`, { hint: "Try again shortly.", retryable: true });
