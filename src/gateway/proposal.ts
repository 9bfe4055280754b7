import type { Document, DocumentId, JsonObject } from "./documents.ts";
import type { DrillPlan } from "./drill.ts";
import type { TestPath } from "./test-path.ts";

/** One document of a change: what is there, and what is to be there. `null`: no document. */
export interface ProposedDocument {
  readonly id: DocumentId;
  readonly before: Document | null;
  readonly after: JsonObject | null;
}

/** A team's limit before and after, as the quota finder reads the documents; what the limit guards judge. */
export interface LimitChange {
  /** Its `subscriptionName`. */
  readonly subscriptionId: string;
  readonly kind: "tpm" | "token_quota" | "rpm" | "call_quota";
  /** Per minute, or of a quota per `period`; null where there is none that can be told. */
  readonly before: number | null;
  readonly after: number | null;
  /** Of a quota, as it is before and after. */
  readonly period?: { readonly before: string | null; readonly after: string | null };
  /** The calls that it is for, where it is not for all of the team's: `deployment gpt-4o`. */
  readonly calls?: string;
  /** What there was where `before` is null and yet each value of something had a limit: `5000 per value of header 'x-user-id'`. */
  readonly eachValue?: string;
  /** Whether the call named this team. */
  readonly intended: boolean;
  /** Where the limit comes to count by another key. */
  readonly counter?: CounterChange;
}

/** The counter keys that a team's limits of one kind lose, and those by which they count then, as they are written. */
export interface CounterChange {
  readonly before: string;
  readonly after: string;
  /** Whether all of them are known to count each subscription by itself. */
  readonly perSubscription: boolean;
}

/** Stands in `after` for the id that the change gets once it is planned. */
export const changeIdMark = "<change_id>";

/** A test path, and what is written for it: created before anything of the change is, and deleted before it, too. */
export interface ProposedTestPath extends TestPath {
  readonly documents: readonly ProposedDocument[];
}

/** An intended change, computed by a pure module from what was read. Nothing is written until it is planned and confirmed. */
export interface Proposal {
  /** The tool that asked, e.g. `update_quota`. */
  readonly tool: string;
  /** What `confirm` says behind the service's name, e.g. `growth tpm 200000 -> 100000`. One line; kept to ASCII. */
  readonly action: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly documents: readonly ProposedDocument[];
  /** Whom it concerns, by name: teams, APIs. */
  readonly affected: readonly string[];
  readonly warnings: readonly string[];
  /** What has to be done besides and is not ours to do, each with the command that does it, e.g. a role assignment. */
  readonly manualSteps?: readonly string[];
  readonly limits?: readonly LimitChange[];
  /** Ids of the subscriptions that the call names; without it the call means everyone whom its documents reach. */
  readonly teams?: readonly string[];
  /** Errors of a policy that the tool has validated; any of them blocks. */
  readonly policyErrors?: readonly string[];
  /** Names of guards that the caller asks to override. */
  readonly override: readonly string[];
  /** The call that shows the effect, named in the answer once the change is applied; may hold `changeIdMark`. */
  readonly after?: string;
  /** Set on a failover drill, which begins when the change is applied. */
  readonly drill?: DrillPlan;
  /** New members that are asked first: unless they answer, nothing of `documents` is written. */
  readonly testPath?: ProposedTestPath;
  /** Set on an undo: the change that it takes back. */
  readonly undoes?: string;
}
