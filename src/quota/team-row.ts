import { redactedText } from "../gateway/keys.ts";
import { type Subscription, subscriptionName, subscriptionTitle } from "../gateway/model.ts";
import { valuesOf } from "./amounts.ts";
import { callsInWords } from "./calls-in-words.ts";
import type { Binding, BoundCalls, Group, Limit, LimitKind, TeamLimits } from "./limit.ts";
import { shadowValue } from "./shadow-text.ts";

/* A team's limits as answers show them. Texts from policies come without keys. */

/** A number, or why there is none: no limit, one that cannot be told beforehand, or one of several by which calls they are and what they bring along. */
type Amount = number | "none" | "unknown" | "several";

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
  /** The limit that binds, where it is one for all calls: of tokens before those of requests, per minute before those of longer periods. */
  readonly limit_id?: string;
  /** What stands out. */
  readonly note?: string;
}

/** One limit with all that is known of it. */
interface LimitRow {
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
  /** The first few who may share it, by what calls bring along or as it cannot be told. */
  readonly may_be_shared_with?: readonly string[];
  /** Each value of it is counted by itself: no limit of the team as a whole. */
  readonly per_value_of?: string;
  readonly gateways: number | "unknown";
  readonly document: string;
  readonly line: number;
  /** Where the number stands, where that is elsewhere: `namedValues/tpm`. */
  readonly number_in?: string;
  readonly scope: string;
  readonly api_ids?: readonly string[];
  readonly operations?: readonly string[];
  readonly accounting?: true;
  readonly editable: boolean;
  readonly reason?: string;
}

/** The kinds of limits, the one that people ask for first before the others. */
const kinds: readonly LimitKind[] = ["tpm", "token_quota", "rpm", "call_quota"];

/** What the row of a team needs of its limits. */
export function teamRow({ subscription, limits, binding }: TeamLimits): TeamRow {
  const bound = kinds.map((kind) => binding[kind]).filter(({ limits: found }) => found.length > 0);
  const [first] = bound;
  const limitId = first?.status === "several" && first.limits.length > 1 ? undefined : first?.limits[0]?.limitId;
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
  const { limits } = binding[kind];
  if (limits.length === 0) return {};
  const [period, ...others] = new Set(limits.map((limit) => limit.period));
  return { [kind]: amountOf(binding[kind]), ...(period === undefined || others.length > 0 ? {} : { [`${kind}_period`]: period }) };
}

/** How many gateways count each of a team's limits for themselves; null where that differs from limit to limit. */
export function gatewaysOf({ limits }: TeamLimits): number | "unknown" | null {
  const [first, ...others] = new Set(limits.map(({ gateways }) => gateways));
  return first === undefined || others.length > 0 ? null : first;
}

function noteOn(subscription: Subscription, limits: readonly Limit[], binding: TeamLimits["binding"]): string {
  const bound = kinds.flatMap((kind) => binding[kind].limits);
  const others = limits.filter((limit) => !bound.includes(limit) && !limit.accounting);
  const each = others.filter(({ perCall }) => perCall !== undefined);
  const conditional = others.filter((limit) => !each.includes(limit) && (limit.conditions.length > 0 || limit.operationsOnly)).length;
  const accounting = limits.filter((limit) => limit.accounting).length;
  const most = (groupOf: (limit: Limit) => Group) => Math.max(0, ...bound.map((limit) => sharersIn(groupOf(limit), subscription)));
  const sharing = most(({ counterGroup }) => counterGroup);
  const perhaps = most(({ mayShare, counterGroup }) => mayShare ?? counterGroup);
  return [
    ...kinds.flatMap((kind) => obscurityOf(kind, binding[kind])),
    ...each.map((limit) => `${limit.kind} ${perValue(limit)}`),
    ...limits.flatMap(({ bandwidth, period = "" }) => (bandwidth === undefined ? [] : [`bandwidth ${bandwidth} KB per ${period}`])),
    sharing > 0 && `counter shared with ${counted(sharing)}`,
    perhaps > sharing && `counter may be shared with ${counted(perhaps)}`,
    ...shadowsOn(subscription, limits),
    conditional > 0 && `${conditional} more under conditions`,
    accounting > 0 && `${accounting} for accounting only`,
  ]
    .filter((part) => part !== false)
    .join("; ");
}

/** What only records, and refuses nobody. */
function shadowsOn(subscription: Subscription, limits: readonly Limit[]): readonly string[] {
  const values = limits.map(({ kind, element }) => (kind === "tpm" ? shadowValue(element, subscriptionName(subscription)) : null));
  return [...new Set(values.filter((value) => value !== null))].map((value) => `shadow tpm ${value}, not enforced`);
}

const counted = (others: number): string => `${others} ${others === 1 ? "other" : "others"}`;

/** What holds where, or why one kind of limit has no number. */
function obscurityOf(kind: LimitKind, { status, parts }: Binding): readonly string[] {
  if (status === "value" || status === "none") return [];
  const all = parts.flatMap(({ calls }) => calls);
  const texts = new Map<string, BoundCalls["calls"]>();
  for (const part of parts) {
    const text = partText(part);
    texts.set(text, [...(texts.get(text) ?? []), ...part.calls]);
  }
  const words = [...texts].map(([text, calls]) => {
    const where = callsInWords(calls, all);
    return where === null ? text : `${text} ${where}`;
  });
  const shown = words.length > mostParts ? [...words.slice(0, mostParts), `${words.length - mostParts} more`] : words;
  return [`${kind} ${shown.join(", ")}`];
}

const mostParts = 6;

/** What binds some calls, in few words. */
function partText({ values, limits }: BoundCalls): string {
  const numbers = values.filter((value) => typeof value === "number");
  const each = limits.filter(({ perCall }) => perCall !== undefined).map(perValue);
  const [unknown] = limits.flatMap(({ amount }) => (amount.status === "unknown" ? [amount.why] : []));
  const told = values.map((value) => (value === "unknown" && each.length > 0 ? each.join(" or ") : String(value)));
  if (values.length === 1) return numbers.length > 0 || unknown === undefined ? told.join("") : `${told.join("")}: ${short(unknown)}`;
  const conditions = limits.flatMap((limit) => limit.conditions.map(({ text }) => text));
  const [condition] = conditions;
  const [chosen] = limits.flatMap(({ amount }) => (amount.status === "several" ? [amount.why] : []));
  if (condition === undefined) return `${told.join(" or ")}${chosen === undefined ? "" : `: ${short(chosen)}`}`;
  if (values.includes("none")) {
    const some = told.filter((text) => text !== "none").join(" or ");
    return condition.startsWith("counts only where") ? `${some}, ${short(condition)}` : `${some} only if ${short(condition)}`;
  }
  return `${told.join(" or ")}, by ${short(condition)}`;
}

const perValue = ({ amount, perCall = "" }: Limit): string =>
  `${amount.status === "unknown" ? "unknown" : valuesOf(amount).join(" or ")} per value of ${perCall}`;

const mostCharacters = 80;

const short = (text: string): string => {
  const shown = redactedText(text);
  return shown.length > mostCharacters ? `${shown.slice(0, mostCharacters)}...` : shown;
};

const sharersIn = (group: Group, subscription: Subscription): number => group.size - (group.has(subscriptionName(subscription)) ? 1 : 0);

/** Every limit of a team, those that bind first. */
export function limitRows({ subscription, limits, binding }: TeamLimits): readonly LimitRow[] {
  const bound = new Set(kinds.flatMap((kind) => binding[kind].limits));
  const rows = limits.map((limit) => limitRow(limit, subscription, bound.has(limit)));
  return [...rows.filter(({ binds }) => binds), ...rows.filter(({ binds }) => !binds)];
}

const mostSharers = 5;

function limitRow(limit: Limit, subscription: Subscription, binds: boolean): LimitRow {
  const { amount, written, number } = limit;
  const name = subscriptionName(subscription);
  const sharers = othersIn(limit.counterGroup, name);
  const left = sharersIn(limit.counterGroup, subscription) - sharers.length;
  const possible = limit.mayShare === undefined ? [] : othersIn(limit.mayShare, name, limit.counterGroup);
  return {
    limit_id: limit.limitId,
    kind: limit.kind,
    binds,
    status: amount.status,
    ...(amount.status === "value" ? { value: amount.value } : { why: redactedText(amount.why) }),
    ...(amount.status === "several" ? { values: amount.values } : {}),
    ...(written === undefined ? {} : { written: writtenText(written) }),
    ...(limit.period === undefined ? {} : { period: limit.period }),
    ...(limit.bandwidth === undefined ? {} : { bandwidth: limit.bandwidth }),
    conditions: limit.conditions.map(({ text }) => redactedText(text)),
    ...(limit.deployment === undefined ? {} : { deployment: limit.deployment }),
    counter_key: limit.counterKey === null ? "the subscription" : redactedText(limit.counterKey),
    shared_with: sharers,
    ...(left > 0 ? { shared_with_left_out: left } : {}),
    ...(possible.length > 0 ? { may_be_shared_with: possible } : {}),
    ...(limit.perCall === undefined ? {} : { per_value_of: limit.perCall }),
    gateways: limit.gateways,
    document: limit.document,
    line: limit.line,
    ...(number.document === limit.document ? {} : { number_in: number.document }),
    scope: limit.scope,
    ...(limit.apiIds === null ? {} : { api_ids: limit.apiIds }),
    ...(limit.operations === null ? {} : { operations: limit.operations }),
    ...(limit.accounting ? { accounting: true } : {}),
    editable: limit.editable,
    ...(limit.reason === undefined ? {} : { reason: redactedText(limit.reason) }),
  };
}

const writtenText = ({ calls, renewalSeconds, incrementCount }: NonNullable<Limit["written"]>): string =>
  `${calls} calls per ${renewalSeconds} s${incrementCount === undefined ? "" : `, each counts ${incrementCount}`}`;

/** The first few others of a group, which may have thousands. */
function othersIn(group: Group, name: string, but: Group = new Set()): readonly string[] {
  const others: string[] = [];
  for (const member of group) {
    if (others.length === mostSharers) break;
    if (member !== name && !but.has(member)) others.push(member);
  }
  return others;
}
