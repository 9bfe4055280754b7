import { whysOf } from "../policy/static/data.ts";
import type { Known, Origin } from "../policy/static/values.ts";
import type { LimitAmount } from "./limit.ts";

/** A number that a policy holds, as far as it is known, and where its characters stand. */
interface KnownNumber {
  readonly amount: LimitAmount;
  readonly origin: Origin | null;
}

/** A whole number of a limit's attribute. One that is not there limits nothing. Assumed: nor does one that comes to null or to no text. */
export function knownNumber(known: Known | null): KnownNumber {
  if (known === null) return { amount: noValue, origin: null };
  switch (known.kind) {
    case "constant":
      return { amount: amountOf(known.value), origin: known.origin };
    case "several":
      return { amount: anyOf(known.values.map(amountOfOne), `it depends on ${whysOf(known.inputs)}`), origin: null };
    case "unknown":
      return { amount: { status: "unknown", why: known.why }, origin: null };
    case "throws":
      return { amount: { status: "unknown", why: `its expression fails: ${known.why}` }, origin: null };
    default:
      return { amount: notANumber("an object"), origin: null };
  }
}

const amountOfOne = (known: Known): LimitAmount => (known.kind === "constant" ? amountOf(known.value) : notANumber("an object"));

function amountOf(value: string | number | boolean | null): LimitAmount {
  const text = String(value ?? "").trim();
  if (text === "") return noValue;
  return /^\+?\d{1,15}$/.test(text) ? { status: "value", value: Number(text) } : notANumber(JSON.stringify(value));
}

const noValue: LimitAmount = { status: "none", why: "no value is set" };

const notANumber = (what: string): LimitAmount => ({ status: "unknown", why: `its value is ${what}, no whole number` });

/** One of these. */
export function anyOf(amounts: readonly LimitAmount[], why: string): LimitAmount {
  const unknown = amounts.find(({ status }) => status === "unknown");
  if (unknown !== undefined) return unknown;
  const values = [...new Set(amounts.flatMap(valuesOf))].toSorted((a, b) => a - b);
  const [only, ...others] = values;
  const none = amounts.find(({ status }) => status === "none");
  if (only === undefined) return none ?? noValue;
  return others.length === 0 && none === undefined ? { status: "value", value: only } : { status: "several", values, why };
}

/** The numbers that an amount may be. */
export function valuesOf(amount: LimitAmount): readonly number[] {
  if (amount.status === "value") return [amount.value];
  return amount.status === "several" ? amount.values : [];
}

/** The amount with each of its numbers turned into another. */
export function converted(amount: LimitAmount, convert: (value: number) => number): LimitAmount {
  if (amount.status !== "value" && amount.status !== "several") return amount;
  const amounts = valuesOf(amount).map((value): LimitAmount => ({ status: "value", value: convert(value) }));
  return anyOf(amounts, "why" in amount ? amount.why : "");
}
