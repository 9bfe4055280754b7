import { nearest } from "../../errors.ts";
import { childIn, isNullConditional, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { typeNamed } from "./allowed-types.ts";
import { error } from "./finding.ts";
import { elementType, instanceMember, type MemberUse, staticMember } from "./members.ts";
import { isCertain } from "./operators.ts";
import { dottedName, readType, typeFinding } from "./read-types.ts";
import { type Reader, type Reading, readAll } from "./reading.ts";
import { declaredNames, declaredType, type Scope } from "./scope.ts";

/** A name that stands alone: a variable, or the type before a dot. */
export const readIdentifier: Reader = (reading, node, scope) => {
  const name = node.text;
  const declared = declaredType(scope, name);
  if (declared !== undefined) return declared;
  if (reading.isWild(name) || name === "_" || name === "nameof") return "?";
  const { parent } = node;
  const mayBeType = parent?.type === "member_access_expression" || parent?.type === "constant_pattern";
  if (mayBeType && (typeNamed([name]) !== null || /^[A-Z]/.test(name))) {
    const finding = typeFinding([name], node.start);
    if (finding !== null) reading.report(finding);
    return "?";
  }
  const [near] = nearest(name, declaredNames(scope), 1);
  const fix = near === undefined ? 'Declare it; a variable of set-variable is context.Variables["..."]' : `Did you mean ${near}?`;
  reading.report(error("expression-name", node.start, `The name '${name}' does not exist in the current context`, fix));
  return "?";
};

export const readMember: Reader = (reading, node, scope) => memberOf(reading, node, scope, false);
export const readCall: Reader = (reading, node, scope) => {
  const callee = childIn(node, "function");
  const list = childIn(node, "arguments");
  const type = callee === null ? "?" : readCallee(reading, callee, scope);
  const types = list === null ? [] : readAll(reading, namedChildren(list), scope);
  // The type argument of GetValueOrDefault(name, value) is the value's type.
  return type === "T" ? (types[1] ?? "?") : type;
};

export const readElement: Reader = (reading, node, scope) => {
  const target = childIn(node, "expression");
  const subscript = childIn(node, "subscript");
  const type = target === null ? "?" : reading.read(target, scope);
  if (subscript !== null) reading.read(subscript, scope);
  return lifted(elementType(type), node);
};

/** What a call of the node gives. */
function readCallee(reading: Reading, node: SyntaxNode, scope: Scope): string {
  switch (node.type) {
    case "member_access_expression":
      return memberOf(reading, node, scope, true);
    case "generic_name":
      readTypeArguments(reading, node, scope);
      return "?";
    default: {
      const type = reading.read(node, scope);
      if (isCertain(type)) reading.report(error("expression-syntax", node.end, "Method name expected"));
      return "?";
    }
  }
}

function memberOf(reading: Reading, node: SyntaxNode, scope: Scope, called: boolean): string {
  const [target, name] = [childIn(node, "expression"), childIn(node, "name")];
  if (target === null || name === null) return "?";
  readTypeArguments(reading, name, scope);
  if (target.type === "predefined_type") return staticOf(reading, target.text, target.text, name, called);
  const parts = dottedName(node, scope)?.map(({ text }) => text) ?? [];
  const type = parts.length === 0 || parts.some((part) => reading.isWild(part)) ? null : typeNamed(parts);
  if (type !== null && type.parts >= parts.length - 1) {
    const finding = typeFinding(parts, node.start);
    if (finding !== null) reading.report(finding);
    return finding === null && type.parts < parts.length ? staticOf(reading, type.simpleName, type.fullName, name, called) : "?";
  }
  // A namespace.
  if (type === null && parts.length > 0 && /^(?:System|Microsoft|Newtonsoft)$/.test(parts[0] ?? "")) return "?";
  const of = reading.read(target, scope);
  return lifted(
    used(reading, name, (query) => instanceMember(of, query), called),
    node,
  );
}

/** The type of an access: behind a `?.` a value type becomes nullable, and such a type is not known here. */
function lifted(type: string, access: SyntaxNode): string {
  return isCertain(type) && type !== "string" && isNullable(access) ? "?" : type;
}

function isNullable(node: SyntaxNode): boolean {
  if (isNullConditional(node)) return true;
  const target = childIn(node, "expression") ?? childIn(node, "function");
  return target !== null && chained.has(target.type) && isNullable(target);
}

const chained: ReadonlySet<string> = new Set(["member_access_expression", "element_access_expression", "invocation_expression"]);

function staticOf(reading: Reading, simpleName: string, fullName: string, name: SyntaxNode, called: boolean): string {
  return used(reading, name, (query) => staticMember(simpleName, fullName, query), called);
}

function used(
  reading: Reading,
  name: SyntaxNode,
  lookUp: (query: { name: string; offset: number; called: boolean }) => MemberUse,
  called: boolean,
): string {
  const simple = name.type === "generic_name" ? (name.children[0] ?? name) : name;
  const { type, finding } = lookUp({ name: simple.text, offset: name.start, called });
  if (reading.isWild(simple.text)) return "?";
  if (finding !== null) reading.report(finding);
  if (type !== "T") return type;
  const list = name.children.find((child) => child.type === "type_argument_list");
  return list === undefined ? "T" : (namedChildren(list)[0]?.text ?? "?");
}

function readTypeArguments(reading: Reading, name: SyntaxNode, scope: Scope): void {
  const list = name.children.find(({ type }) => type === "type_argument_list");
  for (const argument of list === undefined ? [] : namedChildren(list)) readType(reading, argument, scope);
}
