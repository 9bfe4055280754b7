import { createSandbox } from "../sandbox/sandbox.ts";
import { serveSandbox } from "../sandbox/serve.ts";

export interface SandboxOptions {
  /** 0: a free one. */
  readonly port: number;
  readonly out: (text: string) => void;
  /** Aborted when the sandbox is to stop. */
  readonly stop: AbortSignal;
}

/** The sandbox by itself on loopback until it is stopped; says where it is in one line of JSON. */
export async function runSandbox({ port, out, stop }: SandboxOptions): Promise<void> {
  const served = await serveSandbox(createSandbox(), { port });
  out(`${JSON.stringify(served.ready)}\n`);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve());
  });
  await served.close();
}
