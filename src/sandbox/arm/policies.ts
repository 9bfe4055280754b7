import type { JsonObject } from "../../gateway/documents.ts";
import { childElements, type Element, type PolicyDocument, type Problem, parse } from "../../policy/document.ts";
import { textAt } from "../json.ts";
import { exportedPolicy, expressionsIn, type PolicyFormat } from "../policy-text.ts";
import { isFragment, type World } from "../world.ts";
import { linePosition, type XmlError, xmlError } from "../xml.ts";
import { invalid, invalidFields } from "./errors.ts";
import { type Reference, referencesIn, targetOf } from "./references.ts";

interface ElementError {
  readonly element: Element;
  readonly message: string;
}

const sections = ["inbound", "backend", "outbound", "on-error"];

export const policyFormat = (value: string | undefined): PolicyFormat | undefined =>
  value === "xml" || value === "rawxml" ? value : undefined;

/** Checks a policy or fragment as the service does on a write, as far as the sandbox goes: form, sections, references, size. */
export function acceptPolicy(world: World, path: string, properties: JsonObject): JsonObject {
  const value = textAt(properties, "value");
  if (value === undefined) throw invalidFields([{ target: "value", message: "'value' must not be empty." }]);
  const format = policyFormat(textAt(properties, "format") ?? "xml");
  if (format === undefined)
    throw invalid(`The sandbox fetches no links: policy format '${textAt(properties, "format")}' is not supported.`);
  checkSize(world, value);
  const document = parse(value);
  const malformed = format === "xml" ? xmlError(value) : rawXmlError(document);
  if (malformed !== null) throw malformedPolicy(path, value, malformed);
  const errors = [...sectionErrors(document, path), ...referenceErrors(world, path, document)];
  if (errors.length > 0) throw invalidFields(errors.map((error) => positioned(value, error)));
  return { ...properties, format };
}

/** https://learn.microsoft.com/azure/api-management/service-limits */
function checkSize(world: World, value: string): void {
  const limit = /^consumption$/i.test(world.service.sku.name) ? 16 : 256;
  if (Buffer.byteLength(value) > limit * 1024) throw invalid(`Policy size exceeds allowed limit of ${limit} KB`);
}

function malformedPolicy(path: string, source: string, { message, offset }: XmlError): Error {
  const { line, position } = linePosition(source, offset);
  const text = `${message} Line ${line}, position ${position}.`;
  return isFragment(path)
    ? invalid(`The policy fragment is not a valid XML: ${text}`)
    : invalidFields([{ target: "representation", message: text }]);
}

/** Raw text is well-formed apart from what stands inside its expressions. */
function rawXmlError(document: PolicyDocument): XmlError | null {
  const [unended] = document.problems.filter(({ code }) => code === "unterminated-expression");
  if (unended !== undefined) return { offset: unended.offset, message: unendedExpression(document, unended) };
  let masked = document.source;
  for (const { span, raw } of expressionsIn(document)) {
    masked = masked.slice(0, span.start) + raw.replace(/[^\r\n]/g, "x") + masked.slice(span.end);
  }
  return xmlError(masked) ?? document.problems[0] ?? null;
}

function unendedExpression({ source }: PolicyDocument, { offset }: Problem): string {
  const [open, close] = source.slice(offset).trimStart().startsWith("@(") ? ["(", ")"] : ["{", "}"];
  return `An opening "${open}" is missing the corresponding closing "${close}".`;
}

const misplaced = "Policy section is not allowed in the specified scope";

function sectionErrors({ root }: PolicyDocument, path: string): readonly ElementError[] {
  if (root === null) return [];
  if (isFragment(path)) {
    // Assumed: the wording.
    return root.name === "fragment" ? [] : [{ element: root, message: "The root element of a policy fragment must be 'fragment'." }];
  }
  const children = childElements(root);
  if (root.name === "policies") {
    return children.filter(({ name }) => !sections.includes(name)).map((element) => ({ element, message: misplaced }));
  }
  return (children.length > 0 ? children : [root]).map((element) => ({ element, message: misplaced }));
}

function referenceErrors(world: World, path: string, document: PolicyDocument): readonly ElementError[] {
  return [...referencesIn(world, path, document)]
    .filter((reference) => targetOf(world, path, reference) === undefined)
    .map((reference) => ({ element: reference.element, message: missing(reference) }));
}

function missing({ kind, id }: Reference): string {
  switch (kind) {
    case "backend":
      return `Backend with id '${id}' could not be found.`;
    case "fragment":
      return `Policy fragment with id '${id}' could not be found.`;
    case "logger":
      return "Logger not found";
    case "named_value":
      return `Cannot find a property '${id}'`;
  }
}

/** ARM counts an element's column at its name, one behind the `<`. */
function positioned(source: string, { element, message }: ElementError): { readonly target: string; readonly message: string } {
  const { line, position } = linePosition(source, element.span.start + 1);
  return { target: element.name, message: `Error in element '${element.name}' on line ${line}, column ${position}: ${message}` };
}

export const shownPolicy = (properties: JsonObject, format: PolicyFormat): JsonObject => ({
  ...properties,
  format,
  value: exportedPolicy(textAt(properties, "value") ?? "", format),
});
