import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Harness, openHarness } from "../harness.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

interface Commands {
  readonly harness: Harness;
  start(...args: readonly string[]): ChildProcessWithoutNullStreams;
  /** Runs a command to its end. */
  run(...args: readonly string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }>;
  /** Plans an evacuation of one team; the input of apply_change. */
  planned(duration: string): Promise<string>;
}

/** The command line on the service of a harness, with a state directory of its own. */
async function openCommands(): Promise<Commands> {
  const state = await mkdtemp(join(tmpdir(), "aigw-call-"));
  onTestFinished(() => rm(state, { recursive: true, force: true, maxRetries: 5 }));
  let env: Record<string, string> = {};
  const harness = await openHarness({
    env: ({ arm, logs, token, service, gateway, keys }) => {
      env = {
        PATH: process.env.PATH ?? "",
        HOME: state,
        AIGW_ARM_ENDPOINT: arm,
        AIGW_LOGS_ENDPOINT: logs,
        AIGW_ACCESS_TOKEN: token,
        AIGW_SERVICE: service,
        AIGW_GATEWAY_ENDPOINT: gateway,
        AIGW_PROBE_KEY: keys.master ?? "",
        AIGW_STATE: join(state, "journal"),
      };
      return {};
    },
  });
  const { world } = harness.sandbox;
  const pool = world.get("backends/aoai-pool")?.properties;
  world.put("backends/aoai-pool", {
    ...pool,
    pool: { services: ["aoai-eastus", "aoai-westeurope"].map((id) => ({ id: `/backends/${id}`, priority: 1 })) },
  });
  const start = (...args: readonly string[]) => {
    const child = spawn(process.execPath, [main, ...args], { env });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdin.end();
    return child;
  };
  const run = async (...args: readonly string[]) => {
    const child = start(...args);
    const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    return { status, out, err };
  };
  return {
    harness,
    start,
    run,
    async planned(duration) {
      const input = { api_id: "azure-openai", backend_id: "aoai-eastus", mode: "evacuate", duration, subscriptions: ["growth"] };
      const { out, err } = await run("call", "run_failover_drill", JSON.stringify(input), "--json");
      const { plan_id, confirm, status } = JSON.parse(out);
      expect(status, err).toBe("planned");
      return JSON.stringify({ plan_id, confirm });
    },
  };
}

const timeout = 60_000;

test("a drill that a single command has started is looked after to its end", { timeout }, async () => {
  const { harness, run, planned } = await openCommands();
  const before = harness.documents();
  const { status, out, err } = await run("call", "apply_change", await planned("PT1S"), "--json");
  const { drill_id } = JSON.parse(out);
  expect(err).toMatch(new RegExp(`Drill ${drill_id} runs until \\S+Z: this process looks after it.*Ctrl-C`));
  expect(err).toContain(`Drill ${drill_id} is over and cleaned up`);
  expect(status).toBe(0);
  expect(harness.documents()).toEqual(before);
});

test("Ctrl-C leaves the rest to recover, and says so", { timeout }, async () => {
  const { harness, start, run, planned } = await openCommands();
  const before = harness.documents();
  const child = start("call", "apply_change", await planned("PT1H"), "--json");
  let err = "";
  child.stderr.setEncoding("utf8");
  const exit = once(child, "exit");
  let told = false;
  for await (const part of child.stderr) {
    err += part;
    // A second one would end the process at once.
    if (!told && err.includes("looks after it")) told = child.kill("SIGINT");
  }
  const [status] = await exit;
  expect([status, err]).toEqual([1, expect.stringContaining("is left alone: 'azure-ai-gateway-mcp recover' ends it and cleans up.")]);
  expect(harness.documents()).not.toEqual(before);
  const recovered = await run("recover");
  expect([recovered.status, recovered.out]).toEqual([0, expect.stringContaining("Removed or put back now: ")]);
  expect(harness.documents()).toEqual(before);
});
