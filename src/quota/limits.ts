import type { DocumentId } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Subscription } from "../gateway/model.ts";
import { isSure, isWide, type LimitReach, reachOf, type TeamReach } from "./reach.ts";

/** A limit that one subscription meets. */
export interface Limit {
  /** Stable, e.g. `products/aoai#tpm/1`. */
  readonly limitId: string;
  /** `tpm`, `rpm`: per minute (calls of another renewal period are converted, rounded down). */
  readonly kind: "tpm" | "token_quota" | "rpm" | "call_quota";
  readonly value: number | "unknown";
  /** Of a quota, and of a rate limit whose renewal period is not a minute: `Monthly`, `20 s`. */
  readonly period?: string;
  readonly document: DocumentId;
  readonly line: number;
  /** `product 'aoai'`, `fragment 'limits' in API 'azure-openai'`. */
  readonly scope: string;
  /** What must be true for the limit to apply, where that cannot be decided beforehand. */
  readonly condition?: string;
  /** Null where the service counts per subscription by itself. */
  readonly counterKey: string | null;
  /** Other subscriptions that spend from the same counter. */
  readonly sharedWith: readonly string[];
  /** Other subscriptions that an edit of the number where it stands would change. */
  readonly documentSharedWith: readonly string[];
  /** Whether the number can be changed for this subscription alone. */
  readonly editable: boolean;
  readonly reason?: string;
}

export interface TeamLimits {
  readonly subscription: Subscription;
  readonly limits: readonly Limit[];
  /** The smallest that surely applies; null without any, `unknown` where there are only limits that cannot be decided. Limits of single operations stand in `limits` alone. */
  readonly tpm: number | null | "unknown";
  readonly rpm: number | null | "unknown";
}

/** What limits each subscription, as the policies that its calls meet say it. */
export function teamLimits(inventory: Inventory): readonly TeamLimits[] {
  return reachOf(inventory).map(teamLimitsOf);
}

/** The same of what one team meets. */
export function teamLimitsOf({ subscription, limits }: TeamReach): TeamLimits {
  return { subscription, limits: limits.map(describe), tpm: binding(limits, "tpm"), rpm: binding(limits, "rpm") };
}

function describe(reach: LimitReach): Limit {
  const { limit, condition, scope, sharedWith, documentSharedWith } = reach;
  const reason = reasonAgainstEdit(reach);
  return {
    limitId: limit.limitId,
    kind: limit.kind,
    value: limit.value,
    ...(limit.period === undefined ? {} : { period: limit.period }),
    document: limit.document,
    line: limit.line,
    scope,
    ...(condition === null ? {} : { condition }),
    counterKey: limit.counterKey,
    sharedWith,
    documentSharedWith,
    editable: reason === null,
    ...(reason === null ? {} : { reason }),
  };
}

/** Why the limit cannot be changed for one team alone; null where it can. */
export function reasonAgainstEdit({ limit, sharedWith }: LimitReach): string | null {
  if (sharedWith.length > 0) return `its counter ${limit.counterKey ?? ""} is shared with ${named(sharedWith)}`;
  return limit.obstacle;
}

/** The first few of many names. */
export function named(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function binding(limits: readonly LimitReach[], kind: Limit["kind"]): number | null | "unknown" {
  const ofKind = limits.filter((reach) => reach.limit.kind === kind && isWide(reach));
  const sure = ofKind.filter(isSure);
  if (sure.length > 0) return sure.map(({ limit }) => limit.value).reduce((a, b) => Math.min(a, b));
  return ofKind.length > 0 ? "unknown" : null;
}
