import type { ListedDocument } from "../gateway/documents.ts";
import type { Service } from "../gateway/model.ts";
import type { LogsReader } from "../gateway/ports.ts";
import { backendNames } from "./backend-shares.ts";
import { type Freshness, lagOf, readFreshness } from "./freshness.ts";
import { askLogs, isDegradable } from "./log-answers.ts";
import { backendShareQuery } from "./queries/backends.ts";
import { completeUntil, type Window } from "./window.ts";

/**
 * Which backends have answered an API's calls, by the logs; a call counts for the one that answered it in the end, and for none where that failed
 * (429, 5xx, no answer): a member that is asked now and then and fails serves nothing.
 */
export type ObservedShares =
  | {
      readonly kind: "read";
      /** The logs are complete until its end. */
      readonly window: Window;
      readonly all: Answered;
      /** The last minutes of the window. */
      readonly recent: Answered & { readonly since: Date };
      /** Calls by backend id, minute by minute. */
      readonly minutes: readonly AnsweredMinute[];
      /** Azure Monitor's reason where not all are counted. */
      readonly partial: string | null;
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** Calls of some time. */
interface Answered {
  /** Those that were answered, by backend id. */
  readonly calls: ReadonlyMap<string, number>;
  readonly failed: number;
}

/** Calls that a backend has answered, and failed, in the minute from `time` on. */
interface AnsweredMinute {
  readonly time: Date;
  readonly backendId: string;
  readonly answered: number;
  readonly failed: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** What counts as now: the trip durations of breakers are minutes. */
const recentMs = 5 * minuteMs;

/**
 * The last whole hour that the logs have. `backends` are those that the API can reach: where two of them are at one host and name no deployment,
 * calls to it stand under the host's own name. Rejects only where the call was cancelled, or this program is at fault.
 */
export async function readObservedShares(
  logs: LogsReader,
  { resourceId, tier }: Pick<Service, "resourceId" | "tier">,
  apiId: string,
  backends: readonly ListedDocument[],
  now: Date,
): Promise<ObservedShares> {
  if (tier === "consumption") return { kind: "unknown", reason: "the Consumption tier writes no logs" };
  // One query after the other would double the wait: what is not complete yet is left out afterwards.
  const [freshness, rows] = await Promise.all([readFreshness(logs, resourceId, now), sharesSince(logs, resourceId, apiId, now)]);
  if (freshness.kind === "refused") return refused(freshness);
  if (rows.kind === "unknown") return rows;
  if (freshness.newest === null)
    return { kind: "unknown", reason: "the logs have no call of the last day; get_metrics tells what is missing" };
  const until = completeUntil(now, lagOf(freshness));
  const since = new Date(until.getTime() - hourMs);
  const nameOf = backendNames(backends);
  const minutes = rows.points
    .filter(({ time }) => time >= since && time < until)
    .map(({ time, place, requests, failed }): AnsweredMinute => ({ time, backendId: nameOf(place), answered: requests - failed, failed }));
  const recentSince = new Date(until.getTime() - recentMs);
  return {
    kind: "read",
    window: { since, until },
    all: sumOf(minutes),
    recent: { since: recentSince, ...sumOf(minutes.filter(({ time }) => time >= recentSince)) },
    minutes,
    partial: rows.partial,
  };
}

function sumOf(minutes: readonly AnsweredMinute[]): Answered {
  const calls = new Map<string, number>();
  for (const { backendId, answered } of minutes) if (answered > 0) calls.set(backendId, (calls.get(backendId) ?? 0) + answered);
  return { calls, failed: minutes.reduce((sum, { failed }) => sum + failed, 0) };
}

/** All calls, those that failed among them. */
export const callsIn = ({ calls, failed }: Answered): number => [...calls.values()].reduce((sum, count) => sum + count, failed);

/** A member that has answered none of the calls of which it has a share. */
export interface Silent {
  readonly backendId: string;
  /** Behind the minute of its last answer; the window's start where it has answered none in it. */
  readonly since: Date;
  /** Calls that other members have answered from then on to the window's end. */
  readonly others: number;
}

/** How improbable a silence must be by chance, were members picked at random. */
const chance = 0.01;

/**
 * Members with a computed share that have answered nothing at the window's end, while others of them have, so often that it is no chance. None where
 * the logs do not tell who is at a member's host. Why, the logs do not tell here: a breaker, a drill, or a share that has been given just now.
 */
export function silentMembers(
  read: Pick<Extract<ObservedShares, { kind: "read" }>, "window" | "all" | "minutes">,
  members: readonly { readonly backendId: string; readonly url: string | null; readonly share: number }[],
): readonly Silent[] {
  const told = observedPercents(read.all, members);
  const answers = read.minutes.filter(({ answered }) => answered > 0);
  return members.flatMap(({ backendId, share }, index) => {
    if (share === 0 || told[index] === "unknown") return [];
    const last = Math.max(...answers.filter((minute) => minute.backendId === backendId).map(({ time }) => time.getTime()));
    const since = new Date(Number.isFinite(last) ? last + minuteMs : read.window.since.getTime());
    const ids = new Set(members.map((member) => member.backendId));
    const others = answers
      .filter((minute) => minute.time >= since && ids.has(minute.backendId))
      .reduce((sum, { answered }) => sum + answered, 0);
    return (1 - share / 100) ** others < chance && others > 1 ? [{ backendId, since, others }] : [];
  });
}

const refused = ({ error }: Extract<Freshness, { kind: "refused" }>): ObservedShares => ({
  kind: "unknown",
  reason: `the logs cannot be read (${error.code}): ${error.message}${error.hint === undefined ? "" : ` ${error.hint}`}`,
});

/** Calls by the minute since longer ago than an hour: how far the logs are complete is asked at the same time. */
async function sharesSince(logs: LogsReader, resourceId: string, apiId: string, now: Date) {
  const until = completeUntil(now, 0);
  const since = new Date(until.getTime() - 2 * hourMs);
  const query = backendShareQuery({ window: { since, until }, resourceId, apiId, interval: "PT1M" });
  try {
    const { rows, partial } = await askLogs(logs, query);
    const points = rows.map(({ keys: { time = "", backend = "" }, values }) => ({
      time: new Date(time),
      place: backend,
      requests: values.Requests ?? 0,
      failed: values.Failed ?? 0,
    }));
    return { kind: "read" as const, points, partial };
  } catch (error) {
    if (isDegradable(error)) return { kind: "unknown" as const, reason: `the logs cannot be read (${error.code}): ${error.message}` };
    throw error;
  }
}

/**
 * Percent of each of these members among the calls that they have answered, in their order; unknown where they have had none, and where the logs do not tell apart who
 * is at a member's host.
 */
export function observedPercents(
  { calls }: Pick<Answered, "calls">,
  members: readonly { readonly backendId: string; readonly url: string | null }[],
): readonly (number | "unknown")[] {
  const hostAt = (url: string | null): string | null => (url !== null && URL.canParse(url) ? new URL(url).hostname : null);
  const own = new Set(members.flatMap(({ backendId, url }) => [backendId, hostAt(url)]));
  // What is no backend's name is a host, or a host and a deployment; ids of backends have no slash.
  const told = [...calls].map(([name, count]) => ({ name: name.split("/")[0] ?? name, count }));
  const all = told.reduce((sum, { name, count }) => sum + (own.has(name) ? count : 0), 0);
  return members.map(({ backendId, url }) => {
    const host = hostAt(url);
    if (all === 0 || host === null || told.some(({ name }) => name === host)) return "unknown";
    return Math.round((100 * (calls.get(backendId) ?? 0)) / all);
  });
}
