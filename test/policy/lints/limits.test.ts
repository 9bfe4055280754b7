import * as limits from "../../../src/policy/lints/limits.ts";
import { applied, policy, rateLimit, testLints, tokenLimit, when } from "./kit.ts";

testLints(limits, {
  "literal-counter-key": {
    fires: [["one", policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"', "openai")}` })]],
    quiet: [
      ["an expression", policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` })],
      ["a name that says so", policy({ inbound: `<base />${rateLimit("GlobalLimit")}` })],
      ["a named value", policy({ inbound: `<base />${rateLimit("{{key}}")}` })],
    ],
  },
  "shared-counter-key": {
    fires: [
      [
        "the same limit at product and API",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: tokenLimit('tokens-per-minute="9"', "@( context.Subscription.Id )") })),
      ],
    ],
    quiet: [
      [
        "another key",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: tokenLimit('tokens-per-minute="9"', "@(context.Api.Id)") })),
      ],
      [
        "another kind of limit",
        policy({ inbound: `<base />${tokenLimit('tokens-per-minute="1"')}` }),
        applied("product", policy({ inbound: rateLimit("@(context.Subscription.Id)") })),
      ],
    ],
  },
  "quota-taken-for-rate-limit": {
    fires: [
      [
        "a test for 429",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429)", "")}`,
        }),
      ],
    ],
    quiet: [
      [
        "a test for both",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429 || context.Response.StatusCode == 403)", "")}`,
        }),
      ],
      [
        "no branch",
        policy({
          inbound: `<base />${tokenLimit('token-quota="9" token-quota-period="Daily"')}`,
          onError: '<base /><set-variable name="throttled" value="@(context.Response.StatusCode == 429)" />',
        }),
      ],
      [
        "no quota",
        policy({
          inbound: `<base />${tokenLimit('tokens-per-minute="9"')}`,
          onError: `<base />${when("@(context.Response.StatusCode == 429)", "")}`,
        }),
      ],
    ],
  },
});
