import type { JsonObject } from "../../gateway/documents.ts";
import { armError } from "../arm/errors.ts";
import type { LogTable } from "../gateway/logs/rows.ts";
import { isObject, listAt, textAt } from "../json.ts";
import { sandboxService } from "../service.ts";

/** Versions of `Microsoft.Insights/diagnosticSettings` and of `Microsoft.OperationalInsights/workspaces`. */
export const diagnosticSettingsApiVersions = ["2017-05-01-preview", "2021-05-01-preview"];
export const workspaceApiVersions = ["2020-08-01", "2021-06-01", "2022-10-01", "2023-09-01", "2025-02-01"];

const { azureSubscription, resourceGroup } = sandboxService;

/** The one workspace. */
export const sandboxWorkspace = {
  name: "sandbox-logs",
  /** What log queries call it by. */
  customerId: "5a11db0c-0000-4000-8000-00000000d4d4",
  resourceId: `/subscriptions/${azureSubscription}/resourceGroups/${resourceGroup}/providers/Microsoft.OperationalInsights/workspaces/sandbox-logs`,
} as const;

/** A diagnostic setting of the service (https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/get). */
export interface DiagnosticSetting {
  readonly name: string;
  readonly properties: JsonObject;
}

const logged = (category: string): JsonObject => ({
  category,
  categoryGroup: null,
  enabled: true,
  retentionPolicy: { enabled: false, days: 0 },
});

/** Sends what gateways' reports need to the workspace, into tables of their own. */
export const demoSetting: DiagnosticSetting = {
  name: "ai-gateway-logs",
  properties: {
    workspaceId: sandboxWorkspace.resourceId,
    logAnalyticsDestinationType: "Dedicated",
    logs: [logged("GatewayLogs"), logged("GatewayLlmLogs")],
    metrics: [],
  },
};

const settingAnswer = ({ name, properties }: DiagnosticSetting): JsonObject => ({
  id: `${sandboxService.resourceId.toLowerCase()}/providers/microsoft.insights/diagnosticSettings/${name}`,
  type: "Microsoft.Insights/diagnosticSettings",
  name,
  properties,
});

export const listSettings = (settings: readonly DiagnosticSetting[]): Response => Response.json({ value: settings.map(settingAnswer) });

export function oneSetting(settings: readonly DiagnosticSetting[], name: string): Response {
  const found = settings.find((setting) => setting.name.toLowerCase() === name.toLowerCase());
  if (found === undefined) {
    throw armError(404, "ResourceNotFound", `The diagnostic setting '${name}' does not exist in resource '${sandboxService.resourceId}'.`);
  }
  return Response.json(settingAnswer(found));
}

/** https://learn.microsoft.com/rest/api/loganalytics/workspaces/get */
export const workspaceAnswer = (location: string): Response =>
  Response.json({
    id: sandboxWorkspace.resourceId,
    name: sandboxWorkspace.name,
    type: "Microsoft.OperationalInsights/workspaces",
    location,
    properties: {
      customerId: sandboxWorkspace.customerId,
      provisioningState: "Succeeded",
      sku: { name: "PerGB2018" },
      retentionInDays: 30,
      publicNetworkAccessForIngestion: "Enabled",
      publicNetworkAccessForQuery: "Enabled",
    },
  });

/** What each category is written to where tables are dedicated. */
const categories: Readonly<Partial<Record<LogTable, string>>> = {
  ApiManagementGatewayLogs: "GatewayLogs",
  ApiManagementGatewayLlmLog: "GatewayLlmLogs",
};

/**
 * Whether a table of the workspace gets rows: those of the gateway where a setting sends their category there, into tables of their own
 * (https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs#resource-specific); those of Application Insights always.
 */
export function isWritten(table: LogTable, settings: readonly DiagnosticSetting[]): boolean {
  const category = categories[table];
  return category === undefined || settings.some(({ properties }) => isDedicated(properties) && isSent(properties, category));
}

const isDedicated = (properties: JsonObject): boolean =>
  textAt(properties, "logAnalyticsDestinationType") === "Dedicated" &&
  textAt(properties, "workspaceId")?.toLowerCase() === sandboxWorkspace.resourceId.toLowerCase();

const isSent = (properties: JsonObject, category: string): boolean =>
  listAt(properties, "logs")
    .filter(isObject)
    .some((log) => log.enabled === true && (textAt(log, "category") === category || textAt(log, "categoryGroup") === "allLogs"));
