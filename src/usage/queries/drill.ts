import { type CallFilter, callQuery } from "./calls.ts";
import { datetimeLiteral } from "./literals.ts";

/**
 * The parts of a drill's time: before it, its beginning while gateways follow, the rest of it, calls that arrived in it and were answered behind
 * its end, and after it.
 */
export type DrillPart = "before" | "starting" | "during" | "ending" | "after";

/** Where each part but the first begins. */
interface DrillTimes {
  readonly from: Date;
  readonly begun: Date;
  readonly end: Date;
}

/** Below 500, what a backend says of itself. */
const failing = [401, 403, 404, 408, 429].map((status) => `BackendCode == ${status}`).join(" or ");

/** A minute's calls of a few backends in an hour's drill, before and after it. */
const mostPoints = 10_000;

/**
 * Calls by part, point of time, the backend that answered last (`none` for those that no backend has answered), and `Refused`: the status by
 * which a backend refused what the caller had sent, 0 for every other call. Failed: with an error of a backend, or for want of one; what the
 * gateway itself has refused (limits, quotas) and callers who went away are no failures. Assumed: 401, 403, 404 and 408 of a backend are for how
 * it is set up, and failures; any other 4xx but 429 may be for what the caller sends.
 *
 * `TimeGenerated` is when a call arrived, and a policy may take its time before it chooses a backend: what was not over at the drill's end may
 * have chosen behind it.
 */
export const drillQuery = (filter: CallFilter, { from, begun, end }: DrillTimes) =>
  callQuery(filter, {
    groupBy: ["time", "backend"],
    measures: { Part: "string", Refused: "long", Requests: "long", Failed: "long" },
    tokens: false,
    steps: (source) => `${source}
| extend Part = case(TimeGenerated < ${datetimeLiteral(from)}, "before", TimeGenerated >= ${datetimeLiteral(end)}, "after", TimeGenerated < ${datetimeLiteral(begun)}, "starting", TimeGenerated + coalesce(TotalTime, 0) * 1ms >= ${datetimeLiteral(end)}, "ending", "during")
| extend IsFailure = CauseOfCall != "error:client" and (BackendCode >= 500 or ${failing} or CauseOfCall startswith "error:")
| extend Refused = iff(IsFailure or CauseOfCall == "error:client" or BackendCode < 400, 0, BackendCode)
| summarize Requests = count(), Failed = countif(IsFailure) by Time, Backend, Part, Refused
| order by Time desc, Requests desc
| take ${mostPoints}`,
  });
