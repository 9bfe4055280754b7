import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { error } from "./finding.ts";
import { binaryOperation, isCertain, unaryOperation } from "./operators.ts";
import { readType } from "./read-types.ts";
import { type Reader, type Reading, readAll } from "./reading.ts";
import { declaredType, type Scope } from "./scope.ts";

/** The value of the one expression inside, e.g. of brackets or an argument. */
export const readInner: Reader = (reading, node, scope) => {
  const values = namedChildren(node).filter(({ field }) => field !== "name");
  return readAll(reading, values, scope)[0] ?? "?";
};

/** A value of the type that the node names: `(T)x`, `new T(x)`, `x as T`, `default(T)`. */
export const readTyped: Reader = (reading, node, scope) => {
  const typeNode = childIn(node, "type") ?? (node.type === "as_expression" ? childIn(node, "right") : null);
  const others = node.children.filter((child) => child !== typeNode);
  const type = typeNode === null ? "?" : readType(reading, typeNode, scope);
  readAll(reading, others, scope);
  return type;
};

export const readTest: Reader = (reading, node, scope) => {
  const type = node.type === "is_expression" ? childIn(node, "right") : null;
  if (type !== null) readType(reading, type, scope);
  readAll(
    reading,
    node.children.filter((child) => child !== type),
    scope,
  );
  return "bool";
};

export const readBinary: Reader = (reading, node, scope) => {
  const [left, right, operator] = [childIn(node, "left"), childIn(node, "right"), childIn(node, "operator")];
  if (left === null || right === null || operator === null) return "?";
  const { type, fault } = binaryOperation(operator.text, reading.read(left, scope), reading.read(right, scope));
  if (fault !== null) reading.report(error("expression-type", operator.start, fault));
  return type;
};

export const readUnary: Reader = (reading, node, scope) => {
  const [operator, operand] = node.children;
  if (operator === undefined || operand === undefined) return "?";
  const { type, fault } = unaryOperation(operator.text, reading.read(operand, scope));
  if (fault !== null) reading.report(error("expression-type", operator.start, fault));
  return type;
};

export const readAssignment: Reader = (reading, node, scope) => {
  const [left, right] = [childIn(node, "left"), childIn(node, "right")];
  const initializes = node.parent?.type === "initializer_expression";
  if (left !== null && !initializes) {
    reading.read(left, scope);
    if (/^context\b/.test(left.text) && declaredType(scope, "context") === "context") {
      const message = `Property or indexer '${left.text}' cannot be assigned to -- it is read only`;
      reading.report(error("expression-assignment", left.start, message, "Variables are set by the set-variable policy"));
    }
  }
  if (left?.type === "element_binding_expression") readAll(reading, left.children, scope);
  return right === null ? "?" : reading.read(right, scope);
};

/** `a ? b : c`, and statements with a condition. */
export const readConditional: Reader = (reading, node, scope) => {
  const branches = namedChildren(node).filter(({ field }) => field !== "condition");
  const condition = childIn(node, "condition");
  // The condition of a loop with a body before it comes after what the body declares, but reads none of it.
  if (condition !== null) readCondition(reading, condition, scope);
  const [first = "?", second] = readAll(reading, branches, scope);
  return first === second ? first : "?";
};

export const readAnonymousObject: Reader = (reading, node, scope) => {
  const values = node.children.filter(({ type }, index) => !(type === "identifier" && node.children[index + 1]?.type === "="));
  readAll(reading, values, scope);
  return "?";
};

function readCondition(reading: Reading, condition: SyntaxNode, scope: Scope): void {
  const type = reading.read(condition, scope);
  if (!isCertain(type) || type === "bool") return;
  reading.report(error("expression-type", condition.start, `Cannot implicitly convert type '${type}' to 'bool'`));
}

export function integerType(text: string): string {
  if (/u/i.test(text) || /^0[xb]/i.test(text)) return "?";
  return /l$/i.test(text) || Number(text.replaceAll("_", "")) > 2 ** 31 - 1 ? "long" : "int";
}

export function realType(text: string): string {
  if (/m$/i.test(text)) return "decimal";
  return /f$/i.test(text) ? "float" : "double";
}
