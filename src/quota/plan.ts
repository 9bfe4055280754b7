import { GatewayError } from "../errors.ts";
import { type Document, documentTitle, withPolicyText } from "../gateway/documents.ts";
import { findApi, findSubscription, type Inventory, withPolicies } from "../gateway/inventory.ts";
import { type Subscription, sameName, scopeTitle } from "../gateway/model.ts";
import type { LimitChange, Proposal } from "../gateway/proposal.ts";
import { applyEdits, setAttribute } from "../policy/edit.ts";
import { audienceOf } from "./later-teams.ts";
import { numberChanges } from "./limit-changes.ts";
import type { WrittenLimit } from "./limit-elements.ts";
import { type TeamLimits, teamLimitsOf } from "./limits.ts";
import { type LimitReach, reachOf, type TeamReach } from "./reach.ts";
import { bindingValue, candidate, type LimitRequest, otherLimitsBelow, targetLimit } from "./target.ts";
import { teamBranch } from "./team-branch.ts";

export interface QuotaRequest {
  /** By id, or by a display name that only one has. */
  readonly subscriptionId: string;
  /** Only the limit that binds calls of this API. */
  readonly apiId?: string;
  /** Tokens per minute. */
  readonly tpm?: number;
  /** Calls per minute. */
  readonly rpm?: number;
}

/** A quota change as `change/` plans it: no documents where nothing would change. */
export type QuotaEdit = Omit<Proposal, "tool" | "override" | "limits"> & { readonly limits: readonly LimitChange[] };

/** The service, with the limits that each team meets. */
interface State {
  readonly inventory: Inventory;
  readonly teams: readonly TeamReach[];
}

/** One limit changed: the service as it would be, and what there is to say about it. */
interface Step {
  readonly state: State;
  readonly change: LimitChange;
  readonly place: string;
  readonly warnings: readonly string[];
}

/**
 * Changes one team's limits and nobody else's. The team gets a branch of its own where others meet the literal, and where it is the last one for
 * whom an `<otherwise>` (or a `when` like it) is left, so that subscriptions created later find what they would have found. Everywhere else
 * the literal is edited where it stands: in a branch of the team's own; or open to a whole scope of which the team is the only subscription,
 * with a warning that later ones get the number too. That also holds for a `rate-limit` or `quota` in an `<otherwise>`: a branch would count
 * the team by another element. `limits` compares every team before and after, as the finder reads the documents.
 *
 * Throws `not_found` (subscription, API), `invalid_input` (which limit is meant, or another binds below), `unsupported` (no limit, a shared
 * counter, a value that is no literal), each with where and why.
 */
export function planQuota(inventory: Inventory, request: QuotaRequest): QuotaEdit {
  const subscription = findSubscription(inventory, request.subscriptionId);
  const apiId = request.apiId === undefined ? null : findApi(inventory.apis, request.apiId).id;
  const asked = (["tpm", "rpm"] as const).flatMap((kind): LimitRequest[] => {
    const value = request[kind];
    return value === undefined ? [] : [{ kind, value, apiId }];
  });
  if (asked.length === 0) throw new GatewayError("invalid_input", "Neither tpm nor rpm is given.", { hint: "Give tpm, rpm, or both." });
  const before = stateOf(inventory);
  let after = before;
  const steps = asked.map((limit) => {
    const step = changeLimit(after, subscription, limit);
    after = step.state;
    return step;
  });
  const changes = steps.map(({ change: { kind, before, after } }) => `${kind} ${before} -> ${after}`).join(", ");
  return {
    action: `${subscription.id} ${changes}`,
    summary: `${titleOf(subscription)}: ${changes} in ${[...new Set(steps.map(({ place }) => place))].join(" and ")}.`,
    documents: changedDocuments(inventory, after.inventory),
    affected: [titleOf(subscription)],
    teams: [subscription.id],
    warnings: steps.flatMap(({ warnings }) => warnings),
    limits: [
      ...steps.flatMap(({ change }) => (change.before === change.after ? [] : [change])),
      ...unintendedChanges(before.teams.map(teamLimitsOf), after.teams.map(teamLimitsOf), subscription.id),
    ],
  };
}

function stateOf(inventory: Inventory): State {
  return { inventory, teams: reachOf(inventory) };
}

function changeLimit(state: State, subscription: Subscription, request: LimitRequest): Step {
  const team = teamIn(state, subscription);
  const target = targetLimit(team, request);
  const { limit } = target;
  const { amount, warnings } = writtenAmount(limit, request);
  const place = documentTitle(limit.document);
  const change = { subscriptionId: subscription.id, kind: request.kind, before: limit.value, intended: true };
  if (amount === limit.amount) return { state, change: { ...change, after: limit.value }, place, warnings };
  const way = wayTo(state.inventory, target, subscription);
  const edited = stateOf(withLimit(state.inventory, team, limit, way.ownBranch, amount));
  const after = bindingValue(teamIn(edited, subscription), request);
  if (after !== perMinute(limit, amount)) throw new Error(`${limit.limitId} reads ${after} after it was set to ${amount}`);
  const others = otherLimitsBelow(team, target, request, after).map(
    (other) => `Another limit may bind below ${after}: ${candidate(other)}.`,
  );
  return {
    state: edited,
    change: { ...change, after },
    place,
    warnings: [...warnings, ...way.warnings, ...others],
  };
}

function teamIn({ teams }: State, { id }: Subscription): TeamReach {
  const team = teams.find(({ subscription }) => subscription.id === id);
  if (team === undefined) throw new Error(`no limits were read for ${id}`);
  return team;
}

/** The service with another number for one team; nobody else's calls meet it. */
function withLimit(
  inventory: Inventory,
  { subscription, limits }: TeamReach,
  limit: WrittenLimit,
  ownBranch: boolean,
  amount: number,
): Inventory {
  const document = inventory.policies.get(limit.document);
  if (document === undefined) throw new Error(`${limit.document} was not read`);
  const callKeys = limits.flatMap((met) => (met.limit.counter === "calls" ? [met.limit.counterKey] : []));
  const edit = ownBranch
    ? teamBranch(limit, subscription.id, amount, { tier: inventory.service.tier, callKeys })
    : setAttribute(limit.parsed, limit.element, limit.attribute, String(amount));
  const after: Document = { ...document, properties: withPolicyText(document.properties, applyEdits(limit.parsed.source, [edit])) };
  return withPolicies(inventory, [after]);
}

/** How a number becomes the team's, as `planQuota` promises it. */
interface Way {
  /** Whether the team gets a branch; else the number is edited where it stands. */
  readonly ownBranch: boolean;
  readonly warnings: readonly string[];
}

function wayTo(inventory: Inventory, target: LimitReach, { id, scope }: Subscription): Way {
  const { limit, documentSharedWith } = target;
  const isBySubscription = limit.counter === "subscription";
  if (documentSharedWith.length > 0) {
    const anew = `The calls of '${id}' are counted anew, by rate-limit-by-key: ${limit.element.name} may stand only once in a policy.`;
    return { ownBranch: true, warnings: isBySubscription ? [anew] : [] };
  }
  const audience = audienceOf(inventory, target);
  if (audience === "team") return { ownBranch: false, warnings: [] };
  if (audience === "others" && !isBySubscription) return { ownBranch: true, warnings: [] };
  const later = `Subscriptions that are created later with the same scope (${scopeTitle(scope)}) get this ${limit.kind} limit too.`;
  return { ownBranch: false, warnings: [later] };
}

/** The number to write for a limit per minute; calls keep their renewal period. */
function writtenAmount(
  { kind, renewalSeconds }: WrittenLimit,
  { value }: LimitRequest,
): { readonly amount: number; readonly warnings: readonly string[] } {
  if (kind !== "rpm" || renewalSeconds === null || renewalSeconds === 60) return { amount: value, warnings: [] };
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

function perMinute({ kind, renewalSeconds }: WrittenLimit, amount: number): number {
  return kind === "rpm" && renewalSeconds !== null ? Math.floor((amount * 60) / renewalSeconds) : amount;
}

function changedDocuments(before: Inventory, after: Inventory): QuotaEdit["documents"] {
  return [...after.policies.values()].flatMap(({ id, properties }) => {
    const document = before.policies.get(id) ?? null;
    return document?.properties === properties ? [] : [{ id, before: document, after: properties }];
  });
}

/** How the other teams' limits differ before and after. Throws where one differs in a way that no number shows. */
function unintendedChanges(before: readonly TeamLimits[], after: readonly TeamLimits[], subscriptionId: string): readonly LimitChange[] {
  const afterById = new Map(after.map((team) => [team.subscription.id, team]));
  return before.flatMap((team) => {
    const { id } = team.subscription;
    const later = afterById.get(id);
    if (id === subscriptionId || later === undefined || signature(team) === signature(later)) return [];
    const changes = numberChanges(team, later, false);
    if (changes.length > 0) return changes;
    throw new GatewayError("unsupported", `The limit cannot be changed without changing how '${id}' is counted.`, {
      hint: "Edit the policy with apply_policy.",
    });
  });
}

/** What a team's limits come to, wherever they stand: equal texts, equal limits, conditions and counters. */
export function signature({ limits }: TeamLimits): string {
  const lines = limits.map(({ kind, value, period, condition, counterKey, sharedWith }) =>
    JSON.stringify([kind, value, period, condition, counterKey, sharedWith]),
  );
  return lines.toSorted().join("\n");
}

function titleOf({ id, displayName }: Subscription): string {
  return displayName === "" || sameName(displayName, id) ? id : `${id} (${displayName})`;
}
