import { GatewayError } from "../errors.ts";
import { documentTitle, policyDocumentId } from "../gateway/documents.ts";
import { redactedText } from "../gateway/keys.ts";
import type { Subscription } from "../gateway/model.ts";
import { named, reasonAgainstEdit } from "./limits.ts";
import { bindingCandidates, isSure, isWide, type LimitReach, onApi, type SureLimit, type TeamReach } from "./reach.ts";

/** What a caller asks for. */
export interface LimitRequest {
  readonly kind: "tpm" | "rpm";
  readonly value: number;
  /** The API whose calls the limit is to bind; null for all that the team may call. */
  readonly apiId: string | null;
}

/**
 * The limit whose number has to change so that the asked value binds the team: the smallest of those that surely apply and count the team by
 * itself. Throws where there is none, where several are equally small, where it cannot be edited, or where another would bind below.
 */
export function targetLimit(team: TeamReach, request: LimitRequest): SureLimit {
  const { kind, value } = request;
  const target = bindingLimit(team, request);
  const reason = reasonAgainstEdit(target);
  if (reason !== null) throw notEditable(team.subscription, kind, target, reason);
  const below = sureLimits(team, request).filter(
    (other) => other.limit !== target.limit && other.limit.value < value && widePaths(target).some((path) => other.paths.includes(path)),
  );
  if (below.length === 0) return target;
  throw new GatewayError("invalid_input", `Another ${kind} limit would still bind '${team.subscription.id}' below ${value}.`, {
    hint: "Ask for a value that is not above it, or change the other limit first (apply_policy).",
    details: [target, ...below].map(candidate),
  });
}

/** The number that binds the team, as `targetLimit` finds it; null where nothing surely does. */
export function bindingValue(team: TeamReach, request: LimitRequest): number | null {
  const values = ownLimits(sureLimits(team, request)).map(({ limit }) => limit.value);
  return values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b));
}

/** The limit of that kind that binds the team; throws where there is none or more than one. */
function bindingLimit(team: TeamReach, request: LimitRequest): SureLimit {
  const sure = sureLimits(team, request);
  if (sure.length > 0) return soleBinding(team.subscription, request, ownLimits(sure));
  const ofKind = limitsOfKind(team, request);
  throw ofKind.length === 0 ? noLimit(team.subscription, request) : undecided(team.subscription, request.kind, ofKind);
}

/** Limits that may bind below `value` in cases that `targetLimit` leaves aside: under a condition, by an unknown number, on single operations. */
export function otherLimitsBelow(team: TeamReach, target: LimitReach, request: LimitRequest, value: number): readonly LimitReach[] {
  return limitsOfKind(team, request).filter((reach) => {
    if (reach.limit === target.limit || (isSure(reach) && isWide(reach))) return false;
    return reach.limit.value === "unknown" || reach.limit.value < value;
  });
}

function limitsOfKind({ limits }: TeamReach, { kind, apiId }: LimitRequest): readonly LimitReach[] {
  return limits.filter(({ limit }) => limit.kind === kind).flatMap((reach) => onApi(reach, apiId));
}

function sureLimits(team: TeamReach, request: LimitRequest): readonly SureLimit[] {
  return limitsOfKind(team, request).filter(isSure);
}

/** Those on a counter of the team's own, where there are such: a shared counter binds too, but is nobody's own limit. */
function ownLimits(sure: readonly SureLimit[]): readonly SureLimit[] {
  const own = sure.filter(({ sharedWith }) => sharedWith.length === 0);
  return bindingCandidates(own.length > 0 ? own : sure);
}

/** The smallest limit, where it is the same one on every path. */
function soleBinding(subscription: Subscription, { kind, apiId }: LimitRequest, candidates: readonly SureLimit[]): SureLimit {
  const bindings = new Set<SureLimit>();
  for (const path of new Set(candidates.flatMap(widePaths))) {
    const meeting = candidates.filter(({ paths }) => paths.includes(path));
    const smallest = Math.min(...meeting.map(({ limit }) => limit.value));
    for (const found of meeting) if (found.limit.value === smallest) bindings.add(found);
  }
  const [only, ...more] = bindings;
  if (only !== undefined && more.length === 0) return only;
  throw new GatewayError("invalid_input", `Several ${kind} limits bind '${subscription.id}'; which one is meant is not clear.`, {
    hint: apiId === null ? "Name the API with api_id, or edit the policy with apply_policy." : "Edit the policy with apply_policy.",
    details: [...bindings].map(candidate),
  });
}

/** The paths of whole APIs, or of single operations where the limit has no others. */
function widePaths({ paths }: LimitReach): LimitReach["paths"] {
  const wide = paths.filter(({ operationId }) => operationId === null);
  return wide.length > 0 ? wide : paths;
}

function noLimit({ id, scope }: Subscription, { kind, apiId }: LimitRequest): GatewayError {
  const element = kind === "tpm" ? "llm-token-limit" : "rate-limit-by-key";
  const place =
    scope.kind === "product"
      ? policyDocumentId(scope)
      : policyDocumentId(scope.kind === "api" ? scope : apiId === null ? { kind: "global" } : { kind: "api", apiId });
  return new GatewayError(
    "unsupported",
    `'${id}' has no ${kind} limit${apiId === null ? "" : ` on API '${apiId}'`} that could be changed.`,
    {
      hint: `A new limit goes into ${documentTitle(place)} (${place}): add an <${element}> to its inbound section with apply_policy.`,
    },
  );
}

function undecided({ id }: Subscription, kind: string, limits: readonly LimitReach[]): GatewayError {
  return new GatewayError("unsupported", `No ${kind} limit surely binds '${id}': it depends on what each call brings along.`, {
    hint: "Edit the policy with apply_policy.",
    details: limits.map(candidate),
  });
}

function notEditable({ id }: Subscription, kind: string, target: SureLimit, reason: string): GatewayError {
  const { limit } = target;
  return new GatewayError(
    "unsupported",
    `The ${kind} limit of '${id}' in ${documentTitle(limit.document)}, line ${limit.line}, cannot be changed: ${reason}.`,
    {
      hint: "Edit the policy with apply_policy; everyone who meets this limit is affected.",
      details: [candidate(target)],
    },
  );
}

/** One line about a limit that may be meant. */
export function candidate({ limit, condition, documentSharedWith }: LimitReach): string {
  const shared = documentSharedWith.length === 0 ? "" : `, met by ${named(documentSharedWith)} too`;
  const where = `${limit.document}, line ${limit.line}`;
  const reason = limit.value === "unknown" && limit.obstacle !== null ? `, ${limit.obstacle}` : "";
  return `${limit.limitId}: ${limit.kind} ${limit.value} (${where})${condition === null ? "" : `, where ${redactedText(condition)}`}${reason}${shared}`;
}
