import type { Metric, MetricValue, TimeSeriesElement } from "@azure/arm-monitor";
import type { Aggregation, MetricPoint, MetricSeries, MetricsAnswer, MetricsQuery, MetricsReader } from "../gateway/ports.ts";
import { type Attempt, thrownError } from "./errors.ts";
import { type Arm, type Connection, clientOptions, guardPipeline } from "./pipeline.ts";
import { reading } from "./reads.ts";
import { readReport } from "./reports.ts";
import type { ServiceAddress } from "./resource-ids.ts";

/** Azure Monitor answers 10 series where a filter is set without `top`, and says nothing of the others. */
const mostSeries = 1000;

/** Platform metrics of the service, and its reports. */
export function metricsReaders(connection: Connection, arm: Arm): (signal: AbortSignal) => MetricsReader {
  const { address } = arm;
  const platform = platformMetrics(connection, address);
  return (signal) => ({
    platform: (query) => platform(address.resourceId, query, reading("the platform metrics"), signal),
    report: (query) => readReport(arm, query, signal),
  });
}

/** Reads metrics of the resource with this ARM id. */
type PlatformMetrics = (resourceId: string, query: MetricsQuery, attempt: Attempt, signal: AbortSignal) => Promise<MetricsAnswer>;

/** Azure Monitor's `metrics` list, of any resource: https://learn.microsoft.com/rest/api/monitor/metrics/list */
export function platformMetrics(connection: Connection, address: ServiceAddress): PlatformMetrics {
  let opened: ReturnType<typeof openMonitor> | undefined;
  return async (resourceId, query, attempt, signal) => {
    try {
      opened ??= openMonitor(connection, address);
      const { metrics } = await opened;
      // With its leading slash the id would give a path of `//subscriptions/...`.
      const answer = await metrics.list(resourceId.slice(1), { ...listOptions(query), abortSignal: signal });
      return metricsAnswer(answer.value, query.aggregations);
    } catch (error) {
      throw thrownError(error, attempt, signal);
    }
  };
}

async function openMonitor(connection: Connection, { azureSubscription }: ServiceAddress) {
  const { MonitorClient } = await import("@azure/arm-monitor");
  const client = new MonitorClient(connection.credential, azureSubscription, {
    ...clientOptions(connection),
    // The client's own default is the public cloud's, whatever the endpoint.
    credentials: { scopes: [connection.scope] },
  });
  guardPipeline(client.pipeline, connection.endpoint);
  return client;
}

function listOptions({ metrics, since, until, interval, aggregations, dimensions }: MetricsQuery) {
  const filter = Object.entries(dimensions)
    .map(([name, value]) => `${name} eq '${value.replaceAll("'", "''")}'`)
    .join(" and ");
  return {
    timespan: `${since.toISOString()}/${until.toISOString()}`,
    interval,
    metricnames: metrics.join(","),
    aggregation: aggregations.join(","),
    autoAdjustTimegrain: false,
    ...(filter === "" ? {} : { filter, top: mostSeries }),
  };
}

function metricsAnswer(metrics: readonly Metric[], aggregations: readonly Aggregation[]): MetricsAnswer {
  return {
    series: metrics.flatMap((metric) => metric.timeseries.map((series) => seriesOf(nameOf(metric), series, aggregations))),
    problems: metrics.flatMap(problemsOf),
  };
}

const nameOf = ({ name }: Metric): string => name.value;

function problemsOf(metric: Metric): string[] {
  const { errorCode = "Success", errorMessage, timeseries } = metric;
  const failure =
    errorCode === "Success" ? [] : [`${nameOf(metric)}: ${errorCode}${errorMessage === undefined ? "" : `, ${errorMessage}`}`];
  const cut = timeseries.length >= mostSeries ? [`${nameOf(metric)}: only the first ${mostSeries} series are here`] : [];
  return [...failure, ...cut];
}

const seriesOf = (
  metric: string,
  { metadatavalues = [], data = [] }: TimeSeriesElement,
  aggregations: readonly Aggregation[],
): MetricSeries => ({
  metric,
  dimensions: Object.fromEntries(metadatavalues.map(({ name, value }) => [(name?.value ?? "").toLowerCase(), value ?? ""])),
  points: data.map((value) => pointOf(value, aggregations)),
});

const pointOf = (value: MetricValue, aggregations: readonly Aggregation[]): MetricPoint => ({
  time: value.timeStamp.toISOString(),
  values: Object.fromEntries(aggregations.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]]))),
});
