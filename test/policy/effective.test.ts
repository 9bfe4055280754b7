import { describe, expect, it } from "vitest";
import { openGateway } from "../../src/azure/gateway.ts";
import { readInventory } from "../../src/gateway/inventory.ts";
import { callOf, type EffectiveElement, effective } from "../../src/policy/effective.ts";
import type { CallPath } from "../../src/policy/steps.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../src/sandbox/service.ts";
import { fragment, inbound, type Shorthand, textsOf } from "./gateway-texts.ts";

const globalId = "policies/policy";
const productId = "products/gold/policies/policy";
const apiId = "apis/chat/policies/policy";
const operationId = "apis/chat/operations/ask/policies/policy";

const toApi: CallPath = { apiId: "chat", operationId: null, productId: null };
const toApiOfGold: CallPath = { apiId: "chat", operationId: null, productId: "gold" };
const toOperation: CallPath = { apiId: "chat", operationId: "ask", productId: null };
const toOperationOfGold: CallPath = { apiId: "chat", operationId: "ask", productId: "gold" };
const toGold: CallPath = { apiId: null, operationId: null, productId: "gold" };
const anyCall: CallPath = { apiId: null, operationId: null, productId: null };

const titles: Readonly<Record<string, string>> = { [globalId]: "global", [productId]: "gold", [apiId]: "chat", [operationId]: "ask" };
const placed = ({ document, line }: EffectiveElement["place"]): string => `${titles[document] ?? document}:${line}`;

/** `inbound retry/forward-request global:3, in chat:4, if a and b`. */
function shown({ section, name, place, includedAt, within, conditions }: EffectiveElement): string {
  const included = includedAt === null ? "" : `, in ${placed(includedAt)}`;
  const condition = conditions.length === 0 ? "" : `, if ${conditions.join(" and ")}`;
  return `${section} ${[...within, name].join("/")} ${placed(place)}${included}${condition}`;
}

const when = (condition: string, ...elements: readonly string[]) => `<when condition="${condition}">${elements.join("")}</when>`;
const otherwise = (...elements: readonly string[]) => `<otherwise>${elements.join("")}</otherwise>`;
const choose = (...branches: readonly string[]) => `<choose>${branches.join("")}</choose>`;

const table: readonly (readonly [name: string, gateway: Shorthand, call: CallPath, expected: readonly string[]])[] = [
  ["no policies at all", { policies: {} }, toApi, []],
  [
    "base first",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<base />", "<a />") } },
    toApi,
    ["inbound g global:3", "inbound a chat:4"],
  ],
  [
    "base last",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<a />", "<base />") } },
    toApi,
    ["inbound a chat:3", "inbound g global:3"],
  ],
  [
    "base in between",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<a />", "<base />", "<b />") } },
    toApi,
    ["inbound a chat:3", "inbound g global:3", "inbound b chat:5"],
  ],
  ["base absent", { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<a />") } }, toApi, ["inbound a chat:3"]],
  [
    "base twice",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<base />", "<a />", "<base />") } },
    toApi,
    ["inbound g global:3", "inbound a chat:4", "inbound g global:3"],
  ],
  [
    "base in a branch of choose",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound(choose(when("@(x)", "<base />"), otherwise("<a />"))) } },
    toApi,
    ["inbound g global:3, if x", "inbound a chat:3, if not (x)"],
  ],
  [
    "base within the content of a policy is no base",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<set-body><base /></set-body>") } },
    toApi,
    ["inbound set-body chat:3"],
  ],
  ["base at global scope has no effect", { policies: { [globalId]: inbound("<base />", "<g />") } }, toApi, ["inbound g global:4"]],
  [
    "a product's policy only with the product's subscription: without",
    { policies: { [globalId]: inbound("<g />"), [productId]: inbound("<base />", "<p />"), [apiId]: inbound("<base />", "<a />") } },
    toApi,
    ["inbound g global:3", "inbound a chat:4"],
  ],
  [
    "a product's policy only with the product's subscription: with",
    { policies: { [globalId]: inbound("<g />"), [productId]: inbound("<base />", "<p />"), [apiId]: inbound("<base />", "<a />") } },
    toApiOfGold,
    ["inbound g global:3", "inbound p gold:4", "inbound a chat:4"],
  ],
  [
    "a product without base leaves out the global policy, and so does an API that inherits it",
    { policies: { [globalId]: inbound("<g />"), [productId]: inbound("<p />"), [apiId]: inbound("<a />", "<base />") } },
    toApiOfGold,
    ["inbound a chat:3", "inbound p gold:3"],
  ],
  [
    "an API without base leaves out product and global policy",
    { policies: { [globalId]: inbound("<g />"), [productId]: inbound("<base />", "<p />"), [apiId]: inbound("<a />") } },
    toApiOfGold,
    ["inbound a chat:3"],
  ],
  [
    "a product by itself",
    { policies: { [globalId]: inbound("<g />"), [productId]: inbound("<p />", "<base />") } },
    toGold,
    ["inbound p gold:3", "inbound g global:3"],
  ],
  ["every call", { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<a />") } }, anyCall, ["inbound g global:3"]],
  [
    "all four scopes",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [productId]: inbound("<base />", "<p />"),
        [apiId]: inbound("<base />", "<a />"),
        [operationId]: inbound("<base />", "<o />"),
      },
    },
    toOperationOfGold,
    ["inbound g global:3", "inbound p gold:4", "inbound a chat:4", "inbound o ask:4"],
  ],
  [
    "another operation does not meet it",
    { policies: { [apiId]: inbound("<a />"), [operationId]: inbound("<o />") } },
    { ...toOperation, operationId: "tell" },
    ["inbound a chat:3"],
  ],
  [
    "an operation without base",
    { policies: { [globalId]: inbound("<g />"), [apiId]: inbound("<base />", "<a />"), [operationId]: inbound("<o />") } },
    toOperation,
    ["inbound o ask:3"],
  ],
  [
    "a scope without a document inherits",
    { policies: { [globalId]: inbound("<g />"), [operationId]: inbound("<base />", "<o />") } },
    toOperation,
    ["inbound g global:3", "inbound o ask:4"],
  ],
  [
    "a scope without the section inherits it",
    {
      policies: {
        [globalId]: "<policies>\n<backend>\n<forward-request />\n</backend>\n</policies>",
        [apiId]: inbound("<a />"),
      },
    },
    toApi,
    ["inbound a chat:3", "backend forward-request global:3"],
  ],
  [
    "an empty section inherits nothing",
    {
      policies: {
        [globalId]: "<policies>\n<backend>\n<forward-request />\n</backend>\n</policies>",
        [apiId]: "<policies>\n<backend />\n</policies>",
      },
    },
    toApi,
    [],
  ],
  [
    "sections in the order in which they run, each with its own base",
    {
      policies: {
        [globalId]: "<policies>\n<on-error>\n<e />\n</on-error>\n<outbound>\n<g />\n</outbound>\n</policies>",
        [apiId]: "<policies>\n<outbound>\n<base />\n<a />\n</outbound>\n<inbound>\n<b />\n</inbound>\n</policies>",
      },
    },
    toApi,
    ["inbound b chat:7", "outbound g global:6", "outbound a chat:4", "on-error e global:3"],
  ],
  [
    "a fragment twice",
    {
      policies: { [apiId]: inbound('<include-fragment fragment-id="f" />', "<a />", '<include-fragment fragment-id="f" />') },
      fragments: { f: fragment("<x />", "<y />") },
    },
    toApi,
    [
      "inbound x policyFragments/f:2, in chat:3",
      "inbound y policyFragments/f:3, in chat:3",
      "inbound a chat:4",
      "inbound x policyFragments/f:2, in chat:5",
      "inbound y policyFragments/f:3, in chat:5",
    ],
  ],
  [
    "a fragment in a branch, named by a named value, in another spelling",
    {
      policies: { [apiId]: inbound(choose(when("@(x)", '<include-fragment fragment-id="{{which}}-limits" />'))) },
      fragments: { "gold-limits": fragment("<l />") },
      namedValues: { which: "Gold" },
    },
    toApi,
    ["inbound l policyFragments/gold-limits:2, in chat:3, if x"],
  ],
  [
    "a fragment that does not exist stays visible",
    { policies: { [apiId]: inbound('<include-fragment fragment-id="none" />', "<a />") } },
    toApi,
    ["inbound include-fragment chat:3", "inbound a chat:4"],
  ],
  [
    "fragments do not nest, so none can go in circles; nor have they a base",
    {
      policies: { [globalId]: inbound("<g />"), [apiId]: inbound('<include-fragment fragment-id="f" />') },
      fragments: { f: fragment('<include-fragment fragment-id="f" />', "<base />", "<x />") },
    },
    toApi,
    [
      "inbound include-fragment policyFragments/f:2, in chat:3",
      "inbound base policyFragments/f:3, in chat:3",
      "inbound x policyFragments/f:4, in chat:3",
    ],
  ],
  [
    "a fragment inherited through base keeps the place that includes it",
    {
      policies: { [globalId]: inbound('<include-fragment fragment-id="f" />'), [apiId]: inbound("<base />") },
      fragments: { f: fragment("<x />") },
    },
    toApi,
    ["inbound x policyFragments/f:2, in global:3"],
  ],
  [
    "each branch of choose under what the earlier ones leave",
    {
      policies: {
        [apiId]: inbound(
          choose(
            when('@(context.Subscription.Id == "a")', "<a />"),
            when("@(b)", "<b />", "<b2 />"),
            when("@(c)", "<c />"),
            otherwise("<d />"),
          ),
          "<e />",
        ),
      },
    },
    toApi,
    [
      'inbound a chat:3, if context.Subscription.Id == "a"',
      'inbound b chat:3, if not (context.Subscription.Id == "a") and b',
      'inbound b2 chat:3, if not (context.Subscription.Id == "a") and b',
      'inbound c chat:3, if not (context.Subscription.Id == "a" or b) and c',
      'inbound d chat:3, if not (context.Subscription.Id == "a" or b or c)',
      "inbound e chat:4",
    ],
  ],
  [
    "choose in choose, over scopes",
    {
      policies: {
        [globalId]: inbound(choose(when("@(g)", "<x />"))),
        [apiId]: inbound(choose(when("@(a)", choose(when("@(b)", "<base />"))))),
      },
    },
    toApi,
    ["inbound x global:3, if a and b and g"],
  ],
  [
    "what other policies hold stands in them, under their conditions too",
    {
      policies: {
        [globalId]: "<policies>\n<backend>\n<forward-request />\n</backend>\n</policies>",
        [apiId]: `<policies>\n<backend>\n<retry condition="@(r)">\n<limit-concurrency key="k">\n<base />\n</limit-concurrency>\n${choose(when("@(w)", "<t />"))}\n</retry>\n</backend>\n</policies>`,
      },
    },
    toApi,
    [
      "backend retry chat:3",
      "backend retry/limit-concurrency chat:4",
      "backend retry/limit-concurrency/forward-request global:3",
      "backend retry/t chat:7, if w",
    ],
  ],
  [
    "conditions have their named values put in",
    {
      policies: { [apiId]: inbound(choose(when("{{on}}", "<a />"), when('@(context.Subscription.Id == "{{team}}")', "<b />"))) },
      namedValues: { on: "@(true && x)", team: "gr" },
    },
    toApi,
    ["inbound a chat:3, if true && x", 'inbound b chat:3, if not (true && x) and context.Subscription.Id == "gr"'],
  ],
  [
    "names of ARM are not case-sensitive",
    { policies: { "products/Gold/policies/policy": inbound("<p />") } },
    toGold,
    ["inbound p products/Gold/policies/policy:3"],
  ],
  [
    "a text that is no policy has none",
    { policies: { [globalId]: inbound("<g />"), [apiId]: "not XML <" } },
    toApi,
    ["inbound g global:3"],
  ],
];

describe("effective", () => {
  it.each(table)("%s", (_, gateway, call, expected) => {
    expect(effective(textsOf(gateway), call).elements.map(shown)).toEqual(expected);
  });

  it("puts named values in, partly and inside of content, and tells which it cannot", () => {
    const xml = inbound(
      '<set-header name="x-{{env}}"><value>{{key}}-{{env}}</value></set-header>',
      '<rate-limit calls="{{calls}}" renewal-period="{{none}}" />',
    );
    const { elements, unknownNamedValues } = effective(
      textsOf({ policies: { [globalId]: xml }, namedValues: { env: "prod", key: null, calls: "20" } }),
      anyCall,
    );
    expect(elements).toMatchObject([
      { attributes: { name: "x-prod" }, content: [{ name: "value", text: "{{key}}-prod" }] },
      { attributes: { calls: "20", "renewal-period": "{{none}}" } },
    ]);
    expect(unknownNamedValues).toEqual(["key", "none"]);
  });

  it("takes policies nested as deeply as anyone may write them", () => {
    const deep = `${"<choose><otherwise>".repeat(20_000)}<a />${"</otherwise></choose>".repeat(20_000)}`;
    const content = `<set-body>${"<x>".repeat(20_000)}${"</x>".repeat(20_000)}</set-body>`;
    expect(
      effective(textsOf({ policies: { [globalId]: inbound(deep, content, "<b />") } }), anyCall).elements.map(({ name }) => name),
    ).toEqual(["set-body", "b"]);
  });

  it("refuses what multiplies itself", () => {
    const bases = inbound("<base />".repeat(1_000), `<include-fragment fragment-id="f" />`.repeat(1_000));
    const texts = textsOf({
      policies: { [globalId]: bases, [productId]: bases, [apiId]: bases, [operationId]: bases },
      fragments: { f: fragment("<x />".repeat(1_000)) },
    });
    expect(() => effective(texts, toOperationOfGold)).toThrow(/more than 100000 elements/);
  });
});

describe("on the sandbox", () => {
  it("merges what the service has, for the calls of a team", async () => {
    const { fetch, token } = createSandbox({ seed: "demo" });
    const gateway = openGateway({ resourceId: sandboxService.resourceId, cloud: "public", accessToken: token, fetch });
    const inventory = await readInventory(gateway.reader(new AbortController().signal));
    const growth = inventory.subscriptions.find(({ id }) => id === "growth");
    if (growth === undefined) throw new Error("no team 'growth'");
    const { elements, unknownNamedValues } = effective(inventory, callOf(growth, "azure-openai", "Embeddings_Create"));
    const source = ({ document, line }: EffectiveElement["place"]) => `${document}:${line}`;
    expect(
      elements.map(({ section, within, name, place, conditions }) => [section, [...within, name].join("/"), source(place), ...conditions]),
    ).toEqual([
      ["inbound", "rate-limit-by-key", "products/aoai/policies/policy:6", 'context.Subscription.Id == "prod-critical"'],
      ["inbound", "llm-token-limit", "products/aoai/policies/policy:7", 'context.Subscription.Id == "prod-critical"'],
      ["inbound", "llm-token-limit", "products/aoai/policies/policy:10", 'not (context.Subscription.Id == "prod-critical")'],
      ["inbound", "authentication-managed-identity", "policyFragments/aoai-auth:3"],
      ["inbound", "set-header", "policyFragments/aoai-auth:4"],
      ["inbound", "set-backend-service", "apis/azure-openai/policies/policy:5"],
      ["inbound", "llm-emit-token-metric", "apis/azure-openai/policies/policy:6"],
      ["backend", "retry", "apis/azure-openai/policies/policy:13"],
      ["backend", "retry/forward-request", "apis/azure-openai/policies/policy:14"],
    ]);
    expect(elements[3]).toMatchObject({ attributes: { resource: "https://cognitiveservices.azure.com" } });
    expect(unknownNamedValues).toEqual([]);
  });
});
