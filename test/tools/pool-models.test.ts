import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { type MovableClock, movableClock } from "../../src/sandbox/clock.ts";
import type { Deployment } from "../../src/sandbox/models/deployments.ts";
import { faultOriginUrl } from "../../src/sandbox/models/fault-origin.ts";
import { armId } from "../../src/sandbox/world.ts";
import { getBackendPool } from "../../tools/get-backend-pool.ts";
import { runFailoverDrill } from "../../tools/run-failover-drill.ts";
import { updateBackendPool } from "../../tools/update-backend-pool.ts";
import { type Harness, type HarnessOptions, openHarness } from "../harness.ts";
import { breakerOfFive, twoRegions } from "../two-regions.ts";

const api = { api_id: "azure-openai" };
const chat: Deployment = {
  name: "gpt-4o",
  model: "gpt-4o",
  version: "2024-11-20",
  kind: "chat",
  tokensPerMinute: 400_000,
  requestsPerMinute: 2400,
};

/** The demo's service, of which West Europe stands by for East US where `regions` is two. */
async function open(count: 1 | 2, options: HarnessOptions = {}): Promise<Harness> {
  const harness = await openHarness(options);
  const { world } = harness.sandbox;
  if (count === 2) {
    for (const id of ["aoai-eastus", "aoai-westeurope"]) {
      world.put(`backends/${id}`, { ...world.get(`backends/${id}`)?.properties, circuitBreaker: breakerOfFive() });
    }
    world.put("backends/aoai-pool", twoRegions);
  }
  return harness;
}

async function model({ sandbox }: Harness, backendId: string) {
  const found = (await sandbox.dataPlane()).models.of(backendId);
  if (found === undefined) throw new Error(`no model behind ${backendId}`);
  return found;
}

const deploy = async (harness: Harness, backendId: string, deployments: readonly Deployment[]) =>
  (await model(harness, backendId)).deployments.set(deployments);

describe("get_backend_pool, of models", () => {
  it("shows what each account has deployed, with the deployment's own limits", async () => {
    const harness = await open(1);
    await deploy(harness, "aoai-eastus", [chat, { ...chat, name: "answers", sku: "Standard" }]);
    const { routes, notes } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members[0]?.deployments).toEqual([
      { name: "gpt-4o", model: "gpt-4o", version: "2024-11-20", sku: "GlobalStandard", tpm: 400_000, rpm: 2400 },
      { name: "answers", model: "gpt-4o", version: "2024-11-20", sku: "Standard", tpm: 400_000, rpm: 2400 },
    ]);
    expect(notes).toEqual([]);
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toContain(
      "aoai-eastus serves: gpt-4o (2024-11-20, GlobalStandard, 400000 tpm, 2400 rpm), answers (gpt-4o 2024-11-20, Standard, 400000 tpm, 2400 rpm)",
    );
  });

  it("names five deployments, counts the others, and shows of a pinned one that alone", async () => {
    const harness = await open(1);
    const names = Array.from({ length: 7 }, (_, index) => `d${index}`);
    await deploy(
      harness,
      "aoai-eastus",
      names.map((name) => ({ ...chat, name })),
    );
    const { routes } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members[0]).toMatchObject({ deployments_left_out: 2, deployments: names.slice(0, 5).map((name) => ({ name })) });
    const { world } = harness.sandbox;
    const url = "https://aoai-eastus.openai.azure.com/openai/deployments/D6";
    world.put("backends/aoai-eastus", { ...world.get("backends/aoai-eastus")?.properties, url });
    const pinned = await harness.ask(getBackendPool, api);
    expect(pinned.routes[0]?.members[0]?.deployments).toMatchObject([{ name: "d6" }]);
  });

  it("finds nothing where both regions serve the same, and names them in one line", async () => {
    const harness = await open(2);
    const { findings, notes } = await harness.ask(getBackendPool, api);
    expect({ findings, notes }).toEqual({ findings: [], notes: [] });
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toMatch(/^aoai-eastus, aoai-westeurope serve: gpt-4o \(/m);
    expect(countTokens(text)).toBeLessThanOrEqual(400);
  });

  it("finds another version and a missing deployment", async () => {
    const harness = await open(2);
    await deploy(harness, "aoai-eastus", [chat, { ...chat, name: "o3", model: "o3" }]);
    await deploy(harness, "aoai-westeurope", [{ ...chat, version: "2024-08-06" }]);
    const { findings } = await harness.ask(getBackendPool, api);
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(["problem different_models", "advice missing_deployment"]);
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toContain("deployment 'gpt-4o' is gpt-4o 2024-11-20 at aoai-eastus, gpt-4o 2024-08-06 at aoai-westeurope");
    expect(text).toContain("aoai-westeurope has no deployment 'o3'");
  });

  it("calls unknown what it may not read, says which role, and finds nothing of it", async () => {
    const harness = await open(2);
    const west = await model(harness, "aoai-westeurope");
    west.isReadable = false;
    const { routes, findings, notes } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members.map(({ deployments }) => deployments)).toMatchObject([[{ name: "gpt-4o" }, {}], "unknown"]);
    expect(findings).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(/^Models unknown of aoai-westeurope: no account .* az role assignment create .*--role Reader/),
    ]);
  });

  it("says nothing of the models of a member that does not exist: that is a finding already", async () => {
    const harness = await open(2);
    harness.sandbox.world.put("backends/aoai-pool", {
      type: "Pool",
      pool: { services: [{ id: "/backends/aoai-eastus" }, { id: "/backends/gone" }] },
    });
    const { routes, findings, notes } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members.map(({ deployments }) => deployments)).toMatchObject([[{ name: "gpt-4o" }, {}], "unknown"]);
    expect(findings.map(({ code }) => code)).toContain("missing_backend");
    expect(notes).toEqual([]);
  });

  it("calls a standby that serves nothing of what is asked for a problem, and says so of the worst case", async () => {
    const harness = await open(2);
    await deploy(harness, "aoai-westeurope", [{ ...chat, name: "other" }]);
    const { findings, routes } = await harness.ask(getBackendPool, api);
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(["problem missing_deployment"]);
    expect(String(routes[0]?.worst_case)).toContain("then aoai-westeurope takes 100 %, without the deployments (404).");
    await deploy(harness, "aoai-westeurope", [chat]);
    const some = await harness.ask(getBackendPool, api);
    expect(some.findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(["advice missing_deployment"]);
    expect(String(some.routes[0]?.worst_case)).toContain("then aoai-westeurope takes 100 %.");
  });

  it("shows the model and the limits behind a URL that an API goes to", async () => {
    const harness = await open(1);
    await deploy(harness, "aoai-eastus", [chat, { ...chat, name: "mini", model: "gpt-4o-mini", version: "2024-07-18" }]);
    const route = (url: string) => {
      const value = `<policies><inbound><base /><set-backend-service base-url="${url}" /></inbound></policies>`;
      harness.sandbox.world.put("apis/azure-openai/policies/policy", { format: "rawxml", value });
    };
    route("https://aoai-eastus.openai.azure.com/openai/deployments/mini");
    const { routes } = await harness.ask(getBackendPool, api);
    expect(routes).toMatchObject([{ kind: "url", deployments: [{ name: "mini", model: "gpt-4o-mini", tpm: 400_000, rpm: 2400 }] }]);
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toContain("The URL serves: mini (gpt-4o-mini 2024-07-18, GlobalStandard, 400000 tpm, 2400 rpm)");
    route("https://unseen.openai.azure.com/openai");
    const unseen = await harness.ask(getBackendPool, api);
    expect(unseen.routes).toMatchObject([{ deployments: "unknown" }]);
    expect(unseen.notes.join()).toContain("no account that this server may read is at unseen.openai.azure.com");
    route("https://far.example/");
    const far = await harness.ask(getBackendPool, api);
    expect([far.routes[0]?.deployments, far.notes]).toEqual([undefined, []]);
  });

  it("names the role that reads accounts where Azure Resource Graph refuses", async () => {
    const harness = await open(2);
    const message =
      "The client 'x' with object id '00000000-0000-0000-0000-000000000001' does not have authorization to perform action 'Microsoft.ResourceGraph/resources/read' over scope '/subscriptions/s'.";
    const body = { error: { code: "AuthorizationFailed", message } };
    harness.sandbox.world.faults.add({ path: /ResourceGraph/i, times: 100, outcome: { kind: "answer", status: 403, body } });
    const { notes } = await harness.ask(getBackendPool, api);
    expect(notes.join()).toContain('--role "Reader" --scope "/subscriptions/s"');
  });

  it.each([403, 500])("answers where Azure Resource Graph says %d", async (status) => {
    const harness = await open(2);
    harness.sandbox.world.faults.add({ path: /ResourceGraph/i, times: 100, outcome: { kind: "answer", status } });
    const { routes, findings, notes } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members.map(({ deployments }) => deployments)).toEqual(["unknown", "unknown"]);
    expect(findings).toEqual([]);
    expect(notes.join()).toContain("the accounts cannot be read");
  });
});

describe("get_backend_pool, of observed shares", () => {
  it("asks no logs where one backend gets everything, and stays within 500 tokens", async () => {
    const harness = await open(1, { env: { AIGW_LOGS_ENDPOINT: "" } });
    const { structured, text } = await harness.client.call("get_backend_pool", api);
    expect(countTokens(JSON.stringify(structured))).toBeLessThanOrEqual(500);
    expect(countTokens(text)).toBeLessThanOrEqual(500);
    expect(structured).not.toHaveProperty("observed");
    expect(structured.notes).toEqual([]);
  });

  it("shows who has answered the last hour's calls, and until when the logs are complete", async () => {
    const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
    const harness = await open(2, { clock });
    const { routes, observed } = await harness.ask(getBackendPool, api);
    expect(routes[0]?.members.map(({ share_percent, observed_percent }) => [share_percent, observed_percent])).toEqual([
      [100, 100],
      [0, 0],
    ]);
    expect(observed?.calls).toBeGreaterThan(0);
    const [since, until] = [new Date(observed?.since ?? ""), new Date(observed?.until ?? "")];
    expect(until.getTime() - since.getTime()).toBe(3_600_000);
    expect(until <= clock.now()).toBe(true);
  });

  it("shows the shift that a failing primary causes, where the computed share stays", async () => {
    const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
    const harness = await open(2, { clock });
    (await model(harness, "aoai-eastus")).script.add({ behaviour: { kind: "status", status: 503 } });
    await calls(harness, clock, 30);
    await clock.advance(15 * 60_000);
    const { routes } = await harness.ask(getBackendPool, api);
    const [east, west] = routes[0]?.members ?? [];
    expect([east?.share_percent, west?.share_percent]).toEqual([100, 0]);
    expect(Number(west?.observed_percent)).toBeGreaterThan(0);
    expect(Number(east?.observed_percent) + Number(west?.observed_percent)).toBe(100);
  });

  it("says who gets nothing lately, while the hour's mean still looks as usual", async () => {
    const clock = movableClock(new Date("2026-11-20T10:00:00Z"));
    const harness = await open(2, { clock });
    harness.sandbox.world.put("backends/aoai-pool", {
      type: "Pool",
      pool: {
        services: ["aoai-eastus", "aoai-westeurope"].map((id, index) => ({ id: armId(`backends/${id}`), weight: 3 - 2 * index })),
      },
    });
    const id = "backends/aoai-eastus";
    harness.sandbox.world.put(id, {
      ...harness.sandbox.world.get(id)?.properties,
      circuitBreaker: breakerOfFive({ tripDuration: "PT2M" }),
    });
    await calls(harness, clock, 40);
    await clock.advance(15 * 60_000);
    const before = await harness.ask(getBackendPool, api);
    expect(before.notes).toEqual([]);
    const east = await model(harness, "aoai-eastus");
    east.script.add({ behaviour: { kind: "status", status: 503 } });
    for (let minute = 0; minute < 8; minute += 1) {
      await calls(harness, clock, 10);
      await clock.advance(50_000);
    }
    await clock.advance(2 * 60_000);
    const { routes, observed, notes } = await harness.ask(getBackendPool, api);
    const [first, second] = routes[0]?.members ?? [];
    expect([first?.share_percent, second?.share_percent]).toEqual([75, 25]);
    expect(Number(first?.observed_percent)).toBeGreaterThan(0);
    expect([first?.recent_percent, second?.recent_percent]).toEqual([0, 100]);
    expect(observed).toMatchObject({ recent_since: expect.stringMatching(/Z$/), recent_calls: expect.any(Number) });
    expect(notes).toEqual([
      expect.stringMatching(/^aoai-eastus answered none of \d+ calls from 2026-11-20T10:\d\dZ to 10:\d\dZ; why: diagnose_gateway /),
    ]);
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toMatch(/75 %, observed \d+ %, last minutes 0 %/);
  });

  it("says of equal members that a retry gets to the other, where no breaker minds a refused connection", async () => {
    const harness = await open(2);
    const { world } = harness.sandbox;
    for (const id of ["aoai-eastus", "aoai-westeurope"]) {
      world.put(`backends/${id}`, { ...world.get(`backends/${id}`)?.properties, circuitBreaker: breakerOfFive({}, { errorReasons: [] }) });
    }
    world.put("backends/aoai-pool", {
      type: "Pool",
      pool: { services: ["aoai-eastus", "aoai-westeurope"].map((id) => ({ id: armId(`backends/${id}`) })) },
    });
    const { routes, findings } = await harness.ask(getBackendPool, api);
    expect(String(routes[0]?.worst_case)).toContain(
      "Refused connections and timeouts open no breaker: aoai-eastus keeps 50 % of the tries, and a call fails only if all 2 tries of it meet aoai-eastus.",
    );
    expect(findings.map(({ code, fix }) => `${code} ${fix}`)).toEqual([
      'breaker_ignores_connection_failures update_backend_pool {"api_id":"azure-openai","pool_id":"aoai-pool","policies":{"circuit_breaker":{"error_reasons":["BackendConnectionFailure","Timeout"]}}}',
    ]);
    const { text } = await harness.client.call("get_backend_pool", api);
    expect(text).toContain("Each: circuit breaker 5 failures in PT1M on 429,500-599, open PT1M; credential managedIdentity");
  });

  it("is unknown where there are no logs to ask, with the reason", async () => {
    const harness = await open(2, { env: { AIGW_LOGS_ENDPOINT: "" } });
    const { routes, observed, notes } = await harness.ask(getBackendPool, api);
    expect(observed).toBeUndefined();
    expect(routes[0]?.members.map(({ observed_percent }) => observed_percent)).toEqual(["unknown", "unknown"]);
    expect(notes.join()).toContain("Observed shares: unknown, the logs cannot be read (not_configured)");
  });
});

describe("plans, of what the others can carry", () => {
  const addWest = { ...api, backends: [{ backend_id: "aoai-westeurope", priority: 2 }], policies: { circuit_breaker: {} } };

  it("hold the peak of the last day against the survivor's own limit", async () => {
    const harness = await open(1);
    await deploy(harness, "aoai-westeurope", [{ ...chat, tokensPerMinute: 1000 }]);
    const { summary, warnings } = await harness.ask(updateBackendPool, addWest);
    const peak = /If aoai-eastus fails: aoai-westeurope has 1,000 TPM of gpt-4o for a peak of ([\d,]*\d)/.exec(summary)?.[1];
    expect(Number(peak?.replaceAll(",", ""))).toBeGreaterThan(1000);
    expect(warnings).toContain(
      `If aoai-eastus fails: the peak of the last 24 h was ${peak} TPM of gpt-4o, the limit of aoai-westeurope is 1,000: callers would get 429.`,
    );
    await deploy(harness, "aoai-westeurope", [
      chat,
      { ...chat, name: "text-embedding-3-small", model: "text-embedding-3-small", version: "1" },
    ]);
    expect((await harness.ask(updateBackendPool, addWest)).warnings).toEqual([]);
  });

  it("hold the peak of requests against the survivor's own limit too", async () => {
    const harness = await open(1);
    await deploy(harness, "aoai-westeurope", [{ ...chat, tokensPerMinute: 100_000_000, requestsPerMinute: 1 }]);
    const { summary, warnings } = await harness.ask(updateBackendPool, addWest);
    const peak = /100,000,000 TPM of gpt-4o for a peak of [\d,]+ and 1 RPM for ([\d,]*\d)/.exec(summary)?.[1];
    expect(Number(peak)).toBeGreaterThan(1);
    expect(warnings).toContain(
      `If aoai-eastus fails: the peak of the last 24 h was ${peak} RPM of gpt-4o, the limit of aoai-westeurope is 1: callers would get 429.`,
    );
  });

  it("warn of another version of the model before the member is added", async () => {
    const harness = await open(1);
    await deploy(harness, "aoai-eastus", [chat]);
    await deploy(harness, "aoai-westeurope", [{ ...chat, version: "2024-08-06" }]);
    const { warnings } = await harness.ask(updateBackendPool, addWest);
    expect(warnings.join("\n")).toContain("gpt-4o 2024-11-20 at aoai-eastus, gpt-4o 2024-08-06 at aoai-westeurope");
  });

  it("say that it is unknown where the new member's account may not be read", async () => {
    const harness = await open(1);
    (await model(harness, "aoai-westeurope")).isReadable = false;
    const { summary, warnings } = await harness.ask(updateBackendPool, addWest);
    expect(summary).toContain("by the same models is unknown; models of aoai-westeurope: no account that this server may read");
    expect(warnings).toEqual([]);
  });

  it("say it of an evacuation, and warn where it is for all callers", async () => {
    const harness = await open(2, {
      env: ({ keys }) => ({ AIGW_ALLOW_OVERRIDE: "all_traffic", AIGW_FAULT_URL: faultOriginUrl, AIGW_PROBE_KEY: keys.master ?? "" }),
    });
    await deploy(harness, "aoai-westeurope", [{ ...chat, tokensPerMinute: 1000 }]);
    const drill = { ...api, backend_id: "aoai-eastus", mode: "evacuate" };
    const everyone = await harness.ask(runFailoverDrill, { ...drill, override: ["all_traffic"] });
    expect(everyone.summary).toContain("Without aoai-eastus: aoai-westeurope has 1,000 TPM of gpt-4o");
    expect(everyone.warnings.join("\n")).toContain("the limit of aoai-westeurope is 1,000: callers would get 429");
    const one = await harness.ask(runFailoverDrill, { ...drill, subscriptions: ["growth"] });
    expect(one.summary).toContain("Without aoai-eastus for all callers: aoai-westeurope has 1,000 TPM of gpt-4o");
    expect(one.warnings.join("\n")).not.toContain("callers would get 429");
    const rehearsal = await harness.ask(runFailoverDrill, { ...drill, mode: "rehearse" });
    expect(rehearsal.summary).not.toContain("TPM");
  });
});

async function calls({ sandbox }: Harness, clock: MovableClock, times: number): Promise<void> {
  const gateway = await sandbox.gateway();
  for (let made = 0; made < times; made += 1) {
    const answering = gateway.fetch(
      new Request("https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
        method: "POST",
        headers: { "api-key": sandbox.keys().growth ?? "", "content-type": "application/json" },
        body: JSON.stringify({ messages: [{ role: "user", content: "Say hello" }] }),
      }),
    );
    await clock.advance(1000);
    await (await answering).text();
  }
}
