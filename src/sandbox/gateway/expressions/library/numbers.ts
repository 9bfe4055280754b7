import { RandomValue } from "../collections.ts";
import { Decimal, roundDecimal } from "../decimal.ts";
import { type Definition, define, type Implementation, Outs } from "../definitions.ts";
import { ExpressionError, formatError } from "../errors.ts";
import { formatValue } from "../format.ts";
import { changeType, roundHalfToEven } from "../json-conversions.ts";
import { readDecimal, readInteger, readNumber, tryReadDecimal, tryReadInteger, tryReadNumber } from "../number-reader.ts";
import { arithmetics, asDouble, castNumber, int, type NumberKind } from "../numbers.ts";
import { type Type, type, types } from "../types.ts";
import { Double, toText, type Value } from "../values.ts";
import { argumentOutOfRange, bytes, bytesValue, enumeration, on, text, textOrNull } from "./read.ts";

interface Reading {
  readonly parse: (text: string) => Value;
  /** Null where the text is none. */
  readonly tryParse: (text: string | null) => Value;
}

function integerReading(kind: string): Reading {
  const made = (integer: bigint) => (kind === "long" ? integer : Number(integer));
  return {
    parse: (written) => made(readInteger(written, kind)),
    tryParse: (written) => {
      const integer = tryReadInteger(written, kind);
      return integer === null ? null : made(integer);
    },
  };
}

const readings: Readonly<Record<string, Reading>> = {
  byte: integerReading("byte"),
  short: integerReading("short"),
  int: integerReading("int"),
  long: integerReading("long"),
  double: {
    parse: (written) => new Double(readNumber(written)),
    tryParse: (written) => {
      const number = tryReadNumber(written);
      return number === null ? null : new Double(number);
    },
  },
  decimal: { parse: readDecimal, tryParse: tryReadDecimal },
};

const bounds: Readonly<Record<string, readonly [least: Value, most: Value]>> = {
  byte: [0, 255],
  short: [-32_768, 32_767],
  int: [-(2 ** 31), 2 ** 31 - 1],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  double: [new Double(-Number.MAX_VALUE), new Double(Number.MAX_VALUE)],
  decimal: [new Decimal(-(2n ** 96n - 1n), 0), new Decimal(2n ** 96n - 1n, 0)],
};

function numberDefinition(name: string, extra: Readonly<Record<string, Implementation>> = {}): Definition {
  const reading = readings[name];
  const [least = null, most = null] = bounds[name] ?? [];
  const kind: NumberKind = name === "long" || name === "double" || name === "decimal" ? name : "int";
  const zero = castNumber(0, name);
  return define(
    name,
    {
      [`static MinValue: ${name}`]: () => least,
      [`static MaxValue: ${name}`]: () => most,
      [`static Parse(string s): ${name}`]: ([written]) => reading?.parse(text(written, "s")) ?? null,
      [`static TryParse(string s, out ${name} result): bool`]: ([written]) => {
        const read = reading?.tryParse(textOrNull(written)) ?? null;
        return new Outs(read !== null, read ?? zero);
      },
      "ToString(): string": ([self]) => toText(self ?? null),
      "ToString(string format): string": ([self, format]) => formatValue(self ?? null, textOrNull(format) ?? ""),
      [`CompareTo(${name} other): int`]: ([self = null, other = null]) => Math.sign(arithmetics[kind].compare(self, other)) || 0,
      [`Equals(${name} other): bool`]: ([self = null, other = null]) => arithmetics[kind].compare(self, other) === 0,
      ...extra,
    },
    { zero },
  );
}

const doubles = numberDefinition("double", {
  "static NaN: double": () => new Double(Number.NaN),
  "static PositiveInfinity: double": () => new Double(Number.POSITIVE_INFINITY),
  "static NegativeInfinity: double": () => new Double(Number.NEGATIVE_INFINITY),
  "static Epsilon: double": () => new Double(Number.MIN_VALUE),
  "static IsNaN(double d): bool": ([value]) => Number.isNaN(asDouble(value ?? null)),
  "static IsInfinity(double d): bool": ([value]) => Math.abs(asDouble(value ?? null)) === Number.POSITIVE_INFINITY,
});

const booleans = define(
  "bool",
  {
    "static Parse(string value): bool": ([value]) => changeType(text(value), types.bool),
    "static TryParse(string value, out bool result): bool": ([value]) => {
      const trimmed = textOrNull(value)?.trim().toLowerCase();
      return new Outs(trimmed === "true" || trimmed === "false", trimmed === "true");
    },
    "static TrueString: string": () => "True",
    "static FalseString: string": () => "False",
    "ToString(): string": ([self]) => toText(self ?? null),
    "Equals(bool other): bool": ([self, other]) => self === other,
  },
  { zero: false },
);

function unary(compute: (number: number) => number): Implementation {
  return ([value = null]) => new Double(compute(asDouble(value)));
}

/** One signature for every kind of number, in the order in which C# prefers them. */
function forKinds(signature: (kind: string) => string, kinds: readonly string[] = ["int", "long", "double", "decimal"]): string {
  return kinds.map(signature).join(" | ");
}

function kindOf(value: Value): NumberKind {
  if (value instanceof Double) return "double";
  return value instanceof Decimal ? "decimal" : typeof value === "bigint" ? "long" : "int";
}

function compare(one: Value, other: Value): number {
  return arithmetics[kindOf(one)].compare(one, other);
}

function absolute(value: Value): Value {
  if (value instanceof Double) return new Double(Math.abs(value.number));
  const kind = kindOf(value);
  const zero = castNumber(0, kind);
  if (compare(value, zero) >= 0) return value;
  const negated = arithmetics[kind].subtract(zero, value);
  if (compare(negated, zero) < 0)
    throw new ExpressionError("OverflowException", "Negating the minimum value of a twos complement number is invalid.");
  return negated;
}

/** Half to even unless `MidpointRounding` says otherwise. */
function rounded(args: readonly Value[]): Value {
  const [value = null, ...rest] = args;
  const places = rest.find((arg) => typeof arg === "number");
  const half = rest.some((arg) => typeof arg !== "number" && enumeration(arg) === 1) ? "away" : "even";
  const digits = typeof places === "number" ? places : 0;
  if (value instanceof Decimal) return roundDecimal(value, digits, half);
  const number = asDouble(value);
  if (digits < 0 || digits > 15) throw argumentOutOfRange("digits", "Rounding digits must be between 0 and 15, inclusive.");
  const scale = 10 ** digits;
  const scaled = number * scale;
  if (!Number.isFinite(scaled)) return new Double(number);
  return new Double((half === "even" ? roundHalfToEven(scaled) : Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5)) / scale);
}

/** Of a decimal the same computation without a loss. */
function whole(toDouble: (number: number) => number, direction: 1n | -1n | 0n): Implementation {
  return ([value = null]) => {
    if (!(value instanceof Decimal)) return new Double(toDouble(asDouble(value)));
    const integer = value.toInteger();
    const isExact = compare(new Decimal(integer, 0), value) === 0;
    const away = direction === (value.unscaled < 0n ? -1n : 1n);
    return new Decimal(isExact || !away ? integer : integer + direction, 0);
  };
}

const math = define("Math", {
  "static PI: double": () => new Double(Math.PI),
  "static E: double": () => new Double(Math.E),
  [forKinds((kind) => `static Abs(${kind} value): ${kind}`)]: ([value = null]) => absolute(value),
  [forKinds((kind) => `static Max(${kind} a, ${kind} b): ${kind}`)]: ([one = null, other = null]) =>
    compare(one, other) >= 0 ? one : other,
  [forKinds((kind) => `static Min(${kind} a, ${kind} b): ${kind}`)]: ([one = null, other = null]) =>
    compare(one, other) <= 0 ? one : other,
  [forKinds((kind) => `static Clamp(${kind} value, ${kind} least, ${kind} most): ${kind}`)]: ([value = null, least = null, most = null]) =>
    compare(value, least) < 0 ? least : compare(value, most) > 0 ? most : value,
  [forKinds((kind) => `static Sign(${kind} value): int`)]: ([value = null]) => Math.sign(compare(value, castNumber(0, kindOf(value)))),
  [forKinds((kind) => `static Ceiling(${kind} value): ${kind}`, ["double", "decimal"])]: whole(Math.ceil, 1n),
  [forKinds((kind) => `static Floor(${kind} value): ${kind}`, ["double", "decimal"])]: whole(Math.floor, -1n),
  [forKinds((kind) => `static Truncate(${kind} value): ${kind}`, ["double", "decimal"])]: whole(Math.trunc, 0n),
  [forKinds(
    (kind) =>
      `static Round(${kind} value): ${kind} | static Round(${kind} value, int digits): ${kind} | static Round(${kind} value, MidpointRounding mode): ${kind} | static Round(${kind} value, int digits, MidpointRounding mode): ${kind}`,
    ["double", "decimal"],
  )]: rounded,
  "static Pow(double x, double y): double": ([x = null, y = null]) => new Double(asDouble(x) ** asDouble(y)),
  "static Sqrt(double d): double": unary(Math.sqrt),
  "static Exp(double d): double": unary(Math.exp),
  "static Log(double d): double": unary(Math.log),
  "static Log(double d, double base): double": ([value = null, base = null]) =>
    new Double(Math.log(asDouble(value)) / Math.log(asDouble(base))),
  "static Log10(double d): double": unary(Math.log10),
  "static Log2(double d): double": unary(Math.log2),
  "static Sin(double d): double": unary(Math.sin),
  "static Cos(double d): double": unary(Math.cos),
  "static Tan(double d): double": unary(Math.tan),
});

/** Mulberry32: a generator that a seed makes the same again. .NET's own numbers for a seed are other ones. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function between(least: number, most: number, { next }: RandomValue): number {
  if (least > most) throw argumentOutOfRange("minValue", "'minValue' cannot be greater than maxValue.");
  return least + Math.floor(next() * (most - least));
}

const randoms = define("Random", {
  "new()": (_, run) => new RandomValue(() => run.context.random()),
  "new(int seed)": ([seed]) => new RandomValue(seeded(int(seed ?? 0))),
  "Next(): int": on(RandomValue, (self) => between(0, 2 ** 31 - 1, self)),
  "Next(int most): int": on(RandomValue, (self, [, most]) => {
    if (int(most ?? 0) < 0) throw argumentOutOfRange("maxValue", "'maxValue' must be greater than zero.");
    return between(0, int(most ?? 0), self);
  }),
  "Next(int least, int most): int": on(RandomValue, (self, [, least, most]) => between(int(least ?? 0), int(most ?? 0), self)),
  "NextDouble(): double": on(RandomValue, (self) => new Double(self.next())),
});

const converters: readonly (readonly [name: string, to: string])[] = [
  ["ToBoolean", "bool"],
  ["ToByte", "byte"],
  ["ToChar", "char"],
  ["ToDateTime", "DateTime"],
  ["ToDecimal", "decimal"],
  ["ToDouble", "double"],
  ["ToInt16", "short"],
  ["ToInt32", "int"],
  ["ToInt64", "long"],
];

function conversion(to: Type): Implementation {
  return ([value = null]) => {
    if (value === null && (to.name === "DateTime" || to.name === "char")) throw formatError();
    return changeType(value ?? 0, to);
  };
}

/** Spaces and line breaks are allowed, an alphabet of URLs is not. */
function fromBase64(written: string): Buffer {
  const compact = written.replaceAll(/[ \t\r\n]/g, "");
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact))
    throw formatError(
      "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters.",
    );
  return Buffer.from(compact, "base64");
}

function inBase(written: string, base: number): number {
  const digits = new Map([
    [2, /^[01]+$/],
    [8, /^[0-7]+$/],
    [10, /^[-+]?\d+$/],
    [16, /^(?:0x)?[0-9a-f]+$/i],
  ]).get(base);
  if (digits === undefined) throw new ExpressionError("ArgumentException", "Invalid Base.");
  if (!digits.test(written)) throw formatError("Could not find any recognizable digits.");
  const number = Number.parseInt(written, base);
  if (number >= 2 ** (base === 10 ? 31 : 32))
    throw new ExpressionError("OverflowException", "Value was either too large or too small for a UInt32.");
  return number | 0;
}

const converts = define("Convert", {
  ...Object.fromEntries(converters.map(([name, to]) => [`static ${name}(object value): ${to}`, conversion(type(to))])),
  "static ToInt32(string value, int base): int": ([value, base]) => inBase(text(value), int(base ?? 10)),
  "static ToByte(string value, int base): byte": ([value, base]) => inBase(text(value), int(base ?? 10)) & 255,
  "static ToString(object value): string": ([value = null]) => toText(value),
  "static ToBase64String(byte[] bytes): string": ([value], run) => run.text(bytes(value, "inArray").toString("base64")),
  "static FromBase64String(string s): byte[]": ([value], run) => bytesValue(fromBase64(text(value, "s")), run),
  "static ToHexString(byte[] bytes): string": ([value], run) => run.text(bytes(value, "inArray").toString("hex").toUpperCase()),
});

const bitConverters = define("BitConverter", {
  "static ToString(byte[] value): string": ([value], run) =>
    run.text((bytes(value).toString("hex").toUpperCase().match(/../g) ?? []).join("-")),
  "static ToInt32(byte[] value, int start): int": ([value, start]) => {
    const buffer = bytes(value);
    const from = int(start ?? 0);
    if (from < 0 || from >= buffer.length)
      throw argumentOutOfRange("startIndex", "Index was out of range. Must be non-negative and less than the size of the collection.");
    if (from + 4 > buffer.length)
      throw new ExpressionError(
        "ArgumentException",
        "Destination array is not long enough to copy all the items in the collection. Check array index and length.",
      );
    return buffer.readInt32LE(from);
  },
  "static GetBytes(int value): byte[]": ([value], run) => {
    const buffer = Buffer.alloc(4);
    buffer.writeInt32LE(int(value ?? 0));
    return bytesValue(buffer, run);
  },
});

export const numberDefinitions: readonly Definition[] = [
  ...["byte", "short", "int", "long", "decimal"].map((name) => numberDefinition(name)),
  doubles,
  booleans,
  math,
  randoms,
  converts,
  bitConverters,
];
