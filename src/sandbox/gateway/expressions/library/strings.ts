import { Builder, Comparer, NetArray } from "../collections.ts";
import { type Definition, define } from "../definitions.ts";
import { argumentNull, ExpressionError } from "../errors.ts";
import { formatComposite } from "../format.ts";
import { int } from "../numbers.ts";
import type { Run } from "../run.ts";
import { types } from "../types.ts";
import { Char, toText, type Value } from "../values.ts";
import { elements } from "./iterate.ts";
import { argumentError, argumentOutOfRange, codeOf, enumeration, on, onText, text, textOrNull, valuesOf } from "./read.ts";

/** .NET's white space (https://learn.microsoft.com/dotnet/api/system.char.iswhitespace). */
const blank = "[\\s\\u0085]";
const leadingBlank = new RegExp(`^${blank}+`);
const trailingBlank = new RegExp(`${blank}+$`);

/** Upper case as ordinal comparisons without case see it: letter by letter. */
function folded(value: string): string {
  return value.toUpperCase().length === value.length
    ? value.toUpperCase()
    : value.replaceAll(/./gsu, (letter) => (letter.toUpperCase().length === letter.length ? letter.toUpperCase() : letter));
}

function ignoresCase(comparison: Value | undefined): boolean {
  return comparison === true || enumeration(comparison) % 2 === 1;
}

function comparable(value: string, comparison: Value | undefined): string {
  return ignoresCase(comparison) ? folded(value) : value;
}

function same(one: string | null, other: string | null, comparison?: Value): boolean {
  return one === null || other === null ? one === other : comparable(one, comparison) === comparable(other, comparison);
}

/** Words in the order of a dictionary where the comparison asks for a culture: lower case before upper; ordinal by code units. */
export function compareTexts(one: string | null, other: string | null, comparison?: Value): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? -1 : 1;
  const ordinal = enumeration(comparison) >= 4;
  const [a, b] = [comparable(one, comparison), comparable(other, comparison)];
  if (ordinal) return a < b ? -1 : a > b ? 1 : 0;
  return collator.compare(a, b);
}

const collator = new Intl.Collator("en", { sensitivity: "variant" });

function slice(self: string, start: number, length: number, run: Run): string {
  if (start < 0) throw argumentOutOfRange("startIndex", "StartIndex cannot be less than zero.");
  if (start > self.length) throw argumentOutOfRange("startIndex", "startIndex cannot be larger than length of string.");
  if (length < 0) throw argumentOutOfRange("length", "Length cannot be less than zero.");
  if (start + length > self.length) throw argumentOutOfRange("length", "Index and length must refer to a location within the string.");
  return run.text(self.slice(start, start + length));
}

function indexOf(self: string, args: readonly Value[], isLast: boolean): number {
  const wanted = args[1] instanceof Char ? args[1].toText() : text(args[1]);
  const rest = args.slice(2).filter((arg) => arg !== null);
  const comparison = rest.find((arg) => typeof arg !== "number");
  const [start = isLast ? self.length - 1 : 0, count] = rest.filter((arg) => typeof arg === "number");
  if (start < (isLast ? -1 : 0) || start > self.length)
    throw argumentOutOfRange(
      "startIndex",
      "Index was out of range. Must be non-negative and less than or equal to the size of the collection.",
    );
  const [subject, pattern] = [comparable(self, comparison), comparable(wanted, comparison)];
  if (isLast) return subject.slice(0, start + 1).lastIndexOf(pattern);
  const end = count === undefined ? subject.length : start + count;
  if (end > self.length || (count ?? 0) < 0)
    throw argumentOutOfRange("count", "Count must be positive and count must refer to a location within the string/array/collection.");
  return subject.slice(0, end).indexOf(pattern, start);
}

/** The set of characters that `Trim('x', 'y')` takes; none means white space. */
function trimmed(self: string, args: readonly Value[], start: boolean, end: boolean): string {
  const set = args[1] instanceof Char ? [args[1]] : args[1] instanceof NetArray ? args[1].values : [];
  if (set.length === 0) return (start ? self.replace(leadingBlank, "") : self).replace(end ? trailingBlank : /$^(?=x)x/, "");
  const codes = new Set(set.map(codeOf));
  let [from, to] = [0, self.length];
  while (start && from < to && codes.has(self.charCodeAt(from))) from++;
  while (end && to > from && codes.has(self.charCodeAt(to - 1))) to--;
  return self.slice(from, to);
}

function padTo(self: string, args: readonly Value[], run: Run, pad: (width: number, filler: string) => string): string {
  const width = int(args[1] ?? 0);
  if (width < 0) throw argumentOutOfRange("totalWidth", "Non-negative number required.");
  run.allow(Math.max(width, self.length));
  return pad(width, args[2] instanceof Char ? args[2].toText() : " ");
}

function separators(value: Value | undefined): readonly string[] {
  const list = value instanceof NetArray ? value.values.map(toText) : value === null || value === undefined ? [] : [toText(value)];
  return list.filter((separator) => separator !== "");
}

/** `Split`; without separators at white space. */
function split(self: string, args: readonly Value[], run: Run): NetArray {
  const given = separators(args[1]);
  const [countArgument] = args.slice(2).filter((arg) => typeof arg === "number");
  const options = args.slice(2).find((arg) => typeof arg !== "number" && arg !== null);
  const flags = enumeration(options);
  const isNone = args[1] === null || args[1] === undefined || (args[1] instanceof NetArray && args[1].values.length === 0);
  const parts = cut(self, isNone ? null : given, typeof countArgument === "number" ? countArgument : Number.POSITIVE_INFINITY, flags);
  run.step(parts.length);
  run.allow(self.length);
  return new NetArray(types.string, parts);
}

function cut(self: string, given: readonly string[] | null, most: number, flags: number): string[] {
  if (most < 0) throw argumentOutOfRange("count", "Non-negative number required.");
  if (most === 0) return [];
  const tidy = (part: string) => ((flags & 2) === 0 ? part : part.replace(leadingBlank, "").replace(trailingBlank, ""));
  const keeps = (part: string) => (flags & 1) === 0 || part !== "";
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < self.length && parts.length < most - 1; ) {
    const length =
      given === null ? (isBlank(self.charCodeAt(at)) ? 1 : 0) : (given.find((separator) => self.startsWith(separator, at))?.length ?? 0);
    if (length === 0) at++;
    else {
      const part = tidy(self.slice(from, at));
      if (keeps(part)) parts.push(part);
      at += length;
      from = at;
    }
  }
  const last = tidy(self.slice(from));
  return keeps(last) ? [...parts, last] : parts;
}

function isBlank(code: number): boolean {
  return leadingBlank.test(String.fromCharCode(code));
}

function replaced(self: string, args: readonly Value[], run: Run): string {
  const [, from, to, comparison] = args;
  const old = from instanceof Char ? from.toText() : text(from, "oldValue");
  if (old === "") throw argumentError("String cannot be of zero length. (Parameter 'oldValue')");
  const replacement = to === null || to === undefined ? "" : toText(to);
  const parts = ignoresCase(comparison) ? cutAt(self, folded(self), folded(old)) : self.split(old);
  run.allow(self.length + Math.max(0, replacement.length - old.length) * (parts.length - 1));
  return parts.join(replacement);
}

function cutAt(self: string, subject: string, pattern: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = subject.indexOf(pattern); at !== -1; at = subject.indexOf(pattern, from)) {
    parts.push(self.slice(from, at));
    from = at + pattern.length;
  }
  return [...parts, self.slice(from)];
}

function joined(separator: Value | undefined, values: Iterable<Value>, run: Run): string {
  const between = separator === null || separator === undefined ? "" : toText(separator);
  let result = "";
  let isFirst = true;
  for (const value of values) {
    run.step();
    result += isFirst ? toText(value) : between + toText(value);
    isFirst = false;
    if (result.length > 1024) run.allow(0);
  }
  return run.text(result);
}

function characterAt(self: string, index: number): Char {
  if (index < 0 || index >= self.length)
    throw new ExpressionError("IndexOutOfRangeException", "Index was outside the bounds of the array.");
  return new Char(self.charCodeAt(index));
}

function inserted(self: string, at: number, value: string, run: Run): string {
  if (at < 0 || at > self.length) throw argumentOutOfRange("startIndex", "Specified argument was out of the range of valid values.");
  return run.text(self.slice(0, at) + value + self.slice(at));
}

const strings = define(
  "string",
  {
    "static Empty: string": () => "",
    "static IsNullOrEmpty(string value): bool": ([value]) => value === null || value === "",
    "static IsNullOrWhiteSpace(string value): bool": ([value]) => value === null || text(value).replace(leadingBlank, "") === "",
    "static Join(string separator, IEnumerable<string> values): string | static Join<T>(string separator, IEnumerable<T> values): string": (
      [separator, values],
      run,
    ) => joined(separator, elements(values ?? null), run),
    "static Join(string separator, params string[] values): string | static Join(string separator, params object[] values): string": (
      [separator, values],
      run,
    ) => joined(separator, valuesOf(values, "value"), run),
    "static Concat(params string[] values): string | static Concat(params object[] args): string": ([values], run) =>
      joined("", valuesOf(values), run),
    "static Concat(IEnumerable<string> values): string | static Concat<T>(IEnumerable<T> values): string": ([values], run) =>
      joined("", elements(values ?? null), run),
    "static Format(string format, params object[] args): string": ([format, args], run) =>
      formatComposite(text(format, "format"), valuesOf(args, "args"), run),
    "static Equals(string a, string b): bool | static Equals(string a, string b, StringComparison comparison): bool": ([
      one,
      other,
      comparison,
    ]) => same(textOrNull(one), textOrNull(other), comparison),
    "static Compare(string a, string b): int | static Compare(string a, string b, bool ignoreCase): int | static Compare(string a, string b, StringComparison comparison): int":
      ([one, other, comparison]) => compareTexts(textOrNull(one), textOrNull(other), comparison),
    "static CompareOrdinal(string a, string b): int": ([one, other]) => {
      const [a, b] = [textOrNull(one) ?? "", textOrNull(other) ?? ""];
      return a < b ? -1 : a > b ? 1 : 0;
    },
    "static Copy(string value): string": ([value]) => text(value, "str"),
    "static IsInterned(string value): string": ([value]) => text(value, "str"),
    "new(char c, int count)": ([character, count], run) => {
      const length = int(count ?? 0);
      if (length < 0) throw argumentOutOfRange("count", "'count' must be non-negative.");
      run.allow(length);
      return toText(character ?? null).repeat(length);
    },
    "new(char[] value)": ([characters], run) => (characters === null ? "" : joined("", valuesOf(characters), run)),
    "Length: int": onText((self) => self.length),
    "this[int index]: char": onText((self, [, index]) => characterAt(self, int(index ?? 0))),
    "Clone(): object | ToString(): string": onText((self) => self),
    "CompareTo(string other): int": onText((self, [, other]) => compareTexts(self, textOrNull(other))),
    "Contains(string value): bool | Contains(char value): bool | Contains(string value, StringComparison comparison): bool | Contains(char value, StringComparison comparison): bool":
      onText((self, [, value, comparison]) =>
        comparable(self, comparison).includes(comparable(value instanceof Char ? value.toText() : text(value), comparison)),
      ),
    "EndsWith(string value): bool | EndsWith(char value): bool | EndsWith(string value, StringComparison comparison): bool": onText(
      (self, [, value, comparison]) =>
        comparable(self, comparison).endsWith(comparable(value instanceof Char ? value.toText() : text(value), comparison)),
    ),
    "Equals(string other): bool | Equals(string other, StringComparison comparison): bool": onText((self, [, other, comparison]) =>
      same(self, textOrNull(other), comparison),
    ),
    "Equals(object other): bool": onText((self, [, other]) => self === other),
    "IndexOf(string value): int | IndexOf(char value): int | IndexOf(string value, int start): int | IndexOf(char value, int start): int | IndexOf(string value, int start, int count): int | IndexOf(char value, int start, int count): int | IndexOf(string value, StringComparison comparison): int | IndexOf(char value, StringComparison comparison): int | IndexOf(string value, int start, StringComparison comparison): int":
      onText((self, args) => indexOf(self, args, false)),
    "IndexOfAny(char[] any): int": onText((self, [, any]) => {
      const wanted = new Set(valuesOf(any, "anyOf").map(codeOf));
      for (let index = 0; index < self.length; index++) if (wanted.has(self.charCodeAt(index))) return index;
      return -1;
    }),
    "Insert(int start, string value): string": onText((self, [, start, value], run) => inserted(self, int(start ?? 0), text(value), run)),
    "LastIndexOf(string value): int | LastIndexOf(char value): int | LastIndexOf(string value, int start): int | LastIndexOf(char value, int start): int | LastIndexOf(string value, StringComparison comparison): int":
      onText((self, args) => indexOf(self, args, true)),
    "PadLeft(int width): string | PadLeft(int width, char filler): string": onText((self, args, run) =>
      padTo(self, args, run, (width, filler) => self.padStart(width, filler)),
    ),
    "PadRight(int width): string | PadRight(int width, char filler): string": onText((self, args, run) =>
      padTo(self, args, run, (width, filler) => self.padEnd(width, filler)),
    ),
    "Remove(int start): string | Remove(int start, int count): string": onText((self, [, start, count], run) => {
      const from = int(start ?? 0);
      const length = count === undefined ? self.length - from : int(count);
      slice(self, from, length, run);
      return self.slice(0, from) + self.slice(from + length);
    }),
    "Replace(string from, string to): string | Replace(char from, char to): string | Replace(string from, string to, StringComparison comparison): string":
      onText(replaced),
    "Split(params char[] separators): string[] | Split(char separator): string[] | Split(string separator): string[] | Split(char[] separators, StringSplitOptions options): string[] | Split(string[] separators, StringSplitOptions options): string[] | Split(char separator, StringSplitOptions options): string[] | Split(string separator, StringSplitOptions options): string[] | Split(char[] separators, int count): string[] | Split(char separator, int count): string[] | Split(string separator, int count): string[] | Split(char[] separators, int count, StringSplitOptions options): string[] | Split(string[] separators, int count, StringSplitOptions options): string[] | Split(char separator, int count, StringSplitOptions options): string[] | Split(string separator, int count, StringSplitOptions options): string[]":
      onText(split),
    "StartsWith(string value): bool | StartsWith(char value): bool | StartsWith(string value, StringComparison comparison): bool": onText(
      (self, [, value, comparison]) =>
        comparable(self, comparison).startsWith(comparable(value instanceof Char ? value.toText() : text(value), comparison)),
    ),
    "Substring(int start): string": onText((self, [, start], run) =>
      slice(self, int(start ?? 0), Math.max(0, self.length - int(start ?? 0)), run),
    ),
    "Substring(int start, int length): string": onText((self, [, start, length], run) =>
      slice(self, int(start ?? 0), int(length ?? 0), run),
    ),
    "ToCharArray(): char[]": onText((self, _, run) => {
      run.step(self.length);
      return new NetArray(types.char, [...elements(self)]);
    }),
    "ToLower(): string | ToLowerInvariant(): string": onText((self, _, run) => run.text(self.toLowerCase())),
    "ToUpper(): string | ToUpperInvariant(): string": onText((self, _, run) => run.text(folded(self))),
    "Trim(): string | Trim(char c): string | Trim(params char[] chars): string": onText((self, args) => trimmed(self, args, true, true)),
    "TrimEnd(): string | TrimEnd(char c): string | TrimEnd(params char[] chars): string": onText((self, args) =>
      trimmed(self, args, false, true),
    ),
    "TrimStart(): string | TrimStart(char c): string | TrimStart(params char[] chars): string": onText((self, args) =>
      trimmed(self, args, true, false),
    ),
  },
  { bases: ["CredentialText", "IEnumerable<char>"] },
);

const letter = (pattern: RegExp) => (args: readonly Value[]) =>
  pattern.test(args[1] === undefined ? toText(args[0] ?? null) : text(args[0]).charAt(int(args[1])));

const characters = define(
  "char",
  {
    "static IsDigit(char c): bool | static IsDigit(string s, int index): bool": letter(/\p{Nd}/u),
    "static IsLetter(char c): bool | static IsLetter(string s, int index): bool": letter(/\p{L}/u),
    "static IsLetterOrDigit(char c): bool | static IsLetterOrDigit(string s, int index): bool": letter(/[\p{L}\p{Nd}]/u),
    "static IsLower(char c): bool": letter(/\p{Ll}/u),
    "static IsPunctuation(char c): bool": letter(/\p{P}/u),
    "static IsUpper(char c): bool": letter(/\p{Lu}/u),
    "static IsWhiteSpace(char c): bool": letter(new RegExp(blank)),
    "static Parse(string s): char": ([value]) => characterAt(text(value, "s"), 0),
    "static ToLower(char c): char | static ToLowerInvariant(char c): char": ([value]) =>
      new Char(
        toText(value ?? null)
          .toLowerCase()
          .charCodeAt(0),
      ),
    "static ToString(char c): string | ToString(): string": ([value]) => toText(value ?? null),
    "static ToUpper(char c): char | static ToUpperInvariant(char c): char": ([value]) =>
      new Char(folded(toText(value ?? null)).charCodeAt(0)),
    "CompareTo(char other): int": ([self, other]) => codeOf(self) - codeOf(other),
  },
  { zero: new Char(0) },
);

const append = (ending: string) =>
  on(Builder, (self, [, value = null], run) => {
    const added = toText(value) + ending;
    run.allow(added.length);
    run.step();
    self.text += added;
    if (self.text.length > 16 * 1024 * 1024) run.allow(self.text.length);
    return self;
  });

const builders = define("StringBuilder", {
  "new() | new(int capacity)": () => new Builder(),
  "new(string value)": ([value], run) => {
    const builder = new Builder();
    builder.text = run.text(textOrNull(value) ?? "");
    return builder;
  },
  "Length: int": on(Builder, (self) => self.text.length),
  "this[int index]: char": on(Builder, (self, [, index]) => characterAt(self.text, int(index ?? 0))),
  "Append(string value): StringBuilder | Append(char value): StringBuilder | Append(bool value): StringBuilder | Append(int value): StringBuilder | Append(long value): StringBuilder | Append(double value): StringBuilder | Append(decimal value): StringBuilder | Append(object value): StringBuilder":
    append(""),
  // Assumed: the gateway runs on Linux, where lines end in a line feed.
  "AppendLine(): StringBuilder | AppendLine(string value): StringBuilder": append("\n"),
  "AppendFormat(string format, params object[] args): StringBuilder": on(Builder, (self, [, format, args], run) => {
    self.text = run.text(self.text + formatComposite(text(format, "format"), valuesOf(args, "args"), run));
    return self;
  }),
  "Clear(): StringBuilder": on(Builder, (self) => {
    self.text = "";
    return self;
  }),
  "Insert(int index, string value): StringBuilder": on(Builder, (self, [, index, value], run) => {
    self.text = inserted(self.text, int(index ?? 0), textOrNull(value) ?? "", run);
    return self;
  }),
  "Remove(int start, int length): StringBuilder": on(Builder, (self, [, start, length], run) => {
    slice(self.text, int(start ?? 0), int(length ?? 0), run);
    self.text = self.text.slice(0, int(start ?? 0)) + self.text.slice(int(start ?? 0) + int(length ?? 0));
    return self;
  }),
  "Replace(string from, string to): StringBuilder | Replace(char from, char to): StringBuilder": on(Builder, (self, args, run) => {
    self.text = replaced(self.text, args, run);
    return self;
  }),
  "ToString(): string": on(Builder, (self, _, run) => run.text(self.text)),
});

const comparers = define("StringComparer", {
  "static Ordinal: StringComparer | static InvariantCulture: StringComparer | static CurrentCulture: StringComparer": () =>
    new Comparer(false),
  "static OrdinalIgnoreCase: StringComparer | static InvariantCultureIgnoreCase: StringComparer | static CurrentCultureIgnoreCase: StringComparer":
    () => new Comparer(true),
  "Equals(string a, string b): bool": on(Comparer, (self, [, one, other]) => self.keyOf(one ?? null) === self.keyOf(other ?? null)),
  "Compare(string a, string b): int": on(Comparer, (self, [, one, other]) => {
    if (one === null) throw argumentNull("a");
    return compareTexts(textOrNull(one), textOrNull(other), self.ignoreCase);
  }),
});

export const stringDefinitions: readonly Definition[] = [strings, characters, builders, comparers];
