import { conversion, type Reader, type Value } from "./conversions.ts";
import type { Frame } from "./frame.ts";
import type { SyntaxNode } from "./syntax.ts";
import type { Column, KqlType } from "./types.ts";

/** One run of a plan: its clock and its tables. */
export interface Run {
  /** Microseconds since 1970. */
  readonly now: number;
  table(name: string): Frame;
}

/** Something that a run computes at its first use. */
export function oncePerRun<T>(compute: (run: Run) => T): (run: Run) => T {
  const known = new WeakMap<Run, { readonly value: T }>();
  return (run) => {
    const found = known.get(run) ?? { value: compute(run) };
    known.set(run, found);
    return found.value;
  };
}

/** A compiled expression: bound to a frame it reads the value of a row. */
export interface Scalar {
  readonly type: KqlType;
  /** Whether it is the same in every row. */
  readonly constant: boolean;
  bind(frame: Frame, run: Run): Reader;
}

/** A compiled tabular expression. */
export interface Table {
  readonly columns: readonly Column[];
  rows(run: Run): Frame;
}

/** What a name of a `let` stands for. */
export type Binding = { readonly kind: "scalar"; readonly scalar: Scalar } | { readonly kind: "table"; readonly table: Table };

/** The names that an expression may use. */
export interface Environment {
  readonly names: ReadonlyMap<string, Binding>;
  /** Compiles a tabular expression in the same environment. */
  table(node: SyntaxNode): Table;
}

/** What surrounds a scalar expression. */
export interface Scope {
  readonly environment: Environment;
  /** Of the row that it reads. */
  readonly columns: readonly Column[];
  /** Compiles a call of an aggregation function; undefined for what is none. Null where none may stand. */
  readonly aggregate: ((call: SyntaxNode) => Scalar | undefined) | null;
}

const noRows: Frame = { length: 0, columns: [], ingested: null };

/** An expression made of others. Where all of them are constant, so is it, and is computed once. */
export function composed(
  type: KqlType,
  parts: readonly Scalar[],
  bind: (readers: readonly Reader[], run: Run, frame: Frame) => Reader,
): Scalar {
  const constant = parts.every((part) => part.constant);
  const bound = (frame: Frame, run: Run): Reader =>
    bind(
      parts.map((part) => part.bind(frame, run)),
      run,
      frame,
    );
  if (!constant) return { type, constant, bind: bound };
  const value = oncePerRun((run) => bound(noRows, run)(0));
  return { type, constant, bind: (_, run) => () => value(run) };
}

export const literal = (type: KqlType, value: Value): Scalar => ({ type, constant: true, bind: () => () => value });

/** The expression in another type. */
export function converted(scalar: Scalar, to: KqlType): Scalar {
  if (scalar.type === to) return scalar;
  const convert = conversion(scalar.type, to);
  return composed(
    to,
    [scalar],
    ([read = nothing]) =>
      (row) =>
        convert(read(row)),
  );
}

/** The value of an expression that reads no row. */
export const constantValue = (scalar: Scalar, run: Run): Value => scalar.bind(noRows, run)(0);

export const nothing: Reader = () => null;

/** The value of a constant, or undefined where it may differ by row. */
export const constantOf = (scalar: Scalar, run: Run): Value | undefined => (scalar.constant ? constantValue(scalar, run) : undefined);
