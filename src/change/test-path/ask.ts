import { GatewayError } from "../../errors.ts";
import type { DocumentId, JsonObject } from "../../gateway/documents.ts";
import type { Gateway, Prober } from "../../gateway/ports.ts";
import { type MemberAnswer, type TestedMember, testedMemberHeader, testIdMark } from "../../gateway/test-path.ts";
import { isWorking, isWorthAgain, mostTestCalls, notWorking, type Told, toldBy } from "../../pool/test-path/answers.ts";
import type { DrillRecords } from "../drill/records.ts";
import { type DrillClock, endInTurn, isTimed } from "../drill/runner.ts";
import { isTakenBack, type Journal, type Owner, type PlannedChange } from "../journal.ts";
import type { TestedMembers } from "../types.ts";

/** What test calls are made with. */
export interface TestCalls {
  readonly records: DrillRecords;
  /** Null where no test key is configured. */
  readonly prober: Prober | null;
  readonly clock: DrillClock;
  readonly newId: () => string;
}

export interface Asking extends TestCalls {
  readonly gateway: Gateway;
  readonly journal: Journal;
  readonly own: Owner;
  /** The call's cancellation: no member is asked any more, and the path is taken away. */
  readonly signal: AbortSignal;
  /** Writes a change's documents, as every change's are written; takes back what it cannot bring to its end. */
  readonly write: (path: PlannedChange) => Promise<void>;
}

export type ChangeWithTests = PlannedChange & { readonly testPath: NonNullable<PlannedChange["testPath"]> };

export const hasTestPath = (change: PlannedChange): change is ChangeWithTests => change.testPath !== undefined;

/**
 * Asks a change's new members through the path that its plan has shown, and takes the path away again, whatever they answer. The path is a
 * change of its own in the journal: what a process that ends half-way leaves of it, the clean-up of drills takes away. Rejects unless each
 * of them has answered with 2xx, and with `cancelled` where its call is: nothing of the change has been written then.
 */
export async function askNewMembers(asking: Asking, change: ChangeWithTests): Promise<TestedMembers> {
  const { prober, journal, records, own, write, signal } = asking;
  if (prober === null) {
    throw new GatewayError(
      "not_configured",
      "This change asks its new members by test calls first, and AIGW_PROBE_KEY is not set here. Nothing was written.",
      {
        hint: "Apply it from a server that has the key; or plan it again without probe.",
      },
    );
  }
  const path = pathOf(change, asking);
  // On record before it is there: nobody else may take it away while it is in use.
  await records.takeOver(path.changeId, 0, own);
  await journal.plan(path);
  const asked = await outcomeOf(async () => {
    await write(path).catch((error: unknown) => {
      throw notBegun(error);
    });
    const answers = await answersOf(asking, prober, change);
    if (signal.aborted) throw cancelled();
    return answers;
  });
  const left = await close(asking, path.changeId);
  if ("error" in asked) throw withLeft(asked.error, left);
  const tested = { answers: asked.value, left };
  await journal.tested(path.changeId, tested);
  return tested;
}

const planStays = "The plan can still be applied: call apply_change again";

/** What the writing itself says of the path holds before it is taken away: what stands then is read, and told by `withLeft`. */
function notBegun(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const first = error.cause instanceof GatewayError ? error.cause : error;
  const isTaken = first.code === "conflict";
  return new GatewayError(first.code, `The test calls could not begin, and nothing of the change was written: ${first.message}`, {
    hint: isTaken
      ? `Another test may be under way. ${planStays} once it is over; plan the change again where that stays so.`
      : [first.hint, `${planStays}.`].join(" ").trim(),
    retryable: isTaken || first.retryable,
    details: first.details,
    correlationId: first.correlationId,
    cause: first,
  });
}

const cancelled = (): GatewayError =>
  new GatewayError("cancelled", "Cancelled while new members were asked; nothing of the change was written.", {
    hint: `${planStays}.`,
    retryable: true,
  });

/** What work has come to: what it has resolved or rejected with. */
const outcomeOf = <T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> =>
  work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

function withLeft(error: unknown, left: readonly DocumentId[]): unknown {
  if (!(error instanceof GatewayError)) return error;
  const stands = left.length === 0 ? "Nothing of the test calls is left" : leftOfTestCalls(left);
  return new GatewayError(error.code, `${error.message} ${stands}.`, { ...error, cause: error });
}

/** In words. */
export const leftOfTestCalls = (left: readonly DocumentId[]): string =>
  `Left of the test calls, and without effect: ${left.join(", ")}. 'azure-ai-gateway-mcp recover' deletes what nobody has edited`;

/** The path as a change. It has no confirmation of its own: it was shown in that of the change that it is for. */
function pathOf(change: ChangeWithTests, { clock, newId }: TestCalls): PlannedChange {
  const { testPath, service, caller, resourceId, tool, confirm, expiresAt } = change;
  const names = testPath.members.map(({ backendId }) => backendId).join(", ");
  const changeId = newId();
  return {
    changeId,
    time: clock.now().toISOString(),
    expiresAt,
    caller,
    resourceId,
    service,
    tool,
    action: `test calls to ${names} for ${change.changeId}`,
    confirm,
    summary: `Test calls to ${names} before ${change.changeId} is written.`,
    affected: [],
    documents: testPath.documents.map((document) => ({ ...document, after: withId(document.after, changeId) })),
    tests: { changeId: change.changeId, durationMs: testPath.durationMs },
  };
}

/** What a document says of itself, with the path's id. */
const withId = (after: JsonObject | null, id: string): JsonObject | null =>
  after === null
    ? null
    : Object.fromEntries(
        Object.entries(after).map(([name, value]) => [name, typeof value === "string" ? value.replaceAll(testIdMark, id) : value]),
      );

const pauseMs = 4_000;

/** Time for the gateway to follow, and for a role to take effect; a client waits for the answer, mostly for a minute. In milliseconds. */
const longestMs = 25_000;

/** For one test call, in milliseconds: of one token. */
const longestCallMs = 10_000;

async function answersOf(
  asking: Asking,
  prober: Prober,
  { testPath, manualSteps = [] }: ChangeWithTests,
): Promise<readonly MemberAnswer[]> {
  const { clock, signal } = asking;
  const until = clock.now().getTime() + longestMs;
  const left = () => Math.min(longestCallMs, Math.max(1_000, until - clock.now().getTime()));
  const answers: MemberAnswer[] = [];
  for (const member of testPath.members) {
    const told = await ask(asking, until, () =>
      prober.probe(testPath.request, { [testedMemberHeader]: member.backendId }, { timeoutMs: left(), signal }).then(toldBy),
    );
    if (signal.aborted) throw cancelled();
    if (told.by !== "member" || told.status === null || !isWorking(told)) throw notWorking(member, told, stepsFor(member, manualSteps));
    answers.push({ backendId: member.backendId, status: told.status, region: told.region, time: clock.now().toISOString() });
  }
  return answers;
}

/** At least once; until it works, it would answer the same again, or the time is over. */
async function ask({ clock, signal }: Pick<Asking, "clock" | "signal">, until: number, call: () => Promise<Told>): Promise<Told> {
  for (let calls = 1; ; calls += 1) {
    const told = await call();
    const isLast = calls === mostTestCalls || clock.now().getTime() + pauseMs > until;
    if (signal.aborted || isWorking(told) || !isWorthAgain(told) || isLast) return told;
    await unlessAborted(signal, clock.wait(pauseMs));
  }
}

/** Resolves with the work, or at once where the signal is aborted. */
async function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<void>((done) => {
    stop = done;
    if (signal.aborted) done();
  });
  signal.addEventListener("abort", stop, { once: true });
  await Promise.race([work, aborted]);
  signal.removeEventListener("abort", stop);
}

/** The commands that name where the member is. */
const stepsFor = ({ url }: TestedMember, steps: readonly string[]): readonly string[] =>
  url === null ? [] : steps.filter((step) => step.includes(url));

const cleanUpDelays = [1_000, 3_000];

/** What could not be taken away now is left to a next process and to `recover`; the gateway lets no call through it any more. */
async function close(asking: Asking, pathId: string): Promise<readonly DocumentId[]> {
  const { journal, records, clock } = asking;
  const path = await journal.find(pathId);
  // It has not begun, and nothing of it was written.
  if (!isTimed(path)) return [];
  // Read back when it was put back: what has its names is someone else's.
  if (isTakenBack(await journal.standing(path))) {
    await records.ended(pathId, true, clock.now());
    return [];
  }
  // Null where the service cannot even be read.
  const end = () => endInTurn(asking, path).catch(() => null);
  let done = await end();
  for (const delay of cleanUpDelays) {
    if (done !== null && (done.left.length === 0 || !done.retryable)) break;
    await clock.wait(delay);
    done = await end();
  }
  await records.ended(pathId, true, clock.now());
  if (done === null) return path.documents.map(({ id }) => id);
  // What this process has not written, and is not as it was to write it, has never been the path's.
  const { written } = await journal.progress(path);
  return done.left.filter(({ id, final }) => !final || written.has(id)).map(({ id }) => id);
}
