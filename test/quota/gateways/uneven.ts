import type { GatewayCase } from "./case.ts";
import { callLimit, choose, inbound, own, tokenLimit, variable } from "./elements.ts";

const product = "products/llm/policies/policy";
const api = "apis/chat/policies/policy";
const operation = (id: string) => `apis/chat/operations/${id}/policies/policy`;

const ofOperation = '@(context.Subscription.Id + "-" + context.Operation.Id)';
const toModel = '<set-backend-service backend-id="model" />';
const user = `@(context.Request.Headers.GetValueOrDefault("x-user-id", "none"))`;
const users = Array.from({ length: 40 }, (_, index) => ({ "x-user-id": `u${index}` }));
const keyOfProduct = `@("product/" + context.Product?.Id + "/deployment/" + (string)context.Request.MatchedParameters["deployment-id"])`;
const embeddings = { path: "embeddings", deployment: "text-embedding-3-small" };
const increment = `increment-count="@(((JObject)context.Response.Body.As<JObject>(preserveContent: true)).SelectToken("usage.total_tokens")?.ToObject<int>() ?? 0)"`;

/** Limits that do not hold for all calls of a team alike, and counters of which it cannot be told whose they are. */
export const uneven: readonly GatewayCase[] = [
  {
    name: "the only operation does without <base />: the product's limit is met by no call",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "operation:chat/chat": toModel },
    },
    limits: { growth: [] },
    binding: { growth: { tpm: "none" } },
    calls: [{ team: "growth", tpm: null }],
    edits: [],
  },
  {
    name: "the only operation of one API has a limit of its own and does without <base />",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      products: { llm: ["chat", "emb"] },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "operation:emb/chat": `${tokenLimit(2000, ofOperation)}\n${toModel}` },
    },
    limits: {
      growth: [
        { kind: "tpm", value: 5000, document: product },
        { kind: "tpm", value: 2000, document: "apis/emb/operations/chat/policies/policy" },
      ],
    },
    binding: { growth: { tpm: "several" } },
    notes: { growth: /tpm 5000 on chat, 2000 on emb/ },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "growth", api: "emb", tpm: 2000 },
    ],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 1500, limit_id: "apis/emb/operations/chat#tpm/1" },
        documents: ["apis/emb/operations/chat/policies/policy"],
      },
    ],
    callsAfter: [
      { team: "growth", tpm: 5000 },
      { team: "growth", api: "emb", tpm: 1500 },
      { team: "core", api: "emb", tpm: 2000 },
    ],
  },
  {
    name: "an operation without <base /> beside one that inherits",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      operations: { chat: ["embeddings"] },
      inbound: { "product:llm": inbound(callLimit(10, 60)), "operation:chat/chat": `${callLimit(6, 60, ofOperation)}\n${toModel}` },
    },
    limits: {
      growth: [
        { kind: "rpm", value: 10, document: product, operations: ["chat but chat"] },
        { kind: "rpm", value: 6, document: operation("chat"), operations: ["chat/chat"] },
      ],
    },
    binding: { growth: { rpm: "several" } },
    notes: { growth: /rpm 10 on other operations, 6 on chat\/chat/ },
    calls: [
      { team: "growth", rpm: 6 },
      { team: "growth", ...embeddings, rpm: 10 },
    ],
    edits: [{ ask: { subscription_id: "growth", rpm: 4, limit_id: "apis/chat/operations/chat#rpm/1" }, documents: [operation("chat")] }],
    callsAfter: [
      { team: "growth", rpm: 4 },
      { team: "growth", ...embeddings, rpm: 10 },
      { team: "core", rpm: 6 },
    ],
  },
  {
    name: "the only operation has the only limit: it binds all calls",
    gateway: { teams: { growth: "llm", core: "llm" }, inbound: { "operation:chat/chat": inbound(tokenLimit(5000)) } },
    limits: { growth: [{ kind: "tpm", value: 5000, document: operation("chat"), conditional: false }] },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, documents: [operation("chat")], binds: { tpm: 3000 } }],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "the only operation has a smaller limit than the product",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(tokenLimit(20_000, '@(context.Subscription.Id + "p")')),
        "operation:chat/chat": inbound(tokenLimit(5000)),
      },
    },
    limits: {
      growth: [
        { kind: "tpm", value: 20_000, document: product },
        { kind: "tpm", value: 5000, document: operation("chat") },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 30_000 }, refused: /20,?000/ },
      { ask: { subscription_id: "growth", tpm: 8000 }, documents: [operation("chat")], binds: { tpm: 8000 } },
    ],
    callsAfter: [{ team: "growth", tpm: 8000 }],
  },
  {
    name: "two operations with a limit each: which is meant has to be said",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      operations: { chat: ["embeddings"] },
      inbound: {
        "operation:chat/chat": inbound(callLimit(6, 60)),
        "operation:chat/embeddings": inbound(callLimit(4, 60, ofOperation)),
      },
    },
    limits: {
      growth: [
        { kind: "rpm", value: 6, document: operation("chat"), operations: ["chat/chat"] },
        { kind: "rpm", value: 4, document: operation("embeddings"), operations: ["chat/embeddings"] },
      ],
    },
    binding: { growth: { rpm: "several" } },
    notes: { growth: /rpm 6 on chat\/chat, 4 on chat\/embeddings/ },
    calls: [
      { team: "growth", rpm: 6 },
      { team: "growth", ...embeddings, rpm: 4 },
    ],
    edits: [
      {
        ask: { subscription_id: "growth", rpm: 3 },
        refused: /operations\/chat#rpm\/1.*operations\/embeddings#rpm\/1|operations\/embeddings#rpm\/1.*operations\/chat#rpm\/1/s,
      },
      { ask: { subscription_id: "growth", rpm: 5, limit_id: "apis/chat/operations/chat#rpm/1" }, documents: [operation("chat")] },
    ],
    callsAfter: [
      { team: "growth", rpm: 5 },
      { team: "growth", ...embeddings, rpm: 4 },
    ],
  },
  {
    name: "a rate-limit with limits of an API and of its only operation, by name",
    gateway: {
      sku: "Developer",
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(
          '<rate-limit calls="20" renewal-period="60"><api name="chat" calls="10" renewal-period="60"><operation name="Chat" calls="5" renewal-period="60" /></api></rate-limit>',
        ),
      },
    },
    limits: {
      growth: [
        { kind: "rpm", value: 20, document: product },
        { kind: "rpm", value: 10, document: product },
        { kind: "rpm", value: 5, document: product },
      ],
    },
    binding: { growth: { rpm: 5 } },
    calls: [{ team: "growth", rpm: 5 }],
    edits: [],
  },
  {
    name: "a counter for each value of a header",
    gateway: { teams: { growth: "llm", core: "llm" }, inbound: { "product:llm": inbound(tokenLimit(5000, user)) } },
    limits: {
      growth: [
        { kind: "tpm", value: 5000, document: product, shared_with: [], may_be_shared_with: ["core"], per_value_of: "header 'x-user-id'" },
      ],
    },
    binding: { growth: { tpm: "unknown" } },
    notes: { growth: /tpm 5000 per value of header 'x-user-id'/ },
    calls: [
      { team: "growth", tpm: 5000, headers: { "x-user-id": "ann" } },
      { team: "growth", tpm: null, each: users },
    ],
    spending: [[{ team: "growth" }, { team: "core" }, true]],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, refused: /per value of header 'x-user-id'/ }],
  },
  {
    name: "a counter for each value of a header, of each team",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(tokenLimit(5000, `@(context.Subscription.Id + context.Request.Headers.GetValueOrDefault("x-user-id", ""))`)),
      },
    },
    limits: { growth: [{ kind: "tpm", value: 5000, document: product, shared_with: [], per_value_of: "header 'x-user-id'" }] },
    binding: { growth: { tpm: "unknown" } },
    notes: { growth: /^growth: tpm 5000 per value of header 'x-user-id'$/ },
    calls: [
      { team: "growth", tpm: 5000, headers: { "x-user-id": "ann" } },
      { team: "growth", tpm: null, each: users },
    ],
    spending: [[{ team: "growth" }, { team: "core" }, false]],
    edits: [],
  },
  {
    name: "a key of the product and the deployment, held in a variable as the portal does",
    gateway: {
      products: { llm: ["chat"], trial: ["chat"] },
      teams: { growth: "llm", core: "llm", labs: "trial" },
      inbound: {
        "api:chat": inbound(variable("counterKey", keyOfProduct), tokenLimit(5000, '@((string)context.Variables["counterKey"])')),
      },
    },
    limits: {
      growth: [{ kind: "tpm", value: 5000, document: api, shared_with: ["core"] }],
      labs: [{ kind: "tpm", value: 5000, document: api, shared_with: [] }],
    },
    binding: { growth: { tpm: 5000 }, labs: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    spending: [
      [{ team: "growth" }, { team: "core" }, true],
      [{ team: "growth" }, { team: "labs" }, false],
    ],
    edits: [],
  },
  {
    name: "a key of the header that brings the subscription's key, and a word where it does not",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000, `@(context.Request.Headers.GetValueOrDefault("api-key", "anon"))`)) },
    },
    limits: { growth: [{ kind: "tpm", value: 5000, document: product, shared_with: [], may_be_shared_with: ["core"] }] },
    binding: { growth: { tpm: 5000 } },
    notes: { growth: /counter may be shared with 1 other/ },
    calls: [{ team: "growth", tpm: 5000 }],
    spending: [[{ team: "growth" }, { team: "core" }, false]],
    edits: [{ ask: { subscription_id: "growth", tpm: 9000 }, refused: /may be shared/ }],
  },
  {
    name: "a key of the owner, or the subscription where it has none",
    gateway: {
      teams: {
        growth: { scope: "llm", owner: "ann" },
        core: { scope: "llm", owner: "ann" },
        labs: { scope: "llm", owner: "bob" },
        free: "llm",
      },
      inbound: { "product:llm": inbound(tokenLimit(5000, "@(context.User?.Id ?? context.Subscription.Id)")) },
    },
    limits: {
      growth: [{ kind: "tpm", value: 5000, document: product, shared_with: ["core"] }],
      labs: [{ kind: "tpm", value: 5000, document: product, shared_with: [] }],
      free: [{ kind: "tpm", value: 5000, document: product, shared_with: [] }],
    },
    binding: { growth: { tpm: 5000 }, free: { tpm: 5000 } },
    calls: [{ team: "free", tpm: 5000 }],
    spending: [
      [{ team: "growth" }, { team: "core" }, true],
      [{ team: "growth" }, { team: "labs" }, false],
      [{ team: "growth" }, { team: "free" }, false],
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 9000 }, refused: /shared with core/ }],
  },
  {
    name: "a quota by key that counts tokens, and rates in which a call counts twice or that renew in another period",
    gateway: {
      sku: "Developer",
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(
          `<quota-by-key calls="5000" renewal-period="300" counter-key="${own}" ${increment} />`,
          `<rate-limit-by-key calls="20" renewal-period="60" counter-key="@(context.Subscription.Id + "b")" increment-count="2" />`,
          callLimit(18, 90, '@(context.Subscription.Id + "c")'),
          '<quota bandwidth="40000" renewal-period="3600" />',
        ),
      },
    },
    limits: {
      growth: [
        { kind: "token_quota", value: 5000, period: "300 s", document: product, shared_with: [] },
        { kind: "rpm", value: 10, document: product },
        { kind: "rpm", value: 12, document: product },
        { kind: "call_quota", status: "none", document: product },
      ],
    },
    binding: { growth: { rpm: 10 } },
    notes: { growth: /bandwidth 40000 KB per 3600 s/ },
    calls: [{ team: "growth", rpm: 10 }],
    edits: [],
  },
  {
    name: "another limit on each API, and none on one",
    gateway: {
      products: { llm: ["chat", "free", "emb"] },
      teams: { growth: "llm", core: "llm" },
      inbound: { "api:chat": inbound(tokenLimit(5000)), "api:emb": inbound(tokenLimit(2000, '@(context.Subscription.Id + "e")')) },
    },
    limits: {
      growth: [
        { kind: "tpm", value: 5000, document: api },
        { kind: "tpm", value: 2000, document: "apis/emb/policies/policy" },
      ],
    },
    binding: { growth: { tpm: "several" } },
    notes: { growth: /tpm 5000 on chat, none on free, 2000 on emb/ },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "growth", api: "emb", tpm: 2000 },
      { team: "growth", api: "free", tpm: null },
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 1000, api_id: "emb" }, documents: ["apis/emb/policies/policy"] }],
    callsAfter: [
      { team: "growth", tpm: 5000 },
      { team: "growth", api: "emb", tpm: 1000 },
    ],
  },
  {
    name: "one of two branches always applies below the limit for all",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(
          tokenLimit(5000),
          choose(
            [`@(context.Request.Headers.ContainsKey("x-high"))`, tokenLimit(9000, '@(context.Subscription.Id + "h")')],
            [null, tokenLimit(1000, '@(context.Subscription.Id + "l")')],
          ),
        ),
      },
    },
    limits: {
      growth: [
        { kind: "tpm", value: 5000, document: product, conditional: false },
        { kind: "tpm", value: 9000, document: product, conditional: true },
        { kind: "tpm", value: 1000, document: product, conditional: true },
      ],
    },
    binding: { growth: { tpm: "several" } },
    notes: { growth: /tpm 1000 or 5000, by .*x-high/ },
    calls: [
      { team: "growth", tpm: 1000 },
      { team: "growth", tpm: 5000, headers: { "x-high": "1" } },
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 4000, limit_id: "products/llm#tpm/1" }, documents: [product] }],
    callsAfter: [
      { team: "growth", tpm: 1000 },
      { team: "growth", tpm: 4000, headers: { "x-high": "1" } },
    ],
  },
];
