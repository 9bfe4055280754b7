import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { Activity, AzureReader, Expiry, ExternalCache, Identity, Lifecycle } from "../gateway/ports.ts";
import { defaultApiVersion } from "./api-versions.ts";
import { jsonObject } from "./arm-response.ts";
import { nameOf } from "./contracts.ts";
import { thrownError } from "./errors.ts";
import type { Arm, Connection } from "./pipeline.ts";
import { armReads, reading } from "./reads.ts";

/** What Azure tells of the service besides its entities: who asks, who wrote, and what expires. */
export function azureReaders(connection: Connection, arm: Arm): (signal: AbortSignal) => AzureReader {
  const { resourceId } = arm.address;
  return (signal) => {
    const { get, list } = armReads(arm, signal);

    const readService = (): Promise<JsonObject> =>
      get((version) => `${arm.endpoint.sdk}${resourceId}?api-version=${version}`, defaultApiVersion, reading("the service"));

    async function readCertificates(): Promise<readonly Expiry[]> {
      const attempt = reading("certificates");
      const [service, certificates] = await Promise.all([readService(), list(`${resourceId}/certificates`, defaultApiVersion, attempt)]);
      return [...hostNames(service), ...trusted(service), ...certificates.flatMap(certificate)];
    }

    async function readCaches(): Promise<readonly ExternalCache[]> {
      return (await list(`${resourceId}/caches`, defaultApiVersion, reading("caches"))).map(cacheOf);
    }

    return {
      identity: () => readIdentity(connection, signal),
      caches: readCaches,
      certificates: readCertificates,
      lifecycle: async () => lifecycleOf(await readService()),
      async activity({ since, until }) {
        const events = await list(activityPath(arm, since, until), activityVersion, reading("the activity log"));
        return activitiesOf(events, resourceId);
      },
    };
  };
}

/** Claims: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference. They are shown, and nothing is decided by them. */
async function readIdentity({ credential, scope }: Connection, signal: AbortSignal): Promise<Identity | null> {
  try {
    const token = await credential.getToken(scope, { abortSignal: signal });
    const claims = claimsOf(token?.token ?? "");
    if (claims === null) return null;
    const text = (...names: readonly string[]): string | null =>
      names
        .map((name) => claims[name])
        .find((value) => typeof value === "string" && value !== "")
        ?.toString() ?? null;
    return { tenantId: text("tid"), objectId: text("oid"), name: text("upn", "unique_name", "preferred_username", "appid", "azp") };
  } catch (error) {
    throw thrownError(error, reading("a token"), signal);
  }
}

/** The middle of a JSON web token; null for any other token. */
function claimsOf(token: string): JsonObject | null {
  const [, payload, signature] = token.split(".");
  return payload === undefined || signature === undefined ? null : jsonObject(Buffer.from(payload, "base64url").toString("utf8"));
}

/** Without its connection string: https://learn.microsoft.com/rest/api/apimanagement/cache/list-by-service */
function cacheOf(item: JsonObject): ExternalCache {
  const location = isObject(item.properties) ? item.properties.useFromLocation : undefined;
  return { id: nameOf(item), region: typeof location === "string" ? location : "default" };
}

/** https://learn.microsoft.com/rest/api/apimanagement/api-management-service/get#hostnameconfiguration */
function hostNames({ properties }: JsonObject): readonly Expiry[] {
  const configurations = isObject(properties) && Array.isArray(properties.hostnameConfigurations) ? properties.hostnameConfigurations : [];
  return configurations.filter(isObject).flatMap(({ hostName, certificate: own }) => {
    const expires = timeOf(isObject(own) ? own.expiry : undefined);
    return typeof hostName !== "string" || expires === null ? [] : [{ name: hostName, expires }];
  });
}

/** Authorities that the gateways trust besides the public ones: https://learn.microsoft.com/rest/api/apimanagement/api-management-service/get#certificateconfiguration */
function trusted({ properties }: JsonObject): readonly Expiry[] {
  const certificates = isObject(properties) && Array.isArray(properties.certificates) ? properties.certificates : [];
  return certificates.filter(isObject).flatMap(({ certificate: own }) => {
    const expires = timeOf(isObject(own) ? own.expiry : undefined);
    const subject = isObject(own) && typeof own.subject === "string" ? own.subject : "a trusted authority";
    return expires === null ? [] : [{ name: subject, expires }];
  });
}

/** https://learn.microsoft.com/rest/api/apimanagement/certificate/list-by-service */
function certificate({ name, properties }: JsonObject): readonly Expiry[] {
  if (typeof name !== "string" || !isObject(properties)) return [];
  const expires = timeOf(properties.expirationDate);
  if (expires === null) return [];
  const { thumbprint, keyVault } = properties;
  const status = isObject(keyVault) && isObject(keyVault.lastStatus) ? keyVault.lastStatus : {};
  const refused = typeof status.code === "string" && status.code !== "" && !/^success$/i.test(status.code);
  return [
    {
      name,
      expires,
      ...(typeof thumbprint === "string" ? { thumbprint } : {}),
      ...(refused ? { renewal: typeof status.message === "string" && status.message !== "" ? status.message : String(status.code) } : {}),
    },
  ];
}

/** https://learn.microsoft.com/rest/api/apimanagement/api-management-service/get#apimanagementserviceresource */
function lifecycleOf({ properties }: JsonObject): Lifecycle {
  const { platformVersion, apiVersionConstraint } = isObject(properties) ? properties : {};
  const oldest = isObject(apiVersionConstraint) ? apiVersionConstraint.minApiVersion : undefined;
  return {
    platform: typeof platformVersion === "string" && platformVersion !== "" ? platformVersion : null,
    oldestApiVersion: typeof oldest === "string" && oldest !== "" ? oldest : null,
    ownApiVersion: defaultApiVersion,
  };
}

function timeOf(value: Json | undefined): string | null {
  return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : null;
}

/** The only version there is. */
const activityVersion = "2015-04-01";

const selected = "caller,correlationId,eventTimestamp,operationName,resourceId,status";

/**
 * The events of the service's resource group (https://learn.microsoft.com/rest/api/monitor/activity-logs/list). The filter by one resource
 * would do for the service alone: nobody documents that it gives what is below it.
 */
function activityPath({ address: { azureSubscription, resourceGroup } }: Arm, since: Date, until: Date): string {
  const filter = [
    `eventTimestamp ge '${since.toISOString()}'`,
    `eventTimestamp le '${until.toISOString()}'`,
    `resourceGroupName eq '${resourceGroup.replaceAll("'", "''")}'`,
  ].join(" and ");
  const query = `$filter=${encodeURIComponent(filter)}&$select=${encodeURIComponent(selected)}`;
  return `/subscriptions/${azureSubscription}/providers/Microsoft.Insights/eventtypes/management/values?${query}`;
}

/** A write is told by several events of one correlation id, from `Accepted` to its end: what is known last of each. */
function activitiesOf(events: readonly JsonObject[], resourceId: string): readonly Activity[] {
  const told = events.flatMap((event) => {
    const activity = activityOf(event, resourceId);
    return activity === null ? [] : [{ activity, write: `${event.correlationId} ${activity.operation} ${activity.target}`.toLowerCase() }];
  });
  const latest = new Map(told.toSorted((a, b) => order(a.activity) - order(b.activity)).map(({ activity, write }) => [write, activity]));
  return [...latest.values()].toSorted((a, b) => a.time.localeCompare(b.time));
}

/** By time; of one time an end comes last. */
const order = ({ time, outcome }: Activity): number => Date.parse(time) + (outcome === "unfinished" ? 0 : 0.5);

function activityOf(event: JsonObject, resourceId: string): Activity | null {
  const value = (member: Json | undefined): string => {
    const text = isObject(member) ? member.value : member;
    return typeof text === "string" ? text : "";
  };
  const [operation, target, time] = [value(event.operationName), value(event.resourceId), timeOf(event.eventTimestamp)];
  const isOwn = `${target.toLowerCase()}/`.startsWith(`${resourceId.toLowerCase()}/`);
  if (!isOwn || time === null || !changes(operation)) return null;
  const status = value(event.status).toLowerCase();
  return {
    time,
    caller: value(event.caller),
    operation,
    target: target.slice(resourceId.length + 1),
    outcome: status === "succeeded" ? "succeeded" : status === "failed" ? "failed" : "unfinished",
  };
}

/** An action may change something, or only show it: `listSecrets`, `getSsoToken`. */
const changes = (operation: string): boolean =>
  /\/(?:write|delete)$/i.test(operation) || /\/(?!list|get|validate|check)\w+\/action$/i.test(operation);
