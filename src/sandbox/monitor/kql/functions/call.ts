import { conversion, type Reader, type Value } from "../conversions.ts";
import type { Frame } from "../frame.ts";
import { nothing, type Run } from "../scalar.ts";
import { type KqlType, NotExecutable } from "../types.ts";

/** A call of a scalar function whose arguments are bound. */
export interface Call {
  readonly args: readonly Reader[];
  readonly types: readonly KqlType[];
  /** Of the result, as the binder has it. */
  readonly type: KqlType;
  readonly run: Run;
  readonly frame: Frame;
}

/** A scalar function: from a call to the reader of its result. */
export type ScalarFunction = (call: Call) => Reader;

/** An argument in another type; a missing one is null. */
export function argumentAs({ args, types }: Call, index: number, to: KqlType): Reader {
  const read = args[index];
  const from = types[index];
  if (read === undefined || from === undefined) return nothing;
  if (from === to) return read;
  const convert = conversion(from, to);
  return (row) => convert(read(row));
}

/** A number, time or span as it is; what is dynamic as a real. */
export const numberAt = (call: Call, index: number): Reader =>
  call.types[index] === "dynamic" ? argumentAs(call, index, "real") : (call.args[index] ?? nothing);

/** A function of texts that are all there. */
export const ofTexts =
  (compute: (...texts: readonly string[]) => Value): ScalarFunction =>
  (call) => {
    const readers = call.args.map((_, index) => argumentAs(call, index, "string"));
    const [first = nothing, second = nothing] = readers;
    if (readers.length === 1) return (row) => compute(String(first(row)));
    if (readers.length === 2) return (row) => compute(String(first(row)), String(second(row)));
    return (row) => compute(...readers.map((read) => String(read(row))));
  };

/** A function of numbers: null where one of them is. */
export const ofNumbers =
  (compute: (...numbers: readonly number[]) => Value): ScalarFunction =>
  (call) => {
    const readers = call.args.map((_, index) => numberAt(call, index));
    return (row) => {
      const numbers: number[] = [];
      for (const read of readers) {
        const value = read(row);
        if (typeof value !== "number") return null;
        numbers.push(value);
      }
      return compute(...numbers);
    };
  };

/** Refuses a call that has more arguments than are known here. */
export const atMost =
  (count: number, name: string, define: ScalarFunction): ScalarFunction =>
  (call) => {
    if (call.args.length > count) throw new NotExecutable(`${name}() with ${call.args.length} arguments`);
    return define(call);
  };

const mostRemembered = 10_000;

/** Remembers what it has answered: columns of URLs and the like hold few different texts. */
export function remembered(compute: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = compute(text);
    if (known.size >= mostRemembered) known.clear();
    known.set(text, value);
    return value;
  };
}
