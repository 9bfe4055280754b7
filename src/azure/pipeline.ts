import { ApiManagementClient } from "@azure/arm-apimanagement";
import type { TokenCredential } from "@azure/core-auth";
import { bearerTokenAuthenticationPolicyName, type HttpClient, type Pipeline, type PipelinePolicy } from "@azure/core-rest-pipeline";
import manifest from "../../package.json" with { type: "json" };
import { type Versioned, versionFallback } from "./api-versions.ts";
import type { Endpoint } from "./clouds.ts";
import { ownLinksPolicy } from "./http-client.ts";
import type { ServiceAddress } from "./resource-ids.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { boundedRetryAfterPolicy } from "./throttling.ts";

/** Real time, and what tests put in its place. */
export interface Timing {
  /** Before the first retry of a read that was refused without a Retry-After; doubles from there. */
  readonly retryDelayMs: number;
  /** One request, from its start to the last byte of its answer. */
  readonly requestTimeoutMs: number;
  /** Between two polls of a long-running operation. */
  wait(milliseconds: number): Promise<void>;
}

/** What every client of the SDK is opened with. */
export interface Connection {
  readonly endpoint: Endpoint;
  readonly credential: TokenCredential;
  readonly scope: string;
  readonly httpClient: HttpClient;
  readonly timing: Timing;
}

/** One service in ARM. */
export interface Arm {
  readonly address: ServiceAddress;
  readonly endpoint: Endpoint;
  /** Retries, within bounds. */
  readonly reading: ApiManagementClient;
  /** Never sends anything twice on its own. */
  readonly writing: ApiManagementClient;
  readonly versioned: Versioned;
  readonly wait: Timing["wait"];
  readonly secrets: Secrets;
}

const readRetries = 3;

export function openArm(connection: Connection, address: ServiceAddress, secrets: Secrets = openSecrets(address.resourceId)): Arm {
  return {
    address,
    endpoint: connection.endpoint,
    reading: managementClient(connection, address, secrets, readRetries),
    writing: managementClient(connection, address, secrets, 0),
    versioned: versionFallback(),
    wait: connection.timing.wait,
    secrets,
  };
}

function managementClient(
  connection: Connection,
  { azureSubscription }: ServiceAddress,
  secrets: Secrets,
  maxRetries: number,
): ApiManagementClient {
  const client = new ApiManagementClient(connection.credential, azureSubscription, {
    ...clientOptions(connection, maxRetries),
    credentialScopes: connection.scope,
  });
  guardPipeline(client.pipeline, connection.endpoint, maxRetries);
  client.pipeline.addPolicy(hidingPolicy(secrets), { afterPhase: "Retry" });
  return client;
}

/** A refusal may repeat what was sent, and goes into messages, the journal and logs. */
const hidingPolicy = ({ hide }: Secrets): PipelinePolicy => ({
  name: "hideSecretsInRefusals",
  async sendRequest(request, next) {
    const response = await next(request);
    const { status, bodyAsText } = response;
    return status < 300 || typeof bodyAsText !== "string" ? response : { ...response, bodyAsText: hide(bodyAsText) };
  },
});

/**
 * No `apiVersion`: with it the client rewrites the version of every request that it sends, raw ones too. No redirects:
 * ARM sends none, and the SDK would repeat a write.
 */
export const clientOptions = ({ endpoint, httpClient, timing }: Connection, maxRetries: number = readRetries) => ({
  endpoint: endpoint.sdk,
  httpClient,
  retryOptions: { maxRetries, retryDelayInMs: timing.retryDelayMs },
  redirectOptions: { maxRetries: 0 },
  userAgentOptions: { userAgentPrefix: `${manifest.name}/${manifest.version}` },
});

export function guardPipeline(pipeline: Pipeline, endpoint: Endpoint, maxRetries: number = readRetries): void {
  pipeline.addPolicy(ownLinksPolicy(endpoint), { beforePolicies: [bearerTokenAuthenticationPolicyName] });
  if (maxRetries > 0) pipeline.addPolicy(boundedRetryAfterPolicy, { afterPhase: "Retry" });
}
