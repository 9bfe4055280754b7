import { type CallFilter, callQuery } from "./calls.ts";

/** Of pools whose members share few calls nearly every minute is one of these. */
const mostMinutes = 20_000;

/**
 * Minutes in which the host that answers most calls of an API in most minutes has answered none. `Share`: of a minute's calls it has so much in the
 * mean of the window, however many calls a minute has. Hosts, as the deployments of one host are asked for by the caller.
 */
export const failoversQuery = (filter: CallFilter) =>
  callQuery(
    { ...filter, interval: "PT1M" },
    {
      groupBy: ["time"],
      measures: { Api: "string", Usual: "string", Share: "real", Others: "dynamic", Requests: "long" },
      tokens: false,
      steps: (source) => `let served = ${source}
| where isnotempty(Host)
| extend Api = ApiId;
let usual = served
| summarize Calls = count() by Api, Time, Host
| summarize arg_max(Calls, Host) by Api, Time
| summarize Led = count() by Api, Host
| summarize arg_max(Led, Host) by Api
| project Api, Usual = Host;
let minutes = served
| join kind=inner usual on Api
| summarize Requests = count(), Kept = countif(Host == Usual), Others = make_set(Host, 3) by Time, Api, Usual;
let shares = minutes
| summarize Share = avg(todouble(Kept) / Requests) by Api;
minutes
| where Kept == 0
| join kind=inner shares on Api
| project Time, Api, Usual, Share, Others, Requests
| order by Time desc, Api asc
| take ${mostMinutes}`,
    },
  );
