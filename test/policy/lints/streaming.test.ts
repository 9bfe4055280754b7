import * as streaming from "../../../src/policy/lints/streaming.ts";
import { cached, lookup, policy, store, testLints, when } from "./kit.ts";

const streamed = '<forward-request buffer-response="false" />';

testLints(streaming, {
  "cache-with-streaming": {
    fires: [["a store", policy({ backend: streamed, outbound: `<base />${store}` })]],
    quiet: [
      ["streaming for some calls", policy({ backend: when("@(true)", streamed), outbound: `<base />${store}` })],
      ["a store for some calls", policy({ backend: streamed, outbound: when("@(true)", store) })],
      ["no streaming", cached(lookup("0.05"))],
    ],
  },
  "body-with-streaming": {
    fires: [
      ["validation", policy({ backend: streamed, outbound: '<validate-content max-size="1" size-exceeded-action="ignore" />' })],
      [
        "an expression",
        policy({
          backend: streamed,
          outbound: `<set-variable name="a" value="@(context.Response.Body.As<string>(preserveContent: true))" />`,
        }),
      ],
      ["a body of one's own", policy({ backend: streamed, outbound: "<set-body>@(context.Response.Body.As<string>())</set-body>" })],
      [
        "the condition of a retry",
        policy({
          backend: `<retry condition="@(context.Response.Body.As<string>(true) == "")" count="1" interval="1">${streamed}</retry>`,
        }),
      ],
    ],
    quiet: [
      ["the body of a failure", policy({ backend: streamed, outbound: when("@(a)", "<set-body>x</set-body>") })],
      [
        "a test of the status first",
        policy({
          backend: streamed,
          outbound: '<set-variable name="a" value="@(context.Response.StatusCode > 399 ? context.Response.Body.As<string>() : "")" />',
        }),
      ],
      ["no streaming", policy({ outbound: "<set-body>x</set-body>" })],
      ["a request's body", policy({ backend: streamed, inbound: "<base /><set-body>x</set-body>" })],
    ],
  },
});
