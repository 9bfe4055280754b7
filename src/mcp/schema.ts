import * as z from "zod";
import type { AnyTool, Effect } from "../tool.ts";

/** As much of JSON Schema as is read here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

export const inputSchema = once((tool) => jsonSchema(tool.input, "input"));
export const outputSchema = once((tool) => jsonSchema(tool.output, "output"));

/** A tool as `tools/list` shows it. */
export const listing = (tool: AnyTool) => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: { ...inputSchema(tool), type: "object" as const },
  outputSchema: { ...outputSchema(tool), type: "object" as const },
  annotations: annotations(tool.effect),
});

/**
 * What a client may assume of a tool, from its effect alone. The world is closed: a tool reaches one service.
 * A write can be repeated: a plan is claimed once.
 */
export const annotations = (effect: Effect) =>
  effect === "write"
    ? { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false }
    : { readOnlyHint: true, destructiveHint: false, openWorldHint: false };

/**
 * JSON Schema (2020-12, which MCP assumes where `$schema` is absent) without what only costs tokens: the bounds of safe
 * integers, and in outputs the closing of objects, which would make clients refuse a field that a later version adds.
 */
function jsonSchema(schema: z.ZodObject, io: "input" | "output"): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: part }) => {
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
      if (io === "output" && part.additionalProperties === false) delete part.additionalProperties;
    },
  });
  return rest as JsonSchema;
}

/** Computed at the first need and kept: no schema is built before a client asks for the list. */
function once<T extends object>(compute: (tool: AnyTool) => T): (tool: AnyTool) => T {
  const known = new WeakMap<AnyTool, T>();
  return (tool) => {
    const value = known.get(tool) ?? compute(tool);
    known.set(tool, value);
    return value;
  };
}
