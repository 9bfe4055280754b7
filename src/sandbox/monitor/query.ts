import { HttpError } from "../arm/errors.ts";
import { conjuncts, unquoted } from "../odata.ts";
import type { AggregationName, MeasuredResource, Metric } from "./catalogue.ts";
import { minuteMs } from "./history.ts";

/** One dimension of a `$filter`; `value` is `*` where it splits. */
export interface DimensionFilter {
  readonly name: string;
  readonly value: string;
}

export interface MetricsQuery<Minute> {
  readonly metrics: readonly Metric<Minute>[];
  readonly since: Date;
  readonly until: Date;
  readonly interval: string;
  readonly intervalMs: number;
  /** Null: each metric's own default. */
  readonly aggregations: readonly AggregationName[] | null;
  readonly filter: readonly DimensionFilter[];
  /** How many series of a metric are answered. */
  readonly top: number;
}

/** 400 in Azure Monitor's form, which has no envelope (https://github.com/Azure/azure-sdk-for-net/issues/29584). */
const badRequest = (message: string): HttpError => new HttpError(400, { code: "BadRequest", message });

const grains: Readonly<Record<string, { readonly minutes: number; readonly name: string }>> = {
  PT1M: { minutes: 1, name: "00:01:00" },
  PT5M: { minutes: 5, name: "00:05:00" },
  PT15M: { minutes: 15, name: "00:15:00" },
  PT30M: { minutes: 30, name: "00:30:00" },
  PT1H: { minutes: 60, name: "01:00:00" },
  PT6H: { minutes: 360, name: "06:00:00" },
  PT12H: { minutes: 720, name: "12:00:00" },
  P1D: { minutes: 1440, name: "1.00:00:00" },
};

const harmless = ["api-version", "metricnamespace", "autoadjusttimegrain", "validatedimensions"];
const known = [...harmless, "metricnames", "timespan", "interval", "aggregation", "$filter", "top"];

/** Reads a query of the metrics endpoint (https://learn.microsoft.com/rest/api/monitor/metrics/list); throws 400 for what it does not know. */
export function readQuery<Minute>({ searchParams }: URL, now: Date, resource: MeasuredResource<Minute>): MetricsQuery<Minute> {
  const unknown = [...searchParams.keys()].find((name) => !known.includes(name.toLowerCase()));
  if (unknown !== undefined) throw badRequest(`The sandbox does not know the parameter '${unknown}'.`);
  const asked = metricsNamed(searchParams.get("metricnames"), resource);
  const interval = searchParams.get("interval") ?? "PT1M";
  const filter = readFilter(searchParams.get("$filter"));
  const aggregations = readAggregations(searchParams.get("aggregation"));
  for (const metric of asked) {
    checkDimensions(metric, filter);
    checkAggregations(metric, aggregations ?? []);
  }
  return {
    metrics: asked,
    ...readTimespan(searchParams.get("timespan"), now),
    interval,
    intervalMs: intervalOf(interval, asked) * minuteMs,
    aggregations,
    filter,
    top: filter.length === 0 ? Number.POSITIVE_INFINITY : readTop(searchParams.get("top")),
  };
}

function metricsNamed<Minute>(names: string | null, resource: MeasuredResource<Minute>): readonly Metric<Minute>[] {
  if (names === null || names === "") throw badRequest("At least one metric name is required in 'metricnames'.");
  const asked = names.split(",").map((name) => metricNamed(name, resource));
  if (asked.length > 20) throw badRequest(`Requested metrics count: ${asked.length} bigger than allowed max: 20`);
  return asked;
}

/** https://github.com/Azure/azure-sdk-for-net/issues/29584 */
function metricNamed<Minute>(name: string, { namespace, metrics }: MeasuredResource<Minute>): Metric<Minute> {
  const metric = metrics.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (metric !== undefined) return metric;
  const valid = metrics.map((candidate) => candidate.name).join(",");
  const [provider, type] = namespace.split(/\/(.*)/);
  throw badRequest(
    `Failed to find metric configuration for provider: ${provider}, resource Type: ${type}, metric: ${name}, Valid metrics: ${valid}`,
  );
}

function readTimespan(timespan: string | null, now: Date): { readonly since: Date; readonly until: Date } {
  if (timespan === null) return { since: wholeMinute(now.getTime() - 60 * minuteMs), until: now };
  const [start = "", end = "", ...rest] = timespan.split("/");
  const [since, until] = [Date.parse(start), Date.parse(end)];
  if (Number.isNaN(since) || Number.isNaN(until) || rest.length > 0)
    throw badRequest(`Timespan '${timespan}' is not 'start/end' in ISO 8601.`);
  if (since >= until) throw badRequest(`Start time cannot be after or equal to end time: ${timespan}`);
  if (until <= oldestKept(now).getTime()) throw badRequest(`Query endTime: ${dotNetTime(until)} is out of ${retention}`);
  return { since: wholeMinute(since), until: new Date(until) };
}

/** https://github.com/Azure/azure-sdk-for-python/issues/13547 */
const retention = "the Max metrics retention period: 93.00:00:00";

/** The first minute of which there still are metrics: https://learn.microsoft.com/azure/azure-monitor/essentials/data-platform-metrics */
export const oldestKept = (now: Date): Date => wholeMinute(now.getTime() - 93 * 24 * 60 * minuteMs);

/** As .NET writes a time in English: `6/1/2020 12:00:00 AM`. */
const dotNetTime = (time: number): string => new Date(time).toLocaleString("en-US", { timeZone: "UTC" }).replace(/[,\s]+/g, " ");

const wholeMinute = (time: number): Date => new Date(Math.floor(time / minuteMs) * minuteMs);

/** https://github.com/digiaiiris/zabbix-azure-monitoring/pull/45 */
function intervalOf(interval: string, asked: readonly { readonly name: string }[]): number {
  const grain = grains[interval];
  if (grain !== undefined) return grain.minutes;
  const names = Object.values(grains)
    .map(({ name }) => name)
    .join(",");
  throw badRequest(
    `Commonly allowed time grains: ${names} between metrics: ${asked.map(({ name }) => name).join(",")}, ` +
      `can not support requested time grain: ${interval} please adjust your interval parameter to use one of the common grains`,
  );
}

function readAggregations(text: string | null): readonly AggregationName[] | null {
  return text === null || text === "" ? null : text.split(",").map(aggregationNamed);
}

function aggregationNamed(text: string): AggregationName {
  const name = text.trim().toLowerCase();
  if (name === "total" || name === "average" || name === "maximum" || name === "minimum") return name;
  throw badRequest(`Aggregation '${text}' is not supported; supported are: Total, Average, Maximum, Minimum.`);
}

/** Assumed: the wording, and that a whole query fails for one metric that does not have the aggregation. */
function checkAggregations({ name, aggregations }: Pick<Metric<never>, "name" | "aggregations">, asked: readonly AggregationName[]): void {
  const unsupported = asked.find((aggregation) => !aggregations.includes(aggregation));
  if (unsupported === undefined) return;
  throw badRequest(`Metric: ${name} does not support requested aggregation: ${unsupported}, supported ones are: ${aggregations.join(",")}`);
}

/** https://github.com/tomkerkhove/promitor/issues/2557 */
function checkDimensions({ name, dimensions }: Pick<Metric<never>, "name" | "dimensions">, filter: readonly DimensionFilter[]): void {
  const names = dimensions.map((dimension) => dimension.toLowerCase());
  if (filter.every((condition) => names.includes(condition.name))) return;
  const asked = filter.map((condition) => condition.name).join(",");
  throw badRequest(
    `Metric: ${name} does not support requested dimension combination: ${asked}, supported ones are: ${dimensions.join(",")}`,
  );
}

function readFilter(text: string | null): readonly DimensionFilter[] {
  if (text === null || text.trim() === "") return [];
  return conjuncts(text).map((condition) => {
    const [, name, value = ""] = /^(\w+)\s+eq\s+'((?:[^']|'')*)'$/i.exec(condition) ?? [];
    if (name === undefined) throw badRequest(`The sandbox does not understand $filter=${text}.`);
    return { name: name.toLowerCase(), value: unquoted(value) };
  });
}

/** Ten series unless asked for more: what is beyond is silently left out. */
function readTop(text: string | null): number {
  if (text === null) return 10;
  if (!/^[1-9]\d*$/.test(text)) throw badRequest(`'top' must be a positive whole number, not '${text}'.`);
  return Number(text);
}
