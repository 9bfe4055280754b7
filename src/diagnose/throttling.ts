import type { Inventory } from "../gateway/inventory.ts";
import { sameName } from "../gateway/model.ts";
import { teamLimits } from "../quota/limits.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import { inventoryOf } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { isNotable, ofBackends, sum, told } from "./failures.ts";
import type { Failure } from "./traffic.ts";
import { some } from "./wording.ts";

/** A limit that is met now and then does its work; from this share of a team's calls on it stands in the way. Assumed. */
const leastShare = 0.05;

const rateLimits = ["gateway:token-rate-limit", "gateway:rate-limit", "gateway:other"];
const quotaLimits = ["gateway:token-quota", "gateway:call-quota"];

/** 429 of the gateway's own limits. */
export const limits = (evidence: Evidence): Finding =>
  ofTeams(evidence, rateLimits, evidence.symptom === "429", (teams) => [
    `The gateway's own limit refuses them${bindingText(evidence, teams, "tpm")}: the backend was not asked.`,
    `Meant so? Else raise it: update_quota {"subscription_id":"${teams[0] ?? "..."}","tpm":...}`,
  ]);

/** 403, or 429, where a quota is used up. */
export const quotas = (evidence: Evidence): Finding =>
  ofTeams(evidence, quotaLimits, evidence.symptom === "403" || evidence.symptom === "429", (teams) => [
    `A quota of the gateway is used up${bindingText(evidence, teams, "token_quota")}: this 403 is no missing role, and ends with the quota's period.`,
    "Wait for the period to end, or raise token-quota in the product's policy with apply_policy",
  ]);

/** 429 of the model deployment itself. */
export const deployments = (evidence: Evidence): Finding =>
  ofBackends(evidence, "deployments", evidence.symptom === "429", () => [
    "The model deployment itself refuses: raising a team's limit in the gateway changes nothing. Its own limit is unknown here.",
    'az cognitiveservices account deployment list --name <account> --resource-group <group> --query "[].{name:name, sku:sku, limits:properties.rateLimits}"; raise its capacity, or add a backend with update_backend_pool',
  ]);

/** By team: one that has few calls may be refused nearly all of them. */
function ofTeams(
  evidence: Evidence,
  causes: readonly string[],
  asked: boolean,
  means: (teams: readonly string[]) => readonly [means: string, todo: string],
): Finding {
  const { calls, failures, teams } = evidence.traffic;
  return knowing({ calls, failures, teams }, (values) => {
    const refused = values.failures.filter(({ cause }) => causes.includes(cause));
    const hit = teamsOf(refused).filter((team) => {
      const own = refused.filter(({ subscription }) => subscription === team);
      const all = values.teams.find(({ subscription }) => sameName(subscription, team ?? "none"))?.requests ?? values.calls.requests;
      return isNotable(sum(own), all, asked) && (asked || sum(own) >= all * leastShare);
    });
    if (hit.length === 0) return ok();
    const found = refused.filter(({ subscription }) => hit.includes(subscription));
    return problem(told(found, values.calls.requests, evidence), ...means(hit.flatMap((team) => team ?? [])));
  });
}

/** Those with the most refused calls first. */
const teamsOf = (failures: readonly Failure[]): readonly (string | null)[] => [
  ...new Set(failures.map(({ subscription }) => subscription)),
];

/** ` (growth: tpm 200000 in products/aoai)`; nothing where the policies could not be read. */
function bindingText(evidence: Evidence, teams: readonly string[], kind: "tpm" | "token_quota"): string {
  const inventory = inventoryOf(evidence);
  if (inventory === null) return "";
  const bound = boundBy(inventory, evidence, teams, kind);
  return bound.length === 0 ? "" : ` (${some(bound, 2)})`;
}

function boundBy(inventory: Inventory, { csharp }: Evidence, teams: readonly string[], kind: "tpm" | "token_quota"): readonly string[] {
  const all = teamLimits(inventory, csharp);
  return teams.flatMap((team) => {
    const binding = all.find(({ subscription }) => sameName(subscription.id, team))?.binding[kind];
    const [limit] = binding?.limits ?? [];
    return binding?.value === undefined || limit === undefined ? [] : [`${team}: ${kind} ${binding.value}, ${limit.scope}`];
  });
}
