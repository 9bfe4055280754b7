import { GatewayError } from "../errors.ts";
import { type ModelsReader, readServedModels, refusable } from "../gateway/model-accounts.ts";
import type { MetricsAnswer, MetricsQuery } from "../gateway/ports.ts";
import type { Member } from "./backend.ts";
import { hostsOf, type Served } from "./served.ts";

/** Tokens, or requests, by minute (its start, ISO 8601) of each deployment, under its name in lower case. */
type ByMinute = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What stands behind the members of a pool, and what was asked of it. */
export interface Behind {
  readonly served: Served;
  /** Of the last day, by the account's ARM id in lower case; what Azure says against reading it in its place. */
  readonly tokens: ReadonlyMap<string, ByMinute | GatewayError>;
  /** The same of requests; those that the deployment refused are among them. */
  readonly requests: ReadonlyMap<string, ByMinute | GatewayError>;
}

/** Where no account was asked. */
export const nothingRead: Behind = { served: new Map(), tokens: new Map(), requests: new Map() };

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/**
 * Reads the accounts behind members, and their tokens and requests of the last 24 h by the minute. What Azure refuses stands in its own place; rejects only
 * where the call was cancelled, or this program is at fault.
 */
export async function readBehind(models: ModelsReader, members: readonly Pick<Member, "url">[], now: Date): Promise<Behind> {
  const served = await readServedModels(models, hostsOf(members));
  const accounts = new Map(
    [...served.values()].flatMap((one) => (one.kind === "read" ? [[one.account.resourceId.toLowerCase(), one.account] as const] : [])),
  );
  const query = loadQuery(now);
  const read = await Promise.all(
    [...accounts].map(async ([id, account]) => [id, await refusable(models.metrics(account, query))] as const),
  );
  const of = (metric: Metric) =>
    new Map(read.map(([id, answer]) => [id, answer instanceof GatewayError ? answer : byMinute(answer, metric)] as const));
  return { served, tokens: of("TokenTransaction"), requests: of("AzureOpenAIRequests") };
}

type Metric = "TokenTransaction" | "AzureOpenAIRequests";

/** https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics */
function loadQuery(now: Date): MetricsQuery {
  const until = new Date(Math.floor(now.getTime() / minuteMs) * minuteMs);
  return {
    metrics: ["TokenTransaction", "AzureOpenAIRequests"],
    since: new Date(until.getTime() - dayMs),
    until,
    interval: "PT1M",
    aggregations: ["total"],
    dimensions: { ModelDeploymentName: "*" },
  };
}

/** Of `TokenTransaction` split by deployment; Azure's error where the answer holds one. */
export const tokensByMinute = (answer: MetricsAnswer): ByMinute | GatewayError => byMinute(answer, "TokenTransaction");

function byMinute({ series, problems }: MetricsAnswer, of: Metric): ByMinute | GatewayError {
  const [problem] = problems;
  if (problem !== undefined) return new GatewayError("unavailable", problem);
  const all = new Map<string, Map<string, number>>();
  for (const { metric, dimensions, points } of series) {
    if (metric !== of) continue;
    const name = (dimensions.modeldeploymentname ?? "").toLowerCase();
    const minutes = all.get(name) ?? new Map<string, number>();
    all.set(name, minutes);
    for (const { time, values } of points) minutes.set(time, (minutes.get(time) ?? 0) + (values.total ?? 0));
  }
  return all;
}
