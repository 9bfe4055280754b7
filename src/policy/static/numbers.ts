import { constant, type TextConstant, Thrown, text as textConstant } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { originOf, type PiecedText, sliceOf } from "./text-pieces.ts";
import type { Constant, Known, Origin } from "./values.ts";

/** C#'s number types, the narrower first. */
export type NumberType = "int" | "long" | "double" | "decimal";

/** A token's number is a long, or a double where it is written as one. */
export function numberType(value: Constant): NumberType | null {
  if (typeof value.value !== "number") return null;
  if (value.type === "token") return "real" in value ? "double" : "long";
  return value.type === "long" || value.type === "double" || value.type === "decimal" ? value.type : "int";
}

export const isText = (value: Known): value is TextConstant =>
  value.kind === "constant" && typeof value.value === "string" && value.type !== "char";

export const isNull = (value: Known): boolean => value.kind === "constant" && value.value === null && value.type !== "token";

export const isChar = (value: Known): value is Constant & { readonly value: string } =>
  value.kind === "constant" && value.type === "char" && typeof value.value === "string";

/** A number of this type. Throws `GivenUp` where JavaScript's numbers do not hold it as C#'s do. */
export function numberOf(value: number, type: NumberType, origin: Origin | null = null): Constant {
  if (type === "int" && (!Number.isInteger(value) || value !== (value | 0))) throw new GivenUp();
  if (type === "long" && !Number.isSafeInteger(value)) throw new GivenUp();
  if (!Number.isFinite(value) || (type === "double" && Object.is(value, -0))) throw new GivenUp();
  const held = value === 0 ? 0 : value;
  return type === "int" ? constant(held, undefined, origin) : constant(held, type, origin);
}

/** The type that an operator works in. */
export function commonType(one: NumberType, other: NumberType): NumberType {
  if (one === other) return one;
  if ((one === "double" && other === "decimal") || (one === "decimal" && other === "double")) throw new GivenUp();
  const order: readonly NumberType[] = ["int", "long", "double", "decimal"];
  return order[Math.max(order.indexOf(one), order.indexOf(other))] ?? one;
}

/** A text as `int.Parse` reads it; null where it does not. */
export function parsedNumber(written: TextConstant, type: NumberType): Constant | null {
  const { text, pieces } = trimmed(written);
  const whole = type === "int" || type === "long";
  if (!(whole ? /^[-+]?\d{1,19}$/ : /^[-+]?\d{1,15}(?:\.\d{1,15})?$/).test(text)) {
    // Signs, groups and exponents that C# takes in some cultures.
    if (!whole && /^[-+\d.,eE\s]+$/.test(text) && /\d/.test(text)) throw new GivenUp();
    return null;
  }
  const number = Number(text);
  if (type === "int" && number !== (number | 0)) return null;
  return numberOf(number, type, originOf(pieces) ?? (pieces.length === 0 ? written.origin : null));
}

/** Without the white space around it. */
export function trimmed(written: TextConstant, where: "both" | "start" | "end" = "both"): PiecedText {
  const { value } = written;
  const start = where === "end" ? 0 : value.length - value.trimStart().length;
  const end = where === "start" ? value.length : Math.max(value.trimEnd().length, start);
  return sliceOf(pieced(written), start, end);
}

export function pieced(value: TextConstant): PiecedText {
  return { text: value.value, pieces: value.pieces ?? [] };
}

/** What `ToString()` and a concatenation make of it. Throws `GivenUp` where .NET's text is not surely this. */
export function textOf(value: Known): TextConstant {
  if (value.kind !== "constant") throw new GivenUp();
  const { value: content, origin } = value;
  if (content === null) return textConstant({ text: "", pieces: [] });
  if (typeof content === "string") {
    if (value.type === undefined) return { ...value, value: content };
    return { kind: "constant", value: content, origin, ...("pieces" in value ? { pieces: (value as TextConstant).pieces ?? [] } : {}) };
  }
  if (typeof content === "boolean") return { kind: "constant", value: content ? "True" : "False", origin: null };
  return { kind: "constant", value: numberText(value, content), origin };
}

function numberText(value: Constant, number: number): string {
  const type = numberType(value);
  if (type === "int" || type === "long") return String(number);
  const size = Math.abs(number);
  if (type === "decimal" || (size !== 0 && (size < 1e-4 || size >= 1e15))) throw new GivenUp();
  return String(number);
}

/** The number of an operand; null where it is none. Characters count by their code. */
export function numericOf(value: Known): { readonly number: number; readonly type: NumberType; readonly origin: Origin | null } | null {
  if (value.kind !== "constant") return null;
  if (isChar(value)) return { number: value.value.charCodeAt(0), type: "int", origin: null };
  const type = value.type === "token" ? null : numberType(value);
  return type === null || typeof value.value !== "number" ? null : { number: value.value, type, origin: value.origin };
}

/** A number as another type, as a cast makes it: towards zero. */
export function castNumber(value: Constant, to: NumberType): Constant {
  const from = numericOf(value);
  if (from === null) throw new GivenUp();
  const whole = to === "int" || to === "long";
  const number = whole ? Math.trunc(from.number) : from.number;
  return numberOf(number, to, number === from.number ? from.origin : null);
}

/** As `Convert.ToInt32` and Newtonsoft.Json make it: to the nearest, from the middle to the even one; texts are read. */
export function convertNumber(value: Constant, to: NumberType): Constant {
  const { value: content, origin } = value;
  if (content === null) {
    if (value.type === "token") throw new Thrown("null is no number");
    return numberOf(0, to);
  }
  if (typeof content === "boolean") return numberOf(content ? 1 : 0, to);
  if (typeof content === "string") {
    if (isChar(value)) throw new GivenUp();
    const parsed = parsedNumber(textOf(value), to);
    if (parsed === null) throw new Thrown(`'${content.slice(0, 40)}' is no number`);
    return parsed;
  }
  if (to === "double" || to === "decimal") return numberOf(content, to, origin);
  const rounded = toNearestEven(content);
  return numberOf(rounded, to, rounded === content ? origin : null);
}

function toNearestEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/** As `Convert.ToBoolean` does. */
export function convertBoolean(value: Constant): Constant {
  const { value: content } = value;
  if (content === null) return constant(false);
  if (typeof content === "boolean") return constant(content);
  if (typeof content === "number") return constant(content !== 0);
  const parsed = parsedBoolean(content);
  if (parsed === null) throw new Thrown(`'${content.slice(0, 40)}' is no truth`);
  return parsed;
}

export function parsedBoolean(written: string): Constant | null {
  const word = written.trim().toLowerCase();
  return word === "true" || word === "false" ? constant(word === "true") : null;
}
