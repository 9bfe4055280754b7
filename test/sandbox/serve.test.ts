import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { movableClock, realClock } from "../../src/sandbox/clock.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../src/sandbox/sandbox.ts";
import { type SandboxAddress, type ServeOptions, serveSandbox } from "../../src/sandbox/serve.ts";
import { policyDocument, start } from "./gateway/kit.ts";

interface Served {
  readonly sandbox: Sandbox;
  readonly ready: SandboxAddress;
}

async function serve(options: SandboxOptions = {}, ports: ServeOptions = {}): Promise<Served> {
  const sandbox = createSandbox({ grammar: loadGrammar, ...options });
  const { ready, close } = await serveSandbox(sandbox, ports);
  onTestFinished(close);
  return { sandbox, ready };
}

const chatPath = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
const question = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] });
const stream = JSON.stringify({ messages: [{ role: "user", content: "Say hello" }], stream: true });

const ask = (
  { gateway, keys }: SandboxAddress,
  body: string | Uint8Array<ArrayBuffer> = question,
  init: RequestInit = {},
): Promise<Response> => fetch(`${gateway}${chatPath}`, { method: "POST", headers: { "api-key": keys.growth ?? "" }, body, ...init });

/** The API's policy as the service has it, but for its `forward-request`. */
function forwardWith({ sandbox: { world } }: Served, attributes: string): void {
  const inbound = '<base /><include-fragment fragment-id="aoai-auth" /><set-backend-service backend-id="aoai-pool" />';
  world.put("apis/azure-openai/policies/policy", policyDocument({ inbound, backend: `<forward-request ${attributes} />` }));
}

/** A model that streams for as long as it is read, and says what becomes of it. */
function endlessModel({ sandbox: { world } }: Served, chunk: Uint8Array) {
  let sent = 0;
  let cancel: () => void = () => undefined;
  const cancelled = new Promise<void>((resolve) => {
    cancel = resolve;
  });
  world.upstreams.unshift({
    matches: ({ hostname }) => hostname === "aoai-eastus.openai.azure.com",
    fetch: async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += chunk.length;
            if (sent > 256 * 1024 * 1024) controller.error(new Error("nobody can have read all of this"));
            else controller.enqueue(chunk);
          },
          cancel,
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  return { cancelled, sent: () => sent };
}

describe("the ready line", () => {
  test("says where everything is, with a key that works for each subscription", async () => {
    const { ready, sandbox } = await serve();
    const loopback = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(ready).toEqual({
      arm: loopback,
      logs: ready.arm,
      gateway: loopback,
      control: loopback,
      token: sandbox.token,
      service: expect.stringMatching(/^\/subscriptions\/.*\/service\/sandbox$/),
      keys: expect.objectContaining({ growth: expect.stringMatching(/^[0-9a-f]{32}$/), labs: expect.any(String) }),
    });
    expect(new Set([ready.arm, ready.gateway, ready.control]).size).toBe(3);
    for (const key of Object.values(ready.keys)) expect((await ask(ready, question, { headers: { "api-key": key } })).status).toBe(200);
  });

  test("nothing listens where one of the ports is taken", async () => {
    const { ready } = await serve();
    const [free, taken] = await freePorts(ready);
    await expect(serveSandbox(createSandbox(), { port: free, controlPort: taken })).rejects.toMatchObject({ code: "EADDRINUSE" });
    const second = await serve({}, { port: free });
    expect(new URL(second.ready.arm).port).toBe(String(free));
  });
});

/** A port that nobody has, and one that is taken. */
async function freePorts({ control }: SandboxAddress): Promise<readonly [free: number, taken: number]> {
  const { ready, close } = await serveSandbox(createSandbox(), {});
  await close();
  return [Number(new URL(ready.arm).port), Number(new URL(control).port)];
}

describe("keys", () => {
  test.each<readonly [name: string, headers: Record<string, string>, query: string, status: number, message: string]>([
    ["none", {}, "", 401, "missing subscription key"],
    ["a wrong one", { "api-key": "0" }, "", 401, "invalid subscription key"],
    ["in the header", { "api-key": "KEY" }, "", 200, "chat.completion"],
    ["in the query", {}, "&subscription-key=KEY", 200, "chat.completion"],
  ])("%s", async (_, headers, query, status, message) => {
    const { ready } = await serve();
    const key = ready.keys.growth ?? "";
    const given = Object.entries(headers).map(([name, value]) => [name, value.replace("KEY", key)]);
    const answer = await fetch(`${ready.gateway}${chatPath}${query.replace("KEY", key)}`, {
      method: "POST",
      headers: Object.fromEntries(given),
      body: question,
    });
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(message)]);
    expect(answer.headers.get("www-authenticate")?.split(" ")[0]).toBe(status === 401 ? "AzureApiManagementKey" : undefined);
  });
});

describe("streams", () => {
  test("come chunk by chunk, the first before the model has its second", async () => {
    const clock = movableClock(start);
    const served = await serve({ clock });
    forwardWith(served, 'buffer-response="false"');
    const controls = await served.sandbox.controls();
    controls.scriptBackend("aoai-eastus", { script: [{ behaviour: { kind: "slow_stream", chunkMs: 1000 } }] });
    const answer = await ask(served.ready, stream);
    const reader = answer.body?.getReader();
    const chunks = [await reader?.read()];
    expect(chunks[0]?.done).toBe(false);
    expect(controls.logs("ApiManagementGatewayLogs").total).toBe(0);
    const rest = (async () => {
      for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) chunks.push(chunk);
    })();
    await clock.advance(3_600_000);
    await rest;
    expect(chunks.length).toBeGreaterThan(3);
    expect(controls.logs("ApiManagementGatewayLogs").rows).toMatchObject([{ ResponseCode: 200 }]);
  });

  test("the head of an answer does not wait for its body", async () => {
    const served = await serve();
    forwardWith(served, 'buffer-response="false"');
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    served.sandbox.world.upstreams.unshift({
      matches: ({ hostname }) => hostname === "aoai-eastus.openai.azure.com",
      fetch: async () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              await finished;
              controller.enqueue(new TextEncoder().encode("data: [DONE]\n\n"));
              controller.close();
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const answer = await ask(served.ready, stream);
    expect(answer.status).toBe(200);
    finish();
    expect(await answer.text()).toBe("data: [DONE]\n\n");
  });

  test("one that breaks behind the gateway is no whole answer, and harms nobody else", async () => {
    const served = await serve();
    forwardWith(served, 'buffer-response="false"');
    const controls = await served.sandbox.controls();
    controls.scriptBackend("aoai-eastus", { script: [{ times: 1, behaviour: { kind: "broken_stream", chunks: 2 } }] });
    await expect(ask(served.ready, stream).then((answer) => answer.text())).rejects.toThrow("terminated");
    expect((await ask(served.ready)).status).toBe(200);
  });

  test("a client that leaves ends the work of the model", async () => {
    const served = await serve();
    forwardWith(served, 'buffer-response="false"');
    const model = endlessModel(served, new TextEncoder().encode("data: {}\n\n"));
    const leaving = new AbortController();
    const answer = await ask(served.ready, stream, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await model.cancelled;
    const controls = await served.sandbox.controls();
    expect(controls.logs("ApiManagementGatewayLogs").rows).toMatchObject([
      { ResponseCode: 200, IsRequestSuccess: false, LastErrorReason: "ClientConnectionFailure" },
    ]);
  });

  test("a client that leaves before there is an answer ends the wait for it", async () => {
    const served = await serve();
    let arrived: (signal: AbortSignal) => void = () => undefined;
    const waiting = new Promise<AbortSignal>((resolve) => {
      arrived = resolve;
    });
    served.sandbox.world.upstreams.unshift({
      matches: () => true,
      fetch: ({ signal }) => {
        arrived(signal);
        return new Promise(() => undefined);
      },
    });
    const leaving = new AbortController();
    const asked = ask(served.ready, question, { signal: leaving.signal });
    const signal = await waiting;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    if (!signal.aborted) await once(signal, "abort");
    const { rows } = (await served.sandbox.controls()).logs("AppDependencies");
    expect(rows).toMatchObject([{ Success: false, ResultCode: "" }]);
  });

  test("a client that does not read holds the model up, and no memory", async () => {
    const served = await serve();
    forwardWith(served, 'buffer-response="false"');
    const model = endlessModel(served, new Uint8Array(64 * 1024));
    const socket = await opened(served.ready);
    socket.pause();
    socket.write(
      `POST ${chatPath} HTTP/1.1\r\nhost: x\r\napi-key: ${served.ready.keys.growth}\r\ncontent-length: ${stream.length}\r\n\r\n${stream}`,
    );
    await settled(model.sent);
    expect(model.sent()).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    await model.cancelled;
  });

  test("a request's body goes on as it comes", async () => {
    const served = await serve();
    const inbound = '<set-backend-service backend-id="aoai-eastus" />';
    served.sandbox.world.put("apis/azure-openai/policies/policy", policyDocument({ inbound }));
    const seen: string[] = [];
    let first: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      first = resolve;
    });
    served.sandbox.world.upstreams.unshift({
      matches: ({ hostname }) => hostname === "aoai-eastus.openai.azure.com",
      async fetch({ body }) {
        for await (const chunk of body ?? []) {
          seen.push(new TextDecoder().decode(chunk));
          first();
        }
        return new Response(seen.join("|"));
      },
    });
    const sent = httpRequest(`${served.ready.gateway}${chatPath}`, { method: "POST", headers: { "api-key": served.ready.keys.growth } });
    sent.write("one");
    await arrived;
    expect(seen).toEqual(["one"]);
    sent.end("two");
    const [answer]: IncomingMessage[] = await once(sent, "response");
    expect(await textOf(answer)).toBe("one|two");
  });
});

/** Waits until a number stays what it is for a thousand turns of the event loop. */
async function settled(count: () => number): Promise<void> {
  for (let quiet = 0, last = count(); quiet < 1000; quiet++) {
    await turn();
    if (count() !== last || last === 0) quiet = 0;
    last = count();
  }
}

async function opened({ gateway }: Pick<SandboxAddress, "gateway">): Promise<Socket> {
  const socket = connect(Number(new URL(gateway).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function textOf(answer: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("a hundred requests at once are answered, each once", async () => {
  const { ready, sandbox } = await serve();
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(ready)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const ids = await Promise.all(answers.map(async (answer) => JSON.parse(await answer.text()).id));
  expect(new Set(ids).size).toBe(100);
  const { total, rows } = (await sandbox.controls()).logs("ApiManagementGatewayLogs");
  expect([total, new Set(rows.map(({ CorrelationId }) => CorrelationId)).size]).toEqual([100, 100]);
});

describe("what is no request of HTTP", () => {
  const flood = Array.from({ length: 4000 }, (_, index) => `h${index}: 1\r\n`).join("");
  test.each([
    ["bytes", "\u0000\u0001nothing\r\n\r\n", 400],
    ["a line that is none", "hello\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["a host that is none", "GET /openai HTTP/1.1\r\nhost: a/b@c\r\n\r\n", 400],
    ["a target that is none", "GET openai HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["a method that proxies must not pass on", "TRACE / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["two lengths", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400],
    ["a chunk that is none", "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400],
    ["a head that is too large", `GET / HTTP/1.1\r\nhost: x\r\nlong: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["a flood of headers", `GET / HTTP/1.1\r\nhost: x\r\n${flood}\r\n`, 431],
    ["a path that leads elsewhere", "GET //evil.example/openai HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 404],
    ["a whole URL", "GET http://elsewhere/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 404],
  ])("%s", async (_, sent, status) => {
    const { ready } = await serve();
    const socket = await opened(ready);
    socket.write(sent);
    socket.setEncoding("utf8");
    const [answer] = await once(socket, "data");
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await ask(ready)).status).toBe(200);
  });

  test("a client that hangs up in the middle of its body", async () => {
    const { ready } = await serve();
    const socket = await opened(ready);
    socket.write(`POST ${chatPath} HTTP/1.1\r\nhost: x\r\napi-key: ${ready.keys.growth}\r\ncontent-length: 1000\r\n\r\n{"mess`);
    await turn();
    socket.destroy();
    expect((await ask(ready)).status).toBe(200);
  });
});

describe("bodies", () => {
  const megabytes = (count: number): Uint8Array<ArrayBuffer> => new Uint8Array(count * 1024 * 1024).fill(0x20);

  test.each([
    ["no JSON", new TextEncoder().encode("{"), 400],
    ["more than a model takes", megabytes(17), 400],
    ["more than the gateway buffers", megabytes(65), 413],
  ])("%s", async (_, body, status) => {
    const { ready } = await serve();
    expect((await ask(ready, body)).status).toBe(status);
    expect((await ask(ready)).status).toBe(200);
  });

  test.each([
    ["gateway", chatPath],
    ["arm", "/subscriptions"],
    ["control", "/reset"],
  ] as const)("one that nobody reads leaves the connection to the next request: %s", async (part, path) => {
    const { ready } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const reused: boolean[] = [];
    for (let turns = 0; turns < 3; turns++) {
      const sent = httpRequest(`${ready[part]}${path}`, { method: "POST", agent });
      sent.end(megabytes(1));
      const [answer]: IncomingMessage[] = await once(sent, "response");
      expect([answer?.statusCode, await textOf(answer)]).toEqual([401, expect.stringContaining("{")]);
      reused.push(sent.reusedSocket);
    }
    expect(reused).toEqual([false, true, true]);
  });

  test("one without an end is not taken in for ever", async () => {
    const { ready } = await serve();
    const socket = await opened(ready);
    socket.on("error", () => {});
    socket.write(`POST ${chatPath} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
    const megabyte = `100000\r\n${" ".repeat(1024 * 1024)}\r\n`;
    const closed = once(socket, "close").catch(() => undefined);
    let sent = 0;
    for (; !socket.closed && sent < 200; sent++) {
      if (!socket.write(megabyte)) await Promise.race([once(socket, "drain").catch(() => undefined), closed]);
    }
    expect(sent).toBeLessThan(200);
  });
});

test("the phrase of a status and several cookies go out as the policies have them", async () => {
  const served = await serve();
  const cookies = '<set-header name="Set-Cookie"><value>a=1</value><value>b=2</value></set-header>';
  const inbound = `<return-response><set-status code="418" reason="Short and stout" />${cookies}</return-response>`;
  served.sandbox.world.put("apis/azure-openai/policies/policy", policyDocument({ inbound }));
  const { status, statusText, headers } = await ask(served.ready);
  expect([status, statusText, headers.getSetCookie()]).toEqual([418, "Short and stout", ["a=1", "b=2"]]);
});

test("instances take requests in turn, each with counters of its own", async () => {
  const served = await serve({ clock: realClock, regions: ["East US", "West Europe"] });
  const inbound =
    '<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" /><return-response><set-status code="200" /></return-response>';
  served.sandbox.world.put("apis/azure-openai/policies/policy", policyDocument({ inbound }));
  const statuses: number[] = [];
  for (let turns = 0; turns < 4; turns++) statuses.push((await ask(served.ready)).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
  const { rows } = (await served.sandbox.controls()).logs("ApiManagementGatewayLogs");
  expect(rows.map(({ Region }) => Region)).toEqual(["East US", "West Europe", "East US", "West Europe"]);
});

test("the gateway is loaded by its first request", async () => {
  let loaded = 0;
  const grammar = () => {
    loaded++;
    return loadGrammar();
  };
  const { ready } = await serve({ grammar });
  expect(
    (await fetch(`${ready.arm}${ready.service}?api-version=2024-05-01`, { headers: { authorization: `Bearer ${ready.token}` } })).status,
  ).toBe(200);
  expect(loaded).toBe(0);
  await ask(ready);
  expect(loaded).toBeGreaterThan(0);
});
