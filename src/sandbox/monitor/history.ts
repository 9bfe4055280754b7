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

/** How busy the gateway was in a minute. */
export interface Load {
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/** What happened on the service, asked minute by minute. `minute` is its start. */
export interface History {
  traffic(minute: Date): readonly Traffic[];
  load(minute: Date): Load | null;
}

export const minuteMs = 60_000;

/** A history in which only the given minutes had traffic; `minute` is ISO 8601. */
export function historyOf(traffic: readonly (Traffic & { readonly minute: string })[]): History {
  const minutes = new Map<number, Traffic[]>();
  for (const { minute, ...found } of traffic) {
    const index = minuteIndex(new Date(minute));
    minutes.set(index, [...(minutes.get(index) ?? []), found]);
  }
  return { traffic: (minute) => minutes.get(minuteIndex(minute)) ?? [], load: () => null };
}

const minuteIndex = (time: Date): number => Math.floor(time.getTime() / minuteMs);

/**
 * An endless history of one API, the same for every reader: a working day's curve of successes, about 2 % refused by a token
 * limit, now and then a backend that is throttled, fails or does not answer.
 */
export function steadyHistory(apiId: string, location: string): History {
  return {
    traffic: (minute) => trafficOf(minute, apiId, location),
    load(minute) {
      const busy = demand(minute) / peak;
      return { cpuPercent: round(8 + 45 * busy), memoryPercent: round(34 + 6 * busy) };
    },
  };
}

const peak = 220;

/** Requests in a minute: 40 at night, 200 at noon UTC, give or take a tenth. */
function demand(minute: Date): number {
  const hour = minute.getUTCHours() + minute.getUTCMinutes() / 60;
  const daylight = Math.max(0, Math.sin((Math.PI * (hour - 6)) / 12));
  return Math.round((40 + 160 * daylight) * (0.9 + 0.2 * chance(minute, 0)));
}

interface Share {
  readonly gatewayResponseCode: number;
  readonly backendResponseCode: number | null;
  readonly lastErrorReason: string | null;
  /** Of all requests. */
  readonly share: number;
  /** Milliseconds in the gateway alone, and in the backend. */
  readonly gatewayMs: number;
  readonly backendMs: number;
}

const failures: readonly Share[] = [
  {
    gatewayResponseCode: 429,
    backendResponseCode: null,
    lastErrorReason: "OpenAITokenLimitExceeded",
    share: 0.02,
    gatewayMs: 4,
    backendMs: 0,
  },
  { gatewayResponseCode: 429, backendResponseCode: 429, lastErrorReason: null, share: 0.004, gatewayMs: 8, backendMs: 60 },
  { gatewayResponseCode: 500, backendResponseCode: 500, lastErrorReason: null, share: 0.002, gatewayMs: 9, backendMs: 450 },
  {
    gatewayResponseCode: 500,
    backendResponseCode: null,
    lastErrorReason: "BackendConnectionFailure",
    share: 0.0005,
    gatewayMs: 2100,
    backendMs: 0,
  },
  {
    gatewayResponseCode: 401,
    backendResponseCode: null,
    lastErrorReason: "SubscriptionKeyInvalid",
    share: 0.0005,
    gatewayMs: 2,
    backendMs: 0,
  },
];

const success = { gatewayResponseCode: 200, backendResponseCode: 200, lastErrorReason: null, gatewayMs: 9, backendMs: 950 };

function trafficOf(minute: Date, apiId: string, location: string): readonly Traffic[] {
  const all = demand(minute);
  const failed = failures.map((failure, index) => ({ ...failure, requests: Math.floor(all * failure.share + chance(minute, index + 1)) }));
  const succeeded = all - failed.reduce((sum, { requests }) => sum + requests, 0);
  return [{ ...success, requests: succeeded }, ...failed]
    .filter(({ requests }) => requests > 0)
    .map(({ gatewayResponseCode, backendResponseCode, lastErrorReason, requests, gatewayMs, backendMs }, index) => {
      const slower = 0.9 + 0.2 * chance(minute, 20 + index) + (0.3 * all) / peak;
      return {
        apiId,
        location,
        gatewayResponseCode,
        backendResponseCode,
        lastErrorReason,
        requests,
        duration: timing((gatewayMs + backendMs) * slower),
        backendDuration: backendResponseCode === null ? null : timing(backendMs * slower),
      };
    });
}

const timing = (average: number): Timing => ({ average: round(average), minimum: round(average * 0.3), maximum: round(average * 3.4) });

const round = (value: number): number => Math.round(value * 10) / 10;

/** A number from 0 to below 1 that depends on the minute and `salt` alone (an integer hash after Chris Wellons' lowbias32). */
function chance(minute: Date, salt: number): number {
  let hash = minuteIndex(minute) ^ Math.imul(salt + 1, 0x9e3779b9);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
