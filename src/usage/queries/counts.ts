import { shadowCause } from "../../gateway/shadow.ts";
import type { Grouping } from "../platform-metrics.ts";
import { by, type CallFilter, callQuery } from "./calls.ts";
import { textLiteral } from "./literals.ts";
import type { LogsQuery } from "./query.ts";

const sumMeasures = { Requests: "long", Shadowed: "long", Prompt: "long", Completion: "long", Tokens: "long", Metered: "long" } as const;
const sums =
  "Requests = count(), Shadowed = countif(ShadowOfCall), Prompt = sum(Prompt), Completion = sum(Completion), Tokens = sum(Tokens), Metered = countif(isnotnull(Tokens))";

/** All calls by how they ended: a row for each cause, with up to three calls of it. `Metered`: calls whose tokens were logged; `Shadowed`: those that a shadow limit would have refused. */
export const endingsQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: ["cause"],
    measures: { ...sumMeasures, Examples: "dynamic" },
    tokens: true,
    steps: (source, groups) =>
      `${source}\n| summarize ${sums}, Examples = make_set(CorrelationId, 3)${by(groups)}\n| order by Requests desc, Cause asc`,
  });

const rowMeasures = {
  ...sumMeasures,
  Succeeded: "long",
  Throttled: "long",
  Rejected: "long",
  Errors: "long",
  Examples: "dynamic",
  Groups: "long",
} as const;

/** A call that a shadow limit would have refused stands under that cause, too. */
const underBothCauses = `
| extend Causes = iff(ShadowOfCall, pack_array(CauseOfCall, ${textLiteral(shadowCause)}), pack_array(CauseOfCall))
| mv-expand Shown = Causes to typeof(string)
| extend CauseOfCall = Shown, Cause = Shown`;

/**
 * Calls in groups: the newest where they are grouped by time, else those with most requests, at most `limit` of them; `Groups` counts all. By cause
 * there are groups of `shadowCause` besides, whose calls stand in other groups too.
 */
export const rowsQuery = (filter: CallFilter, groupBy: readonly Grouping[], limit: number): LogsQuery<typeof rowMeasures> =>
  callQuery(filter, {
    groupBy,
    measures: rowMeasures,
    tokens: true,
    steps: (source, groups) => `let groups = ${source}${groupBy.includes("cause") ? underBothCauses : ""}
| summarize ${sums}, Succeeded = countif(CauseOfCall == "succeeded"), Rejected = countif(CauseOfCall startswith "rejected:"), Errors = countif(CauseOfCall startswith "error:"), Examples = make_set_if(CorrelationId, CauseOfCall != "succeeded", 3)${by(groups)}
| extend Throttled = Requests - Succeeded - Rejected - Errors;
let found = toscalar(groups | count);
groups
| order by ${groupBy.includes("time") ? "Time desc, " : ""}Requests desc${groups.map((group) => `, ${group} asc`).join("")}
| take ${Math.trunc(limit)}
| extend Groups = found`,
  });
