import type { Tier } from "../gateway/model.ts";
import type { Breaker, Member } from "./backend.ts";
import { sharesOf } from "./shares.ts";

/** What callers see of an outage of one member, as one gateway instance sees it: instances do not share what they count. */
export interface WorstCase {
  readonly failing: Member;
  /** The breaker that opens; null where none does. */
  readonly breaker: Breaker | null;
  /** Answers with an error, at most, before it opens; null where none does, or where it counts by percentage. */
  readonly errors: { readonly withoutRetry: number; readonly withRetries: number } | null;
  /** Who gets how many percent once it is open. */
  readonly takeOver: readonly { readonly backendId: string; readonly share: number }[];
}

/**
 * Errors that callers see at most before a breaker of `failureCount` opens: each call fails only once all its attempts have hit the member
 * that is down, and each of them counts. Of one gateway instance: they do not share what they count
 * (https://learn.microsoft.com/azure/api-management/backends#circuit-breaker).
 */
export const errorsBefore = (failureCount: number, retries: number): number => Math.floor(failureCount / (retries + 1));

/** Whether an outage that answers with 5xx opens a breaker. */
export const opensOnServerErrors = (breaker: Breaker | null, tier: Tier): boolean =>
  tier !== "consumption" && breaker !== null && [500, 503].some((status) => counts(breaker, status));

const counts = ({ statusCodes }: Breaker, status: number): boolean =>
  statusCodes.some((range) => {
    const [min = "", max = min] = range.split("-");
    return Number(min) <= status && status <= Number(max);
  });

/** The outage, as 5xx, of the member that gets most; null where there are fewer than two. `retries`: of the call, as far as they are known. */
export function worstCase(members: readonly Member[], retries: number, tier: Tier): WorstCase | null {
  if (members.length < 2) return null;
  const failing = members.reduce((most, member) => (member.share > most.share ? member : most));
  const breaker = opensOnServerErrors(failing.circuitBreaker, tier) ? failing.circuitBreaker : null;
  const left = members.filter((member) => member !== failing);
  const shares = sharesOf(left);
  const count = breaker?.failureCount ?? null;
  return {
    failing,
    breaker,
    errors: count === null ? null : { withoutRetry: errorsBefore(count, 0), withRetries: errorsBefore(count, retries) },
    takeOver: left.flatMap(({ backendId }, index) => (shares[index] === 0 ? [] : [{ backendId, share: shares[index] ?? 0 }])),
  };
}

/** A worst case as a sentence: `If aoai-eastus (East US) fails: up to 5 errors a gateway instance before its breaker opens, ...`. `retries`: null where unknown. */
export function worstCaseText(members: readonly Member[], retries: number | null, tier: Tier): string | null {
  const worst = worstCase(members, retries ?? 0, tier);
  if (worst === null) return null;
  const { failing, breaker, takeOver } = worst;
  const region = failing.region === null ? "" : ` (${failing.region.name})`;
  const outage = `If ${failing.backendId}${region} fails`;
  if (breaker === null) return `${outage}: no breaker opens, it keeps ${failing.share} % of the calls for as long as it lasts.`;
  return `${outage}: ${errorsText(breaker, worst.errors, retries)}, then ${sharesText(takeOver)}.`;
}

function errorsText({ failurePercent, interval }: Breaker, errors: WorstCase["errors"], retries: number | null): string {
  if (errors === null) return `errors until they are ${failurePercent ?? "?"} % of the calls in ${interval ?? "its interval"}`;
  const before = `up to ${errors.withoutRetry} error${errors.withoutRetry === 1 ? "" : "s"} a gateway instance before its breaker opens`;
  if (retries === null) return `${before}, fewer where the call is retried`;
  return retries === 0 ? before : `${before}, ${errors.withRetries} with ${retries === 1 ? "one retry" : `${retries} retries`}`;
}

/** `aoai-westeurope takes 100 %`. */
export const sharesText = (shares: WorstCase["takeOver"]): string =>
  shares.map(({ backendId, share }) => `${backendId} takes ${share} %`).join(", ");
