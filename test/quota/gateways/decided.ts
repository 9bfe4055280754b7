import type { GatewayCase } from "./case.ts";
import { callLimit, choose, inbound, isTeam, tokenLimit, variable } from "./elements.ts";

const product = "products/llm/policies/policy";
const api = "apis/chat/policies/policy";

const map = `{"growth": 5000, "core": 2000, "default": 1000}`;
const foundryModels = ["gpt-4o", "gpt-4o-mini", "o3-mini"];

/** As the Foundry portal writes them: numbers in the product's policy, limits in the API's. */
const foundryLimit = (name: string): string =>
  tokenLimit(`@(int.Parse((string)context.Variables["tokenlimit-${name}"]))`, `@("product/" + context.Product.Id + "/deployment/${name}")`);

/** Numbers that stand elsewhere than in the element that limits. */
export const decided: readonly GatewayCase[] = [
  {
    name: "P6: an expression reads a variable that a header decides",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: {
        "api:chat": inbound(
          variable("higherLimit", 1000),
          choose([`@(context.Request.Headers.GetValueOrDefault("x-tier", "") == "gold")`, variable("higherLimit", 5000)]),
          tokenLimit(`@(Convert.ToInt32((string)context.Variables["higherLimit"]))`),
        ),
      },
    },
    limits: { growth: [{ kind: "tpm", status: "several", values: [1000, 5000], document: api, shared_with: [] }] },
    binding: { growth: { tpm: "several" } },
    calls: [
      { team: "growth", tpm: 1000 },
      { team: "growth", tpm: 5000, headers: { "x-tier": "gold" } },
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, refused: /higherLimit|x-tier/ }],
  },
  {
    name: "P6: an expression chooses the number itself",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit(`@(context.Subscription.Id == "growth" ? 5000 : 1000)`)) },
    },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: [], editable: true }],
      core: [{ kind: "tpm", status: "value", value: 1000, document: product, shared_with: [], editable: true }],
    },
    binding: { growth: { tpm: 5000 }, core: { tpm: 1000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "core", tpm: 1000 },
    ],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 } }],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 1000 },
    ],
  },
  {
    name: "P7: named values, behind which several teams stand",
    gateway: {
      teams: { growth: "llm", core: "llm" },
      inbound: { "product:llm": inbound(tokenLimit("{{tpm}}"), callLimit("{{rpm}}", 60)) },
      namedValues: { tpm: "5000", rpm: "10" },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: product, shared_with: [] },
        { kind: "rpm", status: "value", value: 10, document: product, shared_with: [] },
      ],
    },
    binding: { growth: { tpm: 5000, rpm: 10 } },
    calls: [{ team: "growth", tpm: 5000, rpm: 10 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000, rpm: 10 }, texts: ["{{tpm}}"] },
      { ask: { subscription_id: "growth", rpm: 8 }, documents: [product], binds: { tpm: 3000, rpm: 8 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000, rpm: 8 },
      { team: "core", tpm: 5000, rpm: 10 },
    ],
  },
  {
    name: "P7: a named value that one team alone stands behind",
    gateway: {
      products: { llm: ["chat"], trial: ["chat"] },
      teams: { growth: "llm", labs: "trial" },
      inbound: { "product:llm": inbound(tokenLimit("{{llm-tpm}}")), "product:trial": inbound(tokenLimit("{{trial-tpm}}")) },
      namedValues: { "llm-tpm": "5000", "trial-tpm": "1000" },
    },
    limits: { growth: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: [], editable: true }] },
    binding: { growth: { tpm: 5000 }, labs: { tpm: 1000 } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: ["namedValues/llm-tpm"], binds: { tpm: 3000 } },
      { ask: { subscription_id: "growth", tpm: 4000 }, documents: ["namedValues/llm-tpm"], binds: { tpm: 4000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000 },
      { team: "labs", tpm: 1000 },
    ],
  },
  {
    name: "P7: a secret named value",
    gateway: {
      teams: { growth: "llm" },
      inbound: { "product:llm": inbound(tokenLimit("{{hidden}}")) },
      namedValues: { hidden: { secret: "5000" } },
    },
    limits: { growth: [{ kind: "tpm", status: "unknown", document: product, editable: false }] },
    binding: { growth: { tpm: "unknown" } },
    calls: [{ team: "growth", tpm: 5000 }],
    edits: [{ ask: { subscription_id: "growth", tpm: 3000 }, refused: /hidden/ }],
  },
  {
    name: "P8: a map in a named value, from callers to numbers",
    gateway: {
      teams: { growth: "llm", core: "llm", search: "llm" },
      inbound: {
        "api:chat": inbound(
          variable("tiers", "{{tiers}}"),
          variable(
            "tpm",
            `@{ var tiers = JObject.Parse((string)context.Variables["tiers"]); var found = tiers[context.Subscription.Id] ?? tiers["default"]; return found.Value<int>(); }`,
          ),
          tokenLimit(`@((int)context.Variables["tpm"])`),
        ),
      },
      namedValues: { tiers: map },
    },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: api, shared_with: [], editable: true }],
      search: [{ kind: "tpm", status: "value", value: 1000, document: api, shared_with: [] }],
    },
    binding: { growth: { tpm: 5000 }, core: { tpm: 2000 }, search: { tpm: 1000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "core", tpm: 2000 },
      { team: "search", tpm: 1000 },
    ],
    edits: [
      {
        ask: { subscription_id: "growth", tpm: 3000 },
        documents: ["namedValues/tiers"],
        binds: { tpm: 3000 },
        texts: [`{"growth": 3000, "core": 2000, "default": 1000}`],
      },
      { ask: { subscription_id: "growth", tpm: 4000 }, documents: ["namedValues/tiers"], binds: { tpm: 4000 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000 },
      { team: "core", tpm: 2000 },
      { team: "search", tpm: 1000 },
    ],
  },
  {
    name: "P9: a choose sets a variable for each team, one limit reads it",
    gateway: {
      teams: { growth: "llm", core: "llm", search: "llm" },
      inbound: {
        "product:llm": inbound(
          choose([isTeam("growth"), variable("tpm", 5000)], [isTeam("core"), variable("tpm", 2000)], [null, variable("tpm", 1000)]),
          tokenLimit(`@(int.Parse((string)context.Variables["tpm"]))`),
        ),
      },
    },
    limits: {
      growth: [{ kind: "tpm", status: "value", value: 5000, document: product, shared_with: [], editable: true }],
      search: [{ kind: "tpm", status: "value", value: 1000, document: product, shared_with: [] }],
    },
    binding: { growth: { tpm: 5000 }, core: { tpm: 2000 }, search: { tpm: 1000 } },
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "search", tpm: 1000 },
    ],
    edits: [
      { ask: { subscription_id: "growth", tpm: 3000 }, documents: [product], binds: { tpm: 3000 }, texts: ['name="tpm" value="3000"'] },
      { ask: { subscription_id: "search", tpm: 1500 }, documents: [product], binds: { tpm: 1500 } },
    ],
    callsAfter: [
      { team: "growth", tpm: 3000 },
      { team: "core", tpm: 2000 },
      { team: "search", tpm: 1500 },
    ],
  },
  {
    name: "P10: variables of the product, limits of the API for each deployment",
    gateway: {
      products: { llm: ["chat"], trial: ["chat"] },
      teams: { growth: "llm", labs: "trial" },
      inbound: {
        "product:llm": inbound(...foundryModels.map((name, index) => variable(`tokenlimit-${name}`, 5000 - 1000 * index))),
        "product:trial": inbound(variable("tokenlimit-gpt-4o", 1000)),
        "api:chat": inbound(
          choose(
            ...foundryModels.map(
              (name) =>
                [
                  `@(context.Request.MatchedParameters["deployment-id"] == "${name}" && context.Variables.ContainsKey("tokenlimit-${name}"))`,
                  foundryLimit(name),
                ] as const,
            ),
          ),
        ),
      },
    },
    limits: {
      growth: [
        { kind: "tpm", status: "value", value: 5000, document: api, deployment: "gpt-4o", shared_with: [] },
        { kind: "tpm", status: "value", value: 4000, document: api, deployment: "gpt-4o-mini", shared_with: [] },
        { kind: "tpm", status: "value", value: 3000, document: api, deployment: "o3-mini", shared_with: [] },
      ],
      labs: [{ kind: "tpm", status: "value", value: 1000, document: api, deployment: "gpt-4o", shared_with: [] }],
    },
    binding: {},
    calls: [
      { team: "growth", tpm: 5000 },
      { team: "growth", deployment: "o3-mini", tpm: 3000 },
      { team: "labs", tpm: 1000 },
      { team: "labs", deployment: "o3-mini", tpm: null },
    ],
    edits: [
      { ask: { subscription_id: "growth", tpm: 2000 }, refused: /gpt-4o-mini/ },
      {
        ask: { subscription_id: "growth", tpm: 4000, limit_id: "apis/chat#tpm/1" },
        documents: [product],
        texts: ['name="tokenlimit-gpt-4o" value="4000"'],
      },
    ],
    callsAfter: [
      { team: "growth", tpm: 4000 },
      { team: "growth", deployment: "o3-mini", tpm: 3000 },
      { team: "labs", tpm: 1000 },
    ],
  },
];
