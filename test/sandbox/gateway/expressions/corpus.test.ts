import { describe, expect, test } from "vitest";
import { parse } from "../../../../src/policy/document.ts";
import { expressionsOf } from "../../../../src/policy/expression/document-expressions.ts";
import { compile, type Unsupported } from "../../../../src/sandbox/gateway/expressions/compile.ts";
import { ExpressionError } from "../../../../src/sandbox/gateway/expressions/errors.ts";
import { haveRealPolicies, realPolicies } from "../../../policy/real-policies.ts";
import { contextWith, csharp } from "./context.ts";

interface Compiling {
  readonly code: string;
  readonly unsupported: readonly Unsupported[];
}

/** Repositories about AI gateways. */
const ofAiGateways = /AI-Gateway|Apim-Samples|ai-hub-gateway|genai|openai/i;
const aiPolicy = /<(?:llm|azure-openai)-/;

/** Every expression once; a named value is what a number would be. */
function compiling(policies: readonly { readonly source: string }[]): readonly Compiling[] {
  const codes = new Set(
    policies.flatMap(({ source }) => expressionsOf(parse(source)).map(({ value }) => value.text.replaceAll(/\{\{[\w-]+\}\}/g, "1"))),
  );
  return [...codes].map((code) => ({ code, unsupported: compile(csharp, code).unsupported }));
}

function executable(all: readonly Compiling[]): number {
  return (100 * all.filter(({ unsupported }) => unsupported.length === 0).length) / all.length;
}

const label = haveRealPolicies ? "" : " (skipped: the collection of documents is not on this machine)";

describe.skipIf(!haveRealPolicies)(`real policies${label}`, () => {
  test("of the expressions of AI gateways at least 97 % can be executed, and of all at least 95 %", () => {
    const policies = realPolicies();
    const ai = compiling(policies.filter(({ file }) => ofAiGateways.test(file)));
    const all = compiling(policies);
    expect(ai.length).toBeGreaterThan(300);
    expect(executable(ai)).toBeGreaterThanOrEqual(97);
    expect(executable(all)).toBeGreaterThanOrEqual(95);
  });

  test("of the documents with AI policies at least 90 % hold only expressions that can be executed", () => {
    const documents = realPolicies().filter(({ source }) => aiPolicy.test(source));
    const whole = documents.filter((document) => compiling([document]).every(({ unsupported }) => unsupported.length === 0));
    expect(documents.length).toBeGreaterThan(20);
    expect(whole.length / documents.length).toBeGreaterThanOrEqual(0.9);
  });

  test("what cannot be executed in AI gateways is this", () => {
    const all = compiling(realPolicies().filter(({ file }) => ofAiGateways.test(file)));
    expect([...new Set(all.flatMap(({ unsupported }) => unsupported.map(({ what }) => what)))].sort()).toEqual([
      "byte[].Decrypt(string, byte[], byte[])",
      "the comparison of an object by reference",
      "the name System.Xml.Linq.XDocument.Parse",
      // Of a template: `{group-id}` in an interpolated string.
      "the name group",
      "the name id",
      "the type Authorization",
      "this text, which is no C#,",
    ]);
  });

  test("every expression answers with a value or an ExpressionError of .NET's", () => {
    const strange = compiling(realPolicies()).flatMap(({ code }) => {
      try {
        compile(csharp, code).evaluate(contextWith());
        return [];
      } catch (error) {
        return error instanceof ExpressionError && !error.message.startsWith("The sandbox failed") ? [] : [`${code}: ${error}`];
      }
    });
    expect(strange).toEqual([]);
  });
});
