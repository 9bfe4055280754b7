import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import { readConfiguration } from "../src/config.ts";
import { type Connection, connect, type ToolAnswer } from "../src/mcp/client.ts";
import { buildServer } from "../src/mcp/server.ts";
import { openRuntime } from "../src/runtime.ts";
import { createSandbox, type Sandbox } from "../src/sandbox/sandbox.ts";
import { serveSandbox } from "../src/sandbox/serve.ts";
import type { PlanOutput } from "../src/tool.ts";
import { tools } from "../tools/index.ts";

/** A real MCP client before the real server, which works on a sandbox over HTTP through the real Azure SDK clients. */
export interface Harness {
  readonly sandbox: Sandbox;
  readonly client: Connection;
  /** Reports of the server to its operator. */
  readonly reports: readonly string[];
  /** Calls a tool and reads its answer; fails the test where the tool answers an error. */
  ask<O extends z.ZodObject>(tool: { readonly name: string; readonly output: O }, input: Record<string, unknown>): Promise<z.output<O>>;
  /** Calls a tool that must answer an error. */
  refuse(tool: string, input: Record<string, unknown>): Promise<string>;
  /** Applies a plan with its own confirmation; answers the change's id. */
  apply(plan: PlanOutput): Promise<string>;
  /** The documents of the service, by path: what a test compares before and after. */
  documents(): ReadonlyMap<string, string>;
}

export interface HarnessOptions {
  readonly seed?: "demo" | "empty";
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: () => Date;
}

/** Everything is closed and removed when the test ends. */
export async function openHarness({ seed = "demo", env = {}, now }: HarnessOptions = {}): Promise<Harness> {
  const sandbox = createSandbox({ seed, ...(now === undefined ? {} : { now }) });
  const served = await serveSandbox(sandbox, {});
  const state = await mkdtemp(join(tmpdir(), "aigw-state-"));
  const environment = {
    AIGW_ARM_ENDPOINT: served.ready.arm,
    AIGW_ACCESS_TOKEN: served.ready.token,
    AIGW_SERVICE: served.ready.service,
    AIGW_STATE: state,
    ...env,
  };
  const configuration = readConfiguration({}, environment);
  const reports: string[] = [];
  const server = buildServer({
    tools,
    contexts: openRuntime(configuration, environment, now).contexts,
    readOnly: configuration.values.readOnly === true,
    report: (message, details) => reports.push(`${message} ${JSON.stringify(details)}`),
    version: "0.0.0",
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const client = await connect(near);
  onTestFinished(async () => {
    await client.close();
    await served.close();
    await rm(state, { recursive: true, force: true });
  });

  const answered = async (tool: string, input: Record<string, unknown>, isError: boolean): Promise<ToolAnswer> => {
    const answer = await client.call(tool, input);
    if (answer.isError !== isError) {
      throw new Error(
        `${tool} ${JSON.stringify(input)} answered ${isError ? "no error" : "an error"}: ${answer.text}\n${reports.join("\n")}`,
      );
    }
    return answer;
  };
  return {
    sandbox,
    client,
    reports,
    ask: async (tool, input) => tool.output.parse((await answered(tool.name, input, false)).structured),
    refuse: async (tool, input) => (await answered(tool, input, true)).text,
    async apply({ plan_id, confirm }) {
      const { structured } = await answered("apply_change", { plan_id, confirm }, false);
      return String(structured.change_id);
    },
    documents: () => new Map(sandbox.world.all().map(({ path, properties }) => [path, JSON.stringify(properties)])),
  };
}
