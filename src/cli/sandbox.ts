import { once } from "node:events";
import type { Configuration } from "../config.ts";
import { GatewayError } from "../errors.ts";
import { loadGrammar } from "../grammar.ts";
import { loadKql } from "../kql.ts";
import { movableClock, realClock } from "../sandbox/clock.ts";
import { regionNamed } from "../sandbox/models/regions.ts";
import { createSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../sandbox/serve.ts";
import { standardV2 } from "../sandbox/service.ts";

interface SandboxProcess {
  readonly out: (text: string) => void;
  /** Aborted when the sandbox is to stop. */
  readonly stop: AbortSignal;
}

type Settings = Configuration["values"];

/** The sandbox by itself on loopback until it is stopped; says where it is in one line of JSON. */
export async function runSandbox(settings: Settings, { out, stop }: SandboxProcess): Promise<void> {
  const served = await serve(openSandbox(settings), settings.port ?? 0);
  out(`${JSON.stringify(served.ready)}\n`);
  if (!stop.aborted) await once(stop, "abort");
  await served.close();
}

function openSandbox({ instances = 1, regions = [standardV2.location], clock }: Settings): Sandbox {
  const places = regions.map(region).flatMap((place) => Array<string>(instances).fill(place));
  return createSandbox({
    grammar: loadGrammar,
    kql: loadKql,
    regions: places,
    clock: clock === "manual" ? movableClock(new Date()) : realClock,
  });
}

function region(given: string): string {
  const name = regionNamed(given);
  if (name !== undefined) return name;
  throw new GatewayError("invalid_input", `'${given}' is no region of Azure.`, {
    hint: `Write it as Azure does, such as "East US" or westeurope.`,
  });
}

async function serve(sandbox: Sandbox, port: number): Promise<ServedSandbox> {
  try {
    return await serveSandbox(sandbox, { port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError("unavailable", `The sandbox cannot listen: ${reason}.`, { hint: "Leave out --port to get a free one.", cause });
  }
}
