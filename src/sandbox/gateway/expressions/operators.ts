import type { SyntaxNode } from "../../../policy/expression-syntax.ts";
import { constant, converted, implicitly, isUnknown, unknown } from "./code.ts";
import { implicitConversion } from "./conversions.ts";
import { DateTime, DateTimeOffset, TimeSpan } from "./dates.ts";
import { ExpressionError } from "./errors.ts";
import { type Arithmetic, arithmetics, asDouble, castNumber, int, long, promoted } from "./numbers.ts";
import type { Code, Frame, Scope } from "./scope.ts";
import { makeType, sameType, type Type, types, underlying } from "./types.ts";
import { Double, EnumValue, equal, toText, type Value } from "./values.ts";

type Operation = (one: Value, other: Value) => Value;

interface Operator {
  readonly type: Type;
  /** What both operands are converted to first; null where they stay. */
  readonly operand: Type | null;
  readonly apply: Operation;
}

/** `left operator right`, but for those that do not always evaluate both (https://learn.microsoft.com/dotnet/csharp/language-reference/operators). */
export function binary(operator: string, left: Code, right: Code, scope: Scope, node: SyntaxNode): Code {
  if (isUnknown(left) || isUnknown(right)) return unknown(left, right);
  if (operator === "+" && (left.type.name === "string" || right.type.name === "string")) return concatenation(left, right);
  const lifted = left.type.name === "Nullable" || right.type.name === "Nullable";
  const [one, other] = [underlying(left.type), underlying(right.type)];
  if (lifted && (one.name === "null" || other.name === "null"))
    return comparisonWithNull(operator, left, right) ?? wrong(operator, left, right, scope, node);
  const found = operatorOn(operator, one, other, scope);
  if (typeof found === "string") return scope.unit.unsupported(node, found);
  if (found === null) return wrong(operator, left, right, scope, node);
  return lifted ? liftedOperation(operator, left, right, found, scope, node) : plainOperation(left, right, found, scope, node);
}

function wrong(operator: string, left: Code, right: Code, scope: Scope, node: SyntaxNode): Code {
  return scope.unit.unsupported(node, `the operator ${operator} on ${left.type.text} and ${right.type.text}`);
}

function plainOperation(left: Code, right: Code, { type, operand, apply }: Operator, scope: Scope, node: SyntaxNode): Code {
  const one = operand === null ? left : implicitly(left, operand, scope, node);
  const other = operand === null ? right : implicitly(right, operand, scope, node);
  if (isUnknown(one) || isUnknown(other)) return unknown(one, other);
  const [first, second] = [one.run, other.run];
  if (one.constant !== undefined && other.constant !== undefined) {
    try {
      return constant(type, apply(one.constant, other.constant));
    } catch {
      // It throws when it is reached.
    }
  }
  if (left.type.name !== "string") return { type, run: (frame) => apply(first(frame), second(frame)) };
  return {
    type,
    run(frame) {
      const text = first(frame);
      frame.run.weigh(text);
      return apply(text, second(frame));
    },
  };
}

/** On `T?`: null where an operand is, but comparisons are false then. */
function liftedOperation(
  operator: string,
  left: Code,
  right: Code,
  { type, operand, apply }: Operator,
  scope: Scope,
  node: SyntaxNode,
): Code {
  const to = operand === null ? null : makeType("Nullable", [operand]);
  const one = to === null ? left : implicitly(left, to, scope, node);
  const other = to === null ? right : implicitly(right, to, scope, node);
  const ofNull: Operation = (a, b) => (operator === "==" ? a === b : operator === "!=" ? a !== b : type.name === "bool" ? false : null);
  return {
    type: type.name === "bool" ? type : makeType("Nullable", [type]),
    run(frame) {
      const [a, b] = [one.run(frame), other.run(frame)];
      return a === null || b === null ? ofNull(a, b) : apply(a, b);
    },
  };
}

function comparisonWithNull(operator: string, left: Code, right: Code): Code | null {
  if (operator !== "==" && operator !== "!=") return null;
  return { type: types.bool, run: (frame) => (left.run(frame) === right.run(frame)) === (operator === "==") };
}

function concatenation(left: Code, right: Code): Code {
  const [one, other] = [left.run, right.run];
  if (left.constant !== undefined && right.constant !== undefined)
    return constant(types.string, toText(left.constant) + toText(right.constant));
  return {
    type: types.string,
    run(frame) {
      const first = toText(one(frame));
      return frame.run.text(first + toText(other(frame)));
    },
  };
}

/** A text is what the sandbox does not execute; null is what C# does not know. */
function operatorOn(operator: string, one: Type, other: Type, scope: Scope): Operator | string | null {
  const kind = promoted(one.name, other.name);
  if (kind !== null) return numericOperator(operator, kind);
  if (operator === "==" || operator === "!=") return equality(operator === "==", one, other, scope);
  if (one.name === "bool" && other.name === "bool") return logical.get(operator) ?? null;
  if (isEnumeration(one, scope) && sameType(one, other)) return onFlags(operator, one);
  return timeOperator(operator, one.name, other.name);
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
  "==": (order) => order === 0,
  "!=": (order) => order !== 0,
};

const computing: Readonly<Record<string, Exclude<keyof Arithmetic, "compare">>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "%": "remainder",
};

const bitwise: Readonly<Record<string, { readonly int: Operation; readonly long: Operation }>> = {
  "&": { int: (one, other) => int(one) & int(other), long: (one, other) => long(one) & long(other) },
  "|": { int: (one, other) => int(one) | int(other), long: (one, other) => long(one) | long(other) },
  "^": { int: (one, other) => int(one) ^ int(other), long: (one, other) => long(one) ^ long(other) },
  "<<": { int: (one, other) => int(one) << (int(other) & 31), long: (one, other) => BigInt.asIntN(64, long(one) << (long(other) & 63n)) },
  ">>": { int: (one, other) => int(one) >> (int(other) & 31), long: (one, other) => long(one) >> (long(other) & 63n) },
};

function numericOperator(operator: string, kind: keyof typeof arithmetics): Operator | null {
  const arithmetic = arithmetics[kind];
  const operand = types[kind];
  const computation = computing[operator];
  if (computation !== undefined) {
    const compute = arithmetic[computation];
    return { type: operand, operand, apply: compute };
  }
  const comparison = comparisons[operator];
  if (comparison !== undefined) return { type: types.bool, operand, apply: (one, other) => comparison(arithmetic.compare(one, other)) };
  const bits = bitwise[operator];
  return bits === undefined || (kind !== "int" && kind !== "long") ? null : { type: operand, operand, apply: bits[kind] };
}

const logical = new Map<string, Operator>([
  ["&", { type: types.bool, operand: null, apply: (one, other) => one === true && other === true }],
  ["|", { type: types.bool, operand: null, apply: (one, other) => one === true || other === true }],
  ["^", { type: types.bool, operand: null, apply: (one, other) => one !== other }],
]);

/** By value for strings and structs, by reference for the rest. */
function equality(wanted: boolean, one: Type, other: Type, scope: Scope): Operator | string | null {
  const { library } = scope.unit;
  const operator = (apply: (a: Value, b: Value) => boolean): Operator => ({
    type: types.bool,
    operand: null,
    apply: (a, b) => apply(a, b) === wanted,
  });
  if (one.name === "null" || other.name === "null")
    return library.isValue(one) || library.isValue(other) ? null : operator((a, b) => a === b);
  if (one.name === "string" && other.name === "string") return operator((a, b) => a === b);
  if (library.isValue(one) || library.isValue(other)) {
    const related = sameType(one, other) || [one.name, other.name].every((name) => name === "DateTime" || name === "DateTimeOffset");
    return related && one.name !== "KeyValuePair" ? operator(equal) : null;
  }
  if ([one, other].some(({ name }) => name === "string" || name === "object"))
    return implicitConversion(library, one, other) === null && implicitConversion(library, other, one) === null
      ? null
      : "the comparison of an object by reference";
  if (implicitConversion(library, one, other) === null && implicitConversion(library, other, one) === null) return null;
  return operator(one.name === "Uri" ? equal : (a, b) => a === b);
}

function isEnumeration({ name }: Type, scope: Scope): boolean {
  return (scope.unit.library.get(name)?.values.length ?? 0) > 0;
}

function onFlags(operator: string, type: Type): Operator | null {
  const bits = bitwise[operator];
  const number = (value: Value) => (value instanceof EnumValue ? value.number : 0);
  const comparison = comparisons[operator];
  if (comparison !== undefined) return { type: types.bool, operand: null, apply: (one, other) => comparison(number(one) - number(other)) };
  if (bits === undefined) return null;
  return {
    type,
    operand: null,
    apply: (one, other) => new EnumValue(type, `${toText(one)}, ${toText(other)}`, Number(bits.int(number(one), number(other)))),
  };
}

function ticks(value: Value): bigint {
  if (value instanceof DateTimeOffset) return value.utcTicks;
  if (value instanceof DateTime || value instanceof TimeSpan) return value.ticks;
  throw new ExpressionError("NullReferenceException", "Object reference not set to an instance of an object.");
}

function timeOperator(operator: string, one: string, other: string): Operator | null {
  const isDate = (name: string) => name === "DateTime" || name === "DateTimeOffset";
  const comparison = comparisons[operator];
  const comparable = (isDate(one) && isDate(other)) || (one === "TimeSpan" && other === "TimeSpan");
  if (comparison !== undefined && comparable)
    return { type: types.bool, operand: null, apply: (a, b) => comparison(ticks(a) < ticks(b) ? -1 : ticks(a) > ticks(b) ? 1 : 0) };
  const span = makeType("TimeSpan");
  if (operator === "-" && isDate(one) && isDate(other))
    return { type: span, operand: null, apply: (a, b) => new TimeSpan(ticks(a) - ticks(b)) };
  const direction = operator === "+" ? 1n : operator === "-" ? -1n : null;
  if (other === "TimeSpan" && direction !== null) {
    if (one === "TimeSpan") return { type: span, operand: null, apply: (a, b) => new TimeSpan(ticks(a) + direction * ticks(b)) };
    if (isDate(one)) return { type: makeType(one), operand: null, apply: (a, b) => moved(a, direction * ticks(b)) };
  }
  if (one === "TimeSpan" && promoted(other, "double") !== null && (operator === "*" || operator === "/"))
    return { type: span, operand: null, apply: (a, b) => scaledSpan(ticks(a), operator === "*" ? asDouble(b) : 1 / asDouble(b)) };
  return null;
}

function scaledSpan(spanTicks: bigint, factor: number): TimeSpan {
  const scaled = Math.round(Number(spanTicks) * factor);
  if (!Number.isFinite(scaled)) throw new ExpressionError("OverflowException", "TimeSpan overflowed because the duration is too long.");
  return new TimeSpan(BigInt(scaled));
}

/** A date later by so many ticks. */
export function moved(date: Value, by: bigint): Value {
  if (date instanceof DateTime) return new DateTime(date.ticks + by, date.kind);
  if (date instanceof DateTimeOffset) return new DateTimeOffset(date.ticks + by, date.offsetMinutes);
  throw new ExpressionError("NullReferenceException", "Object reference not set to an instance of an object.");
}

/** `&&` and `||`. */
export function shortCircuit(operator: string, left: Code, right: Code, scope: Scope, node: SyntaxNode): Code {
  const one = implicitly(left, types.bool, scope, node);
  const other = implicitly(right, types.bool, scope, node);
  const [first, second] = [one.run, other.run];
  const run =
    operator === "&&" ? (frame: Frame) => first(frame) === true && second(frame) : (frame: Frame) => first(frame) === true || second(frame);
  return { type: types.bool, run };
}

/** `-x`, `+x`, `!x`, `~x` */
export function prefix(operator: string, operand: Code, scope: Scope, node: SyntaxNode): Code {
  if (isUnknown(operand)) return operand;
  if (!/^[-+!~]$/.test(operator)) return scope.unit.unsupported(node, `the operator ${operator}`);
  if (operator === "!") {
    const { run } = implicitly(operand, types.bool, scope, node);
    return { type: types.bool, run: (frame) => run(frame) !== true };
  }
  const kind = promoted(underlying(operand.type).name, "int");
  if (kind === null && operand.type.name === "TimeSpan" && operator === "-")
    return { type: operand.type, run: (frame) => new TimeSpan(-ticks(operand.run(frame))) };
  if (kind === null || (operator === "~" && kind !== "int" && kind !== "long"))
    return scope.unit.unsupported(node, `the operator ${operator} on ${operand.type.text}`);
  const type = types[kind];
  const apply = (value: Value): Value => {
    const number = castNumber(value, kind);
    if (operator === "+") return number;
    if (operator === "~") return typeof number === "bigint" ? ~number : ~int(number);
    if (number instanceof Double) return new Double(-number.number);
    return arithmetics[kind].subtract(castNumber(0, kind), number);
  };
  if (operand.type.name === "Nullable")
    return { type: makeType("Nullable", [type]), run: (frame) => liftedValue(operand.run(frame), apply) };
  if (operand.constant !== undefined) return constant(type, apply(operand.constant));
  return { type, run: (frame) => apply(operand.run(frame)) };
}

function liftedValue(value: Value, apply: (value: Value) => Value): Value {
  return value === null ? null : apply(value);
}

/** `left ?? right` */
export function coalesced(left: Code, right: Code, scope: Scope, node: SyntaxNode): Code {
  if (isUnknown(left)) return left;
  const { library } = scope.unit;
  if (library.isValue(left.type) && left.type.name !== "Nullable")
    return scope.unit.unsupported(node, `the operator ?? on ${left.type.text}`);
  const inner = underlying(left.type);
  const target = [inner, left.type, right.type].find(
    (type) =>
      type.name !== "null" &&
      implicitConversion(library, right.type, type, right.constant) !== null &&
      implicitConversion(library, inner, type) !== null,
  );
  if (target === undefined && left.type.name !== "null")
    return scope.unit.unsupported(node, `the operator ?? on ${left.type.text} and ${right.type.text}`);
  const type = target ?? right.type;
  const conversion = implicitConversion(library, inner, type);
  const first =
    conversion === null || left.type.name === "null"
      ? left
      : converted({ type: inner, run: left.run }, { ...conversion, convert: skipNull(conversion.convert) }, type);
  const second = implicitly(right, type, scope, node);
  return { type, run: (frame) => first.run(frame) ?? second.run(frame) };
}

function skipNull(convert: ((value: Value) => Value) | null): ((value: Value) => Value) | null {
  return convert === null ? null : (value) => (value === null ? null : convert(value));
}
