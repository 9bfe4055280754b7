import { GatewayError } from "../errors.ts";
import { type DocumentId, workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, sameName } from "../gateway/model.ts";
import type { LimitChange } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import type { StaticCall } from "../policy/static/values.ts";
import { staticPolicies } from "../policy/static/walk.ts";
import { audienceOf, laterState } from "./audience.ts";
import { callersOf } from "./callers.ts";
import { addLimit } from "./edits/add-limit.ts";
import type { Team } from "./edits/branch.ts";
import { type Change, type Way, waysToChange } from "./edits/change-limit.ts";
import { isTokenLimit } from "./edits/elements.ts";
import { quotaBeside } from "./edits/quota-beside.ts";
import { type Removal, waysToRemove } from "./edits/remove-limit.ts";
import { type Planning, proven } from "./intent.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { type State, stateOf, teamIn } from "./proof.ts";
import { reasonOf, refuseMalformed, refuseUneditable, refuseWorkspace, sharedCounter } from "./refusals.ts";
import { withoutShadow } from "./shadow.ts";
import { candidate, findTarget, isSure, type LimitRequest, limitsOfKind, notEditable, type SureLimit } from "./target.ts";

/** One limit changed: the service as it would be, and what there is to say about it. */
export interface Step {
  readonly state: State;
  readonly change: LimitChange;
  readonly period: string | null;
  readonly document: DocumentId;
  readonly warnings: readonly string[];
}

/** Makes one change that is asked for, by the first way that is proven. */
export function changeLimit(planning: Planning, state: State, request: LimitRequest): Step {
  const team = teamIn(state, planning.name);
  const { limit, besides } = findTarget(state.inventory, team, request);
  const step =
    limit === null
      ? added(planning, state, team, request)
      : request.value === null
        ? removed(planning, state, team, limit, request)
        : changed(planning, state, team, limit, request, request.value);
  const { after } = step.change;
  const others = besides.map(
    (other) => `Another limit may bind ${after === null ? "still" : `below ${after}`}: ${candidate(other, team)}.`,
  );
  return { ...step, warnings: [...step.warnings, ...others] };
}

function changed(planning: Planning, state: State, team: TeamLimits, limit: SureLimit, request: LimitRequest, value: number): Step {
  const { amount, warnings } = writtenAmount(limit, value);
  const period = request.period === null || request.period === limit.period ? null : request.period;
  const asked = perMinute(limit, amount);
  const periods = { before: limit.period ?? null, after: period ?? limit.period ?? null };
  const change = {
    ...changeIn(planning, request, limit.amount.value, asked, periods),
    ...(limit.deployment === undefined ? {} : { calls: `deployment ${limit.deployment}` }),
  };
  const step = { change, period: request.period ?? limit.period ?? null, warnings };
  const cleared = clearOfShadow(planning, state, limit);
  if (asked === limit.amount.value && period === null) {
    return { ...step, state: cleared, document: limit.document, warnings: [...warnings, ...cleared.warnings] };
  }
  refuseUneditable(planning.subscription, state.inventory, team, limit);
  if (limit.counterGroup.size > 1 && asked > limit.amount.value) throw sharedCounter(team, limit, asked);
  const later = laterState({ inventory: cleared.inventory, csharp: planning.csharp }, planning.subscription);
  const base = changeOf(planning, cleared, later, limit);
  let reason = reasonOf(limit);
  for (const rekey of [false, true]) {
    for (const way of waysToChange({ ...base, number: amount, period, rekey })) {
      const behind = proven(planning, cleared, later, way, { gone: [base.limit], kind: limit.kind, value: asked });
      if (typeof behind !== "string") {
        return { ...step, state: behind, document: way.document, warnings: [...warnings, ...cleared.warnings, ...way.warnings] };
      }
      reason = behind;
    }
  }
  throw notEditable(team, limit, reason);
}

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
): Omit<Change, "number" | "period" | "rekey"> {
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
  if (value === null) {
    throw new GatewayError("invalid_input", `'${name}' has no ${kind} limit${apiId === null ? "" : ` on API '${apiId}'`} to remove.`);
  }
  if (kind === "token_quota" && period === null) {
    throw new GatewayError("invalid_input", `'${name}' has no token quota yet, so its period has to be given.`, {
      hint: "period: e.g. Monthly.",
    });
  }
  refuseWorkspace(subscription, null);
  const later = laterState({ inventory: state.inventory, csharp }, subscription);
  const change = changeIn(planning, request, null, value, { before: null, after: period });
  const beside = kind === "token_quota" ? ownTokenLimit(state, later, team, request) : null;
  if (beside !== null && period !== null) {
    const way = quotaBeside(state.inventory, beside, value, period);
    const behind = proven(planning, state, later, way, { gone: [], kind, value });
    if (typeof behind !== "string") return { state: behind, change, period, document: way.document, warnings: way.warnings };
  }
  const paths = (callersOf(state.inventory).find((caller) => caller.name === name)?.paths ?? []).filter(
    (path) => path.operationId === null && (apiId === null || path.apiId === null || sameName(path.apiId, apiId)),
  );
  const as = asTeam(state.inventory, csharp, subscription, "policies/policy");
  const edited = addLimit({ inventory: state.inventory, team, as, kind, number: value, period, apiId, paths });
  const behind = proven(planning, state, later, { ...edited, forLater: false, counts: "as before" }, { gone: [], kind, value });
  if (typeof behind === "string") {
    throw new GatewayError("unsupported", `No ${kind} limit could be added for '${name}': ${behind}.`, {
      hint: "Edit the policy with apply_policy.",
    });
  }
  return { state: behind, change, period, document: edited.document, warnings: edited.warnings };
}

/** The token limit per minute of the team's own that a quota may stand beside; null where it has none. */
function ownTokenLimit(state: State, later: State, team: TeamLimits, { apiId }: LimitRequest): Limit | null {
  const own = limitsOfKind(team, { kind: "tpm", apiId }).filter((limit) => {
    if (!isSure(limit) || limit.counterGroup.size > 1 || limit.apiIds !== null || limit.operationsOnly) return false;
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
  const { way, behind } = firstProven(planning, cleared, later, base);
  const after = teamIn(behind, name);
  const [bound] = limitsOfKind(after, request)
    .filter(isSure)
    .toSorted((a, b) => a.amount.value - b.amount.value);
  const left = bound === undefined ? `'${name}' has no ${limit.kind} limit then` : `'${name}' falls back to ${candidate(bound, after)}`;
  return {
    state: behind,
    change: changeIn(planning, request, limit.amount.value, bound?.amount.value ?? null, {
      before: limit.period ?? null,
      after: bound?.period ?? null,
    }),
    period: limit.period ?? null,
    document: way.document,
    warnings: [...cleared.warnings, ...way.warnings, `${left}.`],
  };
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

/** The number to write for a limit per minute; calls keep their renewal period. */
function writtenAmount(limit: Limit, value: number): { readonly amount: number; readonly warnings: readonly string[] } {
  const renewalSeconds = limit.written?.renewalSeconds ?? 60;
  if (limit.kind === "token_quota" || renewalSeconds === 60) return { amount: value, warnings: [] };
  const exact = (value * renewalSeconds) / 60;
  const amount = Math.floor(exact);
  if (amount === 0) {
    throw new GatewayError(
      "invalid_input",
      `${value} calls per minute is less than one call in the limit's renewal period of ${renewalSeconds} s.`,
      {
        hint: `Ask for at least ${Math.ceil(60 / renewalSeconds)}, or change the renewal period with apply_policy.`,
      },
    );
  }
  const warnings =
    amount === exact ? [] : [`${value} calls per minute are ${exact} in the limit's ${renewalSeconds} s; it is set to ${amount}.`];
  return { amount, warnings };
}

function perMinute({ kind, written }: Limit, amount: number): number {
  return kind === "token_quota" || written === undefined ? amount : Math.floor((amount * 60) / written.renewalSeconds);
}
