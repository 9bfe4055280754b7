import type { DocumentId } from "../gateway/documents.ts";
import type { Subscription } from "../gateway/model.ts";
import type { Element } from "../policy/document.ts";
import type { Condition, Origin } from "../policy/static/values.ts";

/** `tpm`, `rpm`: per minute. `token_quota`, `call_quota`: per period. */
export type LimitKind = "tpm" | "token_quota" | "rpm" | "call_quota";

/** How much a limit lets through, as far as it can be told beforehand. */
export type LimitAmount =
  | { readonly status: "value"; readonly value: number }
  /** It limits nothing for this team, e.g. as no value is set for it. */
  | { readonly status: "none"; readonly why: string }
  /** One of these, by what each call brings along. */
  | { readonly status: "several"; readonly values: readonly number[]; readonly why: string }
  /** `why` names the place to look. */
  | { readonly status: "unknown"; readonly why: string };

/** Where the number stands that decides an amount, and how it may be changed there. */
export interface NumberSource {
  /** The policy, fragment or named value. */
  readonly document: DocumentId;
  /** From 1; of a named value 1. */
  readonly line: number;
  /** The element of a policy or fragment in which the number stands: the limit itself, or the `set-variable` that it reads. */
  readonly element: Element | null;
  /** The characters of the number; null where an expression decides it. */
  readonly origin: Origin | null;
}

/** Who else is concerned; shared by all of them, so that thousands of teams cost one set. `subscriptionName`s, and `callersWithout`. */
export type Group = ReadonlySet<string>;

/** A limit that one subscription's calls meet. */
export interface Limit {
  /** See `limitIdOf`: `products/aoai#tpm/1.k3f9`. */
  readonly limitId: string;
  readonly kind: LimitKind;
  /** Per minute for `tpm` and `rpm` (other renewal periods converted, to two decimals), else per `period`. */
  readonly amount: LimitAmount;
  /** Of an `rpm` limit with another renewal period than a minute, or of which a call counts more than once, as written. */
  readonly written?: { readonly calls: number; readonly renewalSeconds: number; readonly incrementCount?: number };
  /** Of a quota: `Monthly`, or `3600 s`. */
  readonly period?: string;
  /** Kilobytes per `period` that a quota lets through besides, as written. */
  readonly bandwidth?: string;
  /** What else must hold for the limit to apply; empty: it surely does. */
  readonly conditions: readonly Condition[];
  /** The model deployment that it is for, where it is for one. */
  readonly deployment?: string;
  /** As it is written; null where the service counts each subscription by itself. */
  readonly counterKey: string | null;
  /** Set where each subscription is surely counted by itself, those too that are created later: whatever its calls bring along, by a few counters. */
  readonly perSubscription?: true;
  /** What each call counts by besides who makes it, for people: `header 'x-user-id'`. Set where it is no limit of the team as a whole. */
  readonly perCall?: string;
  /** Everyone who surely spends from the counters that the team spends from, the team among them: their keys come to the same, whatever calls bring along. */
  readonly counterGroup: Group;
  /** Everyone who may, by what calls bring along or as it cannot be told, the team among them; left out where nobody else does. */
  readonly mayShare?: Group;
  /** Everyone for whom the same number decides, the team among them. */
  readonly numberGroup: Group;
  /** How many gateways count for themselves, each up to the amount. */
  readonly gateways: number | "unknown";
  /** The element that limits. */
  readonly document: DocumentId;
  readonly line: number;
  readonly element: Element;
  readonly number: NumberSource;
  /** `product 'aoai'`, `fragment 'limits' in API 'azure-openai'`. */
  readonly scope: string;
  /** Only of these APIs' calls; null: of all that the team may call. */
  readonly apiIds: readonly string[] | null;
  /** The operations that it is for, `chat/emb`, or `chat but emb`, beside whole APIs, `chat`; null where it is for all of its APIs' operations. */
  readonly operations: readonly string[] | null;
  /** Only of single operations that are named. */
  readonly operationsOnly: boolean;
  /** Counts what is used and is not meant to stop anyone: one counter for all, far above what any team could use. */
  readonly accounting: boolean;
  /** Whether the number can be changed for this team alone. */
  readonly editable: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** Calls that take one way: to an API, one of its operations, a deployment. */
export interface Calls {
  /** Null where the team may call none in particular. */
  readonly apiId: string | null;
  /** Null: any that no policy speaks of. */
  readonly operationId: string | null;
  /** Null: any; `*`: any that no policy names. */
  readonly deployment: string | null;
}

/** What binds calls: a number, `none` for no limit, `unknown` for one that cannot be told. */
export type Bound = number | "none" | "unknown";

/** Some of a team's calls, and what binds them. */
export interface BoundCalls {
  readonly calls: readonly Calls[];
  /** Several where it depends on what each call brings along besides. */
  readonly values: readonly Bound[];
  /** Of which these are the numbers. */
  readonly limits: readonly Limit[];
}

/** What binds a team in one kind of limit: the smallest of the limits that surely apply. A limit per value of something is none of the team's. */
export interface Binding {
  /** `several` where it is not the same for all calls. */
  readonly status: LimitAmount["status"];
  /** Where `status` is `value`. */
  readonly value?: number;
  /** The limits that bind, or those among which it cannot be told. */
  readonly limits: readonly Limit[];
  /** All calls, those side by side for which the same limits come to the same. */
  readonly parts: readonly BoundCalls[];
}

export interface TeamLimits {
  readonly subscription: Subscription;
  readonly limits: readonly Limit[];
  readonly binding: Readonly<Record<LimitKind, Binding>>;
  /** What is wrong with how the team is limited, for people. */
  readonly warnings: readonly string[];
}
