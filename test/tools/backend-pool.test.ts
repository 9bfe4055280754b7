import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { type Harness, openHarness } from "../harness.ts";

const breaker = { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" };
const secondRegion = {
  api_id: "azure-openai",
  backends: [{ backend_id: "aoai-westeurope", priority: 2 }],
  policies: { circuit_breaker: breaker },
};

/** Plans, applies, checks, and takes back to the byte. */
async function thereAndBack(
  { ask, apply, documents }: Harness,
  request: Record<string, unknown>,
  check: () => Promise<void>,
): Promise<void> {
  const before = documents();
  const plan = await ask(updateBackendPool, request);
  expect(plan).toMatchObject({ status: "planned" });
  expect(documents()).toEqual(before);
  const change = await apply(plan);
  await check();
  await apply(await ask(undoChange, { change_id: change }));
  expect(documents()).toEqual(before);
}

/** The demo's API without its pool: to one backend, or to its own service URL. */
function withoutPool({ sandbox: { world } }: Harness, target: "backend" | "url"): void {
  const id = "apis/azure-openai/policies/policy";
  const text = String(world.get(id)?.properties.value);
  const selection = '<set-backend-service backend-id="aoai-pool" />';
  world.put(id, {
    format: "rawxml",
    value: text.replace(selection, target === "url" ? "" : selection.replace("aoai-pool", "aoai-eastus")),
  });
  if (target === "url") {
    world.put("apis/azure-openai", {
      ...world.get("apis/azure-openai")?.properties,
      serviceUrl: "https://aoai-central.openai.azure.com/openai",
    });
  }
}

describe("get_backend_pool", () => {
  it("shows the demo's pool in 500 tokens: no problem, and one piece of advice, as it has one member", async () => {
    const { client, ask } = await openHarness();
    const answer = await ask(getBackendPool, { api_id: "azure-openai" });
    expect(answer.routes).toMatchObject([
      { backend_id: "aoai-pool", kind: "pool", certainty: "certain", source: "apis/azure-openai/policies/policy:5" },
    ]);
    expect(answer.routes[0]?.members).toEqual([
      {
        backend_id: "aoai-eastus",
        url: "https://aoai-eastus.openai.azure.com/openai",
        region: "East US (by its name)",
        priority: 1,
        weight: 1,
        share_percent: 100,
        credential: "managedIdentity",
        circuit_breaker: null,
        deployments: [expect.objectContaining({ name: "gpt-4o" }), expect.objectContaining({ name: "text-embedding-3-small" })],
      },
    ]);
    expect(answer.findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(["advice one_member"]);
    const { text, structured } = await client.call("get_backend_pool", { api_id: "azure-openai" });
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(500);
    expect(countTokens(text)).toBeLessThanOrEqual(500);
    expect(text).toContain("Advice one_member: ");
    expect(text).not.toContain("Problem ");
  });

  it("finds nothing once the second region stands by, and says what an outage would be", async () => {
    const { ask, apply } = await openHarness();
    await apply(await ask(updateBackendPool, secondRegion));
    const { routes, findings, notes } = await ask(getBackendPool, { api_id: "azure-openai" });
    expect(findings).toEqual([]);
    expect(routes[0]).toMatchObject({
      worst_case:
        "If aoai-eastus (East US) answers 503 (calls one after another within PT1M): up to 5 errors a gateway instance before its breaker opens, 2 with one retry, plus every call already in flight, then aoai-westeurope takes 100 %.",
    });
    expect(routes[0]?.members.map(({ share_percent }) => share_percent)).toEqual([100, 0]);
    expect(notes).toEqual([]);
  });

  it("never shows a key that stands in a URL", async () => {
    const { sandbox, client } = await openHarness();
    const key = "0123456789abcdef0123456789abcdef";
    const value = `<policies><inbound><set-backend-service base-url="https://far.example/v1?api-key=${key}" /></inbound></policies>`;
    sandbox.world.put("apis/azure-openai/policies/policy", { format: "rawxml", value });
    const { text, structured } = await client.call("get_backend_pool", { api_id: "azure-openai" });
    expect(structured.routes).toMatchObject([{ kind: "url", certainty: "certain" }]);
    expect(text + JSON.stringify(structured)).not.toContain(key);
    expect(text).toContain("far.example");
  });
});

describe("get_backend_pool, of what is not there", () => {
  it("calls it a problem, once", async () => {
    const harness = await openHarness();
    const { world } = harness.sandbox;
    withoutPool(harness, "backend");
    const id = "apis/azure-openai/policies/policy";
    world.put(id, { format: "rawxml", value: String(world.get(id)?.properties.value).replace('"aoai-eastus"', '"gone"') });
    const { text } = await harness.client.call("get_backend_pool", { api_id: "azure-openai" });
    expect(text).toContain("Problem missing_backend: Backend 'gone' does not exist");
    expect(text.match(/does not exist/g)).toHaveLength(1);
  });
});

describe("update_backend_pool", () => {
  it("adds a second region: shares, the worst case and who could carry it are in the plan", async () => {
    const { ask } = await openHarness();
    const { summary, warnings, manual_steps } = await ask(updateBackendPool, secondRegion);
    expect(summary).toContain("Shares now: aoai-eastus 100 %; then: aoai-eastus 100 %, aoai-westeurope 0 %.");
    expect(summary).toContain(
      "up to 5 errors a gateway instance before its breaker opens, 2 with one retry, plus every call already in flight, then aoai-westeurope takes 100 %.",
    );
    expect(summary).toMatch(/If aoai-eastus fails: aoai-westeurope has [\d,]+ TPM of gpt-4o for a peak of [\d,]+/);
    expect(warnings).toEqual([]);
    expect(manual_steps).toBeUndefined();
  });

  it("corrects the call that asks for a breaker on the standby alone", async () => {
    const { ask } = await openHarness();
    const { warnings, summary } = await ask(updateBackendPool, {
      api_id: "azure-openai",
      backends: [{ backend_id: "aoai-westeurope", priority: 2, circuit_breaker: breaker }],
    });
    expect(summary).toContain("no breaker opens, it keeps 100 % of the calls");
    const corrected = warnings.find((warning) => warning.includes("Corrected call")) ?? "";
    const call: Record<string, unknown> = JSON.parse(corrected.slice(corrected.indexOf("{")));
    expect(await ask(updateBackendPool, call)).toMatchObject({ status: "planned", warnings: [] });
  });

  it("makes a pool of a single backend, points the policy at it, and takes it back to the byte", async () => {
    const harness = await openHarness();
    withoutPool(harness, "backend");
    const request = {
      api_id: "azure-openai",
      pool_id: "regions",
      backends: [
        {
          backend_id: "aoai-swedencentral",
          url: "https://aoai-swedencentral.openai.azure.com/openai",
          region: "swedencentral",
          priority: 2,
        },
      ],
      policies: { circuit_breaker: breaker, session_affinity: { cookie: "s" }, failure_status: 429 },
    };
    const plan = await harness.ask(updateBackendPool, request);
    expect(plan.documents.map(({ id, action }) => `${action} ${id}`)).toEqual([
      "create backends/aoai-swedencentral",
      "update backends/aoai-eastus",
      "create backends/regions",
      "update apis/azure-openai/policies/policy",
    ]);
    expect(plan.manual_steps).toEqual([expect.stringContaining("Cognitive Services OpenAI User")]);
    await thereAndBack(harness, request, async () => {
      const { routes, findings } = await harness.ask(getBackendPool, { api_id: "azure-openai" });
      expect(routes).toMatchObject([
        {
          backend_id: "regions",
          kind: "pool",
          certainty: "certain",
          session_affinity: "s",
          failure_status: 429,
          members: [
            { backend_id: "aoai-eastus", priority: 1, credential: "managedIdentity" },
            { backend_id: "aoai-swedencentral", priority: 2, region: "Sweden Central", credential: "managedIdentity" },
          ],
        },
      ]);
      expect(findings).toEqual([]);
    });
  });

  it("points a fragment that this API alone includes at a new pool, and takes it back to the byte", async () => {
    const harness = await openHarness();
    withoutPool(harness, "backend");
    const { world } = harness.sandbox;
    const id = "apis/azure-openai/policies/policy";
    const selection = (backend: string) => `<set-backend-service backend-id="${backend}" />`;
    const choose = `<choose><when condition="@(context.Request.Headers.ContainsKey("x-s"))">${selection("aoai-westeurope")}</when><otherwise>${selection("aoai-eastus")}</otherwise></choose>`;
    world.put("policyFragments/route", { format: "rawxml", value: `<fragment>${choose}</fragment>` });
    const text = String(world.get(id)?.properties.value).replace(selection("aoai-eastus"), '<include-fragment fragment-id="route" />');
    world.put(id, { format: "rawxml", value: text });
    const request = { ...secondRegion, pool_id: "aoai-eastus" };
    const plan = await harness.ask(updateBackendPool, request);
    expect(plan.warnings.join()).toContain("Calls that come to go elsewhere: API 'azure-openai' without a product");
    await thereAndBack(harness, request, async () => {
      const { routes } = await harness.ask(getBackendPool, { api_id: "azure-openai" });
      expect(routes.map(({ backend_id, source }) => `${backend_id} ${source}`)).toEqual([
        "aoai-westeurope policyFragments/route:4",
        "aoai-eastus-pool policyFragments/route:7",
      ]);
    });
  });

  it("keeps nulls in what nobody knows, and gives them back", async () => {
    const harness = await openHarness();
    const { world } = harness.sandbox;
    const future = { a: [1, null, "z"], b: { c: null }, d: null };
    const id = "backends/aoai-eastus";
    world.put(id, { ...world.get(id)?.properties, future, properties: { serviceFabricCluster: null, other: 1 } });
    await thereAndBack(harness, secondRegion, async () => {
      expect(world.get(id)?.properties).toMatchObject({ future, properties: { serviceFabricCluster: null }, circuitBreaker: {} });
    });
  });

  it("makes a pool of the API's service URL, with a backend for it", async () => {
    const harness = await openHarness();
    withoutPool(harness, "url");
    await thereAndBack(harness, secondRegion, async () => {
      const { routes } = await harness.ask(getBackendPool, { api_id: "azure-openai" });
      expect(routes).toMatchObject([
        {
          backend_id: "aoai-central-pool",
          certainty: "certain",
          members: [{ backend_id: "aoai-central" }, { backend_id: "aoai-westeurope" }],
        },
      ]);
    });
  });

  it("asks for no role at a host that is none of Azure's, and says who gets what", async () => {
    const { ask } = await openHarness();
    const plan = await ask(updateBackendPool, {
      api_id: "azure-openai",
      backends: [{ backend_id: "far", url: "https://far.example/", priority: 2 }],
    });
    expect(plan.manual_steps).toBeUndefined();
    expect(plan.warnings.join("\n")).toContain("far.example, which is not an Azure model host");
  });
});
