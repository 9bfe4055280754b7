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
  /** Stable as long as the document keeps its limits of that kind in order: `products/aoai#tpm/1`. */
  readonly limitId: string;
  readonly kind: LimitKind;
  /** Per minute for `tpm` and `rpm` (other renewal periods converted, rounded down), else per `period`. */
  readonly amount: LimitAmount;
  /** Of an `rpm` limit with another renewal period than a minute, as written. */
  readonly written?: { readonly calls: number; readonly renewalSeconds: number };
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
  /** Everyone who spends from the counters that the team spends from, the team among them. */
  readonly counterGroup: Group;
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
  /** Only of single operations. */
  readonly operationsOnly: boolean;
  /** Counts what is used and is not meant to stop anyone: one counter for all, far above what any team could use. */
  readonly accounting: boolean;
  /** Whether the number can be changed for this team alone. */
  readonly editable: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** What binds a team in one kind of limit: the smallest of the limits that surely apply to more than single operations. */
export interface Binding {
  readonly status: LimitAmount["status"];
  /** Where `status` is `value`. */
  readonly value?: number;
  /** The limit that binds, or those among which it cannot be told. */
  readonly limits: readonly Limit[];
}

export interface TeamLimits {
  readonly subscription: Subscription;
  readonly limits: readonly Limit[];
  readonly binding: Readonly<Record<LimitKind, Binding>>;
  /** What is wrong with how the team is limited, for people. */
  readonly warnings: readonly string[];
}
