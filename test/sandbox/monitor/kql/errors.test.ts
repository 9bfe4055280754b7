import { describe, expect, test } from "vitest";
import { ask, errorsOf } from "./kit.ts";

describe("what the engine does not know is an error, never another answer", () => {
  test.each([
    ["ApiManagementGatewayLogs | evaluate bag_unpack(TraceRecords)", "the operator 'evaluate'"],
    ["ApiManagementGatewayLogs | parse Url with * '/deployments/' Deployment '/' *", "the operator 'parse'"],
    ["ApiManagementGatewayLogs | top-nested 2 of ApiId by count()", "the operator 'top-nested'"],
    ["ApiManagementGatewayLogs | sample 5", "the operator 'sample'"],
    ["ApiManagementGatewayLogs | extend r = rand()", "the function 'rand'"],
    ["ApiManagementGatewayLogs | summarize hll(ApiId)", "the function 'hll'"],
    ["ApiManagementGatewayLogs | serialize n = row_number()", "serialize with expressions"],
    ["ApiManagementGatewayLogs | make-series count() on TimeGenerated step 1m", "make-series without 'from'"],
    ["ApiManagementGatewayLogs | make-series count() on TimeGenerated in range(ago(1h), now(), 1m)", "make-series without 'from'"],
    ["ApiManagementGatewayLogs | mv-expand TraceRecords limit 5", "mv-expand with a limit"],
    ["ApiManagementGatewayLogs | mv-expand kind=array TraceRecords", "mv-expand kind=array"],
    ["let f = (x:long) { x + 1 }; print f(1)", "a function with parameters"],
    ["print x = decimal(1.5)", "of type decimal"],
    ["print x = guid(5a11db0c-0000-4000-8000-00000000a1a1)", "of type guid"],
    ["print tolong(datetime(2026-01-01))", "a conversion of datetime"],
    ["print datetime('11/20/2026')", "the time"],
    ["print todatetime('Fri, 20 Nov 2026 10:00:00 GMT')", "the form of the time"],
    ["print 9007199254740993", "the number '9007199254740993'"],
    ["print 9007199254740991 * 3", "a long beyond 2^53"],
    ["print 'a' matches regex @'[[:alpha:]]+'", "the regular expression"],
    ["print 'a' matches regex '('", "the regular expression"],
    ["print a = 1 | union kind=inner (print a = 2)", "union kind=inner"],
    ["search 'x'", "SearchOperator"],
    ["union App*", "'App*' as a table"],
    ["set notruncation; print 1", "'set notruncation"],
    ["print 1; print 2", "a statement behind the query"],
    ["print format_datetime(now(), 'gg')", "format_datetime() with 'gg'"],
    ["ApiManagementGatewayLogs | summarize make_set(TraceRecords)", "of dynamic values"],
    ["ApiManagementGatewayLogs | summarize percentile(TotalTime, 101)", "percentile() of what is not from 0 to 100"],
    ["range x from 1 to 10000000 step 1", "a range of 10000000 rows"],
    ["print 1 | make-series n = count() on print_0 from 1 to 100000000 step 1", "make-series of 99999999 points"],
  ])("%s", (query, what) => {
    const [error] = errorsOf(query);
    expect(error?.message).toContain(what);
  });

  test("says where", () => {
    expect(errorsOf("ApiManagementGatewayLogs\n| extend r = rand()")).toEqual([
      {
        kind: "semantic",
        code: "sandbox",
        message: "semantic error: the function 'rand' is not executable in the sandbox",
        start: 38,
        line: 2,
        pos: 14,
        token: "rand()",
      },
    ]);
  });
});

describe("what Microsoft's parser refuses", () => {
  test.each([
    ["ApiManagementGatewayLogs | where", "syntax", "KS006"],
    ["ApiManagementGatewayLogs | where Nothing == 1", "semantic", "KS142"],
    ["Nothing | take 1", "semantic", "KS204"],
    ["ApiManagementGatewayLogs | extend x = nothing()", "semantic", "KS211"],
    ["print 'a' < 'b'", "semantic", "KS106"],
    ["", "semantic", "sandbox"],
  ])("%j", (query, kind, code) => {
    const [error] = errorsOf(query);
    expect(error).toMatchObject({ kind, code });
  });
});

describe("commands and other texts that are no queries", () => {
  test.each([
    ".drop table ApiManagementGatewayLogs",
    "  .show tables",
    "// a comment\n.set-or-append T <| print 1",
    ".create-or-alter function f() { print 1 }",
  ])("%j", (query) => {
    expect(errorsOf(query)).toMatchObject([{ kind: "syntax", message: expect.stringContaining("control command") }]);
  });

  test("a query with a command behind it", () => {
    expect(errorsOf("print 1\n\n.drop table ApiManagementGatewayLogs").length).toBeGreaterThan(0);
  });

  test.each([
    ["in brackets", `print ${"(".repeat(20_000)}1${")".repeat(20_000)}`, "brackets in one another"],
    ["in operators", `print ${"1 + ".repeat(500)}1`, "depth exceeds"],
    ["nowhere, but is too long", `print ${"1 + ".repeat(60_000)}1`, "longer than"],
  ])("what nests too deep %s", (_, query, message) => {
    expect(errorsOf(query)[0]?.message).toContain(message);
  });

  test("texts stay texts, whatever they hold", () => {
    const nasty = `x" or 1 == 1 // ' ; .drop \\ \u0000 \u2028 \ud83d\ude00 $& $1 __proto__`;
    const { rows } = ask(`print ${JSON.stringify(nasty).replace("\u2028", "\\u2028")}`);
    expect(rows).toEqual([[nasty]]);
    expect(ask(`datatable(constructor:string, valueOf:long) ["toString", 1] | project constructor, p = valueOf`).rows).toEqual([
      ["toString", 1],
    ]);
    expect(ask(`print a = "constructor" | summarize n = count() by a`).rows).toEqual([["constructor", 1]]);
    expect(errorsOf("print constructor()").length).toBeGreaterThan(0);
    expect(errorsOf("print toString()").length).toBeGreaterThan(0);
  });
});
