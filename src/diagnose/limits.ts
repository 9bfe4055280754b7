import { documentTitle, policyScopeOf } from "../gateway/documents.ts";
import { type Subscription, sameName, subscriptionName } from "../gateway/model.ts";
import { pathOf } from "../policy/select.ts";
import { isShared } from "../quota/edits/change-limit.ts";
import type { Limit, LimitKind } from "../quota/limit.ts";
import { teamLimits } from "../quota/limits.ts";
import { sharedWith } from "../quota/target.ts";
import { groupsBy } from "../usage/groups.ts";
import { withUndo } from "./begun.ts";
import { type Finding, ok, problem } from "./check.ts";
import { inventoryOf } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { isNotable, sum, told, withoutCalls } from "./failure-counts.ts";
import { answeredBy } from "./policies-in-effect.ts";
import { type Read, valuesOf } from "./reads.ts";
import { readPolicy } from "./server-errors.ts";
import type { Failure } from "./traffic.ts";
import { some, windowInput } from "./wording.ts";

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

/** 429 of the gateway's own limits, and of policies that answer so themselves: each by itself, as another hand mends it. */
export const limits = (evidence: Evidence): readonly Finding[] =>
  ofTeams(evidence, rateLimits, evidence.symptom === "429", (refused, cause) => {
    const kind = kindOf[cause];
    if (kind === undefined) {
      const by = answeredBy(evidence, 429);
      return [
        `A policy answers 429 itself${by === null ? "" : `: ${by}`}; no limit of the team is reached, and the backend was not asked.`,
        `Meant so? Else take it out: ${readPolicy(evidence, refused)}, apply_policy`,
      ];
    }
    const bound = boundBy(evidence, refused, kind);
    return [
      `The gateway's own limit refuses them${boundText(evidence, bound)}: the backend was not asked.`,
      `Meant so? Else ${raise(bound, refused, kind, evidence)}`,
    ];
  });

/** Of so many teams the call that raises their limit is written out. */
const mostRaised = 2;

/** Twice as much is only a number to begin with: the plan shows what it would have done. */
function raise(bound: readonly Bound[], refused: readonly Failure[], kind: LimitKind, evidence: Evidence): string {
  const [first] = bound;
  if (first === undefined) {
    const team = refused.find(({ subscription }) => subscription !== null)?.subscription;
    return team == null
      ? "raise it: the logs would say of which team; list_subscriptions shows the limits of all"
      : `raise it: update_quota {"subscription_id":"${team}","${kind}":<number>}, above what list_subscriptions shows`;
  }
  if (isShared(first.limit)) return apart(first, evidence);
  const own = bound.filter(({ limit }) => !isShared(limit)).slice(0, mostRaised);
  return `raise it: ${own.map(({ team, value }) => `update_quota {"subscription_id":"${team}","${kind}":${2 * value}}`).join("; ")}`;
}

/** Counts each team by itself: raised for one alone, the counter would still be emptied by the others. */
function apart({ limit: { document, element, line } }: Bound, { window }: Evidence): string {
  const scope = policyScopeOf(document);
  const edits = JSON.stringify([{ select: pathOf(element), set: { "counter-key": "@(context.Subscription.Id)" } }]);
  const target =
    scope?.kind === "product"
      ? `"product_id":"${scope.productId}"`
      : scope?.kind === "api"
        ? `"api_id":"${scope.apiId}"`
        : scope?.kind === "global"
          ? '"global":true'
          : null;
  const mend =
    target === null ? `set its counter-key in ${documentTitle(document)}, line ${line}` : `apply_policy {${target},"edits":${edits}}`;
  return `count each team by itself: ${mend} (each then has all of it: guard limit_raise blocks that unless the operator allows its override, or the number is lowered with it); who uses it up: get_metrics {"group_by":["subscription"],${windowInput(window)}}`;
}

/** 403, or 429, where a quota is used up. */
export const quotas = (evidence: Evidence): readonly Finding[] =>
  ofTeams(evidence, quotaLimits, evidence.symptom === "403" || evidence.symptom === "429", (refused, cause) => {
    const kind = kindOf[cause] ?? "call_quota";
    const bound = boundBy(evidence, refused, kind);
    const tokens = kind === "token_quota";
    return [
      `A quota of ${tokens ? "tokens" : "calls"} of the gateway is used up${boundText(evidence, bound)}: this is no missing role, and ends with the quota's period.`,
      tokens
        ? `Wait for the period to end, or ${raise(bound, refused, kind, evidence)}`
        : `Wait for the period to end, or raise the calls of its quota with apply_policy: ${placeOf(bound, refused, evidence)}`,
    ];
  });

/** Where the quota stands, where it is known. */
const placeOf = ([first]: readonly Bound[], refused: readonly Failure[], evidence: Evidence): string =>
  first === undefined ? readPolicy(evidence, refused) : `${documentTitle(first.limit.document)}, line ${first.limit.line}`;

/** What refused calls of one cause mean. */
type Meaning = (refused: readonly Failure[], cause: string) => readonly [means: string, todo: string];

/** Beside others a cause is told from this share of what was refused on, to who has not asked. Assumed. */
const leastOfRefused = 0.1;

/** A finding for each cause, of the teams that are hit. */
function ofTeams(evidence: Evidence, causes: readonly string[], asked: boolean, means: Meaning): readonly Finding[] {
  const { calls, failures } = evidence.traffic;
  const read = valuesOf({ calls, failures });
  if ("refusals" in read) return [{ status: "unknown", refusals: read.refusals }];
  const { requests } = read.values.calls;
  if (requests === 0) return [withoutCalls(evidence)];
  const hit = ofHitTeams(
    evidence,
    read.values.failures.filter(({ cause }) => causes.includes(cause)),
    requests,
    asked,
  );
  if (hit.kind === "refused") return [{ status: "unknown", refusals: [hit] }];
  const found = [...groupsBy(hit.value, ({ cause }) => cause)]
    .filter(([, refused]) => asked || sum(refused) >= sum(hit.value) * leastOfRefused)
    .map(([cause, refused]): Finding => {
      const [what, todo] = means(refused, cause);
      return problem(told(refused, requests, evidence), what, withUndo(evidence, refused, todo));
    });
  return found.length === 0 ? [ok()] : found;
}

/** Refused calls of teams whom that keeps from working: one that has few calls may be refused nearly all of them. */
function ofHitTeams(
  { traffic: { teams } }: Evidence,
  refused: readonly Failure[],
  requests: number,
  asked: boolean,
): Read<readonly Failure[]> {
  const isHit = (count: number, all: number): boolean => isNotable(count, all, asked) && (asked || count >= all * leastShare);
  if (refused.length === 0) return { kind: "read", value: [] };
  // Few of all calls may be nearly all of one team's.
  if (teams.kind === "refused") return isHit(sum(refused), requests) ? { kind: "read", value: refused } : teams;
  const hit = teamsOf(refused).filter((team) => {
    const own = refused.filter(({ subscription }) => subscription === team);
    return isHit(sum(own), teams.value.find(({ subscription }) => sameName(subscription, team ?? "none"))?.requests ?? requests);
  });
  return { kind: "read", value: refused.filter(({ subscription }) => hit.includes(subscription)) };
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
  readonly limit: Limit;
  /** `growth: rpm 5, product 'aoai'`. */
  readonly text: string;
}

/** The smallest that this kind of limit comes to, for each of these teams that it binds; none where that cannot be read. */
export function boundOf(evidence: Evidence, teams: readonly string[], kind: LimitKind): readonly Bound[] {
  const inventory = inventoryOf(evidence);
  if (inventory === null) return [];
  const all = teamLimits(inventory, evidence.csharp);
  return [...new Set(teams)].flatMap((team): readonly Bound[] => {
    const own = all.find(({ subscription }) => sameName(subscription.id, team));
    const binding = own?.binding[kind];
    const values = binding?.value === undefined ? (binding?.parts.flatMap((part) => part.values) ?? []) : [binding.value];
    const numbers = [...new Set(values.filter((value) => typeof value === "number"))].toSorted((a, b) => a - b);
    const [value] = numbers;
    const [limit] = binding?.limits ?? [];
    if (own === undefined || value === undefined || limit === undefined) return [];
    const text = `${team}: ${kind} ${numbers.slice(0, 3).join(" or ")}, ${limit.scope}${sharedText(limit, own.subscription)}`;
    return [{ team, value, limit, text }];
  });
}

/** Then one team's calls use up what the others lack. */
function sharedText(limit: Limit, subscription: Subscription): string {
  if (!isShared(limit)) return "";
  return `, its counter ${limit.counterKey ?? ""} ${sharedWith(limit, subscriptionName(subscription))}`;
}
