import { GatewayError } from "../errors.ts";
import { documentTitle } from "../gateway/documents.ts";
import type { Gateway, GatewayReader } from "../gateway/ports.ts";
import { carryOut } from "./carry-out.ts";
import { sameContent } from "./compare.ts";
import { actionOf, unifiedDiff } from "./diff.ts";
import type { Journal, PlannedChange, Standing } from "./journal.ts";
import type { AppliedChange } from "./types.ts";
import { inDependencyOrder, type Step } from "./write.ts";

export interface Applying {
  readonly gateway: Gateway;
  readonly journal: Journal;
  /** The call's cancellation; heeded up to the claim, not behind it. */
  readonly signal: AbortSignal;
}

/**
 * Carries a plan out, once: a second call answers with the outcome of the first. Until the plan is claimed every error
 * leaves both the service and the plan as they were; behind it a failure takes back what was written and says what stands.
 */
export async function apply({ gateway, journal, signal }: Applying, planId: string, confirm: string): Promise<AppliedChange> {
  const change = await journal.find(planId);
  if (confirm !== change.confirm) throw wrongConfirm(change);
  const standing = await journal.standing(change);
  if (standing.state !== "planned") return outcome(change, standing);

  const steps = inDependencyOrder(await currentSteps(change, gateway.reader(signal)));
  if (signal.aborted) throw new GatewayError("cancelled", "Cancelled before the first write; nothing was written.");
  if (!(await journal.enter(planId, "applying"))) return outcome(change, await journal.standing(change));

  await carryOut(gateway, journal, change, steps);
  return appliedChange(change);
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
function outcome(change: PlannedChange, { state, time, failure, undoneBy }: Standing): AppliedChange {
  const { changeId, tool } = change;
  switch (state) {
    case "applied":
      return appliedChange(change);
    case "undone":
      throw new GatewayError("conflict", `${changeId} was applied, and undone at ${time} by ${undoneBy}.`, {
        hint: `To have it again, undo the undo: undo_change ${JSON.stringify({ change_id: undoneBy })}.`,
      });
    case "failed":
    case "rolled_back":
      throw new GatewayError(failure?.code ?? "internal", failure?.message ?? `${changeId} ended as ${state}.`, failure);
    case "expired":
      throw new GatewayError("not_found", `Plan ${changeId} expired at ${time}. Nothing was written.`, {
        hint: `Plan the change again (${tool}).`,
      });
    case "applying":
    case "planned":
      throw new GatewayError("conflict", `${changeId} is being applied since ${time}.`, {
        hint: "Call apply_change again for its outcome. If it stays so, the process that applied it has ended: read the documents, then plan what is left.",
        retryable: true,
      });
  }
}

function appliedChange({ changeId, service, summary, documents, showEffect }: PlannedChange): AppliedChange {
  const takeBack = `To take it back: undo_change ${JSON.stringify({ change_id: changeId })}`;
  return {
    status: "applied",
    changeId,
    service,
    summary,
    documents: documents.map(({ id, before, after }) => ({ id, action: actionOf(before, after) })),
    next: showEffect === undefined ? takeBack : `To see the effect: ${showEffect}. ${takeBack}`,
  };
}

const wrongConfirm = ({ changeId, confirm }: PlannedChange): GatewayError =>
  new GatewayError(
    "invalid_input",
    `confirm is not the line of plan ${changeId}. Nothing was written, and the plan can still be applied.`,
    {
      hint: `Once the user has agreed to it: apply_change ${JSON.stringify({ plan_id: changeId, confirm })}`,
    },
  );
