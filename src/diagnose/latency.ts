import { type Finding, knowing, ok, problem } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failure-counts.ts";
import { readPolicy } from "./server-errors.ts";
import { windowInput } from "./wording.ts";

/** A wait that has doubled, and by so much, is noticed. Assumed. */
const factor = 2;
const leastMs = 1000;
/** Of fewer calls the slowest one decides. */
const leastCalls = 20;
/** More of the gateway's own time than policies take that only look at a call. Assumed. */
const slowGatewayMs = 1000;

/** Where the time goes, against the same length of time before. */
export function latency(evidence: Evidence): Finding | null {
  const { delays, calls } = evidence.traffic;
  if (delays === null) return null;
  return knowing({ delays, calls }, ({ delays: { now, before }, calls: { requests } }) => {
    if (requests === 0) return withoutCalls(evidence);
    if (now === null || requests < leastCalls) return ok();
    const numbers = `${now.measure === "average" ? "On average" : "95 % within"} ${now.total} ms: backend ${now.backend} ms, gateway ${now.gateway} ms`;
    const compared = before === null ? numbers : `${numbers}; before that ${before.total} ms`;
    const asked = evidence.symptom === "latency";
    const grown = before !== null && now.total >= factor * before.total && now.total - before.total >= leastMs;
    const slow = now.gateway >= slowGatewayMs;
    if (!grown && !slow) return ok(asked ? compared : undefined);
    const byGateway = slow && now.gateway >= now.backend;
    return byGateway
      ? problem(
          `${compared}.`,
          "The time goes by in the gateway: a policy that calls elsewhere, a retry's wait, or too little capacity.",
          `${readPolicy(evidence)}; get_metrics {"include":["latency"],"group_by":["operation"],${windowInput(evidence.window)}}`,
        )
      : problem(
          `${compared}.`,
          "The time goes by in the backend: longer answers, a loaded deployment, or another region.",
          `get_metrics {"include":["latency"],"group_by":["backend"],${windowInput(evidence.window)}}`,
        );
  });
}
