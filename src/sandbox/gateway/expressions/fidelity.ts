import { type Fidelity, fidelityRows } from "../../fidelity.ts";

const context = "https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables";
const csharp = "https://learn.microsoft.com/dotnet/csharp/language-reference";
const dotnet = "https://learn.microsoft.com/dotnet";

/** How C# expressions are known to behave as they do here. */
export const expressionFidelity: readonly Fidelity[] = [
  ...fidelityRows("gateway/expressions/language", [
    [
      "Integers wrap and divide towards zero, as C# computes them",
      "documented",
      `${csharp}/operators/arithmetic-operators`,
      "@(int.MaxValue + 1)",
    ],
    [
      "A cast of `context.Variables[...]` unboxes: an int is no long",
      "documented",
      `${dotnet}/csharp/programming-guide/types/boxing-and-unboxing`,
      '@((long)context.Variables["count"])',
    ],
    [
      "`?.` ends its whole chain at null",
      "documented",
      `${csharp}/operators/member-access-operators`,
      "@(context.User?.Email.Length.ToString().Trim())",
    ],
    [
      "`catch` by type, `when`, `finally`, `throw;`",
      "documented",
      `${csharp}/statements/exception-handling-statements`,
      "catch (Exception e) when",
    ],
    [
      "What cannot be executed throws when it is reached, past every `catch`",
      "assumed",
      "the service compiles all of C# 7; a value that is wrong without a word would be worse",
      "@{ try { return context.Nonsense; }",
    ],
    [
      "`object == string` is refused",
      "assumed",
      "C# compares references, and whether two texts are one object is the service's own matter",
      '@((object)"a" == "a")',
    ],
    ["Numbers print as .NET Core 3.0 and later print them", "assumed", "no page names the gateway's runtime", "@(0.1 + 0.2)"],
  ]),
  ...fidelityRows("gateway/expressions/context", [
    [
      "`Variables.GetValueOrDefault<T>` throws where the variable is of another type",
      "documented",
      context,
      '@(context.Variables.GetValueOrDefault<int>("name", 5))',
    ],
    [
      "`Headers.GetValueOrDefault` joins several values by commas",
      "documented",
      context,
      '@(context.Request.Headers.GetValueOrDefault("accept"))',
    ],
    ["A body that is read without `preserveContent` is gone", "documented", `${context}`, "@{ var a = context.Request.Body.As<string>();"],
    [
      "`Claims.GetValueOrDefault(name, string[])` answers with the list",
      "sample",
      "https://github.com/Azure-Samples/AI-Gateway",
      'new string[] { "" })[0])',
    ],
    ["`context.Request.Url` prints the whole address", "assumed", "samples print it, and no page says how", "@(context.Request.Url)"],
    [
      "`DateTime.UtcNow` is the sandbox's clock, and local time is UTC",
      "assumed",
      "gateways run in Azure's regions in UTC",
      "the clock is the call's",
    ],
    [
      "`Body.As<byte[]>()` holds the text in UTF-8",
      "assumed",
      "no page says what a body in another encoding becomes",
      "As<byte[]>(preserveContent: true)",
    ],
  ]),
  ...fidelityRows("gateway/expressions/library", [
    [
      "JSON is read and written as Newtonsoft does, ISO 8601 texts become dates",
      "assumed",
      "https://www.newtonsoft.com/json/help/html/DatesInJSON.htm has the defaults; that the gateway keeps them is not said",
      '["d"].Type + " "',
    ],
    [
      "Lines of JSON and of `Environment.NewLine` end in a line feed",
      "assumed",
      "gateways on Linux; on Windows it would be two characters",
      "new StringBuilder()",
    ],
    [
      "Dates and numbers have .NET's formats, culture invariant",
      "documented",
      `${dotnet}/standard/base-types/standard-date-and-time-format-strings`,
      'ToString("r")',
    ],
    [
      "`Convert.ToInt32` rounds half to even",
      "documented",
      `${dotnet}/api/system.convert.toint32`,
      "Convert.ToInt32(2.5) + Convert.ToInt32(3.5)",
    ],
    [
      "Methods of LINQ are lazy, and tell a missing element",
      "documented",
      `${dotnet}/api/system.linq.enumerable`,
      "Sequence contains no matching element",
    ],
    [
      "Regular expressions are .NET's",
      "documented",
      `${dotnet}/standard/base-types/regular-expression-language-quick-reference`,
      "(?<=x)bar",
    ],
    ["`AsJwt` and `AsBasic` read credentials without verifying them", "documented", context, ".AsJwt().Claims"],
    [
      "`new Random()` and `Guid.NewGuid()` draw from the instance's seeded generator",
      "assumed",
      "a run can be repeated",
      "new Random().Next(0, 100)",
    ],
    [
      "`GetHashCode` is the same in every run",
      "assumed",
      ".NET's own differ from process to process",
      '@("x".GetHashCode() == "x".GetHashCode())',
    ],
  ]),
  ...fidelityRows("gateway/expressions/bounds", [
    [
      "An evaluation ends after 1,000,000 steps, at texts of 16 M characters, and 200 calls deep",
      "assumed",
      "the sandbox's own limits; those of the service are not documented",
      "@{ while (true) { } }",
    ],
  ]),
];
