import type { DocumentId } from "../gateway/documents.ts";
import type { Proposal } from "../gateway/proposal.ts";

export interface GuardResult {
  readonly name: string;
  readonly verdict: "passed" | "blocked" | "overridden";
  readonly message: string;
}

export interface DocumentDiff {
  readonly id: DocumentId;
  readonly action: "create" | "update" | "delete";
  /** Unified diff, one string. */
  readonly diff: string;
}

/** The answer of every tool that changes something: what would happen, to whom, and how to make it happen. */
export interface Plan {
  readonly status: "planned" | "unchanged" | "blocked";
  /** Only where it can be applied. The same id names the change afterwards. */
  readonly planId?: string;
  readonly confirm?: string;
  readonly service: string;
  readonly summary: string;
  readonly documents: readonly DocumentDiff[];
  readonly affected: readonly string[];
  readonly warnings: readonly string[];
  readonly guards: readonly GuardResult[];
  readonly next: string;
  /** ISO 8601, UTC. */
  readonly expiresAt?: string;
}

/** What `apply_change` did. */
export interface AppliedChange {
  readonly status: "applied";
  readonly changeId: string;
  readonly service: string;
  readonly summary: string;
  readonly documents: readonly { readonly id: DocumentId; readonly action: "create" | "update" | "delete" }[];
  readonly next: string;
}

export type ChangeState = "planned" | "expired" | "applying" | "applied" | "failed" | "rolled_back" | "undone";

/** A line of `list_changes`. */
export interface ChangeRecord {
  readonly changeId: string;
  readonly state: ChangeState;
  /** When it entered that state, ISO 8601, UTC. */
  readonly time: string;
  readonly tool: string;
  readonly caller: string;
  readonly summary: string;
  readonly documents: readonly DocumentId[];
  readonly undoes?: string;
}

/** Plans, and writes nothing: all that a `plan` tool can reach of `change/`. */
export interface Planner {
  plan(proposal: Proposal): Promise<Plan>;
  /** The undo of an applied change, planned like any other change. */
  planUndo(changeId: string, override: readonly string[]): Promise<Plan>;
}

/** Reads the journal. */
export interface ChangeLog {
  list(limit: number): Promise<{ readonly changes: readonly ChangeRecord[]; readonly leftOut: number }>;
}

/** The writer; only `write` tools hold it. */
export interface Applier {
  apply(planId: string, confirm: string): Promise<AppliedChange>;
}
