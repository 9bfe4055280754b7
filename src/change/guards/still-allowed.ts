import { GatewayError } from "../../errors.ts";
import type { DrillPlan } from "../../gateway/drill.ts";
import { type Inventory, readInventory } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import type { LimitChange, Proposal, ProposedDocument } from "../../gateway/proposal.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import { isEveryone } from "../../pool/drill/callers.ts";
import { attachedCredentials } from "../../pool/drill/rehearsal.ts";
import { limitChanges } from "../../quota/limit-changes.ts";
import type { PlannedChange } from "../journal.ts";
import type { GuardResult } from "../types.ts";
import { reachesFurther } from "./further.ts";
import { type Judged, judge } from "./index.ts";
import type { OperatorRules } from "./names.ts";
import { type JudgedService, statesIn } from "./states.ts";

/** Whether guards have to know the whole service to judge a change. */
export const judgesWhole = (
  { documents, teams }: Pick<Proposal, "documents" | "teams">,
  { protect }: Pick<OperatorRules, "protect">,
): boolean => protect.length > 0 || teams !== undefined || reachesFurther(documents);

/**
 * What guards say against a change's limits as the finder tells them, on the service that it is planned on. The tool that plans it may know
 * better, or tell them in other words: what is let through then is let through when it is applied.
 */
export function objectionsToLimits(planned: Pick<Proposal, "documents" | "teams">, service: JudgedService): readonly string[] {
  const { limits, untold } = foundLimits(planned, service);
  const { guards } = judge({ documents: [], service: null, limits }, [], { allowOverride: [], protect: [] });
  return [...blocked(guards), ...untold].map(({ message }) => message);
}

/**
 * Whether a plan may still be applied, by the process that applies it, which need not be the one that planned it, on the service as it is now,
 * which others may have changed beside the plan's documents. `guarded` otherwise; the plan can then still be applied, should that be taken back.
 *
 * - Each override in it is one that this process allows; what was overridden stays so.
 * - Every other guard passes again. Limits are the finder's, before and after the plan's own documents: so that of two plans, each of which leaves
 *   a team the other's limit, the second is refused. What validation said of a policy (`policy_invalid`) is not asked again.
 * - Nothing that this process protects is touched. Of an undo this is all.
 *
 * Costs the reads of a whole service (lists, and one for each policy) where the plan had to know it, which is all but changes of a backend's
 * own settings other than its members' priorities and weights; after test calls once more. Two processes that apply at the same moment do not see one another's writes; within a process changes take turns.
 */
export async function assertStillAllowed(
  change: PlannedChange,
  rules: OperatorRules,
  reader: GatewayReader,
  grammar: () => Promise<CSharp>,
): Promise<void> {
  const { changeId, overridden = [], undoes, limitObjections } = change;
  const refused = overridden.filter((name) => !rules.allowOverride.includes(name));
  if (refused.length > 0) {
    throw new GatewayError(
      "guarded",
      `${changeId} overrides ${refused.join(", ")}, which this server does not allow. Nothing was written.`,
      {
        hint: `The operator lists ${refused.join(", ")} in AIGW_ALLOW_OVERRIDE, or plan the change again without the override.`,
      },
    );
  }
  const planned = { documents: proposedDocuments(change), ...(change.teams === undefined ? {} : { teams: change.teams }) };
  const isAsked = undoes === undefined ? limitObjections !== undefined || judgesWhole(planned, rules) : rules.protect.length > 0;
  if (!isAsked) return;
  const [inventory, csharp] = await Promise.all([readInventory(reader), grammar()]);
  const service = { inventory, csharp };
  const { limits, untold } = limitObjections === undefined ? noLimits : foundLimits(planned, service);
  const { guards } = judge({ ...planned, ...drillNow(change.drill, inventory), limits, service }, overridden, rules);
  const objections = [...blocked(guards), ...untold.filter(({ name }) => !overridden.includes(name))];
  const held = objections.filter(
    ({ name, message }) => name === "protected" || (undoes === undefined && limitObjections?.includes(message) !== true),
  );
  if (held.length > 0) throw notAllowed(change, held);
}

function notAllowed({ tool }: PlannedChange, objections: readonly GuardResult[]): GatewayError {
  const protection = objections.filter(({ name }) => name === "protected");
  const [told, hint] =
    protection.length > 0
      ? [protection.map(({ message }) => message), "No override counts against AIGW_PROTECT; only the operator can take something off it."]
      : [
          ["The service has changed since this was planned:", ...objections.map(({ name, message }) => `${name}: ${message}`)],
          `Plan the change again (${tool}): the plan then shows what it does to the service as it is now.`,
        ];
  return new GatewayError("guarded", `${told.join(" ")} Nothing was written.`, { hint });
}

const blocked = (guards: readonly GuardResult[]): readonly GuardResult[] => guards.filter(({ verdict }) => verdict === "blocked");

const proposedDocuments = ({ documents, testPath }: PlannedChange): readonly ProposedDocument[] =>
  [...(testPath?.documents ?? []), ...documents].map(({ id, before, after }) => ({
    id,
    before: before === null ? null : { id, ...before },
    after,
  }));

/** A drill, with what guards judge of it as the service is now. */
function drillNow(drill: DrillPlan | undefined, inventory: Inventory): Pick<Judged, "drill"> {
  if (drill === undefined) return {};
  const { apiId, subscriptions, faultOrigin } = drill;
  return {
    drill: {
      ...drill,
      everyone: subscriptions === null || isEveryone(inventory, apiId, subscriptions),
      faultOrigin: faultOrigin === null ? null : { ...faultOrigin, credentials: attachedCredentials(inventory, apiId) },
    },
  };
}

interface FoundLimits {
  readonly limits: readonly LimitChange[];
  /** Why they cannot be told, as the guard says it. */
  readonly untold: readonly GuardResult[];
}

const noLimits: FoundLimits = { limits: [], untold: [] };

/** What a change does to the limits of every team; those of the teams that it names are meant, or all where it names none. */
function foundLimits({ documents, teams }: Pick<Proposal, "documents" | "teams">, service: JudgedService): FoundLimits {
  const { before, after, csharp } = statesIn(service, documents);
  try {
    const limits = limitChanges(before, after, csharp).map((limit) => ({
      ...limit,
      intended: teams === undefined || teams.some((team) => sameName(team, limit.subscriptionId)),
    }));
    return { limits, untold: [] };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "unsupported") throw error;
    return { limits: [], untold: [{ name: "limit_raise", verdict: "blocked", message: `This cannot be judged: ${error.message}` }] };
  }
}
