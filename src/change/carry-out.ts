import { GatewayError } from "../errors.ts";
import { type Document, documentTitle } from "../gateway/documents.ts";
import type { Gateway } from "../gateway/ports.ts";
import type { Journal, PlannedChange, RecordedFailure } from "./journal.ts";
import { failureOf, inverse, type Step, type Written, writeDocument } from "./write.ts";

/**
 * Writes a claimed change, one document after the other, each recorded with what the service then stores. Where a write
 * or its record fails, what was written before is taken back; the error says what stands, and so does the journal.
 */
export async function carryOut(gateway: Gateway, journal: Journal, change: PlannedChange, steps: readonly Step[]): Promise<void> {
  const { done, failure } = await writeAll(gateway, journal, change, steps);
  if (failure !== null) throw await settle(gateway, journal, change, { steps, done, failure });
  // Without this mark the undone change stays undoable, and planning that again finds every document as it was before.
  if (change.undoes !== undefined) await failureOf(journal.enter(change.undoes, "undone", { undoneBy: change.changeId }));
}

interface Done {
  readonly step: Step;
  readonly stored: Document | null;
  /** What the service said against the write, although the document is as intended. */
  readonly refusal?: GatewayError | null;
}

/** A write that did not work. */
interface Failed {
  readonly step: Step;
  readonly outcome: Exclude<Written["outcome"], "applied">;
  readonly error: GatewayError;
}

/** Why a change did not get to its end; `failed` is null where every write so far worked, but not its record. */
interface Failure {
  readonly error: GatewayError;
  readonly failed: Failed | null;
}

interface Progress {
  readonly done: readonly Done[];
  readonly failure: Failure | null;
}

async function writeAll(gateway: Gateway, journal: Journal, change: PlannedChange, steps: readonly Step[]): Promise<Progress> {
  const done: Done[] = [];
  for (const step of steps) {
    const written = await writeDocument(gateway, step);
    if (written.outcome !== "applied") return { done, failure: { error: written.error, failed: { step, ...written } } };
    done.push({ step, stored: written.stored, refusal: written.refusal });
    const error = await failureOf(journal.wrote(change, step.id, written.stored, written.refusal?.message));
    if (error !== null) return { done, failure: { error, failed: null } };
  }
  const error = await failureOf(journal.enter(change.changeId, "applied"));
  return { done, failure: error === null ? null : { error, failed: null } };
}

interface Broken {
  readonly steps: readonly Step[];
  readonly done: readonly Done[];
  readonly failure: Failure;
}

/**
 * Takes back what was written, and records and reports what stands. While it is unknown whether a document was written,
 * nothing is taken back: it may refer to what was written before it.
 */
async function settle(gateway: Gateway, journal: Journal, { changeId }: PlannedChange, broken: Broken): Promise<GatewayError> {
  const { done, failure } = broken;
  const unknown = failure.failed?.outcome === "unknown";
  const rollback = unknown ? { putBack: [], left: done, stuck: null } : await takeBack(gateway, done);
  const state = done.length > 0 && rollback.putBack.length === done.length ? "rolled_back" : "failed";
  const report = failureReport(broken, rollback);
  const unrecorded = await failureOf(journal.enter(changeId, state, { failure: report }));
  const details = unrecorded === null ? report.details : [...report.details, unrecorded.message];
  return new GatewayError(report.code, report.message, { ...report, details, cause: failure.error });
}

interface Rollback {
  readonly putBack: readonly Done[];
  /** Not tried, and so still as the change wrote them. */
  readonly left: readonly Done[];
  readonly stuck: Failed | null;
}

/** Last write first. Ends at the first that cannot be taken back, because it may need those before it. */
export async function takeBack(gateway: Gateway, done: readonly Done[]): Promise<Rollback> {
  for (const [position, write] of [...done.entries()].toReversed()) {
    const stuck = await failureToPutBack(gateway, write);
    if (stuck !== null) return { putBack: done.slice(position + 1), left: done.slice(0, position), stuck };
  }
  return { putBack: done, left: [], stuck: null };
}

/** What someone else may have written is not taken back: their change may go on to need it. */
async function failureToPutBack(gateway: Gateway, { step, stored, refusal = null }: Done): Promise<Failed | null> {
  if (refusal !== null) return { step, outcome: "conflict", error: perhapsTheirs(refusal) };
  const written = await writeDocument(gateway, inverse(step, stored));
  return written.outcome === "applied" ? null : { step, ...written };
}

const perhapsTheirs = ({ message }: GatewayError): GatewayError =>
  new GatewayError(
    "conflict",
    `It is as planned, and yet the service had not taken the write: someone else may have written it. ${message}`,
  );

function failureReport({ steps, done, failure: { error, failed } }: Broken, { putBack, left, stuck }: Rollback): RecordedFailure {
  const clean = putBack.length === done.length && failed?.outcome !== "unknown";
  const message = [
    ...failureSentences(error, failed),
    ...(putBack.length > 0 ? [`Put back as before: ${titles(putBack)}.`] : []),
    ...(stuck === null ? [] : [`Not put back: ${documentTitle(stuck.step.id)}. ${sentence(stuck.error.message)}`]),
    ...(left.length > 0 ? [`Still as this change wrote it: ${titles(left)}.`] : []),
    ...(clean ? ["Nothing of this change stands."] : []),
  ];
  // Not retryable, whatever the cause: the same call would answer this failure again.
  const once = error.code === "throttled" ? "after the time that Azure asks to wait" : "once the cause is gone";
  const next = clean
    ? `This plan is used up: plan the change again ${once}.`
    : "This plan is used up. undo_change with its id takes back what still stands as it wrote it; or read these documents before you plan what is left.";
  const states = new Map<Step, string>([
    ...putBack.map(({ step }) => [step, "put back"] as const),
    ...left.map(({ step }) => [step, "written"] as const),
    ...(stuck === null ? [] : [[stuck.step, stuck.outcome === "not_applied" ? "written" : stuck.outcome] as const]),
    ...(failed === null ? [] : [[failed.step, failed.outcome.replace("_", " ")] as const]),
  ]);
  return {
    code: error.code,
    message: message.join(" "),
    ...(clean ? { clean } : {}),
    // What an unavailable service asks for, to read the document, has been done; what a busy one asks for, to call again, cannot be.
    hint: error.hint === undefined || ["unavailable", "throttled"].includes(error.code) ? next : `${error.hint} ${next}`,
    details: [...error.details, ...steps.map((step) => `${step.id}: ${states.get(step) ?? "not written"}`)],
  };
}

function failureSentences({ message }: GatewayError, failed: Failed | null): readonly string[] {
  const reason = sentence(message);
  if (failed === null) return [`The change could not be recorded: ${reason}`];
  switch (failed.outcome) {
    case "not_applied":
      return [reason, "A read shows that it was not written."];
    case "conflict":
      return [reason];
    case "unknown":
      return [reason, `Whether ${documentTitle(failed.step.id)} was written is not known.`];
  }
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const titles = (done: readonly Done[]): string => done.map(({ step }) => documentTitle(step.id)).join(", ");
