import type { JsonObject } from "../gateway/documents.ts";
import { apiPolicy, authenticationFragment, globalPolicy, productPolicy, trialPolicy } from "./seed-policies.ts";
import { sandboxService } from "./service.ts";
import { armId, type World } from "./world.ts";

const created = "2026-01-12T08:00:00.000Z";

const backend = (region: string, url: string): JsonObject => ({
  title: `Azure OpenAI ${region}`,
  type: "Single",
  url,
  protocol: "http",
  credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
  tls: { validateCertificateChain: true, validateCertificateName: true },
});

const operation = (displayName: string, path: string, deployment: string): JsonObject => ({
  displayName,
  method: "POST",
  urlTemplate: `/deployments/{deployment-id}/${path}`,
  templateParameters: [{ name: "deployment-id", type: "string", required: true, values: [deployment] }],
});

const subscription = (displayName: string, scope: string): JsonObject => ({
  displayName,
  scope: `${sandboxService.resourceId}${scope}`,
  state: "active",
  createdDate: created,
  allowTracing: false,
});

const policy = (value: string): JsonObject => ({ format: "rawxml", value });

/** Fills an empty world with a small AI gateway: two products, four teams, one API, two backends of which the pool holds one. */
export function seedDemo(world: World): void {
  for (const [path, properties] of demo) world.put(path, properties);
}

const demo: readonly (readonly [path: string, properties: JsonObject])[] = [
  ["namedValues/openai-resource", { displayName: "openai-resource", value: "cognitiveservices.azure.com", secret: false, tags: ["aoai"] }],
  ["namedValues/partner-api-key", { displayName: "partner-api-key", value: "b1c2-not-a-real-key", secret: true }],
  ["loggers/azuremonitor", { loggerType: "azureMonitor", isBuffered: true }],
  [
    "diagnostics/azuremonitor",
    {
      loggerId: armId("loggers/azuremonitor"),
      alwaysLog: "allErrors",
      logClientIp: true,
      sampling: { samplingType: "fixed", percentage: 100 },
      largeLanguageModel: { logs: "enabled" },
    },
  ],
  ["backends/aoai-eastus", backend("East US", "https://aoai-eastus.openai.azure.com/openai")],
  ["backends/aoai-westeurope", backend("West Europe", "https://aoai-westeurope.openai.azure.com/openai")],
  [
    "backends/aoai-pool",
    { description: "Azure OpenAI, all regions", type: "Pool", pool: { services: [{ id: armId("backends/aoai-eastus"), priority: 1 }] } },
  ],
  ["policyFragments/aoai-auth", { ...policy(authenticationFragment), description: "Managed identity for Azure OpenAI" }],
  ["policies/policy", policy(globalPolicy)],
  [
    "apis/azure-openai",
    {
      displayName: "Azure OpenAI",
      apiRevision: "1",
      isCurrent: true,
      path: "openai",
      protocols: ["https"],
      subscriptionRequired: true,
      subscriptionKeyParameterNames: { header: "api-key", query: "subscription-key" },
    },
  ],
  [
    "apis/azure-openai/operations/ChatCompletions_Create",
    operation("Creates a completion for the chat message", "chat/completions", "gpt-4o"),
  ],
  ["apis/azure-openai/operations/Embeddings_Create", operation("Creates embeddings", "embeddings", "text-embedding-3-small")],
  ["apis/azure-openai/policies/policy", policy(apiPolicy)],
  ["products/aoai", { displayName: "Azure OpenAI", description: "Chat and embeddings", subscriptionRequired: true, state: "published" }],
  ["products/aoai/policies/policy", policy(productPolicy)],
  ["products/aoai/apis/azure-openai", {}],
  [
    "products/aoai-trial",
    { displayName: "Azure OpenAI trial", description: "For experiments", subscriptionRequired: true, state: "published" },
  ],
  ["products/aoai-trial/policies/policy", policy(trialPolicy)],
  ["products/aoai-trial/apis/azure-openai", {}],
  ["subscriptions/master", { ...subscription("Built-in all-access subscription", "/"), allowTracing: true }],
  ["subscriptions/growth", subscription("Growth", "/products/aoai")],
  ["subscriptions/prod-critical", subscription("Production critical", "/products/aoai")],
  ["subscriptions/analytics", subscription("Analytics", "/products/aoai")],
  ["subscriptions/labs", subscription("Labs", "/products/aoai-trial")],
];
