import type { JsonObject } from "../../src/gateway/documents.ts";
import type { TargetNames } from "../../src/gateway/targets.ts";
import { armId } from "../../src/sandbox/world.ts";
import { fragment, inbound, type Shorthand } from "./gateway-texts.ts";

export const globalId = "policies/policy";
export const productId = "products/gold/policies/policy";
export const apiId = "apis/chat/policies/policy";
export const operationId = "apis/chat/operations/ask/policies/policy";
const team = "workspaces/team";
const teamId = `${team}/policies/policy`;
const teamProductId = `${team}/products/silver/policies/policy`;
const teamApiId = `${team}/apis/talk/policies/policy`;
const teamOperationId = `${team}/apis/talk/operations/say/policies/policy`;

const toApi: TargetNames = { api_id: "chat" };
const toApiOfGold: TargetNames = { api_id: "chat", product_id: "gold" };
const toOperation: TargetNames = { api_id: "chat", operation_id: "ask" };
const toOperationOfGold: TargetNames = { api_id: "chat", operation_id: "ask", product_id: "gold" };
const toGold: TargetNames = { product_id: "gold" };
const anyCall: TargetNames = { global: true };
const toTeamApi: TargetNames = { api_id: `${team}/apis/talk` };
const toTeamApiOfSilver: TargetNames = { api_id: `${team}/apis/talk`, product_id: "silver" };
const toTeamOperationOfSilver: TargetNames = { api_id: `${team}/apis/talk`, operation_id: "say", product_id: "silver" };

/** Documents by the names that expectations use. */
export const titles: Readonly<Record<string, string>> = {
  [globalId]: "global",
  [productId]: "gold",
  [apiId]: "chat",
  [operationId]: "ask",
  [teamId]: "team",
  [teamProductId]: "silver",
  [teamApiId]: "talk",
  [teamOperationId]: "say",
};
const when = (condition: string, ...elements: readonly string[]) => `<when condition="${condition}">${elements.join("")}</when>`;
const otherwise = (...elements: readonly string[]) => `<otherwise>${elements.join("")}</otherwise>`;
const choose = (...branches: readonly string[]) => `<choose>${branches.join("")}</choose>`;

/**
 * Gateways, a call to each, and the policies that it meets, in their order: `inbound retry/forward-request global:3, in chat:4, if a and b`.
 * Lines are those of the service, which gives each element a line of its own.
 */
export const gateways: readonly (readonly [name: string, gateway: Shorthand, call: TargetNames, expected: readonly string[]])[] = [
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
    ["inbound g global:3, if x", "inbound a chat:8, if not (x)"],
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
    { ...toOperation, operation_id: "tell" },
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
    ["inbound l policyFragments/gold-limits:2, in chat:5, if x"],
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
      'inbound a chat:5, if context.Subscription.Id == "a"',
      'inbound b chat:8, if not (context.Subscription.Id == "a") and b',
      'inbound b2 chat:9, if not (context.Subscription.Id == "a") and b',
      'inbound c chat:12, if not (context.Subscription.Id == "a" or b) and c',
      'inbound d chat:15, if not (context.Subscription.Id == "a" or b or c)',
      "inbound e chat:18",
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
    ["inbound x global:5, if a and b and g"],
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
      "backend retry/t chat:9, if w",
    ],
  ],
  [
    "conditions have their named values put in",
    {
      policies: { [apiId]: inbound(choose(when("{{on}}", "<a />"), when('@(context.Subscription.Id == "{{team}}")', "<b />"))) },
      namedValues: { on: "@(true && x)", team: "gr" },
    },
    toApi,
    ["inbound a chat:5, if true && x", 'inbound b chat:8, if not (true && x) and context.Subscription.Id == "gr"'],
  ],
  [
    "a secret named value stays a name",
    { policies: { [apiId]: inbound(choose(when("{{key}}", "<a />"))) }, namedValues: { key: null } },
    toApi,
    ["inbound a chat:5, if {{key}}"],
  ],
  [
    "names of ARM are not case-sensitive",
    { policies: { [productId]: inbound("<p />"), [apiId]: inbound("<base />", "<a />") } },
    { api_id: "Chat", product_id: "GOLD" },
    ["inbound p gold:3", "inbound a chat:4"],
  ],
  [
    "a text that is no policy has none",
    { policies: { [globalId]: inbound("<g />"), [apiId]: "not XML <" } },
    toApi,
    ["inbound g global:3"],
  ],
  [
    "all five scopes of a workspace's operation",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<base />", "<w />"),
        [teamProductId]: inbound("<base />", "<p />"),
        [teamApiId]: inbound("<base />", "<a />"),
        [teamOperationId]: inbound("<base />", "<o />"),
      },
    },
    toTeamOperationOfSilver,
    ["inbound g global:3", "inbound w team:4", "inbound p silver:4", "inbound a talk:4", "inbound o say:4"],
  ],
  [
    "all five scopes, base last",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<w />", "<base />"),
        [teamProductId]: inbound("<p />", "<base />"),
        [teamApiId]: inbound("<a />", "<base />"),
        [teamOperationId]: inbound("<o />", "<base />"),
      },
    },
    toTeamOperationOfSilver,
    ["inbound o say:3", "inbound a talk:3", "inbound p silver:3", "inbound w team:3", "inbound g global:3"],
  ],
  [
    "a workspace without base leaves out the global policy",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<w />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound w team:3", "inbound a talk:4"],
  ],
  [
    "a workspace's product without base leaves out workspace and global policy",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<w />"),
        [teamProductId]: inbound("<p />"),
        [teamApiId]: inbound("<base />"),
      },
    },
    toTeamApiOfSilver,
    ["inbound p silver:3"],
  ],
  [
    "a workspace's product only with its subscription",
    { policies: { [teamId]: inbound("<w />"), [teamProductId]: inbound("<base />", "<p />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound w team:3", "inbound a talk:4"],
  ],
  [
    "a workspace without a policy inherits the global one",
    { policies: { [globalId]: inbound("<g />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound g global:3", "inbound a talk:4"],
  ],
  [
    "a workspace by itself",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<base />", "<w />"), [teamApiId]: inbound("<a />") } },
    { api_id: team },
    ["inbound g global:3", "inbound w team:4"],
  ],
  [
    "a product of a workspace, whichever way it is named",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<base />", "<w />"), [teamProductId]: inbound("<p />", "<base />") } },
    { api_id: team, product_id: `${team}/products/silver` },
    ["inbound p silver:3", "inbound g global:3", "inbound w team:4"],
  ],
  [
    "a product of a workspace by itself",
    { policies: { [teamId]: inbound("<w />"), [teamProductId]: inbound("<base />", "<p />") } },
    { product_id: `${team}/products/silver` },
    ["inbound w team:3", "inbound p silver:4"],
  ],
  [
    "calls to the service's APIs meet no workspace's policy",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<w />"), [apiId]: inbound("<base />", "<a />") } },
    toApi,
    ["inbound g global:3", "inbound a chat:4"],
  ],
  [
    "a workspace's documents include its fragments, the global one the service's, of one name",
    {
      policies: {
        [globalId]: inbound('<include-fragment fragment-id="f" />'),
        [teamId]: inbound("<base />", '<include-fragment fragment-id="f" />'),
        [teamApiId]: inbound("<base />", '<include-fragment fragment-id="f" />'),
      },
      fragments: { f: fragment("<x />"), [`${team}/f`]: fragment("<y />"), "workspaces/other/f": fragment("<z />") },
    },
    toTeamApi,
    [
      "inbound x policyFragments/f:2, in global:3",
      `inbound y ${team}/policyFragments/f:2, in team:4`,
      `inbound y ${team}/policyFragments/f:2, in talk:4`,
    ],
  ],
  [
    "fragments of the service and of other workspaces are none of a workspace's",
    {
      policies: {
        [globalId]: inbound('<include-fragment fragment-id="own" />'),
        [teamApiId]: inbound("<base />", '<include-fragment fragment-id="f" />', '<include-fragment fragment-id="g" />'),
      },
      fragments: { f: fragment("<x />"), "workspaces/other/g": fragment("<y />"), [`${team}/own`]: fragment("<z />") },
    },
    toTeamApi,
    ["inbound include-fragment global:3", "inbound include-fragment talk:4", "inbound include-fragment talk:5"],
  ],
  [
    "a workspace's named value names its fragment",
    {
      policies: { [teamApiId]: inbound('<include-fragment fragment-id="{{which}}" />') },
      fragments: { [`${team}/own`]: fragment("<x />"), [`${team}/f`]: fragment("<y />") },
      namedValues: { which: "f", [`${team}/which`]: "own" },
    },
    toTeamApi,
    [`inbound x ${team}/policyFragments/own:2, in talk:3`],
  ],
  [
    "named values are those of the document that refers to them",
    {
      policies: {
        [globalId]: inbound(choose(when("{{who}}", "<g />"))),
        [teamApiId]: inbound("<base />", choose(when("{{who}}", "<a />"), when("{{mine}}", "<b />"))),
      },
      namedValues: { who: "@(service)", mine: "@(not yours)", [`${team}/who`]: "@(team)" },
    },
    toTeamApi,
    ["inbound g global:5, if service", "inbound a talk:6, if team", "inbound b talk:9, if not (team) and {{mine}}"],
  ],
];

/** What every row's gateway has besides policies. Names are unique over all workspaces, as the service demands. */
export const entities: Readonly<Record<string, JsonObject>> = {
  "apis/chat": { path: "chat" },
  "apis/chat/operations/ask": { displayName: "ask", method: "POST", urlTemplate: "/ask" },
  "apis/chat/operations/tell": { displayName: "tell", method: "POST", urlTemplate: "/tell" },
  "products/gold": { displayName: "Gold" },
  "products/gold/apis/chat": {},
  "workspaces/other": { displayName: "Other" },
  [team]: { displayName: "Team" },
  [`${team}/apis/talk`]: { path: "talk" },
  [`${team}/apis/talk/operations/say`]: { displayName: "say", method: "POST", urlTemplate: "/say" },
  [`${team}/products/silver`]: { displayName: "Silver" },
  [`${team}/products/silver/apiLinks/one`]: { apiId: armId(`${team}/apis/talk`) },
};
