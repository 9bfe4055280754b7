import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { canonical } from "../../src/policy/canonical.ts";
import { parse } from "../../src/policy/document.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { planQuota, type QuotaEdit, type QuotaRequest } from "../../src/quota/plan.ts";
import { haveRealPolicies, realPolicies } from "../policy/real-policies.ts";
import { changed, choose, gateway, inboundOf, own, rateLimit, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();
const growth = '@(context.Subscription?.Id == "growth")';
const core = '@(context.Subscription?.Id == "core")';
const header = '@(context.Request.Headers.ContainsKey("x"))';
const forDeployment = '@(context.Request.MatchedParameters["deployment-id"] == "gpt-4o")';
const both = { growth: "aoai", core: "aoai" };
const three = { ...both, lab: "aoai" };

const v2 = { name: "StandardV2", tier: "v2" } as const;
const bySub = (text: string): string => `@("${text}" + context.Subscription.Id)`;
const byUser = '@(context.Request.Headers.GetValueOrDefault("x-user", ""))';
const daily = ' token-quota="6000" token-quota-period="Daily"';
const check = '<check-header name="x" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true" />';
const variable = (value: number): string => `<set-variable name="tpm" value="${value}" />`;
const readsVariable = '@(int.Parse((string)context.Variables["tpm"]))';
const typed = (value: number): string => `<set-variable name="tpm" value="@(${value})" />`;
const readsTyped = '@((int)context.Variables["tpm"])';
const mapOrDefault =
  '@{ JToken mine; return JObject.Parse((string)context.Variables["all"]).TryGetValue(context.Subscription.Id, out mine) ? (int)mine : 9; }';
const newLimit = (tpm: number, key = own): string =>
  `<llm-token-limit counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />`;

type Case = readonly [name: string, shorthand: Shorthand, request: Omit<QuotaRequest, "subscriptionId">, scope: string, after: string];

const cases: readonly Case[] = [
  [
    "edits a literal that only this team meets",
    { teams: { growth: "aoai", master: "service" }, inbound: { "product:aoai": `<base />\n${tokenLimit(200_000)}` } },
    { tpm: 100_000 },
    "product:aoai",
    `<base />\n${tokenLimit(100_000)}`,
  ],
  [
    "gives the team a branch where others meet the literal (P1)",
    { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(200_000)}` } },
    { tpm: 100_000 },
    "product:aoai",
    `<base />\n${choose([growth, tokenLimit(100_000)], [null, tokenLimit(200_000)])}`,
  ],
  [
    "joins a choose that tells subscriptions apart",
    { teams: three, inbound: { "product:aoai": choose([core, tokenLimit(5)], [null, tokenLimit(7)]) } },
    { tpm: 6 },
    "product:aoai",
    choose([core, tokenLimit(5)], [growth, tokenLimit(6)], [null, tokenLimit(7)]),
  ],
  [
    "goes before the when that names the team among others",
    {
      teams: both,
      inbound: { "product:aoai": choose(['@(context.Subscription.Id == "growth" || context.Subscription.Id == "core")', tokenLimit(7)]) },
    },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], ['@(context.Subscription.Id == "growth" || context.Subscription.Id == "core")', tokenLimit(7)]),
  ],
  [
    "edits the branch that the team has",
    { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(5)], [null, tokenLimit(7)]) } },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], [null, tokenLimit(7)]),
  ],
  [
    "nests where the branch holds more than the limit",
    {
      teams: three,
      inbound: {
        "product:aoai": choose([core, tokenLimit(5)], [null, `<trace source="a" />\n${tokenLimit(7)}`]),
        "api:openai": "<base />",
      },
    },
    { tpm: 6 },
    "product:aoai",
    choose([core, tokenLimit(5)], [null, `<trace source="a" />\n${choose([growth, tokenLimit(6)], [null, tokenLimit(7)])}`]),
  ],
  [
    "nests in a choose by product (P3)",
    {
      teams: { ...both, other: "x" },
      products: { aoai: ["openai"], x: ["openai"] },
      inbound: { "api:openai": choose(['@((string)context.Product?.Id == "aoai")', tokenLimit(7)], [null, tokenLimit(1)]) },
    },
    { tpm: 6 },
    "api:openai",
    choose(['@((string)context.Product?.Id == "aoai")', choose([growth, tokenLimit(6)], [null, tokenLimit(7)])], [null, tokenLimit(1)]),
  ],
  [
    "splits a literal in the API's policy (P4), base last",
    { teams: { growth: "aoai", direct: "api:openai" }, inbound: { "api:openai": `${tokenLimit(100)}\n<base />` } },
    { tpm: 50, apiId: "OpenAI" },
    "api:openai",
    `${choose([growth, tokenLimit(50)], [null, tokenLimit(100)])}\n<base />`,
  ],
  [
    "splits where callers without a subscription meet the literal too",
    { teams: { growth: "aoai" }, open: ["openai"], inbound: { "api:openai": tokenLimit(100) } },
    { tpm: 50 },
    "api:openai",
    choose([growth, tokenLimit(50)], [null, tokenLimit(100)]),
  ],
  [
    "keeps the element's name and all of its attributes",
    {
      teams: both,
      inbound: {
        "product:aoai": `<azure-openai-token-limit\n    counter-key="@(context.Subscription.Id + "-" + @"\n x")"\n    tokens-per-minute='9' token-quota="5" token-quota-period="Daily" />`,
      },
    },
    { tpm: 6 },
    "product:aoai",
    choose([growth, "AAA"], [null, "BBB"])
      .replace(
        "AAA",
        `<azure-openai-token-limit\n            counter-key="@(context.Subscription.Id + "-" + @"\n x")"\n            tokens-per-minute='6' token-quota="5" token-quota-period="Daily" />`,
      )
      .replace(
        "BBB",
        `<azure-openai-token-limit\n            counter-key="@(context.Subscription.Id + "-" + @"\n x")"\n            tokens-per-minute='9' token-quota="5" token-quota-period="Daily" />`,
      ),
  ],
  [
    "turns a shared rate-limit into one by key for the team",
    { teams: both, inbound: { "product:aoai": '<rate-limit calls="100" renewal-period="60" remaining-calls-header-name="left" />' } },
    { rpm: 50 },
    "product:aoai",
    choose(
      [growth, `<rate-limit-by-key calls="50" renewal-period="60" remaining-calls-header-name="left" counter-key="${own}" />`],
      [null, '<rate-limit calls="100" renewal-period="60" remaining-calls-header-name="left" />'],
    ),
  ],
  [
    "edits a rate-limit that only this team meets",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": '<rate-limit calls="100" renewal-period="60" />' } },
    { rpm: 50 },
    "product:aoai",
    '<rate-limit calls="50" renewal-period="60" />',
  ],
  [
    "scales calls to the renewal period",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": rateLimit(100, 20) } },
    { rpm: 60 },
    "product:aoai",
    rateLimit(20, 20),
  ],
  [
    "changes both limits of a document",
    { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(7)}\n${rateLimit(9, 60)}` } },
    { tpm: 6, rpm: 8 },
    "product:aoai",
    `<base />\n${choose([growth, tokenLimit(6)], [null, tokenLimit(7)])}\n${choose([growth, rateLimit(8, 60)], [null, rateLimit(9, 60)])}`,
  ],
  [
    "lowers the team's own limit below a shared one",
    {
      teams: { growth: "aoai", core: "x" },
      products: { aoai: ["openai"], x: ["openai"] },
      inbound: { "product:aoai": `<base />\n${tokenLimit(20)}`, "api:openai": `<base />\n${tokenLimit(15, "all")}` },
    },
    { tpm: 10 },
    "product:aoai",
    `<base />\n${tokenLimit(10)}`,
  ],
  [
    "lowers the API's limit below a single operation's",
    {
      teams: { growth: "aoai" },
      inbound: { "operation:openai/chat": `<base />\n${tokenLimit(80, bySub("op"))}`, "api:openai": `<base />\n${tokenLimit(50)}` },
    },
    { tpm: 30 },
    "api:openai",
    `<base />\n${tokenLimit(30)}`,
  ],
  [
    "stacks a lower limit before a counter that teams share",
    {
      teams: both,
      inbound: { "product:aoai": `<base />\n${tokenLimit(200, "@(context.Product.Id)", ' remaining-tokens-variable-name="left"')}` },
    },
    { tpm: 100 },
    "product:aoai",
    `<base />\n${choose([growth, tokenLimit(100, '@("own-tpm:" + context.Subscription.Id)')])}\n${tokenLimit(200, "@(context.Product.Id)", ' remaining-tokens-variable-name="left"')}`,
  ],
  [
    "stacks beside another team's",
    {
      teams: three,
      inbound: {
        "product:aoai": `${choose([core, tokenLimit(50, '@("own-tpm:" + context.Subscription.Id)')])}\n${tokenLimit(200, "all")}`,
      },
    },
    { tpm: 100 },
    "product:aoai",
    `${choose([core, tokenLimit(50, '@("own-tpm:" + context.Subscription.Id)')], [growth, tokenLimit(100, '@("own-tpm:" + context.Subscription.Id)')])}\n${tokenLimit(200, "all")}`,
  ],
  [
    "stacks a second one on another key, in a choose of its own",
    {
      teams: both,
      inbound: {
        "product:aoai": `${choose([growth, tokenLimit(150, '@("own-tpm:" + context.Subscription.Id)')])}\n${tokenLimit(200, "all")}`,
      },
    },
    { tpm: 100, limitId: "products/aoai#tpm/2" },
    "product:aoai",
    `${choose([growth, tokenLimit(150, '@("own-tpm:" + context.Subscription.Id)')])}\n${choose([growth, tokenLimit(100, '@("own-tpm-2:" + context.Subscription.Id)')])}\n${tokenLimit(200, "all")}`,
  ],
  [
    "gives the team a key that nothing else has (v2)",
    { teams: both, sku: v2, inbound: { "product:aoai": `<base />\n${tokenLimit(9)}`, "api:openai": `<base />\n${tokenLimit(9)}` } },
    { tpm: 6, limitId: "products/aoai#tpm/1" },
    "product:aoai",
    `<base />\n${choose([growth, tokenLimit(6, '@("own-tpm:" + context.Subscription.Id)')], [null, tokenLimit(9)])}`,
  ],
  [
    "branches around a shared named value (P7)",
    { teams: both, inbound: { "product:aoai": tokenLimit("{{tpm}}") }, namedValues: { tpm: "9" } },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], [null, tokenLimit("{{tpm}}")]),
  ],
  [
    "writes a literal into the team's own branch where the named value is used elsewhere",
    {
      teams: both,
      inbound: { "product:aoai": choose([growth, tokenLimit("{{tpm}}")], [null, tokenLimit("{{tpm}}")]) },
      namedValues: { tpm: "9" },
    },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], [null, tokenLimit("{{tpm}}")]),
  ],
  [
    "branches around the variable that feeds the limit (P9)",
    {
      teams: three,
      inbound: { "product:aoai": `${choose([core, variable(5)], [null, variable(9)])}\n${tokenLimit(readsVariable)}` },
    },
    { tpm: 6 },
    "product:aoai",
    `${choose([core, variable(5)], [growth, variable(6)], [null, variable(9)])}\n${tokenLimit(readsVariable)}`,
  ],
  [
    "branches around the limit where the variable feeds another one too",
    {
      teams: both,
      inbound: {
        "product:aoai": `${variable(9)}\n${tokenLimit(readsVariable)}\n${tokenLimit(readsVariable, '@("b" + context.Subscription.Id)')}`,
      },
    },
    { tpm: 6, limitId: "products/aoai#tpm/1" },
    "product:aoai",
    `${variable(9)}\n${choose([growth, tokenLimit(6)], [null, tokenLimit(readsVariable)])}\n${tokenLimit(readsVariable, '@("b" + context.Subscription.Id)')}`,
  ],
  [
    "adds a limit where none is, behind authentication and caches, before routing",
    {
      teams: both,
      inbound: {
        "product:aoai": [
          "<base />",
          check,
          '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="e" embeddings-backend-auth="system-assigned" />',
          '<set-header name="a" exists-action="delete" />',
          '<set-backend-service backend-id="b" />',
          '<authentication-managed-identity resource="r" />',
        ].join("\n"),
      },
    },
    { tpm: 6 },
    "product:aoai",
    [
      "<base />",
      check,
      '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="e" embeddings-backend-auth="system-assigned" />',
      choose([growth, newLimit(6)]),
      '<set-header name="a" exists-action="delete" />',
      '<set-backend-service backend-id="b" />',
      '<authentication-managed-identity resource="r" />',
    ].join("\n"),
  ],
  [
    "adds it to the API where that authenticates",
    { teams: both, inbound: { "api:openai": `<base />\n${check}\n<set-backend-service backend-id="b" />` } },
    { tpm: 6 },
    "api:openai",
    `<base />\n${check}\n${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />`,
  ],
  [
    "adds it behind a fragment that authenticates",
    {
      teams: both,
      fragments: { auth: check },
      inbound: { "api:openai": '<base />\n<include-fragment fragment-id="auth" />\n<set-backend-service backend-id="b" />' },
    },
    { tpm: 6 },
    "api:openai",
    `<base />\n<include-fragment fragment-id="auth" />\n${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />`,
  ],
  [
    "adds it before routing where <base /> is last",
    { teams: both, inbound: { "product:aoai": '<set-backend-service backend-id="b" />\n<base />' } },
    { tpm: 6 },
    "product:aoai",
    `${choose([growth, newLimit(6)])}\n<set-backend-service backend-id="b" />\n<base />`,
  ],
  [
    "adds the element that the service uses, to one API",
    {
      teams: both,
      products: { aoai: ["openai", "b"] },
      inbound: { "api:b": tokenLimit(5).replace("llm-", "azure-openai-"), "api:openai": "<base />" },
    },
    { tpm: 6, apiId: "openai" },
    "api:openai",
    `<base />\n${choose([growth, newLimit(6, '@("own-tpm:" + context.Subscription.Id)').replace("llm-", "azure-openai-").replace('"false"', '"true"')])}`,
  ],
  [
    "gives a number that an expression decides in a branch; the expression stays (P6)",
    { teams: both, inbound: { "product:aoai": tokenLimit('@(context.Subscription.Id == "growth" ? 5 : 7)') } },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], [null, tokenLimit('@(context.Subscription.Id == "growth" ? 5 : 7)')]),
  ],
  [
    "gives a team that has only a map's default a branch",
    {
      teams: both,
      inbound: { "product:aoai": `<set-variable name="all" value="{{teams}}" />\n${tokenLimit(mapOrDefault)}` },
      namedValues: { teams: '{ "core": 7 }' },
    },
    { tpm: 6 },
    "product:aoai",
    `<set-variable name="all" value="{{teams}}" />\n${choose([growth, tokenLimit(6)], [null, tokenLimit(mapOrDefault)])}`,
  ],
  [
    "gives a branch where a named value is only a part of the number",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": tokenLimit("{{k}}000") }, namedValues: { k: "4" } },
    { tpm: 6 },
    "product:aoai",
    choose([growth, tokenLimit(6)], [null, tokenLimit("{{k}}000")]),
  ],
  [
    "gives a branch where no variable is set for the team",
    {
      teams: { growth: "aoai" },
      inbound: { "api:openai": tokenLimit('@(context.Variables.ContainsKey("tpm") ? (int)context.Variables["tpm"] : 9)') },
    },
    { tpm: 6 },
    "api:openai",
    choose([growth, tokenLimit(6)], [null, tokenLimit('@(context.Variables.ContainsKey("tpm") ? (int)context.Variables["tpm"] : 9)')]),
  ],
  [
    "edits an expression that is nothing but the number, in the team's own branch",
    { teams: both, inbound: { "product:aoai": `${choose([growth, typed(5)], [null, typed(9)])}\n${tokenLimit(readsTyped)}` } },
    { tpm: 6 },
    "product:aoai",
    `${choose([growth, typed(6)], [null, typed(9)])}\n${tokenLimit(readsTyped)}`,
  ],
  [
    "branches around a variable whose expression is nothing but the number: its type stays",
    { teams: both, inbound: { "product:aoai": `${choose([core, typed(5)], [null, typed(9)])}\n${tokenLimit(readsTyped)}` } },
    { tpm: 6 },
    "product:aoai",
    `${choose([core, typed(5)], [growth, typed(6)], [null, typed(9)])}\n${tokenLimit(readsTyped)}`,
  ],
  [
    "writes calls per minute where the period does not hold them, in the team's own element",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": rateLimit(6, 90) } },
    { rpm: 5 },
    "product:aoai",
    rateLimit(5, 60),
  ],
  [
    "writes calls per minute into the team's branch",
    { teams: both, inbound: { "product:aoai": rateLimit(3, 10) } },
    { rpm: 10 },
    "product:aoai",
    choose([growth, rateLimit(10, 60)], [null, rateLimit(3, 10)]),
  ],
  [
    "writes calls per minute into a branch of a rate-limit, by key",
    { teams: both, inbound: { "product:aoai": '<rate-limit calls="1" renewal-period="1" />' } },
    { rpm: 30 },
    "product:aoai",
    choose(
      [growth, `<rate-limit-by-key calls="30" renewal-period="60" counter-key="${own}" />`],
      [null, '<rate-limit calls="1" renewal-period="1" />'],
    ),
  ],
  [
    "stacks calls per minute before a counter that teams share",
    { teams: both, inbound: { "product:aoai": rateLimit(50, 10).replace(own, "all") } },
    { rpm: 5 },
    "product:aoai",
    `${choose([growth, rateLimit(5, 60).replace(own, bySub("own-rpm:"))])}\n${rateLimit(50, 10).replace(own, "all")}`,
  ],
  [
    "writes calls that count more than once",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": rateLimit(20, 60).replace(" />", ' increment-count="2" />') } },
    { rpm: 5 },
    "product:aoai",
    rateLimit(10, 60).replace(" />", ' increment-count="2" />'),
  ],
  [
    "changes both limits of an element, one of which is named",
    { teams: both, inbound: { "product:aoai": tokenLimit(50, own, daily) } },
    { tpm: 40, tokenQuota: 6000, limitId: "products/aoai#token_quota/1" },
    "product:aoai",
    choose([growth, tokenLimit(40, own, daily)], [null, tokenLimit(50, own, daily)]),
  ],
  [
    "lowers on one API what holds on others, which stays",
    { teams: both, products: { aoai: ["a", "b"] }, inbound: { "product:aoai": tokenLimit(50), "api:a": "<base />" } },
    { tpm: 30, apiId: "a" },
    "api:a",
    `<base />\n${choose([growth, newLimit(30, bySub("own-tpm:")).replace('"false"', '"true"')])}`,
  ],
  [
    "limits a team as a whole whose calls count by what they bring along",
    { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(50, byUser)}` } },
    { tpm: 30 },
    "product:aoai",
    `<base />\n${choose([growth, newLimit(30, bySub("own-tpm:")).replace('"false"', '"true"')])}\n${tokenLimit(50, byUser)}`,
  ],
  [
    "keeps the key of what calls count by, where it is named",
    { teams: both, inbound: { "product:aoai": tokenLimit(50, byUser) } },
    { tpm: 30, limitId: "products/aoai#tpm/1" },
    "product:aoai",
    choose([growth, tokenLimit(30, byUser)], [null, tokenLimit(50, byUser)]),
  ],
  [
    "adds calls beside another team's",
    { teams: both, inbound: { "product:aoai": `<base />\n${choose([core, rateLimit(5, 60)])}` } },
    { rpm: 6 },
    "product:aoai",
    `<base />\n${choose([core, rateLimit(5, 60)], [growth, rateLimit(6, 60)])}`,
  ],
  [
    "counts the team's calls apart from another limit of theirs",
    { teams: both, inbound: { "product:aoai": `<base />\n<rate-limit calls="5" renewal-period="60" />`, global: rateLimit(100, 60) } },
    { rpm: 1 },
    "product:aoai",
    `<base />\n${choose([growth, '<rate-limit-by-key calls="1" renewal-period="60" counter-key="@("own-rpm:" + context.Subscription.Id)" />'], [null, '<rate-limit calls="5" renewal-period="60" />'])}`,
  ],
];

/** The edit for the team `growth`; a `limitId` may do without its mark. */
function plan(inventory: Inventory, { limitId, ...asked }: Partial<QuotaRequest>): QuotaEdit {
  const request = { subscriptionId: "growth", ...asked };
  if (limitId === undefined) return planQuota(inventory, csharp, request);
  const team = teamLimits(inventory, csharp).find(({ subscription }) => subscription.id === request.subscriptionId);
  const meant = team?.limits.find((limit) => limit.limitId.startsWith(`${limitId}.`));
  return planQuota(inventory, csharp, { ...request, limitId: meant?.limitId ?? limitId });
}

/** The edit for the team `growth`, or the code of the error. */
function planned(inventory: Inventory, asked: Omit<QuotaRequest, "subscriptionId">): { readonly code: string; readonly edit?: QuotaEdit } {
  try {
    return { code: "planned", edit: plan(inventory, asked) };
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code };
    throw error;
  }
}

describe("planQuota", () => {
  it.each(cases)("%s", (_, shorthand, request, scope, after) => {
    const inventory = gateway(shorthand);
    const edit = plan(inventory, request);
    expect(edit.documents).toHaveLength(1);
    expect(inboundOf(changed(inventory, edit), scope)).toBe(after);
    expect(edit.limits.map(({ subscriptionId, kind, after: value, intended }) => ({ subscriptionId, kind, value, intended }))).toEqual(
      (["tpm", "rpm"] as const).flatMap((kind) =>
        request[kind] === undefined ? [] : [{ subscriptionId: "growth", kind, value: request[kind], intended: true }],
      ),
    );
  });

  it.each(cases)("takes a second edit and none for what is there: %s", (_, shorthand, request, scope) => {
    const before = gateway(shorthand);
    const once = changed(before, plan(before, request));
    expect(plan(once, request).documents).toEqual([]);
    const twice = changed(once, plan(once, { ...request, ...(request.tpm == null ? {} : { tpm: request.tpm - 1 }) }));
    expect(inboundOf(twice, scope).match(/== "growth"/g)?.length).toBe(inboundOf(once, scope).match(/== "growth"/g)?.length);
  });

  it("says what it does", () => {
    const inventory = gateway({ teams: both, inbound: { "product:aoai": `${tokenLimit(200)}\n${rateLimit(100, 90)}` } });
    expect(planQuota(inventory, csharp, { subscriptionId: "Team growth", tpm: 100, rpm: 35 })).toMatchObject({
      action: "growth tpm 200 -> 100, rpm 66.67 -> 35",
      summary: "growth (Team growth): tpm 200 -> 100, rpm 66.67 -> 35 in product 'aoai' policy.",
      affected: ["growth (Team growth)"],
      warnings: ["'growth' is counted anew, per 60 s: the 90 s of before do not hold the number exactly."],
      documents: [{ id: "products/aoai/policies/policy", before: { etag: '"1"' } }],
    });
  });

  it.each<[string, Shorthand, Partial<QuotaRequest>, string, readonly RegExp[]]>([
    [
      "a deployment",
      { teams: both, inbound: { "product:aoai": choose([forDeployment, tokenLimit(50)], [null, tokenLimit(70)]) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      "growth tpm (deployment gpt-4o) 50 -> 40",
      [],
    ],
    [
      "a condition",
      { teams: both, inbound: { "product:aoai": choose([header, tokenLimit(50)], [null, tokenLimit(70)]) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      'growth tpm (where context.Request.Headers.ContainsKey("x")) 50 -> 40',
      [],
    ],
    [
      "an API, and what is not limited",
      { teams: { growth: "aoai" }, products: { aoai: ["a", "b"] }, inbound: { "api:a": tokenLimit(50) } },
      { tpm: 40 },
      "growth tpm (on API a) 50 -> 40",
      [/created later/, /^No tpm limit is for calls to b, or not for all of them\.$/],
    ],
    [
      "one API of those that a limit holds on",
      { teams: both, products: { aoai: ["a", "b"] }, inbound: { "product:aoai": tokenLimit(50) } },
      { tpm: 40, apiId: "a" },
      "growth tpm (on API a) 50 -> 40",
      [/^The tpm limit of 'growth' on API 'a' \(products\/aoai#tpm\/1\.\w+, 50\) holds on b too and stays/],
    ],
    [
      "what each call counts by",
      { teams: both, inbound: { "product:aoai": tokenLimit(50, byUser) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      "growth tpm (per value of header 'x-user') 50 -> 40",
      [/^The number is one per value of header 'x-user': 'growth' as a whole may use as many times it/],
    ],
    [
      "no limit of the team as a whole before",
      { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(50, byUser)}` } },
      { tpm: 40 },
      "growth tpm none -> 40",
      [/counts per value of header 'x-user', not the team as a whole.*How far that cuts what it uses cannot be told/],
    ],
    [
      "calls at once, where the period is longer",
      { teams: both, inbound: { "product:aoai": rateLimit(3, 10) } },
      { rpm: 10 },
      "growth rpm 18 -> 10",
      [/per 60 s: the 10 s of before do not hold the number exactly\. Up to 10 may come at once now\.$/],
    ],
  ])("says that it is for %s", (_, shorthand, request, action, warnings) => {
    const edit = plan(gateway(shorthand), request);
    expect(edit.action).toBe(action);
    expect(edit.warnings).toEqual(warnings.map((text) => expect.stringMatching(text)));
    const [, calls] = /\((.*)\)/.exec(action) ?? [];
    expect(edit.limits[0]?.calls).toBe(calls?.startsWith("on API") && request.apiId !== undefined ? "API a" : calls);
  });

  it("warns of limits that may bind below, where their number is not known or the limit to change is named", () => {
    const inventory = gateway({
      teams: both,
      inbound: { "product:aoai": `${choose([header, tokenLimit(5)])}\n${tokenLimit("{{hidden}}")}\n${tokenLimit(20)}` },
      namedValues: { hidden: null },
    });
    const warned = (request: object) => plan(inventory, request).warnings;
    expect(warned({ tpm: 4 })).toEqual([expect.stringContaining("products/aoai#tpm/2")]);
    expect(warned({ tpm: 10, limitId: "products/aoai#tpm/3" })).toEqual([
      expect.stringContaining("products/aoai#tpm/1"),
      expect.stringContaining("products/aoai#tpm/2"),
    ]);
  });

  it("puts a quota for one API there, not beside a limit that holds on others", () => {
    const inventory = gateway({
      teams: both,
      products: { aoai: ["a", "b"] },
      inbound: { "product:aoai": choose([growth, tokenLimit(50)]), "api:a": "<base />" },
    });
    const edit = plan(inventory, { tokenQuota: 6000, period: "Daily", apiId: "a" });
    expect(edit.documents.map(({ id }) => id)).toEqual(["apis/a/policies/policy"]);
  });

  it("does not warn of limits of other operations than those that the limit to change is for", () => {
    const inventory = gateway({
      teams: { growth: "aoai" },
      inbound: { "api:openai": tokenLimit(50), "operation:openai/embed": tokenLimit(30) },
    });
    expect(() => plan(inventory, { tpm: 40 })).toThrow(/Several tpm limits/);
    const { warnings } = plan(inventory, { tpm: 40, limitId: "apis/openai#tpm/1" });
    expect(warnings).toEqual([expect.stringContaining("created later")]);
  });

  it("writes the id of a team so that it stands for no named value", () => {
    const inventory = gateway({
      teams: { "z{{nv}}": "aoai", core: "aoai" },
      inbound: { "product:aoai": tokenLimit(7) },
      namedValues: { nv: "x" },
    });
    const edit = plan(inventory, { subscriptionId: "z{{nv}}", tpm: 6 });
    expect(inboundOf(changed(inventory, edit), "product:aoai")).toContain('== "z{" + "{nv}}")');
  });

  it("keeps one choose for two teams", () => {
    const inventory = gateway({ teams: three, inbound: { "product:aoai": tokenLimit(7) } });
    const one = changed(inventory, plan(inventory, { tpm: 6 }));
    const two = changed(one, planQuota(one, csharp, { subscriptionId: "core", tpm: 5 }));
    expect(canonical(inboundOf(two, "product:aoai"))).toBe(
      canonical(choose([growth, tokenLimit(6)], [core, tokenLimit(5)], [null, tokenLimit(7)])),
    );
    expect(teamLimits(two, csharp).map(({ binding }) => binding.tpm.value)).toEqual([6, 5, 7]);
  });

  const quota = (tokens: number, period: string, key = own): string =>
    `<llm-token-limit counter-key="${key}" token-quota="${tokens}" token-quota-period="${period}" estimate-prompt-tokens="true" />`;
  it.each<[string, Shorthand, Partial<QuotaRequest>, string, readonly RegExp[]]>([
    [
      "a quota's number, on its key",
      { teams: both, inbound: { "product:aoai": quota(9000, "Monthly") } },
      { tokenQuota: 6000 },
      choose([growth, quota(6000, "Monthly")], [null, quota(9000, "Monthly")]),
      [],
    ],
    [
      "its period too: what was used starts anew",
      { teams: both, inbound: { "product:aoai": quota(9000, "Monthly") } },
      { tokenQuota: 6000, period: "Daily" },
      choose([growth, quota(6000, "Daily")], [null, quota(9000, "Monthly")]),
      [/starts anew, as the period is another/],
    ],
    [
      "the period alone, in the team's own branch",
      { teams: both, inbound: { "product:aoai": choose([growth, quota(9000, "Monthly")]) } },
      { tokenQuota: 9000, period: "Daily" },
      choose([growth, quota(9000, "Daily")]),
      [/starts anew/],
    ],
    [
      "a quota beside the team's own limit per minute",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(9)]) } },
      { tokenQuota: 6000, period: "Weekly" },
      choose([growth, tokenLimit(9, own, ' token-quota="6000" token-quota-period="Weekly"')]),
      [],
    ],
    [
      "a quota on a key of its own beside a limit that all share",
      { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(9)}` } },
      { tokenQuota: 6000, period: "Weekly" },
      `<base />\n${choose([growth, quota(6000, "Weekly", bySub("own-token-quota:"))])}\n${tokenLimit(9)}`,
      [],
    ],
    [
      "a lower quota before a shared one",
      { teams: both, inbound: { "product:aoai": quota(9000, "Monthly", "all") } },
      { tokenQuota: 6000 },
      `${choose([growth, quota(6000, "Monthly", bySub("own-token-quota:"))])}\n${quota(9000, "Monthly", "all")}`,
      [/shared, and stays so/, /starts at zero/],
    ],
    [
      "a branch that goes, back to the shared limit",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(5)], [null, tokenLimit(7)]) } },
      { tpm: null },
      tokenLimit(7),
      [/'growth' falls back to products\/aoai#tpm\/1\.\w+: tpm 7/],
    ],
    [
      "a branch around a variable that goes",
      {
        teams: both,
        inbound: {
          "product:aoai": `${choose([growth, variable(5)], [core, variable(6)], [null, variable(9)])}\n${tokenLimit(readsVariable)}`,
        },
      },
      { tpm: null },
      `${choose([core, variable(6)], [null, variable(9)])}\n${tokenLimit(readsVariable)}`,
      [/'growth' falls back to .*tpm 9/],
    ],
    [
      "one of two limits of an element",
      {
        teams: both,
        inbound: { "product:aoai": choose([growth, tokenLimit(5, own, ' token-quota="6000" token-quota-period="Weekly"')]) },
      },
      { tokenQuota: null },
      choose([growth, tokenLimit(5)]),
      [/'growth' has no token_quota limit then/],
    ],
    [
      "a limit that is new, with operations that do not meet it",
      { teams: both, inbound: { "product:aoai": "<base />", "operation:openai/health": '<trace source="a" />' } },
      { tpm: 30 },
      `<base />\n${choose([growth, newLimit(30)])}`,
      [/^The calls of openai\/health do not meet it/, /^No tpm limit is for calls to openai\/health/],
    ],
    [
      "one of two limits of an element: the team gets what all have of it",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(5, own, daily)], [null, tokenLimit(7)]) } },
      { tpm: null },
      choose([growth, tokenLimit(7, own, daily)], [null, tokenLimit(7)]),
      [/stays in its own element, which gets 7 of products\/aoai#tpm\/1/, /'growth' falls back to .*tpm 7/],
    ],
    [
      "one of two limits of an element, though all have as much of it",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(7, own, daily)], [null, tokenLimit(7)]) } },
      { tokenQuota: null },
      choose([growth, tokenLimit(7)], [null, tokenLimit(7)]),
      [/'growth' has no token_quota limit then/],
    ],
    [
      "a quota of the element to what all have of it, with its period",
      {
        teams: both,
        inbound: {
          "product:aoai": choose([growth, tokenLimit(5, own, daily)], [null, tokenLimit(7, own, daily.replace("Daily", "Weekly"))]),
        },
      },
      { tokenQuota: null },
      choose([growth, tokenLimit(5, own, daily.replace("Daily", "Weekly"))], [null, tokenLimit(7, own, daily.replace("Daily", "Weekly"))]),
      [/gets 6000 of/, /falls back to .*token_quota 6000 Weekly/],
    ],
    [
      "a limit of the team as a whole, which no limit per value of something takes the place of",
      {
        teams: both,
        inbound: { "product:aoai": `${choose([growth, tokenLimit(5, bySub("x"))])}\n${tokenLimit(50, byUser)}` },
      },
      { tpm: null },
      tokenLimit(50, byUser),
      [/'growth' has no tpm limit then/],
    ],
    [
      "the limit of a product's only subscription",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": `<base />\n${tokenLimit(5)}` } },
      { tpm: null },
      "<base />",
      [/created later/, /no tpm limit then/],
    ],
  ])("changes %s", (_, shorthand, request, after, warnings) => {
    const inventory = gateway(shorthand);
    const edit = plan(inventory, request);
    expect(inboundOf(changed(inventory, edit), "product:aoai")).toBe(after);
    expect(edit.warnings).toEqual(warnings.map((text) => expect.stringMatching(text)));
    expect(edit.limitsBefore).not.toEqual(edit.limitsAfter);
  });

  it("edits a fragment where it stands, and leaves what else includes it alone", () => {
    const inventory = gateway({
      teams: { growth: "aoai", core: "x" },
      products: { aoai: ["openai"], x: ["openai"] },
      inbound: { "product:aoai": '<include-fragment fragment-id="f" />', "product:x": '<include-fragment fragment-id="f" />' },
      fragments: { f: tokenLimit(9) },
    });
    const edit = plan(inventory, { tpm: 6 });
    expect(edit.documents.map(({ id, after }) => [id, after.value])).toEqual([
      [
        "policyFragments/f",
        `<fragment>\n    ${choose([growth, tokenLimit(6)], [null, tokenLimit(9)]).replaceAll("\n", "\n    ")}\n</fragment>`,
      ],
    ]);
  });

  const map = '{ "growth": 9, "core": 7,\r\n  "default":5 }';
  const readsMap =
    '@{ var all = JObject.Parse((string)context.Variables["all"]); return (all[context.Subscription.Id] ?? all["default"]).Value<int>(); }';
  const mapped = `<set-variable name="all" value="{{teams}}" />\n${tokenLimit(readsMap)}`;

  it.each<[string, Shorthand, string, string]>([
    [
      "a named value that this team alone is behind",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit("{{tpm}}")]) }, namedValues: { tpm: "9" } },
      "namedValues/tpm",
      "6",
    ],
    [
      "the team's entry of a map",
      { teams: both, inbound: { "product:aoai": mapped }, namedValues: { teams: map } },
      "namedValues/teams",
      map.replace("9", "6"),
    ],
  ])("edits %s to the byte", (_, shorthand, id, after) => {
    const edit = planQuota(gateway(shorthand), csharp, { subscriptionId: "growth", tpm: 6 });
    expect(edit.documents.map((document) => [document.id, document.after.value])).toEqual([[id, after]]);
  });

  it.each<[string, Shorthand]>([
    [
      "a named value that another product's policy uses, which nobody has yet",
      {
        teams: { growth: "aoai" },
        products: { aoai: ["openai"], x: ["openai"] },
        inbound: { "product:aoai": tokenLimit("{{tpm}}"), "product:x": tokenLimit("{{tpm}}") },
        namedValues: { tpm: "9" },
      },
    ],
    [
      "the default entry of a map",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": mapped }, namedValues: { teams: '{ "default":9 }' } },
    ],
  ])("leaves %s alone", (_, shorthand) => {
    const edit = planQuota(gateway(shorthand), csharp, { subscriptionId: "growth", tpm: 6 });
    expect(edit.documents.map(({ id }) => id)).toEqual(["products/aoai/policies/policy"]);
    expect(String(edit.documents[0]?.after.value)).toMatch(
      /<when condition="@\(context.Subscription\?.Id == "growth"\)">.*"6".*<otherwise>/s,
    );
  });

  const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";
  it(`changes the named team alone in real policies, or says why not${absent}`, { skip: !haveRealPolicies }, () => {
    const outcomes = new Map<string, number>();
    const limiting = realPolicies().filter(
      ({ root, source }) => root === "policies" && /<(?:llm|azure-openai)-token-limit|<rate-limit/.test(source),
    );
    for (const { file, source } of limiting) {
      for (const scope of ["products/aoai", "apis/openai"]) {
        const id = `${scope}/policies/policy`;
        const inventory = {
          ...gateway({ teams: three, inbound: {} }),
          policies: new Map([[id, { id, etag: '"1"', properties: { format: "rawxml", value: source } }]]),
        };
        for (const asked of [{ tpm: 7 }, { rpm: 7 }]) {
          const outcome = planned(inventory, asked);
          outcomes.set(outcome.code, (outcomes.get(outcome.code) ?? 0) + 1);
          for (const { after } of outcome.edit?.documents ?? []) expect(parse(String(after?.value)).problems, file).toEqual([]);
          expect(
            outcome.edit?.limits.every(({ subscriptionId, intended, after }) => subscriptionId === "growth" && intended && after === 7) ??
              true,
            file,
          ).toBe(true);
        }
      }
    }
    expect(outcomes.get("planned")).toBeGreaterThan(5);
    expect([...outcomes.keys()].toSorted()).toEqual(["invalid_input", "planned", "unsupported"]);
  });

  it.each<[string, Shorthand, Partial<QuotaRequest>, string, RegExp]>([
    ["an unknown team", { teams: { grwoth: "aoai" }, inbound: {} }, { tpm: 1 }, "not_found", /grwoth/],
    ["an unknown API", { teams: both, inbound: {} }, { tpm: 1, apiId: "opnai" }, "not_found", /openai/],
    ["no value", { teams: both, inbound: {} }, {}, "invalid_input", /tpm/],
    ["nothing to remove", { teams: both, inbound: {} }, { tpm: null }, "invalid_input", /no tpm limit to remove/],
    ["a new quota without its period", { teams: both, inbound: {} }, { tokenQuota: 5 }, "invalid_input", /period/],
    [
      "a period without a quota",
      { teams: both, inbound: { "product:aoai": tokenLimit(5) } },
      { tpm: 5, period: "Daily" },
      "invalid_input",
      /token_quota/,
    ],
    [
      "a new token limit on Consumption",
      { teams: both, sku: { name: "Consumption", tier: "consumption" }, inbound: {} },
      { tpm: 1 },
      "unsupported",
      /Consumption tier has no llm-token-limit/,
    ],
    [
      "a new limit where no document is met by all calls",
      { teams: both, products: { aoai: ["a", "b"] }, inbound: { "api:a": '<trace source="a" />' } },
      { tpm: 1 },
      "unsupported",
      /api_id: a, b/,
    ],
    [
      "more than a counter that teams share",
      { teams: both, inbound: { "product:aoai": tokenLimit(5, "all") } },
      { tpm: 6 },
      "unsupported",
      /counter all is shared with core.*can only be lower: 6/s,
    ],
    [
      "an expression with a key in it",
      {
        teams: both,
        inbound: {
          "product:aoai": tokenLimit(
            '@(context.Request.Headers.GetValueOrDefault("x-api-key","") == "0123456789abcdef0123456789abcdef" ? 5 : 7)',
          ),
        },
      },
      { tpm: 1 },
      "unsupported",
      /^(?!.*0123456789abcdef).*\[redacted\]/s,
    ],
    [
      "a secret named value (P7)",
      { teams: both, inbound: { "product:aoai": tokenLimit("{{tpm}}") }, namedValues: { tpm: null } },
      { tpm: 1 },
      "unsupported",
      /'tpm' is secret/,
    ],
    [
      "a condition that cannot be decided (P2)",
      { teams: both, inbound: { "product:aoai": choose([header, tokenLimit(5)]) } },
      { tpm: 1 },
      "invalid_input",
      /limit_id.*#tpm\/1.*ContainsKey/s,
    ],
    [
      "a team of a workspace",
      {
        teams: {},
        workspaces: { data: { teams: { growth: "gold" }, products: { gold: ["chat"] } } },
        inbound: { "data/product:gold": tokenLimit(5) },
      },
      { subscriptionId: "workspaces/data/subscriptions/growth", tpm: 1 },
      "unsupported",
      /workspace 'data' cannot be changed here.*line 3/s,
    ],
    [
      "to choose between the team's limit of a deployment and one that all share (P2)",
      { teams: both, inbound: { "product:aoai": `${choose([header, tokenLimit(5)])}\n${tokenLimit(20, "all")}` } },
      { tpm: 1 },
      "invalid_input",
      /#tpm\/1.*#tpm\/2/s,
    ],
    [
      "the removal of a variable that another limit reads too",
      {
        teams: both,
        inbound: {
          "product:aoai": `${choose([growth, variable(5)], [null, variable(9)])}\n${tokenLimit(readsVariable)}\n${tokenLimit(readsVariable, '@("b" + context.Subscription.Id)')}`,
        },
      },
      { tpm: null, limitId: "products/aoai#tpm/1" },
      "unsupported",
      /its limit products\/aoai#tpm\/2\.\w+ would not stay/,
    ],
    [
      "the removal of a variable that nothing takes the place of",
      { teams: both, inbound: { "product:aoai": `${choose([growth, variable(5)])}\n${tokenLimit(readsVariable)}` } },
      { tpm: null },
      "unsupported",
      /what is left would be products\/aoai#tpm\/1\.\w+: tpm unknown/,
    ],
    [
      "a limit of another kind by its id",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(5)}\n${rateLimit(5, 60)}` } },
      { tpm: 1, limitId: "products/aoai#rpm/1" },
      "invalid_input",
      /#tpm\/1/,
    ],
    [
      "the removal of what all have",
      { teams: both, inbound: { "product:aoai": tokenLimit(5) } },
      { tpm: null },
      "unsupported",
      /other teams meet/,
    ],
    [
      "the removal of what is there for whoever has none",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": choose([core, tokenLimit(5)], [null, tokenLimit(7)]) } },
      { tpm: null },
      "unsupported",
      /whoever has no limit/,
    ],
    [
      "the removal of a shared counter",
      { teams: both, inbound: { "product:aoai": tokenLimit(5, "all") } },
      { tpm: null },
      "unsupported",
      /shared with core/,
    ],
    [
      "a document that is not well-formed",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(5)}<set-header a="b & c" />` } },
      { tpm: 1 },
      "unsupported",
      /not well-formed, line 3: /,
    ],
    [
      "two that bind alike",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(5)}\n${tokenLimit(5, "@(context.Subscription.Id + 1)")}` } },
      { tpm: 1 },
      "invalid_input",
      /#tpm\/1.*#tpm\/2/s,
    ],
    [
      "one for each API",
      { teams: both, products: { aoai: ["a", "b"] }, inbound: { "api:a": tokenLimit(5), "api:b": tokenLimit(6) } },
      { tpm: 1 },
      "invalid_input",
      /api_id.*apis\/a.*apis\/b/s,
    ],
    [
      "another that still binds below",
      { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(5)}`, global: tokenLimit(8) } },
      { tpm: 9 },
      "invalid_input",
      /^(?!.*tpm 5).*global#tpm\/1\.\w+: tpm 8/s,
    ],
    [
      "a shared one that still binds below",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(20)}\n${tokenLimit(8, "all")}` } },
      { tpm: 9 },
      "invalid_input",
      /^(?!.*tpm 20).*#tpm\/2\.\w+: tpm 8/s,
    ],
    [
      "rate-limit with limits for APIs",
      {
        teams: both,
        inbound: {
          "product:aoai": '<rate-limit calls="5" renewal-period="60"><api name="a" calls="1" renewal-period="60" /></rate-limit>',
        },
      },
      { rpm: 1 },
      "unsupported",
      /single APIs/,
    ],
    [
      "a shared rate-limit on Consumption",
      {
        teams: both,
        sku: { name: "Consumption", tier: "consumption" },
        inbound: { "product:aoai": '<rate-limit calls="5" renewal-period="60" />' },
      },
      { rpm: 1 },
      "unsupported",
      /Consumption/,
    ],
    [
      "a single operation's limit that still binds below",
      {
        teams: { growth: "aoai" },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(80, bySub("op"))}`, "api:openai": `<base />\n${tokenLimit(50)}` },
      },
      { tpm: 90 },
      "invalid_input",
      /^(?!.*tpm 50).*tpm 80.*on openai\/chat/s,
    ],
    [
      "to choose between limits of operations",
      {
        teams: { growth: "aoai" },
        inbound: { "operation:openai/chat": tokenLimit(50), "operation:openai/embed": tokenLimit(30) },
      },
      { tpm: 20 },
      "invalid_input",
      /tpm 30.*on openai\/embed.*tpm 50/s,
    ],
    [
      "a higher number on one of the APIs that a limit holds on",
      { teams: both, products: { aoai: ["a", "b", "c"] }, inbound: { "product:aoai": tokenLimit(50) } },
      { tpm: 60, apiId: "a" },
      "invalid_input",
      /holds on b, c too.*Without api_id it is changed for all of them/s,
    ],
    [
      "another number under a key that each call chooses, where that must carry one (v2)",
      { teams: both, sku: v2, inbound: { "product:aoai": tokenLimit(50, byUser) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      "unsupported",
      /One counter has several tokens-per-minute/,
    ],
    [
      "a number per value of something on one of the APIs",
      { teams: both, products: { aoai: ["a", "b"] }, inbound: { "product:aoai": tokenLimit(50, byUser) } },
      { tpm: 40, apiId: "a", limitId: "products/aoai#tpm/1" },
      "invalid_input",
      /holds on b too.*Without api_id/s,
    ],
    [
      "the removal on one of the APIs that a limit holds on",
      { teams: { growth: "aoai" }, products: { aoai: ["a", "b"] }, inbound: { "product:aoai": tokenLimit(50) } },
      { tpm: null, apiId: "a" },
      "invalid_input",
      /holds on b too.*removed for all/s,
    ],
    [
      "to choose between conditions that cannot be decided",
      { teams: both, inbound: { "product:aoai": choose([header, tokenLimit(5)], [null, tokenLimit(7)]) } },
      { tpm: 1 },
      "invalid_input",
      /^Several tpm limits of 'growth' may each apply to some of its calls only; which one is meant\?.*ContainsKey/s,
    ],
    [
      "a number that calls choose among several",
      { teams: both, inbound: { "product:aoai": tokenLimit('@(context.Request.Headers.ContainsKey("x") ? 1000 : 3000)') } },
      { tpm: 1 },
      "unsupported",
      /: tpm 1000 or 3000 \(/,
    ],
    [
      "a limit that counts some calls only",
      {
        teams: both,
        inbound: { "product:aoai": rateLimit(5, 60).replace(" />", ' increment-condition="@(context.Response.StatusCode == 200)" />') },
      },
      { rpm: 1 },
      "invalid_input",
      /^(?!.*where counts).*, counts only where context\.Response/s,
    ],
    [
      "the removal of what each call counts by itself, unless it is named",
      { teams: both, inbound: { "product:aoai": tokenLimit(50, byUser) } },
      { tpm: null },
      "invalid_input",
      /no tpm limit to remove.*limit_id.*per value of/s,
    ],
    [
      "the removal of a limit whose element holds another, where what all have is one counter",
      { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(5, own, daily)], [null, tokenLimit(7, "all")]) } },
      { tpm: null },
      "unsupported",
      /cannot go alone.*Remove both/s,
    ],
  ])("refuses %s", (_, shorthand, request, code, text) => {
    const planning = () => plan(gateway(shorthand), request);
    expect(planning).toThrow(GatewayError);
    try {
      planning();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      expect(error.code).toBe(code);
      expect([error.message, error.hint, ...error.details].join("\n")).toMatch(text);
    }
  });
});
