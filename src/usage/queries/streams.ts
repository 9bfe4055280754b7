import { type CallFilter, callQuery, modelLogUntil } from "./calls.ts";
import { datetimeLiteral, textLiteral } from "./literals.ts";

/** Of successful calls that the model's log knows: how many there are, and how many of them were streamed. */
export const streamsQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: [],
    measures: { Answers: "long", Streamed: "long" },
    tokens: false,
    steps: (source) => `let streams = ApiManagementGatewayLlmLog
| where TimeGenerated >= since and TimeGenerated < ${datetimeLiteral(modelLogUntil(filter.window.until))} and _ResourceId =~ ${textLiteral(filter.resourceId)}
| summarize Parts = countif(IsStreamCompletion) by CorrelationId;
${source}
| where CauseOfCall == "succeeded"
| join kind=inner streams on CorrelationId
| summarize Answers = count(), Streamed = countif(Parts > 0)`,
  });
