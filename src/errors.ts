import { distance } from "fastest-levenshtein";

/** Every way in which a call can fail; stable, so that a client may act on it. */
export type ErrorCode =
  | "invalid_input"
  | "policy_invalid"
  | "not_configured"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "guarded"
  | "read_only"
  | "unsupported"
  | "throttled"
  | "unavailable"
  | "cancelled"
  | "internal";

export interface ErrorOptions {
  /** What to do next: a call to make, a variable to set, a command to run. */
  readonly hint?: string | undefined;
  /** Whether the same call may succeed later without any change. */
  readonly retryable?: boolean;
  /** Further lines, e.g. what ARM hides in `error.details[]`. */
  readonly details?: readonly string[];
  /** Azure's name for the request that it refused, in its own logs. */
  readonly correlationId?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class of the project: says what was wrong, where, and what to do next. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: readonly string[];
  readonly correlationId: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? [];
    this.correlationId = options.correlationId;
  }
}

/** Whether Azure has said that a read cannot be had: no right to it, no such thing, or not in this tier. Any other failure may pass. */
export const isRefusal = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && ["forbidden", "not_found", "invalid_input", "unsupported"].includes(error.code);

/** Up to `limit` of the known names that look like `name`, best first; none where nothing is near. */
export function nearest(name: string, known: Iterable<string>, limit = 3): string[] {
  const wanted = name.toLowerCase();
  return [...new Set(known)]
    .map((candidate) => ({ candidate, score: unlikeness(wanted, candidate.toLowerCase()) }))
    .filter(({ score }) => score <= 0.5)
    .sort((a, b) => a.score - b.score || a.candidate.localeCompare(b.candidate))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** 0 for equal names, below 0.2 where one contains the other, else edits per character. */
function unlikeness(a: string, b: string): number {
  if (a === b) return 0;
  const longest = Math.max(a.length, b.length, 1);
  if (a.length > 2 && b.length > 2 && (a.includes(b) || b.includes(a))) return 0.1 + Math.abs(a.length - b.length) / (longest * 10);
  return distance(a, b) / longest;
}

/** `not_found` for a name that a caller gave, with the names that come near it, or else the first known ones. */
export function unknownName(kind: string, name: string, known: readonly string[], lister?: string): GatewayError {
  const near = nearest(name, known);
  const shown = near.length > 0 ? near : known.slice(0, 5);
  const names = shown.map((candidate) => `'${candidate}'`).join(", ");
  const left = near.length > 0 ? 0 : known.length - shown.length;
  const suggestion =
    shown.length === 0
      ? `The service has no ${kind}.`
      : near.length > 0
        ? `Did you mean ${names}?`
        : `Known: ${names}${left > 0 ? ` and ${left} more` : ""}.`;
  return new GatewayError("not_found", `Unknown ${kind} '${name}'.`, {
    hint: lister === undefined ? suggestion : `${suggestion} ${lister}`,
  });
}
