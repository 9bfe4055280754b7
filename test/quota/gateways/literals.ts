import type { GatewayCase } from "./case.ts";
import { callLimit, choose, inbound, isDeployment, isProduct, isTeam, own, tokenLimit, tokenQuota } from "./elements.ts";

const product = "products/llm/policies/policy";
const api = "apis/chat/policies/policy";

/** Numbers that stand in the element that limits. */
export const literals: readonly GatewayCase[] = [
  {
    name: "P1: one limit in the product's policy, each team with a counter of its own",
    gateway: { teams: { growth: "llm", core: "llm" }, inbound: { "product:llm": inbound(tokenLimit(5000), callLimit(10, 60)) } },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [], editable: true },
        { kind: "rpm", status: "value", value: 10, document: product, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: 5000, rpm: 10 }, core: { tpm: 5000, rpm: 10 } },
    calls: [{ team: "growth", tpm: 5000, rpm: 10 }],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 3000 },
        documents: [product],
        binds: { tpm: 3000, rpm: 10 },
        texts: ["<otherwise>", '"growth"'],
      },
      { ask: { subscription_id: "Team growth", tpm: 4000, rpm: 20 }, documents: [product], binds: { tpm: 4000, rpm: 20 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000, rpm: 20 },
      { team: "core", tpm: 5000, rpm: 10 },
    ],
  },
  {
    name: "P1 on a classic tier: a literal that one team alone reaches",
    gateway: {
      sku: "Premium",
      products: { llm: ["chat"], trial: ["chat"] },
      teams: { growth: "llm", labs: "trial" },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "product:trial": inbound(tokenLimit(1000)) },
    },
    limits: { growth: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: [], editable: true }] },
    binding: { growth: { tpm: 5000, rpm: "none" }, labs: { tpm: 1000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "labs", tpm: 1000 },
    ],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 10_000 },
        documents: [product],
        binds: { tpm: 10_000 },
        texts: ['tokens-per-minute="10000"'],
      },
      { ask: { subscription_id: "growth", tpm: 7000 }, documents: [product], binds: { tpm: 7000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 7000 },
      { team: "labs", tpm: 1000 },
    ],
  },
  {
    name: "P2: limits of deployments beside one of the product",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(
          choose(
            [
              isDeployment("gpt-4o"),
              tokenLimit(5000, '@(context.Subscription.Id + "-" + context.Request.MatchedParameters["deployment-id"])'),
            ],
            [null, tokenLimit(1000, '@(context.Subscription.Id + "-" + context.Request.MatchedParameters["deployment-id"])')],
          ),
          tokenLimit(20_000, "@(context.Product?.Name)"),
        ),
      },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, deployment: "gpt-4o", shared_with: [], conditional: true },
        { kind: "tpm", status: "value", value: 1000, document: product, shared_with: [], conditional: true },
        { kind: "tpm", status: "value", value: 20_000, document: product, shared_with: ["core"], conditional: false },
      ],
    },
    binding: {},
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "growth", deployment: "o3-mini", tpm: 1000 },
    ],
    edits: [
      { ask: { subscription_id: "growth", tpm: 4000 }, refused: /products\/llm#tpm\/1/ },
      { ask: { subscription_id: "growth", tpm: 4000, limit_id: "products/llm#tpm/1" }, documents: [product] },
      { ask: { subscription_id: "growth", tpm: 3000, limit_id: "products/llm#tpm/1" }, documents: [product] },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "growth", deployment: "o3-mini", tpm: 1000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "P3: a branch for each product in the API's policy",
    gateway: {
      products: { llm: ["chat"], trial: ["chat"] },
      teams: { growth: "llm", core: "llm", labs: "trial" },
      inbound: {
        "api:chat": inbound(choose([isProduct("llm"), tokenLimit(5000)], [isProduct("trial"), tokenLimit(1000)])),
        "product:llm": "<base />",
      },
    },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: api, shared_with: [], conditional: false }],
      labs: [{ kind: "tpm", status: "value", value: 1000, document: api, shared_with: [], conditional: false }],
    },
    binding: { growth: { tpm: 5000 }, labs: { tpm: 1000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "labs", tpm: 1000 },
    ],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [api], binds: { tpm: 3000 } },
      { ask: { subscription_id: "labs", tpm: 2000 }, documents: [api], binds: { tpm: 2000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 5000 },
      { team: "labs", tpm: 2000 },
    ],
  },
  {
    name: "P4: a literal at the API, <base /> last",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "api:chat": [tokenLimit(5000, own, "azure-openai-token-limit"), "<base />"].join("\n") },
    },
    limits: { growth: [{ kind: "tpm", status: "value", value: 5000, document: api, shared_with: [] }] },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 3000 },
        documents: [api],
        binds: { tpm: 3000 },
        texts: ['<azure-openai-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="3000"'],
      },
      { ask: { subscription_id: "core", tpm: 6000 }, documents: [api], binds: { tpm: 6000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 6000 },
    ],
  },
  {
    name: "P5: a literal in a fragment that the API includes",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "api:chat": inbound('<include-fragment fragment-id="limits" />') },
      fragments: { limits: tokenLimit(5000) },
    },
    limits: { growth: [{ kind: "tpm", status: "value", value: 5000, document: "policyFragments/limits", shared_with: [] }] },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: ["policyFragments/limits"], binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: 4000 }, documents: ["policyFragments/limits"], binds: { tpm: 4000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "a fragment included twice: in two APIs",
    gateway: {
      products: { llm: ["chat", "other"] },
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "api:chat": inbound('<include-fragment fragment-id="limits" />'),
        "api:other": inbound('<include-fragment fragment-id="limits" />'),
      },
      fragments: { limits: tokenLimit(5000) },
    },
    limits: { growth: [{ kind: "tpm", status: "value", value: 5000, document: "policyFragments/limits", shared_with: [] }] },
    binding: { growth: { tpm: 5000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "growth", api: "other", tpm: 5000 },
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, documents: ["policyFragments/limits"], binds: { tpm: 3000 } }],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "growth", api: "other", tpm: 3000 },
      { team: "core", api: "other", tpm: 5000 },
    ],
  },
  {
    name: "a branch of the team's own is edited, never doubled",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(choose([isTeam("growth"), tokenLimit(5000)], [null, tokenLimit(2000)])) },
    },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: product, conditional: false, editable: true }],
      core: [{ kind: "tpm", status: "value", value: 2000, document: product, conditional: false }],
    },
    binding: { growth: { tpm: 5000 }, core: { tpm: 2000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "core", tpm: 2000 },
    ],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: null }, documents: [product], binds: { tpm: 2000 } },
      { ask: { subscription_id: "growth", tpm: 3500 }, documents: [product], binds: { tpm: 3500 } },
      { ask: { subscription_id: "core", tpm: 2500 }, documents: [product], binds: { tpm: 2500 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3500 },
      { team: "core", tpm: 2500 },
    ],
  },
  {
    name: "limits of the product and of the API, with different keys",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(tokenLimit(5000)),
        "api:chat": inbound(tokenLimit(8000, '@(context.Subscription.Id + "-" + context.Api.Id)')),
      },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] },
        { kind: "tpm", status: "value", value: 8000, document: api, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 9000 }, refused: /8,?000/ },
      { ask: { subscription_id: "growth", tpm: 6000 }, documents: [product], binds: { tpm: 6000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 6000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "a monthly quota beside a limit per minute",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000), tokenQuota(1_000_000, "Monthly", '@("month-" + context.Subscription.Id)')) },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] },
        { kind: "token_quota", status: "value", value: 1_000_000, period: "Monthly", document: product, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      {
        ask: { subscription_id: "growth", token_quota: 800_000, period: "Monthly" },
        documents: [product],
        texts: [
          'counter-key="@("month-" + context.Subscription.Id)" token-quota="800000" token-quota-period="Monthly"',
          'token-quota="1000000"',
        ],
      },
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 5000 },
    ],
  },
];
