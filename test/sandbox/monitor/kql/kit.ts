import type { Json, JsonObject } from "../../../../src/gateway/documents.ts";
import { loadKql } from "../../../../src/kql.ts";
import { compile, execute, type QueryResult } from "../../../../src/sandbox/monitor/kql/engine.ts";
import { workspaceTables } from "../../../../src/sandbox/monitor/kql/tables.ts";
import type { KqlError } from "../../../../src/sandbox/monitor/kql/types.ts";

export const parser = await loadKql();

export type Rows = Readonly<Record<string, readonly JsonObject[]>>;

export const now = new Date("2026-11-20T11:00:00Z");

/** Runs a query; throws where it does not compile. */
export function ask(query: string, rows: Rows = {}, ingestedAt?: (time: number) => number): QueryResult {
  const compiled = compile(parser, query, workspaceTables);
  if ("errors" in compiled) throw new Error(compiled.errors.map(({ message }) => message).join("\n"));
  const workspace = { now, rows: (table: string) => rows[table] ?? [] };
  return execute(compiled.plan, ingestedAt === undefined ? workspace : { ...workspace, ingestedAt });
}

/** The cells of the answer. */
export const cells = (query: string, rows: Rows = {}): readonly (readonly Json[])[] => ask(query, rows).rows;

/** What one expression is. */
export function scalar(expression: string): Json {
  const [[value = null] = []] = cells(`print ${expression}`);
  return value;
}

/** Why a query is not run. */
export function errorsOf(query: string): readonly KqlError[] {
  const compiled = compile(parser, query, workspaceTables);
  return "errors" in compiled ? compiled.errors : [];
}
