import { describe, expect, it } from "vitest";
import type { QuotaRequest } from "../../../src/quota/plan.ts";
import { changed, choose, gateway, inboundOf, own, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { both, bySub, byUser, core, daily, growth, newLimit, plan, readsVariable, variable } from "./kit.ts";

describe("planQuota", () => {
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
});
