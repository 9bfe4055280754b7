import * as z from "zod";
import type { AnyTool } from "../tool.ts";

/** As much of JSON Schema as is read here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

interface ToolSchemas {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
}

/** A tool's inputs and outputs as JSON Schema. The bundle holds them ready-made (`.ci/build.ts`). */
export const schemasOf = (tool: AnyTool): ToolSchemas => ({
  input: jsonSchema(tool.input, "input"),
  output: outlined(jsonSchema(tool.output, "output")),
});

/** Of an output only its own members: every model pays for the list of tools, and sees what stands deeper in the answer itself. */
function outlined({ properties = {}, ...schema }: JsonSchema): JsonSchema {
  return { ...schema, properties: Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, withoutMembers(member)])) };
}

function withoutMembers({ properties, required, additionalProperties, propertyNames, items, ...schema }: JsonSchema): JsonSchema {
  return items === undefined ? schema : { ...schema, items: withoutMembers(items) };
}

/**
 * JSON Schema (2020-12, which MCP assumes where `$schema` is absent) without what only costs tokens: the bounds of safe
 * integers, that a text is not empty (nobody means it, and a call with one is refused), and in outputs the closing of objects, which would make clients refuse a field that a later version adds.
 * A choice of types is spelt as `anyOf`: some model providers know only one type in a place.
 */
function jsonSchema(schema: z.ZodObject, io: "input" | "output"): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: part }) => {
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
      if (part.minLength === 1) delete part.minLength;
      if (io === "output" && part.additionalProperties === false) delete part.additionalProperties;
    },
  });
  return JSON.parse(JSON.stringify(rest), (_, part) => (Array.isArray(part?.type) ? oneTypeEach(part) : part));
}

const oneTypeEach = ({ type, ...part }: { readonly type: readonly string[] }) => ({ ...part, anyOf: type.map((one) => ({ type: one })) });
