import type { MetricSeries, MetricsQuery } from "../gateway/ports.ts";
import type { Ending } from "./cause.ts";
import type { Window } from "./window.ts";

/**
 * What rows may be grouped by. Platform metrics know `region`, `cause` and `time`; the others are in no platform metric
 * (https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-apimanagement-service-metrics).
 */
export type Grouping = "subscription" | "product" | "operation" | "backend" | "region" | "model" | "cause" | "time";

interface PlatformQueryInput {
  readonly window: Window;
  readonly interval: string;
  /** Without it: all APIs of the service. */
  readonly apiId?: string | undefined;
  readonly groupBy?: readonly Grouping[] | undefined;
}

/**
 * The queries that `summarize` reads: how requests ended, and how long they took. Two of them, since one filter applies
 * to all metrics of a query and durations have no dimension for response codes.
 */
export function platformQueries({ window, interval, apiId, groupBy = [] }: PlatformQueryInput): readonly MetricsQuery[] {
  const where = {
    ...(apiId === undefined ? {} : { ApiId: apiId }),
    ...(groupBy.includes("region") ? { Location: "*" } : {}),
  };
  const period = { since: window.since, until: window.until, interval };
  return [
    {
      ...period,
      metrics: ["Requests"],
      aggregations: ["total"],
      dimensions: { ...where, GatewayResponseCode: "*", BackendResponseCode: "*", LastErrorReason: "*" },
    },
    { ...period, metrics: ["Duration", "BackendDuration"], aggregations: ["average"], dimensions: where },
  ];
}

/** Requests of one region in one interval that ended alike. */
export interface RequestCount extends Ending {
  readonly region: string;
  /** Start of the interval, ISO 8601, UTC. */
  readonly time: string;
  readonly requests: number;
}

export function requestCounts(series: readonly MetricSeries[]): readonly RequestCount[] {
  return series
    .filter(({ metric }) => metric === "Requests")
    .flatMap(({ dimensions, points }) =>
      points.map(({ time, values }) => ({
        region: regionOf(dimensions),
        time: startOf(time),
        requests: values.total ?? 0,
        gatewayCode: statusCode(dimensions.gatewayresponsecode),
        backendCode: statusCode(dimensions.backendresponsecode),
        reason: errorReason(dimensions.lasterrorreason),
      })),
    )
    .filter(({ requests }) => requests > 0);
}

/** The average duration of one region's requests in one interval, in milliseconds. */
export interface DurationPoint {
  readonly region: string;
  readonly time: string;
  readonly average: number;
}

export function durations(series: readonly MetricSeries[], metric: "Duration" | "BackendDuration"): readonly DurationPoint[] {
  return series
    .filter((one) => one.metric === metric)
    .flatMap(({ dimensions, points }) =>
      points.flatMap(({ time, values: { average } }) =>
        average === undefined ? [] : [{ region: regionOf(dimensions), time: startOf(time), average }],
      ),
    );
}

/** The gateway's region; empty where the query did not split by it. */
const regionOf = (dimensions: MetricSeries["dimensions"]): string => dimensions.location ?? "";

const startOf = (time: string): string => new Date(time).toISOString();

/** Null for every way of writing "none": Azure Monitor's documents leave open which one is used where no backend was called. */
function statusCode(value: string | undefined): number | null {
  return value !== undefined && /^[1-9]\d\d$/.test(value) ? Number(value) : null;
}

function errorReason(value: string | undefined): string | null {
  return value === undefined || /^(?:none|null|undefined|)$/i.test(value.trim()) ? null : value.trim();
}
