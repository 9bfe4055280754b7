import { nearest } from "../../errors.ts";
import type { Children, Content } from "../catalogue/types.ts";
import { policyNamed } from "../catalogue.ts";
import { childElements, type Element, type Node, type Span } from "../document.ts";
import { excerpt } from "../excerpt.ts";
import { error, type Finding, none } from "./finding.ts";
import { meaningOf, placeholderIn } from "./meaning.ts";
import type { Context, Place } from "./place.ts";

/** Children have the names, the order and the number that the schema gives them; said at the child that does not fit. */
export function unexpectedChild({ element, definition }: Place, context: Context): readonly Finding[] {
  const content = definition === null ? undefined : (definition.content ?? "empty");
  if (content === "empty" || content === "text" || content === "name" || content === "uri") {
    return childElements(element).map((child) => childOfLeaf(element, child, content));
  }
  return typeof content === "object" ? misplacedChildren(element, content, isUnfinished(element, context)) : none;
}

function childOfLeaf(element: Element, child: Element, content: Content): Finding {
  const model = content === "empty" ? "empty" : "text only";
  return error(
    child,
    `The element '${element.name}' cannot contain child element '${child.name}' because the parent element's content model is ${model}.`,
    content === "empty" ? `Move <${child.name}> out of <${element.name}>.` : "Write &lt; for a '<' that belongs to the text.",
  );
}

/** In an unfinished element, children that are known may yet be alternatives of a template. */
function misplacedChildren(element: Element, content: Children, isUnfinished: boolean): readonly Finding[] {
  const names = Object.keys(content.elements);
  const counts = new Map<string, number>();
  const findings: Finding[] = [];
  let reached = 0;
  for (const child of childElements(element)) {
    const index = names.indexOf(child.name);
    const count = counts.get(child.name) ?? 0;
    const isFull = count >= (content.elements[child.name]?.max ?? 1);
    const isMisplaced = isFull || (content.order === "sequence" && index < reached);
    if (index < 0 || (isMisplaced && !isUnfinished)) {
      const expected = names.filter((name, at) => (content.order === "any" || at >= reached) && !isUsedUp(content, name, counts));
      findings.push(misplaced(element, child, expected, fixFor(element, child, names, index, isFull)));
    } else {
      counts.set(child.name, count + 1);
      reached = index;
    }
  }
  return findings;
}

function isUsedUp(content: Children, name: string, counts: ReadonlyMap<string, number>): boolean {
  return (counts.get(name) ?? 0) >= (content.elements[name]?.max ?? 1);
}

function misplaced(element: Element, child: Element, expected: readonly string[], fix: string): Finding {
  const list = expected.length === 0 ? "" : ` List of possible elements expected: '${expected.join(", ")}'.`;
  return error(child, `The element '${element.name}' has invalid child element '${child.name}'.${list}`, fix);
}

function fixFor(element: Element, child: Element, names: readonly string[], index: number, isFull: boolean): string {
  if (isFull) return `Keep one <${child.name}>.`;
  if (index >= 0) return `Keep the order of <${element.name}>: ${names.join(", ")}.`;
  const [near] = nearest(child.name, names, 1);
  if (near !== undefined) return `Did you mean <${near}>?`;
  const section = element.name === "policies" ? policyNamed(child.name)?.sections[0] : undefined;
  if (section !== undefined) return `Put it into a section, e.g. <${section}>.`;
  return `Remove it; <${element.name}> contains ${names.join(", ")}.`;
}

/** Children that the schema asks for. */
export function missingChild({ element, definition }: Place, context: Context): readonly Finding[] {
  const content = definition?.content;
  if (typeof content !== "object" || isUnfinished(element, context)) return none;
  const present = new Set(childElements(element).map(({ name }) => name));
  const names = Object.keys(content.elements);
  const missing = names.filter((name) => content.elements[name]?.required && !present.has(name));
  const isBare = content.required === true && present.size === 0;
  if (missing.length === 0 && !isBare) return none;
  const expected = missing.length > 0 ? missing : names;
  const message = `The element '${element.name}' has incomplete content. List of possible elements expected: '${expected.join(", ")}'.`;
  return [error(element, message, `Add ${expected.map((name) => `<${name}>`).join(missing.length > 0 ? " and " : " or ")}.`)];
}

/** A name or an address is not empty. */
export function missingText({ element, definition }: Place): readonly Finding[] {
  const content = definition?.content;
  if ((content !== "name" && content !== "uri") || element.children.some(hasText)) return none;
  const detail = "The actual length is less than the MinLength value.";
  const message = `The '${element.name}' element is invalid - The value '' is invalid according to its datatype 'String' - ${detail}`;
  return [error(element, message, `Write ${content === "name" ? "a name" : "an address"} into it.`)];
}

function hasText(node: Node): boolean {
  return node.type === "cdata" || (node.type === "text" && node.value.raw.trim() !== "");
}

/** Text stands only where the schema takes it; white space stands anywhere. */
export function unexpectedText({ element, definition }: Place, { document, references }: Context): readonly Finding[] {
  const content = definition === null ? undefined : (definition.content ?? "empty");
  if (content !== "empty" && content !== "policies" && typeof content !== "object") return none;
  if (typeof content === "object" && content.text) return none;
  const text = element.children.find(
    (child) => hasText(child) && !(child.type === "text" && standsForSomething(meaningOf(child.value, references.namedValues))),
  );
  if (text === undefined) return none;
  const names = typeof content === "object" ? Object.keys(content.elements) : [];
  const list = names.length === 0 ? "" : ` List of possible elements expected: '${names.join(", ")}'.`;
  const message =
    content === "empty"
      ? "The element cannot contain text. Content model is empty."
      : `The element '${element.name}' cannot contain text.${list}`;
  const removal = `Remove '${excerpt(document.source.slice(text.span.start, text.span.end), 40)}', or put it into a comment.`;
  // The service names the place of the element; where that holds policies, the place of the text is of more help.
  const isContainer = content === "policies" || element.name === "policies";
  const span = isContainer ? withoutWhiteSpace(document.source, text.span) : element.openTag;
  return [error(element, message, names.length === 1 ? `Put it into <${names[0]}>.` : removal, span)];
}

/** Whether a part of the content is yet to be put in. */
export function isUnfinished({ children }: Element, { references }: Context): boolean {
  return children.some((child) => child.type === "text" && standsForSomething(meaningOf(child.value, references.namedValues)));
}

/** A named value may hold markup, and a template's placeholder may be filled with some. */
function standsForSomething(meaning: ReturnType<typeof meaningOf>): boolean {
  return meaning.kind === "unknown" || (meaning.kind === "literal" && placeholderIn(meaning.text) !== null);
}

function withoutWhiteSpace(source: string, { start, end }: Span): Span {
  const text = source.slice(start, end);
  return { start: end - text.trimStart().length, end: start + text.trimEnd().length };
}
