import { describe } from "vitest";
import { choose, own, rateLimit, tokenLimit } from "../gateway-under-test.ts";
import { both, bySub, byUser, type Case, core, growth, newLimit, takesAndRepeats, three, v2 } from "./kit.ts";

const cases: readonly Case[] = [
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
    "stacks calls per minute before a counter that teams share",
    { teams: both, inbound: { "product:aoai": rateLimit(50, 10).replace(own, "all") } },
    { rpm: 5 },
    "product:aoai",
    `${choose([growth, rateLimit(5, 60).replace(own, bySub("own-rpm:"))])}\n${rateLimit(50, 10).replace(own, "all")}`,
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
    "counts the team's calls apart from another limit of theirs",
    { teams: both, inbound: { "product:aoai": `<base />\n<rate-limit calls="5" renewal-period="60" />`, global: rateLimit(100, 60) } },
    { rpm: 1 },
    "product:aoai",
    `<base />\n${choose([growth, '<rate-limit-by-key calls="1" renewal-period="60" counter-key="@("own-rpm:" + context.Subscription.Id)" />'], [null, '<rate-limit calls="5" renewal-period="60" />'])}`,
  ],
];

describe("planQuota", () => {
  takesAndRepeats(cases);
});
