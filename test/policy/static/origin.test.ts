import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Element } from "../../../src/policy/document.ts";
import type { Known, Origin } from "../../../src/policy/static/values.ts";
import { staticPolicies } from "../../../src/policy/static/walk.ts";
import { csharp, growth, namedValue, texts } from "./kit.ts";

const api = "apis/azure-openai/policies/policy";

/** A gateway whose limit is a number that stands somewhere as data. */
interface Gateway {
  readonly policy: string;
  readonly value: string;
}

const policyWith = (before: string, limit: string): string =>
  `<policies><inbound>${before}<llm-token-limit counter-key="a" tokens-per-minute="${limit}" /></inbound></policies>`;

function limitOf({ policy, value }: Gateway): { readonly amount: Known; readonly element: Element | null } {
  const { met } = staticPolicies(texts({ [api]: policy }, [namedValue("map", value)]), csharp);
  const step = met(growth, "inbound").find(({ step: { element } }) => element.name === "llm-token-limit");
  return { amount: step?.value("tokens-per-minute") ?? { kind: "throws", why: "" }, element: step?.step.element ?? null };
}

/** The gateway with other characters at the origin. */
function replaced({ policy, value }: Gateway, origin: Origin, characters: string): Gateway {
  if (origin.text === "named-value") return { policy, value: value.slice(0, origin.start) + characters + value.slice(origin.end) };
  if (origin.text !== "attribute") throw new Error("an expression is not rewritten");
  const written = origin.element.attributes.find(({ name }) => name === origin.attribute);
  if (written === undefined) throw new Error("no such attribute");
  const at = written.value.span.start;
  return { policy: policy.slice(0, at + origin.start) + characters + policy.slice(at + origin.end), value };
}

const digits = (amount: Known): string => (amount.kind === "constant" ? String(amount.value).trim() : amount.kind);

const set = (value: string): string => `<set-variable name="x" value="${value}" />`;
const x = '(string)context.Variables["x"]';
const id = "context.Subscription.Id";

describe("where a number stands", () => {
  /** Each: where, and the text in which `#` is the number. */
  const places: readonly (readonly [string, string, string, string])[] = [
    ["in the attribute", "", "#", ""],
    ["in the attribute, with white space", "", " # ", ""],
    ["in a named value", "", "{{map}}", "#"],
    ["in a named value in code", "", "@({{map}})", "#"],
    ["in a named value in a string", "", '@(int.Parse("{{map}}"))', "#"],
    ["in a variable", set("#"), `@(int.Parse(${x}))`, ""],
    ["in a variable, converted", set("#"), '@(Convert.ToInt32(context.Variables["x"]))', ""],
    ["in a variable, with a default", set("#"), '@(context.Variables.GetValueOrDefault<int>("x", 5))', ""],
    ["in a variable with a unit", set("#|Monthly"), `@(int.Parse((${x}).Split('|')[0]))`, ""],
    ["in a variable, trimmed and cut", set("tpm= # ;"), `@(int.Parse((${x}).Replace(";", "").Substring(4).Trim()))`, ""],
    ["in a variable of a named value", set("{{map}}"), `@(int.Parse(${x}))`, "#"],
    ["behind an entity", set("a&amp;b|#"), `@(int.Parse((${x}).Split('|')[1]))`, ""],
    [
      "in JSON of a named value",
      "",
      `@((int)JObject.Parse("{{map}}")[${id}]["tpm"])`,
      '{ "core": {"tpm": 1}, "growth": {"tpm": #, "tier": "gold"} }',
    ],
    ["in JSON with single quotes", "", `@((int)JObject.Parse("{{map}}")[${id}])`, "{'growth': #}"],
    ["in JSON that C# reads", "", `@((int)JObject.Parse("{{map}}")[${id}])`, '{\\"growth\\": #}'],
    ["in a verbatim string", "", `@((int)JObject.Parse(@"{{map}}")[${id}])`, '{""growth"": #}'],
    ["in a text of JSON", "", `@((int)JObject.Parse("{{map}}")[${id}])`, '{"growth": "#"}'],
    ["in JSON of a variable", set("{&quot;growth&quot;: {&quot;tpm&quot;: #}}"), `@(JObject.Parse(${x})[${id}].Value<int>("tpm"))`, ""],
    [
      "in JSON of a variable of a named value",
      set("{{map}}"),
      `@((int)JObject.Parse(${x}).SelectToken("limits.growth"))`,
      '{"limits":{"growth":#}}',
    ],
    [
      "in a block",
      "",
      `@{ var map = JObject.Parse("{{map}}"); var t = map[${id}]; if (t == null) { return 5; } return t.Value<int>(); }`,
      '{"growth":#}',
    ],
    [
      "in an array",
      "",
      `@((int)JArray.Parse("{{map}}").FirstOrDefault(t => (string)t["name"] == ${id})["tpm"])`,
      '[{"name":"a","tpm":1},{"name":"growth","tpm":#}]',
    ],
    ["written as a text", "", `@(JObject.Parse("{{map}}")[${id}].ToString())`, '{"growth": #}'],
    ["parsed or not", "", '@{ int n; return int.TryParse("{{map}}", out n) ? n : 5; }', "#"],
    ["with a default", "", `@((int?)JObject.Parse("{{map}}")[${id}] ?? 5)`, '{"growth": #}'],
  ];
  const amounts = fc.integer({ min: 1, max: 900_000 });

  it.each(places)("%s", (_, before, limit, value) => {
    fc.assert(
      fc.property(amounts, amounts, (one, other) => {
        const filled = (text: string): string => text.replaceAll("#", String(one));
        const gateway = { policy: policyWith(filled(before), filled(limit)), value: filled(value) };
        const { amount } = limitOf(gateway);
        expect(digits(amount)).toBe(String(one));
        const origin = amount.kind === "constant" ? amount.origin : null;
        if (origin === null) throw new Error("it stands nowhere");
        const after = replaced(gateway, origin, String(other));
        expect(digits(limitOf(after).amount)).toBe(String(other));
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, string, string]>([
    ["a literal of an expression", "", "@(500)"],
    ["a choice of literals", "", '@(context.Subscription.Id == "growth" ? 500 : 200)'],
    ["a literal in a string", "", '@(int.Parse("500"))'],
    ["JSON in an expression", "", `@((int)JObject.Parse("{'growth': 500}")[${id}])`],
  ])("%s is shown and not rewritten", (_, before, limit) => {
    const { amount } = limitOf({ policy: policyWith(before, limit), value: "" });
    expect(digits(amount)).toBe("500");
    expect(amount.kind === "constant" ? amount.origin?.text : "").toBe("expression");
  });

  it.each<[string, string, string, string]>([
    ["what was calculated", set("250"), `@(int.Parse(${x}) * 2)`, ""],
    ["what was put together", set("50"), `@(${x} + "0")`, ""],
    ["what was chosen by its digits", set("500"), `@(int.Parse(${x}) > 100 ? int.Parse(${x}) : 100)`, ""],
    ["the larger one", set("500"), `@(Math.Max(int.Parse(${x}), 100))`, ""],
    ["half of it in a named value", "", "5{{map}}", "00"],
  ])("%s stands nowhere", (_, before, limit, value) => {
    const { amount } = limitOf({ policy: policyWith(before, limit), value });
    expect(digits(amount)).toBe("500");
    expect(amount.kind === "constant" ? amount.origin : "").toBe(null);
  });
});
