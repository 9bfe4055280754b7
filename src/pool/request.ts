import { GatewayError } from "../errors.ts";
import { sameName, type Tier } from "../gateway/model.ts";
import { regionId } from "./regions.ts";

/** What `update_backend_pool` is asked for, in its own spelling. Members that it does not name stay as they are. */
export interface PoolRequest {
  readonly api_id: string;
  /** Needed where the API goes to several; the id of the new pool where it goes to none. */
  readonly pool_id?: string | undefined;
  readonly backends?: readonly BackendInput[] | undefined;
  readonly remove?: readonly string[] | undefined;
  readonly policies?: PoolPolicies | undefined;
}

/** A member to add or change. */
export interface BackendInput {
  readonly backend_id: string;
  /** Creates the backend where there is none of this id. */
  readonly url?: string | undefined;
  /** Azure's name of the region, in any spelling. */
  readonly region?: string | undefined;
  /** Whether the gateway's identity signs its requests in. Where left out: a new backend's as the other members', an existing one's as it is. */
  readonly managed_identity?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly weight?: number | undefined;
  readonly circuit_breaker?: BreakerInput | null | undefined;
}

/** A new breaker takes its defaults for what is not given; an existing one keeps what it has. */
export interface BreakerInput {
  readonly failure_count?: number | undefined;
  readonly failure_percent?: number | undefined;
  readonly interval?: string | undefined;
  readonly status_codes?: readonly string[] | undefined;
  /** Failures that are no answer, as `context.LastError.Reason` names them. */
  readonly error_reasons?: readonly string[] | undefined;
  readonly trip_duration?: string | undefined;
  readonly accept_retry_after?: boolean | undefined;
}

/** What concerns the whole pool. */
export interface PoolPolicies {
  readonly load_balancing?: "round_robin" | "weighted" | "priority" | undefined;
  /** For all members; null takes them away. */
  readonly circuit_breaker?: BreakerInput | null | undefined;
  readonly session_affinity?: { readonly cookie: string } | null | undefined;
  /** What callers get while no member is available; null takes it away: then 503. */
  readonly failure_status?: number | null | undefined;
  readonly retry?: RetryInput | null | undefined;
}

export interface RetryInput {
  readonly count?: number | undefined;
  readonly status_codes?: readonly string[] | undefined;
}

/** Status codes that count as a failure where a call does not say. */
export const defaultStatusCodes = ["429", "500-599"] as const;

/**
 * What counts as a failure besides, where a call does not say: without these a backend that cannot be reached opens no breaker (Microsoft's
 * samples, response matrix). Assumed: the names are those of `context.LastError.Reason`, as Microsoft lists none
 * (https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies).
 */
export const defaultErrorReasons = ["BackendConnectionFailure", "Timeout"] as const;

/** Retries where a call does not say: with a pool, the second already reaches what another priority offers. */
export const defaultRetryCount = 2;

/** https://learn.microsoft.com/azure/api-management/backends#circuit-breaker */
const maxRanges = 10;

const invalid = (message: string, hint: string): GatewayError => new GatewayError("invalid_input", message, { hint });

/** Throws `invalid_input` for values that API Management would refuse, and `unsupported` for breakers on the Consumption tier. */
export function checkRequest(request: PoolRequest, tier: Tier): void {
  const { backends = [], remove = [], policies = {} } = request;
  if (backends.length === 0 && remove.length === 0 && Object.values(policies).every((value) => value === undefined)) {
    throw invalid("Nothing is asked for.", "Give 'backends' to add or change, 'remove', or 'policies'.");
  }
  checkNames(backends, remove);
  for (const { backend_id, url, region, priority, weight } of backends) {
    checkRange(`${backend_id}: priority`, priority, 0, 100);
    checkRange(`${backend_id}: weight`, weight, 0, 100);
    if (url !== undefined) checkUrl(backend_id, url);
    if (region !== undefined && regionId(region) === null) {
      throw invalid(`${backend_id}: '${region}' is no region of Azure.`, "Use a name as in 'westeurope' or 'West Europe'.");
    }
  }
  for (const breaker of [policies.circuit_breaker, ...backends.map(({ circuit_breaker }) => circuit_breaker)]) {
    if (breaker !== undefined && breaker !== null) checkBreaker(breaker, tier);
  }
  checkRange("failure_status", policies.failure_status ?? undefined, 100, 599);
  checkRange("retry: count", policies.retry?.count, 1, 50);
  if (policies.retry?.status_codes !== undefined) statusCodeRanges(policies.retry.status_codes);
  const cookie = policies.session_affinity?.cookie;
  if (cookie !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(cookie)) {
    throw invalid(`'${cookie}' is not the name of a cookie.`, "Use letters, digits, '-' and '_', e.g. SessionId.");
  }
}

function checkNames(backends: readonly BackendInput[], remove: readonly string[]): void {
  const names = [...backends.map(({ backend_id }) => backend_id), ...remove];
  const twice = names.find((name, index) => names.findIndex((other) => sameName(other, name)) < index);
  if (twice !== undefined) throw invalid(`'${twice}' is named twice.`, "Name each backend once, in 'backends' or in 'remove'.");
}

function checkRange(name: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw invalid(`${name} is ${value}.`, `Use a whole number from ${min} to ${max}.`);
}

function checkUrl(backendId: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  const loopback = url !== null && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && loopback))) {
    throw invalid(`${backendId}: '${text}' is not an https URL.`, "Use https://; http only for a loopback address.");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalid(`${backendId}: the URL holds credentials, a query or a fragment.`, "Give scheme, host and path only.");
  }
}

function checkBreaker(breaker: BreakerInput, tier: Tier): void {
  if (tier === "consumption") {
    throw new GatewayError("unsupported", "The Consumption tier has no circuit breakers.", {
      hint: "Leave circuit_breaker out; retry is what this tier offers.",
    });
  }
  if (breaker.failure_count !== undefined && breaker.failure_percent !== undefined) {
    throw invalid("A breaker counts failures or their percentage, not both.", "Give failure_count or failure_percent.");
  }
  checkRange("failure_count", breaker.failure_count, 1, 10_000);
  checkRange("failure_percent", breaker.failure_percent, 1, 100);
  checkDuration("interval", breaker.interval);
  checkDuration("trip_duration", breaker.trip_duration);
  if (breaker.status_codes !== undefined) statusCodeRanges(breaker.status_codes);
  const reasons = breaker.error_reasons ?? [];
  if (reasons.length > maxRanges || reasons.some((reason) => reason.trim() === "")) {
    throw invalid("error_reasons holds an empty one, or more than ten.", 'Give up to ten, e.g. ["BackendConnectionFailure", "Timeout"].');
  }
}

const durationForm = /^P(?=[\dT])(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?$/;

function checkDuration(name: string, duration: string | undefined): void {
  if (duration === undefined || (durationForm.test(duration) && /[1-9]/.test(duration))) return;
  throw invalid(`${name}: '${duration}' is not a duration.`, "Use ISO 8601, e.g. PT1M for a minute or PT30S.");
}

export interface StatusCodeRange {
  readonly min: number;
  readonly max: number;
}

/** `429` and `500-599` as ARM writes them; `invalid_input` outside of 200-599 and for more than ten. */
export function statusCodeRanges(codes: readonly string[]): readonly StatusCodeRange[] {
  if (codes.length === 0 || codes.length > maxRanges) {
    throw invalid(`${codes.length} status code ranges are given.`, `Give 1 to ${maxRanges}, e.g. ["429", "500-599"].`);
  }
  return codes.map((code) => {
    const [, min, max = min] = /^\s*(\d{3})\s*(?:-\s*(\d{3})\s*)?$/.exec(code) ?? [];
    const range = { min: Number(min), max: Number(max) };
    if (range.min >= 200 && range.min <= range.max && range.max <= 599) return range;
    throw invalid(`'${code}' is not a status code or range.`, 'Use codes from 200 to 599, e.g. "429" or "500-599".');
  });
}
