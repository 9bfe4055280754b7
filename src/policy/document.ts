import { scanDocument } from "./scanner.ts";

/** Offsets into the source, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An attribute's value or a text between tags. */
export interface Value {
  readonly span: Span;
  readonly raw: string;
  /** `expression` where the whole value, apart from white space around it, is `@(...)` or `@{...}`. */
  readonly kind: "literal" | "expression";
  /** Entities decoded; of an expression the whole `@(...)` without the white space around it. */
  readonly text: string;
}

export interface Attribute {
  readonly name: string;
  /** From the name to behind the closing quote. */
  readonly span: Span;
  readonly value: Value;
}

export interface Element {
  readonly type: "element";
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly children: readonly Node[];
  readonly span: Span;
  readonly openTag: Span;
  /** Null for `<x />`, and where the closing tag is missing. */
  readonly closeTag: Span | null;
  readonly parent: Element | null;
}

export interface Text {
  readonly type: "text";
  readonly value: Value;
  readonly span: Span;
  readonly parent: Element | null;
}

export interface Comment {
  readonly type: "comment";
  readonly span: Span;
  readonly parent: Element | null;
}

/** What else XML has; `instruction` is `<?...?>`, `stray` a closing tag that closes nothing. */
export interface Markup {
  readonly type: "cdata" | "instruction" | "doctype" | "stray";
  readonly span: Span;
  readonly parent: Element | null;
}

export type Node = Element | Text | Comment | Markup;

export type ProblemCode =
  | "attribute-without-value"
  | "bare-ampersand"
  | "bare-less-than"
  | "doctype"
  | "double-hyphen"
  | "duplicate-attribute"
  | "malformed-tag"
  | "misplaced-declaration"
  | "missing-white-space"
  | "multiple-roots"
  | "no-root"
  | "stray-close-tag"
  | "text-after-expression"
  | "text-outside-root"
  | "unclosed-element"
  | "unquoted-value"
  | "unterminated-expression"
  | "unterminated-markup"
  | "unterminated-value";

/** Something that keeps the text from being a policy document; the tree goes on behind it. */
export interface Problem {
  readonly message: string;
  readonly offset: number;
  readonly code: ProblemCode;
}

/** A policy or fragment as a lossless tree: every byte of `source` belongs to exactly one leaf. */
export interface PolicyDocument {
  readonly source: string;
  readonly nodes: readonly Node[];
  /** The first element. */
  readonly root: Element | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads a policy document in either of ARM's formats: `rawxml`, where expressions hold raw quotes and angle brackets, or
 * `xml`, where they are entities. Never throws; what is wrong is in `problems`, in the order of the text.
 */
export function parse(source: string): PolicyDocument {
  return scanDocument(source);
}

/** The text of the tree, rebuilt from its leaves: always equal to what was parsed. */
export function print(document: PolicyDocument): string {
  const { source } = document;
  const parts: string[] = [];
  const pending: (Node | Span)[] = document.nodes.toReversed();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!("type" in next)) parts.push(source.slice(next.start, next.end));
    else if (next.type !== "element") parts.push(source.slice(next.span.start, next.span.end));
    else {
      parts.push(source.slice(next.openTag.start, next.openTag.end));
      if (next.closeTag !== null) pending.push(next.closeTag);
      for (const child of next.children.toReversed()) pending.push(child);
    }
  }
  return parts.join("");
}

/** The decoded value of an attribute; undefined where the element has none of that name. */
export function attribute(element: Element, name: string): string | undefined {
  return attributeNode(element, name)?.value.text;
}

export function attributeNode(element: Element, name: string): Attribute | undefined {
  return element.attributes.find((candidate) => candidate.name === name);
}

export function childElements(element: Element, name?: string): readonly Element[] {
  return element.children.filter((child) => child.type === "element").filter((child) => name === undefined || child.name === name);
}

/** The element itself and every element below it, in the order of the text. */
export function* descendants(root: Element): Generator<Element> {
  const pending = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    for (const child of childElements(next).toReversed()) pending.push(child);
  }
}

/** Decoded text directly inside an element, CDATA included, without the white space around it. */
export function textOf(document: PolicyDocument, element: Element): string {
  return element.children
    .map((child) => {
      if (child.type === "text") return child.value.text;
      return child.type === "cdata" ? document.source.slice(child.span.start, child.span.end).replace(/^<!\[CDATA\[|\]\]>$/g, "") : "";
    })
    .join("")
    .trim();
}

/** Both from 1; a column counts UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The positions of offsets in a text, for many of them; `\n`, `\r\n` and a lone `\r` end a line. */
export function positionsIn(source: string): (offset: number) => Position {
  const lineStarts = [0];
  for (const { index, 0: ending } of source.matchAll(/\r\n|\n|\r/g)) lineStarts.push(index + ending.length);
  return (offset) => {
    let line = 0;
    let after = lineStarts.length;
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
  };
}

export function positionAt(source: string, offset: number): Position {
  return positionsIn(source)(offset);
}

/** A reference to a named value, `{{Name}}` (https://learn.microsoft.com/azure/api-management/api-management-howto-properties). */
export const namedValueReference = /\{\{([\w.-]+)\}\}/g;

/** Names of the named values that a text refers to, each once. */
export function namedValuesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(namedValueReference)].map(([, name]) => name ?? ""))];
}
