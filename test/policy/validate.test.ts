import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../src/policy/diagnostic.ts";
import { parse } from "../../src/policy/document.ts";
import { type DiagnosticCode, validate } from "../../src/policy/validate.ts";
import { generatedPolicy } from "./generated-policies.ts";
import { haveRealPolicies, type RealPolicy, realPolicies, wrongPolicies } from "./real-policies.ts";

const absent = haveRealPolicies ? "" : " (skipped: ../shared/fixtures is absent)";

describe("validate", () => {
  it("says it as the service does, where it counts from, and what to write instead", () => {
    expect(validate("<policies>\r\n    <wait />\r\n</policies>", { scope: "api" })).toEqual([
      {
        severity: "error",
        code: "unexpected-child",
        line: 2,
        column: 6,
        endLine: 2,
        endColumn: 13,
        message:
          "Error in element 'wait' on line 2, column 6: The element 'policies' has invalid child element 'wait'. List of possible elements expected: 'inbound, backend, outbound, on-error'.",
        fix: "Put it into a section, e.g. <inbound>.",
      },
    ]);
  });

  it.each<[string, string, string, number, number]>([
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
    ["nothing", "", "no-root", 1, 1],
  ])("finds %s", (_, source, code, line, column) => {
    expect(validate(source)).toContainEqual(expect.objectContaining({ severity: "error", code, line, column }));
  });

  it("goes on behind a mistake", () => {
    const source = "<policies><inbound>\n<rate-limit calls='a' b='c'>d</rate-limit>\n<choose><when><bas /></when>\n</inbound></policies>";
    expect(validate(source).map(({ line, code }) => `${line} ${code}`)).toEqual([
      "2 invalid-value",
      "2 missing-attribute",
      "2 unexpected-text",
      "2 unknown-attribute",
      "3 unclosed-element",
      "3 missing-attribute",
      "3 unknown-policy",
    ]);
  });

  it("takes a document that is parsed already", () => {
    expect(validate(parse("<policies><x/></policies>"))).toEqual(validate("<policies><x/></policies>"));
  });

  it("leaves the content of other elements to them", () => {
    const source =
      '<policies><outbound><set-body><rate-limit /></set-body><cache-store-value key="a" value="b" duration="1" /></outbound></policies>';
    expect(validate(source, { scope: "api" })).toEqual([]);
  });

  it("never throws, and points into the text, in its order", () => {
    fc.assert(
      fc.property(fc.oneof(generatedPolicy, fc.string(), generatedPolicy.chain(mutated)), (source) => {
        const lines = source.split(/\r\n|\n|\r/);
        const found = validate(source, { inventory: { namedValues: new Map(), backends: [] }, tier: "consumption" });
        for (const { line, column, endLine, endColumn } of found) {
          expect(column).toBeLessThanOrEqual((lines[line - 1] ?? "").length + 1);
          expect(endLine).toBeGreaterThanOrEqual(line);
          if (endLine === line) expect(endColumn).toBeGreaterThanOrEqual(column);
        }
        expect(found.map(({ line }) => line)).toEqual(found.map(({ line }) => line).toSorted((a, b) => a - b));
      }),
    );
  });
});

/** The text without a part of it. */
function mutated(source: string): fc.Arbitrary<string> {
  return fc.tuple(fc.nat(source.length), fc.nat(20)).map(([start, length]) => source.slice(0, start) + source.slice(start + length));
}

describe(`real documents${absent}`, { skip: !haveRealPolicies }, () => {
  const judged = (policy: RealPolicy): readonly string[] => errorsIn(validate(policy.source)).map(({ message }) => message);

  it("that APIM accepts have no error", () => {
    const accepted = realPolicies().filter(({ verdict }) => verdict === "accept" || verdict === "accept_if_named_values_exist");
    expect(accepted.length).toBeGreaterThan(150);
    for (const policy of accepted) expect(judged(policy), policy.file).toEqual([]);
  });

  it("that APIM accepts once their placeholders are filled in have at most one, and a warning of the placeholders", () => {
    const templates = realPolicies().filter(({ verdict }) => verdict === "accept_after_substitution");
    expect(templates.length).toBeGreaterThan(30);
    for (const policy of templates) expect(judged(policy).length, policy.file).toBeLessThanOrEqual(1);
    const warned = templates.filter(({ source }) => validate(source).some(({ code }) => code === "template-placeholder"));
    expect(warned.length).toBeGreaterThan(25);
  });

  it("that APIM rejects have one, unless the defect is inside of an expression", () => {
    const silent = realPolicies().filter((policy) => policy.verdict.startsWith("reject") && judged(policy).length === 0);
    // Char literals of several characters, and a string that a quote too many closes: C# that only its compiler judges.
    expect(silent.map(({ file }) => file.split("/").at(-1)).toSorted()).toEqual([
      "Pre-authorize_requests_based_on_HTTP_method_with_validate-jwt.policy.xml",
      "aca-backend-pool-load-balancing-with-retry-tracked.xml",
    ]);
  });

  it("that are wrong have their error on its line, unless it is one of C#", () => {
    const missed = wrongPolicies().filter(
      ({ xml, scope, line }) => !errorsIn(validate(xml, { scope })).some((found) => found.line === line),
    );
    expect(missed.map(({ name }) => name).toSorted()).toEqual([
      "expr-banned-type-file",
      "expr-csharp8-range",
      "expr-dynamic",
      "expr-string-to-bool-condition",
      "expr-unknown-member",
    ]);
  });

  it("that are wrong have no error on another line", () => {
    for (const { name, xml, scope, line } of wrongPolicies()) {
      expect(
        errorsIn(validate(xml, { scope })).filter((found) => found.line !== line),
        name,
      ).toEqual([]);
    }
  });
});

function errorsIn(diagnostics: readonly Diagnostic<DiagnosticCode>[]): readonly Diagnostic<DiagnosticCode>[] {
  return diagnostics.filter(({ severity }) => severity === "error");
}
