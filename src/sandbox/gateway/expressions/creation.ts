import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { setterFor } from "./assignments.ts";
import { implicitly, isUnknown, unknown } from "./code.ts";
import { Composite, ExceptionValue, NetArray } from "./collections.ts";
import { commonType, defaultOf } from "./conversions.ts";
import { ExpressionError, exceptionBases } from "./errors.ts";
import { methodGroup } from "./members.ts";
import { int } from "./numbers.ts";
import { argumentsOf, type Call, resolve } from "./overloads.ts";
import type { Code, Frame, Scope } from "./scope.ts";
import { typeText } from "./type-names.ts";
import { arrayOf, makeType, type Type, types } from "./types.ts";
import type { Value } from "./values.ts";

/** `new T(...) { ... }` */
export function objectCreation(node: SyntaxNode, scope: Scope): Code {
  const typeNode = childIn(node, "type");
  const type = typeNode === null ? null : scope.unit.type(typeNode);
  if (type === null) return scope.unit.unsupported(typeNode ?? node, typeText(typeNode ?? node));
  const list = childIn(node, "arguments");
  const args = argumentsOf(list, scope, methodGroup);
  if (exceptionBases.has(type.name))
    return newException(
      type,
      args.flatMap(({ code }) => code ?? []),
      scope,
      node,
    );
  const broken = args.flatMap(({ code }) => (code !== null && isUnknown(code) ? [code] : []));
  if (broken.length > 0) return unknown(...broken);
  const call = resolve(scope.unit.library.find(type, "new", true), args, [], scope.unit);
  const initializer = childIn(node, "initializer");
  if (call === null)
    return scope.unit.unsupported(node, `new ${type.text}(${args.map(({ code }) => code?.type.text ?? "function").join(", ")})`);
  const made: Code = {
    type,
    run(frame) {
      frame.run.step();
      return call.found.member.invoke(
        call.arguments.map((argument) => argument(frame)),
        frame.run,
        call.bindings,
      );
    },
  };
  return initializer === null ? made : initialized(made, initializer, scope);
}

function newException(type: Type, args: readonly Code[], scope: Scope, node: SyntaxNode): Code {
  const [message, inner] = args;
  if (args.length > 2 || (message !== undefined && message.type.name !== "string"))
    return scope.unit.unsupported(node, `new ${type.text} with these arguments`);
  return {
    type,
    run(frame) {
      const text = message?.run(frame) ?? null;
      const within = inner?.run(frame) ?? null;
      const said = typeof text === "string" ? text : `Exception of type 'System.${type.name}' was thrown.`;
      return new ExceptionValue(type.name, said, within instanceof ExceptionValue ? within : null);
    },
  };
}

/** `{ X = 1 }`, `{ ["x"] = 1 }`, `{ 1, 2 }` and `{ { "x", 1 } }` behind a `new`. */
function initialized(made: Code, initializer: SyntaxNode, scope: Scope): Code {
  const slot = scope.declare(`$${initializer.start}`, made.type).slot;
  const object: Code = { type: made.type, run: (frame) => frame.slots[slot] ?? null };
  const steps = namedChildren(initializer).map((entry) => initializerStep(entry, object, scope));
  return {
    type: made.type,
    run(frame) {
      const value = made.run(frame);
      // A loop may come here again while the object is still in use: the slot is only for the initializer.
      frame.slots[slot] = value;
      for (const step of steps) step(frame);
      return value;
    },
  };
}

function initializerStep(entry: SyntaxNode, object: Code, scope: Scope): (frame: Frame) => void {
  if (entry.type === "assignment_expression") return memberStep(entry, object, scope);
  const values = entry.type === "initializer_expression" ? namedChildren(entry) : [entry];
  const args = values.map((node) => ({ node, name: null, code: scope.unit.expression(node, scope), out: null, lambda: null, arity: null }));
  const broken = args.find(({ code }) => isUnknown(code));
  if (broken !== undefined) return broken.code.run;
  return (
    callStep(resolve(scope.unit.library.find(object.type, "Add", false), args, [], scope.unit), object) ??
    scope.unit.unsupported(entry, `an element like this of ${object.type.text}`).run
  );
}

function callStep(call: Call | null, object: Code): ((frame: Frame) => void) | null {
  if (call === null) return null;
  return (frame) => {
    frame.run.step();
    call.found.member.invoke([object.run(frame), ...call.arguments.map((argument) => argument(frame))], frame.run, call.bindings);
  };
}

function memberStep(entry: SyntaxNode, object: Code, scope: Scope): (frame: Frame) => void {
  const [left, right] = [childIn(entry, "left"), childIn(entry, "right")];
  if (left === null || right === null || right.type === "initializer_expression")
    return scope.unit.unsupported(entry, "this initializer").run;
  if (left.type === "identifier") {
    const setter = setterFor(object.type, `set ${left.text}`, null, scope);
    if (setter === null) return scope.unit.unsupported(entry, `the initializer of ${object.type.text}.${left.text}`).run;
    const value = implicitly(scope.unit.expression(right, scope, setter.type), setter.type, scope, right);
    return (frame) => setter.write([object.run(frame), value.run(frame)], frame);
  }
  const list =
    left.type === "bracketed_argument_list" ? left : (namedChildren(left).find(({ type }) => type === "bracketed_argument_list") ?? left);
  const indices = namedChildren(list.type === "bracketed_argument_list" ? list : left);
  const args = argumentsOf(list, scope, methodGroup);
  const value = scope.unit.expression(right, scope);
  if (isUnknown(value) || indices.length === 0) return isUnknown(value) ? value.run : scope.unit.unsupported(entry, "this initializer").run;
  const call = resolve(
    scope.unit.library.find(object.type, "set this", false),
    [...args, { node: right, name: null, code: value, out: null, lambda: null, arity: null }],
    [],
    scope.unit,
  );
  return callStep(call, object) ?? scope.unit.unsupported(entry, `an element like this of ${object.type.text}`).run;
}

/** `new T[n]`, `new T[] { ... }` */
export function arrayCreation(node: SyntaxNode, scope: Scope): Code {
  const typeNode = childIn(node, "type");
  const elementNode = typeNode === null ? null : childIn(typeNode, "type");
  const element = elementNode === null ? null : scope.unit.type(elementNode);
  const rank = typeNode === null ? null : childIn(typeNode, "rank");
  if (element === null || rank === null || rank.text.includes(",")) return scope.unit.unsupported(node, "this array");
  const initializer = namedChildren(node).find(({ type }) => type === "initializer_expression");
  if (initializer !== undefined) return arrayOfValues(initializer, element, scope);
  const [sizeNode] = namedChildren(rank);
  if (sizeNode === undefined) return scope.unit.unsupported(node, "this array");
  const size = implicitly(scope.unit.expression(sizeNode, scope), types.int, scope, sizeNode);
  if (isUnknown(size)) return size;
  const zero = defaultOf(scope.unit.library, element);
  return {
    type: arrayOf(element),
    run(frame) {
      const length = int(size.run(frame));
      if (length < 0) throw new ExpressionError("OverflowException", "Arithmetic operation resulted in an overflow.");
      frame.run.step(length);
      return new NetArray(element, new Array<Value>(length).fill(zero));
    },
  };
}

/** `new[] { ... }` */
export function implicitArrayCreation(node: SyntaxNode, scope: Scope): Code {
  const initializer = namedChildren(node).find(({ type }) => type === "initializer_expression");
  const values = initializer === undefined ? [] : namedChildren(initializer).map((value) => scope.unit.expression(value, scope));
  const broken = values.filter(isUnknown);
  if (broken.length > 0) return unknown(...broken);
  const best = values.reduce<Type | null>(
    (common, { type }) => (common === null ? null : commonType(scope.unit.library, common, type)),
    values[0]?.type ?? null,
  );
  if (initializer === undefined || best === null || best.name === "null") return scope.unit.unsupported(node, "an array of these types");
  return arrayOfValues(initializer, best, scope);
}

/** `{ ... }`, of an array of which the element's type is known. */
export function arrayOfValues(initializer: SyntaxNode, element: Type, scope: Scope): Code {
  const values = namedChildren(initializer).map((value) => implicitly(scope.unit.expression(value, scope, element), element, scope, value));
  if (values.some(isUnknown)) return unknown(...values);
  return {
    type: arrayOf(element),
    run(frame) {
      frame.run.step(values.length);
      return new NetArray(
        element,
        values.map(({ run }) => run(frame)),
      );
    },
  };
}

/** `new { Name = value, other.Member }` */
export function anonymousObject(node: SyntaxNode, scope: Scope): Code {
  const names: string[] = [];
  const values: Code[] = [];
  let pending: string | null = null;
  for (const child of node.children) {
    if (child.type === "assignment_expression") {
      names.push(childIn(child, "left")?.text ?? "");
      values.push(scope.unit.expression(childIn(child, "right") ?? child, scope));
    } else if (child.named) {
      const next = node.children[node.children.indexOf(child) + 1];
      if (child.type === "identifier" && next?.text === "=") pending = child.text;
      else {
        names.push(pending ?? (childIn(child, "name") ?? child).text);
        values.push(scope.unit.expression(child, scope));
        pending = null;
      }
    }
  }
  if (names.some((name) => !/^\w+$/.test(name))) return scope.unit.unsupported(node, "an anonymous object like this");
  return composite(`{${names.join(",")}}`, values);
}

/** `(a, b)`; names of elements are those that the text gives. */
export function tuple(node: SyntaxNode, scope: Scope): Code {
  const args = namedChildren(node).filter(({ type }) => type === "argument");
  const names = args.map((argument) => childIn(argument, "name")?.text.replace(/\s*:$/, "") ?? "");
  const values = args.map((argument) => scope.unit.expression(namedChildren(argument).at(-1) ?? argument, scope));
  return composite(`(${names.join(",")})`, values);
}

function composite(name: string, values: readonly Code[]): Code {
  if (values.some(isUnknown)) return unknown(...values);
  const type = makeType(
    name,
    values.map((value) => value.type),
  );
  return {
    type,
    run: (frame) =>
      new Composite(
        type,
        values.map(({ run }) => run(frame)),
      ),
  };
}
