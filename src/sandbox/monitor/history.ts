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
