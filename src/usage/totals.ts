import type { ErrorCause, ThrottleOrigin } from "./cause.ts";
import type { Grouping } from "./platform-metrics.ts";

/** A number, or the plain statement that it is not known. Never null, and never 0 for want of data. */
export type Known = number | "unknown";

/** What an answer has besides requests, throttled requests, errors and tokens. */
export const includes = ["outcomes", "tokens", "tpm", "latency", "cache", "backends", "examples"] as const;

export type Include = (typeof includes)[number];

/** `requests` is the sum of throttled requests, errors and `outcomes`. */
export type UsageTotals = {
  readonly requests: Known;
  readonly outcomes?: Outcomes;
  /** 429, and 403 where a quota is used up. */
  readonly throttled: { readonly total: Known; readonly by_origin: readonly (Ended & { readonly origin: ThrottleOrigin })[] };
  /** Those of `requests`, however they ended, that a shadow limit has recorded; left out where it is none. */
  readonly shadowed?: number;
  /** 5xx, and callers that hung up. */
  readonly errors: { readonly total: Known; readonly by_cause: readonly (Ended & { readonly cause: ErrorCause })[] };
  /** Of prompts and completions together. */
  readonly tokens: Known;
  readonly token_split?: TokenSplit;
  readonly tpm?: TpmNumbers;
  readonly tpm_by_region?: TpmByRegion;
  /** Milliseconds by part (`total`, `backend`, `gateway`) and statistic (`average`, or `p50`, `p95`, `p99`). */
  readonly latency_ms?: Latency;
  readonly cache?: CacheUse;
  readonly backends?: BackendShares;
};

type Ended = {
  readonly requests: number;
  /** Correlation ids of up to three of them. */
  readonly examples?: readonly string[];
};

/** `rejected`: every 4xx that is no throttling. */
type Outcomes = { readonly succeeded: Known; readonly rejected: Known };

export type TokenSplit = { readonly prompt: Known; readonly completion: Known };

/** Tokens per minute, over all minutes of the window. */
export type TpmNumbers = { readonly average: Known; readonly p95: Known; readonly peak: Known };

/** Where the gateway has several regions: each counts its limits for itself. */
export type TpmByRegion = Readonly<Record<string, TpmNumbers>>;

export type Latency = Readonly<Record<string, Readonly<Record<string, Known>>>>;

export interface CacheUse {
  /** By how a hit is told; `hit_rate` is in percent. */
  readonly estimators: Readonly<Record<string, { readonly hits: number; readonly misses: number; readonly hit_rate: Known }>>;
  readonly tokens_saved: Known;
  readonly method: string;
}

export interface BackendShares {
  readonly of_window: Readonly<Record<string, { readonly requests: number; readonly failed: number; readonly percent: number }>>;
  /** Percent of a point's requests by backend, at each point where that differs from the one before. */
  readonly by_time: readonly { readonly time: string; readonly percent: Readonly<Record<string, number>> }[];
  /** Points that stand in `by_time` no more: older ones. */
  readonly left_out: number;
}

/** Requests of one group, under the names of what they are grouped by. A group of the cause `shadow:token-rate-limit` has `shadowed` and no `requests`: those are in other groups. */
export type UsageRow = Partial<Readonly<Record<Grouping, string>>> & {
  /** Each of these is left out where the source has none at all. */
  readonly requests?: number;
  readonly throttled?: number;
  readonly errors?: number;
  readonly shadowed?: number;
  /** What the service's reports have in place of `throttled` and `errors`: 401, 403 and 429 together, and 400 with 5xx. */
  readonly blocked?: number;
  readonly failed?: number;
  readonly outcomes?: Outcomes;
  readonly tokens?: Known;
  readonly token_split?: TokenSplit;
  readonly tpm?: TpmNumbers;
  readonly tpm_by_region?: TpmByRegion;
  readonly latency_ms?: Latency;
  readonly examples?: readonly string[];
};

export interface UsageSource {
  readonly name: string;
  readonly resolution: string;
  readonly lag: string;
  /** The newest entry that it has, ISO 8601. */
  readonly newest?: string;
}

/** One window as one source tells it. */
export interface UsageSummary {
  readonly window: { readonly since: string; readonly until: string; readonly interval: string };
  readonly totals: UsageTotals;
  readonly rows: readonly UsageRow[];
  /** Rows that `limit` left out. */
  readonly left_out: number;
  readonly sources: readonly UsageSource[];
  readonly notes: readonly string[];
}
