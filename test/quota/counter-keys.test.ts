import { describe, expect, test } from "vitest";
import { counterChange, countsPerSubscription } from "../../src/quota/counter-keys.ts";
import type { Limit } from "../../src/quota/limits.ts";

const own = "@(context.Subscription.Id)";
const perApi = '@(context.Subscription.Id + "-" + context.Api.Id)';
const random = "@(Guid.NewGuid().ToString())";

const limit = (counterKey: string | null, value: Limit["value"] = 1_000, kind: Limit["kind"] = "tpm"): Limit => ({
  limitId: "global#tpm/1",
  kind,
  value,
  document: "policies/policy",
  line: 1,
  scope: "global",
  counterKey,
  sharedWith: [],
  documentSharedWith: [],
  editable: true,
});

describe("countsPerSubscription", () => {
  test.each<[boolean, string | null]>([
    [true, null],
    [true, own],
    [true, " @( context . Subscription?.Id ) "],
    [true, perApi],
    [true, '@("tpm-" + context.Subscription.Id)'],
    [true, '@(context.Subscription.Id + context.Request.MatchedParameters["deployment-id"])'],
    [false, "all"],
    [false, ""],
    [false, '@("all")'],
    [false, "{{key}}"],
    [false, random],
    [false, "@(context.Subscription.Name)"],
    [false, "@(context.Subscription.Id + Guid.NewGuid())"],
    [false, '@(context.Subscription.Id + context.Request.Headers.GetValueOrDefault("x", ""))'],
    [false, '@(context.Subscription.Id == "a" ? "b" : context.RequestId.ToString())'],
    [false, '@("context.Subscription.Id")'],
    [false, '@(context.Subscription.Id + "a" + Guid.NewGuid() + "b")'],
    [false, `context.Subscription.Id`],
  ])("%s: %s", (expected, key) => expect(countsPerSubscription(key)).toBe(expected));
});

describe("counterChange", () => {
  const changed = (before: string, after: string, perSubscription = false) => ({ before, after, perSubscription });
  test.each<[string, readonly Limit[], readonly Limit[], ReturnType<typeof counterChange>]>([
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
    ["a limit more", [limit(own)], [limit(own), limit("all")], null],
    ["the last one", [limit(own)], [], null],
    ["the one that counts each subscription, of two", [limit(own), limit(random)], [limit(random)], changed(own, random)],
    ["the other of the two", [limit(own), limit(random)], [limit(own)], null],
    ["a limit of another kind", [limit(own), limit(own, 9, "rpm")], [limit(own), limit(random, 9, "rpm")], null],
  ])("%s", (_, before, after, expected) => expect(counterChange(before, after, "tpm")).toEqual(expected));
});
