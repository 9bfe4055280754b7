import type { SyntaxNode } from "../expression-syntax.ts";
import type { NamedValueSource, NamedValueSources } from "../named-values.ts";
import { constant, text } from "./data.ts";
import { GivenUp } from "./frame.ts";
import { numberOf } from "./numbers.ts";
import { joinPieces, originOf, type Piece, type PiecedText, sliceOf, withMissing, withNamedValues } from "./text-pieces.ts";
import type { Known } from "./values.ts";

/** The code of an expression, named values put in, and what is needed to follow its characters. */
export interface SourceCode {
  /** The trimmed code and where its characters stand. */
  readonly code: PiecedText;
  /** Without a readable value: they stand as `{{name}}` in the code. */
  readonly missing: readonly NamedValueSource[];
  /** Named values that are put into texts only after these were read; null where they are put in before. */
  readonly late: NamedValueSources | null;
}

/** The value of a string literal of any kind without holes; `content` is what stands between its quotes. */
export function stringValue(source: SourceCode, start: number, end: number, verbatim: boolean): Known {
  const written = unescaped(sliceOf(source.code, start, end), verbatim);
  if (!written.text.includes("{{")) return text(written);
  const whole = source.late === null ? { ...written, missing: source.missing } : withNamedValues(written, source.late);
  const missing = whole.missing.filter(({ name }) => whole.text.includes(`{{${name}}}`));
  return missing.length === 0 ? text(whole) : withMissing({ text: whole.text, missing });
}

const simpleEscapes: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  '"': '"',
  "\\": "\\",
};

const escapeSequence = /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|x([\da-fA-F]{1,4})|([\s\S]))/g;

function unescaped(written: PiecedText, verbatim: boolean): PiecedText {
  const pattern = verbatim ? /""/g : escapeSequence;
  if (!written.text.includes(verbatim ? '""' : "\\")) return written;
  const pieces: Piece[] = [];
  let decoded = "";
  let at = 0;
  const plain = (to: number): void => {
    pieces.push(...sliceOf(written, at, to).pieces);
    decoded += written.text.slice(at, to);
  };
  for (const match of written.text.matchAll(pattern)) {
    plain(match.index);
    at = match.index + match[0].length;
    const character = verbatim ? '"' : escaped(match);
    pieces.push(joinPieces(sliceOf(written, match.index, at).pieces, character.length));
    decoded += character;
  }
  plain(written.text.length);
  return { text: decoded, pieces };
}

function escaped([, short, long, variable, letter]: RegExpMatchArray): string {
  const code = short ?? long ?? variable;
  if (code === undefined) {
    const character = simpleEscapes[letter ?? ""];
    if (character === undefined) throw new GivenUp();
    return character;
  }
  const point = Number.parseInt(code, 16);
  if (point > 0x10ffff) throw new GivenUp();
  return String.fromCodePoint(point);
}

/** A number as it is written. */
export function numberValue({ text: written, start, end }: SyntaxNode, { code }: SourceCode): Known {
  const origin = originOf(sliceOf(code, start, end).pieces);
  const digits = written.replaceAll("_", "");
  const [, whole, long] = /^(\d+|0[xX][\da-fA-F]+|0[bB][01]+)([lL]?)$/.exec(digits) ?? [];
  if (whole !== undefined) {
    const number = Number(whole);
    return numberOf(number, long === "" && number <= 0x7fffffff ? "int" : longOnly(number, long), origin);
  }
  const [, real, suffix] = /^(\d*\.?\d+(?:[eE][-+]?\d+)?)([dDmM]?)$/.exec(digits) ?? [];
  if (real === undefined) throw new GivenUp();
  return numberOf(Number(real), suffix?.toLowerCase() === "m" ? "decimal" : "double", origin);
}

/** Between int and long there is uint, whose arithmetic is another. */
function longOnly(number: number, suffix: string | undefined): "long" {
  if (suffix === "" && number <= 0xffffffff) throw new GivenUp();
  return "long";
}

export function characterValue(source: SourceCode, start: number, end: number): Known {
  const { text: character } = unescaped(sliceOf(source.code, start, end), false);
  if (character.length !== 1) throw new GivenUp();
  return constant(character, "char");
}
