import type { Inventory } from "../gateway/inventory.ts";
import type { Breaker } from "../pool/backend.ts";
import { type FindingCode, findingsOf, type Finding as PoolFinding } from "../pool/findings.ts";
import { type ApiRoutes, resolveRoutes } from "../pool/routes.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { breakerOpener, countOf, isNotable, openers } from "./failure-counts.ts";
import { answersItself } from "./policies-in-effect.ts";
import { some } from "./wording.ts";

interface Pools {
  readonly routes: readonly ApiRoutes[];
  readonly findings: readonly PoolFinding[];
}

/** Findings of several APIs that share a pool are one. */
function poolsOf(inventory: Inventory, evidence: Evidence): Pools {
  const routes = apisAsked(inventory, evidence).map((apiId) => resolveRoutes(inventory, evidence.csharp, apiId));
  const all = routes.flatMap((one) => findingsOf(one, inventory.service.tier));
  return { routes, findings: [...new Map(all.map((finding) => [finding.text, finding])).values()] };
}

const ofPools = (evidence: Evidence, check: (pools: Pools, inventory: Inventory) => Finding): Finding =>
  knowing(servingReads(evidence), (read) => {
    const inventory = servingInventory(read);
    return check(poolsOf(inventory, evidence), inventory);
  });

const mostTold = 2;

/** Sentences, and how many are left of them. */
function sentences(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  const left = different.length - mostTold;
  return [...different.slice(0, mostTold), ...(left > 0 ? [`And ${left} more.`] : [])].join(" ");
}

/** The findings of these codes as one; `means` says what they have in common. Each that is told has its own remedy. */
function among({ findings }: Pools, codes: readonly FindingCode[], means: string): Finding {
  const found = findings.filter(({ code }) => codes.includes(code));
  const [first] = found;
  return first === undefined
    ? ok()
    : problem(
        sentences(found.map(({ text }) => text)),
        means,
        [...new Set(found.slice(0, mostTold).map(({ fix }) => fix))].join("; then "),
      );
}

/** An API that leads nowhere. Assumed: one without any policy of its own that chooses is no mistake while it has a service URL. */
export const failoverBackends = (evidence: Evidence): Finding =>
  ofPools(evidence, ({ routes, findings }) => {
    const answered = answersItself(evidence);
    const broken = [
      ...findings.filter(({ code }) => code === "missing_backend").map(({ text }) => ({ apiId: routes[0]?.apiId ?? "...", text })),
      ...routes.flatMap(({ apiId, notes }) =>
        notes
          .filter((note) => !note.startsWith("An expression") && !(answered && note.startsWith("No backend:")))
          .map((note) => ({ apiId, text: `API '${apiId}': ${note}` })),
      ),
    ];
    const [first] = broken;
    if (first === undefined) return ok();
    return problem(
      sentences(broken.map(({ text }) => text)),
      "Calls that are sent there cannot be answered.",
      `get_backend_pool {"api_id":"${first.apiId}"} names the policy line`,
    );
  });

/** One member alone is a choice, until it fails; of several it is worth a word that others have taken over. */
export function failoverMembers(evidence: Evidence): Finding {
  return ofPools(evidence, (pools) => {
    const unsigned = among(pools, ["unequal_credentials"], "A failover there is answered with 401: the member cannot take over.");
    if (unsigned.status === "problem") return unsigned;
    const finding = among(pools, ["one_member", "too_many_members"], "A failure of that backend reaches every caller.");
    const alone = pools.findings.find(({ code }) => code === "one_member");
    const matters =
      evidence.symptom === "failover" || failsNotably(evidence) || pools.findings.some(({ code }) => code === "too_many_members");
    if (finding.status === "problem") return matters ? finding : ok(alone?.text);
    return ok(takenOver(pools, evidence) ?? undefined);
  });
}

/**
 * Members behind the first ones of a pool that have answered calls: they get none while a first one is available
 * (https://learn.microsoft.com/azure/api-management/backends#load-balanced-pool). Null where there are none, and where the logs do not tell.
 */
function takenOver({ routes }: Pools, { traffic: { served } }: Evidence): string | null {
  if (served.kind === "refused") return null;
  const answered = (ids: readonly string[]): number =>
    served.value.reduce((total, { backend, succeeded }) => total + (ids.includes(backend) ? succeeded : 0), 0);
  const texts = routes.flatMap(({ routes: ways }) =>
    ways.flatMap(({ backendId, members }) => {
      const first = Math.min(...members.map(({ priority }) => priority));
      const usual = members.filter(({ priority }) => priority === first).map((member) => member.backendId);
      const standby = members.filter(({ priority }) => priority !== first).map((member) => member.backendId);
      const taken = answered(standby);
      return taken === 0
        ? []
        : [
            `failover in ${backendId}: ${some(standby.filter((id) => answered([id]) > 0))} answered ${taken} of ${taken + answered(usual)} calls in the place of ${some(usual)}`,
          ];
    }),
  );
  return texts.length === 0 ? null : some(texts, 2);
}

/** Whether backends fail so often that what takes over matters. */
function failsNotably(evidence: Evidence): boolean {
  const { calls } = evidence.traffic;
  const opener = breakerOpener(evidence);
  if (calls.kind === "refused" || opener === null || opener === "policy-failures") return false;
  return isNotable(countOf(calls.value, openers[opener]), calls.value.requests, false);
}

const breakerCodes = [
  "one_priority",
  "no_breaker_on_primary",
  "breaker_ignores_server_errors",
  "breaker_ignores_connection_failures",
  "tier_without_breakers",
] as const satisfies readonly FindingCode[];

/** What the breakers say they do, then what they have done: a Retry-After that they heed is a word beside breakers that work. */
export const failoverBreakers = (evidence: Evidence): Finding =>
  ofPools(evidence, (pools) => {
    const written = among(pools, breakerCodes, "The gateway would not take a failing backend out of use, or not for as long as is meant.");
    if (written.status === "problem") return written;
    return stuck(pools, evidence) ?? ok(pools.findings.find(({ code }) => code === "long_retry_after")?.text);
  });

/** Failures after which another member should have been asked. Assumed: of fewer, breakers with a usual count have not opened. */
const leastStuck = 10;

/** A member that fails nearly every call, while the others of its pool are not asked; null where there is none, and where the logs do not tell. */
function stuck({ routes }: Pools, { traffic: { served } }: Evidence): Finding | null {
  if (served.kind === "refused") return null;
  const count = (id: string, of: "requests" | "succeeded"): number =>
    served.value.reduce((total, one) => total + (one.backend === id ? one[of] : 0), 0);
  for (const { apiId, routes: ways } of routes) {
    for (const { members } of ways) {
      const failing = members.find(({ backendId }) => count(backendId, "requests") >= leastStuck && count(backendId, "succeeded") === 0);
      const others = members.filter((member) => member !== failing && member.url !== null);
      if (failing === undefined || others.length === 0 || others.some(({ backendId }) => count(backendId, "requests") > 0)) continue;
      const { backendId, circuitBreaker } = failing;
      const needs = circuitBreaker === null ? "" : ` (${breakerText(circuitBreaker)})`;
      return problem(
        `${backendId} has failed all of ${count(backendId, "requests")} calls; ${some(others.map((member) => member.backendId))} got none.`,
        `Its breaker has not opened${needs}: nothing takes over.`,
        `update_backend_pool {"api_id":"${apiId}","backends":[{"backend_id":"${backendId}","circuit_breaker":{"failure_count":5,"interval":"PT1M"}}]}`,
      );
    }
  }
  return null;
}

const breakerText = ({ failureCount, failurePercent, interval }: Breaker): string =>
  `it needs ${failureCount === null ? `${failurePercent ?? "?"} % failures` : `${failureCount} failures`}${interval === null ? "" : ` within ${interval}`}`;

export const retryCodes = ["retry_too_small", "retry_without_body"] as const satisfies readonly FindingCode[];

export const failoverRetry = (evidence: Evidence): Finding =>
  ofPools(evidence, (pools) => among(pools, retryCodes, "Until a breaker opens, failures of the primary reach the callers."));
