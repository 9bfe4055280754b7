import { describe, expect, test } from "vitest";
import type { Judged } from "../../../src/change/guards/index.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { document, fragment, judged, limits, messageOf, policy, pool, verdictOf } from "./judged.ts";

const product = "products/aoai/policies/policy";
const backendSection = (content: string): JsonObject => policy("<base />", `<backend>${content}</backend>`);

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
