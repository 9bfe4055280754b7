import { type CallFilter, callQuery } from "./calls.ts";

/**
 * Successful calls by three signs of an answer from the cache, none of which Microsoft documents for a semantic cache: the column `Cache`; that no
 * backend was called; and `semantic-cache=hit|miss` in a trace that the policy writes. `Hits` and `Misses` are by the second.
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
      MissTokens: "long",
      MeteredMisses: "long",
    },
    tokens: true,
    steps: (source) => `${source}
| where CauseOfCall == "succeeded"
| extend Hit = isempty(BackendUrl) and BackendCode == 0, Trace = tostring(TraceRecords)
| summarize Succeeded = count(), ColumnHits = countif(Cache =~ "hit"), ColumnMisses = countif(Cache =~ "miss"), TraceHits = countif(Trace has "semantic-cache=hit"), TraceMisses = countif(Trace has "semantic-cache=miss"), Hits = countif(Hit), Misses = countif(not(Hit)), HitTokens = sumif(Tokens, Hit), MissTokens = sumif(Tokens, not(Hit)), MeteredMisses = countif(not(Hit) and isnotnull(Tokens))`,
  });
