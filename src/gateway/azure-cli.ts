import type { ModelAccount, ModelDeployment } from "./model-accounts.ts";

/** A text as one word of a POSIX shell, whatever is in it. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Lets whoever runs this server read an account: its deployments, and what they have served. */
export const readerCommand = (scope: string): string =>
  `az role assignment create --assignee '<identity of this server>' --role Reader --scope ${shellQuoted(scope)}`;

/**
 * Lets a service's own identity call the models of an account; `clientId` is that of a user-assigned identity.
 * https://learn.microsoft.com/azure/api-management/authenticate-authorize-ai-apis
 */
export function modelUserCommand(serviceId: string, accountId: string, clientId?: string): string {
  const assignee =
    clientId === undefined
      ? `--assignee-object-id "$(az resource show --ids ${shellQuoted(serviceId)} --query identity.principalId -o tsv)" --assignee-principal-type ServicePrincipal`
      : `--assignee ${shellQuoted(clientId)}`;
  return `az role assignment create ${assignee} --role "Cognitive Services OpenAI User" --scope ${shellQuoted(accountId)}`;
}

/** Where the id of an account has to be looked up first. */
export const accountAt = (host: string): string => `<resource id of the account behind ${host}>`;

const deploymentId = ({ resourceId }: ModelAccount, deployment: string): string => `${resourceId}/deployments/${deployment}`;

/**
 * Gives a deployment another version of its model, and leaves all else of it: what creates a deployment would replace its content filter too
 * (https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/create-or-update).
 */
export const versionCommand = (account: ModelAccount, deployment: string, version: string): string =>
  `az resource update --ids ${shellQuoted(deploymentId(account, deployment))} --api-version 2025-06-01 --set ${shellQuoted(`properties.model.version=${version}`)}`;

/** Names an account where `az` asks for one. */
export function accountOptions({ resourceId, name }: ModelAccount): string {
  const [, subscription = "", group = ""] = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)/i.exec(resourceId) ?? [];
  return `--subscription ${shellQuoted(subscription)} --resource-group ${shellQuoted(group)} --name ${shellQuoted(name)}`;
}

/** Creates in an account what another has under this name. https://learn.microsoft.com/cli/azure/cognitiveservices/account/deployment */
export function createCommand(account: ModelAccount, like: ModelAccount, { name, model, version, sku }: ModelDeployment): string {
  const as = (query: string): string =>
    `"$(az resource show --ids ${shellQuoted(deploymentId(like, name))} --api-version 2025-06-01 --query ${query} -o tsv)"`;
  return [
    `az cognitiveservices account deployment create ${accountOptions(account)} --deployment-name ${shellQuoted(name)} --model-format ${as("properties.model.format")}`,
    `--model-name ${shellQuoted(model)} --model-version ${version === null ? as("properties.model.version") : shellQuoted(version)}`,
    `--sku-name ${sku === null ? as("sku.name") : shellQuoted(sku)} --sku-capacity ${as("sku.capacity")}`,
  ].join(" ");
}
