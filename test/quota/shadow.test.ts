import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Inventory } from "../../src/gateway/inventory.ts";
import { changeIdMark } from "../../src/gateway/proposal.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { descendants, parse } from "../../src/policy/document.ts";
import { applyEdits } from "../../src/policy/edit.ts";
import { review } from "../../src/policy/review.ts";
import { textOf, withText } from "../../src/quota/edits/documents.ts";
import type { Limit, TeamLimits } from "../../src/quota/limit.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { shadowTarget } from "../../src/quota/plan.ts";
import { openSignatures } from "../../src/quota/proof.ts";
import { planShadow, withoutShadow } from "../../src/quota/shadow.ts";
import { shadowEdits, shadowOf, shadowsIn, shadowValue, withoutShadowEdits } from "../../src/quota/shadow-text.ts";
import { choose, gateway, inboundOf, own, tokenLimit } from "./gateway-under-test.ts";
import { limitOn } from "./limit-under-test.ts";

const product = "products/aoai/policies/policy";

/** A token limit as the finder would tell it of one team; `nth` of its document. */
function limitIn(inventory: Inventory, { nth = 0, document = product, ...more }: Partial<Limit> & { readonly nth?: number } = {}): Limit {
  const { root } = parse(textOf(inventory, document) ?? "");
  const element = [...(root === null ? [] : descendants(root))].filter(({ name }) => name.endsWith("token-limit"))[nth];
  if (element === undefined) throw new Error(`no token limit ${nth} in ${document}`);
  return limitOn(element, {
    limitId: `products/aoai#tpm/${nth + 1}`,
    amount: { status: "value", value: 200_000 },
    numberGroup: new Set(["growth", "labs"]),
    document,
    ...more,
  });
}

const teamIn = (inventory: Inventory, id = "growth"): TeamLimits => {
  const subscription = inventory.subscriptions.find((one) => one.id === id);
  if (subscription === undefined) throw new Error(`no team ${id}`);
  const none = { status: "none", limits: [], parts: [] } as const;
  return { subscription, limits: [], binding: { tpm: none, rpm: none, token_quota: none, call_quota: none }, warnings: [] };
};

const teams = { growth: "aoai", labs: "aoai" };
const shared = gateway({ teams, inbound: { "product:aoai": tokenLimit(200_000) } });

const shadowed = (inventory: Inventory, proposed: number, limit: Limit = limitIn(inventory), team = "growth"): Inventory => {
  const [document] = planShadow(inventory, { team: teamIn(inventory, team), limit, proposed }).documents;
  if (document === undefined) throw new Error("nothing would change");
  return withText(inventory, document.id, String(document.after.value));
};

const shadow = (proposed: number, { team = "growth", enforced = "200000", variable = "shadow-remaining-tokens" } = {}): string => `<choose>
    <when condition="@(context.Subscription?.Id == "${team}" && context.Variables.ContainsKey("${variable}") && long.TryParse(Convert.ToString(context.Variables["${variable}"]), out long left) && ${enforced} - left > ${proposed})">
        <trace source="shadow:token-rate-limit" severity="information">
            <message>A limit of ${proposed} tokens per minute would have refused this call. It was let through.</message>
            <metadata name="subscription" value="${team}" />
            <metadata name="proposed-tpm" value="${proposed}" />
        </trace>
        <emit-metric name="shadow-token-rate-limit">
            <dimension name="Subscription ID" />
            <dimension name="Proposed TPM" value="${proposed}" />
        </emit-metric>
    </when>
</choose>`;
const reading = (tpm: number | string, variable = "shadow-remaining-tokens"): string =>
  tokenLimit(tpm, own, ` remaining-tokens-variable-name="${variable}"`);

describe("a shadow limit in a policy", () => {
  it("stands behind the enforced limit, which gets the variable that it reads", () => {
    expect(inboundOf(shadowed(shared, 100_000), "product:aoai")).toBe(`${reading(200_000)}\n${shadow(100_000)}`);
  });

  it("reads the variable that the limit has", () => {
    const limit = tokenLimit(200_000, own, ` remaining-tokens-variable-name='left over'`);
    const inventory = gateway({ teams, inbound: { "product:aoai": limit } });
    const text = inboundOf(shadowed(inventory, 100_000), "product:aoai");
    expect(text).toBe(`${limit}\n${shadow(100_000, { variable: "left over" })}`);
  });

  it("goes by the named value that holds the enforced number", () => {
    const inventory = gateway({
      teams,
      inbound: { "product:aoai": tokenLimit("{{growth-tpm}}") },
      namedValues: { "growth-tpm": "200000" },
    });
    expect(inboundOf(shadowed(inventory, 5), "product:aoai")).toContain("{{growth-tpm}} - left > 5)");
  });

  it("stands in the team's own branch, and in a fragment", () => {
    const branch = gateway({
      teams,
      inbound: { "product:aoai": choose([`@(context.Subscription.Id == "growth")`, tokenLimit(200_000)], [null, tokenLimit(9)]) },
    });
    const parsed = parse(textOf(shadowed(branch, 7), product) ?? "");
    expect(shadowsIn(parsed, "growth").map(({ element }) => element.parent?.name)).toEqual(["when"]);
    const fragments = gateway({
      teams,
      inbound: { "product:aoai": `<include-fragment fragment-id="l" />` },
      fragments: { l: tokenLimit(200_000) },
    });
    const inFragment = shadowed(fragments, 7, limitIn(fragments, { document: "policyFragments/l" }));
    expect(textOf(inFragment, "policyFragments/l")).toContain("200000 - left > 7");
    expect(textOf(inFragment, product)).toBe(textOf(fragments, product));
  });

  it("is changed where it stands, never doubled; the same again is no change", () => {
    const first = shadowed(shared, 100_000);
    const second = shadowed(first, 50_000);
    expect(inboundOf(second, "product:aoai")).toBe(`${reading(200_000)}\n${shadow(50_000)}`);
    expect(planShadow(second, { team: teamIn(second), limit: limitIn(second), proposed: 50_000 }).documents).toEqual([]);
    expect(shadowValue(limitIn(second).element, "GROWTH")).toBe(50_000);
    expect(shadowValue(limitIn(second).element, "labs")).toBeNull();
  });

  it("is each team's own", () => {
    const both = shadowed(shadowed(shared, 100_000), 50_000, undefined, "labs");
    const text = inboundOf(both, "product:aoai");
    expect(text).toBe(`${reading(200_000)}\n${shadow(50_000, { team: "labs" })}\n${shadow(100_000)}`);
    const one = withoutShadow(both, limitIn(both), "labs");
    expect(inboundOf(one, "product:aoai")).toBe(`${reading(200_000)}\n${shadow(100_000)}`);
    expect(textOf(withoutShadow(one, limitIn(one), "growth"), product)).toBe(textOf(shared, product));
    expect(withoutShadow(one, limitIn(one, { kind: "token_quota" }), "growth")).toBe(one);
  });

  it("is told apart by the limit that it stands on", () => {
    const two = gateway({ teams, inbound: { "product:aoai": `${tokenLimit(200_000)}\n${tokenLimit(300_000, "other")}` } });
    const first = shadowed(two, 10);
    const both = shadowed(first, 20, limitIn(first, { nth: 1, amount: { status: "value", value: 300_000 } }));
    expect([0, 1].map((nth) => shadowValue(limitIn(both, { nth }).element, "growth"))).toEqual([10, 20]);
    expect(shadowsIn(parse(textOf(both, product) ?? ""), "growth").map(({ variable }) => variable)).toEqual([
      "shadow-remaining-tokens",
      "shadow-remaining-tokens-2",
    ]);
  });

  it("is told apart where two limits in line set the same variable", () => {
    const named = ` remaining-tokens-variable-name="left"`;
    const two = gateway({
      teams,
      inbound: { "product:aoai": `${tokenLimit(200_000, own, named)}\n${tokenLimit(300_000, "other", named)}` },
    });
    const second = shadowed(two, 20, limitIn(two, { nth: 1 }));
    expect([0, 1].map((nth) => shadowValue(limitIn(second, { nth }).element, "growth"))).toEqual([null, 20]);
    const both = shadowed(second, 10, limitIn(second));
    expect([0, 1].map((nth) => shadowValue(limitIn(both, { nth }).element, "growth"))).toEqual([10, 20]);
  });

  it("is still found where the limit has come into a branch since", () => {
    const wrapped = (textOf(shadowed(shared, 10), product) ?? "").replace(/<llm-token-limit[^>]*\/>/, (limit) =>
      choose([`@(context.Subscription?.Id == "labs")`, limit.replace("200000", "9")], [null, limit]),
    );
    const inventory = withText(shared, product, wrapped);
    expect(shadowValue(limitIn(inventory, { nth: 1 }).element, "growth")).toBe(10);
  });

  it("is not that of a limit in another branch", () => {
    const branches = gateway({
      teams,
      inbound: {
        "product:aoai": choose(
          [`@(context.Request.Url.Path.Contains("a"))`, tokenLimit(200_000)],
          [`@(context.Request.Url.Path.Contains("b"))`, tokenLimit(200_000)],
        ),
      },
    });
    const second = shadowed(branches, 20, limitIn(branches, { nth: 1 }));
    expect([0, 1].map((nth) => shadowValue(limitIn(second, { nth }).element, "growth"))).toEqual([null, 20]);
  });

  it("leaves the limit the variable that it had before", () => {
    const limit = tokenLimit(200_000, own, ` remaining-tokens-variable-name="left"`);
    const inventory = gateway({ teams, inbound: { "product:aoai": limit } });
    const both = shadowed(inventory, 10);
    expect(textOf(withoutShadow(both, limitIn(both), "growth"), product)).toBe(textOf(inventory, product));
    const { warnings } = planShadow(inventory, { team: teamIn(inventory), limit: limitIn(inventory), proposed: 10 });
    expect(warnings.join()).not.toContain("The limit gets");
  });

  it("keeps the variable where something else reads it", () => {
    const read = `<set-header name="left" exists-action="override"><value>@(Convert.ToString(context.Variables["shadow-remaining-tokens"]))</value></set-header>`;
    const inventory = withText(shared, product, (textOf(shadowed(shared, 10), product) ?? "").replace("</inbound>", `${read}</inbound>`));
    expect(textOf(withoutShadow(inventory, limitIn(inventory), "growth"), product)).toContain(
      `remaining-tokens-variable-name="shadow-remaining-tokens"`,
    );
  });

  it.each([
    ["beside its trace", "<emit-metric", `<set-header name="a" exists-action="delete" /><emit-metric`],
    ["in a branch of its choose", "</choose>", "<otherwise><base /></otherwise></choose>"],
    ["around its trace", /(<trace[\s\S]*<\/trace>)/, "<retry>$1</retry>"],
  ])("is left alone where somebody has put other policies into it: %s", (_, where, text) => {
    const inventory = withText(shared, product, (textOf(shadowed(shared, 10), product) ?? "").replace(where, text));
    expect([shadowValue(limitIn(inventory).element, "growth"), shadowValue(limitIn(inventory).element, "labs")]).toEqual(["unknown", null]);
    expect(() => shadowed(inventory, 20)).toThrow(/among other policies than those of a shadow limit/);
    expect(() => withoutShadow(inventory, limitIn(inventory), "growth")).toThrow(expect.objectContaining({ code: "unsupported" }));
    expect(withoutShadow(inventory, limitIn(inventory), "labs")).toBe(inventory);
  });

  it("is no comment, and no trace of somebody else's", () => {
    const commented = `${tokenLimit(200_000)}\n<!-- ${shadow(10)} -->\n<trace source="mine"><message>text</message></trace>`;
    const inventory = gateway({ teams, inbound: { "product:aoai": commented } });
    expect(shadowValue(limitIn(inventory).element, "growth")).toBeNull();
  });
});

test("taking a shadow out gives back the bytes, whatever the layout and the team's name", () => {
  const layouts = fc.constantFrom(
    tokenLimit(200_000),
    `<base />${tokenLimit(200_000)}<set-header name="a" exists-action="delete" />`,
    `<azure-openai-token-limit\r\n\tcounter-key="${own}"\r\n\ttokens-per-minute='200000'\r\n\testimate-prompt-tokens="true">\r\n</azure-openai-token-limit>`,
    `<!-- before -->\n\t${tokenLimit(200_000)} <!-- behind -->\n`,
  );
  const sids = fc.oneof(
    fc.constantFrom("growth", "a-b", `q"uote`, "amp&lt;", "a\\b", "{x}"),
    fc.string({ minLength: 1, maxLength: 8, unit: "grapheme-ascii" }),
  );
  fc.assert(
    fc.property(
      layouts,
      sids,
      fc.integer({ min: 1, max: 199_999 }),
      fc.integer({ min: 1, max: 199_999 }),
      (inbound, sid, first, second) => {
        const source = `<policies>\n    <inbound>\n        ${inbound}\n    </inbound>\n</policies>`;
        const edited = (text: string, edits: (...of: Parameters<typeof limitOf>) => ReturnType<typeof shadowEdits>): string => {
          const parsed = parse(text);
          return applyEdits(text, edits(parsed));
        };
        const limitOf = (parsed: ReturnType<typeof parse>) => {
          const found = [...(parsed.root === null ? [] : descendants(parsed.root))].find(({ name }) => name.endsWith("token-limit"));
          if (found === undefined) throw new Error("no limit");
          return found;
        };
        const put = (text: string, proposed: number) =>
          edited(text, (parsed) => shadowEdits(parsed, limitOf(parsed), { subscription: { id: sid }, enforced: "200000", proposed }));
        const once = put(source, first);
        const twice = put(once, second);
        const parsed = parse(twice);
        expect(parsed.problems).toEqual([]);
        expect(shadowsIn(parsed, sid)).toHaveLength(1);
        expect(shadowOf(parsed, limitOf(parsed), sid)?.proposed).toBe(second);
        expect(twice).toBe(put(source, second));
        expect(edited(twice, (document) => withoutShadowEdits(document, limitOf(document), sid))).toBe(source);
      },
    ),
  );
});

describe("the finder", () => {
  it.each<readonly [name: string, inbound: string]>([
    ["shared by all", tokenLimit(200_000)],
    ["in a branch", choose([`@(context.Subscription.Id == "labs")`, tokenLimit(5)], [null, tokenLimit(200_000)])],
    ["with a quota", tokenLimit(200_000, own, ` token-quota="9" token-quota-period="Daily"`)],
  ])("takes no shadow for a limit, and finds what it found for everyone: %s", async (_, inbound) => {
    const csharp = await loadGrammar();
    const inventory = gateway({ teams, inbound: { "product:aoai": inbound } });
    const signatures = openSignatures();
    const found = (state: Inventory) => teamLimits(state, csharp).map((team) => [team.subscription.id, signatures.team(team)]);
    const { team, limit } = shadowTarget(inventory, csharp, { subscriptionId: "growth" });
    const [document] = planShadow(inventory, { team, limit, proposed: 10 }).documents;
    if (document === undefined || limit === null) throw new Error("no shadow");
    const after = withText(inventory, document.id, String(document.after.value));
    expect(shadowValue((shadowTarget(after, csharp, { subscriptionId: "growth" }).limit ?? limit).element, "growth")).toBe(10);
    expect(found(after)).toEqual(found(inventory));
  });
});

describe("the validator", () => {
  it.each(["product", "api", "global", "operation", "workspace"] as const)("has nothing against it: %s", async (scope) => {
    const errors = review(parse(textOf(shadowed(shared, 100_000), product) ?? ""), { scope, csharp: await loadGrammar() });
    const before = review(parse(textOf(shared, product) ?? ""), { scope, csharp: await loadGrammar() });
    expect(errors.map(({ code, message }) => [code, message])).toEqual(before.map(({ code, message }) => [code, message]));
  });
});

describe("a plan of a shadow limit", () => {
  it("says what stays, whom it concerns and what is assumed, and changes no limit", () => {
    const plan = planShadow(shared, { team: teamIn(shared), limit: limitIn(shared), proposed: 100_000 });
    expect(plan).toMatchObject({
      action: "growth shadow tpm 100000, enforced 200000 stays",
      summary: "growth (Team growth): a shadow limit of 100000 tpm in product 'aoai' policy; the enforced 200000 stays.",
      documents: [{ id: product, before: shared.policies.get(product) }],
      teams: ["growth"],
      limits: [],
      after: `get_metrics {"change_id":"${changeIdMark}","subscriptions":["growth"],"group_by":["cause"]}`,
    });
    expect(plan.warnings).toEqual([
      expect.stringMatching(/^Assumed/),
      expect.stringContaining("more than 100000 tokens were used within a minute"),
      expect.stringContaining("'shadow:token-rate-limit' in resource logs"),
      expect.stringContaining("remaining-tokens-variable-name, which 1 others meet too"),
      expect.stringContaining("reckons with 200000 enforced"),
    ]);
  });

  it.each([
    [
      "v2",
      { name: "StandardV2", tier: "v2" },
      /only approximated: .* fills up by 200000 a minute.*steady load between 100000 and 200000 is not/,
    ],
    ["classic", { name: "Developer", tier: "classic" }, /at most as many, retries aside/],
  ] as const)("says what the counter of a %s tier is good for", (_, sku, words) => {
    const inventory = gateway({ teams, sku, inbound: { "product:aoai": tokenLimit(200_000) } });
    expect(planShadow(inventory, { team: teamIn(inventory), limit: limitIn(inventory), proposed: 100_000 }).warnings.join("\n")).toMatch(
      words,
    );
  });

  it.each<readonly [name: string, limit: Limit | null, words: RegExp]>([
    ["no limit", null, /has no TPM limit/],
    ["a limit of calls", limitIn(shared, { kind: "rpm" }), /has no TPM limit/],
    [
      "an unknown number",
      limitIn(shared, { amount: { status: "unknown", why: "the named value 'x' is secret" } }),
      /no known number: the named value 'x' is secret/,
    ],
    [
      "no number for this team",
      limitIn(shared, { amount: { status: "none", why: "no value is set" } }),
      /no known number: no value is set/,
    ],
    [
      "several numbers",
      limitIn(shared, { amount: { status: "several", values: [1, 2], why: "by deployment" } }),
      /no known number: by deployment/,
    ],
    ["a condition", limitIn(shared, { conditions: [{ text: "x", negated: false, inputs: [] }] }), /applies to some calls only/],
    ["a shared counter", limitIn(shared, { counterGroup: new Set(["growth", "labs"]) }), /counts 1 more on the same counter/],
    ["a counter that may be shared", limitIn(shared, { mayShare: new Set(["growth", "labs"]) }), /may count others/],
    ["what each call counts by", limitIn(shared, { perCall: "header 'x'" }), /counts per value of header 'x'/],
  ])("needs an enforced limit to stand on: %s", (_, limit, words) => {
    const plan = () => planShadow(shared, { team: teamIn(shared), limit, proposed: 5 });
    expect(plan).toThrow(words);
    expect(plan).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  it.each([200_000, 300_000])("needs a number below the enforced one: %i", (proposed) => {
    const plan = () => planShadow(shared, { team: teamIn(shared), limit: limitIn(shared), proposed });
    expect(plan).toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("200000 is enforced") }));
  });
});
