import type { Reader, Value } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, materialize, select, type Vector } from "./frame.ts";
import { constantValue, type Environment, type Run, type Scalar, type Scope, type Table } from "./scalar.ts";
import { checkParameters, childOf, listOf, partOf, type SyntaxNode } from "./syntax.ts";
import { NotExecutable } from "./types.ts";

interface Order {
  readonly scalar: Scalar;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** Descending, unless it says otherwise; nulls first where it goes up (https://learn.microsoft.com/kusto/query/sort-operator). */
function orderOf(node: SyntaxNode, scope: Scope): Order {
  const isOrdered = node.kind === "OrderedExpression";
  const scalar = compileScalar(isOrdered ? partOf(node, "Expression") : node, scope);
  if (scalar.type === "dynamic") throw new NotExecutable("an order by dynamic values", node);
  const ordering = isOrdered ? (childOf(node, "Ordering")?.text.toLowerCase() ?? "") : "";
  const descending = !/^(?:granny-)?asc/.test(ordering);
  const nulls = /nulls\s+(first|last)/.exec(ordering)?.[1];
  return { scalar, descending, nullsFirst: nulls === undefined ? !descending : nulls === "first" };
}

const scopeOf = (input: Table, environment: Environment): Scope => ({ environment, columns: input.columns, aggregate: null });

export function sort(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, []);
  const orders = listOf(operator, "Expressions").map((node) => orderOf(node, scopeOf(input, environment)));
  return { columns: input.columns, rows: (run) => ordered(input.rows(run), orders, run) };
}

/** `top N by ...` */
export function top(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, []);
  const scope = scopeOf(input, environment);
  const count = compileScalar(partOf(operator, "Expression"), { ...scope, columns: [] });
  const order = orderOf(partOf(operator, "ByExpression"), scope);
  return { columns: input.columns, rows: (run) => firstOf(ordered(input.rows(run), [order], run), constantValue(count, run)) };
}

/** `take N`: the first that there are; which ones the service takes is left open there. */
export function take(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, []);
  const count = compileScalar(partOf(operator, "Expression"), { environment, columns: [], aggregate: null });
  return { columns: input.columns, rows: (run) => firstOf(input.rows(run), constantValue(count, run)) };
}

function firstOf(frame: Frame, count: Value): Frame {
  const wanted = typeof count === "number" ? Math.max(0, Math.min(count, frame.length)) : 0;
  return select(
    frame,
    Int32Array.from({ length: wanted }, (_, row) => row),
  );
}

/** Equal rows stay in their order. */
function ordered(frame: Frame, orders: readonly Order[], run: Run): Frame {
  const keys = orders.map((order) => ({ ...order, values: materialize(readerFor(order, frame, run), frame.length) }));
  const rows = Array.from({ length: frame.length }, (_, row) => row);
  rows.sort((a, b) => {
    for (const key of keys) {
      const difference = compare(key.values, a, b, key);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return select(frame, rows);
}

const readerFor = ({ scalar }: Order, frame: Frame, run: Run): Reader => scalar.bind(frame, run);

function compare(values: Vector, a: number, b: number, { descending, nullsFirst }: Order): number {
  const [left, right] = [values[a] ?? null, values[b] ?? null];
  if (left === null || right === null) {
    if (left === right) return 0;
    return (left === null) === nullsFirst ? -1 : 1;
  }
  if (left === right) return 0;
  return left < right === descending ? 1 : -1;
}
