import { redactedText } from "../gateway/keys.ts";
import { type Subscription, subscriptionName, subscriptionTitle } from "../gateway/model.ts";
import type { Binding, Group, Limit, LimitKind, TeamLimits } from "./limit.ts";

/* A team's limits as answers show them. Texts from policies come without keys. */

/** A number, or why there is none: no limit, one that cannot be told beforehand, or one of several by what each call brings along. */
export type Amount = number | "none" | "unknown" | "several";

/** A team in one line. */
export interface TeamRow {
  /** `subscriptionName`. */
  readonly subscription_id: string;
  readonly display_name: string;
  readonly scope: string;
  readonly state: string;
  /** What binds, per minute. */
  readonly tpm: Amount;
  readonly rpm: Amount;
  /** What binds per period; left out where there is no quota. */
  readonly token_quota?: Amount;
  readonly token_quota_period?: string;
  readonly call_quota?: Amount;
  readonly call_quota_period?: string;
  /** The limit that binds: of tokens before those of requests, per minute before those of longer periods. */
  readonly limit_id?: string;
  /** What stands out. */
  readonly note?: string;
}

/** One limit with all that is known of it. */
export interface LimitRow {
  readonly limit_id: string;
  readonly kind: LimitKind;
  readonly binds: boolean;
  readonly status: Limit["amount"]["status"];
  readonly value?: number;
  readonly values?: readonly number[];
  readonly why?: string;
  readonly written?: string;
  readonly period?: string;
  readonly bandwidth?: string;
  readonly conditions: readonly string[];
  readonly deployment?: string;
  readonly counter_key: string;
  readonly shared_with: readonly string[];
  /** How many more share the counter. */
  readonly shared_with_left_out?: number;
  readonly gateways: number | "unknown";
  readonly document: string;
  readonly line: number;
  /** Where the number stands, where that is elsewhere: `namedValues/tpm`. */
  readonly number_in?: string;
  readonly scope: string;
  readonly api_ids?: readonly string[];
  readonly operations_only?: true;
  readonly accounting?: true;
  readonly editable: boolean;
  readonly reason?: string;
}

/** The kinds of limits, the one that people ask for first before the others. */
const kinds: readonly LimitKind[] = ["tpm", "token_quota", "rpm", "call_quota"];

/** What the row of a team needs of its limits. */
export function teamRow({ subscription, limits, binding }: TeamLimits): TeamRow {
  const bound = kinds.map((kind) => binding[kind]).filter(({ limits: found }) => found.length > 0);
  const limitId = bound[0]?.limits[0]?.limitId;
  const note = noteOn(subscription, limits, binding);
  return {
    subscription_id: subscriptionName(subscription),
    display_name: subscription.displayName,
    scope: subscriptionTitle(subscription),
    state: subscription.state,
    tpm: amountOf(binding.tpm),
    rpm: amountOf(binding.rpm),
    ...quotaOf(binding, "token_quota"),
    ...quotaOf(binding, "call_quota"),
    ...(limitId === undefined ? {} : { limit_id: limitId }),
    ...(note === "" ? {} : { note }),
  };
}

const amountOf = ({ status, value }: Binding): Amount => (status === "value" ? (value ?? "unknown") : status);

function quotaOf(binding: TeamLimits["binding"], kind: "token_quota" | "call_quota"): Partial<TeamRow> {
  const [first] = binding[kind].limits;
  if (first === undefined) return {};
  return { [kind]: amountOf(binding[kind]), ...(first.period === undefined ? {} : { [`${kind}_period`]: first.period }) };
}

/** How many gateways count each of a team's limits for themselves; null where that differs from limit to limit. */
export function gatewaysOf({ limits }: TeamLimits): number | "unknown" | null {
  const [first, ...others] = new Set(limits.map(({ gateways }) => gateways));
  return first === undefined || others.length > 0 ? null : first;
}

function noteOn(subscription: Subscription, limits: readonly Limit[], binding: TeamLimits["binding"]): string {
  const bound = kinds.flatMap((kind) => binding[kind].limits);
  const others = limits.filter((limit) => !bound.includes(limit));
  const conditional = others.filter((limit) => !limit.accounting && (limit.conditions.length > 0 || limit.operationsOnly)).length;
  const accounting = limits.filter((limit) => limit.accounting).length;
  const sharing = Math.max(0, ...bound.map((limit) => sharersOf(limit, subscription)));
  return [
    ...kinds.flatMap((kind) => obscurityOf(kind, binding[kind])),
    sharing > 0 && `counter shared with ${sharing} ${sharing === 1 ? "other" : "others"}`,
    conditional > 0 && `${conditional} more under conditions`,
    accounting > 0 && `${accounting} for accounting only`,
  ]
    .filter((part) => part !== false)
    .join("; ");
}

/** Why one kind of limit has no number. */
function obscurityOf(kind: LimitKind, { status, limits }: Binding): readonly string[] {
  const [first] = limits;
  if (first === undefined || status === "value" || status === "none") return [];
  const { amount, conditions } = first;
  if (amount.status === "several") return [`${kind} ${amount.values.join(" or ")}: ${short(amount.why)}`];
  if (amount.status === "unknown") return [`${kind} unknown: ${short(amount.why)}`];
  const only =
    first.deployment === undefined ? `if ${short(conditions[0]?.text ?? "a condition holds")}` : `for deployment '${first.deployment}'`;
  return [`${kind}${amount.status === "value" ? ` ${amount.value}` : ""} only ${only}`];
}

const mostCharacters = 80;

const short = (text: string): string => {
  const shown = redactedText(text);
  return shown.length > mostCharacters ? `${shown.slice(0, mostCharacters)}...` : shown;
};

const sharersOf = ({ counterGroup }: Limit, subscription: Subscription): number =>
  counterGroup.size - (counterGroup.has(subscriptionName(subscription)) ? 1 : 0);

/** Every limit of a team, those that bind first. */
export function limitRows({ subscription, limits, binding }: TeamLimits): readonly LimitRow[] {
  const bound = new Set(kinds.flatMap((kind) => binding[kind].limits));
  const rows = limits.map((limit) => limitRow(limit, subscription, bound.has(limit)));
  return [...rows.filter(({ binds }) => binds), ...rows.filter(({ binds }) => !binds)];
}

const mostSharers = 5;

function limitRow(limit: Limit, subscription: Subscription, binds: boolean): LimitRow {
  const { amount, written, number } = limit;
  const sharers = othersIn(limit.counterGroup, subscriptionName(subscription));
  const left = sharersOf(limit, subscription) - sharers.length;
  return {
    limit_id: limit.limitId,
    kind: limit.kind,
    binds,
    status: amount.status,
    ...(amount.status === "value" ? { value: amount.value } : { why: redactedText(amount.why) }),
    ...(amount.status === "several" ? { values: amount.values } : {}),
    ...(written === undefined ? {} : { written: `${written.calls} calls per ${written.renewalSeconds} s` }),
    ...(limit.period === undefined ? {} : { period: limit.period }),
    ...(limit.bandwidth === undefined ? {} : { bandwidth: limit.bandwidth }),
    conditions: limit.conditions.map(({ text }) => redactedText(text)),
    ...(limit.deployment === undefined ? {} : { deployment: limit.deployment }),
    counter_key: limit.counterKey === null ? "the subscription" : redactedText(limit.counterKey),
    shared_with: sharers,
    ...(left > 0 ? { shared_with_left_out: left } : {}),
    gateways: limit.gateways,
    document: limit.document,
    line: limit.line,
    ...(number.document === limit.document ? {} : { number_in: number.document }),
    scope: limit.scope,
    ...(limit.apiIds === null ? {} : { api_ids: limit.apiIds }),
    ...(limit.operationsOnly ? { operations_only: true } : {}),
    ...(limit.accounting ? { accounting: true } : {}),
    editable: limit.editable,
    ...(limit.reason === undefined ? {} : { reason: redactedText(limit.reason) }),
  };
}

/** The first few others of a group, which may have thousands. */
function othersIn(group: Group, name: string): readonly string[] {
  const others: string[] = [];
  for (const member of group) {
    if (others.length === mostSharers) break;
    if (member !== name) others.push(member);
  }
  return others;
}
