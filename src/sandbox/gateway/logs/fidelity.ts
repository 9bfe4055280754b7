import type { Fidelity } from "../../fidelity.ts";

const file = "test/sandbox/gateway/logs/rows.test.ts";
const tables = "https://learn.microsoft.com/azure/azure-monitor/reference/tables";

/** What is known of the rows that the gateway writes. */
export const logFidelity: readonly Fidelity[] = [
  {
    behaviour: "`ApiManagementGatewayLogs` has one row a request, `ApiManagementGatewayLlmLog` is joined to it by `CorrelationId`",
    evidence: "documented",
    source: `${tables}/apimanagementgatewayllmlog`,
    test: `${file}: has a row in each table, found by its correlation id`,
  },
  {
    behaviour: "Streams have a row of the model's log too, with estimated tokens where they state none",
    evidence: "documented",
    source: "https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy",
    test: `${file}: that streams names its model and counts its tokens too, estimated where the stream does not state them`,
  },
  {
    behaviour: "`OpenAITokenLimitExceeded` is the reason of a call over its token limit, without backend columns",
    evidence: "measured",
    source: "logs of live services, published by users",
    test: `${file}: that the gateway refuses has a row of the gateway's log alone`,
  },
  {
    behaviour: "What a cache answers is a `hit`, and has no row in the model's log",
    evidence: "assumed",
    source: "the column's values are documented; nobody says what the semantic cache writes",
    test: `${file}: that a cache answers is a hit, without a row of a model or a backend`,
  },
  {
    behaviour: "The gateway's log knows the last attempt at a backend; each attempt is a dependency",
    evidence: "sample",
    source: "https://github.com/Azure-Samples/Apim-Samples (inference-failover)",
    test: `${file}: each is a dependency; the gateway's log knows the last alone`,
  },
  {
    behaviour: "`BackendResponseCode` is null where no backend has answered",
    evidence: "assumed",
    source: "null and 0 are both seen in queries",
    test: `${file}: one without an answer has no status`,
  },
  {
    behaviour: "`BackendTime` ends with the head of the backend's answer",
    evidence: "assumed",
    source: "the page names all of the backend's I/O; a stream goes at the pace of its client",
    test: `${file}: take the time until the backend's head is there`,
  },
  {
    behaviour: "A client that has gone is `ClientConnectionFailure`, with the status 0 where there was no answer yet",
    evidence: "assumed",
    source: "the reason is documented, the status is not",
    test: `${file}: a client that has gone`,
  },
  {
    behaviour: "Keys in queries are not written down",
    evidence: "assumed",
    source: "nobody says; a log must not be a way to a key",
    test: `${file}: keys are not written down`,
  },
  {
    behaviour: "Traces below the verbosity of the API's diagnostic, or of the service's, are not in `TraceRecords`",
    evidence: "documented",
    source: "https://learn.microsoft.com/azure/api-management/trace-policy",
    test: `${file}: traces are there from the diagnostic's verbosity on`,
  },
  {
    behaviour: "Members of a record in `TraceRecords`: `source`, `severity`, `message`, `metadata`",
    evidence: "assumed",
    source: "the column is documented, its records are not",
    test: `${file}: metrics and traces of policies`,
  },
  {
    behaviour: "Token metrics are `Total Tokens`, `Prompt Tokens` and `Completion Tokens` with the policy's dimensions",
    evidence: "documented",
    source: "https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy",
    test: `${file}: has a row in each table, found by its correlation id`,
  },
];
