/** What became of requests: which of them were throttled, failed or refused, and who caused it. */

/** How requests ended, as the `Requests` metric and the gateway's logs tell it. */
export interface Ending {
  /** What the caller got; null where nothing is known of it (the caller hung up). */
  readonly gatewayCode: number | null;
  /** What the backend answered; null where none was called or none answered. */
  readonly backendCode: number | null;
  /** `context.LastError.Reason`; null where no policy failed. */
  readonly reason: string | null;
}

export type ThrottleOrigin =
  | "gateway:token-rate-limit"
  | "gateway:token-quota"
  | "gateway:rate-limit"
  | "gateway:call-quota"
  | "gateway:rewritten-backend-error"
  | "gateway:other"
  | "backend:429";

export type ErrorCause = "backend" | "unreachable" | "timeout" | "breaker-open (inferred)" | "policy" | "client" | "unclassified";

export type Outcome =
  | { readonly kind: "succeeded" }
  /** 429, or 403 where a quota is used up. */
  | { readonly kind: "throttled"; readonly origin: ThrottleOrigin }
  /** Any other 4xx: an unknown key, a wrong path, a content filter. */
  | { readonly kind: "rejected"; readonly code: number }
  /** 5xx, and callers that hung up. */
  | { readonly kind: "error"; readonly cause: ErrorCause };

/**
 * `LastError.Reason` of the policies that limit. `RateLimitExceeded` and `QuotaExceeded` are documented
 * (https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies); those of the token limit
 * are not, and were measured on live gateways.
 */
const limits: Readonly<Record<string, ThrottleOrigin>> = {
  OpenAITokenLimitExceeded: "gateway:token-rate-limit",
  OpenAITokenQuotaExceeded: "gateway:token-quota",
  RateLimitExceeded: "gateway:rate-limit",
  QuotaExceeded: "gateway:call-quota",
};

const quotas: readonly ThrottleOrigin[] = ["gateway:token-quota", "gateway:call-quota"];

export function outcomeOf(ending: Ending): Outcome {
  const { gatewayCode, reason } = ending;
  if (reason === "ClientConnectionFailure") return { kind: "error", cause: "client" };
  const origin = throttleOrigin(ending);
  if (gatewayCode === 429 || (gatewayCode === 403 && quotas.includes(origin))) return { kind: "throttled", origin };
  if (gatewayCode === null || gatewayCode >= 500) return { kind: "error", cause: errorCause(ending) };
  return gatewayCode < 400 ? { kind: "succeeded" } : { kind: "rejected", code: gatewayCode };
}

function throttleOrigin({ backendCode, reason }: Ending): ThrottleOrigin {
  const limit = reason === null ? undefined : limits[reason];
  if (limit !== undefined) return limit;
  if (backendCode === 429) return "backend:429";
  return backendCode === null ? "gateway:other" : "gateway:rewritten-backend-error";
}

function errorCause({ gatewayCode, backendCode, reason }: Ending): ErrorCause {
  // A 429 of the backend that a policy has turned into a 5xx is still the backend's doing.
  if (backendCode !== null && (backendCode >= 500 || backendCode === 429)) return "backend";
  if (reason === "BackendConnectionFailure") return "unreachable";
  if (reason === "Timeout") return "timeout";
  // No reason is documented for an open circuit breaker: a 503 without a backend call is all that can be seen of it.
  if (gatewayCode === 503 && backendCode === null) return "breaker-open (inferred)";
  return reason === null ? "unclassified" : "policy";
}

/** The outcome as one word for rows: `succeeded`, `gateway:token-quota`, `rejected:401`, `error:timeout`. */
export function causeName(outcome: Outcome): string {
  switch (outcome.kind) {
    case "succeeded":
      return "succeeded";
    case "throttled":
      return outcome.origin;
    case "rejected":
      return `rejected:${outcome.code}`;
    case "error":
      return `error:${outcome.cause}`;
  }
}
