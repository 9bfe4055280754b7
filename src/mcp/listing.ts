import type { AnyTool, Effect } from "../tool.ts";
import { schemasOf } from "./json-schema.ts";

/** A tool as `tools/list` shows it. */
export function listing(tool: AnyTool) {
  const { input, output } = schemasOf(tool);
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: { ...input, type: "object" as const },
    outputSchema: { ...output, type: "object" as const },
    annotations: annotations(tool.effect),
  };
}

/**
 * What a client may assume of a tool, from its effect alone. The world is closed: a tool reaches one service.
 * A write can be repeated: a plan is claimed once, and what is as asked already is not planned again.
 */
const annotations = (effect: Effect) =>
  effect === "write"
    ? { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false }
    : { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
