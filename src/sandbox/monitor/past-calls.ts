import { deploymentOf } from "../models/deployments.ts";
import { type ServedCalls, servedCalls } from "../models/served-calls.ts";
import { type History, minuteMs } from "./history.ts";
import { type MeasuredCall, trafficOf } from "./traffic.ts";

/** A call that the gateway had before the sandbox was opened. */
export interface PastCall extends MeasuredCall {
  /** Of the minute that it began in. */
  readonly number: number;
  readonly startedAt: Date;
  /** Null where the key was none. */
  readonly subscription: PastTeam | null;
  readonly operationId: string;
  readonly deployment: string;
  readonly errorSource: string | null;
  readonly errorMessage: string | null;
  /** Null where no model answered. */
  readonly tokens: { readonly prompt: number; readonly completion: number } | null;
  /** Of each attempt at the backend; null where the connection failed. */
  readonly attempts: readonly (number | null)[];
}

/** A subscription of the demo service, and how it calls. */
interface PastTeam {
  readonly id: string;
  readonly displayName: string;
  readonly product: string;
  /** Of its token limit. */
  readonly tokensPerMinute: number;
  /** Calls in a minute at an hour of the day (UTC), on average. */
  readonly rate: (hour: number) => number;
  readonly operation: "chat" | "embeddings";
  /** Tokens of a call, on average. */
  readonly prompt: number;
  readonly completion: number;
  /** How many times as much it calls for a few minutes of some hours of the working day. */
  readonly burst: number;
}

/** From 0 at 6 and 18 o'clock to 1 at noon, 0 at night. */
const daylight = (hour: number): number => Math.max(0, Math.sin((Math.PI * (hour - 6)) / 12));

/** Growth sends long contexts and now and then runs into its 200,000 tokens a minute; production keeps far below its own limit. */
const pastTeams: readonly PastTeam[] = [
  {
    ...{ id: "growth", displayName: "Growth", product: "aoai", tokensPerMinute: 200_000, operation: "chat" },
    ...{ rate: (hour) => 0.3 + 1.6 * daylight(hour), prompt: 16_000, completion: 900, burst: 10 },
  },
  {
    ...{ id: "prod-critical", displayName: "Production critical", product: "aoai", tokensPerMinute: 500_000, operation: "chat" },
    ...{ rate: (hour) => 0.8 + 2.6 * daylight(hour), prompt: 2600, completion: 420, burst: 1 },
  },
  {
    ...{ id: "analytics", displayName: "Analytics", product: "aoai", tokensPerMinute: 200_000, operation: "embeddings" },
    ...{ rate: (hour) => (hour >= 1 && hour < 4 ? 6 : 0.4), prompt: 5200, completion: 0, burst: 1 },
  },
  {
    ...{ id: "labs", displayName: "Labs", product: "aoai-trial", tokensPerMinute: 20_000, operation: "chat" },
    ...{ rate: (hour) => 0.1 + 0.5 * daylight(hour), prompt: 1500, completion: 350, burst: 6 },
  },
];

/** What served all of them. */
export const pastHost = "aoai-eastus.openai.azure.com";

const operations = {
  chat: { operationId: "ChatCompletions_Create", deployment: "gpt-4o" },
  embeddings: { operationId: "Embeddings_Create", deployment: "text-embedding-3-small" },
} as const;

/** What befalls a call that its limit lets through: shares of all of them. The API's policy tries a refused one once more. */
const mishaps: readonly { readonly share: number; readonly attempts: readonly (number | null)[] }[] = [
  { share: 0.006, attempts: [429, 200] },
  { share: 0.004, attempts: [429, 429] },
  { share: 0.002, attempts: [500, 200] },
  { share: 0.002, attempts: [500, 500] },
  { share: 0.0005, attempts: [null] },
];

const keyRefused = 0.0005;

/** The calls that began in a minute: always the same, so that whoever asks is told one story. In the order of their times. */
export function callsIn(minute: Date): readonly PastCall[] {
  const start = Math.floor(minute.getTime() / minuteMs) * minuteMs;
  const random = chances(start / minuteMs);
  const calls = pastTeams.flatMap((team) => callsOf(team, new Date(start), random));
  if (random() < keyRefused) calls.push(refusedKey(start, random));
  return calls.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime()).map((call, number) => ({ ...call, number }));
}

/** The history of the demo service up to `end`, told from its calls. */
export function pastHistory(end: Date): History {
  const before = (minute: Date): readonly PastCall[] => (minute < end ? callsIn(minute).filter(({ startedAt }) => startedAt < end) : []);
  return {
    traffic: (minute) => trafficOf(before(minute)),
    load(minute) {
      const busy = Math.min(1, (minute < end ? callsIn(minute).length : 0) / busiest);
      return { cpuPercent: round(8 + 45 * busy), memoryPercent: round(34 + 6 * busy) };
    },
    models(minute) {
      const served = servedCalls(pastHost);
      for (const call of before(minute)) for (const status of call.attempts) if (status !== null) served.record(servedCall(call, status));
      return served.traffic(minute);
    },
  };
}

/** An attempt that reached the model; all of a call's are counted in the minute in which it began. */
const servedCall = ({ startedAt, deployment, tokens }: PastCall, status: number): Parameters<ServedCalls["record"]>[0] => ({
  at: startedAt,
  deployment: deploymentOf(deployment),
  status,
  usage: status === 200 ? tokens : null,
});

/** Calls of a minute that keep the gateway as busy as it gets. */
const busiest = 30;

const round = (value: number): number => Math.round(value * 10) / 10;

/** So many minutes of a burst, in hours that have one. */
const burstMinutes = 4;
const burstHours = 0.35;

function callsOf(team: PastTeam, minute: Date, random: () => number): PastCall[] {
  const hour = minute.getUTCHours() + minute.getUTCMinutes() / 60;
  const isBurst = minute.getUTCMinutes() % 60 < burstMinutes && hour >= 7 && hour < 19 && hourChance(minute, team.id) < burstHours;
  const expected = team.rate(hour) * (isBurst ? team.burst : 1);
  const count = Math.floor(expected + random());
  const times = Array.from({ length: count }, () => Math.floor(random() * minuteMs)).sort((a, b) => a - b);
  let spent = 0;
  return times.map((offset) => {
    const startedAt = new Date(minute.getTime() + offset);
    // The limit counts what has been answered: the call that passes it still goes through.
    if (spent >= team.tokensPerMinute) return overLimit(team, startedAt, random);
    const call = answered(team, startedAt, random);
    spent += call.tokens === null ? 0 : call.tokens.prompt + call.tokens.completion;
    return call;
  });
}

const common = { apiId: "azure-openai", location: "East US", number: 0 } as const;

function answered(team: PastTeam, startedAt: Date, random: () => number): PastCall {
  const attempts = attemptsOf(random());
  const status = attempts.at(-1) ?? null;
  const spread = 0.4 + 1.2 * random();
  const tokens = { prompt: Math.round(team.prompt * spread), completion: Math.round(team.completion * (0.5 + random())) };
  const backendMs = Math.round(attempts.reduce((sum: number, answer) => sum + attemptMs(answer, tokens.completion, random), 0));
  return {
    ...common,
    ...operations[team.operation],
    startedAt,
    subscription: team,
    gatewayResponseCode: status ?? 500,
    backendResponseCode: status,
    lastErrorReason: status === null ? "BackendConnectionFailure" : null,
    errorSource: status === null ? "forward-request" : null,
    errorMessage: status === null ? "The backend could not be reached." : null,
    milliseconds: backendMs + 4 + Math.floor(random() * 12),
    backendMs,
    tokens: status === 200 ? tokens : null,
    attempts,
  };
}

function attemptsOf(chance: number): readonly (number | null)[] {
  let below = 0;
  for (const { share, attempts } of mishaps) {
    below += share;
    if (chance < below) return attempts;
  }
  return [200];
}

/** Whole milliseconds: a model takes longer the more it writes. */
function attemptMs(status: number | null, completion: number, random: () => number): number {
  if (status === 200) return Math.round(120 + completion * 9 * (0.8 + 0.5 * random()));
  return Math.round((status === null ? 2100 : status === 429 ? 60 : 450) * (0.7 + 0.6 * random()));
}

function overLimit(team: PastTeam, startedAt: Date, random: () => number): PastCall {
  return {
    ...common,
    ...operations[team.operation],
    startedAt,
    subscription: team,
    gatewayResponseCode: 429,
    backendResponseCode: null,
    lastErrorReason: "OpenAITokenLimitExceeded",
    errorSource: "llm-token-limit",
    errorMessage: `Token limit is exceeded. Try again in ${60 - startedAt.getUTCSeconds()} seconds.`,
    milliseconds: 2 + Math.floor(random() * 5),
    backendMs: 0,
    tokens: null,
    attempts: [],
  };
}

function refusedKey(minute: number, random: () => number): PastCall {
  return {
    ...common,
    ...operations.chat,
    startedAt: new Date(minute + Math.floor(random() * minuteMs)),
    subscription: null,
    gatewayResponseCode: 401,
    backendResponseCode: null,
    lastErrorReason: "SubscriptionKeyInvalid",
    errorSource: "authorization",
    errorMessage: "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
    milliseconds: 1 + Math.floor(random() * 3),
    backendMs: 0,
    tokens: null,
    attempts: [],
  };
}

/** An integer hash after Chris Wellons' lowbias32. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Numbers from 0 to below 1 that depend on the seed alone. */
function chances(seed: number): () => number {
  let count = 0;
  return () => mix(mix(seed) ^ Math.imul(++count, 0x9e3779b9)) / 2 ** 32;
}

/** The same for a whole hour. */
const hourChance = (minute: Date, team: string): number =>
  mix(
    Math.floor(minute.getTime() / (60 * minuteMs)) ^
      Math.imul(
        [...team].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7),
        0x9e3779b9,
      ),
  ) /
  2 ** 32;
