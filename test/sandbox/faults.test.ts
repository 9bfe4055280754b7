import { request as httpRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../../src/sandbox/serve.ts";
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
    const sandbox = createSandbox();
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

  test("a port that is taken is an error", () =>
    served(async ({ ready }, sandbox) => {
      const port = Number(new URL(ready.arm).port);
      await expect(serveSandbox(sandbox, { port })).rejects.toEqual(expect.objectContaining({ code: "EADDRINUSE" }));
    }));
});
