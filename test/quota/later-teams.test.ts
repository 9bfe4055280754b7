import { describe, expect, it } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { planQuota } from "../../src/quota/plan.ts";
import { changed, choose, gateway, inboundOf, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();
const growth = '@(context.Subscription?.Id == "growth")';
const core = '@(context.Subscription?.Id == "core")';
const notCore = '@(context.Subscription?.Id != "core")';
const aoai = '@((string)context.Product?.Id == "aoai")';
const alone = { growth: "aoai" };
const both = { growth: "aoai", core: "aoai" };
const rate = (calls: number): string => `<rate-limit calls="${calls}" renewal-period="60" />`;

interface Case {
  readonly name: string;
  readonly shorthand: Shorthand;
  readonly asked?: "tpm" | "rpm";
  readonly after: string;
  /** The scope that the warning names; none where later teams keep what they would have had. */
  readonly later?: string;
}

/** The limit of `growth` goes from 9 to 6. */
const cases: readonly Case[] = [
  {
    name: "an otherwise that is left for this team alone",
    shorthand: { teams: both, inbound: { "product:aoai": choose([core, tokenLimit(5)], [null, tokenLimit(9)]) } },
    after: choose([core, tokenLimit(5)], [growth, tokenLimit(6)], [null, tokenLimit(9)]),
  },
  {
    name: "an otherwise in a product with one subscription",
    shorthand: { teams: alone, inbound: { "product:aoai": choose([core, tokenLimit(5)], [null, tokenLimit(9)]) } },
    after: choose([core, tokenLimit(5)], [growth, tokenLimit(6)], [null, tokenLimit(9)]),
  },
  {
    name: "an otherwise beside products",
    shorthand: {
      teams: { growth: "x" },
      products: { aoai: ["openai"], x: ["openai"] },
      inbound: { "product:x": choose([aoai, tokenLimit(5)], [null, tokenLimit(9)]) },
    },
    after: choose([aoai, tokenLimit(5)], [null, choose([growth, tokenLimit(6)], [null, tokenLimit(9)])]),
  },
  {
    name: "a when for everyone but another team",
    shorthand: { teams: both, inbound: { "product:aoai": choose([notCore, tokenLimit(9)]) } },
    after: choose([growth, tokenLimit(6)], [notCore, tokenLimit(9)]),
  },
  {
    name: "a when that names the team",
    shorthand: { teams: both, inbound: { "product:aoai": choose([growth, tokenLimit(9)], [null, tokenLimit(5)]) } },
    after: choose([growth, tokenLimit(6)], [null, tokenLimit(5)]),
  },
  {
    name: "an otherwise below a when that names the team",
    shorthand: { teams: both, inbound: { "product:aoai": choose([growth, choose([core, tokenLimit(5)], [null, tokenLimit(9)])]) } },
    after: choose([growth, choose([core, tokenLimit(5)], [null, tokenLimit(6)])]),
  },
  {
    name: "a product's literal with one subscription",
    shorthand: { teams: alone, inbound: { "product:aoai": `<base />\n${tokenLimit(9)}` } },
    after: `<base />\n${tokenLimit(6)}`,
    later: "product 'aoai'",
  },
  {
    name: "a product's literal under a condition that names the product",
    shorthand: { teams: alone, inbound: { "product:aoai": choose([aoai, tokenLimit(9)]) } },
    after: choose([aoai, tokenLimit(6)]),
    later: "product 'aoai'",
  },
  {
    name: "an API's literal with one subscription",
    shorthand: { teams: { growth: "api:openai" }, inbound: { "api:openai": tokenLimit(9) } },
    after: tokenLimit(6),
    later: "API 'openai'",
  },
  {
    name: "a rate-limit in an otherwise: by key it would count anew",
    shorthand: { teams: both, inbound: { "product:aoai": choose([core, rate(5)], [null, rate(9)]) } },
    asked: "rpm",
    after: choose([core, rate(5)], [null, rate(6)]),
    later: "product 'aoai'",
  },
];

describe("what later subscriptions get", () => {
  it.each(cases)("$name", ({ shorthand, asked = "tpm", after, later }) => {
    const inventory = gateway(shorthand);
    const edit = planQuota(inventory, csharp, { subscriptionId: "growth", [asked]: 6 });
    const [scope = ""] = Object.keys(shorthand.inbound);
    expect(inboundOf(changed(inventory, edit), scope)).toBe(after);
    expect(edit.warnings).toEqual(
      later === undefined ? [] : [`Subscriptions that are created later with the same scope (${later}) get this ${asked} limit too.`],
    );
  });

  it("is asked only of a number that changes", () => {
    const inventory = gateway({ teams: alone, inbound: { "product:aoai": tokenLimit(6) } });
    expect(planQuota(inventory, csharp, { subscriptionId: "growth", tpm: 6 })).toMatchObject({ documents: [], warnings: [] });
  });
});
