import * as z from "zod";
import {
  endpoint,
  groupName,
  guards,
  guid,
  list,
  oneOf,
  onOff,
  planTtl,
  prices,
  protectedThing,
  resourceIdPattern,
  serviceNamePattern,
} from "./config/values.ts";

/** What a person must know of a setting; flags, environment, `--help` and the README's table are made from it. */
export interface Setting {
  readonly description: string;
  /** Environment variable. */
  readonly env?: string;
  /** Command line flag, without the dashes. Secrets have none: a command line is readable by every process. */
  readonly flag?: string;
  /** One letter for the flag. */
  readonly short?: string;
  /** Commands that know the flag; without it, all that open a service. */
  readonly commands?: readonly string[];
  /** Only needed to reach Azure: without meaning on the embedded sandbox. */
  readonly azure?: true;
  readonly secret?: true;
  /** A command that prints the value. */
  readonly find?: string;
  /** What stands in the documentation where a value would. */
  readonly placeholder?: string;
}

const about = z.registry<Setting>();

/** Every setting of the program, in the order in which it is documented. Values are text, from a flag or the environment. */
const schema = z.object({
  service: z
    .string()
    .refine(
      (value) => serviceNamePattern.test(value) || resourceIdPattern.test(value),
      "must be the name of an API Management service or its whole ARM id",
    )
    .optional()
    .register(about, {
      env: "AIGW_SERVICE",
      azure: true,
      description: "The API Management service: its whole ARM id, or its name together with the two variables below",
      find: 'az apim list --query "[].id" --output tsv',
      placeholder: "/subscriptions/.../service/NAME",
    }),
  azureSubscriptionId: z
    .string()
    .regex(new RegExp(`^${guid}$`), "must be a UUID")
    .optional()
    .register(about, {
      env: "AZURE_SUBSCRIPTION_ID",
      azure: true,
      description: "The Azure subscription of the service, where AIGW_SERVICE is a name",
      find: "az account show --query id --output tsv",
      placeholder: "UUID",
    }),
  resourceGroup: z
    .string()
    .regex(new RegExp(`^${groupName}$`, "u"), "must be the name of a resource group")
    .optional()
    .register(about, {
      env: "AZURE_RESOURCE_GROUP",
      azure: true,
      description: "The resource group of the service, where AIGW_SERVICE is a name",
      find: 'az apim list --query "[].{name:name, resourceGroup:resourceGroup}" --output table',
      placeholder: "NAME",
    }),
  cloud: z.enum(["public", "usgovernment", "china"], { error: "must be public, usgovernment or china" }).default("public").register(about, {
    env: "AZURE_CLOUD",
    azure: true,
    description: "The Azure cloud: public, usgovernment or china",
  }),
  accessToken: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be a token without spaces")
    .optional()
    .register(about, {
      env: "AIGW_ACCESS_TOKEN",
      azure: true,
      secret: true,
      description:
        "A ready-made token for Azure Resource Manager; without it the login of the Azure CLI, a managed identity and so on are tried",
      find: "az account get-access-token --query accessToken --output tsv",
      placeholder: "TOKEN",
    }),
  armEndpoint: endpoint("").register(about, {
    env: "AIGW_ARM_ENDPOINT",
    azure: true,
    description: "Another Azure Resource Manager, e.g. the sandbox's; https, or http on a loopback address",
    placeholder: "URL",
  }),
  logsEndpoint: endpoint("/v1").register(about, {
    env: "AIGW_LOGS_ENDPOINT",
    azure: true,
    description: "Another Azure Monitor logs endpoint, e.g. the sandbox's; https, or http on a loopback address",
    placeholder: "URL",
  }),
  workspace: z
    .string()
    .regex(new RegExp(`^${guid}$`), "must be a UUID")
    .optional()
    .register(about, {
      env: "AIGW_WORKSPACE",
      azure: true,
      description: "The Log Analytics workspace of the logs, where these cannot be asked for by the service's id",
      find: 'az monitor log-analytics workspace list --query "[].{name:name, id:customerId}" --output table',
      placeholder: "UUID",
    }),
  gatewayEndpoint: endpoint("").register(about, {
    env: "AIGW_GATEWAY_ENDPOINT",
    azure: true,
    description:
      "Another gateway for a drill's test calls than the service's own, e.g. the sandbox's; https, or http on a loopback address",
    placeholder: "URL",
  }),
  probeKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be a key without spaces")
    .optional()
    .register(about, {
      env: "AIGW_PROBE_KEY",
      azure: true,
      secret: true,
      description:
        "A subscription's key for the test calls of drills and to new backends, best of a subscription made for them; without it none is made",
      placeholder: "KEY",
    }),
  probeDeployment: z
    .string()
    .regex(/^[\w.-]+$/, "must be the name of a deployment")
    .default("gpt-4o")
    .register(about, {
      env: "AIGW_PROBE_DEPLOYMENT",
      description: "The model deployment that test calls ask; gpt-4o by default",
      placeholder: "NAME",
    }),
  faultUrl: z
    .string()
    .refine((text) => URL.canParse(text) && /^https:$/.test(new URL(text).protocol), "must be an https URL")
    .optional()
    .register(about, {
      env: "AIGW_FAULT_URL",
      azure: true,
      description: "An https URL that answers every request with a 5xx: what a drill's rehearsal sends its test calls to",
      placeholder: "URL",
    }),
  state: z.string().min(1, "must be a directory").optional().register(about, {
    env: "AIGW_STATE",
    description: "Directory of the plans and the journal of changes; without it the user's own state directory",
    placeholder: "DIRECTORY",
  }),
  planTtl: planTtl.register(about, {
    env: "AIGW_PLAN_TTL",
    description: "How long a plan can be applied, as an ISO 8601 duration from PT1M to P1D; PT30M by default",
    placeholder: "DURATION",
  }),
  allowOverride: guards.default([]).register(about, {
    env: "AIGW_ALLOW_OVERRIDE",
    description: "Guards that a call may override, separated by commas; none by default",
    placeholder: "NAME,...",
  }),
  protect: list.pipe(z.array(protectedThing)).default([]).register(about, {
    env: "AIGW_PROTECT",
    description: "What no change may touch, separated by commas: api:ID, product:ID, subscription:ID, backend:ID; never overridden",
    placeholder: "KIND:ID,...",
  }),
  prices: prices.register(about, {
    env: "AIGW_PRICES",
    description: "Prices per million tokens, prompts/completions, for the cost in reports: gpt-4o=2.5/10,currency=EUR, or the same as JSON",
    placeholder: "MODEL=IN/OUT,...",
  }),
  readOnly: onOff().register(about, {
    env: "AIGW_READ_ONLY",
    flag: "read-only",
    description: "Plan, but never write: tools that write are neither listed nor run",
  }),
  direct: onOff().register(about, {
    env: "AIGW_DIRECT",
    flag: "direct",
    description: "Apply without a question what is called with dry_run: false; guards still hold",
  }),
  auditFile: z.string().min(1, "must be a file").optional().register(about, {
    env: "AIGW_AUDIT_FILE",
    description:
      "File that gets the audit's line of each call, besides stderr; nothing is written to the service where it cannot be opened",
    placeholder: "FILE",
  }),
  sandbox: onOff().register(about, { flag: "sandbox", description: "Work on the embedded sandbox instead of Azure" }),
  json: onOff().register(about, {
    flag: "json",
    commands: ["call", "doctor", "recover", "validate"],
    description: "Print the structured answer",
  }),
  sarif: onOff().register(about, { flag: "sarif", commands: ["validate"], description: "Print SARIF 2.1.0, for code scanning" }),
  scope: oneOf(["global", "workspace", "product", "api", "operation", "fragment"]).register(about, {
    flag: "scope",
    commands: ["validate"],
    description: "Where the policy is to stand: global, workspace, product, api, operation or fragment; without it anywhere",
    placeholder: "SCOPE",
  }),
  tier: oneOf(["developer", "basic", "standard", "premium", "basicv2", "standardv2", "premiumv2", "consumption"]).register(about, {
    flag: "tier",
    commands: ["validate"],
    description: "The tier of the service: developer, basic, standard, premium, basicv2, standardv2, premiumv2 or consumption",
    placeholder: "TIER",
  }),
  executable: onOff().register(about, {
    flag: "executable",
    commands: ["validate"],
    description: "What the sandbox's gateway cannot execute is an error, too",
  }),
  port: z
    .string()
    .regex(/^\d+$/, "must be a port number")
    .transform(Number)
    .refine((port) => port <= 65_535, "must be at most 65535")
    .default(0)
    .register(about, { flag: "port", commands: ["sandbox"], description: "Port of the sandbox; without it a free one", placeholder: "N" }),
  instances: z
    .string()
    .regex(/^\d+$/, "must be a number")
    .transform(Number)
    .refine((count) => count >= 1 && count <= 32, "must be from 1 to 32")
    .default(1)
    .register(about, {
      flag: "instances",
      commands: ["sandbox"],
      description: "Gateway instances of the sandbox in each region, each with its own counters and breakers; 1 by default",
      placeholder: "N",
    }),
  regions: list
    .pipe(z.array(z.string()).min(1, "must be names of regions, separated by commas"))
    .optional()
    .register(about, {
      flag: "regions",
      commands: ["sandbox"],
      description: "Regions of the sandbox's gateway, separated by commas; East US by default",
      placeholder: "NAME,...",
    }),
  clock: oneOf(["real", "manual"]).register(about, {
    flag: "clock",
    commands: ["sandbox"],
    description: "The sandbox's clock: real, or manual, which only its control API moves; real by default",
    placeholder: "KIND",
  }),
  help: onOff().register(about, { flag: "help", short: "h", commands: [], description: "Print this help" }),
  version: onOff().register(about, { flag: "version", short: "v", commands: [], description: "Print the version" }),
});

/** What the settings say, by name. */
export type Values = z.output<typeof schema>;
type Name = keyof Values;

/** A setting's name and what is known of it. */
export interface NamedSetting extends Setting {
  readonly name: string;
}

/** All settings, in the order of the documentation. */
export const settings: readonly NamedSetting[] = Object.entries(schema.shape).map(([name, field]) => {
  const setting = about.get(field);
  if (setting === undefined) throw new Error(`setting without metadata: ${name}`);
  return { name, ...setting };
});

/** Values that could be read, and for the others why not; `problems` never hold a value. */
export interface Configuration {
  readonly values: Readonly<Partial<Values>>;
  readonly problems: readonly { readonly setting: NamedSetting; readonly reason: string }[];
}

/** Reads every setting from its flag, else from its environment variable; an empty variable counts as not set. Never throws. */
export function readConfiguration(
  flags: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const values: Record<string, unknown> = {};
  const problems: Configuration["problems"][number][] = [];
  for (const setting of settings) {
    const given = (setting.flag && flags[setting.flag]) ?? (setting.env && environment[setting.env]?.trim());
    const parsed = schema.shape[setting.name as Name].safeParse(given === "" ? undefined : given);
    if (parsed.success) values[setting.name] = parsed.data;
    else problems.push({ setting, reason: parsed.error.issues[0]?.message ?? "is not valid" });
  }
  return { values, problems };
}
