import { type DrillAnswer, drillAnswer } from "../change/drill/answer.ts";
import { GatewayError } from "../errors.ts";
import { openTrail } from "../mcp/audit.ts";
import type { Surface } from "../mcp/call.ts";
import { failed, success } from "../mcp/result.ts";
import { lines, renderDrill } from "../tool.ts";
import { version } from "../version.ts";
import { misuse } from "./arguments.ts";

interface RecoverOptions {
  readonly surface: Pick<Surface, "audit" | "caller" | "contexts" | "readOnly">;
  readonly operands: readonly string[];
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly out: (text: string) => void;
}

/**
 * Takes away what drills have left behind: of those that are over, and of those that no process looks after any more. Writes nothing else.
 * Resolves with the exit status: 1 where something is still left behind. Rejects with `read_only` where this process may not write.
 */
export async function recover({ surface, operands, json, signal, out }: RecoverOptions): Promise<0 | 1> {
  if (operands.length > 0) throw misuse(`'recover' takes no operand, but got '${operands[0]}'.`);
  const { audit, caller } = surface;
  if (surface.readOnly) {
    throw new GatewayError("read_only", "recover writes, and this process may only read and plan.", {
      hint: "Start it without --read-only and without AIGW_READ_ONLY.",
    });
  }
  await audit.ready();
  const trail = openTrail();
  trail.effect("write");
  const line = (outcome: ReturnType<typeof failed>) => trail.line({ client: { name: "cli", version }, caller, tool: "recover" }, outcome);
  try {
    const { read, write } = await surface.contexts({ signal, trail });
    const { service } = read;
    trail.service(service);
    const { drills: found, running, paths } = await write.stopper.recover();
    const drills: Awaited<ReturnType<typeof drillAnswer>>[] = [];
    for (const drill of found) drills.push(await drillAnswer(read, drill));
    const parts = [
      ...drills.map((drill) => lines(renderDrill(drill), removedText(drill))),
      ...running.map(runningText),
      ...paths.map(pathText),
    ];
    const text = parts.length === 0 ? `Nothing is left behind on ${service}.` : parts.join("\n\n");
    const outcome = success({ service, drills, running, paths }, () => text);
    await audit.write(line(outcome));
    out(`${json && outcome.ok ? JSON.stringify(outcome.structured, null, 2) : outcome.text}\n`);
    return [...drills.map(({ left_behind }) => left_behind), ...paths.map(({ leftBehind }) => leftBehind)].every(
      (left) => left.length === 0,
    )
      ? 0
      : 1;
  } catch (error) {
    if (error instanceof GatewayError) await audit.write(line(failed(error)));
    throw error;
  }
}

const removedText = ({ removed = [] }: DrillAnswer): string =>
  removed.length === 0 ? "Removed now: nothing." : `Removed or put back now: ${removed.join(", ")}.`;

interface ClosedPath {
  readonly changeId: string;
  readonly removed: readonly string[];
  readonly leftBehind: readonly { readonly id: string; readonly why: string; readonly todo: string }[];
}

const pathText = ({ changeId, removed, leftBehind }: ClosedPath): string =>
  [
    `Test calls ${changeId}. Removed now: ${removed.join(", ") || "nothing"}.`,
    ...leftBehind.map(({ id, why, todo }) => `left behind: ${id}, ${why}; ${todo}`),
  ].join("\n");

interface RunningDrill {
  readonly drillId: string;
  readonly until: string;
  readonly documents: readonly string[];
}

const runningText = ({ drillId, until, documents }: RunningDrill): string =>
  `Drill ${drillId} runs until ${until}, and a process looks after it: left alone, with ${documents.join(", ") || "no document"}. stop_drill ends it.`;
