import type { Attribute } from "./document.ts";
import { nameAt, report, type Scan, skipWhiteSpace } from "./scan.ts";
import { scanAttributeValue } from "./value-scanner.ts";

interface OpenTag {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** Behind the `>`, or where the tag breaks off. */
  readonly end: number;
  readonly selfClosing: boolean;
}

/** Reads the opening tag whose `<` is at `start` and is followed by a name. */
export function scanOpenTag(scan: Scan, start: number): OpenTag {
  const tag = scanTag(scan, start);
  if (tag.attributes.length > 1) reportDuplicates(scan, tag.attributes);
  return tag;
}

function reportDuplicates(scan: Scan, attributes: readonly Attribute[]): void {
  const names = new Set<string>();
  for (const { name, span } of attributes) {
    if (names.has(name)) report(scan, "duplicate-attribute", span.start, `'${name}' is a duplicate attribute name.`);
    names.add(name);
  }
}

function scanTag(scan: Scan, start: number): OpenTag {
  const { source } = scan;
  const name = nameAt(source, start + 1);
  const attributes: Attribute[] = [];
  let offset = start + 1 + name.length;
  for (;;) {
    const at = skipWhiteSpace(source, offset);
    if (source[at] === ">") return { name, attributes, end: at + 1, selfClosing: false };
    if (source[at] === "/" && source[at + 1] === ">") return { name, attributes, end: at + 2, selfClosing: true };
    if (at >= source.length || source[at] === "<") {
      report(scan, "malformed-tag", start, `The tag of '${name}' is not closed with '>'.`);
      return { name, attributes, end: offset, selfClosing: false };
    }
    const attributeName = nameAt(source, at);
    if (attributeName === "") {
      const junkEnd = endOfJunk(source, at);
      report(scan, "malformed-tag", at, `'${source.slice(at, junkEnd)}' is not expected in the tag of '${name}'.`);
      offset = junkEnd;
      continue;
    }
    if (at === offset) report(scan, "missing-white-space", at, `White space is missing before '${attributeName}'.`);
    const found = scanAttribute(scan, attributeName, at);
    if (found.attribute !== null) attributes.push(found.attribute);
    offset = found.end;
  }
}

function scanAttribute(scan: Scan, name: string, start: number): { readonly attribute: Attribute | null; readonly end: number } {
  const { source } = scan;
  const equals = skipWhiteSpace(source, start + name.length);
  if (source[equals] !== "=") {
    report(scan, "attribute-without-value", start, `'${name}' has no value; '=' is expected.`);
    return { attribute: null, end: start + name.length };
  }
  const opening = skipWhiteSpace(source, equals + 1);
  if (source[opening] !== '"' && source[opening] !== "'") {
    report(scan, "unquoted-value", opening, `The value of '${name}' must stand in quotes.`);
    return { attribute: null, end: endOfUnquoted(source, opening) };
  }
  const { value, end } = scanAttributeValue(scan, opening);
  return { attribute: { name, span: { start, end }, value }, end };
}

/** Behind at least one character that has no place in a tag. */
function endOfJunk(source: string, start: number): number {
  const junk = /.(?:[^\s<>/]|\/(?!>))*/sy;
  junk.lastIndex = start;
  junk.exec(source);
  return junk.lastIndex;
}

function endOfUnquoted(source: string, start: number): number {
  const value = /(?:[^\s<>/]|\/(?!>))*/y;
  value.lastIndex = start;
  value.exec(source);
  return value.lastIndex;
}
