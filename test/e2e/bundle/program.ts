import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { onTestFinished } from "vitest";
import { type Connection, connect } from "../../../src/mcp/client.ts";

export const node = process.env.MACHINE_NODE || process.execPath;
export const bundle = fileURLToPath(new URL("../../../dist/main.js", import.meta.url));
const offlinePreload = fileURLToPath(new URL("./offline.cjs", import.meta.url));

export type Environment = Readonly<Record<string, string>>;

/** Makes the process fail where it reaches for the network. */
export const offline: Environment = { NODE_OPTIONS: `--require ${JSON.stringify(offlinePreload)}` };

/** The environment of a user who has configured nothing but what is given. */
function fresh(given: Environment): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), "aigw-home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return { PATH: process.env.PATH ?? "", HOME: home, ...given };
}

/** The bundle as a process. It is killed when the test ends, should it still run. */
export function started(args: readonly string[], environment: Environment = {}): ChildProcessWithoutNullStreams {
  const child = spawn(node, [bundle, ...args], { env: fresh(environment) });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Runs the bundle to its end. */
export async function finished(args: readonly string[], options: { readonly environment?: Environment; readonly input?: string } = {}) {
  const child = started(args, options.environment);
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status, stdout, stderr };
}

/** An MCP client on the bundle as its server. */
export async function connected(args: readonly string[], environment: Environment = {}): Promise<Connection> {
  const client = await connect(
    new StdioClientTransport({ command: node, args: [bundle, ...args], env: fresh(environment), stderr: "ignore" }),
  );
  onTestFinished(() => client.close());
  return client;
}
