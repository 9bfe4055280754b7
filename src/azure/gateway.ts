import { setTimeout as wait } from "node:timers/promises";
import type { Gateway } from "../gateway/ports.ts";
import { azureReaders } from "./around.ts";
import { type CloudName, clouds, endpointOf, logsEndpointOf } from "./clouds.ts";
import { credentialFor } from "./credentials.ts";
import { type Fetch, httpClientFor } from "./http-client.ts";
import { logsReaders } from "./logs.ts";
import { createReader } from "./management.ts";
import { modelsReaders } from "./models.ts";
import { metricsReaders } from "./monitor.ts";
import { type Connection, openArm, type Timing } from "./pipeline.ts";
import { parseServiceId } from "./resource-ids.ts";
import { openSecrets } from "./secrets.ts";
import { createWriter } from "./writer.ts";

export interface GatewayOptions {
  /** Whole ARM id of the service. */
  readonly resourceId: string;
  readonly cloud: CloudName;
  /** In place of the cloud's: https, or http on a loopback address. */
  readonly armEndpoint?: string;
  /** The same of the log query API. With another ARM and none of its own, logs are not asked for: a token goes where it was sent on purpose. */
  readonly logsEndpoint?: string;
  /** The workspace to ask where the service's logs cannot be asked for by its id: a GUID. */
  readonly workspace?: string;
  /** A ready-made token for ARM; without it `DefaultAzureCredential`. */
  readonly accessToken?: string;
  /** A service in this process in place of the network. */
  readonly fetch?: Fetch;
  /**
   * What the fingerprints of secrets are keyed with; asked for at the first secret. Processes that share a journal share it,
   * or each takes the other's secrets for changed ones. Default: random, for this gateway alone.
   */
  readonly fingerprintKey?: () => Promise<Uint8Array>;
}

const realTiming: Timing = {
  retryDelayMs: 1000,
  requestTimeoutMs: 60_000,
  wait: (milliseconds) => wait(milliseconds),
};

/**
 * Opens one API Management service in ARM and Azure Monitor. Nothing is sent and no credential is looked for before the
 * first read. Throws `not_configured` for an id or an endpoint that cannot be one.
 */
export function openGateway(options: GatewayOptions, timing: Timing = realTiming): Gateway {
  const address = parseServiceId(options.resourceId);
  const cloud = clouds[options.cloud];
  const endpoint = endpointOf(cloud, options.armEndpoint);
  const connection: Connection = {
    endpoint,
    credential: credentialFor(cloud, options.accessToken),
    scope: cloud.scope,
    httpClient: httpClientFor(endpoint, timing.requestTimeoutMs, options.fetch),
    timing,
  };
  const asksLogs = options.armEndpoint === undefined || options.logsEndpoint !== undefined;
  const logsEndpoint = logsEndpointOf(cloud, options.logsEndpoint);
  const logsConnection: Connection = {
    ...connection,
    endpoint: logsEndpoint,
    scope: `${cloud.logs}/.default`,
    httpClient: httpClientFor(logsEndpoint, timing.requestTimeoutMs, options.fetch),
  };
  const arm = openArm(connection, address, openSecrets(address.resourceId, options));
  return {
    name: address.name,
    resourceId: address.resourceId,
    reader: (signal) => createReader(arm, signal),
    metrics: metricsReaders(connection, arm),
    logs: logsReaders({ connection: asksLogs ? logsConnection : null, arm, cloud, workspace: options.workspace ?? null }),
    azure: azureReaders(connection, arm),
    models: modelsReaders(connection, arm, cloud),
    writer: createWriter(arm),
  };
}
