import { APIError, AzureOpenAI } from "openai";
import { onTestFinished } from "vitest";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { type MovableClock, movableClock } from "../../../src/sandbox/clock.ts";
import type { ModelBackend } from "../../../src/sandbox/models/backend.ts";
import { createSandbox, type Sandbox } from "../../../src/sandbox/sandbox.ts";
import { serveSandbox } from "../../../src/sandbox/serve.ts";
import { armId, type World } from "../../../src/sandbox/world.ts";

/** As `package.json` of `openai` has it. */
export const runsOpenAI = Number(process.versions.node.split(".")[0]) >= 22;
/** For the name of a suite that cannot run without it. */
export const openAINote = runsOpenAI ? "" : " (skipped: the package openai needs Node 22)";

export const start = new Date("2026-11-20T10:00:00Z");

/** The demo service behind a port, and a client of each team. */
export interface Traffic {
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly clock: MovableClock;
  /** The fake behind a backend of the service. */
  model(backendId: string): ModelBackend;
  /** Origin of the gateway. */
  readonly url: string;
  /** The `openai` package's own client with a team's key, without retries of its own. */
  client(sid: string): AzureOpenAI;
  clientWith(key: string): AzureOpenAI;
  readonly key: (sid: string) => string;
}

export interface TrafficOptions {
  /** Regions of the gateway's instances. */
  readonly regions?: readonly string[];
  readonly resources?: readonly (readonly [path: string, properties: JsonObject])[];
  /** Of the service; a v2 tier where left out. */
  readonly sku?: string;
}

/** On a clock that stands still until the test moves it; everything is closed when the test ends. */
export async function openTraffic({ regions, resources = [], sku }: TrafficOptions = {}): Promise<Traffic> {
  const clock = movableClock(start);
  const sandbox = createSandbox({ clock, grammar: loadGrammar, ...(regions === undefined ? {} : { regions }) });
  const { world } = sandbox;
  if (sku !== undefined) world.service = { ...world.service, sku: { name: sku, capacity: 1 } };
  for (const [path, properties] of resources) world.put(path, properties);
  const [{ models }, { ready, close }] = await Promise.all([sandbox.dataPlane(), serveSandbox(sandbox, {})]);
  onTestFinished(close);
  const url = ready.gateway;
  const key = (sid: string): string => {
    const found = sandbox.keys()[sid];
    if (found === undefined) throw new Error(`no subscription ${sid}`);
    return found;
  };
  const clientWith = (apiKey: string) => new AzureOpenAI({ endpoint: url, apiKey, apiVersion: "2024-10-21", maxRetries: 0 });
  return {
    sandbox,
    world,
    clock,
    url,
    key,
    model(backendId) {
      const found = models.of(backendId);
      if (found === undefined) throw new Error(`no model behind ${backendId}`);
      return found;
    },
    client: (sid) => clientWith(key(sid)),
    clientWith,
  };
}

export const gpt = "gpt-4o";
export const ada = "text-embedding-3-small";

export const question = (content: string) => ({ model: gpt, messages: [{ role: "user" as const, content }] });

/** Asks a model through the gateway: the backend's region that has answered, or the status of the error that the client throws. */
export async function ask(client: AzureOpenAI, content = "Say hello"): Promise<string | number> {
  try {
    const { response } = await client.chat.completions.create(question(content)).withResponse();
    return response.headers.get("x-ms-region") ?? "";
  } catch (error) {
    if (error instanceof APIError) return error.status ?? "no answer";
    throw error;
  }
}

/** What a client throws. */
export async function failure(asked: Promise<unknown>): Promise<APIError> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error("the client got an answer");
}

/** A policy document of which the sections are given; the others are what the broader scopes have. */
export const policy = (sections: { readonly inbound?: string; readonly backend?: string; readonly outbound?: string }): JsonObject => ({
  format: "rawxml",
  value: `<policies>
  <inbound>${sections.inbound ?? "<base />"}</inbound>
  <backend>${sections.backend ?? "<base />"}</backend>
  <outbound>${sections.outbound ?? "<base />"}</outbound>
  <on-error><base /></on-error>
</policies>`,
});

/** What every policy of the model's API needs here: who it is, and where it goes. */
export const toPool = '<base /><include-fragment fragment-id="aoai-auth" /><set-backend-service backend-id="aoai-pool" />';

export interface Member {
  readonly id: string;
  readonly priority?: number;
  readonly weight?: number;
}

export const poolOf = (services: readonly Member[]): JsonObject => ({
  type: "Pool",
  pool: { services: services.map(({ id, ...member }) => ({ id: armId(`backends/${id}`), ...member })) },
});

/** A backend resource of its own region, with a breaker where one is given. */
export const backendOf = (host: string, breaker?: JsonObject): JsonObject => ({
  type: "Single",
  url: `https://${host}.openai.azure.com/openai`,
  protocol: "http",
  ...(breaker === undefined ? {} : { circuitBreaker: { rules: [{ name: "rule", ...breaker }] } }),
});
