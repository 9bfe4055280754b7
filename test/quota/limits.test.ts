import { describe, expect, it } from "vitest";
import { type Limit, teamLimits } from "../../src/quota/limits.ts";
import { choose, gateway, rateLimit, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

/** `team: tpm/rpm` of every team, and its limits as `limitId=value`. */
function read(shorthand: Shorthand): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    teamLimits(gateway(shorthand)).map(({ subscription, tpm, rpm, limits }) => [
      subscription.id,
      [tpm, rpm, ...limits.map(({ limitId, value }) => `${limitId}=${value}`)],
    ]),
  );
}

function limitOf(shorthand: Shorthand, team: string): Limit {
  const limit = teamLimits(gateway(shorthand)).find(({ subscription }) => subscription.id === team)?.limits[0];
  if (limit === undefined) throw new Error(`${team} has no limit`);
  return limit;
}

const growth = '@(context.Subscription.Id == "growth")';
const header = '@(context.Request.Headers.ContainsKey("x"))';

describe("teamLimits", () => {
  it.each<[string, Shorthand, Readonly<Record<string, readonly unknown[]>>]>([
    [
      "a literal in the product's policy (P1), which an all-access key does not meet",
      { teams: { growth: "aoai", core: "aoai", master: "service" }, inbound: { "product:aoai": `<base />\n${tokenLimit(200_000)}` } },
      { growth: [200_000, null, "products/aoai#tpm/1=200000"], core: [200_000, null, "products/aoai#tpm/1=200000"], master: [null, null] },
    ],
    [
      "limits by deployment beside one of the whole product (P2)",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `${choose([header, tokenLimit(10_000)], [null, tokenLimit(1000)])}\n${tokenLimit(15_000, "@(context.Product?.Name)")}`,
        },
      },
      { growth: [15_000, null, "products/aoai#tpm/1=10000", "products/aoai#tpm/2=1000", "products/aoai#tpm/3=15000"] },
    ],
    [
      "a choose by product in the API's policy (P3)",
      {
        teams: { growth: "gold", core: "silver", master: "service" },
        products: { gold: ["openai"], silver: ["openai"] },
        inbound: {
          "api:openai": choose(
            ['@((string)context.Product?.Id == "gold")', tokenLimit(5000)],
            ['@((string)context.Product?.Id == "silver")', tokenLimit(1000)],
            [null, tokenLimit(1)],
          ),
        },
      },
      {
        growth: [5000, null, "apis/openai#tpm/1=5000"],
        core: [1000, null, "apis/openai#tpm/2=1000"],
        master: [1, null, "apis/openai#tpm/3=1"],
      },
    ],
    [
      "a literal in the API's policy (P4), base last",
      {
        teams: { growth: "aoai", direct: "api:openai", all: "apis" },
        inbound: { "api:openai": `${tokenLimit(100)}\n<base />`, global: `<base />\n${rateLimit(10, 20)}` },
      },
      {
        growth: [100, 30, "apis/openai#tpm/1=100", "global#rpm/1=30"],
        direct: [100, 30, "apis/openai#tpm/1=100", "global#rpm/1=30"],
        all: [100, 30, "apis/openai#tpm/1=100", "global#rpm/1=30"],
      },
    ],
    [
      "a literal in a fragment (P5), included through choose",
      {
        teams: { growth: "aoai" },
        inbound: { "api:openai": choose([growth, '<include-fragment fragment-id="limits" />']) },
        fragments: { limits: tokenLimit(500) },
      },
      { growth: [500, null, "policyFragments/limits#tpm/1=500"] },
    ],
    [
      "an expression (P6)",
      { teams: { growth: "aoai" }, inbound: { "product:aoai": tokenLimit('@((int)context.Variables["higherLimit"])') } },
      { growth: ["unknown", null, "products/aoai#tpm/1=unknown"] },
    ],
    [
      "named values (P7), whole, in part and missing",
      {
        teams: { growth: "aoai" },
        inbound: { "product:aoai": `${tokenLimit("{{tpm}}000")}\n${rateLimit("{{missing}}", 60)}` },
        namedValues: { tpm: "7" },
      },
      { growth: [7000, "unknown", "products/aoai#tpm/1=7000", "products/aoai#rpm/1=unknown"] },
    ],
    [
      "no base: broader scopes are left out",
      { teams: { growth: "aoai" }, inbound: { "api:openai": rateLimit(5, 60), "product:aoai": tokenLimit(100), global: rateLimit(1, 60) } },
      { growth: [null, 5, "apis/openai#rpm/1=5"] },
    ],
    [
      "an operation's own limit, which binds that operation only",
      {
        teams: { growth: "aoai" },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "api:openai": `<base />\n${tokenLimit(100)}` },
      },
      { growth: [100, null, "apis/openai#tpm/1=100", "apis/openai/operations/chat#tpm/1=10"] },
    ],
    [
      "quotas, and calls in other periods",
      {
        teams: { growth: "aoai" },
        inbound: {
          "product:aoai": `<rate-limit calls="7" renewal-period="90" />\n<quota calls="1000" renewal-period="604800" />\n${tokenLimit(5, undefined, ' token-quota="50" token-quota-period="Monthly"')}`,
        },
      },
      {
        growth: [
          5,
          4,
          "products/aoai#rpm/1=4",
          "products/aoai#call_quota/1=1000",
          "products/aoai#tpm/1=5",
          "products/aoai#token_quota/1=50",
        ],
      },
    ],
    [
      "a limit that counts something else than calls",
      {
        teams: { growth: "aoai" },
        inbound: { "product:aoai": '<rate-limit-by-key calls="9" renewal-period="60" counter-key="k" increment-count="@(tokens)" />' },
      },
      { growth: [null, "unknown", "products/aoai#rpm/1=unknown"] },
    ],
    [
      "what stands behind a condition that cannot be decided, when and otherwise",
      {
        teams: { growth: "aoai", core: "aoai" },
        inbound: { "product:aoai": choose([header, tokenLimit(1)], [growth, tokenLimit(2)], [null, tokenLimit(3)]) },
      },
      {
        growth: ["unknown", null, "products/aoai#tpm/1=1", "products/aoai#tpm/2=2"],
        core: ["unknown", null, "products/aoai#tpm/1=1", "products/aoai#tpm/3=3"],
      },
    ],
    [
      "a product without an API",
      { teams: { growth: "empty" }, products: { empty: [] }, inbound: { "product:empty": tokenLimit(3) } },
      { growth: [3, null, "products/empty#tpm/1=3"] },
    ],
    ["nothing", { teams: { growth: "aoai" }, inbound: {} }, { growth: [null, null] }],
  ])("reads %s", (_, shorthand, expected) => {
    expect(read(shorthand)).toEqual(expected);
  });

  it("says where a limit stands, when it applies and who else meets it", () => {
    const shorthand = { teams: { growth: "aoai", core: "aoai", other: "x" }, products: { aoai: ["openai"], x: ["openai"] } };
    expect(limitOf({ ...shorthand, inbound: { "product:aoai": `<base />\n${choose([header, tokenLimit(7)])}` } }, "growth")).toEqual({
      limitId: "products/aoai#tpm/1",
      kind: "tpm",
      value: 7,
      document: "products/aoai/policies/policy",
      line: 6,
      scope: "product 'aoai'",
      condition: header,
      counterKey: "@(context.Subscription.Id)",
      sharedWith: [],
      documentSharedWith: ["core"],
      editable: true,
    });
  });

  it.each<[string, string, readonly string[], boolean]>([
    ["the subscription", "@(context.Subscription.Id)", [], true],
    ["the subscription and more", '@(context.Subscription?.Id + "-chat")', [], true],
    ["the subscription's name", "@(context.Subscription.Name)", [], true],
    ["the product", "@(context.Product?.Name)", ["core"], false],
    ["a constant", "all", ["core", "other"], false],
    ["an address", "@(context.Request.IpAddress)", ["core", "other"], false],
  ])("knows who shares a counter of %s", (_, key, sharedWith, editable) => {
    const teams = { growth: "aoai", core: "aoai", other: "x" };
    const limit = limitOf(
      { teams, products: { aoai: ["openai"], x: ["openai"] }, inbound: { "api:openai": tokenLimit(7, key) } },
      "growth",
    );
    expect(limit).toMatchObject({ sharedWith, documentSharedWith: ["core", "other"], editable });
  });

  it("sees a counter that two documents share", () => {
    const inbound = { "product:a": tokenLimit(7, "all"), "product:b": tokenLimit(8, "all"), "product:c": rateLimit(8, 60, "all") };
    const shorthand = { teams: { one: "a", two: "b", three: "c" }, products: { a: [], b: [], c: [] }, inbound };
    expect(limitOf(shorthand, "one")).toMatchObject({ sharedWith: ["two"], documentSharedWith: [], editable: false });
    expect(limitOf(shorthand, "three")).toMatchObject({ sharedWith: [] });
  });

  it("counts callers without a subscription among those who meet an open API's limit", () => {
    const limit = limitOf({ teams: { growth: "aoai" }, open: ["openai"], inbound: { "api:openai": tokenLimit(7) } }, "growth");
    expect(limit.documentSharedWith).toEqual(["(callers without a subscription)"]);
  });

  it("reads fragments and named values, but does not edit them", () => {
    const teams = { growth: "aoai" };
    const inFragment = limitOf(
      { teams, inbound: { "api:openai": '<include-fragment fragment-id="f" />' }, fragments: { f: tokenLimit(1) } },
      "growth",
    );
    expect(inFragment).toMatchObject({
      scope: "fragment 'f' in API 'openai'",
      document: "policyFragments/f",
      editable: false,
      reason: expect.stringContaining("fragment"),
    });
    const named = limitOf({ teams, inbound: { "product:aoai": tokenLimit("{{tpm}}") }, namedValues: { tpm: "5" } }, "growth");
    expect(named).toMatchObject({ value: 5, editable: false, reason: expect.stringContaining("{{tpm}}") });
  });

  it("takes policies nested as deeply as anyone may write them", () => {
    const deep = `${"<choose><otherwise>".repeat(20_000)}${tokenLimit(1)}${"</otherwise></choose>".repeat(20_000)}`;
    expect(read({ teams: { growth: "aoai" }, inbound: { "product:aoai": `${tokenLimit(5)}${deep}` } })).toEqual({
      growth: [5, null, "products/aoai#tpm/1=5"],
    });
  });
});
