import type { z } from "zod";
import type { Applier, ChangeLog, Planner } from "./change/types.ts";
import type { GatewayReader, MetricsReader } from "./gateway/ports.ts";

/** What a tool may do; annotations, read-only behaviour and the context of its handler follow from it. */
export type Effect = "read" | "plan" | "write";

export type Toolset = "quotas" | "backends" | "policies" | "metrics" | "changes";

/** What every handler gets; bound to one call. */
export interface ReadContext {
  /** The service's name for answers ("sandbox" for the embedded one). */
  readonly service: string;
  readonly gateway: GatewayReader;
  readonly metrics: MetricsReader;
  readonly changes: ChangeLog;
  readonly now: () => Date;
}

export interface PlanContext extends ReadContext {
  readonly planner: Planner;
}

export interface WriteContext extends ReadContext {
  readonly applier: Applier;
}

/** The context of each effect: a handler gets its own, so a `read` or `plan` tool that reaches for the writer does not compile. */
export interface Contexts {
  readonly read: ReadContext;
  readonly plan: PlanContext;
  readonly write: WriteContext;
}

/** One MCP tool. `handler` returns data, `render` turns it into short markdown; neither knows MCP. */
export interface Tool<E extends Effect, I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: E;
  readonly toolset: Toolset;
  readonly input: I;
  readonly output: O;
  handler(context: Contexts[E], input: z.output<I>): Promise<z.output<O>>;
  render(output: z.output<O>): string;
}

export const defineTool = <E extends Effect, I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<E, I, O>): Tool<E, I, O> => tool;

/** A tool in a list, its types forgotten: what `mcp/` and the command line need of any of them. */
export interface AnyTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly toolset: Toolset;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  /** Parses the input, runs the handler on the context of the tool's effect, parses and renders its output. */
  run(contexts: Contexts, input: unknown): Promise<{ readonly structured: Record<string, unknown>; readonly text: string }>;
}

/** Forgets a tool's types, for the list of tools. */
export function anyTool<E extends Effect, I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<E, I, O>): AnyTool {
  return {
    ...tool,
    async run(contexts, input) {
      const output = tool.output.parse(await tool.handler(contexts[tool.effect], tool.input.parse(input)));
      return { structured: output, text: tool.render(output) };
    },
  };
}
