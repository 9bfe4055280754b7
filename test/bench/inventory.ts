/**
 * What list_subscriptions costs on a large service: 10,000 subscriptions, 500 products, 50 APIs, 20 ms for each request. Starts the server of the
 * bundle, as a client does, and counts what it reads; the same reads are then done one after the other, over one connection, for comparison. Prints
 * a table against its bounds; status 1 where one is missed. Another file than the bundle may be named as argument.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Asked, Ready } from "./inventory-server.ts";
import { largeService } from "./large-service.ts";
import type { Row } from "./row.ts";

const [entry = "dist/main.js"] = process.argv.slice(2);
const latencyMs = 20;

const { products, apis, operationPolicies } = largeService;
/**
 * Generous: they hold on a machine of four cores that does much else. Eight reads at a time can come to 0.125. Reads are 19 too many: every API here has an
 * operation with a limit of its own, and only the list of its operations, one read for each API, tells whether there are others, which that limit does not bind.
 */
const bounds = { policies: 6 + products + apis * (1 + operationPolicies), reads: 800, ratio: 0.4, again: 0.4, memory: 512 };

async function main(): Promise<void> {
  const service = fork(fileURLToPath(new URL("./inventory-server.ts", import.meta.url)), [String(latencyMs)]);
  const state = await mkdtemp(join(tmpdir(), "aigw-bench-"));
  try {
    const [ready]: Ready[] = await once(service, "message");
    if (ready === undefined) throw new Error("the service did not start");
    const { times, peakMemory } = await callTwice(ready, state);
    const asked = await askedOf(service);
    const ofOne = asked.slice(0, asked.length / 2);
    const serial = await inTurn(ready, ofOne);
    process.exitCode = print(rowsOf(times, peakMemory, ofOne, serial));
  } finally {
    service.disconnect();
    await rm(state, { recursive: true, force: true });
  }
}

interface Called {
  /** Milliseconds of the first call, which loads what it needs, and of the second. */
  readonly times: readonly number[];
  /** In bytes; null where the system does not tell. */
  readonly peakMemory: number | null;
}

async function callTwice({ arm, service, token }: Ready, state: string): Promise<Called> {
  const env = { ...process.env, AIGW_ARM_ENDPOINT: arm, AIGW_SERVICE: service, AIGW_ACCESS_TOKEN: token, AIGW_STATE: state };
  const server = spawn(process.execPath, [entry], { env, stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: object): Promise<string> => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const { value } = await answers.next();
    return String(value);
  };
  await ask(1, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } });
  server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
  const times: number[] = [];
  for (const id of [2, 3]) {
    const began = performance.now();
    const answer = await ask(id, "tools/call", { name: "list_subscriptions", arguments: {} });
    times.push(performance.now() - began);
    const { result } = JSON.parse(answer);
    if (result?.structuredContent?.left_out !== largeService.subscriptions - 50) throw new Error(answer.slice(0, 1000));
  }
  const peakMemory = await peakMemoryOf(server);
  server.stdin.end();
  await once(server, "exit");
  return { times, peakMemory };
}

/** Linux tells it while the process lives. */
async function peakMemoryOf({ pid }: ChildProcess): Promise<number | null> {
  if (process.platform !== "linux") return null;
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

async function askedOf(service: ChildProcess): Promise<Asked> {
  service.send("asked");
  const [asked]: Asked[] = await once(service, "message");
  return asked ?? [];
}

/** Milliseconds that the reads take one after the other. */
async function inTurn({ arm, token }: Ready, paths: Asked): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const began = performance.now();
  for (const path of paths) {
    const [response] = await once(get(`${arm}${path}`, { agent, headers: { authorization: `Bearer ${token}` } }), "response");
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
    response.resume();
    await once(response, "end");
  }
  agent.destroy();
  return performance.now() - began;
}

function rowsOf(
  [first = Number.NaN, second = Number.NaN]: readonly number[],
  peakMemory: number | null,
  asked: Asked,
  serial: number,
): Row[] {
  const policies = asked.filter((path) => /\/policies\/policy\?/.test(path)).length;
  return [
    { what: "reads of one call", value: asked.length, unit: "", bound: bounds.reads },
    { what: "of them policies", value: policies, unit: "", bound: bounds.policies },
    { what: "the reads one after the other", value: serial, unit: "ms" },
    { what: "first call", value: first, unit: "ms" },
    { what: "second call", value: second, unit: "ms" },
    { what: "first call against its reads one after the other", value: first / serial, unit: "x", bound: bounds.ratio },
    { what: "second call against them", value: second / serial, unit: "x", bound: bounds.again },
    ...(peakMemory === null
      ? []
      : [{ what: "peak memory of the server", value: peakMemory / 1024 / 1024, unit: "MiB", bound: bounds.memory }]),
  ];
}

function print(rows: readonly Row[]): number {
  const missed = rows.filter(({ value, bound }) => bound !== undefined && value > bound);
  for (const row of rows) {
    const { what, value, unit, bound } = row;
    const shown = `${value.toFixed(Number.isInteger(value) ? 0 : 2)} ${unit}`.padStart(14);
    const limit = bound === undefined ? "" : `   at most ${bound} ${unit}${missed.includes(row) ? "   MISSED" : ""}`;
    process.stdout.write(`${what.padEnd(50)}${shown}${limit}\n`);
  }
  return missed.length === 0 ? 0 : 1;
}

await main();
