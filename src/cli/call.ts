import { GatewayError } from "../errors.ts";
import { callTool, type Surface } from "../mcp/call.ts";
import { version } from "../version.ts";
import { misuse } from "./arguments.ts";

export interface CallOptions {
  readonly surface: Surface;
  /** The tool's name and its input as JSON; `-` for what stdin holds. */
  readonly operands: readonly string[];
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly readInput: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * One tool call; nobody is asked, so that only the operator's `direct` lets it write at once. The answer goes to `out`; an error to `err`, or with `json` as an object to `out`. Resolves with the exit
 * status: 1 on a tool's error. Throws `invalid_input` where the command line is not a call.
 */
export async function call({ surface, operands, json, signal, readInput, out, err }: CallOptions): Promise<0 | 1> {
  const [tool, source, ...more] = operands;
  if (tool === undefined || source === undefined || more.length > 0)
    throw misuse("A call takes the name of a tool and its input: call TOOL JSON.");
  const input = parseInput(source === "-" ? await readInput() : source);
  const outcome = await callTool(surface, { tool, input, signal, client: { name: "cli", version }, ask: null });
  if (json) out(`${JSON.stringify(outcome.ok ? outcome.structured : { error: outcome.failure }, null, 2)}\n`);
  else (outcome.ok ? out : err)(`${outcome.text}\n`);
  return outcome.ok ? 0 : 1;
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("invalid_input", `The input is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      hint: `Write it in single quotes: call get_backend_pool '{"api_id": "azure-openai"}'.`,
      cause,
    });
  }
}
