import { describe, expect, test } from "vitest";
import type { ExpressionContext } from "../../../../src/sandbox/gateway/context.ts";
import { compile } from "../../../../src/sandbox/gateway/expressions/compile.ts";
import { JObject, JProperty, JValue } from "../../../../src/sandbox/gateway/expressions/json.ts";
import { Double, toBoolean, toNumber, type Value } from "../../../../src/sandbox/gateway/expressions/values.ts";
import { JwtValue, ResponseValue } from "../../../../src/sandbox/gateway/expressions/views.ts";
import { bodyView, contextWith, csharp, evaluate, headersView, shown, urlView } from "./context.ts";

test.each([
  [
    "@(context.Api.Id + context.Api.Name + context.Api.Path + context.Api.Revision + context.Api.IsCurrentRevision)",
    "openaiOpenAIopenai1True",
  ],
  ['@(context.Api.Version ?? "no version")', "no version"],
  ["@(context.Api.ServiceUrl == null)", "True"],
  ["@(context.Api.SubscriptionKeyParameterNames.Header)", "api-key"],
  [
    "@(context.Operation.Id + context.Operation.Method + context.Operation.UrlTemplate)",
    "chatPOST/deployments/{deployment-id}/chat/completions",
  ],
  ["@(context.Product.Id + context.Product.Name + context.Product.SubscriptionRequired)", "growthGrowthTrue"],
  ["@(context.Subscription?.Id)", "sub-1"],
  ["@(context.Subscription.Key + context.Subscription.PrimaryKey + context.Subscription.CreatedDate.Year)", "k1k12026"],
  ["@(context.Deployment.Region + context.Deployment.ServiceName + context.Deployment.Gateway.Id)", "East USapim-prodmanaged"],
  ["@(context.RequestId)", "6f9619ff-8b86-d011-b42d-00c04fc964ff"],
  ["@(context.Tracing)", "False"],
  ["@(context.Request.Method + context.Request.IpAddress)", "POST203.0.113.7"],
  ["@(context.Request.Url.Path)", "/openai/deployments/gpt-4o/chat/completions"],
  ["@(context.Request.OriginalUrl.Path)", "/v1/openai/deployments/gpt-4o/chat/completions"],
  ["@(context.Request.Url.Scheme + context.Request.Url.Host + context.Request.Url.Port)", "httpsgateway.test8443"],
  ["@(context.Request.Url.QueryString)", "?api-version=2024-06-01&tag=a&tag=b"],
  ['@(context.Request.Url.Query.GetValueOrDefault("api-version", "none"))', "2024-06-01"],
  ['@(context.Request.Url.Query.GetValueOrDefault("tag"))', "a,b"],
  ['@(context.Request.Url.Query["tag"][1] + context.Request.Url.Query.ContainsKey("x"))', "bFalse"],
  ["@(context.Request.Url)", "https://gateway.test:8443/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01&tag=a&tag=b"],
  ['@(context.Request.MatchedParameters["deployment-id"] + context.Request.MatchedParameters.GetValueOrDefault("x", "-"))', "gpt-4o-"],
  ['@(context.Request.MatchedParameters["x"])', "KeyNotFoundException: The given key 'x' was not present in the dictionary."],
  ['@(context.Request.Headers.GetValueOrDefault("x-team", "none"))', "growth"],
  ['@(context.Request.Headers.GetValueOrDefault("accept"))', "text/plain,application/json"],
  ['@(context.Request.Headers["Accept"].Length + context.Request.Headers["Accept"].Last())', "2application/json"],
  ['@(context.Request.Headers.GetValueOrDefault("X-None"))', ""],
  ['@(context.Request.Headers["X-None"])', "KeyNotFoundException: The given key 'X-None' was not present in the dictionary."],
  ['@{ string[] v; return context.Request.Headers.TryGetValue("X-Team", out v) ? v[0] : "none"; }', "growth"],
  ["@(context.Request.Headers.Count)", "3"],
  ['@(context.Response.StatusCode == 429 && context.Response.StatusReason.StartsWith("Too"))', "True"],
  ['@(int.Parse(context.Response.Headers.GetValueOrDefault("Retry-After", "1")) + 1)', "31"],
  ['@(context.Request.Body.As<JObject>(preserveContent: true)["model"])', "gpt-4o"],
  ["@(context.Request.Body.As<string>(true).Length)", "137"],
  ["@(context.Request.Body.As<byte[]>(preserveContent: true).Length)", "137"],
  [
    "@(context.Request.Body.As<JArray>(preserveContent: true))",
    "JsonReaderException: Error reading JArray from JsonReader. Current JsonReader item is not an array: StartObject. Path '', line 1, position 1.",
  ],
  [
    "@{ var a = context.Request.Body.As<string>(); return context.Request.Body.As<string>(); }",
    "InvalidOperationException: The body has been read already.",
  ],
  ['@((bool?)context.Request.Body.As<JObject>(true)["stream"] ?? false)', "False"],
  ['@(context.Response.Body.As<JObject>(true)["usage"]["total_tokens"].Value<int>() * 2)', "42"],
  ['@(context.Variables.ContainsKey("name") && !context.Variables.ContainsKey("other"))', "True"],
  ['@(context.Variables["other"])', "KeyNotFoundException: The given key 'other' was not present in the dictionary."],
  ['@(context.Variables.GetValueOrDefault<string>("name", "none"))', "growth"],
  ['@(context.Variables.GetValueOrDefault("name", "none").ToUpper())', "GROWTH"],
  ['@(context.Variables.GetValueOrDefault<int>("other"))', "0"],
  ['@(context.Variables.GetValueOrDefault<int>("other", 5) + context.Variables.GetValueOrDefault<int>("count"))', "8"],
  [
    '@(context.Variables.GetValueOrDefault<int>("name", 5))',
    "InvalidCastException: Unable to cast object of type 'System.String' to type 'System.Int32'.",
  ],
  [
    '@(context.Variables.GetValueOrDefault<long>("count", 5))',
    "InvalidCastException: Unable to cast object of type 'System.Int32' to type 'System.Int64'.",
  ],
  ['@(context.Variables.GetValueOrDefault<bool>("enabled") ? 1 : 2)', "1"],
  ["@(context.LastError == null)", "True"],
  ['@(context.LastError?.Reason ?? "none")', "none"],
  ["@(context.Nonsense)", "SandboxException: the member IProxyRequestContext.Nonsense is not supported in the sandbox."],
  ['@(context.Deployment.Certificates["x"])', "SandboxException: the member IDeployment.Certificates is not supported in the sandbox."],
  ["@(context.Request.Foundry)", "SandboxException: the member IRequest.Foundry is not supported in the sandbox."],
])("%s is %s", (code, value) => {
  expect(shown(code)).toBe(value);
});

describe("variables", () => {
  const response = new ResponseValue({
    statusCode: 200,
    statusReason: "OK",
    headers: headersView({}),
    body: bodyView('{"token":"abc"}'),
  });
  const object = new JObject();
  object.add(new JProperty("a", new JValue(1n)));
  const variables = new Map<string, Value>([
    ["response", response],
    ["object", object],
    ["ratio", new Double(0.5)],
    ["token", new JwtValue({ header: { alg: "none" }, payload: { sub: "me", roles: ["a", "b"] } })],
    ["nothing", null],
  ]);

  test.each([
    ['@(((IResponse)context.Variables["response"]).StatusCode)', "200"],
    ['@(((IResponse)context.Variables["response"]).Body.As<JObject>(preserveContent: true)["token"])', "abc"],
    ['@(context.Variables.GetValueOrDefault<IResponse>("response").StatusReason)', "OK"],
    ['@((int)((JObject)context.Variables["object"])["a"])', "1"],
    ['@(context.Variables.GetValueOrDefault<JObject>("object")["a"])', "1"],
    [
      '@((JArray)context.Variables["object"])',
      "InvalidCastException: Unable to cast object of type 'Newtonsoft.Json.Linq.JObject' to type 'Newtonsoft.Json.Linq.JArray'.",
    ],
    ['@((double)context.Variables["ratio"] * 3)', "1.5"],
    ['@(((Jwt)context.Variables["token"]).Claims["roles"][1] + ((Jwt)context.Variables["token"]).Subject)', "bme"],
    ['@(((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("roles", new string[] { "" })[0])', "a"],
    ['@(context.Variables["nothing"] == null)', "True"],
    ['@(context.Variables.GetValueOrDefault<string>("nothing") ?? "none")', "none"],
    [
      '@(context.Variables.GetValueOrDefault<int>("nothing"))',
      "NullReferenceException: Object reference not set to an instance of an object.",
    ],
    ['@(string.Join(",", context.Variables.Keys))', "response,object,ratio,token,nothing"],
    ["@(context.Variables.Where(v => v.Value is double).Select(v => v.Key).First())", "ratio"],
  ])("%s is %s", (code, value) => {
    expect(shown(code, contextWith({ variables }))).toBe(value);
  });
});

test("what failed is seen in context.LastError, and no answer is null", () => {
  const lastError = {
    source: "forward-request",
    reason: "Timeout",
    message: "too slow",
    scope: "api",
    section: "backend",
    path: "x",
    policyId: "p",
  };
  const context = contextWith({ lastError, response: null });
  expect(
    shown("@(context.LastError.Source + context.LastError.Reason + context.LastError.Message + context.LastError.Section)", context),
  ).toBe("forward-requestTimeouttoo slowbackend");
  expect(shown("@(context.Response == null || context.Response.StatusCode >= 500)", context)).toBe("True");
  expect(shown("@(context.Response.StatusCode)", context)).toBe(
    "NullReferenceException: Object reference not set to an instance of an object.",
  );
});

test("the clock is the call's", () => {
  const later = contextWith({ timestamp: new Date("2030-01-01T00:00:00Z"), elapsedMs: () => 61_000 });
  expect(shown('@(DateTime.UtcNow.ToString("s") + " " + DateTimeOffset.UtcNow.Minute + " " + context.Elapsed.TotalMinutes)', later)).toBe(
    "2030-01-01T00:01:01 1 1.0166666666666666",
  );
});

test("context.Trace goes to the call", () => {
  const traced: string[] = [];
  expect(
    evaluate(
      '@{ context.Trace("one"); context.Trace($"t{1 + 1}"); return true; }',
      contextWith({ trace: (message) => traced.push(message) }),
    ),
  ).toBe(true);
  expect(traced).toEqual(["one", "t2"]);
});

test.each<[code: string, request: boolean, response: boolean]>([
  ["@(context.Request.Method)", false, false],
  ["@(context.Request.Body.As<string>(preserveContent: true))", true, false],
  ['@(context.Response?.Body.As<JObject>()?["a"])', false, true],
  ["@{ var r = context.Response; return r.Body.As<string>(); }", false, true],
  ['@(((IResponse)context.Variables["r"]).Body.As<string>())', false, false],
  ['@{ var r = (IResponse)context.Variables["r"]; return r.Body.As<string>() + context.Request.Method; }', true, false],
  ['@("context.Request.Body")', false, false],
])("%s: request body %s, response body %s", (code, readsRequestBody, readsResponseBody) => {
  expect(compile(csharp, code)).toMatchObject({ readsRequestBody, readsResponseBody });
});

test.each<[code: string, unsupported: readonly (readonly [what: string, text: string])[]]>([
  ["@(context.Api.Id)", []],
  [
    "@(context.Nonsense.X + context.Api.Nothing)",
    [
      ["the member IProxyRequestContext.Nonsense", "Nonsense"],
      ["the member IContextApi.Nothing", "Nothing"],
    ],
  ],
  ['@{ var d = XDocument.Parse("<a/>"); return d.Root.Value; }', [["the name XDocument", "XDocument"]]],
  [
    '@(bytes.Encrypt("Aes", key))',
    [
      ["the name bytes", "bytes"],
      ["the name key", "key"],
    ],
  ],
  ["@(new XmlDocument())", [["the type XmlDocument", "XmlDocument"]]],
  ['@("a".Foo(1))', [["string.Foo(int)", "Foo"]]],
  ["@(Math.Nothing(1))", [["Math.Nothing(int)", "Math.Nothing(1)"]]],
  ['@("a" + )', [["this text, which is no C#,", ")"]]],
  ["@(typeof(int))", [["C#'s typeof expression", "typeof(int)"]]],
])("what cannot be executed of %s is told with its place", (code, unsupported) => {
  const found = compile(csharp, code).unsupported;
  expect(found.map(({ what }) => what)).toEqual(unsupported.map(([what]) => what));
  for (const [index, { offset }] of found.entries()) expect(code.slice(offset)).toContain(unsupported[index]?.[1]);
});

test("an expression that is compiled once runs any number of times, each in its own context", () => {
  const compiled = compile(
    csharp,
    "@{ var list = new List<string>(); list.Add(context.Api.Id); return list.Count + context.Request.Url.Path; }",
  );
  const other: Partial<ExpressionContext> = { request: { ...contextWith().request, url: urlView("https://other.test/x") } };
  expect(compiled.evaluate(contextWith())).toBe("1/openai/deployments/gpt-4o/chat/completions");
  expect(compiled.evaluate(contextWith(other))).toBe("1/x");
});

test.each<[value: Value, boolean: boolean | null, number: number | null]>([
  [true, true, null],
  ["False", false, null],
  [" TRUE ", true, null],
  ["yes", null, null],
  [5, null, 5],
  [5_000_000_000n, null, 5_000_000_000],
  [new Double(1.5), null, 1.5],
  ["12.5", null, 12.5],
  [" 7 ", null, 7],
  ["", null, null],
  ["0x10", null, null],
  [null, null, null],
])("%s as a boolean is %s, as a number %s", (value, boolean, number) => {
  expect([toBoolean(value), toNumber(value)]).toEqual([boolean, number]);
});
