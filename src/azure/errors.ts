import { isRestError, type RestError } from "@azure/core-rest-pipeline";
import { type ErrorOptions, GatewayError } from "../errors.ts";
import { type DocumentKind, isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import { redactedAnswer, redactedText } from "../gateway/keys.ts";
import { type ArmResponse, correlationIdOf, jsonObject } from "./arm-response.ts";
import { identityError } from "./identity-errors.ts";
import { retryAfterSeconds, throttled } from "./throttling.ts";

/** What was being done when it failed. */
export interface Attempt {
  /** For the message, e.g. `write of product 'aoai' policy`. */
  readonly what: string;
  /** Whether the service may have changed although no answer says so. */
  readonly writes: boolean;
  readonly kind?: DocumentKind;
}

/** An error answer of ARM or of a resource provider, as it is read from any envelope. */
interface Failure {
  readonly status: number;
  readonly code: string;
  /** What there is to say: the messages in `details[]`, or else the message itself. */
  readonly lines: readonly [string, ...string[]];
  readonly retryAfter: number | null;
  readonly correlationId: string | undefined;
}

/** ARM's answer of a status of 300 and more as the project's error. */
export function armError(response: ArmResponse, attempt: Attempt): GatewayError {
  const error = failureError(shown(failureOf(response), attempt), attempt);
  return new GatewayError(error.code, error.message, { ...error, correlationId: correlationIdOf(response.headers) });
}

/** Without keys: Azure's messages quote what they refuse, and of a policy whatever stands in it. */
function shown(failure: Failure, { kind }: Attempt): Failure {
  const clear = kind === "policy" || kind === "fragment" ? redactedText : redactedAnswer;
  const [first, ...rest] = failure.lines;
  return { ...failure, lines: [clear(first), ...rest.map(clear)] };
}

/**
 * Anything that was thrown instead of an answer. The error itself is never kept as a cause: the SDK's errors hold the
 * request with its token, and some messages repeat the body.
 */
export function thrownError(error: unknown, attempt: Attempt, signal?: AbortSignal): GatewayError {
  if (signal?.aborted === true) return new GatewayError("cancelled", `The ${attempt.what} was cancelled.`);
  if (error instanceof GatewayError) return attempt.writes && error.code === "unavailable" ? unavailable(error.message, attempt) : error;
  if (isRestError(error)) return restError(error, attempt);
  if (!(error instanceof Error)) return new GatewayError("internal", `The ${attempt.what} failed.`);
  return identityError(error) ?? new GatewayError("internal", `The ${attempt.what} failed: ${error.message}`);
}

function restError(error: RestError, attempt: Attempt): GatewayError {
  if (error.code === "PARSE_ERROR" && (error.statusCode ?? 200) < 300) return unavailable("the answer broke off or is not JSON", attempt);
  const { response, code = "" } = error;
  if (response === undefined) {
    return unavailable(transportReason(code, error.message), neverSent.has(code) ? { ...attempt, writes: false } : attempt);
  }
  const body = jsonObject(response.bodyAsText) ?? bodyOf(error);
  return armError({ status: response.status, headers: response.headers, body }, attempt);
}

/** Azure Monitor's client keeps an error's code and message, and not its body. */
const bodyOf = (error: RestError): JsonObject | null =>
  error.code === undefined || error.code === "PARSE_ERROR" ? null : { code: error.code, message: error.message };

const transportReasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name cannot be resolved",
  EAI_AGAIN: "its name cannot be resolved now",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was lost",
  ETIMEDOUT: "the connection timed out",
};

/** No connection was made, so nothing was sent on it. */
const neverSent = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED"]);

const transportReason = (code: string, message: string): string => {
  const reason = transportReasons[code];
  return reason === undefined ? `it cannot be reached (${message})` : `${reason} (${code})`;
};

function unavailable(reason: string, attempt: Attempt, options: ErrorOptions = {}): GatewayError {
  return attempt.writes
    ? unknownOutcome(attempt, reason, options)
    : new GatewayError("unavailable", `Azure is unavailable for the ${attempt.what}: ${reason}`, {
        retryable: true,
        hint: "Try again; where it stays so, check the network, the proxy and https://azure.status.microsoft",
        ...options,
      });
}

/** A write of which no answer says whether it took effect. The one `unavailable` that is not to be tried again as it is. */
export const unknownOutcome = ({ what }: Attempt, reason: string, options: ErrorOptions = {}): GatewayError =>
  new GatewayError("unavailable", `The outcome of the ${what} is unknown: ${reason}`, {
    hint: "Read it again to see whether it took effect before trying again.",
    ...options,
  });

export const isUnknownOutcome = (error: unknown): boolean =>
  error instanceof GatewayError && error.code === "unavailable" && !error.retryable;

function failureOf({ status, headers, body }: ArmResponse): Failure {
  const envelope = isObject(body?.error) ? body.error : (body ?? {});
  const messages = detailMessages(envelope.details);
  const message = typeof envelope.message === "string" && envelope.message !== "" ? envelope.message : "no reason given";
  const [first = message, ...rest] = messages;
  return {
    status,
    code: typeof envelope.code === "string" ? envelope.code : "",
    lines: [first, ...rest],
    retryAfter: retryAfterSeconds(headers) ?? secondsIn(message),
    correlationId: correlationIdOf(headers),
  };
}

function detailMessages(details: Json | undefined): string[] {
  if (!Array.isArray(details)) return [];
  return details.filter(isObject).flatMap((detail) => {
    const nested = detailMessages(detail.details);
    return nested.length > 0 || typeof detail.message !== "string" ? nested : [detail.message];
  });
}

function secondsIn(message: string): number | null {
  const seconds = /try again after '?(\d+)'? seconds/i.exec(message)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

function failureError(failure: Failure, attempt: Attempt): GatewayError {
  const { status, code, lines, correlationId } = failure;
  const { what } = attempt;
  const [reason] = lines;
  const details = lines.length > 1 ? lines : [];
  const traced = correlationId === undefined ? details : [...details, `Azure correlation id: ${correlationId}`];
  if (code === "MethodNotAllowedInPricingTier" || status === 405) {
    return new GatewayError("unsupported", `The service cannot do the ${what}: ${reason}`, { details });
  }
  if (code === "ScopeLocked" || code === "ReadOnlyDisabledSubscription") {
    return new GatewayError("forbidden", `Azure refused the ${what}: ${reason}`, {
      hint: "A lock or a disabled Azure subscription forbids changes; its owner must lift it first.",
      details,
    });
  }
  switch (status) {
    case 400:
      return attempt.kind === "policy" || attempt.kind === "fragment"
        ? new GatewayError("policy_invalid", `Azure rejected the ${what}: ${reason}`, {
            details: lines,
            hint: "Correct the policy at the line that is named; the column is that of the element's name.",
          })
        : new GatewayError("invalid_input", `Azure rejected the ${what}: ${reason}`, { details });
    case 401:
      return new GatewayError("unauthenticated", `Azure refused the credential: ${reason}`, { hint: credentialHint(reason), details });
    case 403:
      return new GatewayError("forbidden", `Azure refused the ${what}: ${reason}`, { hint: permissionHint(reason), details });
    case 404:
      return new GatewayError("not_found", `Azure knows no such thing for the ${what}: ${reason}`, {
        ...missingServiceHint(failure),
        details,
      });
    case 409:
    case 422:
      return new GatewayError("conflict", `Another operation is in the way of the ${what}: ${reason}`, {
        retryable: true,
        hint: "Try again when the other operation has ended.",
        details,
      });
    case 412:
      return new GatewayError("conflict", `The ${what} met a document that is no longer the one that was read: ${reason}`, {
        hint: "Read it again and plan the change anew.",
        details,
      });
    case 429:
      return throttled(what, failure.retryAfter);
    default:
      return status === 408 || status >= 500
        ? unavailable(`HTTP ${status}, ${reason}`, attempt, { details: traced })
        : new GatewayError("internal", `Azure answered the ${what} with HTTP ${status}: ${reason}`, { details: traced });
  }
}

function credentialHint(reason: string): string {
  if (/expired|expiry/i.test(reason)) {
    return "The token has expired. Get a new one with 'az account get-access-token', or leave AIGW_ACCESS_TOKEN out and run 'az login'.";
  }
  if (/audience/i.test(reason)) {
    return "The token is for another audience. Get one for ARM: az account get-access-token --resource https://management.azure.com (or the ARM endpoint of AZURE_CLOUD).";
  }
  if (/issuer|tenant/i.test(reason)) {
    return "The token is of another tenant than the Azure subscription. Run: az login --tenant <id of the subscription's tenant>";
  }
  return "Run 'az login', or check that AIGW_ACCESS_TOKEN or the AZURE_* variables are those of the Azure subscription's tenant.";
}

/** From `AuthorizationFailed`'s sentence to the action that is missing, where, and the command that grants it. */
function permissionHint(reason: string): string {
  const [, action, scope] = /perform action '([^'\s]+)' over scope '([^']+)'/.exec(reason) ?? [];
  if (action === undefined || scope === undefined) {
    return "The identity's role does not allow it. See the README for the least-privilege role, and 'az role assignment list --assignee <id>' for what it has.";
  }
  const assignee = /object id '([^'\s]+)'/.exec(reason)?.[1] ?? "<object id>";
  const resourceScope = /^.*?\/(?:service|accounts)\/[^/]+/i.exec(scope)?.[0] ?? scope;
  return (
    `Missing action: ${action} on ${scope}. Grant it, or the README's smaller custom role: ` +
    `az role assignment create --assignee ${assignee} --role "${roleFor(action)}" --scope "${resourceScope}". It takes some minutes to work.`
  );
}

/** Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
function roleFor(action: string): string {
  if (/^Microsoft\.Insights\//i.test(action)) return "Monitoring Reader";
  // Every narrower one that has deployments/read may call the models too.
  if (/^Microsoft\.(?:CognitiveServices|ResourceGraph)\//i.test(action)) return "Reader";
  return /\/read$/i.test(action) ? "API Management Service Reader Role" : "API Management Service Contributor";
}

const missingAddressPart: Readonly<Record<string, string>> = {
  SubscriptionNotFound: "Check AZURE_SUBSCRIPTION_ID, and that the credential's tenant is that of the Azure subscription.",
  ResourceGroupNotFound: "Check AZURE_RESOURCE_GROUP.",
};

function missingServiceHint({ code, lines }: Failure): ErrorOptions {
  const part = missingAddressPart[code];
  if (part !== undefined) return { hint: part };
  return /Resource 'Microsoft\.ApiManagement\/service\/[^/']+' under resource group/i.test(lines[0])
    ? { hint: "Check AIGW_SERVICE, AZURE_RESOURCE_GROUP and AZURE_SUBSCRIPTION_ID; 'az apim list' shows the services." }
    : {};
}

/** Whether a 404 is about the service itself (or what it stands in) and not about something below it. */
export function isMissingService(response: ArmResponse): boolean {
  return missingServiceHint(failureOf(response)).hint !== undefined;
}
