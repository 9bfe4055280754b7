import { childIn, namedChildren, type SyntaxNode } from "../expression-syntax.ts";
import { converted } from "./casts.ts";
import { asToken, isProperty } from "./creation.ts";
import { withEntry } from "./dictionaries.ts";
import { type Code, type Frame, GivenUp } from "./frame.ts";
import { arrayOf, itemsOf, membersOf, objectOf } from "./json-text.ts";
import { isText, numberOf } from "./numbers.ts";
import { binary } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { isNumberType, type TypeName } from "./type-names.ts";
import type { Known } from "./values.ts";

/** `x = ...`, `x += ...`, `x["a"] = ...`. */
export function assignment(node: SyntaxNode, scope: Scope): Code {
  const [left, operator, right] = [childIn(node, "left"), childIn(node, "operator"), childIn(node, "right")];
  if (left === null || operator === null || right === null) throw new GivenUp();
  const code = scope.code(right);
  if (left.type === "element_access_expression" && operator.type === "=") return entryAssignment(left, code, scope);
  const name = localName(left, scope);
  if (operator.type === "=") return (frame) => assigned(name, code(frame), frame);
  const arithmetic = /^([-+*/%])=$/.exec(operator.type)?.[1];
  if (arithmetic === undefined) throw new GivenUp();
  return (frame) => assigned(name, binary(arithmetic, localValue(name, frame), code(frame), node.text, frame), frame);
}

/** `x++`; `first` where the new value is what it comes to. */
export function stepped(operand: SyntaxNode, scope: Scope, operator: "++" | "--", first: boolean): Code {
  const name = localName(operand, scope);
  return (frame) => {
    const before = localValue(name, frame);
    const after = assigned(name, binary(operator === "++" ? "+" : "-", before, numberOf(1, "int"), operand.text, frame), frame);
    return first ? after : before;
  };
}

function localName(node: SyntaxNode, scope: Scope): string {
  if (node.type !== "identifier" || !scope.locals.has(node.text)) throw new GivenUp();
  return node.text;
}

function localValue(name: string, { locals }: Frame): Known {
  const value = locals.get(name);
  if (value === undefined) throw new GivenUp();
  return value;
}

function assigned(name: string, value: Known, { locals }: Frame): Known {
  const kept = alike(locals.get(name), value);
  locals.set(name, kept);
  return kept;
}

/** A local keeps the type that it is declared with. */
function alike(before: Known | undefined, value: Known): Known {
  if (before?.kind !== "constant" || value.kind !== "constant" || value.type === "token") return value;
  if (typeof before.value !== "number" || before.type === "token" || typeof value.value !== "number") return value;
  return converted(value, before.type ?? "int");
}

/** What a local of a declared type holds. */
export function declaredAs(value: Known, type: TypeName): Known {
  if (value.kind === "constant" && isNumberType(type)) return converted(value, type);
  if (value.kind === "constant" && value.type === "token" && (type === "string" || type === "bool")) return converted(value, type);
  return value;
}

/** On a new object: who else holds the old one would not see the change. */
function entryAssignment(left: SyntaxNode, code: Code, scope: Scope): Code {
  const [target, list] = [childIn(left, "expression"), childIn(left, "subscript")];
  const argument = list === null ? undefined : namedChildren(list)[0];
  const index = argument === undefined ? undefined : namedChildren(argument).at(-1);
  if (target === null || index === undefined || scope.shared.has(target.text)) throw new GivenUp();
  const name = localName(target, scope);
  const key = scope.code(index);
  return (frame) => {
    const [at, value] = [key(frame), code(frame)];
    frame.locals.set(name, withMember(localValue(name, frame), at, value));
    return value;
  };
}

function withMember(target: Known, key: Known, value: Known): Known {
  if (target.kind === "unknown") return target;
  const entry = withEntry(target, key, value);
  if (entry !== null) return entry;
  const members = membersOf(target);
  if (members === null || !isText(key)) throw new GivenUp();
  return objectOf(new Map(members).set(key.value, asToken(value)));
}

/** `list.Add(x)` and the like, as a statement of its own; null where the call changes no local. */
export function changeCall(node: SyntaxNode, scope: Scope): ((frame: Frame) => void) | null {
  const method = node.type === "invocation_expression" ? childIn(node, "function") : null;
  const [target, written] = method === null ? [] : [childIn(method, "expression"), childIn(method, "name")];
  const list = childIn(node, "arguments");
  if (method?.type !== "member_access_expression" || target?.type !== "identifier" || list === null) return null;
  if (!scope.locals.has(target.text) || written?.text !== "Add") return null;
  if (scope.shared.has(target.text)) throw new GivenUp();
  const codes = namedChildren(list).map((argument) => scope.code(namedChildren(argument).at(-1) ?? argument));
  return (frame) => {
    const [first, second] = codes.map((code) => code(frame));
    frame.locals.set(target.text, withAdded(localValue(target.text, frame), first, second));
  };
}

/** A `JArray` with an item, or a `JObject` with a `JProperty`. */
function withToken(target: Known, added: Known): Known {
  const [items, members] = [itemsOf(target), membersOf(target)];
  if (items !== null) return arrayOf([...items, asToken(added)]);
  if (members === null || !isProperty(added)) throw new GivenUp();
  return objectOf(new Map(members).set(added.name, added.content));
}

function withAdded(target: Known, first: Known | undefined, second: Known | undefined): Known {
  if (first === undefined) throw new GivenUp();
  if (second !== undefined) return withMember(target, first, second);
  if (target.kind === "unknown") return target;
  if (target.kind !== "list") return withToken(target, first);
  return { kind: "list", items: [...target.items, first] };
}
