import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { movableClock, realClock } from "../../src/sandbox/clock.ts";
import type { FaultOutcome } from "../../src/sandbox/faults.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../../src/sandbox/serve.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { answerOf, openSandbox } from "./client.ts";

const path = "backends/aoai-westeurope";
const changed = { url: "https://moved.example", protocol: "http" };
const reset = expect.objectContaining({ code: "ECONNRESET" });

describe("scripted faults", () => {
  test("an answer of the script, once, with its headers; nothing is written", async () => {
    const client = openSandbox({ seed: "demo" });
    const body = { error: { code: "TooManyRequests", message: "later" } };
    client.sandbox.world.faults.add({
      method: "put",
      path,
      outcome: { kind: "answer", status: 429, body, headers: { "retry-after": "17" } },
    });
    const before = await client.get(path);
    const refused = await client.put(path, changed);
    expect(refused).toMatchObject({ status: 429, body });
    expect(refused.headers.get("retry-after")).toBe("17");
    expect(refused.headers.get("x-ms-request-id")).not.toBeNull();
    expect((await client.get(path)).text).toBe(before.text);
    expect(client.sandbox.world.faults.pending).toEqual([]);
    expect((await client.put(path, changed)).status).toBe(200);
  });

  test("a number of times, by pattern, in the order of the script", async () => {
    const client = openSandbox({ seed: "demo" });
    const { faults } = client.sandbox.world;
    faults.add({ path: /\/backends\/aoai-/g, times: 2, outcome: { kind: "answer", status: 500 } });
    faults.add({ path: "BACKENDS/AOAI-westeurope", outcome: { kind: "answer", status: 409 } });
    const statuses: number[] = [];
    for (const name of [path, "products", "backends/aoai-pool", path, path]) statuses.push((await client.get(name)).status);
    expect(statuses).toEqual([500, 200, 500, 409, 200]);
  });

  test("a path means that document alone", async () => {
    const client = openSandbox({ seed: "demo" });
    client.sandbox.world.faults.add({ path: "policies/policy", outcome: { kind: "answer", status: 500 } });
    expect((await client.get("products/aoai/policies/policy")).status).toBe(200);
    expect((await client.get("policies/policy")).status).toBe(500);
  });

  test.each([
    ["reset_before_apply", false],
    ["reset_after_apply", true],
  ] as const)("%s: the caller sees a broken connection; written: %s", async (kind, isWritten) => {
    const client = openSandbox({ seed: "demo" });
    client.sandbox.world.faults.add({ method: "PUT", path, outcome: { kind } });
    await expect(client.put(path, changed)).rejects.toEqual(reset);
    expect((await client.get(path)).body.properties.url === changed.url).toBe(isWritten);
    expect(client.sandbox.world.requests.map(({ method, status }) => [method, status])).toEqual([
      ["PUT", null],
      ["GET", 200],
    ]);
  });
});

describe("what an answer does not tell", () => {
  const body = { error: { code: "PreconditionFailed", message: "Resource was modified since last retrieval." } };
  const faulty = (outcome: FaultOutcome) => {
    const clock = movableClock(new Date(0));
    const client = openSandbox({ seed: "demo", clock });
    client.sandbox.world.faults.add({ method: "PUT", path, outcome });
    return { ...client, clock, isWritten: () => client.sandbox.world.get(path)?.properties.url === changed.url };
  };
  const send = ({ sandbox }: { readonly sandbox: Sandbox }, signal?: AbortSignal): Promise<Response> =>
    sandbox.fetch(
      new Request(`https://management.azure.com${sandboxService.resourceId}/${path}?api-version=2024-05-01`, {
        method: "PUT",
        headers: { authorization: `Bearer ${sandbox.token}` },
        body: JSON.stringify({ properties: changed }),
        ...(signal && { signal }),
      }),
    );

  test("answer_after_apply: the script's answer, and the write stands", async () => {
    const client = faulty({ kind: "answer_after_apply", status: 412, body });
    const answer = await client.put(path, changed);
    expect(answer).toMatchObject({ status: 412, body });
    expect(answer.headers.get("etag")).toBeNull();
    expect(client.isWritten()).toBe(true);
  });

  test("truncated_after_apply: half of the answer under the length of the whole", async () => {
    const client = faulty({ kind: "truncated_after_apply" });
    const answer = await send(client);
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get("content-length"))).toBeGreaterThanOrEqual(2 * text.length);
    expect(text).toMatch(/^\{"id":/);
    expect(client.isWritten()).toBe(true);
  });

  test("drip_after_apply: a byte a second by the sandbox's clock, never to its end", async () => {
    const client = faulty({ kind: "drip_after_apply" });
    const answer = await send(client);
    expect(client.isWritten()).toBe(true);
    const reader = answer.body?.getReader();
    let text = "";
    for (let second = 1; second <= 2000; second++) {
      const chunk = reader?.read();
      await client.clock.advance(1000);
      text += new TextDecoder().decode((await chunk)?.value);
    }
    expect(JSON.parse(text)).toMatchObject({ properties: changed });
    expect(text).toMatch(/ {500}$/);
    await reader?.cancel();
  });

  test("drip_after_apply ends with its request", async () => {
    const client = faulty({ kind: "drip_after_apply" });
    const request = new AbortController();
    const text = (await send(client, request.signal)).text();
    request.abort();
    await expect(text).rejects.toMatchObject({ name: "AbortError" });
  });

  test("failed_operation: accepted, and then failed as the shape has it; the document stays, and other requests are let alone", async () => {
    const client = openSandbox({ seed: "empty" });
    const { world } = client.sandbox;
    const error = { code: "ValidationError", message: "Something is wrong.", details: null };
    for (const [shape, status] of [
      ["created", 200],
      ["created_or_400", 400],
    ] as const) {
      world.settings.operationShapes = { policyFragments: shape, namedValues: shape };
      world.faults.add({ path: "namedValues/tpm", outcome: { kind: "failed_operation", error } });
      expect((await client.get("namedValues/tpm")).status).toBe(404);
      const accepted = await client.put("namedValues/tpm", { displayName: "tpm", value: "1" });
      expect(accepted.status).toBe(201);
      const poll = await client.sandbox.fetch(
        new Request(accepted.headers.get("location") ?? "", { headers: { authorization: `Bearer ${client.sandbox.token}` } }),
      );
      expect(poll.status).toBe(status);
      expect(await poll.json()).toEqual(status === 200 ? { status: "Failed", error } : { error });
      expect(world.get("namedValues/tpm")).toBeUndefined();
      expect(world.faults.pending).toEqual([]);
    }
  });
});

describe("the log of requests", () => {
  test("what went over the wire, without the token", async () => {
    const client = openSandbox({ seed: "demo", token: "canary" });
    await client.put(path, changed, { "if-match": "*" });
    expect(client.sandbox.world.requests).toEqual([
      {
        method: "PUT",
        path: expect.stringMatching(/^\/subscriptions\/.*\/backends\/aoai-westeurope\?api-version=2024-05-01$/),
        headers: expect.objectContaining({ "if-match": "*" }),
        status: 200,
      },
    ]);
    expect(JSON.stringify(client.sandbox.world.requests)).not.toContain("canary");
  });

  test("keeps the newest thousand", async () => {
    const client = openSandbox();
    for (let index = 0; index < 1003; index++) await client.get(`loggers/${index}`);
    expect(client.sandbox.world.requests).toHaveLength(1000);
    expect(client.sandbox.world.requests[0]?.path).toContain("/loggers/3?");
  });
});

describe("served on a port", () => {
  const served = async (use: (served: ServedSandbox, sandbox: Sandbox) => Promise<void>): Promise<void> => {
    const sandbox = createSandbox({ clock: { ...realClock, wait: async (_, signal) => realClock.wait(1, signal) } });
    const server = await serveSandbox(sandbox, {});
    try {
      await use(server, sandbox);
    } finally {
      await server.close();
    }
  };
  const urlOf = ({ ready }: ServedSandbox, name: string): string => `${ready.arm}${ready.service}/${name}?api-version=2024-05-01`;
  const authorized = ({ ready }: ServedSandbox) => ({ authorization: `Bearer ${ready.token}` });

  test("a line that a second process can work with, on the loopback address alone", () =>
    served(async (server, sandbox) => {
      const { arm, logs, token, service } = server.ready;
      expect(arm).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(logs).toBe(arm);
      expect(token).toBe(sandbox.token);
      const answer = await answerOf(await fetch(`${arm}${service}?api-version=2024-05-01`, { headers: authorized(server) }));
      expect(answer).toMatchObject({ status: 200, body: { id: service } });
      expect((await fetch(`${arm}${service}?api-version=2024-05-01`)).status).toBe(401);
      expect((await fetch(`${logs}/workspaces/x/query`, { method: "POST", headers: authorized(server) })).status).toBe(404);
    }));

  test("writes, HEAD and links on the same origin", () =>
    served(async (server, sandbox) => {
      sandbox.world.settings.pageSize = 1;
      const put = await fetch(urlOf(server, path), {
        method: "PUT",
        headers: authorized(server),
        body: JSON.stringify({ properties: changed }),
      });
      expect(put.status).toBe(200);
      const head = await fetch(urlOf(server, path), { method: "HEAD", headers: authorized(server) });
      expect(head.headers.get("etag")).toBe(put.headers.get("etag"));
      const { body } = await answerOf(await fetch(urlOf(server, "products"), { headers: authorized(server) }));
      expect(body.nextLink.startsWith(`${server.ready.arm}/subscriptions/`)).toBe(true);
    }));

  test("a scripted reset breaks the connection", () =>
    served(async (server, sandbox) => {
      sandbox.world.faults.add({ method: "PUT", path, outcome: { kind: "reset_after_apply" } });
      const broken = new Promise((resolve, reject) => {
        const request = httpRequest(urlOf(server, path), { method: "PUT", headers: authorized(server) }, resolve).on("error", reject);
        request.end(JSON.stringify({ properties: changed }));
      });
      await expect(broken).rejects.toEqual(reset);
      expect(sandbox.world.get(path)?.properties).toEqual(changed);
      expect((await fetch(urlOf(server, path), { headers: authorized(server) })).status).toBe(200);
    }));

  test.each(["truncated_after_apply", "drip_after_apply"] as const)("%s: headers come, and not the whole body", (kind) =>
    served(async (server, sandbox) => {
      sandbox.world.faults.add({ method: "PUT", path, outcome: { kind } });
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = httpRequest(urlOf(server, path), { method: "PUT", headers: authorized(server) }, resolve).on("error", reject);
        request.end(JSON.stringify({ properties: changed }));
      });
      expect(answer.statusCode).toBe(200);
      if (kind === "drip_after_apply") {
        const [first] = await once(answer, "data");
        expect(String(first)).toBe("{");
        answer.destroy();
      } else {
        let text = "";
        answer.on("data", (part) => {
          text += part;
        });
        await expect(once(answer, "end")).rejects.toEqual(reset);
        expect(text).toMatch(/^\{"id":/);
      }
      expect(sandbox.world.get(path)?.properties).toEqual(changed);
      expect((await fetch(urlOf(server, path), { headers: authorized(server) })).status).toBe(200);
    }),
  );

  test("a port that is taken is an error", () =>
    served(async ({ ready }, sandbox) => {
      const port = Number(new URL(ready.arm).port);
      await expect(serveSandbox(sandbox, { port })).rejects.toEqual(expect.objectContaining({ code: "EADDRINUSE" }));
    }));
});
