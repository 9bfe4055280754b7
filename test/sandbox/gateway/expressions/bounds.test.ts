import { expect, test } from "vitest";
import { compile } from "../../../../src/sandbox/gateway/expressions/compile.ts";
import { contextWith, csharp, shown } from "./context.ts";

const tooManySteps = "SandboxException: The expression takes more than 1000000 steps, the sandbox's limit.";
const tooMuchText = "SandboxException: The expression makes longer texts than the sandbox allows.";
const tooDeep = "SandboxException: The expression's calls nest deeper than 200, the sandbox's limit.";

test.each([
  ["@{ while (true) { } }", tooManySteps],
  ["@{ for (;;) ; }", tooManySteps],
  ['@{ try { while (true) { } } catch { return "caught"; } }', tooManySteps],
  ['@{ try { while (true) { } } finally { return "finally"; } }', tooManySteps],
  ["@{ var l = new List<int>(); while (true) l.Add(1); }", tooManySteps],
  ["@(Enumerable.Range(0, int.MaxValue).Count())", tooManySteps],
  ["@(Enumerable.Repeat(1, int.MaxValue).Sum())", tooManySteps],
  ["@{ IEnumerable<int> q = new[] { 1, 2 }; for (var i = 0; i < 60; i++) q = q.Concat(q); return q.Count(); }", tooManySteps],
  ["@(new int[2000000000].Length)", tooManySteps],
  ["@{ var a = new JArray(1); for (var i = 0; i < 60; i++) a.Add(a.DeepClone()); return a.Count; }", tooManySteps],
  ["@{ var a = new JArray(1); for (var i = 0; i < 60; i++) a.Add(a); return a.Count; }", tooManySteps],
  ["@{ var s = new string('x', 10000000); while (s.IndexOf(\"y\") < 0) { } return 1; }", tooManySteps],
  ['@{ var s = new string(\'x\', 9999999); var a = s + "a"; var b = s + "b"; while (a != b) { } return 1; }', tooManySteps],
  ["@{ var l = Enumerable.Range(0, 300000).ToList(); while (!l.Contains(-1)) { } return 1; }", tooManySteps],
  ["@{ var l = Enumerable.Range(0, 300000).ToList(); while (true) { l.Insert(0, 1); l.RemoveAt(0); } }", tooManySteps],
  ["@{ var o = new JObject(); for (var i = 0; i < 50000; i++) o[i.ToString()] = i; while (o.Count > 0) { } return 1; }", tooManySteps],
  ['@{ var s = "x"; while (true) s += s; }', tooMuchText],
  ['@("".PadLeft(int.MaxValue))', tooMuchText],
  ["@(new string('x', int.MaxValue).Length)", tooMuchText],
  ['@($"{1,99999999}")', tooMuchText],
  ['@(string.Format("{0,9999999}{0,9999999}", 1))', tooMuchText],
  ['@{ var b = new StringBuilder("x"); while (true) b.Append(b.ToString()); }', tooMuchText],
  ["@{ var s = new string('x', 1000000); return s.Replace(\"x\", s).Length; }", tooMuchText],
  [
    "@{ var s = new string('x', 1000000); var l = new List<string>(); for (var i = 0; i < 1000; i++) l.Add(s + i); return l.Count; }",
    tooMuchText,
  ],
  ["@{ int F(int n) => F(n + 1); return F(0); }", tooDeep],
  ["@{ Func<int, int> f = null; f = n => f(n + 1); return f(0); }", tooDeep],
  [
    '@{ var o = new JObject(); for (var i = 0; i < 100000; i++) o = new JObject(new JProperty("a", o)); return o.ToString(); }',
    "SandboxException: JSON that nests so deep is not supported in the sandbox.",
  ],
  [
    `@(JArray.Parse("${"[".repeat(1000)}"))`,
    "JsonReaderException: The reader's MaxDepth of 64 has been exceeded. Path '', line 1, position 65.",
  ],
  ['@(Regex.IsMatch("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "^(a+)+$"))', tooManySteps],
  ["@(Regex.IsMatch(new string('a', 100000), \"(.*)*x\"))", tooManySteps],
  ['@(Regex.IsMatch("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "(a|aa)+$b"))', tooManySteps],
  [
    '@(Regex.IsMatch("x", "(?:(?:(?:x{1000}){1000}){1000})"))',
    "SandboxException: The regular expression is larger than the sandbox allows.",
  ],
  [
    `@(Regex.IsMatch("x", "${"(".repeat(500)}${")".repeat(500)}"))`,
    "SandboxException: a regular expression that nests so deep is not supported in the sandbox.",
  ],
])("%s ends", (code, error) => {
  expect(shown(code)).toBe(error);
});

test("expressions that nest deeper than a stack are refused when they are compiled", () => {
  for (const code of [
    `@(${"(".repeat(20_000)}1${")".repeat(20_000)})`,
    `@(1${"+1".repeat(20_000)})`,
    `@(${"!".repeat(20_000)}true)`,
    `@(x${".a".repeat(20_000)})`,
  ]) {
    expect(compile(csharp, code).unsupported).toHaveLength(1);
    expect(shown(code)).toMatch(/^SandboxException: /);
  }
});

test.each([
  ['@("x".constructor)', "string.constructor"],
  ["@(context.__proto__)", "IProxyRequestContext.__proto__"],
  ["@(context.Variables.constructor)", "Variables.constructor"],
  ['@("x".toString())', "string.toString()"],
  ["@(constructor)", "the name constructor"],
  ["@(__proto__)", "the name __proto__"],
  ["@(new Function())", "the type Function"],
  ["@(toString.call(1))", "the name toString"],
  ["@(Math.constructor)", "Math.constructor"],
])("%s reaches nothing of JavaScript", (code, what) => {
  expect(compile(csharp, code).unsupported.at(-1)?.what).toContain(what);
  expect(shown(code)).toMatch(/^SandboxException: .* is not supported in the sandbox\.$/);
});

test.each([
  ['@(context.Variables["__proto__"])', "KeyNotFoundException: The given key '__proto__' was not present in the dictionary."],
  ['@(context.Request.Headers.GetValueOrDefault("constructor", "none"))', "none"],
  ['@(JObject.Parse("{\'__proto__\':{\'x\':1}}")["__proto__"]["x"])', "1"],
  ['@(JObject.Parse("{}")["constructor"] == null)', "True"],
  [
    '@{ var o = new JObject(); o["__proto__"] = "x"; return o.ToString(Formatting.None) + new JObject().ContainsKey("__proto__"); }',
    '{"__proto__":"x"}False',
  ],
  ['@(new Dictionary<string, string> { ["__proto__"] = "x" }["__proto__"])', "x"],
  ['@("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.x".AsJwt().Claims.ContainsKey("constructor"))', "False"],
  ['@(JObject.Parse("{\'a\':1}").SelectToken("constructor") == null)', "True"],
])("%s is %s", (code, value) => {
  expect(shown(code)).toBe(value);
  expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
});

test("one evaluation's limits are not the next one's", () => {
  const compiled = compile(csharp, "@{ var n = 0; for (var i = 0; i < 300000; i++) n++; return n; }");
  for (let run = 0; run < 5; run++) expect(compiled.evaluate(contextWith())).toBe(300_000);
});
