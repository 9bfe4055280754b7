import type { DrillPlan } from "../../gateway/drill.ts";
import {
  counted,
  type DrillFacts,
  type DrillLogs,
  type DrillVerdict,
  enough,
  isFailure,
  type Judgement,
  type LoggedShare,
  noBackend,
  type ProbeSeen,
  startingMs,
} from "./facts.ts";
import { memberIn } from "./pools.ts";

/** Where the calls of an evacuation went, by the logs; of one of everyone by test calls too. */
export function evacuated(facts: DrillFacts): Judgement {
  const { drill, logs } = facts;
  const notShown = [
    'That the gateway notices a failure: nothing failed. mode "rehearse" shows that.',
    ...(drill.subscriptions === null ? [] : ["What other subscriptions' calls would have met."]),
  ];
  const read = logs === null ? null : withoutOwn(facts, logs);
  const [verdict, means] = (read === null ? null : byLogs(drill, read)) ?? byProbes(facts) ?? ["inconclusive", whyNot(facts, read)];
  return { verdict, means, notShown };
}

type Verdict = readonly [verdict: DrillVerdict, means: string];

/** The logs without the drill's own test calls, and how many of those there were while it counts. */
interface OthersCalls extends DrillLogs {
  readonly own: number;
}

function byLogs(drill: DrillPlan, { before, during, complete, own }: OthersCalls): Verdict | null {
  const calls = total(during);
  const there = requestsOf(during, drill.backendId);
  if (there > 0) return ["did_not_shift", `In the logs ${there} of ${calls} calls went to '${drill.backendId}' while it was to have none.`];
  if (calls === 0 || !complete) return null;
  const failed = failedIn(during) + newlyRefused(before, during);
  const names = during.map(({ backend, requests }) => `${backend === noBackend ? "no backend" : backend} ${requests}`).join(", ");
  const besides = own === 0 ? "" : ` (and ${counted(own, "test call")} of the drill itself)`;
  const text = `In the logs none of ${counted(calls, "call")}${besides} went to '${drill.backendId}' (${names}); ${failed} of them failed`;
  const had = requestsOf(before, drill.backendId);
  if (had === 0) return ["inconclusive", `${text}; but none went to '${drill.backendId}' before, so nothing had to shift.`];
  const failedBefore = failedIn(before);
  const was = `before, ${had} of ${total(before)} went to '${drill.backendId}'${failedBefore === 0 ? "" : `, and ${failedBefore} failed`}`;
  const elsewhere = calls - requestsOf(during, noBackend);
  if (elsewhere === 0) return ["inconclusive", `${text}: no backend answered any; ${was}.`];
  if (failed * 2 >= calls) return ["inconclusive", `${text}: the others did not carry what shifted to them; ${was}.`];
  return ["shifted", `${text}; ${was}.`];
}

const failedIn = (shares: readonly LoggedShare[]): number => shares.reduce((sum, { failed }) => sum + failed, 0);

/**
 * Calls whose content was refused, beyond what callers got before. Assumed: a status that backends answered at the same rate before the drill is
 * for what the callers send.
 */
function newlyRefused(before: readonly LoggedShare[], during: readonly LoggedShare[]): number {
  const calls = total(during);
  const earlier = refusedIn(before);
  const usual = (status: string) => Math.ceil(((earlier.get(status) ?? 0) * calls) / Math.max(1, total(before)));
  return [...refusedIn(during)].reduce((sum, [status, count]) => sum + Math.max(0, count - usual(status)), 0);
}

function refusedIn(shares: readonly LoggedShare[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [status, count] of shares.flatMap(({ refused }) => Object.entries(refused ?? {}))) {
    found.set(status, (found.get(status) ?? 0) + count);
  }
  return found;
}

/** Test calls are made with another key than a team's: they say nothing of the team's calls. */
function byProbes({ drill, window, ended, probes }: DrillFacts): Verdict | null {
  const begun = Date.parse(window.from) + startingMs(drill.durationMs);
  const end = endOf({ window, ended });
  const usual = probes.filter(({ time }) => Date.parse(time) >= begun && Date.parse(time) < end);
  if (drill.subscriptions !== null || usual.length === 0) return null;
  const there = usual.filter((seen) => memberOf(drill, seen) === drill.backendId);
  if (there.length > 0) return ["did_not_shift", `'${drill.backendId}' answered ${there.length} of ${counted(usual.length, "test call")}.`];
  const elsewhere = usual.filter((seen) => (seen.status ?? 500) < 400 && memberOf(drill, seen) !== null);
  if (elsewhere.length < enough || elsewhere.length * 2 <= usual.length) return null;
  return ["shifted", `Other members answered ${elsewhere.length} of ${usual.length} test calls, '${drill.backendId}' none.`];
}

function whyNot({ logsMissing }: DrillFacts, read: OthersCalls | null): string {
  if (logsMissing !== undefined) return `The service's logs are not set up, so that nothing says where the calls went. ${logsMissing}`;
  if (read === null) return "The logs cannot be read, and not enough test calls say where the calls went.";
  if (!read.complete) return `The logs are not all in yet: ask again after ${read.completeAt}.`;
  const starting = total(read.starting);
  if (starting > 0) {
    return `In the logs the drill's callers made ${counted(starting, "call")} while gateways were still following it, and none after that: too early to be evidence.`;
  }
  return read.own > 0
    ? `The logs have ${counted(read.own, "test call")} of the drill itself in that time, and no one else's.`
    : "The logs have no call of the drill's callers in that time.";
}

/** Of everyone's calls the drill's own are no evidence of others': they are taken off where they went to. */
function withoutOwn({ drill, window, ended, probes }: DrillFacts, logs: DrillLogs): OthersCalls {
  if (drill.subscriptions !== null) return { ...logs, own: 0 };
  const begun = Date.parse(window.from) + startingMs(drill.durationMs);
  const end = endOf({ window, ended });
  const within = (from: number, until: number) => probes.filter(({ time }) => Date.parse(time) >= from && Date.parse(time) < until);
  const during = within(begun, end);
  return {
    ...logs,
    starting: less(drill, logs.starting, within(Date.parse(window.from), begun)),
    during: less(drill, logs.during, during),
    own: during.length,
  };
}

function less(drill: DrillPlan, shares: readonly LoggedShare[], probes: readonly ProbeSeen[]): readonly LoggedShare[] {
  return shares.flatMap(({ backend, requests, failed, refused }) => {
    const own = probes.filter((seen) => (memberOf(drill, seen) ?? noBackend).toLowerCase() === backend.toLowerCase());
    const left = requests - own.length;
    const stillFailed = failed - own.filter(({ status }) => isFailure(status)).length;
    return left <= 0
      ? []
      : [{ backend, requests: left, failed: Math.min(left, Math.max(0, stillFailed)), ...(refused === undefined ? {} : { refused }) }];
  });
}

const endOf = ({ window, ended }: Pick<DrillFacts, "window" | "ended">): number =>
  Math.min(Date.parse(window.until), ended?.stopped === true ? Date.parse(ended.time) : Number.POSITIVE_INFINITY);

const memberOf = ({ members }: DrillPlan, { region }: ProbeSeen): string | null =>
  region === null ? null : (memberIn(members, region)?.backendId ?? null);

const total = (shares: readonly LoggedShare[]): number => shares.reduce((sum, { requests }) => sum + requests, 0);

const requestsOf = (shares: readonly LoggedShare[], backendId: string): number =>
  total(shares.filter(({ backend }) => backend.toLowerCase() === backendId.toLowerCase()));
