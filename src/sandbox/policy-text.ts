import { type Element, type Node, type PolicyDocument, parse, type Value } from "../policy/document.ts";
import { decodeEntities } from "../policy/lexer.ts";

/** ARM's two inline formats: `xml` is well-formed, `rawxml` holds expressions as they are written in C#. */
export type PolicyFormat = "xml" | "rawxml";

/** The text as the service keeps it: expressions raw, reformatted. */
export const storedPolicy = (text: string, format: PolicyFormat): string => reformat(format === "xml" ? withRawExpressions(text) : text);

/** A stored text in the format that a reader asks for. */
export const exportedPolicy = (stored: string, format: PolicyFormat): string =>
  format === "xml" ? withEscapedExpressions(stored) : stored;

/**
 * The service's reformatting: `\r\n` everywhere, each element and comment on its own line, one tab a level. Tags, comments and
 * any content that holds text stay as they were written. A text that is not a document only gets its line endings.
 */
export function reformat(text: string): string {
  const document = parse(text);
  const parts = document.problems.length > 0 ? [text] : document.nodes.filter(isSignificant).map((node) => laidOut(document, node, 0));
  return withLineEndings(parts.join("\n"));
}

const withLineEndings = (text: string): string => text.replace(/\r\n|\r|\n/g, "\r\n");

function laidOut(document: PolicyDocument, node: Node, depth: number): string {
  if (node.type !== "element" || node.closeTag === null) return slice(document, node.span);
  const open = slice(document, node.openTag);
  const close = slice(document, node.closeTag);
  const children = node.children.filter(isSignificant);
  if (children.length === 0) return open + close;
  if (children.some(isText)) return slice(document, node.span);
  const lines = children.map((child) => `\n${"\t".repeat(depth + 1)}${laidOut(document, child, depth + 1)}`);
  return `${open}${lines.join("")}\n${"\t".repeat(depth)}${close}`;
}

const slice = ({ source }: PolicyDocument, { start, end }: { readonly start: number; readonly end: number }): string =>
  source.slice(start, end);

const isText = (node: Node): boolean => node.type === "text" || node.type === "cdata";

const isSignificant = (node: Node): boolean => node.type !== "text" || node.value.raw.replace("\uFEFF", "").trim() !== "";

/** Well-formed XML to raw: inside expressions, entities become the characters that they stand for. */
function withRawExpressions(text: string): string {
  return mapExpressions(text, ({ raw }) => decodeEntities(raw).replace(/&(?=(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/gi, "&amp;"));
}

/** Raw to well-formed XML: inside expressions, what XML cannot hold becomes entities. */
function withEscapedExpressions(text: string): string {
  return mapExpressions(text, ({ raw, span }) => {
    const markup = decodeEntities(raw).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const quote = text[span.start - 1];
    if (quote === '"') return markup.replaceAll('"', "&quot;");
    return quote === "'" ? markup.replaceAll("'", "&apos;") : markup;
  });
}

function mapExpressions(text: string, map: (value: Value) => string): string {
  let result = "";
  let end = 0;
  for (const value of expressionsIn(parse(text))) {
    result += text.slice(end, value.span.start) + map(value);
    end = value.span.end;
  }
  return result + text.slice(end);
}

/** All values of the document that are expressions, in the order of the text. */
export function expressionsIn(document: PolicyDocument): readonly Value[] {
  return document.nodes.flatMap(valuesIn).filter(({ kind }) => kind === "expression");
}

function valuesIn(node: Node): readonly Value[] {
  if (node.type === "text") return [node.value];
  return node.type === "element" ? [...ownAttributes(node), ...node.children.flatMap(valuesIn)] : [];
}

const ownAttributes = (element: Element): readonly Value[] => element.attributes.map(({ value }) => value);
