import * as backendCalls from "../../../src/policy/lints/backend-calls.ts";
import { policy, poolOf, retry, testLints, when } from "./kit.ts";

const pool = '<base /><set-backend-service backend-id="Pool" />';

testLints(backendCalls, {
  "stale-pool-reason": {
    fires: [
      [
        "a retry",
        policy({
          backend:
            '<retry condition="@(!context.Response.StatusReason.Contains("Backend pool"))" count="1" interval="1"><forward-request buffer-request-body="true" /></retry>',
        }),
      ],
      ["a branch", policy({ outbound: when('@(context.Response?.StatusReason?.Contains("is temporarily unavailable") == true)', "") })],
      ["with entities", policy({ outbound: when("@(context.Response.StatusReason.Contains(&quot;Backend pool&quot;))", "") })],
    ],
    quiet: [
      ["the code", policy({ backend: retry('count="1"') })],
      ["other words", policy({ outbound: when('@(context.Response.StatusReason.Contains("Backend"))', "") })],
      ["the words elsewhere", policy({ outbound: '<set-variable name="a" value="@("Backend pool")" />' })],
    ],
  },
  "retry-without-buffered-body": {
    fires: [
      ["none", policy({ backend: retry('count="1"', "<forward-request />") })],
      ["false", policy({ backend: retry('count="1"', '<forward-request buffer-request-body="false" />') })],
      ["in a branch", policy({ backend: retry('count="1"', when("@(true)", "<forward-request />")) })],
    ],
    quiet: [
      ["true", policy({ backend: retry('count="1"') })],
      ["a named value", policy({ backend: retry('count="1"', '<forward-request buffer-request-body="{{b}}" />') })],
      ["no retry", policy({ backend: "<forward-request />" })],
    ],
  },
  "retry-beyond-pool": {
    fires: [
      ["too many", policy({ inbound: pool, backend: retry('count="2"') }), poolOf(2)],
      ["a pool of one", policy({ inbound: pool, backend: retry('count="1"') }), poolOf(1)],
    ],
    quiet: [
      ["one less than the pool has", policy({ inbound: pool, backend: retry('count="1"') }), poolOf(2)],
      ["a pool that is not known", policy({ inbound: pool, backend: retry('count="9"') })],
      ["an expression", policy({ inbound: pool, backend: retry('count="@(9)"') }), poolOf(2)],
      [
        "another backend beside it",
        policy({ inbound: `${pool}<set-backend-service backend-id="@(x)" />`, backend: retry('count="9"') }),
        poolOf(2),
      ],
      ["another call", policy({ inbound: `${pool}${retry('count="9"', "<send-request />")}` }), poolOf(2)],
    ],
  },
  "backend-without-forward": {
    fires: [
      ["an empty section", policy({ backend: "" })],
      ["an answer to some calls", policy({ inbound: when("@(true)", "<return-response />"), backend: "" })],
      ["a choice of backend only", policy({ backend: '<set-backend-service backend-id="x" />' })],
    ],
    quiet: [
      ["forwarding in a branch", policy({ backend: when("@(true)", "<forward-request />") })],
      ["what is inherited", policy({})],
      ["a fragment", policy({ backend: '<include-fragment fragment-id="f" />' })],
      ["an answer of the policy's own", policy({ inbound: "<return-response />", backend: "" })],
      ["an answer put together in outbound", policy({ backend: "", outbound: "<set-body>x</set-body>" })],
      ["no section", "<policies><inbound><base /></inbound></policies>"],
    ],
  },
});
