import type { LogsReader } from "../gateway/ports.ts";
import { groupsBy } from "./groups.ts";
import { askLogs } from "./log-answers.ts";
import { tpmOf } from "./log-usage.ts";
import type { Grouping } from "./platform-metrics.ts";
import type { CallFilter } from "./queries/calls.ts";
import type { Columns, LogsQuery } from "./queries/query.ts";
import { isTokenGrouping, metricTpmQuery, type TokenGrouping, tokenMetricsQuery } from "./queries/token-metrics.ts";
import type { Include, TokenSplit, TpmByRegion, TpmNumbers, UsageRow, UsageSource, UsageTotals } from "./totals.ts";

type Keys = Partial<Readonly<Record<Grouping, string>>>;

interface TokenNumbers {
  readonly tokens: number;
  readonly token_split?: TokenSplit;
  readonly tpm?: TpmNumbers;
  readonly tpm_by_region?: TpmByRegion;
}

/** Tokens of one window as `llm-emit-token-metric` has counted them. */
export interface TokenMetrics {
  readonly totals: TokenNumbers;
  /** By the groups that were asked for, the newest or largest first; null where the metrics have no such dimension, or have not been given it. */
  readonly rows: readonly { readonly keys: Keys; readonly numbers: TokenNumbers }[] | null;
  readonly source: UsageSource;
  readonly notes: readonly string[];
  readonly queries: readonly string[];
}

interface Asked {
  readonly filter: CallFilter;
  readonly groupBy: readonly Grouping[];
  readonly include: readonly Include[];
}

const sourceName = "Application Insights token metrics";

/** Null where the service's workspace has no token metrics of the window. */
export async function readTokenMetrics(logs: LogsReader, { filter, groupBy, include }: Asked): Promise<TokenMetrics | null> {
  const queries: string[] = [];
  const partial = new Set<string>();
  const ask = async <M extends Columns>(query: LogsQuery<M>) => {
    queries.push(query.kql);
    const answer = await askLogs({ query: logs.queryWorkspace }, query);
    if (answer.partial !== null) partial.add(answer.partial);
    return answer.rows;
  };
  const [whole] = await ask(tokenMetricsQuery(filter, []));
  if (whole === undefined || (whole.values.Metered ?? 0) === 0) return null;
  const dimensions = groupBy.filter(isTokenGrouping);
  const grouped = groupBy.length > 0 && dimensions.length === groupBy.length;
  const rates = include.includes("tpm");
  const [groups, tpm, groupTpm] = await Promise.all([
    grouped ? ask(tokenMetricsQuery(filter, dimensions)) : [],
    rates ? ask(metricTpmQuery(filter, [])) : null,
    rates && grouped && !groupBy.includes("time") ? ask(metricTpmQuery(filter, dimensions)) : null,
  ]);
  const tpmByKeys = groupTpm && groupsBy(groupTpm, ({ keys }) => groupKey(keys, dimensions));
  const split = ({ Prompt, Completion }: typeof whole.values): Pick<TokenNumbers, "token_split"> =>
    include.includes("tokens") ? { token_split: { prompt: Prompt ?? 0, completion: Completion ?? 0 } } : {};
  const absent = dimensions.filter((grouping) => grouping !== "time" && groups.every(({ keys }) => keys[grouping] === "none"));
  return {
    totals: { tokens: whole.values.Tokens ?? 0, ...split(whole.values), ...(tpm === null ? {} : tpmOf(tpm, true)) },
    rows:
      !grouped || absent.length > 0
        ? null
        : groups.map(({ keys, values }) => ({
            keys,
            numbers: {
              tokens: values.Tokens ?? 0,
              ...split(values),
              ...(tpmByKeys === null ? {} : tpmOf(tpmByKeys.get(groupKey(keys, dimensions)) ?? [], true)),
            },
          })),
    source: {
      name: sourceName,
      resolution: "each measurement",
      lag: "not measured",
      ...(whole.values.Newest === null ? {} : { newest: whole.values.Newest }),
    },
    notes: [
      `Tokens are of the ${sourceName}: ${whole.values.Metered} calls under llm-emit-token-metric, streamed ones estimated, sampled as Application Insights is set.`,
      ...(absent.length === 0 ? [] : [`The token metrics have no ${absent.join(" or ")}: the policy does not emit it.`]),
      ...[...partial].map((reason) => `The token metrics are here in part: ${reason}`),
    ],
    queries,
  };
}

/** Names of one thing may differ in case. */
const groupKey = (row: Keys, groupBy: readonly TokenGrouping[]): string =>
  JSON.stringify(groupBy.map((grouping) => row[grouping]?.toLowerCase()));

interface Counted {
  readonly totals: UsageTotals;
  readonly rows: readonly UsageRow[];
  readonly left_out: number;
}

/** An answer that knows no tokens with those of the token metrics. Rows are its own; where it could not tell any, those of the metrics. */
export function withTokens(
  { totals, rows, left_out }: Counted,
  metrics: TokenMetrics,
  groupBy: readonly Grouping[],
  limit: number,
): Counted {
  const merged = { ...totals, ...metrics.totals };
  if (metrics.rows === null) return { totals: merged, rows, left_out };
  if (rows.length === 0) {
    const shown = metrics.rows.slice(0, limit).map(({ keys, numbers }) => ({ ...keys, ...numbers }));
    return { totals: merged, rows: inOrder(shown, groupBy), left_out: metrics.rows.length - shown.length };
  }
  const dimensions = groupBy.filter(isTokenGrouping);
  const known = new Map(metrics.rows.map(({ keys, numbers }) => [groupKey(keys, dimensions), numbers]));
  return { totals: merged, rows: rows.map((row) => ({ ...row, ...known.get(groupKey(row, dimensions)) })), left_out };
}

/** By time where that is a grouping: the newest were asked for first. */
const inOrder = (rows: readonly UsageRow[], groupBy: readonly Grouping[]): readonly UsageRow[] =>
  groupBy.includes("time") ? rows.toSorted((a, b) => (a.time ?? "").localeCompare(b.time ?? "")) : rows;
