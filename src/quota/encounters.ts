import { documentTitle } from "../gateway/documents.ts";
import { attribute, attributeNode, type Element, positionAt } from "../policy/document.ts";
import { inputsOf } from "../policy/static/data.ts";
import type { Condition, Input, Known, Origin } from "../policy/static/values.ts";
import type { MetStep } from "../policy/static/walk.ts";
import { converted, knownNumber } from "./amounts.ts";
import type { Limit, LimitAmount, NumberSource } from "./limit.ts";
import { countsTokens, type WrittenLimit } from "./written-limits.ts";

/** One limit as the calls of one way meet it. */
export interface Encounter extends Pick<Limit, "amount" | "written" | "period" | "bandwidth" | "conditions"> {
  readonly limit: WrittenLimit;
  readonly met: MetStep;
  readonly line: number;
  /** Where its number stands; equal ids, one number. */
  readonly number: NumberSource & { readonly id: string };
  /** What the number and the period depend on. */
  readonly inputs: readonly Input[];
}

/** Where an element stands. */
type PlaceOf = (element: Element) => { readonly line: number } | null;

/** Reads a limit at the point of a way where it is met. */
export function encounterOf(met: MetStep, limit: WrittenLimit, read: (attribute: string) => Known | null, placeOf: PlaceOf): Encounter {
  const line = lineOf(limit, met);
  const known = read(limit.attribute);
  const { amount, origin } = knownNumber(known);
  const counting = met.step.element === limit.element ? countingOf(limit, read) : { counts: null, each: 1, conditions: [] };
  const numbers = limit.attribute === "calls" ? limitOfCalls(limit, amount, counting.each, read) : { amount, ...tokenPeriod(limit, read) };
  return {
    limit,
    met,
    line,
    ...numbers,
    ...(counting.counts === null ? {} : { amount: { status: "unknown", why: `it counts ${counting.counts}, not calls` } as const }),
    conditions: [...met.conditions, ...counting.conditions],
    number: numberSource(limit, line, origin, placeOf),
    inputs: inputsOf([known, read("renewal-period"), read("token-quota-period")].filter((value) => value !== null)),
  };
}

function lineOf({ element, policy }: WrittenLimit, { step }: MetStep): number {
  return element === step.element ? step.place.line : positionAt(policy.source, element.span.start).line;
}

type Numbers = Pick<Encounter, "amount" | "written" | "period" | "bandwidth">;

/** `each`: by how much one call counts. */
function limitOfCalls(limit: WrittenLimit, calls: LimitAmount, each: number, read: (attribute: string) => Known | null): Numbers {
  const renewal = knownNumber(read("renewal-period")).amount;
  return isQuota(limit) ? callQuota(limit, calls, each, renewal) : callRate(calls, each, renewal);
}

const isQuota = ({ kind }: WrittenLimit): boolean => kind === "call_quota" || kind === "token_quota";

/** A quota that never renews has a period of 0 (https://learn.microsoft.com/azure/api-management/quota-policy#attributes). */
function callQuota({ element }: WrittenLimit, calls: LimitAmount, each: number, renewal: LimitAmount): Numbers {
  const bandwidth = attribute(element, "bandwidth");
  const period = renewal.status !== "value" ? "unknown" : renewal.value === 0 ? "endless" : `${renewal.value} s`;
  const counted = { amount: converted(calls, (value) => Math.floor(value / each)), period };
  if (bandwidth === undefined) return counted;
  const onlyBandwidth = { status: "none", why: "it limits the bandwidth alone" } as const;
  return { ...counted, ...(attribute(element, "calls") === undefined ? { amount: onlyBandwidth } : {}), bandwidth };
}

function callRate(calls: LimitAmount, each: number, renewal: LimitAmount): Numbers {
  if (renewal.status !== "value" || renewal.value === 0) {
    const why = "why" in renewal ? renewal.why : "it is 0";
    return { amount: { status: "unknown", why: `how often it renews is not known: ${why}` } };
  }
  const renewalSeconds = renewal.value;
  const amount = converted(calls, (value) => perMinute(Math.floor(value / each), renewalSeconds));
  if (calls.status !== "value" || (renewalSeconds === 60 && each === 1)) return { amount };
  return { amount, written: { calls: calls.value, renewalSeconds, ...(each === 1 ? {} : { incrementCount: each }) } };
}

/** To two decimals. */
const perMinute = (calls: number, renewalSeconds: number): number => Math.round((calls * 6000) / renewalSeconds) / 100;

/** Of a token limit's element. */
function tokenPeriod({ kind }: WrittenLimit, read: (attribute: string) => Known | null): Pick<Encounter, "period"> {
  const known = kind === "token_quota" ? read("token-quota-period") : null;
  if (known === null) return {};
  const periods = known.kind === "several" ? known.values : known.kind === "constant" ? [known] : [];
  return { period: periods.length === 0 ? "unknown" : periods.map(({ value }) => String(value)).join(" or ") };
}

/**
 * What is counted where it is neither calls nor tokens, by how much each call counts, and which calls do. Assumed: where tokens are counted, calls that a look at the response
 * leaves out have used none.
 */
function countingOf({ element, kind }: WrittenLimit, read: (attribute: string) => Known | null) {
  const count = knownNumber(read("increment-count")).amount;
  const written = attribute(element, "increment-count");
  const whole = written !== undefined && !countsTokens(element) && count.status === "value" && count.value > 0 ? count.value : 1;
  const callByCall = written === undefined || countsTokens(element) || (count.status === "value" && count.value > 0);
  const which = attribute(element, "increment-condition");
  const known = read("increment-condition");
  const inputs = known === null ? [] : inputsOf([known]);
  const always = which === undefined || (known?.kind === "constant" && String(known.value).toLowerCase() === "true");
  const ofTokens = (kind === "tpm" || kind === "token_quota") && inputs.length > 0 && inputs.every(({ what }) => what === "response");
  const conditions: readonly Condition[] =
    always || ofTokens ? [] : [{ text: `counts only where ${which.replace(/^@\((.*)\)$/s, "$1")}`, negated: false, inputs }];
  return { counts: callByCall ? null : written, each: whole, conditions };
}

function numberSource(
  { element, document, attribute: name, limitId }: WrittenLimit,
  line: number,
  origin: Origin | null,
  placeOf: PlaceOf,
) {
  if (origin === null) return { id: limitId, document, line, element, origin };
  if (origin.text === "named-value") {
    return { id: `${origin.document}:${origin.start}-${origin.end}`, document: origin.document, line: 1, element: null, origin };
  }
  const { span } = origin.element;
  const at = origin.text === "attribute" ? `${origin.start}-${origin.end}` : name;
  return {
    id: `${origin.document}:${span.start}/${origin.attribute}:${at}`,
    document: origin.document,
    line: origin.element === element ? line : (placeOf(origin.element)?.line ?? line),
    element: origin.element,
    origin,
  };
}

/** The attribute of an element inside of a policy, which has no step of its own: a literal keeps its place. */
export function literalIn({ element, document }: WrittenLimit, name: string): Known | null {
  const node = attributeNode(element, name);
  if (node === undefined || node.value.raw.includes("{{") || node.value.kind === "expression") return null;
  const { raw, text } = node.value;
  return { kind: "constant", value: text, origin: { text: "attribute", document, element, attribute: name, start: 0, end: raw.length } };
}

/** `product 'aoai'`, `fragment 'limits' in API 'azure-openai'`. */
export function scopeOf({ met }: Encounter, chain: readonly string[]): string {
  const { breadth, place, includedAt } = met.step;
  const scope = titleOf(chain[breadth] ?? place.document);
  return includedAt === null ? scope : `${titleOf(place.document)} in ${scope}`;
}

const titleOf = (id: string): string => documentTitle(id).replace(/ policy$/, "");
