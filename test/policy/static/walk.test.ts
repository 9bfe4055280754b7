import { describe, expect, it } from "vitest";
import type { Section } from "../../../src/policy/catalogue.ts";
import type { Condition, StaticCall } from "../../../src/policy/static/values.ts";
import { type MetStep, staticPolicies } from "../../../src/policy/static/walk.ts";
import { csharp, growth, namedValue, shown, texts } from "./kit.ts";

const product = "products/aoai/policies/policy";
const api = "apis/azure-openai/policies/policy";

const inbound = (content: string): string => `<policies><inbound>${content}</inbound><backend /><outbound /></policies>`;

const conditionText = ({ text, deployment }: Condition): string => (deployment === undefined ? text : `${text} [${deployment}]`);

/** Each trace that a call meets: its message and what else must hold. */
function traces(met: readonly MetStep[]): readonly string[] {
  return met
    .filter(({ step }) => step.element.name === "trace")
    .map((one) => {
      const value = one.value("source");
      const conditions = one.conditions.map(conditionText).join(" and ");
      const text = JSON.stringify(value === null ? null : shown(value));
      return [one.within.join(">"), text, conditions].filter((part) => part !== "").join(" | ");
    });
}

const metTraces = (content: string, call: StaticCall = growth, section: Section = "inbound"): readonly string[] =>
  traces(staticPolicies(texts({ [api]: content.startsWith("<policies>") ? content : inbound(content) }), csharp).met(call, section));

const trace = (text: string): string => `<trace source="${text}" />`;
const show = (variable: string): string => trace(`@(context.Variables[&quot;${variable}&quot;])`);
const set = (name: string, value: string): string => `<set-variable name="${name}" value="${value}" />`;
const when = (condition: string, content: string): string => `<when condition='${condition}'>${content}</when>`;
const get = '@(context.Request.Method == "GET")';
const gpt4 = '@(context.Request.MatchedParameters["deployment-id"] == "gpt-4o")';
const isGrowth = '@(context.Subscription.Id == "growth")';

describe("met", () => {
  it.each<[string, string, readonly string[]]>([
    ["a policy by itself", trace("a"), ['"a"']],
    [
      "a decided condition",
      `<choose>${when(isGrowth, trace("a"))}${when("@(true)", trace("b"))}<otherwise>${trace("c")}</otherwise></choose>`,
      ['"a"'],
    ],
    ["what is left", `<choose>${when("@(false)", trace("a"))}<otherwise>${trace("c")}</otherwise></choose>`, ['"c"']],
    [
      "an undecided condition",
      `<choose>${when(get, trace("a"))}${when(isGrowth, trace("b"))}<otherwise>${trace("c")}</otherwise></choose>`,
      ['"a" | context.Request.Method == "GET"', '"b" | not (context.Request.Method == "GET")'],
    ],
    [
      "the deployment of a condition",
      `<choose>${when(gpt4, trace("a"))}</choose>`,
      ['"a" | context.Request.MatchedParameters["deployment-id"] == "gpt-4o" [gpt-4o]'],
    ],
    [
      "conditions in conditions",
      `<choose>${when(get, `<choose>${when(gpt4, trace("a"))}</choose>`)}</choose>`,
      ['"a" | context.Request.Method == "GET" and context.Request.MatchedParameters["deployment-id"] == "gpt-4o" [gpt-4o]'],
    ],
    ["a condition that throws", `<choose>${when("@(context.Workspace.Id == null)", trace("a"))}</choose>${trace("b")}`, []],
    [
      "one that throws behind an open one",
      `<choose>${when(get, trace("a"))}${when("@(context.Workspace.Id == null)", trace("b"))}</choose>${trace("c")}`,
      ['"a" | context.Request.Method == "GET"', '"c"'],
    ],
    ["a certain end", `${trace("a")}<return-response />${trace("b")}`, ['"a"']],
    ["an open end", `<choose>${when(get, "<return-response />")}</choose>${trace("b")}`, ['"b"']],
    [
      "a certain end in every branch",
      `<choose>${when(get, "<return-response />")}<otherwise><return-response /></otherwise></choose>${trace("b")}`,
      [],
    ],
    ["a variable", set("x", "a") + show("x"), ['"a"']],
    [
      "a variable of an expression",
      `${set("x", "@(context.Subscription.Id)")}${set("y", "@((string)context.Variables[&quot;x&quot;] + 1)")}${show("y")}`,
      ['"growth1"'],
    ],
    [
      "a variable of a decided branch",
      `<choose>${when(isGrowth, set("x", "a"))}<otherwise>${set("x", "b")}</otherwise></choose>${show("x")}`,
      ['"a"'],
    ],
    [
      "a variable of open branches",
      `${set("x", "0")}<choose>${when(get, set("x", "a"))}${when(gpt4, set("x", "b"))}</choose>${show("x")}`,
      ['{"several":["a","b","0"],"by":["method:","deployment:deployment-id"]}'],
    ],
    ["a variable of one open branch alone", `<choose>${when(get, set("x", "a"))}</choose>${show("x")}`, ['"a"']],
    [
      "the default of one of an open branch",
      `<choose>${when(get, set("x", "a"))}</choose>${trace("@(context.Variables.GetValueOrDefault(&quot;x&quot;, &quot;b&quot;))")}`,
      ['{"several":["a","b"],"by":["method:"]}'],
    ],
    [
      "whether one of an open branch is set",
      `<choose>${when(get, set("x", "a"))}</choose><choose>${when('@(context.Variables.ContainsKey("x"))', trace("a"))}</choose>`,
      ['"a" | context.Variables.ContainsKey("x")'],
    ],
    [
      "a variable of a branch that ends the call",
      `${set("x", "0")}<choose>${when(get, `${set("x", "a")}<return-response />`)}</choose>${show("x")}`,
      ['"0"'],
    ],
    [
      "one that may be set once more",
      `<choose>${when(get, set("x", "a"))}</choose><choose>${when(gpt4, set("x", "b"))}</choose>${show("x")}`,
      ['{"several":["b","a"],"by":["deployment:deployment-id","method:"]}'],
    ],
    ["a variable that throws", `${set("x", "@(int.Parse(&quot;a&quot;))")}${trace("a")}`, []],
    ["a service's answer", `<send-request response-variable-name="r" />${show("r")}`, ['{"unknown":"{response:r}"}']],
    ["the cache", `<cache-lookup-value key="k" variable-name="c" />${show("c")}`, ['{"unknown":"{cache:c}"}']],
    ["a token", `<validate-jwt output-token-variable-name="jwt" />${show("jwt")}`, ['{"unknown":"{claim:jwt}"}']],
    [
      "what is left of a limit",
      `<llm-token-limit remaining-tokens-variable-name="left" />${show("left")}`,
      ['{"unknown":"{variable:left}"}'],
    ],
    [
      "an identity's token",
      `<authentication-managed-identity output-token-variable-name="msi" />${show("msi")}`,
      ['{"unknown":"{variable:msi}"}'],
    ],
    [
      "policies that hold others",
      `<retry condition="@(false)" count="1" interval="1"><limit-concurrency key="a" max-count="1">${trace("a")}</limit-concurrency></retry>`,
      ['retry>limit-concurrency | "a"'],
    ],
    [
      "a variable that a retry counts up",
      `${set("n", "@(0)")}<retry condition="@(true)" count="3" interval="1">${set("n", "@((int)context.Variables[&quot;n&quot;] + 1)")}${show("n")}</retry>${show("n")}`,
      ['retry | {"unknown":"{response:n}"}', '{"unknown":"{response:n}"}'],
    ],
    [
      "a variable that a retry sets anew",
      `<retry condition="@(true)" count="3" interval="1">${set("n", "a")}${show("n")}</retry>${show("n")}`,
      ['retry | "a"', '"a"'],
    ],
  ])("%s", (_, content, expected) => {
    expect(metTraces(content)).toEqual(expected);
  });

  it("carries variables from section to section", () => {
    const policy = `<policies><inbound>${set("x", "a")}</inbound><backend>${set("y", "b")}${show("x")}</backend><outbound>${show("x")}${show("y")}</outbound></policies>`;
    expect(metTraces(policy, growth, "backend")).toEqual(['"a"']);
    expect(metTraces(policy, growth, "outbound")).toEqual(['"a"', '"b"']);
  });

  it("has nothing behind a section that ends the call, but for errors", () => {
    const policy = `<policies><inbound>${set("x", "a")}<return-response /></inbound><backend>${trace("a")}</backend><outbound>${trace("a")}</outbound><on-error>${show("x")}</on-error></policies>`;
    expect(metTraces(policy, growth, "outbound")).toEqual([]);
    expect(metTraces(policy, growth, "on-error")).toEqual(['{"unknown":"{variable:x}"}']);
  });

  it("merges scopes, fragments and named values", () => {
    const given = texts(
      {
        "policies/policy": inbound(set("tpm", "{{tpm}}")),
        [product]: inbound(`<base /><include-fragment fragment-id="shared" />`),
        [api]: inbound(`<base />${show("tpm")}${show("team")}`),
      },
      [namedValue("tpm", "5000")],
      { shared: `<fragment>${set("team", "@(context.Subscription.Id)")}</fragment>` },
    );
    const policies = staticPolicies(given, csharp);
    expect(traces(policies.met(growth, "inbound"))).toEqual(['"5000"', '"growth"']);
    expect(traces(policies.met({ ...growth, subscription: { id: "core", name: "Core" } }, "inbound"))).toEqual(['"5000"', '"core"']);
  });

  it("shows the inputs of conditions", () => {
    const [step] = staticPolicies(texts({ [api]: inbound(`<choose>${when(get, trace("a"))}</choose>`) }), csharp)
      .met(growth, "inbound")
      .filter(({ step }) => step.element.name === "trace");
    expect(step?.conditions).toEqual([{ text: 'context.Request.Method == "GET"', negated: false, inputs: [{ what: "method", name: "" }] }]);
    expect(step?.value("no")).toBe(null);
  });
});
