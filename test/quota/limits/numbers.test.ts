import { describe, expect, it } from "vitest";
import type { Limit } from "../../../src/quota/limit.ts";
import { setVariable } from "../foundry.ts";
import { choose, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { growth, limitOf } from "./kit.ts";

describe("teamLimits", () => {
  it.each<[string, Partial<Shorthand>, Readonly<Record<string, readonly string[]>>, Partial<Limit["number"]>]>([
    [
      "the set-variable that a limit reads",
      {
        inbound: {
          "product:aoai": `${choose([growth, setVariable("n", "5")], [null, setVariable("n", "6")])}\n${tokenLimit('@(int.Parse((string)context.Variables["n"]))')}`,
        },
      },
      { growth: ["growth"], core: ["core", "labs"] },
      { document: "products/aoai/policies/policy", line: 5 },
    ],
    [
      "a named value that several policies use",
      { inbound: { "product:aoai": tokenLimit("{{tpm}}"), "product:lab": tokenLimit("{{tpm}}", "x") }, namedValues: { tpm: "5" } },
      { growth: ["core", "growth", "labs", "other"], other: ["core", "growth", "labs", "other"] },
      { document: "namedValues/tpm", line: 1, element: null },
    ],
    [
      "an entry of a map",
      {
        inbound: { "product:aoai": tokenLimit('@((int)JObject.Parse("{{map}}")[context.Subscription.Id])') },
        namedValues: { map: "{'growth': 5, 'core': 6, 'labs': 6}" },
      },
      { growth: ["growth"], core: ["core"] },
      { document: "namedValues/map", line: 1, element: null },
    ],
    [
      "a fragment that two APIs include",
      {
        inbound: {
          "product:aoai": '<include-fragment fragment-id="f" />',
          "product:lab": '<include-fragment fragment-id="f" />',
        },
        fragments: { f: tokenLimit(5) },
      },
      { growth: ["core", "growth", "labs", "other"] },
      { document: "policyFragments/f", line: 2 },
    ],
  ])("knows for whom a number decides: %s", (_, more, groups, number) => {
    const teams = { growth: "aoai", core: "aoai", labs: "aoai", other: "lab" };
    const shorthand = { teams, products: { aoai: ["openai"], lab: ["openai"] }, inbound: {}, ...more };
    expect(Object.fromEntries(Object.keys(groups).map((name) => [name, [...limitOf(shorthand, name).numberGroup].toSorted()]))).toEqual(
      groups,
    );
    const limit = limitOf(shorthand, "growth");
    expect(limit.number).toMatchObject(number);
    expect(limit.number.origin).not.toBeNull();
    expect(limit.editable).toBe(true);
  });

  it.each<[string, RegExp, Partial<Shorthand>]>([
    ["its counter is shared", /its counter all is shared with core/, { inbound: { "product:aoai": tokenLimit(5, "all") } }],
    [
      "a secret decides it",
      /the named value 'hidden' is secret/,
      { inbound: { "product:aoai": tokenLimit("{{hidden}}") }, namedValues: { hidden: null } },
    ],
    ["a missing value decides it", /the named value 'gone' does not exist/, { inbound: { "product:aoai": tokenLimit("{{gone}}") } }],
    ["its document is not well-formed", /not well-formed/, { inbound: { "product:aoai": `${tokenLimit(5)}\n<trace` } }],
    [
      "what the call brings along decides it",
      /the header 'x'/,
      { inbound: { "product:aoai": tokenLimit('@(int.Parse(context.Request.Headers.GetValueOrDefault("x", "1")))') } },
    ],
    [
      "it holds limits of single APIs",
      /limits of its own for single APIs/,
      {
        inbound: {
          "product:aoai": '<rate-limit calls="9" renewal-period="60"><api id="openai" calls="2" renewal-period="60" /></rate-limit>',
        },
      },
    ],
  ])("does not call a limit editable where %s", (_, reason, more) => {
    const limit = limitOf({ teams: { growth: "aoai", core: "aoai" }, inbound: {}, ...more }, "growth");
    expect(limit).toMatchObject({ editable: false, reason: expect.stringMatching(reason) });
  });

  it("does not call a limit of a workspace editable", () => {
    const shorthand = { teams: {}, workspaces: { data: { teams: { mine: "apis" } } }, inbound: { "data/": tokenLimit(5) } };
    expect(limitOf(shorthand, "workspaces/data/subscriptions/mine")).toMatchObject({ editable: false, reason: "it stands in a workspace" });
  });
});
