import { accountOptions } from "../gateway/azure-cli.ts";
import type { ListedDocument } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { EffectiveElement } from "../policy/effective.ts";
import { urlOf } from "../pool/azure-host.ts";
import { findBackend, isEmpty } from "../pool/backend.ts";
import { pinnedDeployment } from "../pool/served.ts";
import { type DeploymentLoad, findDeployment, loadFor, modelHostOf, refusalAt, roleCommand } from "./accounts.ts";
import { type Finding, ok, problem, untold } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { at, hitsOf, leastMisses, looksUp, ofLookups, setAt, streamedByCallers } from "./semantic-caches.ts";
import { some } from "./wording.ts";

/** The backend that makes embeddings: https://learn.microsoft.com/azure/api-management/azure-openai-enable-semantic-caching */
export function cacheEmbeddings(evidence: Evidence): Finding {
  const written = ofLookups(evidence, (lookup, { inventory }) => writtenFault(lookup, inventory, evidence));
  if (written.status !== "ok" || (hitsOf(evidence)?.hits ?? 0) > 0 || !looksUp(evidence)) return written;
  const judged: (Finding | null)[] = [];
  ofLookups(evidence, (lookup, { inventory }) => {
    judged.push(counted(lookup, inventory, evidence));
    return null;
  });
  const told = judged.filter((finding) => finding !== null);
  return (
    told.find(({ status }) => status === "problem") ??
    told.find(({ status }) => status === "unknown") ??
    (told.length > 0 && told.length === judged.length ? told[0] : undefined) ??
    untold(
      "No hit of the cache shows that its embeddings backend answers, and no log of the gateway says how it does.",
      "Send one prompt twice, without stream; where the second is no hit either, call the embeddings backend's URL with the gateway's credential: 401 or 404 is the cause",
    )
  );
}

const means = "Without embeddings no prompt is compared: every call goes to the model.";

/** Deployments that are named like models that make no embeddings. Assumed: nobody names one that does so. */
const chatModel = /^(?!.*embed)(?:gpt|o[1-9]|chatgpt|phi|llama|meta-llama|mistral|claude|deepseek|grok)\b/i;

/** Assumed: every model for embeddings says so in its name, as all do that Azure lists. */
const embeddingsModel = /embed/i;

/** What the documents, and the account behind the backend, say is wrong. */
function writtenFault(lookup: EffectiveElement, inventory: Inventory, evidence: Evidence): Finding | null {
  const { name, backend, url, deployment } = embeddingsBackend(lookup, inventory);
  if (backend === undefined) {
    return problem(
      `${at(lookup)}: embeddings backend '${name}' does not exist.`,
      means,
      `Create a backend of that name for an embeddings deployment (.../deployments/<name>/embeddings), or name another: ${setAt(lookup, { "embeddings-backend-id": "<its name>" })}`,
    );
  }
  const fault = deployment === null ? null : deploymentFault(name, url, deployment, evidence);
  if (fault !== null) return fault;
  if (/\/(?:chat\/completions|completions|responses)\/?$/i.test(url)) {
    return problem(
      `Embeddings backend '${name}' leads to ${new URL(url).pathname}.`,
      means,
      `Let its URL lead to .../deployments/<name>/embeddings: the portal, Backends, '${name}'`,
    );
  }
  const { credentials } = backend.properties;
  const signed = (lookup.attributes["embeddings-backend-auth"] ?? "") !== "" || (credentials !== undefined && !isEmpty(credentials));
  if (signed) return null;
  return problem(
    `${at(lookup)}: nothing signs in to embeddings backend '${name}'.`,
    "The embeddings model answers 401, and no prompt is compared.",
    `Set embeddings-backend-auth="system-assigned" on the lookup, and grant the identity "Cognitive Services OpenAI User": ${setAt(lookup, { "embeddings-backend-auth": "system-assigned" })}`,
  );
}

interface EmbeddingsBackend {
  readonly name: string;
  readonly backend: ListedDocument | undefined;
  readonly url: string;
  /** Null where the URL names none. */
  readonly deployment: string | null;
}

function embeddingsBackend(lookup: EffectiveElement, { backends }: Inventory): EmbeddingsBackend {
  const name = lookup.attributes["embeddings-backend-id"] ?? "";
  const backend = name === "" ? undefined : findBackend(backends, name);
  const url = typeof backend?.properties.url === "string" ? backend.properties.url : "";
  const to = urlOf(url);
  return { name, backend, url, deployment: to === null ? null : pinnedDeployment(to) };
}

/** By the account where it can be read, else by what the deployment is called. */
function deploymentFault(name: string, url: string, deployment: string, { accounts }: Evidence): Finding | null {
  const served = accounts.served.get(modelHostOf(url) ?? "");
  const another = `Let its URL name a deployment of an embeddings model, e.g. text-embedding-3-small: the portal, Backends, '${name}'`;
  if (served?.kind !== "read") {
    return chatModel.test(deployment)
      ? problem(`Embeddings backend '${name}' leads to deployment '${deployment}', by its name a model for chat.`, means, another)
      : null;
  }
  const own = findDeployment(served.deployments, deployment);
  if (own === undefined) {
    const others = served.deployments.filter(({ model }) => embeddingsModel.test(model)).map((one) => `'${one.name}'`);
    return problem(
      `Embeddings backend '${name}' leads to deployment '${deployment}', which account ${served.account.name} does not have.`,
      `The account answers 404. ${means}`,
      others.length > 0
        ? `Let its URL name ${some(others)}: the portal, Backends, '${name}'`
        : `az cognitiveservices account deployment create ${accountOptions(served.account)} --deployment-name ${deployment} --model-format OpenAI --model-name text-embedding-3-small --model-version 1 --sku-name Standard --sku-capacity 50`,
    );
  }
  if (embeddingsModel.test(own.model)) return null;
  return problem(`Embeddings backend '${name}' leads to deployment '${deployment}', which serves ${own.model}.`, means, another);
}

/** So many failed calls of a deployment are worth a word. Assumed. */
const leastFailed = 3;

/** What the account has counted of the embeddings deployment; null where that decides nothing. */
function counted(lookup: EffectiveElement, inventory: Inventory, evidence: Evidence): Finding | null {
  const { name, url, deployment } = embeddingsBackend(lookup, inventory);
  const host = modelHostOf(url);
  const served = host === null ? undefined : evidence.accounts.served.get(host);
  if (host === null || served === undefined || deployment === null) return null;
  const refusal = refusalAt(host, served);
  if (refusal !== null) return { status: "unknown", refusals: [refusal] };
  if (served.kind !== "read") return null;
  const load = evidence.accounts.loads.get(served.account.resourceId);
  if (load?.kind === "refused") return { status: "unknown", refusals: [load] };
  const own = loadFor(evidence.accounts, served.account, deployment);
  if (own === null) return null;
  const { succeeded, failed } = endingsOf(own);
  const count = [...failed.values()].reduce((sum, requests) => sum + requests, 0);
  if (count >= leastFailed && count > succeeded) {
    const statuses = [...failed].toSorted(([, a], [, b]) => b - a).map(([status]) => status);
    return problem(
      `Embeddings backend '${name}': '${deployment}' of account ${served.account.name} has answered ${count} of ${count + succeeded} calls with ${some(statuses.map(String))}.`,
      means,
      remedy(statuses[0] ?? 0, name, served.account.resourceId, evidence),
    );
  }
  if (succeeded > 0) return ok(`'${deployment}' has answered ${succeeded} calls`);
  const { misses } = hitsOf(evidence) ?? { misses: 0 };
  // What is known of the others says nothing of calls that are streamed: whether the gateway asks for embeddings for those is not documented.
  if (lookup.conditions.length > 0 || misses < leastMisses || streamedByCallers(evidence) !== null) return null;
  return problem(
    `Embeddings backend '${name}': account ${served.account.name} has counted no call of '${deployment}', while ${misses} calls looked the cache up.`,
    `The gateway does not reach it, or is refused before the model. ${means}`,
    `Check the backend's URL, DNS, private endpoint and firewall, and the role of the gateway's identity: ${roleCommand(evidence.service, served.account.resourceId)}`,
  );
}

function endingsOf({ answered }: DeploymentLoad): { readonly succeeded: number; readonly failed: ReadonlyMap<number, number> } {
  const succeeded = [...answered].reduce((sum, [status, requests]) => (status < 400 ? sum + requests : sum), 0);
  return { succeeded, failed: new Map([...answered].filter(([status]) => status >= 400)) };
}

function remedy(status: number, name: string, resourceId: string, evidence: Evidence): string {
  switch (status) {
    case 401:
    case 403:
      return `Grant the gateway's identity the role: ${roleCommand(evidence.service, resourceId)}; with 403 see the account's network rules, too`;
    case 404:
      return `Let the backend's URL name a deployment that exists, down to .../embeddings: the portal, Backends, '${name}'`;
    case 429:
      return "Raise the deployment's capacity, or give the cache an embeddings deployment of its own";
    default:
      return "Look at the account's metrics and Azure status, or let the backend's URL name another region";
  }
}
