import { describe, expect, it } from "vitest";
import { canonical } from "../../../src/policy/canonical.ts";
import { teamLimits } from "../../../src/quota/limits.ts";
import { planQuota } from "../../../src/quota/plan.ts";
import { changed, choose, gateway, inboundOf, own, rateLimit, tokenLimit } from "../gateway-under-test.ts";
import { both, bySub, type Case, core, csharp, daily, growth, plan, takesAndRepeats, three } from "./kit.ts";

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
    "changes both limits of an element, one of which is named",
    { teams: both, inbound: { "product:aoai": tokenLimit(50, own, daily) } },
    { tpm: 40, tokenQuota: 6000, limitId: "products/aoai#token_quota/1" },
    "product:aoai",
    choose([growth, tokenLimit(40, own, daily)], [null, tokenLimit(50, own, daily)]),
  ],
];

describe("planQuota", () => {
  takesAndRepeats(cases);

  it("keeps one choose for two teams", () => {
    const inventory = gateway({ teams: three, inbound: { "product:aoai": tokenLimit(7) } });
    const one = changed(inventory, plan(inventory, { tpm: 6 }));
    const two = changed(one, planQuota(one, csharp, { subscriptionId: "core", tpm: 5 }));
    expect(canonical(inboundOf(two, "product:aoai"))).toBe(
      canonical(choose([growth, tokenLimit(6)], [core, tokenLimit(5)], [null, tokenLimit(7)])),
    );
    expect(teamLimits(two, csharp).map(({ binding }) => binding.tpm.value)).toEqual([6, 5, 7]);
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
});
