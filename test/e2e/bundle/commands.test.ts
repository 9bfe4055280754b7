import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { type Environment, finished, started } from "./program.ts";

test("--help and --version", async () => {
  expect(await finished(["--help"])).toMatchObject({ status: 0, stdout: expect.stringContaining("AIGW_SERVICE"), stderr: "" });
  expect(await finished(["--version"])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

describe("a command line that cannot be understood: status 2, and nothing on stdout", () => {
  test.for([
    [["--sandbx"], "Did you mean '--sandbox'?"],
    [["cal", "list_subscriptions", "{}"], "Did you mean 'call'"],
    [["call", "--sandbox", "list_subscriptions"], "call TOOL JSON"],
    [["call", "--sandbox", "list_subscriptions", "{"], "is not JSON"],
    [["sandbox", "--port", "65536"], "'--port' must be at most 65535"],
    [["sandbox", "now"], "takes no operand"],
    [["sandbox", "--clock", "fast"], "'--clock' must be one of real, manual"],
    [["sandbox", "--instances", "0"], "'--instances' must be from 1 to 32"],
    [["sandbox", "--regions", "East US,Nowhere"], "'Nowhere' is no region"],
  ] as const)("%j", async ([args, expected]) => {
    expect(await finished(args)).toEqual({ status: 2, stdout: "", stderr: expect.stringContaining(expected) });
  });
});

describe("call", () => {
  test("prints the answer, or the structured one", async () => {
    const { stderr, ...printed } = await finished(["call", "--sandbox", "list_subscriptions", "{}"]);
    expect(printed).toMatchObject({ status: 0, stdout: expect.stringContaining("| growth |") });
    expect(JSON.parse(stderr)).toMatchObject({ audit: true, client: { name: "cli" }, tool: "list_subscriptions", verdict: "ok" });
    const { status, stdout } = await finished(["call", "--sandbox", "--json", "get_backend_pool", "-"], {
      input: '{"api_id": "azure-openai"}',
    });
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { service: "sandbox", routes: expect.anything() }]);
  });

  test("applies at once only with --direct", async () => {
    const cut = ["--sandbox", "--json", "update_quota", JSON.stringify({ subscription_id: "growth", tpm: 100_000, dry_run: false })];
    const plan = JSON.parse((await finished(["call", ...cut])).stdout);
    expect([plan.applied, plan.next.startsWith("Not applied: ")]).toEqual([undefined, true]);
    const { stdout, stderr } = await finished(["call", "--direct", ...cut]);
    expect(JSON.parse(stdout)).toMatchObject({ confirmed_by: "direct", applied: { status: "applied" } });
    expect(JSON.parse(stderr)).toMatchObject({ effect: "write", confirmed_by: "direct", writes: [{ answer: "accepted" }] });
  });

  test("an error of the tool is status 1", async () => {
    expect(await finished(["call", "--sandbox", "get_backend_pool", '{"api_id": "azure-opnai"}'])).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("'azure-openai'"),
    });
    const { status, stdout } = await finished(["call", "--json", "list_subscriptions", "{}"]);
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { error: { code: "not_configured" } }]);
  });
});

describe("sandbox", () => {
  test("says where it is, and other processes work on it until it is stopped", async () => {
    const state = mkdtempSync(join(tmpdir(), "aigw-state-"));
    onTestFinished(() => rmSync(state, { recursive: true, force: true }));
    const sandbox = started(["sandbox"]);
    const [line] = await once(sandbox.stdout.setEncoding("utf8"), "data");
    const ready = JSON.parse(line);
    expect(Object.keys(ready)).toEqual(["arm", "logs", "token", "service", "gateway", "control", "keys"]);
    const environment: Environment = {
      AIGW_ARM_ENDPOINT: ready.arm,
      AIGW_LOGS_ENDPOINT: ready.logs,
      AIGW_ACCESS_TOKEN: ready.token,
      AIGW_SERVICE: ready.service,
      AIGW_STATE: state,
    };
    const call = async (tool: string, input: object, changed: Environment = {}) => {
      const { stdout } = await finished(["call", "--json", tool, JSON.stringify(input)], { environment: { ...environment, ...changed } });
      return JSON.parse(stdout);
    };
    const { plan_id, confirm } = await call("update_quota", { subscription_id: "growth", tpm: 150_000 });
    expect(await call("apply_change", { plan_id, confirm })).toMatchObject({ status: "applied", service: "sandbox" });
    const { subscriptions } = await call("list_subscriptions", {});
    expect(subscriptions.find((team: { subscription_id: string }) => team.subscription_id === "growth")).toMatchObject({ tpm: 150_000 });
    expect(await call("list_changes", {})).toMatchObject({ changes: [{ change_id: expect.any(String), state: "applied" }] });
    expect(await call("list_subscriptions", {}, { AIGW_ACCESS_TOKEN: "another" })).toMatchObject({ error: { code: "unauthenticated" } });
    expect(await call("get_metrics", {})).toMatchObject({ sources: [{ name: "gateway logs" }] });
    // Where logs are not asked for: by the client of Azure Monitor.
    const counted = await call("get_metrics", { group_by: ["region"] }, { AIGW_LOGS_ENDPOINT: "" });
    expect(counted).toMatchObject({ totals: { requests: expect.any(Number) }, sources: [{ name: "platform metrics (Azure Monitor)" }] });
    sandbox.kill("SIGTERM");
    expect(await once(sandbox, "exit")).toEqual([0, null]);
  });

  test("its gateway carries traffic on as many instances as asked for, by a clock that is moved", async () => {
    const sandbox = started(["sandbox", "--instances", "2", "--regions", "West Europe,eastus2", "--clock", "manual"]);
    const [line] = await once(sandbox.stdout.setEncoding("utf8"), "data");
    const { gateway, control, token, keys } = JSON.parse(line);
    const answer = await fetch(`${gateway}/openai/deployments/gpt-4o/chat/completions`, {
      method: "POST",
      headers: { "api-key": keys.growth },
      body: JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { object: "chat.completion" }]);
    const controls = async (path: string, init: RequestInit = {}) =>
      JSON.parse(await (await fetch(`${control}${path}`, { headers: { authorization: `Bearer ${token}` }, ...init })).text());
    const before = await controls("/state");
    expect(before.instances.map(({ region }: { region: string }) => region)).toEqual([
      "West Europe",
      "West Europe",
      "East US 2",
      "East US 2",
    ]);
    const moved = await controls("/clock", { method: "POST", body: '{"advance": "PT5M"}' });
    expect(Date.parse(moved.now) - Date.parse(before.clock.now)).toBe(300_000);
  });

  test("a port that is taken is an error that says so", async () => {
    const first = started(["sandbox"]);
    const [line] = await once(first.stdout.setEncoding("utf8"), "data");
    const { port } = new URL(JSON.parse(line).arm);
    expect(await finished(["sandbox", "--port", port])).toEqual({ status: 1, stdout: "", stderr: expect.stringContaining("EADDRINUSE") });
  });
});
