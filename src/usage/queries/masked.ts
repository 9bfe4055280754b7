import { type CallFilter, callQuery } from "./calls.ts";

/** Of calls whose backend failed and whose caller was told of no error, rows that differ in any of this. */
const mostRows = 100;

/**
 * Calls that a backend answered with an error, 4xx or 5xx, and the gateway with none, as a policy has put another answer in its place: by backend,
 * subscription, API and status codes, the most frequent first.
 */
export const maskedQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: ["cause", "backend", "subscription"],
    measures: {
      Status: "int",
      BackendStatus: "int",
      Api: "string",
      Requests: "long",
      First: "datetime",
      Last: "datetime",
      Examples: "dynamic",
    },
    tokens: false,
    steps: (source, groups) => `${source}
| where CauseOfCall == "succeeded" and BackendCode >= 400
| extend Status = toint(Code), BackendStatus = toint(BackendCode), Api = tostring(ApiId)
| summarize Requests = count(), First = min(TimeGenerated), Last = max(TimeGenerated), Examples = make_set(CorrelationId, 3) by ${groups.join(", ")}, Status, BackendStatus, Api
| order by Requests desc, First asc
| take ${mostRows}`,
  });
