import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { serveStdio } from "../../src/mcp/stdio.ts";
import { contexts, surfaceOf } from "./tools.ts";

const initialize = {
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};
const echo = { id: 2, method: "tools/call", params: { name: "echo", arguments: { text: "hello" } } };

const lines = (...messages: readonly object[]): string =>
  messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");

/** A server on streams, whose calls wait for `open`. */
function started() {
  const stdin = new PassThrough();
  const stdout = new PassThrough({ encoding: "utf8" });
  const operator = new AbortController();
  const gate = new PassThrough();
  const waiting = new PassThrough();
  const surface = surfaceOf({
    contexts: async () => {
      waiting.write("called");
      await once(gate, "data");
      return contexts;
    },
  });
  const served = serveStdio(surface, { stdin, stdout, stop: operator.signal });
  let over = false;
  const done = served.then(() => {
    over = true;
  });
  return {
    stdin,
    stdout,
    operator,
    surface,
    done,
    isOver: () => over,
    called: once(waiting, "data"),
    open: () => gate.write("go"),
    answers: () =>
      String(stdout.read() ?? "")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
  };
}

test("ends with its input and has answered every request by then", async () => {
  const { stdin, done, answers, open } = started();
  stdin.end(lines(initialize, { method: "notifications/initialized" }, { id: 3, method: "tools/list" }, echo));
  open();
  await done;
  expect(answers().map(({ id }) => id)).toEqual([1, 3, 2]);
});

test.for([
  ["its input ends", ({ stdin }: ReturnType<typeof started>) => stdin.end()],
  ["the operator stops it", ({ operator }: ReturnType<typeof started>) => operator.abort()],
  ["nobody reads its output", ({ stdout }: ReturnType<typeof started>) => stdout.destroy(new Error("EPIPE"))],
] as const)("a running call comes to its end when %s", async ([, leave]) => {
  const server = started();
  server.stdin.write(lines(initialize, echo));
  await server.called;
  leave(server);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(server.isOver()).toBe(false);
  server.open();
  await server.done;
});

test("input that is no protocol is reported, and the next request is answered", async () => {
  const { stdin, done, answers, surface } = started();
  stdin.end(`{"not": "json-rpc"}\nnot json\n${lines(initialize)}`);
  await done;
  expect(answers()).toMatchObject([{ id: 1, result: { protocolVersion: "2025-11-25" } }]);
  expect(surface.reports).toHaveLength(2);
});

test("an output that breaks does not break the server", async () => {
  const stdin = new PassThrough();
  const stdout = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error("EPIPE")) });
  const served = serveStdio(surfaceOf(), { stdin, stdout, stop: new AbortController().signal });
  stdin.write(lines(initialize));
  await expect(served).resolves.toBeUndefined();
});
