import { resolveRoutes } from "../pool/routes.ts";
import type { Finding } from "./check.ts";
import { apisAsked } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpen, breakerOpener, countOf, isNotable, type Meaning, ofCauses, openers } from "./failure-counts.ts";
import { answeredBy, servingOf } from "./policies-in-effect.ts";

/**
 * Why calls were answered 503 without a call to a backend. No log says so: breakers are named only where a rule exists that could have kept such a
 * call back, or where the backends cannot be read.
 */
type WhyUnsent =
  | { readonly by: "breakers" }
  /** `text`: where, for people. */
  | { readonly by: "policy" | "pool"; readonly text: string }
  | { readonly by: "unknown" };

export function whyUnsent(evidence: Evidence): WhyUnsent {
  const { breakers, broken } = poolsOf(evidence);
  if (breakers && breakerOpener(evidence) !== null) return { by: "breakers" };
  const policy = answeredBy(evidence, 503);
  if (policy !== null) return { by: "policy", text: policy };
  if (broken !== null) return { by: "pool", text: broken };
  return breakers ? { by: "breakers" } : { by: "unknown" };
}

interface Pools {
  /** Whether breakers may keep a call from every member of a route. */
  readonly breakers: boolean;
  /** A pool without any member that exists. */
  readonly broken: string | null;
}

function poolsOf(evidence: Evidence): Pools {
  const inventory = servingOf(evidence);
  if (inventory === null) return { breakers: true, broken: null };
  const routes = apisAsked(inventory, evidence).flatMap((apiId) => resolveRoutes(inventory, evidence.csharp, apiId).routes);
  const standing = routes.map((route) => ({ route, members: route.members.filter(({ url }) => url !== null) }));
  const empty = standing.find(({ route, members }) => route.kind === "pool" && members.length === 0)?.route;
  const missing = empty?.members.map(({ backendId }) => backendId) ?? [];
  const breakers =
    inventory.service.tier !== "consumption" &&
    standing.some(({ members }) => members.length > 0 && members.every(({ circuitBreaker }) => circuitBreaker !== null));
  const what = missing.length === 0 ? "has no member" : `has no member that exists (${missing.join(", ")})`;
  return { breakers, broken: empty === undefined ? null : `pool '${empty.backendId}' ${what}` };
}

/** While breakers are open few calls reach a backend: so many of one kind are enough then. Assumed. */
const leastBeforeBreakers = 3;

/** As `ofCauses`, of what a backend does: calls that were not sent on for it count with what there is most of. */
export function ofBackends(evidence: Evidence, check: keyof typeof openers, asked: boolean, means: Meaning): Finding {
  const { calls: all } = evidence.traffic;
  const { by } = whyUnsent(evidence);
  const open = all.kind === "read" && (by === "breakers" || by === "unknown") ? countOf(all.value, [breakerOpen]) : 0;
  const behind = by === "breakers" && breakerOpener(evidence) === check ? open : 0;
  const isWorthAWord = (count: number, requests: number): boolean =>
    isNotable(count + behind, requests, asked) || (count >= leastBeforeBreakers && isNotable(open, requests, false));
  return ofCauses(evidence, openers[check], asked, means, isWorthAWord, behind);
}
