import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { Inventory } from "../../src/gateway/inventory.ts";
import { canonical } from "../../src/policy/canonical.ts";
import { parse } from "../../src/policy/document.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { planQuota, type QuotaEdit, type QuotaRequest } from "../../src/quota/plan.ts";
import { haveRealPolicies, realPolicies } from "../policy/real-policies.ts";
import { changed, choose, gateway, inboundOf, own, rateLimit, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

const growth = '@(context.Subscription?.Id == "growth")';
const core = '@(context.Subscription?.Id == "core")';
const header = '@(context.Request.Headers.ContainsKey("x"))';
const both = { growth: "aoai", core: "aoai" };
const three = { ...both, lab: "aoai" };

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
    "leaves a single operation's limit aside",
    {
      teams: { growth: "aoai" },
      inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "api:openai": `<base />\n${tokenLimit(100)}` },
    },
    { tpm: 50 },
    "api:openai",
    `<base />\n${tokenLimit(50)}`,
  ],
];

/** The edit for the team `growth`, or the code of the error. */
function planned(inventory: Inventory, asked: Omit<QuotaRequest, "subscriptionId">): { readonly code: string; readonly edit?: QuotaEdit } {
  try {
    return { code: "planned", edit: planQuota(inventory, { subscriptionId: "growth", ...asked }) };
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code };
    throw error;
  }
}

describe("planQuota", () => {
  it.each(cases)("%s", (_, shorthand, request, scope, after) => {
    const inventory = gateway(shorthand);
    const edit = planQuota(inventory, { subscriptionId: "growth", ...request });
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
    const once = changed(before, planQuota(before, { subscriptionId: "growth", ...request }));
    expect(planQuota(once, { subscriptionId: "growth", ...request }).documents).toEqual([]);
    const more = { subscriptionId: "growth", ...request, ...(request.tpm === undefined ? {} : { tpm: request.tpm - 1 }) };
    const twice = changed(once, planQuota(once, more));
    expect(inboundOf(twice, scope).match(/== "growth"/g)?.length).toBe(inboundOf(once, scope).match(/== "growth"/g)?.length);
  });

  it("says what it does", () => {
    const inventory = gateway({ teams: both, inbound: { "product:aoai": `${tokenLimit(200)}\n${rateLimit(100, 90)}` } });
    expect(planQuota(inventory, { subscriptionId: "Team growth", tpm: 100, rpm: 35 })).toMatchObject({
      action: "growth tpm 200 -> 100, rpm 66 -> 34",
      summary: "growth (Team growth): tpm 200 -> 100, rpm 66 -> 34 in product 'aoai' policy.",
      affected: ["growth (Team growth)"],
      warnings: ["35 calls per minute are 52.5 in the limit's 90 s; it is set to 52."],
      documents: [{ id: "products/aoai/policies/policy", before: { etag: '"1"' } }],
    });
  });

  it("warns of limits that may bind below", () => {
    const inventory = gateway({
      teams: both,
      inbound: { "product:aoai": `${choose([header, tokenLimit(5)])}\n${tokenLimit("@(1)")}\n${tokenLimit(20)}` },
    });
    const { warnings } = planQuota(inventory, { subscriptionId: "growth", tpm: 10 });
    expect(warnings).toEqual([expect.stringContaining("products/aoai#tpm/1"), expect.stringContaining("products/aoai#tpm/2")]);
  });

  it("keeps one choose for two teams", () => {
    const inventory = gateway({ teams: three, inbound: { "product:aoai": tokenLimit(7) } });
    const one = changed(inventory, planQuota(inventory, { subscriptionId: "growth", tpm: 6 }));
    const two = changed(one, planQuota(one, { subscriptionId: "core", tpm: 5 }));
    expect(canonical(inboundOf(two, "product:aoai"))).toBe(
      canonical(choose([growth, tokenLimit(6)], [core, tokenLimit(5)], [null, tokenLimit(7)])),
    );
    expect(teamLimits(two).map(({ tpm }) => tpm)).toEqual([6, 5, 7]);
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
    expect([...outcomes.keys()].toSorted()).toEqual(["planned", "unsupported"]);
  });

  it.each<[string, Shorthand, Partial<QuotaRequest>, string, RegExp]>([
    ["an unknown team", { teams: { grwoth: "aoai" }, inbound: {} }, { tpm: 1 }, "not_found", /grwoth/],
    ["an unknown API", { teams: both, inbound: {} }, { tpm: 1, apiId: "opnai" }, "not_found", /openai/],
    ["no value", { teams: both, inbound: {} }, {}, "invalid_input", /tpm/],
    ["no limit yet", { teams: both, inbound: {} }, { tpm: 1 }, "unsupported", /products\/aoai\/policies\/policy/],
    [
      "no limit yet, API's subscription",
      { teams: { growth: "api:openai" }, inbound: {} },
      { rpm: 1 },
      "unsupported",
      /apis\/openai\/policies\/policy.*rate-limit-by-key/,
    ],
    [
      "a limit on another API only",
      { teams: both, products: { aoai: ["openai", "b"] }, inbound: { "api:b": tokenLimit(5) } },
      { tpm: 1, apiId: "openai" },
      "unsupported",
      /on API 'openai'/,
    ],
    [
      "a counter that teams share",
      { teams: both, inbound: { "product:aoai": tokenLimit(5, "all") } },
      { tpm: 1 },
      "unsupported",
      /counter all is shared with core/,
    ],
    [
      "an expression (P6)",
      { teams: both, inbound: { "product:aoai": tokenLimit("@(5)") } },
      { tpm: 1 },
      "unsupported",
      /not a number but @\(5\)/,
    ],
    [
      "a named value (P7)",
      { teams: both, inbound: { "product:aoai": tokenLimit("{{tpm}}") }, namedValues: { tpm: "5" } },
      { tpm: 1 },
      "unsupported",
      /named value \{\{tpm\}\}/,
    ],
    [
      "a fragment (P5)",
      { teams: both, inbound: { "product:aoai": '<include-fragment fragment-id="f" />' }, fragments: { f: tokenLimit(5) } },
      { tpm: 1 },
      "unsupported",
      /fragment/,
    ],
    [
      "a condition that cannot be decided (P2)",
      { teams: both, inbound: { "product:aoai": choose([header, tokenLimit(5)]) } },
      { tpm: 1 },
      "unsupported",
      /ContainsKey/,
    ],
    [
      "a document that is not well-formed",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(5)}<set-header a="b & c" />` } },
      { tpm: 1 },
      "unsupported",
      /well-formed/,
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
      /global#tpm\/1: tpm 8/,
    ],
    [
      "a shared one that still binds below",
      { teams: both, inbound: { "product:aoai": `${tokenLimit(20)}\n${tokenLimit(8, "all")}` } },
      { tpm: 9 },
      "invalid_input",
      /#tpm\/2: tpm 8/,
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
      "a team's key that counts already",
      { teams: both, inbound: { "product:aoai": `<base />\n<rate-limit calls="5" renewal-period="60" />`, global: rateLimit(100, 60) } },
      { rpm: 1 },
      "unsupported",
      /twice/,
    ],
    ["less than one call", { teams: both, inbound: { "product:aoai": rateLimit(50, 10) } }, { rpm: 5 }, "invalid_input", /at least 6/],
  ])("refuses %s", (_, shorthand, request, code, text) => {
    const plan = () => planQuota(gateway(shorthand), { subscriptionId: "growth", ...request });
    expect(plan).toThrow(GatewayError);
    try {
      plan();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      expect(error.code).toBe(code);
      expect([error.message, error.hint, ...error.details].join("\n")).toMatch(text);
    }
  });
});
