import { type CheckName, type Finding, knowing, ok, problem, untold } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import type { Calls, Failure } from "./traffic.ts";
import { calls, some, span } from "./wording.ts";

/** What nobody has asked about is worth a word from so many calls on, and from this share of all. Assumed: fewer are the ordinary course of things. */
const leastCalls = 5;
const leastShare = 0.01;

/** Whether so many of all calls are worth a word; of a symptom that was asked about, each one is. */
export const isNotable = (count: number, all: number, asked: boolean): boolean =>
  asked ? count > 0 : count >= leastCalls && count >= all * leastShare;

export const sum = (failures: readonly Pick<Failure, "requests">[]): number =>
  failures.reduce((total, { requests }) => total + requests, 0);

/** Whether a backend was called and has not answered. */
export const isUnanswered = ({ backend, backendStatus }: Failure): boolean => backend !== null && backendStatus === 0;

/** Whether the connection to the caller broke off while an answer was on its way. */
export const brokenOffWhileAnswering = ({ status, backendStatus }: Failure): boolean => status > 0 && backendStatus > 0;

/** `48 of 412 calls, 10:02 to 10:09 UTC, at aoai-eastus, of growth.` */
export function told(failures: readonly Failure[], all: number, { window }: Pick<Evidence, "window">): string {
  const first = failures.reduce((least, { first: time }) => (time < least ? time : least), failures[0]?.first ?? "");
  const last = failures.reduce((most, { last: time }) => (time > most ? time : most), "");
  const backends = failures.flatMap(({ backend }) => backend ?? []);
  const teams = failures.flatMap(({ subscription }) => subscription ?? []);
  return [
    `${sum(failures)} of ${calls(all)}`,
    ...(first === "" ? [] : [`${span(first, last, window)} UTC`]),
    ...(backends.length === 0 ? [] : [`at ${some(backends)}`]),
    ...(teams.length === 0 ? [] : [`of ${some(teams)}`]),
  ]
    .join(", ")
    .concat(".");
}

export const breakerOpen = "error:breaker-open (inferred)";

/** What a backend does that opens its breaker, by the check that tells of it. */
export const openers = {
  "backend-errors": ["error:backend"],
  "backend-connection": ["error:unreachable", "error:timeout"],
  deployments: ["backend:429", "gateway:rewritten-backend-error"],
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
export const withoutCalls = ({ subscriptionId }: Pick<Evidence, "subscriptionId">): Finding =>
  subscriptionId === null
    ? untold("No calls in the window.", "Ask for a window with calls (since, until): list them with get_metrics")
    : untold(
        `No logged calls of ${subscriptionId} in the window: calls whose key is rejected carry no team.`,
        'diagnose_gateway {"symptom":"403"} shows the rejected keys of all; or ask for another window (since, until)',
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
    if (!isWorthAWord(count, all.requests)) return ok();
    const failures = traffic.failures.kind === "read" ? traffic.failures.value.filter(({ cause }) => causes.includes(cause)) : [];
    const seen = failures.length === 0 ? `${count} of ${calls(all.requests)}.` : told(failures, all.requests, evidence);
    return problem(
      keptBack === 0 ? seen : `${seen} ${keptBack} more were not sent on, as that had opened breakers (inferred).`,
      ...means(failures),
    );
  });
}

/** As `ofCauses`, of failures that only the logs can tell apart. */
export function ofDetails(evidence: Evidence, isMeant: (failure: Failure) => boolean, asked: boolean, means: Meaning): Finding {
  return knowing({ calls: evidence.traffic.calls, failures: evidence.traffic.failures }, ({ calls: all, failures }) => {
    const found = failures.filter(isMeant);
    if (all.requests === 0) return withoutCalls(evidence);
    return isNotable(sum(found), all.requests, asked) ? problem(told(found, all.requests, evidence), ...means(found)) : ok();
  });
}
