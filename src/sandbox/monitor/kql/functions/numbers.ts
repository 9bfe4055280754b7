import { type Reader, safeLong, type Value } from "../conversions.ts";
import { nothing } from "../scalar.ts";
import { timeBin } from "../times.ts";
import { argumentAs, numberAt, ofNumbers, type ScalarFunction } from "./call.ts";

/** Away from zero where it lies in the middle: `round(2.5)` is 3, `round(-2.5)` is -3. */
function rounded(value: number, digits: number): number {
  if (!Number.isFinite(value)) return value;
  const shifted = Number(`${Math.abs(value)}e${digits}`);
  // What is written with an exponent of its own cannot be shifted by one more.
  const whole = Number.isNaN(shifted) ? Math.abs(value) * 10 ** digits : shifted;
  const result = Number.isNaN(shifted) ? Math.round(whole) / 10 ** digits : Number(`${Math.round(whole)}e${-digits}`);
  return value < 0 ? -result : result;
}

/** `bin(value, size)`: the multiple of the size below it; null for a size that is none (https://learn.microsoft.com/kusto/query/bin-function). */
const bin: ScalarFunction = (call) => {
  const [read, size] = [numberAt(call, 0), numberAt(call, 1)];
  if (call.types[0] === "datetime") return timeBins(read, size);
  return (row) => {
    const [value, step] = [read(row), size(row)];
    if (typeof value !== "number" || typeof step !== "number" || step <= 0) return null;
    return Math.floor(value / step) * step;
  };
};

function timeBins(read: Reader, size: Reader): Reader {
  let last: { readonly step: number; readonly round: (time: number) => number | null } | undefined;
  return (row) => {
    const [time, step] = [read(row), size(row)];
    if (typeof time !== "number" || typeof step !== "number") return null;
    if (last?.step !== step) last = { step, round: timeBin(step) };
    return last.round(time);
  };
}

/** The least or the most of its arguments that are not null. */
const extreme =
  (isBetter: (a: Exclude<Value, null>, b: Exclude<Value, null>) => boolean): ScalarFunction =>
  (call) => {
    const readers = call.args.map((_, index) => argumentAs(call, index, call.type));
    return (row) => {
      let best: Value = null;
      for (const read of readers) {
        const value = read(row);
        if (value !== null && (best === null || isBetter(value, best))) best = value;
      }
      return best;
    };
  };

const tested =
  (test: (value: number) => boolean): ScalarFunction =>
  ({ args: [read = nothing] }) =>
  (row) => {
    const value = read(row);
    return typeof value === "number" && test(value);
  };

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

export const numbers: Readonly<Record<string, ScalarFunction>> = {
  abs: ofNumbers((value = 0) => Math.abs(value)),
  bin,
  ceiling: ofNumbers((value = 0) => Math.ceil(value)),
  exp: ofNumbers((value = 0) => Math.exp(value)),
  floor: bin,
  isfinite: tested(Number.isFinite),
  isinf: tested((value) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY),
  isnan: tested(Number.isNaN),
  log: ofNumbers((value = 0) => finiteOrNull(Math.log(value))),
  log10: ofNumbers((value = 0) => finiteOrNull(Math.log10(value))),
  log2: ofNumbers((value = 0) => finiteOrNull(Math.log2(value))),
  max_of: extreme((a, b) => a > b),
  min_of: extreme((a, b) => a < b),
  pow: ofNumbers((base = 0, power = 0) => base ** power),
  round: (call) => {
    const isWhole = call.type === "long" || call.type === "int";
    return ofNumbers((value = 0, digits = 0) => (isWhole ? safeLong(rounded(value, digits)) : rounded(value, digits)))(call);
  },
  sign: ofNumbers((value = 0) => Math.sign(value)),
  sqrt: ofNumbers((value = 0) => (value < 0 ? null : Math.sqrt(value))),
};
