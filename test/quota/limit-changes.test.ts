import { describe, expect, it } from "vitest";
import type { LimitChange } from "../../src/gateway/proposal.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { limitChanges } from "../../src/quota/limit-changes.ts";
import { choose, gateway, own, rateLimit, type Shorthand, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();

const quota = (tokens: number, period: string) =>
  `<llm-token-limit counter-key="${own}" token-quota="${tokens}" token-quota-period="${period}" estimate-prompt-tokens="true" />`;
const calls = (count: number, seconds: number) => `<quota calls="${count}" renewal-period="${seconds}" />`;
const header = '@(context.Request.Headers.ContainsKey("x"))';
const deployment = '@((string)context.Request.MatchedParameters["deployment-id"] == "gpt-4o")';
const user = '@(context.Request.Headers.GetValueOrDefault("u", ""))';
const map = (growth: number) => ({ namedValues: { map: `{'growth': ${growth}, 'core': 7}` } });
const fromMap = tokenLimit('@((int)JObject.Parse("{{map}}")[context.Subscription.Id])');

/** `growth tpm 5 -> 3`, with the calls and the periods where there are such. */
function inWords({ subscriptionId, kind, before, after, calls: some, period, eachValue }: LimitChange): string {
  const of = some === undefined ? "" : ` (${some})`;
  const periods = period === undefined ? "" : ` ${period.before} -> ${period.after}`;
  return `${subscriptionId} ${kind}${of} ${before} -> ${after}${periods}${eachValue === undefined ? "" : ` instead of ${eachValue}`}`;
}

describe("limitChanges", () => {
  const teams = { growth: "aoai" };
  const at = (inbound: string, more: Partial<Shorthand> = {}): Shorthand => ({ teams, inbound: { "product:aoai": inbound }, ...more });

  it.each<[string, Shorthand, Shorthand, readonly string[]]>([
    ["a number", at(tokenLimit(5)), at(tokenLimit(3)), ["growth tpm 5 -> 3"]],
    ["a limit that goes", at(tokenLimit(5)), at(""), ["growth tpm 5 -> null"]],
    ["one that can no longer be told", at(tokenLimit(5)), at(tokenLimit("{{gone}}")), ["growth tpm 5 -> null"]],
    ["a limit that comes", at(""), at(rateLimit(5, 60)), ["growth rpm null -> 5"]],
    ["a quota of tokens", at(quota(500, "Daily")), at(quota(100, "Daily")), ["growth token_quota 500 -> 100"]],
    ["the period alone", at(quota(500, "Monthly")), at(quota(500, "Hourly")), ["growth token_quota 500 -> 500 Monthly -> Hourly"]],
    ["a quota that goes", at(quota(500, "Daily")), at(""), ["growth token_quota 500 -> null"]],
    ["a quota of calls", at(calls(9, 3600)), at(calls(8, 3600)), ["growth call_quota 9 -> 8"]],
    ["its period", at(calls(9, 3600)), at(calls(9, 60)), ["growth call_quota 9 -> 9 3600 s -> 60 s"]],
    [
      "calls to one deployment",
      at(choose([deployment, tokenLimit(50)], [null, tokenLimit(5)])),
      at(choose([deployment, tokenLimit(10)], [null, tokenLimit(5)])),
      ["growth tpm (for deployment gpt-4o) 50 -> 10"],
    ],
    [
      "calls under a condition, whose own limit goes: what binds all is left",
      at(`${tokenLimit(50)}\n${choose([header, tokenLimit(5, "x")])}`),
      at(tokenLimit(50)),
      ['growth tpm (by context.Request.Headers.ContainsKey("x")) 5 -> 50'],
    ],
    [
      "calls of one API beside those that bind",
      { teams: { growth: "apis" }, products: { aoai: ["a", "b"] }, inbound: { "api:a": tokenLimit(5), "api:b": tokenLimit(50) } },
      { teams: { growth: "apis" }, products: { aoai: ["a", "b"] }, inbound: { "api:a": tokenLimit(5), "api:b": tokenLimit(9) } },
      ["growth tpm (on b) 50 -> 9"],
    ],
    [
      "each of several numbers",
      at(
        `<set-variable name="n" value="10" />\n${choose([header, '<set-variable name="n" value="90" />'])}\n${tokenLimit('@(int.Parse((string)context.Variables["n"]))')}`,
      ),
      at(
        `<set-variable name="n" value="10" />\n${choose([header, '<set-variable name="n" value="20" />'])}\n${tokenLimit('@(int.Parse((string)context.Variables["n"]))')}`,
      ),
      ["growth tpm 90 -> 20"],
    ],
    ["an entry of a map", at(fromMap, map(5)), at(fromMap, map(50)), ["growth tpm 5 -> 50"]],
    ["accounting, which binds nobody", at(tokenLimit(50_000_000, "all")), at(tokenLimit(60_000_000, "all")), []],
    ["a number for each value", at(tokenLimit(50, user)), at(tokenLimit(5, user)), ["growth tpm (each value of header 'u') 50 -> 5"]],
    ["a number for each value that goes", at(tokenLimit(50, user)), at(""), ["growth tpm (each value of header 'u') 50 -> null"]],
    [
      "a number for all beside one for each value",
      at(tokenLimit(50, user)),
      at(`${tokenLimit(50, user)}\n${tokenLimit(40)}`),
      ["growth tpm null -> 40 instead of 50 per value of header 'u'"],
    ],
    [
      "an operation that comes to do without base",
      { ...at(tokenLimit(5)), operations: { openai: ["chat", "emb"] } },
      { teams, operations: { openai: ["chat", "emb"] }, inbound: { "product:aoai": tokenLimit(5), "operation:openai/chat": "" } },
      ["growth tpm (on openai/chat) 5 -> null"],
    ],
    ["nothing", at(tokenLimit(5)), at(`${tokenLimit(5)}\n<trace source="x" />`), []],
  ])("tells %s", (_, before, after, expected) => {
    expect(limitChanges(gateway(before), gateway(after), csharp).map(inWords)).toEqual(expected);
  });

  it("tells of teams in workspaces by their whole names", () => {
    const world = (tpm: number): Shorthand => ({
      teams: { growth: "aoai" },
      workspaces: { data: { teams: { growth: "apis" } } },
      inbound: { "data/": tokenLimit(tpm) },
    });
    expect(limitChanges(gateway(world(5)), gateway(world(3)), csharp).map(inWords)).toEqual([
      "workspaces/data/subscriptions/growth tpm 5 -> 3",
    ]);
  });

  it("tells of a counter that comes to another key under the same text", () => {
    const keyed = (value: string) =>
      at(`<set-variable name="k" value="${value}" />\n${tokenLimit(5, '@((string)context.Variables["k"])')}`);
    const [change] = limitChanges(gateway(keyed("@(context.Subscription.Id)")), gateway(keyed("@(Guid.NewGuid().ToString())")), csharp);
    expect(change).toMatchObject({ before: 5, after: null, counter: { perSubscription: false } });
  });
});
