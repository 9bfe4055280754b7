import { type CallFilter, callQuery } from "./calls.ts";

/**
 * Successful calls by three signs of an answer from the cache, none of which Microsoft documents for a semantic cache: the column `Cache`; that no
 * backend was called; and `semantic-cache=hit|miss` in a trace that the policy writes. `Hits` and `Misses` are by the second.
 *
 * `Saved`: what the hits would have taken, each as much as the mean of the calls to a backend of the same subscription and API within the same
 * hour: a mean of all would take one team's long prompts for another's short ones. `Estimated`: the hits that there are such calls for.
 */
export const cacheQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: [],
    measures: {
      Succeeded: "long",
      ColumnHits: "long",
      ColumnMisses: "long",
      TraceHits: "long",
      TraceMisses: "long",
      Hits: "long",
      Misses: "long",
      HitTokens: "long",
      Saved: "real",
      Estimated: "long",
    },
    tokens: true,
    steps: (source) => `${source}
| where CauseOfCall == "succeeded"
| extend Hit = isempty(BackendUrl) and BackendCode == 0, Trace = tostring(TraceRecords)
| summarize Succeeded = count(), ColumnHits = countif(Cache =~ "hit"), ColumnMisses = countif(Cache =~ "miss"), TraceHits = countif(Trace has "semantic-cache=hit"), TraceMisses = countif(Trace has "semantic-cache=miss"), Hits = countif(Hit), Misses = countif(not(Hit)), HitTokens = sumif(Tokens, Hit), MissTokens = sumif(Tokens, not(Hit)), Metered = countif(not(Hit) and isnotnull(Tokens)) by ApimSubscriptionId, ApiId, Hour = bin(TimeGenerated, 1h)
| extend Estimable = iff(Metered > 0, Hits, 0), PerCall = iff(Metered > 0, todouble(MissTokens) / Metered, 0.0)
| summarize Succeeded = sum(Succeeded), ColumnHits = sum(ColumnHits), ColumnMisses = sum(ColumnMisses), TraceHits = sum(TraceHits), TraceMisses = sum(TraceMisses), Hits = sum(Hits), Misses = sum(Misses), HitTokens = sum(HitTokens), Saved = sum(Estimable * PerCall), Estimated = sum(Estimable)`,
  });
