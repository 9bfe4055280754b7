import { GatewayError } from "../../errors.ts";
import type { Json } from "../../gateway/documents.ts";
import type { LogsTable } from "../../gateway/ports.ts";
import type { Grouping } from "../platform-metrics.ts";

/** KQL's types, as far as the queries answer them. */
type ColumnType = "string" | "int" | "long" | "real" | "datetime" | "dynamic";

export type Columns = Readonly<Record<string, ColumnType>>;

/** A value of a column; null where KQL has none. Times are ISO 8601. */
type ValueOf<T extends ColumnType> = T extends "string"
  ? string
  : T extends "int" | "long" | "real"
    ? number | null
    : T extends "datetime"
      ? string | null
      : Json;

/** A query whose answer has a column for each grouping, as `groupColumns` names it, and the measures. */
export interface LogsQuery<M extends Columns> {
  readonly kql: string;
  readonly groupBy: readonly Grouping[];
  readonly measures: M;
  /** From the first to behind the last row that it may read. */
  readonly period: { readonly since: Date; readonly until: Date };
}

export interface LogsRow<M extends Columns> {
  readonly keys: Readonly<Partial<Record<Grouping, string>>>;
  readonly values: { readonly [Name in keyof M]: ValueOf<M[Name]> };
}

export const groupColumns: Readonly<Record<Grouping, string>> = {
  subscription: "Subscription",
  product: "Product",
  operation: "Operation",
  backend: "Backend",
  region: "Region",
  model: "Model",
  cause: "Cause",
  time: "Time",
};

/** Every column of a query's answer with its type. */
export const columnsOf = ({ groupBy, measures }: LogsQuery<Columns>): Columns => ({
  ...Object.fromEntries(groupBy.map((grouping) => [groupColumns[grouping], grouping === "time" ? "datetime" : "string"] as const)),
  ...measures,
});

/** The rows of an answer by the names of their columns. Throws `internal` where a column is missing or of another type. */
export function readRows<M extends Columns>(query: LogsQuery<M>, table: LogsTable): readonly LogsRow<M>[] {
  const columns = Object.entries(columnsOf(query)).map(([name, type]) => {
    const index = table.columns.findIndex((column) => column.name === name);
    if (index < 0) throw unreadable(`has no column '${name}'`);
    return { name, type, index };
  });
  return table.rows.map((row) => {
    const values = Object.fromEntries(columns.map(({ name, type, index }) => [name, cellOf(name, type, row[index] ?? null)]));
    return {
      keys: Object.fromEntries(query.groupBy.map((grouping) => [grouping, String(values[groupColumns[grouping]] ?? "")])),
      // Each value has been read as its column's type says.
      values: values as LogsRow<M>["values"],
    };
  });
}

function cellOf(name: string, type: ColumnType, value: Json): Json {
  switch (type) {
    case "string":
      return typeof value === "string" ? value : "";
    case "int":
    case "long":
    case "real":
      if (value === null || typeof value === "number") return value;
      // Azure Monitor writes reals that JSON has no number for as texts.
      return value === "NaN" || value === "Infinity" || value === "-Infinity" ? null : fail(name, type);
    case "datetime":
      if (value === null) return null;
      return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : fail(name, type);
    case "dynamic":
      return typeof value === "string" ? parsed(value) : value;
  }
}

/** What is dynamic comes as text of JSON. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const fail = (name: string, type: ColumnType): never => {
  throw unreadable(`has a value in column '${name}' that is no ${type}`);
};

const unreadable = (problem: string): GatewayError =>
  new GatewayError("internal", `Azure Monitor's answer to a query of the logs ${problem}.`);
