import { type Minutes, type ModelTraffic, minutesOf } from "../monitor/history.ts";
import type { Deployment, ModelUsage } from "./deployments.ts";

/** A request that a deployment has answered; without usage where it has written nothing. */
interface ServedCall {
  readonly at: Date;
  readonly deployment: Deployment;
  readonly status: number;
  readonly usage: ModelUsage | null;
}

/** What a model backend has answered, by minute, as the platform metrics of its resource count it. */
export interface ServedCalls {
  record(call: ServedCall): void;
  traffic(minute: Date): readonly ModelTraffic[];
}

/** Assumed: a call counts in the minute in which it came; a stream that broke counts with all that it would have had. */
export function servedCalls(host: string): ServedCalls {
  const minutes: Minutes<Map<string, ModelTraffic>> = minutesOf(() => new Map());
  return {
    record({ at, deployment: { name, model, version }, status, usage }) {
      const counted = minutes.at(at);
      const key = JSON.stringify([name, model, version, status]);
      const before = counted.get(key);
      counted.set(key, {
        ...{ host, deployment: name, model, version, status },
        requests: (before?.requests ?? 0) + 1,
        promptTokens: (before?.promptTokens ?? 0) + (usage?.prompt ?? 0),
        completionTokens: (before?.completionTokens ?? 0) + (usage?.completion ?? 0),
      });
    },
    traffic: (minute) => [...(minutes.find(minute)?.values() ?? [])],
  };
}
