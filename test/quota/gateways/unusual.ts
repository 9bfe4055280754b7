import { sandboxService } from "../../../src/sandbox/service.ts";
import type { GatewayCase } from "./case.ts";
import { callLimit, inbound, tokenLimit } from "./elements.ts";

const product = "products/llm/policies/policy";
const api = "apis/chat/policies/policy";

/** Subscriptions and counters that are not a product's ordinary ones. */
export const unusual: readonly GatewayCase[] = [
  {
    name: "P12: calls by key that count tokens, and a quota of calls",
    gateway: {
      sku: "Developer",
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "product:llm": inbound(
          callLimit(20, 60),
          '<quota-by-key calls="10000" renewal-period="3600" counter-key="@(context.Subscription.Id)" />',
        ),
      },
    },
    limits: {
      growth: [
        { kind: "rpm", status: "value", value: 20, document: product, shared_with: [] },
        { kind: "call_quota", status: "value", value: 10_000, period: "3600 s", document: product, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: "none", rpm: 20 } },
    calls: [{ team: "growth", rpm: 20 }],
    edits: [
      { ask: { subscription_id: "growth", rpm: 10 }, documents: [product], binds: { rpm: 10 } },
      { ask: { subscription_id: "growth", tpm: 3000 }, binds: { rpm: 10, tpm: 3000 }, texts: ["llm-token-limit"] },
    ],
    callsAfter: [
      { team: "growth", rpm: 10, tpm: 3000 },
      { team: "core", rpm: 20 },
    ],
  },
  {
    name: "a suspended subscription beside an active one",
    gateway: {
      teams: { growth: "llm", paused: { scope: "llm", state: "suspended" } },
      inbound: { "product:llm": inbound(tokenLimit(5000)) },
    },
    limits: { paused: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] }] },
    binding: { growth: { tpm: 5000 }, paused: { tpm: 5000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 }, texts: ["<otherwise>"] }],
    callsAfter: [{ team: "growth", tpm: 3000 }],
  },
  {
    name: "the all-access key meets no product's limit",
    gateway: {
      products: { llm: ["chat", "other"] },
      teams: { master: "service", growth: "llm", every: "apis", one: "api:chat" },
      inbound: { "product:llm": inbound(tokenLimit(5000)), "api:chat": inbound(tokenLimit(8000, '@("api-" + context.Subscription.Id)')) },
    },
    limits: {
      master: [{ kind: "tpm", status: "value", value: 8000, document: api, shared_with: [] }],
      one: [{ kind: "tpm", status: "value", value: 8000, document: api, shared_with: [] }],
    },
    binding: { growth: { tpm: 5000 }, one: { tpm: 8000 } },
    calls: [
      { team: "master", tpm: 8000 },
      { team: "master", api: "other", tpm: null },
      { team: "growth", tpm: 5000 },
      { team: "one", tpm: 8000 },
    ],
    edits: [
      { ask: { subscription_id: "one", tpm: 4000 }, documents: [api], binds: { tpm: 4000 } },
      { ask: { subscription_id: "growth", tpm: 6000 }, documents: [product], binds: { tpm: 6000 } },
    ],
    callsAfter: [
      { team: "one", tpm: 4000 },
      { team: "master", tpm: 8000 },
      { team: "growth", tpm: 6000 },
    ],
  },
  {
    name: "no limit yet: it goes behind authentication and before routing",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "api:chat": inbound(
          '<check-header name="api-key" failed-check-httpcode="401" failed-check-error-message="no key" ignore-case="true" />',
          '<set-backend-service backend-id="model" />',
        ),
      },
    },
    limits: { growth: [] },
    binding: { growth: { tpm: "none", rpm: "none" } },
    calls: [{ team: "growth", tpm: null }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: 4000 }, binds: { tpm: 4000 } },
      { ask: { subscription_id: "growth", rpm: 10 }, binds: { tpm: 4000, rpm: 10 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000, rpm: 10 },
      { team: "core", tpm: null },
    ],
  },
  {
    name: "a team of a workspace",
    gateway: {
      sku: "Premium",
      teams: { growth: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(5000)) },
      resources: {
        "workspaces/data": { displayName: "Data" },
        "workspaces/data/apis/chat": {
          displayName: "Chat",
          path: "data",
          apiRevision: "1",
          isCurrent: true,
          protocols: ["https"],
          subscriptionRequired: true,
        },
        "workspaces/data/apis/chat/policies/policy": {
          format: "rawxml",
          value: `<policies><inbound><base />${tokenLimit(2000)}</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
        },
        "workspaces/data/subscriptions/miners": {
          displayName: "Miners",
          scope: `${sandboxService.resourceId}/workspaces/data/apis/chat`,
          state: "active",
        },
      },
    },
    limits: {},
    binding: { growth: { tpm: 5000 } },
    edits: [
      { ask: { subscription_id: "Miners", tpm: 1000 }, refused: /workspace/ },
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } },
    ],
  },
];
