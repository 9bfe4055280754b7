import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { assignment, step } from "./assignments.ts";
import { constant, converted, implicitly, isUnknown, unknown } from "./code.ts";
import { commonType, defaultOf, explicitConversion, isOfType } from "./conversions.ts";
import { anonymousObject, arrayCreation, implicitArrayCreation, objectCreation, tuple } from "./creation.ts";
import { unsupported } from "./errors.ts";
import { thrown } from "./exceptions.ts";
import { characterLiteral, integerLiteral, interpolatedString, realLiteral, stringLiteral, verbatimLiteral } from "./literals.ts";
import { elementAccess, invocation, memberAccess } from "./members.ts";
import { binary, coalesced, prefix, shortCircuit } from "./operators.ts";
import { lambdaArity, signatureOf } from "./overloads.ts";
import { isExpression } from "./patterns.ts";
import { type Code, readVariable, type Scope } from "./scope.ts";
import { typeText } from "./type-names.ts";
import { type Type, type, types } from "./types.ts";
import { ContextValue } from "./views.ts";

type Handler = (node: SyntaxNode, scope: Scope, wanted?: Type) => Code;

/** https://learn.microsoft.com/dotnet/csharp/language-reference/operators */
export const expressions: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["anonymous_object_creation_expression", anonymousObject],
  ["array_creation_expression", arrayCreation],
  ["as_expression", asExpression],
  ["assignment_expression", assignment],
  ["binary_expression", binaryExpression],
  ["boolean_literal", (node) => constant(types.bool, node.text === "true")],
  ["cast_expression", cast],
  ["character_literal", characterLiteral],
  ["conditional_expression", conditional],
  ["default_expression", defaultValue],
  ["element_access_expression", elementAccess],
  ["identifier", identifier],
  ["implicit_array_creation_expression", implicitArrayCreation],
  ["integer_literal", integerLiteral],
  ["interpolated_string_expression", interpolatedString],
  ["invocation_expression", invocation],
  ["is_expression", isExpression],
  ["is_pattern_expression", isExpression],
  ["lambda_expression", lambdaValue],
  ["member_access_expression", memberAccess],
  ["null_literal", () => constant(types.null, null)],
  ["object_creation_expression", objectCreation],
  ["parenthesized_expression", (node, scope, wanted) => inner(node, scope, wanted)],
  ["postfix_unary_expression", step],
  ["prefix_unary_expression", prefixExpression],
  ["real_literal", realLiteral],
  ["string_literal", stringLiteral],
  ["throw_expression", throwExpression],
  ["tuple_expression", tuple],
  ["verbatim_string_literal", verbatimLiteral],
]);

function inner(node: SyntaxNode, scope: Scope, wanted?: Type): Code {
  const [only] = namedChildren(node);
  return only === undefined ? scope.unit.unsupported(node, "empty brackets") : scope.unit.expression(only, scope, wanted);
}

function identifier(node: SyntaxNode, scope: Scope): Code {
  const variable = scope.find(node.text.replace(/^@/, ""));
  // Of a variable of unknown type what it was to hold is noted already.
  if (variable !== null) return variable.type.name === "?" ? neverSet(node.text) : readVariable(variable, scope);
  if (node.text === "context") return { type: type("IProxyRequestContext"), run: ({ run }) => new ContextValue(run.context) };
  return scope.unit.unsupported(node, `the name ${qualified(node)}`);
}

/** Of a namespace all of the dotted name that begins with it. */
function qualified(node: SyntaxNode): string {
  let whole = node;
  while (/^(?:System|Newtonsoft)$/.test(node.text) && whole.parent?.type === "member_access_expression") whole = whole.parent;
  return whole.text.replaceAll(/\s/g, "");
}

function neverSet(name: string): Code {
  return {
    type: types.unknown,
    run() {
      throw unsupported(`what the variable ${name} is to hold`);
    },
  };
}

function binaryExpression(node: SyntaxNode, scope: Scope): Code {
  const [leftNode, rightNode] = [childIn(node, "left"), childIn(node, "right")];
  const operator = childIn(node, "operator")?.text ?? "";
  if (leftNode === null || rightNode === null) return scope.unit.unsupported(node, "this operator");
  const left = scope.unit.expression(leftNode, scope);
  const right = scope.unit.expression(rightNode, scope);
  if (operator === "??") return coalesced(left, right, scope, node);
  if (operator === "&&" || operator === "||") return shortCircuit(operator, left, right, scope, node);
  return binary(operator, left, right, scope, node);
}

function prefixExpression(node: SyntaxNode, scope: Scope): Code {
  const operator = node.children.find(({ named }) => !named)?.text ?? "";
  if (operator === "++" || operator === "--") return step(node, scope);
  const operand = namedChildren(node)[0];
  return operand === undefined
    ? scope.unit.unsupported(node, "this operator")
    : prefix(operator, scope.unit.expression(operand, scope), scope, node);
}

function cast(node: SyntaxNode, scope: Scope): Code {
  const [typeNode, valueNode] = [childIn(node, "type"), childIn(node, "value")];
  if (typeNode === null || valueNode === null) return scope.unit.unsupported(node, "this cast");
  const to = scope.unit.type(typeNode);
  const value = scope.unit.expression(valueNode, scope, to ?? undefined);
  if (isUnknown(value)) return value;
  if (to === null) return scope.unit.unsupported(typeNode, typeText(typeNode));
  const conversion = explicitConversion(scope.unit.library, value.type, to, value.constant);
  return conversion === null
    ? scope.unit.unsupported(node, `a cast of ${value.type.text} to ${to.text}`)
    : converted(value, conversion, to);
}

function asExpression(node: SyntaxNode, scope: Scope): Code {
  const [valueNode, typeNode] = [childIn(node, "left"), childIn(node, "right")];
  const to = typeNode === null ? null : scope.unit.type(typeNode);
  if (valueNode === null || to === null) return unknown(scope.unit.unsupported(node, "this type"));
  const { library } = scope.unit;
  const value = scope.unit.expression(valueNode, scope);
  if (isUnknown(value)) return value;
  if (library.isValue(to) && to.name !== "Nullable") return scope.unit.unsupported(node, `as ${to.text}`);
  return {
    type: to,
    run(frame) {
      const found = value.run(frame);
      return isOfType(library, found, to) ? found : null;
    },
  };
}

function conditional(node: SyntaxNode, scope: Scope, wanted?: Type): Code {
  const [conditionNode, thenNode, otherwiseNode] = [childIn(node, "condition"), childIn(node, "consequence"), childIn(node, "alternative")];
  if (conditionNode === null || thenNode === null || otherwiseNode === null) return scope.unit.unsupported(node, "this operator");
  const test = implicitly(scope.unit.expression(conditionNode, scope), types.bool, scope, conditionNode);
  const [then, otherwise] = [scope.unit.expression(thenNode, scope, wanted), scope.unit.expression(otherwiseNode, scope, wanted)];
  // A branch that throws has no type of its own.
  const type = isUnknown(then) ? otherwise.type : isUnknown(otherwise) ? then.type : common(then, otherwise, scope);
  if (type === null) return scope.unit.unsupported(node, `the operator ?: on ${then.type.text} and ${otherwise.type.text}`);
  const [first, second] = [implicitly(then, type, scope, thenNode).run, implicitly(otherwise, type, scope, otherwiseNode).run];
  return { type, run: (frame) => (test.run(frame) === true ? first(frame) : second(frame)) };
}

function common(then: Code, otherwise: Code, scope: Scope): Type | null {
  if (then.type.text === otherwise.type.text) return then.type;
  const nullOfValue =
    [then, otherwise].some(({ type }) => type.name === "null") &&
    [then, otherwise].some(({ type }) => scope.unit.library.isValue(type) && type.name !== "Nullable");
  return nullOfValue ? null : commonType(scope.unit.library, then.type, otherwise.type);
}

function defaultValue(node: SyntaxNode, scope: Scope, wanted?: Type): Code {
  const typeNode = childIn(node, "type") ?? namedChildren(node)[0];
  const type = typeNode === undefined ? (wanted ?? null) : scope.unit.type(typeNode);
  return type === null ? scope.unit.unsupported(node, "default of this type") : { type, run: () => defaultOf(scope.unit.library, type) };
}

/** A lambda where its type is known from where it goes: `Func<int, int> f = x => x + 1`. */
function lambdaValue(node: SyntaxNode, scope: Scope, wanted?: Type): Code {
  const signature = wanted === undefined ? null : signatureOf(wanted);
  if (wanted === undefined || signature === null || signature.parameters.length !== lambdaArity(node))
    return scope.unit.unsupported(node, "a lambda here");
  const { returns, make } = scope.unit.lambda(node, signature.parameters, scope);
  const fits = signature.returns.name === "void" || returns.name === "?" || returns.text === signature.returns.text;
  return fits
    ? { type: wanted, run: (frame) => make(frame, wanted) }
    : scope.unit.unsupported(node, `a lambda of ${returns.text} as ${wanted.text}`);
}

function throwExpression(node: SyntaxNode, scope: Scope): Code {
  const valueNode = namedChildren(node)[0];
  if (valueNode === undefined) return scope.unit.unsupported(node, "throw without an exception");
  const value = scope.unit.expression(valueNode, scope);
  return {
    type: types.unknown,
    run(frame) {
      throw thrown(value.run(frame));
    },
  };
}
