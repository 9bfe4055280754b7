import type { JsonObject } from "../../src/gateway/documents.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";

/** Secrets, each in a field of the service that is made for it. None may leave `azure/`, the state directory included. */
export const fieldCanaries = {
  header: "canary-backend-header",
  query: "canary-backend-query",
  authorization: "canary-backend-authorization",
  unknownKind: "canary-backend-unknown-kind",
  proxy: "canary-backend-proxy",
  namedValue: "canary-secret-named-value",
  keyVault: "canary-key-vault-value",
  logger: "canary-logger-connection-string",
  instrumentation: "canary-logger-instrumentation",
  authorizationServer: "canary-authorization-server",
  primaryKey: "canary-primary-key",
  secondaryKey: "canary-secondary-key",
  certificatePassword: "canary-certificate-password",
} as const;

/** 32 hexadecimal digits, and other ones for another `seed`. */
const hexadecimal = (seed: number): string => `ca4a8f${String(seed).padStart(2, "0")}e1b2c3d4e5f6a7b8c9d0e1f2`;

/** Keys that somebody has written into a policy, in each form that is known, `seed` telling apart one set from another. */
export const policyCanaries = (seed: number) => ({
  apiKey: `canary-api-key-${seed}`,
  subscriptionKey: `canary-subscription-key-${seed}`,
  bearer: `canary-bearer-${seed}`,
  cdata: `canary-cdata-${seed}`,
  constant: `canary-constant-${seed}`,
  compared: `canary-compared-${seed}`,
  password: `canary-password-${seed}`,
  certificate: `canary-pfx-password-${seed}`,
  functionUrl: `canaryInTheUrlOfAFunction${seed}`,
  signature: `canary%2Fsig%2B${seed}`,
  account: `canaryAccountKey${seed}==`,
  shared: `canarySharedKey${seed}=`,
  commented: `canary-comment-${seed}`,
  hexadecimal: hexadecimal(seed),
  conditional: hexadecimal(seed + 50),
  jwt: `eyJjYW5hcnkiOiJoZWFkIn0.eyJjYW5hcnkiOiJib2R5${seed}In0.Y2FuYXJ5c2lnbmF0dXJl`,
  base64: `Q2FuYXJ5${seed}${"Q2FuYXJ5".repeat(9)}Q2Fu==`,
  azureAi: `CaNaRy7${seed}${"bC9".repeat(26)}`,
  openAi: `sk-proj-canary0canary0canary0${seed}`,
});

/** Elements that hold all of them. */
export function keyedElements(seed: number): string {
  const keys = policyCanaries(seed);
  const header = (name: string, value: string) =>
    `<set-header name="${name}" exists-action="override"><value>${value}</value></set-header>`;
  return [
    header("api-key", keys.apiKey),
    header("Ocp-Apim-Subscription-Key", keys.subscriptionKey),
    header("Authorization", `Bearer ${keys.bearer}`),
    header("api-key", `<![CDATA[${keys.cdata}]]>`),
    header("api-key", `@("${keys.constant}")`),
    header("x-hex", keys.hexadecimal),
    header("x-jwt", keys.jwt),
    header("x-base64", keys.base64),
    header("x-azure-ai", keys.azureAi),
    header("x-open-ai", keys.openAi),
    header("x-function", `https://f.azurewebsites.net/api/x?code=${keys.functionUrl}`),
    header("x-url", `https://x.blob.core.windows.net/c?sv=1&amp;sig=${keys.signature}`),
    header("x-storage", `AccountName=a;AccountKey=${keys.account};EndpointSuffix=core.windows.net`),
    header("x-bus", `Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=${keys.shared}`),
    `<authentication-basic username="user" password="${keys.password}" />`,
    `<authentication-certificate body="{{limit}}" password="${keys.certificate}" />`,
    `<!-- api-key: ${keys.commented} -->`,
    `<choose><when condition='@(context.Request.Headers.GetValueOrDefault("api-key", "") == "${keys.compared}")'><set-header name="x" exists-action="delete" /></when></choose>`,
    // Tools show the condition of a route and of a limit.
    `<choose><when condition='@(context.Request.Headers.GetValueOrDefault("x-route", "") == "${keys.conditional}")'><set-backend-service backend-id="aoai-eastus" /></when></choose>`,
  ].join("\n");
}

/** A product policy whose limit for most depends on a key. */
export const keyedLimit = (tpm: number, seed: number): string => `<policies><inbound><base />
<choose><when condition='@(context.Request.Headers.GetValueOrDefault("x-limit", "") == "${policyCanaries(seed).hexadecimal}")'>
<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />
</when></choose>
${keyedElements(seed)}
<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />
</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`;

/** Puts every canary into the service: those of fields where ARM has such a field, those of policies at every scope. */
export function plant({ world }: Sandbox): void {
  const change = (path: string, more: JsonObject) => world.put(path, { ...world.get(path)?.properties, ...more });
  change("backends/aoai-eastus", {
    credentials: {
      header: { "x-key": [fieldCanaries.header] },
      query: { code: [fieldCanaries.query] },
      authorization: { scheme: "Custom", parameter: fieldCanaries.authorization },
      futureKind: { deep: [{ secret: fieldCanaries.unknownKind }] },
    },
    proxy: { url: "http://proxy:8080", username: "user", password: fieldCanaries.proxy },
  });
  world.put("namedValues/secret", { displayName: "secret", secret: true, value: fieldCanaries.namedValue });
  // Not marked as secret, so that the sandbox shows the value, as an older ARM might.
  world.put("namedValues/vault", {
    displayName: "vault",
    value: fieldCanaries.keyVault,
    keyVault: { secretIdentifier: "https://vault.vault.azure.net/secrets/k" },
  });
  world.put("namedValues/clear", { displayName: "clear", secret: false, value: `AccountKey=${policyCanaries(9).account}` });
  world.put("namedValues/limit", { displayName: "limit", secret: false, value: "1000" });
  world.put("loggers/hub", {
    loggerType: "azureEventHub",
    credentials: { connectionString: fieldCanaries.logger, instrumentationKey: fieldCanaries.instrumentation },
  });
  world.put("authorizationServers/server", { clientSecret: fieldCanaries.authorizationServer });
  world.put("certificates/c", { password: fieldCanaries.certificatePassword });
  const into = (path: string, seed: number) => {
    const text = String(world.get(path)?.properties.value);
    world.put(path, {
      format: "rawxml",
      value: text.replace(/<inbound \/>/, "<inbound></inbound>").replace(/<base \/>|<inbound>(?=<\/)/, `$&\n${keyedElements(seed)}`),
    });
  };
  into("policies/policy", 2);
  into("apis/azure-openai/policies/policy", 3);
  world.put("apis/azure-openai/operations/ChatCompletions_Create/policies/policy", {
    format: "rawxml",
    value: `<policies><inbound><base />${keyedElements(4)}<set-backend-service base-url="https://f.azurewebsites.net/api/x?code=${policyCanaries(4).functionUrl}" /><set-header name="x-clear" exists-action="override"><value>{{clear}} {{secret}} {{vault}}</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
  });
  const fragment = String(world.get("policyFragments/aoai-auth")?.properties.value);
  world.put("policyFragments/aoai-auth", { format: "rawxml", value: fragment.replace("<fragment>", `<fragment>${keyedElements(5)}`) });
  world.put("products/aoai/policies/policy", { format: "rawxml", value: keyedLimit(200_000, 1) });
  // ARM of today leaves the keys of subscriptions out of lists; an older one has not.
  const subscriptions = world.list("subscriptions").map(({ path, properties }) => ({
    name: path.split("/").at(-1) ?? "",
    properties: { ...properties, primaryKey: fieldCanaries.primaryKey, secondaryKey: fieldCanaries.secondaryKey },
  }));
  world.faults.add({
    method: "GET",
    path: /\/service\/[^/]+\/subscriptions$/i,
    times: Number.POSITIVE_INFINITY,
    outcome: { kind: "answer", status: 200, body: { value: subscriptions, count: subscriptions.length, nextLink: "" } },
  });
}
