import type { DrillPlan, DrillWindow } from "../../gateway/drill.ts";
import type { GatewayReader, LogsReader } from "../../gateway/ports.ts";
import { type DrillLogs, type DrillVerdict, type LoggedShare, startingMs, type TimelineEntry } from "../../pool/drill/facts.ts";
import { drillReport } from "../../pool/drill/report.ts";
import { backendShares } from "../../usage/backend-shares.ts";
import { lagOf, readFreshness } from "../../usage/freshness.ts";
import { askLogs, isDegradable } from "../../usage/log-answers.ts";
import { missing } from "../../usage/preflight.ts";
import { type DrillPart, drillQuery } from "../../usage/queries/drill.ts";
import type { LogsRow } from "../../usage/queries/query.ts";
import { completeUntil } from "../../usage/window.ts";
import type { LeftBehind, ShownDrill } from "../types.ts";

/** What an answer about a drill is made from. */
interface DrillReading {
  readonly service: string;
  readonly gateway: Pick<GatewayReader, "service">;
  readonly logs: LogsReader;
  readonly now: () => Date;
}

/** The calls of the drill's API, and of its subscriptions alone where it names some, by who answered them. */
interface DrillTraffic {
  /** As long before as the drill took. */
  readonly before: readonly LoggedShare[];
  /** The beginning, while gateways follow: it does not count for the verdict. */
  readonly starting: readonly LoggedShare[];
  readonly during: readonly LoggedShare[];
  /** Arrived before the end and answered behind it: they do not count for the verdict. */
  readonly ending: readonly LoggedShare[];
  /** As long after, as far as the logs go. */
  readonly after: readonly LoggedShare[];
  /** Percent by minute over all of it, where it changes. */
  readonly by_minute: readonly { readonly time: string; readonly percent: Readonly<Record<string, number>> }[];
  /** Until when all rows are taken to be in. */
  readonly complete_until: string;
}

export interface DrillAnswer {
  readonly [more: string]: unknown;
  readonly service: string;
  readonly drill_id: string;
  readonly state: ShownDrill["state"];
  readonly drill: string;
  readonly from?: string;
  /** When it was over: of one that was stopped, when that began. */
  readonly until?: string;
  /** Only of one that was stopped: how long it was to take. */
  readonly planned_until?: string;
  readonly timeline: readonly TimelineEntry[];
  /** Of an evacuation, from the logs; `unknown` where they cannot be read. */
  readonly traffic?: DrillTraffic | "unknown";
  readonly left_behind: readonly LeftBehind[];
  /** Of the call that has ended it: the documents that it has deleted or put back. */
  readonly removed?: readonly string[];
  /** Only where no process makes its test calls and cleans up. */
  readonly looked_after?: false;
  /** Only once it is over and cleaned up. */
  readonly verdict?: DrillVerdict;
  readonly means?: string;
  readonly not_shown?: readonly string[];
  readonly failure?: string;
  readonly next: string;
}

/** A drill with what test calls and logs say of it by now. */
export async function drillAnswer(reading: DrillReading, shown: ShownDrill): Promise<DrillAnswer> {
  const { drillId, drill, state, window, ended, probes, leftBehind, removed, failure } = shown;
  // What has failed to begin has shown nothing.
  const begun = state === "failed" ? null : window;
  const traffic = begun === null || drill.mode === "rehearse" ? null : await trafficOf(reading, drill, begun, ended);
  const report = begun === null ? null : drillReport({ drill, window: begun, ended, probes, ...evidenceOf(traffic) });
  return {
    service: reading.service,
    drill_id: drillId,
    state,
    drill: `${drill.mode} ${drill.backendId} of ${drill.poolId} for API ${drill.apiId}, ${drill.subscriptions?.join(", ") ?? "any caller"}`,
    ...(begun === null ? {} : { from: begun.from, ...timesOf(begun, ended) }),
    timeline: report?.timeline ?? [],
    ...(traffic === null ? {} : { traffic: traffic.shown }),
    left_behind: leftBehind,
    ...(removed === undefined ? {} : { removed }),
    ...(isAlone(shown) ? { looked_after: false } : {}),
    ...(state === "ended" && report !== null ? { verdict: report.verdict, means: report.means, not_shown: report.notShown } : {}),
    ...(failure === undefined ? {} : { failure }),
    next: nextOf(shown, report?.verdict === "inconclusive" && traffic?.logs?.complete === false ? traffic.logs.completeAt : null),
  };
}

function timesOf({ until }: DrillWindow, ended: ShownDrill["ended"]): Pick<DrillAnswer, "until" | "planned_until"> {
  return ended?.stopped === true && Date.parse(ended.time) < Date.parse(until) ? { until: ended.time, planned_until: until } : { until };
}

/** Whether nobody is there to make test calls and to clean up, as far as can be seen. */
const isAlone = ({ state, lookedAfter }: ShownDrill): boolean => (state === "running" || state === "cleaning_up") && !lookedAfter;

function nextOf(shown: ShownDrill, askAgain: string | null): string {
  const { drillId, drill, state, leftBehind } = shown;
  const input = JSON.stringify({ drill_id: drillId });
  const alone = `Nobody looks after it: the process that started it is not running. stop_drill ${input} or 'azure-ai-gateway-mcp recover' cleans up.`;
  switch (state) {
    case "starting":
    case "running":
      if (isAlone(shown))
        return `${alone} ${drill.mode === "rehearse" ? "No test calls are made." : "The gateway ends it by itself at its time."}`;
      return `get_drill ${input} again; stop_drill ${input} ends it early.`;
    case "cleaning_up":
      if (isAlone(shown)) return `It is over for the gateway. ${alone}`;
      return `It is over for the gateway. If this stays so: stop_drill ${input}.`;
    case "failed":
      return leftBehind.length === 0 ? "Nothing of it is left. Plan it again." : `stop_drill ${input} takes away what is left.`;
    case "ended":
      if (leftBehind.length > 0) return "See left_behind: what someone else has edited is theirs to look at.";
      return askAgain === null ? "Nothing is left to do." : `get_drill ${input} again after ${askAgain}, when the logs are in.`;
  }
}

interface Traffic {
  readonly logs: DrillLogs | null;
  readonly shown: DrillTraffic | "unknown";
  /** What of the service's settings keeps calls out of the logs. */
  readonly missing?: string;
}

const evidenceOf = (traffic: Traffic | null) => ({
  logs: traffic?.logs ?? null,
  ...(traffic?.missing === undefined ? {} : { logsMissing: traffic.missing }),
});

/** Until an evacuation's calls are judged by the logs. What cannot be read is unknown. */
async function trafficOf(
  { gateway, logs, now }: DrillReading,
  drill: DrillPlan,
  window: DrillWindow,
  ended: ShownDrill["ended"],
): Promise<Traffic> {
  const time = now();
  const [from, begun] = [Date.parse(window.from), Date.parse(window.from) + startingMs(drill.durationMs)];
  const end = Math.min(Date.parse(window.until), ended?.stopped === true ? Date.parse(ended.time) : Number.POSITIVE_INFINITY);
  try {
    const service = await gateway.service();
    const { resourceId } = service;
    const freshness = await readFreshness(logs, resourceId, time);
    if (freshness.kind === "refused") return { logs: null, shown: "unknown" };
    const nameOf = memberNames(drill);
    const length = end - from;
    const query = drillQuery(
      {
        window: { since: new Date(from - length), until: new Date(Math.max(from, Math.min(end + length, time.getTime()))) },
        resourceId,
        apiId: drill.apiId,
        subscriptions: drill.subscriptions ?? undefined,
        interval: "PT1M",
      },
      { from: new Date(from), begun: new Date(begun), end: new Date(end) },
    );
    const { rows } = await askLogs(logs, query);
    const gap = rows.length === 0 ? missing(service, await logs.settings()).find(({ name }) => noCalls.has(name)) : undefined;
    if (gap !== undefined) return { logs: null, shown: "unknown", missing: gap.what };
    const sharesOf = (part: DrillPart): readonly LoggedShare[] => {
      const own = rows.filter(({ values }) => values.Part === part);
      return Object.entries(backendShares(own, nameOf, 0).of_window).map(([backend, { requests, failed }]) => ({
        backend,
        requests,
        failed,
        ...refusedBy(own.filter(({ keys }) => nameOf(keys.backend ?? "") === backend)),
      }));
    };
    const lagMs = lagOf(freshness) * 1000;
    const parts = {
      before: sharesOf("before"),
      starting: sharesOf("starting"),
      during: sharesOf("during"),
      ending: sharesOf("ending"),
      after: sharesOf("after"),
    };
    const complete = time.getTime() - lagMs >= end;
    return {
      logs: { ...parts, complete, completeAt: new Date(end + lagMs).toISOString() },
      shown: {
        ...parts,
        by_minute: backendShares(rows, nameOf, mostMinutes).by_time,
        complete_until: completeUntil(time, lagOf(freshness)).toISOString(),
      },
    };
  } catch (error) {
    if (isDegradable(error)) return { logs: null, shown: "unknown" };
    throw error;
  }
}

type DrillRow = LogsRow<ReturnType<typeof drillQuery>["measures"]>;

/** Calls by the status by which a backend has refused what they sent. */
function refusedBy(rows: readonly DrillRow[]): Pick<LoggedShare, "refused"> {
  const refused: Record<string, number> = {};
  for (const { values } of rows) {
    const { Refused: status, Requests: calls } = values;
    if (status !== null && status > 0) refused[status] = (refused[status] ?? 0) + (calls ?? 0);
  }
  return Object.keys(refused).length === 0 ? {} : { refused };
}

/** What keeps every call out of the table that is asked. */
const noCalls: ReadonlySet<string> = new Set(["consumption", "no_diagnostic_setting", "not_dedicated", "gateway_logs_off"]);

const mostMinutes = 60;

/** A backend of the logs, `host` or `host/deployment`, by the member that has the host; as it is where none or several have. */
function memberNames({ members }: DrillPlan): (place: string) => string {
  return (place) => {
    const [host = ""] = place.toLowerCase().split("/");
    const [found, ...more] = members.filter((member) => member.host === host);
    return found !== undefined && more.length === 0 ? found.backendId : place;
  };
}
