import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { implicitly } from "./code.ts";
import { explicitConversion, implicitConversion, isOfType } from "./conversions.ts";
import { type Code, type Frame, type Scope, writeVariable } from "./scope.ts";
import { type Type, types, underlying } from "./types.ts";
import { equal, type Value } from "./values.ts";

/** `value is T`, `value is T name`, `value is constant` (https://learn.microsoft.com/dotnet/csharp/language-reference/operators/patterns). */
export function isExpression(node: SyntaxNode, scope: Scope): Code {
  const valueNode = childIn(node, "expression") ?? childIn(node, "left") ?? namedChildren(node)[0];
  const patternNode = childIn(node, "pattern") ?? childIn(node, "right") ?? namedChildren(node)[1];
  if (valueNode === undefined || patternNode === undefined) return scope.unit.unsupported(node, "this pattern");
  const { type, run } = scope.unit.expression(valueNode, scope);
  if (type.name === "?") return { type, run };
  const test = pattern(patternNode, type, scope);
  return { type: types.bool, run: (frame) => test(run(frame), frame) };
}

/** Tests a value of a type against a pattern, and binds what it declares. */
export function pattern(node: SyntaxNode, type: Type, scope: Scope): (value: Value, frame: Frame) => boolean {
  switch (node.type) {
    case "declaration_pattern":
      return declarationPattern(node, type, scope);
    case "constant_pattern":
      return constantOrType(namedChildren(node)[0] ?? node, type, scope);
    case "type_pattern":
      return constantOrType(childIn(node, "type") ?? namedChildren(node)[0] ?? node, type, scope);
    case "discard":
      return () => true;
    case "var_pattern": {
      const write = writeVariable(scope.declare(childIn(node, "name")?.text ?? namedChildren(node)[0]?.text ?? "", type), scope);
      return (value, frame) => {
        write(frame, value);
        return true;
      };
    }
  }
  return /_pattern$/.test(node.type) ? failing(node, "this pattern", scope) : constantOrType(node, type, scope);
}

function failing(node: SyntaxNode, what: string, scope: Scope): (value: Value, frame: Frame) => boolean {
  const { run } = scope.unit.unsupported(node, what);
  return (_, frame) => run(frame) === true;
}

function declarationPattern(node: SyntaxNode, type: Type, scope: Scope): (value: Value, frame: Frame) => boolean {
  const [typeNode, nameNode] = [childIn(node, "type"), childIn(node, "name")];
  const wanted = typeNode === null ? null : scope.unit.type(typeNode);
  if (wanted === null || nameNode === null) return failing(node, "this pattern", scope);
  const write = nameNode.text === "_" ? null : writeVariable(scope.declare(nameNode.text, wanted), scope);
  const test = typeTest(node, type, wanted, scope);
  return (value, frame) => {
    if (!test(value, frame)) return false;
    write?.(frame, value);
    return true;
  };
}

function typeTest(node: SyntaxNode, type: Type, wanted: Type, scope: Scope): (value: Value, frame: Frame) => boolean {
  const { library } = scope.unit;
  // Conversions that make a new value are none for `is`.
  const source = underlying(type);
  const canBe = source.name === "object" || explicitConversion(library, source, wanted) !== null;
  return canBe ? (value) => isOfType(library, value, wanted) : failing(node, `a test of ${type.text} for ${wanted.text}`, scope);
}

/** The grammar tells a type from a constant by its looks only. */
function constantOrType(node: SyntaxNode, type: Type, scope: Scope): (value: Value, frame: Frame) => boolean {
  const named =
    /literal|expression/.test(node.type) && node.type !== "member_access_expression"
      ? null
      : scope.find(node.text) === null
        ? scope.unit.typeOrNull(node)
        : null;
  if (named !== null) return typeTest(node, type, named, scope);
  const constant = scope.unit.expression(node, scope);
  if (constant.type.name === "null") return (value) => value === null;
  const comparable =
    type.name === "object" || implicitConversion(scope.unit.library, constant.type, underlying(type), constant.constant) !== null;
  if (!comparable) return failing(node, `a test of ${type.text} for ${constant.type.text}`, scope);
  const { run } = type.name === "object" ? constant : implicitly(constant, underlying(type), scope, node);
  return (value, frame) => equal(value, run(frame));
}
