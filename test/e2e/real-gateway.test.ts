import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { sandboxService } from "../../src/sandbox/service.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { listSubscriptions } from "../../tools/list-subscriptions.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { updateQuota } from "../../tools/update-quota.ts";
import { type Harness, openHarness } from "../harness.ts";

const policies = new URL("../../../shared/fixtures/policies/", import.meta.url);
const present = existsSync(policies);

const published = (path: string): Promise<string> => readFile(new URL(path, policies), "utf8");

/** Puts a resource through the service's own API, as whoever built the gateway did. */
async function deploy({ sandbox }: Harness, path: string, properties: Record<string, unknown>): Promise<void> {
  const url = `https://management.azure.com${sandboxService.resourceId}/${path}?api-version=2024-05-01`;
  const response = await sandbox.fetch(
    new Request(url, {
      method: "PUT",
      headers: { authorization: `Bearer ${sandbox.token}`, "content-type": "application/json" },
      body: JSON.stringify({ properties }),
    }),
  );
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

const rawxml = (value: string) => ({ format: "rawxml", value });

/** A gateway as someone else wrote it: published policies, only the placeholder of the backend's name filled in. */
async function openPublishedGateway(): Promise<Harness> {
  const harness = await openHarness({ seed: "empty" });
  const put = (path: string, properties: Record<string, unknown>) => deploy(harness, path, properties);
  for (const region of ["eastus", "swedencentral"]) {
    await put(`backends/openai-${region}`, {
      url: `https://aoai-${region}.openai.azure.com/openai`,
      protocol: "http",
      credentials: { header: { "x-canary": ["canary-value"] }, managedIdentity: { resource: "https://cognitiveservices.azure.com" } },
      azureRegion: region,
    });
  }
  await put("backends/inference-pool", {
    type: "Pool",
    pool: {
      services: [{ id: "/backends/openai-eastus", priority: 1, weight: 1 }],
      failureResponse: { statusCode: 429 },
    },
  });
  for (const [api, path] of [
    ["inference", "inference"],
    ["deepseek", "deepseek"],
    ["finops", "finops"],
  ] as const) {
    await put(`apis/${api}`, { displayName: api, path, protocols: ["https"], subscriptionRequired: true });
  }
  const filled = async (path: string) => (await published(path)).replaceAll("{backend-id}", "inference-pool");
  const balanced = await filled("Azure-Samples__AI-Gateway/labs/backend-pool-load-balancing/policy.xml");
  await put("apis/inference/policies/policy", rawxml(balanced));
  await put("apis/deepseek/policies/policy", rawxml(await filled("Azure-Samples__AI-Gateway/labs/ai-foundry-deepseek/policy.xml")));
  await put("apis/finops/policies/policy", rawxml(balanced.replace("<base />", `<base />\n${choosePerProduct}`)));

  for (const product of ["retail", "hr", "models", "platinum", "gold"])
    await put(`products/${product}`, { displayName: product, subscriptionRequired: true, state: "published" });
  for (const product of ["retail", "hr"]) await put(`products/${product}/apis/inference`, {});
  await put("products/models/apis/deepseek", {});
  for (const product of ["platinum", "gold"]) await put(`products/${product}/apis/finops`, {});
  await put(
    "products/retail/policies/policy",
    rawxml(
      await published("microsoft__AzureOpenAI-with-APIM/apim_policies/AOAI_Policy-Token_Tracking_aka_Charge_back.xml").then(withoutBackend),
    ),
  );
  await put(
    "products/hr/policies/policy",
    rawxml(await published("Azure-Samples__ai-hub-gateway-solution-accelerator/infra/modules/apim/policies/hr_product_policy.xml")),
  );
  for (const [team, product] of Object.entries(teams)) {
    await put(`subscriptions/${team}`, { displayName: team, scope: `${sandboxService.resourceId}/products/${product}`, state: "active" });
  }
  return harness;
}

const teams = {
  "retail-web": "retail",
  "retail-app": "retail",
  recruiting: "hr",
  research: "models",
  "platinum-a": "platinum",
  "gold-a": "gold",
  "gold-b": "gold",
};

/** One branch a product, as generated from a table of products. */
const choosePerProduct = `        <choose>
            <when condition="@((string)context.Product?.Id == "platinum")">
                <azure-openai-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="2000" estimate-prompt-tokens="false" remaining-tokens-variable-name="remainingTokens" />
            </when>
            <when condition="@((string)context.Product?.Id == "gold")">
                <azure-openai-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="1000" estimate-prompt-tokens="false" remaining-tokens-variable-name="remainingTokens" />
            </when>
        </choose>`;

/** The published policy names a backend of its author's. */
const withoutBackend = (policy: string): string => policy.replace(/<set-backend-service[^>]*\/>/, "");

const limits = async ({ ask }: Harness) =>
  Object.fromEntries((await ask(listSubscriptions, {})).subscriptions.map(({ subscription_id, tpm }) => [subscription_id, tpm]));

describe.skipIf(!present)(`a gateway that someone else wrote${present ? "" : " (skipped: no ../shared/fixtures)"}`, () => {
  const before = {
    "gold-a": 1000,
    "gold-b": 1000,
    "platinum-a": 2000,
    // Deployments have limits of their own below the product's.
    recruiting: "several",
    research: 1000,
    "retail-app": 10_000_000,
    "retail-web": 10_000_000,
  };

  const changes: readonly (readonly [what: string, team: keyof typeof before, tpm: number, document: string, from?: number])[] = [
    ["a product's literal that two teams share", "retail-web", 6_000_000, "products/retail/policies/policy"],
    ["a product-wide literal that one team has alone", "recruiting", 12_000, "products/hr/policies/policy", 15_000],
    ["an API's literal", "research", 500, "apis/deepseek/policies/policy"],
    ["a branch per product that one team has alone", "platinum-a", 1_500, "apis/finops/policies/policy"],
    ["a branch per product that two teams share", "gold-b", 800, "apis/finops/policies/policy"],
  ];

  it.each(changes)("changes %s, and takes it back to the byte", async (_, team, tpm, document, from) => {
    const harness = await openPublishedGateway();
    const { ask, apply, documents } = harness;
    const stored = documents();
    expect(await limits(harness)).toEqual(before);
    const valuesOf = async () => {
      const { subscriptions } = await ask(listSubscriptions, { subscription_id: team, detail: true });
      return (subscriptions[0]?.limits ?? []).filter(({ kind }) => kind === "tpm");
    };
    const found = await valuesOf();
    const named = found.find(({ value }) => from !== undefined && value === from);

    const plan = await ask(updateQuota, { subscription_id: team, tpm, ...(named === undefined ? {} : { limit_id: named.limit_id }) });
    expect(plan.documents.map(({ id }) => id)).toEqual([document]);
    const change = await apply(plan);
    expect(await limits(harness)).toEqual({ ...before, ...Object.fromEntries(named === undefined ? [[team, tpm]] : []) });
    expect((await valuesOf()).map(({ value }) => value)).toEqual(
      found.map((limit) => (limit === named || named === undefined ? tpm : limit.value)),
    );

    await apply(await ask(undoChange, { change_id: change }));
    expect(documents()).toEqual(stored);
  });

  it("changes a pool behind a retry, keeps what it does not know, and takes it back to the byte", async () => {
    const harness = await openPublishedGateway();
    const { ask, apply, documents, client } = harness;
    const stored = documents();
    const pool = await ask(getBackendPool, { api_id: "inference" });
    expect(pool.routes).toMatchObject([
      { backend_id: "inference-pool", kind: "pool", certainty: "certain", members: [{ backend_id: "openai-eastus", priority: 1 }] },
    ]);
    expect(pool.retry).toMatchObject({ count: "2" });

    const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
    const plan = await ask(updateBackendPool, {
      api_id: "inference",
      backends: [{ backend_id: "openai-swedencentral", priority: 2 }],
      policies: { circuit_breaker: breaker, retry: { count: 1 } },
    });
    expect(JSON.stringify(plan)).not.toContain("canary-value");
    const change = await apply(plan);
    const after = await ask(getBackendPool, { api_id: "inference" });
    expect(after.routes[0]?.members).toMatchObject([
      { backend_id: "openai-eastus", priority: 1, circuit_breaker: breaker },
      { backend_id: "openai-swedencentral", priority: 2, circuit_breaker: breaker },
    ]);
    expect(after.retry).toMatchObject({ count: "1" });
    const { text } = await client.call("get_backend_pool", { api_id: "inference" });
    expect(text).not.toContain("canary-value");
    for (const kept of ["canary-value", "managedIdentity", "azureRegion"])
      expect(documents().get("backends/openai-eastus")).toContain(kept);
    expect(documents().get("backends/inference-pool")).toContain('"failureResponse":{"statusCode":429}');

    await apply(await ask(undoChange, { change_id: change }));
    expect(documents()).toEqual(stored);
  });
});
