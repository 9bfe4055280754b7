import { conversion, missing, type Value } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { columnNamed, concatenate, type Frame, lazy, type Vector } from "./frame.ts";
import { constantValue, type Environment, type Scalar, type Table } from "./scalar.ts";
import { checkShape, unnamed } from "./summarize.ts";
import { checkParameters, columnsOf, listOf, parameterOf, partOf, type SyntaxNode } from "./syntax.ts";
import { type Column, NotExecutable } from "./types.ts";

const frameOf = (columns: readonly Column[], values: readonly Vector[], length: number): Frame => ({
  length,
  columns: columns.map((column, index) => ({ ...column, values: () => values[index] ?? [] })),
  ingested: null,
});

const constants = (nodes: readonly SyntaxNode[], environment: Environment): readonly Scalar[] =>
  nodes.map((node) => compileScalar(unnamed(node), { environment, columns: [], aggregate: null }));

/** One row of values. */
export function print(operator: SyntaxNode, environment: Environment): Table {
  const columns = columnsOf(operator);
  const scalars = constants(listOf(operator, "Expressions"), environment);
  checkShape(
    operator,
    columns,
    scalars.map(({ type }) => type),
  );
  return {
    columns,
    rows: (run) =>
      frameOf(
        columns,
        scalars.map((scalar) => [constantValue(scalar, run)]),
        1,
      ),
  };
}

/** Rows that stand in the query. */
export function datatable(node: SyntaxNode, environment: Environment): Table {
  const columns = columnsOf(node);
  const scalars = constants(listOf(node, "Values"), environment);
  if (columns.length === 0 || scalars.length % columns.length !== 0) throw new NotExecutable("a datatable with an incomplete row", node);
  return {
    columns,
    rows(run) {
      const values = scalars.map((scalar, index) => {
        const type = columns[index % columns.length]?.type ?? scalar.type;
        return conversion(scalar.type, type)(constantValue(scalar, run));
      });
      const vectors = columns.map((_, column) => values.filter((__, index) => index % columns.length === column));
      return frameOf(columns, vectors, values.length / columns.length);
    },
  };
}

const mostSteps = 1_000_000;

/** `range x from ... to ... step ...`, both ends in it. */
export function range(operator: SyntaxNode, environment: Environment): Table {
  const columns = columnsOf(operator);
  const [from, to, step] = constants([partOf(operator, "From"), partOf(operator, "To"), partOf(operator, "Step")], environment);
  if (from === undefined || to === undefined || step === undefined) throw new NotExecutable(`'${operator.text}'`, operator);
  return {
    columns,
    rows(run) {
      const [start, end, size] = [constantValue(from, run), constantValue(to, run), constantValue(step, run)];
      if (typeof start !== "number" || typeof end !== "number" || typeof size !== "number" || size === 0) {
        throw new NotExecutable("a range without bounds or step", operator);
      }
      const length = Math.max(0, Math.floor((end - start) / size) + 1);
      if (length > mostSteps) throw new NotExecutable(`a range of ${length} rows`, operator);
      const values = Array.from({ length }, (_, index) => start + index * size);
      return frameOf(columns, [values], length);
    },
  };
}

/** `union`: rows one below the other; a column that only some have is missing in the others (https://learn.microsoft.com/kusto/query/union-operator). */
export function union(operator: SyntaxNode, input: Table | null, environment: Environment): Table {
  checkParameters(operator, ["kind", "withsource", "with_source", "isfuzzy"]);
  // The binder answers the columns of an outer one in any case.
  if ((parameterOf(operator, "kind") ?? "outer") !== "outer") throw new NotExecutable("union kind=inner", operator);
  const nodes = listOf(operator, "Expressions");
  const tables = [...(input === null ? [] : [input]), ...nodes.map((node) => environment.table(node))];
  const source = parameterOf(operator, "withsource") ?? parameterOf(operator, "with_source");
  if (source !== undefined && input !== null) throw new NotExecutable("union with withsource= behind a pipe", operator);
  const columns = columnsOf(operator);
  for (const { name, type } of columns) {
    if (name !== source && !tables.some((table) => sourceOf(table.columns, name, type) !== undefined)) {
      throw new NotExecutable(`the column '${name}' of a union`, operator);
    }
  }
  return {
    columns,
    rows: (run) =>
      concatenate(
        tables.map((table, index) => {
          const frame = table.rows(run);
          return widened(frame, columns, source, sourceName(nodes[index], index));
        }),
      ),
  };
}

/** A table's name; what is none has a number. */
const sourceName = (node: SyntaxNode | undefined, index: number): string =>
  node?.symbol === "Table" ? (node.value ?? "") : `union_arg${index}`;

/** A column of the same name and type, or the one that the binder has renamed because of its type: `Code_string`. */
function sourceOf(columns: readonly Column[], name: string, type: Column["type"]): Column | undefined {
  return columns.find((column) => column.type === type && (column.name === name || `${column.name}_${column.type}` === name));
}

function widened(frame: Frame, columns: readonly Column[], source: string | undefined, name: string): Frame {
  const filled = (value: Value): (() => Vector) => lazy(() => new Array<Value>(frame.length).fill(value));
  return {
    length: frame.length,
    columns: columns.map((column) => {
      if (column.name === source) return { ...column, values: filled(name) };
      const found = sourceOf(frame.columns, column.name, column.type);
      const own = found === undefined ? undefined : columnNamed(frame, found.name);
      return { ...column, values: own?.values ?? filled(missing(column.type)) };
    }),
    ingested: null,
  };
}
