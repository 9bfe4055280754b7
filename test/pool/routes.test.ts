import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { resolveRoutes } from "../../src/pool/routes.ts";
import { breaker, inventoryOf, type Parts, policy, pool, resourceId, single } from "./service.ts";

const csharp = await loadGrammar();

const backends = {
  east: single("https://east.example/openai"),
  west: single("https://west.example/openai"),
  both: pool([
    { id: `${resourceId}/backends/east`, priority: 1 },
    { id: "/backends/west", priority: 2, weight: 10 },
  ]),
  embeddings: single("https://embeddings.example/"),
};

const api = "apis/chat/policies/policy";
const operation = "apis/chat/operations/create/policies/policy";
const product = "products/gold/policies/policy";
const globally = "policies/policy";
const to = (backendId: string) => `<set-backend-service backend-id="${backendId}" />`;
const toUrl = (url: string) => `<set-backend-service base-url="${url}" />`;
const when = (condition: string, ...steps: string[]) => `<when condition="${condition}">${steps.join("")}</when>`;
const choose = (...branches: string[]) => `<choose>${branches.join("")}</choose>`;

/** A route on one line: certainty, kind and target, then where it holds and where it was chosen. */
const shown = (parts: Parts, apiId = "chat") =>
  resolveRoutes(inventoryOf({ backends, ...parts }), csharp, apiId).routes.map((route) => {
    const source = typeof route.source === "string" ? route.source : `${route.source.document}:${route.source.line}`;
    const where = [route.operationId === null ? "" : ` of ${route.operationId}`, route.condition === null ? "" : ` if ${route.condition}`];
    return `${route.certainty} ${route.kind} ${route.backendId ?? route.url ?? "?"}${where.join("")} from ${source}`;
  });

describe("resolveRoutes", () => {
  test.each<[string, Parts, string[]]>([
    ["the API's service URL where there is no policy", {}, ["certain url https://origin.example/ from API serviceUrl"]],
    ["no route where there is no service URL either", { apis: { chat: null } }, []],
    ["a literal", { policies: { [api]: policy(`<base />${to("east")}`) } }, [`certain backend east from ${api}:3`]],
    ["a literal in another case", { policies: { [api]: policy(to("BOTH")) } }, [`certain pool both from ${api}:3`]],
    ["a backend that does not exist", { policies: { [api]: policy(to("gone")) } }, [`certain backend gone from ${api}:3`]],
    [
      "a named value",
      { policies: { [api]: policy(to("{{primary}}")) }, namedValues: { primary: "both" } },
      [`certain pool both from ${api}:3`],
    ],
    [
      "a part of a named value",
      { policies: { [api]: policy(to("{{half}}th")) }, namedValues: { half: "bo" } },
      [`certain pool both from ${api}:3`],
    ],
    [
      "a secret named value",
      { policies: { [api]: policy(to("{{primary}}")) }, namedValues: { primary: null } },
      [`dynamic backend ? from ${api}:3`],
    ],
    [
      "a base URL of a named value",
      { policies: { [api]: policy(toUrl("{{host}}/v1")) }, namedValues: { host: "https://other.example" } },
      [`certain url https://other.example/v1 from ${api}:3`],
    ],
    [
      "a base URL that an expression makes",
      { policies: { [api]: policy(toUrl('@(context.Request.Headers.GetValueOrDefault("x", ""))')) } },
      [`dynamic url ? from ${api}:3`],
    ],
    [
      "the last one wins",
      { policies: { [api]: policy(`${to("east")}${toUrl("https://x.example")}${to("west")}`) } },
      [`certain backend west from ${api}:3`],
    ],
    [
      "one without otherwise leaves what was",
      { policies: { [api]: policy(`${to("east")}\n${choose(when("@(a)", to("west")))}`) } },
      [`conditional backend west if a from ${api}:4`, `conditional backend east if not (a) from ${api}:3`],
    ],
    [
      "every branch of choose",
      { policies: { [api]: policy(choose(when("@(a)", to("east")), when("@(b)", to("west")), `<otherwise>${to("both")}</otherwise>`)) } },
      [
        `conditional backend east if a from ${api}:3`,
        `conditional backend west if b from ${api}:3`,
        `conditional pool both if not (a or b) from ${api}:3`,
      ],
    ],
    [
      "choose inside of choose",
      { policies: { [api]: policy(choose(when("@(a)", choose(when("@(b)", to("east")))))) } },
      [
        `conditional backend east if a and b from ${api}:3`,
        "conditional url https://origin.example/ if a and not (b) or not (a) from API serviceUrl",
      ],
    ],
    [
      "the same in every branch is certain",
      { policies: { [api]: policy(choose(when("@(a)", to("both")), `<otherwise>${to("both")}</otherwise>`)) } },
      [`certain pool both from ${api}:3`],
    ],
    [
      "one behind choose overrides it",
      { policies: { [api]: policy(`${choose(when("@(a)", to("east")))}\n${to("west")}`) } },
      [`certain backend west from ${api}:4`],
    ],
    [
      "calls that a policy answers reach no backend",
      { policies: { [api]: policy(`${choose(when("@(a)", "<return-response />"))}${to("east")}`) } },
      [`certain backend east from ${api}:3`],
    ],
    ["an API that a policy answers has no route", { policies: { [api]: policy(`${to("east")}<mock-response />`) } }, []],
    [
      "an expression that names backends",
      { policies: { [api]: policy(to('@(context.Request.IpAddress == "::1" ? "east" : "west")')) } },
      [`dynamic backend east from ${api}:3`, `dynamic backend west from ${api}:3`],
    ],
    [
      "variables that an expression reads, also through others",
      {
        policies: {
          [api]: policy(
            [
              '<set-variable name="list" value="@(new JArray("both", "unknown"))" />',
              '<set-variable name="one" value="@(((JArray)context.Variables["list"])[0])" />',
              to('@(context.Variables.GetValueOrDefault<string>("one"))'),
            ].join("\n"),
          ),
        },
      },
      [`dynamic pool both from ${api}:5`],
    ],
    [
      "an expression that names none",
      { policies: { [api]: policy(to('@(context.Request.Headers.GetValueOrDefault("x", ""))')) } },
      [`dynamic backend ? from ${api}:3`],
    ],
    [
      "a fragment",
      {
        policies: { [api]: policy('<include-fragment fragment-id="route" />') },
        fragments: { route: `<fragment>\n${to("both")}</fragment>` },
      },
      ["certain pool both from policyFragments/route:2"],
    ],
    [
      "a fragment under a condition",
      {
        policies: { [api]: policy(choose(when("@(a)", '<include-fragment fragment-id="route" />'))) },
        fragments: { route: `<fragment>${to("both")}</fragment>` },
      },
      ["conditional pool both if a from policyFragments/route:1", "conditional url https://origin.example/ if not (a) from API serviceUrl"],
    ],
    [
      "an operation of its own",
      { policies: { [api]: policy(to("both")), [operation]: policy(`<base />${to("east")}`) } },
      [`certain pool both from ${api}:3`, `certain backend east of create from ${operation}:3`],
    ],
    [
      "an operation that only inherits",
      { policies: { [api]: policy(to("both")), [operation]: policy("<base />") } },
      [`certain pool both from ${api}:3`],
    ],
    [
      "an operation without base",
      { policies: { [api]: policy(to("both")), [operation]: policy("") } },
      [`certain pool both from ${api}:3`, "certain url https://origin.example/ of create from API serviceUrl"],
    ],
    [
      "a product's policy",
      { products: { gold: ["chat"] }, policies: { [api]: policy("<base />"), [product]: policy(to("both")) } },
      [
        "conditional url https://origin.example/ if calls without a product that says otherwise from API serviceUrl",
        `conditional pool both if product 'gold' from ${product}:3`,
      ],
    ],
    [
      "a product's policy of an API that has no other backend",
      { apis: { chat: null }, products: { gold: ["chat"] }, policies: { [product]: policy(to("both")) } },
      [`certain pool both from ${product}:3`],
    ],
    [
      "a product's policy of another API",
      { products: { gold: ["other"] }, policies: { [product]: policy(to("both")) } },
      ["certain url https://origin.example/ from API serviceUrl"],
    ],
    [
      "a product's policy that the API does not inherit",
      { products: { gold: ["chat"] }, policies: { [api]: policy(to("east")), [product]: policy(to("both")) } },
      [`certain backend east from ${api}:3`],
    ],
    ["the global policy", { policies: { [globally]: policy(to("both")) } }, [`certain pool both from ${globally}:3`]],
    [
      "base last",
      { policies: { [globally]: policy(to("both")), [api]: policy(`${to("east")}<base />`) } },
      [`certain pool both from ${globally}:3`],
    ],
    [
      "base first",
      { policies: { [globally]: policy(to("both")), [api]: policy(`<base />${to("east")}`) } },
      [`certain backend east from ${api}:3`],
    ],
    [
      "no base",
      { policies: { [globally]: policy(to("both")), [api]: policy("") } },
      ["certain url https://origin.example/ from API serviceUrl"],
    ],
    [
      "a section that is not there inherits",
      { policies: { [globally]: policy(to("both")), [api]: "<policies><outbound /></policies>" } },
      [`certain pool both from ${globally}:3`],
    ],
    [
      "a base URL does not override an inherited backend",
      { policies: { [globally]: policy(to("both")), [api]: policy(`<base />${toUrl("https://x.example")}`) } },
      [`certain pool both from ${globally}:3`],
    ],
    [
      "in a retry of the backend section",
      {
        policies: {
          [api]: policy(
            to("east"),
            `<retry condition="@(true)" count="1" interval="0">${choose(when("@(a)", to("west")))}<forward-request /></retry>`,
          ),
        },
      },
      [`conditional backend west if a from ${api}:6`, `conditional backend east if not (a) from ${api}:3`],
    ],
    [
      "one that no call comes to, behind what ends them all",
      { policies: { [api]: policy(to("east"), `<forward-request /><return-response />${to("west")}`) } },
      [`certain backend east from ${api}:3`],
    ],
    [
      "one behind what always fails in its branch",
      { policies: { [api]: policy(choose(when("@(a)", `<set-variable name="v" value="@("abc".Substring(4))" />${to("west")}`))) } },
      ["certain url https://origin.example/ from API serviceUrl"],
    ],
    [
      "backends for other things are no routes",
      {
        policies: {
          [api]: policy(
            `${to("both")}<llm-semantic-cache-lookup embeddings-backend-id="embeddings" /><llm-content-safety backend-id="east" />`,
          ),
        },
      },
      [`certain pool both from ${api}:3`],
    ],
    [
      "in a comment",
      { policies: { [api]: policy(`<!-- ${to("both")} -->`) } },
      ["certain url https://origin.example/ from API serviceUrl"],
    ],
    [
      "a policy that does not parse to its end",
      { policies: { [api]: `<policies><inbound>${to("both")}<choose>` } },
      [`certain pool both from ${api}:1`],
    ],
  ])("%s", (_, parts, expected) => {
    expect(shown(parts)).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    ["an expression that always throws ends the call", to('@("abc".Substring(4))'), []],
    ["so does one that reads a variable which nothing sets", to('@((string)context.Variables["x"])'), []],
    [
      "behind a condition that always throws nothing runs",
      choose(when('@("abc".Substring(4) == "")', to("east")), `<otherwise>${to("west")}</otherwise>`),
      [],
    ],
    ["a branch that no call takes", choose(when("@(false)", to("east")), `<otherwise>${to("west")}</otherwise>`), ["certain backend west"]],
    [
      "a branch that a condition before it leaves to all others",
      choose(when("@(f)", to("east")), when("@(true)", to("west")), `<otherwise>${to("both")}</otherwise>`),
      ["conditional backend east if f", "conditional backend west if not (f)"],
    ],
    [
      "a choose in which nothing is met",
      `${to("east")}${choose(when("@(f)", ""), when("@(false)", to("west")))}`,
      ["certain backend east"],
    ],
    [
      "a name between two parts that are known",
      to('@("pool-" + context.Request.Headers.GetValueOrDefault("h", "") + "-eu")'),
      ["dynamic backend pool-a-eu", "dynamic backend pool-b-c-eu"],
    ],
    ["a name with an end that is known", to('@(context.Request.Headers.GetValueOrDefault("h", "") + "us")'), ["dynamic backend pool-a-us"]],
  ])("what is known of expressions: %s", (_, inbound, expected) => {
    const more = Object.fromEntries(["pool-a-eu", "pool-a-us", "pool-b-c-eu", "pool-eu2"].map((id) => [id, single("https://x.example/")]));
    const inventory = inventoryOf({ backends: { ...backends, ...more }, policies: { [api]: policy(inbound, "<forward-request />") } });
    const { routes } = resolveRoutes(inventory, csharp, "chat");
    expect(
      routes.map(
        ({ certainty, kind, backendId, condition }) => `${certainty} ${kind} ${backendId}${condition === null ? "" : ` if ${condition}`}`,
      ),
    ).toEqual(expected);
  });

  test("members of a pool, and a backend as its own only member", () => {
    const inventory = inventoryOf({
      backends: { ...backends, east: single("https://east.example/", breaker()) },
      policies: { [api]: policy(to("both")), [operation]: policy(to("west")) },
    });
    const west = { backendId: "west", url: "https://west.example/openai", region: null, credentials: [], circuitBreaker: null };
    expect(resolveRoutes(inventory, csharp, "chat").routes.map(({ members }) => members)).toEqual([
      [
        {
          backendId: "east",
          url: "https://east.example/",
          priority: 1,
          weight: 1,
          share: 100,
          region: null,
          credentials: [],
          circuitBreaker: {
            failureCount: 3,
            failurePercent: null,
            interval: "PT1M",
            statusCodes: ["429"],
            errorReasons: [],
            tripDuration: "PT2M",
            acceptRetryAfter: true,
          },
        },
        { ...west, priority: 2, weight: 10, share: 0 },
      ],
      [{ ...west, priority: 1, weight: 1, share: 100 }],
    ]);
  });

  test("session affinity and the retry around the call", () => {
    const affinity = { sessionAffinity: { sessionId: { source: "Cookie", name: "SessionId" } } };
    const inventory = inventoryOf({
      backends: { ...backends, both: pool([{ id: "/backends/east" }], affinity) },
      policies: {
        [globally]: policy(
          "",
          '<retry condition="@(context.Response.StatusCode == 429)" count="{{tries}}" interval="0">\n<forward-request /></retry>',
        ),
        [api]: policy(to("both")),
      },
      namedValues: { tries: "2" },
    });
    const { routes, retry } = resolveRoutes(inventory, csharp, "chat");
    expect(routes.map(({ affinityCookie }) => affinityCookie)).toEqual(["SessionId"]);
    expect(retry).toEqual({
      count: "2",
      condition: "context.Response.StatusCode == 429",
      source: { document: globally, line: 6 },
      onServerError: false,
      onInternalError: false,
      onNoAnswer: null,
      buffersBody: false,
    });
  });

  test.each<[string, boolean | null]>([
    ["@(context.Response.StatusCode == 429)", false],
    ["@(context.Response.StatusCode >= 500)", true],
    ['@(context.Response.StatusCode >= 500 && context.Request.Headers.ContainsKey("again"))', null],
  ])("whether a retry on %s is one on 503", (condition, onServerError) => {
    const retry = `<retry condition='${condition}' count="1" interval="0"><forward-request /></retry>`;
    expect(resolveRoutes(inventoryOf({ policies: { [api]: policy("", retry) } }), csharp, "chat").retry).toMatchObject({ onServerError });
  });

  test("a retry of something else is not the call's", () => {
    const inventory = inventoryOf({
      policies: { [api]: policy("", '<retry condition="@(true)" count="1" interval="0"><send-request /></retry><forward-request />') },
    });
    expect(resolveRoutes(inventory, csharp, "chat").retry).toBeNull();
  });

  test("other APIs that reach the same pool or member", () => {
    const inventory = inventoryOf({
      apis: { chat: null, batch: null, images: null, docs: "https://docs.example/" },
      backends,
      policies: {
        [api]: policy(to("both")),
        "apis/batch/policies/policy": policy(to("both")),
        "apis/images/policies/policy": policy(to('@(x ? "west" : "embeddings")')),
      },
    });
    expect(resolveRoutes(inventory, csharp, "chat").sharedWith).toEqual([
      { backendId: "both", apiIds: ["batch"] },
      { backendId: "east", apiIds: ["batch"] },
      { backendId: "west", apiIds: ["batch", "images"] },
    ]);
  });

  test.each<[string, Parts, string]>([
    ["no backend", { apis: { chat: null } }, "No backend"],
    ["calls that all fail", { policies: { [api]: policy(to('@("abc".Substring(4))'), "<forward-request />") } }, "end every call"],
    ["a missing backend", { policies: { [api]: policy(to("gone")) } }, "'gone' does not exist"],
    [
      "a missing member",
      { backends: { p: pool([{ id: "/backends/gone" }]) }, policies: { [api]: policy(to("p")) } },
      "'gone' does not exist",
    ],
    ["an expression without candidates", { policies: { [api]: policy(to("@(x)")) } }, "decides the backend at run time"],
  ])("a note on %s", (_, parts, note) => {
    expect(resolveRoutes(inventoryOf({ backends, ...parts }), csharp, "chat").notes).toEqual([expect.stringContaining(note)]);
  });

  test.each<[string, string | null, string | null]>([
    ["and the API has no other place", null, "Calls without a product or through product 'plain' may reach no backend"],
    ["and all others go to the service URL", "https://origin.example/", null],
  ])("callers for whom no policy says where they go, %s", (_, serviceUrl, note) => {
    const products = { gold: ["chat"], plain: ["chat"] };
    const inventory = inventoryOf({ backends, apis: { chat: serviceUrl }, products, policies: { [product]: policy(to("east")) } });
    const { unrouted } = resolveRoutes(inventory, csharp, "chat");
    expect(unrouted).toEqual(note === null ? null : expect.stringContaining(note));
  });

  test("an unknown API is answered with near names", () => {
    expect(() => resolveRoutes(inventoryOf({}), csharp, "chatt")).toThrowError(GatewayError);
    expect(() => resolveRoutes(inventoryOf({}), csharp, "chatt")).toThrowError("Unknown API 'chatt'");
  });
});
