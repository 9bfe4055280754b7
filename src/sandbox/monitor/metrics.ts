import type { JsonObject } from "../../gateway/documents.ts";
import { regionName, sandboxService } from "../service.ts";
import type { World } from "../world.ts";
import { type AggregationName, type MeasuredResource, type Metric, type Sample, type ServiceMinute, serviceMetrics } from "./catalogue.ts";
import { minuteMs } from "./history.ts";
import { type DimensionFilter, type MetricsQuery, oldestKept, readQuery } from "./query.ts";

/** Versions of `Microsoft.Insights/metrics`. */
export const metricsApiVersions = ["2018-01-01", "2019-07-01", "2021-05-01", "2023-10-01", "2024-02-01"];

/** The service, measured by the world's history and the calls since. */
export const measuredService = (world: World): MeasuredResource<ServiceMinute> => ({
  resourceId: sandboxService.resourceId,
  namespace: "Microsoft.ApiManagement/service",
  location: world.service.location,
  metrics: serviceMetrics,
  minute: (start) => ({ traffic: [...world.history.traffic(start), ...world.live.traffic(start)], load: world.history.load(start) }),
});

/** Answers `GET {resource}/providers/Microsoft.Insights/metrics` from what is known of the last 93 days, up to the last full minute. */
export function answerMetrics<Minute>(resource: MeasuredResource<Minute>, now: Date, url: URL): Response {
  const query = readQuery(url, now, resource);
  const value = query.metrics.map((metric) => metricAnswer(resource, now, metric, query));
  const { since, until, interval } = query;
  return Response.json({
    cost: query.metrics.length * Math.ceil((until.getTime() - since.getTime()) / minuteMs),
    timespan: `${iso(since)}/${iso(until)}`,
    interval,
    value,
    namespace: resource.namespace,
    resourceregion: regionName(resource.location),
  });
}

const iso = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, "Z");

function metricAnswer<Minute>(
  resource: MeasuredResource<Minute>,
  now: Date,
  metric: Metric<Minute>,
  query: MetricsQuery<Minute>,
): JsonObject {
  const aggregations = query.aggregations ?? metric.aggregations.slice(0, 1);
  return {
    id: `${resource.resourceId}/providers/Microsoft.Insights/metrics/${metric.name}`,
    type: "Microsoft.Insights/metrics",
    name: { value: metric.name, localizedValue: metric.displayName },
    displayDescription: metric.displayName,
    unit: metric.unit,
    timeseries: seriesOf(resource, now, metric, query)
      .slice(0, query.top)
      .map(({ dimensions, points }) => seriesAnswer(query, dimensions, points, aggregations)),
    errorCode: "Success",
  };
}

interface Point {
  readonly sum: number;
  readonly count: number;
  readonly minimum: number;
  readonly maximum: number;
}

interface Series {
  readonly dimensions: Readonly<Record<string, string>>;
  /** By the number of their interval. */
  readonly points: Map<number, Point>;
}

/** The series that the filter splits a metric into, the largest first. */
function seriesOf<Minute>(
  resource: MeasuredResource<Minute>,
  now: Date,
  { samples }: Metric<Minute>,
  { since, until, intervalMs, filter }: MetricsQuery<Minute>,
): readonly Series[] {
  const series = new Map<string, Series>();
  const end = Math.min(until.getTime(), Math.floor(now.getTime() / minuteMs) * minuteMs);
  const start = Math.max(since.getTime(), oldestKept(now).getTime());
  for (let time = start; samples !== null && time < end; time += minuteMs) {
    const interval = Math.floor((time - since.getTime()) / intervalMs);
    for (const sample of samples(resource.minute(new Date(time)))) {
      if (filter.every((condition) => accepts(condition, sample))) record(series, filter, interval, sample);
    }
  }
  return [...series.values()].sort((a, b) => weightOf(b) - weightOf(a));
}

const accepts = ({ name, value }: DimensionFilter, { dimensions }: Sample): boolean =>
  value === "*" || dimensions[name]?.toLowerCase() === value.toLowerCase();

function record(series: Map<string, Series>, filter: readonly DimensionFilter[], interval: number, sample: Sample): void {
  const dimensions = Object.fromEntries(filter.map(({ name }) => [name, sample.dimensions[name] ?? ""]));
  const key = JSON.stringify(dimensions);
  const found = series.get(key) ?? { dimensions, points: new Map() };
  series.set(key, found);
  const point = found.points.get(interval);
  found.points.set(interval, point === undefined ? sample : merged(point, sample));
}

const merged = (a: Point, b: Point): Point => ({
  sum: a.sum + b.sum,
  count: a.count + b.count,
  minimum: Math.min(a.minimum, b.minimum),
  maximum: Math.max(a.maximum, b.maximum),
});

const weightOf = ({ points }: Series): number => [...points.values()].reduce((sum, point) => sum + point.sum, 0);

/** Dimension names come back in lower case; a point without data carries its time alone. */
function seriesAnswer(
  { since, until, intervalMs }: Pick<MetricsQuery<never>, "since" | "until" | "intervalMs">,
  dimensions: Series["dimensions"],
  points: Series["points"],
  aggregations: readonly AggregationName[],
): JsonObject {
  const intervals = Math.ceil((until.getTime() - since.getTime()) / intervalMs);
  return {
    metadatavalues: Object.entries(dimensions).map(([name, value]) => ({ name: { value: name, localizedValue: name }, value })),
    data: Array.from({ length: intervals }, (_, interval) => ({
      timeStamp: iso(new Date(since.getTime() + interval * intervalMs)),
      ...pointAnswer(points.get(interval), aggregations),
    })),
  };
}

function pointAnswer(point: Point | undefined, aggregations: readonly AggregationName[]): JsonObject {
  if (point === undefined) return {};
  return Object.fromEntries(aggregations.map((name) => [name, aggregated(point, name)]));
}

function aggregated({ sum, count, minimum, maximum }: Point, name: AggregationName): number {
  switch (name) {
    case "total":
      return sum;
    case "average":
      return sum / count;
    case "minimum":
      return minimum;
    case "maximum":
      return maximum;
  }
}
