import type { Span, Value } from "./document.ts";
import { decodeEntities, opensExpression, scanExpression } from "./lexer.ts";
import { find, report, type Scan, skipWhiteSpace } from "./scan.ts";

/** What ends an attribute in a text whose quotes do not match: the closing quote, and behind it the next attribute or the tag's end. */
const attributeEnds: Readonly<Record<string, RegExp>> = {
  '"': /"(?=\s*\/?>|\s+[A-Za-z_:][\w:.-]*\s*=\s*["'])/g,
  "'": /'(?=\s*\/?>|\s+[A-Za-z_:][\w:.-]*\s*=\s*["'])/g,
};
const markupStart = /[A-Za-z_:/!?\u0080-\uffff]/;
const badReference = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)/g;

/** Reads the value behind the opening quote at `quoteOffset`; `end` is behind the closing quote, where there is one. */
export function scanAttributeValue(scan: Scan, quoteOffset: number): { readonly value: Value; readonly end: number } {
  const { source } = scan;
  const quote = source[quoteOffset] ?? "";
  const start = quoteOffset + 1;
  const opening = skipWhiteSpace(source, start);
  const closing = opensExpression(source, opening) ? scanAttributeExpression(scan, opening, quote) : find(scan, quote, start);
  const end = closing < 0 ? unterminatedEnd(source, start) : closing;
  const value = readValue(source, { start, end }, "attribute");
  if (closing < 0) {
    report(scan, "unterminated-value", quoteOffset, `The attribute's value has no closing ${quote}.`);
    return { value, end };
  }
  const lessThan = value.kind === "literal" ? value.raw.indexOf("<") : -1;
  if (lessThan >= 0 && /[\r\n]/.test(value.raw)) {
    report(scan, "unterminated-value", quoteOffset, `The attribute's value has no closing ${quote}.`);
    const shorter = Math.min(end, unterminatedEnd(source, start));
    return { value: readValue(source, { start, end: shorter }, "attribute"), end: shorter };
  }
  if (lessThan >= 0) report(scan, "bare-less-than", start + lessThan, "'<' in an attribute's value must be written &lt;.");
  if (value.kind === "literal") reportBadReferences(scan, value);
  return { value, end: end + 1 };
}

/** Reads the text from `start` to the next tag or, where it is an expression, to its end; `parentName` is the element around it. */
export function scanText(scan: Scan, start: number, parentName: string | null): Value {
  const { source } = scan;
  const opening = skipWhiteSpace(source, start);
  const isExpression = parentName !== null && opensExpression(source, opening);
  const end = isExpression ? scanTextExpression(scan, opening, parentName) : literalTextEnd(scan, start);
  const value = readValue(source, { start, end }, "text");
  if (value.kind === "literal") reportBadReferences(scan, value);
  return value;
}

/** Offset of the quote that closes an attribute whose value is the expression at `opening`; -1 without one. */
function scanAttributeExpression(scan: Scan, opening: number, quote: string): number {
  const { source } = scan;
  const closer = expressionEnd(scan, opening, (offset) => source[offset] === quote);
  if (closer.fits !== null) return skipWhiteSpace(source, closer.fits);
  reportExpression(scan, opening, closer.found);
  return recoveredQuote(scan, closer.found ?? opening, quote);
}

function scanTextExpression(scan: Scan, opening: number, parentName: string): number {
  const { source } = scan;
  const closer = expressionEnd(scan, opening, (offset) => offset === source.length || source[offset] === "<");
  if (closer.fits !== null) return skipWhiteSpace(source, closer.fits);
  reportExpression(scan, opening, closer.found);
  const close = scan.budget > 0 ? find(scan, `</${parentName}`, closer.found ?? opening) : -1;
  return close < 0 ? literalTextEnd(scan, closer.found ?? opening) : close;
}

/**
 * Where the expression ends so that the delimiter follows (`fits`), or else where its brackets close at all (`found`). Entities are
 * read as C# first: that is right for both formats, but for a raw string that holds an entity.
 */
function expressionEnd(scan: Scan, opening: number, delimits: (offset: number) => boolean): { fits: number | null; found: number | null } {
  let found: number | null = null;
  for (const reading of ["decoded", "raw"] as const) {
    if (scan.budget <= 0) break;
    const { end, scannedTo } = scanExpression(scan.source, opening, reading);
    if (end !== null && delimits(skipWhiteSpace(scan.source, end))) return { fits: end, found: end };
    found ??= end;
    scan.budget -= scannedTo - opening;
  }
  return { fits: null, found };
}

function reportExpression(scan: Scan, opening: number, found: number | null): void {
  if (found !== null) report(scan, "text-after-expression", found, "Text follows the expression's closing bracket.");
  else {
    const [open, close] = scan.source[opening + 1] === "{" ? "{}" : "()";
    report(scan, "unterminated-expression", opening, `An opening "${open}" is missing the corresponding closing "${close}".`);
  }
}

/** The quote that most likely closes an attribute whose expression is broken. */
function recoveredQuote(scan: Scan, from: number, quote: string): number {
  const ending = attributeEnds[quote];
  if (ending !== undefined && scan.budget > 0) {
    ending.lastIndex = from;
    const match = ending.exec(scan.source);
    if (match !== null) return match.index;
    scan.budget -= scan.source.length - from;
  }
  return find(scan, quote, from);
}

/** Where a value without a closing quote is taken to end: before the tag's end, the next tag or the line's end. */
function unterminatedEnd(source: string, start: number): number {
  const ending = /\s*\/?>|[<\r\n]/g;
  ending.lastIndex = start;
  return ending.exec(source)?.index ?? source.length;
}

function literalTextEnd(scan: Scan, start: number): number {
  const { source } = scan;
  for (let at = source.indexOf("<", start); at >= 0; at = source.indexOf("<", at + 1)) {
    if (startsMarkup(source, at)) return at;
    report(scan, "bare-less-than", at, "'<' in text must be written &lt;.");
  }
  return source.length;
}

/** Whether the `<` at `offset` begins a tag, a comment or other markup. */
export function startsMarkup(source: string, offset: number): boolean {
  return markupStart.test(source[offset + 1] ?? "");
}

function readValue(source: string, span: Span, place: "attribute" | "text"): Value {
  const raw = source.slice(span.start, span.end);
  const opening = skipWhiteSpace(source, span.start);
  if (opening < span.end && opensExpression(source, opening)) return { span, raw, kind: "expression", text: decodeEntities(raw.trim()) };
  // An attribute's line breaks and tabs read as spaces (XML 1.0, section 3.3.3).
  const normalized = place === "attribute" ? raw.replace(/\r\n|[\n\r\t]/g, " ") : raw;
  return { span, raw, kind: "literal", text: decodeEntities(normalized) };
}

function reportBadReferences(scan: Scan, value: Value): void {
  if (!value.raw.includes("&")) return;
  for (const { index } of value.raw.matchAll(badReference)) {
    report(scan, "bare-ampersand", value.span.start + index, "'&' outside of an expression must be written &amp;.");
  }
}
