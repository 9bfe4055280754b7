import type { DrillMember, DrillPlan, DrillWindow } from "../../gateway/drill.ts";
import { memberIn } from "./pools.ts";

/** What one test call has shown. `all_failing`: one to the failing members alone. */
export interface ProbeSeen {
  /** When it was answered, ISO 8601. */
  readonly time: string;
  readonly kind: "usual" | "all_failing";
  /** Null where no answer came. */
  readonly status: number | null;
  /** `x-ms-region`: of the model that has answered; null where the answer has none. */
  readonly region: string | null;
  readonly reason?: string;
  /** What each of the gateway's tries came to, as `triesIn` reads it; left out where the answer does not tell. */
  readonly tries?: string;
}

/** Under this name in `LoggedShare`: calls that no backend has answered. */
export const noBackend = "none";

/** Calls by backend in a part of the time, as the logs have them. */
export interface LoggedShare {
  readonly backend: string;
  readonly requests: number;
  /** With an error for the caller, or one of the backend. */
  readonly failed: number;
  /** Calls whose content the backend has refused, by its status (400, 413, ...); left out where there are none. They are not in `failed`. */
  readonly refused?: Readonly<Record<string, number>>;
}

/** What the logs say of the drill's calls. */
export interface DrillLogs {
  readonly before: readonly LoggedShare[];
  /** From the start, while gateways follow. */
  readonly starting: readonly LoggedShare[];
  readonly during: readonly LoggedShare[];
  /** Answered behind the end: which way they went may have been chosen behind it, too. */
  readonly ending: readonly LoggedShare[];
  readonly after: readonly LoggedShare[];
  /** Whether all rows up to the end are in; else when they are expected. */
  readonly complete: boolean;
  readonly completeAt: string;
}

export type DrillState = "starting" | "running" | "cleaning_up" | "ended" | "failed";

export type DrillVerdict = "shifted" | "did_not_shift" | "failed_over" | "did_not_fail_over" | "inconclusive";

/** All that is known of a drill. */
export interface DrillFacts {
  readonly drill: DrillPlan;
  readonly window: DrillWindow;
  /** When it was over for the gateway; null before. */
  readonly ended: { readonly time: string; readonly stopped: boolean } | null;
  readonly probes: readonly ProbeSeen[];
  /** Null where they cannot be read, or there are none. */
  readonly logs: DrillLogs | null;
  /** Why there are none, where the service's settings tell. */
  readonly logsMissing?: string;
}

export interface TimelineEntry {
  readonly time: string;
  readonly event: string;
}

export interface DrillReport {
  readonly timeline: readonly TimelineEntry[];
  readonly verdict: DrillVerdict;
  /** What the verdict rests on, in words. */
  readonly means: string;
  /** What this drill does not show. */
  readonly notShown: readonly string[];
}

export type Judgement = Omit<DrillReport, "timeline">;

/** So many test calls, and no fewer, are evidence of anything. */
export const enough = 3;

/** Gateways follow what ARM has accepted within seconds, regions each for themselves: what comes before is no evidence. */
const longestStartMs = 30_000;

/** How long after its start a drill's calls are not counted for or against it. */
export const startingMs = (durationMs: number): number => Math.min(longestStartMs, Math.floor(durationMs / 4));

/**
 * The member behind an answer of this region. In a rehearsal never the one whose copy fails: it is not in the copy of the pool, and what is at the
 * origin that fails may name the same region. Null where none or several fit.
 */
const memberBehind = ({ mode, members, backendId }: DrillPlan, region: string): DrillMember | null => {
  const found = memberIn(members, region);
  return mode === "rehearse" && found?.backendId === backendId ? null : found;
};

/** Below 500, what a backend says of itself and not of the call: it is not set up for it, or busy. */
const failing: ReadonlySet<number> = new Set([401, 403, 404, 408, 429]);

/** Whether an answer of a backend counts as its failure; null: there was no answer. */
export const isFailure = (status: number | null): boolean => status === null || status >= 500 || failing.has(status);

/** Who has answered a test call, in words: a member, a region, or what went wrong. */
export function answeredBy(drill: DrillPlan, { status, region, reason }: ProbeSeen): string {
  if (status === null) return `no answer (${reason ?? "unknown"})`;
  if (region === null) return status < 400 ? "an unknown backend" : `error ${status}`;
  const name = memberBehind(drill, region)?.backendId ?? `a backend in ${region}`;
  return status < 400 ? name : `error ${status} of ${name}`;
}

/** `1 test call`, `4 calls`. */
export const counted = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? "" : "s"}`;
