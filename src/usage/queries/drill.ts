import { type CallFilter, callQuery } from "./calls.ts";
import { datetimeLiteral } from "./literals.ts";

/** The parts of a drill's time: before it, its beginning while gateways follow, the rest of it, and after it. */
export type DrillPart = "before" | "starting" | "during" | "after";

/** Where each part but the first begins. */
interface DrillTimes {
  readonly from: Date;
  readonly begun: Date;
  readonly end: Date;
}

/** A minute's calls of a few backends in an hour's drill, before and after it. */
const mostPoints = 10_000;

/**
 * Calls by part, point of time and the backend that answered last, `none` for those that no backend has answered. Failed: with an error of a
 * backend, or for want of one; what the gateway itself has refused (limits, quotas) and callers who went away are no failures.
 */
export const drillQuery = (filter: CallFilter, { from, begun, end }: DrillTimes) =>
  callQuery(filter, {
    groupBy: ["time", "backend"],
    measures: { Part: "string", Requests: "long", Failed: "long" },
    tokens: false,
    steps: (source) => `${source}
| extend Part = case(TimeGenerated < ${datetimeLiteral(from)}, "before", TimeGenerated >= ${datetimeLiteral(end)}, "after", TimeGenerated < ${datetimeLiteral(begun)}, "starting", "during")
| summarize Requests = count(), Failed = countif(CauseOfCall != "error:client" and (BackendCode == 429 or BackendCode >= 500 or CauseOfCall startswith "error:")) by Time, Backend, Part
| order by Time desc, Requests desc
| take ${mostPoints}`,
  });
