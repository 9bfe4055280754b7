import { describe, expect, test } from "vitest";
import { parse, positionAt } from "../../../src/policy/document.ts";
import { checkExpression, type WantedType } from "../../../src/policy/expression/check.ts";
import { expressionFindings, expressionsOf } from "../../../src/policy/expression/document-expressions.ts";
import { scanExpression } from "../../../src/policy/lexer.ts";
import { haveRealPolicies, realPolicies, wrongPolicies } from "../real-policies.ts";
import { csharp } from "./grammar.ts";
import { percentFound, tryMutations } from "./mutations.ts";

const wanted = (_: unknown, attribute: { readonly name: string } | null): WantedType => (attribute?.name === "condition" ? "bool" : "any");

function places(source: string): readonly string[] {
  return expressionFindings(parse(source), csharp, { wanted }).map(({ offset, severity, code }) => {
    const { line, column } = positionAt(source, offset);
    return `${line}:${column} ${severity} ${code}`;
  });
}

test("an expression with entities is reported where it stands", () => {
  const source = '<a>\n  <b value="@(&quot;x&quot;\n    + context.Apii.Id)" />\n  <c> @(context.Opration.Id) </c>\n</a>';
  expect(places(source)).toEqual(["3:15 error expression-member", "4:17 error expression-member"]);
});

test("line endings count as they are written", () => {
  expect(places('<a>\r\n<b value="@{\r\n  return unknown;\r\n}" /></a>')).toEqual(["3:10 error expression-name"]);
});

test("an expression without an end is left to the document's own problems", () => {
  expect(places('<a><b value="@(context.Api.Id" /></a>')).toEqual([]);
});

const label = haveRealPolicies ? "" : " (skipped: the collection of documents is not on this machine)";

describe.skipIf(!haveRealPolicies)(`real policies${label}`, () => {
  test("nothing that the service accepts is an error", () => {
    const accepted = realPolicies().filter(({ verdict }) => verdict.startsWith("accept"));
    const errors = accepted.flatMap(({ file, source }) =>
      expressionFindings(parse(source), csharp, { wanted })
        .filter(({ severity }) => severity === "error")
        .map(({ message }) => `${file}: ${message}`),
    );
    expect(accepted.length).toBeGreaterThan(100);
    expect(errors).toEqual([]);
  });

  test.each([
    ["aca-backend-pool-load-balancing-with-retry-tracked.xml", 23],
    ["Call_out_to_an_HTTP_endpoint_and_cache_the_response.policy.xml", 16],
    ["Pre-authorize_requests_based_on_HTTP_method_with_validate-jwt.policy.xml", 10],
  ])("%s, which it rejects, has an error on line %i", (name, line) => {
    const source = realPolicies().find(({ file }) => file.endsWith(name))?.source ?? "";
    const document = parse(source);
    const lines = expressionFindings(document, csharp, { wanted })
      .filter(({ severity }) => severity === "error")
      .map(({ offset }) => positionAt(source, offset).line);
    expect(lines).toContain(line);
  });

  test.each(["expr-string-to-bool-condition", "expr-csharp8-range", "expr-dynamic", "expr-unknown-member", "expr-banned-type-file"])(
    "the wrong document %s has an error on its line",
    (name) => {
      const policy = wrongPolicies().find((each) => each.name === name);
      const source = policy?.xml ?? "";
      const errors = expressionFindings(parse(source), csharp, { wanted }).filter(({ severity }) => severity === "error");
      expect(errors.map(({ offset }) => positionAt(source, offset).line)).toEqual([policy?.line]);
    },
  );

  test("broken expressions are found: a sample of what the bench breaks", () => {
    const codes = [...new Set(realPolicies().flatMap(({ source }) => expressionsOf(parse(source)).map(({ value }) => value.text)))];
    const isFound = (code: string): boolean =>
      scanExpression(code, 0, "raw").end !== code.length ||
      checkExpression(csharp, code, { wanted: "any" }).some(({ severity }) => severity === "error");
    const right = codes.filter((code) => checkExpression(csharp, code, { wanted: "any" }).length === 0);
    const results = tryMutations(right, isFound, 17);
    expect(results.filter((result) => percentFound(result) < result.mutation.bound - 2).map(({ mutation }) => mutation.name)).toEqual([]);
  });
});
