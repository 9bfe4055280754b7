import { sameName } from "../gateway/model.ts";
import { withUndo } from "./begun.ts";
import { type CheckName, type Finding, knowing, ok, problem, untold } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { type Calls, type Failure, rewritten429 } from "./traffic.ts";
import { calls, some, span, windowInput } from "./wording.ts";

/** What nobody has asked about is worth a word from so many calls on, and from this share of all. Assumed: fewer are the ordinary course of things. */
const leastCalls = 5;
const leastShare = 0.01;

/** Fewer count where they are so much of what was called: to whom calls little, that is an outage. Assumed. */
const leastOfFew = 3;
const muchShare = 0.2;

/** Whether so many, however few, are much of all calls: three and a fifth of them, or two and all of them. */
const isMuch = (count: number, all: number): boolean => (count >= leastOfFew && count >= all * muchShare) || (count >= 2 && count >= all);

/** Whether so many of all calls are worth a word; of a symptom that was asked about, each one is. */
export const isNotable = (count: number, all: number, asked: boolean): boolean =>
  asked ? count > 0 : (count >= leastCalls && count >= all * leastShare) || isMuch(count, all);

/** Of calls that fail in several ways, from this share of the failures on a way is told even where it alone would not be. Assumed. */
const partOfFailures = 0.25;

/** Calls that did not succeed, whatever became of them. */
const failedOf = ({ ended }: Calls): number => [...ended].reduce((total, [cause, count]) => total + (cause === "succeeded" ? 0 : count), 0);

/** Whether much of all calls has failed. */
export const isOutage = (all: Calls): boolean => isMuch(failedOf(all), all.requests);

/** Whether failures are much of what failed in an outage, or of what a team has called. */
function standsOut(evidence: Evidence, all: Calls, count: number, failures: readonly Failure[]): boolean {
  return (isOutage(all) && count >= failedOf(all) * partOfFailures) || hitTeams(evidence, failures).length > 0;
}

/** Of teams of which much has failed: how many of how many calls. */
function hitTeams({ traffic: { teams } }: Pick<Evidence, "traffic">, failures: readonly Failure[]): readonly string[] {
  if (teams.kind === "refused") return [];
  return teams.value.flatMap(({ subscription, requests }) => {
    const count = sum(failures.filter((failure) => failure.subscription !== null && sameName(failure.subscription, subscription)));
    return isMuch(count, requests) ? [`${count} of ${subscription}'s ${requests}`] : [];
  });
}

export const sum = (failures: readonly Pick<Failure, "requests">[]): number =>
  failures.reduce((total, { requests }) => total + requests, 0);

/** Whether a backend was called and has not answered. */
export const isUnanswered = ({ backend, backendStatus }: Failure): boolean => backend !== null && backendStatus === 0;

/** Whether the connection to the caller broke off while an answer was on its way. */
export const brokenOffWhileAnswering = ({ status, backendStatus }: Failure): boolean => status > 0 && backendStatus > 0;

/** `48 of 412 calls, 10:02 to 10:09 UTC, at aoai-eastus, of growth, for API 'chat'.` A team of which much has failed with its own numbers. */
export function told(failures: readonly Failure[], all: number, evidence: Pick<Evidence, "window" | "apis" | "apiId" | "traffic">): string {
  const { window, apis, apiId } = evidence;
  const first = failures.reduce((least, { first: time }) => (time < least ? time : least), failures[0]?.first ?? "");
  const last = failures.reduce((most, { last: time }) => (time > most ? time : most), "");
  const backends = failures.flatMap(({ backend }) => backend ?? []);
  const teams = failures.flatMap(({ subscription }) => subscription ?? []);
  const several = apiId === null && apis.kind === "read" && apis.value.length > 1;
  const of = several ? failures.flatMap(({ api }) => api ?? []) : [];
  const hit = isNotable(sum(failures), all, false) ? [] : hitTeams(evidence, failures);
  return [
    `${sum(failures)} of ${calls(all)}`,
    ...(first === "" ? [] : [`${span(first, last, window)} UTC`]),
    ...(backends.length === 0 ? [] : [`at ${some(backends)}`]),
    ...(teams.length === 0 ? [] : [`of ${some(teams)}${hit.length === 0 ? "" : ` (${some(hit)})`}`]),
    ...(of.length === 0 ? [] : [`for API ${some(of.map((api) => `'${api}'`))}`]),
  ]
    .join(", ")
    .concat(".");
}

export const breakerOpen = "error:breaker-open (inferred)";

/** What a backend does that opens its breaker, by the check that tells of it. */
export const openers = {
  "backend-errors": ["error:backend"],
  "backend-connection": ["error:unreachable", "error:timeout"],
  deployments: ["backend:429", rewritten429, "gateway:rewritten-backend-error"],
} as const satisfies Partial<Record<CheckName, readonly string[]>>;

type Opener = keyof typeof openers | "policy-failures";

/** Which check tells why breakers have opened: that of the failures of backends that there are most of; null where there are none. */
export function breakerOpener({ traffic: { calls, failures } }: Evidence): Opener | null {
  if (calls.kind === "refused") return null;
  const unanswered =
    failures.kind === "read" ? failures.value.filter((failure) => failure.cause === "error:policy" && isUnanswered(failure)) : [];
  const counts: readonly (readonly [Opener, number])[] = [
    ["backend-errors", countOf(calls.value, openers["backend-errors"])],
    ["backend-connection", countOf(calls.value, openers["backend-connection"])],
    ["deployments", countOf(calls.value, openers.deployments)],
    ["policy-failures", sum(unanswered)],
  ];
  const [most] = counts.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? null;
}

export const countOf = ({ ended }: Calls, causes: readonly string[]): number =>
  causes.reduce((total, cause) => total + (ended.get(cause) ?? 0), 0);

/** Of calls that there were none of nothing is known, neither good nor bad. */
export const withoutCalls = ({ subscriptionId, window }: Pick<Evidence, "subscriptionId" | "window">): Finding =>
  subscriptionId === null
    ? untold("No calls in the window.", "Ask for a window with calls (since, until): list them with get_metrics")
    : untold(
        `No logged calls of ${subscriptionId} in the window: calls whose key is rejected carry no team.`,
        `diagnose_gateway {"symptom":"403",${windowInput(window)}} shows the rejected keys of all; or ask for another window`,
      );

export type Meaning = (failures: readonly Failure[]) => readonly [means: string, todo: string];

/** What failures of these causes mean; the detail is left out where only metrics tell of them. `keptBack`: calls that were not sent on for them. */
export function ofCauses(
  evidence: Evidence,
  causes: readonly string[],
  asked: boolean,
  means: Meaning,
  isWorthAWord = (count: number, all: number) => isNotable(count, all, asked),
  keptBack = 0,
): Finding {
  const { traffic } = evidence;
  return knowing({ calls: traffic.calls }, ({ calls: all }) => {
    const count = countOf(all, causes);
    if (all.requests === 0) return withoutCalls(evidence);
    const failures = traffic.failures.kind === "read" ? traffic.failures.value.filter(({ cause }) => causes.includes(cause)) : [];
    if (!isWorthAWord(count, all.requests) && !standsOut(evidence, all, count, failures)) return ok();
    const seen = failures.length === 0 ? `${count} of ${calls(all.requests)}.` : told(failures, all.requests, evidence);
    const [what, todo] = means(failures);
    return problem(
      keptBack === 0 ? seen : `${seen} ${keptBack} more were not sent on, as that had opened breakers (inferred).`,
      what,
      withUndo(evidence, failures, todo),
    );
  });
}

/** As `ofCauses`, of failures that only the logs can tell apart. */
export function ofDetails(evidence: Evidence, isMeant: (failure: Failure) => boolean, asked: boolean, means: Meaning): Finding {
  return knowing({ calls: evidence.traffic.calls, failures: evidence.traffic.failures }, ({ calls: all, failures }) => {
    const found = failures.filter(isMeant);
    if (all.requests === 0) return withoutCalls(evidence);
    if (!isNotable(sum(found), all.requests, asked) && !standsOut(evidence, all, sum(found), found)) return ok();
    const [what, todo] = means(found);
    return problem(told(found, all.requests, evidence), what, withUndo(evidence, found, todo));
  });
}
