/**
 * How far a policy expression reaches. An expression is C# inside XML that its quotes and angle brackets would break,
 * so its end is found by reading C#, not XML
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions).
 */

/** Where an expression ends (exclusive), or that it does not; `scannedTo` says how far was read to find out. */
export interface ExpressionScan {
  readonly end: number | null;
  readonly scannedTo: number;
}

/** Whether entities inside the expression stand for C# characters (`&quot;` opens a string) or for themselves. */
export type EntityReading = "decoded" | "raw";

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

/** C# around the current character: code up to a closing bracket, or an interpolated string, which holds code in turn. */
type Mode =
  | { readonly kind: "code"; readonly open: string; readonly close: string; depth: number }
  | { readonly kind: "interpolated"; readonly verbatim: boolean };

/**
 * Finds the end of the expression that opens at `start`: brackets of the opening kind are counted, outside of comments,
 * characters and strings (regular, verbatim, interpolated). A regular string that meets the end of its line has no end.
 */
export function scanExpression(source: string, start: number, reading: EntityReading): ExpressionScan {
  const modes: Mode[] = [source[start + 1] === "{" ? codeUntil("}", "{") : codeUntil(")", "(")];
  let offset = start + 2;
  let width = 1;

  /** The C# character at `at`, "" at the end of the text; sets `width` to what it takes up in the source. */
  const characterAt = (at: number): string => {
    width = 1;
    const character = source[at] ?? "";
    if (character !== "&" || reading === "raw") return character;
    entityAt.lastIndex = at;
    if (!entityAt.test(source)) return character;
    width = entityAt.lastIndex - at;
    return entityText(source.slice(at, entityAt.lastIndex));
  };
  const take = (): string => {
    const character = characterAt(offset);
    offset += width;
    return character;
  };
  /** Takes the next character that may mean something, and all before it. */
  const takeSignificant = (): string => {
    while (offset < source.length && significant[source.charCodeAt(offset)] !== 1) offset++;
    return take();
  };
  /** Takes the next character if it is the given one. */
  const takeIf = (expected: string): boolean => {
    if (characterAt(offset) !== expected) return false;
    offset += width;
    return true;
  };

  const skipLineComment = (): void => {
    while (offset < source.length && !isLineEnd(source[offset])) offset++;
  };
  const skipBlockComment = (): void => {
    const end = source.indexOf("*/", offset);
    offset = end < 0 ? source.length : end + 2;
  };
  /** Skips a character or a regular string; false where its line ends before the closing quote. */
  const skipQuoted = (quote: string): boolean => {
    while (offset < source.length) {
      const character = takeSignificant();
      if (character === quote) return true;
      if (isLineEnd(character)) return false;
      if (character === "\\") take();
    }
    return false;
  };
  const skipVerbatim = (): void => {
    while (offset < source.length) if (takeSignificant() === '"' && !takeIf('"')) return;
  };

  while (offset < source.length) {
    const mode = modes.at(-1);
    if (mode === undefined) return { end: offset, scannedTo: offset };
    const character = takeSignificant();
    if (mode.kind === "interpolated") {
      if (character === '"') {
        if (!(mode.verbatim && takeIf('"'))) modes.pop();
      } else if (character === "{") {
        if (!takeIf("{")) modes.push(codeUntil("}", "{"));
      } else if (!mode.verbatim) {
        if (isLineEnd(character)) return { end: null, scannedTo: offset };
        if (character === "\\") take();
      }
      continue;
    }
    if (character === mode.open) mode.depth++;
    else if (character === mode.close) {
      if (--mode.depth === 0) modes.pop();
    } else if (character === '"' || character === "'") {
      if (!skipQuoted(character)) return { end: null, scannedTo: offset };
    } else if (character === "/") {
      if (takeIf("/")) skipLineComment();
      else if (takeIf("*")) skipBlockComment();
    } else if (character === "@" || character === "$") {
      const rest = offset;
      const both = takeIf(character === "@" ? "$" : "@");
      if (!takeIf('"')) offset = rest;
      else if (both || character === "$") modes.push({ kind: "interpolated", verbatim: both || character === "@" });
      else skipVerbatim();
    }
  }
  return { end: modes.length === 0 ? offset : null, scannedTo: offset };
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
