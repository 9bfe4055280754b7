import * as inheritance from "../../../src/policy/lints/inheritance.ts";
import { applied, policy, testLints, when } from "./kit.ts";

testLints(inheritance, {
  "missing-base": {
    fires: [
      ["an API's inbound", policy({ inbound: "" }), { scope: "api" }],
      ["a scope that is not known", policy({ outbound: "" })],
      ["a product's on-error", policy({ onError: "<trace source='a' />" }), { scope: "product" }],
    ],
    quiet: [
      ["the global policy", policy({ inbound: "" }), { scope: "global" }],
      ["a base in a branch", policy({ inbound: when("@(true)", "<base />") }), { scope: "api" }],
      ["a backend section of one's own", policy({ backend: "<forward-request />" }), { scope: "api" }],
      ["what may be a global policy", policy({ inbound: "", backend: "<forward-request />", outbound: "", onError: "" })],
      ["a section that is not there", "<policies><inbound><base /></inbound></policies>", { scope: "api" }],
    ],
  },
  "global-identity": {
    fires: [["a header", policy({ inbound: '<authentication-managed-identity resource="r" />' }), { scope: "global" }]],
    quiet: [
      ["an API's", policy({ inbound: '<base /><authentication-managed-identity resource="r" />' }), { scope: "api" }],
      [
        "a variable",
        policy({ inbound: '<authentication-managed-identity resource="r" output-token-variable-name="t" />' }),
        { scope: "global" },
      ],
      [
        "another request",
        policy({ inbound: '<send-request mode="copy"><authentication-managed-identity resource="r" /></send-request>' }),
        { scope: "global" },
      ],
    ],
  },
  "url-over-backend": {
    fires: [
      [
        "a broader scope",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("global", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
    ],
    quiet: [
      [
        "a narrower scope",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("operation", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
      [
        "a document that inherits nothing",
        policy({ inbound: '<set-backend-service base-url="https://x" />', backend: "", outbound: "", onError: "" }),
        applied("global", policy({ inbound: '<set-backend-service backend-id="b" />' })),
      ],
      [
        "a URL there, too",
        policy({ inbound: '<base /><set-backend-service base-url="https://x" />' }),
        applied("global", policy({ inbound: '<set-backend-service base-url="https://y" />' })),
      ],
    ],
  },
});
