import type { GatewayCase } from "./case.ts";
import { callLimit, choose, inbound, isTeam, tokenLimit } from "./elements.ts";

const product = "products/llm/policies/policy";
const api = "apis/chat/policies/policy";

/** Counters and documents that several teams stand behind. */
export const shared: readonly GatewayCase[] = [
  {
    name: "one counter for all teams of a product",
    gateway: { teams: { growth: "llm", core: "llm" }, inbound: { "product:llm": inbound(tokenLimit(5000, "@(context.Product.Id)")) } },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: ["core"] }],
      core: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: ["growth"] }],
    },
    binding: { growth: { tpm: 5000 }, core: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 8000 }, refused: /shared/ },
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: 4000 }, documents: [product], binds: { tpm: 4000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "P11: a limit for accounting alone above the teams' own",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "api:chat": inbound(tokenLimit(50_000_000, "APIMOpenAI")) },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, accounting: false },
        { kind: "tpm", status: "value", value: 50_000_000, document: api, accounting: true, shared_with: ["core"] },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } }],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "P11: a limit for accounting alone, and nothing else",
    gateway: { teams: { growth: "llm", core: "llm" }, inbound: { "api:chat": inbound(tokenLimit(50_000_000, "APIMOpenAI")) } },
    limits: { growth: [{ kind: "tpm", status: "value", value: 50_000_000, document: api, accounting: true }] },
    binding: { growth: { tpm: "none" } },
    calls: [{ team: "growth", tpm: null }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: 2000 }, binds: { tpm: 2000 } },
      { ask: { subscription_id: "growth", tpm: null }, override: ["limit_raise"], binds: { tpm: "none" } },
    ],
    callsAfter: [
      { team: "growth", tpm: null },
      { team: "core", tpm: null },
    ],
  },
  {
    name: "two limits with different keys: the team's and the product's",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000), tokenLimit(20_000, "@(context.Product.Id)")) },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] },
        { kind: "tpm", status: "value", value: 20_000, document: product, shared_with: ["core"] },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 30_000 }, refused: /20,?000/ },
      { ask: { subscription_id: "growth", tpm: 10_000 }, documents: [product], binds: { tpm: 10_000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 10_000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "product and API count under one key",
    gateway: {
      sku: "Developer",
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "api:chat": inbound(tokenLimit(5000)) },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] },
        { kind: "tpm", status: "value", value: 5000, document: api, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, refused: /apis\/chat#tpm\/1/ },
      { ask: { subscription_id: "growth", tpm: 3000, limit_id: "products/llm#tpm/1" }, documents: [product], binds: { tpm: 3000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 5000 },
    ],
  },
  {
    name: "the last team of an otherwise",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "api:chat": inbound(choose([isTeam("core"), tokenLimit(9000)], [null, tokenLimit(5000)]), callLimit(20, 10)) },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: api, conditional: false },
        { kind: "rpm", status: "value", value: 120, document: api },
      ],
    },
    binding: { growth: { tpm: 5000, rpm: 120 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 3000 },
        documents: [api],
        binds: { tpm: 3000 },
        texts: ["<otherwise>", 'tokens-per-minute="5000"'],
      },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 9000 },
    ],
  },
];
