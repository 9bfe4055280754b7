import type { DocumentId } from "../../gateway/documents.ts";
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
  /** Why that percent may not be of the limit that calls met: what holds it was written in the window, or it is more than the limit lets through. */
  readonly doubt: "written" | "beyond" | null;
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

/**
 * Every team that there is, and every caller that the logs know besides. `limits` is null where these could not be read: then the logs alone say who
 * there is. `written`: ids of the documents that were written in the window.
 */
export function reportedTeams(
  traffic: GovernedTraffic,
  limits: readonly TeamLimits[] | null,
  written: readonly DocumentId[],
): ReportedTeams {
  const changed = new Set(written.map((id) => id.toLowerCase()));
  const subscriptions = (limits ?? []).map(({ subscription }) => subscription);
  const titleOf = titlesOf(subscriptions);
  const unclear = sharedSids(subscriptions);
  const known = new Set(subscriptions.map(({ id }) => id.toLowerCase()));
  const teams = [
    ...(limits ?? []).map(({ subscription, binding }) =>
      unclear.has(subscription.id.toLowerCase())
        ? unclearTeam(traffic, subscription)
        : teamOf(traffic, subscription.id, titleOf(subscription), binding.tpm, isWritten(binding.tpm, changed)),
    ),
    ...traffic.callers
      .filter((id) => !known.has(id.toLowerCase()))
      .map((id) =>
        teamOf(traffic, id, strangerTitle(id, limits !== null), { status: limits === null || id !== nobody ? "unknown" : "none" }, false),
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

const isWritten = ({ limits }: Pick<TeamLimits["binding"]["tpm"], "limits">, written: ReadonlySet<DocumentId>): boolean =>
  limits.some((limit) => [limit.document, limit.number.document].some((id) => written.has(id.toLowerCase())));

type Binding = Parameters<typeof shareOfBinding>[1];

function teamOf(traffic: GovernedTraffic, id: string, name: string, binding: Binding, written: boolean): ReportedTeam {
  const { now, earlier } = traffic.usageOf(id);
  const share = shareOfBinding(now, binding);
  const { costs } = traffic;
  return {
    name,
    requests: now.requests,
    tokens: now.tokens,
    tokensBefore: earlier.tokens,
    share: share === null ? "none" : share.p95,
    doubt: typeof share?.p95 !== "number" ? null : written ? "written" : share.p95 > 100 ? "beyond" : null,
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
  doubt: null,
  throttled: "unknown",
  cost: costs && { amount: "unknown", atLeast: false },
});
