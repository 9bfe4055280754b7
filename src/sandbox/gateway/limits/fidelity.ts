import { type Fidelity, fidelityRows } from "../../fidelity.ts";

const learn = (page: string): string => `https://learn.microsoft.com/azure/api-management/${page}`;
const tokenLimit = learn("llm-token-limit-policy");
const golden = "https://github.com/LazaUK/AOAI-APIM-AIGateway (a live service, TPM 100)";
const demo = "a published demo of the AI policies on a live BasicV2 service (Test-NativePolicies.ps1)";
const answers = "answers of live services, published by users";

/** How limits and the metrics of what was used are known to work. */
export const limitFidelity: readonly Fidelity[] = [
  ...fidelityRows("gateway/limits/call-rate", [
    ["429 of a call rate: its words, and Retry-After", "measured", answers, "and says how long the next has to wait (measured words)"],
    [
      "Call rates slide a window in classic tiers and fill a bucket in v2 tiers",
      "documented",
      learn("rate-limit-by-key-policy#usage-notes"),
      "%s: a window that slides, or a bucket that fills (documented)",
    ],
    [
      "Headers and variables of a call rate, where they are named",
      "documented",
      learn("rate-limit-by-key-policy#attributes"),
      "headers: %s",
    ],
    [
      "`increment-condition` may look at the response",
      "documented",
      learn("rate-limit-by-key-policy#attributes"),
      "increment-condition on the response: only those calls count (documented)",
    ],
    ["`increment-count`", "documented", learn("rate-limit-by-key-policy#attributes"), "increment-count: a call counts for so many"],
    [
      "A call rate counts a call once under a key, at however many scopes it stands",
      "assumed",
      "documented of quota-by-key; of rates only that there is one counter",
      "one counter for a key at all scopes; a call counts in it once (documented of quotas)",
    ],
    [
      "Every gateway instance counts calls by itself",
      "documented",
      learn("rate-limit-by-key-policy"),
      "every instance counts by itself (documented)",
    ],
    [
      "`rate-limit` counts each subscription, and nothing without one",
      "documented",
      learn("rate-limit-policy#usage-notes"),
      "does not apply to calls without a subscription (documented)",
    ],
    [
      "`rate-limit` has limits of their own for APIs and operations; an id comes before a name",
      "documented",
      learn("rate-limit-policy#elements"),
      "a limit of its own for %s (documented)",
    ],
    [
      "Calls that come together are judged one after the other",
      "assumed",
      "the service is documented to be approximate; the sandbox is exact",
      "of many calls that come together so many pass",
    ],
  ]),
  ...fidelityRows("gateway/limits/call-quota", [
    [
      "403 of a call quota: its words",
      "measured",
      answers,
      "403 with the time until the window is over, and a new count behind it (measured words)",
    ],
    ["The wait of a long quota has days in front", "measured", answers, "days stand in front of the hours, as measured"],
    [
      "`first-period-start` begins the windows of `quota-by-key`",
      "documented",
      learn("quota-by-key-policy#attributes"),
      "first-period-start: windows are counted from there (documented)",
    ],
    [
      "A renewal period of 0 never ends",
      "documented",
      learn("quota-by-key-policy#attributes"),
      "a renewal-period of 0 is for ever, and no wait is named (documented)",
    ],
    [
      "Several quotas with one key count a call once",
      "documented",
      learn("quota-by-key-policy"),
      "several policies with one key count a call once (documented)",
    ],
    [
      "One key of a quota has a counter for each length of a period",
      "assumed",
      "a count cannot be one of an hour and of a day",
      "several periods of one key are counted apart (assumed)",
    ],
    [
      "Windows of `quota` begin with the subscription",
      "documented",
      learn("quota-policy#attributes"),
      "per subscription, in windows that begin with the subscription (documented)",
    ],
    [
      "Bandwidth is what bodies weigh in both directions, in units of 1024 bytes",
      "assumed",
      "the page says kilobytes and no more",
      "bandwidth: what bodies weigh, in both directions; 1 KB is 1024 bytes (assumed)",
    ],
    [
      "`quota` has quotas of their own for APIs and operations",
      "documented",
      learn("quota-policy#elements"),
      "APIs and operations have quotas of their own (documented)",
    ],
  ]),
  ...fidelityRows("gateway/limits/token-limit", [
    [
      "Tokens a minute in classic tiers: a window that slides, charged when the answer is complete",
      "measured",
      golden,
      "a classic tier's window slides: 41, 0, two refusals, 0 (measured at TPM 100, within a second)",
    ],
    [
      "Tokens a minute in v2 tiers: a bucket of the limit that goes below zero and is paid off",
      "measured",
      `${demo}; that the bucket holds exactly the limit is inferred`,
      "a v2 tier's bucket goes below zero and is paid off: 38, 0, 429 with 41 seconds (measured at TPM 300)",
    ],
    [
      "429 of a token limit: body, Retry-After, `context.LastError`",
      "measured",
      golden,
      "429: body, Retry-After and context.LastError (measured)",
    ],
    ["403 of a token quota: its words", "measured", answers, "403 with the time until the period is over (measured)"],
    [
      "A token quota that is exactly used up does not refuse",
      "measured",
      answers,
      "a quota that is exactly used up does not refuse, one that is exceeded does (measured)",
    ],
    ["Periods of token quotas end in UTC", "documented", tokenLimit, "%s: ends in UTC (documented), and counts anew"],
    ["A week begins on Monday", "assumed", "the page does not say", "%s: ends in UTC (documented), and counts anew"],
    [
      "The call that goes over the limit is answered, the next ones are not",
      "documented",
      `${tokenLimit}#attributes`,
      "the call that goes over the limit is answered, the next ones are not (documented)",
    ],
    [
      "`estimate-prompt-tokens`: what does not fit reaches no backend",
      "documented",
      `${tokenLimit}#attributes`,
      "estimate-prompt-tokens: a prompt that does not fit reaches no backend (documented)",
    ],
    [
      "Streamed prompts are always estimated",
      "documented",
      `${tokenLimit}#usage-notes`,
      "streamed prompts are always estimated (documented)",
    ],
    [
      "An estimate is held while the model works and made right by its answer",
      "assumed",
      "the page does not say when an estimate is counted",
      "an estimate is held while the model works, and made right by its answer (assumed)",
    ],
    [
      "A stream costs the usage that it states, else an estimate at four characters a token",
      "assumed",
      "the service counts with the model's tokenizer",
      "a stream costs %s",
    ],
    [
      "`tokens-consumed-variable-name` holds the estimate, then what was used",
      "documented",
      `${tokenLimit}#attributes`,
      "what was consumed stands in its header, and in its variable before and behind the backend (documented)",
    ],
    [
      "`llm-` and `azure-openai-token-limit` count together under one key",
      "assumed",
      "the pages say one counter for a key",
      "keys are counted apart, llm- and azure-openai-token-limit together (assumed)",
    ],
    [
      "A token limit counts a call once under a key",
      "assumed",
      "documented of quota-by-key alone",
      "two policies with one key count a call once (assumed)",
    ],
    [
      "The rate of a policy is judged before its quota",
      "assumed",
      "the page does not say",
      "a rate and a quota in one policy: the rate is judged first (assumed)",
    ],
    ["Every gateway instance counts tokens by itself", "documented", tokenLimit, "every instance counts by itself (documented)"],
  ]),
  ...fidelityRows("gateway/limits/concurrency", [
    [
      "`limit-concurrency`: so many at once, 429 for the next, a key that policies share",
      "documented",
      learn("limit-concurrency-policy"),
      "so many at once, the next is refused at once, and whoever has finished makes room (documented)",
    ],
  ]),
  ...fidelityRows("gateway/limits/metrics", [
    [
      "Token metrics: one record with the usage that the model states",
      "documented",
      learn("llm-emit-token-metric-policy#usage-notes"),
      "%s: one record with the usage that the model states (documented)",
    ],
    [
      "Dimensions that need no value",
      "documented",
      learn("llm-emit-token-metric-policy"),
      "the dimensions that need no value (documented), and those that have one",
    ],
    [
      "Token metrics of a stream without usage are estimated",
      "documented",
      learn("llm-emit-token-metric-policy#usage-notes"),
      "a stream without usage is estimated (documented), and says so",
    ],
    [
      "Token metrics of a retry are those of its last answer",
      "assumed",
      "the page does not say",
      "a retry is charged for its last answer alone (assumed)",
    ],
    [
      "`emit-metric` counts 1 unless it is given a value",
      "documented",
      learn("emit-metric-policy"),
      "a value of 1 unless one is given (documented)",
    ],
  ]),
  ...fidelityRows("traffic/limits", [
    [
      "The token limit as the openai client sees it",
      "measured",
      golden,
      "TPM 100 on a classic tier, calls of 59 and 55 tokens every 15 s: 41, 0, 429, 429, 0 (measured, within a second)",
    ],
  ]),
];
