import { childIn, type ExpressionSyntax, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { type ExpressionFinding, error } from "./finding.ts";

/** What keeps the text from being an expression in C#: the first thing alone, since the rest follows from it; null where there is nothing. */
export function syntaxError(syntax: ExpressionSyntax, code: string): ExpressionFinding | null {
  if (syntax.kind === "value" && code.slice(2, -1).trim() === "") return error("expression-syntax", 2, "The expression is empty.");
  const literal = badLiteral(code);
  if (literal !== null) return literal;
  const wrong = nodesIn(syntax.root).find((node) => node.missing || node.type === "ERROR" || isMisread(node));
  if (wrong !== undefined) return describe(wrong, code);
  if (syntax.body !== null) return null;
  return error("expression-syntax", 2, syntax.kind === "value" ? ") expected" : "; expected");
}

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\$@?"|@\$"|@"(?:[^"]|"")*"|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\[^\r\nuUx]|\\[uUx][\da-fA-F]+)'|["']/g;

/** A string without an end or text in single quotes. What stands inside of interpolated strings is left to the grammar. */
function badLiteral(code: string): ExpressionFinding | null {
  token.lastIndex = 0;
  for (let match = token.exec(code); match !== null; match = token.exec(code)) {
    if (match[0].includes("$")) return null;
    if (match[0] === '"') {
      return error(
        "expression-syntax",
        match.index,
        'Unterminated string literal. Strings that start with a quotation mark (") must be terminated before the end of the line. However, strings that start with @ and a quotation mark (@") can span multiple lines.',
      );
    }
    if (match[0] === "'") {
      const text = /^'((?:[^'\\\r\n]|\\.)*)'/.exec(code.slice(match.index));
      if (text === null) return error("expression-syntax", match.index, "Newline in constant", 'Strings stand in double quotes: "..."');
      const message = text[1] === "" ? "Empty character literal" : "Too many characters in character literal";
      return error("expression-syntax", match.index, message, `Strings stand in double quotes: "${text[1]}"`);
    }
  }
  return null;
}

/** What the grammar reads in one way, and C# in none. */
function isMisread(node: SyntaxNode): boolean {
  switch (node.type) {
    case "declaration_expression":
      return (
        node.parent?.parent?.type.endsWith("argument_list") === true && !["out", "ref", "in"].includes(node.parent.children[0]?.type ?? "")
      );
    case "expression_statement":
      return !isStatementExpression(node.children[0]);
    case "initializer_expression":
      return !/(?:creation_expression|declarator|initializer_expression|assignment_expression)$/.test(node.parent?.type ?? "");
    case "tuple_expression":
      return node.parent?.type === "return_statement" && node.start === 1;
    case "string_literal":
      return /[\r\n]/.test(node.text);
    default:
      return false;
  }
}

const statementExpressions: ReadonlySet<string> = new Set([
  "assignment_expression",
  "await_expression",
  "invocation_expression",
  "object_creation_expression",
  "postfix_unary_expression",
  "prefix_unary_expression",
]);

function isStatementExpression(node: SyntaxNode | undefined): boolean {
  if (node === undefined) return true;
  if (node.type.endsWith("nary_expression") && node.type !== "binary_expression") return /^(?:\+\+|--)|(?:\+\+|--)$/.test(node.text);
  return statementExpressions.has(node.type);
}

function describe(node: SyntaxNode, code: string): ExpressionFinding {
  if (node.missing) {
    const wanted = node.named ? "Expression expected" : `${node.type} expected`;
    return error("expression-syntax", within(node.start, code), node.type === "identifier" ? invalidTerm(node, code) : wanted);
  }
  switch (node.type) {
    case "declaration_expression":
      return error("expression-syntax", (childIn(node, "name") ?? node).start, ", expected");
    case "tuple_expression":
      return error("expression-syntax", (node.children[2] ?? node).start, ") expected");
    case "string_literal":
      return error("expression-syntax", node.start, "Newline in constant", 'Text over several lines stands in @"..."');
    case "expression_statement":
      return error(
        "expression-syntax",
        node.start,
        "Only assignment, call, increment, decrement, await, and new object expressions can be used as a statement",
        `return ${node.text}`,
      );
    case "initializer_expression":
      return error("expression-syntax", node.start, "Invalid expression term '{'");
    case "ERROR":
      if (node.parent?.type.endsWith("_statement") === true && /\w/.test(node.text[0] ?? "")) {
        return error("expression-syntax", within(node.start, code), "; expected");
      }
      return error("expression-syntax", within(errorStart(node), code), nearText(node, code));
    default:
      return error("expression-syntax", within(node.start, code), nearText(node, code));
  }
}

/** An `ERROR` around the whole has its place where its parts stop making sense: at an inner error, or behind the last part. */
function errorStart(node: SyntaxNode): number {
  if (node.start >= 0) return node.start;
  const inner = node.children.findLast((child) => child.start >= 0);
  return inner === undefined ? 2 : inner.start;
}

function nearText(node: SyntaxNode, code: string): string {
  const start = within(errorStart(node), code);
  const [near] = /^\s*(?:\w+|[^\s\w])/.exec(code.slice(start)) ?? [""];
  if (/\(\s*\)$/.test(code.slice(0, start + near.length)) || near.trim() === "") return "Invalid expression term";
  return `Syntax error near '${near.trim()}'`;
}

function invalidTerm(node: SyntaxNode, code: string): string {
  const [next = ")"] = /\S+/.exec(code.slice(node.start)) ?? [];
  return `Invalid expression term '${next.slice(0, 12)}'`;
}

function within(offset: number, code: string): number {
  return Math.min(Math.max(offset, 2), code.length - 1);
}
