import type { Reader, Value } from "./conversions.ts";
import { readerOf } from "./frame.ts";
import { composed, constantOf, converted, type Run, type Scalar, type Table } from "./scalar.ts";
import type { SyntaxNode } from "./syntax.ts";
import { type KqlType, NotExecutable } from "./types.ts";

type Ordered = string | number | boolean;

const orders: Readonly<Record<string, (a: Ordered, b: Ordered) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** `==`, `!=`, `<`, ...; undefined for another operator. */
export function comparison(operator: string, left: Scalar, right: Scalar, node: SyntaxNode): Scalar | undefined {
  const isEquality = operator === "==";
  const order = orders[operator];
  if (!isEquality && operator !== "!=" && operator !== "<>" && order === undefined) return undefined;
  const parts = alike(left, right, node);
  if (order !== undefined) return composed("bool", parts, ([a = none, b = none]) => ordered(order, a, b));
  return composed("bool", parts, ([a = none, b = none]) => (isEquality ? equal(a, b) : unequal(a, b)));
}

const none: Reader = () => null;

/** Two sides in one type: what is dynamic is taken for what the other side is. */
function alike(left: Scalar, right: Scalar, node: SyntaxNode): readonly Scalar[] {
  if (left.type === "dynamic" && right.type === "dynamic") throw new NotExecutable("a comparison of two dynamic values", node);
  if (left.type === "dynamic") return [converted(left, right.type), right];
  if (right.type === "dynamic") return [left, converted(right, left.type)];
  return [left, right];
}

/** https://learn.microsoft.com/kusto/query/scalar-data-types/null-values: null of two nulls, false of one. */
const equal =
  (a: Reader, b: Reader): Reader =>
  (row) => {
    const left = a(row);
    const right = b(row);
    return left === null && right === null ? null : left === right;
  };

const unequal =
  (a: Reader, b: Reader): Reader =>
  (row) => {
    const left = a(row);
    const right = b(row);
    return left === null && right === null ? null : left !== right;
  };

const ordered =
  (order: (a: Ordered, b: Ordered) => boolean, a: Reader, b: Reader): Reader =>
  (row) => {
    const left = a(row);
    const right = b(row);
    if (left === null || right === null || typeof left === "object" || typeof right === "object") return null;
    return order(left, right);
  };

/** False where one side is false, true where both are; null where that is not known. */
export const conjunction = (left: Scalar, right: Scalar): Scalar =>
  composed("bool", [left, right], ([a = none, b = none]) => (row) => {
    const first = a(row);
    if (first === false) return false;
    const second = b(row);
    if (second === false) return false;
    return first === null || second === null ? null : true;
  });

export const disjunction = (left: Scalar, right: Scalar): Scalar =>
  composed("bool", [left, right], ([a = none, b = none]) => (row) => {
    const first = a(row);
    if (first === true) return true;
    const second = b(row);
    if (second === true) return true;
    return first === null || second === null ? null : false;
  });

export const negation = (operand: Scalar): Scalar =>
  composed("bool", [operand], ([read = none]) => (row) => {
    const value = read(row);
    return value === null ? null : value === false;
  });

/** Both ends belong to it. A timespan as the second end counts from the first (https://learn.microsoft.com/kusto/query/between-operator). */
export function between(left: Scalar, first: Scalar, second: Scalar, node: SyntaxNode): Scalar {
  const end = left.type === "datetime" && second.type === "timespan" ? sumOf(first, second) : second;
  const least = comparison(">=", left, first, node);
  const most = comparison("<=", left, end, node);
  if (least === undefined || most === undefined) throw new NotExecutable(`'${node.text}'`, node);
  return conjunction(least, most);
}

const sumOf = (time: Scalar, span: Scalar): Scalar =>
  composed("datetime", [time, span], ([a = none, b = none]) => (row) => {
    const [start, length] = [a(row), b(row)];
    return typeof start === "number" && typeof length === "number" ? start + length : null;
  });

/** What a list after `in` is made of: expressions, of which dynamic ones may be lists of their own, and tables by their first column. */
export interface Members {
  readonly scalars: readonly Scalar[];
  readonly tables: readonly Table[];
}

const folded = (value: Value): Value => (typeof value === "string" ? value.toLowerCase() : value);

/** `in`, and `in~` where case does not count. A missing value is in no list. */
export function membership(left: Scalar, { scalars, tables }: Members, ignoresCase: boolean): Scalar {
  const fold = ignoresCase ? folded : (value: Value): Value => value;
  const type = left.type === "dynamic" ? (scalars.find((scalar) => scalar.type !== "dynamic")?.type ?? "string") : left.type;
  const parts = scalars.map((scalar) => (scalar.type === "dynamic" ? scalar : converted(scalar, type)));
  const constant = tables.length === 0 ? parts : [];
  return composed("bool", [converted(left, type), ...constant], ([read = none], run, frame) => {
    const found = new Set<Value>(tables.flatMap((table) => firstColumn(table, run, type)).map(fold));
    const varying: Reader[] = [];
    for (const part of parts) {
      const value = constantOf(part, run);
      if (value === undefined) varying.push(part.bind(frame, run));
      else for (const one of membersIn(value)) found.add(fold(one));
    }
    found.delete(null);
    return (row) => {
      const value = fold(read(row));
      if (value === null) return false;
      return found.has(value) || varying.some((other) => membersIn(other(row)).some((one) => fold(one) === value));
    };
  });
}

const membersIn = (value: Value): readonly Value[] => (Array.isArray(value) ? value : [value]);

function firstColumn(table: Table, run: Run, type: KqlType): readonly Value[] {
  const [column] = table.rows(run).columns;
  if (column === undefined) return [];
  const read = readerOf(column);
  if (column.type !== type && (column.type === "string" || type === "string"))
    throw new NotExecutable(`a list of ${column.type} for ${type}`);
  return column.values().map((_, row) => read(row));
}
