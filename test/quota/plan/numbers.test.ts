import { describe, expect, it } from "vitest";
import { planQuota } from "../../../src/quota/plan.ts";
import { changed, choose, gateway, inboundOf, own, rateLimit, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { both, type Case, core, csharp, growth, plan, readsVariable, takesAndRepeats, three, variable } from "./kit.ts";

const typed = (value: number): string => `<set-variable name="tpm" value="@(${value})" />`;
const readsTyped = '@((int)context.Variables["tpm"])';
const mapOrDefault =
  '@{ JToken mine; return JObject.Parse((string)context.Variables["all"]).TryGetValue(context.Subscription.Id, out mine) ? (int)mine : 9; }';

const cases: readonly Case[] = [
  [
    "scales calls to the renewal period",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": rateLimit(100, 20) } },
    { rpm: 60 },
    "product:aoai",
    rateLimit(20, 20),
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
    "writes calls that count more than once",
    { teams: { growth: "aoai" }, inbound: { "product:aoai": rateLimit(20, 60).replace(" />", ' increment-count="2" />') } },
    { rpm: 5 },
    "product:aoai",
    rateLimit(10, 60).replace(" />", ' increment-count="2" />'),
  ],
];

describe("planQuota", () => {
  takesAndRepeats(cases);

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

  it("writes the id of a team so that it stands for no named value", () => {
    const inventory = gateway({
      teams: { "z{{nv}}": "aoai", core: "aoai" },
      inbound: { "product:aoai": tokenLimit(7) },
      namedValues: { nv: "x" },
    });
    const edit = plan(inventory, { subscriptionId: "z{{nv}}", tpm: 6 });
    expect(inboundOf(changed(inventory, edit), "product:aoai")).toContain('== "z{" + "{nv}}")');
  });
});
