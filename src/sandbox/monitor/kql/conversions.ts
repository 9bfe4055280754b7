import type { Json, JsonObject } from "../../../gateway/documents.ts";
import { parseSpan, parseTime, shortTimeText, spanText, timeText } from "./times.ts";
import { type KqlType, NotExecutable } from "./types.ts";

/**
 * A value of the engine: what its type is, is known before a query runs. Datetimes and timespans are microseconds, `dynamic` is JSON, in which
 * they are texts. Null is missing; a string never is, but empty.
 */
export type Value = Json;

/** A value of one row. */
export type Reader = (row: number) => Value;

/** The value that stands for a missing one. */
export const missing = (type: KqlType): Value => (type === "string" ? "" : null);

export type Conversion = (value: Value) => Value;

const same: Conversion = (value) => value;

/** Turns values of one type into another's, as `tostring()`, `tolong()` and their like do: what cannot be turned is null. */
export function conversion(from: KqlType, to: KqlType): Conversion {
  if (from === to) return same;
  if (from === "dynamic") return (value) => fromDynamic(value, to);
  switch (to) {
    case "string":
      return textOf(from);
    case "dynamic":
      return toDynamic(from);
    case "real":
      return from === "string" ? realIn : from === "timespan" ? spanTicks : numberOf(from);
    case "long":
    case "int":
      return whole(from, to);
    case "bool":
      return from === "string" ? boolIn : (value) => (value === null ? null : value !== 0);
    case "datetime":
      return from === "string" ? timeIn : refuse(from, to);
    case "timespan":
      return from === "string" ? (value) => parseSpan(String(value)) : fromTicks(from);
  }
}

const refuse = (from: KqlType, to: KqlType): never => {
  throw new NotExecutable(`a conversion of ${from} to ${to}`);
};

const numberOf = (from: KqlType): Conversion => {
  if (from === "int" || from === "long" || from === "real") return same;
  if (from === "bool") return (value) => (value === null ? null : value === true ? 1 : 0);
  return refuse(from, "real");
};

/** https://learn.microsoft.com/kusto/query/scalar-data-types/timespan: a tick is 100 nanoseconds. */
const spanTicks: Conversion = (value) => (typeof value === "number" ? value * 10 : null);

const fromTicks = (from: KqlType): Conversion =>
  from === "int" || from === "long" ? (value) => (typeof value === "number" ? value / 10 : null) : refuse(from, "timespan");

const mostInt = 2 ** 31;

function whole(from: KqlType, to: "int" | "long"): Conversion {
  // A datetime in ticks is more than a number holds.
  const read = from === "string" ? longIn : from === "timespan" ? spanTicks : numberOf(from);
  return (value) => {
    const number = read(value);
    if (typeof number !== "number" || !Number.isFinite(number)) return null;
    const cut = Math.trunc(number);
    if (to === "int") return cut >= -mostInt && cut < mostInt ? cut : null;
    return safeLong(cut);
  };
}

/** Refuses what a number cannot hold exactly. */
export function safeLong(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new NotExecutable(`a long beyond 2^53 (${value})`);
}

/** Assumed: a text with a fraction is no whole number. */
const longIn: Conversion = (value) => {
  const text = String(value).trim();
  return /^[+-]?\d+$|^0x[\da-f]+$/i.test(text) ? Number(text) : null;
};

const realIn: Conversion = (value) => {
  const text = String(value).trim();
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
};

const boolIn: Conversion = (value) => {
  const text = String(value).trim().toLowerCase();
  if (text === "true") return true;
  if (text === "false") return false;
  const number = longIn(text);
  return number === null ? null : number !== 0;
};

/** A form other than ISO 8601 that the service may know is refused: to call it no time could be wrong. */
const timeIn: Conversion = (value) => {
  const text = String(value);
  const time = parseTime(text);
  if (time === null && !Number.isNaN(Date.parse(text))) throw new NotExecutable(`the form of the time '${text}'`);
  return time;
};

/** Assumed: a real in the shortest form that reads back as the same. */
function textOf(from: KqlType): Conversion {
  const text = from === "datetime" ? timeText : from === "timespan" ? spanText : null;
  if (text !== null) return (value) => (typeof value === "number" ? text(value) : "");
  return (value) => (value === null ? "" : String(value));
}

/** As a part of JSON. */
export function toDynamic(from: KqlType): Conversion {
  switch (from) {
    case "datetime":
      return (value) => (typeof value === "number" ? timeText(value) : null);
    case "timespan":
      return (value) => (typeof value === "number" ? spanText(value) : null);
    case "real":
      return (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
    default:
      return same;
  }
}

/** Out of JSON by what stands there. */
function fromDynamic(value: Value, to: KqlType): Value {
  if (value === null) return missing(to);
  if (to === "string") return typeof value === "object" ? JSON.stringify(value) : String(value);
  if (typeof value === "object") return null;
  if (typeof value === "string") return conversion("string", to)(value);
  if (to === "datetime" || to === "timespan") return null;
  return conversion(typeof value === "boolean" ? "bool" : "real", to)(value);
}

/** A value as an answer of the service has it (https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format). */
export function toAnswer(type: KqlType): Conversion {
  switch (type) {
    case "datetime":
      return (value) => (typeof value === "number" ? shortTimeText(value) : null);
    case "timespan":
    case "real":
      return toDynamic(type);
    case "dynamic":
      return (value) => (value === null || typeof value === "string" ? value : JSON.stringify(value));
    default:
      return same;
  }
}

/** A cell of a stored row: times are ISO 8601 in it, and anything may be missing. */
export function fromRow(type: KqlType): Conversion {
  switch (type) {
    case "string":
      return (value) => (value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
    case "datetime":
      return (value) => (typeof value === "string" ? parseTime(value) : null);
    case "timespan":
      return (value) => (typeof value === "string" ? parseSpan(value) : null);
    case "int":
    case "long":
      return (value) => (typeof value === "number" ? Math.trunc(value) : null);
    case "real":
      return (value) => (typeof value === "number" ? value : null);
    case "bool":
      return (value) => (typeof value === "boolean" ? value : null);
    case "dynamic":
      return same;
  }
}

export const isList = (value: Value): value is readonly Json[] => Array.isArray(value);

export const isBag = (value: Value): value is JsonObject => typeof value === "object" && value !== null && !isList(value);
