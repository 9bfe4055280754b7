import { childIn, namedChildren, nodesIn, type SyntaxNode } from "../expression-syntax.ts";
import { type ExpressionFinding, error } from "./finding.ts";

/** Whether every way through a block returns a value (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#Syntax). */
export function returnFindings(block: SyntaxNode): readonly ExpressionFinding[] {
  const empty = returnsOf(block).filter((statement) => namedChildren(statement).length === 0);
  const found = empty.map(({ start }) => error("expression-return", start, "A value must be returned", "return null;"));
  if (ends(block)) return found;
  return [...found, error("expression-return", block.end - 1, "Not all code paths return a value", "Put a return before the closing }")];
}

/** The `return` statements of the block itself, without those of the functions in it. */
export function returnsOf(block: SyntaxNode): readonly SyntaxNode[] {
  return nodesIn(block, ({ type }) => !functions.has(type)).filter(({ type }) => type === "return_statement");
}

const functions: ReadonlySet<string> = new Set(["lambda_expression", "anonymous_method_expression", "local_function_statement"]);

/** Whether control cannot reach the end of the statement. */
function ends(statement: SyntaxNode | null): boolean {
  if (statement === null) return false;
  switch (statement.type) {
    case "return_statement":
    case "throw_statement":
    case "goto_statement":
    case "continue_statement":
    case "break_statement":
      return true;
    case "block":
      return statement.children.some(ends);
    case "if_statement":
      return ends(childIn(statement, "consequence")) && ends(childIn(statement, "alternative"));
    case "while_statement":
      return isTrue(childIn(statement, "condition")) && !isLeft(statement);
    case "do_statement":
      return (ends(childIn(statement, "body")) || isTrue(childIn(statement, "condition"))) && !isLeft(statement);
    case "for_statement": {
      const condition = childIn(statement, "condition");
      return (condition === null || isTrue(condition)) && !isLeft(statement);
    }
    case "switch_statement":
      return switchEnds(statement);
    case "try_statement": {
      const finallyClause = statement.children.find(({ type }) => type === "finally_clause");
      if (finallyClause?.children.some(ends) === true) return true;
      const catches = statement.children.filter(({ type }) => type === "catch_clause");
      return ends(childIn(statement, "body")) && catches.every((clause) => ends(childIn(clause, "body")));
    }
    case "using_statement":
    case "lock_statement":
      return ends(childIn(statement, "body") ?? statement.children.at(-1) ?? null);
    case "checked_statement":
    case "labeled_statement":
      return statement.children.some(ends);
    default:
      return false;
  }
}

/** With a default, and no section that breaks out; C# lets none fall through to the end. */
function switchEnds(statement: SyntaxNode): boolean {
  const sections = childIn(statement, "body")?.children.filter(({ type }) => type === "switch_section") ?? [];
  return sections.some(({ children }) => children.some(({ type }) => type === "default")) && !isLeft(statement);
}

function isTrue(condition: SyntaxNode | null): boolean {
  return condition?.text === "true";
}

/** Whether a `break` inside leaves this loop or switch. */
function isLeft(statement: SyntaxNode): boolean {
  const body = childIn(statement, "body");
  if (body === null) return false;
  const inner = nodesIn(body, (node) => !functions.has(node.type) && !breakTargets.has(node.type));
  return inner.some(({ type }) => type === "break_statement");
}

const breakTargets: ReadonlySet<string> = new Set([
  "while_statement",
  "do_statement",
  "for_statement",
  "foreach_statement",
  "switch_statement",
]);
