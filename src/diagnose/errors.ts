import { type Finding, ok } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpen, breakerOpener, isUnanswered, ofBackends, ofCauses, ofDetails } from "./failures.ts";
import type { Failure } from "./traffic.ts";
import { short, some } from "./wording.ts";

const isAsked = ({ symptom }: Evidence, ...some: readonly Evidence["symptom"][]): boolean => some.includes(symptom);

const poolOf = (evidence: Evidence): string => `get_backend_pool {"api_id":"${apiMeant(evidence) ?? "..."}"}`;

/** Statuses that backends have answered, the most frequent first. */
const statuses = (failures: readonly Failure[]): string => some(failures.map(({ backendStatus }) => `${backendStatus}`));

/** The backend has answered 5xx. */
export const backendErrors = (evidence: Evidence): Finding =>
  ofBackends(evidence, "backend-errors", isAsked(evidence, "5xx", "failover"), (failures) => [
    `The backend failed${failures.length === 0 ? "" : ` (status ${statuses(failures)})`}; the gateway passed it on.`,
    `Look at the model's own metrics and Azure status; whether another region takes over: ${poolOf(evidence)}`,
  ]);

/** The backend could not be reached, or did not answer in time. */
export const backendConnection = (evidence: Evidence): Finding =>
  ofBackends(evidence, "backend-connection", isAsked(evidence, "5xx", "failover"), (failures) => [
    `The gateway could not reach the backend, or had no answer in time${reasons(failures)}.`,
    `Check the backend's URL, DNS, private endpoint and firewall, and the timeout of forward-request: ${poolOf(evidence)}`,
  ]);

/** Where a backend has failed, the check that tells of it counts these calls too. */
export function breakers(evidence: Evidence): Finding {
  const finding = ofCauses(evidence, [breakerOpen], isAsked(evidence, "5xx", "failover"), () => [
    "503 without a call to a backend: the breakers of all members are open, or the pool is empty (inferred; no log says so).",
    `See which members have breakers and how long these stay open: ${poolOf(evidence)}`,
  ]);
  const opener = breakerOpener(evidence);
  return finding.status === "problem" && opener !== null ? ok(`opened: see ${opener}`) : finding;
}

/** A policy has thrown. */
export const policyFailures = (evidence: Evidence): Finding =>
  ofCauses(evidence, ["error:policy"], isAsked(evidence, "5xx"), (failures) => {
    const [most] = failures;
    const what = most === undefined ? "" : `: ${most.source === "" ? "" : `${most.source}, `}${most.reason}${quoted(most.message)}`;
    const unanswered = failures.some(isUnanswered);
    const when = unanswered ? " where a backend has not answered: its expression takes context.Response for granted" : "";
    return [`A policy of the gateway fails${when}${what}.`, fixOfPolicy(evidence)];
  });

/** The one that was asked about, or the only one there is. */
function apiMeant({ apiId, apis }: Evidence): string | null {
  const [only, ...others] = apis.kind === "read" ? apis.value : [];
  return apiId ?? (others.length === 0 ? (only?.id ?? null) : null);
}

const fixOfPolicy = (evidence: Evidence): string =>
  `Find it: get_policy {"api_id":"${apiMeant(evidence) ?? "..."}","view":"effective"}; take the last change back with undo_change, or mend it with apply_policy`;

const quoted = (message: string): string => (message === "" ? "" : `, "${short(message)}"`);

const reasons = (failures: readonly Failure[]): string => {
  const found = some(failures.map(({ reason }) => reason).filter((reason) => reason !== ""));
  return found === "" ? "" : ` (${found})`;
};

export const unexplainedErrors = (evidence: Evidence): Finding =>
  ofCauses(evidence, ["error:unclassified"], isAsked(evidence, "5xx"), () => [
    "5xx of the gateway without a reason in the logs: a policy's own return-response, or the gateway itself.",
    `${fixOfPolicy(evidence)}; else ask Azure support with the correlation ids`,
  ]);

/** Callers that hang up. */
export const clients = (evidence: Evidence): Finding =>
  ofCauses(evidence, ["error:client"], isAsked(evidence, "5xx", "latency"), () => [
    "The callers hung up before the answer was complete: neither the gateway nor the backend failed.",
    'Compare the client\'s timeout with the latency: get_metrics {"include":["latency"]}',
  ]);

const isAccess = ({ status }: Failure): boolean => status === 401 || status === 403;
const isRejected = ({ cause }: Failure): boolean => cause.startsWith("rejected:");
const keyReasons = ["SubscriptionKeyNotFound", "SubscriptionKeyInvalid"];

/** Calls without a key, or with one that opens nothing. */
export const keys = (evidence: Evidence): Finding =>
  ofDetails(
    evidence,
    (failure) => isRejected(failure) && keyReasons.includes(failure.reason),
    isAsked(evidence, "403"),
    (failures) => [
      `Callers send no key, or one that does not open the API${reasons(failures)}: it is their mistake, not a role that is missing.`,
      "Check the header's name and the key, and that the subscription is active and has the API: list_subscriptions",
    ],
  );

/** The model refuses the gateway's own credential. */
export const backendAccess = (evidence: Evidence): Finding =>
  ofDetails(
    evidence,
    (failure) => isRejected(failure) && isAccess(failure) && failure.backendStatus === failure.status,
    isAsked(evidence, "403", "failover"),
    (failures) => [
      `The backend refuses the gateway's credential (${statuses(failures)}): its managed identity lacks the role, or the credential is not sent.`,
      `az role assignment create --assignee $(az apim show --ids ${idOf(evidence)} --query identity.principalId -o tsv) --role "Cognitive Services OpenAI User" --scope "<ARM id of the Azure OpenAI account>"`,
    ],
  );

const idOf = ({ service }: Evidence): string => (service.kind === "read" ? `"${service.value.resourceId}"` : "<ARM id of the service>");

/** 401 and 403 of a policy: an address, a token, a header. */
export const refusals = (evidence: Evidence): Finding =>
  ofDetails(
    evidence,
    (failure) =>
      isRejected(failure) && isAccess(failure) && failure.backendStatus !== failure.status && !keyReasons.includes(failure.reason),
    isAsked(evidence, "403"),
    (failures) => {
      const [most] = failures;
      const by = most === undefined || most.source === "" ? "A policy" : `Policy ${most.source}`;
      return [`${by} refuses callers${reasons(failures)}${quoted(most?.message ?? "")}.`, fixOfPolicy(evidence)];
    },
  );
