import type { Element, Markup, Node, PolicyDocument, Problem, Span } from "./document.ts";
import { find, nameAt, report, type Scan, skipWhiteSpace, startScan } from "./scan.ts";
import { scanOpenTag } from "./tag-scanner.ts";
import { scanText, startsMarkup } from "./value-scanner.ts";

/** An element that is still being read. */
interface OpenElement {
  readonly element: { -readonly [Key in keyof Element]: Element[Key] };
  readonly children: Node[];
}

/** State of the tree: the elements that are open, outermost first, and how many there are of each name. */
interface Tree {
  readonly scan: Scan;
  readonly nodes: Node[];
  readonly open: OpenElement[];
  readonly openNames: Map<string, number>;
  root: Element | null;
}

/** Builds the tree of a document in one pass, without recursion: depth costs no stack. */
export function scanDocument(source: string): PolicyDocument {
  const tree: Tree = { scan: startScan(source), nodes: [], open: [], openNames: new Map(), root: null };
  for (let offset = 0; offset < source.length; ) offset = scanNode(tree, offset);
  while (tree.open.length > 0) closeInnermost(tree, source.length, null);
  if (tree.root === null) report(tree.scan, "no-root", 0, "Root element is missing.");
  const problems = tree.scan.problems.toSorted((a: Problem, b: Problem) => a.offset - b.offset);
  return { source, nodes: tree.nodes, root: tree.root, problems };
}

/** Reads one node, or one tag; returns the offset behind it. */
function scanNode(tree: Tree, start: number): number {
  const { source } = tree.scan;
  if (source[start] !== "<" || !startsMarkup(source, start)) return scanTextNode(tree, start);
  switch (source[start + 1]) {
    case "/":
      return scanCloseTag(tree, start);
    case "?":
      return scanInstruction(tree, start);
    case "!":
      if (source.startsWith("<!--", start)) return scanComment(tree, start);
      if (source.startsWith("<![CDATA[", start)) return scanMarkup(tree, "cdata", start, "]]>");
      return scanDoctype(tree, start);
    default:
      return scanElement(tree, start);
  }
}

function add(tree: Tree, node: Node): void {
  (tree.open.at(-1)?.children ?? tree.nodes).push(node);
}

function parentOf(tree: Tree): Element | null {
  return tree.open.at(-1)?.element ?? null;
}

function scanTextNode(tree: Tree, start: number): number {
  const parent = parentOf(tree);
  const value = scanText(tree.scan, start, parent?.name ?? null);
  if (parent === null && value.raw.replace(/^\uFEFF/, "").trim() !== "") {
    report(
      tree.scan,
      "text-outside-root",
      start,
      tree.root === null ? "Data at the root level is invalid." : "Text follows the root element.",
    );
  }
  add(tree, { type: "text", value, span: value.span, parent });
  return value.span.end;
}

function scanComment(tree: Tree, start: number): number {
  const { scan } = tree;
  const end = endOfMarkup(scan, start, start + 4, "-->");
  const hyphens = scan.source.indexOf("--", start + 4);
  if (hyphens >= 0 && hyphens < end - 3) report(scan, "double-hyphen", hyphens, "An XML comment cannot contain '--'.");
  add(tree, { type: "comment", span: { start, end }, parent: parentOf(tree) });
  return end;
}

function scanInstruction(tree: Tree, start: number): number {
  const isDeclaration = /^<\?xml[\s?]/i.test(tree.scan.source.slice(start, start + 6));
  if (isDeclaration && start > 0 && tree.scan.source.slice(0, start) !== "\uFEFF") {
    report(tree.scan, "misplaced-declaration", start, "The XML declaration must be the first thing in the document.");
  }
  return scanMarkup(tree, "instruction", start, "?>");
}

function scanDoctype(tree: Tree, start: number): number {
  report(tree.scan, "doctype", start, "A policy document cannot have a document type or other declarations.");
  return scanMarkup(tree, "doctype", start, ">");
}

function scanMarkup(tree: Tree, type: Markup["type"], start: number, closing: string): number {
  const end = endOfMarkup(tree.scan, start, start + 2, closing);
  if (type === "cdata" && tree.open.length === 0) report(tree.scan, "text-outside-root", start, "Data at the root level is invalid.");
  add(tree, { type, span: { start, end }, parent: parentOf(tree) });
  return end;
}

function endOfMarkup(scan: Scan, start: number, from: number, closing: string): number {
  const found = find(scan, closing, from);
  if (found >= 0) return found + closing.length;
  report(scan, "unterminated-markup", start, `'${scan.source.slice(start, from)}' is never closed with '${closing}'.`);
  return scan.source.length;
}

function scanElement(tree: Tree, start: number): number {
  const { scan } = tree;
  const { name, attributes, end, selfClosing } = scanOpenTag(scan, start);
  const openTag: Span = { start, end };
  const children: Node[] = [];
  const element: OpenElement["element"] = {
    type: "element",
    name,
    attributes,
    children,
    span: openTag,
    openTag,
    closeTag: null,
    parent: parentOf(tree),
  };
  if (tree.open.length === 0) {
    if (tree.root === null) tree.root = element;
    else report(scan, "multiple-roots", start, "There are multiple root elements.");
  }
  add(tree, element);
  if (!selfClosing) {
    tree.open.push({ element, children });
    tree.openNames.set(name, (tree.openNames.get(name) ?? 0) + 1);
  }
  return end;
}

function scanCloseTag(tree: Tree, start: number): number {
  const { scan } = tree;
  const name = nameAt(scan.source, start + 2);
  const end = endOfCloseTag(scan, start, name);
  if ((tree.openNames.get(name) ?? 0) === 0) {
    report(scan, "stray-close-tag", start, `The end tag of '${name}' closes no start tag.`);
    add(tree, { type: "stray", span: { start, end }, parent: parentOf(tree) });
    return end;
  }
  while (tree.open.at(-1)?.element.name !== name) closeInnermost(tree, start, null);
  closeInnermost(tree, end, { start, end });
  return end;
}

function endOfCloseTag(scan: Scan, start: number, name: string): number {
  const bracket = skipWhiteSpace(scan.source, start + 2 + name.length);
  if (name !== "" && scan.source[bracket] === ">") return bracket + 1;
  report(scan, "malformed-tag", start, `The end tag of '${name}' is malformed.`);
  const rest = /[^<>]*>?/y;
  rest.lastIndex = start + 2 + name.length;
  rest.test(scan.source);
  return rest.lastIndex;
}

function closeInnermost(tree: Tree, end: number, closeTag: Span | null): void {
  const innermost = tree.open.pop();
  if (innermost === undefined) return;
  const { element } = innermost;
  element.closeTag = closeTag;
  element.span = { start: element.openTag.start, end };
  tree.openNames.set(element.name, (tree.openNames.get(element.name) ?? 1) - 1);
  if (closeTag === null) report(tree.scan, "unclosed-element", element.openTag.start, `The start tag of '${element.name}' has no end tag.`);
}
