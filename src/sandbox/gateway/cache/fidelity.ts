import { type Fidelity, fidelityRows } from "../../fidelity.ts";

const learn = (page: string): string => `https://learn.microsoft.com/azure/api-management/${page}`;
const lookup = learn("llm-semantic-cache-lookup-policy");
const demo = "a published demo of the AI policies on a live BasicV2 service (Test-NativePolicies.ps1)";

/** How caches are known to work. */
export const cacheFidelity: readonly Fidelity[] = [
  ...fidelityRows("gateway/cache/response-cache", [
    [
      "`cache-lookup` looks at GET alone, and at none with Authorization unless it is told to",
      "documented",
      learn("cache-lookup-policy"),
      "allow-private-response-caching takes requests with authorization (documented)",
    ],
    ["`vary-by-header`", "documented", learn("cache-lookup-policy#elements"), "vary-by-header (documented)"],
    [
      "`vary-by-query-parameter`, several with semicolons",
      "documented",
      learn("cache-lookup-policy#elements"),
      "vary-by-query-parameter: those that are named count, several with semicolons (documented)",
    ],
    [
      "Without a parameter named the whole query counts",
      "assumed",
      "the page does not say",
      "another query where no parameter is named (assumed)",
    ],
    [
      "`vary-by-developer`",
      "documented",
      learn("cache-lookup-policy#attributes"),
      "vary-by-developer: the owner of the subscription (documented)",
    ],
    [
      "`cache-store` stores a 200, or what `cache-response` says",
      "documented",
      learn("cache-store-policy#attributes"),
      "a 200 alone is stored (documented)",
    ],
    [
      "A hit goes on in `<outbound>` behind the policy that stores",
      "assumed",
      "a comment in Microsoft's samples says so",
      "a hit goes on behind the store: what stands before it is in the stored answer (assumed)",
    ],
    [
      "The units of a region share a cache",
      "documented",
      learn("api-management-howto-cache"),
      "the instances of a region share a cache, regions do not (documented)",
    ],
    [
      "`downstream-caching-type` is the answer's Cache-Control",
      "assumed",
      "the page names the meaning, not the header's words",
      "downstream caching of a hit: %s",
    ],
  ]),
  ...fidelityRows("gateway/cache/value-cache", [
    [
      "`cache-lookup-value`: on a miss the variable is not set, or set to the default",
      "documented",
      learn("cache-lookup-value-policy#attributes"),
      "on a miss the variable is not set (documented), or set to default-value (documented)",
    ],
    ["Values keep their types", "assumed", "samples cast them to what was stored", "values keep their types (assumed)"],
  ]),
  ...fidelityRows("gateway/cache/semantic-cache", [
    [
      "A semantic cache hits where the distance is at most `score-threshold`: lower is stricter",
      "documented",
      `${lookup}#attributes`,
      "a higher threshold is looser: what means something else hits, too (documented)",
    ],
    ["The distance is that of cosines", "assumed", "Microsoft publishes no formula", "a distance of %s (cosine, assumed)"],
    [
      "What is near is what the embeddings backend says; the sandbox's own is lexical: near-duplicates, no paraphrases",
      "assumed",
      "the sandbox has no model: its hit rate says nothing about production",
      "what hits at 0.05, by the sandbox's lexical embeddings",
    ],
    [
      "`vary-by` keeps callers apart; several are one combination",
      "documented",
      `${lookup}#elements`,
      "vary-by: subscriptions do not see one another's answers (documented)",
    ],
    [
      "`ignore-system-messages`",
      "documented",
      `${lookup}#attributes`,
      "system messages are part of the prompt, unless ignore-system-messages says otherwise (documented)",
    ],
    [
      "`max-message-count`",
      "documented",
      `${lookup}#attributes`,
      "max-message-count: longer dialogues are neither looked up nor stored (documented)",
    ],
    ["A semantic lookup that fails is a miss without an error", "documented", lookup, "that %s is a miss without an error (documented)"],
    [
      "A semantic hit answers the stored response as it was, and costs no tokens",
      "measured",
      demo,
      "charges no tokens, and the headers say so (measured)",
    ],
    ["A semantic hit emits no token metric", "assumed", "nobody says", "emits no token metric (assumed)"],
    [
      "Streams are neither looked up nor stored",
      "assumed",
      "nobody says how they would be",
      "streams are neither looked up nor stored (assumed)",
    ],
    ["Only successful answers are stored", "assumed", "the page does not say", "an answer that is no 200 is not stored (assumed)"],
  ]),
];
