import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../src/sandbox/serve.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

interface Message {
  readonly id?: number;
  readonly result?: {
    readonly isError?: boolean;
    readonly structuredContent?: Record<string, unknown>;
    readonly content?: readonly { readonly text: string }[];
  };
}

/** The real program over stdio, as a process of its own, before a sandbox that holds back the answers a test wants held. */
async function started() {
  const sandbox = createSandbox();
  let hold: (method: string) => Promise<void> = async () => {};
  const served = await serveSandbox(
    {
      ...sandbox,
      async fetch(request) {
        await hold(request.method);
        return sandbox.fetch(request);
      },
    },
    {},
  );
  const state = await mkdtemp(join(tmpdir(), "aigw-state-"));
  const processes: ChildProcess[] = [];
  onTestFinished(async () => {
    for (const process of processes) process.kill("SIGKILL");
    await served.close();
    await rm(state, { recursive: true, force: true });
  });
  const { arm, token, service } = served.ready;
  const env = { PATH: process.env.PATH, AIGW_ARM_ENDPOINT: arm, AIGW_ACCESS_TOKEN: token, AIGW_SERVICE: service, AIGW_STATE: state };

  function open() {
    const child = spawn(process.execPath, ["--no-warnings", main], { env, stdio: ["pipe", "pipe", "ignore"] });
    processes.push(child);
    const answers = new Map<number, Message>();
    const waiting = new Map<number, (message: Message) => void>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message: Message = JSON.parse(line);
      if (message.id === undefined) return;
      answers.set(message.id, message);
      waiting.get(message.id)?.(message);
    });
    const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    let last = 0;
    const request = (method: string, params: object): number => {
      last += 1;
      send({ id: last, method, params });
      return last;
    };
    const answer = (id: number) =>
      new Promise<Message>((resolve) => {
        const there = answers.get(id);
        if (there === undefined) waiting.set(id, resolve);
        else resolve(there);
      });
    request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } });
    send({ method: "notifications/initialized" });
    const call = (name: string, input: object) => request("tools/call", { name, arguments: input });
    return {
      child,
      call,
      answer,
      ask: async (name: string, input: object) => (await answer(call(name, input))).result,
      cancel: (requestId: number) => send({ method: "notifications/cancelled", params: { requestId, reason: "the user left" } }),
      exit: once(child, "exit"),
    };
  }
  const server = open();
  const plan = (await server.ask("update_quota", { subscription_id: "growth", tpm: 120_000 }))?.structuredContent ?? {};
  const productPolicies = () => sandbox.world.all().filter(({ path }) => path.startsWith("products/") && path.endsWith("/policies/policy"));
  return {
    server,
    open,
    plan: { plan_id: plan.plan_id, confirm: plan.confirm },
    writes: () => sandbox.world.requests.filter(({ method }) => method === "PUT").length,
    isWritten: () => productPolicies().some(({ properties }) => String(properties.value).includes("120000")),
    /** Resolves when the service has been asked with this method; `release` lets the answer go. */
    held(method: string) {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const reached = new Promise<void>((resolve) => {
        hold = async (asked) => {
          if (asked !== method) return;
          resolve();
          await released;
        };
      });
      return { reached, release: () => release() };
    },
  };
}

test("a client that goes away in the middle of a write: the process finishes first, and another one knows the outcome", async () => {
  const { server, open, plan, held, isWritten, writes } = await started();
  const put = held("PUT");
  server.call("apply_change", plan);
  await put.reached;
  server.child.stdin.end();
  const next = open();
  const meanwhile = await next.ask("apply_change", plan);
  expect(meanwhile).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("is being applied since") }] });
  expect(server.child.exitCode).toBeNull();
  expect(isWritten()).toBe(false);
  put.release();
  expect(await server.exit).toEqual([0, null]);
  expect(isWritten()).toBe(true);
  expect((await next.ask("list_changes", {}))?.structuredContent).toMatchObject({
    changes: [{ change_id: plan.plan_id, state: "applied" }],
  });
  expect((await next.ask("apply_change", plan))?.structuredContent).toMatchObject({ status: "applied", change_id: plan.plan_id });
  expect(writes()).toBe(1);
});

test("a call that is cancelled behind its first write runs to its end; called again, it answers with the outcome", async () => {
  const { server, plan, held, isWritten, writes } = await started();
  const put = held("PUT");
  const cancelled = server.call("apply_change", plan);
  await put.reached;
  server.cancel(cancelled);
  put.release();
  await expect.poll(async () => (await server.ask("apply_change", plan))?.structuredContent).toMatchObject({ status: "applied" });
  expect(isWritten()).toBe(true);
  expect(writes()).toBe(1);
});

test("a call that is cancelled before its first write writes nothing, and the plan can still be applied", async () => {
  const { server, plan, held, isWritten, writes } = await started();
  const get = held("GET");
  const id = server.call("apply_change", plan);
  await get.reached;
  server.cancel(id);
  // The next answer comes behind the cancellation.
  await server.ask("list_changes", {});
  get.release();
  expect((await server.ask("list_changes", {}))?.structuredContent).toMatchObject({ changes: [{ state: "planned" }] });
  expect([isWritten(), writes()]).toEqual([false, 0]);
  expect((await server.ask("apply_change", plan))?.structuredContent).toMatchObject({ status: "applied" });
  expect([isWritten(), writes()]).toEqual([true, 1]);
});
