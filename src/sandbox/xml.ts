/**
 * Well-formedness of XML in the words of .NET's XmlReader, which are the ones that ARM passes on. Written apart from the
 * project's policy parser, so that the two can disagree.
 */

/** The first thing that is wrong, and where. */
export interface XmlError {
  readonly message: string;
  readonly offset: number;
}

interface Scan {
  readonly source: string;
  readonly open: { readonly name: string; readonly offset: number }[];
  offset: number;
  rooted: boolean;
}

/** 1-based, as .NET counts. */
export function linePosition(source: string, offset: number): { readonly line: number; readonly position: number } {
  const lines = source.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, position: (lines.at(-1) ?? "").length + 1 };
}

/** The first error of a document; null where it is well-formed. */
export function xmlError(source: string): XmlError | null {
  const scan: Scan = { source, open: [], offset: source.startsWith("\uFEFF") ? 1 : 0, rooted: false };
  while (scan.offset < source.length) {
    const error = source[scan.offset] === "<" ? scanMarkup(scan) : scanText(scan);
    if (error !== null) return error;
  }
  const unclosed = scan.open.map(({ name }) => name).reverse();
  if (unclosed.length > 0) {
    const names = unclosed.join(", ");
    return at(source.length, `Unexpected end of file has occurred. The following elements are not closed: ${names}.`);
  }
  return scan.rooted ? null : at(source.length, "Root element is missing.");
}

const at = (offset: number, message: string): XmlError => ({ message, offset });

const name = /[\p{L}_:][\p{L}\p{N}_:.\-\u00B7]*/uy;
const whiteSpace = /[ \t\r\n]*/y;
const reference = /&(?:#(?:\d+|x[\da-fA-F]+)|[\p{L}_:][\p{L}\p{N}_:.-]*);/uy;
const predefined = ["amp", "lt", "gt", "quot", "apos"];

function take(pattern: RegExp, scan: Scan): string {
  pattern.lastIndex = scan.offset;
  const found = pattern.exec(scan.source)?.[0] ?? "";
  scan.offset += found.length;
  return found;
}

function scanText(scan: Scan): XmlError | null {
  const { source, offset: start } = scan;
  const next = source.indexOf("<", start);
  const end = next < 0 ? source.length : next;
  const text = source.slice(start, end);
  if (scan.open.length === 0) {
    const first = text.search(/[^ \t\r\n]/);
    if (first >= 0) return at(start + first, "Data at the root level is invalid.");
  }
  const cdataEnd = text.indexOf("]]>");
  if (cdataEnd >= 0) return at(start + cdataEnd, "']]>' is not allowed in character data.");
  scan.offset = end;
  return badReference(source, start, end);
}

function badReference(source: string, start: number, end: number): XmlError | null {
  for (let offset = source.indexOf("&", start); offset >= 0 && offset < end; offset = source.indexOf("&", offset + 1)) {
    reference.lastIndex = offset;
    const found = reference.exec(source)?.[0];
    if (found === undefined) return at(offset + 1, "An error occurred while parsing EntityName.");
    const entity = found.slice(1, -1);
    if (!entity.startsWith("#") && !predefined.includes(entity)) return at(offset + 1, `Reference to undeclared entity '${entity}'.`);
  }
  return null;
}

function scanMarkup(scan: Scan): XmlError | null {
  const { source, offset } = scan;
  if (source.startsWith("<!--", offset)) return scanComment(scan);
  if (source.startsWith("<![CDATA[", offset)) {
    return scan.open.length === 0 ? at(offset, "Data at the root level is invalid.") : skipTo(scan, "]]>", "CDATA");
  }
  if (source.startsWith("<?", offset)) return skipTo(scan, "?>", "PI");
  if (source.startsWith("<!", offset)) return at(offset, "For security reasons DTD is prohibited in this XML document.");
  return source.startsWith("</", offset) ? scanEndTag(scan) : scanStartTag(scan);
}

function skipTo(scan: Scan, closing: string, what: string): XmlError | null {
  const end = scan.source.indexOf(closing, scan.offset);
  if (end < 0) return at(scan.source.length, `Unexpected end of file while parsing ${what} has occurred.`);
  scan.offset = end + closing.length;
  return null;
}

function scanComment(scan: Scan): XmlError | null {
  const hyphens = scan.source.indexOf("--", scan.offset + 4);
  if (hyphens >= 0 && scan.source[hyphens + 2] !== ">") {
    return at(hyphens, "An XML comment cannot contain '--', and '-' cannot be the last character.");
  }
  return skipTo(scan, "-->", "Comment");
}

function scanEndTag(scan: Scan): XmlError | null {
  scan.offset += 2;
  const start = scan.offset;
  const found = take(name, scan);
  const opened = scan.open.pop();
  if (opened === undefined) return at(start, "Unexpected end tag.");
  if (found !== opened.name) {
    const { line, position } = linePosition(scan.source, opened.offset);
    return at(start, `The '${opened.name}' start tag on line ${line} position ${position} does not match the end tag of '${found}'.`);
  }
  take(whiteSpace, scan);
  return expect(scan, ">");
}

function expect(scan: Scan, expected: string): XmlError | null {
  if (scan.source.startsWith(expected, scan.offset)) {
    scan.offset += expected.length;
    return null;
  }
  return at(scan.offset, `${unexpected(scan)} The expected token is '${expected}'.`);
}

/** .NET names the whole word that it stumbles over, or else the character. */
function unexpected({ source, offset }: Scan): string {
  if (offset >= source.length) return "Unexpected end of file has occurred.";
  name.lastIndex = offset;
  return `'${name.exec(source)?.[0] ?? source[offset]}' is an unexpected token.`;
}

function scanStartTag(scan: Scan): XmlError | null {
  scan.offset += 1;
  const start = scan.offset;
  const element = take(name, scan);
  if (element === "") return badName(scan);
  if (scan.open.length === 0 && scan.rooted) return at(start, "There are multiple root elements.");
  scan.rooted = true;
  const error = scanAttributes(scan);
  if (error !== null) return error;
  if (!scan.source.startsWith("/", scan.offset)) scan.open.push({ name: element, offset: start });
  else scan.offset += 1;
  return expect(scan, ">");
}

function badName({ source, offset }: Scan): XmlError {
  const character = source[offset] ?? "";
  if (character === "") return at(offset, "Unexpected end of file has occurred.");
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
  return at(offset, `Name cannot begin with the '${character}' character, hexadecimal value 0x${code}.`);
}

function scanAttributes(scan: Scan): XmlError | null {
  const names = new Set<string>();
  for (;;) {
    const space = take(whiteSpace, scan);
    if (scan.source[scan.offset] === ">" || scan.source.startsWith("/>", scan.offset)) return null;
    if (space === "") return at(scan.offset, `${unexpected(scan)} Expecting white space.`);
    const start = scan.offset;
    const attribute = take(name, scan);
    if (attribute === "") return badName(scan);
    if (names.has(attribute)) return at(start, `'${attribute}' is a duplicate attribute name.`);
    names.add(attribute);
    take(whiteSpace, scan);
    const error = expect(scan, "=") ?? scanValue(scan);
    if (error !== null) return error;
  }
}

function scanValue(scan: Scan): XmlError | null {
  take(whiteSpace, scan);
  const quote = scan.source[scan.offset] ?? "";
  if (quote !== '"' && quote !== "'") return at(scan.offset, `${unexpected(scan)} The expected token is '"' or '''.`);
  const start = scan.offset + 1;
  const end = scan.source.indexOf(quote, start);
  const lessThan = scan.source.indexOf("<", start);
  if (lessThan >= 0 && (end < 0 || lessThan < end)) return at(lessThan, "'<', hexadecimal value 0x3C, is an invalid attribute character.");
  if (end < 0) return at(scan.source.length, "There is an unclosed literal string.");
  scan.offset = end + 1;
  return badReference(scan.source, start, end);
}
