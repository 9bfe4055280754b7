import { type Decimal, decimalOf } from "./decimal.ts";
import { ExpressionError, formatError } from "./errors.ts";
import { fits } from "./numbers.ts";
import { fullName, type } from "./types.ts";

/** `int.Parse` and its like: spaces around it and a sign; throws `FormatException` or `OverflowException`. */
export function readInteger(text: string, kind: string): bigint {
  const integer = integerOf(text);
  if (integer === null) throw formatError(`The input string '${text}' was not in a correct format.`);
  if (fits(integer, kind)) return integer;
  const name = fullName(type(kind)).replace(/^.*\./, "");
  throw new ExpressionError("OverflowException", `Value was either too large or too small for ${/^[IU]/.test(name) ? "an" : "a"} ${name}.`);
}

/** Null where the text is none, or does not fit. */
export function tryReadInteger(text: string | null, kind: string): bigint | null {
  const integer = text === null ? null : integerOf(text);
  return integer !== null && fits(integer, kind) ? integer : null;
}

function integerOf(text: string): bigint | null {
  const trimmed = text.trim();
  return /^[-+]?\d{1,400}$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, "")) : null;
}

/** `double.Parse`: also groups of thousands and an exponent. */
export function readNumber(text: string): number {
  const number = tryReadNumber(text);
  if (number === null) throw formatError(`The input string '${text}' was not in a correct format.`);
  return number;
}

export function tryReadNumber(text: string | null): number | null {
  const trimmed = text?.trim() ?? "";
  const special = new Map([
    ["nan", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["∞", Number.POSITIVE_INFINITY],
    ["-infinity", Number.NEGATIVE_INFINITY],
    ["-∞", Number.NEGATIVE_INFINITY],
  ]).get(trimmed.toLowerCase());
  return special ?? (isNumber(trimmed) ? Number(trimmed.replaceAll(",", "")) : null);
}

export function readDecimal(text: string): Decimal {
  const number = tryReadDecimal(text);
  if (number === null) throw formatError(`The input string '${text}' was not in a correct format.`);
  return number;
}

export function tryReadDecimal(text: string | null): Decimal | null {
  const trimmed = text?.trim() ?? "";
  return isNumber(trimmed) && trimmed.length < 400 ? decimalOf(trimmed.replaceAll(",", "")) : null;
}

function isNumber(text: string): boolean {
  return /^[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(text);
}
