import type { Json } from "../../../gateway/documents.ts";
import { toDynamic } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, lazy, select, type Vector } from "./frame.ts";
import { firstRows, type Groups, groupBy } from "./groups.ts";
import { constantValue, type Environment, literal, type Run, type Scalar, type Scope, type Table } from "./scalar.ts";
import { checkShape, keysOf, type Measure, measureOf, unnamed } from "./summarize.ts";
import { checkParameters, childOf, columnsOf, listOf, partOf, type SyntaxNode } from "./syntax.ts";
import { type Column, NotExecutable } from "./types.ts";

/** https://learn.microsoft.com/kusto/query/make-series-operator: longer arrays are an error there or cut off. */
const longestSeries = 2 ** 20;
/** All cells of all series together. */
const mostCells = 2 ** 25;

interface Axis {
  readonly on: Scalar;
  readonly from: Scalar;
  readonly to: Scalar;
  readonly step: Scalar;
}

/** A measure, and what stands where there are no rows. */
interface Line {
  readonly measure: Measure;
  readonly otherwise: Scalar;
}

/** `make-series ... on ... from ... to ... step ...`, in one pass over the rows: a cell is a group of its own. */
export function makeSeries(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, ["kind"]);
  const scope: Scope = { environment, columns: input.columns, aggregate: null };
  const keys = keysOf(operator, input.columns, environment);
  const lines = listOf(operator, "Aggregates").map((node): Line => {
    const clause = childOf(node, "DefaultExpression");
    return {
      measure: measureOf(partOf(node, "Expression"), input.columns, environment),
      otherwise: clause === undefined ? literal("long", 0) : compileScalar(partOf(clause, "Expression"), scope),
    };
  });
  const axis = axisOf(operator, scope);
  const columns = columnsOf(operator);
  checkShape(operator, columns, [...keys.map(({ type }) => type), ...lines.map(() => "dynamic" as const), "dynamic"]);
  if (lines.some(({ measure }) => measure.types.length !== 1)) throw new NotExecutable("make-series of several results at once", operator);
  return { columns, rows: (run) => seriesOf(input.rows(run), run, { columns, keys, lines, axis }) };
}

function axisOf(operator: SyntaxNode, scope: Scope): Axis {
  const range = partOf(operator, "RangeClause");
  const bound = (name: string): Scalar => {
    const clause = childOf(range, `MakeSeries${name}Clause`);
    if (clause === undefined) throw new NotExecutable(`make-series without '${name.toLowerCase()}'`, operator);
    return compileScalar(partOf(clause, "Expression"), { ...scope, columns: [] });
  };
  const on = compileScalar(unnamed(partOf(partOf(operator, "OnClause"), "Expression")), scope);
  return { on, from: bound("From"), to: bound("To"), step: bound("Step") };
}

interface Plan {
  readonly columns: readonly Column[];
  readonly keys: readonly Scalar[];
  readonly lines: readonly Line[];
  readonly axis: Axis;
}

function seriesOf(frame: Frame, run: Run, { columns, keys, lines, axis }: Plan): Frame {
  const { from, step, length } = extent(axis, run);
  const on = axis.on.bind(frame, run);
  const binOf = (row: number): number => {
    const value = on(row);
    const bin = typeof value === "number" ? Math.floor((value - from) / step) : -1;
    return bin < length ? bin : -1;
  };
  const inside = Int32Array.from(Array.from({ length: frame.length }, (_, row) => row).filter((row) => binOf(row) >= 0));
  const rows = select(frame, inside);
  const readers = keys.map((key) => key.bind(rows, run));
  const found = groupBy(readers, rows.length);
  // Assumed: of no rows there is no series, with a key or without, as long as `kind=nonempty` does not ask for one.
  const groups = found;
  if (groups.count * length > mostCells) throw new NotExecutable(`make-series of ${groups.count} series with ${length} points`);
  const cells: Groups = {
    count: groups.count * length,
    ids: Int32Array.from(groups.ids, (group, row) => group * length + binOf(inside[row] ?? 0)),
  };
  const filled = new Uint8Array(cells.count);
  for (const cell of cells.ids) filled[cell] = 1;
  const firsts = lazy(() => firstRows(groups));
  const axisPoints = Array.from({ length }, (_, index) => toDynamic(axis.on.type)(from + index * step));
  const values: readonly (() => Vector)[] = [
    ...readers.map((read) => () => Array.from(firsts(), read)),
    ...lines.map((line) => () => cut(lineValues(line, rows, cells, filled, run), length)),
    () => Array.from({ length: groups.count }, () => axisPoints),
  ];
  return {
    length: groups.count,
    columns: columns.map((column, index) => ({ ...column, values: lazy(values[index] ?? (() => [])) })),
    ingested: null,
  };
}

/** From its start, which belongs to it, to its end, which does not. */
function extent({ from, to, step }: Axis, run: Run): { readonly from: number; readonly step: number; readonly length: number } {
  const [start, end, size] = [constantValue(from, run), constantValue(to, run), constantValue(step, run)];
  if (typeof start !== "number" || typeof end !== "number" || typeof size !== "number" || size <= 0) {
    throw new NotExecutable("make-series with a range that is none");
  }
  const length = Math.max(0, Math.ceil((end - start) / size));
  if (length > longestSeries) throw new NotExecutable(`make-series of ${length} points: at most ${longestSeries} are`);
  return { from: start, step: size, length };
}

function lineValues({ measure, otherwise }: Line, rows: Frame, cells: Groups, filled: Uint8Array, run: Run): readonly Json[] {
  const [computed = []] = measure.compute(rows, cells, run);
  const convert = toDynamic(measure.types[0] ?? "real");
  const empty = toDynamic(otherwise.type)(constantValue(otherwise, run));
  return computed.map((value, cell) => (filled[cell] === 1 ? convert(value) : empty));
}

const cut = (cells: readonly Json[], length: number): Vector =>
  Array.from({ length: length === 0 ? 0 : cells.length / length }, (_, index) => cells.slice(index * length, (index + 1) * length));
