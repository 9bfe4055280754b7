/**
 * How far a policy expression reaches. An expression is C# inside XML that its quotes and angle brackets would break,
 * so its end is found by reading C#, not XML
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions).
 */

/** Where an expression ends (exclusive), or that it does not; `scannedTo` says how far was read to find out. */
interface ExpressionScan {
  readonly end: number | null;
  readonly scannedTo: number;
}

/** Whether entities inside the expression stand for C# characters (`&quot;` opens a string) or for themselves. */
type EntityReading = "decoded" | "raw";

const predefinedEntities: ReadonlyMap<string, string> = new Map([
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&apos;", "'"],
]);
const anyEntity = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});/g;
const entityAt = new RegExp(anyEntity, "y");

function entityText(entity: string): string {
  const predefined = predefinedEntities.get(entity);
  if (predefined !== undefined) return predefined;
  const code = entity[2] === "x" ? Number.parseInt(entity.slice(3), 16) : Number.parseInt(entity.slice(2), 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entity;
}

/** Replaces XML's predefined entities and character references; leaves everything else, a bare `&` too. */
export function decodeEntities(raw: string): string {
  return raw.includes("&") ? raw.replace(anyEntity, entityText) : raw;
}

/** Whether an expression (`@(` or `@{`) opens at `offset`. */
export function opensExpression(source: string, offset: number): boolean {
  if (source[offset] !== "@") return false;
  const bracket = source[offset + 1];
  return bracket === "(" || bracket === "{";
}

/** C# that is read from a source, character by character. */
interface Reader {
  readonly source: string;
  readonly reading: EntityReading;
  offset: number;
}

/** C# around the current character: code up to a closing bracket, or an interpolated string, which holds code in turn. */
type Mode =
  | { readonly kind: "code"; readonly open: string; readonly close: string; depth: number }
  | { readonly kind: "interpolated"; readonly verbatim: boolean };

/**
 * Finds the end of the expression that opens at `start`: brackets of the opening kind are counted, outside of comments,
 * characters and strings (regular, verbatim, interpolated). A regular string that meets the end of its line has no end.
 */
export function scanExpression(source: string, start: number, reading: EntityReading): ExpressionScan {
  const reader: Reader = { source, reading, offset: start + 2 };
  const modes: Mode[] = [source[start + 1] === "{" ? codeUntil("}", "{") : codeUntil(")", "(")];
  while (reader.offset < source.length) {
    const mode = modes.at(-1);
    if (mode === undefined) break;
    const goesOn = mode.kind === "code" ? scanCode(reader, mode, modes) : scanInterpolated(reader, mode, modes);
    if (!goesOn) return { end: null, scannedTo: reader.offset };
  }
  return { end: modes.length === 0 ? reader.offset : null, scannedTo: reader.offset };
}

/** Reads code up to where the mode may change; false where it cannot end any more. */
function scanCode(reader: Reader, mode: Mode & { readonly kind: "code" }, modes: Mode[]): boolean {
  const character = takeSignificant(reader);
  if (character === mode.open) mode.depth++;
  else if (character === mode.close) {
    if (--mode.depth === 0) modes.pop();
  } else if (character === '"' || character === "'") return skipQuoted(reader, character);
  else if (character === "/") skipComment(reader);
  else if (character === "@" || character === "$") {
    const { offset } = reader;
    const both = takeIf(reader, character === "@" ? "$" : "@");
    if (!takeIf(reader, '"')) reader.offset = offset;
    else if (both || character === "$") modes.push({ kind: "interpolated", verbatim: both || character === "@" });
    else skipVerbatim(reader);
  }
  return true;
}

/** The same in an interpolated string, up to its end or to a hole in it. */
function scanInterpolated(reader: Reader, { verbatim }: Mode & { readonly kind: "interpolated" }, modes: Mode[]): boolean {
  const character = takeSignificant(reader);
  if (character === '"') {
    if (!(verbatim && takeIf(reader, '"'))) modes.pop();
  } else if (character === "{") {
    if (!takeIf(reader, "{")) modes.push(codeUntil("}", "{"));
  } else if (!verbatim) {
    if (isLineEnd(character)) return false;
    if (character === "\\") take(reader);
  }
  return true;
}

/** Skips a character or a regular string; false where its line ends before the closing quote. */
function skipQuoted(reader: Reader, quote: string): boolean {
  while (reader.offset < reader.source.length) {
    const character = takeSignificant(reader);
    if (character === quote) return true;
    if (isLineEnd(character)) return false;
    if (character === "\\") take(reader);
  }
  return false;
}

function skipVerbatim(reader: Reader): void {
  while (reader.offset < reader.source.length) if (takeSignificant(reader) === '"' && !takeIf(reader, '"')) return;
}

/** Skips the comment whose first `/` is read, if it is one. */
function skipComment(reader: Reader): void {
  const { source } = reader;
  if (takeIf(reader, "/")) {
    while (reader.offset < source.length && !isLineEnd(source[reader.offset])) reader.offset++;
  } else if (takeIf(reader, "*")) {
    const end = source.indexOf("*/", reader.offset);
    reader.offset = end < 0 ? source.length : end + 2;
  }
}

/** The next C# character, "" at the end of the text. */
function take(reader: Reader): string {
  const { source, offset } = reader;
  const character = source[offset] ?? "";
  reader.offset = offset + 1;
  if (character !== "&" || reader.reading === "raw") return character;
  entityAt.lastIndex = offset;
  if (!entityAt.test(source)) return character;
  reader.offset = entityAt.lastIndex;
  return entityText(source.slice(offset, reader.offset));
}

/** Takes the next character if it is the given one. */
function takeIf(reader: Reader, expected: string): boolean {
  const { offset } = reader;
  if (take(reader) === expected) return true;
  reader.offset = offset;
  return false;
}

/** Takes the next character that may mean something, and all before it. */
function takeSignificant(reader: Reader): string {
  const { source } = reader;
  let { offset } = reader;
  while (offset < source.length && significant[source.charCodeAt(offset)] !== 1) offset++;
  reader.offset = offset;
  return take(reader);
}

/** Marks the characters (all of ASCII) at which the reading of C# may change. */
const significant = new Uint8Array(128);
for (const character of "(){}\"'\\/@$&\r\n") significant[character.charCodeAt(0)] = 1;

function codeUntil(close: string, open: string): Mode {
  return { kind: "code", open, close, depth: 1 };
}

function isLineEnd(character: string | undefined): boolean {
  return character === "\n" || character === "\r";
}
