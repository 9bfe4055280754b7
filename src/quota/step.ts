import { GatewayError } from "../errors.ts";
import { type DocumentId, workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, sameName } from "../gateway/model.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { StaticCall } from "../policy/static/values.ts";
import { staticPolicies } from "../policy/static/walk.ts";
import { valuesOf } from "./amounts.ts";
import { audienceOf, laterState } from "./audience.ts";
import { callersOf } from "./callers.ts";
import { addLimit } from "./edits/add-limit.ts";
import type { Team } from "./edits/branch.ts";
import { type Change, isShared, type Way, waysToChange } from "./edits/change-limit.ts";
import { isTokenLimit, type Window } from "./edits/elements.ts";
import { quotaBeside } from "./edits/quota-beside.ts";
import { type Removal, waysToRemove, withoutElement } from "./edits/remove-limit.ts";
import { type Planning, proven } from "./intent.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { named } from "./limits.ts";
import { limitsWithout, openSignatures, type State, stateOf, teamIn } from "./proof.ts";
import { noWayLeft, refuseMalformed, refuseWorkspace, sharedCounter } from "./refusals.ts";
import { withoutShadow } from "./shadow.ts";
import {
  callsOf,
  candidate,
  findTarget,
  freeCalls,
  isSure,
  type LimitRequest,
  limitsOfKind,
  listed,
  notEditable,
  otherApis,
  type SureLimit,
  shown,
} from "./target.ts";

/** One limit changed: the service as it would be, and what there is to say about it. */
export interface Step {
  readonly state: State;
  readonly change: LimitChange;
  /** Which of the team's calls it is for, in words; null for all of them. */
  readonly calls: string | null;
  readonly period: string | null;
  readonly document: DocumentId;
  readonly warnings: readonly string[];
}

/** Makes one change that is asked for, by the first way that is proven. */
export function changeLimit(planning: Planning, state: State, request: LimitRequest): Step {
  const team = teamIn(state, planning.name);
  const { limit, besides } = findTarget(state.inventory, team, request);
  const step = limit === null ? newlyLimited(planning, state, team, request) : stepFor(planning, state, team, limit, request);
  const { after } = step.change;
  const others = besides.map(
    (other) => `Another limit may bind ${after === null ? "still" : `below ${shown(after)}`}: ${candidate(other, team)}.`,
  );
  const free =
    after === null || request.apiId !== null || request.limitId !== null ? [] : freeCalls(teamIn(step.state, planning.name), request.kind);
  const unlimited = free.length === 0 ? [] : [`No ${request.kind} limit is for calls to ${named(free)}, or not for all of them.`];
  return { ...step, warnings: [...step.warnings, ...others, ...unlimited] };
}

function stepFor(planning: Planning, state: State, team: TeamLimits, limit: SureLimit, request: LimitRequest): Step {
  const { value, apiId } = request;
  const elsewhere = apiId === null ? [] : otherApis(state.inventory, team, limit, apiId);
  if (apiId !== null && elsewhere.length > 0 && value !== limit.amount.value) {
    return narrowed(planning, state, team, limit, { ...request, apiId }, elsewhere);
  }
  if (value === null) return removed(planning, state, team, limit, request);
  return changed(planning, state, team, limit, request, value);
}

/** A lower limit for the calls of one API, where the limit that binds them holds on others too and stays. */
function narrowed(
  planning: Planning,
  state: State,
  team: TeamLimits,
  limit: SureLimit,
  request: LimitRequest & { readonly apiId: string },
  elsewhere: readonly string[],
): Step {
  const { value, apiId, kind } = request;
  const holds = `The ${kind} limit of '${planning.name}' on API '${apiId}' (${limit.limitId}, ${shown(limit.amount.value)}) holds on ${named(elsewhere)} too`;
  if (value === null || value > limit.amount.value || limit.perCall !== undefined) {
    throw new GatewayError("invalid_input", `${holds}.`, {
      hint: `Without api_id it is ${value === null ? "removed" : "changed"} for all of them. On one API alone a limit can only be lower than it.`,
      details: [candidate(limit, team)],
    });
  }
  const period = request.period ?? limit.period ?? null;
  const step = added(planning, state, team, { ...request, period });
  const change = { ...step.change, before: limit.amount.value, calls: `API ${apiId}` };
  return {
    ...step,
    change: kind === "token_quota" ? { ...change, period: { before: limit.period ?? null, after: period } } : change,
    warnings: [...step.warnings, `${holds} and stays: calls of API '${apiId}' get a lower limit besides.`],
  };
}

/** A limit where the team as a whole has none. */
function newlyLimited(planning: Planning, state: State, team: TeamLimits, request: LimitRequest): Step {
  const { kind, value, apiId } = request;
  const perCall = limitsOfKind(team, request).filter((limit) => limit.perCall !== undefined);
  const ofEach = perCall.map((limit) => candidate(limit, team));
  if (value === null) {
    throw new GatewayError(
      "invalid_input",
      `'${planning.name}' has no ${kind} limit${apiId === null ? "" : ` on API '${apiId}'`} to remove.`,
      {
        hint:
          perCall.length === 0
            ? "list_subscriptions shows its limits."
            : "Name one that counts by what each call brings along with limit_id.",
        details: ofEach,
      },
    );
  }
  const step = added(planning, state, team, request);
  const name = planning.name;
  const before = perCall.map(
    (limit) =>
      `${limit.limitId} counts per value of ${limit.perCall ?? ""}, not the team as a whole: the new limit of ${value} binds all calls of '${name}' together. How far that cuts what it uses cannot be told. To change the number per value, give limit_id.`,
  );
  const eachValue = perCall
    .map(({ amount, perCall: of }) => `${listed(valuesOf(amount)) || amount.status} per value of ${of ?? ""}`)
    .join(", ");
  const change = eachValue === "" ? step.change : { ...step.change, eachValue };
  return { ...step, change, warnings: [...step.warnings, ...before] };
}

function changed(planning: Planning, state: State, team: TeamLimits, limit: SureLimit, request: LimitRequest, value: number): Step {
  const { number, window } = numberToWrite(limit, value, request.period);
  const periods = { before: limit.period ?? null, after: request.period ?? limit.period ?? null };
  const calls = callsOf(limit);
  const change = { ...changeIn(planning, request, limit.amount.value, value, periods), ...(calls === null ? {} : { calls }) };
  const step = { change, calls, period: request.period ?? limit.period ?? null };
  const cleared = clearOfShadow(planning, state, limit);
  if (number === (limit.written?.calls ?? limit.amount.value) && window === null) {
    return { ...step, state: cleared, document: limit.document, warnings: cleared.warnings };
  }
  refuseWorkspace(planning.subscription, limit);
  refuseMalformed(state.inventory, team, limit);
  if (isShared(limit) && value > limit.amount.value) throw sharedCounter(team, limit, value);
  const later = laterState({ inventory: cleared.inventory, csharp: planning.csharp }, planning.subscription);
  const base = changeOf(planning, cleared, later, limit);
  const warnings = [...cleared.warnings, ...perValue(planning, limit)];
  let reason = noWayLeft(limit);
  // A key of the team's own would no longer count by what each call brings along.
  for (const rekey of limit.perCall === undefined ? [false, true] : [false]) {
    for (const way of waysToChange({ ...base, number, window, rekey })) {
      const behind = proven(planning, cleared, later, way, { gone: [base.limit], kind: limit.kind, value });
      if (typeof behind !== "string") {
        return { ...step, state: behind, document: way.document, warnings: [...warnings, ...way.warnings] };
      }
      reason = behind;
    }
  }
  throw notEditable(team, limit, reason);
}

const perValue = ({ name }: Planning, { perCall }: Limit): readonly string[] =>
  perCall === undefined
    ? []
    : [`The number is one per value of ${perCall}: '${name}' as a whole may use as many times it as its calls have values.`];

/** A state with the team's shadow of the limit taken away, where it has one: it reckons with the number that goes. */
interface Cleared extends State {
  readonly warnings: readonly string[];
}

function clearOfShadow({ csharp, name }: Planning, state: State, limit: Limit): Cleared {
  const mayHave = limit.kind === "tpm" && isTokenLimit(limit.element.name);
  const inventory = mayHave ? withoutShadow(state.inventory, limit, name) : state.inventory;
  if (inventory === state.inventory) return { ...state, warnings: [] };
  return { ...stateOf(inventory, csharp), warnings: [`The shadow limit of '${name}' goes: it reckoned with the limit as it was.`] };
}

/** What the edits need to know of a limit, as it stands in this state. */
function changeOf(
  { csharp, subscription, name }: Planning,
  state: State,
  later: State,
  limit: Limit,
): Omit<Change, "number" | "window" | "rekey"> {
  const team = teamIn(state, name);
  const current = team.limits.find(({ limitId }) => limitId === limit.limitId);
  if (current === undefined) throw new Error(`${limit.limitId} is not met any more`);
  return {
    inventory: state.inventory,
    team,
    limit: current,
    as: asTeam(state.inventory, csharp, subscription, current.number.document),
    audience: audienceOf(state, later, team, current),
  };
}

function asTeam(inventory: Inventory, csharp: CSharp, { id, displayName }: Subscription, document: DocumentId): Team {
  const policies = staticPolicies(inventory, csharp);
  // Of a call nothing is known but who makes it: what else a condition asks for leaves it undecided.
  const call: StaticCall = { subscription: { id, name: displayName }, product: undefined, api: null, operation: null };
  return {
    subscriptionId: id,
    decides(condition) {
      const verdict = policies.decide(condition, call, new Map(), document);
      return typeof verdict === "boolean" ? verdict : null;
    },
  };
}

function added(planning: Planning, state: State, team: TeamLimits, request: LimitRequest): Step {
  const { kind, value, period, apiId } = request;
  const { csharp, name, subscription } = planning;
  if (value === null) throw new Error("nothing to add");
  if (kind === "token_quota" && period === null) {
    throw new GatewayError("invalid_input", `'${name}' has no token quota yet, so its period has to be given.`, {
      hint: "period: e.g. Monthly.",
    });
  }
  refuseWorkspace(subscription, null);
  const later = laterState({ inventory: state.inventory, csharp }, subscription);
  const change = changeIn(planning, request, null, value, { before: null, after: period });
  const step = { change, calls: apiId === null ? null : `on API ${apiId}`, period };
  const beside = kind === "token_quota" ? ownTokenLimit(state, later, team, request) : null;
  if (beside !== null && period !== null) {
    const way = quotaBeside(state.inventory, beside, value, period);
    const behind = proven(planning, state, later, way, { gone: [], kind, value });
    if (typeof behind !== "string") return { ...step, state: behind, document: way.document, warnings: way.warnings };
  }
  const paths = (callersOf(state.inventory).find((caller) => caller.name === name)?.paths ?? []).filter(
    (path) => apiId === null || path.apiId === null || sameName(path.apiId, apiId),
  );
  const as = asTeam(state.inventory, csharp, subscription, "policies/policy");
  const edited = addLimit({ inventory: state.inventory, team, as, kind, number: value, period, apiId, paths });
  const behind = proven(planning, state, later, { ...edited, forLater: false, counts: "as before" }, { gone: [], kind, value });
  if (typeof behind === "string") {
    throw new GatewayError("unsupported", `No ${kind} limit could be added for '${name}': ${behind}.`, {
      hint: "Edit the policy with apply_policy.",
    });
  }
  return { ...step, state: behind, document: edited.document, warnings: edited.warnings };
}

/** The token limit per minute of the team's own that a quota may stand beside; null where it has none. */
function ownTokenLimit(state: State, later: State, team: TeamLimits, { apiId }: LimitRequest): Limit | null {
  const own = limitsOfKind(team, { kind: "tpm", apiId }).filter((limit) => {
    if (!isSure(limit) || limit.counterGroup.size > 1 || limit.perCall !== undefined || limit.operationsOnly) return false;
    if (apiId === null ? limit.apiIds !== null : otherApis(state.inventory, team, limit, apiId).length > 0) return false;
    const { alone, element } = audienceOf(state, later, team, limit);
    const counts = isTokenLimit(limit.element.name);
    return counts && alone && element === "team" && workspaceOf(limit.document) === undefined;
  });
  return own.length === 1 ? (own[0] ?? null) : null;
}

function removed(planning: Planning, state: State, team: TeamLimits, limit: SureLimit, request: LimitRequest): Step {
  const { name } = planning;
  refuseWorkspace(planning.subscription, limit);
  refuseMalformed(state.inventory, team, limit);
  const cleared = clearOfShadow(planning, state, limit);
  const later = laterState({ inventory: cleared.inventory, csharp: planning.csharp }, planning.subscription);
  const base = changeOf(planning, cleared, later, limit);
  const { way, behind } = firstProven(planning, cleared, later, { ...base, fallback: fallbackOf(planning, cleared, base) });
  const after = teamIn(behind, name);
  const [bound] = limitsOfKind(after, request)
    .filter(isSure)
    .filter((other) => isInPlaceOf(other, limit))
    .toSorted((a, b) => a.amount.value - b.amount.value);
  const calls = callsOf(limit);
  const left = bound === undefined ? `'${name}' has no ${limit.kind} limit then` : `'${name}' falls back to ${candidate(bound, after)}`;
  return {
    state: behind,
    change: {
      ...changeIn(planning, request, limit.amount.value, bound?.amount.value ?? null, {
        before: limit.period ?? null,
        after: bound?.period ?? null,
      }),
      ...(calls === null ? {} : { calls }),
    },
    calls,
    period: limit.period ?? null,
    document: way.document,
    warnings: [...cleared.warnings, ...way.warnings, `${left}.`],
  };
}

/** What the team would meet in place of a limit whose element has to stay for another one. */
function fallbackOf({ csharp, name }: Planning, { teams }: State, base: Omit<Removal, "fallback">): readonly Limit[] {
  const inventory = withoutElement(base);
  if (inventory === null) return [];
  const others = teamIn({ inventory, teams }, name).limits.filter(({ element }) => element !== base.limit.element);
  const then = teamIn(stateOf(inventory, csharp), name).limits.filter(({ kind }) => kind === base.limit.kind);
  return limitsWithout(then, others, openSignatures());
}

/** Whether all calls that a limit was for meet another one, counted together. */
function isInPlaceOf(other: Limit, { apiIds, operations, deployment }: Limit): boolean {
  const holdsAll = (own: readonly string[] | null, all: readonly string[] | null): boolean =>
    own === null || (all ?? [null]).every((id) => id !== null && own.includes(id));
  return (
    other.perCall === undefined &&
    holdsAll(other.apiIds, apiIds) &&
    holdsAll(other.operations, operations) &&
    (other.deployment === undefined || other.deployment === deployment)
  );
}

function firstProven(planning: Planning, state: State, later: State, base: Removal): { readonly way: Way; readonly behind: State } {
  let reason = "it stands in a branch that asks for more than the subscription";
  for (const way of waysToRemove(base)) {
    const behind = proven(planning, state, later, way, { gone: [base.limit], kind: base.limit.kind, value: null });
    if (typeof behind !== "string") return { way, behind };
    reason = behind;
  }
  throw notEditable(base.team, base.limit, reason);
}

const changeIn = (
  { name }: Planning,
  { kind }: LimitRequest,
  before: number | null,
  after: number | null,
  period: { readonly before: string | null; readonly after: string | null },
): LimitChange => ({ subscriptionId: name, kind, before, after, intended: true, ...(kind === "token_quota" ? { period } : {}) });

interface Written {
  /** As the attribute holds it. */
  readonly number: number;
  readonly window: Window | null;
}

/** What to write for a number: calls keep their renewal period where that holds it exactly, else they are counted by the minute. */
function numberToWrite(limit: Limit, value: number, period: string | null): Written {
  if (limit.kind === "token_quota") return { number: value, window: period === null ? null : periodOf(limit, period) };
  const counts = value * (limit.written?.incrementCount ?? 1);
  const exact = (counts * (limit.written?.renewalSeconds ?? 60)) / 60;
  return Number.isInteger(exact)
    ? { number: exact, window: null }
    : { number: counts, window: { attribute: "renewal-period", value: "60" } };
}

/** How a quota's element says its period; null where it is the one that it has. */
function periodOf(limit: Limit, period: string): Window | null {
  if (isTokenLimit(limit.element.name)) return period === limit.period ? null : { attribute: "token-quota-period", value: period };
  const seconds = secondsIn[period];
  if (seconds === undefined) {
    throw new GatewayError("invalid_input", `A <${limit.element.name}> counts by seconds: '${period}' is not always as many.`, {
      hint: "Ask for Hourly, Daily or Weekly, or leave the period as it is.",
    });
  }
  return limit.period === `${seconds} s` ? null : { attribute: "renewal-period", value: String(seconds) };
}

const secondsIn: Readonly<Record<string, number>> = { Hourly: 3600, Daily: 86_400, Weekly: 7 * 86_400 };
