import { type Configuration, type NamedSetting, type Setting, settings, type Values } from "../config.ts";
import { GatewayError } from "../errors.ts";

/** A service in Azure, with all that is needed to reach it. */
export interface AzureTarget {
  readonly kind: "azure";
  /** Whole ARM id. */
  readonly resourceId: string;
  readonly cloud: Values["cloud"];
  readonly armEndpoint?: string;
  readonly logsEndpoint?: string;
  readonly workspace?: string;
  readonly accessToken?: string;
}

/** The service to work on. */
export type Target = { readonly kind: "sandbox" } | AzureTarget;

/** The configured service; `not_configured` with each missing or invalid variable and the command that finds its value. */
export function target(configuration: Configuration): Target {
  const { values } = configuration;
  const problems = configuration.problems.filter(({ setting }) => setting.azure === undefined || values.sandbox !== true);
  if (problems.length > 0) {
    throw notConfigured(
      "The configuration is not valid.",
      problems.map(({ setting, reason }) => `${nameOf(setting)} ${reason}.${finding(setting)}`),
    );
  }
  if (values.sandbox === true) return { kind: "sandbox" };
  const { armEndpoint, logsEndpoint, workspace, accessToken } = values;
  return {
    kind: "azure",
    resourceId: resourceId(values),
    cloud: values.cloud ?? "public",
    ...(armEndpoint === undefined ? {} : { armEndpoint }),
    ...(logsEndpoint === undefined ? {} : { logsEndpoint }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(accessToken === undefined ? {} : { accessToken }),
  };
}

function resourceId({ service, azureSubscriptionId, resourceGroup }: Configuration["values"]): string {
  if (service?.startsWith("/")) return service;
  if (service !== undefined && azureSubscriptionId !== undefined && resourceGroup !== undefined) {
    return `/subscriptions/${azureSubscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ApiManagement/service/${service}`;
  }
  const given: Partial<Record<string, unknown>> = { service, azureSubscriptionId, resourceGroup };
  const missing = settings.filter(({ name }) => name in given && given[name] === undefined);
  throw notConfigured(
    service === undefined
      ? "No API Management service is configured."
      : "AIGW_SERVICE is a name alone: it takes the whole ARM id, or the Azure subscription and the resource group beside the name.",
    missing.map((setting) => `${nameOf(setting)} is not set: ${setting.description}.${finding(setting)}`),
  );
}

const notConfigured = (message: string, details: readonly string[]): GatewayError =>
  new GatewayError("not_configured", message, {
    details,
    hint: "Set the variables where the MCP client starts this server (its env block) and restart it. AIGW_SERVICE with the whole ARM id is enough; --sandbox needs nothing.",
  });

const finding = ({ find }: Setting): string => (find === undefined ? "" : ` Find it with: ${find}`);

/** How a setting is called towards its user: its variable, else its flag. */
const nameOf = ({ env, flag, name }: NamedSetting): string => env ?? `--${flag ?? name}`;
