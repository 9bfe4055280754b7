import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/errors.ts";
import type { QuotaRequest } from "../../../src/quota/plan.ts";
import { choose, gateway, own, rateLimit, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { both, bySub, byUser, core, daily, growth, header, plan, readsVariable, v2, variable } from "./kit.ts";

describe("planQuota", () => {
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
