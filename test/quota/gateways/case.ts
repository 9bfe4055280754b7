import type { WrittenGateway } from "./gateway.ts";

/** What the finder must say of one limit; what is left out may be anything. */
export interface ExpectedLimit {
  readonly kind: "tpm" | "token_quota" | "rpm" | "call_quota";
  readonly status?: "value" | "none" | "several" | "unknown";
  readonly value?: number;
  readonly values?: readonly number[];
  readonly period?: string;
  /** The document of the element that limits. */
  readonly document: string;
  readonly deployment?: string;
  readonly shared_with?: readonly string[];
  readonly may_be_shared_with?: readonly string[];
  readonly per_value_of?: string;
  readonly operations?: readonly string[];
  readonly conditional?: boolean;
  readonly editable?: boolean;
  readonly accounting?: boolean;
}

/** One call of `update_quota` and what must come of it. */
export interface Edit {
  /** `limit_id` may be without its mark: the team's limit that is listed so. */
  readonly ask: Readonly<Record<string, unknown>>;
  /** The documents that it changes. */
  readonly documents?: readonly string[];
  /** What binds the team afterwards. */
  readonly binds?: Partial<Readonly<Record<"tpm" | "rpm", number | "none" | "unknown" | "several">>>;
  /** Texts that the changed documents hold then. */
  readonly texts?: readonly string[];
  /** Guards to override; the operator allows it. */
  readonly override?: readonly string[];
  /** It must be refused so, in place of all the rest. */
  readonly refused?: RegExp;
}

/** How a team calls. */
export interface Caller {
  readonly team: string;
  /** `chat` where left out. */
  readonly api?: string;
  /** `gpt-4o` where left out. */
  readonly deployment?: string;
  /** Behind the deployment; `chat/completions` where left out. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of which the calls take one after the other. */
  readonly each?: readonly Readonly<Record<string, string>>[];
  /** The tokens in a minute that let a call through to the model until they are used up; null: no limit up to ten times `tokens` per call. */
  readonly tpm?: number | null;
  /** The calls in a minute. */
  readonly rpm?: number;
}

export interface GatewayCase {
  readonly name: string;
  readonly gateway: WrittenGateway;
  /** Of each team that is named: all of its limits, in any order. */
  readonly limits: Readonly<Record<string, readonly ExpectedLimit[]>>;
  readonly binding: Readonly<Record<string, Partial<Readonly<Record<"tpm" | "rpm", number | "none" | "unknown" | "several">>>>>;
  /** What the notes in the list say of teams. */
  readonly notes?: Readonly<Record<string, RegExp>>;
  /** Pairs of which the first's calls leave nothing to the second. */
  readonly spending?: readonly (readonly [Caller, Caller, together: boolean])[];
  /** What traffic must meet before any edit. Each caller starts on counters that are empty. */
  readonly calls?: readonly Caller[];
  /** One after another; all are undone at the end. */
  readonly edits: readonly Edit[];
  /** What traffic must meet after the edits. */
  readonly callsAfter?: readonly Caller[];
}
