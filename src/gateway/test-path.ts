import type { ProbeRequest } from "./drill.ts";

/** A member that is asked before it may join a pool. */
export interface TestedMember {
  readonly backendId: string;
  /** Null where its document has none. */
  readonly url: string | null;
}

/**
 * A way through the gateway to new members alone: a revision of the API that is not current, so that no call of production meets it. The
 * gateway itself ends it after `durationMs`.
 */
export interface TestPath {
  readonly apiId: string;
  readonly durationMs: number;
  readonly request: ProbeRequest;
  readonly members: readonly TestedMember[];
}

/**
 * Stands in what a path's documents say of themselves for the path's own id, which it gets when it is written: two that are made at once do not
 * take each other's documents for their own.
 */
export const testIdMark = "[id of the test]";

/** The header by which a test call says which member it is for. */
export const testedMemberHeader = "x-aigw-member";

/** What a member has answered. */
export interface MemberAnswer {
  readonly backendId: string;
  readonly status: number;
  /** `x-ms-region`; null where the answer has none. */
  readonly region: string | null;
  /** ISO 8601, UTC. */
  readonly time: string;
}
