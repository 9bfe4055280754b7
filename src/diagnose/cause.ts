import { precededBy } from "./begun.ts";
import type { Changed } from "./changes.ts";
import type { Check, CheckName, Symptom } from "./check.ts";
import { keysRejected, unownedKeys } from "./client-errors.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpen, breakerOpener, brokenOffWhileAnswering, isOutage, isUnanswered, sum } from "./failure-counts.ts";
import { closedTeams, deletedAddress, type Rejection, rejectedAs, rejectionOf, rewritten } from "./rejection-kinds.ts";
import { type Calls, type Failure, rewritten429 } from "./traffic.ts";
import { whyUnsent } from "./unsent-calls.ts";
import { calls, clock, isOfOneDay, some, span } from "./wording.ts";

/** Who has kept a call from succeeding; `unknown` where what was read does not decide it. */
export type Side = "backend" | "gateway" | "client" | "unknown";

const sides = ["backend", "gateway", "client", "unknown"] as const;

/** "Gateway, backend or client?", in words and numbers. */
export interface Cause {
  /** One paragraph. */
  readonly verdict: string;
  /** Calls that failed, by whom; null where no source tells. */
  readonly failed: Failed | null;
}

/** `unknown` is left out where there are none. */
export type Failed = Readonly<Record<Exclude<Side, "unknown">, number>> & { readonly unknown?: number };

const words: Readonly<Record<string, readonly [side: Side, what: string]>> = {
  "error:backend": ["backend", "answered with an error"],
  "error:unreachable": ["backend", "not reached"],
  "error:timeout": ["backend", "without an answer in time"],
  "backend:429": ["backend", "throttled by the model itself"],
  [rewritten429]: ["backend", "throttled by the model itself, of which a policy made another error"],
  "gateway:rewritten-backend-error": ["backend", "throttled for an error of the backend"],
  "error:policy": ["gateway", "failed in a policy"],
  "error:unclassified": ["gateway", "5xx without a reason"],
  "gateway:token-rate-limit": ["gateway", "over a token limit"],
  "gateway:rate-limit": ["gateway", "over a call limit"],
  "gateway:token-quota": ["gateway", "over a token quota"],
  "gateway:call-quota": ["gateway", "over a call quota"],
  "gateway:other": ["gateway", "answered 429 by a policy"],
};

/** What each symptom is about; all failures for the others. */
const meant: Partial<Readonly<Record<Symptom, RegExp>>> = {
  "403": /^rejected:40[13]$|-quota$/,
  "429": /^gateway:|^backend:429/,
  "5xx": new RegExp(`^error:|^${rewritten429}$`),
};

/** Failures of one kind. */
export interface Part {
  readonly side: Side;
  /** As `causeName` says it. */
  readonly cause: string;
  readonly what: string;
  readonly requests: number;
  /** From the logs, where they tell. */
  readonly failures: readonly Failure[];
}

/** Symptoms that are no way in which calls fail: what the checks found of them is the answer, and failed calls are told beside. */
const subjects: Partial<Readonly<Record<Symptom, string>>> = {
  latency: "latency",
  cache: "the cache",
  failover: "failover",
  logging: "logging",
};

/** Checks of how calls ended: one of them has to stand out before anybody is blamed. */
const ofCalls: ReadonlySet<CheckName> = new Set([
  "limits",
  "quotas",
  "deployments",
  "backend-errors",
  "backend-connection",
  "policy-failures",
  "unexplained-errors",
  "breakers",
  "clients",
  "keys",
  "backend-access",
  "refusals",
  "addresses",
  "requests",
  "models",
]);

/** Whose doing it was, of what was asked: `checks` are those that were made for it. */
export function causeOf(evidence: Evidence, changed: readonly Changed[], checks: readonly Check[]): Cause {
  const { traffic, symptom } = evidence;
  const { calls: read } = traffic;
  const when = windowText(evidence);
  const found = subjectText(symptom, checks);
  const also = [keyText(evidence), maskedText(evidence)];
  if (read.kind === "refused") {
    return { verdict: joined(found, `How calls ended is unknown (${when}): ${unread(evidence)}.`), failed: null };
  }
  const { requests, source } = read.value;
  const parts = partsOf(read.value, evidence);
  const counts = { backend: countOf(parts, "backend"), gateway: countOf(parts, "gateway"), client: countOf(parts, "client") };
  const undecided = countOf(parts, "unknown");
  const failed: Failed = undecided === 0 ? counts : { ...counts, unknown: undecided };
  const all = parts.reduce((total, part) => total + part.requests, 0);
  const told = source.startsWith("gateway logs") ? "" : `, by ${source}`;
  const head = `${calls(requests)}, ${when}${told}`;
  if (requests === 0) return { verdict: joined(found, idleText(evidence, `${when}${told}`)), failed };
  if (all === 0) return { verdict: joined(found, `${nothingText(evidence)}: ${head}.`, ...also), failed };
  const asked = symptom !== null && meant[symptom] !== undefined;
  const notable = asked || isOutage(read.value) || checks.some(({ check, status }) => status === "problem" && ofCalls.has(check));
  if (found !== "" && symptom !== "failover" && !notable) return { verdict: joined(found, `${all} failed of ${head}.`), failed };
  const lead = notable ? leadOf(failed, all) : "Nothing stands out";
  const [first = "backend", ...others] = sidesByCount(failed);
  const bySide = [first, ...others].map((side) => sideText(side, parts, evidence));
  return {
    verdict: joined(
      found,
      `${lead}: ${all} failed of ${head}.`,
      ...bySide,
      ...also,
      idsText(parts),
      afterText(parts, first, changed, evidence),
    ),
    failed,
  };
}

const joined = (...texts: readonly string[]): string => texts.filter((text) => text !== "").join(" ");

/** What the checks have come to of a symptom that is no way to fail. */
function subjectText(symptom: Symptom | null, checks: readonly Check[]): string {
  const subject = symptom === null ? undefined : subjects[symptom];
  if (subject === undefined) return "";
  const names = checks.filter(({ check, status }) => status === "problem" && check !== "access").map(({ check }) => check);
  if (names.length > 0) return `Found about ${subject}: ${some(names)}.`;
  return checks.some(({ status }) => status === "unknown") ? `About ${subject} not all is known.` : `Nothing found about ${subject}.`;
}

function nothingText(evidence: Evidence): string {
  const { subscriptionId, symptom } = evidence;
  const what = subscriptionId !== null && keyText(evidence) !== "" ? `No logged call of ${subscriptionId} failed` : "Nothing failed";
  return symptom !== null && meant[symptom] !== undefined ? `${what} that way` : what;
}

/** Of a team that was asked about: what may have kept its calls from being its own in the logs. */
function keyText(evidence: Evidence): string {
  const { subscriptionId, symptom, traffic } = evidence;
  if (subscriptionId === null || (symptom !== null && symptom !== "403")) return "";
  const rejected = traffic.unowned.kind === "read" ? unownedKeys(evidence, traffic.unowned.value) : [];
  const closed = closedTeams(
    evidence,
    rejected.map(({ api }) => api),
  );
  return joined(
    closed === "unknown" || closed.length === 0 ? "" : `${some(closed)}.`,
    rejected.length === 0 ? "" : `${keysRejected(rejected)} and carry no team.`,
  );
}

function maskedText({ traffic: { masked }, symptom }: Evidence): string {
  const count = masked?.kind === "read" ? sum(masked.value) : 0;
  if (count === 0 || (symptom !== null && symptom !== "5xx" && symptom !== "failover")) return "";
  return `Behind ${calls(count)} that succeeded a backend had failed: a policy answered for it.`;
}

function unread({ subscriptionId, traffic }: Evidence): string {
  if (subscriptionId === null) return "neither logs nor metrics can be read";
  const why = traffic.calls.kind === "refused" ? ` (${traffic.calls.error.message})` : "";
  return `the logs do not tell of ${subscriptionId}, and metrics know no teams${why}`;
}

function idleText(evidence: Evidence, when: string): string {
  const { subscriptionId } = evidence;
  if (subscriptionId === null) return `No calls, ${when}: nothing to judge.`;
  const closed = closedTeams(evidence, []);
  const state = closed === "unknown" || closed.length === 0 ? "" : ` ${closed.join("; ")}: its key is refused.`;
  return `No logged calls of ${subscriptionId}, ${when}: calls whose key is rejected carry no team.${state}`;
}

function leadOf(failed: Failed, all: number): string {
  const [side = "backend", other] = sidesByCount(failed);
  const count = failed[side] ?? 0;
  if (other !== undefined && count === failed[other]) {
    return other === "unknown" ? `As much the ${side} as nobody who can be told` : `As much the ${side} as the ${other}`;
  }
  if (side === "unknown") return count === all ? "Whose doing it was cannot be told" : "Of most it cannot be told whose doing it was";
  return count === all ? `It was the ${side}` : `Mostly the ${side}`;
}

const sidesByCount = (failed: Failed): readonly Side[] =>
  sides.filter((side) => (failed[side] ?? 0) > 0).toSorted((a, b) => (failed[b] ?? 0) - (failed[a] ?? 0));

const countOf = (parts: readonly Part[], side: Side): number =>
  parts.reduce((sum, part) => sum + (part.side === side ? part.requests : 0), 0);

function windowText({ window }: Evidence): string {
  const since = window.since.toISOString();
  return `${since.slice(0, isOfOneDay(window) ? 10 : 4)}${isOfOneDay(window) ? " " : "-"}${span(window.since.toISOString(), window.until.toISOString(), window)} UTC`;
}

function partsOf({ ended }: Calls, evidence: Evidence): readonly Part[] {
  const { symptom, traffic } = evidence;
  const about = symptom === null ? undefined : meant[symptom];
  const details = traffic.failures.kind === "read" ? traffic.failures.value : [];
  return [...ended]
    .filter(([cause, requests]) => cause !== "succeeded" && requests > 0 && (about === undefined || about.test(cause)))
    .flatMap(([cause, requests]) => {
      const failures = details.filter((failure) => failure.cause === cause);
      if (cause === "error:client") return brokenOff(requests, failures);
      if (cause === breakerOpen) return [notSentOn(requests, failures, evidence)];
      const known = words[cause];
      if (known === undefined) return rejections(cause, requests, failures, evidence);
      const [side, what] = known;
      if (cause === "error:policy") return policyErrors(side, what, requests, failures);
      return [{ side, cause, what, requests, failures }];
    });
}

/** A breaker opens on what the backend does. */
function notSentOn(requests: number, failures: readonly Failure[], evidence: Evidence): Part {
  const kept = whyUnsent(evidence);
  const part = { cause: breakerOpen, requests, failures };
  switch (kept.by) {
    case "breakers":
      return {
        ...part,
        side: breakerOpener(evidence) === null ? "gateway" : "backend",
        what: "not sent on, as breakers were open (inferred)",
      };
    case "policy":
      return { ...part, side: "gateway", what: `answered 503 by a policy, ${kept.text}` };
    case "pool":
      return { ...part, side: "gateway", what: `not sent on, as ${kept.text}` };
    case "unknown":
      return { ...part, side: "gateway", what: "answered 503 without a call to a backend" };
  }
}

/** Without an answer nobody but the caller can have ended the call; while one is on its way the backend may have, too. */
function brokenOff(requests: number, failures: readonly Failure[]): readonly Part[] {
  const before = failures.filter((failure) => !brokenOffWhileAnswering(failure));
  const count = sum(before);
  const during = failures.filter(brokenOffWhileAnswering);
  return [
    { side: "client" as const, cause: "error:client", what: "hung up", requests: count, failures: before },
    {
      side: "unknown" as const,
      cause: "error:client",
      what: "broken off while the answer was on its way",
      requests: requests - count,
      failures: during,
    },
  ].filter((part) => part.requests > 0);
}

/** A policy that takes an answer for granted fails where there is none: then it was the backend. */
function policyErrors(side: Side, what: string, requests: number, failures: readonly Failure[]): readonly Part[] {
  const unanswered = failures.filter(isUnanswered);
  const count = sum(unanswered);
  return [
    {
      side: "backend" as const,
      cause: "error:backend",
      what: "not answered, on which a policy failed",
      requests: count,
      failures: unanswered,
    },
    { side, cause: "error:policy", what, requests: requests - count, failures: failures.filter((failure) => !isUnanswered(failure)) },
  ].filter((part) => part.requests > 0);
}

/** Rejected calls by what rejected them; the client only where nothing else that was read explains it. */
function rejections(cause: string, requests: number, failures: readonly Failure[], evidence: Evidence): readonly Part[] {
  const code = cause.replace(/^rejected:/, "");
  const sorted = failures.map((failure) => ({ kind: rejectionOf(failure, evidence), failure }));
  const kinds = [...new Set(sorted.map(({ kind }) => kind))];
  const parts = kinds.map((kind): Part => {
    const of = sorted.filter((one) => one.kind === kind).map(({ failure }) => failure);
    const [side, what] = whose(kind, code, of, evidence);
    return { side, cause: rejectedAs(kind), what, requests: sum(of), failures: of };
  });
  const untold = requests - parts.reduce((total, part) => total + part.requests, 0);
  const without: Part = {
    side: "unknown",
    cause,
    what: `rejected with ${code}, which the logs would tell more of`,
    requests: untold,
    failures: [],
  };
  return [...parts, without].filter((part) => part.requests > 0);
}

function whose(kind: Rejection, code: string, failures: readonly Failure[], evidence: Evidence): readonly [side: Side, what: string] {
  switch (kind) {
    case "credential":
      return ["gateway", `refused by the backend for its credential (${code})`];
    case "policy":
      return ["gateway", `refused by a policy (${some([`${failures[0]?.source ?? ""} ${code}`.trim()])})`];
    case "key":
      return whoseKey(code, failures, evidence);
    case "address": {
      const deleted = deletedAddress(evidence);
      return deleted === null
        ? ["unknown", `to a path that no operation has (${code})`]
        : ["gateway", `to a path that no operation has any more: ${deleted}`];
    }
    case "deployment":
      return ["unknown", `for what the backend has not (${some([failures[0]?.deployment ?? code])}, ${code})`];
    case "member":
      return ["gateway", `sent to a member without the deployment that another has (${some([failures[0]?.deployment ?? code])}, ${code})`];
    case "request":
      return rewritten(evidence) === null
        ? ["client", `rejected by the model with ${code}`]
        : ["unknown", `rejected by the model with ${code}`];
    case "other":
      return ["unknown", `rejected with ${code}`];
  }
}

/** A key that is missing is the caller's doing; one that is refused may be of a subscription that was closed. */
function whoseKey(code: string, failures: readonly Failure[], evidence: Evidence): readonly [side: Side, what: string] {
  if (failures.every(({ reason }) => reason === "SubscriptionKeyNotFound")) return ["client", `without a key (${code})`];
  const closed = closedTeams(
    evidence,
    failures.map(({ api }) => api),
  );
  if (closed === "unknown") return ["unknown", `rejected for their key (${code})`];
  return closed.length === 0
    ? ["client", `rejected for their key (${code})`]
    : ["unknown", `rejected for their key (${code}), and ${some(closed, 2)}`];
}

/** `Backend 52: 48 answered with an error, 4 not reached (aoai-eastus, 10:02 to 10:09).` */
function sideText(side: Side, parts: readonly Part[], { window }: Evidence): string {
  const own = parts.filter((part) => part.side === side).toSorted((a, b) => b.requests - a.requests);
  const failures = own.flatMap((part) => part.failures);
  const times = failures.flatMap(({ first, last }) => [first, last]).toSorted();
  const where =
    side === "backend" ? failures.flatMap(({ backend }) => backend ?? []) : failures.flatMap(({ subscription }) => subscription ?? []);
  const about = [
    ...(where.length === 0 ? [] : [some(where)]),
    ...(times.length === 0 ? [] : [span(times[0] ?? "", times.at(-1) ?? "", window)]),
  ];
  const what = own.slice(0, 3).map((part) => `${part.requests} ${part.what}`);
  const name = side === "unknown" ? "Not clear whose" : `${side[0]?.toUpperCase() ?? ""}${side.slice(1)}`;
  return `${name} ${countOf(parts, side)}: ${what.join(", ")}${about.length === 0 ? "" : ` (${about.join(", ")})`}.`;
}

const mostIds = 3;

/** One of each side first: what another tool can be asked about. */
function idsText(parts: readonly Part[]): string {
  const bySide = sides.map((side) =>
    parts
      .filter((part) => part.side === side)
      .flatMap(({ failures }) => failures.flatMap(({ examples }) => examples.map((id) => ({ side, id })))),
  );
  const [first, second, third] = [0, 1, 2].map((place) => bySide.flatMap((ids) => ids.slice(place, place + 1)));
  const chosen = [...(first ?? []), ...(second ?? []), ...(third ?? [])].slice(0, mostIds);
  return chosen.length === 0
    ? ""
    : `Correlation ids: ${chosen.map(({ side, id }) => (side === "unknown" ? id : `${id} (${side})`)).join(", ")}.`;
}

/** The last change before the failures began that can have to do with them. */
function afterText(parts: readonly Part[], side: Side, changed: readonly Changed[], { window }: Evidence): string {
  const own = parts.filter((part) => part.side === side);
  const found = precededBy(
    changed,
    own.flatMap((part) => part.failures.map(({ first, api }) => ({ time: first, cause: part.cause, api }))),
  );
  if (found === null) return "";
  return `It began at ${clock(found.began.time, window)}, after ${clock(found.change.time, window)}: ${found.change.what}.`;
}
