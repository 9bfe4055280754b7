import { type Element, type Node, type PolicyDocument, parse } from "../../src/policy/document.ts";

/** What a document says, without its layout: white space in and around text does not count. A model for edits to be made on. */
export interface Outline {
  readonly name: string;
  attributes: (readonly [name: string, value: string])[];
  content: (Outline | string)[];
  parent: Outline | null;
}

/** The outlines of a document's elements, in the order of the text; the root is the first. */
export function outlinesOf(document: PolicyDocument): readonly Outline[] {
  const all: Outline[] = [];
  const outlineOf = ({ name, attributes, children }: Element, parent: Outline | null): Outline => {
    const outline: Outline = { name, attributes: attributes.map((found) => [found.name, found.value.text]), content: [], parent };
    all.push(outline);
    outline.content = children.map((child) => (child.type === "element" ? outlineOf(child, outline) : leafText(document, child)));
    return outline;
  };
  if (document.root !== null) outlineOf(document.root, null);
  return all;
}

/** The outline of one element that is written as XML. */
export function outlineOf(xml: string, parent: Outline | null): Outline {
  const [outline] = outlinesOf(parse(xml));
  if (outline === undefined) throw new Error(`no element in ${xml}`);
  return Object.assign(outline, { parent });
}

/** Equal for two outlines that say the same. */
export function written({ name, attributes, content }: Outline): string {
  const inner = content.map((item) => (typeof item === "string" ? item : written(item)));
  return `(${name} ${JSON.stringify(attributes)} ${inner.join("")})`;
}

function leafText({ source }: PolicyDocument, node: Exclude<Node, Element>): string {
  if (node.type === "text") return node.value.text.replace(/\s/g, "");
  return source.slice(node.span.start, node.span.end);
}
