import type { JsonObject } from "../../../gateway/documents.ts";
import { toAnswer, type Value } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, readerOf, storedFrame } from "./frame.ts";
import { type KqlParser, placeOf } from "./parser.ts";
import { type Binding, type Environment, oncePerRun, type Run, type Table } from "./scalar.ts";
import { childOf, listOf, nameIn, partOf, type SyntaxNode } from "./syntax.ts";
import { compileTable } from "./tabular.ts";
import { type Column, type KqlError, type KqlType, NotExecutable, type Schemas } from "./types.ts";

/** A query that has been compiled: it can be run on any rows. */
export interface Plan {
  readonly columns: readonly Column[];
  readonly run: (run: Run) => Frame;
  readonly schemas: Schemas;
}

/** What a query works on. */
export interface Workspace {
  readonly now: Date;
  /** Rows of a table by the names of its columns: times are ISO 8601, what is missing is null or left out. */
  rows(table: string): readonly JsonObject[];
  /** When a row came in that was generated at a time, both in milliseconds; the same where left out. */
  readonly ingestedAt?: (time: number) => number;
}

/** A result as the service answers it: datetimes and timespans are texts in it, dynamic values JSON as text. */
export interface QueryResult {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
}

export type Compiled = { readonly plan: Plan } | { readonly errors: readonly KqlError[] };

/** Parses, binds and compiles a query. Never throws for a query that is wrong or that the engine does not know. */
export function compile(parser: KqlParser, query: string, schemas: Schemas): Compiled {
  const { root, errors } = parser.parse(query, schemas);
  if (errors.length > 0) return { errors };
  try {
    const table = compileStatements(listOf(root, "Statements"));
    const plan: Plan = { columns: table.columns, run: table.rows, schemas };
    // Over empty tables every expression is bound once: what cannot be run is found before there is a row.
    execute(plan, { now: new Date(0), rows: () => [] });
    return { plan };
  } catch (error) {
    if (error instanceof NotExecutable) return { errors: [kqlError(error, query)] };
    throw error;
  }
}

/** The error of a run, as those of a compilation are. */
export const kqlError = ({ message, start, token }: NotExecutable, query: string): KqlError => ({
  kind: "semantic",
  message,
  code: "sandbox",
  token: token.slice(0, 100),
  ...placeOf(query, start),
});

/** Runs a plan. Throws `NotExecutable` for values that the engine cannot compute with. */
export function execute({ columns, run, schemas }: Plan, workspace: Workspace): QueryResult {
  const frame = run(openRun(schemas, workspace));
  const cells = frame.columns.map((column) => ({ read: readerOf(column), answer: toAnswer(column.type) }));
  return { columns, rows: Array.from({ length: frame.length }, (_, row) => cells.map(({ read, answer }) => answer(read(row)))) };
}

function openRun(schemas: Schemas, { now, rows, ingestedAt = (time) => time }: Workspace): Run {
  const frames = new Map<string, Frame>();
  const ingestion = (time: Value): Value => (typeof time === "number" ? ingestedAt(time / 1000) * 1000 : null);
  return {
    now: now.getTime() * 1000,
    table(name) {
      const frame = frames.get(name) ?? storedFrame(schemaOf(schemas, name), rows(name), ingestion);
      frames.set(name, frame);
      return frame;
    },
  };
}

const schemaOf = (schemas: Schemas, table: string): readonly Column[] =>
  Object.entries(schemas[table] ?? {}).map(([name, type]: [string, KqlType]) => ({ name, type }));

/** `let` statements, and the one query behind them. */
function compileStatements(statements: readonly SyntaxNode[]): Table {
  const names = new Map<string, Binding>();
  const environment: Environment = { names, table: (node) => compileTable(node, environment) };
  let result: Table | undefined;
  for (const statement of statements) {
    if (result !== undefined) throw new NotExecutable("a statement behind the query", statement);
    if (statement.kind === "LetStatement") {
      names.set(nameIn(partOf(statement, "Name")), bindingOf(partOf(statement, "Expression"), environment));
    } else if (statement.kind === "ExpressionStatement") {
      result = compileTable(partOf(statement, "Expression"), environment);
    } else {
      throw new NotExecutable(`'${statement.text.slice(0, 80)}'`, statement);
    }
  }
  if (result === undefined) throw new NotExecutable("a query without a result");
  return result;
}

/** A value, a table, or a function without parameters, whose calls are then one and the same. */
function bindingOf(node: SyntaxNode, environment: Environment): Binding {
  if (node.kind === "FunctionDeclaration") return bindingOf(bodyOf(node), environment);
  if (node.columns !== null) {
    const { columns, rows } = environment.table(node);
    return { kind: "table", table: { columns, rows: oncePerRun(rows) } };
  }
  return { kind: "scalar", scalar: compileScalar(node, { environment, columns: [], aggregate: null }) };
}

function bodyOf(declaration: SyntaxNode): SyntaxNode {
  if (listOf(partOf(declaration, "Parameters"), "Parameters").length > 0)
    throw new NotExecutable("a function with parameters", declaration);
  const body = partOf(declaration, "Body");
  const expression = childOf(body, "Expression");
  if (expression === undefined || listOf(body, "Statements").length > 0)
    throw new NotExecutable("a function of several statements", declaration);
  return expression;
}
