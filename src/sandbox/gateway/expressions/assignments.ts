import { childIn, namedChildren, type SyntaxNode } from "../../../policy/expression-syntax.ts";
import { implicitly, isUnknown, unknown } from "./code.ts";
import { explicitConversion } from "./conversions.ts";
import { elementPlace } from "./members.ts";
import { binary, coalesced } from "./operators.ts";
import { type Code, type Frame, readVariable, type Scope, writeVariable } from "./scope.ts";
import { typeNamed } from "./type-names.ts";
import { substitute, type Type, types } from "./types.ts";
import { nullReference, type Value } from "./values.ts";

/** Somewhere to assign to. */
interface Place {
  readonly type: Type;
  /** Evaluates what the place is made of, once, so that it can be read and written. */
  readonly prepare: (frame: Frame) => void;
  readonly read: Code;
  readonly write: (frame: Frame, value: Value) => void;
}

export function assignment(node: SyntaxNode, scope: Scope): Code {
  const [left, right] = [childIn(node, "left"), childIn(node, "right")];
  const operator = childIn(node, "operator")?.text ?? node.children.find(({ named }) => !named)?.text ?? "=";
  if (left === null || right === null) return scope.unit.unsupported(node, "this assignment");
  if (left.type === "identifier" && left.text === "_" && scope.find("_") === null && operator === "=")
    return scope.unit.expression(right, scope);
  const place = placeOf(left, scope);
  if ("run" in place) return unknown(place);
  const value = scope.unit.expression(right, scope, place.type);
  if (operator === "=") return assigned(place, implicitly(value, place.type, scope, right));
  if (operator === "??=") return scope.unit.unsupported(node, "the operator ??=");
  return assigned(place, computed(operator.slice(0, -1), place, value, scope, node));
}

/** `x operator= y` is `x = (T)(x operator y)`. */
function computed(operator: string, place: Place, value: Code, scope: Scope, node: SyntaxNode): Code {
  const result = operator === "??" ? coalesced(place.read, value, scope, node) : binary(operator, place.read, value, scope, node);
  if (isUnknown(result) || result.type.text === place.type.text) return result;
  const conversion = explicitConversion(scope.unit.library, result.type, place.type);
  if (conversion === null) return implicitly(result, place.type, scope, node);
  const { convert } = conversion;
  return { type: place.type, run: (frame) => (convert === null ? result.run(frame) : convert(result.run(frame))) };
}

function assigned({ prepare, write }: Place, value: Code): Code {
  const { run } = value;
  return {
    type: value.type,
    run(frame) {
      prepare(frame);
      const written = run(frame);
      write(frame, written);
      return written;
    },
  };
}

/** `x++`, `--x` */
export function step(node: SyntaxNode, scope: Scope): Code {
  const operator = node.children.find(({ named }) => !named)?.text ?? "";
  const operand = namedChildren(node)[0];
  if (operand === undefined || (operator !== "++" && operator !== "--")) return scope.unit.unsupported(node, `the operator ${operator}`);
  const place = placeOf(operand, scope);
  if ("run" in place) return place;
  const one: Code = { type: types.int, run: () => 1, constant: 1 };
  const next = computed(operator === "++" ? "+" : "-", place, one, scope, node);
  if (isUnknown(next)) return next;
  const isPostfix = node.type === "postfix_unary_expression";
  return {
    type: place.type,
    run(frame) {
      place.prepare(frame);
      const before = place.read.run(frame);
      const after = next.run(frame);
      place.write(frame, after);
      return isPostfix ? before : after;
    },
  };
}

function placeOf(node: SyntaxNode, scope: Scope): Place | Code {
  switch (node.type) {
    case "identifier": {
      const variable = scope.find(node.text);
      if (variable === null) return scope.unit.unsupported(node, `the name ${node.text}`);
      return { type: variable.type, prepare: () => undefined, read: readVariable(variable, scope), write: writeVariable(variable, scope) };
    }
    case "element_access_expression":
      return elementOf(node, scope);
    case "member_access_expression":
      return memberOf(node, scope);
    case "parenthesized_expression": {
      const inner = namedChildren(node)[0];
      if (inner !== undefined) return placeOf(inner, scope);
    }
  }
  return scope.unit.unsupported(node, "an assignment to this");
}

function elementOf(node: SyntaxNode, scope: Scope): Place | Code {
  const place = elementPlace(node, scope, "this");
  if (place === null) return scope.unit.unsupported(node, "an assignment to this");
  if ("code" in place) return place.code;
  const { target, call } = place;
  const setter = setterFor(target.type, "set this", call.returns, scope);
  if (setter === null) return scope.unit.unsupported(node, `an assignment to an element of ${target.type.text}`);
  const object = scope.declare(`$${node.start}`, target.type).slot;
  const indices = call.arguments.map((_, index) => scope.declare(`$${node.start}.${index}`, types.object).slot);
  return {
    type: setter.type,
    prepare(frame) {
      frame.slots[object] = target.run(frame);
      indices.forEach((slot, index) => {
        frame.slots[slot] = call.arguments[index]?.(frame) ?? null;
      });
    },
    read: {
      type: call.returns,
      run: (frame) =>
        call.found.member.invoke(
          [there(frame.slots[object]), ...indices.map((slot) => frame.slots[slot] ?? null)],
          frame.run,
          call.bindings,
        ),
    },
    write(frame, value) {
      setter.write([there(frame.slots[object]), ...indices.map((slot) => frame.slots[slot] ?? null), value], frame);
    },
  };
}

function memberOf(node: SyntaxNode, scope: Scope): Place | Code {
  const [targetNode, nameNode] = [childIn(node, "expression"), childIn(node, "name")];
  if (targetNode === null || nameNode === null || typeNamed(targetNode, scope.unit.library) !== null)
    return scope.unit.unsupported(node, "an assignment to this");
  const target = scope.unit.expression(targetNode, scope);
  if (isUnknown(target)) return target;
  const setter = setterFor(target.type, `set ${nameNode.text}`, null, scope);
  const getter = scope.unit.library.find(target.type, nameNode.text, false)[0]?.[0];
  if (setter === null || getter === undefined)
    return scope.unit.unsupported(nameNode, `an assignment to ${target.type.text}.${nameNode.text}`);
  const object = scope.declare(`$${node.start}`, target.type).slot;
  return {
    type: setter.type,
    prepare(frame) {
      frame.slots[object] = target.run(frame);
    },
    read: {
      type: substitute(getter.member.returns, getter.bindings),
      run: (frame) => getter.member.invoke([there(frame.slots[object])], frame.run, getter.bindings),
    },
    write(frame, value) {
      setter.write([there(frame.slots[object]), value], frame);
    },
  };
}

function there(value: Value | undefined): Value {
  if (value === null || value === undefined) throw nullReference();
  return value;
}

interface Setter {
  readonly type: Type;
  readonly write: (args: readonly Value[], frame: Frame) => void;
}

/** The member that assigns; of several the one that takes the type. */
export function setterFor(owner: Type, name: string, wanted: Type | null, scope: Scope): Setter | null {
  for (const group of scope.unit.library.find(owner, name, false))
    for (const { member, bindings } of group) {
      const type = substitute(member.parameters.at(-1)?.type ?? types.object, bindings);
      if (wanted !== null && wanted.text !== type.text) continue;
      return { type, write: (args, frame) => void member.invoke(args, frame.run, bindings) };
    }
  return null;
}
