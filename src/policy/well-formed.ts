import { SaxesParser } from "saxes";
import { descendants, type PolicyDocument, type ProblemCode, type Value } from "./document.ts";

/** Something that is not well-formed XML, expressions apart. */
export interface XmlFault {
  readonly code: ProblemCode | "not-well-formed";
  readonly message: string;
  readonly offset: number;
  readonly fix: string | null;
}

const fixes: Readonly<Partial<Record<ProblemCode, string>>> = {
  "attribute-without-value": 'Give the attribute a value: name="value".',
  "bare-ampersand": "Write &amp; for a literal '&'.",
  "bare-less-than": "Write &lt; for a literal '<'.",
  doctype: "Remove the declaration.",
  "double-hyphen": "Write '- -' inside of comments.",
  "duplicate-attribute": "Remove one of the two.",
  "missing-white-space": "Put a space between the attributes; a '\"' inside of a value that is not an expression is written &quot;.",
  "multiple-roots": "Keep one root element: <policies>, or <fragment> for a policy fragment.",
  "no-root": "Wrap the sections in <policies>.",
  "stray-close-tag": "Remove the end tag, or add the start tag that it belongs to.",
  "text-after-expression": "Put the whole value into the expression, or remove what follows it.",
  "text-outside-root": "Remove the text outside of the root element.",
  "unquoted-value": 'Put the value into quotes: name="value".',
  "unterminated-expression": "Close the expression's brackets; look for a quote inside of it that is never closed.",
};

/**
 * Everything that keeps a document from being well-formed: what the tree found and, where it found nothing, what saxes finds in the same
 * text with the expressions masked.
 */
export function xmlFaults(document: PolicyDocument): readonly XmlFault[] {
  if (document.problems.length === 0) return saxesFaults(document);
  return document.problems.map(({ code, message, offset }) => ({ code, message, offset, fix: fixFor(document, code, offset) }));
}

function fixFor(document: PolicyDocument, code: ProblemCode, offset: number): string | null {
  if (code !== "unclosed-element") return fixes[code] ?? null;
  const name = /^<([^\s/>]+)/.exec(document.source.slice(offset, offset + 200))?.[1] ?? "";
  return `Add </${name}> where the element ends, or write <${name} ... />.`;
}

function saxesFaults(document: PolicyDocument): readonly XmlFault[] {
  const parser = new SaxesParser({ position: true, xmlns: prefixedName.test(document.source) });
  const faults: XmlFault[] = [];
  parser.on("error", ({ message }) => {
    const text = message.replace(/^\d+:\d+: /, "");
    const prefix = /^unbound namespace prefix: "(.*)"/.exec(text)?.[1];
    faults.push({
      code: "not-well-formed",
      message: prefix === undefined ? text : `'${prefix}' is an undeclared prefix.`,
      offset: Math.max(0, parser.position - 1),
      fix: prefix === undefined ? null : `Declare it: xmlns:${prefix}="...".`,
    });
  });
  parser.write(masked(document)).close();
  return faults.slice(0, 1);
}

/** Only documents with such a name are worth the time that namespaces take. */
const prefixedName = /<[\w.-]+:|\s[\w.-]+:[\w.-]+\s*=\s*["']/;

/** The source with every expression replaced by as many letters: XML for an ordinary parser, with the same positions. */
function masked(document: PolicyDocument): string {
  const { source } = document;
  let result = "";
  let copied = 0;
  for (const { span, raw } of expressions(document)) {
    result += source.slice(copied, span.start) + raw.replace(/[^\s]/g, "x");
    copied = span.end;
  }
  return result + source.slice(copied);
}

function expressions(document: PolicyDocument): readonly Value[] {
  const found: Value[] = [];
  for (const element of document.root === null ? [] : descendants(document.root)) {
    for (const { value } of element.attributes) if (value.kind === "expression") found.push(value);
    for (const child of element.children) if (child.type === "text" && child.value.kind === "expression") found.push(child.value);
  }
  return found.sort((a, b) => a.span.start - b.span.start);
}
