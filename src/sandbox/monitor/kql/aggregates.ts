import { type Reader, safeLong, toDynamic, type Value } from "./conversions.ts";
import type { Vector } from "./frame.ts";
import { type Groups, groupBy } from "./groups.ts";
import { type KqlType, NotExecutable } from "./types.ts";

export interface Argument {
  readonly type: KqlType;
  readonly read: Reader;
}

/** What an aggregation function works on. */
export interface Aggregation {
  readonly groups: Groups;
  readonly args: readonly Argument[];
  /** Whether a row counts: what the predicate of a `...if()` says. */
  readonly includes: (row: number) => boolean;
  /** Of the result. */
  readonly type: KqlType;
}

/** An aggregation function: the result of each group. Nulls do not take part (https://learn.microsoft.com/kusto/query/summarize-operator). */
export interface Aggregate {
  readonly compute: (aggregation: Aggregation) => Vector;
  /** Which argument is the predicate. */
  readonly predicate?: number;
}

const nothing: Reader = () => null;

const firstOf = ({ args }: Aggregation): Reader => args[0]?.read ?? nothing;

/** Calls `visit` for each row that counts, with its group and its value, unless that is null. */
function eachValue(aggregation: Aggregation, visit: (group: number, value: Exclude<Value, null>, row: number) => void): void {
  const { groups, includes } = aggregation;
  const { ids } = groups;
  const read = firstOf(aggregation);
  for (let row = 0; row < ids.length; row++) {
    if (!includes(row)) continue;
    const value = read(row);
    if (value !== null) visit(ids[row] ?? 0, value, row);
  }
}

function eachNumber(aggregation: Aggregation, visit: (group: number, value: number) => void): void {
  eachValue(aggregation, (group, value) => {
    if (typeof value === "number") visit(group, value);
  });
}

const zeros = ({ groups }: Aggregation): number[] => new Array<number>(groups.count).fill(0);

const nulls = ({ groups }: Aggregation): Value[] => new Array<Value>(groups.count).fill(null);

function count({ groups, includes }: Aggregation): Vector {
  const counts = new Array<number>(groups.count).fill(0);
  for (let row = 0; row < groups.ids.length; row++) {
    const group = groups.ids[row] ?? 0;
    if (includes(row)) counts[group] = (counts[group] ?? 0) + 1;
  }
  return counts;
}

function sum(aggregation: Aggregation): Vector {
  const sums = zeros(aggregation);
  eachNumber(aggregation, (group, value) => {
    sums[group] = (sums[group] ?? 0) + value;
  });
  return aggregation.type === "long" ? sums.map(safeLong) : sums;
}

/** Counts, means and sums of squared distances in one pass (Welford), which does not lose what is small beside what is large. */
function moments(aggregation: Aggregation): { readonly counts: number[]; readonly means: number[]; readonly squares: number[] } {
  const [counts, means, squares] = [zeros(aggregation), zeros(aggregation), zeros(aggregation)];
  eachNumber(aggregation, (group, value) => {
    const number = (counts[group] ?? 0) + 1;
    const mean = means[group] ?? 0;
    const next = mean + (value - mean) / number;
    counts[group] = number;
    means[group] = next;
    squares[group] = (squares[group] ?? 0) + (value - mean) * (value - next);
  });
  return { counts, means, squares };
}

function average(aggregation: Aggregation): Vector {
  const [counts, sums] = [zeros(aggregation), zeros(aggregation)];
  eachNumber(aggregation, (group, value) => {
    counts[group] = (counts[group] ?? 0) + 1;
    sums[group] = (sums[group] ?? 0) + value;
  });
  return counts.map((number, group) => (number === 0 ? null : (sums[group] ?? 0) / number));
}

/** Of a sample: divided by one less than the count. Zero of less than two values. */
function variance(aggregation: Aggregation): number[] {
  const { counts, squares } = moments(aggregation);
  return counts.map((number, group) => (number < 2 ? 0 : (squares[group] ?? 0) / (number - 1)));
}

const deviation = (aggregation: Aggregation): Vector => variance(aggregation).map(Math.sqrt);

/** Datetimes and timespans too: avg() of them is whole microseconds as near as numbers have it. */
const extreme =
  (isBetter: (a: Exclude<Value, null>, b: Exclude<Value, null>) => boolean) =>
  (aggregation: Aggregation): Vector => {
    const best = nulls(aggregation);
    eachValue(aggregation, (group, value) => {
      const known = best[group] ?? null;
      if (known === null || isBetter(value, known)) best[group] = value;
    });
    return best;
  };

const most = extreme((a, b) => a > b);
const least = extreme((a, b) => a < b);

/** Exact. Assumed: the service estimates it above some thousand values, and is as near as it can be below. */
function distinctCount(aggregation: Aggregation): Vector {
  const counts = zeros(aggregation);
  const { groups } = aggregation;
  const values = groupBy([firstOf(aggregation)], groups.ids.length);
  const seen = new Set<number>();
  eachValue(aggregation, (group, _, row) => {
    const pair = group * values.count + (values.ids[row] ?? 0);
    if (seen.has(pair)) return;
    seen.add(pair);
    counts[group] = (counts[group] ?? 0) + 1;
  });
  return counts;
}

/** A value of the group that is there and not empty, if there is any. */
function anyValue(aggregation: Aggregation): Vector {
  const found = nulls(aggregation);
  eachValue(aggregation, (group, value) => {
    const known = found[group] ?? null;
    if (known === null || known === "") found[group] = value;
  });
  return found;
}

const mostElements = 1_048_576;

function largest({ args }: Aggregation): number {
  const size = args[1]?.read(0) ?? null;
  return typeof size === "number" ? size : mostElements;
}

/** Lists of the values, of a set each of them once. */
const collected =
  (once: boolean) =>
  (aggregation: Aggregation): Vector => {
    const { groups, args } = aggregation;
    const type = args[0]?.type ?? "dynamic";
    if (once && type === "dynamic") throw new NotExecutable("make_set() of dynamic values");
    const convert = toDynamic(type);
    const size = largest(aggregation);
    const lists = Array.from({ length: groups.count }, (): Value[] => []);
    const seen = lists.map(() => new Set<Value>());
    eachValue(aggregation, (group, value) => {
      const list = lists[group];
      if (list === undefined || list.length >= size || seen[group]?.has(value)) return;
      if (once) seen[group]?.add(value);
      list.push(convert(value));
    });
    return lists;
  };

/**
 * By the nearest rank: the least value that so many percent of the values do not exceed
 * (https://learn.microsoft.com/kusto/query/percentiles-aggregation-function#nearest-rank-percentile). Exact; the service estimates it
 * where there are many values.
 */
function percentile(aggregation: Aggregation): Vector {
  const wanted = aggregation.args[1]?.read(0) ?? null;
  if (typeof wanted !== "number" || wanted < 0 || wanted > 100) throw new NotExecutable("percentile() of what is not from 0 to 100");
  const sizes = zeros(aggregation);
  eachNumber(aggregation, (group) => {
    sizes[group] = (sizes[group] ?? 0) + 1;
  });
  const ends = zeros(aggregation);
  let total = 0;
  for (let group = 0; group < sizes.length; group++) {
    ends[group] = total;
    total += sizes[group] ?? 0;
  }
  const values = new Float64Array(total);
  eachNumber(aggregation, (group, value) => {
    const at = ends[group] ?? 0;
    values[at] = value;
    ends[group] = at + 1;
  });
  return sizes.map((size, group) => {
    if (size === 0) return null;
    const start = (ends[group] ?? 0) - size;
    const sorted = values.subarray(start, start + size).sort();
    return sorted[Math.max(0, Math.ceil((wanted / 100) * size) - 1)] ?? null;
  });
}

const conditional = (aggregate: Aggregate, predicate = 1): Aggregate => ({ ...aggregate, predicate });

const plain = {
  avg: { compute: average },
  count: { compute: count },
  count_distinct: { compute: distinctCount },
  dcount: { compute: distinctCount },
  make_list: { compute: collected(false) },
  make_set: { compute: collected(true) },
  max: { compute: most },
  min: { compute: least },
  stdev: { compute: deviation },
  sum: { compute: sum },
  take_any: { compute: anyValue },
  variance: { compute: variance },
} as const satisfies Readonly<Record<string, Aggregate>>;

/** Those with one result; by their names in lower case. */
export const aggregates: Readonly<Record<string, Aggregate>> = {
  ...plain,
  any: plain.take_any,
  avgif: conditional(plain.avg),
  countif: conditional(plain.count, 0),
  count_distinctif: conditional(plain.count_distinct),
  dcountif: conditional(plain.dcount),
  make_list_if: conditional(plain.make_list),
  make_set_if: conditional(plain.make_set),
  maxif: conditional(plain.max),
  minif: conditional(plain.min),
  percentile: { compute: percentile },
  stdevif: conditional(plain.stdev),
  sumif: conditional(plain.sum),
  take_anyif: conditional(plain.take_any),
  varianceif: conditional(plain.variance),
};

/** `percentiles(value, p, ...)` as one percentile() after the other. */
export const percentilesOf = (aggregation: Aggregation): readonly Vector[] =>
  aggregation.args.slice(1).map((wanted) => percentile({ ...aggregation, args: [...aggregation.args.slice(0, 1), wanted] }));

/**
 * The row of each group with the largest (or smallest) value; the first of equals, and the first of all where every value is null
 * (https://learn.microsoft.com/kusto/query/arg-max-aggregation-function). -1 for a group without rows.
 */
export function extremeRows(aggregation: Aggregation, direction: "max" | "min"): Int32Array {
  const { groups } = aggregation;
  const rows = new Int32Array(groups.count).fill(-1);
  const best = nulls(aggregation);
  for (let row = groups.ids.length - 1; row >= 0; row--) {
    const group = groups.ids[row] ?? 0;
    if (best[group] === null) rows[group] = row;
  }
  eachValue(aggregation, (group, value, row) => {
    const known = best[group] ?? null;
    if (known !== null && !(direction === "max" ? value > known : value < known)) return;
    best[group] = value;
    rows[group] = row;
  });
  return rows;
}
