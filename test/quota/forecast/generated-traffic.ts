import { openGateway } from "../../../src/azure/gateway.ts";
import type { RequestHistory } from "../../../src/gateway/past-requests.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { movableClock } from "../../../src/sandbox/clock.ts";
import type { Upstream } from "../../../src/sandbox/gateway/policy.ts";
import { demoSetting } from "../../../src/sandbox/monitor/diagnostic-settings.ts";
import { createSandbox } from "../../../src/sandbox/sandbox.ts";
import { sandboxService } from "../../../src/sandbox/service.ts";
import { armId } from "../../../src/sandbox/world.ts";
import { readRequestHistory } from "../../../src/usage/request-history.ts";
import { neverAborted, quickTiming } from "../../azure/wire.ts";
import { rememberedKql } from "../../remembered-kql.ts";

const hourMs = 3_600_000;
/** After the last request comes in, until the history is read: by then all of them have been answered. */
const tailMs = 15 * 60_000;
const start = new Date("2026-11-20T00:00:00Z");

/** A request that somebody means to send. */
export interface Arrival {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly prompt: number;
  readonly completion: number;
  readonly milliseconds: number;
}

export type Shape = "steady" | "bursty" | "sparse";

/** Random numbers of a test's own (a linear congruential generator). */
export function chances(seed: number): () => number {
  let state = (seed * 9301 + 49297) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** When the first request may come: the gateway has had one call before. */
export const begin = new Date(start.getTime() + hourMs);

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const logNormal = (random: () => number, median: number, sigma: number): number =>
  Math.max(4, Math.round(median * Math.exp(sigma * normal(random))));
const waits = (random: () => number, mean: number): number => -mean * Math.log(1 - random());

/** Starts of bursts, or of single requests, by chance alone; how many requests come at once, and how far apart. */
const shapes: Readonly<Record<Shape, { readonly everyMs: number; readonly most: number; readonly apartMs: number }>> = {
  steady: { everyMs: 60_000, most: 1, apartMs: 0 },
  bursty: { everyMs: 4 * 60_000, most: 12, apartMs: 4000 },
  sparse: { everyMs: 25 * 60_000, most: 30, apartMs: 2500 },
};

/** Traffic of so many hours: clustered arrivals, tokens spread log-normally, the longer an answer the longer its time. */
export function arrivals(shape: Shape, hours: number, seed: number): readonly Arrival[] {
  const random = chances(seed);
  const { everyMs, most, apartMs } = shapes[shape];
  const found: Arrival[] = [];
  for (let burst = waits(random, everyMs); burst < hours * hourMs; burst += waits(random, everyMs)) {
    const count = 1 + Math.floor(random() * most);
    for (let at = burst, index = 0; index < count && at < hours * hourMs; index++, at += waits(random, apartMs)) {
      const completion = logNormal(random, 300, 0.6);
      found.push({ at: Math.floor(at), prompt: logNormal(random, 700, 0.8), completion, milliseconds: 200 + completion * 12 });
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

/** What became of requests that were sent through the sandbox's gateway. */
export interface Sent {
  /** In the order of the arrivals. */
  readonly statuses: readonly number[];
  /** The team's history as a tool reads it: through the log query API, by KQL. */
  history(): Promise<RequestHistory>;
}

export interface SendOptions {
  readonly sku: string;
  /** The limit of the one API, e.g. `<llm-token-limit ... />`. */
  readonly policy: string;
  readonly regions?: readonly string[];
}

/** A message that the gateway estimates at so many tokens, at least 3: four characters a token, and three for the message. */
const textOf = (tokens: number): string => "text".repeat(Math.max(0, tokens - 3));

/** A model that answers each request with the tokens that it names, after the time that it names. */
const obedientModel = (wait: (milliseconds: number) => Promise<void>): Upstream => ({
  matches: ({ hostname }) => hostname === "model.test",
  async fetch(request) {
    const { prompt, completion, milliseconds }: Omit<Arrival, "at"> = JSON.parse(await request.text());
    if (milliseconds > 0) await wait(milliseconds);
    return Response.json({
      object: "chat.completion",
      model: "gpt-4o",
      choices: [],
      usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    });
  },
});

/** Sends traffic through a gateway of its own. */
export async function send(traffic: readonly Arrival[], hours: number, { sku, policy, regions }: SendOptions): Promise<Sent> {
  const clock = movableClock(start);
  const sandbox = createSandbox({
    seed: "empty",
    clock,
    grammar: loadGrammar,
    kql: rememberedKql,
    ...(regions === undefined ? {} : { regions }),
  });
  const { world } = sandbox;
  world.service = { ...world.service, sku: { name: sku, capacity: 1 } };
  world.diagnosticSettings = [demoSetting];
  for (const [path, properties] of [
    ["loggers/azuremonitor", { loggerType: "azureMonitor" }],
    ["diagnostics/azuremonitor", { loggerId: armId("loggers/azuremonitor"), largeLanguageModel: { logs: "enabled" } }],
    [
      "apis/llm",
      { displayName: "LLM", path: "llm", serviceUrl: "https://model.test", subscriptionRequired: true, isCurrent: true, apiRevision: "1" },
    ],
    ["apis/llm/operations/chat", { displayName: "Chat", method: "POST", urlTemplate: "/deployments/{deployment-id}/chat/completions" }],
    [
      "apis/llm/policies/policy",
      {
        format: "rawxml",
        value: `<policies><inbound>${policy}</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`,
      },
    ],
    ["subscriptions/team", { displayName: "Team", scope: armId("apis/llm"), state: "active", createdDate: "2026-01-12T08:00:00.000Z" }],
  ] as const) {
    world.put(path, properties);
  }
  world.upstreams.push(obedientModel((milliseconds) => clock.wait(milliseconds)));
  const gateway = await sandbox.gateway();
  const key = sandbox.keys().team ?? "";
  const requestOf = (arrival: Omit<Arrival, "at">): Request =>
    new Request("https://sandbox/llm/deployments/gpt-4o/chat/completions", {
      method: "POST",
      headers: { "ocp-apim-subscription-key": key, "content-type": "application/json" },
      body: JSON.stringify({ ...arrival, messages: [{ role: "user", content: textOf(arrival.prompt) }] }),
    });
  // What the gateway loads at its first call takes real time, in which the clock would go on.
  await (await gateway.fetch(requestOf({ prompt: 1, completion: 0, milliseconds: 0 }))).text();
  await clock.advance(hourMs);
  const statuses: number[] = [];
  const pending: Promise<void>[] = [];
  let now = 0;
  for (const [index, arrival] of traffic.entries()) {
    if (arrival.at > now) await clock.advance(arrival.at - now);
    now = arrival.at;
    pending.push(
      (async () => {
        const answer = await gateway.fetch(requestOf(arrival));
        await answer.text();
        statuses[index] = answer.status;
      })(),
    );
  }
  await clock.advance(hours * hourMs - now + tailMs);
  await Promise.all(pending);
  const history = async (): Promise<RequestHistory> => {
    const target = { resourceId: sandboxService.resourceId, cloud: "public", accessToken: sandbox.token, fetch: sandbox.fetch } as const;
    const opened = openGateway(target, quickTiming());
    const readers = { gateway: opened.reader(neverAborted), metrics: opened.metrics(neverAborted), logs: opened.logs(neverAborted) };
    return readRequestHistory(readers, { subscriptionId: "team", window: `PT${hours * 60 + 15}M` }, clock.now());
  };
  return { statuses, history };
}
