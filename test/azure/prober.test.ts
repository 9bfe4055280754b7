import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openProber } from "../../src/azure/prober.ts";

interface Gateway {
  readonly origin: string;
  /** Path, and the headers that hold the key. */
  readonly received: readonly (readonly [path: string | undefined, ...keys: unknown[]])[];
}

async function openGateway(answer: { readonly status: number; readonly headers?: Record<string, string> }): Promise<Gateway> {
  const received: [string | undefined, ...unknown[]][] = [];
  const server = createServer((request, response) => {
    received.push([request.url, request.headers["ocp-apim-subscription-key"], request.headers["api-key"], request.headers["x-own"]]);
    response.writeHead(answer.status, answer.headers).end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const chat = { method: "POST", path: "/openai;rev=2/chat/completions?api-version=1", body: "{}" };

test("asks the gateway with the test key, and says who answered", async () => {
  const gateway = await openGateway({ status: 429, headers: { "x-ms-region": "East US" } });
  const prober = openProber({ origin: async () => gateway.origin, key: "canary" });
  expect(await prober.probe(chat, { "x-own": "all" })).toEqual({ status: 429, region: "East US" });
  expect(gateway.received).toEqual([["/openai;rev=2/chat/completions?api-version=1", "canary", "canary", "all"]]);
});

test("follows no redirect: the key goes nowhere else", async () => {
  const other = await openGateway({ status: 200 });
  const gateway = await openGateway({ status: 307, headers: { location: `${other.origin}/` } });
  const prober = openProber({ origin: async () => gateway.origin, key: "canary" });
  expect(await prober.probe(chat)).toMatchObject({ status: 307, region: null });
  expect(other.received).toEqual([]);
});

test.each(["//other.example/x", "https://other.example/x", "/\\other.example/x"])(
  "a path that leads elsewhere, %s, is not asked",
  async (path) => {
    const prober = openProber({
      origin: async () => "https://gateway.example",
      key: "canary",
      fetch: async () => {
        throw new Error("it was sent");
      },
    });
    expect(await prober.probe({ ...chat, path })).toEqual({ status: null, region: null, reason: "the path leads to another host" });
  },
);

test("never rejects: what went wrong is the answer", async () => {
  const refused = openProber({ origin: async () => "http://127.0.0.1:9", key: "canary" });
  expect(await refused.probe(chat)).toMatchObject({ status: null, region: null, reason: expect.any(String) });
  const nowhere = openProber({ origin: async () => null, key: "canary" });
  expect(await nowhere.probe(chat)).toEqual({ status: null, region: null, reason: "the service has no gateway URL" });
  const forbidden = openProber({ origin: () => Promise.reject(new Error("403")), key: "canary" });
  expect(await forbidden.probe(chat)).toEqual({ status: null, region: null, reason: "403" });
});

/** Takes calls, and never answers. */
async function openSilence(): Promise<{ readonly origin: string; readonly taken: Promise<void> }> {
  let take = () => {};
  const taken = new Promise<void>((done) => {
    take = done;
  });
  const server = createServer(() => take());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken };
}

test("a gateway that does not answer is waited for so long and no longer, or until the call is cancelled", async () => {
  const { origin, taken } = await openSilence();
  const prober = openProber({ origin: async () => origin, key: "canary" });
  expect(await prober.probe(chat, {}, { timeoutMs: 50 })).toEqual({ status: null, region: null, reason: "no answer within 0.05 s" });
  const client = new AbortController();
  const asked = prober.probe(chat, {}, { signal: client.signal });
  await taken;
  client.abort();
  expect(await asked).toEqual({ status: null, region: null, reason: "cancelled" });
  expect(await prober.probe(chat, {}, { signal: client.signal })).toMatchObject({ reason: "cancelled" });
});

test("nor does a `fetch` that hears of nothing keep it", async () => {
  const deaf = openProber({ origin: async () => "https://gateway.example", key: "k", fetch: () => new Promise<never>(() => {}) });
  expect(await deaf.probe(chat, {}, { timeoutMs: 20 })).toMatchObject({ status: null, reason: "no answer within 0.02 s" });
});
