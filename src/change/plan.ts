import { GatewayError } from "../errors.ts";
import { documentKind } from "../gateway/documents.ts";
import { readInventory } from "../gateway/inventory.ts";
import { redactedAnswer } from "../gateway/keys.ts";
import type { Gateway, GatewayReader } from "../gateway/ports.ts";
import { changeIdMark, type Proposal, type ProposedDocument } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { openRedaction } from "../policy/redaction.ts";
import { limitChanges } from "../quota/limit-changes.ts";
import { sameContent } from "./compare.ts";
import { documentDiff } from "./diff.ts";
import { type Judged, judge, type Verdicts, waysOut } from "./guards/index.ts";
import type { OperatorRules } from "./guards/names.ts";
import { type JudgedService, statesIn } from "./guards/states.ts";
import { judgesWhole, objectionsToLimits } from "./guards/still-allowed.ts";
import type { Journal, PlannedChange } from "./journal.ts";
import type { GuardResult, Plan } from "./types.ts";

export interface Planning {
  readonly gateway: Pick<Gateway, "name" | "resourceId">;
  readonly journal: Journal;
  /** The call's own: what its tool has read already is not read again. */
  readonly reader: GatewayReader;
  readonly caller: string;
  readonly now: () => Date;
  /** Loaded where a guard has to know the whole service. */
  readonly grammar: () => Promise<CSharp>;
  readonly newId: () => string;
  readonly planTtlMs: number;
  readonly rules: OperatorRules;
}

/**
 * Judges and stores a proposal. `unchanged` where every document already is as proposed, `blocked` where a guard speaks
 * against it; in both cases nothing is stored and there is nothing to apply.
 */
export async function plan(planning: Planning, asked: Proposal): Promise<Plan> {
  const documents = asked.documents.filter(({ id, before, after }) => !sameContent(id, before?.properties ?? null, after));
  const proposal = withoutKeysInWords(asked.undoes === undefined ? asked : await withUndoneLimits(planning, asked, documents));
  // Where everything is as asked already, nobody is asked.
  const first = documents.length === 0 ? [] : (proposal.testPath?.documents ?? []);
  const subject = await judged(planning, { ...proposal, documents: [...first, ...documents] });
  const { guards, warnings } = verdicts(planning, proposal, subject);
  const redaction = openRedaction();
  const shown = {
    service: planning.gateway.name,
    summary: proposal.summary,
    documents: [...first, ...documents].map(({ id, before, after }) => documentDiff(id, before?.properties ?? null, after, redaction)),
    affected: proposal.affected,
    warnings: [...proposal.warnings, ...warnings],
    guards,
    ...manualSteps(proposal),
  };
  const blocked = guards.filter(({ verdict }) => verdict === "blocked");
  if (blocked.length > 0) return { status: "blocked", ...shown, next: waysOut(blocked, planning.rules.allowOverride) };
  if (documents.length === 0) return { status: "unchanged", ...shown, next: "Nothing to do: the service already is as asked." };

  const change = { ...plannedChange(planning, { ...proposal, documents }, shown), ...(await judgedLimits(planning, subject, proposal)) };
  await planning.journal.plan(change);
  return {
    status: "planned",
    planId: change.changeId,
    confirm: change.confirm,
    azure: await whereItIs(planning),
    ...shown,
    next: `apply_change ${JSON.stringify({ plan_id: change.changeId, confirm: change.confirm })}`,
    expiresAt: change.expiresAt,
  };
}

/** Assumed: the service's tenant is that of its managed identity. A plan does not fail where it cannot be read. */
async function whereItIs({ gateway: { resourceId }, reader }: Planning): Promise<string> {
  const service = await reader.service().catch(() => null);
  const [, subscription = "unknown"] = /^\/subscriptions\/([^/]+)\//i.exec(resourceId) ?? [];
  return `subscription ${subscription}, tenant ${service?.tenantId ?? "unknown"}`;
}

/** On an undo what guards object to only warns: it is a state that the service has been in. What is protected stays so. */
function verdicts({ rules }: Planning, { override, undoes }: Proposal, subject: Judged): Verdicts {
  const { guards, warnings } = judge(subject, override, rules);
  if (undoes === undefined) return { guards, warnings };
  const holds = ({ name, verdict }: GuardResult) => verdict === "passed" || name === "protected";
  return {
    guards: guards.filter(holds),
    warnings: [...warnings, ...guards.filter((result) => !holds(result)).map(({ message }) => message)],
  };
}

/** The whole service is read only where a guard has to know it. */
async function judged(planning: Planning, proposal: Proposal): Promise<Judged> {
  return { ...proposal, service: judgesWhole(proposal, planning.rules) ? await wholeService(planning) : null };
}

/** What is to be remembered of limits that were judged; those of an undo block nothing. */
async function judgedLimits(
  planning: Planning,
  subject: Judged,
  { limits, undoes }: Proposal,
): Promise<Pick<PlannedChange, "limitObjections">> {
  if (limits === undefined || undoes !== undefined) return {};
  return { limitObjections: objectionsToLimits(subject, subject.service ?? (await wholeService(planning))) };
}

async function wholeService({ reader, grammar }: Planning): Promise<JudgedService> {
  const [inventory, csharp] = await Promise.all([readInventory(reader), grammar()]);
  return { inventory, csharp };
}

/** An undo with what it does to limits, for the guards to warn of. Where that cannot be told an undo stays possible, and says so. */
async function withUndoneLimits(planning: Planning, undo: Proposal, documents: readonly ProposedDocument[]): Promise<Proposal> {
  if (!documents.some(({ id }) => ["policy", "fragment", "named_value"].includes(documentKind(id)))) return undo;
  try {
    const { before, after, csharp } = statesIn(await wholeService(planning), documents);
    return { ...undo, limits: limitChanges(before, after, csharp) };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === "cancelled") throw error;
    return { ...undo, warnings: [...undo.warnings, `What this does to limits cannot be told: ${error.message}`] };
  }
}

/** What a plan says in words is stored and shown; a tool may have quoted a policy in it. */
function withoutKeysInWords(proposal: Proposal): Proposal {
  const { action, summary, warnings, policyErrors } = proposal;
  return {
    ...proposal,
    action: redactedAnswer(action),
    summary: redactedAnswer(summary),
    warnings: warnings.map(redactedAnswer),
    ...(policyErrors === undefined ? {} : { policyErrors: policyErrors.map(redactedAnswer) }),
  };
}

function plannedChange(planning: Planning, proposal: Proposal, { guards, warnings }: Pick<Plan, "guards" | "warnings">): PlannedChange {
  const time = planning.now();
  const changeId = planning.newId();
  return {
    changeId,
    time: time.toISOString(),
    expiresAt: new Date(time.getTime() + planning.planTtlMs).toISOString(),
    caller: planning.caller,
    resourceId: planning.gateway.resourceId,
    service: planning.gateway.name,
    tool: proposal.tool,
    action: proposal.action,
    // As it will be shown, because it is compared with what comes back.
    confirm: redactedAnswer(confirmLine(planning.gateway.name, proposal.action, overridden(guards))),
    summary: proposal.summary,
    affected: proposal.affected,
    warnings,
    guards,
    documents: proposal.documents.map(plannedDocument),
    ...(proposal.after === undefined ? {} : { showEffect: proposal.after.replaceAll(changeIdMark, changeId) }),
    ...manualSteps(proposal),
    ...(proposal.drill === undefined ? {} : { drill: proposal.drill }),
    ...(proposal.testPath === undefined
      ? {}
      : { testPath: { ...proposal.testPath, documents: proposal.testPath.documents.map(plannedDocument) } }),
    ...(proposal.undoes === undefined ? {} : { undoes: proposal.undoes }),
    ...(overridden(guards).length === 0 ? {} : { overridden: overridden(guards) }),
    ...(proposal.teams === undefined ? {} : { teams: proposal.teams }),
  };
}

const plannedDocument = ({ id, before, after }: ProposedDocument) => ({
  id,
  before: before === null ? null : { etag: before.etag, properties: before.properties },
  after,
});

const manualSteps = ({ manualSteps: steps = [] }: Proposal): Pick<Plan, "manualSteps"> =>
  steps.length === 0 ? {} : { manualSteps: steps };

const overridden = (guards: readonly GuardResult[]): readonly string[] =>
  guards.filter(({ verdict }) => verdict === "overridden").map(({ name }) => name);

const longestConfirm = 200;

/**
 * The line that a user approves: one line of printable ASCII, so that no name in it can hide or reorder a part of it, and
 * short enough for an approval dialog. Overrides are never cut off.
 */
export function confirmLine(service: string, action: string, overrides: readonly string[]): string {
  const suffix = overrides.length === 0 ? "" : ` [override: ${overrides.join(", ")}]`;
  const line = `${service}: ${action}`
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[^\x20-\x7e]/gu, "?");
  const room = longestConfirm - suffix.length;
  return `${line.length > room ? `${line.slice(0, room - 3)}...` : line}${suffix}`;
}
