import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { ModelAccount, ModelDeployment, ModelsReader } from "../gateway/model-accounts.ts";
import { remembered, slots } from "./call-limits.ts";
import type { Cloud } from "./clouds.ts";
import { nameOf } from "./contracts.ts";
import { unexpected } from "./documents.ts";
import { requestsSideBySide } from "./management.ts";
import { platformMetrics } from "./monitor.ts";
import type { Arm, Connection } from "./pipeline.ts";
import { type ArmReads, armReads, reading } from "./reads.ts";

const graphVersion = "2024-04-01";
/** The version of `@azure/arm-cognitiveservices` 8. */
const deploymentsVersion = "2025-09-01";

/** Accounts by Azure Resource Graph, their deployments by ARM and their metrics by Azure Monitor. Nothing is opened before it is asked for. */
export function modelsReaders(connection: Connection, arm: Arm, cloud: Cloud): (signal: AbortSignal) => ModelsReader {
  const metrics = platformMetrics(connection, arm.address);
  return (signal) => {
    const reads = armReads(arm, signal, slots(requestsSideBySide));
    const accounts = remembered((_: undefined) => readAccounts(arm, reads, cloud));
    const deployments = remembered((resourceId: string) => readDeployments(reads, resourceId));
    return {
      accounts: () => accounts(undefined),
      deployments: ({ resourceId }) => deployments(resourceId),
      metrics: ({ resourceId, name }, query) =>
        metrics(resourceId, query, reading(`the platform metrics of model account '${name}'`), signal),
    };
  };
}

/**
 * Only what is needed of each account; ordered, and with its id, so that it can be read in pages
 * (https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data#paging-results).
 */
const accountsQuery = `resources
| where type =~ 'microsoft.cognitiveservices/accounts'
| project id, name, location, endpoint = properties.endpoint, endpoints = properties.endpoints, customSubDomainName = properties.customSubDomainName
| order by id asc`;

/** The most that Azure Resource Graph gives at once. */
const pageSize = 1000;
/** A list that goes on behind them is no list of accounts. */
const mostPages = 20;

/** A query that names no Azure subscriptions is asked of all that the identity may read: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources */
async function readAccounts({ endpoint }: Arm, reads: ArmReads, cloud: Cloud): Promise<readonly ModelAccount[]> {
  const attempt = reading("the accounts that serve models");
  const urlIn = (version: string): string => `${endpoint.sdk}/providers/Microsoft.ResourceGraph/resources?api-version=${version}`;
  const accounts: ModelAccount[] = [];
  let token: string | null = null;
  for (let page = 0; page < mostPages; page += 1) {
    const options: JsonObject = { resultFormat: "objectArray", $top: pageSize, ...(token === null ? {} : { $skipToken: token }) };
    const answer: JsonObject = await reads.ask(urlIn, graphVersion, { query: accountsQuery, options }, attempt);
    if (!Array.isArray(answer.data)) throw unexpected(attempt, "is not a list");
    accounts.push(...answer.data.filter(isObject).flatMap((row: JsonObject) => accountOf(row, cloud)));
    token = textOf(answer.$skipToken);
    if (token === null) return accounts;
  }
  throw unexpected(attempt, "has no end");
}

const accountId = /^\/subscriptions\/[^/?#]+\/resourceGroups\/[^/?#]+\/providers\/Microsoft\.CognitiveServices\/accounts\/[^/?#]+$/i;

/** None of a row without the id of an account: it could not be asked for anything. */
function accountOf(row: JsonObject, cloud: Cloud): readonly ModelAccount[] {
  const { id } = row;
  if (typeof id !== "string" || !accountId.test(id)) return [];
  return [{ resourceId: id, name: id.slice(id.lastIndexOf("/") + 1), location: textOf(row.location) ?? "", hosts: hostsOf(row, cloud) }];
}

/** Names below which accounts of a custom subdomain answer, whatever their endpoints say: https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains */
const subdomainsOf = ["openai", "cognitiveservices", "services.ai"];

/** An endpoint that all accounts of a region share, and that tells none of them: `eastus.api.cognitive.microsoft.com`. */
const regional = /\.api\.cognitive\./;

function hostsOf({ endpoint, endpoints, customSubDomainName }: JsonObject, { domain }: Cloud): readonly string[] {
  const named = [endpoint, ...(isObject(endpoints) ? Object.values(endpoints) : [])].flatMap(hostOf);
  const custom = textOf(customSubDomainName)?.toLowerCase();
  const derived = custom === undefined ? [] : subdomainsOf.map((service) => `${custom}.${service}.${domain}`);
  return [...new Set([...named, ...derived])].filter((host) => !regional.test(host));
}

function hostOf(url: Json | undefined): readonly string[] {
  const text = textOf(url);
  return text !== null && URL.canParse(text) ? [new URL(text).hostname].filter((host) => host !== "") : [];
}

/** https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list */
async function readDeployments({ list }: ArmReads, resourceId: string): Promise<readonly ModelDeployment[]> {
  const name = resourceId.slice(resourceId.lastIndexOf("/") + 1);
  const items = await list(`${resourceId}/deployments`, deploymentsVersion, reading(`the deployments of model account '${name}'`));
  return items.flatMap(deploymentOf);
}

/** None of an item that cannot be called, for want of a name, or that serves no model. */
function deploymentOf(item: JsonObject): readonly ModelDeployment[] {
  const properties = isObject(item.properties) ? item.properties : {};
  const model = isObject(properties.model) ? properties.model : {};
  const [name, modelName] = [nameOf(item), textOf(model.name)];
  if (name === "" || modelName === null) return [];
  return [
    {
      name,
      model: modelName,
      version: textOf(model.version),
      sku: isObject(item.sku) ? textOf(item.sku.name) : null,
      capacity: isObject(item.sku) && typeof item.sku.capacity === "number" ? item.sku.capacity : null,
      tokensPerMinute: perMinute(properties.rateLimits, "token"),
      requestsPerMinute: perMinute(properties.rateLimits, "request"),
    },
  ];
}

/**
 * The strictest of a key's limits; each is a count within a period of so many seconds. Nothing else says it: what a unit of the SKU's capacity
 * is differs by SKU and by model (https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota).
 */
function perMinute(rateLimits: Json | undefined, key: "token" | "request"): number | null {
  const limits = (Array.isArray(rateLimits) ? rateLimits.filter(isObject) : []).flatMap((limit) => {
    const { count, renewalPeriod } = limit;
    const isLimit = limit.key === key && typeof count === "number" && typeof renewalPeriod === "number" && renewalPeriod > 0;
    return isLimit ? [Math.round((count * 60) / renewalPeriod)] : [];
  });
  return limits.length === 0 ? null : Math.min(...limits);
}

const textOf = (value: Json | undefined): string | null => (typeof value === "string" && value !== "" ? value : null);
