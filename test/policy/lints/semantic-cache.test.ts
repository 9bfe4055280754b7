import * as semanticCache from "../../../src/policy/lints/semantic-cache.ts";
import { applied, cached, lookup, policy, rateLimit, store, testLints, tokenLimit, when } from "./kit.ts";

testLints(semanticCache, {
  "loose-cache-threshold": {
    fires: [
      ["a distance that mismatches", cached(lookup("0.3"))],
      ["a similarity", cached(lookup("0.95"))],
      ["one in a named value", cached(lookup("{{threshold}}")), { namedValues: new Map([["threshold", "0.8"]]) }],
      ["the older name", cached(lookup("0.8").replaceAll("llm-", "azure-openai-"))],
    ],
    quiet: [
      ["a strict one", cached(lookup("0.05"))],
      ["the largest that is advised", cached(lookup("0.2"))],
      ["a named value that is not known", cached(lookup("{{threshold}}"))],
      ["what is no number", cached(lookup("high"))],
    ],
  },
  "cache-without-vary-by": {
    fires: [["none", cached(lookup("0.05", ""))]],
    quiet: [["one", cached(lookup("0.05"))]],
  },
  "cache-lookup-without-store": {
    fires: [
      ["semantic", cached(lookup("0.05"), "<base />")],
      ["plain", cached('<cache-lookup vary-by-developer="true" vary-by-developer-groups="true" />', `<base />${store}`)],
    ],
    quiet: [
      ["a store", cached(lookup("0.05"))],
      ["a fragment that may store", cached(lookup("0.05"), '<include-fragment fragment-id="f" />')],
      ["a store in another document", cached(lookup("0.05"), "<base />"), applied("product", policy({ outbound: store }))],
      ["a fragment", `<fragment>${lookup("0.05")}</fragment>`],
    ],
  },
  "cache-store-without-lookup": {
    fires: [["semantic", cached("")]],
    quiet: [
      ["a lookup", cached(lookup("0.05"))],
      ["a fragment", `<fragment>${store}</fragment>`],
    ],
  },
  "no-limit-after-cache-lookup": {
    fires: [
      ["none", cached(lookup("0.05"))],
      ["one before it", cached(rateLimit("@(context.Subscription.Id)") + lookup("0.05"))],
    ],
    quiet: [
      ["a rate limit", cached(lookup("0.05") + rateLimit("@(context.Subscription.Id)"))],
      ["a token limit in a branch", cached(lookup("0.05") + when("@(true)", tokenLimit('tokens-per-minute="1"')))],
      ["what is inherited behind it", policy({ inbound: `${lookup("0.05")}<base />` })],
    ],
  },
});
