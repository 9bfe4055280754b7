import type { Tier } from "../gateway/model.ts";
import type { Breaker, Member } from "./backend.ts";
import { type Outage, type Retry, retriesIn } from "./retry.ts";
import { sharesOf } from "./shares.ts";

/** What callers see of an outage of one member, as one gateway instance sees it: instances do not share what they count. */
interface WorstCase {
  readonly failing: Member;
  readonly outage: Outage;
  /** The breaker that opens; null where none does. */
  readonly breaker: Breaker | null;
  /** Answers with an error, at most, before it opens; null where none does, or where it counts by percentage. */
  readonly errors: { readonly withoutRetry: number; readonly withRetries: number } | null;
  /** Who gets how many percent once it is open. */
  readonly takeOver: readonly { readonly member: Member; readonly share: number }[];
  /** Whether others share its priority, so that another try may get to them while no breaker is open. */
  readonly hasPeers: boolean;
}

/** What harms the calls that a member gets, as words behind its name: `, without credentials (401)`; null where nothing is known to. */
export type Flaw = (member: Member) => string | null;

/**
 * Errors that callers see at most before a breaker of `failureCount` opens, where calls come one after another and within the breaker's interval: each call fails only once all
 * its attempts have hit the member that is down, and each of them counts. Whichever members a pool picks for the others, it is no more.
 * Calls that are in flight together may all fail. Of one gateway instance: they do not share what they count
 * (https://learn.microsoft.com/azure/api-management/backends#circuit-breaker).
 */
export const errorsBefore = (failureCount: number, retries: number): number => Math.floor(failureCount / (retries + 1));

/** Whether an outage that answers with 5xx opens a breaker. */
export const opensOnServerErrors = (breaker: Breaker | null, tier: Tier): boolean =>
  opensIn(breaker, tier, 503) || opensIn(breaker, tier, 500);

/** Whether a breaker counts the failures of an outage. Of no answer: where it lists both a refused connection and a timeout. */
function opensIn(breaker: Breaker | null, tier: Tier, outage: Outage): boolean {
  if (tier === "consumption" || breaker === null) return false;
  return outage === "no answer" ? uncountedReasons(breaker).length === 0 : counts(breaker, outage);
}

const counts = ({ statusCodes }: Breaker, status: number): boolean =>
  statusCodes.some((range) => {
    const [min = "", max = min] = range.split("-");
    return Number(min) <= status && status <= Number(max);
  });

/** Assumed: the names are those of `context.LastError.Reason`. */
const noAnswers = [
  ["BackendConnectionFailure", "refused connections"],
  ["Timeout", "timeouts"],
] as const;

/** The failures without an answer that a breaker does not count, in words. */
const uncountedReasons = ({ errorReasons }: Breaker): readonly string[] =>
  noAnswers.filter(([reason]) => !errorReasons.some((listed) => listed.toLowerCase() === reason.toLowerCase())).map(([, words]) => words);

/**
 * The outage of the member that gets most; null where there are fewer than two, and where one is itself a pool. A retry of which it cannot be
 * told whether it retries the failure is none.
 */
export function worstCase(members: readonly Member[], retry: Retry | null, tier: Tier, outage: Outage = 503): WorstCase | null {
  if (members.length < 2 || members.some((member) => member.members !== undefined)) return null;
  const failing = members.reduce((most, member) => (member.share > most.share ? member : most));
  const breaker = opensIn(failing.circuitBreaker, tier, outage) ? failing.circuitBreaker : null;
  const left = members.filter((member) => member !== failing);
  const shares = sharesOf(left);
  const count = breaker?.failureCount ?? null;
  return {
    failing,
    outage,
    breaker,
    errors:
      count === null ? null : { withoutRetry: errorsBefore(count, 0), withRetries: errorsBefore(count, retriesIn(retry, outage) ?? 0) },
    takeOver: left.flatMap((member, index) => (shares[index] === 0 ? [] : [{ member, share: shares[index] ?? 0 }])),
    hasPeers: left.some(({ share }) => share > 0),
  };
}

const outages: readonly Outage[] = [503, 500, "no answer"];

/** Who gets the calls of the member that gets most, once its breaker has opened; null where no outage opens it. */
export function carriersOf(
  members: readonly Member[],
  retry: Retry | null,
  tier: Tier,
): { readonly failing: Member; readonly carriers: readonly Member[] } | null {
  const found = outages.map((outage) => worstCase(members, retry, tier, outage)).find((one) => one !== null && one.breaker !== null);
  if (found === undefined || found === null) return null;
  const { failing, takeOver } = found;
  return { failing, carriers: members.filter((member) => takeOver.some((other) => other.member === member)) };
}

/**
 * The worst case as two sentences: what it is where the member answers with an error, and what is otherwise where it fails in another way.
 * `If aoai-eastus (East US) answers 503 (calls one after another): up to 5 errors a gateway instance before its breaker opens, ...`.
 */
export function worstCaseText(members: readonly Member[], retry: Retry | null, tier: Tier, flaw: Flaw = () => null): string | null {
  const all = outages.flatMap((outage) => worstCase(members, retry, tier, outage) ?? []);
  const main = all.find(({ breaker, outage }) => breaker !== null && outage !== "no answer") ?? all[0];
  if (main === undefined) return null;
  const { failing, outage, breaker, takeOver } = main;
  const region = failing.region === null ? "" : ` (${failing.region.name})`;
  const others = all.filter((other) => other !== main).flatMap((other) => otherText(other, main, retry));
  const more = others.length === 0 ? "" : ` ${capitalized(others.join("; "))}.`;
  const answer = `If ${failing.backendId}${region} answers ${outage}`;
  if (breaker === null)
    return `${answer}: no breaker opens, ${triesText(main, retry) ?? `it keeps ${failing.share} % of the calls for as long as it lasts`}.${more}`;
  const within = breaker.interval === null ? "" : ` within ${breaker.interval}`;
  return `${answer} (calls one after another${within}): ${errorsText(main, retriesIn(retry, outage))}, plus every call already in flight, then ${sharesText(takeOver, flaw)}.${more}`;
}

function errorsText({ errors, breaker }: WorstCase, retries: number | null): string {
  if (errors === null)
    return `errors until they are ${breaker?.failurePercent ?? "?"} % of the calls in ${breaker?.interval ?? "its interval"}`;
  const before = `up to ${countText(errors.withoutRetry)} a gateway instance before its breaker opens`;
  if (retries === null) return `${before}, fewer where the call is retried`;
  return retries === 0 ? before : `${before}, ${errors.withRetries} with ${retries === 1 ? "one retry" : `${retries} retries`}`;
}

const countText = (errors: number): string => `${errors} error${errors === 1 ? "" : "s"}`;

/**
 * What becomes of calls that are retried while no breaker opens: each try picks a member anew, and may get to another one of the same priority.
 * How it picks nobody documents, so that no number of errors is given. Null where all tries meet the same member.
 */
function triesText({ outage, failing: { backendId, share }, hasPeers }: WorstCase, retry: Retry | null): string | null {
  const retries = retriesIn(retry, outage);
  if (!hasPeers || retries === 0) return null;
  const tries = retries === null ? "all tries" : `all ${retries + 1} tries`;
  const where = retries === null ? ", where it is retried at all," : "";
  return `${backendId} keeps ${share} % of the tries, and a call${where} fails only if ${tries} of it meet ${backendId}`;
}

/** What is worse than the main case; nothing where it is the same. */
function otherText(other: WorstCase, main: WorstCase, retry: Retry | null): readonly string[] {
  const { outage, breaker, errors, failing } = other;
  if (breaker === null) {
    if (main.breaker === null) return [];
    const reasons = uncountedReasons(main.breaker);
    const what = outage === "no answer" ? reasons.join(" and ") : `answers of ${outage}`;
    return [`${what} open no breaker: ${triesText(other, retry) ?? `nothing fails over, ${failing.backendId} keeps ${failing.share} %`}`];
  }
  if (errors === null || main.errors === null || errors.withRetries <= main.errors.withRetries) {
    return main.breaker === null ? [`${outageText(outage)} open its breaker`] : [];
  }
  const untold = retriesIn(retry, outage) === null;
  return [`${outageText(outage)} ${untold ? "may not be" : "are not"} retried: up to ${countText(errors.withRetries)}`];
}

const outageText = (outage: Outage): string => (outage === "no answer" ? "refused connections and timeouts" : `answers of ${outage}`);

const capitalized = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** `aoai-westeurope takes 100 %`. */
const sharesText = (shares: WorstCase["takeOver"], flaw: Flaw): string =>
  shares.map(({ member, share }) => `${member.backendId} takes ${share} %${flaw(member) ?? ""}`).join(", ");
