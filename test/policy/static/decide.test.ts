import { describe, expect, it } from "vitest";
import type { StaticCall } from "../../../src/policy/static/values.ts";
import type { Verdict } from "../../../src/policy/static/walk.ts";
import { growth, namedValue, none, policies, texts } from "./kit.ts";

const { decide } = policies(texts({}, [namedValue("condition", "@(true)"), namedValue("on", "TRUE"), namedValue("key", "x", true)]));
const growthOnly: StaticCall = { ...growth, api: null, operation: null };

describe("decide", () => {
  it.each<[string, Verdict]>([
    ["true", true],
    ["False", false],
    ["{{on}}", true],
    ["@(true)", true],
    ['@(context.Subscription.Id == "growth")', true],
    ['@(context.Subscription.Id=="core")', false],
    ['@(context.Subscription.Id == "Growth")', false],
    ['@(context.Subscription?.Id != "core")', true],
    ['@("growth" == context.Subscription.Id)', true],
    ['@((string)context.Product?.Id == "aoai")', true],
    ['@(((string)context.Product.Id) != "aoai")', false],
    ['@(context.Subscription.Id.Equals("growth"))', true],
    ['@(!context.Subscription.Id.Equals("growth"))', false],
    ['@(context.Subscription.Id.Equals("GROWTH", StringComparison.OrdinalIgnoreCase))', true],
    ['@(context.Subscription.Id.Equals("GROWTH", StringComparison.Ordinal))', false],
    ['@(context.Subscription.Id == "core" || context.Subscription.Id == "growth")', true],
    ['@(context.Subscription.Id == "growth" && context.Product.Id == "x")', false],
    ['@(!(context.Subscription.Id == "core" || context.Product.Id == "x"))', true],
    ["@(context.Product == null)", false],
    ["@(context.Subscription != null)", true],
    ["@(context.Product is null)", false],
    ['@(context.Subscription.Id == "core" && context.Request.Method == "GET")', false],
    ['@(context.Request.Method == "GET" && context.Subscription.Id == "core")', false],
    ['@(context.Request.Method == "GET" || context.Subscription.Id == "growth")', true],
    ['@(context.Request.Method == "GET" && context.Subscription.Id == "growth")', "undecided"],
    ['@(context.Request.Headers.GetValueOrDefault("a", "||") == "&&")', "undecided"],
    ['@(context.Subscription.Id == "growth" ? false : true)', false],
    ['@((context.Product?.Id ?? "") == "aoai")', true],
    ['@(context.Subscription.Id.StartsWith("g"))', true],
    ['@(!context.Subscription.Id == "growth")', "undecided"],
    ['@(new [] { "growth" }.Contains(context.Subscription.Id))', true],
    ['@(context.Subscription.Id == "growth" /* || true */)', true],
    ['@{ return context.Subscription.Id == "growth"; }', true],
    ["{{condition}}", true],
    ["{{missing}}", "undecided"],
    ['@(context.Subscription.Id == "{{key}}")', "undecided"],
    ["@({{key}})", "undecided"],
    ["", "undecided"],
    ["yes", "undecided"],
    ['@("true")', "undecided"],
    ["@(1)", "undecided"],
    ["@(tru", "undecided"],
    [`@(${"(".repeat(10_000)}true${")".repeat(10_000)})`, "undecided"],
    // Whatever the call brings along, one of both holds.
    ['@(context.Request.Method == "GET" ? true : true)', true],
    // A call that throws on the right side may have gone past it on the left one.
    ['@(context.Request.Method == "GET" || context.Workspace.Id == "x")', "undecided"],
    ['@(context.Workspace.Id == "x" || context.Request.Method == "GET")', "fails"],
    ['@((string)context.Variables["x"] == "a")', "fails"],
    ['@(int.Parse("x") == 1)', "fails"],
    // What C# does not compile is not run anywhere, and says nothing.
    ['@(context.Variables["x"] == 1)', "fails"],
    ["@(1 / 0 == 1)", "fails"],
  ])("%s", (condition, verdict) => {
    expect(decide(condition, growthOnly, none)).toBe(verdict);
  });

  it.each<[string, Verdict]>([
    ['@(context.Subscription?.Id == "growth")', false],
    ['@(context.Subscription?.Id != "growth")', true],
    ['@(context.Subscription.Id == "growth")', "fails"],
    ['@(!(context.Product.Id == "aoai"))', "fails"],
    ['@(context.Product != null && context.Product.Id == "aoai")', false],
    ["@(context.Product?.Id == null)", true],
    ['@(context.Product?.Id.ToUpper() == "A")', false],
    ['@((context.Product?.Name).ToString() == "A")', "fails"],
    ['@(context.Product?.Id.Equals("a") ?? true)', true],
  ])("without subscription and product: %s", (condition, verdict) => {
    expect(decide(condition, { ...growthOnly, subscription: null, product: null }, none)).toBe(verdict);
  });

  it("leaves an unknown product open", () => {
    const unknown = { ...growthOnly, product: undefined };
    expect(decide('@(context.Product.Id == "aoai")', unknown, none)).toBe("undecided");
    expect(decide('@(context.Product?.Name == "aoai")', unknown, none)).toBe("undecided");
    expect(decide('@(context.Subscription.Id == "growth" || context.Product.Id == "aoai")', unknown, none)).toBe(true);
  });

  it("leaves an unknown API and operation open", () => {
    expect(decide('@(context.Api.Id == "a")', growthOnly, none)).toBe("undecided");
    expect(decide('@(context.Operation.Id == "a")', growthOnly, none)).toBe("undecided");
    expect(decide("@(context.Operation == null)", growthOnly, none)).toBe(false);
  });

  it("asks a workspace's own named values", () => {
    const inWorkspace = policies(
      texts({}, [{ ...namedValue("on", "false"), id: "workspaces/w/namedValues/on" }, namedValue("on", "true")]),
    );
    expect(inWorkspace.decide("{{on}}", growth, none, "workspaces/w/apis/a/policies/policy")).toBe(false);
    expect(inWorkspace.decide("{{on}}", growth, none, "apis/a/policies/policy")).toBe(true);
    expect(inWorkspace.decide("{{on}}", growth, none)).toBe(true);
  });
});
