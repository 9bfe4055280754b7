import type { AuditedChange, AuditedPlan, AuditedWrite, AuditTrail, Effect } from "../tool.ts";
import type { Outcome } from "./result.ts";
import { visible } from "./sanitize.ts";

/** How a write came to be confirmed: by the plan's line, by the user's answer to a question, or by the operator beforehand. */
type ConfirmedBy = "apply_change" | "elicitation" | "direct";

/** What became of a question to the user. `unanswered`: no answer, or none that can be understood. */
export type Reply = "accepted" | "declined" | "cancelled" | "unanswered";

/** The program that calls, as it calls itself. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** One tool call as the operator's audit keeps it. Ids, hashes and words of ours: no input, no policy text, no secret, no message. */
export interface AuditLine {
  readonly client: ClientInfo;
  readonly caller: string;
  /** The name that was called, cut off where it is longer than a name is. */
  readonly tool: string;
  /** Null where no service was opened. */
  readonly service: string | null;
  /** `write` where the call was let write, also where that came behind its plan; null where no tool was run. */
  readonly effect: Effect | null;
  readonly plan_id: string | null;
  /** The same id, where this call has written or the plan is applied already. */
  readonly change_id: string | null;
  readonly undoes: string | null;
  /** Documents of the change with hashes of their content. */
  readonly documents: AuditedPlan["documents"];
  readonly guards: readonly { readonly name: string; readonly verdict: string }[];
  readonly asked: Reply | null;
  readonly confirmed_by: ConfirmedBy | null;
  readonly writes: readonly {
    readonly id: string;
    readonly sent: string | null;
    readonly answer: string;
    readonly correlation_id: string | null;
  }[];
  /** `ok`, `blocked` by a guard, or the code of the error. */
  readonly verdict: string;
  readonly duration_ms: number;
}

/** Where the audit's lines go. */
export interface AuditLog {
  /** Rejects with `unavailable` where a line could not be kept. Asked before a call may write. */
  ready(): Promise<void>;
  /** Never rejects: the operator is told where a line cannot be kept. */
  write(line: AuditLine): Promise<void>;
}

/** What is known of one call while it runs. */
export interface CallTrail extends AuditTrail {
  effect(effect: Effect): void;
  service(name: string): void;
  asked(reply: Reply): void;
  confirmed(by: ConfirmedBy): void;
  /** The line, once the call has come to its outcome. */
  line(call: { readonly client: ClientInfo; readonly caller: string; readonly tool: string }, outcome: Outcome): AuditLine;
}

export function openTrail(): CallTrail {
  const began = performance.now();
  let effect: Effect | null = null;
  let service: string | null = null;
  let plan: AuditedPlan | null = null;
  let change: AuditedChange | null = null;
  let asked: Reply | null = null;
  let confirmedBy: ConfirmedBy | null = null;
  const writes: AuditedWrite[] = [];
  return {
    effect(of) {
      effect = of;
    },
    service(name) {
      service = name;
    },
    planned(planned) {
      plan = planned;
    },
    applying(applying) {
      change = applying;
    },
    wrote: (write) => void writes.push(write),
    asked(reply) {
      asked = reply;
    },
    confirmed(by) {
      confirmedBy = by;
    },
    line({ client, caller, tool }, outcome) {
      const applied = change !== null && (writes.length > 0 || outcome.ok);
      return bounded({
        client: { name: client.name, version: client.version },
        caller,
        tool,
        service,
        effect,
        plan_id: change?.changeId ?? plan?.planId ?? null,
        change_id: applied ? (change?.changeId ?? null) : null,
        undoes: change?.undoes ?? plan?.undoes ?? null,
        documents: (change ?? plan)?.documents ?? [],
        guards: (plan?.guards ?? []).map(({ name, verdict }) => ({ name, verdict })),
        asked,
        confirmed_by: applied ? confirmedBy : null,
        writes: writes.map(({ id, sent, answer, correlationId }) => ({ id, sent, answer, correlation_id: correlationId })),
        verdict: verdictOf(outcome, plan),
        duration_ms: Math.round(performance.now() - began),
      });
    },
  };
}

function verdictOf(outcome: Outcome, plan: AuditedPlan | null): string {
  if (!outcome.ok) return outcome.failure.code;
  return plan?.status === "blocked" ? "blocked" : "ok";
}

/** Longer than any name or path of Azure's that stands in a line. */
const longestText = 400;

/** The line with every text in it cut and without hidden characters: some of them a caller has chosen. */
function bounded(line: AuditLine): AuditLine {
  return JSON.parse(JSON.stringify(line), (_, part) => (typeof part === "string" ? visible(part).slice(0, longestText) : part));
}
