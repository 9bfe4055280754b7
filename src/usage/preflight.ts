import { shellQuoted } from "../gateway/azure-cli.ts";
import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { Service } from "../gateway/model.ts";
import type { LoggingSettings } from "../gateway/ports.ts";

/** Something that keeps logs from saying all that they could. */
export interface Gap {
  readonly name:
    | "consumption"
    | "no_diagnostic_setting"
    | "not_dedicated"
    | "gateway_logs_off"
    | "llm_category_off"
    | "llm_logging_off"
    | "sampling"
    | "verbosity";
  readonly what: string;
  /** The command that mends it; none where nothing does. */
  readonly fix?: string;
}

/** The resource logs that the queries read. */
const categories = ["GatewayLogs", "GatewayLlmLogs"] as const;

/**
 * What is missing for full answers, as far as the service's settings show it, worst first
 * (https://learn.microsoft.com/azure/api-management/api-management-howto-llm-logs, .../monitor-api-management). Commands keep what the settings already send,
 * and log tokens without the messages.
 */
export function missing(
  { tier, resourceId }: Pick<Service, "tier" | "resourceId">,
  settings: LoggingSettings,
  apiId?: string,
): readonly Gap[] {
  if (tier === "consumption")
    return [{ name: "consumption", what: "The Consumption tier writes no resource logs: there are platform metrics only." }];
  return [...gapsOfSettings(resourceId, settings.diagnosticSettings), ...gapsOfDiagnostic(resourceId, settings, apiId)];
}

type Setting = LoggingSettings["diagnosticSettings"][number];

function gapsOfSettings(resourceId: string, all: readonly Setting[]): readonly Gap[] {
  const toWorkspace = all.filter(({ properties: { workspaceId } }) => typeof workspaceId === "string" && workspaceId !== "");
  const [first] = toWorkspace;
  if (first === undefined) {
    return [
      {
        name: "no_diagnostic_setting",
        what: "No diagnostic setting sends logs to a Log Analytics workspace.",
        fix: createCommand(resourceId, "ai-gateway", ["--workspace <workspace id>"], categories, []),
      },
    ];
  }
  const dedicated = toWorkspace.filter(({ properties }) => properties.logAnalyticsDestinationType === "Dedicated");
  if (dedicated.length === 0) {
    return [
      {
        name: "not_dedicated",
        what: `Diagnostic setting '${first.name}' writes to the table AzureDiagnostics, not to tables of its own.`,
        fix: updateCommand(resourceId, first),
      },
    ];
  }
  const [kept = first] = dedicated;
  const off = categories.filter((category) => !dedicated.some((setting) => sends(setting, category)));
  return off.map((category) => ({
    name: category === "GatewayLogs" ? "gateway_logs_off" : "llm_category_off",
    what: `Diagnostic setting '${kept.name}' does not send ${category}.`,
    fix: updateCommand(resourceId, kept),
  }));
}

const entriesOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject).filter(({ enabled }) => enabled === true) : [];

const sends = ({ properties }: Setting, category: string): boolean =>
  entriesOf(properties.logs).some((entry) => entry.category === category || entry.categoryGroup === "allLogs");

/** https://learn.microsoft.com/cli/azure/monitor/diagnostic-settings#az-monitor-diagnostic-settings-create: it replaces a setting of the same name. */
function createCommand(
  resourceId: string,
  name: string,
  destinations: readonly string[],
  wanted: readonly string[],
  others: readonly (readonly [option: string, entries: readonly Json[]])[],
): string {
  const logs = wanted.map((category) => ({ category, enabled: true }));
  return [
    `az monitor diagnostic-settings create --name ${shellQuoted(name)} --resource ${shellQuoted(resourceId)}`,
    ...destinations,
    "--export-to-resource-specific true",
    `--logs ${shellQuoted(JSON.stringify([...(others.find(([option]) => option === "logs")?.[1] ?? []), ...logs]))}`,
    ...others.flatMap(([option, entries]) =>
      option === "logs" || entries.length === 0 ? [] : [`--${option} ${shellQuoted(JSON.stringify(entries))}`],
    ),
  ].join(" ");
}

const destinationOptions = {
  workspaceId: "workspace",
  storageAccountId: "storage-account",
  eventHubName: "event-hub",
  eventHubAuthorizationRuleId: "event-hub-rule",
  marketplacePartnerId: "marketplace-partner-id",
} as const;

/** The setting as it is, with tables of its own and both categories. */
function updateCommand(resourceId: string, setting: Setting): string {
  const { name, properties } = setting;
  const destinations = Object.entries(destinationOptions).flatMap(([member, option]) => {
    const value = properties[member];
    return typeof value === "string" && value !== "" ? [`--${option} ${shellQuoted(value)}`] : [];
  });
  const plain = (entries: readonly JsonObject[]) =>
    entries.map(({ category, categoryGroup }) =>
      typeof categoryGroup === "string" ? { categoryGroup, enabled: true } : { category: category ?? null, enabled: true },
    );
  const added = categories.filter((category) => !sends(setting, category));
  return createCommand(resourceId, name, destinations, added, [
    ["logs", plain(entriesOf(properties.logs))],
    ["metrics", plain(entriesOf(properties.metrics))],
  ]);
}

/** The diagnostic that applies: an API's own one goes before the service's. */
function gapsOfDiagnostic(resourceId: string, { diagnostic, apiDiagnostic }: LoggingSettings, apiId: string | undefined): readonly Gap[] {
  const own = apiDiagnostic !== null && apiId !== undefined;
  const applies = own ? apiDiagnostic : diagnostic;
  const path = `${resourceId}${own ? `/apis/${apiId}` : ""}/diagnostics/azuremonitor`;
  const of = own ? `API '${apiId}'` : "the service";
  const llm = isObject(applies?.largeLanguageModel) ? applies.largeLanguageModel : null;
  const percentage = isObject(applies?.sampling) ? applies.sampling.percentage : undefined;
  return [
    ...(llm?.logs === "enabled"
      ? []
      : [
          {
            name: "llm_logging_off" as const,
            what: `The Azure Monitor diagnostic of ${of} does not log tokens of language models.`,
            fix:
              applies === null
                ? restCommand("put", path, { loggerId: `${resourceId}/loggers/azuremonitor`, largeLanguageModel: { logs: "enabled" } })
                : restCommand("patch", path, { largeLanguageModel: { logs: "enabled" } }),
          },
        ]),
    ...(typeof percentage === "number" && percentage < 100
      ? [
          {
            name: "sampling" as const,
            what: `Logs of ${of} hold a sample of ${percentage} % of the calls.`,
            fix: restCommand("patch", path, { sampling: { samplingType: "fixed", percentage: 100 } }),
          },
        ]
      : []),
    ...(applies?.verbosity === "error"
      ? [
          {
            name: "verbosity" as const,
            what: `The verbosity 'error' of ${of} leaves out traces, so also those of a semantic cache and of shadow limits.`,
            fix: restCommand("patch", path, { verbosity: "information" }),
          },
        ]
      : []),
  ];
}

/** A path without a host is one of ARM in the cloud of the login: https://learn.microsoft.com/cli/azure/reference-index#az-rest */
const restCommand = (method: "put" | "patch", path: string, properties: JsonObject): string =>
  `az rest --method ${method} --uri ${shellQuoted(`${path}?api-version=2024-06-01-preview`)}${method === "patch" ? " --headers If-Match=*" : ""} --body ${shellQuoted(JSON.stringify({ properties }))}`;
