import type { DocumentId } from "../../gateway/documents.ts";
import type { Attribute, Element } from "../document.ts";
import { namedValueReference } from "../document.ts";
import { decodeEntities } from "../lexer.ts";
import type { NamedValueSource, NamedValueSources } from "../named-values.ts";
import type { Input, Origin, Unknown } from "./values.ts";

/** Where an attribute stands. */
interface AttributePlace {
  readonly document: DocumentId;
  readonly element: Element;
  readonly attribute: string;
}

/** What a stretch of text was taken from: plain data of an attribute, a named value, or an expression, whose characters are not data. */
type PieceSource =
  | ({ readonly text: "attribute" } & AttributePlace)
  | { readonly text: "named-value"; readonly document: DocumentId }
  | ({ readonly text: "expression" } & AttributePlace)
  | null;

/** A stretch of a text, and where its characters stand; as many of them there as here, but for an entity. */
export interface Piece {
  readonly length: number;
  readonly source: PieceSource;
  /** In the source's own text. */
  readonly start: number;
  readonly end: number;
}

/** A text with the places that its characters come from; the pieces come to all of it. */
export interface PiecedText {
  readonly text: string;
  readonly pieces: readonly Piece[];
}

/** A part of the text. */
export function sliceOf({ text, pieces }: PiecedText, from: number, to: number): PiecedText {
  return { text: text.slice(from, to), pieces: cut(pieces, from, to) };
}

function cut(pieces: readonly Piece[], from: number, to: number): readonly Piece[] {
  const starts = startsOf(pieces);
  const parts: Piece[] = [];
  for (let index = pieceAt(starts, from); index < pieces.length; index++) {
    const [piece, at = 0] = [pieces[index], starts[index]];
    if (piece === undefined || at >= to) break;
    const [start, end] = [Math.max(from - at, 0), Math.min(to - at, piece.length)];
    if (start < end) parts.push(start === 0 && end === piece.length ? piece : within(piece, start, end));
  }
  return parts;
}

const knownStarts = new WeakMap<readonly Piece[], readonly number[]>();

function startsOf(pieces: readonly Piece[]): readonly number[] {
  const known = knownStarts.get(pieces);
  if (known !== undefined) return known;
  const starts: number[] = [];
  let at = 0;
  for (const { length } of pieces) {
    starts.push(at);
    at += length;
  }
  knownStarts.set(pieces, starts);
  return starts;
}

/** Index of the piece that an offset is in. */
function pieceAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** Half an entity has no place of its own. */
function within(piece: Piece, start: number, end: number): Piece {
  const linear = piece.end - piece.start === piece.length;
  if (!linear) return { length: end - start, source: null, start: 0, end: 0 };
  return { length: end - start, source: piece.source, start: piece.start + start, end: piece.start + end };
}

/** The place of all characters of a text; null where they do not stand side by side in one. */
export function originOf(pieces: readonly Piece[]): Origin | null {
  const [first, ...others] = pieces;
  if (first?.source == null) return null;
  const { source, start } = first;
  let { end } = first;
  for (const piece of others) {
    if (piece.source !== source || (source.text !== "expression" && piece.start !== end)) return null;
    end = piece.end;
  }
  return source.text === "expression" ? source : { ...source, start, end };
}

/** An attribute's value as the gateway reads it, before named values are put in. */
export function attributeText({ value }: Attribute, place: AttributePlace): PiecedText {
  const { raw, text, kind } = value;
  if (kind === "expression")
    return { text, pieces: [{ length: text.length, source: { text: "expression", ...place }, start: 0, end: text.length }] };
  const source: PieceSource = { text: "attribute", ...place };
  if (raw === text) return { text, pieces: [{ length: text.length, source, start: 0, end: raw.length }] };
  const pieces: Piece[] = [];
  let decoded = "";
  for (const { 0: part, index } of raw.matchAll(/&[^;&]{1,12};|\r\n|[^&\r]+|[\s\S]/g)) {
    const read = decodeEntities(part.replace(/\r\n|[\n\r\t]/g, " "));
    pieces.push({ length: read.length, source, start: index, end: index + part.length });
    decoded += read;
  }
  return decoded === text ? { text, pieces } : { text, pieces: [{ length: text.length, source: null, start: 0, end: 0 }] };
}

/** Of a text that stands in no attribute. */
export const loose = (text: string): PiecedText => ({ text, pieces: [{ length: text.length, source: null, start: 0, end: 0 }] });

/** A text with its named values put in. */
export interface SubstitutedText extends PiecedText {
  /** Those without a readable value stay as `{{name}}`. */
  readonly missing: readonly NamedValueSource[];
}

export function withNamedValues(written: PiecedText, values: NamedValueSources): SubstitutedText {
  if (!written.text.includes("{{")) return { ...written, missing: [] };
  const pieces: Piece[] = [];
  const missing: NamedValueSource[] = [];
  let text = "";
  let at = 0;
  for (const { 0: whole, 1: name = "", index } of written.text.matchAll(namedValueReference)) {
    const source = values.named(name);
    if (source.value === null) {
      missing.push(source);
      continue;
    }
    pieces.push(...cut(written.pieces, at, index));
    text += written.text.slice(at, index) + source.value;
    const { length } = source.value;
    if (length > 0) pieces.push({ length, source: { text: "named-value", document: source.document }, start: 0, end: length });
    at = index + whole.length;
  }
  pieces.push(...cut(written.pieces, at, written.text.length));
  return { text: text + written.text.slice(at), pieces, missing };
}

/** Pieces side by side as one that stands for fewer characters; of no known place where they stand apart. */
export function joinPieces(pieces: readonly Piece[], length: number): Piece {
  const [first, ...others] = pieces;
  const apart = others.some((piece, index) => piece.source !== first?.source || piece.start !== pieces[index]?.end);
  if (first === undefined || apart) return { length, source: null, start: 0, end: 0 };
  return { length, source: first.source, start: first.start, end: others.at(-1)?.end ?? first.end };
}

/** A text in which secret or missing named values stand. */
export function withMissing({ text, missing }: Pick<SubstitutedText, "text" | "missing">): Unknown {
  const parts: (string | Input)[] = [];
  const byReference = new Map(missing.map((source) => [`{{${source.name}}}`, source]));
  for (const part of text.split(/(\{\{[\w.-]+\}\})/)) {
    const source = byReference.get(part);
    if (source !== undefined) parts.push({ what: "named-value", name: source.name });
    else if (part !== "") parts.push(part);
  }
  const inputs = [...byReference.values()].map(({ name }): Input => ({ what: "named-value", name }));
  const [first] = missing;
  return { kind: "unknown", parts, inputs, why: first?.value === null ? first.why : "" };
}
