import { describe, expect, it } from "vitest";
import { decide, type Verdict } from "../../src/quota/condition.ts";

describe("decide", () => {
  const facts = { subscriptionId: "growth", productId: "aoai" };

  it.each<[string, Verdict]>([
    ["true", true],
    ["False", false],
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
    ['@(context.Subscription.Id == "core" && context.Request.Method == "GET")', false],
    ['@(context.Request.Method == "GET" && context.Subscription.Id == "core")', false],
    ['@(context.Request.Method == "GET" || context.Subscription.Id == "growth")', true],
    ['@(context.Request.Method == "GET" && context.Subscription.Id == "growth")', "undecided"],
    ['@(context.Request.Headers.GetValueOrDefault("a", "||") == "&&")', "undecided"],
    ['@(context.Subscription.Id == "growth" ? false : true)', "undecided"],
    ['@((context.Product?.Id ?? "") == "aoai")', "undecided"],
    ['@(context.Subscription.Id.StartsWith("g"))', "undecided"],
    ['@(!context.Subscription.Id == "growth")', "undecided"],
    ['@(new [] { "growth" }.Contains(context.Subscription.Id))', "undecided"],
    ['@(context.Subscription.Id == "growth" /* || true */)', "undecided"],
    ['@{ return context.Subscription.Id == "growth"; }', "undecided"],
    ["{{condition}}", "undecided"],
    ["", "undecided"],
    [`@(${"(".repeat(10_000)}true${")".repeat(10_000)})`, "undecided"],
  ])("%s", (condition, verdict) => {
    expect(decide(condition, facts)).toBe(verdict);
  });

  it.each<[string, Verdict]>([
    ['@(context.Subscription?.Id == "growth")', false],
    ['@(context.Subscription?.Id != "growth")', true],
    ['@(context.Subscription.Id == "growth")', "fails"],
    ['@(!(context.Product.Id == "aoai"))', "fails"],
    ['@(context.Product != null && context.Product.Id == "aoai")', false],
    ["@(context.Product?.Id == null)", true],
  ])("without subscription and product: %s", (condition, verdict) => {
    expect(decide(condition, { subscriptionId: null, productId: null })).toBe(verdict);
  });

  it("leaves an unknown product open", () => {
    const unknown = { subscriptionId: "growth", productId: undefined };
    expect(decide('@(context.Product.Id == "aoai")', unknown)).toBe("undecided");
    expect(decide('@(context.Subscription.Id == "growth" || context.Product.Id == "aoai")', unknown)).toBe(true);
  });
});
