import { type Conversion, conversion, isBag, isList, missing, type Value } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { columnNamed, gather, lazy, type Vector } from "./frame.ts";
import type { Environment, Scalar, Scope, Table } from "./scalar.ts";
import { unnamed } from "./summarize.ts";
import { checkParameters, childOf, columnsOf, listOf, nameIn, parameterOf, partOf, type SyntaxNode } from "./syntax.ts";
import { type Column, NotExecutable } from "./types.ts";

interface Expanded {
  readonly name: string;
  readonly scalar: Scalar;
  readonly convert: Conversion;
}

/**
 * `mv-expand`: a row for each element; several columns go side by side, the shorter ones filled up with nulls
 * (https://learn.microsoft.com/kusto/query/mv-expand-operator). A value that is no list stays as it is. Assumed: a list without elements
 * gives one row with null.
 */
export function mvExpand(operator: SyntaxNode, input: Table, environment: Environment): Table {
  checkParameters(operator, ["with_itemindex", "kind", "bagexpansion"]);
  const shape = parameterOf(operator, "kind") ?? parameterOf(operator, "bagexpansion") ?? "bag";
  if (shape !== "bag") throw new NotExecutable(`mv-expand kind=${shape}`, operator);
  if (childOf(operator, "RowLimitClause") !== undefined) throw new NotExecutable("mv-expand with a limit", operator);
  const index = parameterOf(operator, "with_itemindex");
  const columns = columnsOf(operator);
  const scope: Scope = { environment, columns: input.columns, aggregate: null };
  const expanded = listOf(operator, "Expressions").map((node) => expandedOf(node, columns, scope));
  checkColumns(operator, columns, input.columns, expanded, index);
  return {
    columns,
    rows(run) {
      const frame = input.rows(run);
      const readers = expanded.map(({ scalar }) => scalar.bind(frame, run));
      const origins: number[] = [];
      const indexes: number[] = [];
      const values = expanded.map((): Value[] => []);
      for (let row = 0; row < frame.length; row++) {
        const lists = readers.map((read) => elementsOf(read(row)));
        const length = Math.max(1, ...lists.map((list) => list.length));
        for (let item = 0; item < length; item++) {
          origins.push(row);
          indexes.push(item);
          lists.forEach((list, column) => void values[column]?.push(expanded[column]?.convert(list[item] ?? null) ?? null));
        }
      }
      const valuesOf = (column: Column): (() => Vector) => {
        const position = expanded.findIndex(({ name }) => name === column.name);
        if (position >= 0) return () => values[position] ?? [];
        if (column.name === index) return () => indexes;
        const source = columnNamed(frame, column.name);
        if (source === undefined) throw new RangeError(`no column ${column.name}`);
        return lazy(() => gather(source.values(), origins, missing(column.type)));
      };
      return { length: origins.length, columns: columns.map((column) => ({ ...column, values: valuesOf(column) })), ingested: null };
    },
  };
}

/** Of a bag, bags with one member each. */
function elementsOf(value: Value): readonly Value[] {
  if (isList(value)) return value;
  return isBag(value) ? Object.entries(value).map(([name, member]) => ({ [name]: member })) : [value];
}

function expandedOf(node: SyntaxNode, columns: readonly Column[], scope: Scope): Expanded {
  const expression = partOf(node, "Expression");
  const isNamed = expression.kind === "SimpleNamedExpression";
  const inner = unnamed(expression);
  if (!isNamed && inner.kind !== "NameReference") throw new NotExecutable(`mv-expand of '${inner.text}' without a name`, node);
  const name = nameIn(isNamed ? partOf(expression, "Name") : inner);
  const scalar = compileScalar(inner, scope);
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined || scalar.type !== "dynamic") throw new NotExecutable(`mv-expand of '${inner.text}'`, node);
  return { name, scalar, convert: conversion("dynamic", column.type) };
}

function checkColumns(
  operator: SyntaxNode,
  columns: readonly Column[],
  input: readonly Column[],
  expanded: readonly Expanded[],
  index: string | undefined,
): void {
  const known = new Set([...input.map(({ name }) => name), ...expanded.map(({ name }) => name), index]);
  const strange = columns.find(({ name }) => !known.has(name));
  if (strange !== undefined) throw new NotExecutable(`mv-expand with the column '${strange.name}'`, operator);
}
