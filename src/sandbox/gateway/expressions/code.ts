import type { SyntaxNode } from "../../../policy/expression-syntax.ts";
import { type Conversion, implicitConversion } from "./conversions.ts";
import type { Code, Frame, Scope } from "./scope.ts";
import { makeType, type Type, types } from "./types.ts";
import { NetObject, type Value } from "./values.ts";

class Absent extends NetObject {
  override readonly type: Type = types.null;
}

/** What a chain with `?.` is once it has met null. */
export const absent: Value = new Absent();

export function constant(type: Type, value: Value): Code {
  return { type, run: () => value, constant: value };
}

export function isUnknown({ type }: Code): boolean {
  return type.name === "?";
}

/** Runs what throws; it stands for an operation on operands of which one is unknown. */
export function unknown(...operands: readonly Code[]): Code {
  return {
    type: types.unknown,
    run(frame) {
      let value: Value = null;
      for (const operand of operands) value = operand.run(frame);
      return value;
    },
  };
}

export function converted(code: Code, { convert }: Conversion, to: Type): Code {
  const { run } = code;
  if (convert === null) return code.constant === undefined ? { type: to, run } : { type: to, run, constant: code.constant };
  if (code.constant !== undefined) {
    try {
      return constant(to, convert(code.constant));
    } catch {
      // It throws when it is reached.
    }
  }
  return { type: to, run: (frame) => convert(run(frame)) };
}

/** The value where C# wants a type; noted as unsupported where it does not convert. */
export function implicitly(code: Code, to: Type, scope: Scope, node: SyntaxNode): Code {
  if (isUnknown(code) || code.type.text === to.text) return code;
  const conversion = implicitConversion(scope.unit.library, code.type, to, code.constant);
  if (conversion === null) return scope.unit.unsupported(node, `the conversion of ${code.type.text} to ${to.text}`);
  return converted(code, conversion, to);
}

/** A bool to decide by; true where there is nothing to evaluate. */
export function condition(node: SyntaxNode | null, scope: Scope): (frame: Frame) => boolean {
  if (node === null) return () => true;
  const { run } = implicitly(scope.unit.expression(node, scope), types.bool, scope, node);
  return (frame) => run(frame) === true;
}

/** The end of a chain: null where it met null on its way, and so nullable. */
export function chainEnd(code: Code, scope: Scope): Code {
  if (code.conditional === undefined) return code;
  const { run } = code;
  const isValue = scope.unit.library.isValue(code.type) && code.type.name !== "Nullable";
  return {
    type: isValue ? makeType("Nullable", [code.type]) : code.type,
    run: (frame) => {
      const value = run(frame);
      return value === absent ? null : value;
    },
  };
}
