import { loadGrammar } from "./grammar.ts";
import { loadKql } from "./kql.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import type { SandboxAddress } from "./sandbox/serve.ts";

/** Who is told where the embedded sandbox listens on loopback, or why it does not; one of both, once. */
export interface Loopback {
  announce(address: SandboxAddress): void;
  failed(reason: string): void;
}

/** When a client has long got its list of tools. */
const servedAfterMs = 300;

/**
 * The sandbox of this process, loaded and made at its first use. With a loopback it is served there too: from its first use on, or in the
 * background 300 ms after the start, whichever comes first, so that no client waits for it. Being served does not keep the process alive.
 */
export function embeddedSandbox(now: () => Date, loopback?: Loopback): () => Promise<Sandbox> {
  let made: Promise<Sandbox> | undefined;
  const sandbox = (): Promise<Sandbox> => {
    if (made === undefined) {
      made = make(now);
      if (loopback !== undefined) void serve(made, loopback);
    }
    return made;
  };
  // Whoever needs the sandbox is told why there is none; the loopback is told by itself.
  if (loopback !== undefined) setTimeout(() => void sandbox().catch(() => undefined), servedAfterMs).unref();
  return sandbox;
}

async function make(now: () => Date): Promise<Sandbox> {
  const [{ realClock }, { createSandbox }] = await Promise.all([import("./sandbox/clock.ts"), import("./sandbox/sandbox.ts")]);
  return createSandbox({ clock: { ...realClock, now }, grammar: loadGrammar, kql: loadKql });
}

async function serve(sandbox: Promise<Sandbox>, { announce, failed }: Loopback): Promise<void> {
  try {
    const { serveSandbox } = await import("./sandbox/serve.ts");
    const { ready, unref } = await serveSandbox(await sandbox, {});
    unref();
    announce(ready);
  } catch (error) {
    failed(error instanceof Error ? error.message : String(error));
  }
}
