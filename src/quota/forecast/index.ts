import type { RequestHistory } from "../../gateway/past-requests.ts";
import type { Limit } from "../limit.ts";
import { changedKinds } from "./replayed-limits.ts";
import { type Forecast, forecastOfRequests } from "./requests.ts";
import { forecastOfMinutes } from "./unlogged.ts";

export type { Forecast } from "./requests.ts";

interface ForecastAsked {
  /** All limits of the team, as they are and as they would be. */
  readonly before: readonly Limit[];
  readonly after: readonly Limit[];
  /** The service's `sku.name`: decides how its gateways count. */
  readonly sku: string;
}

/**
 * What a change of a team's limits would have done to what the team has sent: its requests replayed through the limits of the kinds that change. Where these
 * are not known, what metrics by the minute can say; else `unknown`, with what is missing. Null where no limit changes. Never throws for what
 * a history lacks.
 */
export function forecast(history: RequestHistory, asked: ForecastAsked): Forecast | null {
  const kinds = changedKinds(asked.before, asked.after);
  if (kinds.length === 0) return null;
  const { requests, metered } = history;
  const countsTokens = kinds.some((kind) => kind === "tpm" || kind === "token_quota");
  if (requests !== null && (metered || !countsTokens)) return forecastOfRequests(history, requests, { ...asked, kinds });
  return forecastOfMinutes(history, { ...asked, kinds });
}

/** Where a source has failed altogether. */
export const noForecast = (reason: string): Forecast => ({ status: "unknown", reason, notes: [] });
