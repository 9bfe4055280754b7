import { attributeNode, type Element, type Node, type PolicyDocument, type Span } from "./document.ts";
import { indentationAt, indented, layoutAt, lineStart, startOfSpaceBefore, startsLine } from "./indentation.ts";
import { opensExpression, scanExpression } from "./lexer.ts";

/** Replaces the text of `span` by `text`. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** The source with the edits made; every other byte as it was. Edits at one place keep their order; overlapping ones are a fault. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let result = "";
  let copied = 0;
  for (const { span, text } of edits.toSorted((a, b) => a.span.start - b.span.start || a.span.end - b.span.end)) {
    if (span.start < copied) throw new Error(`edits overlap at ${span.start}`);
    result += source.slice(copied, span.start) + text;
    copied = span.end;
  }
  return result + source.slice(copied);
}

/**
 * Sets an attribute so that it reads back as `value`, in the quotes that it has; a new one goes behind the others, on a line of its
 * own where the last one has that. An expression is written raw, as the `rawxml` format wants it.
 */
export function setAttribute(document: PolicyDocument, element: Element, name: string, value: string): Edit {
  const { source } = document;
  const existing = attributeNode(element, name);
  if (existing !== undefined) {
    const { span } = existing.value;
    const quote = span.end < existing.span.end ? source[span.end] : '"';
    return { span, text: attributeText(value, quote === "'" ? "'" : '"') };
  }
  const last = element.attributes.at(-1);
  const behind = last?.span.end ?? element.openTag.start + 1 + element.name.length;
  const space = last === undefined ? "" : source.slice(startOfSpaceBefore(source, last.span.start), last.span.start);
  return insertion(behind, `${space.includes("\n") ? space : " "}${name}="${attributeText(value, '"')}"`);
}

/** Removes an attribute with the white space before it. */
export function removeAttribute(document: PolicyDocument, element: Element, name: string): Edit {
  const existing = attributeNode(element, name);
  if (existing === undefined) throw new Error(`'${element.name}' has no attribute '${name}'`);
  return { span: { start: startOfSpaceBefore(document.source, existing.span.start), end: existing.span.end }, text: "" };
}

/** `xml` as for all edits: `\n` and 4 spaces a level, laid out like the place that it comes to. */
export function insertBefore(document: PolicyDocument, element: Element, xml: string): Edit {
  return insertBeforeSpan(document, element.span, xml);
}

export function insertAfter(document: PolicyDocument, element: Element, xml: string): Edit {
  return insertAfterSpan(document, element.span, xml);
}

/** Inserts behind the last child that is not white space. */
export function appendChild(document: PolicyDocument, parent: Element, xml: string): Edit {
  const last = parent.children.findLast(hasContent);
  return last === undefined ? fillElement(document, parent, xml) : insertAfterSpan(document, contentSpan(last), xml);
}

/** Inserts before the first child that is not white space. */
export function prependChild(document: PolicyDocument, parent: Element, xml: string): Edit {
  const first = parent.children.find(hasContent);
  return first === undefined ? fillElement(document, parent, xml) : insertBeforeSpan(document, contentSpan(first), xml);
}

export function replaceElement(document: PolicyDocument, element: Element, xml: string): Edit {
  return { span: element.span, text: indentedAt(document, element.span.start, xml) };
}

/** Removes an element, with its lines where nothing else stands on them. */
export function removeElement(document: PolicyDocument, element: Element): Edit {
  const { source } = document;
  const { start, end } = element.span;
  const lineEnd = /[ \t]*(?:\r?\n|$)/y;
  lineEnd.lastIndex = end;
  if (!startsLine(source, start) || !lineEnd.test(source)) return { span: element.span, text: "" };
  return { span: { start: lineStart(source, start), end: lineEnd.lastIndex }, text: "" };
}

function insertBeforeSpan(document: PolicyDocument, { start }: Span, xml: string): Edit {
  return insertion(start, indentedAt(document, start, xml) + separatorAt(document, start, xml));
}

function insertAfterSpan(document: PolicyDocument, { start, end }: Span, xml: string): Edit {
  return insertion(end, separatorAt(document, start, xml) + indentedAt(document, start, xml));
}

/** The XML laid out for the line of `offset`. */
function indentedAt(document: PolicyDocument, offset: number, xml: string): string {
  return indented(xml, indentationAt(document.source, offset), layoutAt(document, offset));
}

/** A new line like that of `offset`; nothing where it is not the first on its line and `xml` has only one. */
function separatorAt(document: PolicyDocument, offset: number, xml: string): string {
  if (!startsLine(document.source, offset) && !xml.includes("\n")) return "";
  return layoutAt(document, offset).lineEnding + indentationAt(document.source, offset);
}

/** The content of an element that has none yet. */
function fillElement(document: PolicyDocument, parent: Element, xml: string): Edit {
  const { source } = document;
  const layout = layoutAt(document, parent.span.start);
  const outer = indentationAt(source, parent.span.start);
  const inner = outer + layout.unit;
  const content = layout.lineEnding + inner + indented(xml, inner, layout) + layout.lineEnding + outer;
  if (parent.closeTag !== null) return { span: { start: parent.openTag.end, end: parent.closeTag.start }, text: content };
  const openTag = source.slice(parent.openTag.start, parent.openTag.end);
  if (!openTag.endsWith("/>")) return insertion(parent.openTag.end, content);
  const bracket = parent.openTag.start + openTag.slice(0, -2).trimEnd().length;
  return { span: { start: bracket, end: parent.openTag.end }, text: `>${content}</${parent.name}>` };
}

function insertion(offset: number, text: string): Edit {
  return { span: { start: offset, end: offset }, text };
}

function hasContent(node: Node): boolean {
  return node.type !== "text" || node.value.raw.trim() !== "";
}

/** A node without the white space around its text. */
function contentSpan(node: Node): Span {
  if (node.type !== "text") return node.span;
  const { raw, span } = node.value;
  return { start: span.end - raw.trimStart().length, end: span.start + raw.trimEnd().length };
}

/** A value as it is written between quotes. */
export function attributeText(value: string, quote: '"' | "'"): string {
  const trimmed = value.trim();
  if (opensExpression(trimmed, 0)) {
    const raw = trimmed.replace(/&(?=(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)/g, "&amp;");
    if (scanExpression(raw, 0, "decoded").end === raw.length) return raw;
  }
  const escaped = value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(quote, quote === '"' ? "&quot;" : "&apos;")
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
  return opensExpression(trimmed, 0) ? escaped.replace("@", "&#64;") : escaped;
}
