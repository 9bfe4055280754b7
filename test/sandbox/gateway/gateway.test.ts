import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { answerOf, openKit, policyDocument, subscription } from "./kit.ts";

const mark = (value: string): string => `<set-header name="x-order" exists-action="append"><value>${value}</value></set-header>`;
const document = (sections: string): JsonObject => ({ value: `<policies>${sections}</policies>` });

type Resources = readonly (readonly [path: string, properties: JsonObject])[];

const scopes: Resources = [
  ["policies/policy", document(`<inbound>${mark("global")}</inbound><backend><forward-request /></backend><outbound /><on-error />`)],
  ["products/p", { displayName: "P", subscriptionRequired: true, state: "published" }],
  ["products/p/apis/echo", {}],
  ["products/p/policies/policy", document(`<inbound><base />${mark("product")}</inbound>`)],
  ["apis/echo/policies/policy", document(`<inbound><base />${mark("api")}</inbound>`)],
  ["apis/echo/operations/GET/policies/policy", document(`<inbound>${mark("before")}<base />${mark("operation")}</inbound>`)],
  ["subscriptions/team", subscription("products/p")],
  ["subscriptions/all", subscription("apis")],
];

async function order(resources: Resources, sid?: string): Promise<string | null | undefined> {
  const kit = openKit({ resources: [...scopes, ...resources] });
  await kit.send(sid === undefined ? {} : { headers: { "ocp-apim-subscription-key": kit.key(sid) } });
  return kit.backend.received[0]?.headers.get("x-order");
}

describe("the effective policy", () => {
  test.each<readonly [name: string, resources: Resources, sid: string | undefined, expected: string | null]>([
    ["base is what the broader scopes have (documented)", [], "team", "before,global,product,api,operation"],
    ["the product's only in its context (documented)", [], "all", "before,global,api,operation"],
    ["the product's not without a subscription", [], undefined, "before,global,api,operation"],
    [
      "without base nothing broader runs (documented)",
      [["apis/echo/policies/policy", document(`<inbound>${mark("api")}</inbound>`)]],
      "team",
      "before,api,operation",
    ],
    [
      "a section that is left out inherits (assumed)",
      [["apis/echo/policies/policy", document("<outbound />")]],
      "team",
      "before,global,product,operation",
    ],
    [
      "a document that is no XML inherits",
      [["apis/echo/policies/policy", { value: "nothing" }]],
      "team",
      "before,global,product,operation",
    ],
    [
      "a fragment takes the place of its include, at every depth (documented)",
      [
        ["policyFragments/f", { value: `<fragment>${mark("fragment")}${mark("{{nv}}")}</fragment>` }],
        ["namedValues/nv", { displayName: "nv", value: "named", secret: true }],
        [
          "apis/echo/policies/policy",
          document('<inbound><choose><when condition="true"><include-fragment fragment-id="f" /></when></choose></inbound>'),
        ],
      ],
      "team",
      "before,fragment,named,operation",
    ],
    [
      "named values are put in as text, in part of a value too; unknown ones stay (documented)",
      [
        ["namedValues/x", { displayName: "other-name", value: `a"b&c`, secret: false }],
        ["apis/echo/policies/policy", document(`<inbound>${mark("1-{{other-name}}-2")}${mark("{{x}}")}</inbound>`)],
      ],
      "team",
      'before,1-a"b&c-2,{{x}},operation',
    ],
  ])("%s", async (_, resources, sid, expected) => {
    expect(await order(resources, sid)).toBe(expected);
  });

  test("a fragment that includes itself does not run", async () => {
    const include = '<include-fragment fragment-id="f" />';
    const kit = openKit({ inbound: include, resources: [["policyFragments/f", { value: `<fragment>${include}</fragment>` }]] });
    expect((await kit.send()).status).toBe(500);
  });

  test("a change of policy, fragment or named value is effective with the next call", async () => {
    const kit = openKit({
      inbound: '<include-fragment fragment-id="f" />',
      resources: [["policyFragments/f", { value: `<fragment>${mark("{{nv}}")}</fragment>` }]],
    });
    const orders = async (): Promise<string | null | undefined> => {
      await kit.send();
      return kit.backend.received.at(-1)?.headers.get("x-order");
    };
    expect(await orders()).toBe("{{nv}}");
    kit.world.put("namedValues/nv", { displayName: "nv", value: "1", secret: false });
    expect(await orders()).toBe("1");
    kit.world.put("policyFragments/f", { value: `<fragment>${mark("2")}</fragment>` });
    expect(await orders()).toBe("2");
    kit.world.put("apis/echo/policies/policy", policyDocument({ inbound: mark("3") }));
    expect(await orders()).toBe("3");
    kit.world.delete("apis/echo/policies/policy");
    expect(await orders()).toBeNull();
  });

  test("sections run in the order inbound, backend, outbound (documented)", async () => {
    const trace = (text: string): string => `<trace source="s"><message>${text}</message></trace>`;
    const kit = openKit({
      inbound: trace("in"),
      backend: `${trace("backend")}<forward-request />`,
      outbound: trace("out"),
      onError: trace("error"),
    });
    await kit.send();
    expect(kit.finished[0]?.call.record.traces.map(({ message }) => message)).toEqual(["in", "backend", "out"]);
  });
});

describe("on-error", () => {
  const failing =
    '<choose><when condition="true"><trace source="t"><message>1</message></trace><xsl-transform id="mine" /></when></choose>';

  test("context.LastError says what has failed and where (documented)", async () => {
    const kit = openKit({ inbound: `<choose><when condition="false" /></choose>${failing}` });
    await kit.send();
    expect(kit.finished[0]?.call.lastError).toEqual({
      source: "xsl-transform",
      reason: "NotExecutable",
      message: "not executable in the sandbox: xsl-transform",
      scope: "api",
      section: "inbound",
      path: "choose[2]\\when\\xsl-transform",
      policyId: "mine",
    });
  });

  test.each([
    [
      "changes the error's answer",
      '<set-header name="x-a" exists-action="override"><value>1</value></set-header><set-status code="503" reason="Later" />',
      503,
      "1",
      /"statusCode":500/,
    ],
    ["replaces its body", "<set-body>mine</set-body>", 500, null, /^mine$/],
    ["responds by itself", '<return-response><set-status code="202" reason="Fine" /></return-response>', 202, null, /^$/],
    ["an error in it is the answer (assumed)", "<json-to-xml />", 500, null, /json-to-xml/],
  ])("%s (documented)", async (_, onError, status, header, text) => {
    const answer = await openKit({ inbound: failing, onError }).send();
    expect([answer.status, answer.headers.get("x-a")]).toEqual([status, header]);
    expect(answer.text).toMatch(text);
  });

  test("backend and outbound do not run after an error", async () => {
    const kit = openKit({ inbound: failing, outbound: mark("out") });
    expect((await kit.send()).headers.get("x-order")).toBeNull();
    expect(kit.backend.received).toEqual([]);
  });
});

describe("a pool whose breakers are all open", () => {
  const rule = {
    name: "r",
    tripDuration: "PT1M",
    failureCondition: { count: 1, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
  };
  const resources: Resources = [["backends/b", { url: "https://backend.test/b", protocol: "http", circuitBreaker: { rules: [rule] } }]];
  const inbound = '<set-backend-service backend-id="b" />';
  const opened = async (policy: Parameters<typeof openKit>[0]) => {
    const kit = openKit({ inbound, resources, ...policy });
    kit.backend.answers = [() => new Response("down", { status: 500 })];
    expect((await kit.send()).status).toBe(500);
    return kit;
  };

  test("503 without an attempt (documented code, assumed body)", async () => {
    const kit = await opened({});
    const answer = await kit.send();
    expect([answer.status, answer.reason, answer.text]).toEqual([
      503,
      "Service Unavailable",
      '{"statusCode":503,"message":"Service Unavailable"}',
    ]);
    expect(kit.backend.received).toHaveLength(1);
    expect(kit.finished[1]?.call.record.attempts).toEqual([]);
  });

  test("on-error can catch it (sample)", async () => {
    const kit = await opened({ onError: '<return-response><set-status code="418" reason="Caught" /></return-response>' });
    expect((await kit.send()).status).toBe(418);
  });

  test("outbound can catch it where on-error does not (sample)", async () => {
    const kit = await opened({ onError: mark("error"), outbound: mark("out") });
    const answer = await kit.send();
    expect([answer.status, answer.headers.get("x-order")]).toEqual([503, "error,out"]);
  });

  test("traffic resumes with the clock (documented)", async () => {
    const kit = await opened({});
    expect((await kit.send()).status).toBe(503);
    await kit.clock.advance(60_000);
    expect((await kit.send()).status).toBe(200);
  });
});

describe("instances", () => {
  const rule = {
    name: "r",
    tripDuration: "PT1M",
    failureCondition: { count: 1, interval: "PT1M", statusCodeRanges: [{ min: 500, max: 599 }] },
  };

  test("take requests in turn, each with its own state; a test picks one", async () => {
    const kit = openKit({
      inbound: '<set-backend-service backend-id="b" />',
      regions: ["East US", "West Europe"],
      resources: [["backends/b", { url: "https://backend.test/b", protocol: "http", circuitBreaker: { rules: [rule] } }]],
    });
    const request = (): Request => new Request("https://any.example/echo/x");
    const taken = async (instance?: number): Promise<string> => {
      const { status } = await answerOf(await kit.gateway.fetch(request(), instance));
      return `${kit.finished.at(-1)?.call.context.deployment.region} ${status}`;
    };
    kit.backend.answers = [() => new Response(null, { status: 500 })];
    expect([await taken(), await taken(), await taken()]).toEqual(["East US 500", "West Europe 200", "East US 503"]);
    expect([await taken(1), await taken(1), await taken(0)]).toEqual(["West Europe 200", "West Europe 200", "East US 503"]);
  });

  test("the same seed gives the same chances, two instances have their own", () => {
    const [one, other] = [openKit({ regions: ["A", "B"] }), openKit({ regions: ["A", "B"] })];
    const chances = ({ world }: typeof one): number[][] => world.instances.map(({ random }) => [random(), random(), random()]);
    const first = chances(one);
    expect(first).toEqual(chances(other));
    expect(first[0]).not.toEqual(first[1]);
    expect(first.flat().every((chance) => chance >= 0 && chance < 1)).toBe(true);
  });
});

describe("bad traffic", () => {
  test.each([
    ["an unknown method", { method: "BREW" }, 404],
    ["a path with control characters", { path: "/echo/%00%0a%0d" }, 200],
    ["many headers", { headers: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, "v".repeat(100)])) }, 200],
    ["a long query", { path: `/echo/x?${"a=1&".repeat(5000)}` }, 200],
    ["no path", { path: "/" }, 404],
  ])("%s", async (_, init, status) => {
    expect((await openKit().send(init)).status).toBe(status);
  });

  test("a body that breaks off", async () => {
    const kit = openKit();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new Error("client broke off"));
      },
    });
    const answer = await kit.gateway.fetch(new Request("https://gateway.example/echo/x", { method: "POST", body, duplex: "half" }));
    expect(answer.status).toBe(500);
  });

  test("204, 304 and HEAD have no body", async () => {
    const kit = openKit({
      outbound: "<set-body>text</set-body>",
      resources: [["apis/echo/operations/HEAD", { displayName: "H", method: "HEAD", urlTemplate: "/*" }]],
    });
    for (const status of [204, 304]) {
      kit.backend.answers = [() => new Response(null, { status })];
      expect(await kit.send()).toMatchObject({ status, text: "" });
    }
    expect(await kit.send({ method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });
});

test("a finished call holds what log rows are made of", async () => {
  const kit = openKit({ resources: scopes });
  kit.backend.answers = [() => Response.json({ usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })];
  await kit.send({ headers: { "ocp-apim-subscription-key": kit.key("team") } });
  const [finished] = kit.finished;
  expect(finished).toMatchObject({
    method: "GET",
    completed: { status: 200, aborted: false, usage: { prompt: 3, completion: 4, total: 7, exact: true } },
  });
  expect(finished?.call.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/);
  expect([finished?.route?.api.id, finished?.route?.operation?.id]).toEqual(["echo", "GET"]);
  expect(finished?.call.record.attempts).toMatchObject([
    { backendId: null, poolId: null, url: "https://backend.test/base/thing", status: 200 },
  ]);
});
