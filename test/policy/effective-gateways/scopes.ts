import { inbound } from "../gateway-texts.ts";
import { anyCall, apiId, globalId, operationId, productId, toApi, toApiOfGold, toGold, toOperation, toOperationOfGold } from "./names.ts";
import { choose, otherwise, type Row, when } from "./row.ts";

/** Which documents a call meets, and where `<base />` puts them. */
export const scopes: readonly Row[] = [
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
];
