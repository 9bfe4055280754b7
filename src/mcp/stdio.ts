import type { Readable, Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { buildServer, type Served } from "./server.ts";

/** What a stdio server lives on: those of the process, or streams that stand for them. */
interface Stdio {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Aborted when the operator wants the server to stop. */
  readonly stop: AbortSignal;
}

/**
 * Serves one client over stdin and stdout. Resolves when the client is gone (end of stdin, a stdout that nobody reads) or
 * the operator stops the server, and every call that was started has come to its end: no change is left half-way. A question
 * that is still open then has no answer.
 */
export async function serveStdio(surface: Served, { stdin, stdout, stop }: Stdio): Promise<void> {
  const running = new Set<Promise<unknown>>();
  const deserted = new AbortController();
  const server = buildServer(surface, { running, deserted: deserted.signal });
  const over = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) stdin.on(event, () => resolve());
    for (const event of ["close", "error"]) stdout.on(event, () => resolve());
    stop.addEventListener("abort", () => resolve());
    server.onclose = resolve;
  });
  await server.connect(new StdioServerTransport(stdin, stdout));
  await over;
  deserted.abort("Nobody is left who could answer.");
  // A turn of the event loop lets a request that came with the last bytes start, and the last answer be written.
  do {
    await Promise.allSettled(running);
    await nextTurn();
  } while (running.size > 0);
  await server.close();
}
