import { type CallFilter, callQuery } from "./calls.ts";

/** A day by the minute over a few backends. */
const mostPoints = 10_000;

/** Calls by point of time and by the backend that answered last: attempts before that stand in no log of the gateway. */
export const backendShareQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: ["time", "backend"],
    measures: { Requests: "long", Failed: "long" },
    tokens: false,
    steps: (source) => `${source}
| where isnotempty(BackendUrl)
| summarize Requests = count(), Failed = countif(BackendCode == 0 or BackendCode == 429 or BackendCode >= 500) by Time, Backend
| order by Time desc, Requests desc
| take ${mostPoints}`,
  });
