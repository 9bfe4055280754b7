import { type CallFilter, callQuery } from "./calls.ts";

/** More minutes than a week has. */
const mostMinutes = 20_000;

/**
 * Minutes in which the host that otherwise answers most calls of an API has answered none of them, where that would come about by chance less than
 * once in 10,000 minutes: by the share that the host has of the whole window. Hosts, as deployments of one host are asked for by the caller.
 */
export const failoversQuery = (filter: CallFilter) =>
  callQuery(
    { ...filter, interval: "PT1M" },
    {
      groupBy: ["time"],
      measures: { Api: "string", Usual: "string", Others: "dynamic", Requests: "long" },
      tokens: false,
      steps: (source) => `let served = ${source}
| where isnotempty(Host)
| extend Api = ApiId;
let usual = served
| summarize Calls = count() by Api, Host
| summarize All = sum(Calls), arg_max(Calls, Host) by Api
| project Api, Usual = Host, Share = todouble(Calls) / All;
served
| join kind=inner usual on Api
| summarize Requests = count(), Kept = countif(Host == Usual), Others = make_set(Host, 3) by Time, Api, Usual, Share
| where Kept == 0 and pow(1.0 - Share, Requests) < 0.0001
| project Time, Api, Usual, Others, Requests
| order by Time asc, Api asc
| take ${mostMinutes}`,
    },
  );
