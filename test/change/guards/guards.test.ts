import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Judged, judge, waysOut } from "../../../src/change/guards/index.ts";
import { firmGuards, overridableGuards } from "../../../src/change/guards/names.ts";
import type { GatewayError } from "../../../src/errors.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { Inventory } from "../../../src/gateway/inventory.ts";
import {
  change,
  csharp,
  document,
  fragment,
  judged,
  jwt,
  limits,
  messageOf,
  namedValue,
  policy,
  pool,
  proposed,
  protecting,
  rules,
  serviceOf,
  single,
  verdictOf,
} from "./judged.ts";

const product = "products/aoai/policies/policy";
const chat = "apis/chat/policies/policy";
const backendSection = (content: string): JsonObject => policy("<base />", `<backend>${content}</backend>`);
const to = (backend: string): JsonObject => policy(`<base /><set-backend-service backend-id="${backend}" />`);

describe("verdicts", () => {
  test.each<[what: string, guard: string, verdict: "passed" | "blocked" | "absent", change: Judged]>([
    ["a policy without errors", "policy_invalid", "passed", { ...limits(), policyErrors: [] }],
    ["a policy with an error", "policy_invalid", "blocked", { ...limits(), policyErrors: ["line 1: <inbound> is not closed"] }],
    ["a change without a policy of the user's", "policy_invalid", "absent", limits()],

    ["half the limit", "limit_cut", "passed", limits({ before: 200_000, after: 100_000 })],
    ["less than half the limit", "limit_cut", "blocked", limits({ before: 200_000, after: 99_999 })],
    ["a raise", "limit_cut", "passed", limits({ before: 1, after: 1_000 })],
    ["a first limit", "limit_cut", "passed", limits({ before: null, after: 1 })],
    ["a limit that goes, which is another guard's", "limit_cut", "passed", limits({ before: 100, after: null })],
    ["one of two limits cut", "limit_cut", "blocked", limits({}, { kind: "rpm", before: 60, after: 1 })],
    ["a cut that nobody asked for", "limit_cut", "absent", limits({ before: 1_000, after: 1, intended: false })],
    ["a quota of half the tokens", "limit_cut", "passed", limits({ kind: "token_quota", before: 10, after: 5 })],
    ["a quota of fewer", "limit_cut", "blocked", limits({ kind: "token_quota", before: 10, after: 4 })],
    ["a quota of calls", "limit_cut", "blocked", limits({ kind: "call_quota", before: 10, after: 4 })],
    ["a longer period", "limit_cut", "blocked", limits({ kind: "token_quota", period: { before: "Daily", after: "Weekly" } })],
    ["seconds", "limit_cut", "blocked", limits({ kind: "call_quota", period: { before: "60 s", after: "3600 s" } })],
    ["half a day's in an hour", "limit_cut", "passed", limits({ kind: "token_quota", period: { before: "Daily", after: "Hourly" } })],
    ["no limit", "limit_cut", "absent", { documents: [], service: null }],

    ["ten times the limit", "limit_raise", "passed", limits({ before: 100, after: 1_000 })],
    ["more than ten times the limit", "limit_raise", "blocked", limits({ before: 100, after: 1_001 })],
    ["a first limit", "limit_raise", "passed", limits({ before: null, after: 1_000_000 })],
    ["a limit that goes", "limit_raise", "blocked", limits({ before: 100, after: null })],
    ["a cut", "limit_raise", "passed", limits({ before: 100, after: 1 })],
    ["any limit instead of none at all", "limit_raise", "blocked", limits({ before: 0, after: 1 })],
    ["another counter, per subscription", "limit_raise", "passed", limits({ counter: { before: "a", after: "b", perSubscription: true } })],
    ["another counter", "limit_raise", "blocked", limits({ counter: { before: "a", after: "b", perSubscription: false } })],
    [
      "another counter, of a limit that cannot be told",
      "limit_raise",
      "blocked",
      limits({ before: null, after: null, counter: { before: "a", after: "b", perSubscription: false } }),
    ],
    ["a raise that nobody asked for", "limit_raise", "absent", limits({ before: 1, after: 1_000, intended: false })],
    ["ten times the quota", "limit_raise", "passed", limits({ kind: "token_quota", before: 10, after: 100 })],
    ["more than ten times the quota", "limit_raise", "blocked", limits({ kind: "call_quota", before: 10, after: 101 })],
    ["a quota that goes", "limit_raise", "blocked", limits({ kind: "token_quota", after: null })],
    ["a shorter period", "limit_raise", "blocked", limits({ kind: "token_quota", period: { before: "Daily", after: "Hourly" } })],
    [
      "a shorter period with as much less",
      "limit_raise",
      "passed",
      limits({ kind: "token_quota", before: 2400, after: 100, period: { before: "Daily", after: "Hourly" } }),
    ],
    ["a period that cannot be told", "limit_raise", "blocked", limits({ kind: "token_quota", period: { before: "Daily", after: null } })],
    ["no limit", "limit_raise", "absent", { documents: [], service: null }],

    ["only the named team", "shared_document", "passed", limits({ after: 600 })],
    ["another team that keeps its limit", "shared_document", "passed", limits({ after: 600 }, { subscriptionId: "prod", intended: false })],
    ["another team's limit", "shared_document", "blocked", limits({ after: 600 }, { subscriptionId: "prod", after: 600, intended: false })],
    ["another team's lost limit", "shared_document", "blocked", limits({ subscriptionId: "prod", after: null, intended: false })],
    [
      "another team's period",
      "shared_document",
      "blocked",
      limits({ subscriptionId: "prod", kind: "token_quota", period: { before: "Daily", after: "Hourly" }, intended: false }),
    ],
    ["no limit at all", "shared_document", "absent", { documents: [], service: null }],

    ["a pool that keeps one", "no_backend_left", "passed", document("backends/p", pool("a", "b"), pool("b"))],
    ["a pool that keeps none", "no_backend_left", "blocked", document("backends/p", pool("a"), pool())],
    ["a pool that is no pool any more", "no_backend_left", "blocked", document("backends/p", pool("a"), { url: "https://a" })],
    ["a deleted pool", "no_backend_left", "blocked", document("backends/p", pool("a"), null)],
    ["a new pool", "no_backend_left", "absent", document("backends/p", null, pool("a"))],
    ["a single backend", "no_backend_left", "absent", document("backends/a", { url: "https://a" }, { url: "https://b" })],

    ["base stays", "base_removed", "passed", document(product, policy("<base />"), policy("<base /><cors />"))],
    ["base moves", "base_removed", "passed", document(product, policy("<base />"), policy("<choose><when><base /></when></choose>"))],
    ["base goes", "base_removed", "blocked", document(product, policy("<base />"), policy(""))],
    [
      "base goes from what handles errors",
      "base_removed",
      "blocked",
      document(product, policy("", "<on-error><base /></on-error>"), policy("", "<on-error />")),
    ],
    ["base is commented out", "base_removed", "blocked", document(product, policy("<base />"), policy("<!-- <base /> -->"))],
    ["a section with base goes", "base_removed", "passed", document(product, policy("<base />"), policy("<base />", ""))],
    ["a section without base comes", "base_removed", "blocked", document(product, policy("<base />", ""), backendSection("<cors />"))],
    ["a section with base comes", "base_removed", "passed", document(product, policy("<base />", ""), backendSection("<base />"))],
    ["the section never had it", "base_removed", "passed", document(product, policy(""), policy("<cors />"))],
    [
      "one of two sections of a name has it",
      "base_removed",
      "blocked",
      document(product, policy("<base />"), policy("<base />", "<inbound />")),
    ],
    ["a new policy with base", "base_removed", "passed", document(product, null, policy("<base />", ""))],
    ["a new policy without base", "base_removed", "blocked", document(product, null, policy("<cors />", ""))],
    [
      "a backend that forwards by itself",
      "base_removed",
      "passed",
      document(product, backendSection("<base />"), backendSection("<retry><forward-request /></retry>")),
    ],
    [
      "a backend that forwards nothing",
      "base_removed",
      "blocked",
      document(product, backendSection("<base />"), backendSection("<cors />")),
    ],
    ["an inbound that forwards", "base_removed", "blocked", document(product, policy("<base />"), policy("<forward-request />"))],
    ["a deleted policy", "base_removed", "absent", document(product, policy("<base />"), null)],
    ["global scope", "base_removed", "absent", document("policies/policy", policy("<base />"), policy(""))],
    ["a fragment", "base_removed", "absent", document("policyFragments/f", fragment(""), fragment("<cors />"))],

    ["a policy of 256 KiB", "too_large", "passed", document(product, null, { value: "x".repeat(256 * 1024) })],
    ["a policy above 256 KiB", "too_large", "blocked", document(product, null, { value: "x".repeat(256 * 1024 + 1) })],
    ["a policy above it in bytes only", "too_large", "blocked", document(product, null, { value: "é".repeat(128 * 1024 + 1) })],
    ["a deleted policy too large", "too_large", "absent", document(product, policy("<base />"), null)],
    ["a backend", "too_large", "absent", document("backends/a", null, { url: "https://a" })],
  ])("%s: %s %s", (_, guard, verdict, subject) => {
    expect(verdictOf(subject, guard)).toBe(verdict);
    expect(messageOf(subject, guard)).not.toBe("");
  });

  test("a section that is left out with policies in it is told, and who goes on applying", () => {
    const before = policy("<base />", `<outbound><base /><set-header name="x" /></outbound><on-error><base /></on-error>`);
    const { warnings } = judged(document(product, before, policy("<base />", "")));
    expect(warnings).toEqual([
      "product 'aoai' policy: <outbound> goes, with the policies in it; what the scopes above say there is assumed to go on applying.",
    ]);
    expect(judged(document("policies/policy", before, policy("", ""))).warnings).toEqual([
      "global policy: <outbound> goes, with the policies in it.",
    ]);
    expect(judged(document(product, before, null)).warnings).toEqual([]);
  });

  test.each<[guard: string, change: Judged, message: string]>([
    ["limit_cut", limits({ before: 200_000, after: 50_000 }), "growth: tpm 200000 -> 50000 cuts the limit by more than half."],
    ["limit_raise", limits({ before: 1, after: 50 }), "growth: tpm 1 -> 50 raises the limit more than tenfold."],
    [
      "limit_cut",
      limits({ before: null, after: 5, eachValue: "7 per value of header 'x'" }),
      "growth: tpm none -> 5 limits the team as a whole, which was limited to 7 per value of header 'x': how far that cuts it cannot be told.",
    ],
    [
      "limit_raise",
      limits({ before: 1, after: null }),
      "growth: tpm 1 -> none: the limit goes, and none that can be told takes its place.",
    ],
    ["policy_invalid", { ...limits(), policyErrors: ["line 1: a"] }, "line 1: a"],
    ["policy_invalid", { ...limits(), policyErrors: ["line 1: a", "line 2: b"] }, "2 errors, the first: line 1: a"],
    [
      "shared_document",
      limits({ subscriptionId: "prod", before: null, after: 60, intended: false }),
      "prod, which the call does not name, would go from tpm none to 60.",
    ],
    [
      "shared_document",
      limits({ subscriptionId: "prod", before: 60, after: null, intended: false }),
      "prod, which the call does not name, would go from tpm 60 to none.",
    ],
    [
      "base_removed",
      document(product, policy("<base />"), policy("")),
      "product 'aoai' policy: without <base /> in <inbound> the policies of the scopes above no longer apply there.",
    ],
    ["too_large", document(product, null, policy("<base />")), "No policy is larger than 256 KiB."],
    [
      "too_large",
      document(product, null, { value: "x".repeat(262_145) }),
      "product 'aoai' policy has 262145 bytes; API Management takes 262144.",
    ],
  ])("%s says what it is about", (guard, subject, message) => {
    expect(messageOf(subject, guard)).toBe(message);
  });
});

describe("no_backend_left", () => {
  const service = serviceOf({
    apis: { chat: null, open: "https://origin.example" },
    products: { aoai: ["chat"] },
    policies: { [chat]: String(to("p").value), "apis/open/policies/policy": String(to("{{target}}").value) },
    namedValues: { target: "b" },
    backends: { a: single(), b: single(), p: pool("a"), spare: single() },
  });

  test.each<[what: string, verdict: "passed" | "blocked" | "absent", change: Judged, message?: string]>([
    ["another backend", "passed", change(service, { [chat]: to("b") })],
    [
      "a backend that does not exist",
      "blocked",
      change(service, { [chat]: to("c") }),
      "API 'chat' would go to backend 'c', which does not exist.",
    ],
    [
      "one that does not exist, while another is deleted",
      "blocked",
      change(service, { [chat]: to("c"), "backends/spare": null }),
      "API 'chat' would go to backend 'c', which does not exist.",
    ],
    ["a backend that the change creates", "passed", change(service, { [chat]: to("c"), "backends/c": single() })],
    [
      "a backend that the change deletes",
      "blocked",
      change(service, { [chat]: to("spare"), "backends/spare": null }),
      "API 'chat' would go to backend 'spare', which this change deletes.",
    ],
    [
      "a backend that another API goes to",
      "blocked",
      change(service, { "backends/b": null }),
      "API 'open' would go to backend 'b', which this change deletes.",
    ],
    [
      "the only member of a pool",
      "blocked",
      change(service, { "backends/a": null }),
      "API 'chat' would go to backend 'a', which this change deletes.",
    ],
    ["a backend that nothing goes to", "passed", change(service, { "backends/spare": null })],
    [
      "a pool that is empty",
      "blocked",
      change(service, { [chat]: to("q"), "backends/q": pool() }),
      "API 'chat' would go to backend 'q', which has no member.",
    ],
    [
      "no backend, and no service URL",
      "blocked",
      change(service, { [chat]: policy("<base />") }),
      "API 'chat' would have no backend: no policy chooses one and it has no service URL, or its policies end every call before.",
    ],
    ["the whole policy of such an API", "blocked", change(service, { [chat]: null })],
    ["no backend, but a service URL", "passed", change(service, { "apis/open/policies/policy": policy("<base />") })],
    [
      "a named value that names another",
      "blocked",
      change(service, { "namedValues/nv-0": namedValue("target", "gone") }),
      "API 'open' would go to backend 'gone', which does not exist.",
    ],
    ["what an expression decides", "passed", change(service, { [chat]: to('@(context.Request.Headers.GetValueOrDefault("x", ""))') })],
    [
      "what every call fails at",
      "blocked",
      change(service, { "apis/open/policies/policy": to('@((string)context.Variables["x"])') }),
      "API 'open' would have no backend",
    ],
    [
      "a missing backend that an expression always comes to",
      "blocked",
      change(service, { [chat]: to('@("go" + "ne")') }),
      "API 'chat' would go to backend 'gone', which does not exist.",
    ],
    ["an edit beside the route", "absent", change(service, { [chat]: policy(`<base /><cors /><set-backend-service backend-id="p" />`) })],
  ])("%s: %s", (_, verdict, subject, message) => {
    expect(verdictOf(subject, "no_backend_left")).toBe(verdict);
    if (message !== undefined) expect(messageOf(subject, "no_backend_left")).toContain(message);
  });

  test("what was missing before is none of the change's", () => {
    const broken = serviceOf({ apis: { chat: null }, policies: { [chat]: String(to("gone").value) }, backends: { a: single() } });
    expect(verdictOf(change(broken, { [chat]: policy(`<set-backend-service backend-id="gone" /><base />`) }), "no_backend_left")).toBe(
      "passed",
    );
  });
});

describe("shared_document, of a call that names no team", () => {
  const to = (id: string) => policy(`<base /><set-backend-service backend-id="${id}" />`);
  const service = serviceOf({
    apis: { chat: "https://o.example/", images: "https://o.example/" },
    products: { gold: ["chat", "images"], silver: ["chat"] },
    backends: { e: single(), s: single() },
    policies: {
      "products/gold/policies/policy": String(to("e").value),
      "products/silver/policies/policy": String(to("s").value),
      "apis/chat/policies/policy": String(policy("<base />").value),
    },
  });
  const warned = (after: Parameters<typeof change>[1]) =>
    judged(change(service, after)).warnings.filter((warning) => warning.startsWith("Calls that come to go elsewhere"));

  test.each<[string, Parameters<typeof change>[1], string | null]>([
    [
      "a product's backend, for each of its APIs",
      { "products/gold/policies/policy": to("s") },
      "API 'chat' through product 'gold'; API 'images' through product 'gold'.",
    ],
    [
      "some of an API's calls in its own policy",
      { "apis/chat/policies/policy": to("s") },
      "API 'chat' without a product; API 'chat' through product 'gold'.",
    ],
    ["all of an API's calls in its own policy", { "apis/chat/policies/policy": to("new") }, null],
    ["no backend", { "products/gold/policies/policy": policy('<base /><!-- x --><set-backend-service backend-id="e" />') }, null],
  ])("%s", (_, after, named) => {
    expect(warned(after)).toEqual(named === null ? [] : [`Calls that come to go elsewhere: ${named}`]);
  });
});

describe("shared_document, of a call that names teams", () => {
  const limit = (tpm: number, key = "@(context.Subscription.Id)") =>
    `<llm-token-limit counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;
  const when = (team: string, content: string) => `<when condition="@(context.Subscription?.Id == "${team}")">${content}</when>`;
  const service = serviceOf(
    {
      apis: { chat: null },
      products: { aoai: ["chat"] },
      policies: { [product]: String(policy(`<base />${limit(1_000)}`).value), [chat]: String(to("a").value) },
      backends: { a: single(), b: single(), p: pool("a") },
    },
    { growth: "aoai", prod: "aoai" },
  );
  const naming = (after: Record<string, JsonObject | null>): Judged => ({ ...change(service, after), teams: ["growth"] });
  const branches = (growth: string, others: string) =>
    policy(`<base /><choose>${when("growth", growth)}<otherwise>${others}</otherwise></choose>`);

  test.each<[what: string, verdict: "passed" | "blocked", change: Judged, message?: string]>([
    ["a branch for the team", "passed", naming({ [product]: branches(limit(500), limit(1_000)) })],
    [
      "the number of all",
      "blocked",
      naming({ [product]: policy(`<base />${limit(500)}`) }),
      "prod, which the call does not name, would be limited or counted in another way.",
    ],
    ["the counter of another", "blocked", naming({ [product]: branches(limit(1_000), limit(1_000, "all")) })],
    ["a counter that the team comes to share with another", "blocked", naming({ [product]: branches(limit(1_000), `<cors />`) })],
    [
      "a route for the team",
      "passed",
      naming({
        [chat]: policy(
          `<base /><set-backend-service backend-id="a" /><choose>${when("growth", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
    ],
    [
      "a route for the team, and another policy for all",
      "passed",
      naming({
        [chat]: policy(
          `<base /><cors /><wait><trace /></wait><set-backend-service backend-id="a" /><choose>${when("growth", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
    ],
    [
      "the number of all, of a call that names them all",
      "passed",
      { ...naming({ [product]: policy(`<base />${limit(500)}`) }), teams: ["prod", "growth"] },
    ],
    [
      "a route for others",
      "blocked",
      naming({
        [chat]: policy(
          `<base /><set-backend-service backend-id="a" /><choose>${when("prod", '<set-backend-service backend-id="b" />')}</choose>`,
        ),
      }),
      "prod, which the call does not name, would be sent to other backends.",
    ],
    [
      "a route for all, in a policy that holds others",
      "blocked",
      naming({ [chat]: policy('<base /><wait><set-backend-service backend-id="b" /></wait>') }),
    ],
    ["the backend of all", "blocked", naming({ "backends/a": single({ url: "https://y.example" }) })],
    ["a backend that nobody is sent to", "passed", naming({ "backends/p": pool("a", "b") })],
  ])("%s: %s", (_, verdict, subject, message) => {
    expect(verdictOf(subject, "shared_document")).toBe(verdict);
    if (message !== undefined) expect(messageOf(subject, "shared_document")).toBe(message);
    expect(verdictOf({ documents: subject.documents, service: { inventory: service, csharp } }, "shared_document")).toBe("absent");
  });

  test("a route in a policy that holds others is one", () => {
    const held = (backend: string) => policy(`<base /><wait><set-backend-service backend-id="${backend}" /></wait>`);
    const live = { ...service, policies: new Map([...service.policies, [chat, { id: chat, etag: "", properties: held("a") }]]) };
    expect(messageOf({ ...change(live, { [chat]: held("b") }), teams: ["growth"] }, "shared_document")).toBe(
      "prod, which the call does not name, would be sent to other backends.",
    );
  });

  test("a limit that is told by its numbers is not told twice", () => {
    const subject = {
      ...naming({ [product]: policy(`<base />${limit(500)}`) }),
      ...limits({ subscriptionId: "prod", after: 500, intended: false }),
    };
    const both = { ...subject, documents: naming({ [product]: policy(`<base />${limit(500)}`) }).documents };
    expect(messageOf(both, "shared_document")).toBe("prod, which the call does not name, would go from tpm 1000 to 500.");
  });

  test("a counter that changes under the same number is told", () => {
    const subject = naming({ [product]: branches(limit(1_000), limit(1_000, "all")) });
    const same = { subscriptionId: "prod", kind: "tpm", before: 1_000, after: 1_000, intended: false } as const;
    expect(messageOf({ ...subject, limits: [same] }, "shared_document")).toBe(
      "prod, which the call does not name, would be limited or counted in another way.",
    );
  });
});

describe("override", () => {
  const cut = limits({ before: 1_000, after: 1 });
  const large = document(product, null, { value: "x".repeat(300 * 1024) });

  test.each<[what: string, change: Judged, override: string[], allowed: string[], guard: string, verdict: string, message: RegExp]>([
    ["asked and allowed", cut, ["limit_cut"], ["limit_cut"], "limit_cut", "overridden", /more than half\.$/],
    ["asked, not allowed", cut, ["limit_cut"], ["auth_removed"], "limit_cut", "blocked", /AIGW_ALLOW_OVERRIDE/],
    ["allowed, not asked", cut, [], ["limit_cut"], "limit_cut", "blocked", /more than half\.$/],
    ["asked and allowed for another", cut, ["auth_removed"], ["auth_removed"], "limit_cut", "blocked", /more than half\.$/],
    ["never", large, ["too_large"], ["too_large"], "too_large", "blocked", /cannot be overridden/],
    ["asked though it passes", limits({}), ["limit_cut"], ["limit_cut"], "limit_cut", "passed", /No limit/],
  ])("%s", (_, subject, override, allowOverride, guard, verdict, message) => {
    expect(judge(subject, override, rules({ allowOverride })).guards.find(({ name }) => name === guard)).toEqual({
      name: guard,
      verdict,
      message: expect.stringMatching(message),
    });
  });

  test("what is protected is never overridden, whatever is allowed", () => {
    const subject = change(serviceOf({}), { "backends/a": single() });
    const { guards } = judge(subject, ["protected"], { allowOverride: ["protected"], protect: protecting("backend:a") });
    expect(guards.find(({ name }) => name === "protected")).toMatchObject({
      verdict: "blocked",
      message: expect.stringContaining("cannot be overridden"),
    });
  });

  test("an unknown guard is refused with the known ones, which are those that an operator can name and the firm ones", () => {
    expect(() => judge(cut, ["limit_cut", "nonsense", "x"], rules({ allowOverride: ["limit_cut"] }))).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        message: "Unknown guard in override: nonsense, x.",
        hint: expect.stringMatching(/^Guards: policy_invalid, limit_cut, .*, too_large\.$/),
      } satisfies Partial<GatewayError>),
    );
    expect(() => judge(cut, [...overridableGuards, ...firmGuards], rules())).not.toThrow();
  });

  test("the ways out name what the operator allows already, and what not", () => {
    const blocked = judged({ ...cut, ...document("backends/p", pool("a"), null) }).guards.filter(({ verdict }) => verdict === "blocked");
    expect(blocked.map(({ name }) => name)).toEqual(["limit_cut", "no_backend_left"]);
    expect(waysOut(blocked, ["limit_cut", "no_backend_left"])).toMatch(
      /if the user wants exactly this, plan again with override: \["limit_cut","no_backend_left"\]/,
    );
    expect(waysOut(blocked, ["limit_cut"])).toMatch(/operator lists no_backend_left in AIGW_ALLOW_OVERRIDE/);
    expect(waysOut(blocked, [])).toMatch(/operator lists limit_cut, no_backend_left in AIGW_ALLOW_OVERRIDE/);
    expect(
      waysOut(
        judged(large).guards.filter(({ verdict }) => verdict === "blocked"),
        [],
      ),
    ).toBe("Change the call so that the guards pass.");
  });
});

describe("properties", () => {
  const amount = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: null });
  const limit = fc.record({
    subscriptionId: fc.constantFrom("growth", "prod", "search"),
    kind: fc.constantFrom("tpm" as const, "rpm" as const),
    before: amount,
    after: amount,
    intended: fc.boolean(),
  });

  test("a cut blocks exactly below the half, a raise exactly above ten times", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: -2, max: 2 }), (before, beside) => {
        const halved = Math.floor(before / 2) + beside;
        expect(verdictOf(limits({ before, after: halved }), "limit_cut")).toBe(halved * 2 < before ? "blocked" : "passed");
        const raised = before * 10 + beside;
        expect(verdictOf(limits({ before, after: raised }), "limit_raise")).toBe(beside > 0 ? "blocked" : "passed");
      }),
    );
  });

  test("another team's limit changes if and only if the change is blocked as shared", () => {
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1 }), (changes) => {
        const touched = changes.some(({ intended, before, after }) => !intended && before !== after);
        expect(verdictOf({ documents: [], service: null, limits: changes }, "shared_document")).toBe(touched ? "blocked" : "passed");
      }),
    );
  });

  const part = fc.constantFrom(
    "<base />",
    jwt,
    "<cors />",
    "<!-- x -->",
    "<choose><when condition='@(context.Subscription.Id == \"growth\")'><base /></when></choose>",
    "<broken",
    "</inbound>",
    '<include-fragment fragment-id="auth" />',
    '<include-fragment fragment-id="{{which}}" />',
    '<set-backend-service backend-id="p" />',
    '<set-backend-service backend-id="{{secret}}" />',
    '<llm-token-limit counter-key="x" tokens-per-minute="{{tpm}}" />',
  );
  const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  const properties = fc.oneof(
    text.map((inbound) => policy(inbound)),
    text.map((content) => fragment(content)),
    fc.constantFrom(single(), pool("a"), pool(), pool("p"), namedValue("which", "auth"), namedValue("tpm", "x"), {
      displayName: "secret",
      secret: true,
    }),
    fc.string().map((value): JsonObject => ({ value })),
    fc.constantFrom<JsonObject>({}, { value: 1 }, { pool: [] }, { credentials: "x" }, { properties: null }),
  );
  const id = fc.constantFrom(
    product,
    chat,
    "policies/policy",
    "apis/chat/operations/Op/policies/policy",
    "apis/other;rev=2/policies/policy",
    "policyFragments/auth",
    "namedValues/nv-0",
    "backends/a",
    "backends/p",
  );
  const everything = protecting("api:chat", "product:aoai", "subscription:growth", "backend:a", "api:gone");
  const documents = fc.uniqueArray(fc.tuple(id, fc.option(properties), fc.option(properties)), { selector: ([key]) => key, maxLength: 4 });
  const service = fc.record({ global: text, api: text, product: text, content: text }).map((texts) =>
    serviceOf(
      {
        apis: { chat: null },
        products: { aoai: ["chat"] },
        policies: {
          "policies/policy": String(policy(texts.global).value),
          [chat]: String(policy(texts.api).value),
          [product]: String(policy(texts.product).value),
        },
        fragments: { auth: String(fragment(texts.content).value) },
        namedValues: { which: "auth", tpm: "1", secret: null },
        backends: { a: single(), p: pool("a") },
      },
      { growth: "aoai", prod: "aoai" },
    ),
  );

  test("judging never throws, whatever the documents hold", () => {
    fc.assert(
      fc.property(fc.option(service), documents, fc.boolean(), (live, changes, naming) => {
        const subject = {
          service: live === null ? null : { inventory: live, csharp },
          documents: changes.map(([key, before, after]) => proposed(key, before, after)),
          ...(naming ? { teams: ["growth"] } : {}),
        };
        expect(() => judged(subject, everything)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  test("what alters nothing passes every guard, protected or not", () => {
    fc.assert(
      fc.property(
        service,
        fc.subarray([product, chat, "policies/policy", "policyFragments/auth", "backends/a", "namedValues/nv-0"]),
        (live, ids) => {
          // Documents without a difference are left out of a plan before it is judged.
          const { guards } = judged({ ...change(live, {}), teams: ["growth"] }, everything);
          expect(guards.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
          const same = change(live, Object.fromEntries(ids.map((key) => [key, propertiesOf(live, key)])));
          expect(judged(same).guards.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
        },
      ),
    );
  });

  const propertiesOf = (live: Inventory, key: string): JsonObject | null =>
    [...live.policies.values(), ...live.fragments, ...live.backends, ...live.namedValues].find((one) => one.id === key)?.properties ?? null;

  test("without a request to override nothing is overridden, whatever is allowed", () => {
    fc.assert(
      fc.property(fc.array(limit), fc.subarray([...overridableGuards]), (changes, allowOverride) => {
        const { guards } = judge({ documents: [], service: null, limits: changes }, [], rules({ allowOverride }));
        expect(guards.map(({ verdict }) => verdict)).not.toContain("overridden");
      }),
    );
  });
});
