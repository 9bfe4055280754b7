import { mvExpand } from "./expand.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, type FrameColumn, lazy, materialize, select } from "./frame.ts";
import { join } from "./join.ts";
import type { Environment, Run, Scalar, Scope, Table } from "./scalar.ts";
import { makeSeries } from "./series.ts";
import { sort, take, top } from "./sort.ts";
import { datatable, print, range, union } from "./sources.ts";
import { checkShape, distinct, summarize, unnamed } from "./summarize.ts";
import { argumentsOf, checkParameters, columnsOf, listOf, nameIn, partOf, type SyntaxNode } from "./syntax.ts";
import { type Column, NotExecutable } from "./types.ts";

/** Compiles a tabular expression. Throws `NotExecutable` for what the engine does not know. */
export function compileTable(node: SyntaxNode, environment: Environment): Table {
  switch (node.kind) {
    case "DataTableExpression":
      return datatable(node, environment);
    case "FunctionCallExpression":
      return calledTable(node, environment);
    // What a `let` names is computed once in a run anyway.
    case "MaterializeExpression":
      return compileTable(partOf(node, "Expression"), environment);
    case "NameReference":
      return namedTable(node, environment);
    case "ParenthesizedExpression":
      return compileTable(partOf(node, "Expression"), environment);
    case "PipeExpression":
      return piped(partOf(node, "Operator"), compileTable(partOf(node, "Expression"), environment), environment);
    case "PrintOperator":
      return print(node, environment);
    case "RangeOperator":
      return range(node, environment);
    case "UnionOperator":
      return union(node, null, environment);
    default:
      throw new NotExecutable(`'${node.text.slice(0, 80)}' (${node.kind})`, node);
  }
}

/** A call of a function from a `let`. */
function calledTable(node: SyntaxNode, environment: Environment): Table {
  const name = partOf(node, "Name");
  const binding = environment.names.get(nameIn(name));
  if (binding?.kind !== "table" || argumentsOf(node).length > 0) throw new NotExecutable(`the function '${name.text}' as a table`, node);
  return binding.table;
}

function namedTable(node: SyntaxNode, environment: Environment): Table {
  const name = nameIn(node);
  if (node.symbol === "Table") return { columns: columnsOf(node), rows: (run) => run.table(name) };
  const binding = environment.names.get(name);
  if (binding?.kind !== "table") throw new NotExecutable(`'${name}' as a table`, node);
  return binding.table;
}

type Operator = (node: SyntaxNode, input: Table, environment: Environment) => Table;

const unchanged: Operator = (_, input) => input;

const operators: Readonly<Record<string, Operator>> = {
  AsOperator: refused("as"),
  CountOperator: count,
  DistinctOperator: distinct,
  ExtendOperator: extend,
  FilterOperator: where,
  JoinOperator: join,
  MakeSeriesOperator: makeSeries,
  MvExpandOperator: mvExpand,
  ProjectAwayOperator: kept,
  ProjectKeepOperator: kept,
  ProjectOperator: project,
  ProjectRenameOperator: rename,
  ProjectReorderOperator: kept,
  RenderOperator: unchanged,
  SerializeOperator: (node, input) => (listOf(node, "Expressions").length === 0 ? input : refuse("serialize with expressions", node)),
  SortOperator: sort,
  SummarizeOperator: summarize,
  TakeOperator: take,
  TopOperator: top,
  UnionOperator: (node, input, environment) => union(node, input, environment),
};

function refused(name: string): Operator {
  return (node) => refuse(`the operator '${name}'`, node);
}

function refuse(what: string, node: SyntaxNode): never {
  throw new NotExecutable(what, node);
}

function piped(node: SyntaxNode, input: Table, environment: Environment): Table {
  const operator = Object.hasOwn(operators, node.kind) ? operators[node.kind] : undefined;
  return operator === undefined
    ? refuse(`the operator '${/^[\w-]+/.exec(node.text)?.[0] ?? node.kind}'`, node)
    : operator(node, input, environment);
}

const scopeOf = ({ columns }: Table, environment: Environment): Scope => ({ environment, columns, aggregate: null });

/** Keeps the rows of which the condition is true: neither false nor null. */
function where(node: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(node, []);
  const condition = compileScalar(partOf(node, "Condition"), scopeOf(input, environment));
  if (condition.type !== "bool") throw new NotExecutable(`a condition of type ${condition.type}`, node);
  return {
    columns: input.columns,
    rows(run) {
      const frame = input.rows(run);
      const holds = condition.bind(frame, run);
      const rows = new Int32Array(frame.length);
      let found = 0;
      for (let row = 0; row < frame.length; row++) if (holds(row) === true) rows[found++] = row;
      return select(frame, rows.subarray(0, found));
    },
  };
}

const computed = (column: Column, scalar: Scalar, frame: Frame, run: Run): FrameColumn => ({
  ...column,
  values: lazy(() => materialize(scalar.bind(frame, run), frame.length)),
});

function project(node: SyntaxNode, input: Table, environment: Environment): Table {
  const scope = scopeOf(input, environment);
  const columns = columnsOf(node);
  const scalars = listOf(node, "Expressions").map((expression) => compileScalar(unnamed(expression), scope));
  checkShape(
    node,
    columns,
    scalars.map(({ type }) => type),
  );
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      const made = columns.flatMap((column, index) => {
        const scalar = scalars[index];
        return scalar === undefined ? [] : [computed(column, scalar, frame, run)];
      });
      return { ...frame, columns: made };
    },
  };
}

/** Each expression reads the row as it came in. A name that is there already stands for the new value in its place. */
function extend(node: SyntaxNode, input: Table, environment: Environment): Table {
  const scope = scopeOf(input, environment);
  const columns = columnsOf(node);
  const known = new Set(input.columns.map(({ name }) => name));
  const added = columns.filter(({ name }) => !known.has(name));
  const made = new Map<string, Scalar>();
  let next = 0;
  for (const expression of listOf(node, "Expressions")) {
    const isNamed = expression.kind === "SimpleNamedExpression";
    const given = isNamed ? nameIn(partOf(expression, "Name")) : expression.kind === "NameReference" ? nameIn(expression) : null;
    const name = given !== null && known.has(given) ? given : added[next++]?.name;
    if (name === undefined || (isNamed && name !== given)) throw new NotExecutable(`'${expression.text}' in extend`, expression);
    made.set(name, compileScalar(unnamed(expression), scope));
  }
  const fits = columns.every(({ name, type }) => (made.get(name) ?? input.columns.find((column) => column.name === name))?.type === type);
  if (!fits || next !== added.length) throw new NotExecutable(`'${node.text.slice(0, 80)}'`, node);
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      return {
        ...frame,
        columns: columns.flatMap((column) => {
          const scalar = made.get(column.name);
          return scalar === undefined ? frame.columns.filter(({ name }) => name === column.name) : [computed(column, scalar, frame, run)];
        }),
      };
    },
  };
}

/** `project-away`, `-keep` and `-reorder`: which columns remain, and in which order, the binder says. */
function kept(node: SyntaxNode, input: Table): Table {
  const columns = columnsOf(node);
  for (const { name } of columns) if (!input.columns.some((column) => column.name === name)) refuse(`the column '${name}'`, node);
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      return { ...frame, columns: columns.flatMap(({ name }) => frame.columns.filter((column) => column.name === name)) };
    },
  };
}

function rename(node: SyntaxNode, input: Table): Table {
  const columns = columnsOf(node);
  checkShape(
    node,
    columns,
    input.columns.map(({ type }) => type),
  );
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      return { ...frame, columns: frame.columns.map((column, index) => ({ ...column, name: columns[index]?.name ?? column.name })) };
    },
  };
}

function count(node: SyntaxNode, input: Table): Table {
  const columns = columnsOf(node);
  return {
    columns,
    rows(run) {
      const { length } = input.rows(run);
      return { length: 1, columns: columns.map((column) => ({ ...column, values: () => [length] })), ingested: null };
    },
  };
}
