import { describe, expect, it } from "vitest";
import { choose, own, rateLimit, tokenLimit } from "../gateway-under-test.ts";
import { growth, header, limitOf, type Reading, read, teamOf } from "./kit.ts";

describe("teamLimits", () => {
  it.each<Reading>([
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
  ])("reads %s", (_, shorthand, expected) => {
    expect(read(shorthand)).toEqual(expected);
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

  it("says where to look for a number that cannot be told", () => {
    const inbound = {
      "product:aoai": `<send-request response-variable-name="plan" mode="new"><set-url>https://x</set-url></send-request>\n${tokenLimit('@((int)((IResponse)context.Variables["plan"]).Body.As<JObject>()["tpm"])')}`,
    };
    const { amount } = limitOf({ teams: { growth: "aoai" }, inbound }, "growth");
    expect(amount).toMatchObject({ status: "unknown", why: expect.stringContaining("plan") });
  });

  it("takes policies nested as deeply as anyone may write them", () => {
    const deep = `${"<choose><otherwise>".repeat(20_000)}${tokenLimit(1)}${"</otherwise></choose>".repeat(20_000)}`;
    expect(read({ teams: { growth: "aoai" }, inbound: { "product:aoai": `${tokenLimit(5)}${deep}` } })).toEqual({
      growth: ["tpm 5", "products/aoai#tpm/1=5"],
    });
  });
});
