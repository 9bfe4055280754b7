import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Known, StaticCall, Variables } from "../../../src/policy/static/values.ts";
import { compile } from "../../../src/sandbox/gateway/expressions/compile.ts";
import { ExpressionError } from "../../../src/sandbox/gateway/expressions/errors.ts";
import { toText } from "../../../src/sandbox/gateway/expressions/values.ts";
import { contextWith } from "../../sandbox/gateway/expressions/context.ts";
import { csharp, policies, shown, texts } from "./kit.ts";

/** The call of the sandbox's context, as far as it is known before it is made. */
const call: StaticCall = {
  subscription: { id: "sub-1", name: "Growth team" },
  product: { id: "growth", name: "Growth" },
  api: { id: "openai", name: "OpenAI", path: "openai" },
  operation: { id: "chat" },
};

const values = {
  tier: "gold",
  tpm: "5000",
  count: 3,
  ready: true,
  quota: "100000|Monthly",
  map: '{"sub-1":{"tpm":700,"tier":"gold"},"default":{"tpm":50}}',
};
const known: Variables = new Map(
  Object.entries(values).map(([name, value]): [string, Known] => [name, { kind: "constant", value, origin: null }]),
);

const { evaluate } = policies(texts());

/** Each: an expression, and what it comes to; `throws` where C# throws. All are run by the sandbox too. */
const constants: readonly (readonly [string, unknown])[] = [
  ["@(1 + 2 * 3)", 7],
  ["@(7 / 2)", 3],
  ["@(-7 / 2)", -3],
  ["@(7 % 4)", 3],
  ["@(7 / 2.0)", 3.5],
  ["@((int)(1000 * 0.5))", 500],
  ["@((int)3.99)", 3],
  ["@(1_000 + 0xFF)", 1255],
  ["@(5 / 0)", "throws"],
  ["@(5 > 3 && 2 < 1 || true)", true],
  ["@(true ^ true)", false],
  ["@('a' == 97)", true],
  ['@("a" + 1 + 2)', "a12"],
  ['@(1 + 2 + "a")', "3a"],
  ['@("a" + null + true)', "aTrue"],
  ["@(\"a\" + 'b')", "ab"],
  ['@("a\\t\\u0041\\x42\\"")', 'a\tAB"'],
  ['@(@"c:\\""x""")', 'c:\\"x"'],
  ['@($"{{ x }}-{1 + 1}")', "{ x }-2"],
  ['@($@"a\\{context.Subscription.Id}")', "a\\sub-1"],
  ["@(context.Subscription.Id)", "sub-1"],
  ["@(context.Subscription?.Id)", "sub-1"],
  ["@(context.Subscription.Name)", "Growth team"],
  ["@(context.Product?.Id)", "growth"],
  ['@(context.Product?.Name?.ToString() ?? "Portal-Admin")', "Growth"],
  ["@(context.Api.Id + context.Api.Name + context.Api.Path)", "openaiOpenAIopenai"],
  ["@(context.Operation.Id)", "chat"],
  ['@(String.Concat(context.Subscription.Id, "-mt-", context.Product.Id))', "sub-1-mt-growth"],
  ['@(string.Format("{0}/{1}-{0}", context.Product.Id, 5))', "growth/5-growth"],
  ['@(string.Join("-", new [] { "a", context.Product.Id }))', "a-growth"],
  ['@(string.Join("-", "a", "b"))', "a-b"],
  ["@(context.Product.Id.ToUpper())", "GROWTH"],
  ['@("  x ".Trim() + "|" + "--y-".TrimEnd(\'-\'))', "x|--y"],
  ['@("a-b-c".Replace("-", "").Substring(1, 1))', "b"],
  ['@("abc".Substring(4))', "throws"],
  ['@("a,,b".Split(new [] { "," }, StringSplitOptions.RemoveEmptyEntries).Length)', 2],
  ["@(\"a/b/c\".Split('/').Last())", "c"],
  ["@(\"a/b/c\".Split('/').ElementAtOrDefault(5))", null],
  ["@(\"a=b=c\".Split(new char[] {'='}, 2)[1])", "b=c"],
  ['@("abc".IndexOf("c") + "abc".LastIndexOf("a"))', 2],
  ['@("abc".StartsWith("a") && "abc".EndsWith("C", StringComparison.OrdinalIgnoreCase))', true],
  ['@("abc".Contains("B"))', false],
  ['@("abc".IndexOf("B", StringComparison.OrdinalIgnoreCase) >= 0)', true],
  ['@("abc".Equals("ABC", StringComparison.InvariantCultureIgnoreCase))', true],
  ['@(string.Equals("a", "A", StringComparison.OrdinalIgnoreCase))', true],
  ['@("abc".Length)', 3],
  ["@(\"7\".PadLeft(3, '0'))", "007"],
  ['@("abc"[1])', "b"],
  ['@(string.IsNullOrEmpty("") && string.IsNullOrWhiteSpace("  ") && !String.IsNullOrEmpty("a"))', true],
  ['@(new [] { "a", "growth" }.Contains(context.Product.Id))', true],
  ['@(new List<string> { "a", "b" }.Contains(context.Product.Id))', false],
  ['@(new List<string> { "a", "growth-2" }.Any(name => name.StartsWith(context.Product.Id)))', true],
  ['@(new [] { "a", "bb" }.FirstOrDefault(x => x.Length == 2))', "bb"],
  ['@(new [] { "a" }.First(x => x == "b"))', "throws"],
  ["@(new [] { 1, 2, 3 }.Where(n => n > 1).Select(n => n * 10).Last())", 30],
  ["@(new [] { 1, 2, 3 }.Count(n => n > 1))", 2],
  ["@(new [] { 1, 2 }.All(n => n > 0))", true],
  ['@(new Dictionary<string, int> { { "growth", 5 }, { "b", 2 } }[context.Product.Id])', 5],
  ['@(new Dictionary<string, int> { ["growth"] = 5 }["x"])', "throws"],
  ['@(new Dictionary<string, int> { { "growth", 5 } }.ContainsKey("x"))', false],
  [
    '@{ var d = new Dictionary<string, int>(); d["growth"] = 7; d.Add("b", 2); int n; return d.TryGetValue(context.Product.Id, out n) ? n : 1; }',
    7,
  ],
  ['@{ var d = new Dictionary<string, int> { { "a", 1 } }; return d.TryGetValue("b", out var n) ? n : 99; }', 99],
  ['@((int)context.Variables["count"])', 3],
  ['@((string)context.Variables["tier"])', "gold"],
  ['@(context.Variables["tier"] as string)', "gold"],
  ['@(context.Variables["count"] as string)', null],
  ['@((int)context.Variables["tpm"])', "throws"],
  ['@((long)context.Variables["count"])', "throws"],
  ['@((string)context.Variables["missing"])', "throws"],
  ['@(int.Parse((string)context.Variables["tpm"]))', 5000],
  ['@(Int32.Parse((string)context.Variables["tier"]))', "throws"],
  ['@(int.Parse("3000000000"))', "throws"],
  ['@(long.Parse("3000000000"))', 3000000000],
  ['@(Convert.ToInt32(context.Variables["tpm"]) * 2)', 10000],
  ['@(Convert.ToInt32("12") + Convert.ToInt32(2.5))', 14],
  ['@(context.Variables.GetValueOrDefault<int>("count", 9))', 3],
  ['@(context.Variables.GetValueOrDefault<int>("missing", 9))', 9],
  ['@(context.Variables.GetValueOrDefault<int>("missing"))', 0],
  ['@(context.Variables.GetValueOrDefault("missing", "x"))', "x"],
  ['@(context.Variables.GetValueOrDefault<string>("missing") ?? "unknown")', "unknown"],
  ['@(context.Variables.ContainsKey("tpm") && !context.Variables.ContainsKey("missing"))', true],
  ['@((bool)context.Variables["ready"] ? 1 : 2)', 1],
  ['@(context.Variables.GetValueOrDefault("tier", "") == "gold")', true],
  ["@(((string)context.Variables[\"quota\"]).Split('|')[0])", "100000"],
  ['@((int)JObject.Parse((string)context.Variables["map"])[context.Subscription.Id]["tpm"])', 700],
  ['@(JObject.Parse((string)context.Variables["map"])["x"]?.Value<int>("tpm") ?? 5)', 5],
  ['@((int)JObject.Parse((string)context.Variables["map"])["x"]["tpm"])', "throws"],
  ["@(JObject.Parse(\"{'a': {'b': [1, 2.5, 'c', true, null]}}\").SelectToken(\"a.b[2]\").ToString())", "c"],
  ['@(JObject.Parse("{\'a\': 1}").Value<int>("a") + JObject.Parse("{\'a\': 1}").Value<int>("b"))', 1],
  ["@(JObject.Parse(\"{'a': '12'}\")[\"a\"].Value<int>())", 12],
  ["@((int)JObject.Parse(\"{'a': '12'}\")[\"a\"])", 12],
  ['@((int?)JObject.Parse("{}")["a"] ?? 7)', 7],
  ['@((int)JObject.Parse("{}")["a"])', "throws"],
  ['@((string)JObject.Parse("{\'a\': 12}")["a"] + "x")', "12x"],
  ['@((bool)JObject.Parse("{\'a\': true}")["a"])', true],
  ['@(JObject.Parse("{\'a\': null}")["a"] == null)', false],
  ['@(JObject.Parse("{\'a\': 1}").ContainsKey("a"))', true],
  ["@(JArray.Parse(\"['a','b']\").Count)", 2],
  ["@((string)JArray.Parse(\"['a','b']\")[1])", "b"],
  [
    "@(JArray.Parse(\"[{'n':'a','v':1},{'n':'growth','v':2}]\").FirstOrDefault(x => (string)x[\"n\"] == context.Product.Id).Value<int>(\"v\"))",
    2,
  ],
  ["@(JArray.Parse(\"['a','growth']\").Any(x => x.ToString() == context.Product.Id))", true],
  [
    '@(new JObject(new JProperty("a", 1), new JProperty("b", new JArray(1, 2))).ToString(Newtonsoft.Json.Formatting.None))',
    '{"a":1,"b":[1,2]}',
  ],
  ['@(new JObject { ["a"] = "x", ["b"] = new JObject { { "c", true } } }.ToString())', '{\n  "a": "x",\n  "b": {\n    "c": true\n  }\n}'],
  [
    '@{ var routes = new JArray(); routes.Add(new JObject { { "name", "a" }, { "priority", 2 } }); routes.Add(new JObject { { "name", "b" }, { "priority", 1 } }); foreach (JObject route in routes) { if ((int)route["priority"] == 1) { return (string)route["name"]; } } return ""; }',
    "b",
  ],
  ['@(context.Product.Id == "growth" ? 100 : 200)', 100],
  ['@{ if (context.Product.Id == "core") { return 1; } else if (context.Product.Id == "growth") { return 2; } return 3; }', 2],
  ['@{ switch (context.Product.Id) { case "a": case "growth": return 5; default: return 6; } }', 5],
  ['@{ var r = 0; switch (context.Product.Id) { case "growth": r = 5; break; default: r = 6; break; } return r; }', 5],
  ["@{ int n = 0; for (int i = 0; i < 5; i++) { if (i == 3) { continue; } n += i; } return n; }", 7],
  ["@{ int n = 10; while (n > 4) { n -= 3; } return n; }", 4],
  ['@{ try { return int.Parse("x"); } catch { return 5; } }', 5],
  ['@{ int n; if (!int.TryParse("12", out n)) { n = 1; } return n; }', 12],
  ['@{ return int.TryParse("x", out var n) ? n : 4; }', 4],
  ['@{ string a, b = "x"; a = b + "y"; return a; }', "xy"],
  ["@{ double d = 5; return d / 2; }", 2.5],
  ['@{ var list = new List<string>(); list.Add("a"); list.Add("b"); return string.Join(",", list); }', "a,b"],
  ["@{ object o = 5; return (long)o; }", "throws"],
  ['@{ object o = context.Variables["tier"]; return o is string s && s == "gold"; }', true],
  ['@(context.Variables["tier"] is string)', true],
  ["@(Math.Min(5, 3) + Math.Max(1, 2))", 5],
  ['@(context.Variables["missing"] == null)', "throws"],
  ["@(context.Product != null && !(context.Subscription == null))", true],
  ['@((context.Product.Id == "growth") && (context.Subscription.Id == "sub-1"))', true],
  ['@(context.Product.Id == "growth" /* || true */)', true],
  ['@{ throw new Exception("no"); }', "throws"],
];

/** What the sandbox does not execute, or in another way. */
const notInSandbox: readonly (readonly [string, unknown])[] = [
  ["@(\"a,b;c\".Split(',', ';')[2])", "c"],
  ['@(new string[] { "A", "GROWTH" }.Contains(context.Product.Id, StringComparer.OrdinalIgnoreCase))', true],
  ["@(context.Workspace == null)", true],
  ["@(context.Workspace?.Id)", null],
  ["@(context.Workspace.Id)", "throws"],
  // A text that is asked for as a number.
  ['@(context.Variables.GetValueOrDefault<int>("tpm", 5))', 5000],
  ['@(context.Product.Id switch { "growth" => 5, _ => 6 })', 5],
];

/** What the sandbox makes of it; `throws` where C# throws. */
function run(code: string): string | null {
  try {
    const value = compile(csharp, code).evaluate(contextWith({ variables: new Map(Object.entries(values)) }));
    return value === null ? null : toText(value);
  } catch (error) {
    if (error instanceof ExpressionError) return error.message.includes("not supported in the sandbox") ? "unsupported" : "throws";
    throw error;
  }
}

const asText = (value: unknown): string | null =>
  value === null ? null : typeof value === "boolean" ? (value ? "True" : "False") : String(value);

describe("evaluate", () => {
  it.each(constants)("%s", (code, expected) => {
    expect(shown(evaluate(code, call, known))).toEqual(expected);
    expect(run(code)).toBe(asText(expected));
  });
});

describe("evaluate, without the sandbox", () => {
  it.each(notInSandbox)("%s", (code, expected) => {
    expect(shown(evaluate(code, call, known))).toEqual(expected);
  });
});

describe("evaluate, for generated expressions", () => {
  const texts = fc.constantFrom(
    '"a"',
    '"growth"',
    '"sub-1"',
    '""',
    "context.Product.Id",
    "context.Subscription?.Id",
    '(string)context.Variables["tier"]',
    "(string)null",
  );
  const numbers = fc.constantFrom("0", "1", "7", "-3", "12L", "2.5", '(int)context.Variables["count"]', '"abc".Length', 'int.Parse("41")');
  const { condition, text, number } = fc.letrec<{ condition: string; text: string; number: string }>((tie) => ({
    text: fc.oneof(
      { maxDepth: 4 },
      texts,
      fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} + ${b})`),
      fc.tuple(tie("text"), tie("number")).map(([a, b]) => `("" + ${a} + ${b})`),
      fc.tuple(tie("condition"), tie("text"), tie("text")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} ?? ${b})`),
      fc
        .tuple(tie("text"), fc.constantFrom("ToUpper()", "Trim()", 'Replace("a", "b")', "Substring(1)", "Split('r')[0]", "ToString()"))
        .map(([a, m]) => `(${a}).${m}`),
      fc.tuple(tie("text"), tie("number")).map(([a, b]) => `$"{${a}}-{${b}}"`),
    ),
    number: fc.oneof(
      { maxDepth: 4 },
      numbers,
      fc.tuple(tie("number"), fc.constantFrom("+", "-", "*", "/", "%"), tie("number")).map(([a, o, b]) => `(${a} ${o} ${b})`),
      fc.tuple(tie("condition"), tie("number"), tie("number")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      fc.tuple(tie("text")).map(([a]) => `(${a}).Length`),
      fc.tuple(fc.constantFrom("int", "long", "double"), tie("number")).map(([t, a]) => `((${t})(${a}))`),
      fc.tuple(fc.constantFrom("Min", "Max"), tie("number"), tie("number")).map(([m, a, b]) => `Math.${m}(${a}, ${b})`),
    ),
    condition: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("true", "false", "context.Product == null"),
      fc.tuple(tie("text"), fc.constantFrom("==", "!="), tie("text")).map(([a, o, b]) => `(${a} ${o} ${b})`),
      fc.tuple(tie("number"), fc.constantFrom("==", "<", ">=", "!="), tie("number")).map(([a, o, b]) => `(${a} ${o} ${b})`),
      fc.tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition")).map(([a, o, b]) => `(${a} ${o} ${b})`),
      tie("condition").map((a) => `!(${a})`),
      fc.tuple(tie("text"), tie("text")).map(([a, b]) => `string.Equals(${a}, ${b}, StringComparison.OrdinalIgnoreCase)`),
      fc.tuple(tie("text"), fc.constantFrom("StartsWith", "Contains", "Equals"), tie("text")).map(([a, m, b]) => `(${a}).${m}(${b})`),
      tie("text").map((a) => `string.IsNullOrEmpty(${a})`),
    ),
  }));

  it("says what the sandbox says, or nothing", () => {
    let decided = 0;
    fc.assert(
      fc.property(fc.oneof(condition, text, number), (body) => {
        const code = `@(${body})`;
        const value = evaluate(code, call, known);
        if (value.kind === "unknown") return;
        const ran = run(code);
        if (ran === "unsupported") return;
        // What is unknown on its way to a value may have thrown.
        if (ran === "throws" && value.kind !== "throws") return;
        decided++;
        if (value.kind === "several") expect(value.values.map((one) => asText(one.value))).toContain(ran);
        else expect(value.kind === "throws" ? "throws" : value.kind === "constant" ? asText(value.value) : value).toBe(ran);
      }),
      { numRuns: 1000 },
    );
    expect(decided).toBeGreaterThan(600);
  });
});
