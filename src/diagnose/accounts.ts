import { GatewayError } from "../errors.ts";
import { modelUserCommand } from "../gateway/azure-cli.ts";
import type { Json, ListedDocument } from "../gateway/documents.ts";
import { type Service, sameName } from "../gateway/model.ts";
import {
  type ModelAccount,
  type ModelDeployment,
  type ModelsReader,
  readServedModels,
  type ServedModels,
} from "../gateway/model-accounts.ts";
import type { MetricSeries } from "../gateway/ports.ts";
import { tokensByMinute } from "../pool/account-tokens.ts";
import { isModelHost, urlOf } from "../pool/azure-host.ts";
import { findBackend } from "../pool/backend.ts";
import { groupsBy } from "../usage/groups.ts";
import type { Window } from "../usage/window.ts";
import { attempt, type Read, type Refusal, type RefusedScope } from "./reads.ts";

/** What stands behind the backends, as Azure itself says. */
export interface Accounts {
  /** By host; of hosts that are Azure's own for models. */
  readonly served: ReadonlyMap<string, ServedModels>;
  /** What accounts have counted themselves, by ARM id; of those whose deployments were read, where somebody needs it. */
  readonly loads: ReadonlyMap<string, Read<readonly DeploymentLoad[]>>;
  /** How many more accounts there are that were not asked what they have counted. */
  readonly unasked: number;
}

/** Calls of a deployment in the window, whoever has made them: other callers than this gateway may share it. */
export interface DeploymentLoad {
  readonly deployment: string;
  /** How many, by the status that was answered. */
  readonly answered: ReadonlyMap<number, number>;
  /** Tokens in the busiest minute; null where the window is too long to be read by minutes. */
  readonly peakTokens: number | null;
}

/** The host that a backend leads to, in lower case; null for none that is Azure's own for models. */
export function modelHostOf(url: Json | undefined): string | null {
  const to = urlOf(url);
  return to !== null && isModelHost(to) ? to.hostname : null;
}

/** More accounts are not asked for their metrics: each takes two requests. */
const mostLoads = 10;

export async function readAccounts(
  models: ModelsReader,
  backends: readonly ListedDocument[],
  window: Window,
  needsLoads: boolean,
): Promise<Accounts> {
  const hosts = backends.flatMap(({ properties }) => modelHostOf(properties.url) ?? []);
  const served = await readServedModels(models, hosts);
  const accounts = new Map(
    [...served.values()].flatMap((one) => (one.kind === "read" ? [[one.account.resourceId, one.account] as const] : [])),
  );
  const asked = needsLoads ? [...accounts.values()].slice(0, mostLoads) : [];
  const loads = await Promise.all(asked.map(async (account) => [account.resourceId, await loadOf(models, account, window)] as const));
  return { served, loads: new Map(loads), unasked: needsLoads ? accounts.size - asked.length : 0 };
}

const dayMs = 24 * 3_600_000;

/** https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics */
async function loadOf(models: ModelsReader, account: ModelAccount, { since, until }: Window): Promise<Read<readonly DeploymentLoad[]>> {
  const byMinute = until.getTime() - since.getTime() <= dayMs;
  const period = { since, until, interval: byMinute ? "PT1M" : "PT1H", aggregations: ["total"] } as const;
  const read = await attempt(
    "accountMetrics",
    Promise.all([
      models.metrics(account, { ...period, metrics: ["AzureOpenAIRequests"], dimensions: { ModelDeploymentName: "*", StatusCode: "*" } }),
      models.metrics(account, { ...period, metrics: ["TokenTransaction"], dimensions: { ModelDeploymentName: "*" } }),
    ]),
  );
  if (read.kind === "refused") return { ...read, scope: scopeOf(account) };
  const [requests, tokens] = read.value;
  const byDeployment = tokensByMinute(tokens);
  if (byDeployment instanceof GatewayError)
    return { kind: "refused", read: "accountMetrics", error: byDeployment, scope: scopeOf(account) };
  const answers = groupsBy(requests.series, deploymentIn);
  const names = new Set([...answers.keys(), ...byDeployment.keys()]);
  return {
    kind: "read",
    value: [...names].map((deployment) => ({
      deployment,
      answered: answersIn(answers.get(deployment) ?? []),
      peakTokens: byMinute ? Math.max(0, ...(byDeployment.get(deployment)?.values() ?? [])) : null,
    })),
  };
}

const deploymentIn = ({ dimensions }: MetricSeries): string => (dimensions.modeldeploymentname ?? "").toLowerCase();

function answersIn(series: readonly MetricSeries[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { dimensions, points } of series) {
    const status = Number(dimensions.statuscode);
    const requests = points.reduce((sum, { values }) => sum + (values.total ?? 0), 0);
    if (requests > 0) counts.set(status, (counts.get(status) ?? 0) + requests);
  }
  return counts;
}

/** The model host of a place as logs name it: the id of a backend, or its host where several have that; null where it is no model of Azure's. */
export const hostAt = (place: string, backends: readonly ListedDocument[]): string | null =>
  modelHostOf(findBackend(backends, place)?.properties.url ?? `https://${place}`);

/** What serves at such a place. */
export function servedAt({ served }: Accounts, place: string, backends: readonly ListedDocument[]): ServedModels | null {
  const host = hostAt(place, backends);
  return host === null ? null : (served.get(host) ?? null);
}

/** By its name, which is not case-sensitive. */
export const findDeployment = (deployments: readonly ModelDeployment[], name: string): ModelDeployment | undefined =>
  deployments.find((one) => sameName(one.name, name));

/** What an account has counted of a deployment; null where it could not be asked, or was not. */
export function loadFor({ loads }: Accounts, account: ModelAccount, deployment: string): DeploymentLoad | null {
  const load = loads.get(account.resourceId);
  if (load?.kind !== "read") return null;
  return load.value.find((one) => sameName(one.deployment, deployment)) ?? { deployment, answered: new Map(), peakTokens: null };
}

/** Why nothing is known of what serves at a host; null where it is. */
export function refusalAt(host: string, served: ServedModels): Refusal | null {
  switch (served.kind) {
    case "read":
      return null;
    case "refused":
      return served.account === null
        ? { read: "accounts", error: served.error, scope: scopeAt(host) }
        : { read: "deployments", error: served.error, scope: scopeOf(served.account) };
    case "unseen":
      return {
        read: "accounts",
        error: new GatewayError("forbidden", `No account that can be read answers at ${host}.`),
        scope: scopeAt(host),
      };
  }
}

const scopeOf = ({ resourceId }: ModelAccount): RefusedScope => ({ name: resourceId, id: resourceId });

/** For the shell of somebody who may read the account. */
const scopeAt = (host: string): RefusedScope => ({
  name: `the account that answers at ${host}`,
  id: `$(az cognitiveservices account list --query "[?contains(to_string(properties), '${host}')].id | [0]" -o tsv)`,
});

/** Lets the gateway's own identity call an account's models. */
export const roleCommand = (service: Read<Service>, accountId: string): string =>
  modelUserCommand(service.kind === "read" ? service.value.resourceId : "<ARM id of the service>", accountId);
