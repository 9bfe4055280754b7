import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { describe, expect, test } from "vitest";
import { recover } from "../../src/cli/recover.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { getDrill } from "../../tools/get-drill.ts";
import { runFailoverDrill } from "../../tools/run-failover-drill.ts";
import { stopDrill } from "../../tools/stop-drill.ts";
import { openHarness } from "../harness.ts";
import { openAINote, runsOpenAI } from "../sandbox/traffic/kit.ts";
import { type DrillService, growth, openDrillService, rehearsal } from "./drill-kit.ts";

const many = <T>(times: number, value: T): readonly T[] => Array.from({ length: times }, () => value);
const timeout = 120_000;

/** Everything that serves production, as it is now. */
const kept = ({ harness }: DrillService, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...harness.documents()].filter(([path]) => before.has(path)));

describe.skipIf(!runsOpenAI)(`an evacuation under traffic${openAINote}`, { timeout }, () => {
  test("one team's calls go elsewhere, the others' do not; it ends by itself, and what it says is what the clients saw", async () => {
    const { harness, asked, begin, pass } = await openDrillService();
    const before = harness.documents();
    await pass(60);
    expect(await asked("growth", 4)).toEqual(many(4, "East US"));
    expect(await asked("analytics", 3)).toEqual(many(3, "East US"));
    await pass(60);
    const drill_id = await begin(growth);
    expect(await asked("growth", 2)).toEqual(many(2, "West Europe"));
    expect(await asked("analytics", 2)).toEqual(many(2, "East US"));
    const running = await harness.ask(getDrill, { drill_id });
    expect(running).toMatchObject({ state: "running", left_behind: [] });
    expect(running).not.toHaveProperty("verdict");
    await pass(60);
    expect(await asked("growth", 5)).toEqual(many(5, "West Europe"));
    expect(await asked("analytics", 2)).toEqual(many(2, "East US"));
    await pass(60);
    expect(harness.documents()).toEqual(before);
    expect(await asked("growth", 3)).toEqual(many(3, "East US"));
    await pass(120);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({
      state: "ended",
      from: "2026-11-20T10:02:00Z",
      until: "2026-11-20T10:04:00Z",
      verdict: "shifted",
      left_behind: [],
      traffic: {
        before: [{ backend: "aoai-eastus", requests: 4, failed: 0 }],
        starting: [{ backend: "aoai-westeurope", requests: 2, failed: 0 }],
        during: [{ backend: "aoai-westeurope", requests: 5, failed: 0 }],
        after: [{ backend: "aoai-eastus", requests: 3, failed: 0 }],
      },
    });
    // What nobody has called for stands in the audit, too.
    expect(harness.audit.filter(({ client }) => client.name === "background")).toMatchObject([
      { tool: "stop_drill", change_id: drill_id, verdict: "ok", writes: [{ answer: "accepted" }, { answer: "accepted" }] },
    ]);
  });

  test("without test calls and before the logs are in, nothing is claimed", async () => {
    const { harness, asked, begin, pass } = await openDrillService({ probes: false });
    harness.sandbox.world.settings.ingestionSeconds = 300;
    await asked("growth", 2);
    await pass(60);
    const drill_id = await begin(growth);
    await pass(60);
    await asked("growth", 4);
    await pass(61);
    const early = await harness.ask(getDrill, { drill_id });
    expect(early).toMatchObject({ state: "ended", verdict: "inconclusive" });
    await pass(900);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ verdict: "shifted", traffic: { during: [{ requests: 4 }] } });
  });

  test("the team's calls that still meet the member are a verdict, too", async () => {
    const service = await openDrillService();
    const { harness, asked, begin, pass } = service;
    await asked("growth", 2);
    await pass(60);
    const drill_id = await begin(growth);
    // Someone takes the drill's pool back to what it was.
    const { world } = harness.sandbox;
    world.put("backends/drill-without-aoai-eastus-aoai-pool", { ...world.get("backends/aoai-pool")?.properties });
    await pass(60);
    expect(await asked("growth", 3)).toEqual(many(3, "East US"));
    await pass(61);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({
      verdict: "did_not_shift",
      left_behind: [{ id: "backends/drill-without-aoai-eastus-aoai-pool" }],
    });
  });

  test("of everyone: test calls alone are evidence", async () => {
    const { harness, begin, pass } = await openDrillService({ regions: ["East US", "West Europe"] });
    const drill_id = await begin({ mode: "evacuate", override: ["all_traffic"] });
    await pass(121);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ state: "ended", verdict: "shifted", left_behind: [] });
  });

  test("stopped early: the calls are back at once", async () => {
    const { harness, asked, begin, pass } = await openDrillService();
    const before = harness.documents();
    const drill_id = await begin(growth);
    await pass(30);
    expect(await asked("growth", 2)).toEqual(many(2, "West Europe"));
    expect(await harness.ask(stopDrill, { drill_id })).toMatchObject({ state: "ended", left_behind: [] });
    expect(await asked("growth", 2)).toEqual(many(2, "East US"));
    expect(harness.documents()).toEqual(before);
    expect(harness.audit.at(-1)).toMatchObject({ tool: "stop_drill", effect: "write", verdict: "ok" });
  });
});

describe.skipIf(!runsOpenAI)(`a rehearsal under traffic${openAINote}`, { timeout }, () => {
  test("nothing of production is touched; errors, the shift, and what callers see when all fail", async () => {
    const service = await openDrillService();
    const { harness, asked, begin, pass, model } = service;
    const before = harness.documents();
    const drill_id = await begin(rehearsal);
    for (let part = 0; part < 4; part++) {
      expect(kept(service, before)).toEqual(before);
      expect(await asked("growth", 2)).toEqual(many(2, "East US"));
      await pass(30);
    }
    await pass(1);
    expect(harness.documents()).toEqual(before);
    expect(model("aoai-eastus").received).toBe(8);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer).toMatchObject({ state: "ended", verdict: "failed_over", left_behind: [] });
    // Five failures open the breaker; the policy's one retry hides half of them.
    expect(answer.means).toContain("Callers saw 2 errors, then aoai-westeurope answered (from 2026-11-20T10:00:04.000Z on).");
    expect(answer.means).toContain("With every member failing a caller gets error 503.");
    expect(answer.means).toContain("The gateway tried the failing copy again at 2026-11-20T10:01:04.000Z");
  });

  test("on three instances each has its own breaker", async () => {
    const { harness, begin, pass } = await openDrillService({ regions: many(3, "East US") });
    const drill_id = await begin(rehearsal);
    await pass(121);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer).toMatchObject({ state: "ended", verdict: "failed_over" });
    expect(answer.means).toContain("Callers saw 6 errors");
  });

  test("a failback that has no room in the drill is not shown", async () => {
    const { harness, begin, pass } = await openDrillService();
    const drill_id = await begin({ ...rehearsal, duration: "PT30S" });
    await pass(31);
    const answer = await harness.ask(getDrill, { drill_id });
    expect(answer).toMatchObject({ verdict: "failed_over" });
    expect(String(answer.not_shown)).toContain("The failback: the breaker stays open for 1 min, which the drill's 30 s had no room for.");
  });

  test("without a breaker nothing fails over, and the plan says so before", async () => {
    const { harness, plan, begin, pass } = await openDrillService();
    const { world } = harness.sandbox;
    const { circuitBreaker: _, ...rest } = world.get("backends/aoai-eastus")?.properties ?? {};
    world.put("backends/aoai-eastus", rest);
    expect((await plan(rehearsal)).warnings.join()).toContain("'aoai-eastus' has no circuit breaker");
    const drill_id = await begin(rehearsal);
    await pass(121);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ verdict: "did_not_fail_over" });
  });
});

describe.skipIf(!runsOpenAI)(`a drill under faults${openAINote}`, { timeout }, () => {
  test("nobody is left to end it: the gateway does; what is left is told, and recover takes it away", async () => {
    const { harness, asked, begin, clock, pass, surface } = await openDrillService();
    const before = harness.documents();
    const drill_id = await begin(growth);
    expect(await asked("growth", 2)).toEqual(many(2, "West Europe"));
    // Whoever looks after it waits from here on, and is never woken again.
    await pass(1);
    await clock.advance(2 * 60_000 - 1001);
    expect(await asked("growth", 2)).toEqual(many(2, "West Europe"));
    await clock.advance(1);
    expect(await asked("growth", 2)).toEqual(many(2, "East US"));
    const left = await harness.ask(getDrill, { drill_id });
    expect(left).toMatchObject({
      state: "cleaning_up",
      left_behind: [{ id: "backends/drill-without-aoai-eastus-aoai-pool" }, { id: "apis/azure-openai/policies/policy" }],
    });
    expect(left).not.toHaveProperty("verdict");
    const printed: string[] = [];
    const options = {
      surface: surface(),
      operands: [],
      json: false,
      signal: new AbortController().signal,
      out: (text: string) => printed.push(text),
    };
    expect(await recover(options)).toBe(0);
    expect(printed.join("")).toContain(drill_id);
    expect(harness.documents()).toEqual(before);
    expect(await recover(options)).toBe(0);
    expect(printed.at(-1)).toBe("Nothing is left behind on sandbox.\n");
  });

  test("the client goes: the drill goes on to its end", async () => {
    const { harness, plan, pass, watch } = await openDrillService();
    const before = harness.documents();
    const client = new Client({ name: "another", version: "1.0.0" });
    await harness.join(client);
    const { plan_id, confirm } = await plan(growth);
    const { structuredContent } = await client.callTool({ name: applyChange.name, arguments: { plan_id, confirm } });
    await client.close();
    const drill_id = String(applyChange.output.parse(structuredContent).drill_id);
    watch(drill_id);
    await pass(60);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ state: "running" });
    await pass(60);
    await settledDrill(harness, drill_id);
    expect(harness.documents()).toEqual(before);
  });

  test("Azure throttles the clean-up: it is done a little later", async () => {
    const { harness, begin, pass } = await openDrillService();
    const before = harness.documents();
    const drill_id = await begin(growth);
    await pass(110);
    const refused = {
      kind: "answer",
      status: 429,
      headers: { "retry-after": "1" },
      body: { error: { code: "TooManyRequests", message: "later" } },
    } as const;
    harness.sandbox.world.faults.add({ method: "PUT", times: 2, outcome: refused });
    await pass(11);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ state: "cleaning_up" });
    await pass(60);
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({ state: "ended", left_behind: [] });
    expect(harness.documents()).toEqual(before);
  });

  test("the clock jumps: the drill is over, and cleaned up at the next look", async () => {
    const { harness, asked, begin, clock, pass } = await openDrillService();
    const before = harness.documents();
    await begin(growth);
    await clock.advance(60 * 60_000);
    expect(await asked("growth", 2)).toEqual(many(2, "East US"));
    await pass(1);
    expect(harness.documents()).toEqual(before);
  });

  test("someone edits the policy meanwhile: it stays as they have it, and no longer acts", async () => {
    const { harness, asked, begin, pass } = await openDrillService();
    const drill_id = await begin(growth);
    const { world } = harness.sandbox;
    const path = "apis/azure-openai/policies/policy";
    const theirs = String(world.get(path)?.properties.value).replace("<inbound>", "<inbound>\n        <!-- theirs -->");
    world.put(path, { format: "rawxml", value: theirs });
    await pass(121);
    expect(world.get(path)?.properties.value).toContain("<!-- theirs -->");
    expect(await asked("growth", 2)).toEqual(many(2, "East US"));
    expect(await harness.ask(getDrill, { drill_id })).toMatchObject({
      state: "ended",
      left_behind: [{ id: "backends/drill-without-aoai-eastus-aoai-pool" }, { id: path }],
    });
  });
});

/** Whoever looks after a drill of another client is not waited for by `pass`. */
async function settledDrill(harness: DrillService["harness"], drill_id: string): Promise<void> {
  for (;;) if ((await harness.ask(getDrill, { drill_id })).state === "ended") return;
}

describe("a drill's plan", () => {
  test("everyone at once, and credentials to another's origin, need an operator that allows it", async () => {
    const { plan } = await openDrillService({ env: { AIGW_ALLOW_OVERRIDE: "" } });
    const everyone = await plan({ mode: "evacuate", override: ["all_traffic"] });
    expect([everyone.status, everyone.guards.find(({ verdict }) => verdict === "blocked")?.name]).toEqual(["blocked", "all_traffic"]);
    const credentials = await plan({});
    expect(credentials.status).toBe("blocked");
    expect(credentials.guards.find(({ verdict }) => verdict === "blocked")).toMatchObject({
      name: "credential_to_fault_origin",
      message: expect.stringContaining("authentication-managed-identity (policyFragments/aoai-auth, line 3)"),
    });
  });

  test("says what is confirmed: the duration, whom it concerns, and the clean-up", async () => {
    const { plan } = await openDrillService();
    const { status, confirm, affected, warnings, documents } = await plan(growth);
    expect([status, confirm, affected]).toEqual([
      "planned",
      "sandbox: drill for 2 min: evacuate aoai-eastus in API azure-openai, growth",
      ["growth"],
    ]);
    expect(warnings.join()).toContain("cleaned up without another question");
    expect(documents.map(({ id, action }) => [id, action])).toEqual([
      ["backends/drill-without-aoai-eastus-aoai-pool", "create"],
      ["apis/azure-openai/policies/policy", "update"],
    ]);
    expect(documents[1]?.diff).toContain('DateTime.UtcNow < DateTime.Parse("[end of the drill]")');
  });

  const refused: readonly (readonly [what: string, input: Record<string, unknown>, said: string])[] = [
    ["a duration that is too long", { ...growth, duration: "PT61M" }, "no duration of a drill"],
    ["a duration that is none", { ...growth, duration: "2 minutes" }, "PT1S to PT1H"],
    ["a backend that there is not", { ...growth, backend_id: "aoai-eastus2" }, "aoai-eastus"],
    ["a backend that is in no pool of the API", { ...growth, backend_id: "aoai-pool" }, "no pool that has 'aoai-pool'"],
    ["a subscription that there is not", { ...growth, subscriptions: ["grwth"] }, "growth"],
    ["subscriptions of a rehearsal", { subscriptions: ["growth"] }, "concerns no subscription"],
  ];
  test.each(refused)("refuses %s", async (_, input, said) => {
    const { harness } = await openDrillService();
    expect(await harness.refuse(runFailoverDrill.name, { api_id: "azure-openai", backend_id: "aoai-eastus", ...input })).toContain(said);
  });

  test("a pool's only member cannot be taken away", async () => {
    const { refuse } = await openHarness();
    const input = { api_id: "azure-openai", backend_id: "aoai-eastus", mode: "evacuate", subscriptions: ["growth"] };
    expect(await refuse(runFailoverDrill.name, input)).toContain("is the only member");
  });

  test("a rehearsal needs a fault origin and a test key", async () => {
    const { harness } = await openDrillService({ probes: false });
    const input = { api_id: "azure-openai", backend_id: "aoai-eastus" };
    expect(await harness.refuse(runFailoverDrill.name, input)).toContain("AIGW_PROBE_KEY is not set");
    const { refuse } = await openHarness();
    expect(await refuse(runFailoverDrill.name, input)).toMatch(/AIGW_FAULT_URL|only member/);
  });

  test("two drills of one member do not run at once", async () => {
    const { harness, begin } = await openDrillService();
    await begin(growth);
    const input = { api_id: "azure-openai", backend_id: "aoai-eastus", ...growth };
    expect(await harness.refuse(runFailoverDrill.name, input)).toContain("Another drill of this pool runs");
  });

  test("read-only: planned and shown, never started or stopped", async () => {
    const { harness, plan } = await openDrillService({ env: { AIGW_READ_ONLY: "true" } });
    expect((await plan(growth)).status).toBe("planned");
    expect(await harness.client.toolNames()).not.toContain("stop_drill");
    expect(await harness.refuse("stop_drill", { drill_id: "chg-1" })).toContain("only reads and plans");
  });
});
