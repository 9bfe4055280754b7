import type { Member } from "../pool/backend.ts";
import { modelFindingsOf } from "../pool/model-findings.ts";
import { groupsBy } from "../usage/groups.ts";
import { modelHostOf, refusalAt } from "./accounts.ts";
import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import { servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { sum, told, withoutCalls } from "./failure-counts.ts";
import { behind, type Lack, lackOf, poolsOf, routesOf } from "./pool-members.ts";
import type { Refusal } from "./reads.ts";
import { rejectionOf } from "./rejection-kinds.ts";
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
    const routes = routesOf(servingInventory(read), evidence);
    const pools = poolsOf(routes);
    const answered = answers.kind === "read" ? answers.value : [];
    const [deployed] = routes
      .flatMap((one) => modelFindingsOf(one, evidence.accounts.served))
      .filter(({ code }) => code === "different_models");
    if (deployed !== undefined) return problem(short(deployed.text, 400), differing, deployed.fix);
    const [named] = [...groupsBy(answered, ({ deployment }) => deployment).values()].flatMap(differentAnswers);
    if (named !== undefined)
      return problem(short(named, 240), differing, `Compare what they have: ${listCommands(pools.flat(), evidence)}`);
    const [missing] = pools.flatMap((members) => missingDeployments(members, evidence));
    if (missing !== undefined) return lackingAt(missing, evidence);
    const silent = pools
      .flat()
      .filter((member) => behind(member, evidence) === null && !answered.some(({ backend }) => backend === member.backendId));
    if (silent.length > 0) return unknownOf(silent, evidence);
    return pools.length === 0 && answers.kind === "refused" ? { status: "unknown", refusals: [answers] } : ok();
  });
}

const differing = "Members of a pool answer with different models: callers see a change of behaviour at every failover.";

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
function missingDeployments(members: readonly Member[], evidence: Evidence): readonly Lack[] {
  const { models: answers, failures } = evidence.traffic;
  const ids = new Set(members.map(({ backendId }) => backendId));
  const called = [...(answers?.kind === "read" ? answers.value : []), ...(failures.kind === "read" ? failures.value : [])].flatMap(
    ({ backend, deployment }) => (backend !== null && deployment !== null && ids.has(backend) ? [deployment] : []),
  );
  return [...new Set(called)].flatMap((name) => lackOf(members, name, evidence) ?? []);
}

/** With the calls that it has cost already. */
function lackingAt({ deployment, lacking, having, todo }: Lack, evidence: Evidence): Finding {
  const names = (members: readonly Member[]): string => some(members.map(({ backendId }) => backendId));
  const has = (members: readonly Member[]): string => `${names(members)} ${members.length === 1 ? "has" : "have"}`;
  const { calls, failures } = evidence.traffic;
  const lost =
    failures.kind === "read"
      ? failures.value.filter(
          (one) => lacking.some(({ backendId }) => backendId === one.backend) && rejectionOf(one, evidence) === "member",
        )
      : [];
  const cost = calls.kind === "read" && sum(lost) > 0 ? ` It has cost ${told(lost, calls.value.requests, evidence)}` : "";
  return problem(
    `Deployment '${deployment}' is called, and ${has(lacking)} none of that name (${has(having)}).${cost}`,
    "A failover there is answered with 404: the member cannot take over. The callers' name is right.",
    `Create it there: ${todo}`,
  );
}

/** What each of the accounts has. */
const listCommands = (members: readonly Member[], evidence: Evidence): string => {
  const ids = new Set(members.flatMap((member) => behind(member, evidence)?.account.resourceId ?? []));
  const urls = ids.size === 0 ? ["<ARM id of each account>"] : [...ids];
  return urls
    .map(
      (id) => `az rest --method get --url "${id}/deployments?api-version=2025-06-01" --query "value[].{name:name, model:properties.model}"`,
    )
    .join("; ");
};

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
