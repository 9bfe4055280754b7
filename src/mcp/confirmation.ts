import { type PlanOutput, planOutput } from "../tool.ts";
import type { AuditLog, CallTrail, Reply } from "./audit.ts";
import type { Ask } from "./elicitation.ts";
import { visible } from "./sanitize.ts";

/** What the operator has settled about writes. */
export interface WriteRules {
  /** Tools that write are neither shown nor run. */
  readonly readOnly: boolean;
  /** `dry_run: false` applies without a question. */
  readonly direct: boolean;
  /** Whether another process can apply this one's plans: they stand in a state directory, not in memory. */
  readonly sharedPlans: boolean;
}

/** What a call that has planned may go on with. */
interface GoingOn {
  readonly rules: WriteRules;
  readonly dryRun: boolean;
  /** Null where the user cannot be asked. */
  readonly ask: Ask | null;
  readonly signal: AbortSignal;
  readonly audit: AuditLog;
  readonly trail: CallTrail;
  /** Runs `apply_change`. */
  readonly apply: (input: { readonly plan_id: string; readonly confirm: string }) => Promise<Record<string, unknown>>;
  /** Tells the operator why a question has no answer. */
  readonly report: (reason: string) => void;
}

/** A plan that can be applied. */
type OpenPlan = PlanOutput & { readonly plan_id: string; readonly confirm: string };

/**
 * The answer of a tool that has planned, and where the call asked for it and the operator or the user says yes, the change
 * applied. `next` says what has kept the plan from being applied, and how it can be. Rejects as `apply_change` does; the
 * plan is then as `apply_change` leaves it.
 */
export async function afterPlan(output: Record<string, unknown>, going: GoingOn): Promise<Record<string, unknown>> {
  const plan = openPlan(output);
  if (plan === null) return output;
  if (going.rules.readOnly) return { ...output, next: readOnlyNext(plan, going.rules.sharedPlans) };
  if (going.dryRun) return output;
  if (going.rules.direct) return applied(output, plan, "direct", going);
  if (going.ask === null) return { ...output, next: `Not applied: this client cannot ask the user. Once they agree: ${plan.next}` };
  // Before the question: nobody says yes to what cannot be done.
  await going.audit.ready();
  const reply = await replyTo(question(plan), going.ask, going);
  if (reply === "accepted") return applied(output, plan, "elicitation", going);
  return { ...output, next: `${refusals[reply]} Nothing was written; the plan stays open. Once they agree: ${plan.next}` };
}

function openPlan(output: Record<string, unknown>): OpenPlan | null {
  const { data: plan } = planOutput.safeParse(output);
  if (plan?.status !== "planned" || plan.plan_id === undefined || plan.confirm === undefined) return null;
  return { ...plan, plan_id: plan.plan_id, confirm: plan.confirm };
}

function readOnlyNext({ next, expires_at }: OpenPlan, sharedPlans: boolean): string {
  const why = "Nothing was written: this server is read-only.";
  return sharedPlans
    ? `${why} A process on the same state directory without --read-only can apply the plan until ${expires_at}: ${next}`
    : `${why} Its plans end with it, so this one cannot be applied: start the sandbox without --read-only and plan again.`;
}

async function applied(
  output: Record<string, unknown>,
  { plan_id, confirm }: OpenPlan,
  by: "direct" | "elicitation",
  { apply, audit, trail }: GoingOn,
): Promise<Record<string, unknown>> {
  await audit.ready();
  trail.effect("write");
  trail.confirmed(by);
  const change = planOutput.shape.applied.unwrap().parse(await apply({ plan_id, confirm }));
  return { ...output, status: "applied", applied: change, confirmed_by: by, next: "The plan is applied." };
}

const refusals: Readonly<Record<Exclude<Reply, "accepted">, string>> = {
  declined: "The user declined.",
  cancelled: "The user dismissed the question.",
  unanswered: "The user was asked, and no clear answer came.",
};

/** Anything but an answer that can be understood is none. A call that was cancelled meanwhile is over. */
async function replyTo(text: string, ask: Ask, { signal, trail, report }: GoingOn): Promise<Reply> {
  try {
    const reply = await ask(text);
    trail.asked(reply);
    return reply;
  } catch (error) {
    trail.asked("unanswered");
    if (signal.aborted) throw error;
    report(error instanceof Error ? error.message : String(error));
    return "unanswered";
  }
}

const longestLine = 300;
const longestDiff = 3000;
const mostWarnings = 8;

/**
 * What the user is asked. The line that is confirmed stands first and whole; below it is what the gateway has a part in, each
 * piece in one line or, of a diff, behind the mark that every line of a diff has: no text in it can pass for ours.
 */
function question({ service, summary, confirm, documents, affected, warnings, guards }: OpenPlan): string {
  const overridden = guards
    .filter(({ verdict }) => verdict === "overridden")
    .map(({ name, message }) => `Guard ${name} overridden: ${message}`);
  const said = [...overridden, ...warnings.map((warning) => `Warning: ${warning}`)];
  const left = said.length - mostWarnings;
  return [
    `Apply this change to ${oneLine(service)}?`,
    "",
    visible(confirm),
    "",
    oneLine(summary),
    ...(affected.length > 0 ? [oneLine(`Affected: ${affected.join(", ")}`)] : []),
    ...said.slice(0, mostWarnings).map(oneLine),
    ...(left > 0 ? [`${left} more warnings stand in the plan.`] : []),
    "",
    shortenedDiff(documents.map(({ id, action, diff }) => `${action} ${oneLine(id)}\n${visible(diff)}`).join("\n")),
  ].join("\n");
}

function oneLine(text: string): string {
  const line = visible(text).replace(/\s+/g, " ").trim();
  return line.length <= longestLine ? line : `${line.slice(0, longestLine - 3)}...`;
}

/** Whole lines of a diff; says how much is left out, and how to read it. */
function shortenedDiff(diff: string): string {
  if (diff.length <= longestDiff) return diff.trimEnd();
  const kept = diff.slice(0, diff.lastIndexOf("\n", longestDiff));
  const left = diff.slice(kept.length).trimEnd().split("\n").length - 1;
  return `${kept}\n${left} more lines are not shown: decline, and the plan has them all.`;
}
