import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { median } from "./row.ts";

/** Medians in milliseconds from the spawn on; memory in bytes, null where the system does not tell. */
export interface Starts {
  readonly bare: number;
  readonly initialize: number;
  readonly list: number;
  readonly peakMemory: number | null;
}

const requests = [
  {
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
  },
  { method: "notifications/initialized" },
  { id: 2, method: "tools/list" },
]
  .map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
  .join("");

/** Starts a bare Node and the server in turns, so that whatever else the machine does meets both alike. */
export async function measureStarts(node: string, bundle: string, times: number): Promise<Starts> {
  const bare: number[] = [];
  const served: { initialize: number; list: number; peakMemory: number | null }[] = [];
  for (let turn = 0; turn < times; turn++) {
    bare.push(await startBare(node));
    served.push(await startServer(node, bundle));
  }
  const memory = served.flatMap(({ peakMemory }) => peakMemory ?? []);
  return {
    bare: median(bare),
    initialize: median(served.map(({ initialize }) => initialize)),
    list: median(served.map(({ list }) => list)),
    peakMemory: memory.length === 0 ? null : Math.max(...memory),
  };
}

/** A Node that does nothing. */
export async function startBare(node: string): Promise<number> {
  const began = performance.now();
  await once(spawn(node, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - began;
}

async function startServer(node: string, bundle: string): Promise<{ initialize: number; list: number; peakMemory: number | null }> {
  const began = performance.now();
  const server = spawn(node, [bundle]);
  server.stdin.write(requests);
  const answered: number[] = [];
  for await (const _ of createInterface({ input: server.stdout })) {
    answered.push(performance.now() - began);
    if (answered.length === 2) break;
  }
  const peakMemory = peakMemoryOf(server);
  server.stdin.end();
  await once(server, "exit");
  const [initialize, list] = answered;
  if (initialize === undefined || list === undefined) throw new Error("the server did not answer");
  return { initialize, list, peakMemory };
}

/** Linux tells it while the process lives. */
function peakMemoryOf({ pid }: ChildProcessWithoutNullStreams): number | null {
  if (process.platform !== "linux") return null;
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
