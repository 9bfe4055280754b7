import { expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { LoggingSettings } from "../../src/gateway/ports.ts";
import { missing } from "../../src/usage/preflight.ts";
import { resourceId } from "./rows.ts";

const workspaceId = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law";
const both = [
  { category: "GatewayLogs", enabled: true },
  { category: "GatewayLlmLogs", enabled: true },
];
const setting = (properties: JsonObject, name = "logs") => ({
  name,
  properties: { workspaceId, logAnalyticsDestinationType: "Dedicated", logs: both, ...properties },
});
const full: LoggingSettings = {
  diagnosticSettings: [setting({})],
  diagnostic: { largeLanguageModel: { logs: "enabled" }, sampling: { samplingType: "fixed", percentage: 100 }, verbosity: "information" },
  apiDiagnostic: null,
};
const service = { tier: "v2", resourceId } as const;
const namesOf = (settings: Partial<LoggingSettings>, apiId?: string) =>
  missing(service, { ...full, ...settings }, apiId).map(({ name }) => name);

test.each<[string, Partial<LoggingSettings>, readonly string[]]>([
  ["nothing", {}, []],
  ["no setting", { diagnosticSettings: [] }, ["no_diagnostic_setting"]],
  [
    "a setting to a storage account alone",
    { diagnosticSettings: [setting({ workspaceId: "", storageAccountId: "/s" })] },
    ["no_diagnostic_setting"],
  ],
  ["tables of its own", { diagnosticSettings: [setting({ logAnalyticsDestinationType: null })] }, ["not_dedicated"]],
  [
    "tables of its own in one of two",
    { diagnosticSettings: [setting({ logAnalyticsDestinationType: "AzureDiagnostics" }), setting({})] },
    [],
  ],
  ["both categories", { diagnosticSettings: [setting({ logs: [] })] }, ["gateway_logs_off", "llm_category_off"]],
  [
    "the one that is not enabled",
    { diagnosticSettings: [setting({ logs: [both[0] ?? {}, { category: "GatewayLlmLogs", enabled: false }] })] },
    ["llm_category_off"],
  ],
  ["none of all logs", { diagnosticSettings: [setting({ logs: [{ categoryGroup: "allLogs", enabled: true }] })] }, []],
  [
    "the gateway's, which audit logs are not",
    { diagnosticSettings: [setting({ logs: [{ categoryGroup: "audit", enabled: true }] })] },
    ["gateway_logs_off", "llm_category_off"],
  ],
  ["a diagnostic", { diagnostic: null }, ["llm_logging_off"]],
  ["tokens", { diagnostic: { largeLanguageModel: { logs: "disabled" } } }, ["llm_logging_off"]],
  ["half of the calls", { diagnostic: { ...full.diagnostic, sampling: { percentage: 50 } } }, ["sampling"]],
  ["traces", { diagnostic: { ...full.diagnostic, verbosity: "error" } }, ["verbosity"]],
])("is missing: %s", (_, settings, names) => {
  expect(namesOf(settings)).toEqual(names);
});

test("an API's own diagnostic goes before the service's, and its commands are for it", () => {
  expect(namesOf({ diagnostic: null, apiDiagnostic: full.diagnostic }, "openai")).toEqual([]);
  const [gap] = missing(
    service,
    { ...full, apiDiagnostic: { sampling: { percentage: 10 }, largeLanguageModel: { logs: "enabled" } } },
    "openai",
  );
  expect(gap).toMatchObject({ name: "sampling", fix: expect.stringContaining(`${resourceId}/apis/openai/diagnostics/azuremonitor?`) });
});

test("the Consumption tier has no logs, and no command for them", () => {
  expect(missing({ ...service, tier: "consumption" }, { ...full, diagnosticSettings: [] })).toEqual([
    { name: "consumption", what: expect.stringContaining("Consumption") },
  ]);
});

test.each<[string, Partial<LoggingSettings>, string]>([
  [
    "a new setting",
    { diagnosticSettings: [] },
    `az monitor diagnostic-settings create --name 'ai-gateway' --resource '${resourceId}' --workspace <workspace id> --export-to-resource-specific true --logs '[{"category":"GatewayLogs","enabled":true},{"category":"GatewayLlmLogs","enabled":true}]'`,
  ],
  [
    "a setting as it is, with what is missing",
    {
      diagnosticSettings: [
        setting({
          logs: [
            { category: "WebSocketConnectionLogs", categoryGroup: null, enabled: true, retentionPolicy: { days: 0 } },
            { category: "GatewayLogs", enabled: true },
          ],
          metrics: [{ category: "AllMetrics", enabled: true }],
          storageAccountId: "/subscriptions/x/it's",
        }),
      ],
    },
    `az monitor diagnostic-settings create --name 'logs' --resource '${resourceId}' --workspace '${workspaceId}' --storage-account '/subscriptions/x/it'\\''s' --export-to-resource-specific true --logs '[{"category":"WebSocketConnectionLogs","enabled":true},{"category":"GatewayLogs","enabled":true},{"category":"GatewayLlmLogs","enabled":true}]' --metrics '[{"category":"AllMetrics","enabled":true}]'`,
  ],
  [
    "tokens without messages",
    { diagnostic: { verbosity: "information" } },
    `az rest --method patch --uri '${resourceId}/diagnostics/azuremonitor?api-version=2024-06-01-preview' --headers If-Match=* --body '{"properties":{"largeLanguageModel":{"logs":"enabled"}}}'`,
  ],
  [
    "a diagnostic where there is none",
    { diagnostic: null },
    `az rest --method put --uri '${resourceId}/diagnostics/azuremonitor?api-version=2024-06-01-preview' --body '{"properties":{"loggerId":"${resourceId}/loggers/azuremonitor","largeLanguageModel":{"logs":"enabled"}}}'`,
  ],
])("the command for %s", (_, settings, command) => {
  expect(missing(service, { ...full, ...settings })[0]?.fix).toBe(command);
});
