import { GatewayError, nearest } from "../errors.ts";
import type { AnyTool, Contexts, Opening } from "../tool.ts";
import { type AuditLog, type CallTrail, type ClientInfo, openTrail } from "./audit.ts";
import { afterPlan, type WriteRules } from "./confirmation.ts";
import type { Ask } from "./elicitation.ts";
import { checkInput } from "./input.ts";
import { failed, type Outcome, success } from "./result.ts";
import { sanitize } from "./sanitize.ts";

/** What is offered to a caller, over MCP or on the command line. */
export interface Surface extends WriteRules {
  readonly tools: readonly AnyTool[];
  /** Who calls, as the audit names them. */
  readonly caller: string;
  /** Opens the service for one call; rejects with `not_configured` where it cannot. */
  readonly contexts: (call: Opening) => Promise<Contexts>;
  readonly audit: AuditLog;
  /** Tells the operator what a caller must not see. */
  readonly report: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** One call of a tool. */
export interface Call {
  readonly tool: string;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly client: ClientInfo;
  /** Null where the user cannot be asked. */
  readonly ask: Ask | null;
}

/** The tools that a caller is shown; one that plans is shown as one that writes where it can go on to that without a question. */
export const visibleTools = ({ tools, readOnly, direct }: Surface): readonly AnyTool[] =>
  readOnly
    ? tools.filter(({ effect }) => effect !== "write")
    : tools.map((tool) => (direct && tool.effect === "plan" ? { ...tool, effect: "write" } : tool));

/** Runs one call to its outcome, of which the audit has its line by then; never rejects. */
export async function callTool(surface: Surface, call: Call): Promise<Outcome> {
  const trail = openTrail();
  const outcome = await outcomeOf(surface, call, trail);
  await surface.audit.write(trail.line({ client: call.client, caller: surface.caller, tool: call.tool }, outcome));
  return outcome;
}

/** The only place where a tool's errors are caught. */
async function outcomeOf(surface: Surface, call: Call, trail: CallTrail): Promise<Outcome> {
  try {
    const tool = permitted(surface, call.tool);
    return success(await answerOf(surface, tool, call, trail), tool.render);
  } catch (error) {
    return failureOf(surface, call.tool, error, call.signal);
  }
}

/** An error as its caller sees it; what is unexpected is told to the operator. */
export function failureOf(surface: Pick<Surface, "report">, tool: string, error: unknown, signal: AbortSignal) {
  const report = (id: string) => surface.report("call failed", sanitize({ id, tool, stack: stackOf(error) }));
  return failed(asGatewayError(error, signal, report));
}

async function answerOf(surface: Surface, tool: AnyTool, call: Call, trail: CallTrail): Promise<Record<string, unknown>> {
  const { signal } = call;
  trail.effect(tool.effect);
  const input = checkInput(tool, call.input);
  if (tool.effect === "write") {
    await surface.audit.ready();
    trail.confirmed("apply_change");
  }
  const contexts = await surface.contexts({ signal, trail });
  trail.service(contexts.read.service);
  const output = await tool.run(contexts, call.input);
  if (tool.effect !== "plan") return output;
  // What the user is asked is shown before there is an outcome.
  return afterPlan(sanitize(output), {
    rules: surface,
    dryRun: input.dry_run !== false,
    ask: call.ask,
    signal,
    audit: surface.audit,
    trail,
    apply: (plan) => permitted(surface, "apply_change").run(contexts, plan),
    report: (reason) => surface.report("question without an answer", sanitize({ tool: tool.name, reason: reason.slice(0, 500) })),
  });
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
