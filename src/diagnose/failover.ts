import type { Inventory } from "../gateway/inventory.ts";
import { type FindingCode, findingsOf, type Finding as PoolFinding } from "../pool/findings.ts";
import { type ApiRoutes, resolveRoutes } from "../pool/routes.ts";
import { groupsBy } from "../usage/groups.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import type { ServedModel } from "./traffic.ts";
import { short, some } from "./wording.ts";

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

/** The findings of these codes as one; `means` says what they have in common. */
function among({ findings }: Pools, codes: readonly FindingCode[], means: string): Finding {
  const found = findings.filter(({ code }) => codes.includes(code));
  const [first] = found;
  return first === undefined
    ? ok()
    : problem(
        some(
          found.map(({ text }) => text),
          2,
        ),
        means,
        first.fix,
      );
}

/** An API that leads nowhere. Assumed: one without any policy of its own that chooses is no mistake while it has a service URL. */
export const failoverBackends = (evidence: Evidence): Finding =>
  ofPools(evidence, ({ routes }) => {
    const broken = routes.flatMap(({ apiId, notes }) =>
      notes.filter((note) => !note.startsWith("An expression")).map((note) => ({ apiId, text: `API '${apiId}': ${note}` })),
    );
    const [first] = broken;
    if (first === undefined) return ok();
    return problem(
      some(
        broken.map(({ text }) => text),
        2,
      ),
      "Calls that are sent there cannot be answered.",
      `get_backend_pool {"api_id":"${first.apiId}"} names the policy line`,
    );
  });

/** One member alone is a choice, until it fails. */
export function failoverMembers(evidence: Evidence): Finding {
  return ofPools(evidence, (pools) => {
    const finding = among(pools, ["one_member", "too_many_members"], "A failure of that backend reaches every caller.");
    const alone = pools.findings.find(({ code }) => code === "one_member");
    const matters = evidence.symptom === "failover" || pools.findings.some(({ code }) => code === "too_many_members");
    return finding.status === "problem" && !matters ? ok(alone?.text) : finding;
  });
}

export const failoverBreakers = (evidence: Evidence): Finding =>
  ofPools(evidence, (pools) =>
    among(
      pools,
      [
        "one_priority",
        "no_breaker_on_primary",
        "breaker_ignores_server_errors",
        "breaker_ignores_connection_failures",
        "long_retry_after",
        "tier_without_breakers",
      ],
      "The gateway would not take a failing backend out of use, or not for as long as is meant.",
    ),
  );

export const retryCodes = ["retry_too_small", "retry_without_body"] as const satisfies readonly FindingCode[];

export const failoverRetry = (evidence: Evidence): Finding =>
  ofPools(evidence, (pools) => among(pools, retryCodes, "Until a breaker opens, failures of the primary reach the callers."));

/** Whether the model that answers is another one by who answers; as the answers themselves name it. */
export function models(evidence: Evidence): Finding | null {
  const { models: served } = evidence.traffic;
  if (served === null) return null;
  return knowing({ served }, ({ served: all }) => {
    const [first] = [...groupsBy(all, ({ deployment }) => deployment).values()].flatMap(different);
    if (first === undefined) return ok();
    return problem(
      short(first, 200),
      "Members of a pool answer with different models: callers see a change of behaviour at every failover.",
      "Deploy the same model and version behind all members: az cognitiveservices account deployment list --name <account> --resource-group <group>",
    );
  });
}

/** Of one deployment's name: backends that never have answered with a model of one another's. */
function different(served: readonly ServedModel[]): readonly string[] {
  const byBackend = [...groupsBy(served, ({ backend }) => backend)].map(([backend, rows]) => ({
    backend,
    names: new Set(rows.map(({ model }) => model)),
  }));
  const apart = byBackend.some((one, index) =>
    byBackend.slice(index + 1).some((other) => [...one.names].every((name) => !other.names.has(name))),
  );
  if (!apart) return [];
  const [{ deployment } = { deployment: "" }] = served;
  return [
    `Deployment ${deployment}: ${byBackend.map(({ backend, names }) => `${backend} answers as ${[...names].join(" and ")}`).join(", ")}`,
  ];
}
