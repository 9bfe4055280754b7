import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import { readConfiguration } from "../src/config.ts";
import { loadGrammar } from "../src/grammar.ts";
import type { AuditLine } from "../src/mcp/audit.ts";
import { type Connection, connectServer, type ToolAnswer } from "../src/mcp/client.ts";
import { buildServer } from "../src/mcp/server.ts";
import { type Clock, realClock } from "../src/sandbox/clock.ts";
import { createSandbox, type Sandbox } from "../src/sandbox/sandbox.ts";
import { type SandboxAddress, serveSandbox } from "../src/sandbox/serve.ts";
import { openSurface } from "../src/surface.ts";
import type { PlanOutput } from "../src/tool.ts";
import { rememberedKql } from "./remembered-kql.ts";
import { lackingAction } from "./role.ts";

/** A real MCP client before the real server, which works on a sandbox over HTTP through the real Azure SDK clients. */
export interface Harness {
  readonly sandbox: Sandbox;
  readonly client: Connection;
  /** What the server has told its operator, without the audit. */
  readonly reports: readonly string[];
  /** The audit's lines. */
  readonly audit: readonly (AuditLine & { readonly time: string })[];
  /** Connects another client, through a server of its own, to the same service. */
  join(client: Client): Promise<void>;
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
  /** Of the server; also from where the sandbox is served. */
  readonly env?: Readonly<Record<string, string>> | ((address: SandboxAddress) => Readonly<Record<string, string>>);
  readonly clock?: Clock;
  /** Whether the server reads logs; it does where left out. Without them plans have no forecast, which takes longer than all else in most tests. */
  readonly logs?: boolean;
  /** How the server waits in the background; by the clock where left out. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  /** Of the gateway's instances. */
  readonly regions?: readonly string[];
}

/** Everything is closed and removed when the test ends. */
export async function openHarness({
  seed = "demo",
  env = {},
  clock = realClock,
  regions,
  logs = true,
  wait = (milliseconds) => clock.wait(milliseconds),
}: HarnessOptions = {}): Promise<Harness> {
  const sandbox = createSandbox({ seed, clock, grammar: loadGrammar, kql: rememberedKql, ...(regions === undefined ? {} : { regions }) });
  const service = await serveSandbox(sandbox, {});
  const state = await mkdtemp(join(tmpdir(), "aigw-state-"));
  const environment = {
    AIGW_ARM_ENDPOINT: service.ready.arm,
    AIGW_LOGS_ENDPOINT: logs ? service.ready.logs : "",
    AIGW_ACCESS_TOKEN: service.ready.token,
    AIGW_SERVICE: service.ready.service,
    AIGW_GATEWAY_ENDPOINT: service.ready.gateway,
    AIGW_STATE: state,
    ...(typeof env === "function" ? env(service.ready) : env),
  };
  const configuration = readConfiguration({}, environment);
  const reports: string[] = [];
  const audit: (AuditLine & { readonly time: string })[] = [];
  const err = (text: string): void => {
    const line = JSON.parse(text);
    if (line.audit === true) audit.push(line);
    else reports.push(text);
  };
  const served = { ...openSurface(configuration, { environment, err, now: () => clock.now(), wait, resumes: true }), version: "0.0.0" };
  const client = await connectServer(buildServer(served));
  onTestFinished(async () => {
    await client.close();
    await service.close();
    await rm(state, { recursive: true, force: true });
    const ours = sandbox.world.requests.filter(({ headers }) => headers["user-agent"]?.startsWith("azure-ai-gateway-mcp"));
    const missing = new Set(ours.flatMap((request) => lackingAction(request) ?? []));
    if (missing.size > 0) throw new Error(`README's roles lack ${[...missing].join(", ")}`);
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
    audit,
    async join(other) {
      const [here, there] = InMemoryTransport.createLinkedPair();
      await Promise.all([buildServer(served).connect(there), other.connect(here)]);
      onTestFinished(() => other.close());
    },
    ask: async (tool, input) => tool.output.parse((await answered(tool.name, input, false)).structured),
    refuse: async (tool, input) => (await answered(tool, input, true)).text,
    async apply({ plan_id, confirm }) {
      const { structured } = await answered("apply_change", { plan_id, confirm }, false);
      return String(structured.change_id);
    },
    documents: () => new Map(sandbox.world.all().map(({ path, properties }) => [path, JSON.stringify(properties)])),
  };
}
