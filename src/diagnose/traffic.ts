import { GatewayError } from "../errors.ts";
import type { ListedDocument } from "../gateway/documents.ts";
import { backendNames } from "../usage/backend-shares.ts";
import { cacheUse } from "../usage/cache-use.ts";
import { askLogs } from "../usage/log-answers.ts";
import { cacheQuery } from "../usage/queries/cache.ts";
import type { CallFilter } from "../usage/queries/calls.ts";
import { rowsQuery } from "../usage/queries/counts.ts";
import { failuresQuery } from "../usage/queries/failures.ts";
import { latencyQuery } from "../usage/queries/latency.ts";
import { maskedQuery } from "../usage/queries/masked.ts";
import type { Columns, LogsQuery, LogsRow } from "../usage/queries/query.ts";
import { streamsQuery } from "../usage/queries/streams.ts";
import { readUsage, type UsageGround, type UsageReport } from "../usage/report.ts";
import type { CacheUse } from "../usage/totals.ts";
import type { Window } from "../usage/window.ts";
import type { Symptom } from "./check.ts";
import { type Metered, readMetered } from "./metered-traffic.ts";
import { attempt, type Read, type Readers } from "./reads.ts";

/** A 429 of the model that a policy has made a 5xx of: to logs and metrics an error of the backend. */
export const rewritten429 = "backend:429-rewritten";

/** Calls that have ended in one way, as the gateway's logs have them. */
export interface Failure {
  /** As `causeName` says it, and `rewritten429`. */
  readonly cause: string;
  /** Id of the backend that was called last, or its host; null where none was. */
  readonly backend: string | null;
  /** Of the model, as the URL that was called names it; null where it names none. */
  readonly deployment: string | null;
  readonly subscription: string | null;
  /** Null where the call has met none. */
  readonly api: string | null;
  /** Of one of the calls, as the caller has written it. */
  readonly path: string;
  readonly status: number;
  /** 0 where no backend has answered. */
  readonly backendStatus: number;
  readonly reason: string;
  /** The policy that failed. */
  readonly source: string;
  readonly message: string;
  readonly requests: number;
  readonly first: string;
  readonly last: string;
  readonly examples: readonly string[];
}

/** How calls of the window have ended, whoever tells it. */
export interface Calls {
  readonly requests: number;
  /** By cause, as `causeName` says it and `rewritten429`; `succeeded` among them. */
  readonly ended: ReadonlyMap<string, number>;
  readonly source: string;
  /** Why these may not be all calls. */
  readonly notes: readonly string[];
}

interface TeamCalls {
  readonly subscription: string;
  readonly requests: number;
}

/** Milliseconds within which 95 % of the calls came, or that they took on average: in all, and in the backend's and the gateway's part. */
export interface Delays {
  readonly measure: "95 %" | "average";
  readonly total: number;
  readonly backend: number;
  readonly gateway: number;
}

/** Which model a deployment of a backend says it is. */
export interface ServedModel {
  readonly backend: string;
  readonly deployment: string;
  readonly model: string;
}

/** What a backend has answered last, whatever it was. */
export interface Served {
  readonly backend: string;
  readonly requests: number;
  readonly succeeded: number;
}

/** Answers that the model's log knows, and how many of them were streamed. */
export interface Streams {
  readonly answers: number;
  readonly streamed: number;
}

/** What the gateway had to do in the window. Reads that nobody asked for are null. */
export interface Traffic {
  readonly calls: Read<Calls>;
  /** Those that did not succeed, in detail; without teams, backends and messages where platform metrics tell them. What follows is from logs alone, but for cache and delays. */
  readonly failures: Read<readonly Failure[]>;
  /** Rejected calls of nobody that the logs know, where a team was asked about: its own may be among them. */
  readonly unowned: Read<readonly Failure[]>;
  /** Answers of backends that were errors, and of which a policy has made a success; their cause is `succeeded`. Null where no log tells. */
  readonly masked: Read<readonly Failure[]> | null;
  readonly teams: Read<readonly TeamCalls[]>;
  readonly cache: Read<CacheUse & { readonly succeeded: number }> | null;
  /** Of the window, and of the one of the same length before it. */
  readonly delays: Read<{ readonly now: Delays | null; readonly before: Delays | null }> | null;
  readonly models: Read<readonly ServedModel[]> | null;
  readonly served: Read<readonly Served[]>;
  readonly streams: Read<Streams> | null;
  /** Whether rows came into the logs within the last day; null where they cannot be asked. */
  readonly logged: boolean | null;
}

interface TrafficAsked {
  readonly window: Window;
  readonly apiId: string | null;
  readonly subscriptionId: string | null;
  readonly symptom: Symptom | null;
  readonly now: Date;
}

const mostGroups = 500;

export async function readTraffic(
  readers: Readers,
  ground: Read<UsageGround>,
  asked: TrafficAsked,
  backends: readonly ListedDocument[],
): Promise<Traffic> {
  if (ground.kind === "refused") {
    return {
      calls: ground,
      failures: ground,
      unowned: ground,
      masked: null,
      teams: ground,
      cache: ground,
      delays: ground,
      models: ground,
      ...{ served: ground, streams: ground, logged: null },
    };
  }
  const { service, freshness } = ground.value;
  const { window, apiId, subscriptionId, symptom, now } = asked;
  const subscriptions = subscriptionId === null ? [] : [subscriptionId];
  const filter: CallFilter = { window, resourceId: service.resourceId, apiId: apiId ?? undefined, subscriptions, interval: "PT1M" };
  const about = { window, apiId: apiId ?? undefined, groupBy: ["cause"], subscriptions, include: ["examples"], limit: mostGroups } as const;
  const report = await attempt("traffic", readUsage(readers, ground.value, about, now));
  const gone = withoutLogs(ground.value, report);
  // The logs know other calls of late: of this team there are none.
  const idle =
    gone !== null && subscriptionId !== null && writesLogs(ground.value, report) ? ({ kind: "read", value: noCalls } as const) : null;
  // Metrics know no subscriptions: their numbers would be those of all teams.
  const ended = subscriptionId !== null && gone !== null ? (idle ?? gone) : mapped(report, callsOf);
  const logged = freshness.kind === "readable" ? freshness.newest !== null : null;
  const rowsOf = async <M extends Columns>(query: LogsQuery<M>): Promise<Read<readonly LogsRow<M>[]>> =>
    attempt(
      "logs",
      askLogs(readers.logs, query).then(({ rows }) => rows),
    );
  const name = backendNames(backends);
  const failuresBy = async (of: CallFilter): Promise<Read<readonly Failure[]>> =>
    mapped(await rowsOf(failuresQuery(of)), (rows) => rows.map((row) => failureOf(row, name)));
  const unownedOf = async (): Promise<Traffic["unowned"]> =>
    subscriptionId === null ? { kind: "read", value: [] } : mapped(await failuresBy({ ...filter, subscriptions: [] }), unownedAmong);
  if (idle !== null) return { calls: ended, ...nothing, unowned: await unownedOf(), logged };
  if (gone !== null) {
    // Of all teams, as above.
    const metered =
      subscriptionId === null
        ? await attempt("traffic", readMetered(readers.metrics, { window, before: before(window), apiId, now }))
        : gone;
    const of = <Part extends keyof Metered>(part: Part): Read<Metered[Part]> =>
      metered.kind === "read" ? { kind: "read", value: metered.value[part] } : gone;
    const failures = mapped(of("failures"), (all) => all.map(named429));
    return {
      calls: withCausesOf(ended, failures),
      ...{ failures, unowned: gone, masked: null, cache: of("cache"), delays: of("delays") },
      ...{ teams: gone, models: gone, served: gone, streams: gone, logged },
    };
  }
  const wants = (...some: readonly Symptom[]): boolean => symptom === null || some.includes(symptom);
  const [failures, unowned, masked, teams, cache, delays, models, streams] = await Promise.all([
    failuresBy(filter),
    unownedOf(),
    rowsOf(maskedQuery(filter)),
    rowsOf(rowsQuery(filter, ["subscription"], mostGroups)),
    wants("cache") ? rowsOf(cacheQuery(filter)) : null,
    wants("latency") ? Promise.all([filter, { ...filter, window: before(window) }].map((one) => rowsOf(latencyQuery(one, [])))) : null,
    rowsOf(rowsQuery(filter, ["backend", "model"], mostGroups)),
    wants("cache") ? rowsOf(streamsQuery(filter)) : null,
  ]);
  return {
    calls: withCausesOf(ended, failures),
    failures,
    unowned,
    masked: mapped(masked, (rows) => rows.map((row) => maskedOf(row, name))),
    teams: mapped(teams, (rows) =>
      rows.map(({ keys, values }) => ({ subscription: keys.subscription ?? "", requests: values.Requests ?? 0 })),
    ),
    cache: cache && mapped(cache, ([row]) => ({ ...cacheUse(row?.values), succeeded: row?.values.Succeeded ?? 0 })),
    delays: delays && delaysOf(delays),
    models: wants("failover") ? mapped(models, (rows) => rows.flatMap((row) => servedModel(row, name))) : null,
    served: mapped(models, (rows) => rows.flatMap((row) => servedBy(row, name))),
    streams: streams && mapped(streams, ([row]) => ({ answers: row?.values.Answers ?? 0, streamed: row?.values.Streamed ?? 0 })),
    logged,
  };
}

/** Why the logs say nothing of the window's calls; null where they do. */
function withoutLogs({ freshness }: UsageGround, report: Read<UsageReport>): Extract<Read<never>, { kind: "refused" }> | null {
  if (freshness.kind === "refused") return { kind: "refused", read: "logs", error: freshness.error };
  if (report.kind === "refused") return report;
  if (report.value.sources.some(({ name }) => name.startsWith("gateway logs"))) return null;
  const error = new GatewayError("not_found", "The logs hold no calls of this window.", {
    hint: 'diagnose_gateway {"symptom":"logging"} says why.',
  });
  return { kind: "refused", read: "logs", error };
}

/** What the logs say of no call. */
const nothing = {
  failures: { kind: "read", value: [] },
  masked: null,
  teams: { kind: "read", value: [] },
  cache: null,
  delays: { kind: "read", value: { now: null, before: null } },
  models: { kind: "read", value: [] },
  served: { kind: "read", value: [] },
  streams: null,
} as const satisfies Partial<Traffic>;

const noCalls: Calls = { requests: 0, ended: new Map(), source: "gateway logs", notes: [] };

/** Whether the logs are read and still written: then a team without rows has made no call that they know as its own. */
const writesLogs = ({ freshness }: UsageGround, report: Read<UsageReport>): boolean =>
  freshness.kind === "readable" &&
  freshness.newest !== null &&
  report.kind === "read" &&
  !report.value.missing.some(({ name }) => stopLogs.has(name));

const stopLogs: ReadonlySet<string> = new Set(["consumption", "no_diagnostic_setting", "not_dedicated", "gateway_logs_off"]);

const mapped = <T, U>(read: Read<T>, change: (value: T) => U): Read<U> =>
  read.kind === "read" ? { kind: "read", value: change(read.value) } : read;

/** What a report says of calls that are missing; what else it notes is about tokens, or about where it has its numbers from. */
const incomplete = /^The logs have answered in part|^Logs cannot be read|^Calls after |^Platform metrics count |\bsample\b/;

/** The requests of rows are those that ended so: a shadow limit's rows have none of their own. */
function callsOf({ rows, totals, sources, notes }: UsageReport): Calls {
  const ended = new Map(
    rows.flatMap(({ cause, requests }) => (cause === undefined || requests === undefined ? [] : [[cause, requests] as const])),
  );
  const requests = typeof totals.requests === "number" ? totals.requests : [...ended.values()].reduce((sum, count) => sum + count, 0);
  return { requests, ended, source: sources[0]?.name ?? "unknown", notes: notes.filter((note) => incomplete.test(note)) };
}

const before = ({ since, until }: Window): Window => ({ since: new Date(2 * since.getTime() - until.getTime()), until: since });

type FailureRow = LogsRow<ReturnType<typeof failuresQuery>["measures"]>;

const orNull = (key: string | undefined): string | null => (key === undefined || key === "" || key === "none" ? null : key);

type MaskedRow = LogsRow<ReturnType<typeof maskedQuery>["measures"]>;

const failureOf = (row: FailureRow, name: (place: string) => string): Failure => {
  const { Path, Reason, Source, Message } = row.values;
  return named429({ ...maskedOf(row, name), path: Path, reason: Reason, source: Source, message: Message });
};

function maskedOf({ keys, values }: MaskedRow, name: (place: string) => string): Failure {
  const place = orNull(keys.backend);
  return {
    cause: keys.cause ?? "",
    backend: place === null ? null : name(place),
    deployment: place?.split("/")[1] ?? null,
    subscription: orNull(keys.subscription),
    api: orNull(values.Api),
    ...{ path: "", reason: "", source: "", message: "" },
    status: values.Status ?? 0,
    backendStatus: values.BackendStatus ?? 0,
    requests: values.Requests ?? 0,
    first: values.First ?? "",
    last: values.Last ?? "",
    examples: Array.isArray(values.Examples) ? values.Examples.filter((id) => typeof id === "string") : [],
  };
}

const named429 = (failure: Failure): Failure =>
  failure.cause === "error:backend" && failure.backendStatus === 429 ? { ...failure, cause: rewritten429 } : failure;

/** A call without a team that was rejected before any backend: of whom it was, no log says. */
const unownedAmong = (failures: readonly Failure[]): readonly Failure[] =>
  failures.filter(
    ({ cause, subscription, backendStatus }) => subscription === null && backendStatus === 0 && cause.startsWith("rejected:"),
  );

/** Errors of backends that were 429 under their own cause, as the failures tell them apart. */
function withCausesOf(calls: Read<Calls>, failures: Read<readonly Failure[]>): Read<Calls> {
  if (calls.kind === "refused" || failures.kind === "refused") return calls;
  const { ended } = calls.value;
  const errors = ended.get("error:backend") ?? 0;
  const rewritten = failures.value.reduce((sum, { cause, requests }) => sum + (cause === rewritten429 ? requests : 0), 0);
  const moved = Math.min(errors, rewritten);
  if (moved === 0) return calls;
  const causes = new Map([...ended, ["error:backend", errors - moved], [rewritten429, moved]]);
  return { kind: "read", value: { ...calls.value, ended: causes } };
}

type DelayRows = Read<readonly LogsRow<ReturnType<typeof latencyQuery>["measures"]>[]>;

function delaysOf([now, earlier]: readonly DelayRows[]): NonNullable<Traffic["delays"]> {
  if (now === undefined || earlier === undefined) return { kind: "read", value: { now: null, before: null } };
  if (now.kind === "refused") return now;
  if (earlier.kind === "refused") return earlier;
  return { kind: "read", value: { now: delay(now.value), before: delay(earlier.value) } };
}

function delay([row]: Extract<DelayRows, { kind: "read" }>["value"]): Delays | null {
  const total = row?.values.Total95 ?? null;
  return total === null ? null : { measure: "95 %", total, backend: row?.values.Backend95 ?? 0, gateway: row?.values.Gateway95 ?? 0 };
}

function servedBy({ keys, values }: LogsRow<ReturnType<typeof rowsQuery>["measures"]>, name: (place: string) => string): readonly Served[] {
  const place = orNull(keys.backend);
  return place === null ? [] : [{ backend: name(place), requests: values.Requests ?? 0, succeeded: values.Succeeded ?? 0 }];
}

function servedModel({ keys }: LogsRow<Columns>, name: (place: string) => string): readonly ServedModel[] {
  const [place, model] = [orNull(keys.backend), orNull(keys.model)];
  const deployment = place?.split("/")[1];
  return place === null || model === null || deployment === undefined ? [] : [{ backend: name(place), deployment, model }];
}
