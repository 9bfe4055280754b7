import { type Aggregation, aggregates, extremeRows, percentilesOf } from "./aggregates.ts";
import { missing, type Reader, type Value } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, type FrameColumn, lazy, materialize, readerOf, type Vector } from "./frame.ts";
import { firstRows, type Groups, groupBy } from "./groups.ts";
import type { Environment, Run, Scalar, Scope, Table } from "./scalar.ts";
import { argumentsOf, checkParameters, childOf, columnsOf, listOf, partOf, type SyntaxNode, typeOf } from "./syntax.ts";
import { type Column, isKqlType, type KqlType, NotExecutable } from "./types.ts";

/** One or more result columns, computed from the rows of each group. */
export interface Measure {
  readonly types: readonly KqlType[];
  compute(frame: Frame, groups: Groups, run: Run): readonly Vector[];
}

const named = new Set(["SimpleNamedExpression", "CompoundNamedExpression"]);

/** The expression behind a name that it may be given. */
export const unnamed = (node: SyntaxNode): SyntaxNode => (named.has(node.kind) ? partOf(node, "Expression") : node);

/** An expression over aggregation functions such as `round(avg(x), 1)`: these are computed first, and the rest from their results. */
export function measureOf(node: SyntaxNode, input: readonly Column[], environment: Environment): Measure {
  const several = severalOf(unnamed(node), input, environment);
  if (several !== undefined) return several;
  const parts: { readonly column: Column; readonly compute: (frame: Frame, groups: Groups, run: Run) => Vector }[] = [];
  const rowScope: Scope = { environment, columns: input, aggregate: null };
  const aggregate = (call: SyntaxNode): Scalar | undefined => {
    const compute = aggregateOf(call, rowScope);
    if (compute === undefined) return undefined;
    const index = parts.length;
    const type = typeOf(call);
    parts.push({ column: { name: `aggregate${index}`, type }, compute });
    return { type, constant: false, bind: ({ columns }) => readerAt(columns, index) };
  };
  const scalar = compileScalar(unnamed(node), { environment, columns: [], aggregate });
  return {
    types: [scalar.type],
    compute(frame, groups, run) {
      const columns = parts.map(({ column, compute }) => ({ ...column, values: lazy(() => compute(frame, groups, run)) }));
      const read = scalar.bind({ length: groups.count, columns, ingested: null }, run);
      return [materialize(read, groups.count)];
    },
  };
}

function readerAt(columns: readonly FrameColumn[], index: number): Reader {
  const column = columns[index];
  if (column === undefined) throw new RangeError(`there is no column ${index}`);
  return readerOf(column);
}

const calledName = (call: SyntaxNode): string => (call.kind === "FunctionCallExpression" ? partOf(call, "Name").text.toLowerCase() : "");

type Bound = (frame: Frame, groups: Groups, run: Run) => Aggregation;

function boundCall(call: SyntaxNode, args: readonly Scalar[], predicate: number | undefined, type: KqlType): Bound {
  const condition = predicate === undefined ? undefined : args[predicate];
  if (predicate !== undefined && condition === undefined) throw new NotExecutable(`'${call.text}'`, call);
  const others = args.filter((_, index) => index !== predicate);
  return (frame, groups, run) => {
    const holds = condition?.bind(frame, run);
    return {
      groups,
      type,
      args: others.map((arg) => ({ type: arg.type, read: arg.bind(frame, run) })),
      includes: holds === undefined ? () => true : (row) => holds(row) === true,
    };
  };
}

/** An aggregation function with one result; undefined for what is none. */
function aggregateOf(call: SyntaxNode, scope: Scope): ((frame: Frame, groups: Groups, run: Run) => Vector) | undefined {
  const name = calledName(call);
  const aggregate = Object.hasOwn(aggregates, name) ? aggregates[name] : undefined;
  if (aggregate === undefined) return undefined;
  const type = typeOf(call);
  const args = argumentsOf(call).map((argument) => compileScalar(argument, scope));
  // What is dynamic may be of any kind by row: a sum of it would be a guess.
  if (args[0]?.type === "dynamic" && !/^(?:make_list|take_any|any)/.test(name))
    throw new NotExecutable(`${name}() of dynamic values`, call);
  const bound = boundCall(call, args, aggregate.predicate, type);
  return (frame, groups, run) => aggregate.compute(bound(frame, groups, run)).map((value) => value ?? missing(type));
}

/** A call with several results: `percentiles()`, `arg_max()`, `arg_min()`, and `take_any()` of several values. */
function severalOf(call: SyntaxNode, input: readonly Column[], environment: Environment): Measure | undefined {
  const name = calledName(call);
  const isSeveral = call.columns !== null;
  if (name !== "percentiles" && name !== "arg_max" && name !== "arg_min" && !(name === "take_any" && isSeveral)) return undefined;
  const scope: Scope = { environment, columns: input, aggregate: null };
  const results = resultsOf(call);
  const types = results.map(({ type }) => type);
  const args = argumentsOf(call).filter(({ kind }) => kind !== "StarExpression");
  const scalars = args.map((argument) => compileScalar(argument, scope));
  if (name === "percentiles") {
    const bound = boundCall(call, scalars, undefined, types[0] ?? "real");
    return { types, compute: (frame, groups, run) => percentilesOf(bound(frame, groups, run)) };
  }
  const shown = results.map((result, index) => scalars[index] ?? columnOf(result, input, call));
  const bound = boundCall(call, scalars.slice(0, 1), undefined, "dynamic");
  return {
    types,
    compute(frame, groups, run) {
      const rows = name === "take_any" ? firstRows(groups) : extremeRows(bound(frame, groups, run), name === "arg_max" ? "max" : "min");
      return shown.map((scalar) => {
        const read = scalar.bind(frame, run);
        return Array.from(rows, (row): Value => (row < 0 ? missing(scalar.type) : read(row)));
      });
    },
  };
}

/** `arg_max()` of one value alone has one result. */
function resultsOf(call: SyntaxNode): readonly Column[] {
  if (call.columns !== null) return columnsOf(call);
  if (isKqlType(call.type)) return [{ name: "", type: call.type }];
  throw new NotExecutable(`'${call.text}'`, call);
}

function columnOf({ name }: Column, input: readonly Column[], call: SyntaxNode): Scalar {
  const index = input.findIndex((column) => column.name === name);
  const column = input[index];
  if (column === undefined) throw new NotExecutable(`'${call.text}' with the column '${name}'`, call);
  return { type: column.type, constant: false, bind: ({ columns }) => readerAt(columns, index) };
}

/** The expressions of a `by` clause. */
export function keysOf(operator: SyntaxNode, input: readonly Column[], environment: Environment): readonly Scalar[] {
  const clause = childOf(operator, "ByClause");
  if (clause === undefined) return [];
  return listOf(clause, "Expressions").map((node) => compileScalar(unnamed(node), { environment, columns: input, aggregate: null }));
}

/** https://learn.microsoft.com/kusto/query/summarize-operator */
export function summarize(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, []);
  const keys = keysOf(operator, input.columns, environment);
  const measures = listOf(operator, "Aggregates").map((node) => measureOf(node, input.columns, environment));
  const columns = columnsOf(operator);
  checkShape(operator, columns, [...keys.map(({ type }) => type), ...measures.flatMap(({ types }) => types)]);
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      const readers = keys.map((key) => key.bind(frame, run));
      const found = groupBy(readers, frame.length);
      // Without a key there is one group, even of nothing.
      const groups = keys.length === 0 ? { ...found, count: 1 } : found;
      const firsts = lazy(() => firstRows(groups));
      const keyColumns = readers.map((read) => lazy(() => Array.from(firsts(), read)));
      const measured = measures.flatMap(({ types, compute }) => {
        const computed = lazy(() => compute(frame, groups, run));
        return types.map((_, index) => () => computed()[index] ?? []);
      });
      const values = [...keyColumns, ...measured];
      return {
        length: groups.count,
        columns: columns.map((column, index) => ({ ...column, values: values[index] ?? (() => []) })),
        ingested: null,
      };
    },
  };
}

/** What is computed must be what the binder says is the result, column by column. */
export function checkShape(node: SyntaxNode, columns: readonly Column[], types: readonly KqlType[]): void {
  const fits = columns.length === types.length && columns.every(({ type }, index) => type === types[index]);
  if (!fits) throw new NotExecutable(`'${node.text.slice(0, 80)}' with these columns`, node);
}

/** https://learn.microsoft.com/kusto/query/distinct-operator */
export function distinct(operator: SyntaxNode, input: Table, environment: Environment): Table {
  const columns = columnsOf(operator);
  const expressions = listOf(operator, "Expressions");
  const all = expressions.some(({ kind }) => kind === "StarExpression");
  const scope: Scope = { environment, columns: input.columns, aggregate: null };
  const scalars = all
    ? input.columns.map((column) => columnOf(column, input.columns, operator))
    : expressions.map((node) => compileScalar(unnamed(node), scope));
  checkShape(
    operator,
    columns,
    scalars.map(({ type }) => type),
  );
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      const readers = scalars.map((scalar) => scalar.bind(frame, run));
      const firsts = firstRows(groupBy(readers, frame.length));
      return {
        length: firsts.length,
        columns: columns.map((column, index) => ({ ...column, values: lazy(() => Array.from(firsts, readers[index] ?? (() => null))) })),
        ingested: null,
      };
    },
  };
}
