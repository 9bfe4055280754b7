import type { Grouping } from "../platform-metrics.ts";
import { by, type CallFilter, callQuery } from "./calls.ts";

/** More groups than rows are ever shown for. */
const mostGroups = 2000;

/**
 * Tokens per minute, minutes without any counted as 0: for each group in each region of the gateway, where limits count
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy), and in all regions together (`Place` is empty). A minute is a minute from the window's start on.
 */
export const tpmQuery = (filter: CallFilter, groupBy: readonly Grouping[]) =>
  callQuery(filter, {
    groupBy,
    measures: { Place: "string", Peak: "long", P95: "long", Average: "real" },
    tokens: true,
    steps: (source, groups) => `${source}
| where Tokens > 0
| extend Places = pack_array("", Region)
| mv-expand Place = Places to typeof(string)
| make-series Tpm = sum(Tokens) default = 0 on TimeGenerated from since to until step 1m${by([...groups, "Place"])}
| mv-expand Tpm to typeof(long)
| summarize Peak = max(Tpm), P95 = percentile(Tpm, 95), Average = avg(Tpm)${by([...groups, "Place"])}
| order by Peak desc
| take ${mostGroups}`,
  });
