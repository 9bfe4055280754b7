import { GatewayError } from "../errors.ts";
import type { Service } from "../gateway/model.ts";
import type { GatewayReader, LoggingSettings, LogsReader, MetricsReader } from "../gateway/ports.ts";
import { backendNames } from "./backend-shares.ts";
import { type Freshness, lagOf, readFreshness } from "./freshness.ts";
import { isDegradable } from "./log-answers.ts";
import { type LogUsage, readLogUsage, unmetered } from "./log-usage.ts";
import { type Grouping, platformQueries } from "./platform-metrics.ts";
import { type Gap, missing } from "./preflight.ts";
import type { CallFilter } from "./queries/calls.ts";
import { readReports, reportSubject } from "./reports.ts";
import { rowless, summarize, tokenless } from "./summary.ts";
import { readTokenMetrics, withTokens } from "./token-metrics.ts";
import type { Include, UsageSource, UsageSummary } from "./totals.ts";
import { chooseInterval, completeUntil, forgotten, type Window } from "./window.ts";

/** What a report is read through; bound to one call. */
export interface UsageReaders {
  readonly gateway: GatewayReader;
  readonly metrics: MetricsReader;
  readonly logs: LogsReader;
}

/** What is known before a window is chosen: where data is, and how far it reaches. */
export interface UsageGround {
  readonly service: Service;
  readonly freshness: Freshness;
  /** Null where they could not be read. */
  readonly settings: LoggingSettings | null;
  /** Whole minutes until then are there, in the source that will answer. */
  readonly complete: Date;
}

/** Azure Monitor's own word for platform metrics is below a minute: https://learn.microsoft.com/azure/azure-monitor/essentials/data-platform-metrics */
const platformLagSeconds = 60;

export async function readGround({ gateway, logs }: UsageReaders, apiId: string | undefined, now: Date): Promise<UsageGround> {
  const service = await gateway.service();
  const [freshness, settings] = await Promise.all([
    readFreshness(logs, service.resourceId, now),
    logs.settings(apiId).catch((error: unknown) => {
      if (isDegradable(error)) return null;
      throw error;
    }),
  ]);
  const lag = freshness.kind === "readable" && freshness.newest !== null ? lagOf(freshness) : platformLagSeconds;
  return { service, freshness, settings, complete: completeUntil(now, lag) };
}

export interface UsageAsked {
  readonly window: Window;
  readonly apiId?: string | undefined;
  readonly groupBy: readonly Grouping[];
  readonly subscriptions: readonly string[];
  readonly interval?: string | undefined;
  readonly include: readonly Include[];
  readonly limit: number;
}

/** One window, with what is missing for a fuller answer and the queries that gave it. */
export interface UsageReport extends UsageSummary {
  readonly missing: readonly Gap[];
  readonly queries: readonly string[];
  /** Beside an answer of the logs: how many requests platform metrics count, where they count clearly more. */
  readonly counted?: number;
}

/**
 * One window of the service. Logs answer where they can be read and have calls of the window, or where platform metrics have none either; else platform metrics
 * do. Tokens that neither knows are those of Application Insights, where it has any. Numbers of two sources are never added up. Rejects only where neither
 * logs nor platform metrics can be read.
 */
export async function readUsage(readers: UsageReaders, ground: UsageGround, asked: UsageAsked, now: Date): Promise<UsageReport> {
  const { window, groupBy, include, limit } = asked;
  const interval =
    groupBy.includes("time") || include.includes("backends")
      ? chooseInterval(window, asked.interval, limit)
      : chooseInterval(window, asked.interval);
  const report = await withReports(readers, ground, asked, await readCalls(readers, ground, asked, interval, now));
  if (report.totals.tokens !== "unknown") return report;
  const spent = await settled(readTokenMetrics(readers.logs, { filter: filterOf(ground, asked, interval), groupBy, include }));
  if (spent.kind === "failed" || spent.value === null) return report;
  const { source, notes, queries, rows } = spent.value;
  const answered = [unmetered, tokenless, ...(rows === null ? [] : [rowless(groupBy)])];
  return {
    ...report,
    ...withTokens(report, spent.value, groupBy, limit),
    sources: [...report.sources, source],
    notes: [...report.notes.filter((note) => !answered.includes(note)), ...notes],
    queries: [...report.queries, ...queries],
  };
}

/** The rows of the service's reports, where neither logs nor platform metrics can tell any. */
async function withReports(
  { metrics }: UsageReaders,
  { service }: UsageGround,
  asked: UsageAsked,
  report: UsageReport,
): Promise<UsageReport> {
  const { groupBy } = asked;
  const needed = report.notes.includes(rowless(groupBy));
  const by = needed ? reportSubject(service, asked) : null;
  if (by === null) return report;
  const read = await settled(readReports(metrics, by, asked));
  if (read.kind === "failed") {
    return { ...report, notes: [...report.notes, `The service's reports cannot be read (${read.error.code}): ${read.error.message}`] };
  }
  const { rows, left_out, source, notes } = read.value;
  return {
    ...report,
    rows,
    left_out,
    sources: [...report.sources, source],
    notes: [...report.notes.filter((note) => note !== rowless(groupBy)), ...notes],
  };
}

/** Calls and how they ended, with what the same source knows of them besides. */
async function readCalls(readers: UsageReaders, ground: UsageGround, asked: UsageAsked, interval: string, now: Date): Promise<UsageReport> {
  const gaps = ground.settings === null ? [] : missing(ground.service, ground.settings, asked.apiId);
  const [logs, platform] = await Promise.all([
    logsOf(readers, ground, asked, interval),
    settled(platformOf(readers, asked, interval, now)),
  ]);
  const onPlatform = platform.kind === "read" ? platform.value : null;
  if (logs.kind === "read" && (logs.value.totals.requests !== 0 || (onPlatform !== null && onPlatform.totals.requests === 0))) {
    return logReport(ground, asked, interval, logs.value, onPlatform, gaps);
  }
  if (onPlatform === null) throw platform.kind === "failed" ? platform.error : new GatewayError("internal", "No source has answered.");
  return {
    ...onPlatform,
    notes: [...subscriptionNotes(asked), whyNoLogs(ground, logs, gaps), ...onPlatform.notes],
    missing: gaps.filter(({ name }) => name !== "verbosity"),
    queries: logs.kind === "read" ? logs.value.queries : [],
  };
}

const filterOf = ({ service }: UsageGround, { window, apiId, subscriptions }: UsageAsked, interval: string): CallFilter => ({
  window,
  resourceId: service.resourceId,
  apiId,
  subscriptions,
  interval,
});

type Outcome<T> = { readonly kind: "read"; readonly value: T } | { readonly kind: "failed"; readonly error: GatewayError };

const settled = async <T>(reading: Promise<T>): Promise<Outcome<T>> => {
  try {
    return { kind: "read", value: await reading };
  } catch (error) {
    if (isDegradable(error)) return { kind: "failed", error };
    throw error;
  }
};

async function logsOf(readers: UsageReaders, ground: UsageGround, asked: UsageAsked, interval: string): Promise<Outcome<LogUsage>> {
  const { freshness } = ground;
  if (freshness.kind === "refused") return { kind: "failed", error: freshness.error };
  const named = asked.groupBy.includes("backend") || asked.include.includes("backends");
  return settled(
    (async () =>
      readLogUsage(readers.logs, {
        filter: filterOf(ground, asked, interval),
        groupBy: asked.groupBy,
        include: asked.include,
        limit: asked.limit,
        backendName: backendNames(named ? await readers.gateway.backends() : []),
      }))(),
  );
}

async function platformOf({ metrics }: UsageReaders, asked: UsageAsked, interval: string, now: Date): Promise<UsageSummary> {
  const { window, apiId, groupBy, limit, include } = asked;
  // Azure Monitor refuses to be asked for what it no longer keeps.
  const queries = forgotten(window, now) === "all" ? [] : platformQueries({ window, interval, apiId, groupBy });
  const answers = await Promise.all(queries.map((query) => metrics.platform(query)));
  return summarize({ window, interval, answers, groupBy, limit, include, now });
}

/** What the logs have is a whole, as far as its notes say nothing else. */
function logReport(
  ground: UsageGround,
  asked: UsageAsked,
  interval: string,
  usage: LogUsage,
  platform: UsageSummary | null,
  gaps: readonly Gap[],
): UsageReport {
  const { window } = asked;
  const sampled = gaps.find(({ name }) => name === "sampling");
  const unmetered = usage.totals.tokens === "unknown";
  const counted = sampled === undefined ? fewerThanPlatform(asked, usage, platform) : null;
  const told = gaps.filter(
    ({ name }) =>
      name === "sampling" ||
      (unmetered && (name === "llm_category_off" || name === "llm_logging_off")) ||
      // Without traces no row of a shadow limit does not mean that it would have refused nothing.
      (name === "verbosity" && asked.groupBy.includes("cause")),
  );
  return {
    window: { since: window.since.toISOString(), until: window.until.toISOString(), interval },
    totals: usage.totals,
    rows: usage.rows,
    left_out: usage.leftOut,
    sources: [logSource(ground.freshness)],
    notes: [
      ...usage.partial.map((reason) => `The logs have answered in part: ${reason}`),
      ...(window.until > ground.complete ? [`Calls after ${ground.complete.toISOString()} may not all be in the logs yet.`] : []),
      ...(sampled === undefined ? [] : [`${sampled.what} Numbers are those of the sample, not scaled.`]),
      ...(counted === null ? [] : [`Platform metrics count ${counted} requests in this window: logs are late, or not of all calls.`]),
      ...usage.notes,
    ],
    missing: told,
    queries: usage.queries,
    ...(counted === null ? {} : { counted }),
  };
}

function logSource(freshness: Freshness): UsageSource {
  const { scope, lagSeconds, newest } = freshness.kind === "readable" ? freshness : { scope: "resource", lagSeconds: null, newest: null };
  return {
    name: scope === "resource" ? "gateway logs" : "gateway logs (workspace)",
    resolution: "each call",
    lag: lagSeconds === null ? "not measured" : `${Math.round(lagSeconds)} s (99 % of the last day's rows)`,
    ...(newest === null ? {} : { newest }),
  };
}

/** Below this share of what platform metrics count, logs are taken to be incomplete: both may cut a window's edges differently. */
const tolerated = 0.98;

function fewerThanPlatform({ subscriptions }: UsageAsked, { totals }: LogUsage, platform: UsageSummary | null): number | null {
  const counted = platform?.totals.requests;
  if (typeof counted !== "number" || typeof totals.requests !== "number" || subscriptions.length > 0) return null;
  return totals.requests < counted * tolerated ? counted : null;
}

const subscriptionNotes = ({ subscriptions }: UsageAsked): readonly string[] =>
  subscriptions.length === 0 ? [] : ["Platform metrics know no subscriptions: these numbers are of all of them."];

/** Why the answer is not from the logs. */
function whyNoLogs({ freshness }: UsageGround, logs: Outcome<LogUsage>, gaps: readonly Gap[]): string {
  if (logs.kind === "failed") {
    const { code, message, hint } = logs.error;
    return `Logs cannot be read (${code}): ${message}${hint === undefined ? "" : ` ${hint}`}`;
  }
  const [gap] = gaps;
  if (gap !== undefined && freshness.kind === "readable" && freshness.newest === null) return `The logs hold no calls. ${gap.what}`;
  const newest = freshness.kind === "readable" ? freshness.newest : null;
  return `The logs hold no calls of this window${newest === null ? ", and none of the last day" : `; the newest is of ${newest}`}.`;
}
