import { type Subscription, sharedSids, subscriptionName } from "../../gateway/model.ts";
import type { TeamLimits } from "../../quota/limit.ts";
import type { Cost } from "../../usage/governance/costs.ts";
import type { GovernedTraffic, Throttled } from "../../usage/governance/traffic.ts";
import { groupsBy } from "../../usage/groups.ts";
import { shareOfBinding } from "../../usage/subscription-usage.ts";
import type { Known } from "../../usage/totals.ts";

/** A team as the report has it; what its calls have come to. */
export interface ReportedTeam {
  readonly name: string;
  readonly requests: Known;
  readonly tokens: Known;
  readonly tokensBefore: Known;
  /** Percent of its limit of tokens per minute, by the minute that 95 % of all stay below. */
  readonly share: Known | "none";
  readonly throttled: Throttled | "unknown";
  /** Null without prices. */
  readonly cost: Cost | null;
}

export interface ReportedTeams {
  /** Those with most tokens first. */
  readonly teams: readonly ReportedTeam[];
  readonly notes: readonly string[];
}

/** What logs call a call without a subscription. */
const nobody = "none";

/** Every team that there is, and every caller that the logs know besides. `limits` is null where these could not be read: then the logs alone say who there is. */
export function reportedTeams(traffic: GovernedTraffic, limits: readonly TeamLimits[] | null): ReportedTeams {
  const subscriptions = (limits ?? []).map(({ subscription }) => subscription);
  const titleOf = titlesOf(subscriptions);
  const unclear = sharedSids(subscriptions);
  const known = new Set(subscriptions.map(({ id }) => id.toLowerCase()));
  const teams = [
    ...(limits ?? []).map(({ subscription, binding }) =>
      unclear.has(subscription.id.toLowerCase())
        ? unclearTeam(traffic, subscription)
        : teamOf(traffic, subscription.id, titleOf(subscription), binding.tpm),
    ),
    ...traffic.callers
      .filter((id) => !known.has(id.toLowerCase()))
      .map((id) =>
        teamOf(traffic, id, strangerTitle(id, limits !== null), { status: limits === null || id !== nobody ? "unknown" : "none" }),
      ),
  ];
  return {
    teams: teams.toSorted(
      (a, b) => number(b.tokens) - number(a.tokens) || number(b.requests) - number(a.requests) || a.name.localeCompare(b.name),
    ),
    notes:
      unclear.size === 0
        ? []
        : [`Logs name a subscription by its sid alone, which several have: ${[...unclear].slice(0, 5).join(", ")}. Theirs is unknown.`],
  };
}

const number = (value: Known): number => (value === "unknown" ? -1 : value);

/** The display name where no other team has it, else that name with what no other has. */
function titlesOf(all: readonly Subscription[]): (subscription: Subscription) => string {
  const byName = groupsBy(all, ({ displayName }) => displayName.toLowerCase());
  return (subscription) => {
    const { displayName } = subscription;
    const own = subscriptionName(subscription);
    if (displayName.trim() === "") return own;
    return byName.get(displayName.toLowerCase())?.length === 1 ? displayName : `${own} (${displayName})`;
  };
}

function strangerTitle(id: string, isGone: boolean): string {
  if (id === nobody) return "(no subscription)";
  return isGone ? `${id} (not there any more)` : id;
}

type Binding = Parameters<typeof shareOfBinding>[1];

function teamOf(traffic: GovernedTraffic, id: string, name: string, binding: Binding): ReportedTeam {
  const { now, earlier } = traffic.usageOf(id);
  const share = shareOfBinding(now, binding);
  const { costs } = traffic;
  return {
    name,
    requests: now.requests,
    tokens: now.tokens,
    tokensBefore: earlier.tokens,
    share: share === null ? "none" : share.p95,
    throttled: traffic.throttledOf(id) ?? "unknown",
    cost:
      costs &&
      (now.tokens === "unknown" ? { amount: "unknown", atLeast: false } : now.tokens === 0 ? { amount: 0, atLeast: false } : costs.of(id)),
  };
}

const unclearTeam = ({ costs }: GovernedTraffic, subscription: Subscription): ReportedTeam => ({
  name: subscriptionName(subscription),
  requests: "unknown",
  tokens: "unknown",
  tokensBefore: "unknown",
  share: "unknown",
  throttled: "unknown",
  cost: costs && { amount: "unknown", atLeast: false },
});
