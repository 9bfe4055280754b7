import { once } from "node:events";
import { GatewayError } from "../errors.ts";
import { loadGrammar } from "../grammar.ts";
import { createSandbox } from "../sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../sandbox/serve.ts";

export interface SandboxOptions {
  /** 0: a free one. */
  readonly port: number;
  readonly out: (text: string) => void;
  /** Aborted when the sandbox is to stop. */
  readonly stop: AbortSignal;
}

/** The sandbox by itself on loopback until it is stopped; says where it is in one line of JSON. */
export async function runSandbox({ port, out, stop }: SandboxOptions): Promise<void> {
  const served = await serve(port);
  out(`${JSON.stringify(served.ready)}\n`);
  if (!stop.aborted) await once(stop, "abort");
  await served.close();
}

async function serve(port: number): Promise<ServedSandbox> {
  try {
    return await serveSandbox(createSandbox({ grammar: loadGrammar }), { port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError("unavailable", `The sandbox cannot listen: ${reason}.`, { hint: "Leave out --port to get a free one.", cause });
  }
}
