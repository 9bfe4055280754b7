import { describe, expect, it } from "vitest";
import { foundryEngine, setVariable } from "../foundry.ts";
import { choose, own, rateLimit, tokenLimit } from "../gateway-under-test.ts";
import { growth, header, quota, type Reading, read, twoProducts } from "./kit.ts";

describe("teamLimits", () => {
  it.each<Reading>([
    [
      "P1: a literal in the product's policy, which an all-access key does not meet",
      { teams: { growth: "aoai", core: "aoai", master: "service" }, inbound: { "product:aoai": `<base />\n${tokenLimit(200_000)}` } },
      { growth: ["tpm 200000", "products/aoai#tpm/1=200000"], core: ["tpm 200000", "products/aoai#tpm/1=200000"], master: [] },
    ],
    [
      "P1: the old name of the policy, with a quota in the same element",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `<azure-openai-token-limit counter-key="${own}" tokens-per-minute="5000" token-quota="100000" token-quota-period="Monthly" />`,
        },
      },
      {
        growth: ["tpm 5000", "token_quota 100000", "products/aoai#tpm/1=5000", "products/aoai#token_quota/1=100000 Monthly"],
      },
    ],
    [
      "P2: limits by deployment beside one of the whole product",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": [
            '<set-variable name="target" value="@((string)context.Request.MatchedParameters["deployment-id"])" />',
            choose(
              [
                '@((string)context.Variables["target"] == "gpt-4o")',
                tokenLimit(10_000, '@(context.Subscription.Id + "-" + context.Variables["target"])'),
              ],
              [
                '@((string)context.Variables["target"] == "chat")',
                tokenLimit(2000, '@(context.Subscription.Id + "-" + context.Variables["target"])'),
              ],
              [null, tokenLimit(1000, '@(context.Subscription.Id + "-default")')],
            ),
            tokenLimit(15_000, '@(context.Product?.Name?.ToString() ?? "Portal-Admin")'),
          ].join("\n"),
        },
      },
      {
        growth: [
          "tpm several",
          "products/aoai#tpm/1=10000 on gpt-4o if",
          "products/aoai#tpm/2=2000 on chat if",
          "products/aoai#tpm/3=1000 if",
          "products/aoai#tpm/4=15000",
        ],
      },
    ],
    [
      "P3: a choose by product in the API's policy",
      {
        teams: { growth: "gold", core: "silver", master: "service" },
        products: twoProducts,
        inbound: {
          "api:openai": choose(
            ['@((string)context.Product?.Id == "gold")', tokenLimit(5000)],
            ['@((string)context.Product?.Id == "silver")', tokenLimit(1000)],
            [null, tokenLimit(1)],
          ),
        },
      },
      {
        growth: ["tpm 5000", "apis/openai#tpm/1=5000"],
        core: ["tpm 1000", "apis/openai#tpm/2=1000"],
        master: ["tpm 1", "apis/openai#tpm/3=1"],
      },
    ],
    [
      "P4: a literal in the API's policy, base last",
      {
        teams: { growth: "aoai", direct: "api:openai", all: "apis" },
        inbound: { "api:openai": `${tokenLimit(100)}\n<base />`, global: rateLimit(10, 20) },
      },
      {
        growth: ["tpm 100", "rpm 30", "apis/openai#tpm/1=100", "global#rpm/1=30"],
        direct: ["tpm 100", "rpm 30", "apis/openai#tpm/1=100", "global#rpm/1=30"],
        all: ["tpm 100", "rpm 30", "apis/openai#tpm/1=100", "global#rpm/1=30"],
      },
    ],
    [
      "P5: a literal in a fragment, included through choose, and twice",
      {
        teams: { growth: "aoai", core: "aoai" },
        inbound: {
          "product:aoai": '<include-fragment fragment-id="limits" />',
          "api:openai": `<base />\n${choose([growth, '<include-fragment fragment-id="limits" />'])}`,
        },
        fragments: { limits: tokenLimit(500) },
      },
      { growth: ["tpm 500", "policyFragments/limits#tpm/1=500"], core: ["tpm 500", "policyFragments/limits#tpm/1=500"] },
    ],
    [
      "P6: an expression reads what a header decides, beside a limit for all",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": [
            tokenLimit(500, "GlobalTokensLimit"),
            '<set-variable name="limit" value="@(100)" />',
            choose([header, '<set-variable name="limit" value="@(400)" />']),
            tokenLimit('@((int)context.Variables["limit"])', "adaptive"),
          ].join("\n"),
        },
      },
      { growth: ["tpm several", "products/aoai#tpm/1=500", "products/aoai#tpm/2=100|400"] },
    ],
    [
      "P6: what is left at run time decides",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": [
            '<llm-token-limit counter-key="all" tokens-per-minute="500" remaining-tokens-variable-name="left" />',
            choose([
              header,
              `<set-variable name="limit" value="@{ var more = 10; if (context.Variables["left"] is int left && left > 0) { more += (int)(left * 0.1); } return more; }" />\n${tokenLimit('@((int)context.Variables["limit"])', "high")}`,
            ]),
          ].join("\n"),
        },
      },
      { growth: ["tpm 500", "products/aoai#tpm/1=500", "products/aoai#tpm/2=unknown if"] },
    ],
    [
      "P7: named values, whole, in part, missing and secret",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `${tokenLimit("{{tpm}}000")}\n${rateLimit("{{missing}}", 60)}\n${quota("{{hidden}}", "Daily")}\n<rate-limit calls="{{rpm}}" renewal-period="60" />`,
        },
        namedValues: { tpm: "7", hidden: null, rpm: "12" },
      },
      {
        growth: [
          "tpm 7000",
          "token_quota unknown",
          "rpm unknown",
          "products/aoai#tpm/1=7000",
          "products/aoai#rpm/1=unknown",
          "products/aoai#token_quota/1=unknown Daily",
          "products/aoai#rpm/2=12",
        ],
      },
    ],
    [
      "P8: a map in a named value, parsed by an expression",
      {
        teams: { growth: "aoai", core: "aoai", labs: "aoai" },
        inbound: {
          "product:aoai": [
            `<set-variable name="mine" value="@{ var all = JObject.Parse("{{tiers}}".Replace("'", "\\"")); return (string)(all[context.Subscription.Id] ?? all["default"]); }" />`,
            tokenLimit('@(int.Parse((string)context.Variables["mine"]))'),
          ].join("\n"),
        },
        namedValues: { tiers: "{'growth': '300', 'core': '200', 'default': '10'}" },
      },
      {
        growth: ["tpm 300", "products/aoai#tpm/1=300"],
        core: ["tpm 200", "products/aoai#tpm/1=200"],
        labs: ["tpm 10", "products/aoai#tpm/1=10"],
      },
    ],
    [
      "P8: quotas as tiers of literals that a map chooses",
      {
        teams: { growth: "aoai", core: "aoai" },
        inbound: {
          "product:aoai": [
            '<set-variable name="map" value="{{tiers}}" />',
            `<set-variable name="tier" value="@((string)JObject.Parse((string)context.Variables["map"])[context.Subscription.Id]?["tier"] ?? "small")" />`,
            choose(['@((string)context.Variables["tier"] == "large")', quota(1000, "Monthly")], [null, quota(10, "Daily")]),
          ].join("\n"),
        },
        namedValues: { tiers: '{"growth": {"tier": "large"}}' },
      },
      {
        growth: ["token_quota 1000", "products/aoai#token_quota/1=1000 Monthly"],
        core: ["token_quota 10", "products/aoai#token_quota/2=10 Daily"],
      },
    ],
    [
      "P9: a choose by subscription sets variables that one limit reads",
      {
        teams: { growth: "aoai", core: "aoai" },
        inbound: {
          "product:aoai": [
            choose(
              [
                growth,
                '<set-variable name="tpm" value="@(300)" />\n<set-variable name="quota" value="@(5000L)" />\n<set-variable name="period" value="Monthly" />',
              ],
              [
                null,
                '<set-variable name="tpm" value="@(20)" />\n<set-variable name="quota" value="@(100L)" />\n<set-variable name="period" value="Daily" />',
              ],
            ),
            `<llm-token-limit counter-key="${own}" tokens-per-minute="@((int)context.Variables["tpm"])" token-quota="@((long)context.Variables["quota"])" token-quota-period="@((string)context.Variables["period"])" estimate-prompt-tokens="true" />`,
          ].join("\n"),
        },
      },
      {
        growth: ["tpm 300", "token_quota 5000", "products/aoai#tpm/1=300", "products/aoai#token_quota/1=5000 Monthly"],
        core: ["tpm 20", "token_quota 100", "products/aoai#tpm/1=20", "products/aoai#token_quota/1=100 Daily"],
      },
    ],
    [
      "P10: Foundry's variables in the product's policy, read by the limits of the API's",
      {
        teams: { growth: "gold", core: "silver", labs: "plain" },
        products: { ...twoProducts, plain: ["openai"] },
        inbound: {
          "product:gold": `<base />\n${setVariable("tokenlimit-gpt-4o", "3000")}\n${setVariable("tokenquota-gpt-4o", "50000|Monthly")}\n${setVariable("tokenlimit-o3-mini", "700")}`,
          "product:silver": `<base />\n${setVariable("tokenquota-gpt-4o", "900|Hourly")}`,
          "api:openai": `<base />\n${foundryEngine}`,
        },
      },
      {
        growth: [
          "tpm several",
          "token_quota several",
          "apis/openai#tpm/4=3000 on gpt-4o if",
          "apis/openai#token_quota/4=50000 Monthly on gpt-4o if",
          "apis/openai#tpm/6=700 on o3-mini if",
        ],
        core: ["token_quota several", "apis/openai#token_quota/6=900 Hourly on gpt-4o if"],
        labs: [],
      },
    ],
    [
      "P11: a limit for accounting alone, above one that binds",
      {
        teams: { growth: "aoai", core: "api:openai" },
        inbound: { "product:aoai": tokenLimit(100), "api:openai": `<base />\n${tokenLimit(50_000_000, "APIMOpenAI")}` },
      },
      {
        growth: ["tpm 100", "products/aoai#tpm/1=100", "apis/openai#tpm/1=50000000 accounting"],
        core: ["apis/openai#tpm/1=50000000 accounting"],
      },
    ],
    [
      "P11: nothing but a large limit where each team has its own counter",
      { teams: { growth: "aoai" }, inbound: { "api:openai": tokenLimit(10_000_000) } },
      { growth: ["tpm 10000000", "apis/openai#tpm/1=10000000"] },
    ],
    [
      "P12: calls that count tokens of the response, and quotas of calls and bandwidth",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": [
            `<rate-limit-by-key calls="500" renewal-period="30" counter-key="${own}" increment-condition="@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 400)" increment-count="@(context.Response.Body.As<JObject>(true).SelectToken("usage.total_tokens").ToObject<int>())" />`,
            `<quota-by-key calls="5" renewal-period="300" counter-key="@(String.Concat(context.Subscription.Id,"-mt-product1"))" />`,
            '<quota bandwidth="40000" renewal-period="3600" />',
          ].join("\n"),
        },
      },
      {
        growth: [
          "tpm 1000",
          "call_quota 5",
          "products/aoai#tpm/1=1000",
          "products/aoai#call_quota/1=5 300 s",
          "products/aoai#call_quota/2=none 3600 s",
        ],
      },
    ],
  ])("reads %s", (_, shorthand, expected) => {
    expect(read(shorthand)).toEqual(expected);
  });
});
