import { GatewayError } from "../errors.ts";
import { documentTitle } from "../gateway/documents.ts";
import { ambiguousName, findApi, type Inventory, namedSubscriptions } from "../gateway/inventory.ts";
import { type Subscription, sameName, subscriptionName } from "../gateway/model.ts";
import { changeIdMark, type LimitChange, type Proposal } from "../gateway/proposal.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { type TextChange, textChanges } from "./edits/documents.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { resolveLimitId } from "./limit-ids.ts";
import { named } from "./limits.ts";
import { changedTeams, stateOf, teamIn } from "./proof.ts";
import { changeLimit, type Step } from "./step.ts";
import { candidate, findTarget, type LimitRequest, otherApis, shown } from "./target.ts";

export interface QuotaRequest {
  /** By id, by whole ARM id, or by a display name that only one has. */
  readonly subscriptionId: string;
  /** Only the limit that binds calls of this API. */
  readonly apiId?: string;
  /** The limit that is meant, in place of the one that binds. */
  readonly limitId?: string;
  /** Tokens per minute; null takes the limit away, as with the others. */
  readonly tpm?: number | null;
  /** Calls per minute. */
  readonly rpm?: number | null;
  /** Tokens per period. */
  readonly tokenQuota?: number | null;
  /** `Hourly`, `Daily`, `Weekly`, `Monthly` or `Yearly`; without it the quota keeps its own. */
  readonly period?: string;
}

/** A quota change as `change/` plans it: no documents where nothing would change. */
export type QuotaEdit = Omit<Proposal, "tool" | "override" | "limits" | "documents"> & {
  readonly documents: readonly TextChange[];
  readonly limits: readonly LimitChange[];
  /** All that limits the team now, and then. */
  readonly limitsBefore: readonly Limit[];
  readonly limitsAfter: readonly Limit[];
};

/**
 * Changes one team's limits and nobody else's: see `waysToChange`, `addLimit` and `removeLimit`. Of the ways to do it the first is taken that the
 * finder proves: over the documents as they would be, every other team's limits are what they were, by amount, condition and counter, and of
 * the team's own that one alone is another, and is the number asked.
 *
 * Throws `not_found` (subscription, API), `invalid_input` (which limit is meant, or another binds below), `unsupported` (an expression decides the
 * number, a shared counter, nothing that the proof would let through), each with where and why.
 */
export function planQuota(inventory: Inventory, csharp: CSharp, request: QuotaRequest): QuotaEdit {
  const subscription = subscriptionOf(inventory, request.subscriptionId);
  const planning = { csharp, subscription, name: subscriptionName(subscription) };
  const before = stateOf(inventory, csharp);
  const steps: Step[] = [];
  let after = before;
  for (const limit of requestsOf(inventory, request, teamIn(before, planning.name))) {
    const step = changeLimit(planning, after, limit);
    steps.push(step);
    after = step.state;
  }
  const others = changedTeams(before, after, planning.name);
  if (others.length > 0) throw new Error(`limits of ${others.join(", ")} differ behind the last step`);
  const changes = steps.map(inWords).join(", ");
  return {
    action: `${planning.name} ${changes}`,
    summary: `${titleOf(subscription)}: ${changes} in ${[...new Set(steps.map(({ document }) => documentTitle(document)))].join(" and ")}.`,
    documents: textChanges(inventory, after.inventory),
    affected: [titleOf(subscription)],
    teams: [planning.name],
    warnings: [...new Set(steps.flatMap(({ warnings }) => warnings))],
    limits: steps.flatMap(({ change }) => (isSame(change) ? [] : [change])),
    limitsBefore: teamIn(before, planning.name).limits,
    limitsAfter: teamIn(after, planning.name).limits,
    after: `get_metrics ${JSON.stringify({ change_id: changeIdMark, group_by: ["subscription", "cause"] })}`,
  };
}

/** The team's limit that a shadow is to stand on: the one that is named, else the one that binds; null where it has none. */
export function shadowTarget(
  inventory: Inventory,
  csharp: CSharp,
  request: Pick<QuotaRequest, "subscriptionId" | "apiId" | "limitId">,
): { readonly team: TeamLimits; readonly limit: Limit | null } {
  const subscription = subscriptionOf(inventory, request.subscriptionId);
  const team = teamIn(stateOf(inventory, csharp), subscriptionName(subscription));
  const limitId = request.limitId === undefined ? null : resolveLimitId(team.limits, request.limitId).limitId;
  const asked = { kind: "tpm", value: null, period: null, limitId, apiId: apiOf(inventory, request) } as const;
  const { limit } = findTarget(inventory, team, asked);
  const elsewhere = limit === null || asked.apiId === null ? [] : otherApis(inventory, team, limit, asked.apiId);
  if (elsewhere.length === 0) return { team, limit };
  throw new GatewayError("invalid_input", `The limit that binds calls of API '${asked.apiId ?? ""}' holds on ${named(elsewhere)} too.`, {
    hint: "Leave api_id out: a shadow stands on the limit as a whole.",
  });
}

/** Of the service or of a workspace. */
function subscriptionOf(inventory: Inventory, name: string): Subscription {
  const found = namedSubscriptions(inventory, name);
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) throw ambiguousName(name, found);
  return only;
}

const apiOf = (inventory: Inventory, { apiId }: Pick<QuotaRequest, "apiId">): string | null =>
  apiId === undefined ? null : findApi(inventory.apis, apiId).id;

function requestsOf(inventory: Inventory, request: QuotaRequest, team: TeamLimits): readonly LimitRequest[] {
  const { limits } = team;
  const { tpm, rpm, tokenQuota, period, limitId } = request;
  const apiId = apiOf(inventory, request);
  const asked = (
    [
      ["tpm", tpm],
      ["rpm", rpm],
      ["token_quota", tokenQuota],
    ] as const
  ).flatMap(([kind, value]) => (value === undefined ? [] : [{ kind, value }]));
  if (asked.length === 0) {
    throw new GatewayError("invalid_input", "Neither tpm nor rpm nor token_quota is given.", {
      hint: "Give the limit to change, or several.",
    });
  }
  if (period !== undefined && (tokenQuota === undefined || tokenQuota === null)) {
    throw new GatewayError("invalid_input", "A period is that of a token quota, which is not given.", {
      hint: "Give token_quota with it.",
    });
  }
  const meant = limitId === undefined ? null : resolveLimitId(limits, limitId);
  if (meant !== null && !asked.some(({ kind }) => kind === meant.kind)) {
    throw new GatewayError("invalid_input", `'${meant.limitId}' is a ${meant.kind} limit, which is not what is asked for.`, {
      hint: "limit_id is one of the team's own, as list_subscriptions shows them.",
      details: team.limits.filter(({ kind }) => asked.some((one) => one.kind === kind)).map((limit) => candidate(limit, team)),
    });
  }
  const requests = asked.map(({ kind, value }) => ({
    kind,
    value,
    period: kind === "token_quota" ? (period ?? null) : null,
    limitId: meant?.kind === kind ? meant.limitId : null,
    apiId,
  }));
  // Each edit may give limits other names: the one that is named comes first.
  return requests.toSorted((a, b) => Number(b.limitId !== null) - Number(a.limitId !== null));
}

const isSame = ({ before, after, period }: LimitChange): boolean => before === after && period?.before === period?.after;

function inWords({ change: { kind, before, after }, period, calls }: Step): string {
  const of = kind === "token_quota" && period !== null ? ` ${period}` : "";
  const number = (value: number | null): string => (value === null ? "none" : shown(value));
  return `${kind}${calls === null ? "" : ` (${short(calls)})`} ${number(before)} -> ${number(after)}${of}`;
}

const mostCharacters = 120;

const short = (text: string): string => (text.length > mostCharacters ? `${text.slice(0, mostCharacters)}...` : text);

function titleOf(subscription: Subscription): string {
  const { displayName } = subscription;
  const name = subscriptionName(subscription);
  return displayName === "" || sameName(displayName, name) ? name : `${name} (${displayName})`;
}
