import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../expression-syntax.ts";

/** The names that are declared where an expression stands, with their types. */
export interface Scope {
  readonly types: Map<string, string>;
  readonly parent: Scope | null;
}

export function scopeIn(parent: Scope | null): Scope {
  return { types: new Map(), parent };
}

/** The type of a declared name; undefined for a name that is not declared. */
export function declaredType(scope: Scope, name: string): string | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const type = at.types.get(name);
    if (type !== undefined) return type;
  }
  return undefined;
}

export function declaredNames(scope: Scope): readonly string[] {
  return scope.parent === null ? [...scope.types.keys()] : [...scope.types.keys(), ...declaredNames(scope.parent)];
}

/** Nodes that bring a scope of their own; a variable that a condition declares counts in the statements around it too. */
export const scopeNodes: ReadonlySet<string> = new Set([
  "anonymous_method_expression",
  "block",
  "catch_clause",
  "for_statement",
  "foreach_statement",
  "lambda_expression",
  "local_function_statement",
  "query_expression",
  "switch_body",
  "using_statement",
]);

/** Declares what a node brings into its scope before anything in it is read: parameters, the variables of loops, catches and queries, functions. */
export function declareAhead(node: SyntaxNode, scope: Scope): void {
  switch (node.type) {
    case "block":
    case "switch_body":
      for (const child of node.children) {
        if (child.type === "local_function_statement") scope.types.set(childIn(child, "name")?.text ?? "", "?");
      }
      return;
    case "foreach_statement":
    case "catch_clause":
      for (const name of declaredIn(node)) scope.types.set(name, "?");
      return;
    case "lambda_expression":
    case "anonymous_method_expression":
    case "local_function_statement":
      for (const name of parameterNames(node)) scope.types.set(name, "?");
      return;
    case "query_expression":
      for (const name of queryNames(node)) scope.types.set(name.text, "?");
  }
}

function declaredIn(node: SyntaxNode): readonly string[] {
  const declaration = node.type === "catch_clause" ? node.children.find(({ type }) => type === "catch_declaration") : childIn(node, "left");
  if (declaration === null || declaration === undefined) return [];
  if (declaration.type === "identifier") return [declaration.text];
  return nodesIn(declaration)
    .filter(({ field }) => field === "name")
    .map(({ text }) => text);
}

function parameterNames(lambda: SyntaxNode): readonly string[] {
  const parameters = lambda.children.find(({ type }) => type === "parameter_list" || type === "implicit_parameter");
  if (parameters === undefined) return [];
  if (parameters.type === "implicit_parameter") return [parameters.text];
  return namedChildren(parameters).flatMap((parameter) => childIn(parameter, "name")?.text ?? []);
}

/** The nodes that name the variables of a query. */
export function queryNames(query: SyntaxNode): readonly SyntaxNode[] {
  return query.children.flatMap((clause, index) => {
    if (clause.type === "from_clause") return childIn(clause, "name") ?? [];
    if (clause.type === "let_clause") return namedChildren(clause)[0] ?? [];
    if (clause.type === "join_clause") {
      const into = clause.children.find(({ type }) => type === "join_into_clause");
      return [clause, ...(into === undefined ? [] : [into])].flatMap(
        (part) => part.children.find(({ type }) => type === "identifier") ?? [],
      );
    }
    return clause.type === "identifier" && query.children[index - 1]?.type === "into" ? clause : [];
  });
}
