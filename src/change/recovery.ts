import { type ErrorCode, GatewayError } from "../errors.ts";
import { type Document, documentTitle } from "../gateway/documents.ts";
import type { Gateway } from "../gateway/ports.ts";
import { takeBack } from "./carry-out.ts";
import { holds, sameContent } from "./compare.ts";
import {
  isOpen,
  type Journal,
  type Owner,
  type PlannedChange,
  type ProcessId,
  type Progress,
  type RecordedFailure,
  type Standing,
} from "./journal.ts";
import { failureOf, inDependencyOrder, type Step } from "./write.ts";

/** The processes that share a journal, as this one sees them. */
export interface Processes {
  /** This one, as the others find it in the journal. */
  readonly own: ProcessId;
  /** Whether a process still runs; `unknown` where that cannot be seen from here. */
  look(process: ProcessId): "running" | "ended" | "unknown";
}

export interface Recovery {
  readonly gateway: Gateway;
  readonly journal: Journal;
  readonly own: Owner;
  readonly processes: Pick<Processes, "look">;
  /** The changes that this very process is applying. */
  readonly running: ReadonlySet<string>;
  readonly now: () => Date;
}

/** Where a change stands; `interruption` where its owner has ended half-way and it could not be brought to an end. */
export interface Found {
  readonly standing: Standing;
  /** Says what stands, and which call finishes it. */
  readonly interruption: GatewayError | null;
}

/**
 * Assumed: an owner that cannot be seen from here (another host, another container) has ended when it has recorded nothing
 * for this long. One write is followed up for a few minutes at most. Should it live after all, it finds itself taken over
 * before its next write.
 */
const longestSilenceMs = 15 * 60 * 1000;

/**
 * Where a change stands. One whose owner has ended is resolved against the live documents, which only reads: applied, not
 * applied, or, where both is the case, an `interruption`. Two processes at once find the same, and the first record stays.
 */
export const resolve = (recovery: Recovery, change: PlannedChange): Promise<Found> => settle(recovery, change, null);

/** As `resolve`; and what stands half-way is put back as it was before, each document only if it still is as the change wrote it. */
export const recover = (recovery: Recovery, change: PlannedChange): Promise<Found> =>
  settle(recovery, change, async (written) => {
    await recovery.journal.takeOver(change, recovery.own);
    return (await takeBack(recovery.gateway, written)).stuck?.error ?? null;
  });

/** Looks after every change that has come to no end; in words what has been found, for who plans on top of it. */
export async function interruptions(recovery: Recovery): Promise<readonly string[]> {
  const found: string[] = [];
  // One after the other: there is hardly ever more than one.
  for (const change of await recovery.journal.open()) {
    const { standing, interruption } = await resolve(recovery, change);
    if (interruption !== null) found.push(inWords(interruption));
    else if (standing.failure !== undefined) found.push(standing.failure.message);
    else if (standing.resolvedBy !== undefined) found.push(`${ended(change)} The documents show that it was applied.`);
  }
  return found;
}

/** An error as one text. */
export const inWords = ({ message, hint = "" }: { readonly message: string; readonly hint?: string | undefined }): string =>
  `${message} ${hint}`.trimEnd();

/** A document of the change with its live content. */
interface Standpoint {
  readonly step: Step;
  readonly live: Document | null;
  readonly stands: Stands;
}

/**
 * `gone` and `perhaps theirs`: as intended, but someone else may have deleted or written it. `edited`: neither as before
 * nor as written, and it may be that the change has written it; `foreign`: surely not.
 */
type Stands = "as before" | "written" | "gone" | "perhaps theirs" | "edited" | "foreign";

interface WrittenStep {
  readonly step: Step;
  readonly stored: Document | null;
}

/** Takes writes back; what has kept one of them from it. */
type PutBack = (written: readonly WrittenStep[]) => Promise<GatewayError | null>;

async function settle(recovery: Recovery, change: PlannedChange, putBack: PutBack | null): Promise<Found> {
  const { journal } = recovery;
  const standing = await journal.standing(change);
  if (!isOpen(standing)) return { standing, interruption: null };
  try {
    const progress = await journal.progress(change);
    if (!hasEnded(recovery, change, progress)) return { standing, interruption: null };
    // The owner may have recorded the end between the two looks above; from here on it records no more.
    const last = await journal.standing(change);
    if (!isOpen(last)) return { standing: last, interruption: null };
    if (last.state === "claimed") return await record(recovery, change, "failed", notBegun(change));
    return await resolved(recovery, change, progress, putBack);
  } catch (error) {
    return { standing, interruption: unknown(change, error) };
  }
}

async function resolved(recovery: Recovery, change: PlannedChange, progress: Progress, putBack: PutBack | null): Promise<Found> {
  const look = () => standpoints(recovery.gateway, change, progress);
  const first = await look();
  const undone = await undoneMeanwhile(recovery.journal, change);
  const isHalf = putBack !== null && undone === null && verdict(first, progress) === "half";
  const problem = isHalf ? await putBack(toPutBack(first)) : null;
  const found = isHalf ? await look() : first;
  switch (verdict(found, progress)) {
    case "applied":
      // An undo compares with what was recorded: of a write that was not, it is what stands now.
      for (const { step, live } of found) if (!progress.written.has(step.id)) await recovery.journal.wrote(change, step.id, live);
      return record(recovery, change, "applied");
    case "nothing":
      return record(recovery, change, isHalf || progress.written.size > 0 ? "rolled_back" : "failed", nothingStands(change, found));
    case "left":
      return record(recovery, change, "failed", leftAsItIs(change, found, problem));
    case "half":
      if (undone !== null) return record(recovery, change, "failed", leftAsItIs(change, found, undone));
      if (problem !== null && refusals.has(problem.code)) return record(recovery, change, "failed", leftAsItIs(change, found, problem));
      return { standing: await recovery.journal.standing(change), interruption: halfWay(change, found, problem) };
  }
}

/** The writes behind the last that may be someone else's: whose that is may need those before it. */
const toPutBack = (found: readonly Standpoint[]): readonly WrittenStep[] =>
  found
    .slice(found.findLastIndex(isPerhapsTheirs) + 1)
    .filter(({ stands }) => stands === "written")
    .map(({ step, live }) => ({ step, stored: live }));

const isPerhapsTheirs = ({ stands }: Standpoint): boolean => stands === "gone" || stands === "perhaps theirs";

/** Where the change is an undo, and another has undone the same: what it has written is as both wanted it, and stays. */
async function undoneMeanwhile(journal: Journal, { undoes }: PlannedChange): Promise<GatewayError | null> {
  if (undoes === undefined) return null;
  const other = await journal.undoneBy(undoes);
  return other === null ? null : new GatewayError("conflict", `${undoes} has been undone by ${other} meanwhile.`);
}

function hasEnded({ own, processes, running, now }: Recovery, { changeId }: PlannedChange, { owner, time }: Progress): boolean {
  if (owner === null) return true;
  if (owner.instance === own.instance) return !running.has(changeId);
  const seen = processes.look(owner);
  return seen === "unknown" ? now().getTime() - Date.parse(time) >= longestSilenceMs : seen === "ended";
}

/** Answers that the same write will get again. */
const refusals: ReadonlySet<ErrorCode> = new Set(["invalid_input", "policy_invalid", "unsupported"]);

/** The documents in the order in which they are written. */
async function standpoints(gateway: Gateway, change: PlannedChange, progress: Progress): Promise<readonly Standpoint[]> {
  // Not the call's: what is found out is recorded, whoever has asked for it.
  const reader = gateway.reader(new AbortController().signal);
  const steps = inDependencyOrder(
    change.documents.map(({ id, before, after }) => ({ id, before: before === null ? null : { id, ...before }, after })),
  );
  // A write is recorded before the next begins: only the first that has no record may have been written without one.
  const reached = steps.find(({ id }) => !progress.written.has(id));
  return Promise.all(
    steps.map(async (step) => {
      const live = await reader.document(step.id);
      return { step, live, stands: standOf(step, live, progress, step === reached) };
    }),
  );
}

/**
 * Assumed: a document that may have been written without a record, and holds what was intended, was written by the change;
 * that someone else has written the very same content in its stead is left out of account. Not so a document that is gone:
 * every deletion looks the same, and one that is not on record is not taken for the change's own.
 */
function standOf({ id, before, after }: Step, live: Document | null, { written, refused }: Progress, reached: boolean): Stands {
  const record = written.get(id);
  const properties = live?.properties ?? null;
  const old = before?.properties ?? null;
  if (record !== undefined && sameContent(id, properties, record?.properties ?? null)) {
    if (!refused.has(id)) return "written";
    return after === null ? "gone" : "perhaps theirs";
  }
  if (reached && holds(id, properties, after, old)) return after === null ? "gone" : "written";
  if (sameContent(id, properties, old)) return "as before";
  return record !== undefined || reached ? "edited" : "foreign";
}

/**
 * What has become of an interrupted change. It is applied too where every write is on record and none has been taken back:
 * what has been edited since is for an undo to find. Otherwise an edit keeps everything as it is, because it may rest on what
 * was written; and so does what may be someone else's with all that was written before it.
 */
function verdict(found: readonly Standpoint[], { written }: Progress): "applied" | "nothing" | "left" | "half" {
  const count = (wanted: Stands) => found.filter(({ stands }) => stands === wanted).length;
  if (found.every((point) => point.stands === "written" || isPerhapsTheirs(point))) return "applied";
  if (written.size === found.length && count("as before") === 0) return "applied";
  if (count("edited") > 0) return "left";
  if (toPutBack(found).length > 0) return "half";
  return found.some(isPerhapsTheirs) ? "left" : "nothing";
}

async function record(
  { journal, own }: Recovery,
  change: PlannedChange,
  state: "applied" | "rolled_back" | "failed",
  failure?: RecordedFailure,
): Promise<Found> {
  await journal.enter(change.changeId, state, { resolvedBy: own, ...(failure === undefined ? {} : { failure }) });
  if (state === "applied" && change.undoes !== undefined) {
    await failureOf(journal.enter(change.undoes, "undone", { undoneBy: change.changeId }));
  }
  return { standing: await journal.standing(change), interruption: null };
}

const planAgain = ({ tool }: PlannedChange): string => `This plan is used up: plan the change again (${tool}).`;

const ended = ({ changeId }: PlannedChange): string => `The process that applied ${changeId} ended before it was done.`;

const notBegun = (change: PlannedChange): RecordedFailure => ({
  code: "cancelled",
  message: `The process that was to apply ${change.changeId} ended before the first write. Nothing was written.${change.testPath === undefined ? "" : testPathText}`,
  hint: planAgain(change),
  details: [],
});

const testPathText = " What may be left of its test calls 'azure-ai-gateway-mcp recover' takes away.";

const nothingStands = (change: PlannedChange, found: readonly Standpoint[]): RecordedFailure => ({
  code: "cancelled",
  message: `${ended(change)} Nothing of this change stands.`,
  hint: planAgain(change),
  details: details(found),
});

/** Where nothing more is put back: someone has edited, written or deleted what the change was to, or `reason` is against it. */
const leftAsItIs = (change: PlannedChange, found: readonly Standpoint[], reason: GatewayError | null): RecordedFailure => ({
  code: "conflict",
  message: [
    ended(change),
    ...titled("Edited by someone else since, and so left as it is", found, "edited"),
    ...perhapsTheirs(found),
    ...(reason === null ? [] : [`Not put back: ${reason.message}`]),
    ...titled("Still as this change wrote it", found, "written"),
    ...titled("As before", found, "as before"),
    ...titled("Edited by someone else", found, "foreign"),
  ].join(" "),
  hint: "This plan is used up. undo_change with its id takes back what still stands as it wrote it; or read these documents before you plan what is left.",
  details: details(found),
});

function halfWay(change: PlannedChange, found: readonly Standpoint[], problem: GatewayError | null): GatewayError {
  const message = [
    ended(change),
    ...perhapsTheirs(found),
    ...titled("As this change wrote it", found, "written"),
    ...titled("As before", found, "as before"),
    ...titled("Edited by someone else", found, "foreign"),
    ...(problem === null ? [] : [`Not put back: ${problem.message}`]),
  ];
  return new GatewayError("conflict", message.join(" "), {
    hint: `To put back what it has written: ${callOf(change)}. It writes nothing else.`,
    details: details(found),
    retryable: true,
    ...(problem === null ? {} : { cause: problem }),
  });
}

const unknown = (change: PlannedChange, error: unknown): GatewayError =>
  new GatewayError(
    "unavailable",
    `${change.changeId} has come to no end, and what stands of it could not be found out: ${error instanceof Error ? error.message : String(error)}`,
    { hint: `Once that is mended: ${callOf(change)}.`, retryable: true, cause: error },
  );

const callOf = ({ changeId, confirm }: PlannedChange): string => `apply_change ${JSON.stringify({ plan_id: changeId, confirm })}`;

const perhapsTheirs = (found: readonly Standpoint[]): readonly string[] => [
  ...titled("Gone, perhaps deleted by someone else, and so not brought back", found, "gone"),
  ...titled("As planned, perhaps written by someone else, and so not put back", found, "perhaps theirs"),
];

function titled(label: string, found: readonly Standpoint[], wanted: Stands): readonly string[] {
  const titles = found.filter(({ stands }) => stands === wanted).map(({ step }) => documentTitle(step.id));
  return titles.length === 0 ? [] : [`${label}: ${titles.join(", ")}.`];
}

const details = (found: readonly Standpoint[]): readonly string[] =>
  found.map(({ step, stands }) => `${step.id}: ${standsInWords[stands]}`);

const standsInWords: Readonly<Record<Stands, string>> = {
  "as before": "as before",
  written: "written",
  gone: "gone, perhaps deleted by someone else",
  "perhaps theirs": "as planned, perhaps written by someone else",
  edited: "edited",
  foreign: "edited by someone else",
};
