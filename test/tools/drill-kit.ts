import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AzureOpenAI } from "openai";
import { onTestFinished } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import type { Surface } from "../../src/mcp/call.ts";
import { type MovableClock, movableClock } from "../../src/sandbox/clock.ts";
import type { ModelBackend } from "../../src/sandbox/models/backend.ts";
import { faultOriginUrl } from "../../src/sandbox/models/fault-origin.ts";
import { openSurface } from "../../src/surface.ts";
import type { PlanOutput } from "../../src/tool.ts";
import { applyChange } from "../../tools/apply-change.ts";
import { runFailoverDrill } from "../../tools/run-failover-drill.ts";
import { type Harness, type HarnessOptions, openHarness } from "../harness.ts";
import { ask } from "../sandbox/traffic/kit.ts";
import { breakerOfFive, twoRegions } from "../two-regions.ts";

/** Of the event loop. */
const turnsToGo = 20_000;

export const start = new Date("2026-11-20T10:00:00Z");

/** Inputs of the two kinds of drills. */
export const rehearsal = { duration: "PT2M", override: ["credential_to_fault_origin"] };
export const growth = { mode: "evacuate", duration: "PT2M", subscriptions: ["growth"] };

/** Five failures in a minute with an answer: no answer at all opens none. */
const breaker = breakerOfFive({}, { statusCodeRanges: [{ min: 500, max: 599 }], errorReasons: [] });

/** The demo service with two regions, a clock that stands still, and the teams' clients. */
export interface DrillService {
  readonly harness: Harness;
  readonly clock: MovableClock;
  /** Another process's surface on the same service and state directory. */
  surface(): Surface;
  model(backendId: string): ModelBackend;
  /** Calls of a team's `openai` client, one after the other: the region that has answered, or the error's status. */
  asked(team: string, times: number): Promise<readonly (string | number)[]>;
  /** Says that somebody looks after a drill which `begin` has not started: time then waits for them, too. */
  watch(drillId: string): void;
  /** Plans a drill and starts it; answers its id. */
  begin(input: Record<string, unknown>): Promise<string>;
  plan(input: Record<string, unknown>): Promise<PlanOutput>;
  /** Lets time go by, and whoever looks after a drill come to its turn whenever it wants to. */
  pass(seconds: number): Promise<void>;
}

export interface DrillServiceOptions extends Pick<HarnessOptions, "regions"> {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether test calls are made. */
  readonly probes?: boolean;
}

export async function openDrillService({ env = {}, probes = true, regions }: DrillServiceOptions = {}): Promise<DrillService> {
  const clock = movableClock(start);
  let gateway = "";
  let environment: Readonly<Record<string, string>> = {};
  const state = await mkdtemp(join(tmpdir(), "aigw-drills-"));
  onTestFinished(() => rm(state, { recursive: true, force: true, maxRetries: 5 }));
  const parked: { readonly due: number; readonly wake: () => void }[] = [];
  const active = new Set<string>();
  const harness = await openHarness({
    clock,
    ...(regions === undefined ? {} : { regions }),
    wait: (milliseconds) => new Promise((wake) => parked.push({ due: clock.now().getTime() + milliseconds, wake })),
    env: (address) => {
      gateway = address.gateway;
      environment = {
        AIGW_ARM_ENDPOINT: address.arm,
        AIGW_LOGS_ENDPOINT: address.logs,
        AIGW_ACCESS_TOKEN: address.token,
        AIGW_SERVICE: address.service,
        AIGW_GATEWAY_ENDPOINT: address.gateway,
        AIGW_ALLOW_OVERRIDE: "all_traffic,credential_to_fault_origin",
        AIGW_STATE: state,
        AIGW_FAULT_URL: faultOriginUrl,
        ...(probes ? { AIGW_PROBE_KEY: address.keys.master ?? "" } : {}),
        ...env,
      };
      return environment;
    },
  });
  const { sandbox } = harness;
  const { world } = sandbox;
  for (const id of ["aoai-eastus", "aoai-westeurope"]) {
    world.put(`backends/${id}`, { ...world.get(`backends/${id}`)?.properties, circuitBreaker: breaker });
  }
  world.put("backends/aoai-pool", twoRegions);
  /** Until everyone who looks after a drill waits for time to go by, or its drill is over. */
  const untilParked = async (): Promise<void> => {
    let turns = 0;
    while (parked.length < active.size) {
      await nextTurn();
      for (const id of [...active]) {
        const recorded = (record: string) => existsSync(join(state, id, `${record}.json`));
        turns += recorded("drill-ended") ? 1 : 0;
        // Who leaves something behind for good has a few more records to read before it goes.
        if (recorded("drill-cleaned") || turns > turnsToGo) active.delete(id);
      }
    }
  };
  const { models } = await sandbox.dataPlane();
  const plan = (input: Record<string, unknown>) =>
    harness.ask(runFailoverDrill, { api_id: "azure-openai", backend_id: "aoai-eastus", ...input });
  return {
    harness,
    clock,
    surface: () => openSurface(readConfiguration({}, environment), { environment, err: () => {}, now: () => clock.now() }),
    model(backendId) {
      const found = models.of(backendId);
      if (found === undefined) throw new Error(`no model behind ${backendId}`);
      return found;
    },
    async asked(team, times) {
      const apiKey = sandbox.keys()[team] ?? "";
      const client = new AzureOpenAI({ endpoint: gateway, apiKey, apiVersion: "2024-10-21", maxRetries: 0 });
      const answers: (string | number)[] = [];
      while (answers.length < times) answers.push(await ask(client));
      return answers;
    },
    plan,
    watch: (drillId) => void active.add(drillId),
    async begin(input) {
      const { plan_id, confirm, status, guards } = await plan(input);
      if (status !== "planned") throw new Error(`${status}: ${JSON.stringify(guards)}`);
      const { drill_id } = await harness.ask(applyChange, { plan_id, confirm });
      if (drill_id === undefined) throw new Error("no drill was started");
      active.add(drill_id);
      return drill_id;
    },
    async pass(seconds) {
      const end = clock.now().getTime() + seconds * 1000;
      for (;;) {
        await untilParked();
        const [next] = parked.filter(({ due }) => due <= end).toSorted((a, b) => a.due - b.due);
        const time = clock.now().getTime();
        await clock.advance(Math.max(0, (next?.due ?? end) - time));
        if (next === undefined) return;
        parked.splice(parked.indexOf(next), 1);
        next.wake();
      }
    },
  };
}
