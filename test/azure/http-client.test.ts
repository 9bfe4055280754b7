import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { createPipelineRequest } from "@azure/core-rest-pipeline";
import { afterEach, describe, expect, it } from "vitest";
import { httpClientFor } from "../../src/azure/http-client.ts";
import { failureOf } from "./wire.ts";

const endpoint = { sdk: "https://arm.invalid", network: "https://arm.invalid" };
/** Loopback addresses that this machine has. */
const addresses = Object.values(networkInterfaces()).flatMap(
  (all) => all?.flatMap(({ internal, address }) => (internal ? address : [])) ?? [],
);
const request = (url: string, extra: Partial<Parameters<typeof createPipelineRequest>[0]> = {}) => createPipelineRequest({ url, ...extra });

describe("in the process", () => {
  it("passes method, headers and body on and gives the answer under the SDK's own request", async () => {
    const client = httpClientFor(endpoint, 1000, async (asked) =>
      Response.json(
        { method: asked.method, etag: asked.headers.get("if-match"), body: await asked.text() },
        { status: 201, headers: { etag: '"1"' } },
      ),
    );
    const sent = request("https://arm.invalid/x?y=1", { method: "PUT", body: "{}" });
    sent.headers.set("If-Match", '"0"');
    const response = await client.sendRequest(sent);
    expect(response.status).toBe(201);
    expect(response.headers.get("etag")).toBe('"1"');
    expect(JSON.parse(response.bodyAsText ?? "")).toEqual({ method: "PUT", etag: '"0"', body: "{}" });
    expect(response.request).toBe(sent);
  });

  it.each(["https://other.invalid/x", "http://arm.invalid/x", "https://arm.invalid:8443/x", "https://arm.invalid.example.net/x"])(
    "sends nothing to %s",
    async (url) => {
      let calls = 0;
      const client = httpClientFor(endpoint, 1000, async () => {
        calls += 1;
        return new Response();
      });
      const error = await failureOf(client.sendRequest(request(url)));
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining(new URL(url).origin) });
      expect(calls).toBe(0);
    },
  );

  it("gives up on a service that does not answer, and tells it", async () => {
    let told = false;
    const client = httpClientFor(endpoint, 5, (asked) => {
      asked.signal.addEventListener("abort", () => {
        told = true;
      });
      return new Promise(() => {});
    });
    expect(await failureOf(client.sendRequest(request("https://arm.invalid/x")))).toMatchObject({
      code: "unavailable",
      message: "Azure did not answer within 0.005 s.",
    });
    expect(told).toBe(true);
  });

  it("ends with the caller's signal", async () => {
    const controller = new AbortController();
    const client = httpClientFor(endpoint, 60_000, () => {
      controller.abort();
      return new Promise(() => {});
    });
    const error = await failureOf(client.sendRequest(request("https://arm.invalid/x", { abortSignal: controller.signal })));
    expect(error).toMatchObject({ name: "AbortError" });
  });
});

describe("over a loopback port", () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function listen(server: ReturnType<typeof createServer>, address = "127.0.0.1"): Promise<string> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const { port } = server.address() as AddressInfo;
    return `${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  it.each(addresses)("sends a copy over http to %s; the SDK's request stays https", async (address) => {
    const host = await listen(
      createServer((incoming, outgoing) => {
        outgoing.setHeader("content-type", "application/json");
        outgoing.end(JSON.stringify({ url: incoming.url, authorization: incoming.headers.authorization }));
      }),
      address,
    );
    const client = httpClientFor({ sdk: `https://${host}`, network: `http://${host}` }, 5000);
    const sent = request(`https://${host}/service/x?a=b`);
    sent.headers.set("Authorization", "Bearer t");
    const response = await client.sendRequest(sent);
    expect(JSON.parse(response.bodyAsText ?? "")).toEqual({ url: "/service/x?a=b", authorization: "Bearer t" });
    expect(response.request).toBe(sent);
    expect(sent.url).toBe(`https://${host}/service/x?a=b`);
  });

  it("gives up on a body that drips past the time", async () => {
    const host = await listen(
      createServer((_, outgoing) => {
        outgoing.setHeader("content-type", "application/json");
        outgoing.write("{");
      }),
    );
    const client = httpClientFor({ sdk: `https://${host}`, network: `http://${host}` }, 50);
    expect(await failureOf(client.sendRequest(request(`https://${host}/x`)))).toMatchObject({ code: "unavailable" });
  });
});
