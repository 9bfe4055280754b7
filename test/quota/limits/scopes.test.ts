import { describe, expect, it } from "vitest";
import { choose, own, rateLimit, type Shorthand, tokenLimit } from "../gateway-under-test.ts";
import { header, limitOf, type Reading, read } from "./kit.ts";

describe("teamLimits", () => {
  it.each<Reading>([
    [
      "limits of single APIs and operations in a rate-limit and a quota",
      {
        teams: { growth: "aoai" },
        products: { aoai: ["openai", "search"] },
        inbound: {
          "product:aoai": `<rate-limit calls="100" renewal-period="60">\n<api id="openai" calls="10" renewal-period="60"><operation id="chat" calls="2" renewal-period="60" /></api>\n<api name="none" calls="1" renewal-period="60" />\n</rate-limit>\n<quota calls="1000" renewal-period="604800"><api name="SEARCH" calls="7" renewal-period="0" /></quota>`,
        },
      },
      {
        growth: [
          "rpm several",
          "call_quota several",
          "products/aoai#rpm/1=100",
          "products/aoai#rpm/2=10 of openai",
          "products/aoai#rpm/3=2 of openai for openai/chat",
          "products/aoai#call_quota/1=1000 604800 s",
          "products/aoai#call_quota/2=7 endless of search",
        ],
      },
    ],
    [
      "limits that differ by API, of a key for all of them",
      {
        teams: { all: "apis" },
        products: { aoai: ["chat", "images", "free"] },
        inbound: { "api:chat": tokenLimit(100), "api:images": tokenLimit(50) },
      },
      { all: ["tpm several", "apis/chat#tpm/1=100 of chat", "apis/images#tpm/1=50 of images"] },
    ],
    [
      "one limit that comes to another number on each API",
      {
        teams: { all: "apis" },
        products: { aoai: ["chat", "images"] },
        inbound: { global: tokenLimit('@(context.Api.Id == "chat" ? 100 : 50)') },
      },
      { all: ["tpm several", "global#tpm/1@chat=100 of chat", "global#tpm/1@images=50 of images"] },
    ],
    [
      "no base: broader scopes are left out",
      { teams: { growth: "aoai" }, inbound: { "api:openai": rateLimit(5, 60), "product:aoai": tokenLimit(100), global: rateLimit(1, 60) } },
      { growth: ["rpm 5", "apis/openai#rpm/1=5"] },
    ],
    [
      "an operation's own limit, which binds that operation only",
      {
        teams: { growth: "aoai" },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "api:openai": `<base />\n${tokenLimit(100)}` },
      },
      { growth: ["tpm several", "apis/openai#tpm/1=100", "apis/openai/operations/chat#tpm/1=10 for openai/chat"] },
    ],
    [
      "a product without an API, and a suspended team",
      { teams: { growth: "empty" }, suspended: ["growth"], products: { empty: [] }, inbound: { "product:empty": tokenLimit(3) } },
      { growth: ["tpm 3", "products/empty#tpm/1=3"] },
    ],
    [
      "teams of a workspace, by their own policies and the global one",
      {
        teams: { growth: "aoai" },
        workspaces: { data: { teams: { growth: "tools", all: "apis" }, products: { tools: ["search"] } } },
        inbound: {
          global: rateLimit(9, 60),
          "data/": `<base />\n${tokenLimit(40)}`,
          "data/product:tools": `<base />\n${tokenLimit(30)}`,
          "data/api:search": `<base />\n${tokenLimit(20)}`,
        },
      },
      {
        growth: ["rpm 9", "global#rpm/1=9"],
        "workspaces/data/subscriptions/growth": [
          "tpm 20",
          "rpm 9",
          "global#rpm/1=9",
          "workspaces/data#tpm/1=40",
          "workspaces/data/products/tools#tpm/1=30",
          "workspaces/data/apis/search#tpm/1=20",
        ],
        "workspaces/data/subscriptions/all": [
          "tpm 20",
          "rpm 9",
          "global#rpm/1=9",
          "workspaces/data#tpm/1=40",
          "workspaces/data/apis/search#tpm/1=20",
        ],
      },
    ],
    [
      "the only operation's own limit: it surely binds",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat"] },
        inbound: { "operation:openai/chat": `<base />\n${tokenLimit(10)}`, "product:aoai": tokenLimit(100, "p") },
      },
      { growth: ["tpm 10", "products/aoai#tpm/1=100", "apis/openai/operations/chat#tpm/1=10"] },
    ],
    [
      "all operations without base: broader limits are met by no call",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb"] },
        inbound: { "operation:openai/chat": "", "operation:openai/emb": tokenLimit(10), "product:aoai": tokenLimit(100) },
      },
      { growth: ["tpm several", "apis/openai/operations/emb#tpm/1=10 for openai/emb"] },
    ],
    [
      "one operation without base: broader limits are for the others",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb", "img"] },
        inbound: { "operation:openai/chat": "", "product:aoai": tokenLimit(100) },
      },
      { growth: ["tpm several", "products/aoai#tpm/1=100 for openai but chat"] },
    ],
    [
      "operations that are named by their name and by their id",
      {
        teams: { growth: "aoai" },
        operations: { openai: ["chat", "emb"] },
        inbound: {
          "product:aoai":
            '<rate-limit calls="100" renewal-period="60"><api id="openai" calls="10" renewal-period="60"><operation name="operation CHAT" calls="2" renewal-period="60" /><operation id="emb" calls="3" renewal-period="60" /></api></rate-limit>',
        },
      },
      {
        growth: [
          "rpm several",
          "products/aoai#rpm/1=100",
          "products/aoai#rpm/2=10 of openai",
          "products/aoai#rpm/3=2 of openai for openai/chat",
          "products/aoai#rpm/4=3 of openai for openai/emb",
        ],
      },
    ],
    ["nothing", { teams: { growth: "aoai" }, inbound: {} }, { growth: [] }],
  ])("reads %s", (_, shorthand, expected) => {
    expect(read(shorthand)).toEqual(expected);
  });

  it("says where a limit stands, when it applies and who else meets it", () => {
    const shorthand = { teams: { growth: "aoai", core: "aoai", other: "x" }, products: { aoai: ["openai"], x: ["openai"] } };
    const limit = limitOf({ ...shorthand, inbound: { "product:aoai": `<base />\n${choose([header, tokenLimit(7)])}` } }, "growth");
    expect(limit).toMatchObject({
      limitId: expect.stringMatching(/^products\/aoai#tpm\/1\.[0-9a-z]{4}$/),
      kind: "tpm",
      amount: { status: "value", value: 7 },
      document: "products/aoai/policies/policy",
      line: 6,
      scope: "product 'aoai'",
      conditions: [{ text: 'context.Request.Headers.ContainsKey("x")', negated: false, inputs: [{ what: "header", name: "x" }] }],
      counterKey: own,
      counterGroup: new Set(["growth"]),
      numberGroup: new Set(["growth", "core"]),
      gateways: 1,
      number: { document: "products/aoai/policies/policy", line: 6, origin: { text: "attribute", attribute: "tokens-per-minute" } },
      editable: true,
    });
    expect(limit.number.element).toBe(limit.element);
  });

  it.each<[string, number | "unknown", Partial<Shorthand>, string]>([
    ["each region", 3, { regions: ["East US", "West Europe", "Japan East"] }, "growth"],
    ["each self-hosted one", 3, { selfHosted: 2 }, "growth"],
    ["those that cannot be listed", "unknown", { selfHosted: "unknown" }, "growth"],
    ["those of a workspace", "unknown", { workspaces: { data: { teams: { mine: "apis" } } } }, "workspaces/data/subscriptions/mine"],
  ])("knows the gateways that count for themselves: %s", (_, gateways, more, name) => {
    expect(limitOf({ teams: { growth: "aoai" }, inbound: { global: tokenLimit(7) }, ...more }, name).gateways).toBe(gateways);
  });
});
