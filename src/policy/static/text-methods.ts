import type { Call } from "./access.ts";
import { following, type TextConstant, Thrown, text, truth } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { lifted } from "./lifted.ts";
import { isChar, isNull, isText, numberOf, numericOf, pieced, trimmed } from "./numbers.ts";
import { ignoresCase, joinedText, upper } from "./operators.ts";
import { type PiecedText, sliceOf } from "./text-pieces.ts";
import type { Constant, Known } from "./values.ts";

/** A method of a text that is known. */
export function textMethod(target: TextConstant, call: Call): Known {
  const { arguments: given, source } = call;
  const listed = given.flatMap((argument) => (argument.kind === "list" ? argument.items : [argument]));
  if (listed.some(({ kind }) => kind === "unknown" || kind === "several") && given.some(({ kind }) => kind === "list")) {
    return following(listed, source);
  }
  const method = Object.hasOwn(methods, call.name) ? methods[call.name] : undefined;
  if (method === undefined) throw new GivenUp();
  return lifted([target, ...given], source, ([self, ...others]) => method(self !== undefined && isText(self) ? self : target, others));
}

type Method = (self: TextConstant, given: readonly Known[]) => Known;

/** A text that is made of another's characters one by one. */
const mapped = (self: TextConstant, map: (value: string) => string): Known => {
  const value = map(self.value);
  if (value === self.value) return self;
  if (!/^[\0-\x7f]*$/.test(self.value)) throw new GivenUp();
  return { kind: "constant", value, origin: null };
};

const lower: Method = (self) => mapped(self, (value) => value.toLowerCase());
const upperCase: Method = (self) => mapped(self, (value) => value.toUpperCase());

const methods: Readonly<Record<string, Method>> = {
  ToLower: lower,
  ToLowerInvariant: lower,
  ToUpper: upperCase,
  ToUpperInvariant: upperCase,
  Trim: (self, given) => trimmedOf(self, given, "both"),
  TrimStart: (self, given) => trimmedOf(self, given, "start"),
  TrimEnd: (self, given) => trimmedOf(self, given, "end"),
  Replace: replaced,
  Substring: substring,
  Split: split,
  StartsWith: (self, [part, comparison]) => found(self, part, comparison, (whole, written) => whole.startsWith(written)),
  EndsWith: (self, [part, comparison]) => found(self, part, comparison, (whole, written) => whole.endsWith(written)),
  Contains: (self, [part, comparison]) => found(self, part, comparison, (whole, written) => whole.includes(written)),
  IndexOf: indexOf,
  LastIndexOf: (self, [part, ...others]) => {
    if (others.length > 0) throw new GivenUp();
    return numberOf(self.value.lastIndexOf(writtenOf(part)), "int");
  },
  PadLeft: (self, given) => padded(self, given, true),
  PadRight: (self, given) => padded(self, given, false),
  ToString: (self) => self,
  ToCharArray: (self) => ({
    kind: "list",
    items: [...self.value].map((character): Constant => ({ ...text({ text: character, pieces: [] }), type: "char" })),
  }),
  Remove: (self, given) => {
    const [start, count] = given.map(indexValue);
    if (start === undefined) throw new GivenUp();
    const end = count === undefined ? self.value.length : start + count;
    if (start < 0 || end > self.value.length || end < start) throw new Thrown("Remove is outside of the text");
    if (end === self.value.length) return text(sliceOf(pieced(self), 0, start));
    return joinedText([text(sliceOf(pieced(self), 0, start)), text(sliceOf(pieced(self), end, self.value.length))], "Remove");
  },
  CompareTo: (self, [other]) => compareOrdinal(self, other),
};

/** Only for equality: culture decides the order of texts. */
export function compareOrdinal(one: Known, other: Known | undefined): Known {
  if (!isText(one) || other === undefined || !isText(other) || one.value !== other.value) throw new GivenUp();
  return numberOf(0, "int");
}

/** A text or character as a text. */
function writtenOf(part: Known | undefined): string {
  if (part === undefined) throw new GivenUp();
  if (isNull(part)) throw new Thrown("null is no text");
  if (isText(part) || isChar(part)) return part.value;
  throw new GivenUp();
}

function indexValue(value: Known): number {
  const number = numericOf(value);
  if (number === null) throw new GivenUp();
  return number.number;
}

function found(
  self: TextConstant,
  part: Known | undefined,
  comparison: Known | undefined,
  test: (whole: string, part: string) => boolean,
): Known {
  const written = writtenOf(part);
  return truth(ignoresCase(comparison) ? test(upper(self.value), upper(written)) : test(self.value, written));
}

function indexOf(self: TextConstant, [part, second, ...others]: readonly Known[]): Known {
  if (others.length > 0) throw new GivenUp();
  const written = writtenOf(part);
  if (second === undefined) return numberOf(self.value.indexOf(written), "int");
  if (second.kind !== "present") return numberOf(self.value.indexOf(written, indexValue(second)), "int");
  return numberOf(ignoresCase(second) ? upper(self.value).indexOf(upper(written)) : self.value.indexOf(written), "int");
}

function substring(self: TextConstant, given: readonly Known[]): Known {
  const [start, length] = given.map(indexValue);
  if (start === undefined) throw new GivenUp();
  const end = length === undefined ? self.value.length : start + length;
  if (start < 0 || start > self.value.length || end > self.value.length || end < start)
    throw new Thrown("Substring is outside of the text");
  return text(sliceOf(pieced(self), start, end));
}

function trimmedOf(self: TextConstant, given: readonly Known[], where: "both" | "start" | "end"): Known {
  if (given.length === 0) return text(trimmed(self, where));
  const characters = new Set(separatorsOf(given));
  if ([...characters].some((character) => character.length !== 1)) throw new GivenUp();
  let [start, end] = [0, self.value.length];
  if (where !== "end") while (start < end && characters.has(self.value[start] ?? "")) start++;
  if (where !== "start") while (end > start && characters.has(self.value[end - 1] ?? "")) end--;
  return text(sliceOf(pieced(self), start, end));
}

function replaced(self: TextConstant, [from, to, ...others]: readonly Known[]): Known {
  if (others.length > 0 || to === undefined) throw new GivenUp();
  const [old, written] = [writtenOf(from), isNull(to) ? "" : writtenOf(to)];
  if (old === "") throw new Thrown("Replace needs a text to look for");
  if (!self.value.includes(old)) return self;
  if (self.value.length * (written.length + 1) > longestText) throw new GivenUp();
  const parts = pieces(self, [old], Number.POSITIVE_INFINITY).map(text);
  if (written === "") return joinedText(parts, "Replace");
  const between: Known = { kind: "constant", value: written, origin: null };
  return joinedText(
    parts.flatMap((part, index) => (index === 0 ? [part] : [between, part])),
    "Replace",
  );
}

/** Longer texts are not made. */
const longestText = 1_000_000;

/** The characters or texts of an argument list, be they given one by one or in an array. */
function separatorsOf(given: readonly Known[]): readonly string[] {
  return given.flatMap((argument) => (argument.kind === "list" ? argument.items.map(writtenOf) : [writtenOf(argument)]));
}

function split(self: TextConstant, given: readonly Known[]): Known {
  const options = given.filter((argument) => argument.kind === "present");
  const rest = given.filter((argument) => argument.kind !== "present" && !isNull(argument));
  const count = rest.length > 0 && rest.at(-1)?.kind === "constant" && !isChar(rest.at(-1) ?? self) ? numericOf(rest.at(-1) ?? self) : null;
  const separators = separatorsOf(count === null ? rest : rest.slice(0, -1));
  if (separators.length === 0 || separators.includes("")) throw new GivenUp();
  const names = options.map((option) => (option.kind === "present" ? option.what : ""));
  if (names.some((name) => !name.startsWith("StringSplitOptions."))) throw new GivenUp();
  const most = count === null ? Number.POSITIVE_INFINITY : count.number;
  if (most < 1) throw new GivenUp();
  const trims = names.some((name) => name.endsWith("TrimEntries"));
  const drops = names.some((name) => name.endsWith("RemoveEmptyEntries"));
  if (drops && count !== null) throw new GivenUp();
  const items = pieces(self, separators, most).map((part) => (trims ? text(trimmed(text(part))) : text(part)));
  return { kind: "list", items: drops ? items.filter(({ value }) => value !== "") : items };
}

/** More parts than these are not told apart. */
const mostParts = 10_000;

function pieces(self: TextConstant, separators: readonly string[], most: number): readonly PiecedText[] {
  const whole = pieced(self);
  const parts: PiecedText[] = [];
  let start = 0;
  for (let at = 0; at < self.value.length && parts.length < most - 1; ) {
    const separator = separators.find((candidate) => self.value.startsWith(candidate, at));
    if (separator === undefined) {
      at++;
      continue;
    }
    parts.push(sliceOf(whole, start, at));
    at += separator.length;
    start = at;
    if (parts.length > mostParts) throw new GivenUp();
  }
  return [...parts, sliceOf(whole, start, self.value.length)];
}

function padded(self: TextConstant, given: readonly Known[], left: boolean): Known {
  const [width, filler] = given;
  if (width === undefined) throw new GivenUp();
  const [size, character] = [indexValue(width), filler === undefined ? " " : writtenOf(filler)];
  if (size > 1_000) throw new GivenUp();
  if (size <= self.value.length) return self;
  return { kind: "constant", value: left ? self.value.padStart(size, character) : self.value.padEnd(size, character), origin: null };
}
