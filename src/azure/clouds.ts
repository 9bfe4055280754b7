import { GatewayError } from "../errors.ts";

export type CloudName = "public" | "usgovernment" | "china";

export interface Cloud {
  /** Azure Resource Manager, without a trailing slash. */
  readonly endpoint: string;
  /** What a token for ARM and for Azure Monitor's metrics is asked for. */
  readonly scope: string;
  readonly authorityHost: string;
}

/** ARM endpoints and token scopes: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    endpoint: "https://management.azure.com",
    scope: "https://management.azure.com/.default",
    authorityHost: "https://login.microsoftonline.com",
  },
  usgovernment: {
    endpoint: "https://management.usgovcloudapi.net",
    scope: "https://management.usgovcloudapi.net/.default",
    authorityHost: "https://login.microsoftonline.us",
  },
  china: {
    endpoint: "https://management.chinacloudapi.cn",
    scope: "https://management.chinacloudapi.cn/.default",
    authorityHost: "https://login.chinacloudapi.cn",
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
export function endpointOf(cloud: Cloud, override?: string): Endpoint {
  if (override === undefined) return { sdk: cloud.endpoint, network: cloud.endpoint };
  const url = URL.canParse(override) ? new URL(override) : null;
  const secure = url?.protocol === "https:";
  const local = url?.protocol === "http:" && loopback.has(url.hostname);
  if (url === null || (!secure && !local) || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw new GatewayError("not_configured", "The ARM endpoint is not one that a token may be sent to.", {
      hint: "AIGW_ARM_ENDPOINT takes an origin without a path: https://HOST, or http://127.0.0.1:PORT for a service on this machine.",
    });
  }
  return { sdk: secure ? url.origin : `https://${url.host}`, network: url.origin };
}
