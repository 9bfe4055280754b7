import type { Inventory } from "../gateway/inventory.ts";
import type { ModelDeployment } from "../gateway/model-accounts.ts";
import type { Member } from "../pool/backend.ts";
import { resolveRoutes } from "../pool/routes.ts";
import { isOtherModel, type MemberModels, memberModels, modelTitle } from "../pool/served.ts";
import { groupsBy } from "../usage/groups.ts";
import { findDeployment, modelHostOf, refusalAt } from "./accounts.ts";
import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failure-counts.ts";
import type { Refusal } from "./reads.ts";
import type { ServedModel } from "./traffic.ts";
import { short, some } from "./wording.ts";

/**
 * Whether the model that answers is another one by who answers: by what the members' accounts have deployed, also where a member has served nothing;
 * else as the answers themselves name it.
 */
export function models(evidence: Evidence): Finding | null {
  const { models: answers } = evidence.traffic;
  if (answers === null) return null;
  return knowing(servingReads(evidence), (read) => {
    const pools = poolsOf(servingInventory(read), evidence);
    const answered = answers.kind === "read" ? answers.value : [];
    const [deployed] = pools.flatMap((members) => differentDeployments(members, evidence));
    if (deployed !== undefined) return differing(deployed, evidence, pools);
    const [named] = [...groupsBy(answered, ({ deployment }) => deployment).values()].flatMap(differentAnswers);
    if (named !== undefined) return differing(named, evidence, pools);
    const [missing] = pools.flatMap((members) => missingDeployments(members, evidence));
    if (missing !== undefined) {
      return problem(missing.text, "A failover there is answered with 404: the member cannot take over.", missing.todo);
    }
    const silent = pools
      .flat()
      .filter((member) => behind(member, evidence) === null && !answered.some(({ backend }) => backend === member.backendId));
    if (silent.length > 0) return unknownOf(silent, evidence);
    return pools.length === 0 && answers.kind === "refused" ? { status: "unknown", refusals: [answers] } : ok();
  });
}

/** The members of each pool that has several. */
const poolsOf = (inventory: Inventory, evidence: Evidence): readonly (readonly Member[])[] =>
  apisAsked(inventory, evidence)
    .flatMap((apiId) => resolveRoutes(inventory, evidence.csharp, apiId).routes)
    .map(({ members }) => members.filter(({ url }) => url !== null))
    .filter((members) => members.length > 1);

const differing = (seen: string, evidence: Evidence, pools: readonly (readonly Member[])[]): Finding =>
  problem(
    short(seen, 240),
    "Members of a pool answer with different models: callers see a change of behaviour at every failover.",
    `Deploy the same model and version behind all members: ${listCommand(pools.flat(), evidence)}`,
  );

/** What stands behind a member; null where that is not known. */
function behind(member: Member, { accounts }: Evidence): Extract<MemberModels, { kind: "read" }> | null {
  const models = memberModels(member, accounts.served);
  return models.kind === "read" ? models : null;
}

interface Deployed {
  readonly backend: string;
  readonly own: ModelDeployment;
}

/** Deployments that calls of a pool meet under one name, or where the members name them, and that serve different models. */
function differentDeployments(members: readonly Member[], evidence: Evidence): readonly string[] {
  const all = members.flatMap((member): readonly (Deployed & { readonly name: string })[] => {
    const { deployments = [], pinned = null } = behind(member, evidence) ?? {};
    return deployments.map((own) => ({ backend: member.backendId, own, name: pinned === null ? own.name.toLowerCase() : "" }));
  });
  return [...groupsBy(all, ({ name }) => name).values()].flatMap((group) =>
    group.some((one) => group.some((other) => isOtherModel(one.own, other.own)))
      ? [
          group
            .map(({ backend, own }) => `${backend} has ${modelTitle(own)} as '${own.name}'`)
            .join(", ")
            .concat("."),
        ]
      : [],
  );
}

/** Of one deployment's name: backends that never have answered with a model of one another's. */
function differentAnswers(served: readonly ServedModel[]): readonly string[] {
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

/** Deployments that were called, that one member has and another has not. */
function missingDeployments(members: readonly Member[], evidence: Evidence): readonly { readonly text: string; readonly todo: string }[] {
  const { models: answers, failures } = evidence.traffic;
  const ids = new Set(members.map(({ backendId }) => backendId));
  const called = [...(answers?.kind === "read" ? answers.value : []), ...(failures.kind === "read" ? failures.value : [])].flatMap(
    ({ backend, deployment }) => (backend !== null && deployment !== null && ids.has(backend) ? [deployment] : []),
  );
  const open = members.flatMap((member) => {
    const models = behind(member, evidence);
    return models?.pinned === null ? [{ ...member, deployments: models.deployments }] : [];
  });
  return [...new Set(called)].flatMap((name) => {
    const having = open.filter(({ deployments }) => findDeployment(deployments, name) !== undefined);
    const lacking = open.filter((member) => !having.includes(member));
    if (having.length === 0 || lacking.length === 0) return [];
    const text = `Deployment '${name}' is called, and ${some(lacking.map(({ backendId }) => backendId))} ${lacking.length === 1 ? "has" : "have"} none of that name (${some(having.map(({ backendId }) => backendId))} ${having.length === 1 ? "has" : "have"}).`;
    return [{ text, todo: `Create it there: ${listCommand(lacking, evidence)} shows what there is` }];
  });
}

function listCommand(members: readonly Member[], evidence: Evidence): string {
  const [id] = members.flatMap((member) => behind(member, evidence)?.account.resourceId ?? []);
  const url = id ?? "<ARM id of the account>";
  return `az rest --method get --url "${url}/deployments?api-version=2025-06-01" --query "value[].{name:name, model:properties.model}"`;
}

/** Members that have answered nothing, and whose accounts do not say, may have any model. */
function unknownOf(silent: readonly Member[], evidence: Evidence): Finding {
  const refusals = silent.flatMap(({ url }): readonly Refusal[] => {
    const host = modelHostOf(url);
    const served = host === null ? undefined : evidence.accounts.served.get(host);
    const refusal = host === null || served === undefined ? null : refusalAt(host, served);
    return refusal === null ? [] : [refusal];
  });
  const { calls, models: answers } = evidence.traffic;
  const none = calls.kind === "read" && calls.value.requests === 0;
  if (refusals.length > 0) return { status: "unknown", refusals };
  if (answers?.kind === "refused") return { status: "unknown", refusals: [answers] };
  if (none) return withoutCalls(evidence);
  return untold(
    `No answer of ${some(silent.map(({ backendId }) => backendId))} is in the logs of the window, and no account of Azure's is at its host: its model is not known.`,
    "run_failover_drill lets it answer once",
  );
}
