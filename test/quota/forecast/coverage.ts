import { forecast } from "../../../src/quota/forecast/index.ts";
import { type Arrival, arrivals, type Shape, send } from "./generated-traffic.ts";
import { limitOf } from "./given.ts";

/** A team whose traffic goes on as it was, under a lower limit than before. */
export interface Scenario {
  readonly shape: Shape;
  readonly sku: "Premium" | "StandardV2";
  readonly hours: number;
  readonly seed: number;
  /** The part of its busy minutes that the new limit is above. */
  readonly above: number;
}

/** What the forecast said, and what the sandbox's gateway then did to other traffic of the same kind. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly forecast: number;
  readonly interval: readonly [number, number];
  readonly refused: number;
  readonly inside: boolean;
}

const minute = 60_000;
const ample = 1_000_000_000;

const policyOf = (tokensPerMinute: number): string =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tokensPerMinute}" estimate-prompt-tokens="false" />`;

/** Tokens of a minute, of those that have any, that so large a part of them stays below. */
function busyMinute(traffic: readonly Arrival[], part: number): number {
  const minutes = new Map<number, number>();
  for (const { at, milliseconds, prompt, completion } of traffic) {
    const index = Math.floor((at + milliseconds) / minute);
    minutes.set(index, (minutes.get(index) ?? 0) + prompt + completion);
  }
  const sums = [...minutes.values()].sort((a, b) => a - b);
  return sums[Math.floor(part * (sums.length - 1))] ?? 1;
}

/** Sends a history, forecasts a lower limit from what the logs hold of it, sets the limit and sends traffic drawn anew. */
export async function check(scenario: Scenario): Promise<Outcome> {
  const { shape, sku, hours, seed, above } = scenario;
  const past = arrivals(shape, hours, seed);
  const limit = busyMinute(past, above);
  const sent = await send(past, hours, { sku, policy: policyOf(ample) });
  const told = forecast(await sent.history(), { before: [limitOf("tpm", ample)], after: [limitOf("tpm", limit)], sku })?.after;
  if (told?.interval === undefined) throw new Error(`no interval for ${JSON.stringify(scenario)}`);
  const { statuses } = await send(arrivals(shape, hours, seed + 1_000_003), hours, { sku, policy: policyOf(limit) });
  const refused = statuses.filter((status) => status === 429).length / statuses.length;
  const [low, high] = told.interval;
  return { scenario, forecast: told.refused_share, interval: told.interval, refused, inside: low <= refused && refused <= high };
}

/** Of all shapes, tiers and lengths, from limits that are met often to ones that are met hardly ever. */
export const scenarios = (count: number, lengths: readonly number[], firstSeed: number): readonly Scenario[] =>
  Array.from({ length: count }, (_, index) => ({
    shape: (["steady", "bursty", "sparse"] as const)[index % 3] ?? "steady",
    sku: (["Premium", "StandardV2"] as const)[Math.floor(index / 3) % 2] ?? "Premium",
    hours: lengths[Math.floor(index / 18) % lengths.length] ?? 6,
    above: [0.8, 0.9, 0.95][Math.floor(index / 6) % 3] ?? 0.8,
    seed: firstSeed + index,
  }));
