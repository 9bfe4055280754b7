/** What a team has sent, as far as Azure Monitor tells it: what a limit can be replayed on. */

/** One request that the gateway has finished. */
export interface PastRequest {
  /** Milliseconds since 1970. */
  readonly start: number;
  /** When the whole answer had gone out; not before `start`. */
  readonly end: number;
  /** Null where no tokens were logged: refused, answered by a cache, not a model's, or not logged. */
  readonly tokens: { readonly prompt: number; readonly total: number } | null;
  readonly streamed: boolean;
  /** The model deployment as the URL names it, else as the model's log does; empty where neither does. */
  readonly deployment: string;
  readonly apiId: string;
  /** Of the gateway that took it; empty where that was not logged. */
  readonly region: string;
  /** Whether a backend has answered it without an error. */
  readonly served: boolean;
  /** The kind of the gateway's own limit that has refused it; null where none has. */
  readonly refusedBy: "tpm" | "token_quota" | "rpm" | "call_quota" | null;
}

/** A window of a team's requests, or what is known in their place. */
export interface RequestHistory {
  readonly since: Date;
  readonly until: Date;
  /** In the order of their starts; null where the logs tell nothing of this time. */
  readonly requests: readonly PastRequest[] | null;
  /** Whether tokens are known: some of the requests have them, or none was served. */
  readonly metered: boolean;
  /** Tokens of each minute from `since` on, out of Application Insights; null where it has none of the team, or was not needed. */
  readonly minuteTokens: readonly number[] | null;
  /** Requests of all callers of the service in each minute from `since` on; null where they are not known, or not needed. */
  readonly minuteCalls: readonly number[] | null;
  /** Not all of the team's requests are here: what they come to is at least that. */
  readonly incomplete: boolean;
  readonly notes: readonly string[];
  /** What keeps requests or their tokens from being known, with the command that mends it where there is one. */
  readonly gap: { readonly why: string; readonly fix?: string } | null;
}
