import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/gateway/documents.ts";
import type { Behaviour } from "../../src/sandbox/models/script.ts";
import { armId } from "../../src/sandbox/world.ts";
import { renderDrill } from "../../src/tool.ts";
import { getDrill } from "../../tools/get-drill.ts";
import { stopDrill } from "../../tools/stop-drill.ts";
import { type DrillService, growth, openDrillService, rehearsal } from "./drill-kit.ts";

const timeout = 120_000;

type Entry = readonly [backendId: string, priority: number, weight: number];

/** A change to the service before its drill. */
type Setting = (service: DrillService) => void;

const pool =
  (...entries: readonly Entry[]): Setting =>
  ({ harness }) =>
    harness.sandbox.world.put("backends/aoai-pool", {
      type: "Pool",
      pool: { services: entries.map(([id, priority, weight]) => ({ id: armId(`backends/${id}`), priority, weight })) },
    });

/** East US's and West Europe's share of the calls. */
const weights = (east: number, west: number): Setting => pool(["aoai-eastus", 1, east], ["aoai-westeurope", 1, west]);

const withoutBreakers: Setting = ({ harness: { sandbox } }) => {
  for (const id of ["aoai-eastus", "aoai-westeurope"]) {
    const { circuitBreaker: _, ...rest } = sandbox.world.get(`backends/${id}`)?.properties ?? {};
    sandbox.world.put(`backends/${id}`, rest);
  }
};

const tripping =
  (tripDuration: string, codes: JsonObject = { min: 500, max: 599 }): Setting =>
  ({ harness: { sandbox } }) => {
    const { world } = sandbox;
    const rule = { name: "r", failureCondition: { count: 5, interval: "PT1M", statusCodeRanges: [codes] }, tripDuration };
    world.put("backends/aoai-eastus", { ...world.get("backends/aoai-eastus")?.properties, circuitBreaker: { rules: [rule] } });
  };

const west =
  (behaviour: Behaviour): Setting =>
  ({ model }) =>
    model("aoai-westeurope").script.add({ behaviour });

const westFor =
  (times: number, behaviour: Behaviour): Setting =>
  ({ model }) =>
    model("aoai-westeurope").script.add({ behaviour, times });

const apiPolicy = "apis/azure-openai/policies/policy";

const edited =
  (change: (text: string) => string): Setting =>
  ({ harness: { sandbox } }) => {
    const { value } = sandbox.world.get(apiPolicy)?.properties ?? {};
    sandbox.world.put(apiPolicy, { format: "rawxml", value: change(String(value)) });
  };

const retries = (count: number): Setting => edited((text) => text.replace('count="1"', `count="${count}"`));
const limited = edited((text) =>
  text.replace("<base />", '<base />\n        <rate-limit-by-key calls="5" renewal-period="300" counter-key="all" />'),
);

describe("a rehearsal's verdict", { timeout }, () => {
  const cases: readonly (readonly [
    what: string,
    settings: readonly Setting[],
    verdict: string,
    said: readonly RegExp[],
    more?: Readonly<Record<string, unknown>>,
  ])[] = [
    ["priorities and a breaker", [], "failed_over", [/Callers saw 2 errors.*called 5 times/]],
    ["no retry", [retries(0)], "failed_over", [/Callers saw 5 errors, then aoai-westeurope/]],
    ["retries that hide everything", [retries(5)], "failed_over", [/Callers saw 0 errors.*called 5 times.*again at/]],
    [
      "equal weights: retries hide every failure, and the failback is seen all the same",
      [weights(50, 50)],
      "failed_over",
      [/Callers saw 0 errors.*called 5 times.*tried the failing copy again at/],
    ],
    ["no breakers, 90/10", [withoutBreakers, weights(10, 90)], "did_not_fail_over", [/Without a circuit breaker/]],
    ["no breakers, 75/25", [withoutBreakers, weights(25, 75)], "did_not_fail_over", [/Without a circuit breaker/]],
    ["no breakers, 50/50", [withoutBreakers, weights(50, 50)], "did_not_fail_over", [/Without a circuit breaker/]],
    ["no breakers, priorities", [withoutBreakers], "did_not_fail_over", [/60 test calls met/]],
    ["too few failures for the breaker, 90/10", [weights(10, 90)], "inconclusive", [/its breaker opens after 5 failures in 1 min/]],
    ["a breaker that another status opens", [tripping("PT1M", { min: 429, max: 429 })], "did_not_fail_over", [/more tries met/]],
    ["the standby", [], "inconclusive", [/gets calls only once those of a higher priority are out/], { backend_id: "aoai-westeurope" }],
    ["a survivor's 429", [west({ kind: "throttle", retryAfterSeconds: 1 })], "inconclusive", [/Others did not take over.*429/]],
    [
      "a survivor's 404",
      [west({ kind: "status", status: 404 })],
      "did_not_fail_over",
      [/those who were to take over refuse.*met 404.*aoai-westeurope/],
    ],
    [
      "a survivor's 401",
      [west({ kind: "status", status: 401 })],
      "did_not_fail_over",
      [/those who were to take over refuse.*met 401.*aoai-westeurope/],
    ],
    [
      "a survivor's 401, and breakers that close again soon",
      [west({ kind: "status", status: 401 }), tripping("PT20S")],
      "did_not_fail_over",
      [/met 401/],
    ],
    [
      "a survivor's 401 and no breaker",
      [west({ kind: "status", status: 401 }), withoutBreakers],
      "did_not_fail_over",
      [/Without a circuit/],
    ],
    ["a survivor's 401 of its first calls alone", [westFor(3, { kind: "status", status: 401 })], "failed_over", [/then aoai-westeurope/]],
    ["a survivor's 500", [west({ kind: "status", status: 500 })], "inconclusive", [/Others did not take over.*500/]],
    ["a limit that refuses test calls", [limited], "inconclusive", [/5\d of 60 test calls were refused.*429/]],
    ["an early end", [], "inconclusive", [/.+/], { duration: "PT2S" }],
    ["no room for the failback", [tripping("PT5M")], "failed_over", [/.+/]],
  ];
  test.for(cases)("%s", async ([_, settings, verdict, said, more = {}]) => {
    const service = await openDrillService();
    for (const set of settings) set(service);
    const { harness, begin, pass } = service;
    const before = harness.documents();
    const drill_id = await begin({ ...rehearsal, ...more });
    await pass(121);
    const answer = await harness.ask(getDrill, { drill_id });
    expect([answer.state, answer.verdict, answer.means]).toEqual(["ended", verdict, expect.anything()]);
    for (const words of said) expect(answer.means).toMatch(words);
    expect(harness.documents()).toEqual(before);
  });

  test("a key that the gateway does not know", async () => {
    const { harness, begin, pass } = await openDrillService({ env: { AIGW_PROBE_KEY: "none-of-this-service" } });
    const drill_id = await begin(rehearsal);
    await pass(121);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer.verdict).toBe("inconclusive");
    expect(answer.means).toMatch(/60 of 60 test calls were refused before a backend, with 401.*AIGW_PROBE_KEY/);
  });

  test("an origin that fails with the member's region: no claim about the member", async () => {
    const { harness, begin, pass } = await openDrillService({
      env: { AIGW_FAULT_URL: "https://elsewhere-eastus.openai.azure.com/openai" },
    });
    const { world } = harness.sandbox;
    world.put("backends/elsewhere", { url: "https://elsewhere-eastus.openai.azure.com/openai", protocol: "http", azureRegion: "eastus" });
    const { models } = await harness.sandbox.dataPlane();
    models.of("elsewhere")?.script.add({ behaviour: { kind: "status", status: 503 } });
    const drill_id = await begin(rehearsal);
    await pass(121);
    const { verdict, means, timeline } = await harness.ask(getDrill, { drill_id });
    expect([verdict, means]).toEqual(["inconclusive", expect.anything()]);
    expect(means).toMatch(/test calls met a backend in the region of 'aoai-eastus': whether that is the failing copy's origin/);
    expect(JSON.stringify(timeline)).not.toMatch(/test calls?: [^"]*aoai-eastus/);
  });

  test("stopped after the shift: the failback is not shown because of that, and its times are those that it had", async () => {
    const { harness, begin, pass } = await openDrillService();
    const drill_id = await begin(rehearsal);
    await pass(30);
    const stopped = await harness.ask(stopDrill, { drill_id });
    expect(stopped).toMatchObject({
      verdict: "failed_over",
      from: "2026-11-20T10:00:00Z",
      until: "2026-11-20T10:00:30.000Z",
      planned_until: "2026-11-20T10:02:00Z",
    });
    expect(String(stopped.not_shown)).toContain("stays open for 1 min, and the drill was stopped before that was over");
    expect(String(stopped.not_shown)).not.toContain("no room");
    expect(renderDrill(stopped)).toContain("until 2026-11-20T10:00:30.000Z, stopped; it was to end at 2026-11-20T10:02:00Z");
    const { until: _, planned_until, ...whole } = await harness.ask(getDrill, { drill_id });
    expect([planned_until, whole.from]).toEqual(["2026-11-20T10:02:00Z", "2026-11-20T10:00:00Z"]);
  });

  test("stopped early, with what stopping took away", async () => {
    const { harness, begin, pass } = await openDrillService();
    const drill_id = await begin(rehearsal);
    await pass(2);
    const stopped = await harness.ask(stopDrill, { drill_id });
    expect(stopped).toMatchObject({ verdict: "inconclusive" });
    expect(stopped.means).toContain("stopped before its time");
    expect(stopped.removed).toContain("backends/drill-failing-aoai-eastus");
  });

  test("a failback that nobody met, though there was room, is told so", async () => {
    const service = await openDrillService();
    tripping("PT50S")(service);
    const { harness, begin, pass } = service;
    const drill_id = await begin(rehearsal);
    await pass(30);
    // From now on the copy answers nobody: its pool has lost it.
    const path = "backends/drill-one-failing-aoai-eastus-aoai-pool";
    const one = { type: "Pool", pool: { services: [{ id: armId("backends/aoai-westeurope") }] } };
    harness.sandbox.world.put(path, one);
    await pass(91);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(String(answer.not_shown)).toContain("no test call is known to have met the failing copy after that");
  });
});

/** Calls with a team's key, one after the other. */
async function call({ harness }: DrillService, team: string, times: number): Promise<readonly number[]> {
  const gateway = await harness.sandbox.gateway();
  const statuses: number[] = [];
  while (statuses.length < times) {
    const request = new Request("https://sandbox.azure-api.net/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {
      method: "POST",
      headers: { "content-type": "application/json", "api-key": harness.sandbox.keys()[team] ?? "" },
      body: JSON.stringify({ messages: [{ role: "user", content: "hi" }] }),
    });
    const response = await gateway.fetch(request);
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}

describe("an evacuation's verdict", { timeout }, () => {
  test("calls that the others fail, and those for which none is left, are counted", async () => {
    const service = await openDrillService();
    const { harness, begin, pass } = service;
    await call(service, "growth", 3);
    await pass(60);
    const drill_id = await begin(growth);
    await pass(40);
    west({ kind: "status", status: 500 })(service);
    const statuses = await call(service, "growth", 20);
    expect(new Set(statuses)).toEqual(new Set([500, 503]));
    await pass(400);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer.verdict).toBe("inconclusive");
    expect(answer.means).toMatch(/none of 20 calls went to 'aoai-eastus'.*no backend 1\d.*20 of them failed.*did not carry/);
  });

  const refusing = async (status: number, before: number, during: number) => {
    const service = await openDrillService();
    const { harness, begin, pass, model } = service;
    model("aoai-eastus").script.add({ behaviour: { kind: "status", status }, times: before });
    await call(service, "growth", 10);
    await pass(60);
    const drill_id = await begin(growth);
    await pass(40);
    model("aoai-westeurope").script.add({ behaviour: { kind: "status", status }, times: during });
    await call(service, "growth", 10);
    await pass(400);
    return harness.ask(getDrill, { drill_id });
  };

  // The policy's one retry takes two of the statuses on which it retries for each failure that its caller sees.
  test.for([401, 403, 404, 408])("a survivor that answers %d to all: not shifted, and each of them counts", async (status) => {
    const { verdict, means, traffic } = await refusing(status, 0, 1000);
    expect([verdict, means]).toEqual(["inconclusive", expect.stringContaining("10 of them failed: the others did not carry")]);
    expect(traffic).toMatchObject({ during: [{ backend: "aoai-westeurope", requests: 10, failed: 10 }] });
  });

  test("what callers do wrong counts only beyond what they did before", async () => {
    const usual = await refusing(400, 10, 8);
    expect([usual.verdict, usual.means]).toEqual(["shifted", expect.stringContaining("; 0 of them failed")]);
    expect(usual.traffic).toMatchObject({ during: [{ requests: 10, failed: 0, refused: { 400: 8 } }] });
    const more = await refusing(400, 1, 8);
    expect([more.verdict, more.means]).toEqual(["inconclusive", expect.stringContaining("; 7 of them failed")]);
  });

  test("what failed as much before is said", async () => {
    const { means } = await refusing(404, 10, 10);
    expect(means).toContain("went to 'aoai-eastus', and 10 failed.");
  });

  const slowly = edited((text) =>
    text.replace("<base />", '<base /><retry condition="@(true)" count="1" interval="2"><set-variable name="w" value="1" /></retry>'),
  );

  test("a call that is under way when it ends may choose behind its end, and counts for nothing", async () => {
    const service = await openDrillService();
    const { harness, begin, pass, clock } = service;
    await call(service, "growth", 3);
    await pass(60);
    const drill_id = await begin(growth);
    await pass(60);
    await call(service, "growth", 4);
    slowly(service);
    await pass(59);
    const { received } = service.model("aoai-eastus");
    const late = call(service, "growth", 1);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((done) => setImmediate(done));
    await pass(2);
    await clock.advance(2000);
    expect(await late).toEqual([200]);
    expect(service.model("aoai-eastus").received).toBe(received + 1);
    await pass(400);
    const answer = await harness.ask(getDrill, { drill_id });
    expect([answer.verdict, answer.means]).toEqual(["shifted", expect.stringContaining("none of 4 calls")]);
    expect(answer.traffic).toMatchObject({ ending: [{ backend: "aoai-eastus", requests: 1 }] });
    expect(renderDrill(answer)).toContain("In the logs, begun in it and answered behind its end (not counted):");
  });

  test("each part of the logs says what it is", async () => {
    const service = await openDrillService();
    const { harness, begin, pass } = service;
    const drill_id = await begin(growth);
    await call(service, "growth", 3);
    await pass(400);
    expect(renderDrill(await harness.ask(getDrill, { drill_id }))).toContain(
      "In the logs, at its start, while gateways may not follow it yet (not counted):",
    );
  });

  test("a plan says of the others' quotas what it knows, and nothing else", async () => {
    const { harness, plan } = await openDrillService();
    const known = await plan(growth);
    expect([known.summary, known.warnings.join()]).toEqual([
      expect.stringMatching(/Without aoai-eastus.*aoai-westeurope has/),
      expect.not.stringContaining("not checked"),
    ]);
    expect(harness.audit.length).toBeGreaterThan(0);
  });

  test("calls while gateways were following it are not said not to be", async () => {
    const service = await openDrillService();
    const { harness, begin, pass } = service;
    const drill_id = await begin(growth);
    await call(service, "growth", 3);
    await pass(400);
    expect((await harness.ask(getDrill, { drill_id })).means).toContain("made 3 calls while gateways were still following it");
  });

  test("logs that are not set up are not logs without calls", async () => {
    const service = await openDrillService();
    const { harness, begin, pass } = service;
    harness.sandbox.world.diagnosticSettings = [];
    const drill_id = await begin(growth);
    await pass(40);
    await call(service, "growth", 3);
    await pass(400);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer.verdict).toBe("inconclusive");
    expect(answer.means).toMatch(/logs are not set up.*No diagnostic setting/);
  });

  test("of a team: no test call is made with another's key, and the plan says so", async () => {
    const { harness, plan, begin, pass, model } = await openDrillService();
    expect((await plan(growth)).warnings.join()).toContain("No test call is made");
    await begin(growth);
    await pass(121);
    expect([model("aoai-eastus").received, model("aoai-westeurope").received]).toEqual([0, 0]);
    expect(harness.audit.length).toBeGreaterThan(0);
  });

  test("of everyone: the drill's own calls are no others'", async () => {
    const service = await openDrillService();
    const { harness, begin, pass } = service;
    await call(service, "growth", 2);
    await pass(60);
    const alone = await begin({ mode: "evacuate", override: ["all_traffic"] });
    await pass(400);
    const first = await harness.ask(getDrill, { drill_id: alone });
    expect(first.verdict).toBe("shifted");
    expect(first.means).toMatch(/^Other members answered \d+ of \d+ test calls/);
    await call(service, "growth", 2);
    await pass(60);
    const busy = await begin({ mode: "evacuate", override: ["all_traffic"] });
    await pass(60);
    await call(service, "growth", 7);
    await pass(400);
    const second = await harness.ask(getDrill, { drill_id: busy });
    expect(second.verdict).toBe("shifted");
    expect(second.means).toMatch(/none of 7 calls \(and \d+ test calls of the drill itself\)/);
  });
});
