import { FunctionValue } from "./collections.ts";
import { DateTime, DateTimeOffset } from "./dates.ts";
import type { Library } from "./definitions.ts";
import { ExpressionError } from "./errors.ts";
import { JToken, JValue } from "./json.ts";
import { convertToken } from "./json-conversions.ts";
import { castNumber, isNumeric, widens } from "./numbers.ts";
import { fullName, makeType, type Type, types, underlying } from "./types.ts";
import { EnumValue, nullReference, typeOfValue, type Value } from "./values.ts";

/** A conversion that C# has between two types; `cost` tells the better one of two: 0 where nothing changes. */
export interface Conversion {
  readonly convert: ((value: Value) => Value) | null;
  readonly cost: number;
}

const same: Conversion = { convert: null, cost: 0 };
const jsonSources: ReadonlySet<string> = new Set([
  "string",
  "bool",
  "int",
  "long",
  "double",
  "decimal",
  "DateTime",
  "DateTimeOffset",
  "Guid",
  "TimeSpan",
  "byte",
  "short",
  "Uri",
]);

/** https://learn.microsoft.com/dotnet/csharp/language-reference/language-specification/conversions#102-implicit-conversions */
export function implicitConversion(library: Library, from: Type, to: Type, constant?: Value): Conversion | null {
  if (from.text === to.text || from.name === "?" || to.name === "?") return same;
  if (from.name === "null") return library.isValue(to) && to.name !== "Nullable" ? null : { convert: null, cost: 1 };
  if (from.name === "void") return null;
  if (to.name === "object") return { convert: null, cost: 20 };
  if (to.name === "Nullable") return toNullable(library, from, underlying(to), constant);
  if (widens(from.name, to.name)) return { convert: (value) => castNumber(value, to.name), cost: wideningCost(from.name, to.name) };
  if (constant !== undefined && constantFits(constant, to.name)) return { convert: (value) => castNumber(value, to.name), cost: 15 };
  if (to.name === "JToken" && jsonSources.has(underlying(from).name)) return { convert: (value) => new JValue(value), cost: 18 };
  if (to.name === "DateTimeOffset" && from.name === "DateTime") return { convert: toOffset, cost: 10 };
  if (library.derives(from, to)) return { convert: null, cost: 2 + library.lineage(from).findIndex(({ text }) => text === to.text) };
  return isSequence(to.name) ? covariant(library, from, to) : null;
}

function toNullable(library: Library, from: Type, to: Type, constant: Value | undefined): Conversion | null {
  const inner = implicitConversion(library, underlying(from), to, constant);
  if (inner === null || (library.isValue(underlying(from)) && !library.isValue(to))) return null;
  const { convert } = inner;
  return { convert: convert === null ? null : (value) => (value === null ? null : convert(value)), cost: inner.cost + 1 };
}

/** Costlier the further it goes, and more so out of the integers. */
function wideningCost(from: string, to: string): number {
  const order = ["byte", "short", "char", "int", "long", "double", "decimal"];
  return 3 + order.indexOf(to) - order.indexOf(from);
}

function constantFits(constant: Value, to: string): boolean {
  return (
    typeof constant === "number" &&
    (to === "byte" || to === "short") &&
    constant >= (to === "byte" ? 0 : -32_768) &&
    constant <= (to === "byte" ? 255 : 32_767)
  );
}

function toOffset(value: Value): Value {
  return value instanceof DateTime ? new DateTimeOffset(value.ticks, 0) : value;
}

const sequences: ReadonlySet<string> = new Set(["IEnumerable", "IReadOnlyList", "IReadOnlyCollection", "IOrderedEnumerable"]);

function isSequence(name: string): boolean {
  return sequences.has(name);
}

/** A sequence of strings is one of objects; numbers are not. */
function covariant(library: Library, from: Type, to: Type): Conversion | null {
  const wanted = to.args[0];
  const held = library.lineage(from).find(({ name }) => name === to.name)?.args[0];
  if (wanted === undefined || held === undefined || library.isValue(held)) return null;
  const element = implicitConversion(library, held, wanted);
  return element !== null && element.convert === null ? { convert: null, cost: 10 } : null;
}

/** What a cast does, `(T)value`; null where C# has no such cast. */
export function explicitConversion(library: Library, from: Type, to: Type, constant?: Value): Conversion | null {
  const implicit = implicitConversion(library, from, to, constant);
  if (implicit !== null) return implicit;
  const [source, target] = [underlying(from), underlying(to)];
  if (from.name === "Nullable") return fromNullable(library, source, to);
  if (isNumberLike(library, source) && isNumberLike(library, target)) {
    const convert = numberCast(library, target);
    return { convert: to.name === "Nullable" ? (value) => (value === null ? null : convert(value)) : convert, cost: 0 };
  }
  if (source.name === "JToken" || source.name === "JValue" || source.name === "JProperty") {
    const fromToken = tokenCast(to);
    if (fromToken !== null) return { convert: fromToken, cost: 0 };
  }
  const related = library.derives(to, from) || source.name === "object" || isInterface(source.name) || isInterface(to.name);
  return related ? { convert: (value) => unboxed(library, value, to), cost: 0 } : null;
}

function fromNullable(library: Library, source: Type, to: Type): Conversion | null {
  const inner = explicitConversion(library, source, underlying(to));
  if (inner === null) return null;
  return {
    convert: (value) => {
      if (value !== null) return inner.convert === null ? value : inner.convert(value);
      if (to.name === "Nullable") return null;
      throw new ExpressionError("InvalidOperationException", "Nullable object must have a value.");
    },
    cost: 0,
  };
}

function isInterface(name: string): boolean {
  return /^I[A-Z]/.test(name);
}

function isNumberLike(library: Library, { name }: Type): boolean {
  return isNumeric(name) || isEnum(library, name);
}

function isEnum(library: Library, name: string): boolean {
  return (library.get(name)?.values.length ?? 0) > 0;
}

function numberCast(library: Library, to: Type): (value: Value) => Value {
  const members = library.get(to.name)?.values ?? [];
  if (members.length === 0) return (value) => castNumber(value, to.name);
  return (value) => {
    const number = Number(castNumber(value, "int"));
    return members.find((member) => member.number === number) ?? new EnumValue(to, String(number), number);
  };
}

/** Newtonsoft's explicit conversions of `JToken` (https://www.newtonsoft.com/json/help/html/Operators_T_Newtonsoft_Json_Linq_JToken.htm). */
function tokenCast(to: Type): ((value: Value) => Value) | null {
  const target = underlying(to);
  if (!jsonSources.has(target.name) && target.name !== "char") return null;
  const nullable = to.name === "Nullable" || to.name === "string" || to.name === "Uri";
  return (token) => {
    if (token === null) {
      if (nullable) return null;
      throw new ExpressionError("ArgumentNullException", "Value cannot be null. (Parameter 'value')");
    }
    if (!(token instanceof JToken)) throw invalidCast(token, to);
    return convertToken(token, target, nullable);
  };
}

/** An object as what it is; throws `InvalidCastException` where it is something else. */
export function unboxed(library: Library, value: Value, to: Type): Value {
  if (value === null) {
    if (!library.isValue(to) || to.name === "Nullable") return null;
    throw nullReference();
  }
  if (isOfType(library, value, to)) return value;
  throw invalidCast(value, to);
}

function invalidCast(value: NonNullable<Value>, to: Type): ExpressionError {
  return new ExpressionError(
    "InvalidCastException",
    `Unable to cast object of type '${fullName(typeOfValue(value))}' to type '${fullName(to)}'.`,
  );
}

/** What `is` asks. */
export function isOfType(library: Library, value: Value, wanted: Type): boolean {
  if (value === null) return false;
  const to = underlying(wanted);
  if (to.name === "object") return true;
  if (value instanceof FunctionValue) return value.type.text === to.text;
  const actual = typeOfValue(value);
  // A boxed byte or short is kept as an int.
  if (actual.name === "int" && (to.name === "byte" || to.name === "short")) return false;
  return library.derives(actual, to) || (isSequence(to.name) && covariant(library, actual, to) !== null);
}

/** `default(T)` */
export function defaultOf(library: Library, wanted: Type): Value {
  return wanted.name === "Nullable" ? null : (library.get(wanted.name)?.zero ?? null);
}

/** The type that both branches of a conditional have; null where C# finds none. */
export function commonType(library: Library, one: Type, other: Type): Type | null {
  if (implicitConversion(library, one, other) !== null && other.name !== "null") return other.name === "?" ? one : other;
  if (implicitConversion(library, other, one) !== null && one.name !== "null") return one;
  if (one.name === "null" && library.isValue(other)) return makeType("Nullable", [other]);
  if (other.name === "null" && library.isValue(one)) return makeType("Nullable", [one]);
  return one.name === "null" && other.name === "null" ? types.null : null;
}
