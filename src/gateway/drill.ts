/** A failover drill, as its plan settles it and the journal keeps it. */

/**
 * `evacuate`: production calls are sent to a pool without the member for a time. `rehearse`: a copy of the member fails in a copy of the pool,
 * which only a revision of the API that serves no traffic uses.
 */
export type DrillMode = "evacuate" | "rehearse";

/** A backend of the pool, with the words by which it can be known again in an answer. */
export interface DrillMember {
  readonly backendId: string;
  /** Of its URL, in lower case; null where the backend has none. */
  readonly host: string | null;
  /** Texts that may hold its region: what the document says of it, its title, its id, its host. */
  readonly words: readonly string[];
}

/** A harmless request to the gateway, without its key. */
export interface ProbeRequest {
  readonly method: string;
  /** Path and query below the gateway's origin. */
  readonly path: string;
  /** JSON; null where the method has no body. */
  readonly body: string | null;
}

export interface DrillPlan {
  readonly mode: DrillMode;
  readonly apiId: string;
  /** The member that is taken away. */
  readonly backendId: string;
  readonly poolId: string;
  readonly durationMs: number;
  /** Ids of the subscriptions whose calls it concerns; null: everyone's. */
  readonly subscriptions: readonly string[] | null;
  readonly members: readonly DrillMember[];
  /** Null where nothing is known that could be asked. */
  readonly probe: ProbeRequest | null;
  /** Whether the subscriptions are all that open the API: then it concerns everyone. */
  readonly everyone: boolean;
  /** The member's; null where it has none, or the tier knows none. */
  readonly breaker: DrillBreaker | null;
  /** Percent of the pool's calls that the member gets while the breakers of all members are closed. */
  readonly share: number;
  /** Where a rehearsal's failing calls go; null in an evacuation. */
  readonly faultOrigin: FaultOrigin | null;
}

/** What opens a member's breaker, and for how long. Of `failures` and `percent` one is set where it is complete. */
export interface DrillBreaker {
  readonly failures: number | null;
  /** Of the calls in the interval. */
  readonly percent: number | null;
  readonly intervalMs: number | null;
  readonly tripMs: number | null;
}

export interface FaultOrigin {
  /** `scheme://host`. */
  readonly origin: string;
  /** Whether it belongs to the service itself: then nothing leaves it. */
  readonly own: boolean;
  /** In words, the policies that attach a credential to what is sent there. */
  readonly credentials: readonly string[];
}

/** When a drill acts on the gateway: from `from`, until before `until`. ISO 8601, UTC, whole seconds. */
export interface DrillWindow {
  readonly from: string;
  readonly until: string;
}

/** The header that makes a rehearsal's revision send a probe to the failing members alone. */
export const everyMemberFails = "x-aigw-drill";

/** The header by which an answer of a rehearsal's revision tells what each of its calls to a backend came to. */
export const triesHeader = "x-aigw-drill-tries";
