import type { CSharp } from "../policy/expression-syntax.ts";
import { groupsBy } from "../usage/groups.ts";
import { access, isBlind, reasonOf } from "./access.ts";
import { cacheHits, cachePair, cacheRedis, cacheStreaming, cacheThreshold, cacheVaryBy } from "./cache.ts";
import { cacheEmbeddings } from "./cache-embeddings.ts";
import { type Cause, causeOf } from "./cause.ts";
import { type Changed, changed, changes } from "./changes.ts";
import type { Check, CheckName, Finding, Symptom } from "./check.ts";
import * as clientErrors from "./client-errors.ts";
import { deploymentLimits, deployments } from "./deployments.ts";
import { certificates, platform } from "./end-of-life.ts";
import { type Asked, type Evidence, mostApisAsked, type Opened, openService, readEvidence } from "./evidence.ts";
import { failoverBackends, failoverBreakers, failoverMembers, failoverRetry } from "./failover.ts";
import { latency } from "./latency.ts";
import { limits, quotas } from "./limits.ts";
import { logging } from "./logging.ts";
import { models } from "./models.ts";
import { lints, policies } from "./policies.ts";
import type { Readers } from "./reads.ts";
import * as serverErrors from "./server-errors.ts";
import { some } from "./wording.ts";

/** A check, and which symptoms it can explain; without a symptom all are made. */
interface Rule {
  readonly check: CheckName;
  readonly explains: readonly Symptom[];
  /** Null where nothing was read that it could judge; several findings where a hand of its own mends each. */
  readonly run: (evidence: Evidence) => Finding | readonly Finding[] | null;
}

const cacheRules: readonly Rule[] = [
  { check: "cache-pair", explains: ["cache"], run: cachePair },
  { check: "cache-embeddings", explains: ["cache"], run: cacheEmbeddings },
  { check: "cache-redis", explains: ["cache"], run: cacheRedis },
  { check: "cache-threshold", explains: ["cache"], run: cacheThreshold },
  { check: "cache-vary-by", explains: ["cache"], run: cacheVaryBy },
  { check: "cache-streaming", explains: ["cache"], run: cacheStreaming },
];

const rules: readonly Rule[] = [
  { check: "limits", explains: ["429"], run: limits },
  { check: "quotas", explains: ["403", "429"], run: quotas },
  { check: "deployments", explains: ["429", "5xx", "failover"], run: deployments },
  { check: "deployment-limits", explains: ["429"], run: deploymentLimits },
  { check: "backend-errors", explains: ["5xx", "failover"], run: serverErrors.backendErrors },
  { check: "backend-masked-errors", explains: ["5xx", "failover"], run: serverErrors.maskedErrors },
  { check: "backend-connection", explains: ["5xx", "latency", "failover"], run: serverErrors.backendConnection },
  { check: "breakers", explains: ["5xx", "failover"], run: serverErrors.breakers },
  { check: "policy-failures", explains: ["5xx"], run: serverErrors.policyFailures },
  { check: "unexplained-errors", explains: ["5xx"], run: serverErrors.unexplainedErrors },
  { check: "clients", explains: ["5xx", "latency"], run: clientErrors.clients },
  { check: "keys", explains: ["403"], run: clientErrors.keys },
  { check: "backend-access", explains: ["403", "failover"], run: clientErrors.backendAccess },
  { check: "refusals", explains: ["403"], run: clientErrors.refusals },
  { check: "addresses", explains: [], run: clientErrors.addresses },
  { check: "requests", explains: [], run: clientErrors.requests },
  { check: "latency", explains: ["latency"], run: latency },
  ...cacheRules,
  {
    check: "cache-hits",
    explains: ["cache"],
    run: (evidence) =>
      cacheHits(
        evidence,
        cacheRules.flatMap(({ run }) => run(evidence) ?? []),
      ),
  },
  { check: "failover-backends", explains: ["failover", "5xx"], run: failoverBackends },
  { check: "failover-members", explains: ["failover"], run: failoverMembers },
  { check: "failover-breakers", explains: ["failover"], run: failoverBreakers },
  { check: "failover-retry", explains: ["failover"], run: failoverRetry },
  { check: "models", explains: ["failover"], run: models },
  { check: "logging", explains: ["logging"], run: logging },
  { check: "policies", explains: ["403", "5xx", "cache"], run: policies },
  { check: "lints", explains: [], run: lints },
  { check: "certificates", explains: ["5xx"], run: certificates },
  { check: "platform", explains: [], run: platform },
  { check: "changes", explains: ["403", "429", "5xx", "latency", "cache", "failover", "logging"], run: changes },
];

/** Checks that nobody knows the outcome of, for one reason. */
export interface Unknown {
  readonly checks: readonly CheckName[];
  readonly why: string;
  readonly do: string;
}

export interface Diagnosis {
  readonly cause: Cause;
  readonly window: { readonly since: string; readonly until: string } | null;
  readonly problems: readonly Extract<Check, { status: "problem" }>[];
  readonly unknown: readonly Unknown[];
  readonly ok: readonly Extract<Check, { status: "ok" }>[];
  /** What was changed before and in the window, oldest first. */
  readonly changed: readonly Changed[];
  /** Why numbers may not be of all calls. */
  readonly notes: readonly string[];
}

/**
 * What is wrong, and whose doing it was. Says so too where nothing can be read: then that is the problem. Throws `invalid_input` and `not_found` for
 * what cannot be asked, and what is thrown is else this program's fault or the call's cancellation.
 */
export async function diagnose(readers: Readers, asked: Asked, grammar: () => Promise<CSharp>, now: Date): Promise<Diagnosis> {
  const opened = await openService(readers);
  if (isBlind(opened)) return blind(opened);
  const evidence = await readEvidence(readers, opened, asked, await grammar(), now);
  return judged(evidence);
}

/** Every check on what was read. */
export function judged(evidence: Evidence): Diagnosis {
  const { symptom, window } = evidence;
  const told = rules
    .filter(({ explains }) => symptom === null || explains.includes(symptom))
    .flatMap(({ check, run }): readonly Check[] => [run(evidence) ?? []].flat().map((finding) => ({ check, ...finding })));
  const found = changed(evidence);
  return {
    ...sorted([{ check: "access", ...access(evidence) }, ...told], evidence),
    cause: causeOf(evidence, found, told),
    window: { since: window.since.toISOString(), until: window.until.toISOString() },
    changed: found,
    notes: notesOf(evidence),
  };
}

/** What was not looked at, and why numbers may not be of all calls. */
function notesOf({ traffic: { calls }, service, workspaces, apis, apiId, accounts }: Evidence): readonly string[] {
  const more = apiId === null && apis.kind === "read" ? apis.value.length - mostApisAsked : 0;
  return [
    ...(calls.kind === "read" ? calls.value.notes : []),
    ...(workspaces.kind === "refused" && service.kind === "read"
      ? [`Whether there are workspaces is not known: ${workspaces.error.message}`]
      : []),
    ...(workspaces.kind === "read" && workspaces.value.length > 0
      ? [
          `What is in workspaces is not looked at, their calls are counted: ${some(workspaces.value)}. list_subscriptions and get_policy read them.`,
        ]
      : []),
    ...(accounts.unasked > 0 ? [`${accounts.unasked} more model accounts were not asked for what they have counted.`] : []),
    ...(more > 0 ? [`Diagnostics of their own were read of ${mostApisAsked} APIs; ${more} more with api_id.`] : []),
  ];
}

function blind(opened: Opened): Diagnosis {
  const verdict = "Nothing could be looked at: the service cannot be read.";
  return {
    ...sorted([{ check: "access", ...access(opened) }], opened),
    cause: { verdict, failed: null },
    window: null,
    changed: [],
    notes: [],
  };
}

function sorted(checks: readonly Check[], opened: Opened): Pick<Diagnosis, "problems" | "unknown" | "ok"> {
  const reasons = checks.flatMap((check) =>
    check.status === "unknown" ? check.refusals.map((refusal) => ({ check: check.check, ...reasonOf(refusal, opened) })) : [],
  );
  return {
    problems: checks.flatMap((check) => (check.status === "problem" ? [check] : [])),
    unknown: [...groupsBy(reasons, ({ why }) => why)].map(([why, group]) => ({
      checks: [...new Set(group.map(({ check }) => check))],
      why,
      do: group[0]?.do ?? "",
    })),
    ok: checks.flatMap((check) => (check.status === "ok" ? [check] : [])),
  };
}
