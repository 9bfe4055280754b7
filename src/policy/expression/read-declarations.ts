import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { readType } from "./read-types.ts";
import { type Reader, type Reading, readAll } from "./reading.ts";
import { declareAhead, queryNames, type Scope, scopeIn } from "./scope.ts";

/** `var x = 1`, `string[] x, y`. */
export const readVariables: Reader = (reading, node, scope) => {
  const declared = namedType(reading, node, scope);
  for (const declarator of namedChildren(node).filter(({ type }) => type === "variable_declarator")) {
    const name = childIn(declarator, "name");
    const pattern = declarator.children.find(({ type }) => type === "tuple_pattern");
    const values = namedChildren(declarator).filter((child) => child !== name && child !== pattern);
    // A function may call itself.
    if (name !== null && values[0]?.type === "lambda_expression") scope.types.set(name.text, "?");
    const [type = "?"] = readAll(reading, values, scope);
    if (name !== null) scope.types.set(name.text, declared ?? type);
    for (const part of pattern === undefined ? [] : namedChildren(pattern)) scope.types.set(part.text, "?");
  }
  return "?";
};

/** `out int x`, `x is T y`, `case T y`, and a lambda's `T x`. */
export const readVariable: Reader = (reading, node, scope) => {
  const type = namedType(reading, node, scope) ?? "?";
  for (const { field, text } of node.children) if (field === "name") scope.types.set(text, type);
  return type;
};

/** A node with a scope of its own. */
export const readScope: Reader = (reading, node, scope) => {
  const own = scopeIn(scope);
  declareAhead(node, own);
  if (node.type === "query_expression") readQuery(reading, node, own, new Set(queryNames(node)));
  else for (const child of node.children) if (!isName(child)) reading.read(child, own);
  return "?";
};

function isName({ field, type, parent }: SyntaxNode): boolean {
  return field === "name" || type === "implicit_parameter" || (field === "left" && parent?.type === "foreach_statement");
}

function readQuery(reading: Reading, node: SyntaxNode, scope: Scope, names: ReadonlySet<SyntaxNode>): void {
  for (const child of node.children) {
    if (names.has(child)) continue;
    if (child.type.endsWith("_clause")) readQuery(reading, child, scope, names);
    else reading.read(child, scope);
  }
}

function namedType(reading: Reading, node: SyntaxNode, scope: Scope): string | null {
  const type = childIn(node, "type");
  return type === null || type.type === "implicit_type" ? null : readType(reading, type, scope);
}
