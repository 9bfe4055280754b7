/**
 * The syntax of policy expressions: C# between `@(` and `)` or `@{` and `}`
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#Syntax), read by tree-sitter's C# grammar. What an
 * expression means, and whether the service takes it, is no matter of this module.
 */
import type { TreeCursor } from "web-tree-sitter";

/** One node of a syntax tree; `type` and `field` are names of the grammar (https://github.com/tree-sitter/tree-sitter-c-sharp). */
export interface SyntaxNode {
  readonly type: string;
  /** False for punctuation and keywords, whose `type` is their text. */
  readonly named: boolean;
  /** A token that the text lacks and that the parser put in; `start` is where it belongs. */
  readonly missing: boolean;
  readonly field: string | null;
  readonly text: string;
  /** Offsets into what was parsed, `end` exclusive. */
  readonly start: number;
  readonly end: number;
  /** Without comments. */
  readonly children: readonly SyntaxNode[];
  readonly parent: SyntaxNode | null;
}

/** A parser of C#. */
export interface CSharp {
  /** The tree of a compilation unit; `offset` is what to add to every offset. Where the text is wrong, the tree has nodes of type `ERROR`. */
  parse(text: string, offset?: number): SyntaxNode;
}

/** The files of the packages web-tree-sitter and tree-sitter-c-sharp that end in `.wasm`. */
export interface GrammarFiles {
  readonly runtime: Uint8Array;
  readonly csharp: Uint8Array;
}

/** An expression as C# sees it: what a statement returns, or a block that returns. */
export interface ExpressionSyntax {
  readonly kind: "value" | "block";
  readonly root: SyntaxNode;
  /** The C# expression of `@(...)` or the block of `@{...}`; null where the brackets do not hold exactly one of them. */
  readonly body: SyntaxNode | null;
}

/** What nests deeper is cut off, with an `ERROR` in its place: nothing that is meant, and too deep for recursion. */
const deepest = 1000;

/**
 * The `?` of `?.` and `?[`. The grammar gives it a lower precedence than every operator, so that `a == b?.C` would be `(a == b)?.C`: the
 * parser reads a space, and `isNullConditional` tells.
 */
const nullConditional = /\?(?=\s*(?:\.\s*[A-Za-z_@]|\[(?!\s*[\],])))/g;

/** Makes a parser of the grammar's files. There is one for the whole process: files that are given later are not looked at. */
export async function openGrammar(files: GrammarFiles): Promise<CSharp> {
  const { Language, Parser } = await import("web-tree-sitter");
  await Parser.init({ wasmBinary: files.runtime });
  const parser = new Parser();
  parser.setLanguage(await Language.load(files.csharp));
  return {
    parse(text, offset = 0) {
      const tree = parser.parse(text.replace(nullConditional, " "));
      if (tree === null) throw new Error("the parser has no language");
      const cursor = tree.walk();
      const root = readNode(cursor, text, offset);
      cursor.delete();
      tree.delete();
      return root;
    },
  };
}

/** Parses an expression, `@(...)` or `@{...}` whole. Offsets in the tree are those in `code`; nothing outside of it has a negative one. */
export function parseExpression(csharp: CSharp, code: string): ExpressionSyntax {
  const kind = code[1] === "{" ? "block" : "value";
  const [before, after] = kind === "block" ? ["", ""] : ["return", ";"];
  const root = csharp.parse(`${before}${code.slice(1)}${after}`, 1 - before.length);
  const statement = onlyStatement(root);
  return { kind, root, body: kind === "block" ? (statement?.type === "block" ? statement : null) : returnedValue(statement, code) };
}

/** Whether a member or element access is one by `?.` or `?[`, so that it is null where its target is. */
export function isNullConditional(access: SyntaxNode): boolean {
  const target = childIn(access, "expression");
  return (
    target !== null &&
    access.text
      .slice(target.end - access.start)
      .trimStart()
      .startsWith("?")
  );
}

/** The child in a field of the grammar's. */
export function childIn(node: SyntaxNode, field: string): SyntaxNode | null {
  return node.children.find((child) => child.field === field) ?? null;
}

export function namedChildren(node: SyntaxNode): readonly SyntaxNode[] {
  return node.children.filter(({ named }) => named);
}

/** The node and all nodes below it, in the order of the text; what stands below a node for which `enter` is false is left out. */
export function nodesIn(node: SyntaxNode, enter: (node: SyntaxNode) => boolean = () => true): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  const pending = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    found.push(next);
    if (enter(next)) for (let index = next.children.length - 1; index >= 0; index--) pending.push(next.children[index] ?? next);
  }
  return found;
}

/** The one statement of a program without a class; null where a bracket too many has closed it. */
function onlyStatement(root: SyntaxNode): SyntaxNode | null {
  const statement = onlyChild(root, "global_statement");
  return statement === null ? null : (namedChildren(statement)[0] ?? null);
}

function returnedValue(statement: SyntaxNode | null, code: string): SyntaxNode | null {
  const parenthesized = statement?.type === "return_statement" ? onlyChild(statement, "parenthesized_expression") : null;
  return parenthesized?.start === 1 && parenthesized.end === code.length ? (namedChildren(parenthesized)[0] ?? null) : null;
}

function onlyChild(node: SyntaxNode, type: string): SyntaxNode | null {
  const [child, ...others] = namedChildren(node);
  return child?.type === type && others.length === 0 ? child : null;
}

interface Building extends SyntaxNode {
  readonly children: Building[];
}

/** Copies the tree out of the parser's memory, without recursion. */
function readNode(cursor: TreeCursor, text: string, offset: number): SyntaxNode {
  const root = nodeAt(cursor, text, offset, null, cursor.nodeType);
  let parent: Building | null = null;
  let node = root;
  let depth = 0;
  for (;;) {
    if (depth < deepest && cursor.gotoFirstChild()) {
      parent = node;
      depth++;
    } else {
      while (!cursor.gotoNextSibling()) {
        if (parent === null || !cursor.gotoParent()) return root;
        parent = parent.parent as Building | null;
        depth--;
      }
    }
    const type = cursor.nodeType;
    if (type === "comment") continue;
    node = nodeAt(cursor, text, offset, parent, depth === deepest ? "ERROR" : type);
    parent?.children.push(node);
  }
}

function nodeAt(cursor: TreeCursor, text: string, offset: number, parent: Building | null, type: string): Building {
  const { startIndex, endIndex } = cursor;
  return {
    type,
    named: cursor.nodeIsNamed,
    // The cursor knows it of punctuation only; no token of C# is empty.
    missing: startIndex === endIndex && type !== "compilation_unit",
    field: cursor.currentFieldName,
    text: text.slice(startIndex, endIndex),
    start: startIndex + offset,
    end: endIndex + offset,
    children: [],
    parent,
  };
}
