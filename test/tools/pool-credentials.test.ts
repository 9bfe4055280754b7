import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { armId } from "../../src/sandbox/world.ts";
import type { PlanOutput } from "../../src/tool.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { runFailoverDrill } from "../../tools/run-failover-drill.ts";
import { undoChange } from "../../tools/undo-change.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { type Harness, openHarness } from "../harness.ts";
import { breakerOfFive, twoRegions } from "../two-regions.ts";

const api = { api_id: "azure-openai" };
const policyId = "apis/azure-openai/policies/policy";
const [east, west] = ["aoai-eastus", "aoai-westeurope"];
const identity = { managedIdentity: { resource: "https://cognitiveservices.azure.com" } };

/** The demo's service with two regions, of which West Europe has these credentials; `signedIn`: its policy signs in for both, as in the demo. */
async function regions(credentials: JsonObject, { signedIn = false, pool = twoRegions } = {}): Promise<Harness> {
  const harness = await openHarness({ logs: false });
  const { world } = harness.sandbox;
  for (const [id, own] of [
    [east, identity],
    [west, credentials],
  ] as const) {
    world.put(`backends/${id}`, { ...world.get(`backends/${id}`)?.properties, credentials: own, circuitBreaker: breakerOfFive() });
  }
  world.put("backends/aoai-pool", pool);
  if (!signedIn) {
    const text = String(world.get(policyId)?.properties.value);
    world.put(policyId, { format: "rawxml", value: text.replace(/\s*<include-fragment [^>]*>/, "") });
  }
  return harness;
}

const objection = ({ guards }: PlanOutput): string | undefined =>
  guards.find(({ name, verdict }) => name === "auth_removed" && verdict === "blocked")?.message;

describe("calls that are signed in today stay so", () => {
  const raise = { backends: [{ backend_id: west, priority: 1 }] };
  it.each<[string, Record<string, unknown>, string]>([
    ["the member with credentials goes", { remove: [east] }, "100 % of its calls"],
    ["the one without comes to share", raise, "50 % of its calls"],
    [
      "it comes to the first place",
      {
        backends: [
          { backend_id: west, priority: 1 },
          { backend_id: east, priority: 2 },
        ],
      },
      "100 % of its calls",
    ],
    [
      "a new one without comes to share",
      { backends: [{ backend_id: "far", url: "https://far.openai.azure.com", priority: 1, managed_identity: false }] },
      "on to 'far'",
    ],
  ])("%s: blocked", async (_, request, said) => {
    const { ask, documents } = await regions({});
    const before = documents();
    const plan = await ask(updateBackendPool, { ...api, ...request });
    expect(plan.status).toBe("blocked");
    expect(objection(plan)).toContain(said);
    expect(documents()).toEqual(before);
  });

  it("an evacuation towards it: blocked", async () => {
    const { ask } = await regions({});
    const plan = await ask(runFailoverDrill, { ...api, backend_id: east, mode: "evacuate", subscriptions: ["growth"] });
    expect(plan.status).toBe("blocked");
    expect(objection(plan)).toContain(`on to '${west}', without credentials`);
  });

  it.each<[string, JsonObject, boolean]>([
    ["a policy signs in for both", {}, true],
    ["both have credentials", identity, false],
    ["the other has a key", { header: { "api-key": ["0123456789abcdef0123456789abcdef"] } }, false],
  ])("%s: nothing in the way", async (_, credentials, signedIn) => {
    const { ask } = await regions(credentials, { signedIn });
    for (const request of [{ remove: [east] }, raise])
      expect((await ask(updateBackendPool, { ...api, ...request })).status).toBe("planned");
    const evacuation = { ...api, backend_id: east, mode: "evacuate", subscriptions: ["growth"] };
    expect((await ask(runFailoverDrill, evacuation)).status).toBe("planned");
    const { routes, findings } = await ask(getBackendPool, api);
    expect(findings.map(({ code }) => code)).not.toContain("unequal_credentials");
    expect(String(routes[0]?.worst_case)).toMatch(/then aoai-westeurope takes 100 %\./);
  });

  it("weights are judged again when a plan is applied", async () => {
    const { ask, refuse, sandbox } = await regions(identity);
    const { plan_id, confirm } = await ask(updateBackendPool, { ...api, ...raise });
    sandbox.world.put(`backends/${west}`, { ...sandbox.world.get(`backends/${west}`)?.properties, credentials: {} });
    expect(await refuse(applyChange.name, { plan_id, confirm })).toContain("auth_removed");
  });
});

describe("a standby without credentials", () => {
  it("is warned of when it comes", async () => {
    const { ask } = await regions({}, { pool: { type: "Pool", pool: { services: [{ id: armId(`backends/${east}`), priority: 1 }] } } });
    const plan = await ask(updateBackendPool, { ...api, backends: [{ backend_id: west, priority: 2 }] });
    expect(plan.status).toBe("planned");
    expect(plan.summary).toContain("then aoai-westeurope takes 100 %, without credentials (401).");
    expect(plan.warnings.join("\n")).toContain(
      "'aoai-westeurope' sends no credential, other members do, and no policy signs in every call",
    );
  });

  it("is found, and the fix that is named mends it", async () => {
    const { ask, apply } = await regions({});
    const { routes, findings } = await ask(getBackendPool, api);
    expect(String(routes[0]?.worst_case)).toContain("then aoai-westeurope takes 100 %, without credentials (401).");
    const [finding] = findings;
    expect(finding).toMatchObject({
      code: "unequal_credentials",
      severity: "problem",
      text: expect.stringContaining("aoai-westeurope of aoai-pool sends no credential, aoai-eastus does"),
    });
    const fix: Record<string, unknown> = JSON.parse(finding?.fix.replace("update_backend_pool ", "") ?? "");
    await apply(await ask(updateBackendPool, fix));
    expect((await ask(getBackendPool, api)).findings).toEqual([]);
    expect((await ask(updateBackendPool, { ...api, remove: [east] })).status).toBe("planned");
  });
});

describe("managed_identity of an existing member", () => {
  it("is given beside its other credentials, with the role that it needs, and taken back to the byte", async () => {
    const { ask, apply, documents, sandbox } = await regions({ header: { "x-own": ["0123456789abcdef0123456789abcdef"] } });
    const before = documents();
    const plan = await ask(updateBackendPool, { ...api, backends: [{ backend_id: west, managed_identity: true, weight: 3 }] });
    expect(plan.confirm).toContain("aoai-westeurope weight 1 -> 3, managed identity");
    expect(plan.warnings.join("\n")).toContain("Backend 'aoai-westeurope' comes to authenticate with a managed identity");
    expect(plan.manual_steps).toEqual([expect.stringContaining("Cognitive Services OpenAI User")]);
    const change_id = await apply(plan);
    expect(sandbox.world.get(`backends/${west}`)?.properties.credentials).toEqual({
      header: { "x-own": ["0123456789abcdef0123456789abcdef"] },
      ...identity,
    });
    const again = await ask(updateBackendPool, { ...api, backends: [{ backend_id: west, managed_identity: true }] });
    expect(again.status).toBe("unchanged");
    await apply(await ask(undoChange, { change_id }));
    expect(documents()).toEqual(before);
  });

  it("is not taken away from calls that it signs in", async () => {
    const { ask } = await regions(identity);
    const plan = await ask(updateBackendPool, { ...api, backends: [{ backend_id: east, managed_identity: false }] });
    expect(plan.status).toBe("blocked");
    expect(objection(plan)).toContain("its credentials (managedIdentity) would be removed");
    expect(plan.documents.map(({ id }) => id)).toEqual(["backends/aoai-eastus"]);
  });

  it("at a host that is none of Azure's: says who gets the token, and asks for no role", async () => {
    const { ask, sandbox } = await regions({});
    sandbox.world.put(`backends/${west}`, { ...sandbox.world.get(`backends/${west}`)?.properties, url: "https://far.example/" });
    const plan = await ask(updateBackendPool, { ...api, backends: [{ backend_id: west, managed_identity: true }] });
    expect(plan.warnings.join("\n")).toMatch(/'aoai-westeurope': requests, and the gateway's token .* go to far\.example, which is not/);
    expect(plan.manual_steps).toBeUndefined();
  });
});
