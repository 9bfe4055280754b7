import { describe, expect, test } from "vitest";
import { loadGrammar } from "../../src/grammar.ts";
import { counterChange } from "../../src/quota/counter-keys.ts";
import type { Limit } from "../../src/quota/limit.ts";
import { teamLimits } from "../../src/quota/limits.ts";
import { gateway, tokenLimit } from "./gateway-under-test.ts";

const csharp = await loadGrammar();

const own = "@(context.Subscription.Id)";
const perApi = '@(context.Subscription.Id + "-" + context.Api.Id)';
const random = "@(Guid.NewGuid().ToString())";

type Counted = Parameters<typeof counterChange>[0][number];

const limit = (counterKey: string | null, value: number | "unknown" = 1_000, kind: Counted["kind"] = "tpm"): Counted => ({
  kind,
  amount: value === "unknown" ? { status: "unknown", why: "" } : { status: "value", value },
  counterKey,
  ...(counterKey === null || counterKey === own || counterKey === perApi ? { perSubscription: true } : {}),
});

/** A gateway of which the product's policy counts by this key. */
const counting = (key: string, before = ""): Limit | undefined =>
  teamLimits(
    gateway({
      teams: { growth: "aoai" },
      inbound: { "product:aoai": `${before}\n${tokenLimit(5, key)}` },
      namedValues: { key: own, constant: "all" },
    }),
    csharp,
  )[0]?.limits[0];

describe("perSubscription", () => {
  const fromVariable = '@((string)context.Variables["k"])';

  test.each<[boolean, string, string?]>([
    [true, own],
    [true, " @( context . Subscription?.Id ) "],
    [true, perApi],
    [true, '@("tpm-" + context.Subscription.Id)'],
    [true, '@($"{context.Subscription.Id}/{context.Product.Name}")'],
    [true, "@(string.Concat(context.Subscription.Id, context.Operation.Id))"],
    [true, '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])'],
    [true, "{{key}}"],
    [true, fromVariable, '<set-variable name="k" value="@(context.Subscription.Id)" />'],
    [
      true,
      fromVariable,
      '<choose><when condition="@(context.Subscription.Id == "x")"><set-variable name="k" value="x" /></when><otherwise><set-variable name="k" value="@(context.Subscription.Id)" /></otherwise></choose>',
    ],
    [false, fromVariable, '<set-variable name="k" value="growth" />'],
    [false, "all"],
    [false, ""],
    [false, '@("all")'],
    [false, "{{constant}}"],
    [false, "{{gone}}"],
    [false, random],
    [false, "@(context.Subscription.Name)"],
    [false, "@(context.Subscription.Id.Substring(0, 1))"],
    [false, "@(context.Subscription.Id + Guid.NewGuid())"],
    [false, '@(context.Subscription.Id + context.Request.Headers.GetValueOrDefault("x", ""))'],
    [false, '@(context.Subscription.Id == "growth" ? "growth" : "others")'],
    [false, '@(context.Subscription.Id == "a" ? "b" : context.RequestId.ToString())'],
    [false, '@("context.Subscription.Id")'],
    [false, '@(context.Subscription.Id + "a" + Guid.NewGuid() + "b")'],
    [false, "context.Subscription.Id"],
  ])("%s: %s", (expected, key, before) => expect(counting(key, before)?.perSubscription === true).toBe(expected));
});

describe("counterChange", () => {
  const changed = (before: string, after: string, perSubscription = false) => ({ before, after, perSubscription });
  test.each<[string, readonly Counted[], readonly Counted[], ReturnType<typeof counterChange>]>([
    ["nothing", [limit(random)], [limit(random)], null],
    ["a number", [limit("all")], [limit("all", 5)], null],
    ["a key", [limit(own)], [limit(random)], changed(own, random)],
    ["a key, back", [limit(random)], [limit(own)], changed(random, own)],
    ["a constant key for another", [limit("all")], [limit("each")], changed("all", "each")],
    ["a key that counts alike", [limit(own)], [limit(perApi)], changed(own, perApi, true)],
    ["the element's own counter", [limit(null)], [limit("all")], changed("each subscription", "all")],
    ["the key of one of two limits", [limit(own), limit(own)], [limit(own), limit(random)], changed(own, random)],
    ["a number that moves to another key", [limit(own)], [limit(own, 9e9), limit(random)], changed(own, `${own} and ${random}`)],
    ["the key of a limit whose number is not known", [limit(own, "unknown")], [limit("all", "unknown")], changed(own, "all")],
    ["what a key comes to", [limit(own)], [{ kind: "tpm", amount: { status: "value", value: 1_000 }, counterKey: own }], changed(own, own)],
    ["a limit more", [limit(own)], [limit(own), limit("all")], null],
    ["the last one", [limit(own)], [], null],
    ["the one that counts each subscription, of two", [limit(own), limit(random)], [limit(random)], changed(own, random)],
    ["the other of the two", [limit(own), limit(random)], [limit(own)], null],
    ["a limit of another kind", [limit(own), limit(own, 9, "rpm")], [limit(own), limit(random, 9, "rpm")], null],
  ])("%s", (_, before, after, expected) => expect(counterChange(before, after, "tpm")).toEqual(expected));
});
