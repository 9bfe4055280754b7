import { describe, expect, it } from "vitest";
import type { Subscription } from "../../src/gateway/model.ts";
import { childElements, type Element, parse } from "../../src/policy/document.ts";
import type { Binding, Bound, Calls, Limit, LimitKind, TeamLimits } from "../../src/quota/limit.ts";
import { gatewaysOf, limitRows, teamRow } from "../../src/quota/team-row.ts";
import { limitOn } from "./limit-under-test.ts";

const subscription: Subscription = {
  id: "growth",
  displayName: "Growth",
  state: "active",
  scope: { kind: "product", productId: "aoai" },
};

function elementOf(source: string): Element {
  const [element] = childElements(parse(`<policies>${source}</policies>`).root ?? never());
  return element ?? never();
}

function never(): never {
  throw new Error("no such element");
}

const element = elementOf("<llm-token-limit />");

const limit = (more: Partial<Limit> = {}): Limit => limitOn(element, { line: 7, ...more });

const anyCall: Calls = { apiId: "chat", operationId: null, deployment: null };
const none: Binding = { status: "none", limits: [], parts: [{ calls: [anyCall], values: ["none"], limits: [] }] };
/** What binds each of these calls. */
const partly = (
  status: Binding["status"],
  ...parts: readonly (readonly [Partial<Calls>, readonly Bound[], readonly Limit[]])[]
): Binding => ({
  status,
  limits: [...new Set(parts.flatMap(([, , limits]) => limits))],
  parts: parts.map(([calls, values, limits]) => ({ calls: [{ ...anyCall, ...calls }], values, limits })),
});
const bound = (one: Limit): Binding => {
  const { amount } = one;
  if (amount.status === "value") return { ...partly("value", [{}, [amount.value], [one]]), value: amount.value };
  return partly(amount.status, [{}, amount.status === "several" ? amount.values : ["unknown"], [one]]);
};

function team(limits: readonly Limit[], binding: Partial<Record<LimitKind, Binding>> = {}, own: Partial<Subscription> = {}): TeamLimits {
  return {
    subscription: { ...subscription, ...own },
    limits,
    binding: { tpm: none, token_quota: none, rpm: none, call_quota: none, ...binding },
    warnings: [],
  };
}

const base = { subscription_id: "growth", display_name: "Growth", scope: "product 'aoai'", state: "active", tpm: "none", rpm: "none" };

const rpm = limit({ kind: "rpm", limitId: "r", amount: { status: "value", value: 60 } });
const quota = limit({ kind: "token_quota", limitId: "q", amount: { status: "value", value: 500 }, period: "Monthly" });
const secret = limit({ amount: { status: "unknown", why: "the named value 'tpm' is secret" } });
const key = "0123456789abcdef0123456789abcdef";
const tier = limit({ amount: { status: "several", values: [10, 20], why: "the header 'x-tier' of each call" } });
const conditional = (text: string, more: Partial<Limit> = {}) =>
  limit({ limitId: "c", conditions: [{ text, negated: false, inputs: [] }], ...more });
const perDeployment = conditional("@(x == &quot;gpt-4o&quot;)", { deployment: "gpt-4o" });
const many = limit({ counterGroup: new Set(["growth", ...Array.from({ length: 9 }, (_, index) => `t${index}`)]) });
const each = limit({ perCall: "header 'x-user-id'", mayShare: new Set(["growth", "core"]) });
const counting = conditional("counts only where x", { limitId: "r", kind: "rpm", amount: { status: "value", value: 9 } });
const bandwidth = limit({ kind: "call_quota", amount: { status: "none", why: "" }, bandwidth: "40000", period: "3600 s" });
const accounting = limit({ limitId: "a", accounting: true, amount: { status: "value", value: 50_000_000 } });

describe("a team's row", () => {
  it.each<[string, TeamLimits, object]>([
    ["no limit at all", team([]), {}],
    ["one limit", team([limit()], { tpm: bound(limit()) }), { tpm: 1000, limit_id: "products/aoai#tpm/1" }],
    ["requests alone", team([rpm], { rpm: bound(rpm) }), { rpm: 60, limit_id: "r" }],
    [
      "tokens before requests",
      team([rpm, limit()], { rpm: bound(rpm), tpm: bound(limit()) }),
      { tpm: 1000, rpm: 60, limit_id: "products/aoai#tpm/1" },
    ],
    [
      "a quota with its period",
      team([quota], { token_quota: bound(quota) }),
      { token_quota: 500, token_quota_period: "Monthly", limit_id: "q" },
    ],
    [
      "a secret number",
      team([secret], { tpm: bound(secret) }),
      { tpm: "unknown", limit_id: "products/aoai#tpm/1", note: "tpm unknown: the named value 'tpm' is secret" },
    ],
    [
      "one of several numbers",
      team([tier], { tpm: bound(tier) }),
      { tpm: "several", limit_id: "products/aoai#tpm/1", note: "tpm 10 or 20: the header 'x-tier' of each call" },
    ],
    [
      "a number under a condition, without its keys",
      team([conditional(`@(context.Request.Headers["k"] == "${key}")`)], {
        tpm: partly("several", [{}, [1000, "none"], [conditional(`@(h == "${key}")`)]]),
      }),
      { tpm: "several", limit_id: "c", note: '1 more under conditions; tpm 1000 only if @(h == "[redacted]")' },
    ],
    [
      "a number for one deployment",
      team([perDeployment], {
        tpm: partly("several", [{ deployment: "gpt-4o" }, [1000], [perDeployment]], [{ deployment: "*" }, ["none"], []]),
      }),
      { tpm: "several", limit_id: "c", note: "tpm 1000 for deployment gpt-4o, none for other deployments" },
    ],
    [
      "what holds on each API, and that one is free",
      team([limit(), rpm], {
        tpm: partly("several", [{}, [1000], [limit()]], [{ apiId: "emb" }, [20], [tier]], [{ apiId: "free" }, ["none"], []]),
      }),
      { tpm: "several", note: "tpm 1000 on chat, 20 on emb, none on free" },
    ],
    [
      "what holds on each operation",
      team([limit()], {
        tpm: partly("several", [{ operationId: "ask" }, [1000], [limit()]], [{}, [20, 30], [limit(), conditional("x")]]),
      }),
      { tpm: "several", note: "tpm 1000 on chat/ask, 20 or 30, by x on other operations" },
    ],
    [
      "a limit for each value of a header, with nothing else",
      team([each], { tpm: partly("unknown", [{}, ["unknown"], [each]]) }),
      {
        tpm: "unknown",
        limit_id: "products/aoai#tpm/1",
        note: "tpm 1000 per value of header 'x-user-id'; counter may be shared with 1 other",
      },
    ],
    [
      "a limit for each value of a header beside one that binds",
      team([limit(), each], { tpm: bound(limit()) }),
      { tpm: 1000, limit_id: "products/aoai#tpm/1", note: "tpm 1000 per value of header 'x-user-id'" },
    ],
    [
      "a limit that counts some calls only",
      team([counting], { rpm: partly("several", [{}, [9, "none"], [counting]]) }),
      { rpm: "several", limit_id: "r", note: "rpm 9, counts only where x" },
    ],
    ["a quota of the bandwidth alone", team([bandwidth]), { note: "bandwidth 40000 KB per 3600 s" }],
    [
      "a counter of many",
      team([many], { tpm: bound(many) }),
      { tpm: 1000, limit_id: "products/aoai#tpm/1", note: "counter shared with 9 others" },
    ],
    [
      "accounting and conditions beside what binds",
      team([limit(), accounting, perDeployment], { tpm: bound(limit()) }),
      { tpm: 1000, limit_id: "products/aoai#tpm/1", note: "1 more under conditions; 1 for accounting only" },
    ],
    [
      "a workspace's",
      team([], {}, { workspaceId: "w", scope: { kind: "apis" } }),
      { subscription_id: "workspaces/w/subscriptions/growth", scope: "workspace 'w' all APIs" },
    ],
  ])("%s", (_, given, expected) => {
    const row = teamRow(given);
    const parts = (note: string | undefined): readonly string[] | undefined => note?.split("; ").toSorted();
    expect({ ...row, note: parts(row.note) }).toEqual({
      ...base,
      ...expected,
      note: parts("note" in expected ? String(expected.note) : undefined),
    });
  });

  it("keeps the text of a condition short", () => {
    const long = conditional("x".repeat(500));
    expect(teamRow(team([long], { tpm: partly("several", [{}, [1, "none"], [long]]) })).note?.length).toBeLessThan(130);
  });
});

describe("a team's limits", () => {
  it("come with those that bind first, and all that is known", () => {
    const rows = limitRows(team([conditional("a"), many], { tpm: bound(many) }));
    expect(rows.map(({ limit_id, binds }) => [limit_id, binds])).toEqual([
      ["products/aoai#tpm/1", true],
      ["c", false],
    ]);
    expect(rows[0]).toEqual({
      limit_id: "products/aoai#tpm/1",
      kind: "tpm",
      binds: true,
      status: "value",
      value: 1000,
      conditions: [],
      counter_key: "@(context.Subscription.Id)",
      shared_with: ["t0", "t1", "t2", "t3", "t4"],
      shared_with_left_out: 4,
      gateways: 1,
      document: "products/aoai/policies/policy",
      line: 7,
      scope: "product 'aoai'",
      editable: true,
    });
  });

  it.each<[string, Limit, object]>([
    ["why a number is not known", secret, { status: "unknown", why: "the named value 'tpm' is secret" }],
    ["the numbers of several", tier, { status: "several", values: [10, 20] }],
    ["a period as it is written", limit({ kind: "rpm", written: { calls: 5, renewalSeconds: 10 } }), { written: "5 calls per 10 s" }],
    [
      "where the number stands",
      limit({ number: { document: "namedValues/tpm", line: 1, element: null, origin: null } }),
      { number_in: "namedValues/tpm" },
    ],
    [
      "why it cannot be changed",
      limit({ editable: false, reason: "its counter is shared" }),
      { editable: false, reason: "its counter is shared" },
    ],
    [
      "who may share its counter, and what each call chooses",
      each,
      { shared_with: [], may_be_shared_with: ["core"], per_value_of: "header 'x-user-id'" },
    ],
    ["no key of a counter", limit({ counterKey: `@("${key}")` }), { counter_key: '@("[redacted]")' }],
    ["the service's own counter", limit({ counterKey: null }), { counter_key: "the subscription" }],
    [
      "which APIs, and single operations",
      limit({ apiIds: ["chat"], operations: ["chat/ask"], operationsOnly: true }),
      { api_ids: ["chat"], operations: ["chat/ask"] },
    ],
  ])("say %s", (_, one, expected) => {
    expect(limitRows(team([one]))[0]).toMatchObject(expected);
  });
});

describe("gateways", () => {
  it.each<[string, readonly (number | "unknown")[], number | "unknown" | null]>([
    ["one for all", [3, 3], 3],
    ["unknown for all", ["unknown"], "unknown"],
    ["different ones", [1, 2], null],
    ["none without limits", [], null],
  ])("%s", (_, counts, expected) => {
    expect(gatewaysOf(team(counts.map((gateways) => limit({ gateways }))))).toBe(expected);
  });
});
