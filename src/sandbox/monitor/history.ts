/** How long requests took, in milliseconds. */
export interface Timing {
  readonly average: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Requests of one minute that have all their dimensions in common. */
export interface Traffic {
  readonly apiId: string;
  /** Azure's display name of the region, e.g. `East US`. */
  readonly location: string;
  readonly gatewayResponseCode: number;
  /** Null where no backend was called. */
  readonly backendResponseCode: number | null;
  /** Null where nothing went wrong in the gateway. */
  readonly lastErrorReason: string | null;
  readonly requests: number;
  readonly duration: Timing;
  readonly backendDuration: Timing | null;
}

/** Requests of one minute that a deployment of a model's host has answered with one status. */
export interface ModelTraffic {
  readonly host: string;
  readonly deployment: string;
  readonly model: string;
  readonly version: string;
  readonly status: number;
  readonly requests: number;
  /** Of all of them together. */
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** How busy the gateway was in a minute. */
export interface Load {
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/** What happened on the service, asked minute by minute. `minute` is its start. */
export interface History {
  traffic(minute: Date): readonly Traffic[];
  load(minute: Date): Load | null;
  models(minute: Date): readonly ModelTraffic[];
}

export const minuteMs = 60_000;

/** As many minutes as Azure Monitor keeps: 93 days. */
const mostMinutes = 93 * 24 * 60;

/** What is known of each minute that something happened in; of the newest ones. */
export interface Minutes<T> {
  /** That of the minute, made where it is the first. */
  at(time: Date): T;
  find(minute: Date): T | undefined;
}

export function minutesOf<T>(make: () => T): Minutes<T> {
  const minutes = new Map<number, T>();
  return {
    at(time) {
      const index = minuteIndex(time);
      const found = minutes.get(index) ?? make();
      minutes.set(index, found);
      for (const oldest of minutes.keys()) {
        if (minutes.size <= mostMinutes) break;
        minutes.delete(oldest);
      }
      return found;
    },
    find: (minute) => minutes.get(minuteIndex(minute)),
  };
}

/** A history in which only the given minutes had traffic; `minute` is ISO 8601. */
export function historyOf(traffic: readonly (Traffic & { readonly minute: string })[]): History {
  const minutes = new Map<number, Traffic[]>();
  for (const { minute, ...found } of traffic) {
    const index = minuteIndex(new Date(minute));
    minutes.set(index, [...(minutes.get(index) ?? []), found]);
  }
  return { traffic: (minute) => minutes.get(minuteIndex(minute)) ?? [], load: () => null, models: () => [] };
}

const minuteIndex = (time: Date): number => Math.floor(time.getTime() / minuteMs);
