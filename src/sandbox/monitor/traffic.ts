import type { JsonObject } from "../../gateway/documents.ts";
import { textAt } from "../json.ts";
import { type History, minutesOf, type Timing, type Traffic } from "./history.ts";

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
  const minute = countedMinute();
  for (const call of calls) minute.add(call);
  return minute.traffic();
}

/** Counts what can be told of many calls, and forgets each of them. */
interface CountedMinute {
  add(call: MeasuredCall): void;
  traffic(): readonly Traffic[];
}

interface Counted {
  readonly first: MeasuredCall;
  requests: number;
  duration: Sum;
  backendDuration: Sum;
}

interface Sum {
  readonly total: number;
  readonly minimum: number;
  readonly maximum: number;
}

const nothing: Sum = { total: 0, minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY };

const plus = ({ total, minimum, maximum }: Sum, value: number): Sum => ({
  total: total + value,
  minimum: Math.min(minimum, value),
  maximum: Math.max(maximum, value),
});

const timingOf = ({ total, minimum, maximum }: Sum, requests: number): Timing => ({ average: total / requests, minimum, maximum });

function countedMinute(): CountedMinute {
  const alike = new Map<string, Counted>();
  return {
    add(call) {
      const { apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason } = call;
      const key = JSON.stringify([apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason]);
      const group = alike.get(key) ?? { first: call, requests: 0, duration: nothing, backendDuration: nothing };
      alike.set(key, group);
      group.requests += 1;
      group.duration = plus(group.duration, call.milliseconds);
      group.backendDuration = plus(group.backendDuration, call.backendMs);
    },
    traffic: () =>
      [...alike.values()].map(({ first, requests, duration, backendDuration }) => {
        const { apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason } = first;
        return {
          ...{ apiId, location, gatewayResponseCode, backendResponseCode, lastErrorReason },
          requests,
          duration: timingOf(duration, requests),
          backendDuration: backendResponseCode === null ? null : timingOf(backendDuration, requests),
        };
      }),
  };
}

/** The calls that the gateway has finished since the sandbox was opened, by minute. */
export interface LiveTraffic {
  /** Counts a row of `ApiManagementGatewayLogs`. */
  record(row: JsonObject): void;
  traffic: History["traffic"];
}

export function liveTraffic(): LiveTraffic {
  const minutes = minutesOf(countedMinute);
  return {
    record: (row) => minutes.at(new Date(textAt(row, "TimeGenerated") ?? "")).add(measured(row)),
    traffic: (minute) => minutes.find(minute)?.traffic() ?? [],
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
