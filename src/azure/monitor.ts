import type { Metric, MetricValue, TimeSeriesElement } from "@azure/arm-monitor";
import type { Aggregation, MetricPoint, MetricSeries, MetricsAnswer, MetricsQuery, MetricsReader } from "../gateway/ports.ts";
import { type Attempt, thrownError } from "./errors.ts";
import { type Arm, type Connection, clientOptions, guardPipeline } from "./pipeline.ts";
import { readReport } from "./reports.ts";
import type { ServiceAddress } from "./resource-ids.ts";

/** Azure Monitor answers 10 series where a filter is set without `top`, and says nothing of the others. */
const mostSeries = 1000;

const attempt: Attempt = { what: "read of the platform metrics", writes: false };

/** Platform metrics by Azure Monitor's `metrics` list: https://learn.microsoft.com/rest/api/monitor/metrics/list */
export function metricsReaders(connection: Connection, arm: Arm): (signal: AbortSignal) => MetricsReader {
  const { address } = arm;
  let opened: ReturnType<typeof openMonitor> | undefined;
  return (signal) => ({
    async platform(query) {
      try {
        opened ??= openMonitor(connection, address);
        const { metrics } = await opened;
        // With its leading slash the id would give a path of `//subscriptions/...`.
        const answer = await metrics.list(address.resourceId.slice(1), { ...listOptions(query), abortSignal: signal });
        return metricsAnswer(answer.value, query.aggregations);
      } catch (error) {
        throw thrownError(error, attempt, signal);
      }
    },
    report: (query) => readReport(arm, query, signal),
  });
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
