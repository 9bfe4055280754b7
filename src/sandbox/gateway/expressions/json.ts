import { DateTime, DateTimeOffset, TimeSpan } from "./dates.ts";
import { Decimal } from "./decimal.ts";
import { ExpressionError, unsupported } from "./errors.ts";
import { type Type, type } from "./types.ts";
import { Double, EnumValue, equal, Guid, NetObject, toText, type Value } from "./values.ts";

type TokenType =
  | "Object"
  | "Array"
  | "Property"
  | "String"
  | "Integer"
  | "Float"
  | "Boolean"
  | "Null"
  | "Date"
  | "Guid"
  | "TimeSpan"
  | "Bytes"
  | "Uri";

/** Newtonsoft's JSON trees (https://www.newtonsoft.com/json/help/html/N_Newtonsoft_Json_Linq.htm). */
export abstract class JToken extends NetObject {
  parent: JContainer | null = null;
  abstract readonly tokenType: TokenType;
  abstract copy(): JToken;

  /** Where it stands in the whole, e.g. `usage.total_tokens` or `choices[0]`. */
  get path(): string {
    const steps: string[] = [];
    for (let token: JToken = this; token.parent !== null; token = token.parent) {
      if (token instanceof JProperty) steps.push(/^[\w$-]+$/.test(token.name) ? `.${token.name}` : `['${token.name}']`);
      else if (token.parent instanceof JArray) steps.push(`[${token.parent.items.indexOf(token)}]`);
    }
    return steps.toReversed().join("").replace(/^\./, "");
  }
}

/** What holds other tokens: an object, an array or a property. */
export abstract class JContainer extends JToken {
  abstract children(): readonly JToken[];
  abstract replaceChild(child: JToken, by: JToken): void;
  abstract removeChild(child: JToken): void;

  override toText(): string {
    return printJson(this, true);
  }

  /** A token that stands in a tree already is copied into the new one, as Newtonsoft does. */
  protected adopt(token: JToken): JToken {
    const own = wouldCopy(token, this) ? token.copy() : token;
    own.parent = this;
    return own;
  }
}

/** Whether a token that is put into another one is copied: where it stands in a tree, or is the root of this one. */
export function wouldCopy(token: JToken, into: JToken | null): boolean {
  if (token.parent !== null) return true;
  if (into === null || !(token instanceof JContainer) || token.children().length === 0) return false;
  let root = into;
  while (root.parent !== null) root = root.parent;
  return root === token;
}

export class JValue extends JToken {
  override readonly type: Type = type("JValue");
  value: Value;

  constructor(value: Value) {
    super();
    this.value = value;
  }

  override get tokenType(): TokenType {
    const { value } = this;
    if (value === null) return "Null";
    if (typeof value === "string") return "String";
    if (typeof value === "boolean") return "Boolean";
    if (typeof value === "number" || typeof value === "bigint") return "Integer";
    if (value instanceof Double || value instanceof Decimal) return "Float";
    if (value instanceof DateTime || value instanceof DateTimeOffset) return "Date";
    if (value instanceof Guid) return "Guid";
    if (value instanceof TimeSpan) return "TimeSpan";
    if (value instanceof EnumValue) return "Integer";
    if (value.type.name === "Uri") return "Uri";
    if (value.type.text === "byte[]") return "Bytes";
    throw new ExpressionError("ArgumentException", `Could not determine JSON object type for type ${value.type.text}.`);
  }

  override copy(): JValue {
    return new JValue(this.value);
  }

  override toText(): string {
    return toText(this.value);
  }

  override equals(other: Value): boolean {
    return other instanceof JValue && sameJson(this, other);
  }

  override get key(): unknown {
    return `json ${this.tokenType} ${toText(this.value)}`;
  }
}

export class JProperty extends JContainer {
  override readonly type: Type = type("JProperty");
  override readonly tokenType = "Property";
  readonly name: string;
  #value: JToken;

  constructor(name: string, value: JToken) {
    super();
    this.name = name;
    this.#value = this.adopt(value);
  }

  get value(): JToken {
    return this.#value;
  }

  set value(value: JToken) {
    this.#value.parent = null;
    this.#value = this.adopt(value);
  }

  override children(): readonly JToken[] {
    return [this.#value];
  }

  override replaceChild(_child: JToken, by: JToken): void {
    this.value = by;
  }

  override removeChild(): void {
    throw new ExpressionError("JsonException", "Cannot add or remove items from Newtonsoft.Json.Linq.JProperty.");
  }

  override copy(): JProperty {
    return new JProperty(this.name, this.#value.copy());
  }
}

export class JObject extends JContainer {
  override readonly type: Type = type("JObject");
  override readonly tokenType = "Object";
  readonly properties = new Map<string, JProperty>();

  override children(): readonly JToken[] {
    return [...this.properties.values()];
  }

  get(name: string): JToken | null {
    return this.properties.get(name)?.value ?? null;
  }

  set(name: string, value: JToken): void {
    const property = this.properties.get(name);
    if (property === undefined) this.add(new JProperty(name, value));
    else property.value = value;
  }

  add(property: JProperty): void {
    if (this.properties.has(property.name))
      throw new ExpressionError(
        "ArgumentException",
        `Can not add property ${property.name} to Newtonsoft.Json.Linq.JObject. Property with the same name already exists on object.`,
      );
    const own = this.adopt(property);
    if (own instanceof JProperty) this.properties.set(own.name, own);
  }

  remove(name: string): boolean {
    const property = this.properties.get(name);
    if (property !== undefined) property.parent = null;
    return this.properties.delete(name);
  }

  override replaceChild(child: JToken, by: JToken): void {
    if (!(child instanceof JProperty) || !(by instanceof JProperty))
      throw new ExpressionError("ArgumentException", `Can not add ${by.type.text} to Newtonsoft.Json.Linq.JObject.`);
    const properties = [...this.properties.values()];
    for (const property of properties) this.remove(property.name);
    for (const property of properties) this.add(property === child ? by : property);
  }

  override removeChild(child: JToken): void {
    if (child instanceof JProperty) this.remove(child.name);
  }

  override copy(): JObject {
    const copied = new JObject();
    for (const property of this.properties.values()) copied.add(property.copy());
    return copied;
  }
}

export class JArray extends JContainer {
  override readonly type: Type = type("JArray");
  override readonly tokenType = "Array";
  readonly items: JToken[] = [];

  override children(): readonly JToken[] {
    return this.items;
  }

  add(token: JToken): void {
    this.items.push(this.adopt(token));
  }

  insert(index: number, token: JToken): void {
    this.items.splice(index, 0, this.adopt(token));
  }

  set(index: number, token: JToken): void {
    const old = this.items[index];
    if (old === undefined) throw outOfRange();
    old.parent = null;
    this.items[index] = this.adopt(token);
  }

  removeAt(index: number): void {
    const [old] = this.items.splice(index, 1);
    if (old === undefined) throw outOfRange();
    old.parent = null;
  }

  override replaceChild(child: JToken, by: JToken): void {
    this.set(this.items.indexOf(child), by);
  }

  override removeChild(child: JToken): void {
    this.removeAt(this.items.indexOf(child));
  }

  override copy(): JArray {
    const copied = new JArray();
    for (const item of this.items) copied.add(item.copy());
    return copied;
  }
}

/** `JToken.DeepEquals`: an integer and a float are equal where their numbers are; properties in any order. */
export function sameJson(one: JToken, other: JToken): boolean {
  if (one instanceof JObject && other instanceof JObject) {
    return (
      one.properties.size === other.properties.size &&
      [...one.properties.values()].every(({ name, value }) => {
        const same = other.get(name);
        return same !== null && sameJson(value, same);
      })
    );
  }
  if (one instanceof JProperty && other instanceof JProperty) return one.name === other.name && sameJson(one.value, other.value);
  if (one instanceof JArray && other instanceof JArray)
    return one.items.length === other.items.length && one.items.every((item, index) => sameJson(item, other.items[index] ?? item));
  if (!(one instanceof JValue) || !(other instanceof JValue)) return false;
  return equal(one.value, other.value) || (isNumber(one) && isNumber(other) && Number(toText(one.value)) === Number(toText(other.value)));
}

function isNumber({ tokenType }: JValue): boolean {
  return tokenType === "Integer" || tokenType === "Float";
}

/** As Newtonsoft writes it: indented by two spaces, or without any white space. Assumed: lines end in a line feed, as on Linux. */
export function printJson(token: JToken, indented: boolean): string {
  const parts: string[] = [];
  write(token, indented ? "\n" : "", parts);
  return parts.join("");
}

const deepest = 1000;

function write(token: JToken, line: string, parts: string[], depth = 0): void {
  if (depth > deepest) throw unsupported("JSON that nests so deep");
  if (token instanceof JProperty) {
    parts.push(quoted(token.name), line === "" ? ":" : ": ");
    write(token.value, line, parts, depth);
  } else if (token instanceof JValue) parts.push(scalarText(token.value));
  else if (token instanceof JContainer) {
    const [open, close] = token instanceof JArray ? ["[", "]"] : ["{", "}"];
    const inner = line === "" ? "" : `${line}  `;
    const children = token.children();
    parts.push(open);
    children.forEach((child, index) => {
      parts.push(index === 0 ? inner : `,${inner}`);
      write(child, inner, parts, depth + 1);
    });
    parts.push(children.length === 0 ? close : `${line}${close}`);
  }
}

function scalarText(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number" || typeof value === "bigint") return toText(value);
  if (value instanceof Double || value instanceof Decimal) return /[.EIN]/.test(value.toText()) ? value.toText() : `${value.toText()}.0`;
  if (value instanceof EnumValue) return String(value.number);
  if (value instanceof DateTime || value instanceof DateTimeOffset) return `"${isoText(value)}"`;
  return quoted(toText(value));
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Newtonsoft's escapes: what JSON asks for, and the line ends of Unicode. */
export function quoted(text: string): string {
  const escaped = text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
    /["\\\u0000-\u001f\u0085\u2028\u2029]/g,
    (character) => escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** ISO 8601 as Newtonsoft writes it: no more digits of a second than there are. */
function isoText(date: DateTime | DateTimeOffset): string {
  const [day = "", clock = ""] = date.toText().split(" ");
  const [month, ofMonth, year] = day.split("/");
  const fraction = String(date.ticks % 10_000_000n)
    .padStart(7, "0")
    .replace(/0+$/, "");
  return `${year}-${month}-${ofMonth}T${clock}${fraction === "" ? "" : `.${fraction}`}${zoneText(date)}`;
}

function zoneText(date: DateTime | DateTimeOffset): string {
  if (date instanceof DateTimeOffset) return date.toText().slice(-6);
  return { Utc: "Z", Local: "+00:00", Unspecified: "" }[date.kind];
}

export function outOfRange(parameter = "index"): ExpressionError {
  return new ExpressionError(
    "ArgumentOutOfRangeException",
    `Index was out of range. Must be non-negative and less than the size of the collection. (Parameter '${parameter}')`,
  );
}
