import { GatewayError } from "../errors.ts";
import { documentTitle } from "../gateway/documents.ts";
import type { Gateway, GatewayReader } from "../gateway/ports.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { carryOut } from "./carry-out.ts";
import { sameContent } from "./compare.ts";
import { actionOf, unifiedDiff } from "./diff.ts";
import type { OperatorRules } from "./guards/names.ts";
import { assertStillAllowed } from "./guards/still-allowed.ts";
import type { PlannedChange, Standing } from "./journal.ts";
import { type Recovery, recover } from "./recovery.ts";
import { askNewMembers, type ChangeWithTests, hasTestPath, leftOfTestCalls, type TestCalls } from "./test-path/ask.ts";
import type { AppliedChange, TestedMembers } from "./types.ts";
import { inDependencyOrder, type Step } from "./write.ts";

interface Applying extends Recovery {
  /** For changes that ask new members first. */
  readonly testCalls: TestCalls;
  /** The changes that this process is applying. */
  readonly running: Set<string>;
  /** What the operator of this process allows, which need not be the one that planned. */
  readonly rules: OperatorRules;
  readonly grammar: () => Promise<CSharp>;
  /** The call's cancellation; heeded up to the first write, not behind it. */
  readonly signal: AbortSignal;
}

/**
 * Carries a plan out, once: a second call answers with the outcome of the first, also where the process of the first has
 * ended half-way. Until the first write every error leaves both the service and the plan as they were; behind it a failure
 * takes back what was written and says what stands.
 */
export async function apply(applying: Applying, planId: string, confirm: string): Promise<AppliedChange> {
  const { gateway, journal, signal } = applying;
  const change = await journal.find(planId);
  if (confirm !== change.confirm) throw wrongConfirm(change);
  if (change.tests !== undefined) throw notByItself(change, change.tests.changeId);
  const { standing, interruption } = await recover(applying, change);
  if (interruption !== null) throw interruption;
  if (standing.state !== "planned") return outcome(change, standing, await journal.answersOf(planId));

  const steps = await allowedSteps(applying, change, gateway.reader(signal));
  if (signal.aborted) throw cancelled();
  await carryOutClaimed(applying, change, steps);
  return outcome(change, await journal.standing(change), await journal.answersOf(planId));
}

/** The change's steps on the service as it is now, judged on it once more. */
async function allowedSteps({ rules, grammar }: Applying, change: PlannedChange, reader: GatewayReader): Promise<readonly Step[]> {
  const steps = inDependencyOrder(await currentSteps(change, reader));
  await assertStillAllowed(change, rules, reader, grammar);
  return steps;
}

/** Claims the plan and carries it out; does nothing where someone else has claimed it. */
async function carryOutClaimed(applying: Applying, change: PlannedChange, steps: readonly Step[]): Promise<void> {
  const { journal, own, running, now, signal } = applying;
  if (running.has(change.changeId)) return;
  running.add(change.changeId);
  try {
    if (!(await journal.claim(change, own))) return;
    const expired = now() >= new Date(change.expiresAt);
    if (signal.aborted || expired) {
      await journal.release(change);
      throw expired ? hasExpired(change, change.expiresAt) : cancelled();
    }
    const current = hasTestPath(change) ? await askedFirst(applying, change) : steps;
    const begun = await journal.begin(change);
    if (!(await journal.enter(change.changeId, "applying"))) return;
    await carryOut(untilTakenOver(applying, change), journal, begun, withContentOf(begun, current));
  } finally {
    running.delete(change.changeId);
  }
}

/**
 * Asks the new members, and then reads and judges again what the change is to write: that took its time. A client that goes
 * away meanwhile ends it: the path is taken away. Where it fails the plan can be applied again: nothing of it was written.
 */
async function askedFirst(applying: Applying, change: ChangeWithTests): Promise<readonly Step[]> {
  const { gateway, journal, own, testCalls, signal } = applying;
  const followed = new AbortController().signal;
  const write = async (path: PlannedChange) =>
    carryOutClaimed(applying, path, inDependencyOrder(await currentSteps(path, gateway.reader(followed))));
  try {
    const tested = await askNewMembers({ ...testCalls, gateway, journal, own, write, signal }, change);
    const steps = await allowedSteps(applying, change, gateway.reader(followed));
    await journal.tested(change.changeId, tested);
    return steps;
  } catch (error) {
    await journal.release(change);
    throw error;
  }
}

/** The steps with what the change writes, now that its times are settled. */
const withContentOf = ({ documents }: PlannedChange, steps: readonly Step[]): readonly Step[] =>
  steps.map((step) => ({ ...step, after: documents.find(({ id }) => id === step.id)?.after ?? null }));

/**
 * The gateway, whose writer stops once another process has taken this one for ended and the change over: two that write
 * the same change in opposite directions would leave it half-way.
 */
function untilTakenOver({ gateway, journal }: Applying, change: PlannedChange): Gateway {
  const requireOwn = async () => {
    if (!(await journal.isTakenOver(change))) return;
    throw new GatewayError("conflict", `Another process has taken ${change.changeId} over, because this one was silent for too long.`);
  };
  return {
    ...gateway,
    writer: {
      async put(...write) {
        await requireOwn();
        return gateway.writer.put(...write);
      },
      async delete(...write) {
        await requireOwn();
        return gateway.writer.delete(...write);
      },
    },
  };
}

/**
 * The plan's documents with their live ETags; `conflict` where one of them has other content than the plan was made on.
 * An ETag that has moved under the same content says nothing.
 */
async function currentSteps(change: PlannedChange, reader: GatewayReader): Promise<readonly Step[]> {
  const read = await Promise.all(change.documents.map(async (document) => ({ document, live: await reader.document(document.id) })));
  const moved = read.filter(({ document: { id, before }, live }) => !sameContent(id, live?.properties ?? null, before?.properties ?? null));
  if (moved.length > 0) {
    throw new GatewayError(
      "conflict",
      `Changed since it was planned: ${moved.map(({ document }) => documentTitle(document.id)).join(", ")}. Nothing was written.`,
      {
        hint: `Plan the change again (${change.tool}).`,
        details: moved.map(({ document: { id, before }, live }) =>
          unifiedDiff(
            id,
            { name: `${id} when planned`, properties: before?.properties ?? null },
            { name: `${id} now`, properties: live?.properties ?? null },
          ),
        ),
      },
    );
  }
  return read.map(({ document: { id, after }, live }) => ({ id, before: live, after }));
}

/** What a plan that is no longer open has come to; an error where that is not the applied change. */
function outcome(change: PlannedChange, { state, time, failure, undoneBy }: Standing, tested: TestedMembers | null): AppliedChange {
  const { changeId } = change;
  switch (state) {
    case "applied":
      return appliedChange(change, time, tested);
    case "undone":
      throw new GatewayError("conflict", `${changeId} was applied, and undone at ${time} by ${undoneBy}.`, {
        hint: `To have it again, undo the undo: undo_change ${JSON.stringify({ change_id: undoneBy })}.`,
      });
    case "failed":
    case "rolled_back":
      throw new GatewayError(failure?.code ?? "internal", failure?.message ?? `${changeId} ended as ${state}.`, failure);
    case "expired":
      throw hasExpired(change, time);
    case "planned":
    case "claimed":
    case "applying":
      throw new GatewayError("conflict", `${changeId} is being applied since ${time}.`, {
        hint: "Call apply_change again for its outcome; nothing is written twice.",
        retryable: true,
      });
  }
}

function appliedChange(change: PlannedChange, accepted: string, tested: TestedMembers | null): AppliedChange {
  const { changeId, service, summary, documents, showEffect, manualSteps, drill } = change;
  const takeBack = `To take it back: undo_change ${JSON.stringify({ change_id: changeId })}`;
  return {
    status: "applied",
    changeId,
    service,
    summary,
    documents: documents.map(({ id, before, after }) => ({ id, action: actionOf(before, after) })),
    accepted,
    effective: effectiveText(tested),
    ...(manualSteps === undefined ? {} : { manualSteps }),
    ...(drill === undefined ? {} : { drillId: changeId }),
    next: [
      drill !== undefined ? drillCalls(changeId) : showEffect === undefined ? takeBack : `To see the effect: ${showEffect}. ${takeBack}`,
      ...leftText(tested),
    ].join(". "),
  };
}

function effectiveText(tested: TestedMembers | null): string {
  if (tested === null) return "unknown";
  const seen = tested.answers.map(
    ({ backendId, status, region, time }) =>
      `'${backendId}' answered a test call with ${status}${region === null ? "" : ` (${region})`} at ${time}`,
  );
  return `${seen.join("; ")}. Whether the gateways use it in the pool yet: unknown`;
}

const leftText = (tested: TestedMembers | null): readonly string[] =>
  tested === null || tested.left.length === 0 ? [] : [leftOfTestCalls(tested.left)];

const drillCalls = (changeId: string): string => {
  const input = JSON.stringify({ drill_id: changeId });
  return `get_drill ${input} shows how it goes; stop_drill ${input} ends it early.`;
};

const cancelled = (): GatewayError =>
  new GatewayError("cancelled", "Cancelled before the first write; nothing was written.", {
    hint: "The plan can still be applied: call apply_change again.",
    retryable: true,
  });

const hasExpired = ({ changeId, tool }: PlannedChange, time: string): GatewayError =>
  new GatewayError("not_found", `Plan ${changeId} expired at ${time}. Nothing was written.`, { hint: `Plan the change again (${tool}).` });

const notByItself = ({ changeId }: PlannedChange, of: string): GatewayError =>
  new GatewayError("invalid_input", `${changeId} holds the test calls of ${of}, and is no plan of its own.`, {
    hint: `Apply ${of}; list_changes shows it.`,
  });

const wrongConfirm = ({ changeId, confirm }: PlannedChange): GatewayError =>
  new GatewayError(
    "invalid_input",
    `confirm is not the line of plan ${changeId}. Nothing was written, and the plan can still be applied.`,
    {
      hint: `Once the user has agreed to it: apply_change ${JSON.stringify({ plan_id: changeId, confirm })}`,
    },
  );
