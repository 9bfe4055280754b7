import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Judged, judge, waysOut } from "../../src/change/guards.ts";
import type { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { LimitChange, ProposedDocument } from "../../src/gateway/proposal.ts";

const policy = (inbound: string, rest = "<backend><base /></backend>"): JsonObject => ({
  format: "rawxml",
  value: `<policies><inbound>${inbound}</inbound>${rest}</policies>`,
});
const backend = (content: string): JsonObject => policy("<base />", `<backend>${content}</backend>`);
const pool = (...members: readonly string[]): JsonObject => ({
  type: "Pool",
  pool: { services: members.map((name) => ({ id: `/backends/${name}` })) },
});
const document = (id: string, before: JsonObject | null, after: JsonObject | null): Judged => ({
  documents: [proposed(id, before, after)],
});
const proposed = (id: string, before: JsonObject | null, after: JsonObject | null): ProposedDocument => ({
  id,
  before: before === null ? null : { id, etag: '"1"', properties: before },
  after,
});
const limits = (...changes: readonly Partial<LimitChange>[]): Judged => ({
  documents: [],
  limits: changes.map((change) => ({ subscriptionId: "growth", kind: "tpm", before: 1000, after: 1000, intended: true, ...change })),
});

const product = "products/aoai/policies/policy";
const fragment = "policyFragments/limits";
const validateJwt = `<validate-jwt header-name="Authorization"><openid-config url="https://x" /></validate-jwt>`;

describe("verdicts", () => {
  test.each<[what: string, guard: string, verdict: "passed" | "blocked" | "absent", change: Judged]>([
    ["a policy without errors", "policy_invalid", "passed", { documents: [], policyErrors: [] }],
    ["a policy with an error", "policy_invalid", "blocked", { documents: [], policyErrors: ["line 1: <inbound> is not closed"] }],
    ["a change without a policy of the user's", "policy_invalid", "absent", { documents: [] }],

    ["half the limit", "limit_cut", "passed", limits({ before: 200_000, after: 100_000 })],
    ["less than half the limit", "limit_cut", "blocked", limits({ before: 200_000, after: 99_999 })],
    ["a raise", "limit_cut", "passed", limits({ before: 1, after: 1_000 })],
    ["a first limit", "limit_cut", "passed", limits({ before: null, after: 1 })],
    ["one of two limits cut", "limit_cut", "blocked", limits({}, { kind: "rpm", before: 60, after: 1 })],
    ["a cut that nobody asked for", "limit_cut", "absent", limits({ before: 1_000, after: 1, intended: false })],
    ["no limit", "limit_cut", "absent", { documents: [] }],

    ["only the named team", "shared_document", "passed", limits({ after: 600 })],
    ["another team that keeps its limit", "shared_document", "passed", limits({ after: 600 }, { subscriptionId: "prod", intended: false })],
    ["another team's limit", "shared_document", "blocked", limits({ after: 600 }, { subscriptionId: "prod", after: 600, intended: false })],
    ["another team's lost limit", "shared_document", "blocked", limits({ subscriptionId: "prod", after: null, intended: false })],
    ["no limit at all", "shared_document", "absent", { documents: [] }],

    ["a pool that keeps one", "no_backend_left", "passed", document("backends/p", pool("a", "b"), pool("b"))],
    ["a pool that keeps none", "no_backend_left", "blocked", document("backends/p", pool("a"), pool())],
    ["a pool that is no pool any more", "no_backend_left", "blocked", document("backends/p", pool("a"), { url: "https://a" })],
    ["a deleted pool", "no_backend_left", "blocked", document("backends/p", pool("a"), null)],
    ["a new pool", "no_backend_left", "absent", document("backends/p", null, pool("a"))],
    ["a single backend", "no_backend_left", "absent", document("backends/a", { url: "https://a" }, { url: "https://b" })],

    ["base stays", "base_removed", "passed", document(product, policy("<base />"), policy("<base /><cors />"))],
    ["base moves", "base_removed", "passed", document(product, policy("<base />"), policy("<choose><when><base /></when></choose>"))],
    ["base goes", "base_removed", "blocked", document(product, policy("<base />"), policy(""))],
    ["base is commented out", "base_removed", "blocked", document(product, policy("<base />"), policy("<!-- <base /> -->"))],
    ["a section with base goes", "base_removed", "blocked", document(product, policy("<base />"), policy("<base />", ""))],
    ["the section never had it", "base_removed", "passed", document(product, policy(""), policy("<cors />"))],
    ["no section ever had it", "base_removed", "absent", document(product, policy("", ""), policy("<cors />", ""))],
    ["a new policy with base", "base_removed", "passed", document(product, null, policy("<base />", ""))],
    ["a new policy without base", "base_removed", "blocked", document(product, null, policy("<cors />", ""))],
    [
      "a backend that forwards by itself",
      "base_removed",
      "passed",
      document(product, backend("<base />"), backend("<retry><forward-request /></retry>")),
    ],
    ["a backend that forwards nothing", "base_removed", "blocked", document(product, backend("<base />"), backend("<cors />"))],
    ["a deleted policy", "base_removed", "absent", document(product, policy("<base />"), null)],
    ["global scope", "base_removed", "absent", document("policies/policy", policy("<base />"), policy(""))],
    ["a fragment", "base_removed", "absent", document(fragment, { value: "<fragment />" }, { value: "<fragment><cors /></fragment>" })],

    ["authentication stays", "auth_removed", "passed", document(product, policy(validateJwt), policy(`<base />${validateJwt}`))],
    ["authentication goes", "auth_removed", "blocked", document(product, policy(validateJwt), policy("<base />"))],
    ["one of two checks goes", "auth_removed", "blocked", document(product, policy(validateJwt + validateJwt), policy(validateJwt))],
    ["a check is commented out", "auth_removed", "blocked", document(product, policy(validateJwt), policy(`<!-- ${validateJwt} -->`))],
    ["a policy with a check is deleted", "auth_removed", "blocked", document(product, policy(`<ip-filter action="allow" />`), null)],
    [
      "a fragment loses its check",
      "auth_removed",
      "blocked",
      document(fragment, { value: `<fragment>${validateJwt}</fragment>` }, { value: "<fragment />" }),
    ],
    ["there was no authentication", "auth_removed", "absent", document(product, policy("<base />"), policy(""))],

    ["a policy of 256 KiB", "too_large", "passed", document(product, null, { value: "x".repeat(256 * 1024) })],
    ["a policy above 256 KiB", "too_large", "blocked", document(product, null, { value: "x".repeat(256 * 1024 + 1) })],
    ["a policy above it in bytes only", "too_large", "blocked", document(product, null, { value: "é".repeat(128 * 1024 + 1) })],
    ["a deleted policy too large", "too_large", "absent", document(product, policy("<base />"), null)],
    ["a backend", "too_large", "absent", document("backends/a", null, { url: "https://a" })],
  ])("%s: %s %s", (_, guard, verdict, change) => {
    const result = judge(change, [], []).find(({ name }) => name === guard);
    expect(result?.verdict ?? "absent").toBe(verdict);
  });

  test("an objection names what it is about", () => {
    const [cut] = judge(limits({ before: 200_000, after: 50_000 }), [], []);
    expect(cut?.message).toBe("growth: tpm 200000 -> 50000 cuts the limit by more than half.");
    const [, auth] = judge(document(product, policy(`<base />${validateJwt}`), policy("<base />")), [], []);
    expect(auth?.message).toBe("product 'aoai' policy: <validate-jwt> would be removed.");
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
  ])("%s", (_, change, override, allowed, guard, verdict, message) => {
    expect(judge(change, override, allowed).find(({ name }) => name === guard)).toEqual({
      name: guard,
      verdict,
      message: expect.stringMatching(message),
    });
  });

  test("an unknown guard is refused with the known ones", () => {
    expect(() => judge(cut, ["limit_cut", "nonsense"], ["limit_cut"])).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining("limit_cut") } satisfies Partial<GatewayError>),
    );
  });

  test("the ways out name what the operator allows already, and what not", () => {
    const blocked = judge({ ...cut, ...document("backends/p", pool("a"), null) }, [], []).filter(({ verdict }) => verdict === "blocked");
    expect(blocked.map(({ name }) => name)).toEqual(["limit_cut", "no_backend_left"]);
    expect(waysOut(blocked, ["limit_cut", "no_backend_left"])).toMatch(
      /if the user wants exactly this, plan again with override: \["limit_cut","no_backend_left"\]/,
    );
    expect(waysOut(blocked, ["limit_cut"])).toMatch(/operator lists no_backend_left in AIGW_ALLOW_OVERRIDE/);
    expect(
      waysOut(
        judge(large, [], []).filter(({ verdict }) => verdict === "blocked"),
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
  const verdictOf = (change: Judged, name: string) => judge(change, [], []).find((result) => result.name === name)?.verdict;

  test("a limit that does not fall never blocks as a cut; one that falls to nothing always does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(1_000_000), (before, more) => {
        expect(verdictOf(limits({ before, after: before + more }), "limit_cut")).toBe("passed");
        expect(verdictOf(limits({ before, after: 0 }), "limit_cut")).toBe("blocked");
      }),
    );
  });

  test("another team's limit changes if and only if the change is blocked as shared", () => {
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1 }), (changes) => {
        const touched = changes.some(({ intended, before, after }) => !intended && before !== after);
        expect(verdictOf({ documents: [], limits: changes }, "shared_document")).toBe(touched ? "blocked" : "passed");
      }),
    );
  });

  test("leaving a document as it is passes every guard", () => {
    const part = fc.constantFrom("<base />", validateJwt, "<cors />", "<!-- x -->", "<choose><when><base /></when></choose>", "<broken");
    fc.assert(
      fc.property(fc.array(part), fc.constantFrom(product, "policies/policy"), (parts, id) => {
        const same = policy(parts.join(""));
        expect(judge(document(id, same, same), [], []).filter(({ verdict }) => verdict !== "passed")).toEqual([]);
      }),
    );
  });

  test("without a request to override nothing is overridden, whatever is allowed", () => {
    const names = ["policy_invalid", "limit_cut", "shared_document", "no_backend_left", "base_removed", "auth_removed", "too_large"];
    fc.assert(
      fc.property(fc.array(limit), fc.subarray(names), (changes, allowed) => {
        expect(judge({ documents: [], limits: changes }, [], allowed).map(({ verdict }) => verdict)).not.toContain("overridden");
      }),
    );
  });
});
