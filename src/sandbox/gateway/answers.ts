import type { LastErrorView } from "./context.ts";
import { type OpenResponse, openResponse, reasonOf } from "./messages.ts";
import { PolicyError, type PolicyNode, type Section } from "./policy.ts";

/**
 * An error whose answer is a response that is there already, for instance the one of a backend. `outbound`: unless `<on-error>` responds,
 * the outbound section runs for it too.
 */
export class AnsweredError extends PolicyError {
  readonly response: OpenResponse;
  readonly outbound: boolean;

  constructor(error: PolicyError["error"], response: OpenResponse, outbound: boolean) {
    super(error, { status: response.status, reason: response.reason });
    this.response = response;
    this.outbound = outbound;
  }
}

/**
 * What a caller gets for a failure inside the gateway; what has failed stands in the logs and in `context.LastError` only. Assumed: the
 * body, which is widely seen and nowhere documented.
 */
export const internalError = (error: PolicyError["error"], requestId: string): PolicyError =>
  new PolicyError(error, { body: JSON.stringify({ statusCode: 500, message: "Internal server error", activityId: requestId }) });

/** The answer to an error before `<on-error>` has changed it. */
export function errorResponse(error: PolicyError): OpenResponse {
  if (error instanceof AnsweredError) return error.response;
  const { status, reason, headers, body } = error.answer;
  const type: Readonly<Record<string, string>> = body === "" ? {} : { "content-type": "application/json" };
  return openResponse({
    status,
    reason: reason === "" ? reasonOf(status) : reason,
    headers: { ...type, ...headers },
    body: body === "" ? null : new TextEncoder().encode(body),
  });
}

const places = new WeakMap<PolicyError, { readonly section: Section; readonly node: PolicyNode }>();

/** Remembers the policy that has thrown an error: the innermost one is the first that does. */
export function placeError(error: PolicyError, section: Section, node: PolicyNode): void {
  if (!places.has(error)) places.set(error, { section, node });
}

/** The reason where an expression has failed: the source is the policy then, whatever element of it the expression stands in. */
export const evaluationFailure = "ExpressionValueEvaluationFailure";

/** `context.LastError` of an error, which a policy has thrown or a step of the gateway itself. */
export function lastErrorOf(failure: PolicyError): LastErrorView {
  const place = places.get(failure);
  const { source, reason, message } = failure.error;
  return {
    source: reason === evaluationFailure ? (place?.node.name ?? source) : source,
    reason,
    message,
    section: place?.section ?? "",
    scope: place?.node.place.scope ?? "",
    path: place?.node.place.path ?? "",
    policyId: place?.node.attributes.get("id")?.text ?? "",
  };
}

/** https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies#predefined-errors-for-built-in-steps */
export const operationNotFound = (): PolicyError =>
  new PolicyError(
    { source: "configuration", reason: "OperationNotFound", message: "Unable to match incoming request to an operation." },
    { status: 404, body: JSON.stringify({ statusCode: 404, message: "Resource not found" }) },
  );

/** Where a caller is to send its key. */
interface KeyPlace {
  readonly realm: string;
  readonly header: string;
}

/** Both bodies, the message of the missing key and the header as measured by a third party. */
export function keyRefused(which: "missing" | "invalid", { realm, header }: KeyPlace): PolicyError {
  const message =
    which === "missing"
      ? "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."
      : "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.";
  return new PolicyError(
    { source: "authorization", reason: which === "missing" ? "SubscriptionKeyNotFound" : "SubscriptionKeyInvalid", message },
    { status: 401, headers: { "www-authenticate": `AzureApiManagementKey realm="${realm}",name="${header}",type="header"` } },
  );
}

/** A policy or a construct that the sandbox cannot execute. */
export const notExecutableError = (what: string): PolicyError =>
  new PolicyError({ source: what, reason: "NotExecutable", message: `not executable in the sandbox: ${what}` });

/** Every failure as an error of a policy: what is none is a fault of the sandbox itself. */
export const asPolicyError = (error: unknown): PolicyError =>
  error instanceof PolicyError
    ? error
    : new PolicyError({
        source: "sandbox",
        reason: "InternalError",
        message: `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
      });
