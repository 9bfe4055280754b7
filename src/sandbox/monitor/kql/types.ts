/** A scalar type of Kusto (https://learn.microsoft.com/kusto/query/scalar-data-types/). */
export type KqlType = "bool" | "datetime" | "dynamic" | "int" | "long" | "real" | "string" | "timespan";

const types: ReadonlySet<string> = new Set<KqlType>(["bool", "datetime", "dynamic", "int", "long", "real", "string", "timespan"]);

/** Whether the sandbox has values of this type; it has none of `decimal` and `guid`. */
export const isKqlType = (name: string | null): name is KqlType => name !== null && types.has(name);

export interface Column {
  readonly name: string;
  readonly type: KqlType;
}

/** The columns of each table of a workspace, in their order. */
export type Schemas = Readonly<Record<string, Readonly<Record<string, KqlType>>>>;

/** What is wrong with a query. `start` counts the characters before it, `line` and `pos` from 1. */
export interface KqlError {
  readonly kind: "syntax" | "semantic";
  readonly message: string;
  /** What the parser calls it (`KS204`), or `sandbox`. */
  readonly code: string;
  readonly start: number;
  readonly line: number;
  readonly pos: number;
  readonly token: string;
}

/** Thrown for what the sandbox cannot run: an error, where a wrong number would be the alternative. */
export class NotExecutable extends Error {
  override readonly name = "NotExecutable";
  readonly start: number;
  readonly token: string;

  constructor(what: string, at: { readonly start: number; readonly text: string } = { start: 0, text: "" }) {
    super(`semantic error: ${what} is not executable in the sandbox`);
    this.start = at.start;
    this.token = at.text;
  }
}
