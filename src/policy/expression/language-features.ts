import { childIn, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { type ExpressionFinding, error, warning } from "./finding.ts";

interface Feature {
  readonly name: string;
  /** What C# 7 has instead. */
  readonly instead: string;
}

/**
 * What the grammar reads and expressions do not have: their language is C# 7
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions), versions after
 * https://learn.microsoft.com/dotnet/csharp/whats-new/csharp-version-history.
 */
const newer: Readonly<Record<string, Feature & { readonly since: number }>> = {
  range_expression: { since: 8, name: "range operator", instead: "Substring or Skip and Take" },
  switch_expression: { since: 8, name: "recursive patterns (switch expression)", instead: "a switch statement or a ? b : c" },
  recursive_pattern: { since: 8, name: "recursive patterns", instead: "comparisons" },
  implicit_object_creation_expression: { since: 9, name: "target-typed object creation", instead: "new with the type's name" },
  record_declaration: { since: 9, name: "records", instead: "JObject or an anonymous type" },
  with_expression: { since: 9, name: "with expression", instead: "a new object" },
  negated_pattern: { since: 9, name: "not pattern", instead: "!= null or !(x is ...)" },
  and_pattern: { since: 9, name: "and pattern", instead: "&&" },
  or_pattern: { since: 9, name: "or pattern", instead: "||" },
  parenthesized_pattern: { since: 9, name: "parenthesized pattern", instead: "comparisons" },
  relational_pattern: { since: 9, name: "relational pattern", instead: "<, <=, > and >=" },
  list_pattern: { since: 11, name: "list pattern", instead: "Length and an index" },
  raw_string_literal: { since: 11, name: "raw string literals", instead: 'a verbatim string: @"..."' },
  collection_expression: { since: 12, name: "collection expressions", instead: "new[] { ... }" },
};

const unsupported: Readonly<Record<string, string>> = {
  await_expression: "Asynchronous code",
  yield_statement: "yield",
  unsafe_statement: "Unsafe code",
  fixed_statement: "Unsafe code",
  pointer_type: "Unsafe code",
  function_pointer_type: "Unsafe code",
  stackalloc_expression: "Unsafe code",
  implicit_stackalloc_expression: "Unsafe code",
  makeref_expression: "__makeref",
  reftype_expression: "__reftype",
  refvalue_expression: "__refvalue",
};

/** Uses of what C# 7 or expressions do not have. */
export function languageFindings(root: SyntaxNode): readonly ExpressionFinding[] {
  return nodesIn(root)
    .map(languageFinding)
    .filter((finding) => finding !== null);
}

function languageFinding(node: SyntaxNode): ExpressionFinding | null {
  const feature = newer[node.type];
  if (feature !== undefined) return tooNew(node, feature.since, feature);
  const excluded = unsupported[node.type];
  if (excluded !== undefined) return notSupported(node, excluded);
  switch (node.type) {
    case "assignment_expression": {
      const operator = childIn(node, "operator") ?? node.children[1];
      const fix = `${childIn(node, "left")?.text} = ${childIn(node, "left")?.text} ?? ${childIn(node, "right")?.text}`;
      return operator?.text === "??=" ? tooNew(operator, 8, { name: "coalescing assignment", instead: fix }) : null;
    }
    case "prefix_unary_expression": {
      const operator = node.children[0]?.text;
      if (operator === "^") return tooNew(node, 8, { name: "index operator", instead: "Length - n" });
      if (operator !== "&" && operator !== "*") return null;
      return error("expression-language", node.start, `Invalid expression term '${operator}'`, "Addresses and pointers are unsafe code.");
    }
    case "postfix_unary_expression":
      return node.children[1]?.type === "!"
        ? tooNew(node, 8, { name: "nullable reference types", instead: "the value without '!'" })
        : null;
    case "nullable_type":
      return /^(?:string|object)\?$/.test(node.text)
        ? tooNew(node, 8, { name: "nullable reference types", instead: node.text.slice(0, -1) })
        : null;
    case "local_declaration_statement":
      return node.children[0]?.type === "using" ? tooNew(node, 8, { name: "using declarations", instead: "using (...) { ... }" }) : null;
    case "string_literal_encoding":
      return tooNew(node, 11, { name: "UTF-8 string literals", instead: "Encoding.UTF8.GetBytes(...)" });
    case "modifier":
      if (node.text === "async") return notSupported(node, "Asynchronous code");
      if (node.text === "unsafe") return notSupported(node, "Unsafe code");
      return node.text === "static" ? tooNew(node, 8, { name: "static local functions", instead: "a local function" }) : null;
    case "identifier":
      return node.text === "dynamic" && (node.field === "type" || node.parent?.type === "type_argument_list") ? dynamic(node) : null;
    case "goto_statement":
      return warning("expression-language", node.start, "goto makes it hard to see that every path returns.");
    default:
      return null;
  }
}

function tooNew(node: SyntaxNode, since: number, { name, instead }: Feature): ExpressionFinding {
  const message = `Feature '${name}' is not available in C# 7. Please use language version ${since}.0 or greater.`;
  return error("expression-language", node.start, message, `Write ${instead}`);
}

function notSupported(node: SyntaxNode, what: string): ExpressionFinding {
  return error("expression-language", node.start, `${what} is not supported within expressions`);
}

/** https://github.com/MicrosoftDocs/azure-docs/issues/49430 */
function dynamic(node: SyntaxNode): ExpressionFinding {
  return error(
    "expression-language",
    node.start,
    "Dynamic member invocation is not supported",
    "Write JObject, JToken or the value's type",
  );
}
