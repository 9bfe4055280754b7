import { describe, expect, test } from "vitest";
import { waitBefore } from "../../../src/sandbox/gateway/policies/control-flow.ts";
import { message, openKit } from "./kit.ts";

const ok = (): Response => new Response("fine");
const failing = (status: number) => (): Response => new Response("busy", { status });
const refused = (): Promise<Response> => Promise.reject(new Error("connect ECONNREFUSED"));

describe("choose", () => {
  test.each([
    ["the first that holds", "true", "true", "first"],
    ["the second", "false", "true", "second"],
    ["otherwise", "false", "false", "otherwise"],
  ])("%s (documented)", async (_, first, second, taken) => {
    const set = (value: string): string => `<set-header name="x-taken" exists-action="append"><value>${value}</value></set-header>`;
    const inbound = `<choose><when condition="${first}">${set("first")}</when><when condition="${second}">${set("second")}</when><otherwise>${set("otherwise")}</otherwise></choose>`;
    const kit = openKit({ inbound });
    await kit.send();
    expect(kit.backend.received[0]?.headers.get("x-taken")).toBe(taken);
  });

  test("nothing where nothing holds, and a policy in it can respond", async () => {
    expect((await openKit({ inbound: '<choose><when condition="false"><return-response /></when></choose>' }).send()).text).toBe("ok");
    expect((await openKit({ inbound: '<choose><when condition="true"><return-response /></when></choose>' }).send()).text).toBe("");
  });

  test("a condition that is no boolean is an error of its evaluation", async () => {
    const kit = openKit({ inbound: '<choose><when condition="perhaps"><return-response /></when></choose>' });
    const answer = await kit.send();
    expect(answer.status).toBe(500);
    expect(message(answer)).toMatchObject({ message: "Internal server error" });
    expect(kit.finished[0]?.call.lastError).toMatchObject({ source: "choose", reason: "ExpressionValueEvaluationFailure" });
  });
});

describe("return-response", () => {
  test("200 without a body by default (documented)", async () => {
    const kit = openKit({ inbound: "<return-response />" });
    expect(await kit.send()).toMatchObject({ status: 200, text: "" });
    expect(kit.backend.received).toEqual([]);
  });

  test("status, headers and body as its elements say; outbound does not run (documented)", async () => {
    const outbound = '<set-header name="x-outbound" exists-action="override"><value>ran</value></set-header>';
    const inbound = `<return-response><set-status code="401" reason="Unauthorized" /><set-header name="WWW-Authenticate" exists-action="override"><value>Bearer error="invalid_token"</value></set-header><set-body>no</set-body></return-response>`;
    const answer = await openKit({ inbound, outbound }).send();
    expect(answer).toMatchObject({ status: 401, reason: "Unauthorized", text: "no" });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(answer.headers.get("x-outbound")).toBeNull();
  });

  test("begins with the response of a variable (documented), which stays", async () => {
    const inbound = `<send-request mode="new" response-variable-name="r"><set-url>https://backend.test/other</set-url><set-method>GET</set-method></send-request>
      <return-response response-variable-name="r"><set-header name="x-more" exists-action="override"><value>1</value></set-header></return-response>`;
    const kit = openKit({ inbound });
    kit.backend.answers = [() => new Response("theirs", { status: 203, headers: { "x-their": "2" } })];
    const answer = await kit.send();
    expect(answer).toMatchObject({ status: 203, text: "theirs" });
    expect([answer.headers.get("x-more"), answer.headers.get("x-their")]).toEqual(["1", "2"]);
  });
});

describe("mock-response", () => {
  const operation = {
    displayName: "Mocked",
    method: "GET",
    urlTemplate: "/mocked",
    responses: [
      { statusCode: 200, representations: [{ contentType: "application/json", examples: { default: { value: { a: 1 } } } }] },
      { statusCode: 404, representations: [{ contentType: "text/plain", examples: { default: { value: "gone" } } }] },
      { statusCode: 202, representations: [{ contentType: "application/json" }] },
    ],
  };
  test.each([
    ["<mock-response />", 200, "application/json", '{"a":1}'],
    ['<mock-response status-code="404" content-type="text/plain" />', 404, "text/plain", "gone"],
    ['<mock-response status-code="404" content-type="application/json" />', 404, "application/json", ""],
    ['<mock-response status-code="202" />', 202, "application/json", ""],
    ['<mock-response status-code="500" />', 500, null, ""],
  ])("%s answers the operation's example (documented)", async (inbound, status, type, text) => {
    const answer = await openKit({ inbound, resources: [["apis/echo/operations/mocked", operation]] }).send({ path: "/echo/mocked" });
    expect([answer.status, answer.headers.get("content-type"), answer.text]).toEqual([status, type, text]);
  });
});

describe("retry", () => {
  const retrying = (attributes: string, forward = '<forward-request buffer-request-body="true" />'): { backend: string } => ({
    backend: `<retry ${attributes}>${forward}</retry>`,
  });
  const condition = 'condition="@(context.Response == null || context.Response.StatusCode >= 500)"';

  test("children run once and then up to count times (documented)", async () => {
    const kit = openKit(retrying(`condition="true" count="3" interval="0"`));
    kit.backend.answers = [1, 2, 3, 4, 5].map(() => failing(500));
    expect((await kit.send()).status).toBe(500);
    expect(kit.backend.received).toHaveLength(4);
    expect(kit.finished[0]?.call.record.attempts.map(({ status }) => status)).toEqual([500, 500, 500, 500]);
  });

  test("no retry where the condition does not hold", async () => {
    const kit = openKit(retrying(`condition="false" count="3" interval="0"`));
    kit.backend.answers = [failing(500)];
    expect((await kit.send()).status).toBe(500);
    expect(kit.backend.received).toHaveLength(1);
  });

  test("the condition sees the response of the last attempt (documented)", async () => {
    const kit = openKit(retrying(`${condition} count="3" interval="0"`));
    kit.backend.answers = [failing(503), failing(500), ok];
    expect(await kit.send()).toMatchObject({ status: 200, text: "fine" });
    expect(kit.backend.received).toHaveLength(3);
  });

  test("a backend that cannot be reached is an attempt with no response (sample)", async () => {
    const kit = openKit(retrying(`${condition} count="3" interval="0"`));
    kit.backend.answers = [refused, ok];
    expect(await kit.send()).toMatchObject({ status: 200, text: "fine" });
    expect(kit.finished[0]?.call.record.attempts.map(({ status, reason }) => [status, reason])).toEqual([
      [null, "BackendConnectionFailure"],
      [200, null],
    ]);
  });

  test("a failed attempt leaves no response of the one before (sample)", async () => {
    const kit = openKit(retrying(`condition="@(context.Response != null)" count="3" interval="0"`));
    kit.backend.answers = [failing(500), refused];
    expect((await kit.send()).status).toBe(500);
    expect(kit.backend.received).toHaveLength(2);
    expect(kit.finished[0]?.call.lastError).toMatchObject({ reason: "BackendConnectionFailure" });
  });

  test("the answer that is tried again is let go", async () => {
    const kit = openKit(retrying(`condition="true" count="1" interval="0"`));
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    kit.backend.answers = [() => new Response(endless, { status: 500 })];
    expect((await kit.send()).text).toBe("ok");
    expect(cancelled).toBe(true);
  });

  test("the last failure to reach it is the call's (sample)", async () => {
    const kit = openKit(retrying(`condition="true" count="1" interval="0"`));
    kit.backend.answers = [refused, refused];
    expect((await kit.send()).status).toBe(500);
    expect(kit.finished[0]?.call.lastError).toMatchObject({
      source: "forward-request",
      reason: "BackendConnectionFailure",
      section: "backend",
    });
  });

  test("a buffered body is sent again, one that is not is gone (documented)", async () => {
    for (const [buffered, bodies] of [
      ["true", ["abc", "abc"]],
      ["false", ["abc", ""]],
    ] as const) {
      const kit = openKit(retrying(`condition="true" count="1" interval="0"`, `<forward-request buffer-request-body="${buffered}" />`));
      kit.backend.answers = [failing(500), failing(500)];
      await kit.send({ method: "POST", body: "abc" });
      expect(kit.backend.received.map(({ body }) => body)).toEqual(bodies);
    }
  });

  test("it waits on the sandbox's clock", async () => {
    const kit = openKit(retrying(`condition="true" count="2" interval="10" first-fast-retry="true"`));
    const times: string[] = [];
    kit.backend.answers = [1, 2, 3].map(() => () => {
      times.push(kit.clock.now().toISOString().slice(14, 19));
      return new Response("busy", { status: 500 });
    });
    const answering = kit.send();
    await kit.clock.advance(30_000);
    await answering;
    expect(times).toEqual(["00:00", "00:00", "00:10"]);
  });

  test("a client that leaves ends the wait", async () => {
    const kit = openKit(retrying(`condition="true" count="2" interval="10"`));
    kit.backend.answers = [failing(500)];
    const client = new AbortController();
    const answering = kit.send({ signal: client.signal });
    await kit.clock.advance(1000);
    client.abort(new Error("left"));
    await expect(answering).rejects.toThrow();
    expect(kit.finished).toMatchObject([{ completed: { aborted: true } }]);
  });

  test.each([
    ["fixed", { interval: 3 }, [3, 3, 3, 3]],
    ["linear", { interval: 3, delta: 2 }, [3, 5, 7, 9]],
    ["exponential, as in the page's example", { interval: 10, delta: 10, maxInterval: 100 }, [10, 20, 40, 80, 100]],
    ["the first at once", { interval: 3, delta: 2, firstFast: true }, [0, 5, 7, 9]],
  ])("waits: %s (documented)", (_, given, expected) => {
    const retrying = { count: 9, delta: null, maxInterval: null, firstFast: false, ...given };
    expect(expected.map((_seconds, index) => waitBefore(index + 1, retrying, () => 0.5))).toEqual(expected);
  });

  test("the exponential wait is spread by a fifth (documented)", () => {
    const retrying = { count: 9, interval: 10, delta: 10, maxInterval: 1000, firstFast: false };
    expect([0, 0.999999].map((chance) => Math.round(waitBefore(3, retrying, () => chance)))).toEqual([34, 46]);
  });
});

describe("wait", () => {
  const request = (name: string): string =>
    `<send-request mode="new" response-variable-name="${name}"><set-url>https://backend.test/${name}</set-url><set-method>GET</set-method></send-request>`;

  test("all: its policies run side by side, and all come to their end (documented)", async () => {
    const kit = openKit({ inbound: `<wait for="all">${request("a")}${request("b")}</wait>` });
    const slow = async (): Promise<Response> => {
      await kit.clock.wait(1000);
      return new Response("slow");
    };
    kit.backend.answers = [slow, slow];
    const answering = kit.send();
    await kit.clock.advance(1000);
    expect((await answering).status).toBe(200);
    expect([...(kit.finished[0]?.call.variables.keys() ?? [])].sort()).toEqual(["a", "b"]);
  });

  test("any: the first ends it, the others are stopped (documented)", async () => {
    const kit = openKit({ inbound: `<wait for="any">${request("a")}${request("b")}</wait>` });
    const stopped: string[] = [];
    kit.backend.answers = [
      (sent) =>
        new Promise(() => {
          sent.signal.addEventListener("abort", () => stopped.push("a"));
        }),
      ok,
      ok,
    ];
    expect((await kit.send()).status).toBe(200);
    expect([...(kit.finished[0]?.call.variables.keys() ?? [])]).toEqual(["b"]);
    expect(stopped).toEqual(["a"]);
  });
});

describe("what cannot run", () => {
  test("an unknown policy is 500 where it is reached, and says so", async () => {
    const answer = await openKit({ inbound: "<xsl-transform />" }).send();
    expect([answer.status, message(answer)]).toEqual([500, { statusCode: 500, message: "not executable in the sandbox: xsl-transform" }]);
    expect((await openKit({ inbound: '<choose><when condition="false"><xsl-transform /></when></choose>' }).send()).status).toBe(200);
  });

  test("a fragment that does not exist", async () => {
    const answer = await openKit({ inbound: '<include-fragment fragment-id="none" />' }).send();
    expect(message(answer)).toMatchObject({ statusCode: 500, message: "There is no policy fragment 'none', or a fragment includes it." });
  });
});
