import * as decimals from "./decimal.ts";
import { Decimal, decimalOfNumber, divideByZero } from "./decimal.ts";
import { ExpressionError } from "./errors.ts";
import { Char, Double, EnumValue, type Value } from "./values.ts";

/** The kinds of numbers, as C# promotes them: an operation on two of them is one on the later. `byte` and `short` are computed as `int`. */
export type NumberKind = "int" | "long" | "double" | "decimal";

const kinds: readonly string[] = ["byte", "short", "char", "int", "long", "double", "decimal"];

export function isNumeric(name: string): boolean {
  return kinds.includes(name);
}

/** The kind that an operation on two types is computed in; null where C# has none, as between double and decimal. */
export function promoted(one: string, other: string): NumberKind | null {
  if (!isNumeric(one) || !isNumeric(other)) return null;
  if (one === "decimal" || other === "decimal") return one === "double" || other === "double" ? null : "decimal";
  if (one === "double" || other === "double") return "double";
  return one === "long" || other === "long" ? "long" : "int";
}

/** Whether C# converts without a cast. */
export function widens(from: string, to: string): boolean {
  if (from === "char") return to !== "byte" && to !== "short" && isNumeric(to);
  if (to === "char" || !isNumeric(from) || !isNumeric(to)) return false;
  if (to === "decimal") return from !== "double";
  return kinds.indexOf(from) < kinds.indexOf(to) && from !== "decimal";
}

/** How a kind computes; every function takes two values of that kind. */
export interface Arithmetic {
  readonly add: (one: Value, other: Value) => Value;
  readonly subtract: (one: Value, other: Value) => Value;
  readonly multiply: (one: Value, other: Value) => Value;
  readonly divide: (one: Value, other: Value) => Value;
  readonly remainder: (one: Value, other: Value) => Value;
  /** NaN where one of them is NaN: every comparison is false then. */
  readonly compare: (one: Value, other: Value) => number;
}

export function int(value: Value): number {
  if (typeof value === "number") return value;
  if (value instanceof Char) return value.code;
  throw wrongKind("int", value);
}

export function long(value: Value): bigint {
  if (typeof value === "bigint") return value;
  throw wrongKind("long", value);
}

export function double(value: Value): number {
  if (value instanceof Double) return value.number;
  throw wrongKind("double", value);
}

export function decimal(value: Value): Decimal {
  if (value instanceof Decimal) return value;
  throw wrongKind("decimal", value);
}

function wrongKind(wanted: string, value: Value): ExpressionError {
  if (value === null) return new ExpressionError("NullReferenceException", "Object reference not set to an instance of an object.");
  return new ExpressionError("InvalidCastException", `Specified cast is not valid: ${wanted}.`);
}

const smallest = { int: -(2 ** 31), long: -(2n ** 63n) };

function overflow(): ExpressionError {
  return new ExpressionError("OverflowException", "Arithmetic operation resulted in an overflow.");
}

/** Without overflow checks, as C# computes by default (https://learn.microsoft.com/dotnet/csharp/language-reference/operators/arithmetic-operators). */
export const arithmetics: Readonly<Record<NumberKind, Arithmetic>> = {
  int: {
    add: (one, other) => (int(one) + int(other)) | 0,
    subtract: (one, other) => (int(one) - int(other)) | 0,
    multiply: (one, other) => Math.imul(int(one), int(other)),
    divide: (one, other) => {
      const divisor = int(other);
      if (divisor === 0) throw divideByZero();
      if (divisor === -1 && int(one) === smallest.int) throw overflow();
      return (int(one) / divisor) | 0;
    },
    remainder: (one, other) => {
      const divisor = int(other);
      if (divisor === 0) throw divideByZero();
      if (divisor === -1 && int(one) === smallest.int) throw overflow();
      return (int(one) % divisor) | 0;
    },
    compare: (one, other) => int(one) - int(other),
  },
  long: {
    add: (one, other) => BigInt.asIntN(64, long(one) + long(other)),
    subtract: (one, other) => BigInt.asIntN(64, long(one) - long(other)),
    multiply: (one, other) => BigInt.asIntN(64, long(one) * long(other)),
    divide: (one, other) => {
      const divisor = long(other);
      if (divisor === 0n) throw divideByZero();
      if (divisor === -1n && long(one) === smallest.long) throw overflow();
      return long(one) / divisor;
    },
    remainder: (one, other) => {
      const divisor = long(other);
      if (divisor === 0n) throw divideByZero();
      if (divisor === -1n && long(one) === smallest.long) throw overflow();
      return long(one) % divisor;
    },
    compare: (one, other) => (long(one) < long(other) ? -1 : long(one) > long(other) ? 1 : 0),
  },
  double: {
    add: (one, other) => new Double(double(one) + double(other)),
    subtract: (one, other) => new Double(double(one) - double(other)),
    multiply: (one, other) => new Double(double(one) * double(other)),
    divide: (one, other) => new Double(double(one) / double(other)),
    remainder: (one, other) => new Double(double(one) % double(other)),
    compare: (one, other) => {
      const [a, b] = [double(one), double(other)];
      return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN;
    },
  },
  decimal: {
    add: (one, other) => decimals.addDecimals(decimal(one), decimal(other)),
    subtract: (one, other) => decimals.subtractDecimals(decimal(one), decimal(other)),
    multiply: (one, other) => decimals.multiplyDecimals(decimal(one), decimal(other)),
    divide: (one, other) => decimals.divideDecimals(decimal(one), decimal(other)),
    remainder: (one, other) => decimals.remainderOfDecimals(decimal(one), decimal(other)),
    compare: (one, other) => decimals.compareDecimals(decimal(one), decimal(other)),
  },
};

/** A number of any kind as another, as a cast does: towards zero, and what does not fit is cut to its lower bits. */
export function castNumber(value: Value, to: string): Value {
  switch (to) {
    case "double":
      return new Double(asDouble(value));
    case "decimal":
      return asDecimal(value);
    case "long":
      return BigInt.asIntN(64, asInteger(value, smallest.long));
    case "char":
      return new Char(Number(BigInt.asUintN(16, asInteger(value, 0n))));
    case "byte":
      return Number(BigInt.asUintN(8, asInteger(value, 0n)));
    case "short":
      return Number(BigInt.asIntN(16, asInteger(value, 0n)));
    default:
      return typeof value === "number" ? value : Number(BigInt.asIntN(32, asInteger(value, BigInt(smallest.int))));
  }
}

export function asDouble(value: Value): number {
  if (value instanceof Double) return value.number;
  if (value instanceof Decimal) return value.toNumber();
  return typeof value === "bigint" ? Number(value) : value instanceof EnumValue ? value.number : int(value);
}

export function asDecimal(value: Value): Decimal {
  if (value instanceof Decimal) return value;
  return value instanceof Double ? decimalOfNumber(value.number) : new Decimal(asInteger(value, 0n), 0);
}

function asInteger(value: Value, outside: bigint): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof EnumValue) return BigInt(value.number);
  if (value instanceof Decimal) {
    const integer = value.toInteger();
    if (integer !== BigInt.asIntN(64, integer))
      throw new ExpressionError("OverflowException", "Value was either too large or too small for an Int64.");
    return integer;
  }
  if (!(value instanceof Double)) return BigInt(int(value));
  const integer = Math.trunc(value.number);
  return Math.abs(integer) < 2 ** 63 ? BigInt(integer) : outside;
}

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  byte: [0n, 255n],
  char: [0n, 65_535n],
  short: [-32_768n, 32_767n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [smallest.long, 2n ** 63n - 1n],
};

export function fits(integer: bigint, name: string): boolean {
  const [least = 0n, most = 0n] = ranges[name] ?? [];
  return integer >= least && integer <= most;
}
