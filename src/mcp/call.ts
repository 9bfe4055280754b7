import { GatewayError, nearest } from "../errors.ts";
import type { AnyTool, Contexts } from "../tool.ts";
import { checkInput } from "./input.ts";
import { failed, type Outcome, success } from "./result.ts";

/** What is offered to a caller, over MCP or on the command line. */
export interface Surface {
  readonly tools: readonly AnyTool[];
  /** Opens the service for one call; rejects with `not_configured` where it cannot. */
  readonly contexts: (call: { readonly signal: AbortSignal }) => Promise<Contexts>;
  /** Tools that write are neither shown nor run. */
  readonly readOnly: boolean;
  /** Tells the operator what a caller must not see. */
  readonly report: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** The tools that a caller is shown. */
export const visibleTools = ({ tools, readOnly }: Surface): readonly AnyTool[] =>
  tools.filter(({ effect }) => !readOnly || effect !== "write");

/** Runs one call to its outcome; never rejects. The only place where a tool's errors are caught. */
export async function callTool(surface: Surface, name: string, input: unknown, signal: AbortSignal): Promise<Outcome> {
  try {
    const tool = permitted(surface, name);
    checkInput(tool, input);
    return success(await tool.run(await surface.contexts({ signal }), input), tool.render);
  } catch (error) {
    return failed(asGatewayError(error, signal, (id) => surface.report("call failed", { id, tool: name, stack: stackOf(error) })));
  }
}

function permitted(surface: Surface, name: string): AnyTool {
  const tool = surface.tools.find((candidate) => candidate.name === name);
  if (tool === undefined) {
    const known = visibleTools(surface).map((candidate) => candidate.name);
    const near = nearest(name, known);
    throw new GatewayError("invalid_input", `Unknown tool '${name}'.`, {
      hint: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Tools: ${known.join(", ")}.`,
    });
  }
  if (surface.readOnly && tool.effect === "write") {
    throw new GatewayError("read_only", `${name} writes, and this server only reads and plans.`, {
      hint: "The operator can start it without --read-only and without AIGW_READ_ONLY.",
    });
  }
  return tool;
}

/** An unexpected error tells a caller its id alone; the rest is in the log. */
function asGatewayError(error: unknown, signal: AbortSignal, report: (id: string) => void): GatewayError {
  if (error instanceof GatewayError) return error;
  if (signal.aborted) return new GatewayError("cancelled", "The call was cancelled.");
  // The global one: to import node:crypto would cost every start ten milliseconds.
  const id = crypto.randomUUID().slice(0, 8);
  report(id);
  return new GatewayError("internal", `An unexpected error, ${id}.`, { hint: `The server's log (stderr) has the details under ${id}.` });
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
