import { type CSharp, childIn, nodesIn, type SyntaxNode } from "./expression-syntax.ts";

/**
 * Behind a cast the grammar takes `a.As<JObject>(true)` for two comparisons, `(a.As < JObject) > (true)`. C# does not
 * (https://learn.microsoft.com/dotnet/csharp/language-reference/language-specification/lexical-structure#645-operators-and-punctuators: a
 * name, type arguments and a `(` are a call). Such a call is read again with letters in place of its brackets, and gets them back in the tree.
 */
export function withGenericCalls(csharp: CSharp): CSharp {
  return {
    parse(text, offset = 0) {
      if (!genericCall.test(text)) return csharp.parse(text, offset);
      let written = text;
      for (let round = 0; round < rounds; round++) {
        const root = csharp.parse(written, offset);
        const lettered = lettersFor(root, written, offset);
        if (lettered === written) return written === text ? root : restored(root, text, offset, null);
        written = lettered;
      }
      return csharp.parse(text, offset);
    },
  };
}

const genericCall = /<[\w.]+>\s*\(/;

/** Calls within the arguments of others come to light one after the other. */
const rounds = 20;
const letters = new Map([
  ["<", "ᐸ"],
  [">", "ᐳ"],
  [".", "ꓸ"],
]);

function lettersFor(root: SyntaxNode, text: string, offset: number): string {
  let lettered = text;
  for (const node of nodesIn(root)) {
    const brackets = bracketsOf(node);
    if (brackets === null) continue;
    const [start, end] = [brackets.start - offset, brackets.end - offset];
    const inside = text.slice(start, end);
    if (!/^<[\w.]+>$/.test(inside) || !/^\s*\(/.test(text.slice(end))) continue;
    lettered =
      lettered.slice(0, start) + [...inside].map((character) => letters.get(character) ?? character).join("") + lettered.slice(end);
  }
  return lettered;
}

/** Where `< ... >` stand in `(x < y) > z`. */
function bracketsOf(node: SyntaxNode): { readonly start: number; readonly end: number } | null {
  const left = childIn(node, "left");
  const [close, open] = [childIn(node, "operator"), left === null ? null : childIn(left, "operator")];
  return open?.type === "<" && close?.type === ">" ? { start: open.start, end: close.end } : null;
}

function restored(node: SyntaxNode, text: string, offset: number, parent: SyntaxNode | null): SyntaxNode {
  const own = text.slice(node.start - offset, node.end - offset);
  if (node.type === "identifier" && node.text.includes("ᐸ")) return genericName(node, own, parent);
  const children: SyntaxNode[] = [];
  const copy = { ...node, text: own, children, parent };
  children.push(...node.children.map((child) => restored(child, text, offset, copy)));
  return copy;
}

function genericName(node: SyntaxNode, text: string, parent: SyntaxNode | null): SyntaxNode {
  const at = node.start + text.indexOf("<");
  const [children, list]: [SyntaxNode[], SyntaxNode[]] = [[], []];
  const name = { ...node, type: "generic_name", text, children, parent };
  const part = (type: string, start: number, end: number, within: SyntaxNode, inside: readonly SyntaxNode[] = []): SyntaxNode => ({
    type,
    named: /\w/.test(type),
    missing: false,
    field: null,
    text: text.slice(start - node.start, end - node.start),
    start,
    end,
    children: inside,
    parent: within,
  });
  const typeList = part("type_argument_list", at, node.end, name, list);
  list.push(
    part("<", at, at + 1, typeList),
    part(typeOfName(text.slice(at + 1 - node.start, -1)), at + 1, node.end - 1, typeList),
    part(">", node.end - 1, node.end, typeList),
  );
  children.push(part("identifier", node.start, at, name), typeList);
  return name;
}

function typeOfName(name: string): string {
  if (name.includes(".")) return "qualified_name";
  return /^(?:bool|byte|char|decimal|double|int|long|object|short|string)$/.test(name) ? "predefined_type" : "identifier";
}
