import { GatewayError } from "../errors.ts";
import { documentTitle } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { redactedText } from "../gateway/keys.ts";
import { sameName, subscriptionName } from "../gateway/model.ts";
import { attributeNode } from "../policy/document.ts";
import { shownAttribute } from "../policy/redaction.ts";
import { valuesOf } from "./amounts.ts";
import { bindingOn } from "./binding.ts";
import { callersOf } from "./callers.ts";
import { attributeOf } from "./edits/elements.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { named } from "./limits.ts";
import { namesBut } from "./proof.ts";

/** What a caller asks for. */
export interface LimitRequest {
  readonly kind: "tpm" | "rpm" | "token_quota";
  /** Null takes the limit away. */
  readonly value: number | null;
  /** Of a quota; null leaves it. */
  readonly period: string | null;
  /** The limit that is meant; null for the one that binds. */
  readonly limitId: string | null;
  /** The API whose calls the limit is to bind; null for all that the team may call. */
  readonly apiId: string | null;
}

/** A limit with a known number. */
export type SureLimit = Limit & { readonly amount: { readonly status: "value"; readonly value: number } };

/** The limit to change, with others of its kind that may bind below the value asked; `limit` is null where the team has none of that kind. */
export interface Target {
  readonly limit: SureLimit | null;
  readonly besides: readonly Limit[];
}

/**
 * The limit whose number has to change: the one that is named, else the one that binds, preferably on a counter of the team's own. Throws
 * `invalid_input` with the candidates where several bind alike, where they differ by deployment, condition or API, or where another would bind below the
 * value asked; `unsupported` where no number is there that could be changed.
 */
export function findTarget(inventory: Inventory, team: TeamLimits, request: LimitRequest): Target {
  if (request.limitId !== null) return namedTarget(team, request, request.limitId);
  const ofKind = limitsOfKind(team, request).filter(({ perCall }) => perCall === undefined);
  refuseDiffering(team, request);
  const [sure, unsure] = [ofKind.filter(isSure), ofKind.filter((limit) => !isSure(limit))];
  const target = sure.length === 0 ? null : soleBinding(inventory, team, request, sure);
  if (target === null) {
    if (unsure.length === 0) return { limit: null, besides: [] };
    const [undecided] = unsure.filter(({ conditions }) => conditions.length === 0);
    if (undecided !== undefined) throw undecidedNumber(team, undecided);
    throw ambiguous(team, request, unsure, "may each apply to some of its calls only");
  }
  const { value } = request;
  const others = ofKind.filter((limit) => limit !== target);
  const asShared = target.counterGroup.size > 1 && unsure.some(({ counterGroup }) => counterGroup.size === 1);
  if (asShared) throw ambiguous(team, request, [target, ...unsure], "differ by what calls bring along");
  const below = value === null ? [] : others.filter((other) => meets(other, target) && valuesOf(other.amount).some((one) => one < value));
  if (below.length > 0 && value !== null) throw bindsBelow(team, request, value, below);
  return { limit: target, besides: others.filter(({ amount }) => amount.status === "unknown") };
}

/** Limits of the kind that limit the team, on the API that is asked about. */
export function limitsOfKind({ limits }: TeamLimits, { kind, apiId }: Pick<LimitRequest, "kind" | "apiId">): readonly Limit[] {
  return limits.filter(
    (limit) =>
      limit.kind === kind &&
      !limit.accounting &&
      limit.amount.status !== "none" &&
      (apiId === null || limit.apiIds === null || limit.apiIds.some((id) => sameName(id, apiId))),
  );
}

export const isSure = (limit: Limit): limit is SureLimit => limit.conditions.length === 0 && hasNumber(limit);

const hasNumber = (limit: Limit): limit is SureLimit => limit.amount.status === "value";

function namedTarget(team: TeamLimits, request: LimitRequest, limitId: string): Target {
  const { value } = request;
  const ofKind = limitsOfKind(team, request);
  const limit = ofKind.find((one) => one.limitId === limitId);
  if (limit === undefined) {
    const name = subscriptionName(team.subscription);
    throw new GatewayError("invalid_input", `'${name}' has no ${request.kind} limit '${limitId}'.`, {
      hint: ofKind.length === 0 ? `It has no ${request.kind} limit.` : "Name one of these.",
      details: ofKind.map((one) => candidate(one, team)),
    });
  }
  if (!hasNumber(limit)) throw undecidedNumber(team, limit);
  const others = ofKind.filter((other) => other !== limit && meets(other, limit));
  const below = (one: Limit): boolean => one.amount.status === "unknown" || valuesOf(one.amount).some((number) => number < (value ?? 0));
  return { limit, besides: others.filter(below) };
}

/** Throws where calls of the team are bound by different limits, as by API, operation or deployment. */
function refuseDiffering(team: TeamLimits, request: LimitRequest): void {
  const whole = team.binding[request.kind];
  const { status, limits } = request.apiId === null ? whole : bindingOn(whole, request.apiId);
  const differing = status === "several" ? limits.filter(({ perCall }) => perCall === undefined) : [];
  if (differing.length < 2) return;
  throw ambiguous(
    team,
    request,
    differing,
    differing.some(isSure) ? "bind, by API, operation, deployment or what calls bring along" : "may each apply to some of its calls only",
  );
}

/** The limit that binds, where it is the same one on every API. */
function soleBinding(inventory: Inventory, team: TeamLimits, request: LimitRequest, sure: readonly SureLimit[]): SureLimit {
  const bindings = new Set<SureLimit>();
  for (const apiId of request.apiId === null ? apisOf(inventory, team) : [request.apiId]) {
    const met = sure.filter(({ apiIds }) => apiIds === null || (apiId !== null && apiIds.some((id) => sameName(id, apiId))));
    for (const limit of smallestOf(preferred(met))) bindings.add(limit);
  }
  const [only, ...more] = bindings;
  if (only !== undefined && more.length === 0) return only;
  throw ambiguous(team, request, [...bindings], "bind alike, or each on its own calls");
}

const smallestOf = (limits: readonly SureLimit[]): readonly SureLimit[] => {
  const smallest = Math.min(...limits.map(({ amount }) => amount.value));
  return limits.filter(({ amount }) => amount.value === smallest);
};

/** Those on a counter of the team's own, where there are such: a shared counter binds too, but is nobody's own limit. */
function preferred(sure: readonly SureLimit[]): readonly SureLimit[] {
  const own = sure.filter(({ counterGroup }) => counterGroup.size === 1);
  const candidates = own.length > 0 ? own : sure;
  const wide = candidates.filter(({ operationsOnly }) => !operationsOnly);
  return wide.length > 0 ? wide : candidates;
}

/** The APIs that the team may call; null for none in particular. */
export function apisOf(inventory: Inventory, { subscription }: TeamLimits): readonly (string | null)[] {
  const name = subscriptionName(subscription);
  const caller = callersOf(inventory).find((one) => one.name === name);
  return [...new Set(caller?.paths.map(({ apiId }) => apiId) ?? [null])];
}

/** The team's APIs, but for one, whose calls meet the limit too. */
export const otherApis = (inventory: Inventory, team: TeamLimits, { apiIds }: Limit, apiId: string): readonly string[] =>
  apisOf(inventory, team).filter(
    (id): id is string => id !== null && !sameName(id, apiId) && (apiIds === null || apiIds.some((one) => sameName(one, id))),
  );

/** Whether some calls may meet both. */
const meets = (a: Limit, b: Limit): boolean =>
  (a.apiIds === null || b.apiIds === null || a.apiIds.some((id) => b.apiIds?.includes(id))) &&
  meetOnOperations(a.operations, b.operations) &&
  (a.deployment === undefined || b.deployment === undefined || a.deployment === b.deployment);

/** Whether two lists of operations have one in common: `chat/emb`, `chat but emb`, `chat`. */
function meetOnOperations(a: Limit["operations"], b: Limit["operations"]): boolean {
  if (a === null || b === null) return true;
  const [those, these] = [a.map(operationsIn), b.map(operationsIn)];
  return those.some((one) =>
    these.some(
      (other) =>
        one.api === other.api &&
        (one.only === null || other.only === null || one.only === other.only) &&
        !other.but.includes(one.only ?? "") &&
        !one.but.includes(other.only ?? ""),
    ),
  );
}

function operationsIn(text: string) {
  const [all = "", but = ""] = text.split(" but ");
  const [api = "", only = null] = all.split("/");
  return { api, only, but: but.split(/, | and /) };
}

function ambiguous({ subscription, ...rest }: TeamLimits, { kind }: LimitRequest, limits: readonly Limit[], why: string): GatewayError {
  const name = subscriptionName(subscription);
  const several = limits.length > 1;
  return new GatewayError(
    "invalid_input",
    several
      ? `Several ${kind} limits of '${name}' ${why}; which one is meant?`
      : `The only ${kind} limit of '${name}' ${limits[0]?.deployment === undefined ? "stands under a condition that cannot be decided beforehand" : `is for deployment ${limits[0].deployment}`}.`,
    {
      hint: "Name it with limit_id; api_id, where they are for different APIs.",
      details: limits.map((limit) => candidate(limit, { subscription, ...rest })),
    },
  );
}

const bindsBelow = (team: TeamLimits, { kind }: LimitRequest, value: number, limits: readonly Limit[]): GatewayError =>
  new GatewayError("invalid_input", `Another ${kind} limit would still bind '${subscriptionName(team.subscription)}' below ${value}.`, {
    hint: "Ask for a value that is not above it, change the other limit first, or name the one that is meant with limit_id.",
    details: limits.map((limit) => candidate(limit, team)),
  });

/** Of a number that an expression decides, or that cannot be read: never rewritten. */
function undecidedNumber(team: TeamLimits, limit: Limit): GatewayError {
  const { amount } = limit;
  return notEditable(team, limit, "why" in amount ? amount.why : "an expression decides it");
}

export function notEditable(team: TeamLimits, limit: Limit, reason: string): GatewayError {
  const name = subscriptionName(team.subscription);
  return new GatewayError(
    "unsupported",
    `The ${limit.kind} limit of '${name}' in ${documentTitle(limit.document)}, line ${limit.line}, cannot be changed: ${redactedText(reason).replace(/\.$/, "")}.`,
    {
      hint: "Edit the policy with apply_policy; everyone who meets this limit is affected.",
      details: [candidate(limit, team), ...writtenNumbers(limit)],
    },
  );
}

/** What is written where the number is decided: in the limit itself, and where a variable gets it. */
function writtenNumbers(limit: Limit): readonly string[] {
  const { element, line, document } = limit.number;
  const places = [
    { place: `${limit.document}, line ${limit.line}`, at: limit.element, name: attributeOf(limit) },
    ...(element === null || element === limit.element ? [] : [{ place: `${document}, line ${line}`, at: element, name: "value" }]),
  ];
  return places.flatMap(({ place, at, name }) => {
    const written = attributeNode(at, name)?.value.text;
    return written === undefined ? [] : [`${place}: ${name}="${shortened(shownAttribute(at, name, written))}"`];
  });
}

const longest = 600;
const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}...` : text);

/** Which of the team's calls a limit is for, in words; null for all of them, counted together. */
export function callsOf({ deployment, apiIds, operations, conditions, perCall }: Limit): string | null {
  const asked = conditions
    .filter((condition) => deployment === undefined || condition.deployment === undefined)
    .map(({ text }) => redactedText(text).replace(/\s+/g, " ").trim());
  // What a limit counts is no condition under which it applies.
  const counting = asked.filter((text) => text.startsWith("counts only where "));
  const applying = asked.filter((text) => !counting.includes(text));
  const parts = [
    ...(deployment === undefined ? [] : [`deployment ${deployment}`]),
    ...(operations === null ? (apiIds === null ? [] : [`on API ${apiIds.join(", ")}`]) : [`on ${named(operations)}`]),
    ...(applying.length === 0 ? [] : [`where ${applying.join(" and ")}`]),
    ...counting,
    ...(perCall === undefined ? [] : [`per value of ${perCall}`]),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

/** Who else spends from a limit's counter, or may. */
export function sharedWith({ counterGroup, mayShare }: Limit, name: string): string {
  if (counterGroup.size > 1 || mayShare === undefined) return `is shared with ${named(namesBut(counterGroup, name))}`;
  return `may be shared with ${named(namesBut(mayShare, name))}`;
}

/** Calls of the team that no limit of a kind is for, as it can be told. */
export function freeCalls({ binding }: TeamLimits, kind: LimitRequest["kind"]): readonly string[] {
  const free = binding[kind].parts.filter(({ values }) => values.includes("none")).flatMap(({ calls }) => calls);
  return [
    ...new Set(
      free.flatMap(({ apiId, operationId }) => (apiId === null ? [] : [operationId === null ? apiId : `${apiId}/${operationId}`])),
    ),
  ];
}

/** A number for people: a rate may be a fraction. */
export const shown = (value: number): string => String(Math.round(value * 100) / 100);

/** `1000, 3000 or 9000`. */
export const listed = (values: readonly number[]): string => {
  const [last = "", ...first] = values.map(shown).toReversed();
  return first.length === 0 ? last : `${first.toReversed().join(", ")} or ${last}`;
};

/** One line about a limit that may be meant. */
export function candidate(limit: Limit, { subscription }: Pick<TeamLimits, "subscription">): string {
  const { limitId, kind, amount, counterGroup } = limit;
  const value = amount.status === "several" ? listed(valuesOf(amount)) : amount.status === "value" ? shown(amount.value) : amount.status;
  const calls = callsOf(limit);
  const why = "why" in amount ? `, ${redactedText(amount.why)}` : "";
  const name = subscriptionName(subscription);
  return [
    `${limitId}: ${kind} ${value}${limit.period === undefined ? "" : ` ${limit.period}`} (${limit.document}, line ${limit.line})${why}`,
    calls === null ? "" : `, ${calls}`,
    counterGroup.size > 1 || limit.mayShare !== undefined ? `, its counter ${sharedWith(limit, name)}` : "",
  ].join("");
}
