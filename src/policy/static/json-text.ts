import type { Json } from "../../gateway/documents.ts";
import { constant, text as textConstant } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { originOf, type PiecedText, sliceOf } from "./text-pieces.ts";
import type { Constant, JsonValue, Known, Present } from "./values.ts";

/** A `JObject` whose members can be followed to where they stand. */
interface JsonObjectValue extends JsonValue {
  readonly members: ReadonlyMap<string, Known>;
}

interface JsonArrayValue extends JsonValue {
  readonly items: readonly Known[];
}

/** A `JObject` that an expression has made, of which not every member is known. */
interface PartialObject extends Present {
  readonly members: ReadonlyMap<string, Known>;
}

interface PartialArray extends Present {
  readonly items: readonly Known[];
}

/** Deeper JSON is not read. */
const deepest = 100;

interface Reader {
  readonly source: PiecedText;
  at: number;
  depth: number;
}

/**
 * A JSON text as Newtonsoft.Json reads it (https://www.newtonsoft.com/json/help/html/T_Newtonsoft_Json_JsonTextReader.htm): names may be
 * bare, quotes single, commas left behind, and comments are passed over. Throws `GivenUp` where it is read in another way or not at all.
 */
export function readJson(source: PiecedText): Known {
  const reader: Reader = { source, at: 0, depth: 0 };
  const value = readValue(reader);
  skipSpace(reader);
  if (reader.at < source.text.length) throw new GivenUp();
  return value;
}

function readValue(reader: Reader): Known {
  skipSpace(reader);
  const start = reader.at;
  const first = reader.source.text[start];
  if (first === "{" || first === "[") {
    if (++reader.depth > deepest) throw new GivenUp();
    const value = first === "{" ? readObject(reader, start) : readArray(reader, start);
    reader.depth--;
    return value;
  }
  return first === '"' || first === "'" ? readString(reader) : readWord(reader);
}

function readObject(reader: Reader, start: number): JsonObjectValue {
  const members = new Map<string, Known>();
  readItems(reader, "}", () => {
    const name = readName(reader);
    skipSpace(reader);
    expect(reader, ":");
    members.set(name, readValue(reader));
  });
  return objectOf(members, originOf(sliceOf(reader.source, start, reader.at).pieces)) as JsonObjectValue;
}

function readArray(reader: Reader, start: number): JsonArrayValue {
  const items: Known[] = [];
  readItems(reader, "]", () => items.push(readValue(reader)));
  return arrayOf(items, originOf(sliceOf(reader.source, start, reader.at).pieces)) as JsonArrayValue;
}

function readItems(reader: Reader, close: string, readItem: () => void): void {
  reader.at++;
  for (;;) {
    skipSpace(reader);
    if (takeIf(reader, close)) return;
    readItem();
    skipSpace(reader);
    if (takeIf(reader, close)) return;
    expect(reader, ",");
  }
}

function readName(reader: Reader): string {
  const { text } = reader.source;
  if (text[reader.at] === '"' || text[reader.at] === "'") return stringText(reader).text;
  const bare = matchAt(/[\w$-]+/y, reader);
  if (bare === null) throw new GivenUp();
  return bare;
}

/** Texts that look like dates are read as dates, whose text may be another. */
const dateLike = /^\d{4}-\d\d-\d\dT|^\/Date\(/;

function readString(reader: Reader): Constant {
  const read = stringText(reader);
  if (dateLike.test(read.text)) throw new GivenUp();
  return { ...textConstant(read), type: "token" };
}

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function stringText(reader: Reader): PiecedText {
  const { source } = reader;
  const quote = source.text[reader.at];
  const start = ++reader.at;
  let decoded = "";
  let hasEscapes = false;
  for (;;) {
    const character = source.text[reader.at++];
    if (character === undefined) throw new GivenUp();
    if (character === quote) break;
    if (character !== "\\") {
      decoded += character;
      continue;
    }
    hasEscapes = true;
    const escaped = source.text[reader.at++] ?? "";
    if (escaped !== "u") decoded += escapes[escaped] ?? escaped;
    else {
      const code = matchAt(/[\da-fA-F]{4}/y, reader);
      if (code === null) throw new GivenUp();
      decoded += String.fromCharCode(Number.parseInt(code, 16));
    }
  }
  if (hasEscapes) return { text: decoded, pieces: [{ length: decoded.length, source: null, start: 0, end: 0 }] };
  return sliceOf(source, start, reader.at - 1);
}

function readWord(reader: Reader): Constant {
  const start = reader.at;
  const word = matchAt(/[-+.\w]+/y, reader) ?? "";
  if (word === "true" || word === "false") return constant(word === "true", "token");
  if (word === "null") return constant(null, "token");
  if (!/^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?(?:[eE][-+]?\d{1,2})?$/.test(word)) throw new GivenUp();
  const number = Number(word);
  if (!word.includes(".") && !/e/i.test(word) && !Number.isSafeInteger(number)) throw new GivenUp();
  const plain = /^-?\d+$/.test(word);
  return {
    kind: "constant",
    value: number,
    type: "token",
    origin: originOf(sliceOf(reader.source, start, reader.at).pieces),
    ...(plain ? {} : { real: true }),
  } as Constant;
}

function skipSpace(reader: Reader): void {
  const { text } = reader.source;
  for (;;) {
    while (/\s/.test(text[reader.at] ?? "")) reader.at++;
    if (text[reader.at] !== "/") return;
    const end =
      text[reader.at + 1] === "*" ? text.indexOf("*/", reader.at + 2) : text[reader.at + 1] === "/" ? text.indexOf("\n", reader.at) : -1;
    if (end < 0) throw new GivenUp();
    reader.at = text[reader.at + 1] === "*" ? end + 2 : end;
  }
}

function takeIf(reader: Reader, character: string): boolean {
  if (reader.source.text[reader.at] !== character) return false;
  reader.at++;
  return true;
}

function expect(reader: Reader, character: string): void {
  if (!takeIf(reader, character)) throw new GivenUp();
}

function matchAt(pattern: RegExp, reader: Reader): string | null {
  pattern.lastIndex = reader.at;
  const [match] = pattern.exec(reader.source.text) ?? [];
  if (match === undefined) return null;
  reader.at += match.length;
  return match;
}

/** The JSON of a value; undefined where not all of it is known. */
export function jsonOf(value: Known): Json | undefined {
  if (value.kind === "constant") return value.type === "char" ? undefined : value.value;
  return value.kind === "json" ? value.value : undefined;
}

export function objectOf(members: ReadonlyMap<string, Known>, origin: JsonValue["origin"] = null): JsonObjectValue | PartialObject {
  const entries = [...members].map(([name, member]): [string, Json | undefined] => [name, jsonOf(member)]);
  if (entries.some(([, member]) => member === undefined)) return { kind: "present", what: "JObject", members };
  const value: Record<string, Json> = Object.create(null);
  for (const [name, member] of entries) value[name] = member ?? null;
  return { kind: "json", value, origin, members };
}

export function arrayOf(items: readonly Known[], origin: JsonValue["origin"] = null): JsonArrayValue | PartialArray {
  const value = items.map(jsonOf);
  const known = value.filter((item) => item !== undefined);
  if (known.length < value.length) return { kind: "present", what: "JArray", items };
  return { kind: "json", value: known, origin, items };
}

/** The members of a `JObject`; null where it is something else. */
export function membersOf(value: Known): ReadonlyMap<string, Known> | null {
  if (hasMembers(value)) return value.members;
  if (value.kind !== "json" || typeof value.value !== "object" || value.value === null || Array.isArray(value.value)) return null;
  return new Map(Object.entries(value.value).map(([name, member]) => [name, knownJson(member)]));
}

const hasMembers = (value: Known): value is JsonObjectValue | PartialObject => "members" in value;

/** The items of a `JArray`; null where it is something else. */
export function itemsOf(value: Known): readonly Known[] | null {
  if (hasItems(value)) return value.items;
  if (value.kind !== "json" || !Array.isArray(value.value)) return null;
  return value.value.map(knownJson);
}

const hasItems = (value: Known): value is JsonArrayValue | PartialArray => value.kind !== "list" && "items" in value;

/** JSON of no known place. */
function knownJson(value: Json): Known {
  if (typeof value !== "object" || value === null) return constant(value, "token");
  return { kind: "json", value, origin: null };
}
