import type { Changed } from "./changes.ts";
import type { Symptom } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpen, breakerOpener, isNotable, isUnanswered, sum } from "./failures.ts";
import type { Calls, Failure } from "./traffic.ts";
import { calls, clock, some, span } from "./wording.ts";

/** Who has kept a call from succeeding. */
export type Side = "backend" | "gateway" | "client";

/** "Gateway, backend or client?", in words and numbers. */
export interface Cause {
  /** One paragraph. */
  readonly verdict: string;
  /** Calls that failed, by whom; null where no source tells. */
  readonly failed: Readonly<Record<Side, number>> | null;
}

const words: Readonly<Record<string, readonly [side: Side, what: string]>> = {
  "error:backend": ["backend", "answered with an error"],
  "error:unreachable": ["backend", "not reached"],
  "error:timeout": ["backend", "without an answer in time"],
  "backend:429": ["backend", "throttled by the model itself"],
  "gateway:rewritten-backend-error": ["backend", "throttled for an error of the backend"],
  [breakerOpen]: ["gateway", "not sent on, as breakers were open (inferred)"],
  "error:policy": ["gateway", "failed in a policy"],
  "error:unclassified": ["gateway", "5xx without a reason"],
  "gateway:token-rate-limit": ["gateway", "over a token limit"],
  "gateway:rate-limit": ["gateway", "over a call limit"],
  "gateway:token-quota": ["gateway", "over a token quota"],
  "gateway:call-quota": ["gateway", "over a call quota"],
  "gateway:other": ["gateway", "throttled by a policy"],
  "error:client": ["client", "hung up"],
};

/** What each symptom is about; all failures for the others. */
const meant: Partial<Readonly<Record<Symptom, RegExp>>> = {
  "403": /^rejected:40[13]$|-quota$/,
  "429": /^gateway:|^backend:429$/,
  "5xx": /^error:/,
};

/** Failures of one kind. */
interface Part {
  readonly side: Side;
  readonly what: string;
  readonly requests: number;
  /** From the logs, where they tell. */
  readonly failures: readonly Failure[];
}

export function causeOf(evidence: Evidence, changed: readonly Changed[]): Cause {
  const { calls: read } = evidence.traffic;
  const when = windowText(evidence);
  if (read.kind === "refused")
    return { verdict: `How calls ended is unknown (${when}): neither logs nor metrics can be read.`, failed: null };
  const { requests, source } = read.value;
  const parts = partsOf(read.value, evidence);
  const failed = { backend: countOf(parts, "backend"), gateway: countOf(parts, "gateway"), client: countOf(parts, "client") };
  const all = failed.backend + failed.gateway + failed.client;
  const told = source.startsWith("gateway logs") ? "" : `, by ${source}`;
  const head = `${calls(requests)}, ${when}${told}`;
  if (requests === 0) return { verdict: `No calls, ${when}${told}: nothing to judge.`, failed };
  if (all === 0) return { verdict: `Nothing failed${evidence.symptom === null ? "" : " that way"}: ${head}.`, failed };
  const [first = "backend"] = sidesByCount(failed);
  const lead = isNotable(all, requests, evidence.symptom !== null) ? leadOf(first, failed[first], all) : "Nothing stands out";
  const sides = sidesByCount(failed).map((side) => sideText(side, parts, evidence));
  return {
    verdict: [`${lead}: ${all} failed of ${head}.`, ...sides, idsText(parts), afterText(parts, first, changed, evidence)]
      .filter((text) => text !== "")
      .join(" "),
    failed,
  };
}

const leadOf = (side: Side, count: number, all: number): string => (count === all ? `It was the ${side}` : `Mostly the ${side}`);

const sidesByCount = (failed: Readonly<Record<Side, number>>): readonly Side[] =>
  (["backend", "gateway", "client"] as const).filter((side) => failed[side] > 0).toSorted((a, b) => failed[b] - failed[a]);

const countOf = (parts: readonly Part[], side: Side): number =>
  parts.reduce((sum, part) => sum + (part.side === side ? part.requests : 0), 0);

function windowText({ window }: Evidence): string {
  const day = window.since.toISOString().slice(0, 10);
  return `${day} ${span(window.since.toISOString(), window.until.toISOString(), window)} UTC`;
}

function partsOf({ ended }: Calls, evidence: Evidence): readonly Part[] {
  const { symptom, traffic } = evidence;
  const about = symptom === null ? undefined : meant[symptom];
  const details = traffic.failures.kind === "read" ? traffic.failures.value : [];
  const backendFailed = breakerOpener(evidence) !== null;
  return [...ended]
    .filter(([cause, requests]) => cause !== "succeeded" && requests > 0 && (about === undefined || about.test(cause)))
    .flatMap(([cause, requests]) => {
      const failures = details.filter((failure) => failure.cause === cause);
      const known = words[cause];
      if (known === undefined) return rejections(cause, requests, failures);
      const [side, what] = known;
      if (cause === "error:policy") return policyErrors(side, what, requests, failures);
      // A breaker opens on what the backend does.
      return [{ side: backendFailed && cause === breakerOpen ? ("backend" as const) : side, what, requests, failures }];
    });
}

/** A policy that takes an answer for granted fails where there is none: then it was the backend. */
function policyErrors(side: Side, what: string, requests: number, failures: readonly Failure[]): readonly Part[] {
  const unanswered = failures.filter(isUnanswered);
  const count = sum(unanswered);
  return [
    { side: "backend" as const, what: "not answered, on which a policy failed", requests: count, failures: unanswered },
    { side, what, requests: requests - count, failures: failures.filter((failure) => !isUnanswered(failure)) },
  ].filter((part) => part.requests > 0);
}

/** 401 and 403 that the backend gives are about the gateway's own credential; any other rejection is about the call. */
function rejections(cause: string, requests: number, failures: readonly Failure[]): readonly Part[] {
  const code = cause.replace(/^rejected:/, "");
  const ours = failures.filter(({ status, backendStatus }) => backendStatus === status && (status === 401 || status === 403));
  const count = sum(ours);
  const others = failures.filter((failure) => !ours.includes(failure));
  return [
    { side: "gateway" as const, what: `refused by the backend for its credential (${code})`, requests: count, failures: ours },
    { side: "client" as const, what: `rejected with ${code}`, requests: requests - count, failures: others },
  ].filter((part) => part.requests > 0);
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
  const name = `${side[0]?.toUpperCase() ?? ""}${side.slice(1)}`;
  return `${name} ${countOf(parts, side)}: ${what.join(", ")}${about.length === 0 ? "" : ` (${about.join(", ")})`}.`;
}

const mostIds = 3;

/** One of each side first: what another tool can be asked about. */
function idsText(parts: readonly Part[]): string {
  const bySide = (["backend", "gateway", "client"] as const).map((side) =>
    parts
      .filter((part) => part.side === side)
      .flatMap(({ failures }) => failures.flatMap(({ examples }) => examples.map((id) => ({ side, id })))),
  );
  const [first, second, third] = [0, 1, 2].map((place) => bySide.flatMap((ids) => ids.slice(place, place + 1)));
  const chosen = [...(first ?? []), ...(second ?? []), ...(third ?? [])].slice(0, mostIds);
  return chosen.length === 0 ? "" : `Correlation ids: ${chosen.map(({ side, id }) => `${id} (${side})`).join(", ")}.`;
}

/** A change is worth naming that came so long before the failures began. */
const afterMs = 15 * 60_000;

function afterText(parts: readonly Part[], side: Side, changed: readonly Changed[], { window }: Evidence): string {
  const [began] = parts.flatMap((part) => (part.side === side ? part.failures.map(({ first }) => first) : [])).toSorted();
  if (began === undefined) return "";
  const last = changed.findLast(({ time }) => time <= began && Date.parse(began) - Date.parse(time) <= afterMs);
  return last === undefined ? "" : `It began at ${clock(began, window)}, after ${clock(last.time, window)}: ${last.what}.`;
}
