import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../../src/grammar.ts";
import { memberIn } from "../../../src/pool/drill/pools.ts";
import { probeRequest } from "../../../src/pool/drill/probe.ts";
import { redirected } from "../../../src/pool/drill/redirect.ts";
import { drillDurationMs, durationText } from "../../../src/pool/drill/request.ts";
import { drillCondition, windowFrom, withWindow } from "../../../src/pool/drill/window.ts";
import { inventoryOf, policy, pool, single } from "../service.ts";

const csharp = await loadGrammar();

describe("the window", () => {
  test("is never longer than the drill was to be, whatever the moment", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2020-01-01"), max: new Date("2099-01-01"), noInvalidDate: true }),
        fc.integer({ min: 1, max: 3600 }),
        (now, seconds) => {
          const { from, until } = windowFrom(now, seconds * 1000);
          expect(Date.parse(until) - Date.parse(from)).toBe(seconds * 1000);
          expect(Date.parse(until)).toBeLessThanOrEqual(now.getTime() + seconds * 1000);
        },
      ),
    );
  });

  test("its times stand without a zone, which .NET would move them to", () => {
    const text = withWindow(drillCondition(["growth"]), windowFrom(new Date("2026-11-20T10:00:00.900Z"), 120_000));
    expect(text).toBe(
      '@((context.Subscription?.Id == "growth") && DateTime.UtcNow >= DateTime.Parse("2026-11-20T10:00:00") && DateTime.UtcNow < DateTime.Parse("2026-11-20T10:02:00"))',
    );
  });
});

describe("durations", () => {
  const right: readonly (readonly [string, number, string])[] = [
    ["PT1S", 1000, "1 s"],
    ["PT2M", 120_000, "2 min"],
    ["PT1M30S", 90_000, "1 min 30 s"],
    ["PT1H", 3_600_000, "1 h"],
  ];
  test.each(right)("%s", (text, milliseconds, words) => {
    expect([drillDurationMs(text), durationText(milliseconds)]).toEqual([milliseconds, words]);
  });
  test.each(["PT0S", "PT61M", "PT1H1S", "P1D", "2m", "", "PT", "P1Y", "PT1.5M", "-PT1M"])("'%s' is none of a drill", (text) => {
    expect(() => drillDurationMs(text)).toThrow("no duration of a drill");
  });
});

describe("who has answered", () => {
  const members = [
    { backendId: "a", host: "aoai-eastus.openai.azure.com", words: ["a", "aoai-eastus.openai.azure.com"] },
    { backendId: "b", host: "b.example", words: ["Azure OpenAI East US 2"] },
  ];
  test.each([
    ["East US", "a"],
    ["East US 2", "b"],
    ["West Europe", undefined],
    ["", undefined],
  ])("%s", (region, name) => {
    expect(memberIn(members, region)?.backendId).toBe(name);
  });
  test("two in one region", () => expect(memberIn([...members, { backendId: "c", host: null, words: ["eastus"] }], "East US")).toBeNull());
});

describe("the test call", () => {
  const api = { id: "chat", displayName: "Chat", path: "openai", serviceUrl: null, subscriptionRequired: true };
  const operation = (method: string, urlTemplate: string) => ({ id: "o", displayName: "o", method, urlTemplate });
  const cases: readonly (readonly [template: string, method: string, path: string | null])[] = [
    ["/deployments/{deployment-id}/chat/completions", "POST", "/openai;rev=3/deployments/gpt-4o/chat/completions?api-version=2024-10-21"],
    ["/chat/completions?api-version={v}", "POST", "/openai;rev=3/chat/completions?api-version=2024-10-21"],
    ["/{tenant}/{model}/chat/completions", "POST", null],
    ["/models", "GET", "/openai;rev=3/models"],
    ["/models/{id}", "GET", null],
    ["/files", "DELETE", null],
  ];
  test.each(cases)("%s", (template, method, path) => {
    expect(probeRequest(api, [operation(method, template)], "gpt-4o", 3)?.path ?? null).toBe(path);
  });
});

describe("where the policies send calls elsewhere", () => {
  const backends = {
    one: single("https://one.example"),
    two: single("https://two.example"),
    pool: pool([{ id: "/backends/one" }, { id: "/backends/two" }]),
  };
  const here = "<here />";
  const apis = { chat: null };

  test("behind each selection of the API's own policy, and nowhere else", () => {
    const text = policy(
      '<base />\n<choose>\n<when condition="@(true)">\n<set-backend-service backend-id="pool" />\n</when>\n<otherwise>\n<set-backend-service backend-id="one" />\n</otherwise>\n</choose>',
    );
    const inventory = inventoryOf({ apis, backends, policies: { "apis/chat/policies/policy": text } });
    const [only, ...more] = redirected(inventory, csharp, "chat", "pool", here);
    expect(more).toEqual([]);
    expect(only?.text.replace(/\s+/g, "")).toBe(text.replace('backend-id="pool" />', `backend-id="pool" />${here}`).replace(/\s+/g, ""));
  });

  test("at the end of the API's <inbound> where a fragment selects the pool for all calls", () => {
    const inventory = inventoryOf({
      apis,
      backends,
      fragments: { route: '<fragment><set-backend-service backend-id="pool" /></fragment>' },
      policies: { "apis/chat/policies/policy": policy('<include-fragment fragment-id="route" />') },
    });
    expect(redirected(inventory, csharp, "chat", "pool", here)[0]?.text).toMatch(/fragment-id="route" \/>\s*<here \/>\s*<\/inbound>/);
  });

  test("in a policy of its own where the API has none", () => {
    const inventory = inventoryOf({
      apis,
      backends,
      policies: {
        "policies/policy":
          '<policies><inbound><set-backend-service backend-id="pool" /></inbound><backend><forward-request /></backend></policies>',
      },
    });
    const [only] = redirected(inventory, csharp, "chat", "pool", here);
    expect([only?.id, only?.before]).toEqual(["apis/chat/policies/policy", null]);
    expect(only?.text).toMatch(/<base \/>\s*<here \/>\s*<\/inbound>/);
  });

  test("not where an expression decides", () => {
    const inventory = inventoryOf({
      apis,
      backends,
      policies: { "apis/chat/policies/policy": policy('<set-backend-service backend-id="@("pool")" />') },
    });
    expect(() => redirected(inventory, csharp, "chat", "pool", here)).toThrow("No drill can be planned");
  });

  test("not where another scope does for some of the calls", () => {
    const inventory = inventoryOf({
      apis,
      backends,
      fragments: {
        route:
          '<fragment><choose><when condition="@(context.Request.Method == &quot;POST&quot;)"><set-backend-service backend-id="pool" /></when><otherwise><set-backend-service backend-id="one" /></otherwise></choose></fragment>',
      },
      policies: { "apis/chat/policies/policy": policy('<include-fragment fragment-id="route" />') },
    });
    expect(() => redirected(inventory, csharp, "chat", "pool", here)).toThrow("for some of its calls.");
  });
});
