import type { Range, ValueType } from "../catalogue/types.ts";

/** What .NET says of a value that is not of its type: the type's name and the detail. */
interface TypeFault {
  readonly datatype: string;
  readonly detail: string;
}

interface NumberType {
  readonly form: RegExp;
  /** The .NET type in its messages. */
  readonly dotnet: string;
  readonly min?: bigint;
  readonly max?: bigint;
}

const whole = /^[+-]?\d+$/;

const numbers: Readonly<Record<string, NumberType>> = {
  int: { form: whole, dotnet: "Int32", min: -(2n ** 31n), max: 2n ** 31n - 1n },
  long: { form: whole, dotnet: "Int64", min: -(2n ** 63n), max: 2n ** 63n - 1n },
  integer: { form: whole, dotnet: "Integer" },
  unsignedInt: { form: whole, dotnet: "UInt32", min: 0n, max: 2n ** 32n - 1n },
  positiveInteger: { form: whole, dotnet: "PositiveInteger", min: 1n },
  nonNegativeInteger: { form: whole, dotnet: "NonNegativeInteger", min: 0n },
  float: { form: /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN)$/, dotnet: "Single" },
  double: { form: /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN)$/, dotnet: "Double" },
};

const dateTime = /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/;

/** What is wrong with a literal value; null where it fits, or where the schema takes any text. White space around it does not count. */
export function typeFault(type: ValueType, text: string): TypeFault | null {
  const value = text.trim();
  if (typeof type !== "string") {
    return type.includes(value) ? null : { datatype: "String", detail: "The Enumeration constraint failed." };
  }
  if (type === "boolean") return /^(?:true|false|1|0)$/.test(value) ? null : badFormat(type, "Boolean", value);
  if (type === "dateTime") return dateTime.test(value) ? null : badFormat(type, "DateTime", value);
  const number = numbers[type];
  if (number === undefined) return null;
  if (!number.form.test(value)) return badFormat(type, number.dotnet, value);
  if (number.min === undefined && number.max === undefined) return null;
  const parsed = BigInt(value.replace(/^\+/, ""));
  const outside = (number.min !== undefined && parsed < number.min) || (number.max !== undefined && parsed > number.max);
  return outside
    ? { datatype: schemaType(type), detail: `Value '${value}' was either too large or too small for ${number.dotnet}.` }
    : null;
}

/** What to write for a value of the type, e.g. `true or false`. */
export function typeInWords(type: ValueType): string {
  if (typeof type !== "string") return type.length === 1 ? `"${type[0]}"` : `one of ${type.map((value) => `"${value}"`).join(", ")}`;
  const words: Partial<Record<string, string>> = {
    boolean: "true or false",
    positiveInteger: "a whole number above 0",
    nonNegativeInteger: "a whole number from 0",
    unsignedInt: "a whole number from 0",
    float: "a number such as 0.05",
    double: "a number such as 1.5",
    dateTime: "a date and time such as 2026-01-01T00:00:00Z",
  };
  return words[type] ?? "a whole number";
}

/** Whether a number, as text, is outside of a range. */
export function isOutside(text: string, { min, max, except }: Range): boolean {
  const value = Number(text);
  if (Number.isNaN(value) || value === except) return false;
  return (min !== undefined && value < min) || (max !== undefined && value > max);
}

/** `from 1 to 300`, `from 300, or 0`. */
export function rangeInWords({ min, max, except }: Range): string {
  const bounds = [min === undefined ? "" : `from ${min}`, max === undefined ? "" : `${min === undefined ? "up " : ""}to ${max}`];
  return bounds.filter((bound) => bound !== "").join(" ") + (except === undefined ? "" : `, or ${except}`);
}

export function schemaType(type: ValueType): string {
  return typeof type === "string" ? `http://www.w3.org/2001/XMLSchema:${type}` : "String";
}

function badFormat(type: ValueType, dotnet: string, value: string): TypeFault {
  return { datatype: schemaType(type), detail: `The string '${value}' is not a valid ${dotnet} value.` };
}
