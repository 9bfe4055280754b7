import { descendants, type Element, type Node, type PolicyDocument, parse, type Span } from "./document.ts";

/** How lines are laid out at a place of a document. */
interface Layout {
  readonly lineEnding: string;
  /** One level of indentation. */
  readonly unit: string;
}

const inlineUnit = "    ";

/** The line ending of the line before `offset`, else of its own, and the indentation unit that the document uses most; else `\n` and 4 spaces. */
export function layoutAt(document: PolicyDocument, offset: number): Layout {
  return { lineEnding: lineEndingAt(document.source, offset), unit: unitOf(document) };
}

function lineEndingAt(source: string, offset: number): string {
  const behind = lineStart(source, offset) || source.indexOf("\n", offset) + 1;
  return source[behind - 2] === "\r" ? "\r\n" : "\n";
}

function unitOf({ source, root }: PolicyDocument): string {
  const units = new Map<string, number>();
  for (const element of root === null ? [] : descendants(root)) {
    if (element.parent === null || !startsLine(source, element.span.start)) continue;
    const outer = indentationAt(source, element.parent.span.start);
    const own = indentationAt(source, element.span.start);
    const unit = own.startsWith(outer) ? own.slice(outer.length) : "";
    if (unit !== "") units.set(unit, (units.get(unit) ?? 0) + 1);
  }
  const [mostUsed] = [...units].sort(([, a], [, b]) => b - a);
  return mostUsed?.[0] ?? inlineUnit;
}

/** The white space that the line of `offset` begins with. */
export function indentationAt(source: string, offset: number): string {
  return /^[ \t]*/.exec(source.slice(lineStart(source, offset), offset))?.[0] ?? "";
}

/** Whether only white space stands before `offset` on its line. */
export function startsLine(source: string, offset: number): boolean {
  const space = source.slice(startOfSpaceBefore(source, offset), offset);
  return space.length === offset || space.includes("\n");
}

/** Where the white space begins that ends at `offset`. */
export function startOfSpaceBefore(source: string, offset: number): number {
  return source.slice(0, offset).trimEnd().length;
}

export function lineStart(source: string, offset: number): number {
  return source.lastIndexOf("\n", offset - 1) + 1;
}

/** Lays out XML that is written with `\n` and 4 spaces a level for a place with this indentation. The first line stays as it is. */
export function indented(xml: string, indentation: string, layout: Layout): string {
  return rewriteLineStarts(xml, layout.lineEnding, (leading) => {
    const levels = Math.floor(leading.length / inlineUnit.length);
    return indentation + layout.unit.repeat(levels) + leading.slice(levels * inlineUnit.length);
  });
}

/** An element's text as the edits take XML: `\n` and 4 spaces a level, relative to the element's own line. */
export function relativeSource(document: PolicyDocument, element: Element): string {
  const unit = unitOf(document);
  const own = indentationAt(document.source, element.span.start);
  return rewriteLineStarts(document.source.slice(element.span.start, element.span.end), "\n", (leading) => {
    let rest = leading.startsWith(own) ? leading.slice(own.length) : leading.trimStart();
    let levels = 0;
    for (; rest.startsWith(unit); rest = rest.slice(unit.length)) levels++;
    return inlineUnit.repeat(levels) + rest;
  });
}

/**
 * Replaces line endings and the white space that begins a line, but for the first line and for lines that begin inside of a value:
 * there white space means something.
 */
function rewriteLineStarts(xml: string, lineEnding: string, leading: (whiteSpace: string) => string): string {
  const kept = valueSpans(parse(xml).nodes);
  return xml.replace(/\r?\n([ \t]*)(?=(\r?\n)?)/g, (whole: string, whiteSpace: string, blank: string | undefined, offset: number) => {
    if (isWithin(kept, offset)) return whole;
    return blank === undefined ? lineEnding + leading(whiteSpace) : lineEnding;
  });
}

/** Where white space belongs to the content: attribute values, text that is not blank, CDATA, comments. */
function valueSpans(nodes: readonly Node[]): readonly Span[] {
  const spans: Span[] = [];
  for (const node of nodes) {
    if (node.type !== "element") continue;
    for (const element of descendants(node)) {
      for (const { value } of element.attributes) spans.push(value.span);
      for (const child of element.children) {
        if (child.type === "cdata" || child.type === "comment") spans.push(child.span);
        if (child.type === "text" && child.value.raw.trim() !== "") spans.push(child.span);
      }
    }
  }
  return spans;
}

function isWithin(spans: readonly Span[], offset: number): boolean {
  return spans.some(({ start, end }) => start <= offset && offset < end);
}
