import { expect } from "vitest";
import type { z } from "zod";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { type MovableClock, movableClock } from "../../src/sandbox/clock.ts";
import type { ModelBackend } from "../../src/sandbox/models/backend.ts";
import { demoSetting } from "../../src/sandbox/monitor/diagnostic-settings.ts";
import { seedDemo } from "../../src/sandbox/seed.ts";
import type { World } from "../../src/sandbox/world.ts";
import { diagnoseGateway } from "../../tools/diagnose-gateway.ts";
import { type Harness, openHarness } from "../harness.ts";
import { breakerOfFive, twoRegions } from "../two-regions.ts";

export type Diagnosis = z.output<typeof diagnoseGateway.output>;

/** Late in the evening: the demo's teams call little, and none comes near its limit. */
export const start = new Date("2026-11-20T23:00:00Z");

export const breaker = breakerOfFive();

export { twoRegions };

export interface Service {
  readonly harness: Harness;
  readonly clock: MovableClock;
  readonly world: World;
  model(backendId: string): ModelBackend;
  /** Puts other properties over those of a document. */
  change(path: string, properties: JsonObject): void;
  /** Replaces a text of a policy; fails the test where the policy does not have it. */
  rewrite(path: string, from: string, to: string): void;
  /** Calls, a few seconds apart: their statuses, 0 for those that hang up. */
  send(team: string, times: number, options?: Sending): Promise<readonly number[]>;
  diagnose(input?: Record<string, unknown>): Promise<Diagnosis>;
  /** Names of the checks that have found something. */
  problems(input?: Record<string, unknown>): Promise<readonly string[]>;
}

export interface Sending {
  readonly key?: string;
  readonly hangsUp?: boolean;
  readonly prompt?: string;
  readonly secondsApart?: number;
  readonly stream?: boolean;
  readonly deployment?: string;
  /** In place of a prompt. */
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

export const apiPolicy = "apis/azure-openai/policies/policy";

const chat = (deployment: string) => `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`;

/** The machine may have much else to do. */
export const timeout = 120_000;

/** What no call has shown is unknown: a cache without a hit. */
const unshown = ["cache-embeddings", "cache-hits"];

/** What is found of faults that were planted together; fails the test where anything else is unknown, or something is left out. */
export async function found(planted: readonly ((service: Service) => Promise<void>)[]): Promise<readonly string[]> {
  const service = await openService();
  for (const plant of planted) await plant(service);
  await service.send("growth", 2);
  await service.clock.advance(60_000);
  const { problems, unknown, notes } = await service.diagnose();
  expect({ unknown: unknown.flatMap(({ checks }) => checks).filter((check) => !unshown.includes(check)), notes }).toEqual({
    unknown: [],
    notes: [],
  });
  return problems.map(({ check }) => check).toSorted();
}

/**
 * The demo service with two regions behind breakers, and a retry that also minds a backend without an answer: nothing is wrong with it. Without its past where that is not asked for: then the calls of the
 * test are all that there is.
 */
export async function openService({ past = false }: { readonly past?: boolean } = {}): Promise<Service> {
  const clock = movableClock(start);
  const harness = await openHarness({ clock, seed: past ? "demo" : "empty" });
  const { sandbox } = harness;
  const { world } = sandbox;
  if (!past) {
    seedDemo(world);
    world.diagnosticSettings = [demoSetting];
  }
  const change = (path: string, properties: JsonObject): void => {
    world.put(path, { ...world.get(path)?.properties, ...properties });
  };
  const rewrite = (path: string, from: string, to: string): void => {
    const { value } = world.get(path)?.properties ?? {};
    if (typeof value !== "string" || !value.includes(from)) throw new Error(`${path} has no '${from}'`);
    change(path, { value: value.replace(from, to) });
  };
  for (const id of ["aoai-eastus", "aoai-westeurope"]) change(`backends/${id}`, { circuitBreaker: breaker });
  world.put("backends/aoai-pool", twoRegions);
  rewrite(apiPolicy, 'count="1"', 'count="2"');
  const [gateway, { models }] = await Promise.all([sandbox.gateway(), sandbox.dataPlane()]);
  const send = async (
    team: string,
    { key, hangsUp = false, prompt = "Say hello", secondsApart = 2, headers: more = {}, ...asked }: Sending,
  ): Promise<number> => {
    const client = new AbortController();
    const headers = { "api-key": key ?? sandbox.keys()[team] ?? "", "content-type": "application/json", ...more };
    const chatBody = { messages: [{ role: "user", content: prompt }], ...(asked.stream === true ? { stream: true } : {}) };
    const body = JSON.stringify(asked.body ?? chatBody);
    const request = new Request(`https://sandbox.azure-api.net${chat(asked.deployment ?? "gpt-4o")}`, {
      method: "POST",
      headers,
      body,
      signal: client.signal,
    });
    const answering = gateway.fetch(request).then(
      async (answer) => {
        // A stream may break off.
        await answer.text().catch(() => "");
        return answer.status;
      },
      () => 0,
    );
    if (hangsUp) {
      await clock.advance(100);
      client.abort();
    }
    await clock.advance(secondsApart * 1000);
    return answering;
  };
  // What the first call would wait for while the clock goes on.
  await loadGrammar();
  const diagnose = (input: Record<string, unknown> = {}) => harness.ask(diagnoseGateway, input);
  return {
    harness,
    clock,
    world,
    model(backendId) {
      const found = models.of(backendId);
      if (found === undefined) throw new Error(`no model behind ${backendId}`);
      return found;
    },
    change,
    rewrite,
    async send(team, times, options = {}) {
      const seen: number[] = [];
      while (seen.length < times) seen.push(await send(team, options));
      return seen;
    },
    diagnose,
    problems: async (input) => (await diagnose(input)).problems.map(({ check }) => check),
  };
}
