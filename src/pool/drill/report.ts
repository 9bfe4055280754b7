import type { DrillPlan, DrillWindow } from "../../gateway/drill.ts";
import { memberIn } from "./pools.ts";
import { durationText } from "./request.ts";

/** What one test call has shown. `all_failing`: one to the failing members alone. */
export interface ProbeSeen {
  /** When it was answered, ISO 8601. */
  readonly time: string;
  readonly kind: "usual" | "all_failing";
  /** Null where no answer came. */
  readonly status: number | null;
  /** `x-ms-region`: of the model that has answered; null where the answer has none. */
  readonly region: string | null;
  readonly reason?: string;
}

/** Calls by backend in a part of the time, as the logs have them. */
export interface LoggedShare {
  readonly backend: string;
  readonly requests: number;
  readonly failed: number;
}

/** What the logs say of the drill's calls. */
export interface DrillLogs {
  readonly before: readonly LoggedShare[];
  /** From the start, while gateways follow. */
  readonly starting: readonly LoggedShare[];
  readonly during: readonly LoggedShare[];
  readonly after: readonly LoggedShare[];
  /** Whether all rows up to the end are in; else when they are expected. */
  readonly complete: boolean;
  readonly completeAt: string;
}

export type DrillState = "starting" | "running" | "cleaning_up" | "ended" | "failed";

export type DrillVerdict = "shifted" | "did_not_shift" | "failed_over" | "did_not_fail_over" | "inconclusive";

/** All that is known of a drill. */
export interface DrillFacts {
  readonly drill: DrillPlan;
  readonly window: DrillWindow;
  /** When it was over for the gateway; null before. */
  readonly ended: { readonly time: string; readonly stopped: boolean } | null;
  readonly probes: readonly ProbeSeen[];
  /** Null where they cannot be read, or say nothing of it. */
  readonly logs: DrillLogs | null;
}

export interface TimelineEntry {
  readonly time: string;
  readonly event: string;
}

export interface DrillReport {
  readonly timeline: readonly TimelineEntry[];
  readonly verdict: DrillVerdict;
  /** What the verdict rests on, in words. */
  readonly means: string;
  /** What this drill does not show. */
  readonly notShown: readonly string[];
}

/** Gateways follow what ARM has accepted within seconds, regions each for themselves: what comes before is no evidence. */
const longestStartMs = 30_000;

/** How long after its start a drill's calls are not counted for or against it. */
export const startingMs = (durationMs: number): number => Math.min(longestStartMs, Math.floor(durationMs / 4));

/** So many test calls in a row, and no fewer, are taken for a change. */
const enough = 3;

export function drillReport(facts: DrillFacts): DrillReport {
  return { timeline: timelineOf(facts), ...(facts.drill.mode === "evacuate" ? evacuated(facts) : rehearsed(facts)) };
}

/** Who has answered a test call, in words: a member, a region, or what went wrong. */
function answeredBy({ members }: DrillPlan, { status, region, reason }: ProbeSeen): string {
  if (status === null) return `no answer (${reason ?? "unknown"})`;
  if (region === null) return status < 400 ? "an unknown backend" : `error ${status}`;
  const name = memberIn(members, region)?.backendId ?? `a backend in ${region}`;
  return status < 500 ? name : `error ${status} of ${name}`;
}

function timelineOf({ drill, window, ended, probes }: DrillFacts): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [
    {
      time: window.from,
      event: drill.mode === "evacuate" ? `${drill.backendId} is taken out of the pool` : `a copy of ${drill.backendId} fails`,
    },
  ];
  const runs: { readonly time: string; readonly who: string; count: number }[] = [];
  for (const seen of probes) {
    const who = seen.kind === "usual" ? answeredBy(drill, seen) : `with every member failing, a caller gets ${answeredBy(drill, seen)}`;
    const last = runs.at(-1);
    if (last?.who === who) last.count += 1;
    else runs.push({ time: seen.time, who, count: 1 });
  }
  entries.push(...runs.map(({ time, who, count }) => ({ time, event: `${count} test ${count === 1 ? "call" : "calls"}: ${who}` })));
  if (ended !== null) {
    const early = ended.stopped ? "stopped before its time" : "over by itself on the gateway";
    entries.push({ time: ended.stopped ? ended.time : window.until, event: early });
  }
  return entries.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

type Judgement = Omit<DrillReport, "timeline">;

const evacuationShowsNot = (drill: DrillPlan): readonly string[] => [
  'That the gateway notices a failure: nothing failed. mode "rehearse" shows that.',
  ...(drill.subscriptions === null ? [] : ["What other subscriptions' calls would have met."]),
];

function evacuated({ drill, window, probes, logs }: DrillFacts): Judgement {
  const notShown = evacuationShowsNot(drill);
  const judged = (verdict: DrillVerdict, means: string): Judgement => ({ verdict, means, notShown });
  if (logs !== null) {
    const during = total(logs.during);
    const there = requestsOf(logs.during, drill.backendId);
    if (there > 0) {
      return judged("did_not_shift", `In the logs ${there} of ${during} calls went to '${drill.backendId}' while it was to have none.`);
    }
    if (during > 0 && logs.complete) {
      const before = requestsOf(logs.before, drill.backendId);
      const failed = logs.during.reduce((sum, share) => sum + share.failed, 0);
      const names = logs.during.map(({ backend, requests }) => `${backend} ${requests}`).join(", ");
      const text = `In the logs all ${during} calls went elsewhere (${names}), ${failed} of them failed there`;
      if (before > 0) return judged("shifted", `${text}; before, ${before} of ${total(logs.before)} went to '${drill.backendId}'.`);
      return judged("inconclusive", `${text}; but none went to '${drill.backendId}' before, so nothing had to shift.`);
    }
  }
  const begun = Date.parse(window.from) + startingMs(drill.durationMs);
  const usual = probes.filter(({ time }) => Date.parse(time) >= begun && Date.parse(time) < Date.parse(window.until));
  if (drill.subscriptions === null && usual.length > 0) {
    const there = usual.filter(({ region }) => region !== null && memberIn(drill.members, region)?.backendId === drill.backendId);
    if (there.length > 0) return judged("did_not_shift", `'${drill.backendId}' answered ${there.length} of ${usual.length} test calls.`);
    const elsewhere = usual.filter(({ region }) => region !== null && memberIn(drill.members, region) !== null);
    if (elsewhere.length >= enough) {
      return judged("shifted", `Other members answered ${elsewhere.length} of ${usual.length} test calls, '${drill.backendId}' none.`);
    }
  }
  return judged("inconclusive", logs === null ? "No logs and not enough test calls say where the calls went." : withoutCalls(logs));
}

const withoutCalls = ({ complete, completeAt }: DrillLogs): string =>
  complete
    ? "The logs have no call of the drill's subscriptions in that time."
    : `The logs are not all in yet: ask again after ${completeAt}.`;

const total = (shares: readonly LoggedShare[]): number => shares.reduce((sum, { requests }) => sum + requests, 0);

const requestsOf = (shares: readonly LoggedShare[], backendId: string): number =>
  total(shares.filter(({ backend }) => backend.toLowerCase() === backendId.toLowerCase()));

/** What a test call of a rehearsal has come to: the copy has no region to answer from. */
const isServed = ({ status, region }: ProbeSeen): boolean => status !== null && status < 500 && region !== null;

function rehearsed({ drill, probes }: DrillFacts): Judgement {
  const usual = probes.filter(({ kind }) => kind === "usual");
  const shift = shiftIn(usual);
  const all = probes.find(({ kind }) => kind === "all_failing");
  const back = shift === null ? undefined : usual.slice(shift.end).find((seen) => !isServed(seen));
  const notShown = [
    "What production's own traffic would meet: only test calls were made, on a copy.",
    ...(shift === null || back !== undefined ? [] : [failbackNotShown(drill)]),
    ...(all === undefined ? ["What callers see when every member fails."] : []),
  ];
  const judged = (verdict: DrillVerdict, ...means: readonly string[]): Judgement => ({ verdict, means: means.join(" "), notShown });
  const itself = usual.filter(({ region }) => region !== null && memberIn(drill.members, region)?.backendId === drill.backendId);
  if (itself.length > 0) {
    return judged(
      "inconclusive",
      `'${drill.backendId}' itself answered ${itself.length} test calls: they did not all go through the copy.`,
    );
  }
  if (usual.length < enough) return judged("inconclusive", `Only ${usual.length} test calls were answered.`);
  const errors = usual.slice(0, shift?.begin ?? usual.length).filter((seen) => !isServed(seen));
  if (shift === null) {
    if (errors.length === 0) return judged("inconclusive", "No test call met the failing copy.");
    return judged("did_not_fail_over", `${errors.length} of ${usual.length} test calls failed, and no others took over.`);
  }
  const first = usual[shift.begin];
  const who = first === undefined ? "another member" : answeredBy(drill, first);
  return judged(
    "failed_over",
    `Callers saw ${errors.length} ${errors.length === 1 ? "error" : "errors"}, then ${who} answered (from ${first?.time} on).`,
    ...(back === undefined ? [] : [`The gateway tried the failing copy again at ${back.time}, after its breaker's time.`]),
    ...(all === undefined ? [] : [`With every member failing a caller gets ${answeredBy(drill, all)}.`]),
  );
}

/** The first row of test calls that others have answered, long enough to be one: where it begins, and where it ends. */
function shiftIn(usual: readonly ProbeSeen[]): { readonly begin: number; readonly end: number } | null {
  for (let begin = 0; begin < usual.length; begin += 1) {
    const rest = usual.slice(begin);
    const length = rest.findIndex((seen) => !isServed(seen));
    const served = length < 0 ? rest.length : length;
    if (served >= enough) return { begin, end: begin + served };
    begin += served;
  }
  return null;
}

const failbackNotShown = ({ tripMs, durationMs }: DrillPlan): string =>
  tripMs === null
    ? "The failback."
    : `The failback: the breaker stays open for ${durationText(tripMs)}, which the drill's ${durationText(durationMs)} had no room for.`;
