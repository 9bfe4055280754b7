import { expect, test } from "vitest";
import { causeName, outcomeOf } from "../../src/usage/cause.ts";

test.each([
  [200, 200, null, "succeeded"],
  [200, null, null, "succeeded"],
  [304, 304, null, "succeeded"],
  [429, null, "OpenAITokenLimitExceeded", "gateway:token-rate-limit"],
  [403, null, "OpenAITokenQuotaExceeded", "gateway:token-quota"],
  [429, null, "RateLimitExceeded", "gateway:rate-limit"],
  [403, null, "QuotaExceeded", "gateway:call-quota"],
  [429, 429, null, "backend:429"],
  [429, 503, null, "gateway:rewritten-backend-error"],
  [429, null, null, "gateway:other"],
  [429, null, "SomethingNew", "gateway:other"],
  [403, 403, null, "rejected:403"],
  [403, null, "CallerIpBlocked", "rejected:403"],
  [403, null, "RateLimitExceeded", "rejected:403"],
  [401, null, "SubscriptionKeyNotFound", "rejected:401"],
  [404, null, "OperationNotFound", "rejected:404"],
  [400, 400, null, "rejected:400"],
  [500, 500, null, "error:backend"],
  [503, 503, null, "error:backend"],
  [502, 429, null, "error:backend"],
  [500, null, "BackendConnectionFailure", "error:unreachable"],
  [504, null, "Timeout", "error:timeout"],
  [503, null, null, "error:breaker-open (inferred)"],
  [500, null, "ExpressionValueEvaluationFailure", "error:policy"],
  [500, 200, "ExpressionValueEvaluationFailure", "error:policy"],
  [500, null, null, "error:unclassified"],
  [500, 200, null, "error:unclassified"],
  [500, null, "ClientConnectionFailure", "error:client"],
  [null, 200, "ClientConnectionFailure", "error:client"],
  [null, null, null, "error:unclassified"],
])("%s to the caller, %s from the backend, %s: %s", (gatewayCode, backendCode, reason, cause) => {
  expect(causeName(outcomeOf({ gatewayCode, backendCode, reason }))).toBe(cause);
});
