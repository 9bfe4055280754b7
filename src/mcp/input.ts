import type * as z from "zod";
import { GatewayError, nearest } from "../errors.ts";
import type { AnyTool } from "../tool.ts";
import { type JsonSchema, schemasOf } from "./json-schema.ts";

/** The input with its defaults; throws `invalid_input` where a tool's schema refuses it: each place, what was expected there, the nearest names. */
export function checkInput(tool: AnyTool, input: unknown): Readonly<Record<string, unknown>> {
  const parsed = tool.input.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new GatewayError("invalid_input", `The input of ${tool.name} is not valid.`, {
    details: parsed.error.issues.flatMap((issue) => describe(tool, issue)),
    hint: `Inputs: ${keys(schemasOf(tool).input)}.`,
  });
}

type Issue = z.core.$ZodIssue;

function describe(tool: AnyTool, issue: Issue): string[] {
  const place = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(tool, issue.path, key));
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const alternatives = issue.errors.map((branch) => branch.map(({ message }) => message).join(", "));
    return [`${place}: ${[...new Set(alternatives)].join("; or ")}`];
  }
  const missing = issue.code === "invalid_type" && issue.input === undefined;
  const message = missing ? `is required (${issue.expected})` : issue.message;
  return [place === "" ? message : `${place}: ${message}`];
}

function unknownKey(tool: AnyTool, path: readonly PropertyKey[], key: string): string {
  const here = schemaAt(schemasOf(tool).input, path);
  const near = nearest(key, Object.keys(here.properties ?? {})).map((name) => `'${name}'`);
  const suggestion = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  const inside = path.length === 0 ? "" : ` Inputs of ${path.map(String).join(".")}: ${keys(here)}.`;
  return `'${key}' is unknown.${suggestion}${inside}`;
}

/** The names of an object's inputs, in the order of the schema. */
const keys = ({ properties = {}, required = [] }: JsonSchema): string =>
  Object.keys(properties)
    .map((name) => (required.includes(name) ? `${name} (required)` : name))
    .join(", ") || "none";

/** The part of a schema that describes the value at a path; of alternatives, the first that does. */
function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  const [step, ...rest] = path;
  const objects = [schema, ...(schema.anyOf ?? [])];
  if (step === undefined) return objects.find(({ properties }) => properties !== undefined) ?? {};
  for (const { properties, items } of objects) {
    const below = typeof step === "number" ? items : properties?.[String(step)];
    if (below !== undefined) return schemaAt(below, rest);
  }
  return {};
}
