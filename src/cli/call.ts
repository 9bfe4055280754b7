import { GatewayError } from "../errors.ts";
import { callTool, type Surface } from "../mcp/call.ts";
import { version } from "../version.ts";
import { misuse } from "./arguments.ts";

/** A drill that this process looks after to its end. */
interface LookedAfter {
  readonly drillId: string;
  readonly until: string;
  /** Resolves with whether nothing of it is left. */
  readonly over: Promise<boolean>;
}

export interface CallOptions {
  readonly surface: Surface;
  /** The drills that this process has begun to look after. */
  readonly lookedAfter: () => Promise<readonly LookedAfter[]>;
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
 * status: 1 on a tool's error. Where the call has started a drill, that is not before the drill is over and cleaned up, and 1 too where
 * something of it is left; `signal` ends the wait. Throws `invalid_input` where the command line is not a call.
 */
export async function call({ surface, lookedAfter, operands, json, signal, readInput, out, err }: CallOptions): Promise<0 | 1> {
  const [tool, source, ...more] = operands;
  if (tool === undefined || source === undefined || more.length > 0)
    throw misuse("A call takes the name of a tool and its input: call TOOL JSON.");
  const input = parseInput(source === "-" ? await readInput() : source);
  const outcome = await announced(signal, err, () =>
    callTool(surface, { tool, input, signal, client: { name: "cli", version }, ask: null }),
  );
  if (json) out(`${JSON.stringify(outcome.ok ? outcome.structured : { error: outcome.failure }, null, 2)}\n`);
  else (outcome.ok ? out : err)(`${outcome.text}\n`);
  const drills = await lookedAfter();
  if (!outcome.ok) return 1;
  let isClean = true;
  for (const drill of drills) isClean = (await seenToItsEnd(drill, signal, err)) && isClean;
  return isClean ? 0 : 1;
}

/** Says at once that a signal was heard: what has to be brought to an end, or taken away, takes its time. */
async function announced<T>(signal: AbortSignal, err: (text: string) => void, work: () => Promise<T>): Promise<T> {
  const heard = () =>
    err(
      "Cancelled: what is only for test calls is taken away, and a change that is being written is brought to its end. Once more ends this process at once; 'azure-ai-gateway-mcp recover' then cleans up.\n",
    );
  signal.addEventListener("abort", heard, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", heard);
  }
}

/** Whether nothing of the drill is left; says what it waits for, and what has come of it. */
async function seenToItsEnd({ drillId, until, over }: LookedAfter, signal: AbortSignal, err: (text: string) => void): Promise<boolean> {
  err(
    `Drill ${drillId} runs until ${until}: this process looks after it, and ends once it is cleaned up. Ctrl-C leaves that to 'azure-ai-gateway-mcp recover'.\n`,
  );
  const isClean = await Promise.race([over, aborted(signal)]);
  if (isClean === null) err(`Drill ${drillId} is left alone: 'azure-ai-gateway-mcp recover' ends it and cleans up.\n`);
  else if (isClean)
    err(`Drill ${drillId} is over and cleaned up: azure-ai-gateway-mcp call get_drill '${JSON.stringify({ drill_id: drillId })}'.\n`);
  else err(`Drill ${drillId} is over, and something of it is left: azure-ai-gateway-mcp recover.\n`);
  return isClean === true;
}

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((done) => {
    if (signal.aborted) done(null);
    else signal.addEventListener("abort", () => done(null), { once: true });
  });

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
