import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as open, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openTraffic, policy, type Traffic, toPool } from "./kit.ts";

const chatPath = (deployment: string): string => `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`;
const chat = (more: object = {}): string => JSON.stringify({ messages: [{ role: "user", content: "Say hello" }], ...more });

interface Sending extends RequestOptions {
  readonly path?: string;
}

function start({ url, key }: Traffic, { path = chatPath("gpt-4o"), ...options }: Sending = {}): ClientRequest {
  const headers = { "api-key": key("growth"), "content-type": "application/json", ...options.headers };
  return open(url + path, { method: "POST", ...options, headers });
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = await once(request, "response");
  return response;
}

/** Breaks the connection; the client's own error about it is of no interest. */
async function leave(request: ClientRequest): Promise<void> {
  request.on("error", () => undefined);
  const closed = new Promise((resolve) => request.once("close", resolve));
  request.destroy();
  await closed;
}

async function send(traffic: Traffic, content: string | Uint8Array, sending?: Sending): Promise<{ status: number; text: string }> {
  const request = start(traffic, sending);
  request.end(content);
  const response = await answerTo(request);
  return { status: response.statusCode ?? 0, text: await text(response) };
}

/** The gateway is none the worse. */
async function stillAnswers(traffic: Traffic): Promise<void> {
  expect((await send(traffic, chat())).status).toBe(200);
}

/** Bytes that never end, and what has become of them. */
function endlessBackend({ world }: Traffic) {
  const chunk = new TextEncoder().encode(`: ${"x".repeat(60_000)}\n\n`);
  const seen = { pulled: 0, cancelled: 0 };
  world.upstreams.unshift({
    matches: () => true,
    fetch: async () => {
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        seen.pulled += chunk.length;
        controller.enqueue(chunk);
      };
      const cancel = (): void => {
        seen.cancelled += 1;
      };
      return new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), { headers: { "content-type": "text/event-stream" } });
    },
  });
  return seen;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

describe("bodies", () => {
  const nested = (depth: number): string => `{"messages":[{"role":"user","content":${"[".repeat(depth)}${"]".repeat(depth)}}]}`;
  test.each<[what: string, body: string | Uint8Array, status: number]>([
    ["no JSON", "{", 400],
    ["nothing", "", 400],
    ["no object", "[]", 400],
    ["members of other types", '{"messages":"x","stream":"yes","n":-1}', 400],
    ["no text at all", new Uint8Array([0xff, 0xfe, 0x00, 0x80]), 400],
    ["a text with lone surrogates", '{"messages":[{"role":"user","content":"\\ud800"}]}', 200],
    ["lists in lists, 100,000 deep", nested(100_000), 200],
    ["a prototype", '{"__proto__":{"messages":[]},"constructor":1}', 400],
    ["more than the model takes", chat({ padding: "x".repeat(17 * 1024 * 1024) }), 400],
    ["more than the gateway buffers", new Uint8Array(64 * 1024 * 1024 + 1), 413],
  ])("%s", async (_, body, status) => {
    const traffic = await openTraffic();
    const answer = await send(traffic, body);
    expect([answer.status, answer.text.includes("the sandbox failed")]).toEqual([status, false]);
    await stillAnswers(traffic);
  });

  test("an upload that breaks off", async () => {
    const traffic = await openTraffic();
    const request = start(traffic, { headers: { "content-length": "1000000" } });
    request.write(chat());
    await turn();
    await leave(request);
    await stillAnswers(traffic);
    expect(traffic.model("aoai-eastus").received).toBe(1);
  });
});

describe("requests", () => {
  test.each<[deployment: string, status: number]>([
    ["a-model-that-nobody-knows", 404],
    ["text-embedding-3-small", 400],
    ["..%2f..%2fetc", 404],
    ["%00", 404],
    ["%zz", 404],
    ["x".repeat(8_000), 404],
  ])("the deployment %s", async (deployment, status) => {
    const traffic = await openTraffic();
    expect((await send(traffic, chat(), { path: chatPath(deployment) })).status).toBe(status);
    await stillAnswers(traffic);
  });

  test.each<[path: string, status: number]>([
    ["/", 404],
    ["//openai//deployments", 404],
    ["/openai/deployments//chat/completions", 404],
    ["/openai/../../etc/passwd", 404],
    ["/openai;rev=9/deployments/gpt-4o/chat/completions", 404],
    [`/openai/deployments/gpt-4o/chat/completions?${"a=b&".repeat(3000)}`, 200],
  ])("the path %s", async (path, status) => {
    const traffic = await openTraffic();
    expect((await send(traffic, chat(), { path })).status).toBe(status);
  });

  test.each(["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])("the method %s", async (method) => {
    const traffic = await openTraffic();
    expect((await send(traffic, "", { method })).status).toBe(404);
  });

  test("header floods are refused, by their size and by their number", async () => {
    const traffic = await openTraffic();
    expect((await send(traffic, chat(), { headers: { "x-flood": "x".repeat(20_000) } })).status).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`x${index}`, "1"]));
    expect([200, 431]).toContain((await send(traffic, chat(), { headers: many })).status);
    await stillAnswers(traffic);
  });

  test("what is no HTTP", async () => {
    const traffic = await openTraffic();
    const { port, hostname } = new URL(traffic.url);
    for (const bytes of [
      "\u0016\u0003\u0001\u0000",
      "GET\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "\r\n".repeat(100_000),
    ]) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      socket.end(bytes);
      socket.resume();
      await once(socket, "close");
    }
    await stillAnswers(traffic);
  });
});

describe("streams", () => {
  const streamed = chat({ stream: true });

  test("a reader who does not read holds the backend back, and lets go of it when it leaves", async () => {
    const traffic = await openTraffic();
    const seen = endlessBackend(traffic);
    const request = start(traffic);
    request.end(streamed);
    const response = await answerTo(request);
    response.pause();
    let before = -1;
    while (before !== seen.pulled) {
      before = seen.pulled;
      for (let round = 0; round < 50; round++) await turn();
    }
    // What sockets hold of it, on both sides.
    expect(seen.pulled).toBeLessThan(32 * 1024 * 1024);
    expect(seen.cancelled).toBe(0);
    await leave(request);
    await until(() => seen.cancelled === 1);
  });

  test("a client that leaves in the middle ends the backend's stream and its own call", async () => {
    const traffic = await openTraffic({
      resources: [
        [
          "apis/azure-openai/policies/policy",
          policy({
            inbound: toPool,
            backend: '<limit-concurrency key="all" max-count="1"><forward-request buffer-response="false" /></limit-concurrency>',
          }),
        ],
      ],
    });
    const seen = endlessBackend(traffic);
    for (let client = 1; client <= 20; client++) {
      const request = start(traffic);
      request.end(streamed);
      const response = await answerTo(request);
      expect(response.statusCode).toBe(200);
      await once(response, "data");
      await leave(request);
      await until(() => seen.cancelled === client);
    }
  });

  test("a client that leaves before the backend has answered ends the backend's request, and makes room for the next", async () => {
    const traffic = await openTraffic({
      resources: [
        [
          "apis/azure-openai/policies/policy",
          policy({ inbound: toPool, backend: '<limit-concurrency key="all" max-count="1"><forward-request /></limit-concurrency>' }),
        ],
      ],
    });
    const model = traffic.model("aoai-eastus");
    model.script.add({ behaviour: { kind: "hang" }, times: 5 });
    for (let client = 1; client <= 5; client++) {
      const request = start(traffic);
      request.end(chat());
      await until(() => model.received === client);
      await leave(request);
      for (let round = 0; round < 20; round++) await turn();
    }
    await stillAnswers(traffic);
  });

  test("a backend whose stream breaks ends the client's", async () => {
    const traffic = await openTraffic();
    traffic.model("aoai-eastus").script.add({ behaviour: { kind: "broken_stream", chunks: 3 }, times: 1 });
    const request = start(traffic);
    request.end(streamed);
    await expect(answerTo(request).then(text)).rejects.toThrow();
    await stillAnswers(traffic);
  });
});

test("thousands of bad requests at once, and the gateway still answers", async () => {
  const traffic = await openTraffic();
  const bodies = [
    "{",
    "",
    "[]",
    chat({ stream: true }),
    chat({ n: -1 }),
    JSON.stringify({ messages: Array.from({ length: 500 }, () => ({})) }),
  ];
  for (let wave = 0; wave < 40; wave++) {
    const requests = Array.from({ length: 50 }, async (_, index) => {
      const number = wave * 50 + index;
      const request = start(traffic, {
        path: chatPath(number % 2 === 0 ? "gpt-4o" : `model-${number}`),
        ...(number % 5 === 0 ? { headers: { "api-key": `k${number}` } } : {}),
      });
      request.on("error", () => undefined);
      request.end(bodies[number % bodies.length]);
      const response = await answerTo(request);
      if (number % 3 === 0) request.destroy();
      else await text(response);
      return response.statusCode;
    });
    for (const status of await Promise.all(requests)) expect([200, 400, 401, 404]).toContain(status);
  }
  await stillAnswers(traffic);
});
