import type { Load, Timing, Traffic } from "./history.ts";

export type AggregationName = "total" | "average" | "maximum" | "minimum";

/** A minute's contribution to a metric: `sum` over `count` measurements. */
export interface Sample {
  readonly dimensions: Readonly<Record<string, string>>;
  readonly sum: number;
  readonly count: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** A platform metric; `Minute` is what is known of a minute. */
export interface Metric<Minute> {
  readonly name: string;
  readonly displayName: string;
  readonly unit: string;
  /** The first is the default. */
  readonly aggregations: readonly AggregationName[];
  readonly dimensions: readonly string[];
  /** Null for metrics of which the sandbox has no history. */
  readonly samples: ((minute: Minute) => readonly Sample[]) | null;
}

/** A resource that has platform metrics. */
export interface MeasuredResource<Minute> {
  readonly resourceId: string;
  /** Its type: `Microsoft.ApiManagement/service`. */
  readonly namespace: string;
  /** Azure's name of its region. */
  readonly location: string;
  readonly metrics: readonly Metric<Minute>[];
  minute(start: Date): Minute;
}

/** What is known of a minute of the service. */
export interface ServiceMinute {
  readonly traffic: readonly Traffic[];
  readonly load: Load | null;
}

const placed = ["Location", "Hostname", "ApiId"];

// Assumed: how a dimension without a value is written, "0" for a backend that was not called and "None" for no error.
const dimensionsOf = (traffic: Traffic): Readonly<Record<string, string>> => ({
  location: traffic.location,
  hostname: "sandbox.azure-api.net",
  apiid: traffic.apiId,
  lasterrorreason: traffic.lastErrorReason ?? "None",
  gatewayresponsecode: String(traffic.gatewayResponseCode),
  backendresponsecode: String(traffic.backendResponseCode ?? 0),
  gatewayresponsecodecategory: category(traffic.gatewayResponseCode),
  backendresponsecodecategory: category(traffic.backendResponseCode ?? 0),
});

const category = (code: number): string => `${Math.floor(code / 100)}xx`;

function timed(traffic: Traffic, timing: Timing | null): readonly Sample[] {
  if (timing === null) return [];
  const { average, minimum, maximum } = timing;
  return [{ dimensions: dimensionsOf(traffic), sum: average * traffic.requests, count: traffic.requests, minimum, maximum }];
}

const gauge = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : [{ dimensions: {}, sum: value, count: 1, minimum: value, maximum: value }];

const duration = { unit: "MilliSeconds", aggregations: ["average", "maximum", "minimum"], dimensions: placed } as const;
const percent = { unit: "Percent", aggregations: ["average", "maximum"], dimensions: [] } as const;
const eventCount = { unit: "Count", aggregations: ["total"], dimensions: ["Location"], samples: null } as const;
const deprecatedCount = { ...eventCount, dimensions: ["Location", "Hostname"] } as const;

/** https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-apimanagement-service-metrics */
export const serviceMetrics: readonly Metric<ServiceMinute>[] = [
  {
    name: "Requests",
    displayName: "Requests",
    unit: "Count",
    aggregations: ["total", "maximum", "minimum"],
    dimensions: [
      "Location",
      "Hostname",
      "LastErrorReason",
      "BackendResponseCode",
      "GatewayResponseCode",
      "BackendResponseCodeCategory",
      "GatewayResponseCodeCategory",
      "ApiId",
    ],
    samples: ({ traffic }) =>
      traffic.map((found) => {
        const { requests } = found;
        return { dimensions: dimensionsOf(found), sum: requests, count: 1, minimum: requests, maximum: requests };
      }),
  },
  {
    ...duration,
    name: "Duration",
    displayName: "Overall Duration of Gateway Requests",
    samples: ({ traffic }) => traffic.flatMap((found) => timed(found, found.duration)),
  },
  {
    ...duration,
    name: "BackendDuration",
    displayName: "Duration of Backend Requests",
    samples: ({ traffic }) => traffic.flatMap((found) => timed(found, found.backendDuration)),
  },
  { ...percent, name: "Capacity", displayName: "Capacity", dimensions: ["Location"], samples: null },
  {
    ...percent,
    name: "CpuPercent_Gateway",
    displayName: "CPU Percentage of Gateway",
    samples: ({ load }) => gauge(load?.cpuPercent),
  },
  {
    ...percent,
    name: "MemoryPercent_Gateway",
    displayName: "Memory Percentage of Gateway",
    samples: ({ load }) => gauge(load?.memoryPercent),
  },
  {
    name: "NetworkConnectivity",
    displayName: "Network Connectivity Status of Resources",
    unit: "Count",
    aggregations: ["total", "average"],
    dimensions: ["Location", "ResourceType"],
    samples: null,
  },
  {
    name: "ConnectionAttempts",
    displayName: "WebSocket Connection Attempts",
    unit: "Count",
    aggregations: ["total", "average"],
    dimensions: ["Location", "Source", "Destination", "State"],
    samples: null,
  },
  {
    name: "WebSocketMessages",
    displayName: "WebSocket Messages",
    unit: "Count",
    aggregations: ["total", "average"],
    dimensions: ["Location", "Source", "Destination"],
    samples: null,
  },
  { ...eventCount, name: "EventHubDroppedEvents", displayName: "Dropped EventHub Events" },
  { ...eventCount, name: "EventHubRejectedEvents", displayName: "Rejected EventHub Events" },
  { ...eventCount, name: "EventHubSuccessfulEvents", displayName: "Successful EventHub Events" },
  { ...eventCount, name: "EventHubThrottledEvents", displayName: "Throttled EventHub Events" },
  { ...eventCount, name: "EventHubTimedoutEvents", displayName: "Timed Out EventHub Events" },
  { ...eventCount, name: "EventHubTotalBytesSent", displayName: "Size of EventHub Events", unit: "Bytes" },
  { ...eventCount, name: "EventHubTotalEvents", displayName: "Total EventHub Events" },
  { ...eventCount, name: "EventHubTotalFailedEvents", displayName: "Failed EventHub Events" },
  { ...deprecatedCount, name: "TotalRequests", displayName: "Total Gateway Requests (Deprecated)" },
  { ...deprecatedCount, name: "SuccessfulRequests", displayName: "Successful Gateway Requests (Deprecated)" },
  { ...deprecatedCount, name: "FailedRequests", displayName: "Failed Gateway Requests (Deprecated)" },
  { ...deprecatedCount, name: "UnauthorizedRequests", displayName: "Unauthorized Gateway Requests (Deprecated)" },
  { ...deprecatedCount, name: "OtherRequests", displayName: "Other Gateway Requests (Deprecated)" },
];
