import { undoOfPolicies } from "./changes.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpen, breakerOpener, isNotable, isUnanswered, ofCauses, sum, told, withoutCalls } from "./failure-counts.ts";
import { policies } from "./policies.ts";
import { answeredBy, placesOf, rewritesAnswer } from "./policies-in-effect.ts";
import type { Failure } from "./traffic.ts";
import { ofBackends, whyUnsent } from "./unsent-calls.ts";
import { short, some } from "./wording.ts";

export const isAsked = ({ symptom }: Evidence, ...some: readonly Evidence["symptom"][]): boolean => some.includes(symptom);

const poolOf = (evidence: Evidence, failures: readonly Failure[]): string =>
  `get_backend_pool {"api_id":"${apiMeant(evidence, failures) ?? "<id of an API>"}"}`;

/** Statuses that backends have answered, the most frequent first. */
export const statuses = (failures: readonly Failure[]): string => some(failures.map(({ backendStatus }) => `${backendStatus}`));

/** The backend has answered 5xx. */
export const backendErrors = (evidence: Evidence): Finding =>
  ofBackends(evidence, "backend-errors", isAsked(evidence, "5xx", "failover"), (failures) => [
    `The backend failed${failures.length === 0 ? "" : ` (status ${statuses(failures)})`}; ${passedOn(failures)}.`,
    `Look at the model's own metrics and Azure status; whether another region takes over: ${poolOf(evidence, failures)}`,
  ]);

const passedOn = (failures: readonly Failure[]): string => {
  const others = failures.filter(({ status, backendStatus }) => status !== backendStatus);
  return others.length === 0 ? "the gateway passed it on" : `a policy made ${some(others.map(({ status }) => `${status}`))} of it`;
};

/** Errors of backends that callers never saw, as a policy answered them with something else. Null where no log tells of calls. */
export function maskedErrors(evidence: Evidence): Finding | null {
  const { calls, masked } = evidence.traffic;
  if (masked === null) return null;
  return knowing({ calls, masked }, ({ calls: all, masked: found }) => {
    if (all.requests === 0) return withoutCalls(evidence);
    if (!isNotable(sum(found), all.requests, isAsked(evidence, "5xx"))) return ok();
    const answered = some(found.map(({ status }) => `${status}`));
    const by = found.flatMap(({ status }) => rewritesAnswer(evidence, status) ?? []);
    return problem(
      told(found, all.requests, evidence),
      `The backend failed (status ${statuses(found)}), and the caller got ${answered}${by.length === 0 ? " from a policy" : `: ${some(by)}`}. No caller's retry and no count of errors sees it.`,
      `See why the backend fails: ${poolOf(evidence, found)}. Meant so? Else let the status through: ${readPolicy(evidence, found)}, apply_policy`,
    );
  });
}

/** The backend could not be reached, or did not answer in time. */
export const backendConnection = (evidence: Evidence): Finding =>
  ofBackends(evidence, "backend-connection", isAsked(evidence, "5xx", "failover"), (failures) => [
    `The gateway could not reach the backend, or had no answer in time${reasons(failures)}.`,
    `Check the backend's URL, DNS, private endpoint and firewall, and the timeout of forward-request: ${poolOf(evidence, failures)}`,
  ]);

/**
 * Where a backend has failed, the check that tells of it counts these calls too. Null where there are such calls and no breaker can have kept them:
 * another check tells of them then.
 */
export function breakers(evidence: Evidence): Finding | null {
  const { calls } = evidence.traffic;
  const some = calls.kind === "read" && (calls.value.ended.get(breakerOpen) ?? 0) > 0;
  if (some && whyUnsent(evidence).by !== "breakers") return null;
  const finding = ofCauses(evidence, [breakerOpen], isAsked(evidence, "5xx", "failover"), (failures) => [
    "503 without a call to a backend: the breakers of all members were open (inferred; no log says so).",
    `See which members have breakers and how long these stay open: ${poolOf(evidence, failures)}`,
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
    const at = most === undefined ? "" : placeOf(most, evidence);
    return [`A policy of the gateway fails${when}${what}${at}.`, fixOfPolicy(evidence, failures)];
  });

/** Where policies of the name that has failed stand, as far as that is known. */
function placeOf({ source, api, reason }: Failure, evidence: Evidence): string {
  const places = source === "" ? [] : placesOf(evidence, source, api, reason === "ExpressionValueEvaluationFailure");
  return places.length === 0 ? "" : `; ${places.length === 1 ? "it stands" : "those of this name stand"} in ${some(places, 2)}`;
}

/** The one that was asked about, that of the most failures, or the only one there is. */
function apiMeant({ apiId, apis }: Evidence, failures: readonly Failure[]): string | null {
  const [only, ...others] = apis.kind === "read" ? apis.value : [];
  return apiId ?? failures.find(({ api }) => api !== null)?.api ?? (others.length === 0 ? (only?.id ?? null) : null);
}

/** Without an API that is meant its id has to be filled in. */
export const readPolicy = (evidence: Evidence, failures: readonly Failure[] = []): string =>
  `get_policy {"api_id":"${apiMeant(evidence, failures) ?? "<id of an API>"}","view":"effective"}`;

export function fixOfPolicy(evidence: Evidence, failures: readonly Failure[]): string {
  const undo = undoOfPolicies(evidence);
  return `Find it: ${readPolicy(evidence, failures)}; mend it with apply_policy${undo === null ? "" : `, or take the last change back: ${undo}`}`;
}

export const quoted = (message: string): string => (message === "" ? "" : `, "${short(message)}"`);

export const reasons = (failures: readonly Failure[]): string => {
  const found = some(failures.map(({ reason }) => reason).filter((reason) => reason !== ""));
  return found === "" ? "" : ` (${found})`;
};

/** 5xx that no log gives a reason for. What the policies show of it goes first; a document that is wrong is told by the check of policies. */
export const unexplainedErrors = (evidence: Evidence): Finding => {
  const kept = whyUnsent(evidence);
  const causes = ["error:unclassified", ...(kept.by === "breakers" ? [] : [breakerOpen])];
  return ofCauses(evidence, causes, isAsked(evidence, "5xx"), (failures) => {
    const answering = [...new Set(failures.map(({ status }) => status))].flatMap((status) => {
      const by = answeredBy(evidence, status);
      return by === null ? [] : [`${status}: ${by}`];
    });
    if (answering.length > 0) {
      return [
        `A policy answers these calls itself, with ${some(answering)}; no backend was asked.`,
        `Meant so? Else take it out: ${readPolicy(evidence, failures)}, apply_policy`,
      ];
    }
    if (kept.by === "policy") {
      return [
        `A policy answers 503 itself: ${kept.text}; no backend was asked.`,
        `Meant so? Else take it out: ${readPolicy(evidence, failures)}, apply_policy`,
      ];
    }
    if (kept.by === "pool")
      return [
        `Calls have nowhere to go: ${kept.text}.`,
        `Give it a member with update_backend_pool; what it has: ${poolOf(evidence, failures)}`,
      ];
    const wrong = policies(evidence);
    if (wrong.status === "problem") return [`No log gives a reason; a policy that is wrong explains them: ${wrong.seen}`, wrong.do];
    return [
      "5xx of the gateway without a reason in the logs, and no policy is seen to answer so: the gateway itself, or what its policies call.",
      `${fixOfPolicy(evidence, failures)}; else ask Azure support with the correlation ids`,
    ];
  });
};
