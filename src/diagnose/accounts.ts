import { GatewayError } from "../errors.ts";
import type { ListedDocument } from "../gateway/documents.ts";
import { type Service, sameName } from "../gateway/model.ts";
import {
  type ModelAccount,
  type ModelDeployment,
  type ModelsReader,
  readServedModels,
  type ServedModels,
} from "../gateway/model-accounts.ts";
import type { MetricSeries } from "../gateway/ports.ts";
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
}

/** Calls of a deployment in the window, whoever has made them: other callers than this gateway may share it. */
export interface DeploymentLoad {
  readonly deployment: string;
  /** How many, by the status that was answered. */
  readonly answered: ReadonlyMap<number, number>;
  /** Tokens in the busiest minute; null where the window is too long to be read by minutes. */
  readonly peakTokens: number | null;
}

/** Where accounts answer, in all clouds: https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains */
const modelHost = /\.(?:openai|cognitiveservices|services\.ai|models\.ai)\.azure\.(?:com|us|cn)$/;

/** The host that a backend leads to, in lower case; null for none that is Azure's own for models. */
export function modelHostOf(url: unknown): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null;
  const { hostname } = new URL(url);
  return modelHost.test(hostname) ? hostname : null;
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
  return { served, loads: new Map(loads) };
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
  const names = [...groupsBy([...requests.series, ...tokens.series], deploymentIn).keys()];
  return {
    kind: "read",
    value: names.map((deployment) => {
      const own = (series: readonly MetricSeries[]) => series.filter((one) => deploymentIn(one) === deployment);
      return { deployment, answered: answersIn(own(requests.series)), peakTokens: byMinute ? peakOf(own(tokens.series)) : null };
    }),
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

function peakOf(series: readonly MetricSeries[]): number {
  const minutes = new Map<string, number>();
  for (const { points } of series) {
    for (const { time, values } of points) minutes.set(time, (minutes.get(time) ?? 0) + (values.total ?? 0));
  }
  return Math.max(0, ...minutes.values());
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

/** Names an account where `az` asks for one. */
export function accountOptions({ resourceId, name }: ModelAccount): string {
  const [, , subscription = "", , group = ""] = resourceId.split("/");
  return `--subscription ${subscription} --resource-group ${group} --name ${name}`;
}

/** Lets the gateway's own identity call an account's models: https://learn.microsoft.com/azure/api-management/api-management-authenticate-authorize-azure-openai */
export function roleCommand(service: Read<Service>, accountId: string): string {
  const id = service.kind === "read" ? `"${service.value.resourceId}"` : "<ARM id of the service>";
  return `az role assignment create --assignee $(az apim show --ids ${id} --query identity.principalId -o tsv) --role "Cognitive Services OpenAI User" --scope "${accountId}"`;
}
