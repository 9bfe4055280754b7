import { GatewayError } from "../../errors.ts";
import type { DocumentId } from "../../gateway/documents.ts";
import type { Gateway, Prober } from "../../gateway/ports.ts";
import { type MemberAnswer, type TestedMember, testedMemberHeader } from "../../gateway/test-path.ts";
import { isWorking, isWorthAgain, mostTestCalls, notWorking, type Told, toldBy } from "../../pool/test-path/answers.ts";
import type { DrillRecords } from "../drill/records.ts";
import { type DrillClock, endInTurn, isTimed } from "../drill/runner.ts";
import type { Journal, Owner, PlannedChange } from "../journal.ts";
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
  /** Writes a change's documents, as every change's are written; takes back what it cannot bring to its end. */
  readonly write: (path: PlannedChange) => Promise<void>;
}

export type ChangeWithTests = PlannedChange & { readonly testPath: NonNullable<PlannedChange["testPath"]> };

export const hasTestPath = (change: PlannedChange): change is ChangeWithTests => change.testPath !== undefined;

/**
 * Asks a change's new members through the path that its plan has shown, and takes the path away again, whatever they answer. The path is a
 * change of its own in the journal: what a process that ends half-way leaves of it, the clean-up of drills takes away. Rejects unless each
 * of them has answered with 2xx.
 */
export async function askNewMembers(asking: Asking, change: ChangeWithTests): Promise<TestedMembers> {
  const { prober, journal, records, own, write } = asking;
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
    await write(path);
    return answersOf(asking, prober, change);
  });
  const left = await close(asking, path.changeId);
  if ("error" in asked) throw left.length === 0 ? asked.error : withLeft(asked.error, left);
  const tested = { answers: asked.value, left };
  await journal.tested(path.changeId, tested);
  return tested;
}

/** What work has come to: what it has resolved or rejected with. */
const outcomeOf = <T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> =>
  work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

function withLeft(error: unknown, left: readonly DocumentId[]): unknown {
  if (!(error instanceof GatewayError)) return error;
  return new GatewayError(error.code, `${error.message} ${leftOfTestCalls(left)}.`, { ...error, cause: error });
}

/** In words. */
export const leftOfTestCalls = (left: readonly DocumentId[]): string =>
  `Left of the test calls, and without effect: ${left.join(", ")}. 'azure-ai-gateway-mcp recover' deletes what nobody has edited`;

/** The path as a change. It has no confirmation of its own: it was shown in that of the change that it is for. */
function pathOf(change: ChangeWithTests, { clock, newId }: TestCalls): PlannedChange {
  const { testPath, service, caller, resourceId, tool, confirm, expiresAt } = change;
  const names = testPath.members.map(({ backendId }) => backendId).join(", ");
  return {
    changeId: newId(),
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
    documents: testPath.documents,
    tests: { changeId: change.changeId, durationMs: testPath.durationMs },
  };
}

const pauseMs = 4_000;

/** Time for the gateway to follow, and for a role to take effect; a client waits for the answer. In milliseconds. */
const longestMs = (mostTestCalls - 1) * pauseMs;

async function answersOf(
  asking: Asking,
  prober: Prober,
  { testPath, manualSteps = [] }: ChangeWithTests,
): Promise<readonly MemberAnswer[]> {
  const { clock } = asking;
  const until = clock.now().getTime() + longestMs;
  const answers: MemberAnswer[] = [];
  for (const member of testPath.members) {
    const told = await ask(clock, until, () => prober.probe(testPath.request, { [testedMemberHeader]: member.backendId }).then(toldBy));
    if (told.by !== "member" || told.status === null || !isWorking(told)) throw notWorking(member, told, stepsFor(member, manualSteps));
    answers.push({ backendId: member.backendId, status: told.status, region: told.region, time: clock.now().toISOString() });
  }
  return answers;
}

/** At least once; until it works, it would answer the same again, or the time is over. */
async function ask(clock: DrillClock, until: number, call: () => Promise<Told>): Promise<Told> {
  for (let calls = 1; ; calls += 1) {
    const told = await call();
    if (isWorking(told) || !isWorthAgain(told) || calls === mostTestCalls || clock.now().getTime() + pauseMs > until) return told;
    await clock.wait(pauseMs);
  }
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
  // Null where the service cannot even be read.
  const end = () => endInTurn(asking, path).catch(() => null);
  let done = await end();
  for (const delay of cleanUpDelays) {
    if (done !== null && (done.left.length === 0 || !done.retryable)) break;
    await clock.wait(delay);
    done = await end();
  }
  await records.ended(pathId, true);
  return done === null ? path.documents.map(({ id }) => id) : done.left.map(({ id }) => id);
}
