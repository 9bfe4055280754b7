import type { JsonObject } from "../../../gateway/documents.ts";
import { fromRow, missing, type Reader, type Value } from "./conversions.ts";
import type { Column } from "./types.ts";

/** The values of a column, by row. */
export type Vector = readonly Value[];

/** Numbers of rows; -1 for none. */
export type Selection = ArrayLike<number>;

/** A table while a query runs: columns are computed when they are read, so that what no one reads costs nothing. */
export interface Frame {
  readonly length: number;
  readonly columns: readonly FrameColumn[];
  /** When the rows came in, as long as they are the rows of a stored table. */
  readonly ingested: (() => Vector) | null;
}

export interface FrameColumn extends Column {
  readonly values: () => Vector;
}

/** Computes at the first call. */
export function lazy<T>(compute: () => T): () => T {
  let computed: { readonly value: T } | undefined;
  return () => {
    computed ??= { value: compute() };
    return computed.value;
  };
}

export function readerOf({ values, type }: FrameColumn): Reader {
  const vector = values();
  const none = missing(type);
  return (row) => vector[row] ?? none;
}

export const columnNamed = ({ columns }: Frame, name: string): FrameColumn | undefined => columns.find((column) => column.name === name);

/** Some of the rows, in the order of the selection. */
export function select({ columns, ingested }: Frame, rows: Selection): Frame {
  return {
    length: rows.length,
    columns: columns.map((column) => ({ ...column, values: lazy(() => gather(column.values(), rows, missing(column.type))) })),
    ingested: ingested === null ? null : lazy(() => gather(ingested(), rows, null)),
  };
}

export function gather(vector: Vector, rows: Selection, none: Value): Vector {
  const gathered = new Array<Value>(rows.length);
  for (let index = 0; index < rows.length; index++) gathered[index] = vector[rows[index] ?? -1] ?? none;
  return gathered;
}

export function materialize(read: Reader, length: number): Vector {
  const values = new Array<Value>(length);
  for (let row = 0; row < length; row++) values[row] = read(row);
  return values;
}

/** Rows one below the other, under the columns of the first. */
export function concatenate(frames: readonly Frame[]): Frame {
  const [first] = frames;
  if (first === undefined) return { length: 0, columns: [], ingested: null };
  return {
    length: frames.reduce((sum, { length }) => sum + length, 0),
    columns: first.columns.map((column, index) => ({
      ...column,
      values: lazy(() => frames.flatMap(({ columns }) => columns[index]?.values() ?? [])),
    })),
    ingested: null,
  };
}

/** Rows as they are stored: by the names of their columns. `TimeGenerated` is when they came in, unless `ingestedAt` says otherwise. */
export function storedFrame(columns: readonly Column[], rows: readonly JsonObject[], ingestedAt: (time: Value) => Value): Frame {
  const cells = columns.map(({ name, type }) => ({ name, type, values: lazy(() => cellsOf(rows, name, fromRow(type))) }));
  const generated = cells.find(({ name }) => name === "TimeGenerated");
  return {
    length: rows.length,
    columns: cells,
    ingested: generated === undefined ? null : lazy(() => generated.values().map(ingestedAt)),
  };
}

function cellsOf(rows: readonly JsonObject[], name: string, read: (value: Value) => Value): Vector {
  return rows.map((row) => read(row[name] ?? null));
}
