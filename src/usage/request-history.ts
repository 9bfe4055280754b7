import { GatewayError } from "../errors.ts";
import type { PastRequest, RequestHistory } from "../gateway/past-requests.ts";
import type { MetricsReader } from "../gateway/ports.ts";
import { outcomeOf, type ThrottleOrigin } from "./cause.ts";
import { askLogs, isDegradable } from "./log-answers.ts";
import { type Gap, missing } from "./preflight.ts";
import type { LogsRow } from "./queries/query.ts";
import { minuteTokensQuery, requestsQuery, type TeamFilter } from "./queries/request-history.ts";
import { readGround, type UsageGround, type UsageReaders } from "./report.ts";
import { pastTime, type Window, wholeMinute } from "./window.ts";

interface HistoryAsked {
  readonly subscriptionId: string;
  /** How long a time, as an ISO 8601 duration of at most 31 days; seven days where left out. */
  readonly window?: string | undefined;
  /** Rows that are read at most; 200,000 where left out: what Azure Monitor answers at once (https://learn.microsoft.com/azure/azure-monitor/service-limits#log-analytics-workspaces) with room to spare. */
  readonly most?: number;
}

const week = "P7D";
const mostRows = 200_000;
const mostDays = 31;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/**
 * What a team has sent up to where the logs are complete, each request with its tokens. Where there are more requests than are read, the window is
 * shortened to the newest of them. Where the logs tell nothing, or no tokens, there is what metrics know by the minute, and why. A source that fails
 * is a gap, not an error; throws `invalid_input` for a window that is none, and rejects where the service itself cannot be read.
 */
export async function readRequestHistory(readers: UsageReaders, asked: HistoryAsked, now: Date): Promise<RequestHistory> {
  // What cannot be read is refused before anything is asked.
  windowOf(asked.window ?? week, now);
  const ground = await readGround(readers, undefined, now);
  const filter = {
    window: windowOf(asked.window ?? week, ground.complete),
    resourceId: ground.service.resourceId,
    subscriptionId: asked.subscriptionId,
  };
  const read = await readRequests(readers, ground, filter, asked.most ?? mostRows);
  if ("why" in read) return withoutRequests(readers, filter, read);
  if (read.metered) return read;
  const minuteTokens = await minuteTokensOf(readers, filter);
  return { ...read, minuteTokens, gap: read.gap ?? { why: "No request has an entry with tokens in the logs." } };
}

function windowOf(duration: string, complete: Date): Window {
  const since = wholeMinute(pastTime("window", `-${duration.trim()}`, complete));
  const length = complete.getTime() - since.getTime();
  if (length <= 0 || length > mostDays * dayMs) {
    throw new GatewayError("invalid_input", `'window' is not a duration of at most ${mostDays} days: '${duration}'.`, {
      hint: "Write an ISO 8601 duration: P7D, P1D, PT6H.",
    });
  }
  return { since, until: complete };
}

type WhyNone = NonNullable<RequestHistory["gap"]>;

async function readRequests(
  { logs }: UsageReaders,
  { freshness, settings, service }: UsageGround,
  filter: TeamFilter,
  most: number,
): Promise<RequestHistory | WhyNone> {
  if (freshness.kind === "refused") return { why: failureOf(freshness.error) };
  const gaps = settings === null ? [] : missing(service, settings);
  try {
    const { rows, partial } = await askLogs(logs, requestsQuery(filter, most));
    // An idle team and a service without logs both have no rows.
    if (rows.length === 0 && freshness.newest === null)
      return gapOf(gaps[0]) ?? { why: "The gateway's logs hold no calls of the last day." };
    return historyOf(filter.window, rows.flatMap(requestOf), { truncated: rows.length >= most, partial, gaps });
  } catch (error) {
    if (isDegradable(error)) return { why: failureOf(error) };
    throw error;
  }
}

const failureOf = ({ code, message, hint }: GatewayError): string =>
  `The gateway's logs cannot be read (${code}): ${message}${hint === undefined ? "" : ` ${hint}`}`;

const gapOf = (gap: Gap | undefined): WhyNone | null =>
  gap === undefined ? null : { why: gap.what, ...(gap.fix === undefined ? {} : { fix: gap.fix }) };

type RequestRow = LogsRow<ReturnType<typeof requestsQuery>["measures"]>;

function requestOf({ values }: RequestRow): readonly PastRequest[] {
  const { Start, TotalMs, Code, BackendCode, Reason, Api, Place, Prompt, Tokens, Streamed, Deployment } = values;
  if (Start === null) return [];
  const start = Date.parse(Start);
  const outcome = outcomeOf({ gatewayCode: positive(Code), backendCode: positive(BackendCode), reason: Reason === "" ? null : Reason });
  return [
    {
      start,
      end: start + Math.max(0, TotalMs ?? 0),
      tokens: Tokens === null ? null : { prompt: Prompt ?? 0, total: Tokens },
      streamed: Streamed === 1,
      deployment: Deployment,
      apiId: Api,
      region: Place,
      served: outcome.kind === "succeeded" && positive(BackendCode) !== null,
      refusedBy: outcome.kind === "throttled" ? (limitKinds[outcome.origin] ?? null) : null,
    },
  ];
}

const positive = (code: number | null): number | null => (code === null || code <= 0 ? null : code);

const limitKinds: Partial<Readonly<Record<ThrottleOrigin, NonNullable<PastRequest["refusedBy"]>>>> = {
  "gateway:token-rate-limit": "tpm",
  "gateway:token-quota": "token_quota",
  "gateway:rate-limit": "rpm",
  "gateway:call-quota": "call_quota",
};

/** Below this share of served requests with tokens, some of them are taken to have spent more than is known. */
const toleratedShare = 0.98;

function historyOf(
  window: Window,
  requests: readonly PastRequest[],
  { truncated, partial, gaps }: { readonly truncated: boolean; readonly partial: string | null; readonly gaps: readonly Gap[] },
): RequestHistory {
  const oldest = requests[0];
  const served = requests.filter((request) => request.served);
  const counted = served.filter(({ tokens }) => (tokens?.total ?? 0) > 0).length;
  const metered = served.length === 0 || counted > 0;
  const few = metered && counted < served.length * toleratedShare;
  const sampling = gaps.find(({ name }) => name === "sampling");
  const off = gaps.find(({ name }) => name === "llm_category_off" || name === "llm_logging_off");
  return {
    since: truncated && oldest !== undefined ? new Date(oldest.start) : window.since,
    until: window.until,
    requests,
    metered,
    minuteTokens: null,
    minuteCalls: null,
    incomplete: partial !== null || sampling !== undefined || few,
    notes: [
      ...(truncated ? [`Only the newest ${requests.length} requests are read.`] : []),
      ...(partial === null ? [] : [`The logs have answered in part: ${partial}`]),
      ...(sampling === undefined ? [] : [sampling.what]),
      ...(few ? [`${served.length - counted} of ${served.length} served requests have no tokens in the logs.`] : []),
    ],
    gap: metered ? null : gapOf(off),
  };
}

async function withoutRequests(readers: UsageReaders, filter: TeamFilter, gap: WhyNone): Promise<RequestHistory> {
  const [minuteTokens, minuteCalls] = await Promise.all([minuteTokensOf(readers, filter), minuteCallsOf(readers.metrics, filter.window)]);
  return { ...filter.window, requests: null, metered: false, minuteTokens, minuteCalls, incomplete: false, notes: [], gap };
}

async function minuteTokensOf({ logs }: UsageReaders, filter: TeamFilter): Promise<readonly number[] | null> {
  try {
    const { rows } = await askLogs({ query: logs.queryWorkspace }, minuteTokensQuery(filter));
    if (rows.length === 0) return null;
    return byMinute(
      filter.window,
      rows.map(({ values }) => [values.Minute, values.Tokens ?? 0]),
    );
  } catch (error) {
    if (isDegradable(error)) return null;
    throw error;
  }
}

/** Platform metrics know no subscriptions, and are asked for a day by the minute at most. */
async function minuteCallsOf(metrics: MetricsReader, { since, until }: Window): Promise<readonly number[] | null> {
  const days = Array.from({ length: Math.ceil((until.getTime() - since.getTime()) / dayMs) }, (_, day) => {
    const start = since.getTime() + day * dayMs;
    return { since: new Date(start), until: new Date(Math.min(until.getTime(), start + dayMs)) };
  });
  const query = { metrics: ["Requests"], aggregations: ["total"], interval: "PT1M", dimensions: {} } as const;
  try {
    const answers = await Promise.all(days.map((day) => metrics.platform({ ...query, ...day })));
    if (answers.some(({ problems }) => problems.length > 0)) return null;
    const points = answers.flatMap(({ series }) => series.flatMap(({ points }) => points));
    return byMinute(
      { since, until },
      points.map(({ time, values }) => [time, values.total ?? 0]),
    );
  } catch (error) {
    if (isDegradable(error)) return null;
    throw error;
  }
}

function byMinute({ since, until }: Window, points: readonly (readonly [time: string | null, amount: number])[]): readonly number[] {
  const minutes = Array.from({ length: Math.ceil((until.getTime() - since.getTime()) / minuteMs) }, () => 0);
  for (const [time, amount] of points) {
    const index = time === null ? -1 : Math.floor((Date.parse(time) - since.getTime()) / minuteMs);
    const before = minutes[index];
    if (before !== undefined) minutes[index] = before + amount;
  }
  return minutes;
}
