import { ExpressionError } from "./errors.ts";
import { types } from "./types.ts";
import { NetObject, type Value } from "./values.ts";

const largest = 2n ** 96n - 1n;
const mostDigits = 28;

/** A decimal: an integer of 96 bits over a power of ten (https://learn.microsoft.com/dotnet/api/system.decimal). */
export class Decimal extends NetObject {
  override readonly type = types.decimal;
  readonly unscaled: bigint;
  /** How many of the digits stand behind the point: `1.50` has two. */
  readonly scale: number;

  /** Rounds half to even where there are too many digits; throws `OverflowException` where it is too large. */
  constructor(unscaled: bigint, scale: number) {
    super();
    let [digits, places] = [unscaled, scale];
    const excess = Math.max(scale - mostDigits, 0, excessDigits(unscaled, scale));
    if (excess > 0) [digits, places] = [divideRounded(unscaled, 10n ** BigInt(excess)), scale - excess];
    if (absolute(digits) > largest)
      throw new ExpressionError("OverflowException", "Value was either too large or too small for a Decimal.");
    this.unscaled = digits;
    this.scale = places;
  }

  override toText(): string {
    const digits = absolute(this.unscaled)
      .toString()
      .padStart(this.scale + 1, "0");
    const sign = this.unscaled < 0n ? "-" : "";
    if (this.scale === 0) return sign + digits;
    return `${sign}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }

  toNumber(): number {
    return Number(this.toText());
  }

  /** Towards zero. */
  toInteger(): bigint {
    return this.unscaled / 10n ** BigInt(this.scale);
  }

  override equals(other: Value): boolean {
    return other instanceof Decimal && compareDecimals(this, other) === 0;
  }

  override get key(): unknown {
    return `decimal ${this.toText().replace(/(?:\.0*|(?<=\.\d*?)0+)$/, "")}`;
  }
}

export function addDecimals(one: Decimal, other: Decimal): Decimal {
  const [a, b, scale] = aligned(one, other);
  return new Decimal(a + b, scale);
}

export function subtractDecimals(one: Decimal, other: Decimal): Decimal {
  const [a, b, scale] = aligned(one, other);
  return new Decimal(a - b, scale);
}

export function multiplyDecimals(one: Decimal, other: Decimal): Decimal {
  return new Decimal(one.unscaled * other.unscaled, one.scale + other.scale);
}

/** Exact where 28 digits hold the quotient; no more zeros at its end than the operands ask for. */
export function divideDecimals(one: Decimal, other: Decimal): Decimal {
  if (other.unscaled === 0n) throw divideByZero();
  const preferred = Math.max(one.scale - other.scale, 0);
  const whole = absolute(one.toInteger() / (other.toInteger() === 0n ? 1n : other.toInteger()));
  const places = Math.max(preferred, mostDigits - (whole === 0n ? 0 : whole.toString().length - 1));
  const shift = places + other.scale - one.scale;
  const quotient =
    shift >= 0
      ? divideRounded(one.unscaled * 10n ** BigInt(shift), other.unscaled)
      : divideRounded(one.unscaled, other.unscaled * 10n ** BigInt(-shift));
  let [digits, scale] = [quotient, places];
  while (scale > preferred && digits % 10n === 0n) [digits, scale] = [digits / 10n, scale - 1];
  return new Decimal(digits, scale);
}

export function remainderOfDecimals(one: Decimal, other: Decimal): Decimal {
  if (other.unscaled === 0n) throw divideByZero();
  const [a, b, scale] = aligned(one, other);
  return new Decimal(a % b, scale);
}

export function compareDecimals(one: Decimal, other: Decimal): number {
  const [a, b] = aligned(one, other);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number in plain or `E` notation; null where the text is none. */
export function decimalOf(text: string): Decimal | null {
  const match = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d{1,3}))?$/.exec(text);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (match === null || whole + fraction === "") return null;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  return scale < 0 ? new Decimal(digits * 10n ** BigInt(-scale), 0) : new Decimal(digits, scale);
}

/** As .NET converts a double: 15 digits of it. */
export function decimalOfNumber(number: number): Decimal {
  const decimal = Number.isFinite(number) ? decimalOf(String(Number(number.toPrecision(15)))) : null;
  if (decimal === null) throw new ExpressionError("OverflowException", "Value was either too large or too small for a Decimal.");
  return decimal;
}

/** To so many places behind the point; half goes to even or away from zero. */
export function roundDecimal(decimal: Decimal, places: number, half: "even" | "away"): Decimal {
  if (decimal.scale <= places) return decimal;
  return new Decimal(divideRounded(decimal.unscaled, 10n ** BigInt(decimal.scale - places), half), places);
}

function divideRounded(dividend: bigint, divisor: bigint, half: "even" | "away" = "even"): bigint {
  const quotient = dividend / divisor;
  const twice = absolute(dividend % divisor) * 2n;
  const one = absolute(divisor);
  const up = twice > one || (twice === one && (half === "away" || quotient % 2n !== 0n));
  return up ? quotient + (dividend < 0n === divisor < 0n ? 1n : -1n) : quotient;
}

/** Digits to drop until it fits, as far as there are any behind the point. */
function excessDigits(unscaled: bigint, scale: number): number {
  let excess = 0;
  for (let rest = absolute(unscaled); rest > largest && excess < scale; rest /= 10n) excess++;
  return excess;
}

function aligned(one: Decimal, other: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(one.scale, other.scale);
  return [one.unscaled * 10n ** BigInt(scale - one.scale), other.unscaled * 10n ** BigInt(scale - other.scale), scale];
}

function absolute(number: bigint): bigint {
  return number < 0n ? -number : number;
}

export function divideByZero(): ExpressionError {
  return new ExpressionError("DivideByZeroException", "Attempted to divide by zero.");
}
