import { ExpressionError, unsupported } from "../errors.ts";

/** Whether a UTF-16 code unit belongs to a set. */
export type CharacterTest = (code: number) => boolean;

export type Pattern =
  | { readonly kind: "set"; readonly test: CharacterTest }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly options: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly body: Pattern; readonly least: number; readonly most: number; readonly lazy: boolean }
  | { readonly kind: "group"; readonly body: Pattern; readonly slot: number }
  | { readonly kind: "reference"; readonly slot: number; readonly ignoreCase: boolean }
  | { readonly kind: "look"; readonly body: Pattern; readonly behind: boolean; readonly wanted: boolean }
  | { readonly kind: "atomic"; readonly body: Pattern }
  | { readonly kind: "assert"; readonly where: Assertion };

export type Assertion = "start" | "end" | "lineStart" | "lineEnd" | "lastLineEnd" | "boundary" | "noBoundary";

export interface ParsedRegex {
  readonly pattern: Pattern;
  /** Numbers and names of the groups, by their slot; slot 0 is the whole match. */
  readonly names: readonly string[];
}

interface RegexFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly singleline: boolean;
  readonly explicitCapture: boolean;
  readonly ignoreWhitespace: boolean;
}

const deepest = 100;
const mostRepeats = 1000;

/**
 * Reads a regular expression of .NET's (https://learn.microsoft.com/dotnet/standard/base-types/regular-expression-language-quick-reference).
 * Balancing groups, conditionals and subtraction of classes are unsupported. Throws `ArgumentException` where the pattern is wrong.
 */
export function parseRegex(source: string, flags: RegexFlags): ParsedRegex {
  return new Parser(source, flags).parse();
}

class Parser {
  readonly #source: string;
  #flags: RegexFlags;
  #at = 0;
  #depth = 0;
  /** Unnamed groups get the numbers from 1, named ones those behind. */
  readonly #unnamed: number;
  readonly #named: readonly string[];
  #nextUnnamed = 1;

  constructor(source: string, flags: RegexFlags) {
    this.#source = source;
    this.#flags = flags;
    const outside = source.replaceAll(/\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]/g, "__");
    this.#named = [
      ...new Set([...outside.matchAll(/\(\?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/g)].map(([, one, other]) => one ?? other ?? "")),
    ];
    this.#unnamed = flags.explicitCapture ? 0 : [...outside.matchAll(/\((?!\?)/g)].length;
  }

  parse(): ParsedRegex {
    const pattern = this.#choice();
    if (this.#at < this.#source.length) throw this.#error("Too many )'s.");
    return { pattern, names: [...Array.from({ length: this.#unnamed + 1 }, (_, index) => String(index)), ...this.#named] };
  }

  #error(message: string): ExpressionError {
    return new ExpressionError("ArgumentException", `Invalid pattern '${this.#source}' at offset ${this.#at}. ${message}`);
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    this.#at += match?.[0].length ?? 0;
    return match;
  }

  #choice(): Pattern {
    if (++this.#depth > deepest) throw unsupported("a regular expression that nests so deep");
    const flags = this.#flags;
    const options = [this.#sequence()];
    while (this.#peek("|")) {
      this.#at++;
      options.push(this.#sequence());
    }
    this.#flags = flags;
    this.#depth--;
    const [only] = options;
    return only !== undefined && options.length === 1 ? only : { kind: "choice", options };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#source.length && !this.#peek("|") && !this.#peek(")")) {
      if (this.#flags.ignoreWhitespace && this.#take(/\s+|#[^\n]*/y) !== null) continue;
      const atom = this.#atom();
      if (atom !== null) parts.push(this.#quantified(atom));
    }
    return { kind: "sequence", parts };
  }

  #quantified(atom: Pattern): Pattern {
    const match = this.#take(/([*+?])|\{(\d{1,9})(,(\d{0,9}))?\}/y);
    if (match === null) return atom;
    const [, simple, least, comma, most] = match;
    const lazy = this.#take(/\?/y) !== null;
    const range: readonly [number, number] =
      simple === undefined
        ? [Number(least), comma === undefined ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most)]
        : [simple === "+" ? 1 : 0, simple === "?" ? 1 : Number.POSITIVE_INFINITY];
    if (range[0] > range[1]) throw this.#error("Illegal {x,y} with x > y.");
    if (range[0] > mostRepeats || (range[1] > mostRepeats && range[1] !== Number.POSITIVE_INFINITY))
      throw unsupported("a regular expression with so many repeats");
    if (this.#take(/[*+?]|\{\d+(?:,\d*)?\}/y) !== null) throw this.#error("Nested quantifier.");
    return { kind: "repeat", body: atom, least: range[0], most: range[1], lazy };
  }

  /** Null where options were set, which match nothing. */
  #atom(): Pattern | null {
    const character = this.#source[this.#at++] ?? "";
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return this.#set(this.#classTest());
      case "\\":
        return this.#escape();
      case ".":
        return this.#set(this.#flags.singleline ? () => true : (code) => code !== 10);
      case "^":
        return { kind: "assert", where: this.#flags.multiline ? "lineStart" : "start" };
      case "$":
        return { kind: "assert", where: this.#flags.multiline ? "lineEnd" : "lastLineEnd" };
      case "*":
      case "+":
      case "?":
        throw this.#error(`Quantifier '${character}' following nothing.`);
      default:
        return this.#literal(character.charCodeAt(0));
    }
  }

  #set(test: CharacterTest): Pattern {
    return { kind: "set", test };
  }

  #literal(code: number): Pattern {
    return this.#set(this.#flags.ignoreCase ? ignoringCase((other) => other === code) : (other) => other === code);
  }

  #group(): Pattern | null {
    if (!this.#peek("?")) {
      const slot = this.#flags.explicitCapture ? null : this.#nextUnnamed++;
      const body = this.#closed();
      return slot === null ? body : { kind: "group", body, slot };
    }
    this.#at++;
    if (this.#take(/#[^)]*\)/y) !== null) return null;
    const look = this.#take(/(<)?([=!])/y);
    if (look !== null) return { kind: "look", behind: look[1] !== undefined, wanted: look[2] === "=", body: this.#closed() };
    if (this.#take(/>/y) !== null) return { kind: "atomic", body: this.#closed() };
    const name = this.#take(/<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)'/y);
    if (name !== null) return { kind: "group", slot: this.#slotOf(name[1] ?? name[2] ?? ""), body: this.#closed() };
    const options = this.#take(/([imnsx]*)(?:-([imnsx]*))?([:)])/y);
    if (options === null) throw unsupported("a group like this in a regular expression");
    const before = this.#flags;
    this.#flags = this.#withOptions(options[1] ?? "", options[2] ?? "");
    // `(?i)` holds up to the end of the group that it stands in.
    if (options[3] === ")") return null;
    const body = this.#closed();
    this.#flags = before;
    return body;
  }

  #withOptions(on: string, off: string): RegexFlags {
    const flag = (letter: string, was: boolean) => (on.includes(letter) ? true : off.includes(letter) ? false : was);
    if (flag("n", this.#flags.explicitCapture) !== this.#flags.explicitCapture)
      throw unsupported("the option n within a regular expression");
    return {
      ...this.#flags,
      ignoreCase: flag("i", this.#flags.ignoreCase),
      multiline: flag("m", this.#flags.multiline),
      singleline: flag("s", this.#flags.singleline),
      ignoreWhitespace: flag("x", this.#flags.ignoreWhitespace),
    };
  }

  #closed(): Pattern {
    const body = this.#choice();
    if (!this.#peek(")")) throw this.#error("Not enough )'s.");
    this.#at++;
    return body;
  }

  #slotOf(name: string): number {
    if (/^\d+$/.test(name)) {
      if (Number(name) <= this.#unnamed) return Number(name);
      throw this.#error(`Reference to undefined group number ${name}.`);
    }
    const index = this.#named.indexOf(name);
    if (index === -1) throw this.#error(`Reference to undefined group name '${name}'.`);
    return this.#unnamed + 1 + index;
  }

  #escape(): Pattern {
    const reference = this.#take(/k<(\w+)>|k'(\w+)'|([1-9]\d?)/y);
    if (reference !== null)
      return {
        kind: "reference",
        slot: this.#slotOf(reference[1] ?? reference[2] ?? reference[3] ?? ""),
        ignoreCase: this.#flags.ignoreCase,
      };
    const assertion = assertions.get(this.#source[this.#at] ?? "");
    if (assertion !== undefined) {
      this.#at++;
      return { kind: "assert", where: assertion };
    }
    const escaped = this.#escapedTest();
    return typeof escaped === "number" ? this.#literal(escaped) : this.#set(escaped);
  }

  /** A class, or the code of the one character that is meant. */
  #escapedTest(): CharacterTest | number {
    const category = this.#take(/([pP])\{(\w+)\}/y);
    if (category !== null) return categoryTest(category[2] ?? "", category[1] === "P");
    const code = this.#take(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})/y);
    if (code !== null) return Number.parseInt(code[1] ?? code[2] ?? "", 16);
    const character = this.#source[this.#at++];
    if (character === undefined) throw this.#error("Illegal \\ at end of pattern.");
    const simple = classes.get(character) ?? controls.get(character);
    if (simple !== undefined) return simple;
    if (/\w/.test(character))
      throw character === "G" || character === "c" || character === "0"
        ? unsupported(`\\${character} in a regular expression`)
        : this.#error(`Unrecognized escape sequence \\${character}.`);
    return character.charCodeAt(0);
  }

  #classTest(): CharacterTest {
    const negated = this.#take(/\^/y) !== null;
    const tests: CharacterTest[] = [];
    for (let isFirst = true; isFirst || !this.#peek("]"); isFirst = false) {
      if (this.#at >= this.#source.length) throw this.#error("Unterminated [] set.");
      if (this.#peek("-[") && !isFirst) throw unsupported("the subtraction of classes in a regular expression");
      const from = this.#classAtom();
      if (typeof from === "number" && this.#take(/-(?!\])/y) !== null) {
        const to = this.#classAtom();
        if (typeof to !== "number") throw this.#error("Cannot include class in character range.");
        if (to < from) throw this.#error("[x-y] range in reverse order.");
        tests.push((code) => code >= from && code <= to);
      } else tests.push(typeof from === "number" ? (code) => code === from : from);
    }
    this.#at++;
    const any: CharacterTest = (code) => tests.some((test) => test(code));
    const found = this.#flags.ignoreCase ? ignoringCase(any) : any;
    return negated ? (code) => !found(code) : found;
  }

  #classAtom(): CharacterTest | number {
    const character = this.#source[this.#at++] ?? "";
    if (character !== "\\") return character.charCodeAt(0);
    if (this.#take(/b/y) !== null) return 8;
    return this.#escapedTest();
  }
}

export function ignoringCase(test: CharacterTest): CharacterTest {
  return (code) => {
    if (test(code)) return true;
    const character = String.fromCharCode(code);
    const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
    return (lower.length === 1 && test(lower.charCodeAt(0))) || (upper.length === 1 && test(upper.charCodeAt(0)));
  };
}

function byPattern(pattern: RegExp, negated = false): CharacterTest {
  return (code) => pattern.test(String.fromCharCode(code)) !== negated;
}

function categoryTest(name: string, negated: boolean): CharacterTest {
  try {
    return byPattern(new RegExp(`\\p{${name}}`, "u"), negated);
  } catch {
    throw unsupported(`\\p{${name}} in a regular expression`);
  }
}

const word = /[\p{L}\p{Mn}\p{Nd}\p{Pc}]/u;
export const isWord = (code: number): boolean =>
  code < 128 ? asciiWord.test(String.fromCharCode(code)) : word.test(String.fromCharCode(code));
const asciiWord = /\w/;

const classes = new Map<string, CharacterTest>([
  ["d", byPattern(/\p{Nd}/u)],
  ["D", byPattern(/\p{Nd}/u, true)],
  ["w", isWord],
  ["W", (code) => !isWord(code)],
  ["s", byPattern(/[\s\u0085]/)],
  ["S", byPattern(/[\s\u0085]/, true)],
]);
const controls = new Map(Object.entries({ a: 7, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 }));
const assertions = new Map<string, Assertion>([
  ["A", "start"],
  ["z", "end"],
  ["Z", "lastLineEnd"],
  ["b", "boundary"],
  ["B", "noBoundary"],
]);
