import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failure-counts.ts";
import { readPolicy } from "./server-errors.ts";
import type { Delays } from "./traffic.ts";
import { windowInput } from "./wording.ts";

/** A wait that has doubled, and by so much, is noticed. Assumed. */
const factor = 2;
const leastMs = 1000;
/** Of fewer calls the slowest one decides: that is worth a word to who has asked for it. */
const leastCalls = 20;
/** More of the gateway's own time than policies take that only look at a call. Assumed. */
const slowGatewayMs = 1000;
/** No answer of a model takes so long that most callers still wait for it, whatever it took before. Assumed: a minute is what load balancers and HTTP clients often wait. */
const slowMs = 60_000;

/**
 * Where the time goes, against the same length of time before. Without calls before there is nothing to compare with: then only what no gateway should take is a
 * problem, anything else unknown to who has asked for it, and not judged for who has not.
 */
export function latency(evidence: Evidence): Finding | null {
  const { delays, calls } = evidence.traffic;
  if (delays === null) return null;
  return knowing({ delays, calls }, ({ delays: { now, before }, calls: { requests } }) => {
    const asked = evidence.symptom === "latency";
    if (requests === 0) return withoutCalls(evidence);
    if (now === null) return asked ? untold(`How long ${requests} calls took is not known.`, metrics(evidence, "operation")) : null;
    if (requests < leastCalls && !asked) return null;
    const seen = seenText(now, before, requests);
    const part = culprit(now, before);
    if (part !== null) return slowIn(part, seen, evidence);
    if (!asked) return before === null && now.total >= leastMs ? null : ok();
    return before === null && now.total >= leastMs
      ? untold(
          `${seen}; of the same time before there are no calls to compare that with.`,
          "Ask for a window that has calls before it (since, until), from when answers were as they should be until now",
        )
      : ok(seen);
  });
}

type Part = "gateway" | "backend";

/** Which part takes too long; null where none does. */
function culprit(now: Delays, before: Delays | null): Part | null {
  const grown = before !== null && now.total >= factor * before.total && now.total - before.total >= leastMs;
  if (grown) return now.gateway - before.gateway >= now.backend - before.backend ? "gateway" : "backend";
  if (now.total >= slowMs) return now.gateway >= now.backend ? "gateway" : "backend";
  return now.gateway >= slowGatewayMs ? "gateway" : null;
}

/** A percentile of few calls is the slowest of them. */
function seenText({ measure, total, backend, gateway }: Delays, before: Delays | null, requests: number): string {
  const many = measure === "average" ? "On average" : "95 % within";
  const lead = requests < leastCalls && measure !== "average" ? `The slowest of ${requests} calls took` : many;
  const parts = `${lead} ${total} ms: backend ${backend} ms, gateway ${gateway} ms`;
  return before === null ? parts : `${parts}; before that ${before.total} ms`;
}

const slowIn = (part: Part, seen: string, evidence: Evidence): Finding =>
  part === "gateway"
    ? problem(
        `${seen}.`,
        "The time goes by in the gateway: a policy that calls elsewhere, a retry's wait, or too little capacity.",
        `${readPolicy(evidence)}; ${metrics(evidence, "operation")}`,
      )
    : problem(
        `${seen}.`,
        "The time goes by in the backend: longer answers, a loaded deployment, or another region.",
        metrics(evidence, "backend"),
      );

const metrics = ({ window }: Evidence, grouping: "operation" | "backend"): string =>
  `get_metrics {"include":["latency"],"group_by":["${grouping}"],${windowInput(window)}}`;
