import type { LogsReader } from "../gateway/ports.ts";
import { shadowCause } from "../gateway/shadow.ts";
import { backendShares } from "./backend-shares.ts";
import { cacheUse } from "./cache-use.ts";
import type { ErrorCause, ThrottleOrigin } from "./cause.ts";
import { groupsBy } from "./groups.ts";
import { askLogs, type LogRows } from "./log-answers.ts";
import type { Grouping } from "./platform-metrics.ts";
import { backendShareQuery } from "./queries/backends.ts";
import { cacheQuery } from "./queries/cache.ts";
import type { CallFilter } from "./queries/calls.ts";
import { endingsQuery, rowsQuery } from "./queries/counts.ts";
import { latencyQuery } from "./queries/latency.ts";
import type { Columns, LogsQuery, LogsRow } from "./queries/query.ts";
import { tpmQuery } from "./queries/tokens.ts";
import type { Include, Known, Latency, TpmByRegion, TpmNumbers, UsageRow, UsageTotals } from "./totals.ts";

export interface LogUsageInput {
  readonly filter: CallFilter;
  readonly groupBy: readonly Grouping[];
  readonly include: readonly Include[];
  readonly limit: number;
  /** What a backend in the logs (`host`, `host/deployment`) is called. */
  readonly backendName: (place: string) => string;
}

export interface LogUsage {
  readonly totals: UsageTotals;
  readonly rows: readonly UsageRow[];
  readonly leftOut: number;
  /** Why not all of it is here. */
  readonly partial: readonly string[];
  readonly notes: readonly string[];
  /** The queries as they were sent. */
  readonly queries: readonly string[];
}

/** One window out of the gateway's logs; every number is aggregated by the query. */
export async function readLogUsage(logs: LogsReader, { filter, groupBy, include, limit, backendName }: LogUsageInput): Promise<LogUsage> {
  const queries: string[] = [];
  const partial = new Set<string>();
  const ask = async <M extends Columns>(query: LogsQuery<M>): Promise<LogRows<M>["rows"]> => {
    queries.push(query.kql);
    const answer = await askLogs(logs, query);
    if (answer.partial !== null) partial.add(answer.partial);
    return answer.rows;
  };
  const askFor = <M extends Columns>(part: Include, query: () => LogsQuery<M>): Promise<LogRows<M>["rows"]> | null =>
    include.includes(part) ? ask(query()) : null;
  const grouped = groupBy.length > 0;
  // Rates and percentiles of a group of one point would say little and cost a query: they are for groups over the whole window.
  const wide = grouped && !groupBy.includes("time");
  const [endings, rows, tpm, rowTpm, latency, rowLatency, cache, shares] = await Promise.all([
    ask(endingsQuery(filter)),
    grouped ? ask(rowsQuery(filter, groupBy, limit)) : [],
    askFor("tpm", () => tpmQuery(filter, [])),
    wide ? askFor("tpm", () => tpmQuery(filter, groupBy)) : null,
    askFor("latency", () => latencyQuery(filter, [])),
    wide ? askFor("latency", () => latencyQuery(filter, groupBy)) : null,
    askFor("cache", () => cacheQuery(filter)),
    askFor("backends", () => backendShareQuery(filter)),
  ]);
  const metered = tokensOf(endings.map(({ values, keys }) => ({ ...values, Succeeded: keys.cause === "succeeded" ? values.Requests : 0 })));
  const shadowed = endings.reduce((sum, { values }) => sum + (values.Shadowed ?? 0), 0);
  const byKeys = { tpm: rowTpm && groupsOf(rowTpm), latency: rowLatency && groupsOf(rowLatency) };
  return {
    totals: {
      ...endingTotals(endings, include),
      ...shadowedNumber(shadowed),
      ...tokenNumbers(metered, include),
      ...(tpm === null ? {} : tpmOf(tpm, metered.known)),
      ...(latency === null ? {} : { latency_ms: latencyOf(latency) }),
      ...(cache === null ? {} : { cache: cacheUse(cache[0]?.values) }),
      ...(shares === null ? {} : { backends: backendShares(shares, backendName, limit) }),
    },
    rows: inOrder(rows, groupBy).map(({ keys, values }) => {
      // Its calls stand in the other rows, as requests and with all else, by how they ended.
      if (keys.cause === shadowCause) {
        return {
          ...keys,
          shadowed: values.Requests ?? 0,
          ...(include.includes("examples") ? { examples: examplesOf(values.Examples) } : {}),
        };
      }
      const tokens = tokensOf([values]);
      const group = keyOf(keys);
      return {
        ...keys,
        ...(keys.backend === undefined ? {} : { backend: withDeployment(keys.backend, backendName(keys.backend)) }),
        requests: values.Requests ?? 0,
        throttled: values.Throttled ?? 0,
        errors: values.Errors ?? 0,
        ...shadowedNumber(groupBy.includes("cause") ? 0 : values.Shadowed),
        ...(include.includes("outcomes") ? { outcomes: { succeeded: values.Succeeded ?? 0, rejected: values.Rejected ?? 0 } } : {}),
        ...tokenNumbers(tokens, include),
        ...(byKeys.tpm === null ? {} : tpmOf(byKeys.tpm.get(group) ?? [], tokens.known)),
        ...(byKeys.latency === null ? {} : { latency_ms: latencyOf(byKeys.latency.get(group) ?? []) }),
        ...(groupBy.includes("cause") && keys.cause !== "succeeded" ? { examples: examplesOf(values.Examples) } : {}),
      };
    }),
    leftOut: Math.max(0, (rows[0]?.values.Groups ?? rows.length) - rows.length),
    partial: [...partial],
    notes: [...meteringNotes(metered), ...(shadowed === 0 ? [] : [shadowNote])],
    queries,
  };
}

/** Left out where there are none: then no shadow limit has recorded anything, or there is none. */
const shadowedNumber = (calls: number | null): Pick<UsageRow, "shadowed"> => (calls === null || calls === 0 ? {} : { shadowed: calls });

const shadowNote = `'shadowed' (cause '${shadowCause}'): calls that came beyond a shadow limit. They went through; the other numbers count them by how they ended.`;

type EndingRow = Awaited<ReturnType<typeof askLogs<ReturnType<typeof endingsQuery>["measures"]>>>["rows"][number];

function endingTotals(endings: readonly EndingRow[], include: readonly Include[]): Omit<UsageTotals, "tokens"> {
  const ended = endings.map(({ keys: { cause = "" }, values }) => ({
    cause,
    requests: values.Requests ?? 0,
    ...(include.includes("examples") ? { examples: examplesOf(values.Examples) } : {}),
  }));
  const sum = (some: readonly { readonly requests: number }[]): number => some.reduce((total, { requests }) => total + requests, 0);
  const succeeded = ended.filter(({ cause }) => cause === "succeeded");
  const rejected = ended.filter(({ cause }) => cause.startsWith("rejected:"));
  const throttled = ended.flatMap(({ cause, ...rest }) => (isOrigin(cause) ? [{ origin: cause, ...rest }] : []));
  const errors = ended.flatMap(({ cause: name, ...rest }) => {
    const cause = name.replace(/^error:/, "");
    return name.startsWith("error:") && isErrorCause(cause) ? [{ cause, ...rest }] : [];
  });
  return {
    requests: sum(ended),
    ...(include.includes("outcomes") ? { outcomes: { succeeded: sum(succeeded), rejected: sum(rejected) } } : {}),
    throttled: { total: sum(throttled), by_origin: throttled },
    errors: { total: sum(errors), by_cause: errors },
  };
}

const origins: Readonly<Record<ThrottleOrigin, true>> = {
  "gateway:token-rate-limit": true,
  "gateway:token-quota": true,
  "gateway:rate-limit": true,
  "gateway:call-quota": true,
  "gateway:rewritten-backend-error": true,
  "gateway:other": true,
  "backend:429": true,
};

const errorCauses: Readonly<Record<ErrorCause, true>> = {
  backend: true,
  unreachable: true,
  timeout: true,
  "breaker-open (inferred)": true,
  policy: true,
  client: true,
  unclassified: true,
};

export const isOrigin = (cause: string): cause is ThrottleOrigin => Object.hasOwn(origins, cause);
const isErrorCause = (cause: string): cause is ErrorCause => Object.hasOwn(errorCauses, cause);

const examplesOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((id) => typeof id === "string").slice(0, 3) : [];

interface Metered {
  /** False where calls have succeeded and none of them has an entry with tokens. */
  readonly known: boolean;
  readonly succeeded: number;
  readonly calls: number;
  readonly prompt: number;
  readonly completion: number;
  readonly tokens: number;
}

interface TokenRow {
  readonly Prompt: number | null;
  readonly Completion: number | null;
  readonly Tokens: number | null;
  readonly Metered: number | null;
  readonly Succeeded: number | null;
}

function tokensOf(rows: readonly TokenRow[]): Metered {
  const sum = (name: keyof TokenRow): number => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const [succeeded, calls] = [sum("Succeeded"), sum("Metered")];
  return {
    known: succeeded === 0 || calls > 0,
    succeeded,
    calls,
    prompt: sum("Prompt"),
    completion: sum("Completion"),
    tokens: sum("Tokens"),
  };
}

function tokenNumbers({ known, prompt, completion, tokens }: Metered, include: readonly Include[]) {
  const say = (value: number): Known => (known ? value : "unknown");
  return {
    tokens: say(tokens),
    ...(include.includes("tokens") ? { token_split: { prompt: say(prompt), completion: say(completion) } } : {}),
  };
}

/** Said where the logs have no tokens at all. */
export const unmetered = "No call has an entry with tokens: these are unknown.";

function meteringNotes({ known, succeeded, calls }: Metered): readonly string[] {
  if (!known) return [unmetered];
  return calls < succeeded
    ? [
        `Tokens are those of ${calls} of ${succeeded} successful calls: the others have none in the logs (cached, not a model's, or not logged).`,
      ]
    : [];
}

/** By time where that is a grouping: the newest were asked for first. */
const inOrder = <M extends Columns>(rows: readonly LogsRow<M>[], groupBy: readonly Grouping[]): readonly LogsRow<M>[] =>
  groupBy.includes("time") ? rows.toSorted((a, b) => (a.keys.time ?? "").localeCompare(b.keys.time ?? "")) : rows;

/** Rows of one backend's deployments stay apart. */
function withDeployment(place: string, name: string): string {
  const [, deployment] = place.split("/");
  return name === place || deployment === undefined ? name : `${name}/${deployment}`;
}

const keyOf = (keys: LogsRow<Columns>["keys"]): string => JSON.stringify(keys);

function groupsOf<M extends Columns>(rows: readonly LogsRow<M>[]): ReadonlyMap<string, readonly LogsRow<M>[]> {
  return groupsBy(rows, ({ keys }) => keyOf(keys));
}

type TpmRow = LogsRow<ReturnType<typeof tpmQuery>["measures"]>;

/** Groups without a row had no tokens in any minute, if tokens are known at all. */
export function tpmOf(rows: readonly TpmRow[], known: boolean): { readonly tpm: TpmNumbers; readonly tpm_by_region?: TpmByRegion } {
  const numbers = (row: TpmRow | undefined): TpmNumbers => {
    if (!known) return { average: "unknown", p95: "unknown", peak: "unknown" };
    const { Average = 0, P95 = 0, Peak = 0 } = row?.values ?? {};
    return { average: Math.round((Average ?? 0) * 10) / 10, p95: P95 ?? 0, peak: Peak ?? 0 };
  };
  const regions = rows.filter(({ values }) => values.Place !== "").toSorted((a, b) => a.values.Place.localeCompare(b.values.Place));
  return {
    tpm: numbers(rows.find(({ values }) => values.Place === "")),
    ...(regions.length < 2 ? {} : { tpm_by_region: Object.fromEntries(regions.map((row) => [row.values.Place, numbers(row)])) }),
  };
}

type LatencyRow = LogsRow<ReturnType<typeof latencyQuery>["measures"]>;

function latencyOf([row]: readonly LatencyRow[]): Latency {
  const say = (value: number | null | undefined): Known => value ?? "unknown";
  const values = row?.values;
  return {
    total: { p50: say(values?.Total50), p95: say(values?.Total95), p99: say(values?.Total99) },
    backend: { p50: say(values?.Backend50), p95: say(values?.Backend95), p99: say(values?.Backend99) },
    gateway: { p50: say(values?.Gateway50), p95: say(values?.Gateway95), p99: say(values?.Gateway99) },
  };
}
