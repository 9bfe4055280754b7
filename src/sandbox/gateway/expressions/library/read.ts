import { FunctionValue, NetArray } from "../collections.ts";
import { argumentNull, ExpressionError } from "../errors.ts";
import type { Run } from "../run.ts";
import { type Bindings, types } from "../types.ts";
import { Char, EnumValue, type NetObject, nullReference, type Value } from "../values.ts";

/** Arguments as what their member's signature says that they are; null where that is no text is an `ArgumentNullException`. */
export function text(value: Value | undefined, parameter = "value"): string {
  if (typeof value === "string") return value;
  throw argumentNull(parameter);
}

export function textOrNull(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export function flag(value: Value | undefined): boolean {
  return value === true;
}

export function codeOf(value: Value | undefined): number {
  return value instanceof Char ? value.code : 0;
}

export function enumeration(value: Value | undefined): number {
  return value instanceof EnumValue ? value.number : 0;
}

export function functionOf(value: Value | undefined, parameter = "predicate"): FunctionValue {
  if (value instanceof FunctionValue) return value;
  throw argumentNull(parameter);
}

export function valuesOf(value: Value | undefined, parameter = "values"): readonly Value[] {
  if (value instanceof NetArray) return value.values;
  throw argumentNull(parameter);
}

export function bytes(value: Value | undefined, parameter = "bytes"): Buffer {
  return Buffer.from(valuesOf(value, parameter).map(Number));
}

export function bytesValue(buffer: Uint8Array, run: Run): NetArray {
  run.allow(buffer.length);
  return new NetArray(types.byte, [...buffer]);
}

/** A member of objects of one class. */
export function on<T extends NetObject>(
  kind: abstract new (...args: never[]) => T,
  body: (self: T, args: readonly Value[], run: Run, bindings: Bindings) => Value,
): (args: readonly Value[], run: Run, bindings: Bindings) => Value {
  return (args, run, bindings) => {
    const [self] = args;
    if (self instanceof kind) return body(self, args, run, bindings);
    throw nullReference();
  };
}

/** A member of strings. */
export function onText(body: (self: string, args: readonly Value[], run: Run) => Value): (args: readonly Value[], run: Run) => Value {
  return (args, run) => {
    const [self] = args;
    if (typeof self === "string") return body(self, args, run);
    throw nullReference();
  };
}

export function argumentOutOfRange(parameter: string, message: string): ExpressionError {
  return new ExpressionError("ArgumentOutOfRangeException", `${message} (Parameter '${parameter}')`);
}

export function argumentError(message: string): ExpressionError {
  return new ExpressionError("ArgumentException", message);
}

export function invalidOperation(message: string): ExpressionError {
  return new ExpressionError("InvalidOperationException", message);
}
