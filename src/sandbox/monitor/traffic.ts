import type { JsonObject } from "../../gateway/documents.ts";
import { textAt } from "../json.ts";
import { type History, minuteMs, type Timing, type Traffic } from "./history.ts";

/** What the platform metrics know of one call. */
export interface MeasuredCall {
  readonly apiId: string;
  /** Azure's display name of the region. */
  readonly location: string;
  readonly gatewayResponseCode: number;
  readonly backendResponseCode: number | null;
  readonly lastErrorReason: string | null;
  readonly milliseconds: number;
  readonly backendMs: number;
}

/** Calls of one minute as the metrics count them: those that have all their dimensions in common together. */
export function trafficOf(calls: readonly MeasuredCall[]): readonly Traffic[] {
  const alike = new Map<string, MeasuredCall[]>();
  for (const call of calls) {
    const { apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason } = call;
    const key = JSON.stringify([apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason]);
    const found = alike.get(key);
    if (found === undefined) alike.set(key, [call]);
    else found.push(call);
  }
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason } = first;
    return {
      ...{ apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason },
      requests: group.length,
      duration: timingOf(group.map(({ milliseconds }) => milliseconds)),
      backendDuration: backendResponseCode === null ? null : timingOf(group.map(({ backendMs }) => backendMs)),
    };
  });
}

const timingOf = (values: readonly number[]): Timing => ({
  average: values.reduce((sum, value) => sum + value, 0) / values.length,
  minimum: Math.min(...values),
  maximum: Math.max(...values),
});

/** The calls that the gateway has finished since the sandbox was opened, by minute. */
export interface LiveTraffic {
  /** Counts a row of `ApiManagementGatewayLogs`. */
  record(row: JsonObject): void;
  traffic: History["traffic"];
}

export function liveTraffic(): LiveTraffic {
  const minutes = new Map<number, MeasuredCall[]>();
  return {
    record(row) {
      const minute = Math.floor(Date.parse(textAt(row, "TimeGenerated") ?? "") / minuteMs);
      const call = measured(row);
      const found = minutes.get(minute);
      if (found === undefined) minutes.set(minute, [call]);
      else found.push(call);
    },
    traffic: (minute) => trafficOf(minutes.get(Math.floor(minute.getTime() / minuteMs)) ?? []),
  };
}

/** Assumed: a call of no API has an empty `ApiId`. */
const measured = (row: JsonObject): MeasuredCall => ({
  apiId: textAt(row, "ApiId") ?? "",
  location: textAt(row, "Region") ?? "",
  gatewayResponseCode: numberAt(row, "ResponseCode") ?? 0,
  backendResponseCode: numberAt(row, "BackendResponseCode"),
  lastErrorReason: textAt(row, "LastErrorReason") ?? null,
  milliseconds: numberAt(row, "TotalTime") ?? 0,
  backendMs: numberAt(row, "BackendTime") ?? 0,
});

const numberAt = (row: JsonObject, name: string): number | null => {
  const value = row[name];
  return typeof value === "number" ? value : null;
};
