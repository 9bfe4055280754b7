import { describe, expect, it } from "vitest";
import type { Input, Known, Variables } from "../../../src/policy/static/values.ts";
import { growth, namedValue, none, policies, shown, texts } from "./kit.ts";

const { evaluate, decide } = policies(
  texts({}, [
    namedValue("tier", "gold"),
    namedValue("secret", "x", true),
    namedValue("vault", null),
    namedValue("map", '{"growth": {"tpm": 5000}, "core": {"tpm": 100}}'),
    namedValue("single", "{'growth': 5000}"),
    namedValue("code", '@(context.Subscription.Id == "growth" ? 7 : 8)'),
  ]),
);

const inputsOf = (value: Known): readonly string[] =>
  value.kind === "unknown" || value.kind === "several" ? value.inputs.map(({ what, name }: Input) => `${what}:${name}`) : [];

describe("what a call brings along", () => {
  it.each<[string, string, readonly string[]]>([
    ['@(context.Request.MatchedParameters["deployment-id"])', "{deployment:deployment-id}", ["deployment:deployment-id"]],
    [
      '@(context.Request.MatchedParameters.GetValueOrDefault("deployment-id", ""))',
      "{deployment:deployment-id}",
      ["deployment:deployment-id"],
    ],
    ["@(context.Request.Foundry.Deployment)", "{deployment:deployment-id}", ["deployment:deployment-id"]],
    ["@(context.Request.Url.Path.Split('/')[3])", "{deployment:deployment-id}", ["deployment:deployment-id"]],
    ["@(context.Request.OriginalUrl.Path.Split('/').ElementAtOrDefault(3))", "{deployment:deployment-id}", ["deployment:deployment-id"]],
    ["@(context.Request.Url.Path.Split('/')[1])", "{path:segment 1}", ["path:segment 1"]],
    ['@(context.Request.MatchedParameters["index-name"])', "{path:index-name}", ["path:index-name"]],
    [
      '@(context.Subscription.Id + "-" + context.Request.MatchedParameters["deployment-id"])',
      "growth-{deployment:deployment-id}",
      ["deployment:deployment-id"],
    ],
    [
      '@($"{context.Subscription?.Id}/{(string)context.Request.Headers.GetValueOrDefault("x-team", "")}!")',
      "growth/{header:x-team}!",
      ["header:x-team"],
    ],
    [
      '@(string.Concat("a-", context.Subscription.Key))',
      "a-{subscription-key:context.Subscription.Key}",
      ["subscription-key:context.Subscription.Key"],
    ],
    [
      "@(context.Subscription.PrimaryKey.ToLower())",
      "{subscription-key:context.Subscription.PrimaryKey}",
      ["subscription-key:context.Subscription.PrimaryKey"],
    ],
    // A piece of a key no longer tells subscriptions apart.
    [
      "@(context.Subscription.Key.Substring(0, 2))",
      "{expression:context.Subscription.Key.Substring(0, 2)}",
      ["subscription-key:context.Subscription.Key"],
    ],
    ['@(context.Request.OriginalUrl.Query.GetValueOrDefault("api-version"))', "{query:api-version}", ["query:api-version"]],
    ['@(context.Request.Body.As<JObject>(preserveContent: true)["model"].ToString())', "{body:model}", ["body:model"]],
    ['@(context.Request.Body.As<JObject>(true)["user"]?["name"]?.Value<string>())', "{body:user.name}", ["body:user.name"]],
    [
      '@(context.Request.Headers.GetValueOrDefault("Authorization","").Split(\' \').Last().AsJwt()?.Claims.GetValueOrDefault("oid", ""))',
      "{claim:oid}",
      ["claim:oid"],
    ],
    ["@(context.Request.IpAddress)", "{address:}", ["address:"]],
    ["@(context.User?.Id)", "{user:Id}", ["user:Id"]],
    ["@(context.Deployment.Region)", "{gateway:region}", ["gateway:region"]],
    ["@(context.Deployment.GatewayId)", "{gateway:id}", ["gateway:id"]],
    ['@(DateTime.UtcNow.ToString("HH"))', "{time:DateTime.UtcNow}", ["time:DateTime.UtcNow"]],
    ["@(context.Response.StatusCode)", "{response:StatusCode}", ["response:StatusCode"]],
    ["@(context.Request.Method)", "{method:}", ["method:"]],
    ["@(context.Api.Revision)", "{api:Revision}", ["api:Revision"]],
    ["a-{{secret}}-b", "a-{named-value:secret}-b", ["named-value:secret"]],
    ['@("a-{{vault}}")', "a-{named-value:vault}", ["named-value:vault"]],
    ["{{nowhere}}", "{named-value:nowhere}", ["named-value:nowhere"]],
    ["@({{secret}} + 1)", "{named-value:secret}", ["named-value:secret"]],
    ['@(Regex.Match(context.Request.Url.Path, "x").Value)', "{path:}", ["path:"]],
    ["@(context.Tenant)", "{expression:context.Tenant}", ["expression:context.Tenant"]],
    ["@(not C#", "{expression:@(not C#}", ["expression:@(not C#"]],
  ])("%s", (code, text, inputs) => {
    const value = evaluate(code, growth, none);
    expect(shown(value)).toEqual({ unknown: text });
    expect(inputsOf(value)).toEqual(inputs);
  });

  it("says why a named value is not known", () => {
    const whys = ["{{secret}}", "{{vault}}", "{{nowhere}}"].map((text) => {
      const value = evaluate(text, growth, none);
      return value.kind === "unknown" ? value.why : value;
    });
    expect(whys).toEqual([
      "the named value 'secret' is secret",
      "the named value 'vault' has no readable value",
      "the named value 'nowhere' does not exist",
    ]);
  });

  it("knows the deployment where it is given", () => {
    const value = evaluate(
      '@(context.Request.MatchedParameters["deployment-id"] == "gpt-4o" ? 1 : 2)',
      { ...growth, deployment: "gpt-4o" },
      none,
    );
    expect(shown(value)).toBe(1);
  });
});

describe("one of several", () => {
  const deployment = '(string)context.Request.MatchedParameters["deployment-id"]';
  const variables: Variables = new Map(
    [
      ["tokenlimit-gpt-4o", "1000"],
      ["tokenlimit-gpt-35", "2000"],
      ["other", "1"],
    ].map(([name = "", value = ""]): [string, Known] => [name, { kind: "constant", value, origin: null }]),
  );

  it.each<[string, readonly unknown[]]>([
    [`@(${deployment} == "gpt-4o" ? 100 : 200)`, [100, 200]],
    [`@{ if (${deployment} == "a") { return 1; } if (context.Request.Method == "GET") { return 2; } return 3; }`, [3, 1, 2]],
    [`@{ int n = 1; if (${deployment} == "a") { n = 5; } return n * 10; }`, [50, 10]],
    [`@{ switch (${deployment}) { case "a": return 1; case "b": return 2; default: return 3; } }`, [3, 1, 2]],
    [`@(int.Parse((string)context.Variables["tokenlimit-" + ${deployment}]))`, [1000, 2000]],
    [`@(context.Variables.GetValueOrDefault("tokenlimit-" + ${deployment}, "7"))`, ["1000", "2000", "7"]],
    [`@((int)JObject.Parse("{'a': 1, 'b': 2}")[${deployment}])`, [1, 2]],
    [`@(new Dictionary<string, int> { { "a", 1 }, { "b", 2 } }[${deployment}])`, [1, 2]],
    [
      `@((context.Request.Method == "GET" ? "a" : "b") + "-" + (context.Request.Method == "PUT" ? "c" : "d"))`,
      ["a-c", "a-d", "b-c", "b-d"],
    ],
    [`@{ foreach (var p in new [] { 1, 2 }) { if (context.Request.Method == "x") { return p; } } return 0; }`, [0, 1, 2]],
    [
      `@{ int r = 0; foreach (var p in new [] { 1, 2 }) { if (context.Request.Method == "x") { continue; } r += p; } return r; }`,
      [3, 2, 1, 0],
    ],
    // Where it throws, the call gets no further.
    [`@(context.Request.Method == "GET" ? 1 : context.Request.Method == "PUT" ? 2 : int.Parse("x"))`, [1, 2]],
  ])("%s", (code, expected) => {
    const value = evaluate(code, growth, variables);
    expect(value.kind === "several" ? value.values.map((one) => one.value) : value).toEqual(expected);
  });

  it("throws where every way throws", () => {
    expect(evaluate('@(context.Request.Method == "GET" ? int.Parse("x") : (int)context.Variables["no"])', growth, none).kind).toBe(
      "throws",
    );
  });

  it("goes on where a statement does not throw", () => {
    const code = '@{ int n = 0; if (context.Request.Method == "GET") { n = 5; } else { throw new Exception("no"); } return n; }';
    expect(shown(evaluate(code, growth, none))).toBe(5);
  });

  it("ends where every way of a statement throws", () => {
    const code = '@{ if (context.Request.Method == "GET") { throw new Exception("a"); } else { throw new Exception("b"); } return 1; }';
    expect(evaluate(code, growth, none).kind).toBe("throws");
  });

  it("concludes nothing where it is not understood what throws", () => {
    expect(evaluate('@(context.Tenant == "x" ? 5 : int.Parse("x"))', growth, none).kind).toBe("unknown");
  });

  it("finds no variable whose name cannot fit", () => {
    expect(shown(evaluate(`@(context.Variables.GetValueOrDefault("quota-" + ${deployment}, "7"))`, growth, variables))).toBe("7");
    expect(decide(`@(context.Variables.ContainsKey("quota-" + ${deployment}))`, growth, variables)).toBe(false);
    expect(decide(`@(context.Variables.ContainsKey("tokenlimit-" + ${deployment}))`, growth, variables)).toBe("undecided");
  });

  it("catches where something in a `try` is not known", () => {
    const value = evaluate(
      '@{ int n = 1; try { n = context.Request.Method == "GET" ? 5 : int.Parse("x"); } catch { n = 9; } return n; }',
      growth,
      none,
    );
    expect(shown(value)).not.toBe(5);
  });
});

describe("named values in expressions", () => {
  it.each<[string, unknown]>([
    ['@("{{tier}}" == "gold")', true],
    ["{{code}}", 7],
    ['@((int)JObject.Parse("{{map}}")[context.Subscription.Id]["tpm"])', 5000],
    ['@((int)JObject.Parse(@"{{map}}")[context.Subscription.Id]["tpm"])', 5000],
    ['@((int)JObject.Parse("{{single}}")[context.Subscription.Id])', 5000],
    ['@((int)JObject.Parse("{{map}}")["{{tier}}"]["tpm"])', "throws"],
  ])("%s", (code, expected) => {
    expect(shown(evaluate(code, growth, none))).toBe(expected);
  });
});

describe("the deployment that a condition asks for", () => {
  const deployment = 'context.Request.MatchedParameters["deployment-id"]';
  it.each<[string, string | undefined]>([
    [`@(${deployment} == "gpt-4o")`, "gpt-4o"],
    [`@("gpt-4o" == (string)${deployment})`, "gpt-4o"],
    [`@(${deployment}.Equals("gpt-4o"))`, "gpt-4o"],
    [`@(${deployment}.Equals("gpt-4o", StringComparison.OrdinalIgnoreCase))`, "gpt-4o"],
    [`@(string.Equals(${deployment}, "gpt-4o"))`, "gpt-4o"],
    [`@(${deployment}.ToLower() == "gpt-4o")`, "gpt-4o"],
    [`@(new [] { "gpt-4o" }.Contains(${deployment} ?? String.Empty))`, "gpt-4o"],
    [`@(context.Subscription.Id == "growth" && ${deployment} == "gpt-4o")`, "gpt-4o"],
    [`@(${deployment} == "gpt-4o" && context.Subscription.Id == "growth")`, "gpt-4o"],
    [`@(context.Subscription.Id == "core" || ${deployment} == "gpt-4o")`, "gpt-4o"],
    ['@(context.Request.Url.Path.Contains("/deployments/gpt-4o/"))', "gpt-4o"],
    [`@{ return ${deployment} == "gpt-4o"; }`, "gpt-4o"],
    [`@{ if (${deployment} == "gpt-4o") { return true; } return false; }`, undefined],
    [`@(${deployment} != "gpt-4o")`, undefined],
    [`@(!(${deployment} == "gpt-4o"))`, undefined],
    [`@(${deployment} == "a" || ${deployment} == "b")`, undefined],
    [`@(${deployment} == "gpt-4o" && context.Request.Method == "GET")`, undefined],
    [`@(new [] { "a", "b" }.Contains(${deployment}))`, undefined],
    [`@(${deployment}.StartsWith("gpt"))`, undefined],
    [`@(${deployment} + "-x" == "gpt-4o")`, undefined],
    [`@(${deployment} == null)`, undefined],
  ])("%s", (code, expected) => {
    const value = evaluate(code, growth, none);
    expect(value.kind === "constant").toBe(false);
    expect("asks" in value ? value.asks : undefined).toBe(expected);
  });
});
