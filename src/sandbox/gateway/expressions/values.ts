import { ExpressionError } from "./errors.ts";
import { doubleText } from "./number-text.ts";
import { fullName, type Type, types } from "./types.ts";

/**
 * A value of .NET: null; `boolean` is bool, `string` string, `number` an integer of up to 32 bits, `bigint` a long; everything else, doubles
 * too, is a `NetObject`. Nothing of an expression is looked up on these as JavaScript objects: members stand in `library/`.
 */
export type Value = null | boolean | string | number | bigint | NetObject;

/** What is not a JavaScript primitive. */
export abstract class NetObject {
  abstract readonly type: Type;

  /** What `ToString()` answers. */
  toText(): string {
    return fullName(this.type);
  }

  equals(other: Value): boolean {
    return this === other;
  }

  /** What a dictionary finds it by: equal for equal values. */
  get key(): unknown {
    return this;
  }
}

export class Double extends NetObject {
  override readonly type = types.double;
  readonly number: number;

  constructor(number: number) {
    super();
    this.number = number;
  }

  override toText(): string {
    return doubleText(this.number);
  }

  override equals(other: Value): boolean {
    return other instanceof Double && Object.is(this.number + 0, other.number + 0);
  }

  override get key(): unknown {
    return `double ${this.number + 0}`;
  }
}

/** One UTF-16 code unit. */
export class Char extends NetObject {
  override readonly type = types.char;
  readonly code: number;

  constructor(code: number) {
    super();
    this.code = code & 0xffff;
  }

  override toText(): string {
    return String.fromCharCode(this.code);
  }

  override equals(other: Value): boolean {
    return other instanceof Char && other.code === this.code;
  }

  override get key(): unknown {
    return `char ${this.code}`;
  }
}

/** A member of an enumeration, e.g. `StringComparison.OrdinalIgnoreCase`; several flags at once where the enumeration has flags. */
export class EnumValue extends NetObject {
  override readonly type: Type;
  readonly name: string;
  readonly number: number;

  constructor(enumeration: Type, name: string, number: number) {
    super();
    this.type = enumeration;
    this.name = name;
    this.number = number;
  }

  override toText(): string {
    return this.name;
  }

  override equals(other: Value): boolean {
    return other instanceof EnumValue && other.type.name === this.type.name && other.number === this.number;
  }

  override get key(): unknown {
    return `${this.type.name} ${this.number}`;
  }
}

export class Guid extends NetObject {
  override readonly type: Type = { name: "Guid", args: [], text: "Guid" };
  /** 32 hexadecimal digits in lower case. */
  readonly digits: string;

  constructor(digits: string) {
    super();
    this.digits = digits;
  }

  override toText(): string {
    return this.digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  override equals(other: Value): boolean {
    return other instanceof Guid && other.digits === this.digits;
  }

  override get key(): unknown {
    return `Guid ${this.digits}`;
  }
}

/** The type of a value that is not null. */
export function typeOfValue(value: NonNullable<Value>): Type {
  switch (typeof value) {
    case "boolean":
      return types.bool;
    case "string":
      return types.string;
    case "number":
      return types.int;
    case "bigint":
      return types.long;
    default:
      return value.type;
  }
}

/** As .NET prints it with the invariant culture; of null the empty text. */
export function toText(value: Value): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value ? "True" : "False";
    case "number":
      return doubleText(value);
    case "bigint":
      return String(value);
    default:
      return value === null ? "" : value.toText();
  }
}

/** What a boolean attribute makes of a value: a bool, or a text that `bool.Parse` takes; null where it is neither. */
export function toBoolean(value: Value): boolean | null {
  if (typeof value === "boolean") return value;
  const text = toText(value).trim().toLowerCase();
  return text === "true" ? true : text === "false" ? false : null;
}

/** What a numeric attribute makes of a value: a number, or a text of digits; null where it is neither. */
export function toNumber(value: Value): number | null {
  if (value instanceof Double) return value.number;
  const text = toText(value).trim();
  return /^[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : null;
}

/** `object.Equals`: by value for what has one, by reference for the rest. */
export function equal(one: Value, other: Value): boolean {
  return one instanceof NetObject ? one.equals(other) : one === other;
}

export function keyOf(value: Value): unknown {
  return value instanceof NetObject ? value.key : typeof value === "string" ? `string ${value}` : value;
}

export function nullReference(): ExpressionError {
  return new ExpressionError("NullReferenceException", "Object reference not set to an instance of an object.");
}
