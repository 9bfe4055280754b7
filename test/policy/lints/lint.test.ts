import { globSync } from "node:fs";
import { basename } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "../../../src/policy/document.ts";
import { lints } from "../../../src/policy/lints/index.ts";
import { type AppliedDocument, type LintCode, type LintContext, lint, newLints } from "../../../src/policy/lints/lint.ts";
import { apiPolicy, authenticationFragment, globalPolicy, productPolicy, trialPolicy } from "../../../src/sandbox/seed-policies.ts";
import { generatedPolicy } from "../generated-policies.ts";
import { haveRealPolicies, realPolicies } from "../real-policies.ts";
import { applied, lookup, poolOf, rateLimit, store } from "./kit.ts";

const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";

describe("lint", () => {
  it("has a test for each module of lints", () => {
    const named = (pattern: string): readonly string[] => globSync(pattern).map((path) => basename(path).replace(/(?:\.test)?\.ts$/, ""));
    const modules = named("src/policy/lints/*.ts").filter((name) => !["index", "lint", "subject"].includes(name));
    expect(modules).not.toEqual([]);
    expect(named("test/policy/lints/*.test.ts")).toEqual(expect.arrayContaining([...modules]));
  });

  it("says where, why, what to write and who says so", () => {
    const source = `<policies>\n  <inbound>\n    <base />\n    ${lookup("0.95")}${rateLimit("@(context.Subscription.Id)")}\n  </inbound>\n  <outbound><base />${store}</outbound>\n</policies>`;
    const [found, ...others] = lint(parse(source), { scope: "api" });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ severity: "warning", code: "loose-cache-threshold", line: 4, column: 6, endLine: 4 });
    expect(found?.message).toContain("similarity 0.95 is 0.05");
    expect(found?.fix).toBe('Write score-threshold="0.05".');
    expect(found?.source).toBe("https://learn.microsoft.com/azure/api-management/llm-semantic-cache-lookup-policy");
  });

  it.each(Object.values(lints).map(({ source }) => source))("has a source that can be opened: %s", (source) => {
    expect(new URL(source).protocol).toBe("https:");
  });

  it("finds nothing in the policies of the demo service", () => {
    const poolSizes = new Map([["aoai-pool", 2]]);
    const other = (title: string, scope: AppliedDocument["scope"], source: string): AppliedDocument => ({
      title,
      scope,
      document: parse(source),
    });
    const global = other("global policy", "global", globalPolicy);
    const api = other("API policy", "api", apiPolicy);
    const product = other("product policy", "product", productPolicy);
    const trial = other("trial policy", "product", trialPolicy);
    const found = [
      lint(global.document, { scope: "global", poolSizes, others: [product, trial, api] }),
      lint(product.document, { scope: "product", poolSizes, others: [global, api] }),
      lint(trial.document, { scope: "product", poolSizes, others: [global, api] }),
      lint(api.document, { scope: "api", poolSizes, others: [global, product, trial] }),
      lint(parse(authenticationFragment), { scope: "fragment", poolSizes }),
    ];
    expect(found.flat()).toEqual([]);
  });

  it("takes any document, in the order of its text", () => {
    fc.assert(
      fc.property(generatedPolicy, fc.constantFrom<LintContext["scope"]>("global", "api", "fragment", undefined), (source, scope) => {
        const document = parse(source);
        const found = lint(document, {
          ...(scope === undefined ? {} : { scope }),
          ...poolOf(1),
          others: applied("product", source).others ?? [],
        });
        const places = found.map(({ line, column }) => line * 1e6 + column);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        for (const { line, column, endLine, endColumn, fix, message } of found) {
          expect(line * 1e6 + column).toBeLessThanOrEqual(endLine * 1e6 + endColumn);
          expect(fix).toBeTruthy();
          expect(message).toMatch(/\.$/);
        }
      }),
    );
  });

  it.skipIf(!haveRealPolicies)(`finds in published documents what is there, and nothing else${absent}`, () => {
    const counts: Partial<Record<LintCode, number>> = {};
    for (const { source, root } of realPolicies()) {
      for (const { code } of lint(parse(source), root === "fragment" ? { scope: "fragment" } : {})) counts[code] = (counts[code] ?? 0) + 1;
    }
    // Each of them was read; whoever makes a lint find more reads what it finds.
    expect(counts).toEqual({
      "cache-lookup-without-store": 1,
      "cache-store-without-lookup": 1,
      "literal-counter-key": 2,
      "missing-base": 8,
      "no-limit-after-cache-lookup": 1,
      "retry-without-buffered-body": 5,
      "stale-pool-reason": 1,
    });
  });

  const real = realPolicies().map(({ source }) => source);
  const sources = real.length > 0 ? real : [globalPolicy, productPolicy, apiPolicy];

  it("takes documents that were damaged", () => {
    const damage = fc.record({
      source: fc.constantFrom(...sources),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(40),
      put: fc.constantFrom("", '"', "<", ">", "{{", "@(", "</", "<base />", "&", "<!--", lookup("0.9")),
    });
    fc.assert(
      fc.property(damage, ({ source, at, length, put }) => {
        const offset = Math.floor(at * source.length);
        const document = parse(source.slice(0, offset) + put + source.slice(offset + length));
        expect(newLints(document, document, { scope: "api", ...poolOf(1) })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
