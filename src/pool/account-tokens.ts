import { GatewayError } from "../errors.ts";
import { type ModelsReader, readServedModels, refusable } from "../gateway/model-accounts.ts";
import type { MetricsAnswer, MetricsQuery } from "../gateway/ports.ts";
import type { Member } from "./backend.ts";
import { hostsOf, type Served } from "./served.ts";

/** Tokens by minute (its start, ISO 8601) of each deployment, under its name in lower case. */
type TokensByMinute = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What stands behind the members of a pool, and what was asked of it. */
export interface Behind {
  readonly served: Served;
  /** Of the last day, by the account's ARM id in lower case; what Azure says against reading it in its place. */
  readonly tokens: ReadonlyMap<string, TokensByMinute | GatewayError>;
}

/** Where no account was asked. */
export const nothingRead: Behind = { served: new Map(), tokens: new Map() };

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/**
 * Reads the accounts behind members, and their tokens of the last 24 h by the minute. What Azure refuses stands in its own place; rejects only
 * where the call was cancelled, or this program is at fault.
 */
export async function readBehind(models: ModelsReader, members: readonly Pick<Member, "url">[], now: Date): Promise<Behind> {
  const served = await readServedModels(models, hostsOf(members));
  const accounts = new Map(
    [...served.values()].flatMap((one) => (one.kind === "read" ? [[one.account.resourceId.toLowerCase(), one.account] as const] : [])),
  );
  const query = tokensQuery(now);
  const read = await Promise.all(
    [...accounts].map(async ([id, account]): Promise<[string, TokensByMinute | GatewayError]> => {
      const answer = await refusable(models.metrics(account, query));
      return [id, answer instanceof GatewayError ? answer : tokensByMinute(answer)];
    }),
  );
  return { served, tokens: new Map(read) };
}

/** https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics */
function tokensQuery(now: Date): MetricsQuery {
  const until = new Date(Math.floor(now.getTime() / minuteMs) * minuteMs);
  return {
    metrics: ["TokenTransaction"],
    since: new Date(until.getTime() - dayMs),
    until,
    interval: "PT1M",
    aggregations: ["total"],
    dimensions: { ModelDeploymentName: "*" },
  };
}

/** Of `TokenTransaction` split by deployment; Azure's error where the answer holds one. */
export function tokensByMinute({ series, problems }: MetricsAnswer): TokensByMinute | GatewayError {
  const [problem] = problems;
  if (problem !== undefined) return new GatewayError("unavailable", problem);
  const all = new Map<string, Map<string, number>>();
  for (const { metric, dimensions, points } of series) {
    if (metric !== "TokenTransaction") continue;
    const name = (dimensions.modeldeploymentname ?? "").toLowerCase();
    const minutes = all.get(name) ?? new Map<string, number>();
    all.set(name, minutes);
    for (const { time, values } of points) minutes.set(time, (minutes.get(time) ?? 0) + (values.total ?? 0));
  }
  return all;
}
