import type { RequestHistory } from "../../gateway/past-requests.ts";
import { neverOver, overflow } from "./minutes.ts";
import type { ReplayLimit } from "./replay.ts";
import { replayedLimits } from "./replayed-limits.ts";
import type { Changed, Forecast } from "./requests.ts";

/** Measured on generated traffic: bursts within a minute and the tier's way of counting move the share by so much. */
const errs = "By the minute only: the share may be off by up to 2.7 times, so there is no interval.";

/**
 * Where single requests or their tokens are not known: a limit that no span of minutes comes up to would have refused nothing; of tokens per minute beyond that
 * the overflow of each minute is an estimate. Everything else is `unknown`, with what is missing.
 */
export function forecastOfMinutes(history: RequestHistory, { after, before, kinds }: Changed): Forecast {
  const { limits, atLeast } = replayedLimits(after, kinds);
  const window = { since: history.since.toISOString(), until: history.until.toISOString() };
  const known = { status: "known", window } as const;
  if (atLeast.length === 0 && limits.every((limit) => isSurelyFree(history, limit))) {
    const source = limits.some(({ kind }) => kind === "rpm") ? "Requests of all callers" : "The team's tokens";
    return {
      ...known,
      after: { refused_share: 0, interval: [0, 0] },
      notes: limits.length === 0 ? [] : [`${source} by the minute never came up to the limit.`],
    };
  }
  const [limit, ...others] = limits;
  const minutes = history.minuteTokens;
  if (minutes === null || limit?.kind !== "tpm" || others.length > 0) {
    const { why = "No source tells the team's requests.", fix } = history.gap ?? {};
    return { status: "unknown", reason: why, ...(fix === undefined ? {} : { fix }), window, notes: [] };
  }
  const share = (amount: number): number => {
    const { over, all } = overflow(minutes, amount);
    return all === 0 ? 0 : Math.round((1e4 * over) / all) / 1e4;
  };
  const [was, ...wereOthers] = replayedLimits(before, kinds).limits;
  return {
    ...known,
    ...(was?.kind === "tpm" && wereOthers.length === 0 ? { before: { refused_share: share(was.amount) } } : {}),
    after: { refused_share: share(limit.amount), tokens_turned_away: Math.round(overflow(minutes, limit.amount).over) },
    notes: [errs, ...atLeast, ...(history.gap === null ? [] : [history.gap.why])],
  };
}

/** A token limit refuses once nothing is left of it, a rate of calls what is beyond it. */
function isSurelyFree({ minuteTokens, minuteCalls }: RequestHistory, { kind, amount, windowMs }: ReplayLimit): boolean {
  if (kind === "tpm") return minuteTokens !== null && neverOver(minuteTokens, amount - 1, windowMs);
  return kind === "rpm" && minuteCalls !== null && neverOver(minuteCalls, amount, windowMs);
}
