import type { Reader, Value } from "./conversions.ts";

/** Rows put into groups, which are numbered from 0 in the order in which they first appear. */
export interface Groups {
  readonly count: number;
  /** The group of each row. */
  readonly ids: Int32Array;
}

/** Groups of equal values, null among them. */
export function groupBy(keys: readonly Reader[], length: number): Groups {
  const [first, ...others] = keys;
  if (first === undefined) return { count: Math.min(length, 1), ids: new Int32Array(length) };
  return others.reduce((groups, key) => refine(groups, encode(key, length)), encode(first, length));
}

/** Objects and lists are equal where their JSON is. */
const identity = (value: Value): Value => (typeof value === "object" && value !== null ? JSON.stringify(value) : value);

function encode(read: Reader, length: number): Groups {
  const known = new Map<Value, number>();
  const ids = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    const value = identity(read(row));
    let id = known.get(value);
    if (id === undefined) {
      id = known.size;
      known.set(value, id);
    }
    ids[row] = id;
  }
  return { count: known.size, ids };
}

function refine(groups: Groups, by: Groups): Groups {
  const known = new Map<number, number>();
  const ids = new Int32Array(groups.ids.length);
  for (let row = 0; row < ids.length; row++) {
    const pair = (groups.ids[row] ?? 0) * by.count + (by.ids[row] ?? 0);
    let id = known.get(pair);
    if (id === undefined) {
      id = known.size;
      known.set(pair, id);
    }
    ids[row] = id;
  }
  return { count: known.size, ids };
}

/** The first row of each group. */
export function firstRows({ count, ids }: Groups): Int32Array {
  const rows = new Int32Array(count).fill(-1);
  for (let row = ids.length - 1; row >= 0; row--) rows[ids[row] ?? 0] = row;
  return rows;
}

/** The rows that have an equal on the other side, by the rows of the left: those of the right in their order. */
export interface Matches {
  /** The first row of the right that equals a row of the left; -1 where none does. */
  readonly first: Int32Array;
  /** The next row of the right that is equal to one; -1 behind the last. */
  readonly next: Int32Array;
}

/** Pairs rows with equal keys. A key that is null equals none. */
export function matchKeys(
  left: { readonly keys: readonly Reader[]; readonly length: number },
  right: { readonly keys: readonly Reader[]; readonly length: number },
): Matches {
  // Both sides in one numbering: the left's rows stand behind the right's.
  const keys = right.keys.map(
    (key, index): Reader =>
      (row) =>
        row < right.length ? key(row) : (left.keys[index]?.(row - right.length) ?? null),
  );
  const { ids, count } = groupBy(keys, right.length + left.length);
  const isNull = (row: number): boolean => keys.some((key) => key(row) === null);
  const heads = new Int32Array(count).fill(-1);
  const next = new Int32Array(right.length).fill(-1);
  for (let row = right.length - 1; row >= 0; row--) {
    if (isNull(row)) continue;
    const id = ids[row] ?? 0;
    next[row] = heads[id] ?? -1;
    heads[id] = row;
  }
  const first = new Int32Array(left.length).fill(-1);
  for (let row = 0; row < left.length; row++) first[row] = heads[ids[right.length + row] ?? 0] ?? -1;
  return { first, next };
}
