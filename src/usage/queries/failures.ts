import { type CallFilter, callQuery } from "./calls.ts";

/** Of calls that did not succeed, rows that differ in any of this. */
const mostRows = 500;

/**
 * Calls that did not succeed, by cause, backend, subscription, API, status codes and what the gateway says of the error: how many, from when to when,
 * a message, a path and up to three correlation ids of each, the most frequent first.
 */
export const failuresQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: ["cause", "backend", "subscription"],
    measures: {
      Status: "int",
      BackendStatus: "int",
      Reason: "string",
      Source: "string",
      Api: "string",
      Requests: "long",
      First: "datetime",
      Last: "datetime",
      Message: "string",
      Path: "string",
      Examples: "dynamic",
    },
    tokens: false,
    steps: (source, groups) => `${source}
| where CauseOfCall != "succeeded"
| extend Status = toint(Code), BackendStatus = toint(BackendCode), Reason = tostring(LastErrorReason), Source = tostring(LastErrorSource), Api = tostring(ApiId)
| summarize Requests = count(), First = min(TimeGenerated), Last = max(TimeGenerated), Message = take_anyif(LastErrorMessage, isnotempty(LastErrorMessage)), Path = take_any(tostring(parse_url(Url).Path)), Examples = make_set(CorrelationId, 3) by ${groups.join(", ")}, Status, BackendStatus, Reason, Source, Api
| order by Requests desc, First asc
| take ${mostRows}`,
  });
