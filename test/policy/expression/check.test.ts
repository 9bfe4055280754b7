import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkExpression } from "../../../src/policy/expression/check.ts";
import { csharp, found } from "./grammar.ts";

describe("right expressions, in which nothing is found", () => {
  test.each([
    "@(true)",
    "@((1+1).ToString())",
    '@("Hi There".Length)',
    '@(Regex.Match(context.Response.Headers.GetValueOrDefault("Cache-Control",""), @"max-age=(?<maxAge>\\d+)").Groups["maxAge"]?.Value)',
    '@(context.Variables.ContainsKey("maxAge") ? int.Parse((string)context.Variables["maxAge"]) : 3600)',
    '@{ string[] value; if (context.Request.Headers.TryGetValue("A", out value)) { return value[0]; } return null; }',
    '@(context.Request.Body.As<JObject>(preserveContent: true)["model"]?.ToString() ?? "none")',
    '@((bool)context.Request.Body.As<JObject>(true)["stream"])',
    '@((string)context.Request.Body.As<Newtonsoft.Json.Linq.JObject>(true)["a"].Value<string>("b"))',
    "@(context.Subscription?.Id ?? context.Request.IpAddress)",
    '@(context.Response?.StatusCode == 429 && context.Response.StatusReason?.Contains("pool") == true)',
    '@(((IResponse)context.Variables["answer"]).StatusCode >= 500)',
    '@("Bearer " + ((Authorization)context.Variables.GetValueOrDefault("auth"))?.AccessToken)',
    '@(context.Request.Headers["x"].Any(x => x.StartsWith("a")))',
    '@(context.User.Groups.Select(g => g.Name).Contains("admin"))',
    '@(context.Request.Headers.GetValueOrDefault("Authorization","").AsJwt()?.Claims["roles"].Length > 0)',
    '@(new JObject(new JProperty("a", new JArray(1, 2)), new JProperty("b", $"{context.RequestId}-{1,5:00}")).ToString())',
    '@{ context.Trace($"{context.Elapsed}"); return DateTime.UtcNow.ToString("o"); }',
    "@{ while (true) { if (context.Tracing) { return 1; } } }",
    '@{ switch (context.Request.Method) { case "GET": return 1; default: throw new Exception("x"); } }',
    '@{ try { return JObject.Parse("{}"); } catch (Exception e) when (e.Message == null) { return null; } catch { return e(); } object e() { return null; } }',
    "@{ foreach (var x in new[] { 1, 2 }) { if (x > 1) { return x; } } return 0; }",
    "@{ Func<int, int> f = y => { if (y > 1) return y; return 0; }; return f(2); }",
    "@{ var (a, b) = (1, 2); int Sum(int x, int y) => x + y; return Sum(a, b); }",
    "@{ object o = 1; if (o is int n && n > 0) { return n; } return nameof(o); }",
    "@(from g in context.User.Groups let n = g.Name where n != null orderby n select n)",
    '@{ var dict = new Dictionary<string, object>(); dict["a"] = 1; return dict; }',
    '@($@"it\'s {context.Variables["it\'s"]}")',
    "@{ for (;;) { return default(List<int?>) == null ? 1 : 2; } }",
    "@{ var m = new int[,] { { 1, 2 }, { 3, 4 } }; ; return m[0, 1]; }",
    "@((a: 1, b: 2).a)",
    '@(new Dictionary<string, string> { { "a", "b" }, ["c"] = "d" }.Count)',
    "@{ int n; if (!int.TryParse(context.Api.Id, out n)) { return -n; } return n % 2 == 0 ? 'a' : '\\''; }",
    "@(context.Elapsed.TotalSeconds > 1.5 && context.Timestamp > DateTime.UtcNow.AddDays(-1))",
    '@(context.Request.Url.Query.Where(q => q.Key != "a").ToDictionary(q => q.Key, q => q.Value).Count)',
    "@{ do { if (context.Tracing) { continue; } break; } while (true); return 1L << 3; }",
    '@{ using (var sha = SHA256.Create()) { return BitConverter.ToString(sha.ComputeHash(Encoding.UTF8.GetBytes("a"))); } }',
    "@( // why\n 1 /* and ) */ )",
  ])("%s", (code) => expect(found(code)).toEqual([]));
});

describe("wrong expressions", () => {
  test.each([
    // Syntax.
    ["@()", 2, "error expression-syntax: The expression is empty."],
    ["@(1 + )", 5, "error expression-syntax: Invalid expression term ')'"],
    ["@(f(a b))", 6, "error expression-syntax: , expected"],
    ["@{ var a = 1 return a; }", 13, "error expression-syntax: ; expected"],
    ["@(context.Request.)", 18, "error expression-syntax: Invalid expression term ')'"],
    ["@(a['Retry-After'])", 4, "error expression-syntax: Too many characters in character literal"],
    [
      "@{ context.Api.Id; return 2; }",
      3,
      "error expression-syntax: Only assignment, call, increment, decrement, await, and new object expressions can be used as a statement",
    ],
    // Every path returns.
    ["@{ if (context.Tracing) { return 1; } }", 38, "error expression-return: Not all code paths return a value"],
    ["@{ while (true) { break; } }", 27, "error expression-return: Not all code paths return a value"],
    ["@{ return; }", 3, "error expression-return: A value must be returned"],
    // Members.
    [
      '@(context.Request.Heders.GetValueOrDefault("x",""))',
      18,
      "error expression-member: 'IRequest' does not contain a definition for 'Heders'",
    ],
    ["@(contxt.Request.Method)", 2, "error expression-name: The name 'contxt' does not exist in the current context"],
    [
      '@{ var h = context.Request.Headers; return h.GetValueOrDefalt("x"); }',
      45,
      "error expression-member: 'IReadOnlyDictionary<string, string[]>' does not contain a definition for 'GetValueOrDefalt'",
    ],
    ['@("a".ToUper())', 6, "error expression-member: 'string' does not contain a definition for 'ToUper'"],
    [
      "@(context.Request.Url.ToUri())",
      22,
      "warning expression-member: Usage of member 'ToUri' of type 'IUrl' is not supported within expressions",
    ],
    [
      '@(DateTime.ParseExact("1", "2", null))',
      11,
      "warning expression-member: Usage of member 'ParseExact' of type 'System.DateTime' is not supported within expressions",
    ],
    [
      '@{ context.Variables["a"] = 1; return 1; }',
      3,
      "error expression-assignment: Property or indexer 'context.Variables[\"a\"]' cannot be assigned to -- it is read only",
    ],
    // Types.
    ['@(System.IO.File.ReadAllText("x"))', 2, "error expression-type: Usage of type 'System.IO.File' is not supported within expressions"],
    [
      '@(Environment.GetEnvironmentVariable("x"))',
      2,
      "error expression-type: Usage of type 'System.Environment' is not supported within expressions",
    ],
    [
      '@("a".ToUpper(System.Globalization.CultureInfo.InvariantCulture))',
      14,
      "error expression-type: Usage of type 'System.Globalization.CultureInfo' is not supported within expressions",
    ],
    [
      "@(new List<System.Threading.Thread>())",
      11,
      "error expression-type: Usage of type 'System.Threading.Thread' is not supported within expressions",
    ],
    ["@(new XmlDocument())", 6, "warning expression-type: Usage of type 'XmlDocument' is not supported within expressions"],
    // Names.
    ["@(missing == 1)", 2, "error expression-name: The name 'missing' does not exist in the current context"],
    ["@{ { var a = 1; } return a; }", 25, "error expression-name: The name 'a' does not exist in the current context"],
    ["@(new[] { 1 }.Select(x => y))", 26, "error expression-name: The name 'y' does not exist in the current context"],
    // The language.
    [
      "@(context.Request.Url.Path[..3])",
      27,
      "error expression-language: Feature 'range operator' is not available in C# 7. Please use language version 8.0 or greater.",
    ],
    [
      "@{ var a = context.Api.Id; a ??= null; return a; }",
      29,
      "error expression-language: Feature 'coalescing assignment' is not available in C# 7. Please use language version 8.0 or greater.",
    ],
    ["@{ dynamic d = 1; return d; }", 3, "error expression-language: Dynamic member invocation is not supported"],
    [
      "@(context.Product is not null)",
      21,
      "error expression-language: Feature 'not pattern' is not available in C# 7. Please use language version 9.0 or greater.",
    ],
    ["@(context.Tracing && && true)", 21, "error expression-language: Invalid expression term '&'"],
    // Operators.
    [
      '@(context.Response.StatusCode == "429")',
      30,
      "error expression-type: Operator '==' cannot be applied to operands of type 'int' and 'string'",
    ],
    ["@(context.Api.Id && true)", 17, "error expression-type: Operator '&&' cannot be applied to operands of type 'string' and 'bool'"],
    ["@{ if (context.Api.Id) { return 1; } return 2; }", 7, "error expression-type: Cannot implicitly convert type 'string' to 'bool'"],
  ])("%s", (code, offset, message) => {
    expect(found(code)).toContain(message);
    expect(checkExpression(csharp, code, { wanted: "any" }).map((finding) => finding.offset)).toContain(offset);
  });

  test.each(["return y;", "x = 1;"])("control flow without braces: %s", (body) => {
    const [finding] = checkExpression(csharp, `@{ var x = 0; var y = 1; if (x > 0) ${body} return y; }`, { wanted: "any" });
    expect(finding?.message).toMatch(/^Expected a "\{" but found a "\w+"\. Block statements must be enclosed/);
    expect(finding?.fix).toBe(`{ ${body} }`);
  });

  test("a near name is offered", () => {
    const [finding] = checkExpression(csharp, "@(context.Subscripton.Id)", { wanted: "any" });
    expect(finding?.fix).toBe("Did you mean Subscription?");
  });
});

describe("the type of the value", () => {
  test.each([
    ["@(context.Request.Method)", "bool", "error expression-value-type: Cannot implicitly convert type 'string' to 'bool'"],
    ['@("a" + context.Api.Id)', "bool", "error expression-value-type: Cannot implicitly convert type 'string' to 'bool'"],
    ["@(1)", "bool", "error expression-value-type: Cannot implicitly convert type 'int' to 'bool'"],
    [
      '@{ if (context.Tracing) { return true; } return "false"; }',
      "bool",
      "error expression-value-type: Cannot implicitly convert type 'string' to 'bool'",
    ],
    ['@("10")', "int", "error expression-value-type: Cannot implicitly convert type 'string' to 'int'"],
    ["@(10)", "long", "warning expression-value-type: Cannot implicitly convert type 'int' to 'long'"],
  ] as const)("%s for %s", (code, wanted, message) => expect(found(code, { wanted })).toEqual([message]));

  test.each([
    ["@(context.Tracing || context.Response.StatusCode >= 500)", "bool"],
    ['@(context.Variables.GetValueOrDefault<bool>("x"))', "bool"],
    ['@((bool)context.Variables["x"])', "bool"],
    ['@(context.Variables["x"])', "bool"],
    ['@(context.Response?.StatusReason?.Contains("x") ?? false)', "bool"],
    ['@(context.Request.Headers.GetValueOrDefault("a", "b").Length > 1)', "bool"],
    ["@(10)", "int"],
    ["@(10L)", "long"],
    ["@(1)", "string"],
  ] as const)("%s for %s", (code, wanted) => expect(found(code, { wanted })).toEqual([]));
});

describe("named values and placeholders", () => {
  const namedValues = new Map([
    ["limit", "10"],
    ["json", '{"a": 1}'],
  ]);

  test.each([
    '@(context.Api.Id == "{{unknown}}")',
    "@({{unknown}} > 1)",
    "@{ return {{a}}; }",
    '@($"{{prefix}}-{context.Api.Id}")',
    "@({{limit}} > 1)",
  ])("%s is right", (code) => expect(found(code, { namedValues })).toEqual([]));

  test("a known value is put in, and what it breaks is found where it stands", () => {
    const code = '@("{{limit}}" + "{{json}}".Lenth + x)';
    expect(checkExpression(csharp, code, { wanted: "any", namedValues })[0]).toMatchObject({
      severity: "error",
      code: "expression-syntax",
    });
    const [member] = checkExpression(csharp, '@("{{limit}}".Lenth)', { wanted: "any", namedValues });
    expect(member).toMatchObject({ offset: 14, message: "'string' does not contain a definition for 'Lenth'" });
  });

  test.each(["@{ {{statements}} return 1; }", "@(context.Api.Id {{rest}})", "@({ttl} + 1)", "@(#ttl# + 1)"])("%s may be right", (code) =>
    expect(found(code, { namedValues }).filter((finding) => finding.startsWith("error"))).toEqual([]),
  );
});

test("any text is checked without an exception, and findings lie inside of it", () => {
  const part = fc.constantFrom(
    "context",
    ".",
    "?.",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    ";",
    ",",
    "return",
    "if",
    "x",
    " ",
    "\n",
    "=>",
    "&&",
    "$",
    "@",
    "1",
    "{{n}}",
    "\\",
  );
  const code = fc
    .tuple(fc.constantFrom("@(", "@{"), fc.array(part, { maxLength: 40 }))
    .map(([open, parts]) => open + parts.join("") + (open === "@(" ? ")" : "}"));
  fc.assert(
    fc.property(code, (text) => {
      for (const { offset } of checkExpression(csharp, text, { wanted: "bool" })) {
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 500 },
  );
});

test("what nests too deeply is wrong, and no stack overflows", () => {
  const code = `@(${"(".repeat(20_000)}1${")".repeat(20_000)})`;
  expect(found(code)).toHaveLength(1);
});
