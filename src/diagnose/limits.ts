import { sameName } from "../gateway/model.ts";
import type { LimitKind } from "../quota/limit.ts";
import { teamLimits } from "../quota/limits.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import { inventoryOf } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { isNotable, sum, told, withoutCalls } from "./failure-counts.ts";
import { answeredBy } from "./policies-in-effect.ts";
import { readPolicy } from "./server-errors.ts";
import type { Failure } from "./traffic.ts";
import { some } from "./wording.ts";

/** A limit that is met now and then does its work; from this share of a team's calls on it stands in the way. Assumed. */
const leastShare = 0.05;

const rateLimits = ["gateway:token-rate-limit", "gateway:rate-limit", "gateway:other"];
const quotaLimits = ["gateway:token-quota", "gateway:call-quota"];

/** Which kind of limit has refused, as policies and tools call it; those of `gateway:other` are no limits at all. */
const kindOf: Readonly<Record<string, LimitKind>> = {
  "gateway:token-rate-limit": "tpm",
  "gateway:rate-limit": "rpm",
  "gateway:token-quota": "token_quota",
  "gateway:call-quota": "call_quota",
};

/** 429 of the gateway's own limits, and of policies that answer so themselves. */
export const limits = (evidence: Evidence): Finding =>
  ofTeams(evidence, rateLimits, evidence.symptom === "429", (refused) => {
    const kinds = kindsOf(refused);
    const [first] = kinds;
    if (first === undefined) {
      const by = answeredBy(evidence, 429);
      return [
        `A policy answers 429 itself${by === null ? "" : `: ${by}`}; no limit of the team is reached, and the backend was not asked.`,
        `Meant so? Else take it out: ${readPolicy(evidence)}, apply_policy`,
      ];
    }
    const bound = kinds.flatMap((kind) => boundBy(evidence, refused, kind));
    return [
      `The gateway's own limit refuses them${boundText(evidence, bound)}: the backend was not asked.`,
      `Meant so? Else raise it: ${raise(bound[0], refused, first)}`,
    ];
  });

/** Twice as much is only a number to begin with: the plan shows what it would have done. */
function raise(bound: Bound | undefined, refused: readonly Failure[], kind: LimitKind): string {
  const team = bound?.team ?? refused.find(({ subscription }) => subscription !== null)?.subscription;
  if (team == null) return "the logs would say of which team; list_subscriptions shows the limits of all";
  if (bound === undefined) return `update_quota with "subscription_id" "${team}" and "${kind}"`;
  return `update_quota {"subscription_id":"${team}","${kind}":${2 * bound.value}}`;
}

/** 403, or 429, where a quota is used up. */
export const quotas = (evidence: Evidence): Finding =>
  ofTeams(evidence, quotaLimits, evidence.symptom === "403" || evidence.symptom === "429", (refused) => {
    const kinds = kindsOf(refused);
    const bound = kinds.flatMap((kind) => boundBy(evidence, refused, kind));
    const tokens = kinds[0] === "token_quota";
    return [
      `A quota of ${tokens ? "tokens" : "calls"} of the gateway is used up${boundText(evidence, bound)}: this is no missing role, and ends with the quota's period.`,
      tokens
        ? `Wait for the period to end, or raise it: ${raise(bound[0], refused, "token_quota")}`
        : "Wait for the period to end, or raise the calls of its <quota> with apply_policy",
    ];
  });

/** The kinds of limits that have refused, the most frequent first. */
const kindsOf = (refused: readonly Failure[]): readonly LimitKind[] => [...new Set(refused.flatMap(({ cause }) => kindOf[cause] ?? []))];

/** By team: one that has few calls may be refused nearly all of them. */
function ofTeams(
  evidence: Evidence,
  causes: readonly string[],
  asked: boolean,
  means: (refused: readonly Failure[]) => readonly [means: string, todo: string],
): Finding {
  const { calls, failures, teams } = evidence.traffic;
  return knowing({ calls, failures }, (values) => {
    if (values.calls.requests === 0) return withoutCalls(evidence);
    const refused = values.failures.filter(({ cause }) => causes.includes(cause));
    if (refused.length === 0) return ok();
    const all = values.calls.requests;
    if (teams.kind === "refused") {
      // Few of all calls may be nearly all of one team's.
      const many = isNotable(sum(refused), all, asked) && (asked || sum(refused) >= all * leastShare);
      return many ? problem(told(refused, all, evidence), ...means(refused)) : { status: "unknown", refusals: [teams] };
    }
    const hit = teamsOf(refused).filter((team) => {
      const own = refused.filter(({ subscription }) => subscription === team);
      const ofTeam = teams.value.find(({ subscription }) => sameName(subscription, team ?? "none"))?.requests ?? all;
      return isNotable(sum(own), ofTeam, asked) && (asked || sum(own) >= ofTeam * leastShare);
    });
    if (hit.length === 0) return ok();
    const found = refused.filter(({ subscription }) => hit.includes(subscription));
    return problem(told(found, all, evidence), ...means(found));
  });
}

/** Those with the most refused calls first. */
const teamsOf = (failures: readonly Failure[]): readonly (string | null)[] => [
  ...new Set(failures.map(({ subscription }) => subscription)),
];

/** ` (growth: rpm 5, product 'aoai')`. */
function boundText(evidence: Evidence, bound: readonly Bound[]): string {
  if (bound.length > 0)
    return ` (${some(
      bound.map(({ text }) => text),
      2,
    )})`;
  return inventoryOf(evidence) === null
    ? " (its number is unknown, as not all of the policies, products and subscriptions can be read)"
    : "";
}

/** The smallest that this kind of limit comes to, for each team that it has refused. */
const boundBy = (evidence: Evidence, refused: readonly Failure[], kind: LimitKind): readonly Bound[] =>
  boundOf(
    evidence,
    refused.flatMap(({ cause, subscription }) => (kindOf[cause] === kind && subscription !== null ? [subscription] : [])),
    kind,
  );

/** What binds a team in one kind of limit. */
export interface Bound {
  readonly team: string;
  readonly value: number;
  /** `growth: rpm 5, product 'aoai'`. */
  readonly text: string;
}

/** The smallest that this kind of limit comes to, for each of these teams that it binds; none where that cannot be read. */
export function boundOf(evidence: Evidence, teams: readonly string[], kind: LimitKind): readonly Bound[] {
  const inventory = inventoryOf(evidence);
  if (inventory === null) return [];
  const all = teamLimits(inventory, evidence.csharp);
  return [...new Set(teams)].flatMap((team): readonly Bound[] => {
    const binding = all.find(({ subscription }) => sameName(subscription.id, team))?.binding[kind];
    const values = binding?.value === undefined ? (binding?.parts.flatMap((part) => part.values) ?? []) : [binding.value];
    const numbers = [...new Set(values.filter((value) => typeof value === "number"))].toSorted((a, b) => a - b);
    const [value] = numbers;
    const [limit] = binding?.limits ?? [];
    if (value === undefined || limit === undefined) return [];
    return [{ team, value, text: `${team}: ${kind} ${numbers.slice(0, 3).join(" or ")}, ${limit.scope}` }];
  });
}
