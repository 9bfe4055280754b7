import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ResponseValue } from "../../../src/sandbox/gateway/expressions/views.ts";
import { type Answer, type Kit, message, openKit } from "./kit.ts";

const hangs = (): Promise<Response> => new Promise(() => undefined);

const lastError = (kit: Kit) => kit.finished.at(-1)?.call.lastError;
const internal = { statusCode: 500, message: "Internal server error", activityId: expect.any(String) };

describe("forward-request", () => {
  test("a response's status, reason, headers and body come through; headers of the connection do not", async () => {
    const kit = openKit();
    kit.backend.answers = [
      () =>
        new Response("made", {
          status: 201,
          statusText: "Made",
          headers: { "x-a": "1", connection: "x-hop", "x-hop": "2", "keep-alive": "3", "transfer-encoding": "chunked" },
        }),
    ];
    const answer = await kit.send();
    expect(answer).toMatchObject({ status: 201, reason: "Made", text: "made" });
    expect(["x-a", "connection", "x-hop", "keep-alive", "transfer-encoding"].map((name) => answer.headers.get(name))).toEqual([
      "1",
      null,
      null,
      null,
      null,
    ]);
  });

  test("a request's headers of the connection and its host stay behind", async () => {
    const kit = openKit();
    await kit.send({ headers: { host: "gateway.example", te: "trailers", "x-a": "1" } });
    expect(["host", "te", "x-a"].map((name) => kit.backend.received[0]?.headers.get(name))).toEqual([null, null, "1"]);
  });

  test.each([
    ["timeout", '<forward-request timeout="5" />', 5000],
    ["timeout-ms", '<forward-request timeout-ms="70" />', 70],
    ["300 seconds where it says nothing", "<forward-request />", 300_000],
  ])("no answer within its time is an error of reason Timeout: %s (documented)", async (_, backend, milliseconds) => {
    const kit = openKit({ backend });
    kit.backend.answers = [hangs];
    const answering = kit.send();
    let answer: Answer | undefined;
    const noting = answering.then((given) => {
      answer = given;
    });
    await kit.clock.advance(milliseconds - 1);
    expect(answer).toBeUndefined();
    await kit.clock.advance(1);
    await noting;
    expect([answer?.status, JSON.parse(answer?.text ?? "")]).toEqual([500, internal]);
    expect(lastError(kit)).toMatchObject({
      source: "forward-request",
      reason: "Timeout",
      section: "backend",
      scope: "api",
      path: "forward-request",
    });
    expect(kit.finished[0]?.call.record.attempts).toMatchObject([{ status: null, reason: "Timeout", milliseconds }]);
  });

  test("the time is for the head: a body may take longer (documented)", async () => {
    const kit = openKit({ backend: '<forward-request timeout="1" />' });
    let signal: AbortSignal | undefined;
    kit.backend.answers = [
      (sent) => {
        signal = sent.signal;
        return new Response(
          new ReadableStream<Uint8Array>({
            async pull(controller) {
              await kit.clock.wait(5000);
              controller.enqueue(new TextEncoder().encode("late"));
              controller.close();
            },
          }),
        );
      },
    ];
    const answering = kit.send();
    await kit.clock.advance(5000);
    expect(await answering).toMatchObject({ status: 200, text: "late" });
    expect(signal?.aborted).toBe(false);
  });

  test("a refused connection is an error of reason BackendConnectionFailure (documented)", async () => {
    const kit = openKit();
    kit.backend.answers = [() => Promise.reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }))];
    const answer = await kit.send();
    expect([answer.status, message(answer)]).toEqual([500, internal]);
    expect(lastError(kit)).toMatchObject({ source: "forward-request", reason: "BackendConnectionFailure" });
    expect(lastError(kit)?.message).toContain("connect ECONNREFUSED");
  });

  test.each([["https://example.com/"], ["http://10.0.0.1/"], ["http://127.0.0.1.example.com/"], ["http://localhost.example/"]])(
    "no request leaves the machine: %s",
    async (url) => {
      const kit = openKit({ inbound: `<set-backend-service base-url="${url}" />` });
      expect((await kit.send()).status).toBe(500);
      expect(lastError(kit)).toMatchObject({ reason: "BackendConnectionFailure" });
      expect(lastError(kit)?.message).toContain("the sandbox reaches no network");
    },
  );

  test("an API without a backend", async () => {
    const kit = openKit({ resources: [["apis/echo", { displayName: "Echo", path: "echo", subscriptionRequired: false }]] });
    expect((await kit.send()).status).toBe(500);
    expect(lastError(kit)).toMatchObject({ reason: "BackendConnectionFailure", message: "The API has no backend." });
  });

  test("fail-on-error-status-code goes to on-error for 400 to 599, with the backend's response (documented)", async () => {
    const onError = '<set-header name="x-on-error" exists-action="override"><value>ran</value></set-header>';
    for (const [status, ran] of [
      [399, null],
      [400, "ran"],
      [599, "ran"],
    ] as const) {
      const kit = openKit({ backend: '<forward-request fail-on-error-status-code="true" />', onError });
      kit.backend.answers = [() => new Response("theirs", { status })];
      const answer = await kit.send();
      expect([answer.status, answer.text, answer.headers.get("x-on-error")]).toEqual([status, "theirs", ran]);
    }
  });

  test("redirects go to the caller, and are followed where that is asked for (documented)", async () => {
    const redirect = (): Response => new Response(null, { status: 302, headers: { location: "/there?x=1" } });
    const plain = openKit();
    plain.backend.answers = [redirect];
    expect((await plain.send()).headers.get("location")).toBe("/there?x=1");

    const following = openKit({ backend: '<forward-request follow-redirects="true" />' });
    following.backend.answers = [redirect];
    expect((await following.send({ method: "POST", body: "b" })).text).toBe("ok");
    expect(following.backend.received.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "https://backend.test/base/thing", "b"],
      ["GET", "https://backend.test/there?x=1", ""],
    ]);
  });

  test("no redirect leads off the machine", async () => {
    const kit = openKit({ backend: '<forward-request follow-redirects="true" />' });
    kit.backend.answers = [() => new Response(null, { status: 307, headers: { location: "https://example.com/" } })];
    expect((await kit.send()).status).toBe(500);
    expect(lastError(kit)?.message).toContain("the sandbox reaches no network");
  });

  test("without it nothing is forwarded, and outbound runs on an empty answer (documented)", async () => {
    const kit = openKit({ backend: "", outbound: "<set-body>made</set-body>" });
    expect(await kit.send()).toMatchObject({ status: 200, text: "made" });
    expect(kit.backend.received).toEqual([]);
  });

  test("a backend on loopback is reached over HTTP", async () => {
    const server = createServer((request, response) => response.writeHead(202, { "x-path": request.url ?? "" }).end("real"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const kit = openKit({ inbound: `<set-backend-service base-url="http://127.0.0.1:${port}/b" />` });
    const answer = await kit.send();
    expect([answer.status, answer.text, answer.headers.get("x-path")]).toEqual([202, "real", "/b/thing"]);
    await new Promise((closed) => server.close(closed));
    expect((await kit.send()).status).toBe(500);
    expect(lastError(kit)).toMatchObject({ reason: "BackendConnectionFailure" });
  });
});

describe("streams", () => {
  const events = ["data: one\n\n", "data: two\n\n"];

  /** A backend that sends one event, and the next when it is told. */
  const streaming = (kit: Kit): { readonly next: () => void; readonly cancelled: () => boolean } => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    let cancelled = false;
    let sent = 0;
    const next = (): void => {
      controller?.enqueue(new TextEncoder().encode(events[sent++]));
      if (sent === events.length) controller?.close();
    };
    kit.backend.answers = [
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(opened) {
              controller = opened;
              next();
            },
            cancel() {
              cancelled = true;
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    ];
    return { next, cancelled: () => cancelled };
  };

  const request = new Request("https://gateway.example/echo/events");

  test("buffer-response=false: each chunk goes on at once, and the call ends with the last (documented)", async () => {
    const kit = openKit({ backend: '<forward-request buffer-response="false" />' });
    const { next } = streaming(kit);
    const reader = (await kit.gateway.fetch(request)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(events[0]);
    expect(kit.finished).toEqual([]);
    next();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(events[1]);
    expect((await reader?.read())?.done).toBe(true);
    expect(kit.finished).toMatchObject([{ completed: { status: 200, aborted: false, bytes: 22 } }]);
  });

  test("buffer-response=true: chunks are collected up to 8 KB or the end (documented)", async () => {
    const kit = openKit();
    const { next } = streaming(kit);
    const reader = (await kit.gateway.fetch(request)).body?.getReader();
    const first = reader?.read();
    next();
    expect(new TextDecoder().decode((await first)?.value)).toBe(events.join(""));
  });

  test("a client that reads no further stops the backend, and the call ends as aborted", async () => {
    const kit = openKit({ backend: '<forward-request buffer-response="false" />' });
    const { cancelled } = streaming(kit);
    const reader = (await kit.gateway.fetch(request)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(cancelled()).toBe(true);
    expect(kit.finished).toMatchObject([{ completed: { aborted: true } }]);
  });

  test("a client that leaves while it reads ends the call once", async () => {
    const kit = openKit({ backend: '<forward-request buffer-response="false" />' });
    streaming(kit);
    const client = new AbortController();
    const { body } = await kit.gateway.fetch(new Request(request.url, { signal: client.signal }));
    const reader = body?.getReader();
    await reader?.read();
    client.abort();
    await reader?.cancel();
    expect(kit.finished).toMatchObject([{ completed: { aborted: true } }]);
  });

  test("nothing runs for a client that has left already", async () => {
    const kit = openKit({ inbound: '<trace source="s"><message>ran</message></trace>' });
    await expect(kit.send({ signal: AbortSignal.abort() })).rejects.toThrow();
    expect(kit.finished[0]?.call.record.traces).toEqual([]);
  });

  test("a client that leaves before the answer stops the backend", async () => {
    const kit = openKit();
    let stopped = false;
    kit.backend.answers = [
      (sent) => {
        sent.signal.addEventListener("abort", () => {
          stopped = true;
        });
        return hangs();
      },
    ];
    const client = new AbortController();
    const answering = kit.send({ signal: client.signal });
    await kit.clock.advance(10);
    client.abort();
    await expect(answering).rejects.toThrow();
    expect(stopped).toBe(true);
    expect(kit.finished).toMatchObject([{ completed: { aborted: true } }]);
    expect(kit.finished[0]?.call.record.attempts).toMatchObject([{ reason: "ClientConnectionFailure" }]);
  });

  test("a backend that breaks off breaks the answer off", async () => {
    const kit = openKit({ backend: '<forward-request buffer-response="false" />' });
    kit.backend.answers = [
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              controller.error(new Error("reset"));
            },
          }),
        ),
    ];
    await expect(kit.send()).rejects.toThrow("reset");
    expect(kit.finished).toMatchObject([{ completed: { aborted: true } }]);
  });

  test("the request's body is passed on as it comes, and counted", async () => {
    const kit = openKit();
    let fromClient: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        fromClient = controller;
      },
    });
    let first: string | undefined;
    kit.world.upstreams.unshift({
      matches: () => true,
      async fetch(sent) {
        const reader = sent.body?.getReader();
        first = new TextDecoder().decode((await reader?.read())?.value);
        fromClient?.close();
        await reader?.read();
        return new Response("ok");
      },
    });
    fromClient?.enqueue(new TextEncoder().encode("part"));
    const posted = new Request("https://gateway.example/echo/x", { method: "POST", body, duplex: "half" } as RequestInit);
    await (await kit.gateway.fetch(posted)).text();
    expect(first).toBe("part");
    expect(kit.finished[0]?.completed.bytes).toBe(6);
  });
});

describe("send-request", () => {
  const request = (attributes: string, children: string): string =>
    `<send-request response-variable-name="r" ${attributes}>${children}</send-request>`;
  const target = "<set-url>https://backend.test/other?a=1</set-url><set-method>POST</set-method>";
  const variable = (kit: Kit) => kit.finished[0]?.call.variables.get("r") as ResponseValue | null | undefined;

  test("a new request with what its elements say; the response is a variable (documented)", async () => {
    const children = `${target}<set-header name="x-a" exists-action="override"><value>1</value></set-header><set-body>sent</set-body>`;
    const kit = openKit({ inbound: request('mode="new"', children) });
    kit.backend.answers = [() => new Response('{"active":true}', { status: 202, headers: { "x-b": "2" } })];
    expect((await kit.send({ headers: { "x-client": "3" } })).status).toBe(200);
    const [sent] = kit.backend.received;
    expect(sent).toMatchObject({ method: "POST", url: "https://backend.test/other?a=1", body: "sent" });
    expect([sent?.headers.get("x-a"), sent?.headers.get("x-client")]).toEqual(["1", null]);
    const response = variable(kit)?.view;
    expect([response?.statusCode, response?.headers.get("x-b"), response?.body.read(false)]).toEqual([202, ["2"], '{"active":true}']);
  });

  test("copy begins with the call's own request; in outbound without its body (documented)", async () => {
    for (const [section, body] of [
      ["inbound", "mine"],
      ["outbound", ""],
    ] as const) {
      const kit = openKit({ [section]: request('mode="copy"', ""), backend: '<forward-request buffer-request-body="true" />' });
      await kit.send({ method: "POST", body: "mine", headers: { "x-client": "3" } });
      const copy = kit.backend.received[section === "inbound" ? 0 : 1];
      expect(copy).toMatchObject({ method: "POST", url: "https://backend.test/base/thing", body });
      expect(copy?.headers.get("x-client")).toBe("3");
    }
  });

  test("a failure goes to on-error, with ignore-error the variable is null (documented)", async () => {
    for (const ignores of [false, true]) {
      const kit = openKit({ inbound: request(`mode="new" ignore-error="${ignores}"`, target) });
      kit.backend.answers = [() => Promise.reject(new Error("refused"))];
      const answer = await kit.send();
      expect(answer.status).toBe(ignores ? 200 : 500);
      if (ignores) expect(variable(kit)).toBeNull();
      else expect(lastError(kit)).toMatchObject({ source: "send-request", reason: "BackendConnectionFailure", section: "inbound" });
    }
  });

  test("60 seconds, or its timeout (documented)", async () => {
    for (const [attributes, seconds] of [
      ["", 60],
      ['timeout="3"', 3],
    ] as const) {
      const kit = openKit({ inbound: request(`mode="new" ${attributes}`, target) });
      kit.backend.answers = [hangs];
      const answering = kit.send();
      await kit.clock.advance(seconds * 1000);
      expect((await answering).status).toBe(500);
      expect(lastError(kit)).toMatchObject({ source: "send-request", reason: "Timeout" });
    }
  });

  test("its own managed identity", async () => {
    const kit = openKit({ inbound: request('mode="new"', `${target}<authentication-managed-identity resource="https://x" />`) });
    await kit.send();
    expect(kit.backend.received.map(({ headers }) => headers.get("authorization"))).toEqual([
      expect.stringMatching(/^Bearer sandbox\./),
      null,
    ]);
  });

  test.each([
    [request('mode="new"', "<set-method>GET</set-method>"), "'' is no URL to send a request to."],
    [request('mode="new"', `${target}<proxy url="http://p" />`), "not executable in the sandbox: proxy in send-request"],
  ])("%s is refused", async (inbound, words) => {
    expect(message(await openKit({ inbound }).send())).toMatchObject({ statusCode: 500, message: words });
  });

  test("send-one-way-request: nobody waits for its answer or hears of its failure (documented)", async () => {
    const children = `${target}<set-body>note</set-body>`;
    for (const fails of [hangs, () => Promise.reject(new Error("refused"))]) {
      const kit = openKit({ inbound: `<send-one-way-request mode="new">${children}</send-one-way-request>` });
      kit.backend.answers = [fails];
      expect((await kit.send()).text).toBe("ok");
      await kit.clock.advance(0);
      expect(kit.backend.received.map(({ body }) => body).sort()).toEqual(["", "note"]);
    }
  });
});
