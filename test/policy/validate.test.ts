import { describe, expect, it } from "vitest";
import { validate } from "../../src/policy/validate.ts";
import { haveRealPolicies, realPolicies, wrongPolicies } from "./real-policies.ts";

const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";
const limit = '<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="1" estimate-prompt-tokens="true" />';

describe("validate", () => {
  it.each<[string, string, string, number, number]>([
    ["a wrong root", "<inbound><base /></inbound>", "wrong-root", 1, 2],
    ["what is no section", "<policies>\n  <set-variable name='a' value='b' />\n</policies>", "unknown-section", 2, 4],
    ["a section twice", "<policies>\n<inbound/>\n<inbound/></policies>", "duplicate-section", 3, 2],
    ["text between sections", "<policies>\n <inbound/> x\n</policies>", "text-in-policies", 2, 12],
    ["a policy in the wrong section", `<policies><inbound/><outbound>\n  ${limit}</outbound></policies>`, "wrong-section", 2, 4],
    [
      "the same through choose and retry",
      `<policies><outbound><choose><when condition="@(a < b)"><retry condition="@(true)" count="1" interval="1">\n${limit}</retry></when></choose></outbound></policies>`,
      "wrong-section",
      2,
      2,
    ],
    ["malformed XML", '<policies>\n<inbound a="b & c"/></policies>', "bare-ampersand", 2, 15],
    ["what only a whole XML parser finds", "<policies>\n<inbound>]]></inbound></policies>", "not-well-formed", 2, 12],
    [
      "an expression that never ends",
      '<policies><inbound>\n<set-variable name="a" value="@(f(1)" />\n</inbound></policies>',
      "unterminated-expression",
      2,
      31,
    ],
    ["no XML at all", "hello", "text-outside-root", 1, 1],
  ])("finds %s", (_, source, code, line, column) => {
    expect(validate(source, { scope: "api" })).toContainEqual(expect.objectContaining({ severity: "error", code, line, column }));
  });

  it.each<[string, string, string | null]>([
    ["policies", '<fragment><choose><when condition="@(true)"><trace source="a"/></when></choose></fragment>', null],
    ["a wrong root", "<policies/>", "wrong-root"],
    ["base", "<fragment><base /></fragment>", "base-in-fragment"],
    ["base in choose", "<fragment><choose><otherwise><base /></otherwise></choose></fragment>", "base-in-fragment"],
    ["base in a body", "<fragment><set-body><base /></set-body></fragment>", null],
    ["another fragment", '<fragment><include-fragment fragment-id="a" /></fragment>', "nested-fragment"],
    ["a section", "<fragment><inbound /></fragment>", "section-in-fragment"],
  ])("judges %s in a fragment", (_, source, code) => {
    expect(validate(source, { scope: "fragment" }).map((found) => found.code)).toEqual(code === null ? [] : [code]);
  });

  it("leaves what another policy contains to that policy", () => {
    const source =
      '<policies><outbound><send-request mode="new"><authentication-managed-identity resource="r" /><rate-limit /></send-request></outbound></policies>';
    expect(validate(source, { scope: "api" })).toEqual([]);
  });

  it("says it as the service does, and what to write instead", () => {
    expect(validate("<policies>\n    <wait />\n</policies>", { scope: "api" })).toEqual([
      {
        severity: "error",
        code: "unknown-section",
        line: 2,
        column: 6,
        message:
          "Error in element 'wait' on line 2, column 6: The element 'policies' has invalid child element 'wait'. List of possible elements expected: 'inbound, backend, outbound, on-error'.",
        fix: "Put it into a section, e.g. <inbound>.",
      },
    ]);
  });

  it("counts bytes, of policies only", () => {
    const big = (root: string): string => `<${root}><!--${"ä".repeat(128 * 1024)}--></${root}>`;
    expect(validate(big("policies"), { scope: "api" }).map(({ code }) => code)).toEqual(["document-size"]);
    expect(validate(big("fragment"), { scope: "fragment" })).toEqual([]);
  });

  it(`finds no error in real documents that APIM accepts${absent}`, { skip: !haveRealPolicies }, () => {
    const accepted = realPolicies().filter(({ verdict }) => verdict.startsWith("accept"));
    expect(accepted.length).toBeGreaterThan(190);
    for (const { file, root, source } of accepted) {
      expect(validate(source, { scope: root === "fragment" ? "fragment" : "api" }), file).toEqual([]);
    }
  });

  it(`finds on their line the defects that well-formedness and sections show${absent}`, { skip: !haveRealPolicies }, () => {
    const onLine = wrongPolicies().filter(({ xml, scope, line }) => validate(xml, { scope }).some((found) => found.line === line));
    expect(onLine.map(({ name }) => name).toSorted()).toEqual([
      "attribute-without-space",
      "bare-ampersand-in-text",
      "double-hyphen-in-comment",
      "nested-fragment",
      "policy-outside-section",
      "rate-limit-in-outbound",
      "section-rule-through-choose",
      "text-after-expression",
      "two-root-elements",
      "unterminated-expression-block",
      "unterminated-string-in-expression",
      "validate-jwt-in-outbound",
    ]);
  });
});
