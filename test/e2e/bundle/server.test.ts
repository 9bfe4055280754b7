import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { listing } from "../../../src/mcp/listing.ts";
import type { PlanOutput } from "../../../src/tool.ts";
import { tools } from "../../../tools/index.ts";
import { connected, finished, offline, started } from "./program.ts";

const request = (id: number, method: string, params: object = {}): string => `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
const initialize = request(1, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});
const callTool = (id: number, name: string, input: object): string => request(id, "tools/call", { name, arguments: input });

describe("without network, credentials or configuration", () => {
  test("lists the tools as the sources have them", async () => {
    const { status, stdout, stderr } = await finished([], { environment: offline, input: initialize + request(2, "tools/list") });
    const [hello, list] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(hello.result.serverInfo).toMatchObject({ name: "azure-ai-gateway", version: manifest.version });
    expect(list.result.tools).toEqual(JSON.parse(JSON.stringify(tools.map(listing))));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("a call says which variables to set and how to find their values", async () => {
    const client = await connected([], offline);
    const { isError, text } = await client.call("list_subscriptions", {});
    expect(isError).toBe(true);
    expect(text).toMatch(/^Error not_configured: /);
    for (const part of ["AIGW_SERVICE", "AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "az apim list", "az account show"])
      expect(text).toContain(part);
  });

  test("a service without a token: every way to a credential is tried, and says what it lacks", async () => {
    const service = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim";
    const client = await connected([], { ...offline, AIGW_SERVICE: service });
    const { text } = await client.call("list_subscriptions", {});
    expect(text).toMatch(/^Error unauthenticated: /);
    for (const part of ["EnvironmentCredential", "ManagedIdentityCredential", "Azure CLI", "PowerShell"]) expect(text).toContain(part);
  });

  test("the sandbox plans, applies, reads back and undoes", async () => {
    const client = await connected(["--sandbox"], offline);
    const tpmOf = async (team: string): Promise<unknown> => {
      const { structured } = await client.call("list_subscriptions", {});
      return (structured.subscriptions as { subscription_id: string; tpm: unknown }[]).find(
        ({ subscription_id }) => subscription_id === team,
      )?.tpm;
    };
    const apply = async (structured: Record<string, unknown>): Promise<string> => {
      const { plan_id, confirm, status } = structured as PlanOutput;
      expect(status).toBe("planned");
      const answer = await client.call("apply_change", { plan_id, confirm });
      expect(answer).toMatchObject({ isError: false, structured: { status: "applied" } });
      return String(answer.structured.change_id);
    };
    expect(await tpmOf("growth")).toBe(200_000);
    const change = await apply((await client.call("update_quota", { subscription_id: "growth", tpm: 100_000 })).structured);
    expect([await tpmOf("growth"), await tpmOf("analytics")]).toEqual([100_000, 200_000]);
    await apply((await client.call("undo_change", { change_id: change })).structured);
    expect(await tpmOf("growth")).toBe(200_000);
  });
});

test("the grammar of expressions is found in the bundle", async () => {
  const client = await connected(["--sandbox"], offline);
  const { structured } = await client.call("apply_policy", {
    api_id: "azure-openai",
    edits: [{ select: "inbound", append: '<set-variable name="team" value="@(context.Subscriptoin.Id)" />' }],
  });
  expect(structured).toMatchObject({ status: "blocked", diagnostics: [{ severity: "error", code: "expression-member" }] });
});

describe("with --sandbox, stderr says where the sandbox listens", () => {
  const chat = async (line: string): Promise<number> => {
    const { gateway, keys } = JSON.parse(line);
    const body = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] });
    const url = `${gateway}/openai/deployments/gpt-4o/chat/completions`;
    return (await fetch(url, { method: "POST", headers: { "api-key": keys.growth }, body })).status;
  };
  const addresses = (text: string): readonly string[] => text.split("\n").filter((line) => line.startsWith('{"arm":'));

  test("once, without any message from a client; it carries traffic, and ends with its client", async () => {
    const server = started(["--sandbox"]);
    const lines = createInterface({ input: server.stderr });
    const [line] = await once(lines, "line");
    expect(await chat(line)).toBe(200);
    server.stdin.end();
    expect(await once(server, "exit")).toEqual([0, null]);
  });

  test("at the latest with the first call, once", async () => {
    const server = started(["--sandbox"]);
    let log = "";
    server.stderr.setEncoding("utf8").on("data", (text) => {
      log += text;
    });
    server.stdin.write(initialize + callTool(2, "list_subscriptions", {}) + callTool(3, "list_subscriptions", {}));
    while (addresses(log).length === 0) await once(server.stderr, "data");
    expect(await chat(addresses(log)[0] ?? "")).toBe(200);
    server.stdin.end();
    await once(server, "exit");
    expect(addresses(log)).toHaveLength(1);
  });
});

describe("stdout", () => {
  test("holds nothing but protocol, whatever is called", async () => {
    const calls = [
      callTool(2, "list_subscriptions", {}),
      callTool(3, "get_backend_pool", { api_id: "azure-openai" }),
      callTool(4, "get_metrics", { api_id: "azure-openai" }),
      callTool(5, "update_quota", { subscription_id: "growth", tpm: 1000 }),
      callTool(6, "apply_change", { plan_id: "none", confirm: "none" }),
      callTool(7, "no_such_tool", {}),
      request(8, "no/such/method"),
      "this is no JSON\n",
    ];
    const { status, stdout } = await finished(["--sandbox"], { input: initialize + calls.join("") });
    expect(stdout.endsWith("\n")).toBe(true);
    const messages = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(messages.every(({ jsonrpc }) => jsonrpc === "2.0")).toBe(true);
    expect(messages.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(status).toBe(0);
  });

  test("nobody reads it any more: the server ends", async () => {
    const server = started(["--sandbox"]);
    server.stdout.destroy();
    server.stdin.on("error", () => {}).write(initialize);
    const [status] = await once(server, "exit");
    expect(status).toBe(0);
  });
});

test.for(["SIGTERM", "SIGINT"] as const)("%s ends an idle server without an error", async (signal) => {
  const server = started([]);
  server.stdin.write(initialize);
  await once(server.stdout, "data");
  server.kill(signal);
  expect(await once(server, "exit")).toEqual([0, null]);
});

test("--read-only neither lists nor runs what writes", async () => {
  const client = await connected(["--sandbox", "--read-only"]);
  expect(await client.toolNames()).not.toContain("apply_change");
  const { structured } = await client.call("update_quota", { subscription_id: "growth", tpm: 100_000 });
  expect(structured.status).toBe("planned");
  const { isError, text } = await client.call("apply_change", { plan_id: structured.plan_id, confirm: structured.confirm });
  expect([isError, text.split(":")[0]]).toEqual([true, "Error read_only"]);
});
