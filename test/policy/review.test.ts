import { describe, expect, it } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { parse } from "../../src/policy/document.ts";
import { type ReviewDiagnostic, review } from "../../src/policy/review.ts";
import type { ValidateOptions } from "../../src/policy/validate.ts";
import { haveRealPolicies, type RealPolicy, realPolicies, type WrongPolicy, wrongPolicies } from "./real-policies.ts";

const errorsOf = async (source: string, options: ValidateOptions): Promise<readonly ReviewDiagnostic[]> =>
  review(parse(source), { ...options, csharp: await loadGrammar() }).filter(({ severity }) => severity === "error");

describe("everything that is known against a policy", () => {
  it("comes in the order of the text: the validator's, the expressions' and the lints' findings", async () => {
    const source = `<policies>
  <inbound>
    <set-variable name="a" value="@(context.Requst.Url)" />
  </inbound>
  <backend><retry condition="@(true)" count="1" interval="0"><forward-request /></retry></backend>
  <outbound><base /><bogus /></outbound>
</policies>`;
    const found = review(parse(source), { scope: "api", csharp: await loadGrammar() });
    expect(found.map(({ line, code }) => `${line} ${code}`)).toEqual([
      "2 missing-base",
      "3 expression-member",
      "5 retry-without-buffered-body",
      "6 unknown-policy",
    ]);
  });

  it("points at an operator itself, and at the name behind the bracket of a tag", async () => {
    const source = `<fragment><bogus /><set-variable name="a" value="@("a" < 1)" /></fragment>`;
    const [element, expression, ...more] = review(parse(source), { csharp: await loadGrammar() });
    expect(more).toEqual([]);
    expect(element).toMatchObject({ code: "unknown-policy", column: source.indexOf("bogus") + 1 });
    expect(expression).toMatchObject({ code: "expression-type", column: source.indexOf("< 1") + 1 });
  });

  it("does not look into expressions without the grammar", () => {
    expect(review(parse(`<fragment><set-variable name="a" value="@(context.Requst)" /></fragment>`), {})).toEqual([]);
  });
});

describe.skipIf(!haveRealPolicies)(`on real documents${haveRealPolicies ? "" : " (skipped: no ../shared/fixtures)"}`, () => {
  const judged = async (policies: readonly RealPolicy[]) =>
    Promise.all(policies.map(async ({ file, source }) => ({ file, errors: (await errorsOf(source, {})).map(({ message }) => message) })));
  const withVerdict = (...verdicts: readonly string[]) => realPolicies().filter(({ verdict }) => verdicts.includes(verdict));

  it("no error where the service takes them", async () => {
    const found = await judged(withVerdict("accept", "accept_if_named_values_exist", "accept_after_substitution"));
    expect(found.length).toBeGreaterThan(150);
    expect(found.filter(({ errors }) => errors.length > 0)).toEqual([]);
  });

  it("an error where it does not", async () => {
    const found = await judged(realPolicies().filter(({ verdict }) => verdict.startsWith("reject")));
    expect(found.length).toBeGreaterThan(4);
    expect(found.filter(({ errors }) => errors.length === 0)).toEqual([]);
  });

  it.each(haveRealPolicies ? wrongPolicies() : [])("finds $name, on its line", async ({ xml, scope, line }: WrongPolicy) => {
    expect((await errorsOf(xml, { scope })).map((error) => error.line)).toContain(line);
  });
});
