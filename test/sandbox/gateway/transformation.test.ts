import { describe, expect, test } from "vitest";
import { type Answer, type KitOptions, message, openKit, type Received } from "./kit.ts";

interface Case {
  readonly name: string;
  readonly policy: KitOptions;
  readonly backendHeaders?: Readonly<Record<string, string>>;
  readonly request?: Parameters<ReturnType<typeof openKit>["send"]>[0];
  /** What the backend gets. */
  readonly sent?: Partial<Omit<Received, "headers">>;
  readonly sentHeaders?: Readonly<Record<string, string | null>>;
  readonly answer?: Partial<Omit<Answer, "headers">>;
  readonly headers?: Readonly<Record<string, string | null>>;
}

const header = (name: string, action: string, ...values: string[]): string =>
  `<set-header name="${name}" exists-action="${action}">${values.map((value) => `<value>${value}</value>`).join("")}</set-header>`;

const parameter = (name: string, action: string, ...values: string[]): string =>
  `<set-query-parameter name="${name}" exists-action="${action}">${values.map((value) => `<value>${value}</value>`).join("")}</set-query-parameter>`;

const post = { method: "POST", body: "a notebook and a notebook" };

const cases: readonly Case[] = [
  {
    name: "set-header: override replaces all values, several become one with commas (documented)",
    policy: { inbound: header("x-a", "override", "1", "2") },
    request: { headers: { "x-a": "old" } },
    sentHeaders: { "x-a": "1,2" },
  },
  {
    name: "set-header: skip leaves what is there (documented)",
    policy: { inbound: header("x-a", "skip", "1") + header("x-b", "skip", "1") },
    request: { headers: { "x-a": "old" } },
    sentHeaders: { "x-a": "old", "x-b": "1" },
  },
  {
    name: "set-header: append puts behind what is there (documented)",
    policy: { inbound: header("x-a", "append", "1") + header("x-b", "append", "1") },
    request: { headers: { "x-a": "old" } },
    sentHeaders: { "x-a": "old,1", "x-b": "1" },
  },
  {
    name: "set-header: delete (documented)",
    policy: { inbound: header("x-a", "delete") },
    request: { headers: { "x-a": "old" } },
    sentHeaders: { "x-a": null },
  },
  {
    name: "set-header: the default action is override (documented)",
    policy: { inbound: '<set-header name="x-a"><value>1</value></set-header>' },
    request: { headers: { "x-a": "old" } },
    sentHeaders: { "x-a": "1" },
  },
  {
    name: "set-header: in outbound it is the response's (documented)",
    policy: { outbound: header("x-a", "override", "@(context.Response.StatusCode.ToString())") },
    headers: { "x-a": "200" },
  },
  {
    name: "set-header: Content-Length and its like cannot be set (documented)",
    policy: { outbound: header("Transfer-Encoding", "override", "chunked") },
    headers: { "transfer-encoding": null },
  },
  {
    name: "set-query-parameter: override, append, skip and delete (documented)",
    policy: {
      inbound:
        parameter("a", "override", "9", "8") + parameter("b", "append", "3") + parameter("c", "skip", "x") + parameter("d", "delete"),
    },
    request: { path: "/echo/t?a=1&a=2&b=2&c=%20&d=4" },
    sent: { url: "https://backend.test/base/t?b=2&c=%20&a=9&a=8&b=3" },
  },
  {
    name: "set-query-parameter: values are encoded",
    policy: { inbound: parameter("a b", "override", "x&amp;y=z") },
    sent: { url: "https://backend.test/base/thing?a%20b=x%26y%3Dz" },
  },
  {
    name: "set-body: a text in inbound is the request's, with its length",
    policy: { inbound: "<set-body>new</set-body>" },
    request: { ...post, headers: { "content-length": "25" } },
    sent: { body: "new" },
    sentHeaders: { "content-length": null },
  },
  {
    name: "set-body: in outbound the answer loses its old length",
    policy: { outbound: "<set-body>longer than before</set-body>" },
    backendHeaders: { "content-length": "2" },
    answer: { text: "longer than before" },
    headers: { "content-length": null },
  },
  {
    name: "set-body: an expression sees the body before",
    policy: { inbound: "<set-body>@(context.Request.Body.As<string>().ToUpper())</set-body>" },
    request: { method: "POST", body: "abc" },
    sent: { body: "ABC" },
  },
  {
    name: "set-body: markup is taken as it stands",
    policy: { outbound: "<set-body><a x='1'>&amp;</a></set-body>" },
    answer: { text: "<a x='1'>&</a>" },
  },
  {
    name: "a body that an expression has read without preserveContent is gone (documented)",
    policy: { inbound: '<set-variable name="b" value="@(context.Request.Body.As<string>())" />' },
    request: { method: "POST", body: "abc" },
    sent: { body: "" },
  },
  {
    name: "a body that was read with preserveContent stays (documented)",
    policy: { inbound: '<set-variable name="b" value="@(context.Request.Body.As<string>(preserveContent: true))" />' },
    request: { method: "POST", body: "abc" },
    sent: { body: "abc" },
  },
  { name: "set-method", policy: { inbound: "<set-method>put</set-method>" }, request: post, sent: { method: "PUT" } },
  {
    name: "set-status changes code and reason (documented)",
    policy: { outbound: '<set-status code="418" reason="Teapot" />' },
    answer: { status: 418, reason: "Teapot", text: "ok" },
  },
  {
    name: "find-and-replace replaces every occurrence in the section's message (documented)",
    policy: { inbound: '<find-and-replace from="notebook" to="laptop" />', outbound: '<find-and-replace from="ok" to="fine" />' },
    request: post,
    sent: { body: "a laptop and a laptop" },
    answer: { text: "fine" },
  },
  {
    name: "set-variable keeps the type of its expression (documented)",
    policy: {
      inbound: `<set-variable name="n" value="@(40)" />${header("x-n", "override", '@(((int)context.Variables["n"] + 2).ToString())')}`,
    },
    sentHeaders: { "x-n": "42" },
  },
  {
    name: "rewrite-uri replaces path and adds query, unmatched parameters are copied (documented)",
    policy: { inbound: '<rewrite-uri template="/put?x=1" />' },
    request: { path: "/echo/get?c=d" },
    sent: { url: "https://backend.test/base/put?x=1&c=d" },
  },
  {
    name: "rewrite-uri: copy-unmatched-params=false drops them (documented)",
    policy: { inbound: '<rewrite-uri template="/put" copy-unmatched-params="false" />' },
    request: { path: "/echo/get?c=d" },
    sent: { url: "https://backend.test/base/put" },
  },
  {
    name: "rewrite-uri takes an expression (documented)",
    policy: { inbound: `<rewrite-uri template="@("/v3" + context.Request.OriginalUrl.Path)" />` },
    sent: { url: "https://backend.test/base/v3/echo/thing" },
  },
  {
    name: "set-backend-service base-url keeps path and query (documented)",
    policy: { inbound: '<set-backend-service base-url="https://backend.test/other/" />' },
    request: { path: "/echo/partners/15?v=2" },
    sent: { url: "https://backend.test/other/partners/15?v=2" },
  },
  {
    name: "rewrite-uri behind set-backend-service is below the new base",
    policy: { inbound: '<set-backend-service base-url="https://backend.test/other" /><rewrite-uri template="/x" />' },
    sent: { url: "https://backend.test/other/x" },
  },
];

describe("transformation", () => {
  test.each(cases)("$name", async ({ policy, backendHeaders, request, sent = {}, sentHeaders = {}, answer = {}, headers = {} }) => {
    const kit = openKit(policy);
    if (backendHeaders !== undefined) kit.backend.answers = [() => new Response("ok", { headers: backendHeaders })];
    const got = await kit.send(request);
    const [received] = kit.backend.received;
    expect(got, got.text).toMatchObject({ status: 200, ...answer });
    expect(received).toMatchObject(sent);
    for (const [name, value] of Object.entries(sentHeaders)) expect(received?.headers.get(name), name).toBe(value);
    for (const [name, value] of Object.entries(headers)) expect(got.headers.get(name), name).toBe(value);
  });

  test("rewrite-uri puts the operation's parameters in, and drops the query that its template names (documented)", async () => {
    const kit = openKit({
      inbound: '<rewrite-uri template="/v2/US/{store}/{order}?kind={kind}" />',
      resources: [["apis/echo/operations/order", { displayName: "Order", method: "GET", urlTemplate: "/{store}/{order}?kind={kind}" }]],
    });
    await kit.send({ path: "/echo/st%20ore/7?kind=a&more=b" });
    expect(kit.backend.received[0]?.url).toBe("https://backend.test/base/v2/US/st%20ore/7?kind=a&more=b");
  });

  test("rewrite-uri: what the operation's template has matched is not copied (documented)", async () => {
    const kit = openKit({
      inbound: '<rewrite-uri template="/put" />',
      resources: [["apis/echo/operations/get", { displayName: "Get", method: "GET", urlTemplate: "/get?a={b}" }]],
    });
    await kit.send({ path: "/echo/get?a=b&c=d" });
    expect(kit.backend.received[0]?.url).toBe("https://backend.test/base/put?c=d");
  });

  test("a backend-id of a broader scope is not overridden by a base-url (documented)", async () => {
    const backend = { url: "https://backend.test/pool", protocol: "http" };
    const kit = openKit({
      inbound: '<base /><set-backend-service base-url="https://backend.test/other" />',
      resources: [
        ["backends/b", backend],
        [
          "policies/policy",
          { value: '<policies><inbound><set-backend-service backend-id="b" /></inbound><backend><forward-request /></backend></policies>' },
        ],
      ],
    });
    await kit.send();
    expect(kit.backend.received[0]?.url).toBe("https://backend.test/pool/thing");
  });

  test.each([
    ['<set-body template="liquid">{{body.a}}</set-body>', 'not executable in the sandbox: set-body template="liquid"'],
    ['<set-backend-service sf-listener-name="x" />', "not executable in the sandbox: set-backend-service sf-listener-name"],
    ['<set-header name="a b" exists-action="override"><value>1</value></set-header>', "'a b' is no name of a header."],
    ['<set-header name="a" exists-action="merge"><value>1</value></set-header>', "'merge' is no value for the attribute 'exists-action'."],
    ['<set-status code="42" reason="x" />', "'42' is no status code of an answer."],
    ['<set-backend-service base-url="ftp://x" />', "'ftp://x' is no URL of a backend."],
  ])("%s is refused when it is reached", async (inbound, words) => {
    const answer = await openKit({ inbound }).send();
    expect(answer.status).toBe(500);
    expect(message(answer)).toEqual({ statusCode: 500, message: words });
  });
});
