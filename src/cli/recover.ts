import { drillAnswer } from "../change/drill/answer.ts";
import { GatewayError } from "../errors.ts";
import { openTrail } from "../mcp/audit.ts";
import type { Surface } from "../mcp/call.ts";
import { failed, success } from "../mcp/result.ts";
import { renderDrill } from "../tool.ts";
import { version } from "../version.ts";
import { misuse } from "./arguments.ts";

export interface RecoverOptions {
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
    const drills: Awaited<ReturnType<typeof drillAnswer>>[] = [];
    for (const drill of await write.stopper.recover()) drills.push(await drillAnswer(read, drill));
    const text = drills.length === 0 ? `Nothing is left behind on ${service}.` : drills.map(renderDrill).join("\n\n");
    const outcome = success({ service, drills }, () => text);
    await audit.write(line(outcome));
    out(`${json && outcome.ok ? JSON.stringify(outcome.structured, null, 2) : outcome.text}\n`);
    return drills.every(({ left_behind }) => left_behind.length === 0) ? 0 : 1;
  } catch (error) {
    if (error instanceof GatewayError) await audit.write(line(failed(error)));
    throw error;
  }
}
