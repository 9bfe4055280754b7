import { describe, expect, it } from "vitest";
import { subscriptionName } from "../../src/gateway/model.ts";
import { loadGrammar } from "../../src/grammar.ts";
import type { Binding, Limit, LimitAmount, TeamLimits } from "../../src/quota/limit.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { foundryEngine, setVariable } from "./foundry.ts";
import { choose, gateway, own, rateLimit, type Shorthand, tokenLimit, withoutMark } from "./gateway-under-test.ts";

const csharp = await loadGrammar();

const teamsOf = (shorthand: Shorthand): readonly TeamLimits[] => teamLimits(gateway(shorthand), csharp);

function teamOf(shorthand: Shorthand, name: string): TeamLimits {
  const team = teamsOf(shorthand).find(({ subscription }) => subscriptionName(subscription) === name);
  if (team === undefined) throw new Error(`no team ${name}`);
  return team;
}

function limitOf(shorthand: Shorthand, name: string, index = 0): Limit {
  const limit = teamOf(shorthand, name).limits[index];
  if (limit === undefined) throw new Error(`${name} has no limit`);
  return limit;
}

const amountText = (amount: LimitAmount): string =>
  amount.status === "value" ? String(amount.value) : amount.status === "several" ? amount.values.join("|") : amount.status;

const bindingText = ({ status, value }: Binding): string => (status === "value" ? String(value) : status);

/** `apis/openai#tpm/1=500 Monthly on gpt-4o, if`: `if` where it is under a condition. */
function limitText({ limitId, amount, period, deployment, conditions, apiIds, operations, accounting, perCall }: Limit): string {
  return [
    `${withoutMark(limitId)}=${amountText(amount)}`,
    ...(period === undefined ? [] : [period]),
    ...(deployment === undefined ? [] : [`on ${deployment}`]),
    ...(apiIds === null ? [] : [`of ${apiIds.join("+")}`]),
    ...(operations === null ? [] : [`for ${operations.join("+")}`]),
    ...(perCall === undefined ? [] : [`per ${perCall}`]),
    ...(accounting ? ["accounting"] : []),
    ...(conditions.length === 0 ? [] : ["if"]),
  ].join(" ");
}

/** Of every team: what binds, as `tpm 500`, and its limits. */
function read(shorthand: Shorthand): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    teamsOf(shorthand).map(({ subscription, binding, limits }) => [
      subscriptionName(subscription),
      [
        ...Object.entries(binding).flatMap(([kind, found]) => (found.status === "none" ? [] : [`${kind} ${bindingText(found)}`])),
        ...limits.map(limitText),
      ],
    ]),
  );
}

const growth = '@(context.Subscription.Id == "growth")';
const header = '@(context.Request.Headers.ContainsKey("x"))';
const deployment = (name: string) => `@((string)context.Request.MatchedParameters["deployment-id"] == "${name}")`;
const quota = (tokens: number | string, period: string, key = own) =>
  `<llm-token-limit counter-key="${key}" token-quota="${tokens}" token-quota-period="${period}" estimate-prompt-tokens="true" />`;

const twoProducts = { gold: ["openai"], silver: ["openai"] };

describe("teamLimits", () => {
  it.each<[string, Shorthand, Readonly<Record<string, readonly string[]>>]>([
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
    [
      "a limit that counts something else than calls or tokens",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `<rate-limit-by-key calls="9" renewal-period="60" counter-key="k" increment-count="@(context.Request.Method == "POST" ? 1 : 2)" />`,
        },
      },
      { growth: ["rpm unknown", "products/aoai#rpm/1=unknown"] },
    ],
    [
      "a limit that counts only some calls",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `<rate-limit-by-key calls="9" renewal-period="60" counter-key="k" increment-condition="@(context.Response.StatusCode == 200)" />`,
        },
      },
      { growth: ["rpm several", "products/aoai#rpm/1=9 if"] },
    ],
    [
      "limits of single APIs and operations in a rate-limit and a quota",
      {
        teams: { growth: "aoai" },
        products: { aoai: ["openai", "search"] },
        inbound: {
          "product:aoai": `<rate-limit calls="100" renewal-period="60">\n<api id="openai" calls="10" renewal-period="60"><operation id="chat" calls="2" renewal-period="60" /></api>\n<api name="none" calls="1" renewal-period="60" />\n</rate-limit>\n<quota calls="1000" renewal-period="604800"><api name="SEARCH" calls="7" renewal-period="0" /></quota>`,
        },
      },
      {
        growth: [
          "rpm several",
          "call_quota several",
          "products/aoai#rpm/1=100",
          "products/aoai#rpm/2=10 of openai",
          "products/aoai#rpm/3=2 of openai for openai/chat",
          "products/aoai#call_quota/1=1000 604800 s",
          "products/aoai#call_quota/2=7 endless of search",
        ],
      },
    ],
    [
      "limits that differ by API, of a key for all of them",
      {
        teams: { all: "apis" },
        products: { aoai: ["chat", "images", "free"] },
        inbound: { "api:chat": tokenLimit(100), "api:images": tokenLimit(50) },
      },
      { all: ["tpm several", "apis/chat#tpm/1=100 of chat", "apis/images#tpm/1=50 of images"] },
    ],
    [
      "one limit that comes to another number on each API",
      {
        teams: { all: "apis" },
        products: { aoai: ["chat", "images"] },
        inbound: { global: tokenLimit('@(context.Api.Id == "chat" ? 100 : 50)') },
      },
      { all: ["tpm several", "global#tpm/1@chat=100 of chat", "global#tpm/1@images=50 of images"] },
    ],
    [
      "no base: broader scopes are left out",
      { teams: { growth: "aoai" }, inbound: { "api:openai": rateLimit(5, 60), "product:aoai": tokenLimit(100), global: rateLimit(1, 60) } },
      { growth: ["rpm 5", "apis/openai#rpm/1=5"] },
    ],
    [
      "an operation's own limit, which binds that operation only",
      {
        teams: { growth: "aoai" },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "api:openai": `<base />\n${tokenLimit(100)}` },
      },
      { growth: ["tpm several", "apis/openai#tpm/1=100", "apis/openai/operations/chat#tpm/1=10 for openai/chat"] },
    ],
    [
      "what stands behind a condition that cannot be decided, when and otherwise",
      {
        teams: { growth: "aoai", core: "aoai" },
        inbound: { "product:aoai": choose([header, tokenLimit(1)], [growth, tokenLimit(2)], [null, tokenLimit(3)]) },
      },
      {
        growth: ["tpm several", "products/aoai#tpm/1=1 if", "products/aoai#tpm/2=2 if"],
        core: ["tpm several", "products/aoai#tpm/1=1 if", "products/aoai#tpm/3=3 if"],
      },
    ],
    [
      "a sure limit with an unknown number, which may be the smallest",
      {
        teams: { growth: "aoai" },
        inbound: { "product:aoai": `${tokenLimit(5)}\n${tokenLimit("{{hidden}}", "k")}` },
        namedValues: { hidden: null },
      },
      { growth: ["tpm unknown", "products/aoai#tpm/1=5", "products/aoai#tpm/2=unknown"] },
    ],
    [
      "several numbers of which only some are below a known one",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `<set-variable name="n" value="@(10)" />\n${choose([header, '<set-variable name="n" value="@(90)" />'])}\n${tokenLimit('@((int)context.Variables["n"])')}\n${tokenLimit(5, "k")}`,
        },
      },
      { growth: ["tpm 5", "products/aoai#tpm/1=10|90", "products/aoai#tpm/2=5"] },
    ],
    [
      "a product without an API, and a suspended team",
      { teams: { growth: "empty" }, suspended: ["growth"], products: { empty: [] }, inbound: { "product:empty": tokenLimit(3) } },
      { growth: ["tpm 3", "products/empty#tpm/1=3"] },
    ],
    [
      "teams of a workspace, by their own policies and the global one",
      {
        teams: { growth: "aoai" },
        workspaces: { data: { teams: { growth: "tools", all: "apis" }, products: { tools: ["search"] } } },
        inbound: {
          global: rateLimit(9, 60),
          "data/": `<base />\n${tokenLimit(40)}`,
          "data/product:tools": `<base />\n${tokenLimit(30)}`,
          "data/api:search": `<base />\n${tokenLimit(20)}`,
        },
      },
      {
        growth: ["rpm 9", "global#rpm/1=9"],
        "workspaces/data/subscriptions/growth": [
          "tpm 20",
          "rpm 9",
          "global#rpm/1=9",
          "workspaces/data#tpm/1=40",
          "workspaces/data/products/tools#tpm/1=30",
          "workspaces/data/apis/search#tpm/1=20",
        ],
        "workspaces/data/subscriptions/all": [
          "tpm 20",
          "rpm 9",
          "global#rpm/1=9",
          "workspaces/data#tpm/1=40",
          "workspaces/data/apis/search#tpm/1=20",
        ],
      },
    ],
    [
      "the only operation's own limit: it surely binds",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat"] },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "product:aoai": tokenLimit(100, "p") },
      },
      { growth: ["tpm 10", "products/aoai#tpm/1=100", "apis/openai/operations/chat#tpm/1=10"] },
    ],
    [
      "all operations without base: broader limits are met by no call",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb"] },
        inbound: { "operation:openai/chat": "", "operation:openai/emb": tokenLimit(10), "product:aoai": tokenLimit(100) },
      },
      { growth: ["tpm several", "apis/openai/operations/emb#tpm/1=10 for openai/emb"] },
    ],
    [
      "one operation without base: broader limits are for the others",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb", "img"] },
        inbound: { "operation:openai/chat": "", "product:aoai": tokenLimit(100) },
      },
      { growth: ["tpm several", "products/aoai#tpm/1=100 for openai but chat"] },
    ],
    [
      "operations that are named by their name and by their id",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb"] },
        inbound: {
          "product:aoai":
            '<rate-limit calls="100" renewal-period="60"><api id="openai" calls="10" renewal-period="60"><operation name="operation CHAT" calls="2" renewal-period="60" /><operation id="emb" calls="3" renewal-period="60" /></api></rate-limit>',
        },
      },
      {
        growth: [
          "rpm several",
          "products/aoai#rpm/1=100",
          "products/aoai#rpm/2=10 of openai",
          "products/aoai#rpm/3=2 of openai for openai/chat",
          "products/aoai#rpm/4=3 of openai for openai/emb",
        ],
      },
    ],
    [
      "a counter for each value of a header, alone and beside another",
      {
        teams: { growth: "aoai", core: "api:openai" },
        inbound: {
          "api:openai": `<base />\n${tokenLimit(7, '@(context.Request.Headers.GetValueOrDefault("x", ""))')}`,
          "product:aoai": tokenLimit(9),
        },
      },
      {
        growth: ["tpm 9", "products/aoai#tpm/1=9", "apis/openai#tpm/1=7 per header 'x'"],
        core: ["tpm unknown", "apis/openai#tpm/1=7 per header 'x'"],
      },
    ],
    [
      "branches that always apply, one of them unknown and one below the limit for all",
      {
        teams: { growth: "aoai" },
        inbound: { "product:aoai": `${tokenLimit(50)}\n${choose([header, tokenLimit("{{hidden}}", "h")], [null, tokenLimit(10, "l")])}` },
        namedValues: { hidden: null },
      },
      { growth: ["tpm several", "products/aoai#tpm/1=50", "products/aoai#tpm/2=unknown if", "products/aoai#tpm/3=10 if"] },
    ],
    [
      "branches that always apply, one of them unknown, and the same without the other",
      {
        teams: { growth: "aoai", core: "other" },
        products: { aoai: ["openai"], other: ["openai"] },
        inbound: {
          "product:aoai": `${tokenLimit(50)}\n${choose([header, tokenLimit("{{hidden}}", "h")], [null, tokenLimit(90, "l")])}`,
          "product:other": `${tokenLimit(50)}\n${choose([header, tokenLimit("{{hidden}}", "h")])}`,
        },
        namedValues: { hidden: null },
      },
      {
        growth: ["tpm several", "products/aoai#tpm/1=50", "products/aoai#tpm/2=unknown if", "products/aoai#tpm/3=90 if"],
        core: ["tpm 50", "products/other#tpm/1=50", "products/other#tpm/2=unknown if"],
      },
    ],
    [
      "branches that always apply to the same number",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": choose([header, tokenLimit(10, "h")], [null, tokenLimit(10, "l")]) } },
      { growth: ["tpm 10", "products/aoai#tpm/1=10 if", "products/aoai#tpm/2=10 if"] },
    ],
    [
      "a branch above the limit for all, which never binds",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": `${tokenLimit(50)}\n${choose([header, tokenLimit(90, "h")])}` } },
      { growth: ["tpm 50", "products/aoai#tpm/1=50", "products/aoai#tpm/2=90 if"] },
    ],
    [
      "a quota of tokens by calls, a call that counts twice, and rates of other periods",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": [
            `<quota-by-key calls="5000" renewal-period="86400" counter-key="${own}" increment-count="@(context.Response.Body.As<JObject>()["usage"].Value<int>("total_tokens"))" />`,
            `<quota-by-key calls="21" renewal-period="60" counter-key="k" increment-count="2" />`,
            `<rate-limit-by-key calls="20" renewal-period="60" counter-key="l" increment-count="2" />`,
            rateLimit(1, 90),
          ].join("\n"),
        },
      },
      {
        growth: [
          "token_quota 5000",
          "rpm 0.67",
          "call_quota 10",
          "products/aoai#token_quota/1=5000 86400 s",
          "products/aoai#call_quota/1=10 60 s",
          "products/aoai#rpm/1=10",
          "products/aoai#rpm/2=0.67",
        ],
      },
    ],
    ["nothing", { teams: { growth: "aoai" }, inbound: {} }, { growth: [] }],
  ])("reads %s", (_, shorthand, expected) => {
    expect(read(shorthand)).toEqual(expected);
  });

  it("says where a limit stands, when it applies and who else meets it", () => {
    const shorthand = { teams: { growth: "aoai", core: "aoai", other: "x" }, products: { aoai: ["openai"], x: ["openai"] } };
    const limit = limitOf({ ...shorthand, inbound: { "product:aoai": `<base />\n${choose([header, tokenLimit(7)])}` } }, "growth");
    expect(limit).toMatchObject({
      limitId: expect.stringMatching(/^products\/aoai#tpm\/1\.[0-9a-z]{4}$/),
      kind: "tpm",
      amount: { status: "value", value: 7 },
      document: "products/aoai/policies/policy",
      line: 6,
      scope: "product 'aoai'",
      conditions: [{ text: 'context.Request.Headers.ContainsKey("x")', negated: false, inputs: [{ what: "header", name: "x" }] }],
      counterKey: own,
      counterGroup: new Set(["growth"]),
      numberGroup: new Set(["growth", "core"]),
      gateways: 1,
      number: { document: "products/aoai/policies/policy", line: 6, origin: { text: "attribute", attribute: "tokens-per-minute" } },
      editable: true,
    });
    expect(limit.number.element).toBe(limit.element);
  });

  it("keeps a rate as it is written, and says what a quota lets through besides", () => {
    const inbound = {
      "product:aoai": `${rateLimit(7, 90)}\n${rateLimit(5, 60, "x")}\n<quota calls="9" bandwidth="40000" renewal-period="3600" />`,
    };
    const { limits } = teamOf({ teams: { growth: "aoai" }, inbound }, "growth");
    expect(limits.map(({ amount, written, bandwidth }) => ({ amount, written, bandwidth }))).toEqual([
      { amount: { status: "value", value: 4.67 }, written: { calls: 7, renewalSeconds: 90 }, bandwidth: undefined },
      { amount: { status: "value", value: 5 }, written: undefined, bandwidth: undefined },
      { amount: { status: "value", value: 9 }, written: undefined, bandwidth: "40000" },
    ]);
  });

  it.each<[string, number | "unknown", Partial<Shorthand>, string]>([
    ["each region", 3, { regions: ["East US", "West Europe", "Japan East"] }, "growth"],
    ["each self-hosted one", 3, { selfHosted: 2 }, "growth"],
    ["those that cannot be listed", "unknown", { selfHosted: "unknown" }, "growth"],
    ["those of a workspace", "unknown", { workspaces: { data: { teams: { mine: "apis" } } } }, "workspaces/data/subscriptions/mine"],
  ])("knows the gateways that count for themselves: %s", (_, gateways, more, name) => {
    expect(limitOf({ teams: { growth: "aoai" }, inbound: { global: tokenLimit(7) }, ...more }, name).gateways).toBe(gateways);
  });

  it.each<[string, string, readonly string[], (readonly string[])?]>([
    ["the subscription", own, ["growth"]],
    ["the subscription and more", '@(context.Subscription?.Id + "-chat")', ["growth"]],
    ["the subscription, in another way", '@($"{context.Subscription.Id}/chat")', ["growth"]],
    ["the subscription's name", "@(context.Subscription.Name)", ["growth"]],
    ["the subscription's key", "@(context.Subscription.Key)", ["growth"]],
    ["the subscription and the deployment", '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])', ["growth"]],
    ["the subscription and a header", '@(context.Subscription.Id + context.Request.Headers.GetValueOrDefault("x", ""))', ["growth"]],
    ["the product", "@(context.Product?.Name)", ["growth", "core"]],
    ["the deployment", '@(context.Request.MatchedParameters["deployment-id"])', ["growth", "core", "other"]],
    ["the API", "@(context.Api.Id)", ["growth", "core", "other"]],
    ["a constant", "all", ["growth", "core", "other"]],
    ["a named value", "{{key}}", ["growth", "core", "other"]],
    ["the owner", "@(context.User?.Id)", ["growth", "other"]],
    ["the owner or the subscription", "@(context.User?.Id ?? context.Subscription.Id)", ["growth", "other"]],
    ["something of the owner", "@(context.User?.Email)", ["growth"], ["growth", "other"]],
    ["a header", '@(context.Request.Headers.GetValueOrDefault("x", ""))', ["growth"], ["growth", "core", "other"]],
    ["one of two by a header", '@(context.Request.Headers.ContainsKey("x") ? "a" : "b")', ["growth"], ["growth", "core", "other"]],
    [
      "the key's header",
      '@(context.Request.Headers.GetValueOrDefault("Ocp-Apim-Subscription-Key", "anon"))',
      ["growth"],
      ["growth", "core", "other"],
    ],
    ["an address", "@(context.Request.IpAddress)", ["growth"], ["growth", "core", "other"]],
    [
      "a claim",
      '@(context.Request.Headers.GetValueOrDefault("Authorization", "").AsJwt()?.Subject)',
      ["growth"],
      ["growth", "core", "other"],
    ],
    [
      "the product and a header",
      '@(context.Product?.Id + context.Request.Headers.GetValueOrDefault("x", ""))',
      ["growth"],
      ["growth", "core"],
    ],
    ["a part of the subscription's id", '@(context.Subscription.Id == "growth" ? "a" : "b")', ["growth"]],
  ])("knows who shares a counter of %s, and who may", (_, key, group, may = []) => {
    const teams = { growth: "aoai", core: "aoai", other: "x" };
    const shorthand = {
      teams,
      owners: { growth: "ann", other: "ann" },
      products: { aoai: ["openai"], x: ["openai"] },
      namedValues: { key: "k" },
    };
    const inline = limitOf({ ...shorthand, inbound: { "api:openai": tokenLimit(7, key) } }, "growth");
    const variable = `<set-variable name="k" value="${key}" />`;
    const held = limitOf(
      { ...shorthand, inbound: { "api:openai": `${variable}\n${tokenLimit(7, '@((string)context.Variables["k"])')}` } },
      "growth",
    );
    for (const limit of [inline, held]) {
      expect([...limit.counterGroup].toSorted()).toEqual(group.toSorted());
      expect([...(limit.mayShare ?? [])].toSorted()).toEqual(may.toSorted());
      expect([...limit.numberGroup].toSorted()).toEqual(["core", "growth", "other"]);
      expect(limit.editable).toBe(group.length === 1 && may.length < 2);
    }
  });

  it("says of one who surely has a counter that others may come to it", () => {
    const inbound = {
      "product:a": tokenLimit(7, "k"),
      "product:b": tokenLimit(7, '@(context.Request.Headers.ContainsKey("x") ? "k" : "l")'),
      "product:c": tokenLimit(7, "m"),
    };
    const shorthand = { teams: { one: "a", two: "b", three: "c" }, products: { a: [], b: [], c: [] }, inbound };
    const groups = ["one", "two", "three"].map((name) => limitOf(shorthand, name));
    expect(groups.map(({ counterGroup }) => [...counterGroup])).toEqual([["one"], ["two"], ["three"]]);
    expect(groups.map(({ mayShare }) => mayShare && [...mayShare].toSorted())).toEqual([["one", "two"], ["one", "two"], undefined]);
  });

  it("sees a counter that documents share, by what their keys come to", () => {
    const inbound = {
      "product:a": tokenLimit(7, "all"),
      "product:b": tokenLimit(8, '@("a" + "ll")'),
      "product:c": rateLimit(8, 60, "all"),
      "product:d": `<set-variable name="k" value="al" />\n${quota(5, "Daily", '@((string)context.Variables["k"] + "l")')}`,
    };
    const products = { a: [], b: [], c: [], d: [] };
    const groups = teamsOf({ teams: { one: "a", two: "b", three: "c", four: "d" }, products, inbound }).map(
      ({ limits }) => limits[0]?.counterGroup,
    );
    expect(groups[0]).toEqual(new Set(["one", "two", "four"]));
    expect(groups[1]).toBe(groups[0]);
    expect(groups[2]).toEqual(new Set(["three"]));
    expect(groups[3]).toBe(groups[0]);
  });

  it("joins the counters of one limit on several ways", () => {
    const products = { a: ["one", "two"], b: ["two"], c: ["three"] };
    const inbound = { global: tokenLimit(7, "@(context.Api.Id)") };
    const teams = { both: "a", second: "b", third: "c", own: "api:one" };
    expect(limitOf({ teams, products, inbound }, "both").counterGroup).toEqual(new Set(["both", "second", "own"]));
    expect(limitOf({ teams, products, inbound }, "second").counterGroup).toEqual(new Set(["both", "second"]));
    expect(limitOf({ teams, products, inbound }, "third").counterGroup).toEqual(new Set(["third"]));
  });

  it("counts callers without a subscription among those who meet an open API's limit", () => {
    const inbound = { "api:openai": `${tokenLimit(7)}\n${tokenLimit(8, "all")}\n<rate-limit calls="3" renewal-period="60" />` };
    const [first, second, third] = teamOf({ teams: { growth: "aoai" }, open: ["openai"], inbound }, "growth").limits;
    expect(first?.numberGroup).toEqual(new Set(["growth", "(callers without a subscription)"]));
    expect(first?.counterGroup).toEqual(new Set(["growth"]));
    expect(second?.counterGroup).toEqual(new Set(["growth", "(callers without a subscription)"]));
    expect(third?.numberGroup).toEqual(new Set(["growth"]));
  });

  it.each<[string, Partial<Shorthand>, Readonly<Record<string, readonly string[]>>, Partial<Limit["number"]>]>([
    [
      "the set-variable that a limit reads",
      {
        inbound: {
          "product:aoai": `${choose([growth, setVariable("n", "5")], [null, setVariable("n", "6")])}\n${tokenLimit('@(int.Parse((string)context.Variables["n"]))')}`,
        },
      },
      { growth: ["growth"], core: ["core", "labs"] },
      { document: "products/aoai/policies/policy", line: 5 },
    ],
    [
      "a named value that several policies use",
      { inbound: { "product:aoai": tokenLimit("{{tpm}}"), "product:lab": tokenLimit("{{tpm}}", "x") }, namedValues: { tpm: "5" } },
      { growth: ["core", "growth", "labs", "other"], other: ["core", "growth", "labs", "other"] },
      { document: "namedValues/tpm", line: 1, element: null },
    ],
    [
      "an entry of a map",
      {
        inbound: { "product:aoai": tokenLimit('@((int)JObject.Parse("{{map}}")[context.Subscription.Id])') },
        namedValues: { map: "{'growth': 5, 'core': 6, 'labs': 6}" },
      },
      { growth: ["growth"], core: ["core"] },
      { document: "namedValues/map", line: 1, element: null },
    ],
    [
      "a fragment that two APIs include",
      {
        inbound: {
          "product:aoai": '<include-fragment fragment-id="f" />',
          "product:lab": '<include-fragment fragment-id="f" />',
        },
        fragments: { f: tokenLimit(5) },
      },
      { growth: ["core", "growth", "labs", "other"] },
      { document: "policyFragments/f", line: 2 },
    ],
  ])("knows for whom a number decides: %s", (_, more, groups, number) => {
    const teams = { growth: "aoai", core: "aoai", labs: "aoai", other: "lab" };
    const shorthand = { teams, products: { aoai: ["openai"], lab: ["openai"] }, inbound: {}, ...more };
    expect(Object.fromEntries(Object.keys(groups).map((name) => [name, [...limitOf(shorthand, name).numberGroup].toSorted()]))).toEqual(
      groups,
    );
    const limit = limitOf(shorthand, "growth");
    expect(limit.number).toMatchObject(number);
    expect(limit.number.origin).not.toBeNull();
    expect(limit.editable).toBe(true);
  });

  it.each<[string, RegExp, Partial<Shorthand>]>([
    ["its counter is shared", /its counter all is shared with core/, { inbound: { "product:aoai": tokenLimit(5, "all") } }],
    [
      "a secret decides it",
      /the named value 'hidden' is secret/,
      { inbound: { "product:aoai": tokenLimit("{{hidden}}") }, namedValues: { hidden: null } },
    ],
    ["a missing value decides it", /the named value 'gone' does not exist/, { inbound: { "product:aoai": tokenLimit("{{gone}}") } }],
    ["its document is not well-formed", /not well-formed/, { inbound: { "product:aoai": `${tokenLimit(5)}\n<trace` } }],
    [
      "what the call brings along decides it",
      /the header 'x'/,
      { inbound: { "product:aoai": tokenLimit('@(int.Parse(context.Request.Headers.GetValueOrDefault("x", "1")))') } },
    ],
    [
      "it holds limits of single APIs",
      /limits of its own for single APIs/,
      {
        inbound: {
          "product:aoai": '<rate-limit calls="9" renewal-period="60"><api id="openai" calls="2" renewal-period="60" /></rate-limit>',
        },
      },
    ],
  ])("does not call a limit editable where %s", (_, reason, more) => {
    const limit = limitOf({ teams: { growth: "aoai", core: "aoai" }, inbound: {}, ...more }, "growth");
    expect(limit).toMatchObject({ editable: false, reason: expect.stringMatching(reason) });
  });

  it("does not call a limit of a workspace editable", () => {
    const shorthand = { teams: {}, workspaces: { data: { teams: { mine: "apis" } } }, inbound: { "data/": tokenLimit(5) } };
    expect(limitOf(shorthand, "workspaces/data/subscriptions/mine")).toMatchObject({ editable: false, reason: "it stands in a workspace" });
  });

  it("says where to look for a number that cannot be told", () => {
    const inbound = {
      "product:aoai": `<send-request response-variable-name="plan" mode="new"><set-url>https://x</set-url></send-request>\n${tokenLimit('@((int)((IResponse)context.Variables["plan"]).Body.As<JObject>()["tpm"])')}`,
    };
    const { amount } = limitOf({ teams: { growth: "aoai" }, inbound }, "growth");
    expect(amount).toMatchObject({ status: "unknown", why: expect.stringContaining("plan") });
  });

  describe("two rates under one key", () => {
    const v2 = { sku: { name: "StandardV2", tier: "v2" } } as const;
    const warned = /^One counter has several tokens-per-minute: 7 \(products\/aoai#tpm\/1\.\w+\), 8 \(apis\/openai#tpm\/1\.\w+\)/;

    it.each<[string, boolean, Shorthand]>([
      [
        "of product and API",
        true,
        { teams: { growth: "aoai" }, inbound: { "product:aoai": tokenLimit(7), "api:openai": `<base />\n${tokenLimit(8)}` }, ...v2 },
      ],
      [
        "in a classic tier",
        false,
        { teams: { growth: "aoai" }, inbound: { "product:aoai": tokenLimit(7), "api:openai": `<base />\n${tokenLimit(8)}` } },
      ],
      [
        "that are the same",
        false,
        { teams: { growth: "aoai" }, inbound: { "product:aoai": tokenLimit(7), "api:openai": `<base />\n${tokenLimit(7)}` }, ...v2 },
      ],
      [
        "of deployments that count apart",
        false,
        {
          teams: { growth: "aoai" },
          inbound: {
            "product:aoai": choose(
              [deployment("a"), tokenLimit(7, '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])')],
              [null, tokenLimit(8, '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])')],
            ),
          },
          ...v2,
        },
      ],
      [
        "of calls and tokens",
        false,
        { teams: { growth: "aoai" }, inbound: { "product:aoai": `${tokenLimit(7)}\n${rateLimit(8, 60)}` }, ...v2 },
      ],
    ])("%s", (_, wrong, shorthand) => {
      expect(teamOf(shorthand, "growth").warnings).toEqual(wrong ? [expect.stringMatching(warned)] : []);
    });

    it("of two teams on one counter", () => {
      const shorthand = {
        teams: { a: "gold", b: "silver" },
        products: twoProducts,
        inbound: { "product:gold": tokenLimit(7, "k"), "product:silver": tokenLimit(8, "k") },
        ...v2,
      };
      expect(teamsOf(shorthand).map(({ warnings }) => warnings.length)).toEqual([1, 1]);
    });
  });

  it("takes policies nested as deeply as anyone may write them", () => {
    const deep = `${"<choose><otherwise>".repeat(20_000)}${tokenLimit(1)}${"</otherwise></choose>".repeat(20_000)}`;
    expect(read({ teams: { growth: "aoai" }, inbound: { "product:aoai": `${tokenLimit(5)}${deep}` } })).toEqual({
      growth: ["tpm 5", "products/aoai#tpm/1=5"],
    });
  });
});
