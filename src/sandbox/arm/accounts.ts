import type { JsonObject } from "../../gateway/documents.ts";
import { isReadable, type ModelAccount } from "../models/accounts.ts";
import type { Deployment } from "../models/deployments.ts";
import { sandboxService } from "../service.ts";
import type { World } from "../world.ts";
import { armError } from "./errors.ts";
import { isSame } from "./level.ts";
import { pageAt } from "./paging.ts";

/** Those that there are now, ordered by name. */
export type Accounts = () => Promise<readonly ModelAccount[]>;

/** Stable versions of `Microsoft.CognitiveServices/accounts/deployments`: https://learn.microsoft.com/azure/templates/microsoft.cognitiveservices/change-log/accounts */
export const accountVersions = [
  "2021-10-01",
  "2022-03-01",
  "2022-10-01",
  "2022-12-01",
  "2023-05-01",
  "2024-10-01",
  "2025-06-01",
  "2025-09-01",
];

/** Throws 404 where there is no such account, and 403 where the caller may not read it; `action` follows the account's type or its id. */
export async function readableAccount(accounts: Accounts, name: string, action: string): Promise<ModelAccount> {
  const account = (await accounts()).find((one) => isSame(one.name, name));
  if (account === undefined) {
    throw armError(
      404,
      "ResourceNotFound",
      `The Resource 'Microsoft.CognitiveServices/accounts/${name}' under resource group '${sandboxService.resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
  }
  if (!isReadable(account)) throw noRights(account, action);
  return account;
}

const callerId = "5a11db0c-0000-4000-8000-00000000d4d4";

/** https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---client-with-object-id-does-not-have-authorization-to-perform-action-over-scope */
function noRights({ resourceId }: ModelAccount, action: string): Error {
  const [, provider] = /^providers\/(.+)$/.exec(action) ?? [];
  return armError(
    403,
    "AuthorizationFailed",
    `The client '${callerId}' with object id '${callerId}' does not have authorization to perform action '${provider ?? `Microsoft.CognitiveServices/accounts/${action}`}' ` +
      `over scope '${resourceId}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

/** `GET {account}/deployments`: https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list */
export function deploymentsAnswer({ settings }: World, { resourceId, deployments }: ModelAccount, url: URL): Response {
  const { items, next } = pageAt(deployments, url.searchParams.get("$skipToken"), settings.pageSize);
  const nextLink = new URL(url);
  nextLink.searchParams.set("$skipToken", next ?? "");
  return Response.json({
    value: items.map((deployment) => deploymentAnswer(resourceId, deployment)),
    ...(next === null ? {} : { nextLink: nextLink.href }),
  });
}

const deploymentAnswer = (
  resourceId: string,
  { name, model, version, sku, tokensPerMinute, requestsPerMinute }: Deployment,
): JsonObject => ({
  id: `${resourceId}/deployments/${name}`,
  type: "Microsoft.CognitiveServices/accounts/deployments",
  name,
  sku: { name: sku ?? "GlobalStandard", capacity: Math.ceil(tokensPerMinute / 1000) },
  properties: {
    model: { format: "OpenAI", name: model, version },
    versionUpgradeOption: "OnceNewDefaultVersionAvailable",
    provisioningState: "Succeeded",
    rateLimits: [requestLimit(requestsPerMinute), { key: "token", count: tokensPerMinute, renewalPeriod: 60 }],
  },
});

/** Azure writes requests within 10 or within 60 seconds. */
const requestLimit = (perMinute: number): JsonObject =>
  perMinute % 6 === 0
    ? { key: "request", count: perMinute / 6, renewalPeriod: 10 }
    : { key: "request", count: perMinute, renewalPeriod: 60 };
