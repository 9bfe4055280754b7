import type { ModelAccount, ModelDeployment } from "../gateway/model-accounts.ts";

/** A text as one word of a POSIX shell, whatever is in it. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Lets whoever runs this server read an account: its deployments, and what they have served. */
export const readerCommand = (scope: string): string =>
  `az role assignment create --assignee '<identity of this server>' --role Reader --scope ${shellQuoted(scope)}`;

/** Where the id of an account has to be looked up first. */
export const accountAt = (host: string): string => `<resource id of the account behind ${host}>`;

const deploymentId = ({ resourceId }: ModelAccount, deployment: string): string => `${resourceId}/deployments/${deployment}`;

/**
 * Gives a deployment another version of its model, and leaves all else of it: what creates a deployment would replace its content filter too
 * (https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/create-or-update).
 */
export const versionCommand = (account: ModelAccount, deployment: string, version: string): string =>
  `az resource update --ids ${shellQuoted(deploymentId(account, deployment))} --api-version 2025-06-01 --set ${shellQuoted(`properties.model.version=${version}`)}`;

/** Creates in an account what another has under this name. https://learn.microsoft.com/cli/azure/cognitiveservices/account/deployment */
export function createCommand(account: ModelAccount, like: ModelAccount, { name, model, version, sku }: ModelDeployment): string {
  const [, subscription = "", group = ""] = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)/i.exec(account.resourceId) ?? [];
  const as = (query: string): string =>
    `"$(az resource show --ids ${shellQuoted(deploymentId(like, name))} --api-version 2025-06-01 --query ${query} -o tsv)"`;
  return [
    `az cognitiveservices account deployment create --subscription ${shellQuoted(subscription)} --resource-group ${shellQuoted(group)}`,
    `--name ${shellQuoted(account.name)} --deployment-name ${shellQuoted(name)} --model-format ${as("properties.model.format")}`,
    `--model-name ${shellQuoted(model)} --model-version ${version === null ? as("properties.model.version") : shellQuoted(version)}`,
    `--sku-name ${sku === null ? as("sku.name") : shellQuoted(sku)} --sku-capacity ${as("sku.capacity")}`,
  ].join(" ");
}
