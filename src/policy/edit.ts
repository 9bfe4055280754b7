import { attributeNode, type Element, type Node, type PolicyDocument, type Span } from "./document.ts";
import { indentationAt, indented, layoutOf, lineStart, startsLine } from "./indentation.ts";
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
 * Sets an attribute so that it reads back as `value`, in the quotes that it has; a new one goes behind the others. An expression is
 * written raw, as the `rawxml` format wants it.
 */
export function setAttribute(document: PolicyDocument, element: Element, name: string, value: string): Edit {
  const existing = attributeNode(element, name);
  if (existing !== undefined) {
    const { span } = existing.value;
    const quote = span.end < existing.span.end ? document.source[span.end] : '"';
    return { span, text: attributeText(value, quote === "'" ? "'" : '"') };
  }
  const behind = element.attributes.at(-1)?.span.end ?? element.openTag.start + 1 + element.name.length;
  return { span: { start: behind, end: behind }, text: ` ${name}="${attributeText(value, '"')}"` };
}

/** Removes an attribute with the white space before it. */
export function removeAttribute(document: PolicyDocument, element: Element, name: string): Edit {
  const existing = attributeNode(element, name);
  if (existing === undefined) throw new Error(`'${element.name}' has no attribute '${name}'`);
  const before = document.source.slice(0, existing.span.start).trimEnd().length;
  return { span: { start: before, end: existing.span.end }, text: "" };
}

/** `xml` as for all edits: `\n` and 4 spaces a level, laid out like the place that it comes to. */
export function insertBefore(document: PolicyDocument, element: Element, xml: string): Edit {
  return insertBeforeNode(document, element, xml);
}

export function insertAfter(document: PolicyDocument, element: Element, xml: string): Edit {
  return insertAfterNode(document, element, xml);
}

/** Inserts behind the last child that is not white space. */
export function appendChild(document: PolicyDocument, parent: Element, xml: string): Edit {
  const last = parent.children.findLast(hasContent);
  return last === undefined ? fillElement(document, parent, xml) : insertAfterNode(document, last, xml);
}

/** Inserts before the first child that is not white space. */
export function prependChild(document: PolicyDocument, parent: Element, xml: string): Edit {
  const first = parent.children.find(hasContent);
  return first === undefined ? fillElement(document, parent, xml) : insertBeforeNode(document, first, xml);
}

export function replaceElement(document: PolicyDocument, element: Element, xml: string): Edit {
  const indentation = indentationAt(document.source, element.span.start);
  return { span: element.span, text: indented(xml, indentation, layoutOf(document)) };
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

function insertBeforeNode(document: PolicyDocument, node: Node, xml: string): Edit {
  const { start } = node.span;
  const separator = separatorAt(document, node, xml);
  return insertion(start, indented(xml, indentationAt(document.source, start), layoutOf(document)) + separator);
}

function insertAfterNode(document: PolicyDocument, node: Node, xml: string): Edit {
  const separator = separatorAt(document, node, xml);
  return insertion(node.span.end, separator + indented(xml, indentationAt(document.source, node.span.start), layoutOf(document)));
}

/** A new line like that of `node`; nothing where `node` shares its line and `xml` has only one. */
function separatorAt(document: PolicyDocument, node: Node, xml: string): string {
  const { start } = node.span;
  if (!startsLine(document.source, start) && !xml.includes("\n")) return "";
  return layoutOf(document).lineEnding + indentationAt(document.source, start);
}

/** The content of an element that has none yet. */
function fillElement(document: PolicyDocument, parent: Element, xml: string): Edit {
  const { source } = document;
  const layout = layoutOf(document);
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
