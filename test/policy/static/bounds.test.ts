import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CSharp } from "../../../src/policy/expression-syntax.ts";
import type { Variables } from "../../../src/policy/static/values.ts";
import { staticPolicies } from "../../../src/policy/static/walk.ts";
import { csharp, growth, namedValue, none, policies, texts } from "./kit.ts";

const { evaluate } = policies(texts());
const kindOf = (code: string, variables: Variables = none): string => evaluate(code, growth, variables).kind;

describe("hostile expressions", () => {
  it.each<[string, string]>([
    ["a loop without an end", "@{ while (true) { } return 1; }"],
    ["loops in loops", "@{ int n = 0; for (int i = 0; i < 100000; i++) { for (int j = 0; j < 100000; j++) { n++; } } return n; }"],
    ["a text that doubles", '@{ var s = "aaaaaaaaaa"; for (int i = 0; i < 60; i++) { s += s; } return s; }'],
    ["a text that grows by its replacement", `@("${"a".repeat(2000)}".Replace("a", "${"b".repeat(2000)}"))`],
    ["brackets in brackets", `@(${"(".repeat(20_000)}1${")".repeat(20_000)})`],
    ["a long sum", `@(${"1+".repeat(30_000)}1)`],
    ["blocks in blocks", `@{${"{".repeat(5_000)}${"}".repeat(5_000)} return 1; }`],
    ["a long text", `@("${"a".repeat(300_000)}")`],
    ["JSON in JSON", `@(JObject.Parse("${"{'a':".repeat(3_000)}1${"}".repeat(3_000)}"))`],
    ["a pattern that backtracks", `@(Regex.IsMatch("${"a".repeat(50)}!", "^(a+)+$") ? 1 : 2)`],
    ["members of JavaScript", '@("a".constructor("b"))'],
    ["keys of JavaScript", "@(context.__proto__)"],
    ["methods of JavaScript", '@(context.Variables.hasOwnProperty("x"))'],
    ["its own names", "@{ var context = 1; return context.Subscription; }"],
    ["what is not there", "@(missing.Thing(1, 2)[3].Other)"],
    ["no expression", "@()"],
    ["an empty block", "@{}"],
    ["no return", "@{ var a = 1; }"],
  ])("%s", (_, code) => {
    expect(["unknown", "several", "throws"]).toContain(kindOf(code));
  });

  it("takes names of JavaScript's objects for what they are", () => {
    expect(evaluate('@(JObject.Parse("{\'__proto__\': 5}").Value<int>("__proto__"))', growth, none)).toMatchObject({ value: 5 });
    expect(evaluate('@((string)JObject.Parse("{}")["constructor"])', growth, none)).toMatchObject({ value: null });
    expect(kindOf('@(new Dictionary<string, int>()["toString"])')).toBe("throws");
  });

  it("never throws, whatever the text", () => {
    const token = fc.constantFrom(
      "context",
      ".",
      "Subscription",
      "Id",
      "Variables",
      "[",
      "]",
      '"x"',
      "(",
      ")",
      "{",
      "}",
      "?",
      ":",
      "??",
      "?.",
      "==",
      "+",
      "-",
      "!",
      "&&",
      "||",
      "int",
      "var",
      " x ",
      "= ",
      "return ",
      ";",
      "1",
      "null",
      "new ",
      "string",
      ",",
      "=>",
      "foreach",
      "if",
      " is ",
      " as ",
      '$"{',
      '}"',
      "JObject.Parse",
      "switch",
      "<",
      ">",
      "{{a}}",
      "'",
    );
    const code = fc
      .tuple(fc.constantFrom("@(", "@{", ""), fc.array(token, { maxLength: 25 }), fc.constantFrom(")", "}", ""))
      .map(([open, tokens, close]) => open + tokens.join("") + close);
    const given = policies(texts({}, [namedValue("a", '"}]')]));
    fc.assert(
      fc.property(code, (text) => {
        expect(() => given.evaluate(text, growth, none)).not.toThrow();
        expect(() => given.decide(text, growth, none)).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});

describe("many calls", () => {
  it("reads each text once", () => {
    let parsed = 0;
    const given = texts({
      "apis/azure-openai/policies/policy": `<policies><inbound>${`<choose><when condition='@(context.Subscription.Id == "a")'><trace source="a" /></when></choose>`.repeat(20)}<rate-limit-by-key calls='@(context.Subscription.Id == "a" ? 5 : 6)' /></inbound></policies>`,
    });
    const counting: CSharp = {
      parse(text, offset) {
        parsed++;
        return csharp.parse(text, offset);
      },
    };
    const { met } = staticPolicies(given, counting);
    for (let team = 0; team < 200; team++) {
      const steps = met({ ...growth, subscription: { id: `team-${team}`, name: "" } }, "inbound");
      expect(steps.map((step) => step.value("calls"))).toMatchObject([{ value: 6 }]);
    }
    expect(parsed).toBe(21);
  });
});
