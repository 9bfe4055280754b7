import { describe, expect, it } from "vitest";
import { planQuota, type QuotaRequest } from "../../../src/quota/plan.ts";
import { choose, gateway, rateLimit, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { both, byUser, csharp, header, plan } from "./kit.ts";

const forDeployment = '@(context.Request.MatchedParameters["deployment-id"] == "gpt-4o")';

describe("planQuota", () => {
  it("says what it does", () => {
    const inventory = gateway({ teams: both, inbound: { "product:aoai": `${tokenLimit(200)}\n${rateLimit(100, 90)}` } });
    expect(planQuota(inventory, csharp, { subscriptionId: "Team growth", tpm: 100, rpm: 35 })).toMatchObject({
      action: "growth tpm 200 -> 100, rpm 66.67 -> 35",
      summary: "growth (Team growth): tpm 200 -> 100, rpm 66.67 -> 35 in product 'aoai' policy.",
      affected: ["growth (Team growth)"],
      warnings: ["'growth' is counted anew, per 60 s: the 90 s of before do not hold the number exactly."],
      documents: [{ id: "products/aoai/policies/policy", before: { etag: '"1"' } }],
    });
  });

  it.each<[string, Shorthand, Partial<QuotaRequest>, string, readonly RegExp[]]>([
    [
      "a deployment",
      { teams: both, inbound: { "product:aoai": choose([forDeployment, tokenLimit(50)], [null, tokenLimit(70)]) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      "growth tpm (deployment gpt-4o) 50 -> 40",
      [],
    ],
    [
      "a condition",
      { teams: both, inbound: { "product:aoai": choose([header, tokenLimit(50)], [null, tokenLimit(70)]) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      'growth tpm (where context.Request.Headers.ContainsKey("x")) 50 -> 40',
      [],
    ],
    [
      "an API, and what is not limited",
      { teams: { growth: "aoai" }, products: { aoai: ["a", "b"] }, inbound: { "api:a": tokenLimit(50) } },
      { tpm: 40 },
      "growth tpm (on API a) 50 -> 40",
      [/created later/, /^No tpm limit is for calls to b, or not for all of them\.$/],
    ],
    [
      "one API of those that a limit holds on",
      { teams: both, products: { aoai: ["a", "b"] }, inbound: { "product:aoai": tokenLimit(50) } },
      { tpm: 40, apiId: "a" },
      "growth tpm (on API a) 50 -> 40",
      [/^The tpm limit of 'growth' on API 'a' \(products\/aoai#tpm\/1\.\w+, 50\) holds on b too and stays/],
    ],
    [
      "what each call counts by",
      { teams: both, inbound: { "product:aoai": tokenLimit(50, byUser) } },
      { tpm: 40, limitId: "products/aoai#tpm/1" },
      "growth tpm (per value of header 'x-user') 50 -> 40",
      [/^The number is one per value of header 'x-user': 'growth' as a whole may use as many times it/],
    ],
    [
      "no limit of the team as a whole before",
      { teams: both, inbound: { "product:aoai": `<base />\n${tokenLimit(50, byUser)}` } },
      { tpm: 40 },
      "growth tpm none -> 40",
      [/counts per value of header 'x-user', not the team as a whole.*How far that cuts what it uses cannot be told/],
    ],
    [
      "calls at once, where the period is longer",
      { teams: both, inbound: { "product:aoai": rateLimit(3, 10) } },
      { rpm: 10 },
      "growth rpm 18 -> 10",
      [/per 60 s: the 10 s of before do not hold the number exactly\. Up to 10 may come at once now\.$/],
    ],
  ])("says that it is for %s", (_, shorthand, request, action, warnings) => {
    const edit = plan(gateway(shorthand), request);
    expect(edit.action).toBe(action);
    expect(edit.warnings).toEqual(warnings.map((text) => expect.stringMatching(text)));
    const [, calls] = /\((.*)\)/.exec(action) ?? [];
    expect(edit.limits[0]?.calls).toBe(calls?.startsWith("on API") && request.apiId !== undefined ? "API a" : calls);
  });

  it("warns of limits that may bind below, where their number is not known or the limit to change is named", () => {
    const inventory = gateway({
      teams: both,
      inbound: { "product:aoai": `${choose([header, tokenLimit(5)])}\n${tokenLimit("{{hidden}}")}\n${tokenLimit(20)}` },
      namedValues: { hidden: null },
    });
    const warned = (request: object) => plan(inventory, request).warnings;
    expect(warned({ tpm: 4 })).toEqual([expect.stringContaining("products/aoai#tpm/2")]);
    expect(warned({ tpm: 10, limitId: "products/aoai#tpm/3" })).toEqual([
      expect.stringContaining("products/aoai#tpm/1"),
      expect.stringContaining("products/aoai#tpm/2"),
    ]);
  });

  it("does not warn of limits of other operations than those that the limit to change is for", () => {
    const inventory = gateway({
      teams: { growth: "aoai" },
      inbound: { "api:openai": tokenLimit(50), "operation:openai/embed": tokenLimit(30) },
    });
    expect(() => plan(inventory, { tpm: 40 })).toThrow(/Several tpm limits/);
    const { warnings } = plan(inventory, { tpm: 40, limitId: "apis/openai#tpm/1" });
    expect(warnings).toEqual([expect.stringContaining("created later")]);
  });
});
