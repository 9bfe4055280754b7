import { GatewayError } from "../errors.ts";

export type CloudName = "public" | "usgovernment" | "china";

export interface Cloud {
  /** Azure Resource Manager, without a trailing slash. */
  readonly endpoint: string;
  /** What a token for ARM and for Azure Monitor's metrics is asked for. */
  readonly scope: string;
  readonly authorityHost: string;
  /** The log query API's origin, which is also the audience of its tokens. */
  readonly logs: string;
  /** What the host names of its services end in. */
  readonly domain: string;
}

/**
 * ARM endpoints and token scopes: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud; those of logs as
 * `KnownMonitorLogsQueryAudience` of `@azure/monitor-query` has them.
 */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    endpoint: "https://management.azure.com",
    scope: "https://management.azure.com/.default",
    authorityHost: "https://login.microsoftonline.com",
    logs: "https://api.loganalytics.io",
    domain: "azure.com",
  },
  usgovernment: {
    endpoint: "https://management.usgovcloudapi.net",
    scope: "https://management.usgovcloudapi.net/.default",
    authorityHost: "https://login.microsoftonline.us",
    logs: "https://api.loganalytics.us",
    domain: "azure.us",
  },
  china: {
    endpoint: "https://management.chinacloudapi.cn",
    scope: "https://management.chinacloudapi.cn/.default",
    authorityHost: "https://login.chinacloudapi.cn",
    logs: "https://api.loganalytics.azure.cn",
    domain: "azure.cn",
  },
};

/** Where requests go, as two origins: the SDK refuses to attach a token to anything but https, also on loopback. */
export interface Endpoint {
  /** The origin that the SDK is told; always https. */
  readonly sdk: string;
  /** The origin that is really called; http on a loopback address only. */
  readonly network: string;
}

const loopback = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** The endpoint of a cloud, or of an override: https anywhere, http on a loopback address. Throws `not_configured` on any other. */
export const endpointOf = (cloud: Cloud, override?: string): Endpoint =>
  endpointAt(cloud.endpoint, override, { what: "ARM", variable: "AIGW_ARM_ENDPOINT", path: "" });

/** The same of the log query API, whose endpoint may be written with its `/v1`. */
export const logsEndpointOf = (cloud: Cloud, override?: string): Endpoint =>
  endpointAt(cloud.logs, override, { what: "logs", variable: "AIGW_LOGS_ENDPOINT", path: "/v1" });

interface Overriding {
  readonly what: string;
  readonly variable: string;
  /** That may follow the origin. */
  readonly path: string;
}

function endpointAt(origin: string, override: string | undefined, { what, variable, path }: Overriding): Endpoint {
  if (override === undefined) return { sdk: origin, network: origin };
  const url = URL.canParse(override) ? new URL(override) : null;
  const secure = url?.protocol === "https:";
  const local = url?.protocol === "http:" && loopback.has(url.hostname);
  const bare = url !== null && ["/", path].includes(url.pathname) && url.username === "" && url.search === "";
  if (!bare || (!secure && !local)) {
    throw new GatewayError("not_configured", `The ${what} endpoint is not one that a token may be sent to.`, {
      hint: `${variable} takes an origin without a path: https://HOST, or http://127.0.0.1:PORT for a service on this machine.`,
    });
  }
  return { sdk: secure ? url.origin : `https://${url.host}`, network: url.origin };
}
