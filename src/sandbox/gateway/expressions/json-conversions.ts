import { readDate } from "./date-text.ts";
import { DateTime, DateTimeOffset, TimeSpan } from "./dates.ts";
import { Decimal, roundDecimal } from "./decimal.ts";
import { ExpressionError, formatError } from "./errors.ts";
import { JProperty, type JToken, JValue } from "./json.ts";
import { readDecimal, readInteger, readNumber } from "./number-reader.ts";
import { asDecimal, asDouble, fits } from "./numbers.ts";
import { fullName, type Type } from "./types.ts";
import { Char, Double, EnumValue, Guid, NetObject, toText, type Value } from "./values.ts";

/** `(T)token`: what a token holds, as `T`. Throws as Newtonsoft does where that is another kind of value, or null and `nullable` is not. */
export function convertToken(token: JToken, to: Type, nullable: boolean): Value {
  const held = token instanceof JProperty ? token.value : token;
  if (!(held instanceof JValue)) throw notConvertible(held, to);
  if (held.value === null) {
    if (nullable) return null;
    throw notConvertible(held, to);
  }
  const value = held.value instanceof EnumValue ? held.value.number : held.value;
  if (isDate(value) !== /^(?:DateTime|DateTimeOffset)$/.test(to.name) && to.name !== "string" && typeof value !== "string")
    throw notConvertible(held, to);
  return changeType(value, to);
}

function isDate(value: Value): boolean {
  return value instanceof DateTime || value instanceof DateTimeOffset;
}

function notConvertible(token: JToken, to: Type): ExpressionError {
  return new ExpressionError("ArgumentException", `Can not convert ${token.tokenType} to ${fullName(to).replace(/^.*\./, "")}.`);
}

/** `Convert.ChangeType`: numbers round half to even, texts are parsed (https://learn.microsoft.com/dotnet/api/system.convert). */
export function changeType(from: Value, to: Type): Value {
  const value = from instanceof JValue ? from.value : from;
  switch (to.name) {
    case "string":
      return value === null ? null : toText(value);
    case "bool":
      return toBool(value);
    case "int":
    case "byte":
    case "short":
      return Number(toInteger(value, to));
    case "long":
      return toInteger(value, to);
    case "double":
      return typeof value === "string" ? new Double(readNumber(value)) : new Double(numberOf(value, to));
    case "decimal":
      return typeof value === "string" ? readDecimal(value) : asDecimal(typeof value === "boolean" ? Number(value) : value);
    case "char":
      return toChar(value, to);
    case "DateTime":
    case "DateTimeOffset":
      return toDate(value, to);
    case "Guid":
      return toGuid(value, to);
    case "TimeSpan":
      if (value instanceof TimeSpan) return value;
  }
  throw wrongCast(value, to);
}

function wrongCast(value: Value, to: Type): ExpressionError {
  if (value === null) return new ExpressionError("InvalidCastException", "Null object cannot be converted to a value type.");
  const from = value instanceof NetObject ? fullName(value.type).replace(/^.*\./, "") : typeof value;
  return new ExpressionError("InvalidCastException", `Invalid cast from '${from}' to '${fullName(to).replace(/^.*\./, "")}'.`);
}

function toBool(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  if (typeof value !== "string") return asDouble(value) !== 0;
  const text = value.trim().toLowerCase();
  if (text === "true" || text === "false") return text === "true";
  throw formatError(`String '${value}' was not recognized as a valid Boolean.`);
}

function numberOf(value: Value, to: Type): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return Number(value);
  if (isDate(value) || value instanceof Guid || value instanceof Char) throw wrongCast(value, to);
  return asDouble(value);
}

function toInteger(value: Value, to: Type): bigint {
  if (typeof value === "string") return readInteger(value, to.name);
  const integer = value instanceof Char ? BigInt(value.code) : wholeOf(value, to);
  if (fits(integer, to.name)) return integer;
  const kind = fullName(to).replace(/^.*\./, "");
  throw new ExpressionError("OverflowException", `Value was either too large or too small for an ${kind}.`);
}

function wholeOf(value: Value, to: Type): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Decimal) return roundDecimal(value, 0, "even").toInteger();
  const number = numberOf(value, to);
  if (Math.abs(number) >= 2 ** 64 || Number.isNaN(number))
    throw new ExpressionError("OverflowException", "Value was either too large or too small for an Int64.");
  return BigInt(roundHalfToEven(number));
}

export function roundHalfToEven(number: number): number {
  const below = Math.floor(number);
  const rest = number - below;
  if (rest !== 0.5) return Math.round(number);
  return below % 2 === 0 ? below : below + 1;
}

function toChar(value: Value, to: Type): Char {
  if (value instanceof Char) return value;
  if (typeof value === "string" && value.length === 1) return new Char(value.charCodeAt(0));
  if (typeof value === "string") throw formatError("String must be exactly one character long.");
  if (typeof value !== "number" && typeof value !== "bigint") throw wrongCast(value, to);
  return new Char(Number(value));
}

function toDate(value: Value, to: Type): Value {
  const date = typeof value === "string" ? readDate(value) : value;
  if (date === null) throw formatError(`String '${toText(value)}' was not recognized as a valid DateTime.`);
  if (date instanceof DateTime && to.name === "DateTimeOffset") return new DateTimeOffset(date.ticks);
  if (date instanceof DateTimeOffset && to.name === "DateTime") return new DateTime(date.utcTicks, "Local");
  if (isDate(date)) return date;
  throw wrongCast(value, to);
}

function toGuid(value: Value, to: Type): Guid {
  if (value instanceof Guid) return value;
  const guid = typeof value === "string" ? readGuid(value) : null;
  if (guid === null) throw typeof value === "string" ? formatError("Unrecognized Guid format.") : wrongCast(value, to);
  return guid;
}

/** The forms `N`, `D`, `B` and `P`; null where a text is none of them. */
export function readGuid(text: string): Guid | null {
  const match = /^(?:([0-9a-f]{32})|([({]?)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})([)}]?))$/i.exec(text.trim());
  if (match === null || !["", "()", "{}"].includes((match[2] ?? "") + (match[4] ?? ""))) return null;
  return new Guid((match[1] ?? match[3] ?? "").replaceAll("-", "").toLowerCase());
}
