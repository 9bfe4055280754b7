import { describe, expect, it } from "vitest";
import { choose, own, rateLimit, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { deployment, limitOf, quota, teamOf, teamsOf, twoProducts } from "./kit.ts";

describe("teamLimits", () => {
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
});
