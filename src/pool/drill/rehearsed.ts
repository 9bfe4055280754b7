import type { DrillBreaker, DrillPlan } from "../../gateway/drill.ts";
import { answeredBy, counted, type DrillFacts, type DrillVerdict, enough, type Judgement, type ProbeSeen } from "./facts.ts";
import { memberIn } from "./pools.ts";
import { durationText } from "./request.ts";
import { type Try, triesIn } from "./tries.ts";

/**
 * What one try of a test call came to. The copy has no region to answer from: an error of 5xx without one is the copy's, or the gateway's own
 * where no member is left. `refused`: by a policy, a limit or the key, before any backend. `survivor_refused`: by another member that is not set up for the
 * calls (401, 403, 404); Assumed: an origin that fails answers with 5xx, so that a try without a region which came to such a status was another
 * member's. `alike`: by something in the region of the member whose copy fails, which the copy of the pool does not have.
 */
type Outcome = "failed" | "served" | "survivor_failed" | "survivor_refused" | "refused" | "alike" | "unknown";

interface Attempt {
  /** Index of the test call. */
  readonly call: number;
  readonly at: number;
  readonly status: number | null;
  readonly outcome: Outcome;
}

/** The breaker of the copy, open: from the test call on that others have answered while it was. */
interface Trip {
  /** Index of the first test call that others have answered. */
  readonly from: number;
  /** Errors that callers saw until then. */
  readonly errors: number;
  /** Tries that met the failing copy until then, as far as they can be told. */
  readonly failures: number;
  /** The time of the first call to the copy once it was over; null where none was seen. */
  readonly back: string | null;
  /** By when it was to be over. */
  readonly until: number;
}

/** Whether a failing member's breaker takes it out, by test calls alone. */
export function rehearsed({ drill, probes, ended, window }: DrillFacts): Judgement {
  const usual = probes.filter(({ kind }) => kind === "usual");
  const all = probes.find(({ kind }) => kind === "all_failing");
  const end = ended?.stopped === true ? Date.parse(ended.time) : Date.parse(window.until);
  const attempts = attemptsOf(drill, usual);
  const trip = tripIn(drill, usual, end);
  const notShown = [
    "What production's own traffic would meet: only test calls were made, on a copy.",
    ...(trip === null || trip.back !== null ? [] : [failbackNotShown(drill, trip, end, stopped(ended))]),
    ...(all === undefined ? ["What callers see when every member fails."] : []),
  ];
  const judged = (verdict: DrillVerdict, ...means: readonly string[]): Judgement => ({ verdict, means: means.join(" "), notShown });
  const alike = calls(attempts, "alike");
  if (alike > 0) {
    return judged(
      "inconclusive",
      `${counted(alike, "test call")} met a backend in the region of '${drill.backendId}': whether that is the failing copy's origin, '${drill.backendId}' itself or another one there, its answers do not tell.`,
    );
  }
  if (trip !== null) {
    const first = usual[trip.from];
    const who = first === undefined ? "another member" : answeredBy(drill, first);
    return judged(
      "failed_over",
      `Callers saw ${counted(trip.errors, "error")}, then ${who} answered (from ${first?.time} on).`,
      ...(trip.failures > trip.errors
        ? [`The failing copy was called ${counted(trip.failures, "time")} until then: retries hid the rest.`]
        : []),
      ...(trip.back === null ? [] : [`The gateway tried the failing copy again at ${trip.back}, after its breaker's time.`]),
      ...(all === undefined ? [] : [`With every member failing a caller gets ${answeredBy(drill, all)}.`]),
    );
  }
  const refusing = stopped(ended) ? null : refusal(drill, usual, attempts, end);
  if (refusing !== null) return judged("did_not_fail_over", refusing);
  const failures = attempts.filter(({ outcome }) => outcome === "failed").length;
  const stayed = stopped(ended) || others(attempts) > 0 ? null : staying(drill, attempts, Date.parse(window.from), end);
  if (stayed !== null) return judged("did_not_fail_over", stayed);
  return judged("inconclusive", ...whyNot(drill, usual, attempts, failures, stopped(ended)));
}

const stopped = (ended: DrillFacts["ended"]): boolean => ended?.stopped === true;

/** Test calls that others answered with an error, or that were refused: what they would have met is not known. */
const others = (attempts: readonly Attempt[]): number => calls(attempts, "survivor_failed") + calls(attempts, "survivor_refused");

/**
 * In words, that calls left the failing copy once its breaker had its failures, and that the members they came to refused them; null where the
 * test calls do not show both, or the others refused fewer than half of what they got.
 */
function refusal(drill: DrillPlan, usual: readonly ProbeSeen[], attempts: readonly Attempt[], end: number): string | null {
  const { breaker, share, backendId } = drill;
  if (breaker === null) return null;
  const opened = openingIn(breaker, share, attempts);
  const opening = opened === null ? undefined : attempts[opened];
  if (opened === null || opening?.outcome !== "failed") return null;
  const until = Math.min(end, opening.at + (breaker.tripMs ?? Number.POSITIVE_INFINITY) - slackMs(breaker));
  const last = Math.max(opened, lastFailed(attempts, until));
  const quiet = attempts.slice(last + 1).filter(({ at }) => at < until);
  const refused = calls(quiet, "survivor_refused");
  if ((attempts[last]?.at ?? 0) - opening.at > (until - opening.at) / 2) return null;
  if (refused < enoughServed(share) || refused * 2 <= callsIn(quiet)) return null;
  const first = quiet.find(({ outcome }) => outcome === "survivor_refused");
  const seen = first === undefined ? undefined : usual[first.call];
  const statuses = [...new Set(quiet.flatMap(({ outcome, status }) => (outcome === "survivor_refused" ? [String(status)] : [])))].join(
    ", ",
  );
  return [
    `The breaker took the failing copy of '${backendId}' out of use, and those who were to take over refuse:`,
    `from ${seen?.time ?? "then"} on ${refused} of ${counted(callsIn(quiet), "test call")} met ${statuses} of another member (${othersOf(drill)}).`,
    "Look at their credentials, the role of the gateway's identity on their accounts, and their deployments.",
  ].join(" ");
}

const othersOf = ({ members, backendId }: DrillPlan): string =>
  members.flatMap(({ backendId: id }) => (id === backendId ? [] : [id])).join(", ");

/** The trip of the copy's breaker, where the test calls show one: null without a breaker, and where anything else explains them as well. */
export function tripIn(drill: DrillPlan, usual: readonly ProbeSeen[], end: number): Trip | null {
  const { breaker, share } = drill;
  if (breaker === null) return null;
  const attempts = attemptsOf(drill, usual);
  const opened = openingIn(breaker, share, attempts);
  const opening = opened === null ? undefined : attempts[opened];
  if (opened === null || opening === undefined) return null;
  const until = opening.at + (breaker.tripMs ?? Number.POSITIVE_INFINITY) - slackMs(breaker);
  const last = Math.max(opened - (opening.outcome === "failed" ? 0 : 1), lastFailed(attempts, until));
  const quiet = attempts.slice(last + 1).filter(({ at }) => at < until);
  const served = quiet.filter(({ outcome }) => outcome === "served");
  const [first] = served;
  if (first === undefined || served.length < enoughServed(share) || served.length * 2 <= quiet.length) return null;
  const length = Math.min(until, end) - opening.at;
  // Instances open their breakers one after the other, but all of them soon.
  if ((attempts[last]?.at ?? 0) - opening.at > length / 2) return null;
  const back = attempts.find(({ at, outcome }) => outcome === "failed" && at >= until);
  return {
    from: first.call,
    errors: errorsUntil(drill, usual, first.call),
    failures: attempts.slice(0, last + 1).filter(({ outcome }) => outcome === "failed").length,
    back: back === undefined ? null : (usual[back.call]?.time ?? null),
    until,
  };
}

/** An answer comes a little later than what it tells of. */
const slackMs = ({ tripMs }: DrillBreaker): number => Math.min(2_000, (tripMs ?? 0) / 4);

/**
 * As many calls served as would be very unlikely (2 %) without any to the copy, were its breaker closed. A member that has all calls of a pool
 * is passed over only while its breaker is open, and one that has none of them may be at any time: https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool
 */
const enoughServed = (share: number): number => (share >= 100 ? enough : Math.ceil(400 / share));

/** Failures that open the breaker; null where it cannot be told. Assumed: of calls that all fail any percentage is reached at once. */
const countOf = ({ failures, percent }: DrillBreaker): number | null => failures ?? (percent === null ? null : 1);

/** Index of the attempt by which the breaker of an instance has its failures; null where it never has them. */
function openingIn(breaker: DrillBreaker, share: number, attempts: readonly Attempt[]): number | null {
  const needed = countOf(breaker);
  const failed = attempts.flatMap(({ at, outcome }, index) => (outcome === "failed" ? [{ at, index }] : []));
  const reached = failed.find(({ at }, index) => {
    const first = needed === null ? undefined : failed[index + 1 - needed];
    return first !== undefined && at - first.at < (breaker.intervalMs ?? Number.POSITIVE_INFINITY);
  });
  // Where every call goes to the copy first, another's answer tells that its breaker is open, whatever retries have hidden.
  const passed = share >= 100 ? passedOver(attempts) : -1;
  const found = [reached?.index ?? -1, passed].filter((index) => index >= 0);
  return found.length === 0 ? null : Math.min(...found);
}

/** The first of a row of test calls that others have answered, without a failure among them. */
const passedOver = (attempts: readonly Attempt[]): number =>
  attempts.findIndex((_, index) => {
    const row = attempts.slice(index, index + enough);
    return row.length === enough && row.every(({ outcome }) => outcome === "served");
  });

const lastFailed = (attempts: readonly Attempt[], until: number): number =>
  attempts.findLastIndex(({ at, outcome }) => outcome === "failed" && at < until);

const errorsUntil = (drill: DrillPlan, usual: readonly ProbeSeen[], call: number): number =>
  usual.slice(0, call).filter((seen) => seenOutcome(drill, seen) !== "served").length;

/** In words, what shows that the copy was called on and on; null where that is not shown. */
function staying(drill: DrillPlan, attempts: readonly Attempt[], from: number, end: number): string | null {
  const { breaker } = drill;
  const failed = attempts.filter(({ outcome }) => outcome === "failed");
  const last = failed.at(-1)?.at ?? 0;
  const total = callsIn(attempts);
  if (breaker === null) {
    if (failed.length < enough || total < fewCalls || last < end - (end - from) / 4) return null;
    return `Without a circuit breaker '${drill.backendId}' kept its calls to the end: ${failed.length} tries of ${counted(total, "test call")} met the failing copy.`;
  }
  const needed = countOf(breaker);
  const opened = openingIn(breaker, 0, attempts);
  const opening = opened === null ? undefined : attempts[opened];
  if (needed === null || opening === undefined) return null;
  const until = Math.min(end, opening.at + (breaker.tripMs ?? Number.POSITIVE_INFINITY));
  const after = failed.filter(({ at }) => at > opening.at && at < until);
  const lastAfter = after.at(-1)?.at ?? 0;
  if (after.length <= instances * needed || lastAfter < until - (until - opening.at) / 4) return null;
  return `The breaker should have opened at ${new Date(opening.at).toISOString()}, after ${counted(needed, "failure")}; ${after.length} more tries met the failing copy while it should have been open.`;
}

/** Others of the gateway, each with a breaker of its own, that may still have to open theirs. Assumed: no more serve the test calls. */
const instances = 2;

/** Fewer test calls than this say nothing of a whole drill. */
const fewCalls = 10;

const callsIn = (attempts: readonly Attempt[]): number => new Set(attempts.map(({ call }) => call)).size;

const calls = (attempts: readonly Attempt[], outcome: Outcome): number =>
  callsIn(attempts.filter((attempt) => attempt.outcome === outcome));

function whyNot(
  drill: DrillPlan,
  usual: readonly ProbeSeen[],
  attempts: readonly Attempt[],
  failures: number,
  early: boolean,
): readonly string[] {
  const { breaker, share, backendId } = drill;
  const all = usual.length;
  const refused = calls(attempts, "refused");
  const survivors = others(attempts);
  const why: string[] = [];
  if (refused > 0) {
    const statuses = statusesOf(usual, ({ status, region }) => region === null && status !== null && status >= 400 && status < 500);
    why.push(
      `${refused} of ${counted(all, "test call")} were refused before a backend, with ${statuses}: look at the test key (AIGW_PROBE_KEY), its access to the API, and its limits.`,
    );
  }
  if (survivors > 0) {
    const names = [
      ...new Set(
        usual
          .filter(({ status, region }, call) => status !== null && status >= 400 && (region !== null || isAnothers(attempts, call)))
          .map((seen) => answeredBy(drill, seen)),
      ),
    ];
    why.push(`Others did not take over: ${survivors} of ${counted(all, "test call")} met ${names.join(", ") || "an error of theirs"}.`);
  }
  const silent = usual.filter(({ status }) => status === null).length;
  if (silent > 0) why.push(`${silent} of ${counted(all, "test call")} had no answer.`);
  if (early) why.push("It was stopped before its time.");
  if (failures === 0) {
    const gets = share <= 0 ? `'${backendId}' gets calls only once those of a higher priority are out` : `its share is ${share} %`;
    why.push(`No test call is known to have met the failing copy: ${gets}.`);
  } else if (breaker !== null && openingIn(breaker, share, attempts) === null) {
    why.push(`The failing copy was called ${counted(failures, "time")}; its breaker opens ${opensText(breaker)}.`);
  } else
    why.push(
      `${counted(all, "test call")} with ${counted(failures, "failure")} of the copy do not show whether its breaker opened: too few, or too short.`,
    );
  return why;
}

/** Whether the last try of a test call was answered by another member. */
const isAnothers = (attempts: readonly Attempt[], call: number): boolean =>
  ["survivor_failed", "survivor_refused"].includes(attempts.findLast((attempt) => attempt.call === call)?.outcome ?? "");

function opensText({ failures, percent, intervalMs }: DrillBreaker): string {
  const within = intervalMs === null ? "" : ` in ${durationText(intervalMs)}`;
  return failures === null ? `at ${percent ?? "?"} % of the calls${within}` : `after ${counted(failures, "failure")}${within}`;
}

const statusesOf = (usual: readonly ProbeSeen[], which: (seen: ProbeSeen) => boolean): string =>
  [...new Set(usual.filter(which).map(({ status }) => String(status)))].join(", ");

function attemptsOf(drill: DrillPlan, usual: readonly ProbeSeen[]): readonly Attempt[] {
  return usual.flatMap((seen, call) =>
    triesOf(seen).map((one) => ({ call, at: Date.parse(seen.time), status: one.status, outcome: outcomeOf(drill, one) })),
  );
}

/** Its tries; where the answer tells none the answer itself, which is the last of them. */
function triesOf({ status, region, tries }: ProbeSeen): readonly ToldTry[] {
  const told = triesIn(tries ?? null)?.map((one) => ({ ...one, isBackends: one.status !== null })) ?? [nobodys];
  return told.map((one, index) => (one.status === null && index === told.length - 1 ? { status, region, isBackends: false } : one));
}

/** `isBackends`: the gateway has told that a backend's answer had this status. */
interface ToldTry extends Try {
  readonly isBackends: boolean;
}

const nobodys: ToldTry = { status: null, region: null, isBackends: false };

const refusals: ReadonlySet<number> = new Set([401, 403, 404]);

function outcomeOf({ members, backendId }: DrillPlan, { status, region, isBackends }: ToldTry): Outcome {
  if (status === null) return "unknown";
  if (region === null && status >= 500) return "failed";
  if (region === null && !isBackends) return status >= 400 ? "refused" : "unknown";
  if (region !== null && memberIn(members, region)?.backendId === backendId) return "alike";
  if (refusals.has(status)) return "survivor_refused";
  // A status of a backend that has no region may be anybody's.
  if (status < 400) return region === null ? "unknown" : "served";
  return "survivor_failed";
}

/** What a caller saw. */
const seenOutcome = (drill: DrillPlan, { status, region }: ProbeSeen): Outcome => outcomeOf(drill, { status, region, isBackends: false });

function failbackNotShown({ breaker, durationMs }: DrillPlan, { until }: Trip, end: number, early: boolean): string {
  const tripMs = breaker?.tripMs ?? null;
  if (tripMs === null) return "The failback.";
  const open = `the breaker stays open for ${durationText(tripMs)}`;
  if (until >= end && early) return `The failback: ${open}, and the drill was stopped before that was over.`;
  return until < end
    ? `The failback: ${open}, and no test call is known to have met the failing copy after that.`
    : `The failback: ${open}, which the drill's ${durationText(durationMs)} had no room for.`;
}
