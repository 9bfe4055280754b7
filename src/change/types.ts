import type { ErrorCode, GatewayError } from "../errors.ts";
import type { DocumentId } from "../gateway/documents.ts";
import type { DrillPlan, DrillWindow } from "../gateway/drill.ts";
import type { Proposal } from "../gateway/proposal.ts";
import type { MemberAnswer } from "../gateway/test-path.ts";
import type { DrillState, ProbeSeen } from "../pool/drill/facts.ts";

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
  /** Where the service is: its Azure subscription and tenant. Only where the plan can be applied. */
  readonly azure?: string;
  readonly summary: string;
  readonly documents: readonly DocumentDiff[];
  readonly affected: readonly string[];
  readonly warnings: readonly string[];
  readonly guards: readonly GuardResult[];
  /** Only where there are any: what has to be done besides, and is not ours to do. */
  readonly manualSteps?: readonly string[];
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
  /** When every document had been written, and read back as it was to be: ISO 8601, UTC. */
  readonly accepted: string;
  /**
   * Whether the gateways work by it: they follow what ARM has accepted by themselves, each region in its own time. `unknown` where nobody has
   * looked; else what was seen to work before the change was written, with the time, and what of it is unknown.
   */
  readonly effective: string;
  /** As in the plan. */
  readonly manualSteps?: readonly string[];
  /** Of a failover drill, which runs from now on; the change's own id. */
  readonly drillId?: string;
  /** The calls that show the effect, and that take the change back. */
  readonly next: string;
}

/** What the test calls of a change have shown. */
export interface TestedMembers {
  readonly answers: readonly MemberAnswer[];
  /** What of the path to them was still there behind it. */
  readonly left: readonly DocumentId[];
}

/** `claimed`: being applied, before its first write. */
export type ChangeState = "planned" | "expired" | "claimed" | "applying" | "applied" | "failed" | "rolled_back" | "undone";

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
  /** Where the change was interrupted and not brought to an end: what stands, and which call finishes it. Of test calls: whether their documents stand. */
  readonly note?: string;
}

/** Plans, and writes nothing: all that a `plan` tool can reach of `change/`. */
export interface Planner {
  plan(proposal: Proposal): Promise<Plan>;
  /** The undo of an applied change, planned like any other change. */
  planUndo(changeId: string, override: readonly string[]): Promise<Plan>;
}

interface ChangeList {
  /** Newest first. */
  readonly changes: readonly ChangeRecord[];
  readonly leftOut: number;
  /** Only where there are any: in words, each change of which a record cannot be read, where that stands and what to do. */
  readonly damaged?: readonly string[];
}

/** Which changes to list: those of which all that is given holds. Names are not case-sensitive. */
export interface ChangeFilter {
  readonly state?: ChangeState | undefined;
  /** A document's id; or the name of an API, product, backend, fragment or named value among the documents, or of whom it affects. */
  readonly resource?: string | undefined;
  /** Names of one subscription that it affects: its id, its display name. */
  readonly team?: readonly string[] | undefined;
  /** Entered its state at this time or later. */
  readonly since?: Date | undefined;
}

/** A change shown whole, as its plan was, and what became of it. */
export interface ShownChange extends ChangeRecord {
  /** ISO 8601, UTC. */
  readonly planned: string;
  readonly expires: string;
  readonly confirm: string;
  readonly affected: readonly string[];
  readonly warnings: readonly string[];
  readonly guards: readonly GuardResult[];
  readonly manualSteps: readonly string[];
  readonly actions: readonly { readonly id: DocumentId; readonly action: DocumentDiff["action"] }[];
  /** Why it failed, where it did. */
  readonly failure?: string;
  readonly undoneBy?: string;
  /** What happens to its documents: see `documentPatch`. */
  readonly patch: string;
  /** Whether keys in it are shown as marks: where one stands, the patch fits no file. */
  readonly hidesKeys: boolean;
}

/** Reads the journal: the changes of this caller on this service. */
export interface ChangeLog {
  list(limit: number, filter?: ChangeFilter): Promise<ChangeList>;
  /** `not_found` where there is no such plan or change. */
  show(changeId: string): Promise<ShownChange>;
}

/** The writer; only `write` tools hold it. */
export interface Applier {
  apply(planId: string, confirm: string): Promise<AppliedChange>;
}

/** A document of a drill that is still there. */
export interface LeftBehind {
  readonly id: DocumentId;
  readonly why: string;
  /** Whether no clean-up will take it away: someone else has edited it. */
  readonly final: boolean;
  /** What has to be done for it to go. */
  readonly todo: string;
}

/** A drill as it is now. */
export interface ShownDrill {
  readonly drillId: string;
  readonly drill: DrillPlan;
  /** `cleaning_up`: over for the gateway; not all of it has been taken away, or nobody has done so yet. */
  readonly state: DrillState;
  /** Null before it has begun. */
  readonly window: DrillWindow | null;
  /** When it was over for the gateway; null before. */
  readonly ended: { readonly time: string; readonly stopped: boolean } | null;
  readonly probes: readonly ProbeSeen[];
  readonly leftBehind: readonly LeftBehind[];
  /** Whether a process that still runs, as far as can be seen from here, looks after it: makes its test calls and cleans up. */
  readonly lookedAfter: boolean;
  /** Of an answer to `stop` and `recover`: what that very call has taken away or put back. */
  readonly removed?: readonly DocumentId[];
  /** Only where it did not begin: why. */
  readonly failure?: string;
}

/** A drill that this process makes test calls for, and cleans up after. */
export interface LookedAfter {
  readonly drillId: string;
  /** When the gateway ends it, ISO 8601, UTC. */
  readonly until: string;
  /** Resolves once this process is done with it, with whether nothing of it is left. */
  readonly over: Promise<boolean>;
}

/** Reads drills, of this caller on this service, in whichever process they run. */
export interface DrillLog {
  /** `not_found` where there is no such drill. */
  show(drillId: string): Promise<ShownDrill>;
}

/** A test path that its process has not taken away. */
export interface ClosedPath {
  readonly changeId: string;
  /** What that very call has deleted. */
  readonly removed: readonly DocumentId[];
  readonly leftBehind: readonly LeftBehind[];
}

export interface Recovered {
  /** With what was taken away in `removed`. */
  readonly drills: readonly ShownDrill[];
  /** Those that a process looks after to their end: left alone, with the documents of theirs that stand. */
  readonly running: readonly { readonly drillId: string; readonly until: string; readonly documents: readonly DocumentId[] }[];
  readonly paths: readonly ClosedPath[];
}

/** Ends drills: writes nothing but the clean-up that was confirmed with their plans. */
export interface DrillStopper {
  /** `not_found` where there is no such drill; ending one that is over does its clean-up once more. */
  stop(drillId: string): Promise<ShownDrill>;
  /** Cleans up after every drill or test path that is over, or that nobody looks after any more, or whose start was cut short. Those that it has found. */
  recover(): Promise<Recovered>;
}

/** A document of a change for the audit: what it holds before and behind it, as hashes of its content; null where there is none. */
export interface AuditedDocument {
  readonly id: DocumentId;
  readonly before: string | null;
  readonly after: string | null;
}

export interface AuditedPlan {
  readonly status: Plan["status"];
  /** Null where there is nothing to apply. */
  readonly planId: string | null;
  readonly documents: readonly AuditedDocument[];
  readonly guards: readonly GuardResult[];
  /** The change that this one takes back. */
  readonly undoes: string | null;
}

export interface AuditedChange {
  readonly changeId: string;
  readonly documents: readonly AuditedDocument[];
  readonly undoes: string | null;
}

/** One write that was sent to the service, a rollback's included. */
export interface AuditedWrite {
  readonly id: DocumentId;
  /** Hash of what was sent; null for a delete. */
  readonly sent: string | null;
  /** What Azure has answered, or that it has not. */
  readonly answer: "accepted" | ErrorCode;
  /** Azure's name for the write in its own logs. */
  readonly correlationId: string | null;
}

/** Hears for the operator's audit what one call plans and writes. Never policy text, never a secret. */
export interface AuditTrail {
  planned(plan: AuditedPlan): void;
  /** A change is about to be applied, or has been before: then no write follows. */
  applying(change: AuditedChange): void;
  wrote(write: AuditedWrite): void;
}

/** Hears one piece of work that no call has asked for. */
export interface BackgroundTrail {
  readonly trail: AuditTrail;
  /** At its end; null where nothing went wrong. */
  done(failure: GatewayError | null): Promise<void>;
}
